package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

func TestRefresh(t *testing.T) {
	f := newFixture(t, memory.New())
	if f.token("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes)["refresh_token"] != nil {
		t.Error("a refresh token without offline_access")
	}
	if f.token("grant_type", "client_credentials", "scope", ScopeMyScopes+" offline_access")["refresh_token"] != nil {
		t.Error("a refresh token for client credentials")
	}
	refresh, _ := f.token("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes+" offline_access")["refresh_token"].(string)
	f.advance(2 * time.Hour)
	access, _ := f.token("grant_type", "refresh_token", "refresh_token", refresh)["access_token"].(string)
	c, err := f.Verify(t.Context(), access)
	if err != nil || c.Subject != "ada" || c.IssuedAt != f.now.Unix() {
		t.Fatalf("refreshed token: %+v, %v", c, err)
	}
	for _, tc := range []struct {
		name, auth string
		form       url.Values
		code       string
	}{
		{"wider scope", own, form("grant_type", "refresh_token", "refresh_token", refresh, "scope", ScopeMyScopes+" openid"), codeInvalidScope},
		{"other client", "", form("client_id", "app", "grant_type", "refresh_token", "refresh_token", refresh), codeInvalidGrant},
		{"unknown", own, form("grant_type", "refresh_token", "refresh_token", "nope"), codeInvalidGrant},
		{"missing", own, form("grant_type", "refresh_token"), codeInvalidRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if status, _, body := f.call(TokenPath, tc.auth, tc.form); status != 400 || body["error"] != tc.code {
				t.Errorf("got %d %v", status, body)
			}
		})
	}
	t.Run("user gone", func(t *testing.T) {
		ada := f.users["ada"]
		delete(f.users, "ada")
		defer func() { f.users["ada"] = ada }()
		if status, _, body := f.call(TokenPath, own, form("grant_type", "refresh_token", "refresh_token", refresh)); status != 400 || body["error"] != codeInvalidGrant {
			t.Errorf("got %d %v", status, body)
		}
	})
	f.advance(DefaultRefreshTTL)
	if status, _, body := f.call(TokenPath, own, form("grant_type", "refresh_token", "refresh_token", refresh)); status != 400 || body["error"] != codeInvalidGrant {
		t.Errorf("expired: %d %v", status, body)
	}
}

