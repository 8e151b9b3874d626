package filter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const (
	userURN = "urn:ietf:params:scim:schemas:core:2.0:User"
	extURN  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	appURN  = "urn:ietf:params:scim:schemas:oracle:idcs:App"
)

// ruleMap is a Rules by canonical path in lower case, the URN left out.
type ruleMap map[string]Rule

func (m ruleMap) Rule(a AttrPath) (Rule, bool) {
	r, ok := m[strings.ToLower(AttrPath{Name: a.Name, Sub: a.Sub}.String())]
	return r, ok
}

var rules = ruleMap{
	"username":      {Type: "string"},
	"id":            {Type: "string", CaseExact: true},
	"active":        {Type: "boolean"},
	"count":         {Type: "integer"},
	"ratio":         {Type: "decimal"},
	"meta.created":  {Type: "dateTime"},
	"name":          {Type: "complex"},
	"emails":        {Type: "complex"},
	"emails.value":  {Type: "string"},
	"emails.type":   {Type: "string"},
	"groups":        {Type: "complex"},
	"groups.value":  {Type: "string", CaseExact: true},
	"groups.weight": {Type: "integer"},
	"locked":        {Type: "complex"},
	"locked.on":     {Type: "boolean"},
}

func document(tb testing.TB) map[string]any {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(`{
		"schemas": ["` + userURN + `", "` + extURN + `"],
		"id": "AbC", "userName": "Ada.Müller@example.com", "active": true, "flag": "TRUE", "empty": "", "none": null,
		"list": [], "blank": {}, "count": 12345678901234567890, "ratio": 1.50, "nick": ["Countess", "ada"],
		"meta": {"created": "2024-03-01T12:00:00.5+02:00", "resourceType": "User"},
		"name": {"familyName": "Müller", "givenName": "Ada"},
		"emails": [{"type": "work", "value": "ada@example.com", "primary": true}, {"type": "home", "value": "ada@example.org"}],
		"groups": [{"value": "G1", "weight": 3, "tags": ["x", "y"]}],
		"manager": {"value": "m1"},
		"sized": 1e3,
		"` + extURN + `": {"locked": {"on": false}, "loginAttempts": 2},
		"urn:example:flat:attr": "here"
	}`))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		tb.Fatal(err)
	}
	return doc
}

