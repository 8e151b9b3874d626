package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

var errBack = errors.New("rolled back")

func named(n int) store.Record {
	name := fmt.Sprintf("n%05d", n)
	return store.Record{
		Type: "User", ID: "id-" + name, Data: []byte(`{}`),
		Index:  []store.Entry{{Path: "name", Value: name}, {Path: "kind", Value: fmt.Sprint(n % 3)}, {Path: "kind", Elem: 1, Value: "all"}},
		Unique: []store.Claim{{Path: "name", Value: name}},
	}
}

// TestFreshAgainstModel does at random what touches records that are not in the
// trees yet: transactions that come through or not, with ids and names that
// return, and reads between. A map says what has to be there.
func TestFreshAgainstModel(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(3) {
		m := New().(*memory)
		rnd := rand.New(rand.NewPCG(seed, 7))
		model := map[string]bool{}
		for step := range 500 {
			next := map[string]bool{}
			for id := range model {
				next[id] = true
			}
			back := rnd.IntN(4) == 0
			err := m.Update(ctx, func(tx store.Tx) error {
				for range rnd.IntN(6) {
					r := named(rnd.IntN(900))
					switch err := tx.Insert(r); {
					case next[r.ID] != errors.Is(err, store.ErrExists):
						t.Fatalf("step %d: insert %s answers %v, it is there: %v", step, r.ID, err, next[r.ID])
					case err == nil:
						next[r.ID] = true
					}
					other := named(rnd.IntN(900))
					holder := other.ID
					other.ID += "-other"
					var taken *store.UniqueError
					if err := tx.Insert(other); next[holder] != errors.As(err, &taken) {
						t.Fatalf("step %d: insert with the name of %s answers %v", step, holder, err)
					} else if err == nil {
						if err := tx.Delete("User", other.ID); err != nil {
							t.Fatal(err)
						}
					}
					if gone := named(rnd.IntN(900)); rnd.IntN(6) == 0 {
						err := tx.Delete("User", gone.ID)
						if next[gone.ID] != (err == nil) {
							t.Fatalf("step %d: delete %s: %v", step, gone.ID, err)
						}
						delete(next, gone.ID)
					}
				}
				if rnd.IntN(20) == 0 {
					agree(t, tx, next)
				}
				if back {
					return errBack
				}
				return nil
			})
			if back != errors.Is(err, errBack) {
				t.Fatal(err)
			}
			if !back {
				model = next
			}
			if rnd.IntN(40) == 0 {
				if err := m.View(ctx, func(tx store.Tx) error { agree(t, tx, model); return nil }); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// agree compares all ways to find records with the model.
func agree(t *testing.T, tx store.Tx, model map[string]bool) {
	t.Helper()
	var got, want []string
	for row, err := range tx.Query(store.Query{Type: "User", SortPath: "name"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row.ID)
	}
	for id := range model {
		want = append(want, id)
	}
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
	for _, q := range []store.Query{{Type: "User"}, {Type: "User", Conds: []store.Cond{{Path: "kind", Value: "all"}}}} {
		if n, err := tx.Count(q); err != nil || n != len(want) {
			t.Fatalf("Count(%v) = %d, %v; want %d", q.Conds, n, err, len(want))
		}
	}
	for n := range 900 {
		r := named(n)
		_, err := tx.Get("User", r.ID)
		id, err2 := tx.Claimed("User", "name", r.Unique[0].Value)
		if there := model[r.ID]; there != (err == nil) || there != (err2 == nil) || there != (id == r.ID) {
			t.Fatalf("%s: get %v, claimed by %q, %v; it is there: %v", r.ID, err, id, err2, there)
		}
	}
}

// TestFreshAcrossLimit inserts enough for the trees to be filled on the way, in
// many transactions, while readers look.
func TestFreshAcrossLimit(t *testing.T) {
	ctx := context.Background()
	m := New()
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			last := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := m.View(ctx, func(tx store.Tx) error {
					n, err := tx.Count(store.Query{Type: "User"})
					if err != nil {
						return err
					}
					entries, err := tx.Count(store.Query{Type: "User", Conds: []store.Cond{{Path: "kind", Value: "all"}}})
					if n < last || entries != n {
						t.Errorf("%d records after %d, %d of them by index", n, last, entries)
					}
					last = n
					if n > 0 {
						_, err = tx.Get("User", named(n-1).ID)
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	const many = 2*maxFresh + 10
	for n := range many {
		if err := m.Update(ctx, func(tx store.Tx) error { return tx.Insert(named(n)) }); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	err := m.View(ctx, func(tx store.Tx) error {
		n, err := tx.Count(store.Query{Type: "User"})
		if n != many {
			t.Errorf("%d records, want %d", n, many)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFreshWhileIterating checks that a query in a transaction does not see
// what is inserted while it runs, nor loses it.
func TestFreshWhileIterating(t *testing.T) {
	m := New()
	err := m.Update(context.Background(), func(tx store.Tx) error {
		for n := range 20 {
			if err := tx.Insert(named(n)); err != nil {
				return err
			}
		}
		seen := 0
		for _, err := range tx.Query(store.Query{Type: "User"}) {
			if err != nil {
				return err
			}
			seen++
			if err := tx.Insert(named(100 + seen)); err != nil {
				return err
			}
		}
		if seen != 20 {
			t.Errorf("the query saw %d records, want 20", seen)
		}
		n, err := tx.Count(store.Query{Type: "User"})
		if n != 40 {
			t.Errorf("%d records, want 40", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
