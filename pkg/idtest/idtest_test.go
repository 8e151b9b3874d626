package idtest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/idtest"
)

func status(t *testing.T, c *http.Client, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestServer(t *testing.T) {
	srv := idtest.New(t)
	ctx := t.Context()
	ids, err := srv.SeedPeople(ctx, 0, 5, 1)
	if err != nil || len(ids) != 6 {
		t.Fatalf("ids %v, %v", ids, err)
	}
	if got := status(t, srv.Client(), srv.URL+"/admin/v1/Users/"+ids[0]); got != 200 {
		t.Errorf("status %d", got)
	}
	if got := status(t, http.DefaultClient, srv.URL+"/admin/v1/Users"); got != 401 {
		t.Errorf("without a token: %d", got)
	}
	first, err := srv.Token(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := srv.Token(ctx); again != first {
		t.Error("a token must be kept")
	}
	before := srv.Now()
	if err := srv.AdvanceClock(ctx, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if d := srv.Now().Sub(before); d < 2*time.Hour || d > 3*time.Hour {
		t.Errorf("moved by %v", d)
	}
	if got := status(t, srv.Client(), srv.URL+"/admin/v1/Groups"); got != 200 {
		t.Errorf("after two hours: %d", got)
	}
	if next, _ := srv.Token(ctx); next == first {
		t.Error("the old token was used on")
	}
	if err := srv.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if got := status(t, srv.Client(), srv.URL+"/admin/v1/Users/"+ids[0]); got != 404 {
		t.Errorf("after reset: %d", got)
	}
	var paths []string
	for _, r := range srv.Requests() {
		paths = append(paths, r.Method+" "+r.Path)
	}
	if diff := cmp.Diff([]string{"POST /oauth2/v1/token", "GET /admin/v1/Users/" + ids[0]}, paths); diff != "" {
		t.Errorf("requests since the reset (-want +got):\n%s", diff)
	}
}

func TestClientKeepsTokenAtHome(t *testing.T) {
	srv := idtest.New(t)
	var got string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }))
	defer other.Close()
	if status(t, srv.Client(), other.URL) != 200 || got != "" {
		t.Errorf("another server got %q", got)
	}
}

func TestOptions(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	srv := idtest.New(t, idtest.WithClock(func() time.Time { return now }), idtest.WithCredentials("me", "s3cret"),
		idtest.WithFaults("503:path=/admin/v1/Groups"), idtest.WithFaultSeed(1), idtest.WithBulkMaxOperations(7), idtest.WithLimits("premium"))
	if !srv.Now().Equal(now) || srv.ClientID != "me" || srv.ClientSecret != "s3cret" {
		t.Errorf("server %v %+v", srv.Now(), srv.ClientID)
	}
	if got := status(t, srv.Client(), srv.URL+"/admin/v1/Groups"); got != 503 {
		t.Errorf("fault: %d", got)
	}
	if err := srv.Faults("nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("bad rule: %v", err)
	}
	for name, opt := range map[string]idtest.Option{"faults": idtest.WithFaults("x"), "limits": idtest.WithLimits("x")} {
		if s, err := idtest.Start(t.Context(), opt); err == nil {
			_ = s.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSeedRefused(t *testing.T) {
	srv := idtest.New(t)
	ids, err := srv.Seed(context.WithoutCancel(t.Context()),
		idtest.Document{Type: "User", Attrs: map[string]any{"userName": "x"}},
		idtest.Document{Type: "Group", Attrs: map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": "G"}})
	if err == nil || len(ids) != 2 || ids[0] != "" || ids[1] == "" {
		t.Errorf("ids %v, error %v", ids, err)
	}
}
