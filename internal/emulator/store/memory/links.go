package memory

import (
	"fmt"
	"iter"
	"math"

	"github.com/idctl/idctl/internal/emulator/store"
)

func (t *tx) PutLink(l store.Link) (bool, error) {
	if err := t.mayWrite(); err != nil {
		return false, err
	}
	old, there := t.state.links.get(&l)
	if there {
		l.Seq = old.Seq
	} else {
		t.state.linkSeq++
		l.Seq = t.state.linkSeq
	}
	l.Value = store.Clone(l.Value)
	t.state.links.set(&l, t.by)
	t.state.out.set(&l, t.by)
	t.state.in.set(&l, t.by)
	t.dirty = true
	return !there, nil
}

func (t *tx) DeleteLink(kind, from, to string) (bool, error) {
	if err := t.mayWrite(); err != nil {
		return false, err
	}
	old, there := t.state.links.get(&store.Link{Kind: kind, From: from, To: to})
	if !there {
		return false, nil
	}
	t.state.links.remove(old, t.by)
	t.state.out.remove(old, t.by)
	t.state.in.remove(old, t.by)
	t.dirty = true
	return true, nil
}

func (t *tx) GetLink(kind, from, to string) (store.Link, error) {
	if err := t.reading(); err != nil {
		return store.Link{}, err
	}
	l, ok := t.state.links.get(&store.Link{Kind: kind, From: from, To: to})
	if !ok {
		return store.Link{}, fmt.Errorf("link %s from %q to %q: %w", kind, from, to, store.ErrNotFound)
	}
	return handOutLink(l), nil
}

func handOutLink(l *store.Link) store.Link {
	c := *l
	c.Value = store.Clone(l.Value)
	return c
}

// side answers the tree that a link query walks and the ranks of those links
// in it that come after a Seq.
func (s *state) side(q store.LinkQuery, after uint64) (tree[*store.Link], int, int) {
	tr := s.out
	if q.From == "" {
		tr = s.in
	}
	hi := tr.rank(&store.Link{Kind: q.Kind, From: q.From, To: q.To, Seq: math.MaxUint64})
	if after == math.MaxUint64 {
		return tr, hi, hi
	}
	return tr, tr.rank(&store.Link{Kind: q.Kind, From: q.From, To: q.To, Seq: after + 1}), hi
}

func (t *tx) Links(q store.LinkQuery) iter.Seq2[store.Link, error] {
	return func(yield func(store.Link, error) bool) {
		err := t.reading()
		if err == nil {
			err = q.Check()
		}
		if err != nil {
			yield(store.Link{}, err)
			return
		}
		tr, lo, hi := t.freeze().side(q, q.AfterSeq)
		lo = min(hi, lo+min(q.Offset, hi))
		if q.Limit > 0 && q.Limit < hi-lo {
			hi = lo + q.Limit
		}
		tr.walk(lo, hi, false, func(l *store.Link) bool {
			if err := t.reading(); err != nil {
				yield(store.Link{}, err)
				return false
			}
			return yield(handOutLink(l), nil)
		})
	}
}

func (t *tx) CountLinks(q store.LinkQuery) (int, error) {
	if err := t.reading(); err != nil {
		return 0, err
	}
	if err := q.Check(); err != nil {
		return 0, err
	}
	_, lo, hi := t.state.side(q, 0)
	return hi - lo, nil
}
