package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Compare does the same random things to two empty stores and fails when they
// answer differently. The same seed gives the same things. About one update in
// five is rolled back.
func Compare(tb testing.TB, seed uint64, steps int, a, b store.Store) {
	tb.Helper()
	d := &dice{rand.New(rand.NewPCG(seed, 2))} //nolint:gosec // repeatable, not secret
	both := func(f func(first, second store.Tx) error, runA, runB func(func(store.Tx) error) error) {
		tb.Helper()
		var errB error
		errA := runA(func(first store.Tx) error {
			errB = runB(func(second store.Tx) error { return f(first, second) })
			return errB
		})
		if !errors.Is(errA, errUndo) && (errA != nil || errB != nil) {
			tb.Fatalf("seed %d: transactions ended with %v and %v", seed, errA, errB)
		}
	}
	ctx := tb.Context()
	update := func(f func(first, second store.Tx) error) {
		tb.Helper()
		both(f, func(f func(store.Tx) error) error { return a.Update(ctx, f) }, func(f func(store.Tx) error) error { return b.Update(ctx, f) })
	}
	view := func(f func(first, second store.Tx) error) {
		tb.Helper()
		both(f, func(f func(store.Tx) error) error { return a.View(ctx, f) }, func(f func(store.Tx) error) error { return b.View(ctx, f) })
	}
	for step := range steps {
		where := fmt.Sprintf("seed %d, step %d", seed, step)
		update(func(first, second store.Tx) error {
			for range 1 + d.IntN(6) {
				op, do := d.change()
				if diff := cmp.Diff(do(first), do(second)); diff != "" {
					tb.Fatalf("%s: %s differs:\n%s", where, op, diff)
				}
			}
			if step%3 == 0 { // what an update sees of its own writes
				sameAnswers(tb, where+" in update", d, first, second)
			}
			if d.IntN(5) == 0 {
				return errUndo
			}
			return nil
		})
		if step%3 == 1 {
			view(func(first, second store.Tx) error {
				for range 4 {
					sameAnswers(tb, where, d, first, second)
				}
				return nil
			})
		}
		if d.IntN(200) == 0 {
			if err := errors.Join(a.Reset(ctx), b.Reset(ctx)); err != nil {
				tb.Fatalf("%s: reset: %v", where, err)
			}
		}
		va, errA := a.Version(ctx)
		vb, errB := b.Version(ctx)
		if va != vb || errA != nil || errB != nil {
			tb.Fatalf("%s: versions %d and %d, errors %v and %v", where, va, vb, errA, errB)
		}
	}
}

var errUndo = errors.New("roll back")

// outcome is what a call answered, errors reduced to what callers may test.
func outcome(v any, err error) string {
	var unique *store.UniqueError
	switch {
	case err == nil:
		return fmt.Sprintf("%+v", v)
	case errors.As(err, &unique):
		return fmt.Sprintf("not unique: %s, held by %s", unique.Path, unique.Holder)
	}
	for _, sentinel := range []error{store.ErrNotFound, store.ErrExists, store.ErrCursor, store.ErrReadOnly, store.ErrTxDone, store.ErrClosed} {
		if errors.Is(err, sentinel) {
			return sentinel.Error()
		}
	}
	return "unexpected: " + err.Error()
}

// sameAnswers asks both for the same: a query in several portions, and links.
func sameAnswers(tb testing.TB, where string, d *dice, first, second store.Tx) {
	tb.Helper()
	q := d.query()
	full := rows(tb, first, q)
	where = fmt.Sprintf("%s, query %+v", where, q)
	if q.In != nil {
		where += fmt.Sprintf(" in %+v", *q.In)
	}
	if diff := cmp.Diff(full, rows(tb, second, q)); diff != "" {
		tb.Fatalf("%s (-first +second):\n%s", where, diff)
	}
	for _, tx := range []store.Tx{first, second} {
		n, err := tx.Count(q)
		if n != len(full) || err != nil {
			tb.Fatalf("%s: count is %d, %v; want %d", where, n, err, len(full))
		}
		if diff := cmp.Diff(full, pages(tb, tx, q, 1+d.IntN(7))); diff != "" {
			tb.Fatalf("%s: pages put together (-want +got):\n%s", where, diff)
		}
		part := q
		part.Offset, part.Limit = d.IntN(len(full)+2), d.IntN(6)
		low := min(part.Offset, len(full))
		high := len(full)
		if part.Limit > 0 {
			high = min(high, low+part.Limit)
		}
		if diff := cmp.Diff(full[low:high], rows(tb, tx, part)); diff != "" {
			tb.Fatalf("%s: offset %d, limit %d (-want +got):\n%s", where, part.Offset, part.Limit, diff)
		}
	}
	l := d.linkQuery()
	where = fmt.Sprintf("%s, links %+v", where, l)
	if diff := cmp.Diff(links(tb, first, l), links(tb, second, l)); diff != "" {
		tb.Fatalf("%s (-first +second):\n%s", where, diff)
	}
	na, errA := first.CountLinks(l)
	nb, errB := second.CountLinks(l)
	if na != nb || errA != nil || errB != nil {
		tb.Fatalf("%s: counts %d and %d, errors %v and %v", where, na, nb, errA, errB)
	}
}

