package schema_test

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

const (
	userURN  = "urn:ietf:params:scim:schemas:core:2.0:User"
	stateURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	lowURN   = "urn:ietf:params:scim:schemas:oracle:idcs:apikey"
)

func fixture(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func userType(t *testing.T) *schema.ResourceType {
	t.Helper()
	var list struct{ Resources []*schema.Schema }
	if err := json.Unmarshal(fixture(t), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Resources) != 2 {
		t.Fatalf("%d schemas in the fixture, want 2", len(list.Resources))
	}
	low := &schema.Schema{ID: lowURN, Attributes: []*schema.Attribute{{Name: "key", Type: schema.TypeString}}}
	return &schema.ResourceType{
		Name: "User", Endpoint: "/Users", Core: list.Resources[0],
		Extensions: []*schema.Schema{list.Resources[1], low},
		Verbs:      schema.VerbList | schema.VerbGet,
	}
}

func TestSchemasRoundTrip(t *testing.T) {
	var typed struct{ Resources []*schema.Schema }
	var plain struct{ Resources []any }
	for _, v := range []any{&typed, &plain} {
		if err := json.Unmarshal(fixture(t), v); err != nil {
			t.Fatal(err)
		}
	}
	out, err := json.Marshal(typed.Resources)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain.Resources, got); diff != "" {
		t.Errorf("decode and encode changed the schemas (-want +got):\n%s", diff)
	}
}

func TestAttribute(t *testing.T) {
	rt := userType(t)
	tests := []struct {
		path, attr, parent, ext string
	}{
		{"userName", "userName", "", ""},
		{"USERNAME", "userName", "", ""},
		{"emails.TYPE", "type", "emails", ""},
		{"emails.$ref", "$ref", "emails", ""},
		{"nicknames.value", "nicknames", "", ""},
		{"nicknames.type", "", "", ""},
		{"emails.nothing", "", "", ""},
		{"nothing", "", "", ""},
		{"loginAttempts", "", "", ""},
		{userURN + ":userName", "userName", "", ""},
		{"URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:emails.value", "value", "emails", ""},
		{stateURN + ":loginAttempts", "loginAttempts", "", stateURN},
		{"URN:ietf:params:scim:schemas:oracle:IDCS:extension:userstate:user:LOCKED.on", "on", "locked", stateURN},
		{stateURN + ":userName", "", "", ""},
		{"urn:example:other:userName", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			attr, parent, ext := rt.Attribute(filter.MustAttr(tt.path))
			got := [3]string{}
			if attr != nil {
				got[0] = attr.Name
			}
			if parent != nil {
				got[1] = parent.Name
			}
			if ext != nil {
				got[2] = ext.ID
			}
			if want := [3]string{tt.attr, tt.parent, tt.ext}; got != want {
				t.Errorf("Attribute(%s) = %q, want %q", tt.path, got, want)
			}
		})
	}
	if attr, _, ext := rt.Attribute(filter.AttrPath{URN: stateURN}); attr != nil || ext == nil {
		t.Errorf("a URN alone yields %v, %v; want the extension only", attr, ext)
	}
	if rt.Core.Attribute("Emails").SubAttribute("VALUE") == nil || rt.Core.Attribute("none") != nil {
		t.Error("look-up by name is not case-insensitive or finds what is not there")
	}
}

func TestRule(t *testing.T) {
	rt := userType(t)
	tests := map[string]filter.Rule{
		"userName":                  {Type: "string"},
		"id":                        {Type: "string", CaseExact: true},
		"active":                    {Type: "boolean"},
		"emails":                    {Type: "complex"},
		"emails.$ref":               {Type: "reference", CaseExact: true},
		"nicknames.value":           {Type: "string"},
		stateURN + ":loginAttempts": {Type: "integer"},
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			if got, ok := rt.Rule(filter.MustAttr(path)); !ok || got != want {
				t.Errorf("Rule(%s) = %+v, %v; want %+v", path, got, ok, want)
			}
		})
	}
	if _, ok := rt.Rule(filter.MustAttr("nothing")); ok {
		t.Error("a rule for an unknown attribute")
	}
	e, err := filter.Parse(stateURN + `:locked.on gt true`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filter.Compile(e, rt); !errors.Is(err, filter.ErrType) {
		t.Errorf("Compile(%s) with the resource type: %v, want ErrType", e, err)
	}
}

