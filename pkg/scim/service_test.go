package scim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/filter"
)

const (
	userURN = "urn:ietf:params:scim:schemas:core:2.0:User"
	extURN  = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

func userType(ops Ops) Type[Document] {
	return Type[Document]{Name: "User", Path: "/Users", Schemas: []string{userURN, extURN}, Key: "userName", Ops: ops}
}

func TestServiceRequests(t *testing.T) {
	ctx := context.Background()
	patch := []PatchOp{{Op: "REPLACE", Path: "title", Value: nil}, {Op: "add", Path: "nickName", Value: ""}}
	tests := []struct {
		name string
		run  func(*Service[Document]) error
		want call
	}{
		{"get", func(s *Service[Document]) error {
			_, err := s.Get(ctx, "a/b c%2F?", ListOptions{Attributes: []string{"id", "userName"}, AttributeSets: []string{"all", "never"}})
			return err
		}, call{Method: "GET", Path: "/base/Users/a%2Fb%20c%252F%3F", Query: "attributeSets=all&attributeSets=never&attributes=id%2CuserName"}},
		{"create names schemas", func(s *Service[Document]) error {
			_, err := s.Create(ctx, Document{"userName": "ada", extURN: map[string]any{"department": "IT"}}, WriteOptions{RetryToken: "t1", Attributes: []string{"id"}})
			return err
		}, call{
			Method: "POST", Path: "/base/Users", Query: "attributes=id", ContentType: MediaType,
			Body: `{"schemas":["` + userURN + `","` + extURN + `"],"` + extURN + `":{"department":"IT"},"userName":"ada"}`,
		}},
		{"create keeps schemas", func(s *Service[Document]) error {
			_, err := s.Create(ctx, Document{"Schemas": []string{"urn:z"}, "userName": "ada"}, WriteOptions{})
			return err
		}, call{Method: "POST", Path: "/base/Users", ContentType: MediaType, Body: `{"Schemas":["urn:z"],"userName":"ada"}`}},
		{"flat extension is named", func(s *Service[Document]) error {
			_, err := s.Create(ctx, Document{extURN + ":department": "IT"}, WriteOptions{})
			return err
		}, call{Method: "POST", Path: "/base/Users", ContentType: MediaType, Body: `{"schemas":["` + userURN + `","` + extURN + `"],"` + extURN + `:department":"IT"}`}},
		{"replace", func(s *Service[Document]) error {
			_, err := s.Replace(ctx, "7", Document{"userName": "ada"}, WriteOptions{IfMatch: "v2"})
			return err
		}, call{Method: "PUT", Path: "/base/Users/7", IfMatch: "v2", ContentType: MediaType, Body: `{"schemas":["` + userURN + `"],"userName":"ada"}`}},
		{"patch", func(s *Service[Document]) error {
			_, err := s.Patch(ctx, "7", patch, WriteOptions{IfMatch: "v2", AttributeSets: []string{"request"}})
			return err
		}, call{
			Method: "PATCH", Path: "/base/Users/7", Query: "attributeSets=request", IfMatch: "v2", ContentType: MediaType,
			Body: `{"schemas":["` + PatchOpURN + `"],"Operations":[{"op":"remove","path":"title"},{"op":"add","path":"nickName","value":""}]}`,
		}},
		{"delete", func(s *Service[Document]) error {
			return s.Delete(ctx, "7", WriteOptions{IfMatch: "v2", Force: true, Attributes: []string{"id"}})
		}, call{Method: "DELETE", Path: "/base/Users/7", Query: "forceDelete=true", IfMatch: "v2"}},
		{"list", func(s *Service[Document]) error {
			_, err := s.List(ctx, ListOptions{Filter: filter.Eq(filter.MustAttr("userName"), `a"&b`), SortBy: "userName", Descending: true, StartIndex: 5, Count: 7})
			return err
		}, call{Method: "GET", Path: "/base/Users", Query: "count=7&filter=userName+eq+%22a%5C%22%26b%22&sortBy=userName&sortOrder=descending&startIndex=5"}},
		{"list by default", func(s *Service[Document]) error {
			_, err := s.List(ctx, ListOptions{})
			return err
		}, call{Method: "GET", Path: "/base/Users", Query: "count=3"}},
		{"plus sign goes by search", func(s *Service[Document]) error {
			_, err := s.List(ctx, ListOptions{Filter: filter.Eq(filter.MustAttr("phoneNumbers.value"), "+49 1")})
			return err
		}, call{
			Method: "POST", Path: "/base/Users/.search", ContentType: MediaType,
			Body: `{"schemas":["` + SearchRequestURN + `"],"filter":"phoneNumbers.value eq \"+49 1\"","count":3}`,
		}},
		{"long filter goes by search", func(s *Service[Document]) error {
			_, err := s.List(ctx, ListOptions{Filter: filter.Eq(filter.MustAttr("x"), strings.Repeat("y", 4000)), Attributes: []string{"id"}})
			return err
		}, call{
			Method: "POST", Path: "/base/Users/.search", ContentType: MediaType,
			Body: `{"schemas":["` + SearchRequestURN + `"],"attributes":["id"],"filter":"x eq \"` + strings.Repeat("y", 4000) + `\"","count":3}`,
		}},
		{"search", func(s *Service[Document]) error {
			_, err := s.Search(ctx, ListOptions{SortBy: "id", Descending: true, AttributeSets: []string{"all"}, StartIndex: 2})
			return err
		}, call{
			Method: "POST", Path: "/base/Users/.search", ContentType: MediaType,
			Body: `{"schemas":["` + SearchRequestURN + `"],"attributeSets":["all"],"sortBy":"id","sortOrder":"descending","startIndex":2,"count":3}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodDelete:
					reply(w, 204, nil)
				case strings.HasSuffix(r.URL.Path, "/Users") && r.Method == http.MethodGet, strings.HasSuffix(r.URL.Path, ".search"):
					reply(w, 200, fixture(t, "list_idcs.json"))
				default:
					reply(w, 200, `{"id":"7"}`)
				}
			}))
			if err := tt.run(c.Documents(userType(AllOps))); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]call{tt.want}, rec.calls); d != "" {
				t.Errorf("request: -want +got\n%s", d)
			}
		})
	}
}

func TestServiceHintsToTransport(t *testing.T) {
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"id":"1","totalResults":0}`) }))
	c.opts.Group = func(method, path string) string { return method + " " + path }
	s := c.Documents(userType(AllOps))
	ctx := context.Background()
	steps := []struct {
		name       string
		run        func() error
		token      string
		idempotent bool
		group      string
	}{
		{"search may be repeated", func() error { _, err := s.Search(ctx, ListOptions{}); return err }, "", true, "POST /base/Users/.search"},
		{"create may not", func() error { _, err := s.Create(ctx, Document{"a": 1}, WriteOptions{}); return err }, "", false, "POST /base/Users"},
		{"create with a token", func() error {
			_, err := s.Create(ctx, Document{"a": 1}, WriteOptions{RetryToken: "tok"})
			return err
		}, "tok", false, "POST /base/Users"},
		{"patch that replaces", func() error {
			_, err := s.Patch(ctx, "1", []PatchOp{{Op: "replace", Path: "a", Value: 1}}, WriteOptions{})
			return err
		}, "", true, "PATCH /base/Users/1"},
		{"patch that adds", func() error {
			_, err := s.Patch(ctx, "1", []PatchOp{{Op: "add", Path: "a", Value: 1}}, WriteOptions{})
			return err
		}, "", false, "PATCH /base/Users/1"},
		{"conditional patch", func() error {
			_, err := s.Patch(ctx, "1", []PatchOp{{Op: "replace", Path: "a", Value: 1}}, WriteOptions{IfMatch: "v"})
			return err
		}, "", false, "PATCH /base/Users/1"},
	}
	for _, st := range steps {
		t.Run(st.name, func(t *testing.T) {
			if err := st.run(); err != nil {
				t.Fatal(err)
			}
			got := rec.reqs[len(rec.reqs)-1]
			if got.RetryToken != st.token || got.Idempotent != st.idempotent || got.Group != st.group {
				t.Errorf("token %q, idempotent %v, group %q; want %q, %v, %q", got.RetryToken, got.Idempotent, got.Group, st.token, st.idempotent, st.group)
			}
		})
	}
}

