package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuilders(t *testing.T) {
	a, b := MustAttr("a"), MustAttr("urn:ietf:params:scim:schemas:x:User:b.c")
	when := time.Date(2024, 3, 1, 12, 0, 0, 5e8, time.FixedZone("", 7200))
	tests := []struct {
		name string
		e    Expr
		want string
	}{
		{"quotes", Eq(a, `x" or id pr or a eq "`), `a eq "x\" or id pr or a eq \""`},
		{"nil", Ne(a, nil), `a ne null`},
		{"bool", Eq(a, false), `a eq false`},
		{"int", Gt(a, -5), `a gt -5`},
		{"uint8", Ge(a, uint8(255)), `a ge 255`},
		{"int64", Lt(a, int64(math.MinInt64)), `a lt -9223372036854775808`},
		{"float", Le(a, 0.1), `a le 0.1`},
		{"large float", Eq(a, 1e21), `a eq 1e+21`},
		{"float32", Eq(a, float32(0.1)), `a eq 0.1`},
		{"number", Eq(a, json.Number("1.50")), `a eq 1.50`},
		{"time", Ge(a, when), `a ge "2024-03-01T10:00:00.500Z"`},
		{"not UTF-8", Co(a, "x\xff"), "a co \"x\uFFFD\""},
		{"urn", Sw(b, "x"), `urn:ietf:params:scim:schemas:x:User:b.c sw "x"`},
		{"where", Where(a, AnyOf(Ew(MustAttr("x"), "y"), Pr(MustAttr("z")))), `a[x ew "y" or z pr]`},
		{"all", AllOf(nil, Pr(a), nil, AnyOf(Pr(a), Pr(b)), Negate(Pr(a))), fmt.Sprintf(`a pr and (a pr or %s pr) and not (a pr)`, b)},
		{"one", AllOf(Pr(a)), `a pr`},
		{"any of none", AnyOf(), `id pr and not (id pr)`},
		{"not everything", Negate(nil), `id pr and not (id pr)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.e.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			again, err := Parse(tt.e.String())
			if err != nil || !Equal(again, tt.e) {
				t.Errorf("parse of %s: %v, %v", tt.e, again, err)
			}
		})
	}
	if e := AllOf(nil); e != nil {
		t.Errorf("AllOf(nil) = %v, want nil", e)
	}
	if e := AnyOf(Pr(a), nil); e != nil {
		t.Errorf("AnyOf(a, nil) = %v, want nil", e)
	}
}

func TestCheckRefuses(t *testing.T) {
	a := MustAttr("a")
	tests := map[string]Expr{
		"number with code": Eq(a, json.Number("1 or id pr")),
		"NaN":              Eq(a, math.NaN()),
		"struct":           Eq(a, struct{}{}),
		"slice":            Eq(a, []string{"x"}),
		"name with code":   Pr(AttrPath{Name: "a pr or b"}),
		"empty name":       Pr(AttrPath{}),
		"reserved name":    Pr(AttrPath{Name: "not"}),
		"sub with code":    Eq(AttrPath{Name: "a", Sub: "b eq 1 or c"}, "x"),
		"urn with code":    Eq(AttrPath{URN: "a pr or urn:x:y", Name: "a"}, "x"),
		"operator":         &Compare{a, "eq 1 or a eq", "x"},
		"nil operand":      &And{Pr(a), nil},
		"nested":           Where(a, Where(a, Pr(a))),
		"empty value path": Where(a, nil),
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			if err := Check(e); !errors.Is(err, ErrTree) {
				t.Errorf("Check: %v, want ErrTree", err)
			}
			if _, err := Compile(e, nil); !errors.Is(err, ErrTree) {
				t.Errorf("Compile: %v, want ErrTree", err)
			}
			if again, err := Parse(e.String()); err == nil {
				t.Errorf("%s parses as %v", e, again)
			}
		})
	}
}

func TestAttrs(t *testing.T) {
	e, err := Parse(`a eq "x" and (urn:x:y:b.c pr or A ne "y") and not (emails[type eq "work" and (value pr or TYPE pr)]) and x.y[z pr]`)
	if err != nil {
		t.Fatal(err)
	}
	want := []AttrPath{{Name: "a"}, {URN: "urn:x:y", Name: "b", Sub: "c"}, {Name: "emails", Sub: "type"}, {Name: "emails", Sub: "value"}, {Name: "x", Sub: "y"}}
	if diff := cmp.Diff(want, Attrs(e)); diff != "" {
		t.Errorf("Attrs (-want +got):\n%s", diff)
	}
	var seen []string
	Walk(e, func(n Expr) bool {
		seen = append(seen, fmt.Sprintf("%T", n))
		_, isValue := n.(*ValuePath)
		return !isValue
	})
	walked := []string{"*filter.And", "*filter.And", "*filter.And", "*filter.Compare", "*filter.Or", "*filter.Present", "*filter.Compare", "*filter.Not", "*filter.ValuePath", "*filter.ValuePath"}
	if diff := cmp.Diff(walked, seen); diff != "" {
		t.Errorf("Walk (-want +got):\n%s", diff)
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{`a eq "x"`, `A EQ "x"`, true},
		{`urn:X:y:a pr`, `urn:x:Y:a pr`, true},
		{`a eq "x"`, `a eq "X"`, false},
		{`a eq 1`, `a eq 1.0`, false},
		{`a eq 1`, `a eq "1"`, false},
		{`a eq null`, `a eq false`, false},
		{`a pr and b pr and c pr`, `a pr and (b pr and c pr)`, false},
		{`a[b pr]`, `A[B pr]`, true},
		{`a[b pr]`, `a.b pr`, false},
		{`not (a pr)`, `a pr`, false},
	}
	for _, tt := range tests {
		t.Run(tt.a+" / "+tt.b, func(t *testing.T) {
			a, errA := Parse(tt.a)
			b, errB := Parse(tt.b)
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			if Equal(a, b) != tt.want || Equal(b, a) != tt.want {
				t.Errorf("Equal = %v, want %v", !tt.want, tt.want)
			}
		})
	}
	if Equal(nil, Pr(MustAttr("a"))) || !Equal(nil, nil) {
		t.Error("nil must equal nil alone")
	}
}

// randomTree makes trees from few names and values, so that they hit the
// attributes of the document.
func randomTree(r *rand.Rand, depth int, inValue bool) Expr {
	attrs := []AttrPath{
		{Name: "userName"},
		{Name: "active"},
		{Name: "emails", Sub: "type"},
		{Name: "type"},
		{Name: "value"},
		{Name: "nick"},
		{Name: "count"},
		{Name: "absent"},
		{Name: "$ref"},
		{URN: extURN, Name: "loginAttempts"},
		{URN: userURN, Name: "name", Sub: "familyName"},
	}
	if inValue {
		attrs = attrs[:9]
	}
	values := []any{"work", "", "ada", "a\"\\\u00e9\n日", nil, true, false, json.Number("2"), json.Number("-1.50e3"), "2024-03-01T10:00:00Z"}
	pick := attrs[r.IntN(len(attrs))]
	n := 6
	if depth == 0 {
		n = 2
	}
	switch r.IntN(n) {
	case 0:
		return Pr(pick)
	case 1:
		ops := []Op{OpEqual, OpNotEqual, OpContains, OpStartsWith, OpEndsWith, OpGreater, OpGreaterOrEqual, OpLess, OpLessOrEqual}
		op, v := ops[r.IntN(len(ops))], values[r.IntN(len(values))]
		if _, isText := v.(string); !isText { // the others fit few operators
			op = ops[r.IntN(2)]
		}
		return NewCompare(pick, op, v)
	case 2:
		return &And{randomTree(r, depth-1, inValue), randomTree(r, depth-1, inValue)}
	case 3:
		return &Or{randomTree(r, depth-1, inValue), randomTree(r, depth-1, inValue)}
	case 4:
		return Negate(randomTree(r, depth-1, inValue))
	}
	if inValue {
		return Pr(pick)
	}
	return Where(AttrPath{Name: "emails"}, randomTree(r, depth-1, true))
}

func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	docs := []map[string]any{document(t), {}, {"userName": "ada", "type": "work", "emails": []any{"work", nil}, "count": 2}}
	hits := 0
	match := func(e Expr, doc map[string]any) bool {
		m, err := Compile(e, nil)
		if err != nil {
			t.Fatalf("Compile(%s): %v", e, err)
		}
		return m.Match(doc)
	}
	for range 3000 {
		x, y := randomTree(r, 5, false), randomTree(r, 3, false)
		again, err := Parse(x.String())
		if err != nil || !Equal(x, again) {
			t.Fatalf("%s: parsed back as %v, %v", x, again, err)
		}
		for _, doc := range docs {
			mx, my := match(x, doc), match(y, doc)
			if mx {
				hits++
			}
			if match(again, doc) != mx {
				t.Fatalf("%s: the parsed tree matches differently", x)
			}
			if match(Negate(x), doc) == mx {
				t.Fatalf("%s: its negation matches alike", x)
			}
			if match(AllOf(x, y), doc) != (mx && my) || match(AnyOf(x, y), doc) != (mx || my) {
				t.Fatalf("%s with %s: and, or", x, y)
			}
			if match(Negate(AllOf(x, y)), doc) != match(AnyOf(Negate(x), Negate(y)), doc) {
				t.Fatalf("%s with %s: De Morgan", x, y)
			}
		}
	}
	if hits < 500 || hits > 8500 {
		t.Errorf("%d of 9000 matches: the trees test little", hits)
	}
}