// rows collects what a query yields, without cursors.
func rows(tb testing.TB, tx store.Tx, q store.Query) []store.Record {
	tb.Helper()
	got := []store.Record{}
	for r, err := range tx.Query(q) {
		if err != nil {
			tb.Fatalf("query %+v: %v", q, err)
		}
		got = append(got, r.Record)
	}
	return got
}

// tooMany is more than any test inserts: a store that begins anew with every
// page must not keep a test running.
const tooMany = 10_000

// pages collects what a query yields, page by page.
func pages(tb testing.TB, tx store.Tx, q store.Query, size int) []store.Record {
	tb.Helper()
	got := []store.Record{}
	q.Limit = size
	for {
		n := 0
		for r, err := range tx.Query(q) {
			if err != nil {
				tb.Fatalf("query %+v: %v", q, err)
			}
			if n++; n > size || len(got) > tooMany {
				tb.Fatalf("query %+v: more than %d rows, or no end after %d", q, size, len(got))
			}
			got = append(got, r.Record)
			q.After = r.Cursor
		}
		if n < size {
			return got
		}
	}
}

func links(tb testing.TB, tx store.Tx, q store.LinkQuery) []store.Link {
	tb.Helper()
	got := []store.Link{}
	for l, err := range tx.Links(q) {
		if err != nil {
			tb.Fatalf("links %+v: %v", q, err)
		}
		got = append(got, l)
	}
	return got
}

// dice makes random things out of few values, so that they collide.
type dice struct{ *rand.Rand }

func (d *dice) pick(from ...string) string { return from[d.IntN(len(from))] }

func (d *dice) typ() string { return d.pick("User", "User", "User", "Group") }
func (d *dice) id() string  { return fmt.Sprintf("id%02d", d.IntN(40)) }

func (d *dice) value() string {
	return d.pick("", "a", "aa", "ab", "b", "ba", "ä", "z", "a\x00", "a\x00b", "\xff", "\xff\xff", "\xffa", "'", "%", "日本")
}

func (d *dice) path() string {
	return d.pick("userName", "active", "title", "emails.value", "emails.type", "tags", "never")
}

func (d *dice) record() store.Record {
	r := store.Record{
		Type:     d.typ(),
		ID:       d.id(),
		Version:  d.value(),
		Created:  time.Date(2026, 1, 1, 0, 0, d.IntN(60), d.IntN(1e9), time.FixedZone("", 3600)),
		Modified: time.Date(2026, 2, 1, 0, 0, d.IntN(60), d.IntN(1e9), time.UTC),
		Data:     []byte(`{"v":"` + d.value() + `"}`),
		Index: []store.Entry{
			{Path: "active", Value: d.pick("true", "false")},
			{Path: "userName", Value: d.value()},
		},
	}
	if d.IntN(3) == 0 {
		r.Index = append(r.Index, store.Entry{Path: "title", Value: d.value()})
	}
	if d.IntN(10) == 0 {
		r.Modified = time.Time{}
	}
	for elem := range d.IntN(4) {
		r.Index = append(r.Index,
			store.Entry{Path: "emails.value", Elem: elem, Value: d.value()},
			store.Entry{Path: "emails.type", Elem: elem, Value: d.pick("work", "home")})
	}
	for range d.IntN(3) { // several values of one element, and doubles
		r.Index = append(r.Index, store.Entry{Path: "tags", Elem: d.IntN(2), Value: d.value()})
	}
	for range d.IntN(3) {
		r.Unique = append(r.Unique, store.Claim{Path: d.pick("userName", "externalId"), Value: fmt.Sprint(d.IntN(60))})
	}
	d.Shuffle(len(r.Index), func(i, j int) { r.Index[i], r.Index[j] = r.Index[j], r.Index[i] })
	return r
}

