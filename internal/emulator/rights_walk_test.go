package emulator

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/rights"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// visit is one kind of request to one endpoint.
type visit struct {
	endpoint, does, method, path, body string
}

// visits are all requests that endpoints of the catalogue take.
func visits(f *fixture) []visit {
	const id = "0123456789abcdef0123456789abcdef"
	list := []visit{{"Bulk", doPost, http.MethodPost, "/Bulk", "{}"}}
	for _, name := range f.catalog.Names() {
		rt, _ := f.catalog.Lookup(name)
		one := rt.Endpoint + "/" + id
		switch {
		case rt.SingletonID != "":
			one = rt.Endpoint + "/" + rt.SingletonID
		case isSelf(rt):
			one = rt.Endpoint
		}
		endpoint := strings.TrimPrefix(rt.Endpoint, "/")
		for _, v := range []struct {
			verb schema.Verb
			visit
		}{
			{schema.VerbList, visit{endpoint, doList, http.MethodGet, rt.Endpoint + "?count=0", ""}},
			{schema.VerbGet, visit{endpoint, doGet, http.MethodGet, one, ""}},
			{schema.VerbSearch, visit{endpoint, doSearch, http.MethodPost, rt.Endpoint + "/.search", `{"schemas":["` + urnSearch + `"],"count":0}`}},
			{schema.VerbCreate, visit{endpoint, doPost, http.MethodPost, rt.Endpoint, "{}"}},
			{schema.VerbPut, visit{endpoint, doPut, http.MethodPut, one, "{}"}},
			{schema.VerbPatch, visit{endpoint, doPatch, http.MethodPatch, one, "{}"}},
			{schema.VerbDelete, visit{endpoint, doDelete, http.MethodDelete, one, ""}},
		} {
			if rt.Verbs&v.verb != 0 {
				list = append(list, v.visit)
			}
		}
	}
	return list
}

// refused says that an answer is the refusal of a caller without the right.
func refused(a answer) bool {
	ext, _ := a.doc["urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error"].(map[string]any)
	detail, _ := a.doc["detail"].(string)
	return a.status == http.StatusForbidden && ext["messageId"] == msgForbidden &&
		(strings.HasPrefix(detail, "This needs the role ") || detail == "No role opens this.")
}

// app makes an App that is a client, with a role unless it is empty, and answers
// its id and a token.
func (f *fixture) app(name, role string) (id, token string) {
	f.t.Helper()
	id, _ = f.want(f.do(http.MethodPost, "/admin/v1/Apps", f.appDocument(name)), http.StatusCreated).doc["id"].(string)
	if role != "" {
		f.grantRole("App", id, role)
	}
	return id, f.clientToken(name)
}

func (f *fixture) appDocument(name string) map[string]any {
	return map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:App"}, "displayName": name, "name": name,
		"isOAuthClient": true, "clientType": "confidential", "allowedGrants": []any{"client_credentials"}, "active": true,
		"basedOnTemplate": map[string]any{"value": "CustomWebAppTemplateId"},
	}
}

