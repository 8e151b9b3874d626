package storetest

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// naive is the store as plainly as it can be said: slices that are filtered
// and sorted anew for each question. It shares no code with the back ends, so
// that it can judge them. It is not safe for concurrent use.
type naive struct {
	data    naiveData
	version uint64
	closed  bool
}

type naiveData struct {
	records      []store.Record
	links        []store.Link
	values       map[string]string
	seq, linkSeq uint64
}

func (d naiveData) copy() naiveData {
	d.records, d.links, d.values = slices.Clone(d.records), slices.Clone(d.links), maps.Clone(d.values)
	return d
}

func newNaive() *naive { return &naive{data: naiveData{values: map[string]string{}}} }

type naiveTx struct {
	*naiveData
	dirty bool
}

var errNaive = errors.New("the naive store cannot do that")

func (n *naive) View(_ context.Context, f func(store.Tx) error) error {
	d := n.data.copy()
	return f(&naiveTx{naiveData: &d})
}

func (n *naive) Update(_ context.Context, f func(store.Tx) error) error {
	d := n.data.copy()
	t := &naiveTx{naiveData: &d}
	if err := f(t); err != nil {
		return err
	}
	n.data = d
	if t.dirty {
		n.version++
	}
	return nil
}

func (n *naive) Version(context.Context) (uint64, error) { return n.version, nil }

func (n *naive) Reset(context.Context) error {
	n.data = naiveData{values: map[string]string{}, seq: n.data.seq, linkSeq: n.data.linkSeq}
	n.version++
	return nil
}

func (n *naive) Close() error { n.closed = true; return nil }

func (t *naiveTx) at(typ, id string) int {
	return slices.IndexFunc(t.records, func(r store.Record) bool { return r.Type == typ && r.ID == id })
}

func (t *naiveTx) Get(typ, id string) (store.Record, error) {
	i := t.at(typ, id)
	if i < 0 {
		return store.Record{}, store.ErrNotFound
	}
	return bare(t.records[i]), nil
}

// bare is what a store hands out of a record.
func bare(r store.Record) store.Record {
	r.Data, r.Index, r.Unique = append([]byte{}, r.Data...), nil, nil
	return r
}

func (t *naiveTx) conflict(r store.Record) error {
	claims := slices.Clone(r.Unique)
	slices.SortFunc(claims, func(a, b store.Claim) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Value, b.Value))
	})
	for _, c := range claims {
		if id, err := t.Claimed(r.Type, c.Path, c.Value); err == nil && id != r.ID {
			return &store.UniqueError{Path: c.Path, Holder: id}
		}
	}
	return nil
}

