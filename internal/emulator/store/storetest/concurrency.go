package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
)

// RunConcurrency checks that many goroutines can use one store.
func RunConcurrency(t *testing.T, open func(testing.TB) store.Store) {
	t.Helper()
	runAll(t, open, concurrency)
}

var concurrency = []check{
	{"Counter", counter},
	{"OneClaimWins", oneClaimWins},
	{"ReadersSeeWholeUpdates", wholeUpdates},
}

func each(n int, f func(i int) error) error {
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// counter loses no increment: reading and writing in one Update is one step.
func counter(tb tester, open Open) {
	s := opened(tb, open)
	const workers, times = 8, 25
	err := each(workers, func(int) error {
		for range times {
			err := s.Update(tb.Context(), func(tx store.Tx) error {
				v, err := tx.Value("n")
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				n, _ := strconv.Atoi(string(v)) // nothing counts as 0
				return tx.SetValue("n", []byte(strconv.Itoa(n+1)))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	view(tb, s, func(tx store.Tx) error {
		v, err := tx.Value("n")
		equal(tb, "counter", strconv.Itoa(workers*times), string(v))
		return err
	})
}

func oneClaimWins(tb tester, open Open) {
	s := opened(tb, open)
	const workers, names = 8, 10
	var mu sync.Mutex
	won := map[string]int{}
	err := each(workers, func(w int) error {
		for n := range names {
			r := user(fmt.Sprintf("id-%d-%d", w, n))
			r.Unique[0].Value = strconv.Itoa(n)
			switch err := s.Update(tb.Context(), func(tx store.Tx) error { return tx.Insert(r) }); {
			case err == nil:
				mu.Lock()
				won[r.Unique[0].Value]++
				mu.Unlock()
			case !errors.Is(err, store.ErrUnique):
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	for n := range names {
		equal(tb, fmt.Sprintf("winners of name %d", n), 1, won[strconv.Itoa(n)])
	}
	view(tb, s, func(tx store.Tx) error {
		n, err := tx.Count(store.Query{Type: "User"})
		equal(tb, "records", names, n)
		return err
	})
}

// wholeUpdates moves a record between two names, one always being free, while
// readers look by index, claim, link and value: they must agree in each View.
func wholeUpdates(tb tester, open Open) {
	s := opened(tb, open)
	names := []string{"even", "odd"}
	set := func(i int) error {
		return s.Update(tb.Context(), func(tx store.Tx) error {
			name := names[i%2]
			r := user("ada")
			r.Index[0].Value, r.Unique[0].Value, r.Version = name, name, name
			_, err := tx.PutLink(store.Link{Kind: "k", From: "ada", To: "x", Value: []byte(name)})
			if i == 0 {
				return errors.Join(err, tx.Insert(r), tx.SetValue("name", []byte(name)))
			}
			return errors.Join(err, tx.Put(r), tx.SetValue("name", []byte(name)))
		})
	}
	if err := set(0); err != nil {
		tb.Fatal(err)
	}
	stop := make(chan struct{})
	var writer error
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if writer = set(i); writer != nil {
				return
			}
		}
	})
	err := each(3, func(int) error {
		for range 60 {
			err := s.View(tb.Context(), func(tx store.Tx) error {
				v, err := tx.Value("name")
				if err != nil {
					return err
				}
				name := string(v)
				id, err := tx.Claimed("User", "userName", name)
				if err != nil || id != "ada" {
					return fmt.Errorf("claim of %s: %q, %w", name, id, err)
				}
				n := 0
				for r, err := range tx.Query(store.Query{Type: "User", Conds: []store.Cond{{Path: "userName", Value: name}}}) {
					if n++; err != nil || r.Version != name {
						return fmt.Errorf("row of %s is version %q: %w", name, r.Version, err)
					}
				}
				count, err := tx.Count(store.Query{Type: "User", Conds: []store.Cond{{Path: "userName", Value: name}}})
				if n != 1 || count != 1 {
					return fmt.Errorf("%s: %d rows, count %d: %w", name, n, count, err)
				}
				l, err := tx.GetLink("k", "ada", "x")
				if string(l.Value) != name {
					return fmt.Errorf("link says %q, value %q: %w", l.Value, name, err)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	close(stop)
	writing.Wait()
	if err != nil || writer != nil {
		tb.Fatalf("readers: %v; writer: %v", err, writer)
	}
}
