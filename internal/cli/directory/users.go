package directory

import (
	"strings"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
)

// URNs of the extensions that commands name.
const (
	EnterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	UserURN       = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	UserStateURN  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	GroupURN      = "urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group"

	lastLogin  = UserStateURN + ":lastSuccessfulLoginDate"
	lockedOn   = UserStateURN + ":locked.on"
	userStatus = UserURN + ":status"
)

// UserSearch are the attributes that users search looks into, all of them
// searchable on the service. Attributes of one's own come with --in.
func UserSearch() []string {
	return []string{
		"userName", "displayName", "name.givenName", "name.familyName", "name.formatted", "nickName",
		"emails.value", "phoneNumbers.value", EnterpriseURN + ":employeeNumber", "externalId",
	}
}

// Users is the kind of users.
func Users() Kind {
	return Kind{
		Noun: "user", Plural: "users", Command: "users", Example: "ada@example.com",
		Open:    func(p provider.Provider, _ string) (provider.Resources, error) { return p.Users(), nil },
		Columns: userColumns,
		TableAttributes: []string{
			"userName", "displayName", "name.formatted", "emails.value", "emails.type", "emails.primary", "active",
			"title", "meta", EnterpriseURN + ":department", EnterpriseURN + ":employeeNumber", lastLogin, lockedOn, userStatus,
		},
		Extra:        []string{lastLogin, userStatus},
		Key:          func(d *scim.Document) string { return d.String("userName") },
		KeyAttribute: "userName",
		Names:        namesOf[idcs.User](),
		SortBy:       "emails.value",
		Search:       UserSearch(),
		Card:         userCard,
	}
}

func userColumns(d *cmdutil.Deps) []output.Column[scim.Document] {
	text := func(path string) func(*scim.Document) string {
		return func(u *scim.Document) string { return u.String(path) }
	}
	return []output.Column[scim.Document]{
		{Name: "Name", Path: "displayName", Get: func(u *scim.Document) string { return UserLabel(*u) }},
		{Name: "Email", Get: func(u *scim.Document) string { return Email(*u) }},
		{
			Name: "Recent activity", Path: lastLogin, Get: func(u *scim.Document) string { return Activity(d, *u) },
			Paint: func(u *scim.Document) output.Colour {
				if u.String(lastLogin) == "" {
					return output.Dim
				}
				return output.Plain
			},
		},
		{
			Name: "Status", Get: func(u *scim.Document) string { return string(UserStatus(*u)) },
			Paint: func(u *scim.Document) output.Colour { return UserStatus(*u).colour() },
		},
		{Name: "Login", Path: "userName", Wide: true, Get: text("userName")},
		{Name: "ID", Path: "id", Wide: true, Get: text("id")},
		{Name: "Title", Path: "title", Wide: true, Get: text("title")},
		{Name: "Department", Path: EnterpriseURN + ":department", Wide: true, Get: text(EnterpriseURN + ":department")},
		{Name: "Employee number", Path: EnterpriseURN + ":employeeNumber", Wide: true, Get: text(EnterpriseURN + ":employeeNumber")},
		{Name: "Created", Path: "meta.created", Wide: true, Get: DateOf(d, "meta.created")},
		{Name: "Last modified", Path: "meta.lastModified", Wide: true, Get: DateOf(d, "meta.lastModified")},
	}
}

func userCard(d *cmdutil.Deps) []Line {
	return []Line{
		{Name: "Name", Get: UserLabel, Paths: []string{"displayName", "name.formatted"}},
		{Name: "Login", Path: "userName"},
		{Name: "Email", Get: Email, Paths: []string{"emails"}},
		{Name: "Other email", Get: otherEmails},
		{Name: "Status", Get: func(u scim.Document) string { return string(UserStatus(u)) }, Paths: []string{"active", userStatus, UserStateURN + ":locked"}},
		{Name: "Recent activity", Get: func(u scim.Document) string { return Activity(d, u) }, Paths: []string{lastLogin}},
		{Name: "Given name", Path: "name.givenName"},
		{Name: "Family name", Path: "name.familyName"},
		{Name: "Title", Path: "title"},
		{Name: "User type", Path: "userType"},
		{Name: "Department", Path: EnterpriseURN + ":department"},
		{Name: "Organization", Path: EnterpriseURN + ":organization"},
		{Name: "Employee number", Path: EnterpriseURN + ":employeeNumber"},
		{Name: "Manager", Get: manager, Paths: []string{EnterpriseURN + ":manager"}},
		{Name: "Phone", Get: phones, Paths: []string{"phoneNumbers"}},
		{Name: "Groups", Get: func(u scim.Document) string { return strings.Join(u.Strings("groups.display"), ", ") }, Paths: []string{"groups"}},
		{Name: "ID", Path: "id"},
		{Name: "OCID", Path: "ocid"},
		{Name: "Created", Get: dateIn(d, "meta.created"), Paths: []string{"meta.created"}},
		{Name: "Last modified", Get: dateIn(d, "meta.lastModified"), Paths: []string{"meta.lastModified"}},
	}
}

