package engine

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// A singleton exists from the start. Its record is made when it is first
// asked for, from the defaults of its schema and, for attributes that are
// required without a default, the most cautious value: false, the least
// number, the first canonical value. The latter are guesses.

// ensureSingleton makes the record of a singleton before it is read.
func (e *Engine) ensureSingleton(ctx context.Context, call Call, ti *typeInfo) error {
	if ti.rt.SingletonID == "" || ti.hooks.Virtual != nil {
		return nil
	}
	missing := false
	err := e.View(ctx, call, func(tx *Tx) error {
		_, err := tx.st.Get(ti.rt.Name, ti.rt.SingletonID)
		missing = errors.Is(err, store.ErrNotFound)
		if missing {
			return nil
		}
		return err
	})
	if err != nil || !missing {
		return err
	}
	return e.Do(ctx, call, func(tx *Tx) error { return tx.makeSingleton(ti) })
}

func (tx *Tx) makeSingleton(ti *typeInfo) error {
	_, err := tx.st.Get(ti.rt.Name, ti.rt.SingletonID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.plant(ti.rt.Name, ti.rt.SingletonID, ti.initial())
}

// initial is the document of a singleton that nobody changed.
func (ti *typeInfo) initial() Document {
	doc := Document{}
	if ti.hooks.Initial != nil {
		doc = ti.hooks.Initial()
	}
	ti.setDefaults(doc)
	for _, a := range ti.core.list {
		if a.Required && !a.readOnly() && a.Name != "schemas" && doc[a.Name] == nil {
			if v := a.cautious(); v != nil {
				doc[a.Name] = v
			}
		}
	}
	return doc
}

// cautious is the value that a required attribute of a singleton has.
func (a *attr) cautious() any {
	var v any
	switch {
	case a.complex():
		m := map[string]any{}
		if a.subs != nil {
			for _, sub := range a.subs.list {
				if sub.Required && !sub.readOnly() {
					if w := sub.cautious(); w != nil {
						m[sub.Name] = w
					}
				}
			}
		}
		v = orNil(m)
	case a.Default != nil:
		v, _ = a.normaliseOne(a.Default)
	case len(a.CanonicalValues) > 0:
		v = a.CanonicalValues[0]
	case a.Type == schema.TypeBoolean:
		v = false
	case a.Type == schema.TypeInteger && a.MinValue != nil:
		v = json.Number(formatInt(*a.MinValue))
	case a.Type == schema.TypeInteger:
		v = json.Number("0")
	case a.Type == schema.TypeString:
		v = "none"
	}
	if v == nil || !a.MultiValued {
		return v
	}
	return []any{v}
}

// setting answers the value of an attribute of a settings singleton, also
// where the singleton was never asked for. It must not be changed.
func (tx *Tx) setting(typ, name string) (any, error) {
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	rec, err := tx.st.Get(typ, ti.rt.SingletonID)
	if errors.Is(err, store.ErrNotFound) {
		ti.untouchedOnce.Do(func() { ti.untouched = ti.initial() })
		return ti.untouched[name], nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, errors.Join(store.ErrCorrupt, err)
	}
	return doc[name], nil
}

// Singletons lists the types that hold one resource of fixed id.
func (e *Engine) Singletons() []string {
	return slices.DeleteFunc(e.cat.Names(), func(name string) bool {
		entry, ok := e.cat.Entry(name)
		return !ok || entry.SingletonID == ""
	})
}
