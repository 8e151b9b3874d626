package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/idctl/idctl/internal/emulator/store"
)

// RunTransactions checks what holds for View and Update as a whole.
func RunTransactions(t *testing.T, open func(testing.TB) store.Store) {
	t.Helper()
	runAll(t, open, transactions)
}

var transactions = []check{
	{"RollbackOnError", rollbackOnError},
	{"RollbackOnPanic", rollbackOnPanic},
	{"ReadOnly", readOnly},
	{"Closed", closed},
	{"Over", over},
	{"Cancelled", cancelled},
	{"Snapshot", snapshot},
	{"Version", version},
	{"Reset", reset},
}

// content is all there is, for comparing before and after.
func content(tb testing.TB, s store.Store) map[string]any {
	tb.Helper()
	m := map[string]any{}
	view(tb, s, func(tx store.Tx) error {
		m["users"] = rows(tb, tx, store.Query{Type: "User"})
		m["by name"] = ids(tb, tx, store.Query{Type: "User", SortPath: "userName"})
		m["links"] = links(tb, tx, store.LinkQuery{Kind: "member", From: "g"})
		v, err := tx.Value("v")
		m["value"] = outcome(string(v), err)
		id, err := tx.Claimed("User", "userName", "ada")
		m["claim"] = outcome(id, err)
		id, err = tx.Claimed("User", "userName", "new")
		m["new claim"] = outcome(id, err)
		return nil
	})
	return m
}

// some puts a little of everything in.
func some(tb testing.TB, s store.Store) {
	tb.Helper()
	update(tb, s, func(tx store.Tx) error {
		_, err := tx.PutLink(store.Link{Kind: "member", From: "g", To: "ada"})
		return errors.Join(err, tx.Insert(user("ada")), tx.Insert(user("bob")), tx.SetValue("v", []byte("1")))
	})
}

// touch changes a little of everything.
func touch(tx store.Tx) error {
	renamed := user("bob")
	renamed.Index[0].Value = "robert"
	_, err := tx.PutLink(store.Link{Kind: "member", From: "g", To: "new"})
	_, err2 := tx.DeleteLink("member", "g", "ada")
	return errors.Join(err, err2, tx.Delete("User", "ada"), tx.Insert(user("new")), tx.Put(renamed), tx.SetValue("v", []byte("2")))
}

func rollbackOnError(tb tester, open Open) {
	s := opened(tb, open)
	some(tb, s)
	before := content(tb, s)
	v := versionOf(tb, s)
	err := s.Update(tb.Context(), func(tx store.Tx) error {
		if err := touch(tx); err != nil {
			tb.Errorf("changing: %v", err)
		}
		equal(tb, "own writes", []string{"bob", "new"}, ids(tb, tx, store.Query{Type: "User"}))
		return errUndo
	})
	want(tb, "update", err, errUndo)
	equal(tb, "content after rolling back", before, content(tb, s))
	equal(tb, "version after rolling back", v, versionOf(tb, s))
	update(tb, s, touch) // the store is usable
	equal(tb, "claim given up", "store: not found", content(tb, s)["claim"])
}

func rollbackOnPanic(tb tester, open Open) {
	s := opened(tb, open)
	some(tb, s)
	before := content(tb, s)
	func() {
		defer func() { equal(tb, "recovered", "oh", recover()) }()
		_ = s.Update(tb.Context(), func(tx store.Tx) error {
			if err := touch(tx); err != nil {
				tb.Errorf("changing: %v", err)
			}
			panic("oh")
		})
	}()
	func() {
		defer func() { equal(tb, "recovered", "oh", recover()) }()
		_ = s.View(tb.Context(), func(store.Tx) error { panic("oh") })
	}()
	equal(tb, "content after a panic", before, content(tb, s))
	update(tb, s, touch)
}

