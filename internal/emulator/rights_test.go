package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/oauth"
)

// makeGroup makes a group of users and answers its id.
func (f *fixture) makeGroup(name string, members ...string) string {
	f.t.Helper()
	list := make([]any, len(members))
	for i, m := range members {
		list[i] = map[string]any{"value": m, "type": "User"}
	}
	doc := map[string]any{"schemas": []any{urnGroup}, "displayName": name}
	if len(list) > 0 {
		doc["members"] = list
	}
	id, _ := f.want(f.do(http.MethodPost, "/admin/v1/Groups", doc), http.StatusCreated).doc["id"].(string)
	return id
}

// delegate is a grant of a role for the members of some groups.
func (f *fixture) delegate(user, role string, groups any) answer {
	f.t.Helper()
	limit, err := json.Marshal(map[string]any{"groups": groups})
	if err != nil {
		f.t.Fatal(err)
	}
	return f.do(http.MethodPost, "/admin/v1/Grants", map[string]any{
		"schemas":                    []any{"urn:ietf:params:scim:schemas:oracle:idcs:Grant"},
		"grantMechanism":             "ADMINISTRATOR_TO_DELEGATED_USER",
		"grantee":                    map[string]any{"type": "User", "value": user},
		"app":                        map[string]any{"value": "IDCSAppId"},
		"entitlement":                map[string]any{"attributeName": "appRoles", "attributeValue": f.roleID(role)},
		"grantedAttributeValuesJson": string(limit),
	})
}

func (f *fixture) userID(name string) string {
	f.t.Helper()
	list, _ := f.want(f.do(http.MethodGet, `/admin/v1/Users?filter=userName+eq+"`+name+`"`, nil), 200).doc["Resources"].([]any)
	if len(list) != 1 {
		f.t.Fatalf("%d users %s", len(list), name)
	}
	doc, _ := list[0].(map[string]any)
	id, _ := doc["id"].(string)
	return id
}

// TestLimitedRoles: a role that is limited to groups reaches their members, and
// nobody can tell what it does not reach from what does not exist.
func TestLimitedRoles(t *testing.T) {
	t.Run("memory", func(t *testing.T) { limitedRoles(t, start(t, nil)) })
	t.Run("file", func(t *testing.T) { limitedRoles(t, onFile(t)) })
}

