package scim

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/filter"
)

func TestPatchBuilder(t *testing.T) {
	work := filter.Eq(filter.MustAttr("type"), "work")
	ops, err := NewPatch().
		Add("members", []any{map[string]any{"value": "1"}}).
		Replace(Path("emails.value", work), "w@example.com").
		Replace("active", false).
		Replace("", map[string]any{"title": "Dr"}).
		Remove(Path("members", filter.Eq(filter.MustAttr("value"), `a"b`))).
		Ops()
	if err != nil {
		t.Fatal(err)
	}
	body, err := PatchBody(ops)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` +
		`{"op":"add","path":"members","value":[{"value":"1"}]},` +
		`{"op":"replace","path":"emails[type eq \"work\"].value","value":"w@example.com"},` +
		`{"op":"replace","path":"active","value":false},` +
		`{"op":"replace","value":{"title":"Dr"}},` +
		`{"op":"remove","path":"members[value eq \"a\\\"b\"]"}]}`
	if d := cmp.Diff(want, string(body)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestPatchBuilderMistakes(t *testing.T) {
	tests := []struct {
		name string
		b    *PatchBuilder
		want error
	}{
		{"bad path", NewPatch().Replace("emails[", 1), filter.ErrSyntax},
		{"first mistake stays", NewPatch().Replace("emails[", 1).Remove(""), filter.ErrSyntax},
		{"bad attribute in Path", NewPatch().Remove(Path("a b")), nil},
		{"remove nothing", NewPatch().Remove(""), nil},
		{"value without path", NewPatch().Add("", 1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ops, err := tt.b.Ops()
			if err == nil {
				t.Fatalf("Ops = %v, want an error", ops)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestPath(t *testing.T) {
	typ, prim := filter.Eq(filter.MustAttr("type"), "work"), filter.Eq(filter.MustAttr("primary"), true)
	tests := []struct {
		got, want string
	}{
		{Path("emails"), "emails"},
		{Path("name.familyName"), "name.familyName"},
		{Path("emails", typ), `emails[type eq "work"]`},
		{Path("emails.value", typ, prim), `emails[type eq "work" and primary eq true].value`},
		{Path("urn:x:extension:e:User:list.value", typ), `urn:x:extension:e:User:list[type eq "work"].value`},
		{Path("a b"), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("Path = %q, want %q", tt.got, tt.want)
		}
	}
}
