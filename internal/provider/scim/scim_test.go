package scim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

func expr(t *testing.T, s string) filter.Expr {
	t.Helper()
	e, err := filter.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func names(docs []scim.Document) []string {
	out := []string{}
	for _, d := range docs {
		out = append(out, strings.TrimSuffix(d.String("userName")+d.String("displayName"), "@example.com"))
	}
	return out
}

func all(t *testing.T, r provider.Resources, opts scim.ListOptions) []string {
	t.Helper()
	var docs []scim.Document
	for doc, err := range r.All(t.Context(), opts) {
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return names(docs)
}

func page(t *testing.T, r provider.Resources, opts scim.ListOptions) (rows []string, total int) {
	t.Helper()
	p, err := r.Page(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return names(p.Resources), p.Total
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

// A server that does what the RFC says is asked for no more than that.
func TestConformant(t *testing.T) {
	c := (&fake{
		config: `{"patch":{"supported":true},"filter":{"supported":true,"maxResults":100},"sort":{"supported":true},"etag":{"supported":true},"bulk":{"supported":false}}`,
		types:  `{"totalResults":2,"Resources":[{"name":"User","endpoint":"/Users","schema":"u"},{"name":"Device","endpoint":"Devices","schema":"d"}]}`,
		etag:   true,
	}).people(7).connect(t)
	ctx := t.Context()
	users := c.p.Users()
	want(t, "filter", all(t, users, scim.ListOptions{Filter: expr(t, `title eq "Boss"`), SortBy: "userName", Descending: true}), []string{"u06", "u04", "u02"})
	rows, total := page(t, users, scim.ListOptions{Filter: expr(t, `title eq "Boss"`), StartIndex: 2, Count: 1})
	want(t, "page", rows, []string{"u04"})
	want(t, "total", total, 3)
	want(t, "calls", c.asked(), []string{"GET /Users?filter&sortBy&sortOrder", "GET /Users?filter"})
	c.forget()

	made, err := users.Create(ctx, scim.Document{"userName": "new@example.com"}, scim.WriteOptions{RetryToken: "x", AttributeSets: []string{"default"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.Create(ctx, scim.Document{"userName": "NEW@example.com"}, scim.WriteOptions{}); !errors.Is(err, scim.ErrConflict) {
		t.Errorf("a second one: %v", err)
	}
	changed, err := users.Patch(ctx, made.ID(), []scim.PatchOp{{Op: "add", Path: "title", Value: "Chief"}}, scim.WriteOptions{IfMatch: made.Version()})
	if err != nil || changed.String("title") != "Chief" {
		t.Errorf("patch: %v, %v", changed, err)
	}
	if _, err := users.Patch(ctx, made.ID(), []scim.PatchOp{{Op: "remove", Path: "title"}}, scim.WriteOptions{IfMatch: made.Version()}); !errors.Is(err, scim.ErrPrecondition) {
		t.Errorf("patch of an old version: %v", err)
	}
	if err := users.Delete(ctx, made.ID(), scim.WriteOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := users.Get(ctx, made.ID(), scim.ListOptions{}); !errors.Is(err, scim.ErrNotFound) {
		t.Errorf("get what is gone: %v", err)
	}
	want(t, "calls", c.asked(), []string{
		"POST /Users", "POST /Users", "GET /Users?attributes&filter", "PATCH /Users/" + made.ID(), "PATCH /Users/" + made.ID(), "DELETE /Users/" + made.ID(), "GET /Users/" + made.ID(),
	})
	want(t, "notes", *c.notes, []string{})
	want(t, "types", c.p.ResourceNames(), []string{"Device", "Group", "Me", "ResourceType", "Schema", "ServiceProviderConfig", "User"})
	if c.p.Bulker() != nil {
		t.Error("bulk calls were not announced")
	}
}

func TestDiscoveryOnce(t *testing.T) {
	c := (&fake{config: `{}`}).people(3).connect(t)
	for range 3 {
		all(t, c.p.Users(), scim.ListOptions{Filter: expr(t, `userName pr`)})
	}
	want(t, "calls", c.calls[:2], []string{"GET /ResourceTypes", "GET /ServiceProviderConfig"})
	want(t, "all calls", len(c.calls), 5)
}

func TestAssumes(t *testing.T) {
	for name, f := range map[string]*fake{
		"nothing described":    {},
		"empty":                {config: `{}`, types: `[]`},
		"a bare array":         {types: `[{"name":"User","endpoint":"Users"}]`},
		"a list of one config": {config: `{"Resources":[{"patch":{"supported":"true"}}]}`},
		"nonsense":             {config: `[1,2]`, types: `{"x":1}`, schemas: `"no"`},
		"types without names":  {types: `{"totalResults":2,"Resources":[{"endpoint":"/Users"},{"name":"X","endpoint":"../.."}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.people(3).connect(t)
			want(t, "filter", all(t, c.p.Users(), scim.ListOptions{Filter: expr(t, `title eq "Boss"`), SortBy: "userName"}), []string{"u02"})
			doc, err := c.p.Users().Patch(t.Context(), "id-1", []scim.PatchOp{{Op: "replace", Path: "title", Value: "x"}}, scim.WriteOptions{})
			if err != nil || doc.String("title") != "x" {
				t.Errorf("patch: %v, %v", doc, err)
			}
			if c.p.Bulker() != nil {
				t.Error("bulk calls need an announcement")
			}
			if !strings.Contains(c.log.String(), "does not describe itself") {
				t.Errorf("log says nothing of what was assumed: %s", c.log)
			}
		})
	}
}

func TestEndpointAsURL(t *testing.T) {
	f := &fake{docs: map[string][]scim.Document{"/People": nil}}
	f.add("/People", scim.Document{"userName": "ada@example.com", "schemas": []any{"u"}})
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.t = t
	f.types = `{"totalResults":1,"Resources":[{"name":"User","endpoint":"` + srv.URL + base + `/People"}]}`
	c := f.connectTo(t, srv.URL+base+"/")
	want(t, "users", all(t, c.p.Users(), scim.ListOptions{}), []string{"ada"})
	want(t, "path", c.p.Users().Path(), "/People")
	r, err := c.p.Resource("people")
	if err != nil || r.Type() != "User" {
		t.Errorf("by endpoint: %v, %v", r, err)
	}
	_, err = c.p.Resource("Usr")
	var unknown *provider.UnknownResourceError
	if !errors.As(err, &unknown) || unknown.Hint() != "did you mean User?" {
		t.Errorf("unknown type: %v", err)
	}
}

// What was refused once is not tried at every call anew.
// Answers that are no SCIM, whatever their status says.
func TestNotSCIM(t *testing.T) {
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>welcome</html>")
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    error
		hint    bool
	}{
		{"html", html, scim.ErrBadResponse, true},
		{"some other JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) }, scim.ErrBadResponse, true},
		{"empty", func(http.ResponseWriter, *http.Request) {}, scim.ErrBadResponse, true},
		{"404", http.NotFound, scim.ErrNotFound, false},
		{"an error with status 200", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"403","detail":"no"}`)
		}, scim.ErrForbidden, false},
		{"an error with status 200, of no status", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"]}`)
		}, scim.ErrUnavailable, false},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.example.com/", http.StatusTemporaryRedirect)
		}, transport.ErrCrossOrigin, false},
		{"to itself", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, transport.ErrUnreachable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.handler)
			t.Cleanup(srv.Close)
			c := (&fake{t: t}).connectTo(t, srv.URL)
			ctx := t.Context()
			_, getErr := c.p.Users().Get(ctx, "1", scim.ListOptions{Attributes: []string{"userName"}})
			_, pageErr := c.p.Users().Page(ctx, scim.ListOptions{Filter: expr(t, `userName eq "x"`)})
			_, createErr := c.p.Users().Create(ctx, scim.Document{"userName": "x"}, scim.WriteOptions{})
			_, patchErr := c.p.Users().Patch(ctx, "1", []scim.PatchOp{{Op: "add", Path: "title", Value: "x"}}, scim.WriteOptions{IfMatch: "1"})
			var allErr error
			for _, err := range c.p.Users().All(ctx, scim.ListOptions{}) {
				allErr = err
			}
			for what, err := range map[string]error{"get": getErr, "page": pageErr, "all": allErr, "create": createErr, "patch": patchErr} {
				if tt.name == "empty" && (what == "create" || what == "patch") {
					continue // a write may be answered by nothing
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", what, err, tt.want)
				}
				var h interface{ Hint() string }
				if tt.hint && (!errors.As(err, &h) || !strings.Contains(h.Hint(), "/scim/v2")) {
					t.Errorf("%s: no advice: %v", what, err)
				}
			}
		})
	}
}

// A create that is redirected becomes a GET, whose answer is no resource.
func TestCannot(t *testing.T) {
	c := (&fake{}).people(1).connect(t)
	ctx := t.Context()
	me, err := c.p.Resource("me")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := me.Create(ctx, scim.Document{"x": 1}, scim.WriteOptions{}); !errors.Is(err, provider.ErrUnsupported) || !errors.Is(err, scim.ErrVerb) {
		t.Errorf("create /Me: %v", err)
	}
	if err := c.p.Users().Delete(ctx, "id-1", scim.WriteOptions{Force: true}); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("forced delete: %v", err)
	}
	c.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusNotImplemented)
		return true
	}
	if err := c.p.Users().Delete(ctx, "id-1", scim.WriteOptions{}); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("501: %v", err)
	}
}