func limitedRoles(t *testing.T, f *fixture) {
	t.Helper()
	in, out := f.create("inside"), f.create("outside")
	mine, other := f.makeGroup("mine", in), f.makeGroup("other", out)
	none := strings.Repeat("0", 32)
	manager, desk := f.userWith("manager", ""), f.userWith("desk", "")
	f.want(f.delegate(f.userID("manager"), "User Manager", []string{mine}), 201)
	f.want(f.delegate(f.userID("desk"), "Help Desk Administrator", []string{mine}), 201)

	patch := func(path, value string) string {
		return `{"schemas":["` + urnPatch + `"],"Operations":[{"op":"add","path":"` + path + `","value":` + value + `}]}`
	}
	member := func(id string) string { return `[{"value":"` + id + `","type":"User"}]` }
	for _, c := range []struct {
		name, token, method, path, body string
		want                            int
	}{
		{"read a member", manager, "GET", "/Users/" + in, "", 200},
		{"read somebody else", manager, "GET", "/Users/" + out, "", 403},
		{"read nobody", manager, "GET", "/Users/" + none, "", 403},
		{"read in plain SCIM", manager, "GET", "scim:/Users/" + in, "", 200},
		{"read somebody else in plain SCIM", manager, "GET", "scim:/Users/" + out, "", 403},
		{"change a member", manager, "PATCH", "/Users/" + in, patch("title", `"Dr"`), 200},
		{"change somebody else", manager, "PATCH", "/Users/" + out, patch("title", `"Dr"`), 403},
		{"change nobody", manager, "PATCH", "/Users/" + none, patch("title", `"Dr"`), 403},
		{"make somebody", manager, "POST", "/Users", `{"userName":"new"}`, 403},
		{"delete somebody else", manager, "DELETE", "/Users/" + out, "", 403},
		{"read the group", manager, "GET", "/Groups/" + mine, "", 200},
		{"read another group", manager, "GET", "/Groups/" + other, "", 403},
		{"read no group", manager, "GET", "/Groups/" + none, "", 403},
		{"rename the group", manager, "PATCH", "/Groups/" + mine, patch("displayName", `"ours"`), 200},
		{"rename another group", manager, "PATCH", "/Groups/" + other, patch("displayName", `"ours"`), 403},
		{"draw somebody in", manager, "PATCH", "/Groups/" + mine, patch("members", member(out)), 403},
		{"draw nobody in", manager, "PATCH", "/Groups/" + mine, patch("members", member(none)), 403},
		{"deactivate somebody else", manager, "PUT", "/UserStatusChanger/" + out, `{"active":false}`, 403},
		{"deactivate nobody", manager, "PUT", "/UserStatusChanger/" + none, `{"active":false}`, 403},
		{"deactivate a member", manager, "PUT", "/UserStatusChanger/" + in, `{"active":false}`, 200},
		{"activate a member", manager, "PUT", "/UserStatusChanger/" + in, `{"active":true}`, 200},
		{"manager of a member", manager, "PATCH", "/Users/" + in, patch(urnEnterprise+":manager", `{"value":"`+out+`"}`), 403},
		{"read apps", manager, "GET", "/Apps/IDCSAppId", "", 403},
		{"help a member", desk, "GET", "/Users/" + in, "", 200},
		{"list for the help desk", desk, "GET", "/Users", "", 403},
		{"change by the help desk", desk, "PATCH", "/Users/" + in, patch("title", `"Dr"`), 403},
		{"new password", desk, "PUT", "/UserPasswordResetter/" + in, `{}`, 200},
		{"new password of somebody else", desk, "PUT", "/UserPasswordResetter/" + out, `{}`, 403},
		{"new password of nobody", desk, "PUT", "/UserPasswordResetter/" + none, `{}`, 403},
		{"lock somebody else", desk, "POST", "/UserLockedStateChanger", `{"userId":"` + out + `","locked":true}`, 403},
		{"lock nobody", desk, "POST", "/UserLockedStateChanger", `{"userId":"` + none + `","locked":true}`, 403},
		{"bypass code of somebody else", desk, "POST", "/BypassCodes", `{"user":{"value":"` + out + `"}}`, 403},
		{"bypass code of nobody", desk, "POST", "/BypassCodes", `{"user":{"value":"` + none + `"}}`, 403},
		{"factors of somebody else", desk, "POST", "/AuthenticationFactorsRemover", `{"user":{"value":"` + out + `"},"type":"MFA"}`, 403},
		{"factors of nobody", desk, "POST", "/AuthenticationFactorsRemover", `{"user":{"value":"` + none + `"},"type":"MFA"}`, 403},
		{"passwords of many", desk, "POST", "/BulkUserPasswordResetter", `{"userIds":["` + in + `","` + out + `"]}`, 403},
		{"one's own account", desk, "GET", "/Me", "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.t = t
			path, plain := strings.CutPrefix(c.path, "scim:")
			base := adminBase
			if plain {
				base = scimBase
			}
			var body any
			if c.body != "" {
				body = c.body
			}
			if a := f.as(c.token, c.method, base+path, body); a.status != c.want {
				t.Errorf("%d, want %d: %s", a.status, c.want, a.raw)
			}
		})
	}
	f.t = t
	// What is refused looks the same whether it exists or not.
	for _, pair := range [][2]string{{"/Users/" + out, "/Users/" + none}, {"/Groups/" + other, "/Groups/" + none}} {
		a, b := f.as(manager, "GET", adminBase+pair[0], nil), f.as(manager, "GET", adminBase+pair[1], nil)
		if diff := cmp.Diff(string(a.raw), string(b.raw)); diff != "" {
			t.Errorf("%s tells itself from nothing: %s", pair[0], diff)
		}
	}
	for path, want := range map[string]int{
		"/admin/v1/Users": 1, "/admin/v1/Users?sortBy=userName": 1, "/admin/v1/Users?sortBy=title": 1, "/admin/v1/Users?count=0": 1,
		`/admin/v1/Users?filter=userName+eq+"outside"`: 0, `/admin/v1/Users?filter=userName+co+"side"`: 1,
		`/admin/v1/Users?filter=groups.value+eq+"` + other + `"`: 0, `/admin/v1/Users?filter=title+pr`: 1,
		"/admin/v1/Users?limit=1": 1, "/admin/v1/Groups": 1, `/admin/v1/Groups?filter=members.value+eq+"` + out + `"`: 0,
		"/scim/v2/Users": 1, "/scim/v2/Groups": 1, "/scim/v2": 2, "/scim/v2?sortBy=displayName": 2,
	} {
		if a := f.as(manager, "GET", path, nil); a.status != 200 || a.doc["totalResults"] != float64(want) {
			t.Errorf("%s: %d, want %d of them: %s", path, a.status, want, a.raw)
		}
	}
	if a := f.as(manager, "PATCH", "/admin/v1/Users/"+in, patchOp("userName", "outside")); a.status != 409 || strings.Contains(string(a.raw), out) {
		t.Errorf("a conflict with somebody else tells the id: %d %s", a.status, a.raw)
	}
	got := f.want(f.do("GET", "/admin/v1/Users/"+f.userID("manager")+"?attributes=urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User:idcsAppRolesLimitedToGroups", nil), 200)
	limits, _ := at(got.doc, "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User", "idcsAppRolesLimitedToGroups").([]any)
	if len(limits) != 1 || at(limits[0].(map[string]any), "value") != mine || at(limits[0].(map[string]any), "idcsAppRoleId") != f.roleID("User Manager") {
		t.Errorf("idcsAppRolesLimitedToGroups: %s", got.raw)
	}
	// A member who leaves is out of reach at once.
	f.want(f.do("PATCH", "/admin/v1/Groups/"+mine, `{"schemas":["`+urnPatch+`"],"Operations":[{"op":"remove","path":"members"}]}`), 200)
	if a := f.as(manager, "GET", "/admin/v1/Users/"+in, nil); a.status != 403 {
		t.Errorf("a former member: %d", a.status)
	}
}

