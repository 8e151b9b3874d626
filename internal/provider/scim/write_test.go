package scim_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

func TestPutInsteadOfPatch(t *testing.T) {
	const announced = `{"patch":{"supported":%v},"etag":{"supported":%v}}`
	op := []scim.PatchOp{{Op: "replace", Path: "title", Value: "Chief"}}
	tests := []struct {
		name  string
		f     *fake
		calls []string
		note  string
	}{
		{"not announced", &fake{config: fmt.Sprintf(announced, false, true), etag: true}, []string{"GET /Users/id-1", "PUT /Users/id-1"}, "changes whole resources only (PUT): each"},
		{"announced, 501", &fake{config: fmt.Sprintf(announced, true, true), etag: true, noPatch: 501}, []string{"PATCH /Users/id-1", "GET /Users/id-1", "PUT /Users/id-1"}, "announces PATCH and refuses it"},
		{"unsaid, 405", &fake{noPatch: 405}, []string{"PATCH /Users/id-1", "GET /Users/id-1", "PUT /Users/id-1"}, "changes whole"},
		{"unsaid, 404", &fake{noPatch: 404}, []string{"PATCH /Users/id-1", "GET /Users/id-1", "GET /Users/id-1", "PUT /Users/id-1"}, "changes whole"},
		{"without versions", &fake{config: fmt.Sprintf(announced, false, false)}, []string{"GET /Users/id-1", "PUT /Users/id-1"}, "without versions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent scim.Document
			tt.f.onPut = func(d scim.Document) { sent = d.Clone() }
			c := tt.f.people(1).connect(t)
			doc := c.docs["/Users"][0]
			doc["id"], doc["groups"] = "id-1", []any{map[string]any{"value": "g"}}
			doc["x"] = "kept"
			got, err := c.p.Users().Patch(t.Context(), "id-1", op, scim.WriteOptions{})
			if err != nil || got.String("title") != "Chief" {
				t.Fatalf("%v, %v", got, err)
			}
			want(t, "calls", c.asked(), tt.calls)
			if !slices.ContainsFunc(*c.notes, func(s string) bool { return strings.Contains(s, tt.note) }) {
				t.Errorf("notes %q", *c.notes)
			}
			if sent["meta"] != nil || sent["groups"] != nil || sent.String("x") != "kept" || sent.String("userName") != "u01@example.com" {
				t.Errorf("sent %v", sent)
			}
			c.forget()
			got, err = c.p.Users().Patch(t.Context(), "id-1", op, scim.WriteOptions{}) // all is as wanted
			if err != nil || got.String("title") != "Chief" {
				t.Fatalf("again: %v, %v", got, err)
			}
			want(t, "calls of the second time", c.asked(), []string{"GET /Users/id-1"})
		})
	}
}

func TestPutKeepsWhatIsSentOnRequest(t *testing.T) {
	var sent scim.Document
	f := &fake{
		config: `{"patch":{"supported":false}}`, hide: map[string]bool{"members": true},
		types: `{"totalResults":1,"Resources":[{"name":"Group","endpoint":"/Groups","schema":"urn:x:Group"}]}`,
		schemas: `{"totalResults":1,"Resources":[{"id":"urn:x:Group","attributes":[{"name":"members","mutability":"readWrite","returned":"request"},
			{"name":"displayName","mutability":"readWrite","returned":"default"},{"name":"owner","mutability":"readOnly","returned":"default"}]}]}`,
		docs:  map[string][]scim.Document{},
		onPut: func(d scim.Document) { sent = d.Clone() },
	}
	g := f.add("/Groups", scim.Document{"schemas": []any{"urn:x:Group"}, "displayName": "G", "owner": "x", "members": []any{map[string]any{"value": "1"}}})
	c := f.connect(t)
	ops := []scim.PatchOp{{Op: "add", Path: "members", Value: []any{map[string]any{"value": "2"}}}}
	if _, err := c.p.Groups().Patch(t.Context(), g.ID(), ops, scim.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, "members", sent.Strings("members.value"), []string{"1", "2"})
	if sent["owner"] != nil {
		t.Error("an attribute that only the server sets was sent")
	}
	// What is asked for beside the usual comes along with the usual.
	doc, err := c.p.Groups().Get(t.Context(), g.ID(), scim.ListOptions{AttributeSets: []string{"default"}, Attributes: []string{"members"}})
	if err != nil || doc.String("displayName") != "G" || len(doc.Strings("members.value")) != 2 {
		t.Errorf("default and members: %v, %v", doc, err)
	}
}

func TestPutReadsAgain(t *testing.T) {
	f := (&fake{config: `{"patch":{"supported":false},"etag":{"supported":true}}`, etag: true}).people(1)
	puts := 0
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			if puts++; puts == 1 { // somebody else was faster
				f.docs["/Users"][0]["nickName"] = "theirs"
				f.touch(f.docs["/Users"][0])
			}
		}
		return false
	}
	c := f.connect(t)
	id := f.docs["/Users"][0].ID()
	op := []scim.PatchOp{{Op: "replace", Path: "title", Value: "Chief"}}
	doc, err := c.p.Users().Patch(t.Context(), id, op, scim.WriteOptions{})
	if err != nil || doc.String("title") != "Chief" || doc.String("nickName") != "theirs" || puts != 2 {
		t.Errorf("%v, %v after %d writes", doc, err, puts)
	}
	op[0].Value = "Boss"
	if _, err := c.p.Users().Patch(t.Context(), id, op, scim.WriteOptions{IfMatch: `W/"old"`}); !errors.Is(err, scim.ErrPrecondition) || puts != 2 {
		t.Errorf("an old version: %v after %d writes", err, puts)
	}
}

