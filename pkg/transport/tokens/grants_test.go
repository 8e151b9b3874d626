package tokens

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/transport"
)

const basicHeader = "Basic YXBwOmFwcC1zZWNyZXQ=" // app:app-secret

type memoryStore struct {
	token transport.Secret
	saved []string
	err   error
}

func (m *memoryStore) Load(context.Context) (transport.Secret, error) { return m.token, nil }

func (m *memoryStore) Save(_ context.Context, s transport.Secret) error {
	m.token = s
	m.saved = append(m.saved, s.Reveal())
	return m.err
}

func TestGrants(t *testing.T) {
	clock := newFakeClock()
	store := &memoryStore{token: "old-refresh"}
	scope := []string{DefaultScope}
	for _, tt := range []struct {
		name   string
		source func(Config) transport.TokenSource
		form   url.Values
		auth   string
	}{
		{"client credentials", ClientCredentials, url.Values{"grant_type": {"client_credentials"}, "scope": scope}, basicHeader},
		{
			"own scope",
			func(c Config) transport.TokenSource {
				c.Scope = "urn:opc:resource:consumer::all"
				return ClientCredentials(c)
			},
			url.Values{"grant_type": {"client_credentials"}, "scope": {"urn:opc:resource:consumer::all"}},
			basicHeader,
		},
		{
			"no scope",
			func(c Config) transport.TokenSource { c.Scope = "-"; return ClientCredentials(c) },
			url.Values{"grant_type": {"client_credentials"}},
			basicHeader,
		},
		{
			"password",
			func(c Config) transport.TokenSource { return Password(c, "ada@example.com", "p&w=ä") },
			url.Values{"grant_type": {"password"}, "username": {"ada@example.com"}, "password": {"p&w=ä"}, "scope": scope},
			basicHeader,
		},
		{
			"refresh of a public client",
			func(c Config) transport.TokenSource { c.Client = Public{ID: "pub"}; return Refresh(c, store) },
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"old-refresh"}, "client_id": {"pub"}, "scope": scope},
			"",
		},
		{
			"user assertion",
			func(c Config) transport.TokenSource {
				return UserAssertion(c, func(context.Context) (transport.Secret, error) { return "a.b.c", nil })
			},
			url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"a.b.c"}, "scope": scope},
			basicHeader,
		},
		{
			"escaped basic",
			func(c Config) transport.TokenSource {
				c.Client = Basic{"a b", "c:d", true}
				return ClientCredentials(c)
			},
			url.Values{"grant_type": {"client_credentials"}, "scope": scope},
			"Basic YStiOmMlM0Fk", // a+b:c%3Ad
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t, text(200, `{"access_token":"at","token_type":"bearer","expires_in":3600,"refresh_token":"new-refresh","scope":"s"}`))
			got, err := tt.source(e.config(t, clock)).Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			now := clock.Now()
			want := transport.Token{Value: "at", Type: "Bearer", Issued: now, Expiry: now.Add(time.Hour), Refresh: "new-refresh", Scope: "s"}
			if got != want {
				t.Errorf("token = %+v", got)
			}
			if diff := cmp.Diff(tt.form, e.forms[0]); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
			if auth := e.header[0].Get("Authorization"); auth != tt.auth {
				t.Errorf("Authorization = %q, want %q", auth, tt.auth)
			}
		})
	}
	if diff := cmp.Diff([]string{"new-refresh"}, store.saved); diff != "" {
		t.Errorf("rotated token (-want +got):\n%s", diff)
	}
}

