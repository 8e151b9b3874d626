package filter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accepted are filters that must parse, with their canonical form where it
// differs from the input.
var accepted = []struct{ in, canonical string }{
	{`userName eq "bjensen"`, ``},
	{`name.familyName co "O'Malley"`, ``},
	{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, ``},
	{`title pr`, ``},
	{`meta.lastModified ge "2011-05-13T04:42:34Z"`, ``},
	{`USERNAME EQ "x"`, `USERNAME eq "x"`},
	{`a pr AND b pr`, `a pr and b pr`},
	{`NOT (a pr)`, `not (a pr)`},
	{`not(a pr)`, `not (a pr)`},
	{`((a pr))`, `a pr`},
	{` ( a pr ) `, `a pr`},
	{`id eq "x"  and b pr`, `id eq "x" and b pr`},
	{`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`, ``},
	{`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.example.com"]`, ``},
	{`emails[not (primary eq true)]`, ``},
	{`addresses[type eq "work" and (region eq "CA" or region eq "NV")]`, ``},
	{`emails[type eq "work"] and active eq true`, ``},
	{`emails[((type eq "work")) or not (not (a pr))]`, `emails[type eq "work" or not (not (a pr))]`},
	{`a eq true`, ``},
	{`a eq TRUE`, `a eq true`},
	{`a eq False`, `a eq false`},
	{`a eq null`, ``},
	{`a eq NULL`, `a eq null`},
	{`a eq 5`, ``},
	{`a eq -1.5e3`, ``},
	{`a eq 1E+20`, ``},
	{`a eq 0`, ``},
	{`a eq -0.0`, ``},
	{`a eq 12345678901234567890`, ``},
	{`a eq ""`, ``},
	{`a eq "a\"b"`, ``},
	{`a eq "a\\b"`, ``},
	{`a eq "a\/b"`, `a eq "a/b"`},
	{`a eq "\u00e9"`, `a eq "é"`},
	{`a eq "\u00E9"`, `a eq "é"`},
	{`a eq "\ud83d\ude00"`, `a eq "😀"`},
	{`a eq "\b\f\n\r\t\u0001"`, `a eq "\b\f\n\r\t\u0001"`},
	{`a eq "<&>"`, ``},
	{"a eq \"\u2028\"", ``},
	{`a eq "é"`, ``},
	{`a eq "日本"`, ``},
	{`$ref pr`, ``},
	{`groups.$ref pr`, ``},
	{`a-b pr`, ``},
	{`a_b pr`, ``},
	{`a1 pr`, ``},
	{`x.not pr or x.and pr`, ``},
	{`urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User:locked.on eq true`, ``},
	{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName eq "x"`, ``},
	{`urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"]`, ``},
	{`a eq "x" and b eq "y" or c eq "z"`, ``},
	{`(a eq "x" and b eq "y") or c eq "z"`, `a eq "x" and b eq "y" or c eq "z"`},
	{`a pr or b pr and c pr`, ``},
	{`a pr or (b pr and c pr)`, `a pr or b pr and c pr`},
	{`a pr and (b pr and c pr)`, ``},
	{`(a pr or b pr) and c pr`, ``},
	{`a pr or (b pr or c pr)`, ``},
	{`not (a pr) and b pr`, ``},
}

func TestParse(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.in, func(t *testing.T) {
			want := tt.canonical
			if want == "" {
				want = tt.in
			}
			e, err := Parse(tt.in)
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.in, err)
			}
			if got := e.String(); got != want {
				t.Errorf("Parse(%q) prints as %q, want %q", tt.in, got, want)
			}
			again, err := Parse(e.String())
			if err != nil || !Equal(e, again) {
				t.Errorf("Parse(%q): another tree than that of %q (error %v)", e, tt.in, err)
			}
			if err := Check(e); err != nil {
				t.Errorf("Check(%q): %v", tt.in, err)
			}
		})
	}
}

