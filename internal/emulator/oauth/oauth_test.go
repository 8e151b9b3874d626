package oauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

const (
	testClient = "cli"
	testSecret = "s3cr:t%41 +/ö" // with what Basic and forms stumble over
)

var testKey = sync.OnceValue(newKey)

// freshKeys hands out keys that were made once for all tests, a different one
// each time as far as they go.
func freshKeys() func() (*rsa.PrivateKey, error) {
	return func() (*rsa.PrivateKey, error) { return spareKeys[nextSpare.Add(1)%int64(len(spareKeys))](), nil }
}

var (
	nextSpare atomic.Int64
	spareKeys = []func() *rsa.PrivateKey{sync.OnceValue(newKey), sync.OnceValue(newKey), sync.OnceValue(newKey)}
)

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

// people is a fixed set of users, both Passwords and Users.
type people map[string]Subject

func (p people) Verify(_ context.Context, name, password string) (Subject, error) {
	u, ok := p[name]
	if !ok || password != "pw-"+name {
		return Subject{}, ErrBadCredentials
	}
	return u, nil
}

func (p people) Lookup(_ context.Context, name string) (Subject, error) {
	u, ok := p[name]
	if !ok {
		return Subject{}, ErrNoUser
	}
	return u, nil
}

// fixture is a server with three clients and a clock that stands still.
type fixture struct {
	*Server
	t     *testing.T
	store store.Store
	http  *httptest.Server
	mu    sync.Mutex
	now   time.Time
	users people
}

func newFixture(t *testing.T, st store.Store) *fixture {
	t.Helper()
	f := &fixture{
		t: t, store: st, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		users: people{"ada": {ID: "u1", UserName: "ada", DisplayName: "Ada L", Roles: []string{"User Administrator", "Help Desk"}}},
	}
	s, err := New(Config{
		Store: st, Passwords: f.users, Users: f.users, NewKey: freshKeys(),
		Now:     func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now },
		BaseURL: func(r *http.Request) string { return "http://" + r.Host },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	all := []string{GrantClientCredentials, GrantPassword, GrantRefreshToken, GrantJWTBearer}
	for _, c := range []struct {
		Client
		secret string
	}{
		{Client{ID: testClient, Name: "CLI", Type: ClientConfidential, Grants: all, Operations: []string{OperationIntrospect}, Roles: []string{"User Administrator"}, Keys: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: testKey().Public(), KeyID: "k1"}}}}, testSecret},
		{Client{ID: "other", Type: ClientConfidential, Grants: []string{GrantClientCredentials}}, "other-secret"},
		{Client{ID: "app", Type: ClientPublic, Grants: all}, ""},
	} {
		if err := s.RegisterClient(t.Context(), c.Client, c.secret, false); err != nil {
			t.Fatal(err)
		}
	}
	f.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case JWKPath:
			s.JWKS(w, r)
		case OpenIDPath:
			s.OpenIDConfiguration(w, r)
		case IDCSPath:
			s.IDCSConfiguration(w, r)
		default:
			s.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.http.Close)
	return f
}

func (f *fixture) advance(d time.Duration) { f.mu.Lock(); f.now = f.now.Add(d); f.mu.Unlock() }

// call sends a form; auth is id:secret for Basic, or empty.
func (f *fixture) call(path, auth string, form url.Values) (int, http.Header, map[string]any) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.http.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id, secret, ok := strings.Cut(auth, ":"); ok {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	return f.do(req)
}

func (f *fixture) do(req *http.Request) (int, http.Header, map[string]any) {
	f.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	var m map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &m); err != nil {
			f.t.Fatalf("body %q: %v", body, err)
		}
	}
	return resp.StatusCode, resp.Header, m
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

const own = testClient + ":" + testSecret

func (f *fixture) token(pairs ...string) map[string]any {
	f.t.Helper()
	status, _, body := f.call(TokenPath, own, form(pairs...))
	if status != http.StatusOK {
		f.t.Fatalf("token: status %d: %v", status, body)
	}
	return body
}

func (f *fixture) assertion(change func(*jwt.Claims)) string {
	f.t.Helper()
	c := jwt.Claims{
		Issuer: testClient, Subject: "ada", Audience: jwt.Audience{f.http.URL + "/"}, ID: "1",
		Expiry: jwt.NewNumericDate(f.now.Add(5 * time.Minute)), IssuedAt: jwt.NewNumericDate(f.now),
	}
	change(&c)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: testKey(), KeyID: "k1"}}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	raw, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return raw
}

