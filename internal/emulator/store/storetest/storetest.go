// Package storetest says in tests what a back end of package store owes its
// callers. A back end runs Run, RunTransactions and RunConcurrency with a
// function that opens an empty store; Compare holds two of them against each
// other, and Bench measures one.
//
// The suite judges by a naive store of its own, written without any code of
// the back ends. It is for tests only.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Open opens an empty store for one test; what must be cleaned up beyond
// Close, it registers with t.Cleanup.
type Open func(testing.TB) store.Store

// tester is testing.TB for functions that are tests rather than helpers of one:
// their own lines are to be named in failures.
type tester interface{ testing.TB }

// check is one promise. Checks get a testing.TB, so that the tests of this
// package can run them on stores that break the promise.
type check struct {
	name string
	run  func(tb tester, open Open)
}

func runAll(t *testing.T, open Open, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// Run checks records, claims, queries, links and values.
func Run(t *testing.T, open func(testing.TB) store.Store) {
	t.Helper()
	runAll(t, open, basics)
}

var basics = []check{
	{"Records", records},
	{"Claims", claims},
	{"Links", linkBasics},
	{"Values", values},
	{"NothingAliases", nothingAliases},
	{"WritingWhileIterating", writingWhileIterating},
	{"BadQueries", badQueries},
	{"Cursors", cursors},
	{"ManyRows", manyRows},
	{"LikeTheNaiveStore", likeNaive},
}

func opened(tb testing.TB, open Open) store.Store {
	tb.Helper()
	s := open(tb)
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s
}

func update(tb testing.TB, s store.Store, f func(store.Tx) error) {
	tb.Helper()
	if err := s.Update(tb.Context(), f); err != nil {
		tb.Fatalf("update: %v", err)
	}
}

func view(tb testing.TB, s store.Store, f func(store.Tx) error) {
	tb.Helper()
	if err := s.View(tb.Context(), f); err != nil {
		tb.Fatalf("view: %v", err)
	}
}

func want(tb testing.TB, what string, err, sentinel error) {
	tb.Helper()
	if !errors.Is(err, sentinel) {
		tb.Errorf("%s: error is %v, want %v", what, err, sentinel)
	}
}

func equal(tb testing.TB, what string, want, got any) {
	tb.Helper()
	if reflect.DeepEqual(want, got) { // much faster than a diff of thousands of rows
		return
	}
	tb.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
}

func user(id string) store.Record {
	return store.Record{
		Type:     "User",
		ID:       id,
		Version:  "v1",
		Created:  time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 7200)),
		Modified: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
		Data:     []byte(`{"id":"` + id + `"}`),
		Index:    []store.Entry{{Path: "userName", Value: id}},
		Unique:   []store.Claim{{Path: "userName", Value: id}},
	}
}

func ids(tb testing.TB, tx store.Tx, q store.Query) []string {
	tb.Helper()
	got := []string{}
	for _, r := range rows(tb, tx, q) {
		got = append(got, r.ID)
	}
	return got
}

