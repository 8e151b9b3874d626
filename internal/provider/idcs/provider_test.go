package idcs

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

type staticToken string

func (s staticToken) Token(context.Context) (transport.Token, error) {
	return transport.Token{Value: transport.Secret(s)}, nil
}

type serverToken struct{ srv *idtest.Server }

func (s serverToken) Token(ctx context.Context) (transport.Token, error) {
	v, err := s.srv.Token(ctx)
	return transport.Token{Value: transport.Secret(v)}, err
}

func connect(t *testing.T, base string, tokens transport.TokenSource) *Provider {
	t.Helper()
	c, err := transport.NewClient(idcs.TransportOptions(idcs.Options{
		BaseURL: base, Tokens: tokens, Clock: transport.NewClock(time.Now), Unlimited: true,
	}))
	if err != nil {
		t.Fatal(err)
	}
	return New(c)
}

// echo answers what it was asked, under a base path as behind a gateway.
func echo(t *testing.T) (*Provider, *[]string) {
	t.Helper()
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		line := r.Method + " " + r.URL.EscapedPath()
		if r.URL.RawQuery != "" {
			line += "?" + r.URL.RawQuery
		}
		if len(body) > 0 {
			line += " " + string(body)
		}
		got = append(got, line)
		if r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("Authorization %q", r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Seen", r.Header.Get("X-Mine"))
		if strings.HasSuffix(r.URL.Path, "/teapot") {
			w.WriteHeader(http.StatusTeapot)
		}
		if _, err := io.WriteString(w, `{"id":"1","totalResults":0}`); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return connect(t, srv.URL+"/gate/", staticToken("tok")), &got
}

func TestResource(t *testing.T) {
	p, _ := echo(t)
	for in, want := range map[string]string{
		"User": "User", "users": "User", "/Users": "User", "USERS": "User", "app-roles": "AppRole", "app_role": "AppRole",
		"bypass-codes": "BypassCode", "PasswordPolicies": "PasswordPolicy",
	} {
		r, err := p.Resource(in)
		if err != nil || r.Type() != want {
			t.Errorf("Resource(%q) = %v, %v; want %s", in, r, err, want)
		}
	}
	_, err := p.Resource("gruops")
	var unknown *provider.UnknownResourceError
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Candidates, "Group") {
		t.Errorf("Resource(gruops) = %v", err)
	}
	if _, err := p.Resource(""); !errors.Is(err, provider.ErrUnknownResource) {
		t.Errorf("Resource of nothing = %v", err)
	}
	names := p.ResourceNames()
	if len(names) < 74 || !slices.IsSorted(names) {
		t.Errorf("%d names, sorted: %v", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		if r, err := p.Resource(name); err != nil || r.Type() != name || r.Path() == "" {
			t.Errorf("Resource(%q) = %v, %v", name, r, err)
		}
	}
}

func TestFacts(t *testing.T) {
	p, _ := echo(t)
	ops, bytes := p.Bulker().BulkLimits()
	got := []any{p.Name(), strings.HasSuffix(p.BaseURL(), "/gate"), p.Users().Type(), p.Users().Path(), p.Users().Keys(), p.Groups().Path(), p.Groups().Keys(), ops, bytes}
	want := []any{"idcs", true, "User", "/Users", []string{"userName", "emails.value"}, "/Groups", []string{"displayName"}, 50, 1_000_000}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	p.Users().Keys()[0] = "changed"
	if p.Users().Keys()[0] != "userName" {
		t.Error("Keys can be changed from outside")
	}
}

func TestUnsupportedNamesTheWayThatExists(t *testing.T) {
	ctx := context.Background()
	p, sent := echo(t)
	grants, err := p.Resource("grants")
	if err != nil {
		t.Fatal(err)
	}
	_, err = grants.Replace(ctx, "1", scim.Document{"a": 1}, scim.WriteOptions{})
	var unsupported *provider.UnsupportedError
	if !errors.Is(err, provider.ErrUnsupported) || !errors.Is(err, scim.ErrVerb) || !errors.As(err, &unsupported) ||
		!strings.Contains(unsupported.Hint(), "patch") {
		t.Errorf("Replace of a grant: %v", err)
	}
	apps, err := p.Resource("MyApps")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := apps.Get(ctx, "1", scim.ListOptions{}); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("Get of MyApp: %v", err)
	}
	if err := apps.Delete(ctx, "1", scim.WriteOptions{}); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("Delete of MyApp: %v", err)
	}
	if len(*sent) != 0 {
		t.Errorf("sent %v", *sent)
	}
}