func TestClientCredentials(t *testing.T) {
	f := newFixture(t, memory.New())
	status, h, body := f.call(TokenPath, own, form("grant_type", "client_credentials", "scope", ScopeMyScopes))
	if status != http.StatusOK {
		t.Fatalf("status %d: %v", status, body)
	}
	if got := h.Get("Content-Type"); got != "application/json;charset=UTF-8" {
		t.Errorf("Content-Type %q", got)
	}
	if h.Get("Cache-Control") != "no-store" {
		t.Error("a token must not be cached")
	}
	raw, _ := body["access_token"].(string)
	if diff := cmp.Diff(map[string]any{"access_token": raw, "token_type": "Bearer", "expires_in": 3600.0}, body); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	// A stranger checks the token with the published key alone.
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, f.http.URL+JWKPath, nil)
	_, _, keys := f.do(req)
	text, _ := json.Marshal(keys)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 1 || !set.Keys[0].IsPublic() {
		t.Fatalf("JWKS %s: %v", text, err)
	}
	tok, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var got Claims
	if err := tok.Claims(set, &got); err != nil {
		t.Fatal(err)
	}
	want := Claims{
		Issuer: f.http.URL, Subject: testClient, SubjectType: "client", SubMappingAttr: "userName",
		Audience: jwt.Audience{f.http.URL}, Expiry: f.now.Unix() + 3600, IssuedAt: f.now.Unix(), ID: got.ID, TokenType: "AT",
		Scope: ScopeMyScopes, ClientID: testClient, ClientName: "CLI", ClientGUID: got.ClientGUID,
		ClientTenant: "local", ClientRoles: []string{"User Administrator"}, Tenant: "local",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if len(got.ID) != 32 || len(got.ClientGUID) != 32 {
		t.Errorf("jti %q, client_guid %q: want 32 hex digits", got.ID, got.ClientGUID)
	}
}

func TestClientAuthentication(t *testing.T) {
	f := newFixture(t, memory.New())
	grant := form("grant_type", "client_credentials", "scope", ScopeMyScopes)
	with := func(pairs ...string) url.Values {
		v := url.Values{}
		for k, x := range grant {
			v[k] = x
		}
		for k, x := range form(pairs...) {
			v[k] = x
		}
		return v
	}
	client := func(c *jwt.Claims) { c.Subject = testClient }
	for _, tc := range []struct {
		name, auth string
		form       url.Values
		status     int
		code       string
	}{
		{"basic", own, grant, 200, ""},
		{"secret in the form", "", with("client_id", testClient, "client_secret", testSecret), 200, ""},
		{"wrong secret", testClient + ":nope", grant, 401, codeInvalidClient},
		{"empty secret", testClient + ":", grant, 401, codeInvalidClient},
		{"unknown client", "nobody:" + testSecret, grant, 401, codeInvalidClient},
		{"nobody at all", "", grant, 401, codeInvalidClient},
		{"two ways", own, with("client_secret", testSecret), 400, codeInvalidRequest},
		{"other client_id", own, with("client_id", "other"), 400, codeInvalidRequest},
		{"public client without a secret", "", with("client_id", "app"), 400, codeUnauthorized},
		{"confidential client without a secret", "", with("client_id", testClient), 401, codeInvalidClient},
		{"assertion", "", with("client_assertion_type", assertionTypeJWT, "client_assertion", f.assertion(client)), 200, ""},
		{"assertion of the wrong type", "", with("client_assertion_type", "saml", "client_assertion", f.assertion(client)), 400, codeInvalidRequest},
		{"assertion for a client without keys", "", with("client_assertion_type", assertionTypeJWT, "client_assertion", f.assertion(func(c *jwt.Claims) { c.Subject, c.Issuer = "other", "other" })), 401, codeInvalidClient},
		{"assertion of somebody else", "", with("client_assertion_type", assertionTypeJWT, "client_assertion", f.assertion(func(c *jwt.Claims) { c.Subject, c.Issuer = testClient, "other" })), 401, codeInvalidClient},
		{"garbage as assertion", "", with("client_assertion_type", assertionTypeJWT, "client_assertion", "a.b.c"), 401, codeInvalidClient},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, h, body := f.call(TokenPath, tc.auth, tc.form)
			code, _ := body["error"].(string)
			if status != tc.status || code != tc.code {
				t.Fatalf("got %d %q, want %d %q: %v", status, code, tc.status, tc.code, body)
			}
			if (status == 401) != (h.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate %q with status %d", h.Get("WWW-Authenticate"), status)
			}
		})
	}
}