func records(tb tester, open Open) {
	s := opened(tb, open)
	stored := func(r store.Record, seq uint64) store.Record {
		r.Seq, r.Index, r.Unique = seq, nil, nil
		r.Created, r.Modified = stamp(r.Created), stamp(r.Modified)
		return r
	}
	update(tb, s, func(tx store.Tx) error {
		_, err := tx.Get("User", "ada")
		want(tb, "get of none", err, store.ErrNotFound)
		want(tb, "put of none", tx.Put(user("ada")), store.ErrNotFound)
		want(tb, "delete of none", tx.Delete("User", "ada"), store.ErrNotFound)
		if err := errors.Join(tx.Insert(user("ada")), tx.Insert(user("bob"))); err != nil {
			tb.Errorf("insert: %v", err)
		}
		want(tb, "second insert", tx.Insert(user("ada")), store.ErrExists)
		group := user("ada")
		group.Type = "Group"
		if err := tx.Insert(group); err != nil {
			tb.Errorf("insert of the same id and claim under another type: %v", err)
		}
		return nil
	})
	changed := user("ada")
	changed.Version, changed.Data, changed.Seq = "v2", []byte(`{}`), 99
	changed.Created, changed.Modified = time.Time{}, changed.Modified.Add(time.Hour)
	changed.Index = []store.Entry{{Path: "userName", Value: "countess"}}
	update(tb, s, func(tx store.Tx) error { return tx.Put(changed) })
	view(tb, s, func(tx store.Tx) error {
		got, err := tx.Get("User", "ada")
		expect := stored(changed, 1)
		expect.Created = stamp(user("ada").Created)
		equal(tb, "record after put", expect, got)
		equal(tb, "all users", []store.Record{expect, stored(user("bob"), 2)}, rows(tb, tx, store.Query{Type: "User"}))
		byName := store.Query{Type: "User", Conds: []store.Cond{{Path: "userName", Value: "ada"}}}
		equal(tb, "by the old name", []string{}, ids(tb, tx, byName))
		byName.Conds[0].Value = "countess"
		equal(tb, "by the new name", []string{"ada"}, ids(tb, tx, byName))
		return err
	})
	update(tb, s, func(tx store.Tx) error { return tx.Delete("User", "bob") })
	update(tb, s, func(tx store.Tx) error { return tx.Insert(user("bob")) })
	view(tb, s, func(tx store.Tx) error {
		bob, err := tx.Get("User", "bob")
		equal(tb, "Seq after deleting the last and inserting again", uint64(4), bob.Seq)
		return err
	})
}

func claims(tb tester, open Open) {
	s := opened(tb, open)
	with := func(id string, names ...string) store.Record {
		r := user(id)
		r.Unique = nil
		for _, n := range names {
			r.Unique = append(r.Unique, store.Claim{Path: "userName", Value: n})
		}
		return r
	}
	refused := func(what string, err error, holder string) {
		tb.Helper()
		want(tb, what, err, store.ErrUnique)
		var u *store.UniqueError
		if errors.As(err, &u) {
			equal(tb, what, store.UniqueError{Path: "userName", Holder: holder}, *u)
		}
	}
	update(tb, s, func(tx store.Tx) error {
		err := errors.Join(tx.Insert(with("1", "ada", "ada")), tx.Insert(with("2", "bob")))
		refused("insert", tx.Insert(with("3", "new", "ada")), "1")
		refused("put", tx.Put(with("2", "new", "ada")), "1")
		// A refusal leaves nothing behind, though the transaction goes on.
		_, none := tx.Get("User", "3")
		want(tb, "get of the refused", none, store.ErrNotFound)
		_, none = tx.Claimed("User", "userName", "new")
		want(tb, "claim of the refused", none, store.ErrNotFound)
		return errors.Join(err, tx.Put(with("1", "ada")))
	})
	update(tb, s, func(tx store.Tx) error { // both change names within one transaction
		return errors.Join(tx.Put(with("1", "eve")), tx.Put(with("2", "ada")), tx.Put(with("1", "bob")))
	})
	update(tb, s, func(tx store.Tx) error {
		holder, err := tx.Claimed("User", "userName", "ada")
		equal(tb, "holder of ada", "2", holder)
		_, none := tx.Claimed("User", "userName", "eve")
		want(tb, "claim given up", none, store.ErrNotFound)
		_, none = tx.Claimed("Group", "userName", "ada")
		want(tb, "claim under another type", none, store.ErrNotFound)
		return errors.Join(err, tx.Delete("User", "2"), tx.Insert(with("4", "ada")))
	})
}

