package catalogtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
)

// accessFiles are the folders about who may use what. With them go the copies
// of their requests in the folders of users and groups.
var accessFiles = []string{"apps.json", "approles.json", "grants.json", "users.json", "groups.json"}

// accessExceptions are requests that are answered otherwise than their class,
// or of which something is missing in the answer.
var accessExceptions = map[string]struct {
	status int
	why    string
}{
	"apps/create/create-an-application-with-a-webtier-policy/step-1-create-a-confidential-client-app": {
		http.StatusBadRequest, "idcsAppRoles is declared in no schema that could be read",
	},
	"grants/groups/revoke-an-approle-from-a-group/step-1-get-all-grants-of-the-approle-to-this-group": {
		http.StatusBadRequest, "the collection has = in place of eq",
	},
	"groups/grants/revoke-an-approle-from-a-group/step-1-get-all-grants-of-the-approle-to-this-group": {
		http.StatusBadRequest, "the collection has = in place of eq",
	},
}

// recordersApp is the id that an app had in the domain of those who made the
// collection.
const recordersApp = "5935ab53557d407d9e3cfc4ec5586a30"

// accessStage puts what creates first, then grants, then what looks, then what
// changes, and what takes away at the end.
func (e *entry) accessStage() int {
	grants := strings.HasPrefix(e.Endpoint, "/admin/v1/Grants")
	switch {
	case e.Method == http.MethodPost && e.class() == "create" && !grants:
		return 0
	case e.Method == http.MethodPost && e.class() == "create":
		return 1
	case e.Method == http.MethodGet && !strings.Contains(e.ID, "regenerate"), e.class() == "search":
		return 2
	case e.Method == http.MethodDelete && grants:
		return 4
	case e.Method == http.MethodDelete && strings.HasPrefix(e.Endpoint, "/admin/v1/Apps"):
		return 6 // its roles go with it
	case e.Method == http.MethodDelete:
		return 5
	}
	return 3
}

// accessFound is how many resources searches find, so that an empty answer is
// no success.
var accessFound = map[string]int{
	"apps/search/search-for-apps/search-for-apps-that-have-been-granted-a-specific-approle":                                                                    1,
	"apps/search/search-for-apps/search-for-all-clients-with-explicit-access-to-a-specific-oauthresource-app":                                                  1,
	"apps/client/apps-with-the-trustscope-attribute-value-of-tags/step-2-search-for-all-oauth-resource-apps-to-which-an-oauth-client-app-has-tag-based-access": 0,
	"approles/search/search-for-all-approles-that-have-a-specific-group-as-a-direct-member":                                                                    1,
	"approles/search/search-for-approles-that-a-user-is-a-direct-member":                                                                                       1,
	"approles/search/search-for-all-approles-defined-by-a-specific-app":                                                                                        3,
	"grants/approles/search-all-grants-of-a-specific-approle":                                                                                                  3,
	"grants/approles/search-all-grants-of-a-specific-approle-to-any-group":                                                                                     1,
	"grants/apps/search-for-all-grants-to-a-specific-client-app":                                                                                               1,
	"grants/apps/search-for-all-grants-of-a-specific-app-to-any-client-app":                                                                                    1,
	"grants/groups/search-for-grants-of-a-specific-app-to-groups":                                                                                              2,
	"grants/users/search-for-all-indirect-grants-of-a-specific-app-to-any-user":                                                                                1,
	"grants/users/search-for-all-direct-grants-of-a-specific-app-to-any-user":                                                                                  2,
	"grants/users/search-grants-to-a-specific-user":                                                                                                            3,
}