func writes(tx store.Tx) map[string]error {
	_, put := tx.PutLink(store.Link{Kind: "member", From: "g", To: "x"})
	_, del := tx.DeleteLink("member", "g", "ada")
	return map[string]error{
		"insert": tx.Insert(user("x")), "put": tx.Put(user("ada")), "delete": tx.Delete("User", "ada"),
		"put link": put, "delete link": del,
		"set value": tx.SetValue("v", nil), "delete value": tx.DeleteValue("v"),
	}
}

func reads(tx store.Tx) map[string]error {
	_, get := tx.Get("User", "ada")
	_, claimed := tx.Claimed("User", "userName", "ada")
	_, count := tx.Count(store.Query{Type: "User"})
	_, link := tx.GetLink("member", "g", "ada")
	_, countLinks := tx.CountLinks(store.LinkQuery{Kind: "member", From: "g"})
	_, value := tx.Value("v")
	m := map[string]error{
		"get": get, "claimed": claimed, "count": count, "get link": link, "count links": countLinks, "value": value,
		"query": queryError(tx, store.Query{Type: "User"}),
	}
	for _, err := range tx.Links(store.LinkQuery{Kind: "member", From: "g"}) {
		m["links"] = err
	}
	return m
}

func readOnly(tb tester, open Open) {
	s := opened(tb, open)
	some(tb, s)
	before := content(tb, s)
	view(tb, s, func(tx store.Tx) error {
		for what, err := range writes(tx) {
			want(tb, what+" in View", err, store.ErrReadOnly)
		}
		return nil
	})
	equal(tb, "content", before, content(tb, s))
}

func closed(tb tester, open Open) {
	s := open(tb)
	some(tb, s)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		tb.Errorf("close twice: %v", err)
	}
	never := func(store.Tx) error { tb.Error("called after Close"); return nil }
	want(tb, "view", s.View(tb.Context(), never), store.ErrClosed)
	want(tb, "update", s.Update(tb.Context(), never), store.ErrClosed)
	want(tb, "reset", s.Reset(tb.Context()), store.ErrClosed)
	_, err := s.Version(tb.Context())
	want(tb, "version", err, store.ErrClosed)
}

func over(tb tester, open Open) {
	s := opened(tb, open)
	fill(tb, s, 300)
	some(tb, s)
	var kept []store.Tx
	keep := func(tx store.Tx) error { kept = append(kept, tx); return nil }
	view(tb, s, keep)
	update(tb, s, keep)
	for _, tx := range kept {
		for what, err := range reads(tx) {
			want(tb, what+" after the end", err, store.ErrTxDone)
		}
		for what, err := range writes(tx) {
			want(tb, what+" after the end", err, store.ErrTxDone)
		}
	}
	// An iterator that outlives its transaction must stop, too.
	var late error
	n := 0
	for _, err := range escaped(tb, s) {
		n++
		late = err
	}
	want(tb, fmt.Sprintf("iterator after the end, %d rows", n), late, store.ErrTxDone)
}

// escaped yields one row within a View and the others after it.
func escaped(tb testing.TB, s store.Store) func(func(store.Row, error) bool) {
	tb.Helper()
	var seq func(func(store.Row, error) bool)
	view(tb, s, func(tx store.Tx) error { seq = tx.Query(store.Query{Type: "User"}); return nil })
	return seq
}

func cancelled(tb tester, open Open) {
	s := opened(tb, open)
	some(tb, s)
	before := content(tb, s)
	ctx := done(tb)
	never := func(store.Tx) error { tb.Error("called with a context that has ended"); return errUndo }
	want(tb, "view", s.View(ctx, never), context.Canceled)
	want(tb, "update", s.Update(ctx, never), context.Canceled)
	want(tb, "reset", s.Reset(ctx), context.Canceled)
	_, err := s.Version(ctx)
	want(tb, "version", err, context.Canceled)

	ctx, cancel := context.WithCancel(tb.Context())
	err = s.Update(ctx, func(tx store.Tx) error {
		if err := touch(tx); err != nil {
			tb.Errorf("changing: %v", err)
		}
		cancel()
		_, err := tx.Get("User", "bob")
		want(tb, "get after cancelling", err, context.Canceled)
		return nil
	})
	want(tb, "commit after cancelling", err, context.Canceled)
	equal(tb, "content", before, content(tb, s))

	// Waiting for another writer can be given up.
	ctx, cancel = context.WithCancel(tb.Context())
	update(tb, s, func(store.Tx) error {
		waiter := make(chan error)
		go func() { waiter <- s.Update(ctx, never) }()
		cancel()
		want(tb, "waiting", <-waiter, context.Canceled)
		return nil
	})
}