func TestResolve(t *testing.T) {
	rt := userType(t)
	tests := []struct {
		path           string
		ext, attr, sub string
		fails          bool
	}{
		{path: "userName", attr: "userName"},
		{path: "emails.value", attr: "emails", sub: "value"},
		{path: `emails[type eq "work"].value`, attr: "emails", sub: "value"},
		{path: `emails[type eq "work"]`, attr: "emails"},
		{path: userURN},
		{path: stateURN, ext: stateURN},
		{path: lowURN, ext: lowURN},
		{path: lowURN + ":key", ext: lowURN, attr: "key"},
		{path: stateURN + ":Zone", ext: stateURN, attr: "Zone"},
		{path: stateURN + ":zone", ext: stateURN, attr: "Zone"},
		{path: stateURN + ":locked.on", ext: stateURN, attr: "locked", sub: "on"},
		{path: "nothing", fails: true},
		{path: "emails.nothing", fails: true},
		{path: "userName.value", fails: true},
		{path: `emails.value[type eq "x"].y`, fails: true},
		{path: stateURN + ":Nothing", fails: true},
		{path: "urn:example:Other", fails: true},
		{path: "urn:example:other:x", fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p, err := filter.ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rt.Resolve(p)
			if tt.fails {
				if !errors.Is(err, schema.ErrUnknown) {
					t.Errorf("Resolve(%s) = %+v, %v; want ErrUnknown", tt.path, got, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Resolve(%s): %v", tt.path, err)
			}
			names := [3]string{}
			if got.Ext != nil {
				names[0] = got.Ext.ID
			}
			if got.Attr != nil {
				names[1] = got.Attr.Name
			}
			if got.Sub != nil {
				names[2] = got.Sub.Name
			}
			if want := [3]string{tt.ext, tt.attr, tt.sub}; names != want {
				t.Errorf("Resolve(%s) = %q, want %q", tt.path, names, want)
			}
			if got.Path.String() != tt.path || (got.Path.Attr.Name == "") != (tt.attr == "") {
				t.Errorf("Resolve(%s) understood the path as %+v", tt.path, got.Path)
			}
		})
	}
	if _, err := rt.Resolve(filter.Path{}); !errors.Is(err, schema.ErrUnknown) {
		t.Errorf("the empty path: %v, want ErrUnknown", err)
	}
}

func TestConcurrentLookup(t *testing.T) {
	rt := userType(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if a, _, _ := rt.Attribute(filter.MustAttr(stateURN + ":locked.on")); a == nil {
				t.Error("locked.on not found")
			}
			if rt.Core.Attribute("emails") == nil || rt.Extension(lowURN) == nil {
				t.Error("emails or the extension not found")
			}
		})
	}
	wg.Wait()
}

func TestEqual(t *testing.T) {
	a, b := userType(t), userType(t)
	if a.Core.Attribute("id") == nil || a.Extension(stateURN) == nil { // builds the index of one of them
		t.Fatal("fixture lacks id or the extension")
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("look-ups made a difference:\n%s", diff)
	}
	b.Extensions[0].Attributes[0].Required = true
	if a.Equal(b) || !a.Core.Equal(b.Core) || a.Equal(nil) {
		t.Error("Equal overlooks a difference, or sees one where there is none")
	}
}

func TestWalk(t *testing.T) {
	var got []string
	schema.Walk(userType(t).Core.Attributes, func(a, parent *schema.Attribute) bool {
		name := a.Name
		if parent != nil {
			name = parent.Name + "." + name
		}
		got = append(got, name)
		return true
	})
	want := []string{"userName", "id", "password", "active", "nicknames", "emails", "emails.value", "emails.type", "emails.$ref"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Walk (-want +got):\n%s", diff)
	}
}

func TestVerbs(t *testing.T) {
	tests := []struct {
		in   string
		want schema.Verb
		out  string
	}{
		{"", 0, ""},
		{"list", schema.VerbList, "list"},
		{"GET, create", schema.VerbGet | schema.VerbCreate, "get,create"},
		{"search,delete,patch,put", schema.VerbSearch | schema.VerbDelete | schema.VerbPatch | schema.VerbPut, "put,patch,delete,search"},
		{"update,replace", schema.VerbPatch | schema.VerbPut, "put,patch"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := schema.ParseVerb(tt.in)
			if err != nil || got != tt.want || got.String() != tt.out {
				t.Errorf("ParseVerb(%q) = %v (%s), %v; want %s", tt.in, uint16(got), got, err, tt.out)
			}
		})
	}
	for _, in := range []string{"fly", "get,", "get;put"} {
		if got, err := schema.ParseVerb(in); err == nil {
			t.Errorf("ParseVerb(%q) = %v, want an error", in, got)
		}
	}
	if got := schema.Verb(1 << 12).String(); got != "0x1000" {
		t.Errorf("an unnamed bit prints as %q", got)
	}
	rt := userType(t)
	if !rt.Allows(schema.VerbGet) || !rt.Allows(schema.VerbGet|schema.VerbList) || rt.Allows(schema.VerbGet|schema.VerbPut) || rt.Allows(0) {
		t.Error("Allows is wrong about list and get")
	}
}