func TestRevokeAndIntrospect(t *testing.T) {
	f := newFixture(t, memory.New())
	body := f.token("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes+" offline_access")
	access, _ := body["access_token"].(string)
	refresh, _ := body["refresh_token"].(string)
	introspect := func(token string) map[string]any {
		t.Helper()
		status, _, body := f.call(IntrospectPath, own, form("token", token))
		if status != 200 {
			t.Fatalf("introspect: %d %v", status, body)
		}
		return body
	}
	got := introspect(access)
	want := map[string]any{
		"active": true, "scope": ScopeMyScopes + " offline_access", "client_id": testClient, "username": "ada", "token_type": "Bearer",
		"exp": float64(f.now.Unix() + 3600), "iat": float64(f.now.Unix()), "sub": "ada", "aud": []any{f.http.URL},
		"iss": f.http.URL, "jti": got["jti"], "tenant": "local",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("introspection (-want +got):\n%s", diff)
	}
	if introspect(refresh)["active"] != true {
		t.Error("the refresh token is active")
	}
	inactive := map[string]any{"active": false}
	if diff := cmp.Diff(inactive, introspect("rubbish")); diff != "" {
		t.Errorf("rubbish (-want +got):\n%s", diff)
	}
	if status, _, body := f.call(IntrospectPath, "other:other-secret", form("token", access)); status != 400 || body["error"] != codeUnauthorized {
		t.Errorf("client without the operation: %d %v", status, body)
	}
	if status, _, body := f.call(RevokePath, "other:other-secret", form("token", access)); status != 400 || body["error"] != codeUnauthorized {
		t.Errorf("revoking a stranger's token: %d %v", status, body)
	}
	if _, err := f.Verify(t.Context(), access); err != nil {
		t.Fatalf("still good: %v", err)
	}
	for _, token := range []string{access, refresh, access, "rubbish"} {
		if status, _, body := f.call(RevokePath, own, form("token", token)); status != 200 || body != nil {
			t.Errorf("revoke: %d %v", status, body)
		}
	}
	if _, err := f.Verify(t.Context(), access); !errors.Is(err, ErrRevokedToken) {
		t.Errorf("revoked token: %v", err)
	}
	for _, token := range []string{access, refresh} {
		if diff := cmp.Diff(inactive, introspect(token)); diff != "" {
			t.Errorf("revoked (-want +got):\n%s", diff)
		}
	}
	if status, _, body := f.call(RevokePath, own, form("token", access, "token_type_hint", "cookie")); status != 400 || body["error"] != codeUnsupportedType {
		t.Errorf("hint: %d %v", status, body)
	}
}

// TestStoreHoldsNoSecret looks for everything secret in everything stored.
func TestStoreHoldsNoSecret(t *testing.T) {
	st := memory.New()
	f := newFixture(t, st)
	body := f.token("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes+" offline_access")
	access, _ := body["access_token"].(string)
	refresh, _ := body["refresh_token"].(string)
	if status, _, _ := f.call(RevokePath, own, form("token", access)); status != 200 {
		t.Fatal(status)
	}
	var all strings.Builder
	err := st.View(t.Context(), func(tx store.Tx) error {
		for _, typ := range []string{refreshType, revocationType} {
			n := 0
			for row, err := range tx.Query(store.Query{Type: typ}) {
				if err != nil {
					return err
				}
				n++
				all.WriteString(row.ID + string(row.Data))
			}
			if n == 0 {
				t.Errorf("no record of type %s", typ)
			}
		}
		raw, err := tx.Value(clientValuePrefix + testClient)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{access, refresh, testSecret, "pw-ada"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%.8s... lies in the store", secret)
		}
	}
}

func TestOldRecordsGo(t *testing.T) {
	st := memory.New()
	f := newFixture(t, st)
	revokeOne := func() {
		access, _ := f.token("grant_type", "client_credentials", "scope", ScopeMyScopes)["access_token"].(string)
		f.call(RevokePath, own, form("token", access))
	}
	revokeOne()
	f.advance(2 * time.Hour)
	revokeOne()
	err := st.View(t.Context(), func(tx store.Tx) error {
		n, err := tx.Count(store.Query{Type: revocationType})
		if n != 1 {
			t.Errorf("%d revocations, want the last one only", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTwoServers are two processes on one store.
func TestTwoServers(t *testing.T) {
	st := memory.New()
	a, b := newFixture(t, st), newFixture(t, st)
	var wg sync.WaitGroup
	tokens := make([]string, 2)
	for i, f := range []*fixture{a, b} { // both find no key and make one
		wg.Go(func() {
			tokens[i], _, _ = f.IssueClientToken(t.Context(), "http://x.example.com", testClient, ScopeMyScopes)
		})
	}
	wg.Wait()
	for i, raw := range tokens {
		for j, f := range []*fixture{a, b} {
			if _, err := f.Verify(t.Context(), raw); err != nil {
				t.Errorf("token of server %d at server %d: %v", i, j, err)
			}
		}
	}
	if status, _, _ := a.call(RevokePath, own, form("token", tokens[1])); status != 200 {
		t.Fatal(status)
	}
	if _, err := b.Verify(t.Context(), tokens[1]); !errors.Is(err, ErrRevokedToken) {
		t.Errorf("revoked elsewhere: %v", err)
	}
	refresh, _ := a.token("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes+" offline_access")["refresh_token"].(string)
	if b.token("grant_type", "refresh_token", "refresh_token", refresh)["access_token"] == nil {
		t.Error("a refresh token of one is good at the other")
	}
}

// TestReset: tokens end with the store, the process's own client comes back.
func TestReset(t *testing.T) {
	st := memory.New()
	f := newFixture(t, st)
	if err := f.RegisterClient(t.Context(), Client{ID: "boot", Type: ClientConfidential, Grants: []string{GrantClientCredentials}}, "boot-secret", true); err != nil {
		t.Fatal(err)
	}
	grant := form("grant_type", "client_credentials", "scope", ScopeMyScopes)
	_, _, body := f.call(TokenPath, "boot:boot-secret", grant)
	access, _ := body["access_token"].(string)
	if err := st.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), access); !errors.Is(err, ErrInvalidToken) {
		t.Errorf("token of before: %v", err)
	}
	if status, _, body := f.call(TokenPath, "boot:boot-secret", grant); status != 200 {
		t.Errorf("own client: %d %v", status, body)
	}
	if status, _, _ := f.call(TokenPath, own, grant); status != 401 {
		t.Errorf("other client: %d", status)
	}
}

func TestRegisterClientWritesOnce(t *testing.T) {
	st := memory.New()
	f := newFixture(t, st)
	c := Client{ID: "c", Type: ClientConfidential, Grants: []string{GrantClientCredentials}}
	version := func() uint64 {
		v, err := st.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for i, secret := range []string{"one", "one", "", "two"} {
		before := version()
		if err := f.RegisterClient(t.Context(), c, secret, false); err != nil {
			t.Fatal(err)
		}
		if wrote := version() != before; wrote != (i == 0 || i == 3) {
			t.Errorf("registration %d wrote: %v", i, wrote)
		}
	}
	got, err := f.FindClient(t.Context(), "c")
	if err != nil || !got.checkSecret("two") || got.checkSecret("one") {
		t.Errorf("client %+v, %v", got, err)
	}
}

// Two processes that find no client and register one at the same time must not
// write two ids for its App: each then misses the App of the other.
func TestRegisteredClientsMeanTheSameApp(t *testing.T) {
	app := func(clientID string) string {
		f := newFixture(t, memory.New()) // as each sees the store before the other wrote
		if err := f.RegisterClient(t.Context(), Client{ID: clientID, Type: ClientConfidential}, "secret", true); err != nil {
			t.Fatal(err)
		}
		c, err := f.FindClient(t.Context(), clientID)
		if err != nil {
			t.Fatal(err)
		}
		return c.AppID
	}
	if a, b := app("local-one"), app("local-one"); a != b {
		t.Errorf("the same client has the Apps %s and %s", a, b)
	}
	if a, b := app("local-one"), app("local-two"); a == b {
		t.Errorf("two clients have the App %s", a)
	}
}

func TestDiscovery(t *testing.T) {
	f := newFixture(t, memory.New())
	get := func(method, path string) (int, http.Header, map[string]any) {
		req, _ := http.NewRequestWithContext(t.Context(), method, f.http.URL+path, nil)
		return f.do(req)
	}
	_, _, open := get(http.MethodGet, OpenIDPath)
	if open["issuer"] != f.http.URL || open["jwks_uri"] != f.http.URL+JWKPath || open["token_endpoint"] != f.http.URL+TokenPath {
		t.Errorf("document %v", open)
	}
	_, _, idcs := get(http.MethodGet, IDCSPath)
	if diff := cmp.Diff(open, idcs["openid-configuration"]); diff != "" {
		t.Errorf("nested document (-want +got):\n%s", diff)
	}
	for _, path := range []string{OpenIDPath, IDCSPath} {
		status, h, _ := get(http.MethodOptions, path)
		if status != 200 || h.Get("Allow") != "GET,HEAD,OPTIONS" || h.Get("Access-Control-Allow-Methods") != h.Get("Allow") {
			t.Errorf("OPTIONS %s: %d %v", path, status, h)
		}
		if status, _, _ := get(http.MethodDelete, path); status != 405 {
			t.Errorf("DELETE %s: %d", path, status)
		}
	}
}

// TestStoreTrouble: the service's own trouble is no verdict about a token.
func TestStoreTrouble(t *testing.T) {
	st := memory.New()
	f := newFixture(t, st)
	access, _ := f.token("grant_type", "client_credentials", "scope", ScopeMyScopes)["access_token"].(string)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), access); !errors.Is(err, store.ErrClosed) || isTokenError(err) {
		t.Errorf("verify: %v", err)
	}
	for _, path := range []string{TokenPath, IntrospectPath, RevokePath} {
		status, _, body := f.call(path, own, form("grant_type", "client_credentials", "scope", ScopeMyScopes, "token", access))
		if status != 500 || body["error"] != codeServerError {
			t.Errorf("%s: %d %v", path, status, body)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, f.http.URL+JWKPath, nil)
	if status, _, body := f.do(req); status != 500 || body["error"] != codeServerError {
		t.Errorf("JWKS: %d %v", status, body)
	}
}

func TestVerifyCacheIsBounded(t *testing.T) {
	c := newVerifyCache(3)
	for i := range byte(10) {
		c.put([32]byte{i + 1}, verified{kid: "k"})
		c.put([32]byte{i + 1}, verified{kid: "k2"})
	}
	if len(c.byKey) != 3 {
		t.Errorf("%d entries", len(c.byKey))
	}
	if v, ok := c.get([32]byte{10}); !ok || v.kid != "k2" {
		t.Errorf("the newest is missing: %+v", v)
	}
}
