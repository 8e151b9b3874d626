package engine

import (
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/emulator/store"
)

// The caller's own view of groups: MyGroups are those of which the caller is a
// member, MyRequestableGroups those that one may ask to join.

const requestableURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:requestable:Group"

func myGroups(tx *Tx) ([]Document, error) {
	if tx.call.Actor.Type != "User" {
		return nil, nil
	}
	var list []Document
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: tx.call.Actor.ID}) {
		if err != nil {
			return nil, err
		}
		rec, err := tx.st.Get("Group", link.From)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		doc, err := tx.viewOf("MyGroup", rec)
		if err != nil {
			return nil, err
		}
		list = append(list, doc)
	}
	return list, nil
}

func requestableGroups(tx *Tx) ([]Document, error) {
	var list []Document
	for row, err := range tx.st.Query(store.Query{Type: "Group"}) {
		if err != nil {
			return nil, err
		}
		doc, err := tx.viewOf("MyRequestableGroup", row.Record)
		if err != nil {
			return nil, err
		}
		if asMap(doc[requestableURN])["requestable"] == true {
			list = append(list, doc)
		}
	}
	return list, nil
}

// viewOf shows a record as a resource of another type, with those of its
// attributes that the type declares.
func (tx *Tx) viewOf(typ string, rec store.Record) (Document, error) {
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", rec.Type, rec.ID, store.ErrCorrupt, err)
	}
	out := Document{}
	_ = ti.each(doc, func(a *attr, v any) error {
		setValue(out, a, v)
		return nil
	})
	out["schemas"] = []any{ti.rt.Core.ID}
	ti.completeSchemas(out)
	meta := maps1(out["meta"])
	meta["resourceType"] = typ
	out["meta"] = meta
	return out, nil
}
