package memory

import (
	"fmt"
	"sync/atomic"

	"github.com/idctl/idctl/internal/emulator/store"
)

// tx is one transaction. by is nil in a View.
type tx struct {
	err   func() error // of the context
	state *state
	by    *stamp
	dirty bool
	done  atomic.Bool
}

func (t *tx) end() { t.done.Store(true) }

func (t *tx) reading() error {
	if t.done.Load() {
		return store.ErrTxDone
	}
	return t.err()
}

func (t *tx) mayWrite() error {
	if err := t.reading(); err != nil {
		return err
	}
	if t.by == nil {
		return store.ErrReadOnly
	}
	return nil
}

// freeze answers the state as it is now, unmoved by later writes: those get a
// new stamp, so they copy what the frozen state shares.
func (t *tx) freeze() *state {
	if t.by == nil {
		return t.state
	}
	t.by = &stamp{}
	return t.state.copy()
}

// whole answers a table for reading, as it is now.
func (t *tx) whole(typ string) *table {
	tab := t.state.tables[typ]
	if tab != nil && t.by != nil && tab.owner == t.by {
		tab.settle(t.by)
		return tab
	}
	return t.state.whole(typ)
}

// find answers a record, or nil.
func (t *tx) find(typ, id string) *store.Record {
	tab := t.state.tables[typ]
	if tab == nil {
		return nil
	}
	r, sure := tab.get(id)
	if sure || t.never(tab, recentKey{value: id}) {
		return r
	}
	r, _ = t.whole(typ).get(id)
	return r
}

// claimed answers who holds a claim, or nil.
func (t *tx) claimed(typ, path, val string) *store.Record {
	tab := t.state.tables[typ]
	if tab == nil {
		return nil
	}
	r, sure := tab.claimed(path, val)
	if sure || t.never(tab, recentKey{path, val}) {
		return r
	}
	r, _ = t.whole(typ).claimed(path, val)
	return r
}

// never says that no fresh record has an id or claim, as far as the transaction
// may know.
func (t *tx) never(tab *table, key recentKey) bool {
	if t.by == nil {
		return false
	}
	_, ok := tab.recent[key]
	return !ok
}

// free answers a *store.UniqueError when another record than that with id
// holds one of the record's claims.
func (t *tx) free(r store.Record) error {
	for _, c := range r.Unique {
		if holder := t.claimed(r.Type, c.Path, c.Value); holder != nil && holder.ID != r.ID {
			return &store.UniqueError{Path: c.Path, Holder: holder.ID}
		}
	}
	return nil
}

func (t *tx) Get(typ, id string) (store.Record, error) {
	if err := t.reading(); err != nil {
		return store.Record{}, err
	}
	r := t.find(typ, id)
	if r == nil {
		return store.Record{}, missing(typ, id)
	}
	return handOut(r), nil
}

// StoreVersion is the version that a View sees.
func (t *tx) StoreVersion() uint64 { return t.state.version }

// LendsForGood is what store.LendsForGood asks for.
func (t *tx) LendsForGood() bool { return true }

// Lend implements store.Lender: records are never changed once they are stored.
func (t *tx) Lend(typ, id string) (store.Record, error) {
	if err := t.reading(); err != nil {
		return store.Record{}, err
	}
	r := t.find(typ, id)
	if r == nil {
		return store.Record{}, missing(typ, id)
	}
	return lent(r), nil
}

// missing is put into words only when somebody reads it: what is not there is
// asked for often.
func missing(typ, id string) error { return &absent{what: typ, name: id} }

type absent struct{ what, name string }

func (e *absent) Error() string {
	return fmt.Sprintf("%s %q: %v", e.what, e.name, store.ErrNotFound)
}

func (e *absent) Unwrap() error { return store.ErrNotFound }

// lent is a record for a caller that only reads its Data.
func lent(r *store.Record) store.Record {
	c := *r
	c.Index, c.Unique = nil, nil
	return c
}

// handOut copies a record for the caller.
func handOut(r *store.Record) store.Record {
	c := *r
	c.Data, c.Index, c.Unique = store.Clone(r.Data), nil, nil
	return c
}

func (t *tx) Insert(r store.Record) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	if t.find(r.Type, r.ID) != nil {
		return fmt.Errorf("%s %q: %w", r.Type, r.ID, store.ErrExists)
	}
	r = r.Normal()
	if err := t.free(r); err != nil {
		return err
	}
	t.state.seq++
	r.Seq = t.state.seq
	t.state.own(r.Type, t.by, false).add(&r, t.by)
	t.dirty = true
	return nil
}

func (t *tx) Put(r store.Record) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	old := t.find(r.Type, r.ID)
	if old == nil {
		return missing(r.Type, r.ID)
	}
	r = r.Normal()
	if err := t.free(r); err != nil {
		return err
	}
	r.Seq, r.Created = old.Seq, old.Created
	t.state.own(r.Type, t.by, true).replace(old, &r, t.by)
	t.dirty = true
	return nil
}

func (t *tx) Delete(typ, id string) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	old := t.find(typ, id)
	if old == nil {
		return missing(typ, id)
	}
	t.state.own(typ, t.by, true).replace(old, nil, t.by)
	t.dirty = true
	return nil
}

func (t *tx) Claimed(typ, path, val string) (string, error) {
	if err := t.reading(); err != nil {
		return "", err
	}
	r := t.claimed(typ, path, val)
	if r == nil {
		return "", fmt.Errorf("claim of %s %s: %w", typ, path, store.ErrNotFound)
	}
	return r.ID, nil
}

func (t *tx) Value(name string) ([]byte, error) {
	if err := t.reading(); err != nil {
		return nil, err
	}
	v, ok := t.state.values.get(value{name: name})
	if !ok {
		return nil, missing("value", name)
	}
	return store.Clone(v.data), nil
}

func (t *tx) SetValue(name string, data []byte) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	t.state.values.set(value{name, store.Clone(data)}, t.by)
	t.dirty = true
	return nil
}

func (t *tx) DeleteValue(name string) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	if t.state.values.remove(value{name: name}, t.by) {
		t.dirty = true
	}
	return nil
}