func linkBasics(tb tester, open Open) {
	s := opened(tb, open)
	const n = 1203
	member := func(i int) store.Link {
		return store.Link{Kind: "member", From: "g", To: fmt.Sprint("u", i), Seq: uint64(i + 1), Value: []byte(`{"n":1}`)} //nolint:gosec // small
	}
	all := []store.Link{}
	update(tb, s, func(tx store.Tx) error {
		for i := range n {
			l := member(i)
			all = append(all, l)
			l.Seq = 7 // is set by the store
			if added, err := tx.PutLink(l); !added || err != nil {
				tb.Fatalf("put link %d: %v, %v", i, added, err)
			}
		}
		added, err := tx.PutLink(store.Link{Kind: "member", From: "g", To: "u3", Value: []byte("x")})
		all[3].Value = []byte("x")
		equal(tb, "added when replacing", false, added)
		added, err2 := tx.PutLink(store.Link{Kind: "grant", From: "g", To: "u3"})
		equal(tb, "added under another kind", true, added)
		return errors.Join(err, err2)
	})
	view(tb, s, func(tx store.Tx) error {
		from := store.LinkQuery{Kind: "member", From: "g"}
		equal(tb, "all members", all, links(tb, tx, from))
		paged := []store.Link{}
		for q := from; ; {
			q.Limit = 100
			page := links(tb, tx, q)
			paged = append(paged, page...)
			if len(page) < q.Limit || len(paged) > tooMany {
				break
			}
			q.AfterSeq = page[len(page)-1].Seq
		}
		equal(tb, "members page by page", all, paged)
		equal(tb, "offset and limit", all[700:1250-50], links(tb, tx, store.LinkQuery{Kind: "member", From: "g", AfterSeq: 100, Offset: 600, Limit: 500}))
		equal(tb, "behind the end", []store.Link{}, links(tb, tx, store.LinkQuery{Kind: "member", From: "g", Offset: n}))
		equal(tb, "by the other end", all[5:6], links(tb, tx, store.LinkQuery{Kind: "member", To: "u5"}))
		got, err := tx.GetLink("member", "g", "u3")
		equal(tb, "one link", all[3], got)
		_, none := tx.GetLink("member", "u3", "g")
		want(tb, "link the other way", none, store.ErrNotFound)
		from.AfterSeq, from.Offset, from.Limit = 5, 6, 7
		count, err2 := tx.CountLinks(from)
		equal(tb, "count", n, count)
		for _, bad := range []store.LinkQuery{{Kind: "member"}, {Kind: "member", From: "g", To: "u1"}} {
			_, err := tx.CountLinks(bad)
			want(tb, "links without or with both ends", err, store.ErrQuery)
		}
		return errors.Join(err, err2)
	})
	update(tb, s, func(tx store.Tx) error {
		removed, err := tx.DeleteLink("member", "g", "u0")
		equal(tb, "removed", true, removed)
		removed, err2 := tx.DeleteLink("member", "g", "u0")
		equal(tb, "removed again", false, removed)
		added, err3 := tx.PutLink(member(0))
		equal(tb, "added again", true, added)
		l, err4 := tx.GetLink("member", "g", "u0")
		equal(tb, "Seq of the link added again", uint64(n+2), l.Seq)
		return errors.Join(err, err2, err3, err4)
	})
}

func values(tb tester, open Open) {
	s := opened(tb, open)
	update(tb, s, func(tx store.Tx) error {
		_, err := tx.Value("clock")
		want(tb, "value of none", err, store.ErrNotFound)
		return errors.Join(tx.DeleteValue("clock"), tx.SetValue("clock", []byte("1")), tx.SetValue("clock", []byte("2")), tx.SetValue("empty", nil))
	})
	view(tb, s, func(tx store.Tx) error {
		got, err := tx.Value("clock")
		equal(tb, "value", "2", string(got))
		got, err2 := tx.Value("empty")
		equal(tb, "empty value", "", string(got))
		return errors.Join(err, err2)
	})
	update(tb, s, func(tx store.Tx) error { return tx.DeleteValue("clock") })
	view(tb, s, func(tx store.Tx) error {
		_, err := tx.Value("clock")
		want(tb, "value deleted", err, store.ErrNotFound)
		return nil
	})
}

