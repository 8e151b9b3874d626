package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// plainCall is a call by plain SCIM.
func plainCall() Call {
	c := admin
	c.Plain = true
	return c
}

func plainUser(name, more string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `"` + more + `}`
}

func (b *bench) createPlain(text string) Document {
	b.Helper()
	res, err := b.e.Create(b.ctx(), plainCall(), "User", doc(b, text), Params{})
	if err != nil {
		b.Fatalf("create %s: %v", text, err)
	}
	return res.Doc
}

// TestPlainHasNothingOfDomains: no type of plain SCIM declares or shows what
// identity domains add, at any depth.
func TestPlainHasNothingOfDomains(t *testing.T) {
	b := newBench(t)
	types, err := b.e.PlainTypes()
	if err != nil {
		t.Fatal(err)
	}
	var walk func(attrs []*schema.Attribute)
	walk = func(attrs []*schema.Attribute) {
		for _, a := range attrs {
			if strings.HasPrefix(a.Name, "idcs") || strings.Contains(strings.ToLower(a.Name), "ocid") || a.Name == "verified" {
				t.Errorf("attribute %s", a.Name)
			}
			walk(a.SubAttributes)
		}
	}
	for _, rt := range types {
		for _, s := range append([]*schema.Schema{rt.Core}, rt.Extensions...) {
			walk(s.Attributes)
		}
	}
	id := b.createPlain(plainUser("ada", ""))["id"].(string)
	res, err := b.e.Get(b.ctx(), plainCall(), "User", id, Params{AttributeSets: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Location != "https://idcs.example.com/scim/v2/Users/"+id {
		t.Errorf("location %s", res.Location)
	}
	for name := range res.Doc {
		if strings.Contains(name, "oracle") || strings.HasPrefix(name, "idcs") {
			t.Errorf("shown: %s", name)
		}
	}
}

// TestPlainIsTheSameRecord: what one face writes the other shows, audit events
// included.
func TestPlainIsTheSameRecord(t *testing.T) {
	b := newBench(t)
	id := b.createPlain(plainUser("ada", `,"title":"Dr","password":"Example-Passw0rd"`))["id"].(string)
	res, err := b.e.Get(b.ctx(), admin, "User", id, Params{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Doc["title"] != "Dr" || res.Doc["ocid"] == nil || res.Location != "https://idcs.example.com/admin/v1/Users/"+id {
		t.Errorf("%s %v", res.Location, res.Doc)
	}
	events, err := b.e.List(b.ctx(), admin, "AuditEvent", Params{Attributes: []string{"eventId", "adminValuesAdded"}})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := events.Resources[0]["adminValuesAdded"].(string)
	if events.Resources[0]["eventId"] != "admin.user.create.success" || strings.Contains(text, "Passw0rd") || !strings.Contains(text, maskedValue) {
		t.Errorf("%v", events.Resources)
	}
}

// TestPlainFoldedIndex: externalId has regard to case in plain SCIM, while its
// index has none; the index must help without deciding.
func TestPlainFoldedIndex(t *testing.T) {
	b := newBench(t)
	for name, ext := range map[string]string{"one": "abc", "two": "ABC", "three": "abd"} {
		b.createPlain(plainUser(name, `,"externalId":"`+ext+`"`))
	}
	for filter, want := range map[string]int{
		`externalId eq "abc"`: 1, `externalId eq "ABC"`: 1, `externalId eq "Abc"`: 0, `externalId sw "ab"`: 2, `externalId sw "AB"`: 1,
		`externalId pr`: 3, `externalId gt "a"`: 2, `externalId eq "abc" or externalId eq "ABC"`: 2,
	} {
		list, err := b.e.List(b.ctx(), plainCall(), "User", Params{Filter: filter})
		if err != nil || list.Total != want {
			t.Errorf("%s: %v, %v", filter, list, err)
		}
	}
	list, err := b.e.List(b.ctx(), admin, "User", Params{Filter: `externalId eq "Abc"`})
	if err != nil || list.Total != 2 {
		t.Errorf("identity domains have no regard to case: %v, %v", list, err)
	}
}

func TestListAllBounds(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxMerged = 2 })
	for _, n := range []string{"a", "b", "c"} {
		b.createPlain(plainUser(n, ""))
	}
	page := func(start, count int, sortBy string) (int, error) {
		list, err := b.e.ListAll(b.ctx(), plainCall(), []string{"User", "Group"}, Params{StartIndex: &start, Count: &count, SortBy: sortBy})
		if err != nil {
			return 0, err
		}
		return len(list.Resources), nil
	}
	if n, err := page(1, 2, "userName"); n != 2 || err != nil {
		t.Errorf("inside: %d, %v", n, err)
	}
	var e *Error
	if _, err := page(2, 2, "userName"); !errors.As(err, &e) || e.Status != 400 || e.ScimType != scimTooMany {
		t.Errorf("beyond: %v", err)
	}
	if n, err := page(2, 2, ""); n != 2 || err != nil {
		t.Errorf("unsorted: %d, %v", n, err)
	}
	if _, err := page(1, 2, "shoeSize"); !errors.As(err, &e) || e.ScimType != scimInvalidPath {
		t.Errorf("sorted by what nothing has: %v", err)
	}
	if n, err := page(9, 2, "userName"); n != 0 || err != nil {
		t.Errorf("behind the end: %d, %v", n, err)
	}
}

// TestPlainKeepsHidden: elements keep what plain SCIM does not show, through
// PUT and PATCH, as long as their key stays.
func TestPlainKeepsHidden(t *testing.T) {
	b := newBench(t)
	id := b.create("User", plainUser("ada", `,"name":{"familyName":"L"},"emails":[{"value":"a@example.com","type":"work","primary":true,"verified":true},`+
		`{"value":"a@example.com","type":"recovery"}]`))["id"].(string)
	put := doc(t, plainUser("ada", `,"emails":[{"value":"A@example.com","type":"work","primary":true},{"value":"b@example.com","type":"home"}]`))
	if _, err := b.e.Replace(b.ctx(), plainCall(), "User", id, put, Params{}); err != nil {
		t.Fatal(err)
	}
	ops := []PatchOp{{Op: "replace", Path: `emails[type eq "home"].value`, Value: "c@example.com"}}
	if _, err := b.e.Patch(b.ctx(), plainCall(), "User", id, ops, Params{}); err != nil {
		t.Fatal(err)
	}
	res, err := b.e.Get(b.ctx(), admin, "User", id, Params{Attributes: []string{"emails"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		map[string]any{"value": "A@example.com", "type": "work", "primary": true, "secondary": false, "verified": true},
		map[string]any{"value": "c@example.com", "type": "home"},
	}
	if diff := cmp.Diff(want, res.Doc["emails"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