func stamp(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

func (t *naiveTx) Insert(r store.Record) error {
	if t.at(r.Type, r.ID) >= 0 {
		return store.ErrExists
	}
	if err := t.conflict(r); err != nil {
		return err
	}
	t.seq++
	r.Seq, r.Created, r.Modified = t.seq, stamp(r.Created), stamp(r.Modified)
	t.records = append(t.records, r)
	t.dirty = true
	return nil
}

func (t *naiveTx) Put(r store.Record) error {
	i := t.at(r.Type, r.ID)
	if i < 0 {
		return store.ErrNotFound
	}
	if err := t.conflict(r); err != nil {
		return err
	}
	r.Seq, r.Created, r.Modified = t.records[i].Seq, t.records[i].Created, stamp(r.Modified)
	t.records[i] = r
	t.dirty = true
	return nil
}

func (t *naiveTx) Delete(typ, id string) error {
	i := t.at(typ, id)
	if i < 0 {
		return store.ErrNotFound
	}
	t.records = slices.Delete(t.records, i, i+1)
	t.dirty = true
	return nil
}

func (t *naiveTx) Claimed(typ, path, value string) (string, error) {
	for _, r := range t.records {
		if r.Type == typ && slices.Contains(r.Unique, store.Claim{Path: path, Value: value}) {
			return r.ID, nil
		}
	}
	return "", store.ErrNotFound
}

func holds(c store.Cond, value string) bool {
	switch c.Rel {
	case store.Eq:
		return value == c.Value
	case store.Prefix:
		return strings.HasPrefix(value, c.Value)
	case store.Lt:
		return value < c.Value
	case store.Le:
		return value <= c.Value
	case store.Gt:
		return value > c.Value
	case store.Ge:
		return value >= c.Value
	case store.Any:
		return true
	default:
		return false
	}
}

func selects(q store.Query, r store.Record) bool {
	if r.Type != q.Type {
		return false
	}
	if q.In != nil {
		have := []string{r.ID}
		if q.In.Path != "id" {
			have = nil
			for _, e := range r.Index {
				if e.Path == q.In.Path {
					have = append(have, e.Value)
				}
			}
		}
		if !slices.ContainsFunc(have, func(v string) bool { return slices.Contains(q.In.Values, v) }) {
			return false
		}
	}
	// For each condition the elements for which it holds; a group needs one
	// in common.
	common := map[int]map[int]bool{}
	for _, c := range q.Conds {
		elems := map[int]bool{}
		for _, e := range r.Index {
			if e.Path == c.Path && holds(c, e.Value) {
				elems[e.Elem] = true
			}
		}
		if before, ok := common[c.Group]; ok && c.Group != 0 {
			maps.DeleteFunc(elems, func(e int, _ bool) bool { return !before[e] })
		}
		if len(elems) == 0 {
			return false
		}
		common[c.Group] = elems
	}
	return true
}

func sortKey(r store.Record, path string) (string, bool) {
	var best *store.Entry
	for i, e := range r.Index {
		if path == "" || e.Path != path {
			continue
		}
		if best == nil || e.Elem < best.Elem || e.Elem == best.Elem && e.Value < best.Value {
			best = &r.Index[i]
		}
	}
	if best == nil {
		return "", false
	}
	return best.Value, true
}

func (t *naiveTx) selected(q store.Query) []store.Record {
	var found []store.Record
	for _, r := range t.records {
		if selects(q, r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b store.Record) int {
		va, hasA := sortKey(a, q.SortPath)
		vb, hasB := sortKey(b, q.SortPath)
		if hasA != hasB {
			if hasA {
				return -1
			}
			return 1
		}
		c := cmp.Or(strings.Compare(va, vb), cmp.Compare(a.Seq, b.Seq))
		if q.Desc {
			return -c
		}
		return c
	})
	return found
}

// Query counts rows for its cursors, which is right as long as nobody writes.
func (t *naiveTx) Query(q store.Query) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		found := t.selected(q)
		start := 0
		if q.After != "" {
			n, err := strconv.Atoi(q.After)
			if err != nil {
				yield(store.Row{}, store.ErrCursor)
				return
			}
			start = n
		}
		start = min(start+q.Offset, len(found))
		end := len(found)
		if q.Limit > 0 {
			end = min(end, start+q.Limit)
		}
		for i, r := range found[start:end] {
			if !yield(store.Row{Record: bare(r), Cursor: strconv.Itoa(start + i + 1)}, nil) {
				return
			}
		}
	}
}

func (t *naiveTx) Count(q store.Query) (int, error) { return len(t.selected(q)), nil }

func (t *naiveTx) link(kind, from, to string) int {
	return slices.IndexFunc(t.links, func(l store.Link) bool { return l.Kind == kind && l.From == from && l.To == to })
}

func (t *naiveTx) PutLink(l store.Link) (bool, error) {
	l.Value = append([]byte{}, l.Value...)
	t.dirty = true
	if i := t.link(l.Kind, l.From, l.To); i >= 0 {
		t.links[i].Value = l.Value
		return false, nil
	}
	t.linkSeq++
	l.Seq = t.linkSeq
	t.links = append(t.links, l)
	return true, nil
}

func (t *naiveTx) DeleteLink(kind, from, to string) (bool, error) {
	i := t.link(kind, from, to)
	if i < 0 {
		return false, nil
	}
	t.links = slices.Delete(t.links, i, i+1)
	t.dirty = true
	return true, nil
}

func (t *naiveTx) GetLink(kind, from, to string) (store.Link, error) {
	i := t.link(kind, from, to)
	if i < 0 {
		return store.Link{}, store.ErrNotFound
	}
	return t.links[i], nil
}

func (t *naiveTx) Links(q store.LinkQuery) iter.Seq2[store.Link, error] {
	return func(yield func(store.Link, error) bool) {
		if (q.From == "") == (q.To == "") {
			yield(store.Link{}, errNaive)
			return
		}
		skip, left := q.Offset, q.Limit
		for _, l := range t.links { // they stand in the order of Seq
			if l.Kind != q.Kind || l.From != q.From && l.To != q.To || l.Seq <= q.AfterSeq {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if !yield(l, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

func (t *naiveTx) CountLinks(q store.LinkQuery) (int, error) {
	n := 0
	q.AfterSeq, q.Offset, q.Limit = 0, 0, 0
	for _, err := range t.Links(q) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (t *naiveTx) Value(name string) ([]byte, error) {
	v, ok := t.values[name]
	if !ok {
		return nil, store.ErrNotFound
	}
	return []byte(v), nil
}

func (t *naiveTx) SetValue(name string, data []byte) error {
	t.values[name] = string(data)
	t.dirty = true
	return nil
}

func (t *naiveTx) DeleteValue(name string) error {
	if _, ok := t.values[name]; ok {
		delete(t.values, name)
		t.dirty = true
	}
	return nil
}