// TestDelegationRefused: a grant that limits nothing is not taken, since it would
// be an unlimited role by mistake.
func TestDelegationRefused(t *testing.T) {
	f := start(t, nil)
	ada, group := f.create("ada"), f.makeGroup("g")
	for name, c := range map[string]struct {
		role   string
		groups any
		want   int
	}{
		"no groups":                      {"User Manager", []string{}, 400},
		"no list":                        {"User Manager", group, 400},
		"null":                           {"User Manager", nil, 400},
		"a group that does not exist":    {"User Manager", []string{group, "none"}, 400},
		"a role that cannot be limited":  {"User Administrator", []string{group}, 400},
		"the administrator of everybody": {"Identity Domain Administrator", []string{group}, 400},
		"one group":                      {"User Manager", []string{group}, 201},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			if a := f.delegate(ada, c.role, c.groups); a.status != c.want {
				t.Errorf("%d, want %d: %s", a.status, c.want, a.raw)
			}
		})
	}
}

// TestRightsAtOnce: what a token opens is settled when it is used.
func TestRightsAtOnce(t *testing.T) {
	f := start(t, nil)
	id, app := f.app("client", "")
	token := f.userWith("ada", "")
	ada := f.userID("ada")
	group := f.makeGroup("admins")
	see := func(token, when string, want int) {
		t.Helper()
		if a := f.as(token, "GET", "/admin/v1/Users?count=0", nil); a.status != want {
			t.Errorf("%s: %d, want %d: %s", when, a.status, want, a.raw)
		}
	}
	see(app, "client without a role", 403)
	grant := f.grantRole("App", id, "Audit Administrator")
	see(app, "client with a role", 200)
	f.want(f.do("DELETE", "/admin/v1/Grants/"+grant, nil), 204)
	see(app, "client whose role was revoked", 403)

	see(token, "user without a role", 403)
	byGroup := f.grantRole("Group", group, "User Administrator")
	see(token, "user before joining", 403)
	f.want(f.do("PATCH", "/admin/v1/Groups/"+group, `{"schemas":["`+urnPatch+`"],"Operations":[{"op":"add","path":"members","value":[{"value":"`+ada+`","type":"User"}]}]}`), 200)
	see(token, "user by group", 200)
	direct := f.grantRole("User", ada, "Audit Administrator")
	f.want(f.do("DELETE", "/admin/v1/Grants/"+byGroup, nil), 204)
	see(token, "user directly", 200)
	f.want(f.do("DELETE", "/admin/v1/Grants/"+direct, nil), 204)
	see(token, "user whose roles were revoked", 403)
	f.grantRole("Group", group, "User Administrator")
	see(token, "user by group again", 200)
	f.want(f.do("DELETE", "/admin/v1/Groups/"+group, nil), 204)
	see(token, "user whose group is gone", 403)
}

