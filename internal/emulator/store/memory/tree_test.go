package memory

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// check fails when a node breaks the rules of a B-tree or miscounts.
func check(t *testing.T, n *node[int], root bool) int {
	t.Helper()
	if n == nil {
		return 0
	}
	if len(n.items) > maxItems || !root && len(n.items) < minItems {
		t.Fatalf("node has %d items", len(n.items))
	}
	if n.kids != nil && len(n.kids) != len(n.items)+1 {
		t.Fatalf("node has %d items and %d kids", len(n.items), len(n.kids))
	}
	depth, size := -1, len(n.items)
	for _, k := range n.kids {
		d := check(t, k, false)
		if depth >= 0 && d != depth {
			t.Fatalf("leaves at depths %d and %d", depth, d)
		}
		depth = d
		size += k.size
	}
	if size != n.size {
		t.Fatalf("size is %d, counted %d", n.size, size)
	}
	return depth + 1
}

func all(tr tree[int], lo, hi int, back bool) []int {
	got := []int{}
	tr.walk(lo, hi, back, func(i int) bool { got = append(got, i); return true })
	return got
}

func TestTreeAgainstSortedSlice(t *testing.T) {
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tr := tree[int]{cmp: cmp.Compare[int]}
		model := []int{}
		type snapshot struct {
			tr   tree[int]
			want []int
		}
		var kept []snapshot
		by := &stamp{}
		for step := range 12000 {
			key := rnd.IntN(3000)
			at, there := slices.BinarySearch(model, key)
			// Grow first, shrink later, so that all ways of both are taken.
			if rnd.IntN(12000) > step {
				tr.set(key, by)
				if !there {
					model = slices.Insert(model, at, key)
				}
			} else {
				if got := tr.remove(key, by); got != there {
					t.Fatalf("remove(%d) = %v, want %v", key, got, there)
				}
				if there {
					model = slices.Delete(model, at, at+1)
				}
			}
			if got := tr.rank(key); got != at {
				t.Fatalf("rank(%d) = %d, want %d", key, got, at)
			}
			if step%1000 == 0 {
				kept = append(kept, snapshot{tr, slices.Clone(model)})
				by = &stamp{}
			}
			if step%251 == 0 {
				check(t, tr.root, true)
				if diff := gocmp.Diff(model, all(tr, 0, tr.len(), false)); diff != "" {
					t.Fatalf("step %d (-want +got):\n%s", step, diff)
				}
				lo, hi := rnd.IntN(len(model)+1), rnd.IntN(len(model)+1)
				want := []int{}
				if lo < hi {
					want = slices.Clone(model[lo:hi])
				}
				if diff := gocmp.Diff(want, all(tr, lo, hi, false)); diff != "" {
					t.Fatalf("walk(%d, %d) (-want +got):\n%s", lo, hi, diff)
				}
				slices.Reverse(want)
				if diff := gocmp.Diff(want, all(tr, lo, hi, true)); diff != "" {
					t.Fatalf("walk back(%d, %d) (-want +got):\n%s", lo, hi, diff)
				}
			}
		}
		for i, s := range kept {
			if diff := gocmp.Diff(s.want, all(s.tr, 0, s.tr.len(), false)); diff != "" {
				t.Fatalf("snapshot %d changed (-want +got):\n%s", i, diff)
			}
		}
	}
}

func TestTreeFrom(t *testing.T) {
	tr := tree[int]{cmp: cmp.Compare[int]}
	by := &stamp{}
	for i := range 500 {
		tr.set(i*7919%1000*2, by)
	}
	var all []int
	tr.walk(0, tr.len(), false, func(i int) bool { all = append(all, i); return true })
	for key := -1; key < 2002; key++ {
		var got []int
		tr.from(key, func(i int) bool { got = append(got, i); return len(got) < 40 })
		at, _ := slices.BinarySearch(all, key)
		if want := all[at:min(at+40, len(all))]; !slices.Equal(got, want) {
			t.Fatalf("from %d: %v, want %v", key, got, want)
		}
	}
}
