package memory

import (
	"cmp"
	"maps"
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
	owner   *stamp            // of the transaction that may change tables
	links   tree[*store.Link] // by kind, from, to
	out     tree[*store.Link] // by kind, from, seq
	in      tree[*store.Link] // by kind, to, seq
	values  tree[value]
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
	rec         *store.Record // who holds it; no part of the key
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

func newPosting() posting {
	return posting{entries: tree[entry]{cmp: func(a, b entry) int {
		switch c := strings.Compare(a.value, b.value); {
		case c != 0:
			return c
		case a.seq != b.seq:
			return cmp.Compare(a.seq, b.seq)
		}
		return cmp.Compare(a.elem, b.elem)
	}}}
}

// copy answers a state of its own with the same content.
func (s *state) copy() *state {
	c := *s
	return &c
}

// own answers the table of a type for changing under the stamp. Unless only
// new records are put in, it must be whole.
func (s *state) own(typ string, by *stamp, whole bool) *table {
	if s.owner != by {
		s.tables, s.owner = maps.Clone(s.tables), by
	}
	t := s.tables[typ]
	switch {
	case t == nil:
		t = newTable(by)
		s.tables[typ] = t
	case t.owner != by:
		if done := t.once.table.Load(); done != nil {
			t = done
		} else if whole {
			t = t.shared()
		}
		t = t.copy(by)
		s.tables[typ] = t
	case whole:
		t.settle(by)
	}
	return t
}

// whole answers the table of a type with all its records in all its trees, for
// reading.
func (s *state) whole(typ string) *table {
	if t := s.tables[typ]; t != nil {
		return t.shared()
	}
	return nil
}
