package engine

import (
	"fmt"
	"testing"
)

func BenchmarkCreateUser(b *testing.B) {
	t := newBench(b)
	for i := 0; b.Loop(); i++ {
		t.user(fmt.Sprintf("user%d", i))
	}
}

func BenchmarkList(b *testing.B) {
	t := newBench(b)
	for i := range 2000 {
		t.user(fmt.Sprintf("user%04d", i))
	}
	for name, p := range map[string]Params{
		"page50":   {},
		"deep":     {StartIndex: number(1950)},
		"sorted":   {SortBy: "userName", SortOrder: "descending"},
		"indexed":  {Filter: `userName eq "USER1000"`},
		"scanned":  {Filter: `title eq "x"`},
		"page1000": {Count: number(1000)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := t.e.List(t.ctx(), admin, "User", p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