func TestParseTree(t *testing.T) {
	a, b, c := AttrPath{Name: "a"}, AttrPath{Name: "b"}, AttrPath{Name: "c"}
	userState := "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	tests := []struct {
		in   string
		want Expr
	}{
		{`a eq "x" and b eq "y" or c eq "z"`, &Or{
			&And{&Compare{a, OpEqual, "x"}, &Compare{b, OpEqual, "y"}}, &Compare{c, OpEqual, "z"},
		}},
		{`a pr or b pr and c pr`, &Or{&Present{a}, &And{&Present{b}, &Present{c}}}},
		{`a pr and b pr and c pr`, &And{&And{&Present{a}, &Present{b}}, &Present{c}}},
		{`not (a pr) and b pr`, &And{&Not{&Present{a}}, &Present{b}}},
		{userState + `:locked.on eq true`, &Compare{AttrPath{userState, "locked", "on"}, OpEqual, true}},
		{`groups.$ref ne null`, &Compare{AttrPath{Name: "groups", Sub: "$ref"}, OpNotEqual, nil}},
		{`a LE 12345678901234567890`, &Compare{a, OpLessOrEqual, json.Number("12345678901234567890")}},
		{`a eq "\ud83d\ude00\u00e9\\\""`, &Compare{a, OpEqual, "😀é\\\""}},
		{`a[b pr or c pr]`, &ValuePath{a, &Or{&Present{b}, &Present{c}}}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err != nil {
				t.Fatalf("Parse(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// refused are inputs that must fail, with the offset of the failure.
var refused = []struct {
	in  string
	pos int
}{
	{``, 0},
	{`   `, 3},
	{`a`, 1},
	{`a `, 2},
	{`a eq`, 4},
	{`a eq `, 5},
	{`eq "x"`, 3},
	{`a eq x`, 5},
	{`a eq 'x'`, 5},
	{`a eq "x`, 5},
	{`a eq "x" and`, 12},
	{`a eq "x" and `, 13},
	{`and b pr`, 0},
	{`(a pr`, 5},
	{`a pr)`, 4},
	{`a pr b pr`, 5},
	{`a xx "y"`, 2},
	{`emails[type eq "work"`, 21},
	{`emails[]`, 7},
	{`not a pr`, 4},
	{`not pr`, 4},
	{`a eq "x"x`, 8},
	{`1a eq "x"`, 0},
	{`a..b pr`, 2},
	{`a.b.c eq "x"`, 2},
	{`a. pr`, 2},
	{`a eq 01`, 5},
	{`a eq +1`, 5},
	{`a eq .5`, 5},
	{`a eq 1.`, 5},
	{`a eq 1e`, 5},
	{`a eq -`, 5},
	{`a eq 5x`, 5},
	{`a eq tru`, 5},
	{`emails[type eq "work"].value eq "x"`, 22},
	{`emails[a[b eq 1]]`, 8},
	{`emails [a pr]`, 7},
	{`a eq "x" && b pr`, 9},
	{`a EQ"x"`, 4},
	{"a eq \"x\ny\"", 7},
	{"a eq \"\xff\"", 6},
	{`a eq "\q"`, 6},
	{`a eq "\`, 6},
	{`a eq "\u12g4"`, 6},
	{`a eq "\u+123"`, 6},
	{`a eq "\ud83d"`, 6},
	{`a eq "\ude00\ud83d"`, 6},
	{`a eq "x";`, 8},
	{`(a pr)and b pr`, 6},
	{`a pr and(b pr)`, 8},
	{`(a pr]`, 5},
	{`a[b pr)]`, 6},
	{`foo:bar pr`, 0},
	{`urn::x:a pr`, 0},
	{`urn:a pr`, 0},
	{`urn:x:a: pr`, 8},
	{"a\tpr", 1},
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range refused {
		t.Run(tt.in, func(t *testing.T) {
			e, err := Parse(tt.in)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !errors.Is(err, ErrSyntax) {
				t.Fatalf("Parse(%q) = %v, %v; want a *SyntaxError", tt.in, e, err)
			}
			if syntax.Pos != tt.pos || syntax.Msg == "" || syntax.Input != tt.in {
				t.Errorf("Parse(%q): %+v, want position %d", tt.in, *syntax, tt.pos)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("(", n) + "a pr" + strings.Repeat(")", n) }
	long := func(n int) string { return `a eq "` + strings.Repeat("x", n-7) + `"` }
	chain := strings.TrimSuffix(strings.Repeat("a pr and ", 7000), " and ")
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"deepest", nest(MaxDepth), true},
		{"too deep", nest(MaxDepth + 1), false},
		{"far too deep", strings.Repeat("(", 60000), false},
		{"not too deep", strings.Repeat("not (", MaxDepth+1) + "a pr" + strings.Repeat(")", MaxDepth+1), false},
		{"longest", long(MaxLength), true},
		{"too long", long(MaxLength + 1), false},
		{"a chain does not nest", chain, true},
		{"groups one after the other do not nest", strings.Repeat("(a pr) or ", 300) + "a pr", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Parse(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("Parse of %d bytes: error %v, want ok %v", len(tt.in), err, tt.ok)
			}
			if err == nil {
				if _, err := Parse(e.String()); err != nil {
					t.Errorf("printed form: %v", err)
				}
			}
		})
	}
}

func TestParseDialect(t *testing.T) {
	tests := []struct {
		in   string
		want any
	}{
		{`appRoles.value eq abc`, "abc"},
		{`appRoles.value eq 0a1b2c`, "0a1b2c"},
		{`appRoles.value eq "abc"`, "abc"},
		{`appRoles.value eq true`, true},
		{`appRoles.value eq null`, nil},
		{`appRoles.value eq 12`, json.Number("12")},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			e, err := ParseDialect(tt.in)
			if err != nil {
				t.Fatalf("ParseDialect(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, e.(*Compare).Value); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
			if _, err := Parse(e.String()); err != nil {
				t.Errorf("strict Parse of the printed form %q: %v", e, err)
			}
		})
	}
	if e, err := ParseDialect(`(a[b eq x])`); err != nil || e.String() != `a[b eq "x"]` {
		t.Errorf("brackets after a bare word: %v, %v", e, err)
	}
	if e, err := ParseDialect(`a eq x"y"`); err == nil {
		t.Errorf("a quote inside a bare word gave %v, want an error", e)
	}
}

func TestSyntaxErrorText(t *testing.T) {
	_, err := Parse("日本 eq\t1")
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("got %v, want a *SyntaxError", err)
	}
	syntax.Pos = len("日本 ")
	if got, want := syntax.Caret(), "日本 eq 1\n   ^"; got != want {
		t.Errorf("Caret() = %q, want %q", got, want)
	}
	if got := syntax.Error(); !strings.HasPrefix(got, "filter: column 4: ") || strings.Contains(got, "日本") {
		t.Errorf("Error() = %q, want column 4 and nothing of the input", got)
	}
	if got, want := (&SyntaxError{Input: "ab", Pos: 99}).Caret(), "ab\n  ^"; got != want {
		t.Errorf("Caret() beyond the end = %q, want %q", got, want)
	}
}

func TestParsePath(t *testing.T) {
	work := &Compare{AttrPath{Name: "type"}, OpEqual, "work"}
	core, ext := "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	tags := "urn:ietf:params:scim:schemas:oracle:idcs:extension:OCITags"
	tests := []struct {
		in   string
		want Path
	}{
		{`members`, Path{Attr: AttrPath{Name: "members"}}},
		{`name.familyName`, Path{Attr: AttrPath{Name: "name", Sub: "familyName"}}},
		{`addresses[type eq "work"]`, Path{Attr: AttrPath{Name: "addresses"}, Filter: work}},
		{`members[type eq "work"].displayName`, Path{AttrPath{Name: "members"}, work, "displayName"}},
		{core + `:emails[type eq "work"].value`, Path{AttrPath{URN: core, Name: "emails"}, work, "value"}},
		{ext + `:employeeNumber`, Path{Attr: AttrPath{URN: ext, Name: "employeeNumber"}}},
		{ext + `:manager.$ref`, Path{Attr: AttrPath{URN: ext, Name: "manager", Sub: "$ref"}}},
		{ext, Path{Attr: AttrPath{URN: ext}}},
		{tags, Path{Attr: AttrPath{URN: tags}}},
		{tags + `:definedTags`, Path{Attr: AttrPath{URN: tags, Name: "definedTags"}}},
		{ext + `.x`, Path{Attr: AttrPath{URN: strings.TrimSuffix(ext, ":User"), Name: "User", Sub: "x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParsePath(tt.in)
			if err != nil {
				t.Fatalf("ParsePath(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParsePath(%q) (-want +got):\n%s", tt.in, diff)
			}
			if got.String() != tt.in {
				t.Errorf("ParsePath(%q) prints as %q", tt.in, got)
			}
		})
	}
	bad := map[string]int{
		``: 0, ` a`: 0, `a b`: 1, `a[`: 2, `a[]`: 2, `a[b pr`: 6, `a[b pr].`: 8, `a[b pr].c.d`: 8, `a[b pr]x`: 7,
		`a[b pr][c pr]`: 7, `a.b.c`: 2, `a[b[c pr]]`: 3, `and`: 0, `a pr`: 1, `urn:`: 0, `User:`: 0, `urn::User`: 0,
	}
	for in, pos := range bad {
		t.Run("refused "+in, func(t *testing.T) {
			got, err := ParsePath(in)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Pos != pos {
				t.Errorf("ParsePath(%q) = %v, %v; want a *SyntaxError at %d", in, got, err, pos)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range accepted {
		f.Add(tt.in)
	}
	for _, tt := range refused {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, o := range []ParseOptions{{}, {UnquotedValues: true}} {
			e, err := o.Parse(in)
			if err != nil {
				var syntax *SyntaxError
				if !errors.As(err, &syntax) || syntax.Pos < 0 || syntax.Pos > len(in) || syntax.Caret() == "" {
					t.Fatalf("Parse(%q): bad error %#v", in, err)
				}
				continue
			}
			out := e.String()
			if len(out) > MaxLength { // not( grows by a blank
				continue
			}
			again, err := Parse(out)
			if err != nil {
				t.Fatalf("Parse(%q) printed as %q: %v", in, out, err)
			}
			if !Equal(e, again) || again.String() != out {
				t.Fatalf("Parse(%q) printed as %q is another tree", in, out)
			}
			if err := Check(e); err != nil {
				t.Fatalf("Check(%q): %v", in, err)
			}
			if m, err := Compile(e, nil); err == nil {
				m.Match(map[string]any{"a": []any{"x", json.Number("1e400"), nil, map[string]any{"b": true}}})
			}
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{
		`members`, `name.familyName`, `members[value eq "x"].displayName`, `urn:a:b:User`, `urn:a:b:User.x`,
		`urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work" and not (a pr)].value`, `$ref`, `a[`, `not`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := ParsePath(in)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("ParsePath(%q): %v", in, err)
			}
			return
		}
		out := p.String()
		if len(out) > MaxLength {
			return
		}
		again, err := ParsePath(out)
		if err != nil || !p.Equal(again) {
			t.Fatalf("ParsePath(%q) printed as %q: %v, %v", in, out, again, err)
		}
	})
}
