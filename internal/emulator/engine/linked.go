package engine

import (
	"net/http"

	"github.com/idctl/idctl/internal/emulator/store"
)

// linked is how the attribute members of a type is made of links.
type linked struct {
	kind string
	noun string // for messages
	// unlimited lets one answer have any number of them.
	unlimited bool
	// show makes the member of a link.
	show func(a *attr, link store.Link, w *wanted) (map[string]any, error)
}

// deriveLinked adds the members that an answer asks for: one of them, a page, or
// all, unless there are too many for one answer.
func (tx *Tx) deriveLinked(l linked, id string, doc Document, w *wanted) error {
	a := w.ti.core.get("members")
	if !w.has(a) {
		return nil
	}
	if one, ok := w.element(a); ok {
		link, err := tx.st.GetLink(l.kind, id, one)
		if err != nil {
			return ignoreGone(err)
		}
		m, err := l.show(a, link, w)
		if err == nil {
			doc["members"] = []any{m}
		}
		return err
	}
	q := store.LinkQuery{Kind: l.kind, From: id}
	if start, count, ok := w.page(a); ok {
		if count == 0 {
			return nil
		}
		q.Offset, q.Limit = start-1, count
		w.paged[a] = true
	} else if w.proj != nil && !l.unlimited {
		n, err := tx.st.CountLinks(q)
		if err != nil {
			return err
		}
		if limit := tx.e.opts.MaxMembersReturned; n > limit {
			return fail(http.StatusBadRequest, scimTooMany, msgTooMany,
				"The %s has %d members, more than the %d that one answer may have; page them with attributes=members[startIndex=1&count=%d].",
				l.noun, n, limit, maxCount)
		}
	}
	var list []any
	for link, err := range tx.st.Links(q) {
		if err != nil {
			return err
		}
		m, err := l.show(a, link, w)
		if err != nil {
			return err
		}
		list = append(list, m)
	}
	if len(list) > 0 {
		doc["members"] = list
	}
	return nil
}
