package sdktest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

// refusedLists are list operations that the emulator refuses, with the status
// and the reason. Whatever is missing here must answer 200.
var refusedLists = map[string]struct {
	status int
	why    string
}{}

// TestListsAndSearches calls every list and search operation that the client
// has: each answers 200 with a list that fits the client's types.
func TestListsAndSearches(t *testing.T) {
	c, srv := newClient(t)
	if _, err := srv.SeedPeople(t.Context(), 1, 5, 2); err != nil {
		t.Fatal(err)
	}
	walkLists(t, c)
}

// walkLists answers the ids that were listed, by type.
func walkLists(t *testing.T, c identitydomains.IdentityDomainsClient) map[string][]string {
	t.Helper()
	client := reflect.ValueOf(c)
	calls := 0
	seen := map[string]bool{}
	ids := map[string][]string{}
	for i := range client.NumMethod() {
		name := client.Type().Method(i).Name
		method := client.Method(i)
		search := strings.HasPrefix(name, "Search")
		if !search && !strings.HasPrefix(name, "List") || method.Type().NumIn() != 2 {
			continue
		}
		calls++
		t.Run(name, func(t *testing.T) {
			request := reflect.New(method.Type().In(1)).Elem()
			if search {
				setSearch(t, request)
			}
			out := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), request})
			err, _ := out[1].Interface().(error)
			if refused, ok := refusedLists[name]; ok {
				seen[name] = true
				wantStatus(t, name+" ("+refused.why+")", err, refused.status)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			resp, ok := out[0].Interface().(common.OCIResponse)
			if !ok || resp.HTTPResponse().StatusCode != http.StatusOK { //nolint:bodyclose // the client closed it
				t.Fatalf("answer %v, want 200", out[0])
			}
			typ, listed := checkList(t, out[0])
			ids[typ] = append(ids[typ], listed...)
		})
	}
	for name := range refusedLists {
		if !seen[name] {
			t.Errorf("refusedLists names %s, which the client does not have", name)
		}
	}
	// The floor keeps a change of the client from emptying the test.
	if calls < 100 {
		t.Errorf("%d operations found, want at least 100", calls)
	}
	return ids
}

// setSearch fills the one body of a search request.
func setSearch(t *testing.T, request reflect.Value) {
	t.Helper()
	for i := range request.NumField() {
		body := request.Field(i)
		if !strings.HasSuffix(body.Type().Name(), "SearchRequest") {
			continue
		}
		body.FieldByName("Schemas").Set(reflect.ValueOf([]string{searchURN}))
		if count := body.FieldByName("Count"); count.IsValid() { // one variant has none
			count.Set(reflect.ValueOf(common.Int(10)))
		}
		return
	}
	t.Fatalf("%s has no search body", request.Type())
}

// checkList looks into the list that a response embeds, and answers the type
// of what is in it, and the ids.
func checkList(t *testing.T, response reflect.Value) (typ string, ids []string) {
	t.Helper()
	total, resources := response.FieldByName("TotalResults"), response.FieldByName("Resources")
	if !total.IsValid() || !resources.IsValid() {
		t.Fatalf("%s embeds no list", response.Type())
	}
	n, _ := total.Interface().(*int)
	if n == nil || *n < resources.Len() {
		t.Errorf("totalResults %v with %d resources", total, resources.Len())
	}
	for i := range resources.Len() {
		schemas, ok := resources.Index(i).FieldByName("Schemas").Interface().([]string)
		if !ok || len(schemas) == 0 {
			t.Errorf("resource %d has no schemas: %v", i, resources.Index(i))
		}
		if id := resources.Index(i).FieldByName("Id"); id.IsValid() {
			p, _ := id.Interface().(*string)
			ids = append(ids, value(p))
		}
	}
	return resources.Type().Elem().Name(), ids
}

// TestSingletons reads what exists in an empty domain one by one: the
// client's get of it gives what its list gave.
func TestSingletons(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	settings, err := c.ListIdentitySettings(ctx, identitydomains.ListIdentitySettingsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(settings.Resources) != 1 {
		t.Fatalf("identity settings %v, want one", settings.Resources)
	}
	got, err := c.GetIdentitySetting(ctx, identitydomains.GetIdentitySettingRequest{IdentitySettingId: settings.Resources[0].Id})
	if err != nil {
		t.Fatal(err)
	}
	if value(got.Id) != value(settings.Resources[0].Id) {
		t.Errorf("id %q, want %q", value(got.Id), value(settings.Resources[0].Id))
	}
	attrs, err := c.ListResourceTypeSchemaAttributes(ctx, identitydomains.ListResourceTypeSchemaAttributesRequest{
		Filter: common.String(`resourceType eq "User" and name eq "userName"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(attrs.Resources) == 0 || !value(attrs.Resources[0].Required) {
		t.Errorf("attribute userName of User: %v, want it required", attrs.Resources)
	}
}
