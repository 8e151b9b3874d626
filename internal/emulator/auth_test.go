package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// tokenCall asks for a token as the administrator's client.
func (f *fixture) tokenCall(path string, pairs ...string) answer {
	f.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req := f.request(http.MethodPost, path, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(f.Credentials().ClientID), url.QueryEscape(f.Credentials().ClientSecret))
	return f.send(req)
}

func TestAuthentication(t *testing.T) {
	f := start(t, nil)
	good, _ := f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200).doc["access_token"].(string)
	consumer, _ := f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeConsumer), 200).doc["access_token"].(string)
	revoked, _ := f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200).doc["access_token"].(string)
	f.want(f.tokenCall(oauth.RevokePath, "token", revoked), 200)
	short, _ := f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes+" urn:opc:resource:expiry=60"), 200).doc["access_token"].(string)
	f.clock.advance(time.Minute)
	for _, tc := range []struct {
		name, header string
		status       int
		challenge    string
	}{
		{"good", "Bearer " + good, 200, ""},
		{"scheme in other case", "bearer " + good, 200, ""},
		{"none", "", 401, `Bearer realm="idcs"`},
		{"basic", "Basic eDp5", 401, `Bearer realm="idcs"`},
		{"empty", "Bearer ", 401, `Bearer realm="idcs"`},
		{"garbage", "Bearer x", 401, `Bearer realm="idcs", error="invalid_token", error_description="The access token is not valid."`},
		{"tampered", "Bearer " + good[:len(good)-6] + "AAAAAA", 401, `Bearer realm="idcs", error="invalid_token", error_description="The access token is not valid."`},
		{"expired", "Bearer " + short, 401, `Bearer realm="idcs", error="invalid_token", error_description="The access token has expired."`},
		{"revoked", "Bearer " + revoked, 401, `Bearer realm="idcs", error="invalid_token", error_description="The access token was revoked."`},
		{"without an administration scope", "Bearer " + consumer, 403, `Bearer realm="idcs", error="insufficient_scope"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := f.do(http.MethodGet, "/admin/v1/Users", nil, "Authorization", tc.header)
			if a.status != tc.status || a.header.Get("WWW-Authenticate") != tc.challenge {
				t.Fatalf("got %d %q", a.status, a.header.Get("WWW-Authenticate"))
			}
			if tc.status != 200 && a.doc["status"] == nil {
				t.Errorf("no error body: %s", a.raw)
			}
		})
	}
}

func TestSigningCert(t *testing.T) {
	f := start(t, nil)
	if a := f.do(http.MethodGet, oauth.JWKPath, nil, "Authorization", ""); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
	if a := f.do(http.MethodGet, oauth.JWKPath, nil); a.status != 200 || a.doc["keys"] == nil {
		t.Errorf("with a token: %d %s", a.status, a.raw)
	}
	public := start(t, func(o *Options) { o.SigningCertPublic = true })
	if a := public.do(http.MethodGet, oauth.JWKPath, nil, "Authorization", ""); a.status != 200 || strings.Contains(string(a.raw), `"d"`) {
		t.Errorf("public: %d %s", a.status, a.raw)
	}
}

// TestPasswordGrant goes through the engine's stored hash.
func TestPasswordGrant(t *testing.T) {
	f := start(t, nil)
	u := user("Ada")
	u["password"] = "Example-Passw0rd"
	id, _ := f.want(f.do(http.MethodPost, "/admin/v1/Users", u), 201).doc["id"].(string)
	grant := func(name, password string) answer {
		return f.tokenCall(oauth.TokenPath, "grant_type", "password", "username", name, "password", password, "scope", oauth.ScopeMyScopes+" offline_access")
	}
	a := f.want(grant("ada", "Example-Passw0rd"), 200)
	token, _ := a.doc["access_token"].(string)
	refresh, _ := a.doc["refresh_token"].(string)
	claims, err := f.OAuth().Verify(t.Context(), token)
	if err != nil || claims.UserID != id || claims.Subject != "Ada" {
		t.Fatalf("claims %+v, %v", claims, err)
	}
	if a := grant("ada", "wrong"); a.status != 400 || a.doc["error"] != "invalid_grant" {
		t.Errorf("wrong password: %d %s", a.status, a.raw)
	}
	f.create("bob")
	for _, name := range []string{"bob", "nobody", `x" or userName pr or userName eq "`} {
		if a := grant(name, "Example-Passw0rd"); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	// What a user creates is marked as theirs.
	f.grantRole("User", id, "User Administrator")
	req := f.request(http.MethodPost, "/admin/v1/Users", user("carol"))
	req.Header.Set("Authorization", "Bearer "+token)
	by, _ := f.want(f.send(req), 201).doc["idcsCreatedBy"].(map[string]any)
	if by["type"] != "User" || by["value"] != id {
		t.Errorf("idcsCreatedBy %v", by)
	}
	// Me is the caller, and nobody else.
	bearer := "Bearer " + token
	me := f.want(f.do(http.MethodGet, "/admin/v1/Me", nil, "Authorization", bearer), 200)
	meta, _ := me.doc["meta"].(map[string]any)
	if me.doc["id"] != id || meta["resourceType"] != "Me" || meta["location"] != f.http.URL+"/admin/v1/Me/"+id {
		t.Errorf("Me: %s", me.raw)
	}
	f.want(f.do(http.MethodGet, "/admin/v1/Me/"+id, nil, "Authorization", bearer), 200)
	f.want(f.do(http.MethodGet, "/admin/v1/Me/0123", nil, "Authorization", bearer), 404)
	f.want(f.do(http.MethodPatch, "/admin/v1/Users/"+id, patchOp("active", false)), 200)
	if a := grant("ada", "Example-Passw0rd"); a.status != 400 {
		t.Errorf("deactivated: %d", a.status)
	}
	if a := f.tokenCall(oauth.TokenPath, "grant_type", "refresh_token", "refresh_token", refresh); a.status != 400 {
		t.Errorf("refresh of a deactivated user: %d %s", a.status, a.raw)
	}
}

// onlyReading is an Authorizer that refuses writes and keeps what it was asked.
type onlyReading struct{ asked []Access }

func (o *onlyReading) Authorize(_ context.Context, a Access) error {
	o.asked = append(o.asked, a)
	if a.Verb&writeVerbs != 0 {
		return refusal(http.StatusForbidden, "", msgForbidden, "Not you.")
	}
	return nil
}

func TestAuthorizer(t *testing.T) {
	guard := &onlyReading{}
	f := start(t, func(o *Options) { o.Authorizer = guard })
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil), 200)
	f.want(f.do(http.MethodDelete, "/admin/v1/Users/x1", nil), 403)
	if got := statuses(f.bulkCall([]any{op("POST", "/Users", "", user("ada"))})); got != "403" {
		t.Errorf("bulk: %s", got)
	}
	var got []Access
	for _, a := range guard.asked {
		got = append(got, Access{Verb: a.Verb, Type: a.Type, ID: a.ID})
		if a.Actor.Type != "App" || a.Scope != oauth.ScopeMyScopes {
			t.Errorf("actor %+v, scope %q", a.Actor, a.Scope)
		}
	}
	want := []Access{{Verb: schema.VerbList, Type: "User"}, {Verb: schema.VerbDelete, Type: "User", ID: "x1"}, {Verb: schema.VerbCreate, Type: "User"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHeaders(t *testing.T) {
	f := start(t, nil)
	a := f.do(http.MethodGet, "/admin/v1/Users", nil, "opc-request-id", "my-id.1/x")
	if a.header.Get("opc-request-id") != "my-id.1/x" || a.header.Get("X-ORACLE-DMS-ECID") == "" {
		t.Errorf("headers %v", a.header)
	}
	for _, bad := range []string{"", "a b", strings.Repeat("x", 129), "é"} {
		if got := f.do(http.MethodGet, "/admin/v1/Users", nil, "opc-request-id", bad).header.Get("opc-request-id"); len(got) != 32 {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func TestHosts(t *testing.T) {
	f := start(t, func(o *Options) {
		o.BaseURL, o.AllowedHosts = "https://idcs.example.com/", []string{"Other.example.com:8443"}
	})
	for host, want := range map[string]int{
		"":                     200,
		"localhost:1234":       200,
		"[::1]:80":             200,
		"idcs.example.com":     200,
		"IDCS.EXAMPLE.COM:444": 200,
		"other.example.com":    200,
		"evil.example.net":     403,
		"127.0.0.1.example":    403,
	} {
		req := f.request(http.MethodGet, "/.well-known/openid-configuration", nil)
		req.Host = host
		a := f.send(req)
		if a.status != want {
			t.Errorf("host %q: %d", host, a.status)
		}
		if a.status == 200 && a.doc["issuer"] != "https://idcs.example.com" {
			t.Errorf("issuer %v", a.doc["issuer"])
		}
	}
	for _, bad := range []string{"idcs.example.com", "ftp://idcs.example.com", "https://idcs.example.com/x", "https://u@idcs.example.com", "://"} {
		if _, err := New(t.Context(), Options{Store: f.store, Clock: f.clock, BaseURL: bad}); err == nil {
			t.Errorf("base URL %q was taken", bad)
		}
	}
}

// TestRequestLogHoldsNoSecret sends secrets in every place that a request has.
func TestRequestLogHoldsNoSecret(t *testing.T) {
	f := start(t, nil)
	f.do(http.MethodGet, "/admin/v1/Users?filter=userName+eq+%22s3cret%22&token=s3cret", nil)
	f.do(http.MethodPost, "/admin/v1/Users", `{"password":"s3cret"}`, "X-Secret", "s3cret")
	f.do(http.MethodGet, "/admin/v1/Users", nil, "Authorization", "Bearer s3cret")
	f.tokenCall(oauth.TokenPath, "grant_type", "password", "username", "ada", "password", "s3cret")
	got := f.Requests()
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "s3cret") || strings.Contains(string(raw), f.token) {
		t.Errorf("log %s", raw)
	}
	if len(got) != 4 || got[0].Path != "/admin/v1/Users" || got[2].Status != 401 || got[0].Client != f.Credentials().ClientID {
		t.Errorf("log %s", raw)
	}
	if diff := cmp.Diff([]string{"filter", "token"}, got[0].Query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	f := start(t, nil)
	for name, o := range map[string]Options{
		"no store":   {Clock: f.clock},
		"no clock":   {Store: f.store},
		"limits":     {Store: f.store, Clock: f.clock, Limits: "huge"},
		"fault rule": {Store: f.store, Clock: f.clock, Faults: []FaultRule{{Action: "explode"}}},
		"client id":  {Store: f.store, Clock: f.clock, ClientID: strings.Repeat("x", 300)},
	} {
		if _, err := New(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCredentials(t *testing.T) {
	f := start(t, nil)
	c := f.Credentials()
	if len(c.ClientSecret) != 64 || len(c.ControlKey) != 64 || !strings.HasPrefix(c.ClientID, "idctl-") {
		t.Errorf("credentials %+v", c)
	}
	// The same client on the same store keeps its secret.
	again, err := New(t.Context(), Options{Store: f.store, Clock: f.clock, ClientID: c.ClientID})
	if err != nil {
		t.Fatal(err)
	}
	if again.Credentials().ClientSecret != "" {
		t.Error("a secret that only the store's digest knows cannot be shown")
	}
	f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200)
}
