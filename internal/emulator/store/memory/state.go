package memory

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

// state is one version of everything. It is never changed after it was
// published; a transaction works on a copy, whose maps and trees share what
// it does not touch.
type state struct {
	version uint64 // committed writing updates
	seq     uint64 // of the last record; never given twice
	linkSeq uint64
	tables  map[string]*table
	links   tree[*store.Link] // by kind, from, to
	out     tree[*store.Link] // by kind, from, seq
	in      tree[*store.Link] // by kind, to, seq
	values  tree[value]
}

// table is the records of one type. owner is the stamp of the transaction
// that may change it.
type table struct {
	owner  *stamp
	byID   tree[*store.Record]
	bySeq  tree[*store.Record]
	index  map[string]posting
	claims tree[claim]
}

// posting is the index at one path. extra counts the entries that are not
// their record's sort value.
type posting struct {
	entries tree[entry]
	extra   int
}

// entry is kept small: a change copies those of the nodes on its way.
type entry struct {
	value string
	seq   uint64
	elem  int32
	head  bool // the record's sort value; no part of the key
}

type claim struct {
	path, value string
	seq         uint64 // who holds it; no part of the key
}

type value struct {
	name string
	data []byte
}

func newState(version uint64) *state {
	return &state{
		version: version,
		tables:  map[string]*table{},
		links: tree[*store.Link]{cmp: func(a, b *store.Link) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
		}},
		out: tree[*store.Link]{cmp: func(a, b *store.Link) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.From, b.From), cmp.Compare(a.Seq, b.Seq))
		}},
		in: tree[*store.Link]{cmp: func(a, b *store.Link) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.To, b.To), cmp.Compare(a.Seq, b.Seq))
		}},
		values: tree[value]{cmp: func(a, b value) int { return strings.Compare(a.name, b.name) }},
	}
}

func newTable(by *stamp) *table {
	return &table{
		owner: by,
		byID:  tree[*store.Record]{cmp: func(a, b *store.Record) int { return strings.Compare(a.ID, b.ID) }},
		bySeq: tree[*store.Record]{cmp: func(a, b *store.Record) int { return cmp.Compare(a.Seq, b.Seq) }},
		index: map[string]posting{},
		claims: tree[claim]{cmp: func(a, b claim) int {
			return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.value, b.value))
		}},
	}
}

func newPosting() posting {
	return posting{entries: tree[entry]{cmp: func(a, b entry) int {
		return cmp.Or(strings.Compare(a.value, b.value), cmp.Compare(a.seq, b.seq), cmp.Compare(a.elem, b.elem))
	}}}
}

// copy answers a state of its own with the same content.
func (s *state) copy() *state {
	c := *s
	c.tables = maps.Clone(s.tables)
	return &c
}

// own answers the table of a type for changing under the stamp.
func (s *state) own(typ string, by *stamp) *table {
	t := s.tables[typ]
	switch {
	case t == nil:
		t = newTable(by)
	case t.owner != by:
		c := *t
		c.owner, c.index = by, maps.Clone(t.index)
		t = &c
	default:
		return t
	}
	s.tables[typ] = t
	return t
}

func (s *state) get(typ, id string) *store.Record {
	t := s.tables[typ]
	if t == nil {
		return nil
	}
	r, _ := t.byID.get(&store.Record{ID: id})
	return r
}

// claimed answers who holds a claim, or nil.
func (s *state) claimed(typ, path, val string) *store.Record {
	t := s.tables[typ]
	if t == nil {
		return nil
	}
	c, ok := t.claims.get(claim{path: path, value: val})
	if !ok {
		return nil
	}
	r, _ := t.bySeq.get(&store.Record{Seq: c.seq})
	return r
}

// free answers a *store.UniqueError when another record than that with id
// holds one of the record's claims.
func (s *state) free(r store.Record) error {
	for _, c := range r.Unique {
		if holder := s.claimed(r.Type, c.Path, c.Value); holder != nil && holder.ID != r.ID {
			return &store.UniqueError{Path: c.Path, Holder: holder.ID}
		}
	}
	return nil
}

// replace takes old out of the table and puts r in; either may be nil. Entries
// and claims that both have are left alone.
func (t *table) replace(old, r *store.Record, by *stamp) {
	var before, after store.Record
	if old != nil {
		before = *old
	}
	if r != nil {
		after = *r
		t.byID.set(r, by)
		t.bySeq.set(r, by)
	} else {
		t.byID.remove(old, by)
		t.bySeq.remove(old, by)
	}
	for _, c := range before.Unique {
		if !slices.Contains(after.Unique, c) {
			t.claims.remove(claim{path: c.Path, value: c.Value}, by)
		}
	}
	for _, c := range after.Unique {
		t.claims.set(claim{path: c.Path, value: c.Value, seq: after.Seq}, by)
	}
	if old == nil {
		t.enterAll(&after, by)
		return
	}
	if slices.Equal(before.Index, after.Index) {
		return
	}
	// Whether an entry is the sort value depends on the others at its path, so
	// both are compared with that mark.
	was, is := entries(before), entries(after)
	for k := range was {
		if _, stays := is[k]; !stays {
			t.unindex(k, by)
		}
	}
	for k := range is {
		if _, there := was[k]; !there {
			t.enter(k, by)
		}
	}
}

type pathEntry struct {
	path string
	entry
}

// entries are the index rows of a record in normal form, in which the first
// entry of a path is its sort value.
func entries(r store.Record) map[pathEntry]struct{} {
	m := make(map[pathEntry]struct{}, len(r.Index))
	for i, e := range r.Index {
		head := i == 0 || r.Index[i-1].Path != e.Path
		m[pathEntry{e.Path, entry{e.Value, r.Seq, elemOf(e.Elem), head}}] = struct{}{}
	}
	return m
}

// elemOf bounds the number of an element; a list so long does not fit anywhere.
func elemOf(n int) int32 { return int32(max(min(n, math.MaxInt32-1), math.MinInt32+1)) }

// enterAll adds the entries of a new record, those of a path together.
func (t *table) enterAll(r *store.Record, by *stamp) {
	for i := 0; i < len(r.Index); {
		path := r.Index[i].Path
		p, ok := t.index[path]
		if !ok {
			p = newPosting()
		}
		for head := true; i < len(r.Index) && r.Index[i].Path == path; i++ {
			p.entries.set(entry{r.Index[i].Value, r.Seq, elemOf(r.Index[i].Elem), head}, by)
			if !head {
				p.extra++
			}
			head = false
		}
		t.index[path] = p
	}
}

func (t *table) enter(e pathEntry, by *stamp) {
	p, ok := t.index[e.path]
	if !ok {
		p = newPosting()
	}
	p.entries.set(e.entry, by)
	if !e.head {
		p.extra++
	}
	t.index[e.path] = p
}

func (t *table) unindex(e pathEntry, by *stamp) {
	p := t.index[e.path]
	p.entries.remove(e.entry, by)
	if !e.head {
		p.extra--
	}
	t.index[e.path] = p
}