// nothingAliases changes all that went in and came out, and looks again.
func nothingAliases(tb tester, open Open) {
	s := opened(tb, open)
	spoil := func(b []byte) {
		for i := range b {
			b[i] = '#'
		}
	}
	r := user("ada")
	l := store.Link{Kind: "member", From: "g", To: "ada", Value: []byte("link")}
	v := []byte("value")
	update(tb, s, func(tx store.Tx) error {
		_, err := tx.PutLink(l)
		return errors.Join(err, tx.Insert(r), tx.SetValue("v", v))
	})
	spoil(r.Data)
	spoil(l.Value)
	spoil(v)
	r.Index[0].Value, r.Unique[0].Value = "#", "#"
	byName := store.Query{Type: "User", Conds: []store.Cond{{Path: "userName", Value: "ada"}}}
	for range 2 {
		view(tb, s, func(tx store.Tx) error {
			got, err := tx.Get("User", "ada")
			equal(tb, "data", `{"id":"ada"}`, string(got.Data))
			spoil(got.Data)
			for _, found := range rows(tb, tx, byName) {
				equal(tb, "data of a row", `{"id":"ada"}`, string(found.Data))
				spoil(found.Data)
			}
			equal(tb, "by name", []string{"ada"}, ids(tb, tx, byName))
			link, err2 := tx.GetLink("member", "g", "ada")
			equal(tb, "link", "link", string(link.Value))
			spoil(link.Value)
			for _, found := range links(tb, tx, store.LinkQuery{Kind: "member", To: "ada"}) {
				equal(tb, "link in a list", "link", string(found.Value))
				spoil(found.Value)
			}
			val, err3 := tx.Value("v")
			equal(tb, "value", "value", string(val))
			spoil(val)
			return errors.Join(err, err2, err3)
		})
	}
}

// fill inserts n users, whose names count down while they count up.
func fill(tb testing.TB, s store.Store, n int) {
	tb.Helper()
	update(tb, s, func(tx store.Tx) error {
		for i := range n {
			r := user(fmt.Sprintf("id%05d", i))
			r.Index = []store.Entry{
				{Path: "userName", Value: fmt.Sprintf("name%05d", n-i)},
				{Path: "active", Value: fmt.Sprint(i%2 == 0)},
				{Path: "emails.value", Elem: 0, Value: fmt.Sprintf("a%d", i%7)},
				{Path: "emails.value", Elem: 1, Value: fmt.Sprintf("b%d", i%5)},
				{Path: "emails.type", Elem: i % 2, Value: "work"},
			}
			if i%3 == 0 {
				r.Index = append(r.Index, store.Entry{Path: "title", Value: fmt.Sprint(i % 10)})
			}
			if err := tx.Insert(r); err != nil {
				return err
			}
		}
		return nil
	})
}

func writingWhileIterating(tb tester, open Open) {
	s := opened(tb, open)
	const n = 500
	fill(tb, s, n)
	update(tb, s, func(tx store.Tx) error {
		seen := map[string]int{}
		for r, err := range tx.Query(store.Query{Type: "User", SortPath: "userName"}) {
			if err != nil {
				return err
			}
			seen[r.ID]++
			// Moves to the end of the order that is being walked.
			moved := user(r.ID)
			moved.Index[0].Value = "z" + r.ID
			if err := errors.Join(tx.Put(moved), tx.Insert(user("new"+r.ID))); err != nil {
				return err
			}
		}
		equal(tb, "records seen", n, len(seen))
		for id, times := range seen {
			if times != 1 {
				tb.Errorf("%s came %d times", id, times)
			}
		}
		return nil
	})
	update(tb, s, func(tx store.Tx) error {
		for r, err := range tx.Query(store.Query{Type: "User"}) {
			if err == nil {
				err = tx.Delete("User", r.ID)
			}
			if err != nil {
				return err
			}
		}
		left, err := tx.Count(store.Query{Type: "User"})
		equal(tb, "left after deleting each", 0, left)
		return err
	})
	update(tb, s, func(tx store.Tx) error {
		for i := range n + 200 {
			if _, err := tx.PutLink(store.Link{Kind: "member", From: "g", To: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		for l, err := range tx.Links(store.LinkQuery{Kind: "member", From: "g"}) {
			if err != nil {
				return err
			}
			_, err2 := tx.DeleteLink("member", "g", l.To)
			if _, err := tx.PutLink(store.Link{Kind: "member", From: "g", To: "new" + l.To}); errors.Join(err, err2) != nil {
				return errors.Join(err, err2)
			}
		}
		left, err := tx.CountLinks(store.LinkQuery{Kind: "member", From: "g"})
		equal(tb, "links after replacing each", n+200, left)
		return err
	})
}

// allChecks is the whole suite; the tests of this package use
// it to see that broken stores fail.
func allChecks() []check {
	var all []check
	all = append(all, basics...)
	all = append(all, transactions...)
	return append(all, concurrency...)
}

func done(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	return ctx
}