func TestRefreshKeepsTheOldTokenWithoutRotation(t *testing.T) {
	e := newEndpoint(t, text(200, `{"access_token":"at"}`))
	store := &memoryStore{token: "old"}
	tok, err := Refresh(e.config(t, newFakeClock()), store).Token(t.Context())
	if err != nil || store.token != "old" || len(store.saved) != 0 || !tok.Expiry.IsZero() {
		t.Errorf("Token = %+v, %v, saved %q", tok, err, store.saved)
	}
	if _, err := Refresh(e.config(t, newFakeClock()), &memoryStore{}).Token(t.Context()); !errors.Is(err, ErrNoRefreshToken) {
		t.Errorf("without a refresh token: %v", err)
	}
	full := errors.New("disk full")
	e.answer = text(200, `{"access_token":"at","refresh_token":"new"}`)
	if _, err := Refresh(e.config(t, newFakeClock()), &memoryStore{token: "old", err: full}).Token(t.Context()); !errors.Is(err, full) {
		t.Errorf("rotated token could not be saved: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	big := `{"access_token":"` + strings.Repeat("x", maxAnswer) + `"}`
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   error
		calls  int
	}{
		{"invalid client", 401, `{"error":"invalid_client","error_description":"Client app-secret is wrong\nnow"}`, ErrInvalidClient, 1},
		{"invalid grant", 400, `{"error":"invalid_grant"}`, ErrInvalidGrant, 1},
		{"invalid scope", 400, `{"error":"invalid_scope"}`, ErrInvalidScope, 1},
		{"unauthorized client", 400, `{"error":"unauthorized_client"}`, ErrUnauthorizedClient, 1},
		{"unsupported grant", 400, `{"error":"unsupported_grant_type"}`, ErrUnsupportedGrantType, 1},
		{"invalid request", 400, `{"error":"invalid_request"}`, ErrInvalidRequest, 1},
		{"html error", 503, `<html>app-secret</html>`, nil, 2},
		{"redirect", 302, ``, nil, 1},
		{"html instead of a token", 200, `<html>app-secret</html>`, ErrAnswer, 1},
		{"no token", 200, `{"token_type":"Bearer"}`, ErrAnswer, 1},
		{"another type", 200, `{"access_token":"a","token_type":"mac"}`, ErrAnswer, 1},
		{"header injection", 200, `{"access_token":"a\r\nX-Evil: 1"}`, ErrAnswer, 1},
		{"bad life", 200, `{"access_token":"a","expires_in":"soon"}`, ErrAnswer, 1},
		{"negative life", 200, `{"access_token":"a","expires_in":-5}`, ErrAnswer, 1},
		{"too large", 200, big, transport.ErrTooLarge, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEndpoint(t, text(tt.status, tt.body))
			_, err := ClientCredentials(e.config(t, newFakeClock())).Token(t.Context())
			if err == nil || (tt.want != nil && !errors.Is(err, tt.want)) {
				t.Fatalf("Token = %v, want %v", err, tt.want)
			}
			if s := err.Error(); strings.Contains(s, "app-secret") || strings.Contains(s, "\n") {
				t.Errorf("error text %q", s)
			}
			if len(e.forms) != tt.calls {
				t.Errorf("%d requests, want %d", len(e.forms), tt.calls)
			}
			var refused *Error
			if tt.status != 200 && (!errors.As(err, &refused) || refused.Status != tt.status || refused.Hint() == "") {
				t.Errorf("Token = %#v, want an *Error of status %d", err, tt.status)
			}
			if errors.Is(err, ErrInvalidClient) && errors.Is(err, ErrInvalidGrant) {
				t.Error("one code is two errors")
			}
			if Transient(err) != (tt.status == 503) {
				t.Errorf("Transient(%v) = %v", err, Transient(err))
			}
		})
	}
	for body, want := range map[string]time.Duration{
		`{"access_token":"a","expires_in":"60"}`: time.Minute, `{"access_token":"a","expires_in":1.5}`: 1500 * time.Millisecond,
		`{"access_token":"a","expires_in":null}`: 0, `{"access_token":"a"}`: 0, `{"access_token":"a","expires_in":1e300}`: 100 * 365 * 24 * time.Hour,
	} {
		now := newFakeClock().Now()
		tok, err := parseToken([]byte(body), now)
		got := tok.Expiry.Sub(now)
		if tok.Expiry.IsZero() {
			got = 0
		}
		if err != nil || got != want {
			t.Errorf("%s: life %v, %v; want %v", body, got, err, want)
		}
	}
}

func TestPasswordIsNotRepeated(t *testing.T) {
	e := newEndpoint(t, text(503, `{}`))
	if _, err := Password(e.config(t, newFakeClock()), "ada", "pw").Token(t.Context()); err == nil || len(e.forms) != 1 {
		t.Errorf("%v after %d requests, want an error after 1", err, len(e.forms))
	}
}