// TestFirstClient: the administrator with whom a domain starts holds the role by
// a grant like any other, and loses it with the grant.
func TestFirstClient(t *testing.T) {
	f := start(t, nil)
	q := "?filter=" + `grantee.type+eq+"App"&attributes=grantee,app,entitlement,grantMechanism`
	list, _ := f.want(f.do("GET", "/admin/v1/Grants"+q, nil), 200).doc["Resources"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d grants in a fresh domain", len(list))
	}
	grant, _ := list[0].(map[string]any)
	app, _ := at(grant, "grantee", "value").(string)
	doc := f.want(f.do("GET", "/admin/v1/Apps/"+app, nil), 200).doc
	if doc["name"] != f.Credentials().ClientID || doc["active"] != true || at(grant, "entitlement", "attributeValue") != f.roleID("Identity Domain Administrator") {
		t.Errorf("%v of %v", grant, doc)
	}
	roles := f.want(f.do("GET", `/admin/v1/AppRoles?filter=app.value+eq+"IDCSAppId"&count=100`, nil), 200)
	if roles.doc["totalResults"] != float64(21) {
		t.Errorf("roles: %v", roles.doc["totalResults"])
	}
	id, _ := grant["id"].(string)
	f.want(f.do("DELETE", "/admin/v1/Grants/"+id, nil), 204)
	f.want(f.do("GET", "/admin/v1/Grants", nil), 403)
	f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200)
	f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", "urn:opc:idm:role.Identity%20Domain%20Administrator"), 400)
}

// TestScopesNarrow: a token for one role opens what this role opens.
func TestScopesNarrow(t *testing.T) {
	f := start(t, nil)
	id, _ := f.app("client", "User Administrator")
	f.grantRole("App", id, "Security Administrator")
	issue := func(scope string) string {
		token, _, err := f.OAuth().IssueClientToken(t.Context(), f.http.URL, "client", scope)
		if err != nil {
			t.Fatalf("%s: %v", scope, err)
		}
		return token
	}
	for scope, want := range map[string][2]int{
		oauth.ScopeMyScopes:                            {200, 200},
		"urn:opc:idm:role.User%20Administrator":        {403, 200},
		"urn:opc:idm:role.Security%20Administrator":    {200, 403},
		"urn:opc:idm:t.user.signin":                    {403, 403},
		"urn:opc:idm:role.User%20Administrator openid": {403, 200},
	} {
		token := issue(scope)
		if got := [2]int{
			f.as(token, "GET", "/admin/v1/Settings", nil).status, f.as(token, "GET", "/admin/v1/Grants", nil).status,
		}; got != want {
			t.Errorf("%s: %v, want %v", scope, got, want)
		}
	}
}

