package directory

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim"
)

func TestParseChange(t *testing.T) {
	k := Users()
	for _, tc := range []struct {
		text string
		want Change
	}{
		{"title=Analyst", Change{Path: "title", Value: "Analyst"}},
		{"title=", Change{Op: OpUnset, Path: "title"}},
		{"title=a=b", Change{Path: "title", Value: "a=b"}},
		{"title= two words ", Change{Path: "title", Value: " two words "}},
		{"active=true", Change{Path: "active", Value: "true", Word: true}},
		{"title=42", Change{Path: "title", Value: "42", Word: true}},
		{"title=007", Change{Path: "title", Value: "007"}}, // no JSON number
		{`title="42"`, Change{Path: "title", Value: "42"}},
		{`emails=[{"value":"a@example.com","type":"work"}]`, Change{Path: "emails", Value: []any{map[string]any{"value": "a@example.com", "type": "work"}}}},
		{`emails[type eq "a=b]"].value=x`, Change{Path: `emails[type eq "a=b]"].value`, Value: "x"}},
		{"department=IT", Change{Path: EnterpriseURN + ":department", Value: "IT"}},
	} {
		got, err := k.parseChange(OpSet, tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.text, diff)
		}
	}
}

func FuzzParseChange(f *testing.F) {
	for _, s := range []string{"title=x", `emails[type eq "w]="].value={"a":1}`, "=", "a", `"=`, "[[=", "urn:a:b=1e5"} {
		f.Add(s)
	}
	k := Users()
	f.Fuzz(func(t *testing.T, text string) {
		path, value, ok := cutAssignment(text)
		if ok && path+"="+value != text {
			t.Errorf("cutAssignment(%q) = %q, %q", text, path, value)
		}
		c, err := k.parseChange(OpSet, text)
		if err != nil {
			return
		}
		doc := scim.Document{}
		if err := applyTo(doc, []Change{c}); err != nil {
			return
		}
		// What was set is there, so that setting it again changes nothing.
		ops, err := plan(doc, []Change{c})
		if err == nil && len(ops) > 0 && c.Op == OpSet && !isEmpty(c.Value) {
			t.Errorf("%q: set, and yet %v is planned for %v", text, ops, doc)
		}
	})
}

func FuzzParseDocument(f *testing.F) {
	for _, s := range []string{"{}", "a: 1", "a: [1, {b: 2}]", "- a", "&a [*a]", "a: 0x1F", "a: .inf", "? [a]\n: b", "\ufeff{\"a\":1}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := parseDocument(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatalf("%q became %v, which is no JSON: %v", data, doc, err)
		}
		again, err := parseDocument(text)
		if err != nil || !doc.Equal(again) {
			t.Errorf("%q: %s does not survive: %v", data, text, err)
		}
	})
}

