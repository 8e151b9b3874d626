package mapping

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reference answers the folder of reference schemas, or skips loudly. CI sets
// IDCTL_REFERENCE and must find it.
func reference(t *testing.T) string {
	t.Helper()
	dir, named := os.LookupEnv("IDCTL_REFERENCE")
	if !named {
		dir = filepath.Join("..", "..", "..", "..", "shared", "reference")
	}
	dir = filepath.Join(dir, "idcs", "schemas")
	if _, err := os.Stat(filepath.Join(dir, "User.json")); err != nil {
		if named {
			t.Fatalf("IDCTL_REFERENCE does not hold the schemas: %v", err)
		}
		t.Skip("SKIPPED: columns are not compared with the reference schemas; set IDCTL_REFERENCE to their folder")
	}
	return dir
}

type refAttr struct {
	Name      string    `json:"name"`
	Type      string    `json:"type"`
	Canonical []string  `json:"canonicalValues"`
	Old       string    `json:"idcsCsvAttributeName"`
	Sub       []refAttr `json:"subAttributes"`
	Maps      []struct {
		Header    string `json:"columnHeaderName"`
		OldHeader string `json:"deprecatedColumnHeaderName"`
		To        string `json:"mapsTo"`
	} `json:"idcsCsvAttributeNameMappings"`
	Mutability string `json:"mutability"`
	Returned   string `json:"returned"`
}

// refPath turns emails[work].value into our form of a path.
func refPath(urn, name, to string) string {
	if to == "" {
		to = name
	}
	attr, rest, found := strings.Cut(to, "[")
	if !found {
		if urn != "" {
			return urn + ":" + to
		}
		return to
	}
	typ, sub, _ := strings.Cut(rest, "].")
	switch typ {
	case "$(type)":
		return attr + "[primary eq true].type"
	case "User":
		return attr + "." + sub
	}
	return slot(attr, typ, sub)
}

func TestColumnsAgreeWithReference(t *testing.T) {
	dir := reference(t)
	for _, typ := range []string{User, Group} {
		text, err := os.ReadFile(filepath.Join(dir, typ+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Attributes []refAttr `json:"attributes"`
			Extensions map[string]struct {
				Attributes []refAttr `json:"attributes"`
			} `json:"extensions"`
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		got := map[string]Column{}
		for _, c := range Columns(typ) {
			if _, twice := got[c.Path]; twice {
				t.Errorf("%s: two columns for %s", typ, c.Path)
			}
			got[c.Path] = c
		}
		seen := 0
		visit := func(urn string, attrs []refAttr) {
			for _, a := range attrs {
				for _, m := range a.Maps {
					if m.Header == "" {
						continue // a default without a column
					}
					seen++
					path := refPath(urn, a.Name, m.To)
					c, ok := got[path]
					if !ok {
						t.Errorf("%s: no column %q for %s", typ, m.Header, path)
						continue
					}
					if c.Name != m.Header {
						t.Errorf("%s: column of %s is %q, want %q", typ, path, c.Name, m.Header)
					}
					if m.OldHeader != "" && c.OldName != m.OldHeader {
						t.Errorf("%s: old column of %s is %q, want %q", typ, path, c.OldName, m.OldHeader)
					}
					if a.Type == "boolean" && c.Kind != Bool {
						t.Errorf("%s: %q is %s, want boolean", typ, c.Name, c.Kind)
					}
					if a.Mutability == "immutable" && !c.CreateOnly {
						t.Errorf("%s: %q can be set once", typ, c.Name)
					}
					if (a.Returned == "never") != c.WriteOnly {
						t.Errorf("%s: %q write-only is %v", typ, c.Name, c.WriteOnly)
					}
					if a.Name == "userType" {
						want := slices.Sorted(slices.Values(a.Canonical))
						if diff := cmp.Diff(want, userTypes()); diff != "" {
							t.Errorf("user types (-want +got):\n%s", diff)
						}
					}
				}
				// Names of the first generation that only stand here are read, too.
				for _, old := range append([]refAttr{a}, a.Sub...) {
					if old.Old == "" || strings.HasPrefix(old.Name, "idcsAppRole") || a.Name == "idcsAppRolesLimitedToGroups" ||
						a.Name == "secQuestions" || a.Name == "nonUniqueDisplayName" {
						continue
					}
					if _, ok := lookup(Columns(typ), old.Old); !ok {
						t.Errorf("%s: old header %q is not read", typ, old.Old)
					}
				}
			}
		}
		visit("", doc.Attributes)
		for urn, e := range doc.Extensions {
			visit(urn, e.Attributes)
		}
		if seen < 4 {
			t.Errorf("%s: the reference lists %d columns", typ, seen)
		}
		own := map[string]int{User: 1, Group: 1}[typ] // Created Date; External Id
		if seen+own != len(got) {
			t.Errorf("%s: %d columns, the reference has %d and we add %d", typ, len(got), seen, own)
		}
	}
}

func TestOldColumnOrder(t *testing.T) {
	want := "User ID, Password, First Name, Middle Name, Last Name, Honorific Prefix, Honorific Suffix, Display Name, Title, " +
		"Profile URL, User Type, Nick Name, Preferred Language, Locale, TimeZone, Active, Work Phone, Mobile No, Work Email, Home Email, " +
		"Work Street Address, Work City, Work State, Work Postal Code, Work Country, Employee Number, Organization, Division, Department, " +
		"Cost Center, Manager Name, Federated, Primary Email Type"
	got := Headers(Columns(User), true)[:33]
	if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestColumnsAreConsistent(t *testing.T) {
	for _, typ := range []string{User, Group} {
		names := map[string]string{}
		for _, c := range Columns(typ) {
			if _, err := parseTarget(typ, c.Path); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			for _, n := range []string{c.Name, c.OldName} {
				if n == "" {
					continue
				}
				if other, twice := names[fold(n)]; twice && other != c.Path {
					t.Errorf("%q names %s and %s", n, other, c.Path)
				}
				names[fold(n)] = c.Path
			}
		}
		for alias, name := range aliases(typ) {
			if _, ok := names[fold(name)]; !ok || squeeze(alias) != alias {
				t.Errorf("alias %q stands for unknown %q", alias, name)
			}
		}
	}
}

func TestSuggest(t *testing.T) {
	tests := []struct{ typ, header, want string }{
		{User, "mail", "Work Email"},
		{User, "sAMAccountName", "User Name"},
		{User, "givenName", "First Name"},
		{User, "sn", "Last Name"},
		{User, "Frist Name", "First Name"},
		{User, "costCenter", "Cost Center"},
		{User, "employeeNumber", "Employee Number"},
		{User, "manager.value", "Manager"},
		{User, "Work E-Mail", "Work Email"},
		{User, "User Login", "User Name"},
		{User, "Qqqqqqqq", ""},
		{User, "  ", ""},
		{Group, "memberUid", "User Members"},
		{Group, "Descriptio", "Description"},
	}
	for _, tt := range tests {
		got := ""
		if s := Suggest(tt.typ, tt.header); len(s) > 0 {
			got = s[0].Column
		}
		if got != tt.want {
			t.Errorf("Suggest(%s, %q) = %v, want %q", tt.typ, tt.header, Suggest(tt.typ, tt.header), tt.want)
		}
	}
}
