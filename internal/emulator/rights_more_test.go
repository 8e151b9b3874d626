package emulator

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// TestRightsOfTwoProcesses: a role that one process takes away counts no more in
// the other.
func TestRightsOfTwoProcesses(t *testing.T) {
	a, b := twoProcesses(t)
	id, token := a.app("client", "")
	see := func(f *fixture) int { return f.as(token, http.MethodGet, "/admin/v1/Users?count=0", nil).status }
	if see(a) != 403 || see(b) != 403 {
		t.Errorf("without a role: %d, %d", see(a), see(b))
	}
	grant := b.grantRole("App", id, "User Administrator")
	if see(a) != 200 || see(b) != 200 {
		t.Errorf("granted in b: %d, %d", see(a), see(b))
	}
	a.want(a.do(http.MethodDelete, "/admin/v1/Grants/"+grant, nil), 204)
	if see(b) != 403 || see(a) != 403 {
		t.Errorf("revoked in a: %d, %d", see(a), see(b))
	}
	a.want(a.do(http.MethodGet, "/admin/v1/Users?count=0", nil), 200)
	if n := a.want(a.do(http.MethodGet, "/admin/v1/Grants?count=0", nil), 200).doc["totalResults"]; n != float64(1) {
		t.Errorf("%v grants: the first client was given its role twice", n)
	}
}

// TestRightsAfterReset: a domain that is fresh again has its roles and its first
// client again, and nothing else.
func TestRightsAfterReset(t *testing.T) {
	f := start(t, nil)
	f.app("client", "User Administrator")
	list := f.want(f.do(http.MethodGet, `/admin/v1/Grants?filter=app.value+eq+"IDCSAppId"`, nil), 200).doc["Resources"].([]any)
	for _, g := range list {
		id, _ := at(g, "id").(string)
		f.do(http.MethodDelete, "/admin/v1/Grants/"+id, nil)
	}
	f.want(f.controlDo(http.MethodPost, "/reset", nil), 204)
	f.token, _ = f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200).doc["access_token"].(string)
	for path, want := range map[string]float64{"Grants": 1, "Apps": 2, "AppRoles": 21} {
		if n := f.want(f.do(http.MethodGet, "/admin/v1/"+path+"?count=0", nil), 200).doc["totalResults"]; n != want {
			t.Errorf("%s: %v, want %v", path, n, want)
		}
	}
}

// TestFirstClientIsAnApp: a change of it leaves its secret alone, and when it is
// deactivated or gone there are no tokens for it, nor rights for those it has.
func TestFirstClientIsAnApp(t *testing.T) {
	f := start(t, nil)
	_, other := f.app("other", "Identity Domain Administrator")
	apps := f.want(f.do(http.MethodGet, `/admin/v1/Apps?filter=name+eq+"`+f.Credentials().ClientID+`"`, nil), 200)
	list, _ := apps.doc["Resources"].([]any)
	if len(list) != 1 {
		t.Fatalf("%s", apps.raw)
	}
	path := "/admin/v1/Apps/" + at(list[0], "id").(string)
	if at(list[0], "clientSecret") != nil {
		t.Errorf("its secret is kept as a digest: %v", at(list[0], "clientSecret"))
	}
	ask := func() int {
		return f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes).status
	}
	see := func() int { return f.do(http.MethodGet, "/admin/v1/Users?count=0", nil).status }
	f.want(f.do(http.MethodPatch, path, patchOp("description", "ours")), 200)
	if ask() != 200 || see() != 200 {
		t.Errorf("after a change: %d, %d", ask(), see())
	}
	f.want(f.do(http.MethodPatch, path, patchOp("active", false)), 200)
	if ask() != 401 || see() != 403 {
		t.Errorf("deactivated: %d, %d", ask(), see())
	}
	f.want(f.as(other, http.MethodPatch, path, patchOp("active", true)), 200)
	if ask() != 200 || see() != 200 {
		t.Errorf("activated: %d, %d", ask(), see())
	}
	f.want(f.as(other, http.MethodPatch, path, patchOp("active", false)), 200)
	f.want(f.as(other, http.MethodDelete, path, nil), 204)
	if ask() != 401 || see() != 403 {
		t.Errorf("deleted: %d, %d", ask(), see())
	}
}

// onFile is start on a database file.
func onFile(t *testing.T) *fixture {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "local.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return start(t, func(o *Options) { o.Store = st })
}
