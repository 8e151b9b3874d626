package emulator

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// twoProcesses are two Services, each with its own handle on one database
// file, as two processes would have.
func twoProcesses(t *testing.T) (a, b *fixture) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "local.db")
	open := func(key func() (*rsa.PrivateKey, error)) *fixture {
		st, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		return start(t, func(o *Options) {
			o.Store, o.ClientID, o.ClientSecret = st, "shared", "shared-secret"
			// Each makes a key of its own, and one of them must win.
			o.NewSigningKey = key
		})
	}
	return open(sharedKey), open(otherKey)
}

var otherKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func TestTwoProcesses(t *testing.T) {
	a, b := twoProcesses(t)

	// Tokens of one are good at the other, and end in both.
	token, _ := a.want(a.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200).doc["access_token"].(string)
	use := func(f *fixture) int {
		return f.do(http.MethodGet, "/admin/v1/Users?count=0", nil, "Authorization", "Bearer "+token).status
	}
	if use(a) != 200 || use(b) != 200 {
		t.Errorf("a token of a: %d at a, %d at b", use(a), use(b))
	}
	b.want(b.tokenCall(oauth.RevokePath, "token", token), 200)
	if use(a) != 401 || use(b) != 401 {
		t.Errorf("revoked at b: %d at a, %d at b", use(a), use(b))
	}

	// One clock.
	b.want(b.controlDo(http.MethodPut, "/clock", `{"advance":"720h"}`), 200)
	if got := a.want(a.controlDo(http.MethodGet, "/clock", nil), 200).doc["now"]; got != "2026-03-31T12:00:00Z" {
		t.Errorf("a tells %v", got)
	}
	a.want(a.do(http.MethodGet, "/admin/v1/Users", nil), 401) // a month later
	a.refreshToken()
	b.refreshToken()

	// What one writes the other reads, and a retry token is one of both.
	made := a.want(a.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t"), 201)
	again := b.want(b.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t"), 201)
	if diff := cmp.Diff(made.doc["id"], again.doc["id"]); diff != "" {
		t.Errorf("done twice: %s", diff)
	}
	b.want(b.do(http.MethodPost, "/admin/v1/Users", user("ADA")), 409)

	// A reset in one ends the tokens of both; the client goes on.
	a.want(a.controlDo(http.MethodPost, "/reset", nil), 204)
	b.want(b.do(http.MethodGet, "/admin/v1/Users", nil), 401)
	b.want(b.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200)
	if got := b.want(b.controlDo(http.MethodGet, "/clock", nil), 200).doc["now"]; got != "2026-03-01T12:00:00Z" {
		t.Errorf("after the reset b tells %v", got)
	}
}

// TestTwoProcessesAtOnce: one user name, one retry token a request, two
// processes: exactly one user comes of each, and nobody fails.
func TestTwoProcessesAtOnce(t *testing.T) {
	a, b := twoProcesses(t)
	const users = 20
	ids := [2][users]any{}
	var wg sync.WaitGroup
	for side, f := range []*fixture{a, b} {
		wg.Go(func() {
			for i := range users {
				name := string(rune('a'+i)) + "-user"
				req := f.request(http.MethodPost, "/admin/v1/Users", user(name))
				req.Header.Set("opc-retry-token", name)
				if got := read(t, f.Transport(), req); got.status == 201 {
					ids[side][i] = got.doc["id"]
				}
			}
		})
	}
	wg.Wait()
	for i := range users {
		if ids[0][i] == nil || ids[0][i] != ids[1][i] {
			t.Errorf("user %d: %v at a, %v at b", i, ids[0][i], ids[1][i])
		}
	}
	if n := a.count(""); n != users {
		t.Errorf("%d users", n)
	}
}

// TestRestart: everything that must outlive a process does.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "local.db")
	open := func(change func(*Options)) (*fixture, func()) {
		st, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		f := start(t, func(o *Options) {
			o.Store, o.ClientID = st, "me"
			if change != nil {
				change(o)
			}
		})
		return f, func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	first, stop := open(nil)
	if err := first.AdvanceClock(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	first.refreshToken()
	id := first.create("ada")
	token, secret := first.token, first.Credentials().ClientSecret
	stop()

	second, stop := open(nil)
	defer stop()
	second.token = token
	if second.Credentials().ClientSecret != "" {
		t.Error("the secret is not kept, so it cannot be told again")
	}
	second.want(second.do(http.MethodGet, "/admin/v1/Users/"+id, nil), 200)
	if got := second.Now(); !got.Equal(second.clock.Now().Add(time.Hour)) {
		t.Errorf("clock %v", got)
	}
	second.creds.ClientSecret = secret
	second.want(second.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200)
}