func TestSingletonsAndBareTypes(t *testing.T) {
	ctx := context.Background()
	p, sent := echo(t)
	for _, name := range []string{"Settings", "Me"} {
		r, err := p.Resource(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Get(ctx, "", scim.ListOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Users().Get(ctx, "", scim.ListOptions{}); !errors.Is(err, scim.ErrNoID) {
		t.Errorf("Get of a user without id: %v", err)
	}
	if d := cmp.Diff([]string{"GET /gate/admin/v1/Settings/Settings", "GET /gate/admin/v1/Me"}, *sent); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestRaw(t *testing.T) {
	p, sent := echo(t)
	tests := []struct {
		name string
		req  provider.RawRequest
		want string
		err  error
	}{
		{"path", provider.RawRequest{Path: "/admin/v1/Users"}, "GET /gate/admin/v1/Users", nil},
		{"without slash", provider.RawRequest{Method: "post", Path: "admin/v1/Users", Body: []byte(`{"a":1}`)}, `POST /gate/admin/v1/Users {"a":1}`, nil},
		{"raw filter", provider.RawRequest{Path: `/admin/v1/Users?filter=userName eq "a&b`}, "GET /gate/admin/v1/Users?b=&filter=userName%20eq%20%22a", nil},
		{"escaped", provider.RawRequest{Path: "/admin/v1/Users/a%2Fb?filter=x%20eq%20%22%2B1%22"}, "GET /gate/admin/v1/Users/a%2Fb?filter=x%20eq%20%22%2B1%22", nil},
		{"location", provider.RawRequest{Path: p.BaseURL() + "/admin/v1/Users/1"}, "GET /gate/admin/v1/Users/1", nil},
		{"error status is an answer", provider.RawRequest{Path: "/teapot"}, "GET /gate/teapot", nil},
		{"other origin", provider.RawRequest{Path: "https://evil.example.com/admin/v1/Users"}, "", transport.ErrCrossOrigin},
		{"other origin without scheme", provider.RawRequest{Path: "//evil.example.com/admin"}, "", transport.ErrCrossOrigin},
		{"outside the base", provider.RawRequest{Path: strings.TrimSuffix(p.BaseURL(), "/gate") + "/gatecrash"}, "", transport.ErrBadRequest},
		{"bad query", provider.RawRequest{Path: "/admin/v1/Users?filter=100%"}, "", transport.ErrBadRequest},
		{"bad path", provider.RawRequest{Path: "/admin/%zz"}, "", transport.ErrBadRequest},
		{"parent", provider.RawRequest{Path: "/admin/../x"}, "", transport.ErrBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			*sent = nil
			tt.req.Header = map[string]string{"X-Mine": "yes"}
			resp, err := p.Raw(context.Background(), tt.req)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				if len(*sent) != 0 {
					t.Errorf("sent %v", *sent)
				}
				return
			}
			if d := cmp.Diff([]string{tt.want}, *sent); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if resp.Header["X-Seen"][0] != "yes" || len(resp.Body) == 0 || (resp.Status == http.StatusTeapot) != strings.Contains(tt.want, "teapot") {
				t.Errorf("response %d %v %s", resp.Status, resp.Header, resp.Body)
			}
		})
	}
}

// TestDomain drives the interfaces that commands see against the embedded
// server.
func TestDomain(t *testing.T) {
	ctx := context.Background()
	srv := idtest.New(t)
	p := connect(t, srv.URL, serverToken{srv})
	users := p.Users()
	var ops []scim.BulkOperation
	logins := []string{"ada@example.com", "bob@example.com", "Zoë@example.com"}
	for _, login := range logins {
		data, err := json.Marshal(scim.Document{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": login,
			"name":   map[string]any{"familyName": "Example", "givenName": "X"},
			"emails": []any{map[string]any{"value": login, "type": "work", "primary": true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, scim.BulkOperation{Method: "POST", Path: users.Path(), Data: data})
	}
	results, err := p.Bulker().Bulk(ctx, ops, "token-1")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err != nil || r.Status != 201 {
			t.Errorf("bulk %d: %d %v", i, r.Status, r.Err)
		}
	}
	found, err := provider.FindMany(ctx, users, "userName", append(logins, "nobody"), scim.ListOptions{})
	if err != nil || len(found) != 3 {
		t.Fatalf("FindMany: %d, %v", len(found), err)
	}
	ada, err := provider.Find(ctx, users, "ADA@example.com")
	if err != nil || ada.ID() != found["ada@example.com"].ID() {
		t.Fatalf("Find by login: %v, %v", ada.ID(), err)
	}
	for _, key := range []string{ada.ID(), ada.String("ocid"), "zoë@EXAMPLE.com"} {
		if doc, err := provider.Find(ctx, users, key); err != nil || doc.ID() == "" {
			t.Errorf("Find(%q) = %v, %v", key, doc.ID(), err)
		}
	}
	if _, err := provider.Find(ctx, users, "nobody"); !errors.Is(err, scim.ErrNotFound) {
		t.Errorf("Find(nobody): %v", err)
	}
	n := 0
	for doc, err := range users.All(ctx, scim.ListOptions{Filter: filter.Ew(filter.MustAttr("userName"), "@example.com"), Count: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if doc.ID() != "" {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d users listed, want 3", n)
	}
	if _, err := users.Create(ctx, scim.Document{"userName": "ada@example.com", "name": map[string]any{"familyName": "E"}, "emails": ada["emails"]}, scim.WriteOptions{}); !errors.Is(err, scim.ErrConflict) {
		t.Errorf("create of a taken login: %v, want ErrConflict", err)
	}
	after, err := users.Patch(ctx, ada.ID(), []scim.PatchOp{{Op: "replace", Path: "title", Value: "Dr"}}, scim.WriteOptions{IfMatch: ada.Version()})
	if err != nil || after.String("title") != "Dr" {
		t.Errorf("patch: %v, %v", after, err)
	}
	if err := users.Delete(ctx, ada.ID(), scim.WriteOptions{IfMatch: ada.Version()}); !errors.Is(err, scim.ErrConflict) {
		t.Errorf("delete of an old version: %v", err)
	}
	if err := users.Delete(ctx, ada.ID(), scim.WriteOptions{}); err != nil {
		t.Errorf("delete: %v", err)
	}
}