func TestDescribesItself(t *testing.T) {
	c := (&fake{schemas: `[{"id":"urn:x","name":"X","attributes":[]}]`, config: `{"patch":{"supported":true}}`}).connect(t)
	r, err := c.p.Resource("Schema")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for doc, err := range r.All(t.Context(), scim.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, doc.ID())
	}
	want(t, "schemas", ids, []string{"urn:x"})
	if doc, err := r.Get(t.Context(), "urn:x", scim.ListOptions{}); err != nil || doc.String("name") != "X" {
		t.Errorf("one schema: %v, %v", doc, err)
	}
	spc, err := c.p.Resource("service-provider-config")
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := spc.Get(t.Context(), "", scim.ListOptions{}); err != nil || doc["patch"] == nil {
		t.Errorf("configuration: %v, %v", doc, err)
	}
}

func TestRaw(t *testing.T) {
	c := (&fake{}).people(2).connect(t)
	for _, path := range []string{"/Users/id-1", "Users/id-1?attributes=userName", base + "/Users/id-1", c.p.BaseURL() + "/Users/id-1"} {
		resp, err := c.p.Raw(t.Context(), provider.RawRequest{Method: "get", Path: path})
		if err != nil || resp.Status != 200 || !strings.Contains(string(resp.Body), "u01@example.com") {
			t.Errorf("%s: %v, %v", path, resp, err)
		}
	}
	for path, target := range map[string]error{"https://other.example.com/Users": transport.ErrCrossOrigin, "/Users?a=%": transport.ErrBadRequest} {
		if _, err := c.p.Raw(t.Context(), provider.RawRequest{Path: path}); !errors.Is(err, target) {
			t.Errorf("%s: %v, want %v", path, err, target)
		}
	}
}

func TestEnds(t *testing.T) {
	c := (&fake{}).people(1).connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.p.Users().All(ctx, scim.ListOptions{Filter: expr(t, "title pr")}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	// What was not read for that reason is read by the next one.
	want(t, "rows", all(t, c.p.Users(), scim.ListOptions{}), []string{"u01"})
}

// exact compares everything with regard to case.
// A name that is taken in another case is found, though the server's search
// does not find it.
