package emulator

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

// manualClock stands still until it is moved.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func newManualClock() *manualClock {
	return &manualClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *manualClock) Now() time.Time          { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *manualClock) advance(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// sharedKey spares each test the making of a key.
var sharedKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// fixture is a Service behind a listener with an administrator's token.
type fixture struct {
	*Service
	t     *testing.T
	clock *manualClock
	store store.Store
	http  *httptest.Server
	token string
}

func start(t *testing.T, change func(*Options)) *fixture {
	t.Helper()
	clock := newManualClock()
	opts := Options{Store: memory.New(), Clock: clock, PasswordCost: 1, NewSigningKey: sharedKey}
	if change != nil {
		change(&opts)
	}
	s, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Service: s, t: t, clock: clock, store: opts.Store, http: httptest.NewServer(s.Handler())}
	t.Cleanup(func() {
		f.http.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	f.token, _, err = s.OAuth().IssueClientToken(t.Context(), f.http.URL, s.Credentials().ClientID, "urn:opc:idm:__myscopes__")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	raw    []byte
	doc    map[string]any
}

// request builds a call with the token; body may be a string or anything that
// JSON can encode.
func (f *fixture) request(method, path string, body any) *http.Request {
	f.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			f.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.http.URL+path, r)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	if r != nil {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	return req
}

func (f *fixture) send(req *http.Request) answer {
	f.t.Helper()
	return read(f.t, http.DefaultTransport, req)
}

func read(t *testing.T, rt http.RoundTripper, req *http.Request) answer {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: raw}
	if len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &a.doc); err != nil {
			t.Fatalf("body %q: %v", raw, err)
		}
	}
	return a
}

// do sends a call; headers are pairs.
func (f *fixture) do(method, path string, body any, headers ...string) answer {
	f.t.Helper()
	req := f.request(method, path, body)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return f.send(req)
}

func (f *fixture) want(a answer, status int) answer {
	f.t.Helper()
	if a.status != status {
		f.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

func user(name string) map[string]any {
	return map[string]any{
		"schemas":  []any{urnUser},
		"userName": name,
		"name":     map[string]any{"givenName": "Ada", "familyName": "O'Brien & <Söhne>"},
		"emails":   []any{map[string]any{"value": name + "@example.com", "type": "work", "primary": true}},
	}
}

// create makes a user and answers its id.
func (f *fixture) create(name string) string {
	f.t.Helper()
	id, _ := f.want(f.do(http.MethodPost, "/admin/v1/Users", user(name)), http.StatusCreated).doc["id"].(string)
	return id
}

// roleID is the id of an administrator role, looked up as clients have to.
func (f *fixture) roleID(role string) string {
	f.t.Helper()
	q := url.Values{"filter": {`app.value eq "IDCSAppId" and displayName eq "` + role + `"`}, "attributes": {"displayName"}}
	list, _ := f.want(f.do(http.MethodGet, "/admin/v1/AppRoles?"+q.Encode(), nil), http.StatusOK).doc["Resources"].([]any)
	if len(list) != 1 {
		f.t.Fatalf("role %s: %d of them", role, len(list))
	}
	found, _ := list[0].(map[string]any)
	id, _ := found["id"].(string)
	return id
}

// grantRole gives a user, group or app an administrator role and answers the id
// of the grant.
func (f *fixture) grantRole(kind, id, role string) string {
	f.t.Helper()
	grant := map[string]any{
		"schemas":        []any{"urn:ietf:params:scim:schemas:oracle:idcs:Grant"},
		"grantMechanism": "ADMINISTRATOR_TO_" + strings.ToUpper(kind),
		"grantee":        map[string]any{"type": kind, "value": id},
		"app":            map[string]any{"value": "IDCSAppId"},
		"entitlement":    map[string]any{"attributeName": "appRoles", "attributeValue": f.roleID(role)},
	}
	made, _ := f.want(f.do(http.MethodPost, "/admin/v1/Grants", grant), http.StatusCreated).doc["id"].(string)
	return made
}

func (f *fixture) count(query string) int {
	f.t.Helper()
	n, _ := f.want(f.do(http.MethodGet, "/admin/v1/Users?count=0"+query, nil), http.StatusOK).doc["totalResults"].(float64)
	return int(n)
}

// control sends a call to the control interface.
func (f *fixture) controlDo(method, path string, body any, headers ...string) answer {
	f.t.Helper()
	return f.do(method, "/emulator/v1"+path, body, append([]string{"Authorization", "", "X-Emulator-Key", f.Credentials().ControlKey}, headers...)...)
}