// accessShown names what an answer must have in it, with the number of elements.
var accessShown = map[string]struct {
	path []string
	n    int
}{
	"approles/search/search-for-all-direct-members-of-a-specific-approle":                                                                                            {[]string{"members"}, 2},
	"approles/search/search-for-all-direct-members-of-a-specific-approle-that-are-users":                                                                             {[]string{"members"}, 1},
	"approles/search/is-a-specific-group-a-direct-member-of-a-specific-approle":                                                                                      {[]string{"members"}, 1},
	"apps/search/search-for-apps/search-for-users-who-have-access-to-a-specific-app":                                                                                 {[]string{"accounts"}, 1},
	"apps/search/search-for-grants/list-grants-of-a-specific-app-to-any-group":                                                                                       {[]string{"grants"}, 2},
	"apps/search/search-for-grants/list-grants-of-a-specific-app":                                                                                                    {[]string{"grants"}, 6},
	"apps/client/search-for-approles-granted-to-a-client-app/search-for-a-clients-access-to-a-specific-approle":                                                      {[]string{"grantedAppRoles"}, 1},
	"grants/groups/get-a-specific-group-returning-all-the-grants-to-that-group":                                                                                      {[]string{"urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group", "grants"}, 2},
	"grants/users/list-all-grants-of-a-specific-app-for-a-specific-user":                                                                                             {[]string{"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User", "grants"}, 3},
	"apps/search/search-for-apps/search-all-apps-that-a-specific-user-can-access":                                                                                    {[]string{"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User", "accounts"}, 1},
	"apps/client/apps-with-the-trustscope-attribute-value-of-explicit/search-for-a-list-of-all-oauth-resource-apps-that-a-specific-oauth-client-has-explicit-access": {[]string{"allowedScopes"}, 1},
}

// accessReplayer is a domain with an app that is managed, a client, a resource
// server and somebody to grant them to.
func accessReplayer(t *testing.T, dir string) *replayer {
	t.Helper()
	srv := idtest.New(t)
	app := func(name string, more map[string]any) map[string]any {
		doc := map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:App"}, "displayName": name,
			"basedOnTemplate": map[string]any{"value": "CustomWebAppTemplateId"},
		}
		for k, v := range more {
			doc[k] = v
		}
		return doc
	}
	role := func(name string) idtest.Document {
		return idtest.Document{Type: "AppRole", Attrs: map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:AppRole"}, "displayName": name, "app": map[string]any{"value": "bulkId:app"},
		}}
	}
	ids, err := srv.Seed(t.Context(),
		idtest.Document{Type: "User", BulkID: "user", Attrs: map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "ada@example.com",
			"name":   map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
			"emails": []any{map[string]any{"value": "ada@example.com", "type": "work", "primary": true}},
		}},
		idtest.Document{Type: "Group", Attrs: map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "Crew",
			"members": []any{map[string]any{"value": "bulkId:user", "type": "User"}},
		}},
		idtest.Document{Type: "App", BulkID: "app", Attrs: app("Managed App", map[string]any{
			"name": "managed", "isOAuthClient": true, "isOAuthResource": true, "audience": "https://managed.example.com",
			"allowedGrants": []any{"refresh_token", "client_credentials"}, "redirectUris": []any{"https://managed.example.com/callback"},
			"urn:ietf:params:scim:schemas:oracle:idcs:extension:managedapp:App": map[string]any{"enableSync": true},
			"refreshTokenExpiry": 604800,
		})},
		idtest.Document{Type: "App", Attrs: app("Resource Server", map[string]any{
			"isOAuthResource": true, "audience": "https://resource.example.com", "scopes": []any{map[string]any{"value": "/read"}},
		})},
		idtest.Document{Type: "App", Attrs: app("Client", map[string]any{
			"isOAuthClient": true, "allowedScopes": []any{map[string]any{"fqs": "https://resource.example.com/read"}},
		})},
		role("AR Clerk"), role("AR Guest"),
	)
	if err != nil {
		t.Fatal(err)
	}
	r := &replayer{srv: srv, vars: variables{
		"HOST": srv.URL, "userid": ids[0], "groupid": ids[1], "appid": ids[2], "oauthresourceappid": ids[3], "clientappid": ids[4],
		"approleid": ids[5], "approlid": ids[5], "appRoleID": ids[6], "appidthatdefinedtheapprole": ids[2], "serverappid": ids[2],
		"approledisplayname": "AR Clerk", "app_name": "managed",
		"tag1key": "k1", "tag1value": "v1", "tag2key": "k2", "tag2value": "v2",
	}, schemas: map[string]resourceSchema{}}
	for segment, typ := range map[string]string{"Apps": "App", "AppRoles": "AppRole", "Grants": "Grant", "Users": "User", "Groups": "Group"} {
		r.schemas[segment] = loadSchema(t, dir, typ)
	}
	return r
}