func TestTokenRequests(t *testing.T) {
	f := newFixture(t, memory.New())
	for _, tc := range []struct {
		name   string
		form   url.Values
		status int
		code   string
	}{
		{"no grant type", form("scope", ScopeMyScopes), 400, codeInvalidRequest},
		{"unknown grant type", form("grant_type", "magic"), 400, codeUnsupported},
		{"repeated parameter", url.Values{"grant_type": {"client_credentials"}, "scope": {"a", "b"}}, 400, codeInvalidRequest},
		{"password", form("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes), 200, ""},
		{"wrong password", form("grant_type", "password", "username", "ada", "password", "x", "scope", ScopeMyScopes), 400, codeInvalidGrant},
		{"unknown user", form("grant_type", "password", "username", "bob", "password", "pw-bob", "scope", ScopeMyScopes), 400, codeInvalidGrant},
		{"no password", form("grant_type", "password", "username", "ada", "scope", ScopeMyScopes), 400, codeInvalidRequest},
		{"role of both", form("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", "urn:opc:idm:role.User%20Administrator"), 200, ""},
		{"role of the user alone", form("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", "urn:opc:idm:role.Help%20Desk"), 400, codeInvalidScope},
		{"assertion", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(*jwt.Claims) {}), "scope", ScopeMyScopes), 200, ""},
		{"assertion with the classic audience", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(c *jwt.Claims) { c.Audience = jwt.Audience{classicAudience} }), "scope", ScopeMyScopes), 200, ""},
		{"assertion for another audience", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://elsewhere.example.com/"} }), "scope", ScopeMyScopes), 400, codeInvalidGrant},
		{"expired assertion", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(f.now.Add(-2 * time.Minute)) }), "scope", ScopeMyScopes), 400, codeInvalidGrant},
		{"assertion within the skew", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(f.now.Add(-30 * time.Second)) }), "scope", ScopeMyScopes), 200, ""},
		{"assertion without expiry", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(c *jwt.Claims) { c.Expiry = nil }), "scope", ScopeMyScopes), 400, codeInvalidGrant},
		{"assertion for nobody", form("grant_type", GrantJWTBearer, "assertion", f.assertion(func(c *jwt.Claims) { c.Subject = "bob" }), "scope", ScopeMyScopes), 400, codeInvalidGrant},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, _, body := f.call(TokenPath, own, tc.form)
			if code, _ := body["error"].(string); status != tc.status || code != tc.code {
				t.Fatalf("got %d %q, want %d %q: %v", status, code, tc.status, tc.code, body)
			}
		})
	}
	t.Run("grant not allowed", func(t *testing.T) {
		status, _, body := f.call(TokenPath, "other:other-secret", form("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", ScopeMyScopes))
		if status != 400 || body["error"] != codeUnauthorized {
			t.Errorf("got %d %v", status, body)
		}
	})
	t.Run("not a form", func(t *testing.T) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, f.http.URL+TokenPath, strings.NewReader(`{}`))
		req.Header.Set("Content-Type", "application/json")
		if status, _, body := f.do(req); status != 400 || body["error"] != codeInvalidRequest {
			t.Errorf("got %d %v", status, body)
		}
	})
	t.Run("GET", func(t *testing.T) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, f.http.URL+TokenPath, nil)
		if status, h, _ := f.do(req); status != 405 || h.Get("Allow") != "POST,OPTIONS" {
			t.Errorf("got %d, Allow %q", status, h.Get("Allow"))
		}
	})
}