func TestYAMLValues(t *testing.T) {
	doc, err := parseDocument([]byte("day: 2026-03-09\nhex: 0x1F\nbig: 12345678901234567890\nno: ~\nyes: true\ntext: '1'\nnorway: no\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := scim.Document{
		"day": "2026-03-09", "hex": json.Number("31"), "big": json.Number("12345678901234567890"), "no": nil, "yes": true, "text": "1", "norway": "no",
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPlan(t *testing.T) {
	const user = `{"userName":"ada","title":"Analyst","active":true,"name":{"givenName":"Ada","familyName":"L"},
		"emails":[{"type":"work","value":"a@example.com","primary":true}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"1","displayName":"Bob"}}}`
	set := func(path string, v any) Change { return Change{Op: OpSet, Path: path, Value: v} }
	add := func(path string, v any) Change { return Change{Op: OpAdd, Path: path, Value: v} }
	unset := func(path string) Change { return Change{Op: OpUnset, Path: path} }
	manager := EnterpriseURN + ":manager"
	for _, tc := range []struct {
		name    string
		changes []Change
		want    []scim.PatchOp
	}{
		{"same text", []Change{set("title", "Analyst")}, nil},
		{"other text", []Change{set("title", "Chef")}, []scim.PatchOp{{Op: "replace", Path: "title", Value: "Chef"}}},
		{"twice, the second wins", []Change{set("title", "Chef"), set("title", "Analyst")}, []scim.PatchOp{
			{Op: "replace", Path: "title", Value: "Chef"}, {Op: "replace", Path: "title", Value: "Analyst"},
		}},
		{"part of an object that is there", []Change{set(manager, map[string]any{"value": "1"})}, nil},
		{"part of an object that differs", []Change{set(manager, map[string]any{"value": "2"})}, []scim.PatchOp{
			{Op: "replace", Path: manager, Value: map[string]any{"value": "2"}},
		}},
		{"remove what is not there", []Change{unset("nickName"), unset(EnterpriseURN + ":department")}, nil},
		{"remove", []Change{unset("title")}, []scim.PatchOp{{Op: "remove", Path: "title"}}},
		{"element that is there", []Change{set(`emails[type eq "work"].value`, "a@example.com")}, nil},
		{"element that differs", []Change{set(`emails[type eq "work"].value`, "b@example.com")}, []scim.PatchOp{
			{Op: "replace", Path: `emails[type eq "work"].value`, Value: "b@example.com"},
		}},
		{"element that is not there", []Change{set(`emails[type eq "home"].value`, "b@example.com")}, []scim.PatchOp{
			{Op: "add", Path: "emails", Value: []any{map[string]any{"type": "home", "value": "b@example.com"}}},
		}},
		{"attribute that is not there", []Change{set(`phoneNumbers[type eq "work"].value`, "+1")}, []scim.PatchOp{
			{Op: "add", Path: "phoneNumbers", Value: []any{map[string]any{"type": "work", "value": "+1"}}},
		}},
		{"remove an element", []Change{unset(`emails[type eq "work"]`)}, []scim.PatchOp{{Op: "remove", Path: `emails[type eq "work"]`}}},
		{"remove an element that is not there", []Change{unset(`emails[type eq "home"]`)}, nil},
		{"add what is there", []Change{add("emails", map[string]any{"type": "work", "value": "a@example.com"})}, nil},
		{"add", []Change{add("emails", map[string]any{"type": "home", "value": "c@example.com"})}, []scim.PatchOp{
			{Op: "add", Path: "emails", Value: []any{map[string]any{"type": "home", "value": "c@example.com"}}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := decode(t, user)
			got, err := plan(doc, tc.changes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !doc.Equal(decode(t, user)) {
				t.Errorf("plan changed the document: %v", doc)
			}
		})
	}
	if _, err := plan(decode(t, user), []Change{set("title.sub", "x")}); !errors.Is(err, scim.ErrPath) {
		t.Errorf("a path through a text: %v, want ErrPath", err)
	}
}

func TestSplitAttributes(t *testing.T) {
	got := splitAttributes([]string{"a, b", `emails[type eq "x,y]" or a eq 1,2].value,c`, ",,"})
	want := []string{"a", "b", `emails[type eq "x,y]" or a eq 1,2].value`, "c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSorting(t *testing.T) {
	k := Users()
	for _, tc := range []struct {
		text, by string
		desc     bool
	}{
		{"", "emails.value", false},
		{"displayName", "displayName", false},
		{"displayName:desc", "displayName", true},
		{"email:DESC", "emails.value", true},
		{"department:asc", EnterpriseURN + ":department", false},
		{EnterpriseURN + ":department", EnterpriseURN + ":department", false},
		{"recent-activity:desc", lastLogin, true},
	} {
		var opts scim.ListOptions
		if err := k.sorting(tc.text, &opts); err != nil || opts.SortBy != tc.by || opts.Descending != tc.desc {
			t.Errorf("--sort %q: %q, descending %v, %v", tc.text, opts.SortBy, opts.Descending, err)
		}
	}
}

func TestFixedAttributes(t *testing.T) {
	s := &Schema{byPath: map[string]int{}}
	for path, mutability := range map[string]string{
		"emails": "readWrite", "emails.pendingVerificationData": "readOnly", "meta": "readOnly",
		"urn:x:extension:y:User:status": "readOnly", "urn:x:extension:y:User:title": "readWrite",
	} {
		s.add(Attribute{Path: path, Mutability: mutability})
	}
	doc := decode(t, `{"schemas":["a"],"id":"1","meta":{"version":"2"},"userName":"ada","ocid":"o",
		"emails":[{"value":"a","pendingVerificationData":"b"}],"urn:x:extension:y:User":{"status":"s"}}`)
	got, dropped := s.withoutFixed(doc)
	want := decode(t, `{"schemas":["a"],"userName":"ada","emails":[{"value":"a"}]}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"emails.pendingVerificationData", "id", "meta", "ocid", "urn:x:extension:y:User:status"}, dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if doc.ID() != "1" {
		t.Error("the document itself was changed")
	}
}