func TestMatch(t *testing.T) {
	tests := []struct {
		filter string
		want   bool
	}{
		{`userName eq "ada.müller@example.com"`, true},
		{`USERNAME eq "ADA.MÜLLER@EXAMPLE.COM"`, true},
		{`userName ne "ada.müller@example.com"`, false},
		{`userName eq "ada"`, false},
		{`userName co "MÜLLER"`, true},
		{`userName co ""`, true},
		{`userName co "miller"`, false},
		{`userName sw "ADA."`, true},
		{`userName sw "müller"`, false},
		{`userName ew "EXAMPLE.com"`, true},
		{`userName ew "xada.müller@example.com"`, false},
		{`userName gt "ADA"`, true},
		{`userName lt "adb"`, true},
		{`userName ge "ada.müller@example.com"`, true},
		{`userName le "Ada.Müller@example.com"`, true},
		{`userName gt "ada.müller@example.com"`, false},
		{`id eq "AbC"`, true},
		{`id eq "abc"`, false},
		{`id co "bC"`, true},
		{`id co "bc"`, false},
		{`id sw "Ab"`, true},
		{`id sw "ab"`, false},
		{`id ew "bC"`, true},
		{`id ew "BC"`, false},
		{`id lt "abc"`, true},
		{`active eq true`, true},
		{`active eq "true"`, true},
		{`active ne true`, false},
		{`active eq false`, false},
		{`flag eq true`, true},
		{`flag eq "true"`, true},
		{`flag eq false`, false},
		{`count eq 12345678901234567890`, true},
		{`count eq 12345678901234567891`, false},
		{`count gt 12345678901234567889.9`, true},
		{`count eq "12345678901234567890"`, true},
		{`count lt 1e20`, true},
		{`count lt 1e1000000000`, true},
		{`count gt -1e1000000000`, true},
		{`count gt 1e-1000000000`, true},
		{`ratio eq 1.5`, true},
		{`ratio eq 15e-1`, true},
		{`ratio eq 0.15E1`, true},
		{`ratio lt 1.51`, true},
		{`ratio gt 1.49`, true},
		{`ratio ge -1.5`, true},
		{`sized eq 1000`, true},
		{`sized eq "1000"`, false},
		{`meta.created eq "2024-03-01T10:00:00.500Z"`, true},
		{`meta.created eq "2024-03-01T10:00:00.5000000Z"`, true},
		{`meta.created gt "2024-03-01T11:59:59Z"`, false},
		{`meta.created lt "2024-03-01T05:00:01-06:00"`, true},
		{`meta.created le "2024-03-01t10:00:00.5z"`, true},
		{`meta.created le "2024-03-01T10:00:00.5z"`, true},
		{`meta.created sw "2024-"`, true},
		{`meta.created pr`, true},
		{`meta.resourceType eq "user"`, true},
		{`name.familyName eq "MÜLLER"`, true},
		{`name.honorific pr`, false},
		{`name pr`, true},
		{`name eq null`, false},
		{`name ne "x"`, true},
		{`emails co "example.org"`, true},
		{`emails eq "ADA@example.com"`, true},
		{`emails.value ew "example.org"`, true},
		{`emails.type eq "other"`, false},
		{`emails.type ne "work"`, true},
		{`emails[type eq "work" and value co "@example.com"]`, true},
		{`emails[type eq "work" and value co "@example.org"]`, false},
		{`emails[not (primary eq true)]`, true},
		{`emails[primary pr and not (type eq "work")]`, false},
		{`nick eq "ADA"`, true},
		{`nick.value eq "ada"`, true},
		{`nick[value sw "count"]`, true},
		{`nick[type eq "x"]`, false},
		{`manager eq "M1"`, true},
		{`manager[value eq "m1"]`, true},
		{`groups.tags eq "y"`, true},
		{`groups eq "g1"`, false},
		{`groups.tags[value eq "Y"]`, true},
		{`groups.tags[value eq "z"]`, false},
		{`nick.tags[value pr]`, false},
		{`groups.weight gt 2`, true},
		{`groups[weight gt 2 and value eq "G1"]`, true},
		{`absent pr`, false},
		{`absent eq null`, true},
		{`absent ne null`, false},
		{`absent ne "x"`, true},
		{`absent eq "x"`, false},
		{`absent gt 1`, false},
		{`absent[value pr]`, false},
		{`absent[not (value pr)]`, false},
		{`none eq null`, true},
		{`none pr`, false},
		{`list eq null`, true},
		{`list pr`, false},
		{`blank eq null`, true},
		{`blank pr`, false},
		{`empty eq ""`, true},
		{`empty eq null`, false},
		{`empty pr`, false},
		{`active ne null`, true},
		{userURN + `:userName sw "ada"`, true},
		{extURN + `:locked.on eq false`, true},
		{strings.ToUpper(extURN) + `:LOCKED.ON eq "FALSE"`, true},
		{extURN + `:loginAttempts ge 2`, true},
		{extURN + `:userName pr`, false},
		{`urn:example:flat:attr eq "HERE"`, true},
		{`urn:example:other:userName pr`, false},
		{`userName pr and active eq true and not (name.givenName eq "Bob")`, true},
		{`userName eq "x" or active eq false or id eq "AbC"`, true},
		{`userName eq "x" or active eq true and id eq "x"`, false},
	}
	doc := document(t)
	for _, tt := range tests {
		t.Run(tt.filter, func(t *testing.T) {
			e, err := Parse(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Compile(e, rules)
			if err != nil {
				t.Fatalf("Compile(%s): %v", e, err)
			}
			if got := m.Match(doc); got != tt.want {
				t.Errorf("%s: got %v, want %v", e, got, tt.want)
			}
			not, err := Compile(Negate(e), rules)
			if err != nil {
				t.Fatalf("Compile(not (%s)): %v", e, err)
			}
			if got := not.Match(doc); got == tt.want {
				t.Errorf("not (%s): got %v, want %v", e, got, !tt.want)
			}
		})
	}
}

func TestMatchGoValues(t *testing.T) {
	doc := map[string]any{
		"i": 7, "i64": int64(-7), "f": 0.1, "big": 1e21, "strings": []string{"a", "b"},
		"maps":    []map[string]any{{"value": "x"}, {"value": "y"}},
		"schemas": []string{appURN}, "displayName": "app",
	}
	tests := map[string]bool{
		`i eq 7`: true, `i eq 7.0`: true, `i lt 7.5`: true, `i64 lt -6`: true, `i64 eq 7`: false, `f eq 0.1`: true,
		`f gt 0.1`: false, `big eq 1000000000000000000000`: true, `strings eq "B"`: true, `maps eq "y"`: true,
		`maps[value eq "z"]`: false, `maps.value eq "x"`: true, `i pr`: true, `i eq "7"`: false,
		appURN + `:displayName eq "APP"`: true, extURN + `:displayName pr`: false,
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			e, err := Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Compile(e, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Match(doc); got != want {
				t.Errorf("%s: got %v, want %v", in, got, want)
			}
		})
	}
	if m, err := Compile(nil, nil); err != nil || !m.Match(doc) {
		t.Errorf("a nil filter must match: %v", err)
	}
}