// clearGrants removes what the collection's requests granted.
func (r *replayer) clearGrants(t *testing.T) {
	t.Helper()
	list := r.do(t, http.MethodGet, encodeURL(r.srv.URL+`/admin/v1/Grants?filter=app.value eq "`+r.vars["appid"]+`" and grantMechanism ne "GROUP_MEMBERSHIP"`), "", nil)
	resources, _ := list.doc["Resources"].([]any)
	for _, x := range resources {
		id, _ := x.(map[string]any)["id"].(string)
		if a := r.do(t, http.MethodDelete, r.srv.URL+"/admin/v1/Grants/"+id, "", nil); a.status != http.StatusNoContent {
			t.Fatalf("revoke %s: %v", id, a.doc)
		}
	}
}

// grantAll grants the app and its role to everybody, and the client a role of
// the domain's own app, as the recorded app has.
func (r *replayer) grantAll(t *testing.T) {
	t.Helper()
	for _, x := range []struct {
		kind, grantee string
		role          bool
	}{
		{"User", "userid", true}, {"User", "userid", false}, {"Group", "groupid", true}, {"Group", "groupid", false}, {"App", "clientappid", true},
	} {
		r.vars["grantid"] = r.grantOne(t, x.kind, r.vars[x.grantee], r.vars["appid"], map[bool]string{true: r.vars["approleid"]}[x.role])
	}
	roles := r.do(t, http.MethodGet, encodeURL(r.srv.URL+`/admin/v1/AppRoles?filter=app.value eq "IDCSAppId" and displayName eq "Me"`), "", nil)
	list, _ := roles.doc["Resources"].([]any)
	if len(list) != 1 {
		t.Fatalf("the role Me: %v", roles.doc)
	}
	me, _ := list[0].(map[string]any)["id"].(string)
	r.grantOne(t, "App", r.vars["appid"], "IDCSAppId", me)
}

func (r *replayer) grantOne(t *testing.T, kind, grantee, app, role string) string {
	t.Helper()
	doc := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:Grant"}, "grantMechanism": "ADMINISTRATOR_TO_" + strings.ToUpper(kind),
		"grantee": map[string]any{"type": kind, "value": grantee}, "app": map[string]any{"value": app},
	}
	if role != "" {
		doc["entitlement"] = map[string]any{"attributeName": "appRoles", "attributeValue": role}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	a := r.do(t, http.MethodPost, r.srv.URL+"/admin/v1/Grants", string(body), nil)
	if a.status != http.StatusCreated {
		t.Fatalf("grant %s: status %d: %v", body, a.status, a.doc)
	}
	id, _ := a.doc["id"].(string)
	return id
}

// TestReplayAccess replays the folders about apps, app roles and grants.
func TestReplayAccess(t *testing.T) {
	dir := reference(t)
	r := accessReplayer(t, dir)
	var all []entry
	ran := map[string]bool{}
	for _, name := range accessFiles {
		for _, e := range catalogue(t, dir, name) {
			if reason := leftOut[e.ID]; (name == "users.json" || name == "groups.json") && !strings.HasSuffix(reason, "TestReplayAccess") {
				continue
			}
			if e.Body != nil {
				e.Body.JSON = []byte(strings.ReplaceAll(string(e.Body.JSON), recordersApp, r.vars["appid"]))
			}
			all = append(all, e)
			ran[e.ID] = true
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.accessStage() - b.accessStage() })
	granted := false
	for i := range all {
		e := &all[i]
		switch stage := e.accessStage(); {
		case stage == 1:
			r.clearGrants(t) // several requests grant the same
		case stage == 2 && !granted:
			r.clearGrants(t)
			r.grantAll(t)
			granted = true
		case stage == 4:
			r.clearGrants(t)
			r.vars["grantid"] = r.grantOne(t, "User", r.vars["userid"], r.vars["appid"], r.vars["approleid"])
		}
		t.Run(e.ID, func(t *testing.T) { r.accessStep(t, e) })
	}
	for _, m := range []map[string]bool{keysOf(accessExceptions), keysOf(accessFound), keysOf(accessShown)} {
		for id := range m {
			if !ran[id] {
				t.Errorf("%s is named and not replayed", id)
			}
		}
	}
	wantReplayed(t, "TestReplayAccess", ran)
	t.Logf("%d requests answered as recorded or documented", len(all))
}

