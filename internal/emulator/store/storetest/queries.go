package storetest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
)

func queryError(tx store.Tx, q store.Query) error {
	for _, err := range tx.Query(q) {
		if err != nil {
			return err
		}
	}
	return nil
}

func badQueries(tb tester, open Open) {
	s := opened(tb, open)
	fill(tb, s, 3)
	view(tb, s, func(tx store.Tx) error {
		for name, q := range map[string]store.Query{
			"negative offset":    {Type: "User", Offset: -1},
			"negative limit":     {Type: "User", Limit: -1},
			"unknown comparison": {Type: "User", Conds: []store.Cond{{Path: "userName", Rel: 99}}},
		} {
			want(tb, name, queryError(tx, q), store.ErrQuery)
		}
		return nil
	})
}

func cursors(tb tester, open Open) {
	s := opened(tb, open)
	fill(tb, s, 10)
	view(tb, s, func(tx store.Tx) error {
		q := store.Query{Type: "User", SortPath: "title", Limit: 2}
		var cursor string
		for r, err := range tx.Query(q) {
			if err != nil {
				return err
			}
			cursor = r.Cursor
		}
		byActive := q
		byActive.Conds = []store.Cond{{Path: "active", Value: "true"}}
		desc, unsorted := q, q
		desc.Desc, unsorted.SortPath = true, ""
		for name, bad := range map[string]struct {
			q     store.Query
			after string
		}{
			"not base64":       {q, "###"},
			"too short":        {q, "aGFsbG8"},
			"a letter less":    {q, cursor[:len(cursor)-1] + "!"},
			"other conditions": {byActive, cursor},
			"other direction":  {desc, cursor},
			"other order":      {unsorted, cursor},
		} {
			bad.q.After = bad.after
			want(tb, name, queryError(tx, bad.q), store.ErrCursor)
		}
		return nil
	})
	// The record behind which to continue may have gone.
	q := store.Query{Type: "User", SortPath: "userName", Limit: 4}
	view(tb, s, func(tx store.Tx) error {
		for r, err := range tx.Query(q) {
			if err != nil {
				return err
			}
			q.After = r.Cursor
		}
		return nil
	})
	update(tb, s, func(tx store.Tx) error { return tx.Delete("User", "id00006") })
	view(tb, s, func(tx store.Tx) error {
		equal(tb, "behind a deleted record", []string{"id00005", "id00004", "id00003", "id00002"}, ids(tb, tx, q))
		return nil
	})
}

// manyRows uses more rows than back ends hold at once or look at singly.
func manyRows(tb tester, open Open) {
	s, n := opened(tb, open), newNaive()
	const size = 2600
	fill(tb, s, size)
	fill(tb, n, size)
	in := store.In{Path: "id"}
	for i := range 1500 {
		in.Values = append(in.Values, fmt.Sprintf("id%05d", (i*7)%3000))
	}
	work := []store.Cond{
		{Path: "emails.type", Value: "work", Group: 1},
		{Path: "emails.value", Rel: store.Lt, Value: "b3", Group: 1},
	}
	active := store.Cond{Path: "active", Value: "true"}
	named := store.Cond{Path: "userName", Rel: store.Ge, Value: "name00200"}
	for name, q := range map[string]store.Query{
		"all":                {},
		"by name":            {SortPath: "userName"},
		"by title":           {SortPath: "title"},
		"by mail":            {SortPath: "emails.value"},
		"by nothing known":   {SortPath: "never"},
		"active":             {Conds: []store.Cond{active}},
		"active by title":    {Conds: []store.Cond{active}, SortPath: "title"},
		"present":            {Conds: []store.Cond{{Path: "userName", Rel: store.Any}}, SortPath: "title"},
		"name range":         {Conds: []store.Cond{named}},
		"name range by name": {Conds: []store.Cond{named}, SortPath: "userName"},
		"mail range by mail": {Conds: []store.Cond{{Path: "emails.value", Rel: store.Gt, Value: "a2"}}, SortPath: "emails.value"},
		"two":                {Conds: []store.Cond{active, named}, SortPath: "emails.value"},
		"group":              {Conds: work},
		"group and more":     {Conds: append(work, named), SortPath: "title"},
		"in":                 {In: &in, SortPath: "title"},
		"in and active":      {In: &in, Conds: []store.Cond{active}},
	} {
		for _, desc := range []bool{false, true} {
			q.Type, q.Desc = "User", desc
			what := fmt.Sprintf("%s, desc %v", name, desc)
			var full []store.Record
			view(tb, n, func(tx store.Tx) error { full = rows(tb, tx, q); return nil })
			view(tb, s, func(tx store.Tx) error {
				sameRows(tb, what, full, rows(tb, tx, q))
				sameRows(tb, what+", paged", full, pages(tb, tx, q, 1999))
				count, err := tx.Count(q)
				equal(tb, what+", count", len(full), count)
				for _, at := range []int{0, len(full) / 3, len(full) - 60, len(full) - 3, len(full) + 5} {
					part := q
					part.Offset, part.Limit = at, 50
					low, high := min(at, len(full)), min(at+50, len(full))
					got := rows(tb, tx, part)
					sameRows(tb, fmt.Sprintf("%s, offset %d", what, at), full[low:high], got)
				}
				return err
			})
		}
	}
}

// sameRows ends the test at the first row that differs: a diff of thousands of
// rows takes long and says little.
func sameRows(tb testing.TB, what string, want, got []store.Record) {
	tb.Helper()
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) {
			tb.Fatalf("%s: got %d rows, want %d", what, len(got), len(want))
		}
		if !reflect.DeepEqual(want[i], got[i]) {
			tb.Fatalf("%s: row %d (-want +got):\n%s", what, i, cmp.Diff(want[i], got[i]))
		}
	}
}

func likeNaive(tb tester, open Open) {
	for seed := range uint64(4) {
		Compare(tb, seed, 90, newNaive(), opened(tb, open))
	}
}