func TestServiceRefusesBeforeSending(t *testing.T) {
	ctx := context.Background()
	none := userType(0)
	tests := []struct {
		name string
		typ  Type[Document]
		run  func(*Service[Document]) error
		want error
	}{
		{"get", none, func(s *Service[Document]) error { _, err := s.Get(ctx, "1", ListOptions{}); return err }, ErrVerb},
		{"list", none, func(s *Service[Document]) error { _, err := s.List(ctx, ListOptions{}); return err }, ErrVerb},
		{"search", userType(List), func(s *Service[Document]) error { _, err := s.Search(ctx, ListOptions{}); return err }, ErrVerb},
		{"all", none, func(s *Service[Document]) error {
			for _, err := range s.All(ctx, ListOptions{}) {
				return err
			}
			return nil
		}, ErrVerb},
		{"create", none, func(s *Service[Document]) error {
			_, err := s.Create(ctx, Document{"a": 1}, WriteOptions{})
			return err
		}, ErrVerb},
		{"replace", userType(Patch), func(s *Service[Document]) error {
			_, err := s.Replace(ctx, "1", Document{"a": 1}, WriteOptions{})
			return err
		}, ErrVerb},
		{"patch", userType(Replace), func(s *Service[Document]) error {
			_, err := s.Patch(ctx, "1", []PatchOp{{Op: "remove", Path: "a"}}, WriteOptions{})
			return err
		}, ErrVerb},
		{"delete", none, func(s *Service[Document]) error { return s.Delete(ctx, "1", WriteOptions{}) }, ErrVerb},
		{"delete without id", userType(AllOps), func(s *Service[Document]) error { return s.Delete(ctx, "", WriteOptions{}) }, ErrNoID},
		{"get without id", userType(AllOps), func(s *Service[Document]) error { _, err := s.Get(ctx, "", ListOptions{}); return err }, ErrNoID},
		{"delete parent", userType(AllOps), func(s *Service[Document]) error { return s.Delete(ctx, "..", WriteOptions{}) }, ErrInvalid},
		{"empty patch", userType(AllOps), func(s *Service[Document]) error {
			_, err := s.Patch(ctx, "1", nil, WriteOptions{})
			return err
		}, ErrInvalid},
		{"remove without path", userType(AllOps), func(s *Service[Document]) error {
			_, err := s.Patch(ctx, "1", []PatchOp{{Op: "remove"}}, WriteOptions{})
			return err
		}, ErrInvalid},
		{"unknown op", userType(AllOps), func(s *Service[Document]) error {
			_, err := s.Patch(ctx, "1", []PatchOp{{Op: "move", Path: "a"}}, WriteOptions{})
			return err
		}, ErrInvalid},
		{"nil document", userType(AllOps), func(s *Service[Document]) error { _, err := s.Create(ctx, nil, WriteOptions{}); return err }, ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, rec := newTestClient(t, http.NotFoundHandler())
			if err := tt.run(c.Documents(tt.typ)); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
			if len(rec.calls) != 0 {
				t.Errorf("sent %v", rec.calls)
			}
		})
	}
	err := &VerbError{Type: "Grant", Verb: Replace, Has: Get | Patch}
	if want := "resource type Grant has no replace: it has get, patch"; err.Error() != want {
		t.Errorf("Error() = %q, want %q", err.Error(), want)
	}
}