func TestVersionWithoutETags(t *testing.T) {
	f := (&fake{config: `{"patch":{"supported":true},"etag":{"supported":false}}`}).people(1)
	c := f.connect(t)
	id := f.docs["/Users"][0].ID()
	op := []scim.PatchOp{{Op: "replace", Path: "title", Value: "Chief"}}
	_, err := c.p.Users().Patch(t.Context(), id, op, scim.WriteOptions{IfMatch: "1"})
	if !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("no versions: %v", err)
	}
	f.docs["/Users"][0]["meta"] = map[string]any{"version": "2"} // sent, but not looked at
	for _, call := range []func(match string) error{
		func(m string) error {
			_, err := c.p.Users().Patch(t.Context(), id, op, scim.WriteOptions{IfMatch: m})
			return err
		},
		func(m string) error {
			_, err := c.p.Users().Replace(t.Context(), id, scim.Document{"userName": "x"}, scim.WriteOptions{IfMatch: m})
			return err
		},
		func(m string) error { return c.p.Users().Delete(t.Context(), id, scim.WriteOptions{IfMatch: m}) },
	} {
		if err := call("1"); !errors.Is(err, scim.ErrPrecondition) {
			t.Errorf("another version: %v", err)
		}
	}
	if err := c.p.Users().Delete(t.Context(), id, scim.WriteOptions{IfMatch: "2"}); err != nil {
		t.Errorf("the version there is: %v", err)
	}
}

func TestAnswersNothing(t *testing.T) {
	c := (&fake{silent: true}).people(1).connect(t)
	ctx := t.Context()
	doc, err := c.p.Users().Create(ctx, scim.Document{"userName": "new@example.com"}, scim.WriteOptions{})
	if err != nil || doc.ID() == "" {
		t.Fatalf("create: %v, %v", doc, err)
	}
	op := []scim.PatchOp{{Op: "replace", Path: "title", Value: "Chief"}}
	got, err := c.p.Users().Patch(ctx, doc.ID(), op, scim.WriteOptions{AttributeSets: []string{"default"}})
	if err != nil || got.String("title") != "Chief" {
		t.Errorf("patch, with an answer wanted: %v, %v", got, err)
	}
	if got, err = c.p.Users().Patch(ctx, doc.ID(), op, scim.WriteOptions{}); err != nil || got != nil {
		t.Errorf("patch, without: %v, %v", got, err)
	}
}

func TestCreateRedirected(t *testing.T) {
	f := (&fake{}).people(2)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, base+"/Users", http.StatusFound)
			return true
		}
		return false
	}
	c := f.connect(t)
	if doc, err := c.p.Users().Create(t.Context(), scim.Document{"userName": "x"}, scim.WriteOptions{}); !errors.Is(err, scim.ErrBadResponse) {
		t.Errorf("%v, %v", doc, err)
	}
}

func TestBulk(t *testing.T) {
	ops := []scim.BulkOperation{{Method: "POST", Path: "/Users", BulkID: "1", Data: []byte(`{}`)}}
	tests := []struct {
		name, config string
		want         [2]int
	}{
		{"announced", `{"patch":{"supported":true},"bulk":{"supported":true,"maxOperations":50,"maxPayloadSize":100000}}`, [2]int{50, 100000 - 512}},
		{"without limits", `{"bulk":{"supported":true}}`, [2]int{}},
		{"without PATCH", `{"patch":{"supported":false},"bulk":{"supported":true,"maxOperations":50,"maxPayloadSize":100000}}`, [2]int{}},
		{"beyond reason", `{"bulk":{"supported":true,"maxOperations":99999999,"maxPayloadSize":99999999999}}`, [2]int{1000, 10<<20 - 512}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := (&fake{config: tt.config, bulk: 404}).connect(t)
			b := c.p.Bulker()
			if tt.want == [2]int{} {
				if b != nil {
					t.Error("there are bulk calls")
				}
				return
			}
			var got [2]int
			got[0], got[1] = b.BulkLimits()
			want(t, "limits", got, tt.want)
			for range 2 { // refused once, it is not tried again
				if _, err := b.Bulk(t.Context(), ops, "token"); !errors.Is(err, scim.ErrNotFound) {
					t.Errorf("error %v", err)
				}
			}
			want(t, "calls", c.asked(), []string{"POST /Bulk"})
			if len(*c.notes) != 1 {
				t.Errorf("notes %q", *c.notes)
			}
		})
	}
}

type exact struct{}

func (exact) Rule(filter.AttrPath) (filter.Rule, bool) {
	return filter.Rule{Type: "string", CaseExact: true}, true
}

func TestConflictInAnotherCase(t *testing.T) {
	c := (&fake{rules: exact{}}).people(3).connect(t)
	opts := scim.ListOptions{Filter: expr(t, `userName eq "U02@example.com"`)}
	want(t, "before", all(t, c.p.Users(), opts), []string{})
	for range 2 {
		if _, err := c.p.Users().Create(t.Context(), scim.Document{"userName": "U02@example.com"}, scim.WriteOptions{}); !errors.Is(err, scim.ErrConflict) {
			t.Fatal(err)
		}
	}
	want(t, "after", all(t, c.p.Users(), opts), []string{"u02"})
	want(t, "calls", c.asked(), []string{"GET /Users?filter", "POST /Users", "GET /Users?attributes&filter", "GET /Users?attributes", "POST /Users", "GET /Users"})
}
