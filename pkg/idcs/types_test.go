package idcs

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim"
)

func TestTypesTable(t *testing.T) {
	if len(generatedTypes) != 74 {
		t.Errorf("%d generated types, want the 74 of the SDK", len(generatedTypes))
	}
	types := Types()
	seen := map[string]string{}
	endpoint := regexp.MustCompile(`^/[A-Z][A-Za-z0-9]+$`)
	for _, ti := range types {
		t.Run(ti.Name, func(t *testing.T) {
			for _, word := range []string{strings.ToLower(ti.Name), strings.ToLower(ti.Endpoint)} {
				if other := seen[word]; other != "" {
					t.Errorf("%s is taken by %s", word, other)
				}
				seen[word] = ti.Name
			}
			if ti.Ops == 0 {
				t.Error("no operations")
			}
			if !endpoint.MatchString(ti.Endpoint) {
				t.Errorf("endpoint %q", ti.Endpoint)
			}
			if ti.Core == "" && len(ti.Schemas()) != 0 || ti.Core != "" && ti.Schemas()[0] != ti.Core {
				t.Errorf("schemas %v with core %q", ti.Schemas(), ti.Core)
			}
			for _, urn := range append(ti.Schemas(), ti.Extensions...) {
				if !strings.HasPrefix(urn, "urn:ietf:params:scim:schemas:") {
					t.Errorf("URN %q", urn)
				}
			}
			for _, name := range []string{ti.Name, ti.Endpoint, strings.ToUpper(ti.Endpoint[1:])} {
				if got, ok := LookupType(name); !ok || got.Name != ti.Name {
					t.Errorf("LookupType(%q) = %s, %v", name, got.Name, ok)
				}
			}
		})
	}
	if !slices.IsSortedFunc(types, func(a, b TypeInfo) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("Types is not sorted")
	}
	if _, ok := LookupType(""); ok {
		t.Error("LookupType of nothing found a type")
	}
}

func TestTypesAreCopies(t *testing.T) {
	a, _ := LookupType("User")
	a.Extensions[0], a.Keys[0] = "changed", "changed"
	Types()[0].Endpoint = "changed"
	if b, _ := LookupType("User"); b.Extensions[0] == "changed" || b.Keys[0] == "changed" || Types()[0].Endpoint == "changed" {
		t.Error("the table can be changed from outside")
	}
}

func TestKnownFacts(t *testing.T) {
	user, _ := LookupType("users")
	grant, _ := LookupType("Grant")
	me, _ := LookupType("Me")
	settings, _ := LookupType("Setting")
	changer, _ := LookupType("UserStatusChanger")
	bypass, _ := LookupType("BypassCodes")
	got := []any{
		user.Ops == scim.AllOps, len(user.Extensions), user.Core, user.Paged, user.Keys,
		scim.OpNames(grant.Ops), me.Bare, scim.OpNames(me.Ops), settings.SingletonID, scim.OpNames(changer.Ops), changer.Bare,
		scim.OpNames(bypass.Ops), bypass.Catalogued,
	}
	want := []any{
		true, 20, "urn:ietf:params:scim:schemas:core:2.0:User", true,
		[]string{"userName", "emails.value"},
		"list, get, create, patch, delete, search", true, "get, create, replace, patch", "Settings", "replace", false,
		"list, get, create, delete, search", true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestEveryTypeReachesItsEndpoint drives each operation of each type as
// documents and compares method and path; those a type lacks must not be sent.
func TestEveryTypeReachesItsEndpoint(t *testing.T) {
	ctx := context.Background()
	var sent []string
	c := New(scim.NewClient(scim.DoerFunc(func(_ context.Context, r *scim.Request) (*scim.Response, error) {
		sent = append(sent, r.Method+" "+r.Path)
		return &scim.Response{Status: 200, Header: http.Header{}, Body: []byte(`{"id":"x","totalResults":0}`)}, nil
	}), SCIMOptions()))
	for _, ti := range Types() {
		t.Run(ti.Name, func(t *testing.T) {
			s, err := c.Resource(strings.ToUpper(ti.Name))
			if err != nil {
				t.Fatal(err)
			}
			base := "/admin/v1" + ti.Endpoint
			one := base + "/x"
			if ti.Bare {
				one = base
			}
			doc := scim.Document{"a": 1}
			for _, st := range []struct {
				op   scim.Ops
				want string
				run  func() error
			}{
				{scim.Get, "GET " + one, func() error { _, err := s.Get(ctx, "x", scim.ListOptions{}); return err }},
				{scim.Create, "POST " + base, func() error { _, err := s.Create(ctx, doc, scim.WriteOptions{}); return err }},
				{scim.Replace, "PUT " + one, func() error { _, err := s.Replace(ctx, "x", doc, scim.WriteOptions{}); return err }},
				{scim.Patch, "PATCH " + one, func() error {
					_, err := s.Patch(ctx, "x", []scim.PatchOp{{Op: "remove", Path: "a"}}, scim.WriteOptions{})
					return err
				}},
				{scim.Delete, "DELETE " + one, func() error { return s.Delete(ctx, "x", scim.WriteOptions{}) }},
				{scim.Search, "POST " + base + "/.search", func() error { _, err := s.Search(ctx, scim.ListOptions{}); return err }},
			} {
				sent = nil
				err := st.run()
				switch {
				case ti.Ops&st.op == 0:
					if !errors.Is(err, scim.ErrVerb) || len(sent) != 0 {
						t.Errorf("%s: %v, sent %v; want ErrVerb and nothing sent", scim.OpNames(st.op), err, sent)
					}
				case err != nil || !slices.Equal(sent, []string{st.want}):
					t.Errorf("%s: %v, sent %v, want %s", scim.OpNames(st.op), err, sent, st.want)
				}
			}
		})
	}
	if _, err := c.Resource("Nonsense"); !errors.Is(err, ErrUnknownType) {
		t.Errorf("Resource of nonsense: %v", err)
	}
}
