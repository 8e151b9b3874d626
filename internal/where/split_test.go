package where_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/where"
	"github.com/idctl/idctl/pkg/scim/filter"
)

func parse(t *testing.T, s string) filter.Expr {
	t.Helper()
	if s == "" {
		return nil
	}
	e, err := filter.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func text(e filter.Expr) string {
	if e == nil {
		return ""
	}
	return e.String()
}

// hidden: the attributes x, y and z are those that the service cannot search.
func hidden(a filter.AttrPath) bool { return a.Name != "x" && a.Name != "y" && a.Name != "z" }

func TestSplit(t *testing.T) {
	for _, tc := range []struct{ name, in, server, here string }{
		{"all", `a pr and not (b pr)`, `a pr and not (b pr)`, ``},
		{"nothing", `x pr`, ``, `x pr`},
		{"one of two", `a pr and x pr`, `a pr`, `x pr`},
		{"either", `a pr or x pr`, ``, `a pr or x pr`},
		{"parts of either", `a pr and x pr or b pr`, `a pr or b pr`, `a pr and x pr or b pr`},
		{"not both", `not (a pr and x pr)`, ``, `not (a pr and x pr)`},
		{"neither", `not (a pr or x pr)`, `not (a pr)`, `not (a pr or x pr)`},
		{"twice negated", `not (not (a pr and x pr))`, `a pr`, `not (not (a pr and x pr))`},
		{"elements", `a[b eq 1] and x[b eq 1]`, `a[b eq 1]`, `x[b eq 1]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan := where.Split(parse(t, tc.in), hidden)
			if diff := cmp.Diff([]string{tc.server, tc.here}, []string{text(plan.Server), text(plan.Here)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if plan := where.Split(parse(t, `a pr and (x pr or y.z pr)`), hidden); len(plan.Unsearchable) != 2 {
		t.Errorf("unsearchable: %v", plan.Unsearchable)
	}
}

// TestSplitKeepsMeaning: whatever the condition, a document meets it exactly
// when it meets both parts, and the service is asked for nothing it cannot
// search.
func TestSplitKeepsMeaning(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2)) // the same conditions each time
	attrs := []string{"a", "b", "c", "x", "y", "z"}
	var random func(depth int) filter.Expr
	random = func(depth int) filter.Expr {
		at := filter.AttrPath{Name: attrs[rnd.IntN(len(attrs))]}
		switch n := rnd.IntN(6); {
		case depth == 0 || n < 2:
			return filter.Eq(at, rnd.IntN(2) == 0)
		case n == 2:
			return filter.Negate(random(depth - 1))
		case n < 5:
			return &filter.And{Left: random(depth - 1), Right: random(depth - 1)}
		}
		return &filter.Or{Left: random(depth - 1), Right: random(depth - 1)}
	}
	compile := func(e filter.Expr) *filter.Matcher {
		m, err := filter.Compile(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	mixed := 0
	for range 500 {
		e := random(4)
		plan := where.Split(e, hidden)
		if plan.Server != nil && plan.Here != nil {
			mixed++
		}
		for _, a := range filter.Attrs(plan.Server) {
			if !hidden(a) {
				t.Fatalf("%s: the service is asked for %s", e, plan.Server)
			}
		}
		whole, server, here := compile(e), compile(plan.Server), compile(plan.Here)
		for bits := range 64 {
			doc := map[string]any{}
			for i, a := range attrs {
				doc[a] = bits>>i&1 == 1
			}
			if got, want := server.Match(doc) && here.Match(doc), whole.Match(doc); got != want {
				t.Fatalf("%s on %v: split into %s and %s it is %v, want %v", e, doc, text(plan.Server), text(plan.Here), got, want)
			}
		}
	}
	if mixed < 50 {
		t.Errorf("only %d conditions had both parts", mixed)
	}
}