func TestSecretsStayOffPlainHTTP(t *testing.T) {
	c := Config{URL: "http://idcs.example.com/oauth2/v1/token", Clock: newFakeClock(), HTTP: noHTTP{t}}
	if _, err := ClientCredentials(c).Token(t.Context()); !errors.Is(err, transport.ErrInsecure) {
		t.Errorf("Token = %v, want ErrInsecure", err)
	}
}

type noHTTP struct{ t *testing.T }

func (n noHTTP) RoundTrip(*http.Request) (*http.Response, error) {
	n.t.Error("something was sent")
	return nil, errors.New("refused")
}

func TestStatic(t *testing.T) {
	if tok, err := Static("abc").Token(t.Context()); err != nil || tok.Value != "abc" {
		t.Errorf("Token = %v, %v", tok, err)
	}
	for _, bad := range []transport.Secret{"", "a b", "a\n"} {
		if _, err := Static(bad).Token(t.Context()); err == nil || (bad != "" && strings.Contains(err.Error(), bad.Reveal())) {
			t.Errorf("Static(%q) = %v", bad.Reveal(), err)
		}
	}
}

func TestSigner(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	clock := newFakeClock()
	e := newEndpoint(t, text(200, `{"access_token":"at"}`))
	c := e.config(t, clock)
	signer := &Signer{Key: key, KeyID: "alias", Certificate: &x509.Certificate{Raw: []byte("certificate")}}
	c.Client = Assertion{ID: "app", Signer: signer}
	if _, err := ClientCredentials(c).Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	form := e.forms[0]
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("client_id") != "app" {
		t.Errorf("form = %v", form)
	}
	jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Iss, Sub, Jti string
		Aud           []string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	origin, _, _ := strings.Cut(e.url, "/base")
	if claims.Iss != "app" || claims.Sub != "app" || claims.Jti == "" || claims.Iat != clock.Now().Unix() || claims.Exp-claims.Iat != 300 {
		t.Errorf("claims = %+v", claims)
	}
	if diff := cmp.Diff([]string{origin + "/"}, claims.Aud); diff != "" {
		t.Errorf("audience (-want +got):\n%s", diff)
	}
	head := jws.Signatures[0].Header
	if head.KeyID != "alias" || head.ExtraHeaders["x5t"] == "" || head.ExtraHeaders["typ"] != "JWT" {
		t.Errorf("header = %+v", head)
	}
	if _, err := (&Signer{Key: key}).Sign(clock.Now(), "a", "b", e.url); err == nil {
		t.Error("a signer without kid and x5t signs")
	}
	jwt, err := SignedUser(signer, clock, "app", "ada", e.url)(t.Context())
	if err != nil || strings.Count(jwt.Reveal(), ".") != 2 {
		t.Errorf("user assertion: %v", err)
	}
}

func TestParseKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(typ string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
	}
	for name, data := range map[string][]byte{
		"pkcs1":                 block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		"pkcs8":                 append([]byte("a comment\n"), block("PRIVATE KEY", pkcs8)...),
		"after the certificate": append(block("CERTIFICATE", []byte("x")), block("PRIVATE KEY", pkcs8)...),
	} {
		if got, err := ParseKey(data); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hunter22"), "damaged": block("PRIVATE KEY", []byte("hunter22")),
		"passphrase": block("ENCRYPTED PRIVATE KEY", pkcs8), "certificate": block("CERTIFICATE", pkcs8),
	} {
		if _, err := ParseKey(data); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","expires_in":"3600"}`))
	f.Add([]byte(`{"access_token":"a\u0000","expires_in":1e999}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		now := newFakeClock().Now()
		tok, err := parseToken(body, now)
		if err == nil && (!printable(tok.Value.Reveal()) || tok.Value == "" || (!tok.Expiry.IsZero() && tok.Expiry.Before(now))) {
			t.Errorf("%s", fmt.Sprintf("%q gives an unusable token", body))
		}
	})
}