func TestCompileRefuses(t *testing.T) {
	tests := []struct {
		filter string
		want   error
		names  string
	}{
		{`active gt true`, ErrType, "active"},
		{`active lt "true"`, ErrType, "active"},
		{`active co "tr"`, ErrType, "active"},
		{`name ge "x"`, ErrType, "name"},
		{`count sw "1"`, ErrType, "count"},
		{`groups[weight co "1"]`, ErrType, "weight"},
		{extURN + `:locked.on gt false`, ErrType, "locked.on"},
		{`unknown gt true`, ErrType, "unknown"},
		{`unknown co 5`, ErrType, "unknown"},
		{`unknown gt null`, ErrValue, "unknown"},
		{`userName co null`, ErrValue, "userName"},
		{`active eq "yes"`, ErrValue, "active"},
		{`active eq 1`, ErrValue, "active"},
		{`count eq "one"`, ErrValue, "count"},
		{`count eq true`, ErrValue, "count"},
		{`meta.created gt "2024"`, ErrValue, "meta.created"},
		{`meta.created eq 5`, ErrValue, "meta.created"},
		{`emails[urn:x:y:type eq "work"]`, ErrType, "emails"},
		{`userName pr and (id pr or not (active gt true))`, ErrType, "active"},
	}
	for _, tt := range tests {
		t.Run(tt.filter, func(t *testing.T) {
			e, err := Parse(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Compile(e, rules)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("Compile(%s): %v, want %v naming %s", e, err, tt.want, tt.names)
			}
		})
	}
}

func TestMatchElement(t *testing.T) {
	tests := []struct {
		filter, parent string
		elem           any
		want           bool
	}{
		{`value eq "G1"`, "groups", map[string]any{"value": "G1"}, true},
		{`value eq "g1"`, "groups", map[string]any{"value": "G1"}, false},
		{`value eq "g1"`, "emails", map[string]any{"VALUE": "G1"}, true},
		{`type eq "work" and not (value pr)`, "emails", map[string]any{"type": "Work"}, true},
		{`value sw "a"`, "nick", "Ada", true},
		{`value pr`, "nick", "Ada", true},
		{`type pr`, "nick", "Ada", false},
		{`value eq "x"`, "nick", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.parent+"["+tt.filter+"]", func(t *testing.T) {
			e, err := Parse(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			m, err := CompileElement(e, rules, MustAttr(tt.parent))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.MatchElement(tt.elem); got != tt.want {
				t.Errorf("got %v for %v, want %v", got, tt.elem, tt.want)
			}
		})
	}
	nested := Where(MustAttr("a"), Pr(MustAttr("b")))
	if _, err := CompileElement(nested, nil, MustAttr("x")); !errors.Is(err, ErrTree) {
		t.Errorf("a value path inside an element: %v, want ErrTree", err)
	}
}

// coreRules adds the core schema of IDCS apps, which stands outside of the
// family that CoreURNPrefix begins.
type coreRules struct{ ruleMap }

func (coreRules) IsCore(urn string) bool { return strings.EqualFold(urn, appURN) }

func TestCoreRules(t *testing.T) {
	e, err := Parse(strings.ToLower(appURN) + `:displayName eq "app"`)
	if err != nil {
		t.Fatal(err)
	}
	doc := map[string]any{"schemas": []any{extURN, appURN}, "displayName": "App"}
	for _, tt := range []struct {
		name  string
		rules Rules
		want  bool
	}{{"rules that know the core schema", coreRules{rules}, true}, {"rules that do not", rules, false}} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Compile(e, tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Match(doc); got != tt.want {
				t.Errorf("%s: got %v, want %v", e, got, tt.want)
			}
		})
	}
}

// TestFoldAgreesWithEqualFold holds for every rune in every orbit.
func TestFoldAgreesWithEqualFold(t *testing.T) {
	for _, r := range []rune{'K', 'k', '\u212A', 's', 'ſ', 'ß', 'ẞ', 'Σ', 'σ', 'ς', 'İ', 'ı', 'i', 'I', 'Ǆ', 'ǅ', 'ǆ', 'é', 'É'} {
		for _, q := range []rune{'K', 'k', '\u212A', 's', 'S', 'ſ', 'ß', 'ẞ', 'Σ', 'σ', 'ς', 'İ', 'ı', 'i', 'I', 'Ǆ', 'ǅ', 'ǆ', 'é', 'É'} {
			want := strings.EqualFold(string(r), string(q))
			if got := foldRune(r) == foldRune(q); got != want {
				t.Errorf("foldRune(%q) and foldRune(%q) agree: %v, EqualFold: %v", r, q, got, want)
			}
			if got := compareFold(string(r), fold(string(q))) == 0; got != want {
				t.Errorf("compareFold(%q, %q) agree: %v, EqualFold: %v", r, q, got, want)
			}
		}
	}
}

func TestMatchAllocates(t *testing.T) {
	e, err := Parse(`userName sw "ADA" and emails[type eq "home" and value co "EXAMPLE"] and count gt 5 and meta.created pr`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(e, rules)
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t)
	if n := testing.AllocsPerRun(100, func() { m.Match(doc) }); n != 0 {
		t.Errorf("Match allocates %v times, want 0", n)
	}
}

func BenchmarkMatch(b *testing.B) {
	e, err := Parse(`username co "nobody" or emails[type eq "home" and value ew "EXAMPLE.net"]`)
	if err != nil {
		b.Fatal(err)
	}
	m, err := Compile(e, rules)
	if err != nil {
		b.Fatal(err)
	}
	doc := document(b)
	b.ReportAllocs()
	for b.Loop() {
		m.Match(doc)
	}
}
