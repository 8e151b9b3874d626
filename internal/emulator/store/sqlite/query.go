package sqlite

import (
	"iter"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

const (
	// keyPage is how many keys of a query without conditions are read at once.
	keyPage = 2000
	// rowPage is how many documents are read at once.
	rowPage = 64
)

func (t *tx) Query(q store.Query) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		err := t.query(q, func(r store.Row) bool { return yield(r, nil) })
		if err != nil {
			yield(store.Row{}, err)
		}
	}
}

// query settles which records come before it hands out the first, so that the
// caller may write meanwhile. Only a View of all records goes piece by piece:
// nothing changes there, and a million keys at once would be a waste.
func (t *tx) query(q store.Query, yield func(store.Row) bool) error {
	left := q.Limit
	for {
		p, ok, err := t.begin(q)
		if err != nil || !ok {
			return err
		}
		pieces := !t.writable && !p.filtered() && (left == 0 || left > keyPage)
		if pieces {
			p.q.Limit = keyPage
		}
		keys, err := t.keys(p)
		if err != nil {
			return err
		}
		more, last, err := t.rows(p, keys, yield)
		if err != nil || !more || !pieces || len(keys) < keyPage {
			return err
		}
		if left > 0 {
			if left -= keyPage; left == 0 {
				return nil
			}
		}
		q.After, q.Offset, q.Limit = last, 0, left
	}
}

// begin checks a query and looks up its names; false means that nothing can
// match.
func (t *tx) begin(q store.Query) (plan, bool, error) {
	if err := t.reading(); err != nil {
		return plan{}, false, err
	}
	if err := q.Check(); err != nil {
		return plan{}, false, err
	}
	start, err := q.Start()
	if err != nil {
		return plan{}, false, err
	}
	p, ok, err := t.plan(q)
	p.start = start
	return p, ok, err
}

// rows reads and hands out the documents with these keys. It answers whether
// to go on, and the cursor of the last.
func (t *tx) rows(p plan, keys []uint64, yield func(store.Row) bool) (more bool, last string, err error) {
	for chunk := range slices.Chunk(keys, rowPage) {
		if err := t.reading(); err != nil {
			return false, "", err
		}
		rows, err := t.load(p, chunk)
		if err != nil {
			return false, "", err
		}
		for _, r := range rows {
			if !yield(r) {
				return false, "", nil
			}
			if err := t.reading(); err != nil {
				return false, "", err
			}
			last = r.Cursor
		}
	}
	return true, last, nil
}

// load reads documents in the order of their keys.
func (t *tx) load(p plan, keys []uint64) ([]store.Row, error) {
	found := make(map[uint64]store.Row, len(keys))
	list, args := placeholders(keys)
	err := t.each("SELECT "+columns+" FROM records WHERE seq IN "+list, args, func(from func(...any) error) error {
		r, column, err := scan(from, p.q.Type)
		if err != nil {
			return err
		}
		entries, err := decodeAt(column, p.paths)
		if err != nil {
			return t.damaged(err)
		}
		found[r.Seq] = store.Row{Record: r, Cursor: p.cursor(p.q.Position(r.Seq, entries))}
		return nil
	})
	rows := make([]store.Row, 0, len(keys))
	for _, k := range keys {
		if r, ok := found[k]; ok { // deleted meanwhile by the caller otherwise
			rows = append(rows, r)
		}
	}
	return rows, err
}

// placeholders answers "(?, ?)" and the arguments for it. Few lengths occur,
// so that few statements are prepared: the last argument is repeated.
func placeholders[T any](values []T) (string, []any) {
	n := 1
	for n < len(values) {
		n *= 4
	}
	args := make([]any, n)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return "(?" + strings.Repeat(", ?", n-1) + ")", args
}

func (t *tx) Count(q store.Query) (int, error) {
	q.After, q.Offset, q.Limit, q.SortPath = "", 0, 0, ""
	p, ok, err := t.begin(q)
	if err != nil || !ok {
		return 0, err
	}
	if !p.filtered() {
		return t.total(p.typ)
	}
	return t.counted(q.FilterKey(), func() (int, error) {
		few, ok, err := t.few(p)
		if err != nil {
			return 0, err
		}
		if ok {
			few, err = t.arrange(p, few)
			return len(few), err
		}
		var n int
		if len(p.conds) == 1 {
			where, args := p.conds[0].where()
			err = t.row("SELECT count(DISTINCT seq) FROM entries WHERE "+where, args, &n)
			return n, err
		}
		where, args := p.filter()
		err = t.row("SELECT count(*) FROM records INDEXED BY records_order WHERE type = ?"+where, append([]any{p.typ}, args...), &n)
		return n, err
	})
}
