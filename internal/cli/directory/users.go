package directory

import (
	"strings"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/lifecycle"
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
	CustomURN     = "urn:ietf:params:scim:schemas:idcs:extension:custom:User"
	GroupURN      = "urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group"

	lastLogin  = UserStateURN + ":lastSuccessfulLoginDate"
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
			"title", "meta", EnterpriseURN + ":department", EnterpriseURN + ":employeeNumber", lastLogin, lifecycle.AttrLastFailure, userStatus,
			lifecycle.AttrFederated, lifecycle.AttrLocked, lifecycle.AttrPasswordSet, lifecycle.AttrMustChange,
		},
		Extra:        []string{lastLogin, lifecycle.AttrLastFailure, userStatus},
		Key:          func(d *scim.Document) string { return d.String("userName") },
		KeyAttribute: "userName",
		Names:        namesOf[idcs.User](),
		SortBy:       "emails.value",
		Search:       UserSearch(),
		Card:         userCard,
		Named:        nameApps,
		CardExtra:    userCardExtra(),
		States:       true,
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
				if lastAttempt(*u) == "" {
					return output.Dim
				}
				return output.Plain
			},
		},
		{
			Name: "Status", Get: func(u *scim.Document) string { return UserStatus(d, *u).String() },
			Paint: func(u *scim.Document) output.Colour { return statusColour(UserStatus(d, *u).State) },
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

// Activity is when the user last tried to sign in, "never" when the service
// knows of no time.
func Activity(d *cmdutil.Deps, u scim.Document) string {
	if path := lastAttempt(u); path != "" {
		return date(d, u, path)
	}
	return "never"
}

// lastAttempt is the attribute with the later of the last sign-in that
// succeeded and the last that failed, empty where there was none.
func lastAttempt(u scim.Document) string {
	good, bad := u.String(lastLogin), u.String(lifecycle.AttrLastFailure)
	switch {
	case good == "" && bad == "":
		return ""
	case bad == "":
		return lastLogin
	case good == "":
		return lifecycle.AttrLastFailure
	}
	g, gerr := scim.ParseTime(good)
	b, berr := scim.ParseTime(bad)
	if gerr == nil && berr == nil && b.After(g) {
		return lifecycle.AttrLastFailure
	}
	return lastLogin
}

// date shows a time for a person on a terminal, in the zone of the clock, and
// as the service sent it everywhere else.
func date(d *cmdutil.Deps, doc scim.Document, path string) string {
	raw := doc.String(path)
	if raw == "" || !forPeople(d) {
		return raw
	}
	t, err := scim.ParseTime(raw)
	if err != nil {
		return raw
	}
	return showTime(d, t)
}

// forPeople says whether times are printed the way a person reads them.
func forPeople(d *cmdutil.Deps) bool {
	return d.IO.OutTerminal && Tabular(d.Output.Format) && d.Clock != nil
}

// showTime is a time for a cell or a card.
func showTime(d *cmdutil.Deps, t time.Time) string {
	if !forPeople(d) {
		return t.UTC().Format(time.RFC3339)
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