func (d *dice) query() store.Query {
	q := store.Query{Type: d.typ(), Desc: d.IntN(2) == 0}
	if d.IntN(3) > 0 {
		q.SortPath = d.path()
	}
	for range d.IntN(4) - 1 {
		q.Conds = append(q.Conds, store.Cond{Path: d.path(), Rel: store.Rel(d.IntN(int(store.Any) + 1)), Value: d.value()}) //nolint:gosec // below 7
	}
	if d.IntN(3) == 0 {
		q.Conds = append(q.Conds,
			store.Cond{Path: "emails.type", Rel: store.Eq, Value: d.pick("work", "home"), Group: 1},
			store.Cond{Path: "emails.value", Rel: store.Rel(d.IntN(int(store.Any) + 1)), Value: d.value(), Group: 1}) //nolint:gosec // below 7
	}
	if d.IntN(5) == 0 {
		q.Conds = append(q.Conds, store.Cond{Path: "tags", Rel: store.Ge, Value: d.value(), Group: 2},
			store.Cond{Path: "tags", Rel: store.Lt, Value: d.value(), Group: 2})
	}
	switch d.IntN(6) {
	case 0:
		q.In = &store.In{Path: "id", Values: []string{d.id(), d.id(), d.id(), "absent"}[d.IntN(4):]}
	case 1:
		q.In = &store.In{Path: d.path(), Values: []string{d.value(), d.value()}[d.IntN(3):]}
	}
	return q
}

func (d *dice) linkQuery() store.LinkQuery {
	q := store.LinkQuery{Kind: d.pick("member", "grant"), Limit: d.IntN(4), Offset: d.IntN(3)}
	if d.IntN(2) == 0 {
		q.AfterSeq = d.Uint64N(60)
	}
	if d.IntN(2) == 0 {
		q.From = d.pick("g1", "g2")
	} else {
		q.To = d.pick("u1", "u2", "u3")
	}
	return q
}

// change answers a random call and its description.
func (d *dice) change() (string, func(store.Tx) string) {
	switch r := d.record(); d.IntN(14) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("insert %+v", r), func(t store.Tx) string { return outcome(nil, t.Insert(r)) }
	case 4, 5, 6:
		return fmt.Sprintf("put %+v", r), func(t store.Tx) string { return outcome(nil, t.Put(r)) }
	case 7:
		return "delete " + r.Type + " " + r.ID, func(t store.Tx) string { return outcome(nil, t.Delete(r.Type, r.ID)) }
	case 8:
		return "get " + r.Type + " " + r.ID, func(t store.Tx) string { return outcome(t.Get(r.Type, r.ID)) }
	case 9:
		c := store.Claim{Path: d.pick("userName", "externalId"), Value: fmt.Sprint(d.IntN(60))}
		return fmt.Sprintf("claimed %+v", c), func(t store.Tx) string { return outcome(t.Claimed(r.Type, c.Path, c.Value)) }
	case 10, 11:
		l := store.Link{Kind: d.pick("member", "grant"), From: d.pick("g1", "g2"), To: d.pick("u1", "u2", "u3"), Value: []byte(d.value())}
		return fmt.Sprintf("put link %+v", l), func(t store.Tx) string { return outcome(t.PutLink(l)) }
	case 12:
		kind, from, to := d.pick("member", "grant"), d.pick("g1", "g2"), d.pick("u1", "u2", "u3")
		if d.IntN(2) == 0 {
			return "get link", func(t store.Tx) string { return outcome(t.GetLink(kind, from, to)) }
		}
		return "delete link", func(t store.Tx) string { return outcome(t.DeleteLink(kind, from, to)) }
	default:
		name, v := d.pick("clock", "key"), d.value()
		switch d.IntN(3) {
		case 0:
			return "set value", func(t store.Tx) string { return outcome(nil, t.SetValue(name, []byte(v))) }
		case 1:
			return "delete value", func(t store.Tx) string { return outcome(nil, t.DeleteValue(name)) }
		default:
			return "value", func(t store.Tx) string { return outcome(t.Value(name)) }
		}
	}
}
