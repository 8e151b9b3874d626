package directory

import (
	"context"
	"iter"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
)

// Apps is the kind of applications. Documents come without the client secret,
// which services tell to whoever may read an app.
func Apps() Kind {
	return Kind{
		Noun: "app", Plural: "apps", Command: "apps", Example: "Payroll",
		Open: func(p provider.Provider, _ string) (provider.Resources, error) {
			a, err := provider.AccessOf(p)
			if err != nil {
				return nil, err
			}
			return secretless{a.Apps()}, nil
		},
		Columns: appColumns,
		TableAttributes: []string{
			"displayName", "name", "active", "clientType", "isOAuthClient", "isOAuthResource", "isManagedApp",
			"isSamlServiceProvider", "description", "audience", "meta",
		},
		Key:          func(d *scim.Document) string { return d.String("displayName") },
		KeyAttribute: "displayName",
		Names:        namesOf[idcs.App](),
		SortBy:       "displayName",
		Search:       []string{"displayName", "name", "description"},
		Card:         appCard,
	}
}

// AppKinds are what an app is, in words: what it does with tokens, and whether
// accounts in it are managed.
func AppKinds(app scim.Document) string {
	var words []string
	is := func(attr string) bool { b, _ := app.Bool(attr); return b }
	if is("isOAuthClient") {
		kind := app.String("clientType")
		if kind == "" {
			kind = "client"
		}
		words = append(words, kind)
	}
	for _, k := range [][2]string{{"isOAuthResource", "resource"}, {"isSamlServiceProvider", "saml"}, {"isManagedApp", "managed"}} {
		if is(k[0]) {
			words = append(words, k[1])
		}
	}
	return strings.Join(words, ", ")
}

func appState(app scim.Document) string {
	active, said := app.Bool("active")
	switch {
	case !said:
		return ""
	case active:
		return "Active"
	}
	return "Inactive"
}

func appColumns(d *cmdutil.Deps) []output.Column[scim.Document] {
	text := func(path string) func(*scim.Document) string {
		return func(a *scim.Document) string { return a.String(path) }
	}
	return []output.Column[scim.Document]{
		{Name: "Name", Path: "displayName", Get: text("displayName")},
		{Name: "Type", Get: func(a *scim.Document) string { return AppKinds(*a) }},
		{Name: "Status", Path: "active", Get: func(a *scim.Document) string { return appState(*a) }},
		{Name: "Client ID", Path: "name", Get: text("name")},
		{Name: "ID", Path: "id", Wide: true, Get: text("id")},
		{Name: "Description", Path: "description", Wide: true, Get: text("description")},
		{Name: "Audience", Path: "audience", Wide: true, Get: text("audience")},
		{Name: "Created", Path: "meta.created", Wide: true, Get: DateOf(d, "meta.created")},
		{Name: "Last modified", Path: "meta.lastModified", Wide: true, Get: DateOf(d, "meta.lastModified")},
	}
}

func appCard(d *cmdutil.Deps) []Line {
	return []Line{
		{Name: "Name", Path: "displayName"},
		{Name: "Description", Path: "description"},
		{Name: "Type", Get: AppKinds, Paths: []string{"clientType", "isOAuthClient", "isOAuthResource", "isSamlServiceProvider", "isManagedApp"}},
		{Name: "Status", Get: appState, Paths: []string{"active"}},
		{Name: "Client ID", Path: "name"},
		{Name: "Grants allowed", Path: "allowedGrants"},
		{Name: "Redirects", Path: "redirectUris"},
		{Name: "After sign-out", Path: "postLogoutRedirectUris"},
		{Name: "Audience", Path: "audience"},
		{Name: "Scopes", Path: "scopes.value"},
		{Name: "May ask for", Path: "allowedScopes.fqs"},
		{Name: "Access tokens last", Get: seconds("accessTokenExpiry"), Paths: []string{"accessTokenExpiry"}},
		{Name: "Refresh tokens last", Get: seconds("refreshTokenExpiry"), Paths: []string{"refreshTokenExpiry"}},
		{Name: "Holds roles", Path: "grantedAppRoles.display"},
		{Name: "ID", Path: "id"},
		{Name: "OCID", Path: "ocid"},
		{Name: "Created", Get: dateIn(d, "meta.created"), Paths: []string{"meta.created"}},
		{Name: "Last modified", Get: dateIn(d, "meta.lastModified"), Paths: []string{"meta.lastModified"}},
	}
}

func seconds(path string) func(scim.Document) string {
	return func(doc scim.Document) string {
		if s := doc.String(path); s != "" {
			return s + " s"
		}
		return ""
	}
}

