package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"

	"github.com/idctl/idctl/internal/emulator/store"
)

// linkPage is how many links one statement reads.
const linkPage = 500

func (t *tx) PutLink(l store.Link) (bool, error) {
	if err := t.mayWrite(); err != nil {
		return false, err
	}
	kind, err := t.number(spaceKind, l.Kind)
	if err != nil {
		return false, err
	}
	t.dirty = true
	n, err := t.exec("UPDATE links SET value = ? WHERE kind = ? AND src = ? AND dst = ?", store.Clone(l.Value), kind, l.From, l.To)
	if err != nil || n > 0 {
		return false, err
	}
	t.linkSeq++
	_, err = t.exec("INSERT INTO links (seq, kind, src, dst, value) VALUES (?, ?, ?, ?, ?)", t.linkSeq, kind, l.From, l.To, store.Clone(l.Value))
	return err == nil, err
}

func (t *tx) DeleteLink(kind, from, to string) (bool, error) {
	if err := t.mayWrite(); err != nil {
		return false, err
	}
	number, ok, err := t.lookup(spaceKind, kind)
	if err != nil || !ok {
		return false, err
	}
	n, err := t.exec("DELETE FROM links WHERE kind = ? AND src = ? AND dst = ?", number, from, to)
	if n > 0 {
		t.dirty = true
	}
	return n > 0, err
}

func (t *tx) GetLink(kind, from, to string) (store.Link, error) {
	if err := t.reading(); err != nil {
		return store.Link{}, err
	}
	none := fmt.Errorf("link %s from %q to %q: %w", kind, from, to, store.ErrNotFound)
	number, ok, err := t.lookup(spaceKind, kind)
	if err != nil {
		return store.Link{}, err
	}
	if !ok {
		return store.Link{}, none
	}
	l := store.Link{Kind: kind, From: from, To: to}
	var value []byte
	err = t.row("SELECT seq, value FROM links WHERE kind = ? AND src = ? AND dst = ?", []any{number, from, to}, &l.Seq, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Link{}, none
	}
	l.Value = store.Clone(value)
	return l, err
}

// end answers the column by which a link query selects, and its value.
func end(q store.LinkQuery) (column, id string) {
	if q.From != "" {
		return "src", q.From
	}
	return "dst", q.To
}

func (t *tx) Links(q store.LinkQuery) iter.Seq2[store.Link, error] {
	return func(yield func(store.Link, error) bool) {
		for l, err := range t.links(q) {
			if err == nil {
				err = t.reading()
			}
			if err != nil {
				yield(store.Link{}, err)
				return
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// links reads page by page, by Seq, up to the last link that there was at the
// start.
func (t *tx) links(q store.LinkQuery) iter.Seq2[store.Link, error] {
	return func(yield func(store.Link, error) bool) {
		err := t.reading()
		if err == nil {
			err = q.Check()
		}
		if err != nil {
			yield(store.Link{}, err)
			return
		}
		if q.AfterSeq > math.MaxInt64 {
			return
		}
		last, left := t.linkSeq, q.Limit
		if left == 0 {
			left = math.MaxInt
		}
		for left > 0 {
			page, err := t.linkPage(q, last, min(left, linkPage))
			if err != nil {
				yield(store.Link{}, err)
				return
			}
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			if len(page) < min(left, linkPage) {
				return
			}
			left -= len(page)
			q.AfterSeq, q.Offset = page[len(page)-1].Seq, 0
			if err := t.reading(); err != nil {
				yield(store.Link{}, err)
				return
			}
		}
	}
}

// linkPage finds the numbers in the covering index, where an offset is cheap,
// and only then looks at rows.
func (t *tx) linkPage(q store.LinkQuery, last uint64, limit int) ([]store.Link, error) {
	kind, ok, err := t.lookup(spaceKind, q.Kind)
	if err != nil || !ok {
		return nil, err
	}
	column, id := end(q)
	var page []store.Link
	err = t.each("SELECT seq, src, dst, value FROM links WHERE seq IN (SELECT seq FROM links WHERE kind = ? AND "+column+
		" = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ? OFFSET ?) ORDER BY seq",
		[]any{kind, id, q.AfterSeq, last, limit, q.Offset},
		func(scan func(...any) error) error {
			l := store.Link{Kind: q.Kind}
			var value []byte
			if err := scan(&l.Seq, &l.From, &l.To, &value); err != nil {
				return err
			}
			l.Value = store.Clone(value)
			page = append(page, l)
			return nil
		})
	return page, err
}

func (t *tx) CountLinks(q store.LinkQuery) (int, error) {
	if err := t.reading(); err != nil {
		return 0, err
	}
	if err := q.Check(); err != nil {
		return 0, err
	}
	column, id := end(q)
	key := "link " + column + strconv.Itoa(len(q.Kind)) + ":" + q.Kind + id
	return t.counted(key, func() (int, error) {
		kind, ok, err := t.lookup(spaceKind, q.Kind)
		if err != nil || !ok {
			return 0, err
		}
		var n int
		err = t.row("SELECT count(*) FROM links WHERE kind = ? AND "+column+" = ?", []any{kind, id}, &n)
		return n, err
	})
}

// counted remembers counts for the version of the snapshot. After a write of
// its own a transaction is at no version.
func (t *tx) counted(key string, count func() (int, error)) (int, error) {
	if t.dirty {
		return count()
	}
	if n, ok := t.db.counts.get(t.version, key); ok {
		return n, nil
	}
	n, err := count()
	if err == nil {
		t.db.counts.put(t.version, key, n)
	}
	return n, err
}