func snapshot(tb tester, open Open) {
	s := opened(tb, open)
	some(tb, s)
	view(tb, s, func(tx store.Tx) error {
		before := []string{"ada", "bob"}
		update(tb, s, touch) // beside the View that runs
		equal(tb, "users of the snapshot", before, ids(tb, tx, store.Query{Type: "User"}))
		n, err := tx.Count(store.Query{Type: "User", Conds: []store.Cond{{Path: "userName", Value: "robert"}}})
		equal(tb, "found by the later name", 0, n)
		v, err2 := tx.Value("v")
		equal(tb, "value of the snapshot", "1", string(v))
		return errors.Join(err, err2)
	})
	view(tb, s, func(tx store.Tx) error {
		equal(tb, "users later", []string{"bob", "new"}, ids(tb, tx, store.Query{Type: "User"}))
		return nil
	})
	// An Update must not show before it is committed.
	update(tb, s, func(tx store.Tx) error {
		err := tx.Insert(user("eve"))
		view(tb, s, func(tx store.Tx) error {
			_, err := tx.Get("User", "eve")
			want(tb, "uncommitted record", err, store.ErrNotFound)
			return nil
		})
		return err
	})
}

func versionOf(tb testing.TB, s store.Store) uint64 {
	tb.Helper()
	v, err := s.Version(tb.Context())
	if err != nil {
		tb.Fatalf("version: %v", err)
	}
	return v
}

func version(tb tester, open Open) {
	s := opened(tb, open)
	last := versionOf(tb, s)
	for _, step := range []struct {
		name    string
		changes bool
		f       func(store.Tx) error
	}{
		{"insert", true, func(tx store.Tx) error { return tx.Insert(user("ada")) }},
		{"nothing", false, func(store.Tx) error { return nil }},
		{"a read", false, func(tx store.Tx) error { _, err := tx.Get("User", "ada"); return err }},
		{"put", true, func(tx store.Tx) error { return tx.Put(user("ada")) }},
		{"link", true, func(tx store.Tx) error { _, err := tx.PutLink(store.Link{Kind: "k", From: "a", To: "b"}); return err }},
		{"no link removed", false, func(tx store.Tx) error { _, err := tx.DeleteLink("k", "b", "a"); return err }},
		{"link removed", true, func(tx store.Tx) error { _, err := tx.DeleteLink("k", "a", "b"); return err }},
		{"value", true, func(tx store.Tx) error { return tx.SetValue("v", nil) }},
		{"value removed", true, func(tx store.Tx) error { return tx.DeleteValue("v") }},
		{"no value removed", false, func(tx store.Tx) error { return tx.DeleteValue("v") }},
		{"delete", true, func(tx store.Tx) error { return tx.Delete("User", "ada") }},
	} {
		update(tb, s, step.f)
		now := versionOf(tb, s)
		if changed := now != last; changed != step.changes {
			tb.Errorf("after %s: version changed is %v, want %v", step.name, changed, step.changes)
		}
		last = now
	}
}

func reset(tb tester, open Open) {
	s := opened(tb, open)
	empty := content(tb, s)
	fill(tb, s, 20)
	some(tb, s)
	before := versionOf(tb, s)
	if err := s.Reset(tb.Context()); err != nil {
		tb.Fatalf("reset: %v", err)
	}
	equal(tb, "content after reset", empty, content(tb, s))
	if versionOf(tb, s) == before {
		tb.Error("reset has not changed the version")
	}
	some(tb, s)
	equal(tb, "users after filling again", 2, len(content(tb, s)["users"].([]store.Record)))
}