func (f *fixture) clientToken(client string) string {
	f.t.Helper()
	token, _, err := f.OAuth().IssueClientToken(f.t.Context(), f.http.URL, client, oauth.ScopeMyScopes)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// as sends a call with another token.
func (f *fixture) as(token, method, path string, body any) answer {
	f.t.Helper()
	return f.do(method, path, body, "Authorization", "Bearer "+token)
}

// TestEveryRoleEverywhere walks every role times every endpoint times every verb
// and compares with the reference.
func TestEveryRoleEverywhere(t *testing.T) {
	f := start(t, nil)
	all := visits(f)
	roles := append([]string{""}, noRights...)
	for _, fact := range facts {
		roles = append(roles, fact.role)
	}
	if len(roles) != len(rights.Roles())+1 {
		t.Fatalf("%d roles in the reference, %d in the domain", len(roles)-1, len(rights.Roles()))
	}
	for _, role := range roles {
		name := role
		if name == "" {
			name = "none"
		}
		t.Run(name, func(t *testing.T) {
			f.t = t
			_, token := f.app("client of "+name, role)
			for _, v := range all {
				f.check(v, token, role, false)
			}
		})
	}
	for _, fact := range facts {
		t.Run("user/"+fact.role, func(t *testing.T) {
			f.t = t
			token := f.userWith(strings.ReplaceAll(strings.ToLower(fact.role), " ", "-"), fact.role)
			for _, v := range all {
				f.check(v, token, fact.role, true)
			}
		})
	}
}

// check compares one answer with the reference. What begins with Me or My is the
// own account, which the reference has elsewhere: every user's, and of clients
// that of an Identity Domain Administrator.
func (f *fixture) check(v visit, token, role string, user bool) {
	f.t.Helper()
	want := factSays(role, v.endpoint, v.does)
	if strings.HasPrefix(v.endpoint, "My") || v.endpoint == "Me" || v.endpoint == "MePasswordChanger" {
		if strings.HasPrefix(v.endpoint, "Me") && !user && v.does != doPost {
			return // has no user: refused in words of its own
		}
		want = user || role == "Identity Domain Administrator"
	}
	var body any
	if v.body != "" {
		body = v.body
	}
	a := f.as(token, v.method, "/admin/v1"+v.path, body)
	if got := !refused(a); got != want || a.status == http.StatusUnauthorized {
		f.t.Errorf("%s: %s %s is allowed %t, want %t: %d %s", role, v.does, v.path, got, want, a.status, a.raw)
	}
}

// userWith makes a user with a role, unless it is empty, and answers a token.
func (f *fixture) userWith(name, role string) string {
	f.t.Helper()
	u := user(name)
	u["password"] = "Example-Passw0rd"
	id, _ := f.want(f.do(http.MethodPost, "/admin/v1/Users", u), http.StatusCreated).doc["id"].(string)
	if role != "" {
		f.grantRole("User", id, role)
	}
	return f.userToken(name)
}

func (f *fixture) userToken(name string) string {
	f.t.Helper()
	token, _ := f.want(f.tokenCall(oauth.TokenPath, "grant_type", "password", "username", name, "password", "Example-Passw0rd",
		"scope", oauth.ScopeMyScopes), http.StatusOK).doc["access_token"].(string)
	return token
}

// TestEveryEndpointHasARow: nobody is let in, or kept out, because a type was
// forgotten.
func TestEveryEndpointHasARow(t *testing.T) {
	f := start(t, nil)
	var table rights.Table
	known := strings.Fields(settled + " " + open + " BypassCodeNotifications AuthenticationFactorsRemover UserLockedStateChanger AuditEvents UserStatusChanger")
	for _, name := range f.catalog.Names() {
		rt, _ := f.catalog.Lookup(name)
		endpoint := strings.TrimPrefix(rt.Endpoint, "/")
		if rights.OwnAccount(endpoint) {
			continue
		}
		if table.Who(endpoint, schema.VerbCreate)|table.Who(endpoint, schema.VerbGet)|table.Who(endpoint, schema.VerbPut) == 0 {
			t.Errorf("%s has no row", endpoint)
		}
		if !slices.Contains(known, endpoint) {
			t.Errorf("%s is not among the facts of this test", endpoint)
		}
	}
}

// TestRowsElsewhere compares what a request cannot show: rows of other families,
// which the emulator may not serve yet, and verbs that a type does not have.
func TestRowsElsewhere(t *testing.T) {
	f := start(t, nil)
	var table rights.Table
	for _, row := range rights.Rows() {
		_, served := f.catalog.Lookup("/" + row.Endpoint)
		if _, ok := elsewhere[row.Endpoint]; !ok && !served && row.Endpoint != "Bulk" {
			t.Errorf("row %s is compared with nothing", row.Endpoint)
		}
	}
	// Also verbs that a type does not have.
	for _, row := range rights.Rows() {
		if _, ok := elsewhere[row.Endpoint]; ok {
			continue
		}
		for _, r := range rights.Roles() {
			for does, verb := range map[string]schema.Verb{
				doList: schema.VerbList, doGet: schema.VerbGet, doSearch: schema.VerbSearch, doPost: schema.VerbCreate,
				doPut: schema.VerbPut, doPatch: schema.VerbPatch, doDelete: schema.VerbDelete,
			} {
				if got, want := table.Who(row.Endpoint, verb).Has(r), factSays(r.Name, row.Endpoint, does); got != want {
					t.Errorf("%s may %s at %s: %t, want %t", r.Name, does, row.Endpoint, got, want)
				}
			}
		}
	}
	for endpoint, says := range elsewhere {
		for _, r := range rights.Roles() {
			in := func(i int) bool {
				return slices.ContainsFunc(says[i], func(prefix string) bool { return strings.HasPrefix(r.Name, prefix) })
			}
			for verb, want := range map[schema.Verb]bool{
				schema.VerbList: in(0) || in(1), schema.VerbSearch: in(0) || in(1), schema.VerbGet: in(0) || in(1) || in(2),
				schema.VerbCreate: in(0) || in(3), schema.VerbPut: in(0), schema.VerbPatch: in(0), schema.VerbDelete: in(0),
			} {
				if got := table.Who(endpoint, verb).Has(r); got != want {
					t.Errorf("%s may %v at %s: %t, want %t", r.Name, verb, endpoint, got, want)
				}
			}
		}
	}
}
