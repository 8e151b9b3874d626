package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// tx is one transaction on one connection.
type tx struct {
	db       *database
	conn     *conn
	quiet    context.Context //nolint:containedctx // store.Tx has no contexts; a tx lives within one call that has
	ended    func() error    // of the caller's context
	writable bool
	dirty    bool
	done     atomic.Bool
	broken   error // a statement failed half-way: nothing may be committed
	fresh    map[name]int64

	version uint64 // committed, of the snapshot
	seq     uint64
	linkSeq uint64
}

func (t *tx) end() { t.done.Store(true) }

func (t *tx) reading() error {
	if t.done.Load() {
		return store.ErrTxDone
	}
	if t.broken != nil {
		return t.broken
	}
	return t.ended()
}

func (t *tx) mayWrite() error {
	if err := t.reading(); err != nil {
		return err
	}
	if !t.writable {
		return store.ErrReadOnly
	}
	return nil
}

// fail notes an error of SQLite. The store may have been left between two
// statements of one call, or rolled back, so the transaction is over.
func (t *tx) fail(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	err = t.db.explain(err)
	t.broken = err
	return err
}

func (t *tx) exec(query string, args ...any) (int64, error) {
	n, err := t.conn.exec(t.quiet, query, args...)
	return n, t.fail(err)
}

func (t *tx) row(query string, args []any, into ...any) error {
	return t.fail(t.conn.row(t.quiet, query, args, into...))
}

func (t *tx) each(query string, args []any, f func(scan func(...any) error) error) error {
	return t.fail(t.conn.each(t.quiet, query, args, f))
}

func (t *tx) counters() error {
	return t.row("SELECT version, seq, link_seq FROM counters", nil, &t.version, &t.seq, &t.linkSeq)
}

// finish writes the counters of an update that wrote.
func (t *tx) finish() error {
	if err := t.reading(); err != nil || !t.dirty {
		return err
	}
	_, err := t.exec("UPDATE counters SET version = ?, seq = ?, link_seq = ?", int64(t.version+1), int64(t.seq), int64(t.linkSeq)) //nolint:gosec // counters stay far below 1<<63
	return err
}

func missing(typ, id string) error {
	return fmt.Errorf("%s %q: %w", typ, id, store.ErrNotFound)
}

// columns are those that scan reads into a record.
const columns = "seq, id, version, created, modified, entries, data"

// scan reads one record and its entries column.
func scan(from func(...any) error, typ string) (store.Record, []byte, error) {
	r := store.Record{Type: typ}
	var created, modified int64
	var entries, data []byte
	if err := from(&r.Seq, &r.ID, &r.Version, &created, &modified, &entries, &data); err != nil {
		return store.Record{}, nil, err
	}
	r.Created, r.Modified = time.UnixMicro(created).UTC(), time.UnixMicro(modified).UTC()
	r.Data = store.Clone(data)
	return r, entries, nil
}

// find reads a record with its entries column, or ErrNotFound.
func (t *tx) find(typ, id string) (store.Record, []byte, error) {
	number, ok, err := t.lookup(spaceType, typ)
	if err != nil {
		return store.Record{}, nil, err
	}
	if !ok {
		return store.Record{}, nil, missing(typ, id)
	}
	r, entries, err := scan(func(into ...any) error {
		return t.row("SELECT "+columns+" FROM records WHERE type = ? AND id = ?", []any{number, id}, into...)
	}, typ)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Record{}, nil, missing(typ, id)
	}
	return r, entries, err
}

func (t *tx) Get(typ, id string) (store.Record, error) {
	if err := t.reading(); err != nil {
		return store.Record{}, err
	}
	r, _, err := t.find(typ, id)
	return r, err
}

// StoreVersion is the version that a View sees.
func (t *tx) StoreVersion() uint64 { return t.version }

func (t *tx) Claimed(typ, path, value string) (string, error) {
	if err := t.reading(); err != nil {
		return "", err
	}
	none := fmt.Errorf("claim of %s %s: %w", typ, path, store.ErrNotFound)
	number, ok, err := t.lookup(spaceType, typ)
	if err != nil {
		return "", err
	}
	if ok {
		number, ok, err = t.lookup(number, path)
	}
	if err != nil {
		return "", err
	}
	if !ok {
		return "", none
	}
	id, _, err := t.holder(claim{number, value})
	if err == nil && id == "" {
		return "", none
	}
	return id, err
}