func TestServiceAnswers(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name   string
		status int
		body   string
		run    func(*Service[Document]) (Document, error)
		want   string
		err    error
	}{
		{"patch answers nothing", 204, "", func(s *Service[Document]) (Document, error) {
			return s.Patch(ctx, "1", []PatchOp{{Op: "add", Path: "a", Value: 1}}, WriteOptions{})
		}, "null", nil},
		{"create accepted", 202, "", func(s *Service[Document]) (Document, error) {
			return s.Create(ctx, Document{"a": 1}, WriteOptions{})
		}, "null", nil},
		{"get empty", 200, " ", func(s *Service[Document]) (Document, error) { return s.Get(ctx, "1", ListOptions{}) }, "null", ErrBadResponse},
		{"get html", 200, "<html>", func(s *Service[Document]) (Document, error) { return s.Get(ctx, "1", ListOptions{}) }, "null", ErrBadResponse},
		{"get array", 200, "[]", func(s *Service[Document]) (Document, error) { return s.Get(ctx, "1", ListOptions{}) }, "null", ErrBadResponse},
		{"not found", 404, `{"detail":"no","status":"404"}`, func(s *Service[Document]) (Document, error) { return s.Get(ctx, "1", ListOptions{}) }, "null", ErrNotFound},
		{"moved", 412, `{}`, func(s *Service[Document]) (Document, error) {
			return s.Replace(ctx, "1", Document{"a": 1}, WriteOptions{IfMatch: "x"})
		}, "null", ErrPrecondition},
		{"digits kept", 200, `{"id":"1","n":9007199254740993}`, func(s *Service[Document]) (Document, error) { return s.Get(ctx, "1", ListOptions{}) }, `{"id":"1","n":9007199254740993}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.body == "" {
					reply(w, tt.status, nil)
					return
				}
				reply(w, tt.status, tt.body)
			}))
			got, err := tt.run(c.Documents(userType(AllOps)))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			if string(mustJSON(t, got)) != tt.want {
				t.Errorf("got %s, want %s", mustJSON(t, got), tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "?") {
				t.Errorf("error shows the query: %v", err)
			}
		})
	}
}

func TestErrorsNeverHoldTheQuery(t *testing.T) {
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 400, `{"detail":"bad filter"}`) }))
	_, err := c.Documents(userType(List)).List(context.Background(), ListOptions{Filter: filter.Eq(filter.MustAttr("userName"), "ada@example.com")})
	var e *Error
	if !errors.As(err, &e) || e.Path != "/base/Users" || e.Op != "GET" || e.RequestID != "req-1" || e.Attempts != 1 {
		t.Fatalf("error = %#v", err)
	}
	if strings.Contains(err.Error(), "ada") {
		t.Errorf("error shows the query: %v", err)
	}
}

func TestBareType(t *testing.T) {
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"id":"me"}`) }))
	s := c.Documents(Type[Document]{Name: "Me", Path: "/Me", Ops: Get | Replace, Bare: true})
	if _, err := s.Get(context.Background(), "", ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := rec.calls[0].Path; got != "/base/Me" {
		t.Errorf("path = %s", got)
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		name, body string
		id         string
		err        error
	}{
		{"one", `{"totalResults":1,"Resources":[{"id":"1"}]}`, "1", nil},
		{"none", `{"totalResults":0}`, "", ErrNotFound},
		{"two", `{"totalResults":2,"Resources":[{"id":"1"},{"id":"2"}]}`, "", ErrAmbiguous},
		{"two by total", `{"totalResults":2,"Resources":[{"id":"1"}]}`, "", ErrAmbiguous},
		{"no total", `{"Resources":[{"id":"1"}]}`, "1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, tt.body) }))
			got, err := c.Documents(userType(AllOps)).Find(context.Background(), "ada")
			if !errors.Is(err, tt.err) || got.ID() != tt.id {
				t.Errorf("Find = %v, %v; want %q, %v", got, err, tt.id, tt.err)
			}
			if q := rec.calls[0].Query; q != "count=2&filter=userName+eq+%22ada%22" {
				t.Errorf("query = %s", q)
			}
		})
	}
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"id":"5"}`) }))
	typ := userType(AllOps)
	typ.Key = "id"
	if got, err := c.Documents(typ).Find(context.Background(), "5"); err != nil || got.ID() != "5" || rec.calls[0].Path != "/base/Users/5" {
		t.Errorf("Find by id = %v, %v, %v", got, err, rec.calls)
	}
}

func TestTypedServiceRoundTrip(t *testing.T) {
	type user struct {
		ID       string `json:"id,omitempty"`
		UserName string `json:"userName"`
	}
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		in["id"] = "9"
		reply(w, 201, in)
	}))
	s := NewService(c, Type[user]{Name: "User", Path: "/Users", Schemas: []string{userURN}, Ops: Create})
	got, err := s.Create(context.Background(), user{UserName: "ada"}, WriteOptions{})
	if d := cmp.Diff(user{"9", "ada"}, got); d != "" || err != nil {
		t.Errorf("Create = %v, %v", d, err)
	}
	if want := `{"schemas":["` + userURN + `"],"userName":"ada"}`; rec.calls[0].Body != want {
		t.Errorf("body %s, want %s", rec.calls[0].Body, want)
	}
}

func TestClientDo(t *testing.T) {
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/base/teapot" {
			reply(w, 304, nil)
			return
		}
		w.Header().Set("Location", "https://elsewhere.example.com/")
		reply(w, 305, nil)
	}))
	if resp, err := c.Do(context.Background(), &Request{Method: "GET", Path: "/teapot"}); err != nil || resp.Status != 304 {
		t.Errorf("Do = %v, %v", resp, err)
	}
	if _, err := c.Do(context.Background(), &Request{Method: "GET", Path: "/moved"}); !errors.Is(err, ErrBadResponse) {
		t.Errorf("redirect: %v, want ErrBadResponse", err)
	}
	if _, err := c.WithBasePath("/job/v1/").Do(context.Background(), &Request{Method: "GET", Path: "/x"}); !errors.Is(err, ErrBadResponse) || rec.calls[2].Path != "/job/v1/x" {
		t.Errorf("other family: %v, %v", err, rec.calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := len(rec.calls)
	if _, err := c.Do(ctx, &Request{Method: "GET", Path: "/x"}); !errors.Is(err, context.Canceled) || len(rec.calls) != n {
		t.Errorf("after cancel: %v, %d calls", err, len(rec.calls)-n)
	}
}

func TestDeleteWhoseAnswerWasLost(t *testing.T) {
	for attempts, want := range map[int]error{1: ErrNotFound, 2: nil} {
		doer := DoerFunc(func(context.Context, *Request) (*Response, error) {
			return &Response{Status: http.StatusNotFound, Attempts: attempts}, nil
		})
		s := NewService(NewClient(doer, Options{}), userType(AllOps))
		if err := s.Delete(t.Context(), "7", WriteOptions{}); !errors.Is(err, want) {
			t.Errorf("404 after %d attempts: %v, want %v", attempts, err, want)
		}
	}
}
