package directory

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// URNs of extensions that the card reads.
const (
	mfaURN           = "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User"
	passwordStateURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:passwordState:User" //nolint:gosec // a schema

	mfaStatus  = mfaURN + ":mfaStatus"
	mfaFactor  = mfaURN + ":preferredAuthenticationFactor"
	mfaDevices = mfaURN + ":devices"
	mfaAgents  = mfaURN + ":trustedUserAgents"
	mfaBypass  = mfaURN + ":bypassCodes"
	recovery   = UserURN + ":isAccountRecoveryEnrolled"
	appRoles   = UserURN + ":appRoles"
	cantExpire = passwordStateURN + ":cantExpire"
)

// userCardExtra are the attributes of the card that are sent on request only.
func userCardExtra() []string {
	return append(lifecycle.Attributes(), lifecycle.AttrPwdExpired, lifecycle.AttrPwdPolicy, cantExpire,
		mfaStatus, mfaFactor, mfaDevices, mfaAgents, mfaBypass, recovery, appRoles, "groups")
}

// userCard has three parts: who it is, how they sign in, what they may do.
func userCard(d *cmdutil.Deps) []Line {
	return []Line{
		{Part: "Personal data"},
		{Name: "Name", Get: UserLabel, Paths: []string{"displayName", "name.formatted"}},
		{Name: "Login", Path: "userName"},
		{Name: "Email", Get: Email, Paths: []string{"emails"}},
		{Name: "Other email", Get: otherEmails},
		{Name: "Status", Get: func(u scim.Document) string { return UserStatus(d, u).String() }, Paths: []string{"active", userStatus, lifecycle.AttrLocked}},
		{Name: "Link ends", Get: linkEnds(d)},
		{Name: "Recent activity", Get: func(u scim.Document) string { return Activity(d, u) }, Paths: []string{lastLogin, lifecycle.AttrLastFailure}},
		{Name: "Given name", Path: "name.givenName"},
		{Name: "Family name", Path: "name.familyName"},
		{Name: "Title", Path: "title"},
		{Name: "User type", Path: "userType"},
		{Name: "Department", Path: EnterpriseURN + ":department"},
		{Name: "Organization", Path: EnterpriseURN + ":organization"},
		{Name: "Employee number", Path: EnterpriseURN + ":employeeNumber"},
		{Name: "Manager", Get: manager, Paths: []string{EnterpriseURN + ":manager"}},
		{Name: "Phone", Get: phones, Paths: []string{"phoneNumbers"}},
		{Name: "Language", Path: "preferredLanguage"},
		{Values: CustomURN},
		{Name: "ID", Path: "id"},
		{Name: "OCID", Path: "ocid"},
		{Name: "Created", Get: dateIn(d, "meta.created"), Paths: []string{"meta.created"}},
		{Name: "Last modified", Get: dateIn(d, "meta.lastModified"), Paths: []string{"meta.lastModified"}},

		{Part: "Authentication methods"},
		{Name: "Password", Get: password(d), Paths: []string{passwordStateURN}},
		{Name: "Password policy", Path: lifecycle.AttrPwdPolicy + ".display"},
		{Name: "Identity provider", Get: federated, Paths: []string{lifecycle.AttrFederated}},
		{Name: "Second factor", Get: secondFactor, Paths: []string{mfaStatus, mfaFactor}},
		{Name: "Devices", Get: devices, Paths: []string{mfaDevices}},
		{Name: "Trusted browsers", Get: count(mfaAgents), Paths: []string{mfaAgents}},
		{Name: "Bypass codes", Get: count(mfaBypass), Paths: []string{mfaBypass}},
		{Name: "Account recovery", Get: enrolled, Paths: []string{recovery}},

		{Part: "Roles and groups"},
		{Name: "Groups", Get: func(u scim.Document) string { return strings.Join(u.Strings("groups.display"), ", ") }, Paths: []string{"groups"}},
		{Name: "Roles", Get: roles, Paths: []string{appRoles}},
	}
}

