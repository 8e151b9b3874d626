package engine

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Writers wait for each other, so that what a create works out should not be
// worked out while others wait. It is done ahead: in a transaction that only
// reads, where what it would write is kept and what it read is noted. The
// transaction that writes then looks whether all of that still reads the same,
// and puts the records in. Where it does not, where a create needs more than
// this can do, or where it is refused, everything is done in the transaction as
// if there had been nothing before.

// errNotAhead says that a create does something that cannot be done ahead.
var errNotAhead = errors.New("cannot be done ahead of the transaction")

// ahead is the store as a create sees it that is done ahead.
type ahead struct {
	store.Tx
	records []recordRead
	values  []valueRead
	made    []store.Record
	failed  bool // set by whatever cannot be done here, even if its error is passed over
	res     *Result
}

type recordRead struct {
	typ, id string
	found   bool
	rec     store.Record
}

type valueRead struct {
	name  string
	found bool
	data  []byte
}

// createAhead works out a create; nil says that it was not possible. Its own
// refusals are of no account: the transaction that writes will say them.
func (e *Engine) createAhead(ctx context.Context, call Call, ti *typeInfo, doc Document, p Params) *ahead {
	h := &ti.hooks
	if e.inside.Load() || !h.ShowsStored || h.Post != nil || h.Virtual != nil || h.Twin != "" ||
		h.Split != nil || call.hashes != nil { // links are written, policies looked for
		return nil
	}
	var a *ahead
	err := e.st.View(ctx, func(st store.Tx) error {
		if !store.LendsForGood(st) {
			e.inside.Store(true) // what is read has its price, and must not be kept
			return errNotAhead
		}
		a = &ahead{Tx: st}
		var err error
		a.res, err = e.tx(a, call, false).Create(ti.rt.Name, doc, p)
		return err
	})
	if err != nil || a.failed || len(a.made) == 0 {
		return nil
	}
	a.Tx = nil
	return a
}

// commit writes what was worked out, and answers false, without having written
// anything, where it was made of something that has changed.
func (a *ahead) commit(tx *Tx, ti *typeInfo) (bool, error) {
	for _, r := range a.records {
		now, err := store.Lend(tx.st, r.typ, r.id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
		if r.found != (err == nil) || r.found && (now.Version != r.rec.Version || !bytes.Equal(now.Data, r.rec.Data)) {
			return false, nil
		}
	}
	for _, v := range a.values {
		now, err := tx.st.Value(v.name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
		if v.found != (err == nil) || !bytes.Equal(now, v.data) {
			return false, nil
		}
	}
	for i, rec := range a.made {
		err := tx.st.Insert(rec)
		if err != nil && i == 0 {
			return true, tx.storeError(ti, rec.ID, err)
		}
		if err != nil {
			return true, err
		}
	}
	return true, nil
}

func (a *ahead) cannot() error {
	a.failed = true
	return errNotAhead
}

// Get implements store.Tx.
func (a *ahead) Get(typ, id string) (store.Record, error) {
	rec, err := a.Lend(typ, id)
	rec.Data = bytes.Clone(rec.Data)
	return rec, err
}

// Lend implements store.Lender.
func (a *ahead) Lend(typ, id string) (store.Record, error) {
	for _, rec := range a.made {
		if rec.Type == typ && rec.ID == id {
			return store.Record{}, a.cannot()
		}
	}
	rec, err := store.Lend(a.Tx, typ, id)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		a.records = append(a.records, recordRead{typ: typ, id: id, found: err == nil, rec: rec})
	}
	return rec, err
}

// Value implements store.Tx.
func (a *ahead) Value(name string) ([]byte, error) {
	data, err := a.Tx.Value(name)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		a.values = append(a.values, valueRead{name: name, found: err == nil, data: bytes.Clone(data)})
	}
	return data, err
}

// Insert implements store.Tx. Whether the record can be put in is found out
// when it is.
func (a *ahead) Insert(rec store.Record) error {
	if a.made == nil {
		a.made = make([]store.Record, 0, 4)
	}
	rec = rec.Normal()
	rec.Given = true
	a.made = append(a.made, rec)
	return nil
}

// Put implements store.Tx.
func (a *ahead) Put(store.Record) error { return a.cannot() }

// Delete implements store.Tx.
func (a *ahead) Delete(string, string) error { return a.cannot() }

// Claimed implements store.Tx.
func (a *ahead) Claimed(string, string, string) (string, error) { return "", a.cannot() }

// Query implements store.Tx.
func (a *ahead) Query(store.Query) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) { yield(store.Row{}, a.cannot()) }
}

// Count implements store.Tx.
func (a *ahead) Count(store.Query) (int, error) { return 0, a.cannot() }

// PutLink implements store.Tx.
func (a *ahead) PutLink(store.Link) (bool, error) { return false, a.cannot() }

// DeleteLink implements store.Tx.
func (a *ahead) DeleteLink(string, string, string) (bool, error) { return false, a.cannot() }

// GetLink implements store.Tx.
func (a *ahead) GetLink(string, string, string) (store.Link, error) {
	return store.Link{}, a.cannot()
}

// Links implements store.Tx.
func (a *ahead) Links(store.LinkQuery) iter.Seq2[store.Link, error] {
	return func(yield func(store.Link, error) bool) { yield(store.Link{}, a.cannot()) }
}

// CountLinks implements store.Tx.
func (a *ahead) CountLinks(store.LinkQuery) (int, error) { return 0, a.cannot() }

// SetValue implements store.Tx.
func (a *ahead) SetValue(string, []byte) error { return a.cannot() }

// DeleteValue implements store.Tx.
func (a *ahead) DeleteValue(string) error { return a.cannot() }
