package scim

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServiceProviderConfig(t *testing.T) {
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"patch":{"supported":true},"bulk":{"supported":true,"maxOperations":"50","maxPayloadSize":1048576},
			"filter":{"supported":true,"maxResults":1000},"etag":{"supported":false},"authenticationSchemes":[{"type":"oauthbearertoken","name":"OAuth","primary":true}]}`)
	}))
	got, err := c.ServiceProviderConfig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !got.Patch.Supported || got.Bulk.MaxOperations != 50 || got.Bulk.MaxPayloadSize != 1048576 || got.Filter.MaxResults != 1000 ||
		got.ETag.Supported || got.AuthenticationSchemes[0].Type != "oauthbearertoken" || rec.calls[0].Path != "/base/ServiceProviderConfig" {
		t.Errorf("got %+v from %s", got, rec.calls[0].Path)
	}
}

func TestDiscovery(t *testing.T) {
	entries := `[{"name":"User","endpoint":"/Users","schema":"urn:u","schemaExtensions":[{"schema":"urn:e","required":true}]},{"id":"Group","name":"Group","endpoint":"/Groups","schema":"urn:g"}]`
	want := []ResourceType{
		{Name: "User", Endpoint: "/Users", Schema: "urn:u", SchemaExtensions: []SchemaExtension{{"urn:e", true}}},
		{ID: "Group", Name: "Group", Endpoint: "/Groups", Schema: "urn:g"},
	}
	for name, body := range map[string]string{
		"list":           `{"totalResults":2,"Resources":` + entries + `}`,
		"list, no total": `{"Resources":` + entries + `}`,
		"array":          entries,
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) }))
			got, err := c.ResourceTypes(context.Background())
			if name == "list, no total" {
				// The server repeats its one page for ever; rows have no id.
				if !errors.Is(err, ErrTruncatedList) {
					t.Errorf("ResourceTypes = %v, %v", got, err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("ResourceTypes: %v\n%s", err, d)
			}
		})
	}
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"totalResults":1,"Resources":[{"id":"urn:u","name":"User","attributes":[{"name":"userName","type":"string","required":true,"uniqueness":"server"}]}]}`)
	}))
	got, err := c.Schemas(context.Background())
	if err != nil || len(got) != 1 || got[0].Attributes[0].Name != "userName" || !got[0].Attributes[0].Required {
		t.Errorf("Schemas = %+v, %v", got, err)
	}
	c, _ = newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"neither":1}`) }))
	if _, err := c.Schemas(context.Background()); !errors.Is(err, ErrBadResponse) {
		t.Errorf("Schemas of something else: %v", err)
	}
}