// UserLabel is what a person calls a user: the display name, else the name,
// else the login.
func UserLabel(u scim.Document) string {
	for _, path := range []string{"displayName", "name.formatted", "userName", "id"} {
		if s := u.String(path); s != "" {
			return s
		}
	}
	return ""
}

// Email is the user's primary address, else the first one.
func Email(u scim.Document) string { return u.String("emails.value") }

func otherEmails(u scim.Document) string {
	main, seen := Email(u), map[string]bool{}
	var out []string
	for _, e := range elements(u, "emails") {
		if a := e.String("value"); a != "" && a != main && !seen[a] {
			seen[a] = true
			out = append(out, labelled(a, e.String("type")))
		}
	}
	return strings.Join(out, ", ")
}

func phones(u scim.Document) string {
	var out []string
	for _, e := range elements(u, "phoneNumbers") {
		if n := e.String("value"); n != "" {
			out = append(out, labelled(n, e.String("type")))
		}
	}
	return strings.Join(out, ", ")
}

func manager(u scim.Document) string {
	if s := u.String(EnterpriseURN + ":manager.displayName"); s != "" {
		return s
	}
	return u.String(EnterpriseURN + ":manager.value")
}

func labelled(value, kind string) string {
	if kind == "" {
		return value
	}
	return value + " (" + kind + ")"
}

// elements are the objects of a multi-valued attribute.
func elements(doc scim.Document, path string) []scim.Document {
	v, _ := doc.Get(path)
	list, _ := v.([]any)
	var out []scim.Document
	for _, e := range list {
		switch m := e.(type) {
		case map[string]any:
			out = append(out, m)
		case scim.Document:
			out = append(out, m)
		}
	}
	return out
}

// Status is the state of a user in one word.
type Status string

// The states of a user.
const (
	StatusActive   Status = "Active"
	StatusInactive Status = "Inactive"
	StatusLocked   Status = "Locked"
	StatusPending  Status = "Pending"
)

// UserStatus joins what the service says of a user's state in several places.
// A user who was deactivated is inactive whatever else holds; a lock counts
// before a registration that was not confirmed yet. An answer that does not
// say whether the user is active means active, the service's default.
func UserStatus(u scim.Document) Status {
	if active, known := u.Bool("active"); known && !active {
		return StatusInactive
	}
	if locked, _ := u.Bool(lockedOn); locked {
		return StatusLocked
	}
	if strings.EqualFold(u.String(userStatus), "pendingVerification") {
		return StatusPending
	}
	return StatusActive
}

func (s Status) colour() output.Colour {
	switch s {
	case StatusActive:
		return output.Green
	case StatusLocked:
		return output.Red
	case StatusPending:
		return output.Yellow
	case StatusInactive:
	}
	return output.Dim
}

// Activity is when the user last signed in, "never" when the service knows of
// no time.
func Activity(d *cmdutil.Deps, u scim.Document) string {
	if s := date(d, u, lastLogin); s != "" {
		return s
	}
	return "never"
}

// date shows a time for a person on a terminal, in the zone of the clock, and
// as the service sent it everywhere else.
func date(d *cmdutil.Deps, doc scim.Document, path string) string {
	raw := doc.String(path)
	if raw == "" || !d.IO.OutTerminal || !tabular(d.Output.Format) || d.Clock == nil {
		return raw
	}
	t, err := scim.ParseTime(raw)
	if err != nil {
		return raw
	}
	now := d.Clock()
	t = t.In(now.Location())
	if age := now.Sub(t); age >= 0 && age < 24*time.Hour && t.Day() == now.Day() {
		return "today " + t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// DateOf is the cell of a column with a time.
func DateOf(d *cmdutil.Deps, path string) func(*scim.Document) string {
	return func(doc *scim.Document) string { return date(d, *doc, path) }
}

func dateIn(d *cmdutil.Deps, path string) func(scim.Document) string {
	return func(doc scim.Document) string { return date(d, doc, path) }
}
