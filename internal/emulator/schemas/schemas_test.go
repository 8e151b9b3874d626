package schemas

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/idctl/idctl/pkg/scim/schema"
)

func TestEveryTypeDecodes(t *testing.T) {
	c := Default()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	extra, err := fs.Glob(files, "extra/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Names()); n != 74+len(extra) || len(extra) < 5 {
		t.Errorf("there are %d types, want the 74 of the reference and %d written by hand", n, len(extra))
	}
	if !slices.IsSorted(c.Names()) {
		t.Error("names are not in order")
	}
	for _, name := range c.Names() {
		rt, ok := c.Lookup(strings.ToUpper(name))
		if !ok {
			t.Fatalf("%s is not found", name)
		}
		e, _ := c.Entry(name)
		if rt.Name != e.Name || rt.Endpoint != e.Endpoint || rt.Verbs != e.Verbs || rt.SingletonID != e.SingletonID || rt.Core.ID != e.Core || len(rt.Extensions) != len(e.Extensions) {
			t.Errorf("%s: the index says %+v", name, e)
		}
		if !strings.HasPrefix(rt.Endpoint, "/") || strings.Contains(rt.Endpoint[1:], "/") || rt.Verbs == 0 {
			t.Errorf("%s: endpoint %s, verbs %b", name, rt.Endpoint, rt.Verbs)
		}
		checkNames(t, name, rt.Core.Attributes)
		for _, x := range rt.Extensions {
			checkNames(t, name+" "+x.ID, x.Attributes)
		}
	}
}

// checkNames fails for a name that is there twice, for sub-attributes of what
// is not complex, and for keys of which there is no sub-attribute.
func checkNames(t *testing.T, where string, attrs []*schema.Attribute) {
	t.Helper()
	seen := map[string]bool{}
	for _, a := range attrs {
		if key := strings.ToLower(a.Name); a.Name == "" || seen[key] {
			t.Errorf("%s: attribute %q is there twice", where, a.Name)
		} else {
			seen[key] = true
		}
		if len(a.SubAttributes) > 0 && a.Type != schema.TypeComplex {
			t.Errorf("%s: %s is %s and has sub-attributes", where, a.Name, a.Type)
		}
		for _, key := range a.CompositeKey {
			if !slices.ContainsFunc(a.SubAttributes, func(s *schema.Attribute) bool { return s.Name == key }) && len(a.SubAttributes) > 0 {
				t.Logf("%s: %s has no sub-attribute %s of its key", where, a.Name, key)
			}
		}
		checkNames(t, where+"."+a.Name, a.SubAttributes)
	}
}

func TestLookup(t *testing.T) {
	c := Default()
	for key, want := range map[string]string{
		"User": "User", "user": "User", "Users": "User", "/users": "User", "/Users/": "User", "Me": "Me", "auditevents": "AuditEvent",
	} {
		rt, ok := c.Lookup(key)
		if !ok || rt.Name != want {
			t.Errorf("%s: %v, %v", key, rt, ok)
		}
	}
	if _, ok := c.Lookup("Unicorn"); ok {
		t.Error("a type that does not exist is found")
	}
	a, _ := c.Lookup("User")
	b, _ := c.Lookup("/Users")
	if a != b {
		t.Error("a type is decoded twice")
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	index := `[{"name":"X","endpoint":"/Xs","verbs":["get"],"core":"urn:x","file":"data/X.json"}]`
	for name, c := range map[string]struct{ index, file string }{
		"no index": {"", ""}, "no JSON": {"[", ""}, "verb": {`[{"name":"X","verbs":["fly"]}]`, ""},
		"no file": {index, ""}, "file": {index, `{"name":`}, "no core": {index, `{"name":"X","endpoint":"/Xs"}`},
		"verb in file": {index, `{"name":"X","endpoint":"/Xs","core":{},"verbs":["fly"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fstest.MapFS{}
			if c.index != "" {
				dir["data/index.json"] = &fstest.MapFile{Data: []byte(c.index)}
			}
			if c.file != "" {
				dir["data/X.json"] = &fstest.MapFile{Data: []byte(c.file)}
			}
			cat, err := Load(dir)
			if err == nil {
				err = cat.Check()
			}
			if err == nil {
				t.Error("it is accepted")
			}
		})
	}
}

// TestGuesses pins what the tables of guesses add.
func TestGuesses(t *testing.T) {
	user, _ := Default().Lookup("User")
	find := func(attrs []*schema.Attribute, name string) *schema.Attribute {
		for _, a := range attrs {
			if a.Name == name {
				return a
			}
		}
		t.Fatalf("no attribute %s", name)
		return nil
	}
	if a := find(user.Core.Attributes, "title"); a.MaxLength != 4000 {
		t.Errorf("title takes %d characters", a.MaxLength)
	}
	manager := find(user.Extensions[0].Attributes, "manager")
	if a := find(manager.SubAttributes, "value"); a.MaxLength != 40 {
		t.Errorf("manager.value takes %d characters", a.MaxLength)
	}
	if a := find(manager.SubAttributes, "$ref"); !slices.Equal(a.ReferenceTypes, []string{"User"}) {
		t.Errorf("manager refers to %v", a.ReferenceTypes)
	}
	if a := find(user.Core.Attributes, "ocid"); a.MaxLength != 255 {
		t.Errorf("ocid takes %d characters", a.MaxLength)
	}
	me, _ := Default().Lookup("Me")
	if me.Core.ID != "urn:ietf:params:scim:schemas:oracle:idcs:Me" {
		t.Errorf("Me has the URN %s", me.Core.ID)
	}
}

func TestDataIsOneAttributeALine(t *testing.T) {
	text, err := os.ReadFile("data/User.json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Count(line, `"name":`) > 1 && !strings.HasPrefix(line, `"core"`) && !strings.HasPrefix(line, `{"id"`) {
			t.Errorf("two attributes on a line: %s", line)
		}
	}
}