func TestParseScope(t *testing.T) {
	for _, tc := range []struct {
		name, scope string
		want        scopeRequest
		ok          bool
	}{
		{"myscopes", ScopeMyScopes, scopeRequest{names: []string{ScopeMyScopes}}, true},
		{"twice the same", "openid openid", scopeRequest{names: []string{"openid"}, openID: true}, true},
		{"expiry", ScopeMyScopes + " urn:opc:resource:expiry=60", scopeRequest{names: []string{ScopeMyScopes}, expiry: time.Minute}, true},
		{"expiry of a year", ScopeMyScopes + " urn:opc:resource:expiry=31536000", scopeRequest{names: []string{ScopeMyScopes}, expiry: MaxExpiry}, true},
		{"expiry too short", ScopeMyScopes + " urn:opc:resource:expiry=59", scopeRequest{}, false},
		{"expiry too long", ScopeMyScopes + " urn:opc:resource:expiry=31536001", scopeRequest{}, false},
		{"expiry alone", "urn:opc:resource:expiry=60", scopeRequest{}, false},
		{"expiry that is no number", ScopeMyScopes + " urn:opc:resource:expiry=1h", scopeRequest{}, false},
		{"consumer alone", ScopeConsumer, scopeRequest{names: []string{ScopeConsumer}}, true},
		{"consumer offline", ScopeConsumer + " offline_access", scopeRequest{names: []string{ScopeConsumer, ScopeOffline}, offline: true}, true},
		{"consumer mixed", ScopeConsumer + " " + ScopeMyScopes, scopeRequest{}, false},
		{"consumer mixed with openid", "openid " + ScopeConsumer, scopeRequest{}, false},
		{"offline alone", "offline_access", scopeRequest{}, false},
		{"fine-grained", "urn:opc:idm:t.user.signin", scopeRequest{names: []string{"urn:opc:idm:t.user.signin"}}, true},
		{"role held", "urn:opc:idm:role.User%20Administrator", scopeRequest{names: []string{"urn:opc:idm:role.User%20Administrator"}}, true},
		{"role not held", "urn:opc:idm:role.Security", scopeRequest{}, false},
		{"unknown", "https://api.example.com/read", scopeRequest{}, false},
		{"empty", "", scopeRequest{}, false},
		{"bad character", "open\"id", scopeRequest{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseScope(tc.scope, []string{"User Administrator"})
			if (err == nil) != tc.ok {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(scopeRequest{})); tc.ok && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if HasAdminScope(ScopeConsumer+" openid") || !HasAdminScope("openid "+ScopeMyScopes) {
		t.Error("HasAdminScope tells the wrong scopes apart")
	}
}

func TestExpiryScope(t *testing.T) {
	f := newFixture(t, memory.New())
	body := f.token("grant_type", "client_credentials", "scope", ScopeMyScopes+" urn:opc:resource:expiry=120")
	raw, _ := body["access_token"].(string)
	if body["expires_in"] != 120.0 {
		t.Errorf("expires_in %v", body["expires_in"])
	}
	f.advance(119 * time.Second)
	c, err := f.Verify(t.Context(), raw)
	if err != nil {
		t.Fatalf("one second before: %v", err)
	}
	if c.Scope != ScopeMyScopes {
		t.Errorf("scope %q: the expiry is not one", c.Scope)
	}
	f.advance(time.Second)
	if _, err := f.Verify(t.Context(), raw); !errors.Is(err, ErrExpiredToken) {
		t.Errorf("at the end: %v", err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	f := newFixture(t, memory.New())
	body := f.token("grant_type", "password", "username", "ada", "password", "pw-ada", "scope", "openid "+ScopeMyScopes)
	access, _ := body["access_token"].(string)
	id, _ := body["id_token"].(string)
	if id == "" {
		t.Fatal("openid asked for an ID token")
	}
	parts := strings.Split(access, ".")
	foreign := f.assertion(func(c *jwt.Claims) { c.Subject = testClient })
	strange := newFixture(t, memory.New()).token("grant_type", "client_credentials", "scope", ScopeMyScopes)["access_token"].(string)
	for name, raw := range map[string]string{
		"empty":             "",
		"garbage":           "garbage",
		"too long":          strings.Repeat("x", maxTokenLength+1),
		"other claims":      parts[0] + "." + strings.Split(id, ".")[1] + "." + parts[2],
		"no signature":      parts[0] + "." + parts[1] + ".",
		"alg none":          "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"ID token":          id,
		"signed by a key":   foreign,
		"of another domain": strange,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.Verify(t.Context(), raw); !errors.Is(err, ErrInvalidToken) {
				t.Errorf("got %v", err)
			}
		})
	}
	c, err := f.Verify(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "ada" || c.UserID != "u1" || c.SubjectType != "user" || c.SessionID == "" {
		t.Errorf("claims %+v", c)
	}
	if diff := cmp.Diff([]string{"User Administrator"}, c.Roles()); diff != "" {
		t.Errorf("roles of both (-want +got):\n%s", diff)
	}
}