// TestUserAndClient: a user's token carries what client and user share, and what
// the user holds where the client acts on behalf of users.
func TestUserAndClient(t *testing.T) {
	f := start(t, nil)
	f.userWith("ada", "User Administrator")
	for name, c := range map[string]struct {
		role     string
		onBehalf bool
		want     int
	}{
		"neither":      {"", false, 403},
		"other":        {"Security Administrator", false, 403},
		"same":         {"User Administrator", false, 200},
		"on-behalf":    {"", true, 200},
		"more-granted": {"Identity Domain Administrator", false, 403},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			doc := f.appDocument(name)
			doc["allowedGrants"] = []any{"password"}
			if c.onBehalf {
				doc["allowedOperations"] = []any{"onBehalfOfUser"}
			}
			made := f.want(f.do("POST", "/admin/v1/Apps", doc), 201).doc
			if c.role != "" {
				f.grantRole("App", made["id"].(string), c.role)
			}
			a := f.want(f.tokenFor(made, "grant_type", "password", "username", "ada", "password", "Example-Passw0rd", "scope", oauth.ScopeMyScopes), 200)
			if got := f.as(a.doc["access_token"].(string), "GET", "/admin/v1/Grants", nil).status; got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// TestBulkRights: each operation is checked on its own, and Bulk itself first.
func TestBulkRights(t *testing.T) {
	f := start(t, nil)
	_, manager := f.app("manager", "User Manager")
	_, audit := f.app("audit", "Audit Administrator")
	ops := []any{
		op("POST", "/Users", "u", user("ada")),
		op("POST", "/Groups", "", map[string]any{"schemas": []any{urnGroup}, "displayName": "g"}),
		op("DELETE", "/Groups/"+strings.Repeat("0", 32), "", nil),
		op("DELETE", "/Users/"+strings.Repeat("0", 32), "", nil),
	}
	body := map[string]any{"schemas": []any{urnBulkRequest}, "Operations": ops}
	if got := statuses(rows(f.want(f.as(manager, "POST", "/admin/v1/Bulk", body), 201))); got != "201 403 403 404" {
		t.Errorf("manager: %s", got)
	}
	f.want(f.as(audit, "POST", "/admin/v1/Bulk", body), 403)
	f.want(f.as(audit, "POST", "/scim/v2/Bulk", body), 403)
	ops[1].(map[string]any)["bulkId"] = "g"
	ops[0] = op("POST", "/Users", "u", user("bob"))
	if got := statuses(rows(f.want(f.as(manager, "POST", "/scim/v2/Bulk", body), 200))); got != "201 403 403 404" {
		t.Errorf("manager in plain SCIM: %s", got)
	}
}

// rows are those of a bulk answer.
func rows(a answer) []map[string]any {
	list, _ := a.doc["Operations"].([]any)
	out := make([]map[string]any, len(list))
	for i, x := range list {
		out[i], _ = x.(map[string]any)
	}
	return out
}

// TestPlainRights: /scim/v2 follows the rights of Users and Groups.
func TestPlainRights(t *testing.T) {
	f := start(t, nil)
	_, desk := f.app("desk", "Help Desk Administrator")
	ada := f.create("ada")
	user := f.userWith("bob", "")
	for _, c := range []struct {
		token, method, path, body string
		want                      int
	}{
		{desk, "GET", "/Users", "", 403},
		{desk, "GET", "/Users/" + ada, "", 200},
		{desk, "GET", "", "", 403},
		{desk, "DELETE", "/Users/" + ada, "", 403},
		{desk, "DELETE", "/Users/none", "", 403},
		{desk, "POST", "/Groups", "not JSON", 403},
		{desk, "GET", "/Schemas", "", 200},
		{user, "GET", "/Me", "", 200},
		{user, "DELETE", "/Me", "", 403},
		{user, "GET", "/Users/" + ada, "", 403},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		if a := f.as(c.token, c.method, scimBase+c.path, body); a.status != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, a.status, c.want, a.raw)
		}
	}
}

// tokenFor sends a token request with the credentials of an App.
func (f *fixture) tokenFor(app map[string]any, pairs ...string) answer {
	f.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	id, _ := app["name"].(string)
	secret, _ := app["clientSecret"].(string)
	req := f.request(http.MethodPost, oauth.TokenPath, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return f.send(req)
}

// TestAppIsAClient: an App with a secret gets a token, and none when it is not
// active, has another type or may not use the grant.
func TestAppIsAClient(t *testing.T) {
	f := start(t, nil)
	made := f.want(f.do("POST", "/admin/v1/Apps", f.appDocument("client")), 201).doc
	id, _ := made["id"].(string)
	credentials := []string{"grant_type", "client_credentials", "scope", oauth.ScopeMyScopes}
	token, _ := f.want(f.tokenFor(made, credentials...), 200).doc["access_token"].(string)
	f.want(f.as(token, "GET", "/admin/v1/Users?count=0", nil), 403)
	f.grantRole("App", id, "User Administrator")
	f.want(f.as(token, "GET", "/admin/v1/Users?count=0", nil), 200)
	claims, err := f.OAuth().Verify(t.Context(), f.want(f.tokenFor(made, credentials...), 200).doc["access_token"].(string))
	if err != nil || claims.ClientGUID != id || len(claims.ClientRoles) != 1 {
		t.Errorf("claims %+v, %v", claims, err)
	}
	wrong := map[string]any{"name": made["name"], "clientSecret": "wrong"}
	f.want(f.tokenFor(wrong, credentials...), 401)
	f.want(f.tokenFor(made, "grant_type", "password", "username", "x", "password", "y", "scope", oauth.ScopeMyScopes), 400)
	f.want(f.do("PATCH", "/admin/v1/Apps/"+id, patchOp("active", false)), 200)
	f.want(f.tokenFor(made, credentials...), 401)
	f.want(f.as(token, "GET", "/admin/v1/Users?count=0", nil), 403)
}
