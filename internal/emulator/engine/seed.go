package engine

import (
	"context"
	"errors"

	"github.com/idctl/idctl/internal/emulator/store"
)

// A fresh domain has resources that nobody created, such as its password
// policies. They are made when their type is first asked for, and not again:
// what an administrator removes stays removed.

// seedName is the store's value that says that a type was seeded.
func seedName(typ string) string { return "seeded:" + typ }

// seeded says that the resources of a fresh domain are there.
func (tx *Tx) seeded(typ string) (bool, error) {
	_, err := tx.st.Value(seedName(typ))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// seed makes the resources of a fresh domain unless they were made before.
func (tx *Tx) seed(ti *typeInfo) error {
	if ti.hooks.Seed == nil {
		return nil
	}
	done, err := tx.seeded(ti.rt.Name)
	if err != nil || done {
		return err
	}
	// First, since the hook writes resources of the type.
	if err := tx.st.SetValue(seedName(ti.rt.Name), []byte("1")); err != nil {
		return err
	}
	return ti.hooks.Seed(tx)
}

// plant stores a resource of a fresh domain. Nobody created it, so it has no
// audit event and no creator.
func (tx *Tx) plant(typ, id string, doc Document) error {
	ti, err := tx.info(typ)
	if err != nil {
		return err
	}
	if ti.core.get("ocid") != nil {
		doc["ocid"] = ocidFor(typ, id)
	}
	doc["id"] = id
	ti.completeSchemas(doc)
	tx.stamp(ti, doc, nil, nil)
	version := tx.e.opts.NewID()
	setMeta(doc, ti, tx.now, tx.now, version)
	rec, err := ti.record(id, doc, version, tx.now, tx.now)
	if err != nil {
		return err
	}
	return tx.st.Insert(rec)
}

// ensureSeeded seeds a type before it is read.
func (e *Engine) ensureSeeded(ctx context.Context, call Call, ti *typeInfo) error {
	if ti.hooks.Seed == nil {
		return nil
	}
	done := false
	err := e.View(ctx, call, func(tx *Tx) error {
		var err error
		done, err = tx.seeded(ti.rt.Name)
		return err
	})
	if err != nil || done {
		return err
	}
	return e.Do(ctx, call, func(tx *Tx) error { return tx.seed(ti) })
}
