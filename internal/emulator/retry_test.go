package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

func TestRetryToken(t *testing.T) {
	f := start(t, nil)
	const h = "opc-retry-token"
	first := f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), h, "t1"), 201)
	again := f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), h, "t1"), 201)
	if diff := cmp.Diff(first.doc, again.doc); diff != "" {
		t.Errorf("the repeated answer differs (-first +again):\n%s", diff)
	}
	for _, name := range []string{"ETag", "Location"} {
		if first.header.Get(name) != again.header.Get(name) {
			t.Errorf("%s %q, then %q", name, first.header.Get(name), again.header.Get(name))
		}
	}
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("bob"), h, "t1"), 409)   // another request
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), h, "t2"), 409)   // another token: the name is taken
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("carol"), h, "t2"), 201) // a refusal was not kept
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("x"), h, strings.Repeat("x", 256)), 400)

	id, _ := first.doc["id"].(string)
	patch := map[string]any{"Operations": []any{map[string]any{"op": "add", "path": "emails", "value": []any{map[string]any{"value": "x@example.com", "type": "home"}}}}}
	for range 2 {
		a := f.want(f.do(http.MethodPatch, "/admin/v1/Users/"+id, patch, h, "t3"), 200)
		if n := len(a.doc["emails"].([]any)); n != 3 { // work, recovery, home
			t.Errorf("%d addresses", n)
		}
	}
	for range 2 {
		f.want(f.do(http.MethodDelete, "/admin/v1/Users/"+id, nil, h, "t4"), 204)
	}
	// The resource is gone; the token still answers for its create.
	a := f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), h, "t1"), 201)
	if a.doc["id"] != id {
		t.Errorf("answer for a resource that is gone: %s", a.raw)
	}
	if n := f.count(""); n != 1 {
		t.Errorf("%d users, want carol", n)
	}
	if err := f.AdvanceClock(t.Context(), retryLifetime); err != nil {
		t.Fatal(err)
	}
	f.refreshToken()
	if a := f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), h, "t1"), 201); a.doc["id"] == id {
		t.Error("after a day the token must be forgotten")
	}
	err := f.store.View(t.Context(), func(tx store.Tx) error {
		n, err := tx.Count(store.Query{Type: retryType})
		if n > 4 {
			t.Errorf("%d records, the old ones stay", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRetryTokensGo: tokens whose day is over are removed by those that come
// later, although not by each of them.
func TestRetryTokensGo(t *testing.T) {
	f := start(t, nil)
	const old, fresh = 50, 100
	write := func(prefix string, n int) {
		t.Helper()
		for i := range n {
			name := prefix + strconv.Itoa(i)
			f.want(f.do(http.MethodPost, "/admin/v1/Users", user(name), "opc-retry-token", name), 201)
		}
	}
	write("old", old)
	if err := f.AdvanceClock(t.Context(), retryLifetime+time.Second); err != nil {
		t.Fatal(err)
	}
	f.refreshToken()
	write("new", fresh)
	err := f.store.View(t.Context(), func(tx store.Tx) error {
		n, err := tx.Count(store.Query{Type: retryType})
		if n != fresh {
			t.Errorf("%d records, want the %d new ones", n, fresh)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) refreshToken() {
	f.t.Helper()
	var err error
	f.token, _, err = f.OAuth().IssueClientToken(f.t.Context(), f.http.URL, f.Credentials().ClientID, oauth.ScopeMyScopes)
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestRetryTokenOfAnotherCaller(t *testing.T) {
	f := start(t, nil)
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t"), 201)
	if err := f.OAuth().RegisterClient(t.Context(), oauth.Client{ID: "second", Type: oauth.ClientConfidential, Roles: []string{"User Administrator"}}, "secret", false); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.token, _, err = f.OAuth().IssueClientToken(t.Context(), f.http.URL, "second", oauth.ScopeMyScopes); err != nil {
		t.Fatal(err)
	}
	a := f.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t")
	if a.status != 409 || strings.Contains(string(a.raw), "opc-retry-token") {
		t.Errorf("another caller's token must mean nothing: %d %s", a.status, a.raw)
	}
}

func TestRetryTokenAtOnce(t *testing.T) {
	f := start(t, nil)
	var wg sync.WaitGroup
	ids := make([]any, 16)
	for i := range ids {
		wg.Go(func() {
			req := f.request(http.MethodPost, "/admin/v1/Users", user("ada"))
			req.Header.Set("opc-retry-token", "t")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return
			}
			defer func() { _ = resp.Body.Close() }()
			var doc map[string]any
			if resp.StatusCode == http.StatusCreated && json.NewDecoder(resp.Body).Decode(&doc) == nil {
				ids[i] = doc["id"]
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == nil || id != ids[0] {
			t.Fatalf("sixteen requests at once: %v", ids)
		}
	}
}

// fullStore fails to commit as long as full is set.
type fullStore struct {
	store.Store
	full *atomic.Bool
}

func (s fullStore) Update(ctx context.Context, f func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		if s.full.Load() {
			return store.ErrFull
		}
		return nil
	})
}

// TestRetryTokenNeedsTheCommit: a write that could not be committed leaves no
// token behind, so that its repetition is done.
func TestRetryTokenNeedsTheCommit(t *testing.T) {
	var full atomic.Bool
	f := start(t, func(o *Options) { o.Store = fullStore{memory.New(), &full} })
	full.Store(true)
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t"), 507)
	if got := statuses(f.bulkCall([]any{op("POST", "/Users", "", user("bob"))})); got != "507" {
		t.Errorf("bulk on a full disk: %s", got)
	}
	full.Store(false)
	if n := f.count(""); n != 0 {
		t.Errorf("%d users after failed commits", n)
	}
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t"), 201)
}

// TestRetryTokenAfterCut: a write that was committed leaves its token, even if
// the answer never arrived.
func TestRetryTokenAfterCut(t *testing.T) {
	f := start(t, nil)
	rule := FaultRule{Action: FaultCut, Method: http.MethodPost, Path: "/admin/v1", Times: 1}
	if err := f.SetFaults([]FaultRule{rule}); err != nil {
		t.Fatal(err)
	}
	req := f.request(http.MethodPost, "/admin/v1/Users", user("ada"))
	req.Header.Set("opc-retry-token", "t")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
	}
	if n := f.count(""); n != 1 {
		t.Fatalf("%d users after a cut answer", n)
	}
	f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada"), "opc-retry-token", "t"), 201)
	if n := f.count(""); n != 1 {
		t.Errorf("%d users after the repetition", n)
	}
}

func TestRetryTokenOfBulk(t *testing.T) {
	f := start(t, nil)
	ops := []any{
		op("POST", "/Users", "a", user("ada")), op("POST", "/Users", "b", user("bob")),
		op("POST", "/Groups", "g", group("G", "bulkId:a", "bulkId:b")), op("DELETE", "/Users/bulkId:b?forceDelete=true", "", nil),
	}
	first := f.bulkCall(ops, "opc-retry-token", "t")
	if got := statuses(first); got != "201 201 201 204" {
		t.Fatalf("statuses %s: %v", got, first)
	}
	again := f.bulkCall(ops, "opc-retry-token", "t")
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
	if n := f.count(""); n != 1 {
		t.Errorf("%d users", n)
	}
}

func TestRetryStoreHoldsNoAnswer(t *testing.T) {
	f := start(t, nil)
	u := user("grace") // no hexadecimal digits spell it by chance
	u["password"] = "Example-Passw0rd"
	f.want(f.do(http.MethodPost, "/admin/v1/Users", u, "opc-retry-token", "token-of-the-caller"), 201)
	err := f.store.View(t.Context(), func(tx store.Tx) error {
		for row, err := range tx.Query(store.Query{Type: retryType}) {
			if err != nil {
				return err
			}
			for _, secret := range []string{"Passw0rd", "token-of-the-caller", "grace"} {
				if strings.Contains(row.ID+string(row.Data), secret) {
					t.Errorf("%q lies in the store: %s", secret, row.Data)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestClockOfTransactions: what the engine writes carries the moved clock.
func TestClockOfTransactions(t *testing.T) {
	f := start(t, nil)
	if err := f.AdvanceClock(t.Context(), 48*time.Hour); err != nil {
		t.Fatal(err)
	}
	f.refreshToken()
	id := f.create("ada")
	meta, _ := f.do(http.MethodGet, "/admin/v1/Users/"+id, nil).doc["meta"].(map[string]any)
	if meta["created"] != "2026-03-03T12:00:00.000Z" {
		t.Errorf("created %v", meta["created"])
	}
}

var _ Resources = (*engine.Engine)(nil)