func keysOf[V any](m map[string]V) map[string]bool {
	out := map[string]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}

// notAsked are recorded keys that an answer lacks.
var notAsked = map[string]map[string]string{
	"apps/search/search-for-apps/search-for-a-specific-app-return-refreshtokenexpiry": {
		"basedOnTemplate": "the recording has the value of an attribute that is shown by default and was not asked for",
	},
}

func (r *replayer) accessStep(t *testing.T, e *entry) {
	t.Helper()
	a := r.send(t, e)
	class := e.class()
	want := expected[class]
	if x, ok := accessExceptions[e.ID]; ok {
		want = x.status
		t.Logf("expected %d: %s", x.status, x.why)
	}
	if len(e.Examples) > 0 {
		want = e.Examples[0].Status
	}
	if a.status != want {
		t.Fatalf("status %d, want %d: %v", a.status, want, a.doc)
	}
	if want >= http.StatusBadRequest {
		checkError(t, a)
		return
	}
	segment, _, _ := strings.Cut(strings.TrimPrefix(e.Endpoint, "/admin/v1/"), "/")
	schema := r.schemas[segment]
	switch class {
	case "list", "search":
		r.accessPage(t, e, a, schema)
	case "delete":
		target, _ := r.vars.fill(e.URL)
		if gone := r.do(t, http.MethodGet, target, "", nil); gone.status != http.StatusNotFound {
			t.Errorf("read after delete: status %d", gone.status)
		}
	default:
		if schema != nil {
			report(t, schema.checkResource(a.doc, e.accessSelection(t)))
		}
		// The policy of step 2 is part of an extension that is returned on request.
		if schema != nil && class != "read" && !strings.Contains(e.ID, "webtier") {
			r.checkWritten(t, e, a, schema)
		}
	}
	if want, ok := accessShown[e.ID]; ok {
		var v any = a.doc
		for _, name := range want.path {
			v = v.(map[string]any)[name]
		}
		if list, _ := v.([]any); len(list) != want.n {
			t.Errorf("%d elements in %v, want %d", len(list), a.doc, want.n)
		}
	}
	if len(e.Examples) > 0 {
		checkRecorded(t, e.Examples[0].Body, a.doc, notAsked[e.ID])
	}
	if strings.HasSuffix(e.ID, "regenerate-client-secret") && a.doc["clientSecret"] == nil {
		t.Errorf("no secret in %v", a.doc)
	}
}

func (r *replayer) accessPage(t *testing.T, e *entry, a answer, schema resourceSchema) {
	t.Helper()
	size := 50.0
	switch {
	case strings.Contains(e.URL, "count=5"):
		size = 5
	case e.class() == "search":
		size = 10
	}
	report(t, checkList(a.doc, 1, size))
	resources, _ := a.doc["Resources"].([]any)
	if want, ok := accessFound[e.ID]; ok && len(resources) != want {
		t.Errorf("%d resources, want %d", len(resources), want)
	}
	for _, x := range resources {
		doc, _ := x.(map[string]any)
		report(t, schema.checkResource(doc, e.accessSelection(t)))
	}
}

// accessSelection is the selection with what is in attributes that are always
// shown in part: the recordings have basedOnTemplate with its value.
func (e *entry) accessSelection(t *testing.T) selection {
	t.Helper()
	sel := e.selection(t)
	if sel == nil {
		return nil
	}
	return append(sel, "basedOnTemplate", "app")
}