func linkEnds(d *cmdutil.Deps) func(scim.Document) string {
	return func(u scim.Document) string {
		s := UserStatus(d, u)
		if s.Expires.IsZero() {
			return ""
		}
		return showTime(d, s.Expires)
	}
}

// password says when it was set and what holds of it.
func password(d *cmdutil.Deps) func(scim.Document) string {
	return func(u scim.Document) string {
		if _, told := u.Get(passwordStateURN); !told {
			return ""
		}
		set := date(d, u, lifecycle.AttrPasswordSet)
		if set == "" {
			return "none"
		}
		text := "set " + set
		if expired, _ := u.Bool(lifecycle.AttrPwdExpired); expired {
			text += ", expired"
		}
		if must, _ := u.Bool(lifecycle.AttrMustChange); must {
			text += ", must be changed at the next sign-in"
		}
		if never, _ := u.Bool(cantExpire); never {
			text += ", does not expire"
		}
		return text
	}
}

func federated(u scim.Document) string {
	if yes, _ := u.Bool(lifecycle.AttrFederated); yes {
		return "an external one, the domain keeps no password"
	}
	return ""
}

func secondFactor(u scim.Document) string {
	status := u.String(mfaStatus)
	words := map[string]string{
		"ENROLLED": "enrolled", "IGNORED": "put off by the user", "UN_ENROLLED": "none enrolled", "DISABLED": "disabled",
	}
	if w, ok := words[strings.ToUpper(status)]; ok {
		status = w
	}
	if factor := u.String(mfaFactor); factor != "" {
		if status == "" {
			return factor
		}
		return status + ", " + factor + " first"
	}
	return status
}

func devices(u scim.Document) string {
	var out []string
	for _, e := range elements(u, mfaDevices) {
		name := e.String("display")
		if name == "" {
			name = e.String("value")
		}
		out = append(out, labelled(name, strings.ToLower(e.String("factorType"))))
	}
	return strings.Join(out, ", ")
}

func count(path string) func(scim.Document) string {
	return func(u scim.Document) string {
		if n := len(elements(u, path)); n > 0 {
			return strconv.Itoa(n)
		}
		return ""
	}
}

func enrolled(u scim.Document) string {
	if yes, told := u.Bool(recovery); told && yes {
		return "enrolled"
	}
	return ""
}

// namesAtOnce is how many apps are looked up in one call.
const namesAtOnce = 40

// nameApps puts the display names of apps into the roles of users: the service
// tells their names, which it makes up for most.
func nameApps(ctx context.Context, d *cmdutil.Deps, docs []scim.Document) []scim.Document {
	names := map[string]string{}
	for _, u := range docs {
		for _, r := range elements(u, appRoles) {
			if id := r.String("appId"); id != "" {
				names[id] = ""
			}
		}
	}
	if len(names) == 0 {
		return docs
	}
	p, err := d.Provider(ctx)
	if err != nil {
		return docs
	}
	apps, err := p.Resource("App")
	if err != nil {
		return docs
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(names)), namesAtOnce) {
		terms := make([]filter.Expr, len(ids))
		for i, id := range ids {
			terms[i] = filter.Eq(filter.MustAttr("id"), id)
		}
		page, err := apps.Page(ctx, scim.ListOptions{Filter: filter.AnyOf(terms...), Attributes: []string{"displayName"}, Count: len(ids)})
		if err != nil {
			return docs // not everybody may read apps
		}
		for _, app := range page.Resources {
			names[app.ID()] = app.String("displayName")
		}
	}
	out := make([]scim.Document, len(docs))
	for i, u := range docs {
		out[i] = u.Clone()
		for _, r := range elements(out[i], appRoles) {
			if name := names[r.String("appId")]; name != "" {
				r["appName"] = name
			}
		}
	}
	return out
}

// roles are written as App/Role, the way they are named.
func roles(u scim.Document) string {
	var out []string
	for _, r := range elements(u, appRoles) {
		name := r.String("display")
		if app := r.String("appName"); app != "" {
			name = app + "/" + name
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