// holder answers who has a claim; Seq 0 means nobody.
func (t *tx) holder(c claim) (id string, seq uint64, err error) {
	err = t.row("SELECT r.id, r.seq FROM claims c JOIN records r ON r.seq = c.seq WHERE c.path = ? AND c.value = ?",
		[]any{c.path, c.value}, &id, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return id, seq, err
}

// derived is what a record, in normal form, puts into the other tables.
type derived struct {
	entries []entry
	claims  []claim
}

func (t *tx) derive(typ int64, r store.Record) (derived, error) {
	var d derived
	for i, e := range r.Index {
		path, err := t.number(typ, e.Path)
		if err != nil {
			return d, err
		}
		head := i == 0 || r.Index[i-1].Path != e.Path
		d.entries = append(d.entries, entry{path, e.Elem, head, e.Value})
	}
	for _, c := range r.Unique {
		path, err := t.number(typ, c.Path)
		if err != nil {
			return d, err
		}
		d.claims = append(d.claims, claim{path, c.Value})
	}
	return d, nil
}

// free answers a *store.UniqueError when another record has one of the claims.
// It comes before any change, so that a refusal leaves nothing behind.
func (t *tx) free(d derived, r store.Record, seq uint64) error {
	for i, c := range d.claims {
		id, holder, err := t.holder(c)
		if err != nil {
			return err
		}
		if holder != 0 && holder != seq {
			return &store.UniqueError{Path: r.Unique[i].Path, Holder: id}
		}
	}
	return nil
}

func (t *tx) Insert(r store.Record) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	typ, err := t.number(spaceType, r.Type)
	if err != nil {
		return err
	}
	var one int
	switch err := t.row("SELECT 1 FROM records WHERE type = ? AND id = ?", []any{typ, r.ID}, &one); {
	case err == nil:
		return fmt.Errorf("%s %q: %w", r.Type, r.ID, store.ErrExists)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	r = r.Normal()
	d, err := t.derive(typ, r)
	if err != nil {
		return err
	}
	if err := t.free(d, r, 0); err != nil {
		return err
	}
	t.dirty = true
	t.seq++
	if _, err := t.exec("INSERT INTO records (type, "+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		typ, t.seq, r.ID, r.Version, r.Created.UnixMicro(), r.Modified.UnixMicro(), encode(d.entries, d.claims), r.Data); err != nil {
		return err
	}
	return t.replace(t.seq, derived{}, d)
}

func (t *tx) Put(r store.Record) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	old, before, err := t.stored(r.Type, r.ID)
	if err != nil {
		return err
	}
	typ, err := t.number(spaceType, r.Type)
	if err != nil {
		return err
	}
	r = r.Normal()
	d, err := t.derive(typ, r)
	if err != nil {
		return err
	}
	if err := t.free(d, r, old.Seq); err != nil {
		return err
	}
	t.dirty = true
	if _, err := t.exec("UPDATE records SET version = ?, modified = ?, entries = ?, data = ? WHERE seq = ?",
		r.Version, r.Modified.UnixMicro(), encode(d.entries, d.claims), r.Data, old.Seq); err != nil {
		return err
	}
	return t.replace(old.Seq, before, d)
}

func (t *tx) Delete(typ, id string) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	old, before, err := t.stored(typ, id)
	if err != nil {
		return err
	}
	t.dirty = true
	if _, err := t.exec("DELETE FROM records WHERE seq = ?", old.Seq); err != nil {
		return err
	}
	return t.replace(old.Seq, before, derived{})
}

// stored reads a record with what it has put into the other tables.
func (t *tx) stored(typ, id string) (store.Record, derived, error) {
	r, column, err := t.find(typ, id)
	if err != nil {
		return r, derived{}, err
	}
	var d derived
	d.entries, d.claims, err = decode(column)
	return r, d, t.damaged(err)
}

// damaged reports a column that cannot be read as damage of the file.
func (t *tx) damaged(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: move the file away, or run \"idctl server reset\" to start with an empty one: %w",
		store.ErrCorrupt, t.db.path, err)
}

// maxRows is the most rows that one statement inserts; there is a prepared
// statement for each number.
const maxRows = 24

// replace changes the rows of a record in entries and claims from before to
// after, touching only what differs.
func (t *tx) replace(seq uint64, before, after derived) error {
	for _, e := range before.entries {
		if slices.Contains(after.entries, e) {
			continue
		}
		if _, err := t.exec("DELETE FROM entries WHERE path = ? AND value = ? AND seq = ? AND elem = ?", e.path, e.value, seq, e.elem); err != nil {
			return err
		}
	}
	var args []any
	for _, e := range after.entries {
		if !slices.Contains(before.entries, e) {
			args = append(args, e.path, e.value, seq, e.elem, e.head)
		}
	}
	const width = 5
	for chunk := range slices.Chunk(args, width*maxRows) {
		if _, err := t.exec("INSERT INTO entries (path, value, seq, elem, head) VALUES (?, ?, ?, ?, ?)"+
			strings.Repeat(", (?, ?, ?, ?, ?)", len(chunk)/width-1), chunk...); err != nil {
			return err
		}
	}
	for _, c := range before.claims {
		if slices.Contains(after.claims, c) {
			continue
		}
		if _, err := t.exec("DELETE FROM claims WHERE path = ? AND value = ?", c.path, c.value); err != nil {
			return err
		}
	}
	for _, c := range after.claims {
		if slices.Contains(before.claims, c) {
			continue
		}
		if _, err := t.exec("INSERT INTO claims (path, value, seq) VALUES (?, ?, ?)", c.path, c.value, seq); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) Value(key string) ([]byte, error) {
	if err := t.reading(); err != nil {
		return nil, err
	}
	var data []byte
	err := t.row("SELECT data FROM vals WHERE name = ?", []any{key}, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("value %q: %w", key, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return store.Clone(data), nil
}

func (t *tx) SetValue(key string, data []byte) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	t.dirty = true
	_, err := t.exec("INSERT INTO vals (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data", key, store.Clone(data))
	return err
}

func (t *tx) DeleteValue(key string) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	n, err := t.exec("DELETE FROM vals WHERE name = ?", key)
	if n > 0 {
		t.dirty = true
	}
	return err
}
