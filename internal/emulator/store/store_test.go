package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

func TestIntervalAgreesWithComparison(t *testing.T) {
	values := []string{"", "\x00", "a", "a\x00", "a\x00b", "aa", "ab", "b", "\xfe", "\xff", "\xff\x00", "\xff\xff", "\xffa"}
	for rel, holds := range map[store.Rel]func(value, with string) bool{
		store.Eq:     func(v, w string) bool { return v == w },
		store.Prefix: strings.HasPrefix,
		store.Lt:     func(v, w string) bool { return v < w },
		store.Le:     func(v, w string) bool { return v <= w },
		store.Gt:     func(v, w string) bool { return v > w },
		store.Ge:     func(v, w string) bool { return v >= w },
		store.Any:    func(string, string) bool { return true },
	} {
		for _, w := range values {
			iv := store.Cond{Rel: rel, Value: w}.Interval()
			for _, v := range values {
				if got, want := iv.Contains(v), holds(v, w); got != want {
					t.Errorf("relation %d of %q with %q is %v, want %v", rel, v, w, got, want)
				}
			}
		}
	}
}

func TestNormal(t *testing.T) {
	given := store.Record{
		Created: time.Date(2026, 1, 1, 1, 0, 0, 1999, time.FixedZone("", 3600)),
		Index:   []store.Entry{{Path: "b", Elem: 1}, {Path: "b"}, {Path: "a", Value: "x"}, {Path: "b", Elem: 1}},
		Unique:  []store.Claim{{Path: "b"}, {Path: "a"}, {Path: "b"}},
	}
	before := given.Index[0]
	want := store.Record{
		Created: time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC),
		Data:    []byte{},
		Index:   []store.Entry{{Path: "a", Value: "x"}, {Path: "b"}, {Path: "b", Elem: 1}},
		Unique:  []store.Claim{{Path: "a"}, {Path: "b"}},
	}
	if diff := cmp.Diff(want, given.Normal()); diff != "" {
		t.Errorf("normal form (-want +got):\n%s", diff)
	}
	if given.Index[0] != before {
		t.Error("the record given was changed")
	}
}

func TestUniqueErrorIsErrUnique(t *testing.T) {
	err := error(&store.UniqueError{Path: "userName", Holder: "secret"})
	if !errors.Is(err, store.ErrUnique) || errors.Is(err, store.ErrExists) {
		t.Errorf("%v is not exactly ErrUnique", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("text names the holder: %v", err)
	}
}

func FuzzCursor(f *testing.F) {
	q := store.Query{Type: "User", SortPath: "userName", Conds: []store.Cond{{Path: "active", Value: "true"}}}
	f.Add(q.Cursors()(store.Position{Value: "ada", Seq: 7}))
	f.Add(q.Cursors()(store.Position{Tail: true, Seq: 9}))
	f.Add("")
	f.Add("####")
	f.Add(q.Cursors()(store.Position{Seq: 1}) + "\n")
	f.Add(strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, text string) {
		q := q
		q.After = text
		at, err := q.Start()
		switch {
		case err != nil:
			if !errors.Is(err, store.ErrCursor) {
				t.Errorf("error is %v, want ErrCursor", err)
			}
		case at == nil:
			if text != "" {
				t.Errorf("%q means the beginning", text)
			}
		case q.Cursors()(*at) != text:
			t.Errorf("%q was read as %+v, which is written %q", text, *at, q.Cursors()(*at))
		}
	})
}

func TestCursorBelongsToItsQuery(t *testing.T) {
	at := store.Position{Value: "x", Seq: 3}
	q := store.Query{Type: "User", SortPath: "userName", Conds: []store.Cond{{Path: "a", Value: "b"}}, In: &store.In{Path: "id", Values: []string{"1"}}}
	cursor := q.Cursors()(at)
	for name, change := range map[string]func(*store.Query){
		"type":      func(q *store.Query) { q.Type = "Group" },
		"order":     func(q *store.Query) { q.SortPath = "id" },
		"direction": func(q *store.Query) { q.Desc = true },
		"path":      func(q *store.Query) { q.Conds = []store.Cond{{Path: "ab"}} },
		"relation":  func(q *store.Query) { q.Conds = []store.Cond{{Path: "a", Value: "b", Rel: store.Ge}} },
		"group":     func(q *store.Query) { q.Conds = []store.Cond{{Path: "a", Value: "b", Group: 1}} },
		"list":      func(q *store.Query) { q.In = &store.In{Path: "id", Values: []string{"1", "2"}} },
		"no list":   func(q *store.Query) { q.In = nil },
	} {
		other := q
		change(&other)
		other.After = cursor
		if _, err := other.Start(); !errors.Is(err, store.ErrCursor) {
			t.Errorf("another %s: error is %v, want ErrCursor", name, err)
		}
	}
	same := q
	same.After, same.Limit, same.Offset = cursor, 5, 6
	if got, err := same.Start(); err != nil || *got != at {
		t.Errorf("another page: %+v, %v; want %+v", got, err, at)
	}
}
