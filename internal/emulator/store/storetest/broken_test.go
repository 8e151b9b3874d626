package storetest

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

// recorder is a testing.TB that notes failures instead of failing.
type recorder struct {
	testing.TB // answers what is not overridden, such as Context
	mu         sync.Mutex
	failures   []string
	cleanups   []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Error(args ...any) { r.note(fmt.Sprintln(args...)) }

func (r *recorder) Errorf(format string, args ...any) { r.note(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) { r.Error(args...); runtime.Goexit() }

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, s)
}

// failing answers the names of the checks, all or only one, that a store does
// not pass.
func failing(t *testing.T, open Open, only string) []string {
	t.Helper()
	var names []string
	for _, c := range allChecks() {
		if only != "" && c.name != only {
			continue
		}
		r := &recorder{TB: t}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer func() {
				for _, f := range slices.Backward(r.cleanups) {
					f()
				}
			}()
			defer func() {
				if p := recover(); p != nil {
					r.note(fmt.Sprint("panic: ", p))
				}
			}()
			c.run(r, open)
		}()
		<-ended
		if len(r.failures) > 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// broken is the memory store with one promise broken.
type broken struct {
	store.Store
	view, update func(context.Context, func(store.Tx) error) error
	tx           func(store.Tx) store.Tx
	version      func(context.Context) (uint64, error)
}

func (b *broken) View(ctx context.Context, f func(store.Tx) error) error {
	if b.view != nil {
		return b.view(ctx, f)
	}
	return b.Store.View(ctx, func(tx store.Tx) error { return f(b.wrap(tx)) })
}

func (b *broken) Update(ctx context.Context, f func(store.Tx) error) error {
	if b.update != nil {
		return b.update(ctx, f)
	}
	return b.Store.Update(ctx, func(tx store.Tx) error { return f(b.wrap(tx)) })
}

func (b *broken) Version(ctx context.Context) (uint64, error) {
	if b.version != nil {
		return b.version(ctx)
	}
	return b.Store.Version(ctx)
}

func (b *broken) wrap(tx store.Tx) store.Tx {
	if b.tx == nil {
		return tx
	}
	return b.tx(tx)
}

// brokenTx changes single methods of a transaction.
type brokenTx struct {
	store.Tx
	get   func(typ, id string) (store.Record, error)
	put   func(store.Record) error
	query func(store.Query) iter.Seq2[store.Row, error]
	count func(store.Query) (int, error)
	links func(store.LinkQuery) iter.Seq2[store.Link, error]
}

func (b brokenTx) Get(typ, id string) (store.Record, error) {
	if b.get != nil {
		return b.get(typ, id)
	}
	return b.Tx.Get(typ, id)
}

func (b brokenTx) Put(r store.Record) error {
	if b.put != nil {
		return b.put(r)
	}
	return b.Tx.Put(r)
}

func (b brokenTx) Query(q store.Query) iter.Seq2[store.Row, error] {
	if b.query != nil {
		return b.query(q)
	}
	return b.Tx.Query(q)
}

func (b brokenTx) Count(q store.Query) (int, error) {
	if b.count != nil {
		return b.count(q)
	}
	return b.Tx.Count(q)
}

func (b brokenTx) Links(q store.LinkQuery) iter.Seq2[store.Link, error] {
	if b.links != nil {
		return b.links(q)
	}
	return b.Tx.Links(q)
}

// TestBrokenStoresFail breaks one promise after the other and names the check
// that must notice.
func TestBrokenStoresFail(t *testing.T) {
	if got := failing(t, func(testing.TB) store.Store { return memory.New() }, ""); len(got) > 0 {
		t.Fatalf("the unbroken store fails %v", got)
	}
	query := func(change func(store.Query) store.Query) func(*broken) {
		return func(b *broken) {
			b.tx = func(tx store.Tx) store.Tx {
				return brokenTx{Tx: tx, query: func(q store.Query) iter.Seq2[store.Row, error] { return tx.Query(change(q)) }}
			}
		}
	}
	for name, test := range map[string]struct {
		breaks func(*broken)
		notice string
	}{
		"keeps what a failed update wrote": {func(b *broken) {
			b.update = func(ctx context.Context, f func(store.Tx) error) error {
				var failed error
				err := b.Store.Update(ctx, func(tx store.Tx) error { failed = f(tx); return nil })
				if failed != nil {
					return failed
				}
				return err
			}
		}, "RollbackOnError"},
		"writes in View": {func(b *broken) { b.view = b.Store.Update }, "ReadOnly"},
		"readers see the newest state": {func(b *broken) {
			b.view = func(ctx context.Context, f func(store.Tx) error) error {
				return b.Store.View(ctx, func(tx store.Tx) error {
					return f(brokenTx{Tx: tx, query: func(q store.Query) iter.Seq2[store.Row, error] {
						return func(yield func(store.Row, error) bool) {
							_ = b.Store.View(ctx, func(now store.Tx) error { now.Query(q)(yield); return nil })
						}
					}})
				})
			}
		}, "Snapshot"},
		"hands out its own bytes": {func(b *broken) {
			shared := map[string][]byte{}
			b.tx = func(tx store.Tx) store.Tx {
				return brokenTx{Tx: tx, get: func(typ, id string) (store.Record, error) {
					r, err := tx.Get(typ, id)
					if err == nil {
						if shared[id] == nil {
							shared[id] = r.Data
						}
						r.Data = shared[id]
					}
					return r, err
				}}
			}
		}, "NothingAliases"},
		"version stands still": {func(b *broken) {
			b.version = func(context.Context) (uint64, error) { return 1, nil }
		}, "Version"},
		"put keeps old claims": {func(b *broken) {
			b.tx = func(tx store.Tx) store.Tx {
				return brokenTx{Tx: tx, put: func(r store.Record) error {
					for _, name := range []string{"eve", "ada", "bob"} {
						if id, err := tx.Claimed(r.Type, "userName", name); err == nil && id == r.ID {
							r.Unique = append(slices.Clone(r.Unique), store.Claim{Path: "userName", Value: name})
						}
					}
					return tx.Put(r)
				}}
			}
		}, "Claims"},
		"put sets Created": {func(b *broken) {
			b.tx = func(tx store.Tx) store.Tx {
				return brokenTx{Tx: tx, get: func(typ, id string) (store.Record, error) {
					r, err := tx.Get(typ, id)
					r.Created = r.Modified
					return r, err
				}}
			}
		}, "Records"},
		"ignores groups": {query(func(q store.Query) store.Query {
			q.Conds = slices.Clone(q.Conds)
			for i := range q.Conds {
				q.Conds[i].Group = 0
			}
			return q
		}), "LikeTheNaiveStore"},
		"ignores the last condition": {query(func(q store.Query) store.Query {
			q.Conds = q.Conds[:max(0, len(q.Conds)-1)]
			return q
		}), "LikeTheNaiveStore"},
		"ignores In":     {query(func(q store.Query) store.Query { q.In = nil; return q }), "ManyRows"},
		"never descends": {query(func(q store.Query) store.Query { q.Desc = false; return q }), "LikeTheNaiveStore"},
		"never sorts":    {query(func(q store.Query) store.Query { q.SortPath = ""; return q }), "ManyRows"},
		"offset is off by one": {query(func(q store.Query) store.Query {
			q.Offset = max(0, q.Offset-1)
			return q
		}), "LikeTheNaiveStore"},
		"no limit":         {query(func(q store.Query) store.Query { q.Limit = 0; return q }), "ManyRows"},
		"takes any cursor": {query(func(q store.Query) store.Query { q.After = ""; return q }), "Cursors"},
		"counts a page": {func(b *broken) {
			b.tx = func(tx store.Tx) store.Tx {
				return brokenTx{Tx: tx, count: func(q store.Query) (int, error) {
					n, err := tx.Count(q)
					return min(n, 1000), err
				}}
			}
		}, "ManyRows"},
		"links forget their offset": {func(b *broken) {
			b.tx = func(tx store.Tx) store.Tx {
				return brokenTx{Tx: tx, links: func(q store.LinkQuery) iter.Seq2[store.Link, error] {
					q.Offset = 0
					return tx.Links(q)
				}}
			}
		}, "Links"},
		"forgets contexts": {func(b *broken) {
			b.view = func(ctx context.Context, f func(store.Tx) error) error {
				return b.Store.View(context.WithoutCancel(ctx), f)
			}
		}, "Cancelled"},
		"updates read an old state": {func(b *broken) {
			b.tx = func(tx store.Tx) store.Tx { return staleTx{tx} }
		}, "Counter"},
	} {
		t.Run(name, func(t *testing.T) {
			got := failing(t, func(testing.TB) store.Store {
				b := &broken{Store: memory.New()}
				test.breaks(b)
				return b
			}, test.notice)
			if len(got) == 0 {
				t.Errorf("check %s does not notice", test.notice)
			}
		})
	}
}

// staleTx never sees named values, as a transaction on an old state would not.
type staleTx struct{ store.Tx }

func (staleTx) Value(string) ([]byte, error) { return nil, store.ErrNotFound }