// AppRoles is the kind of roles of applications.
func AppRoles() Kind {
	return Kind{
		Noun: "app role", Plural: "app roles", Command: "app-roles", Example: "Payroll/Approver",
		Open: func(p provider.Provider, _ string) (provider.Resources, error) {
			a, err := provider.AccessOf(p)
			if err != nil {
				return nil, err
			}
			return a.Roles(), nil
		},
		Columns:         roleColumns,
		TableAttributes: []string{"displayName", "app", "adminRole", "description", "availableToUsers", "availableToGroups", "availableToClients", "public", "meta"},
		Key:             func(d *scim.Document) string { return RoleName(*d) },
		KeyAttribute:    "displayName",
		Names:           namesOf[idcs.AppRole](),
		SortBy:          "displayName",
		Search:          []string{"displayName", "description"},
		Card: func(d *cmdutil.Deps) []Line {
			return []Line{
				{Name: "Name", Get: RoleName, Paths: []string{"displayName", "app"}},
				{Name: "Description", Path: "description"},
				{Name: "For", Get: ForWhom, Paths: []string{"availableToUsers", "availableToGroups", "availableToClients"}},
				{Name: "Administrator role", Path: "adminRole"},
				{Name: "Public", Path: "public"},
				{Name: "Unique name", Path: "uniqueName"},
				{Name: "ID", Path: "id"},
				{Name: "OCID", Path: "ocid"},
				{Name: "Created", Get: dateIn(d, "meta.created"), Paths: []string{"meta.created"}},
				{Name: "Last modified", Get: dateIn(d, "meta.lastModified"), Paths: []string{"meta.lastModified"}},
			}
		},
	}
}

// RoleName is what an app role is called: App/Role.
func RoleName(role scim.Document) string {
	app := role.String("app.display")
	if app == "" {
		app = role.String("app.value")
	}
	return app + "/" + role.String("displayName")
}

// ForWhom are the kinds of those whom a role can be granted to.
func ForWhom(role scim.Document) string {
	var words []string
	for _, k := range [][2]string{{"availableToUsers", "users"}, {"availableToGroups", "groups"}, {"availableToClients", "apps"}} {
		if b, _ := role.Bool(k[0]); b {
			words = append(words, k[1])
		}
	}
	return strings.Join(words, ", ")
}

func roleColumns(d *cmdutil.Deps) []output.Column[scim.Document] {
	return []output.Column[scim.Document]{
		{Name: "Role", Get: func(r *scim.Document) string { return RoleName(*r) }},
		{Name: "For", Get: func(r *scim.Document) string { return ForWhom(*r) }},
		{Name: "Description", Path: "description", Get: func(r *scim.Document) string { return r.String("description") }},
		{Name: "Administrator role", Path: "adminRole", Wide: true, Get: func(r *scim.Document) string { return r.String("adminRole") }},
		{Name: "ID", Path: "id", Wide: true, Get: func(r *scim.Document) string { return r.ID() }},
		{Name: "Created", Path: "meta.created", Wide: true, Get: DateOf(d, "meta.created")},
	}
}

// secretless are apps without their secrets. A secret is handed out once, when
// it is made; see package apps.
type secretless struct{ provider.Resources }

func withoutSecret(doc scim.Document) scim.Document {
	delete(doc, "clientSecret")
	delete(doc, "hashedClientSecret")
	return doc
}

// FindKey implements provider.Finder.
func (s secretless) FindKey(ctx context.Context, key string) (scim.Document, error) {
	f, ok := s.Resources.(provider.Finder)
	if !ok {
		return nil, nil
	}
	doc, err := f.FindKey(ctx, key)
	return withoutSecret(doc), err
}

func (s secretless) Get(ctx context.Context, id string, opts scim.ListOptions) (scim.Document, error) {
	doc, err := s.Resources.Get(ctx, id, opts)
	return withoutSecret(doc), err
}

func (s secretless) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	page, err := s.Resources.Page(ctx, opts)
	if page != nil {
		for _, doc := range page.Resources {
			withoutSecret(doc)
		}
	}
	return page, err
}

func (s secretless) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		for doc, err := range s.Resources.All(ctx, opts) {
			if !yield(withoutSecret(doc), err) {
				return
			}
		}
	}
}

func (s secretless) Create(ctx context.Context, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	out, err := s.Resources.Create(ctx, doc, opts)
	return withoutSecret(out), err
}

func (s secretless) Replace(ctx context.Context, id string, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	out, err := s.Resources.Replace(ctx, id, doc, opts)
	return withoutSecret(out), err
}

func (s secretless) Patch(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error) {
	out, err := s.Resources.Patch(ctx, id, ops, opts)
	return withoutSecret(out), err
}
