package memory

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/idctl/idctl/internal/emulator/store"
)

// table is the records of one type. owner is the stamp of the transaction
// that may change it, indexOwner that of the one that may change index.
//
// New records are only remembered in fresh at first. The trees get them many at
// a time, when somebody looks for what is not in them or enough have come
// together: a change copies the nodes on its way, and so many records share the
// copies.
type table struct {
	owner, indexOwner *stamp

	byID   tree[keyed]
	bySeq  tree[placed]
	index  map[string]posting
	claims tree[claim]

	fresh      *newRecord
	freshCount int
	// recent has the ids and claims of all fresh records and perhaps more, such
	// as those of a transaction that was rolled back. Successive tables share
	// it; only the one who writes may look at it.
	recent map[recentKey]struct{}
	once   *settling
}

// recentKey is a claim or, without a path, an id.
type recentKey struct{ path, value string }

// newRecord is a list of records, the newest first.
type newRecord struct {
	rec    *store.Record
	before *newRecord
}

const (
	// maxFresh is how many records wait to be put into the trees. It bounds
	// what the first reader after many creates has to do.
	maxFresh = 512
	// maxRecent bounds what transactions that were rolled back leave.
	maxRecent = 8 * maxFresh
	// lookBack is how many of the newest records are looked at before all are
	// put into the trees to find one.
	lookBack = 8
)

// settling is the whole form of a table that nobody changes any more, once
// somebody needed it.
type settling struct {
	sync.Once
	table atomic.Pointer[table]
}

// keyed is a record in the tree of ids. The beginning of the id stands beside
// it, so that a search need not look at all the ids on its way.
type keyed struct {
	head uint64
	id   string
	rec  *store.Record
}

// key is what the record with an id is looked for by.
func key(id string) keyed {
	var b [8]byte
	copy(b[:], id)
	return keyed{head: binary.BigEndian.Uint64(b[:]), id: id}
}

// keyOf is the place of a record in the tree of ids.
func keyOf(r *store.Record) keyed {
	k := key(r.ID)
	k.rec = r
	return k
}

// placed is a record in the tree of the order of creation.
type placed struct {
	seq uint64
	rec *store.Record
}

func newTable(by *stamp) *table {
	return &table{
		owner: by, indexOwner: by, once: &settling{},
		byID: tree[keyed]{cmp: func(a, b keyed) int {
			if a.head != b.head {
				return cmp.Compare(a.head, b.head)
			}
			return strings.Compare(a.id, b.id)
		}},
		bySeq: tree[placed]{cmp: func(a, b placed) int { return cmp.Compare(a.seq, b.seq) }},
		index: map[string]posting{},
		claims: tree[claim]{cmp: func(a, b claim) int {
			if c := strings.Compare(a.path, b.path); c != 0 {
				return c
			}
			return strings.Compare(a.value, b.value)
		}},
	}
}

// copy answers a table with the same content that the stamp may change.
func (t *table) copy(by *stamp) *table {
	c := *t
	c.owner, c.once = by, &settling{}
	return &c
}

// shared answers the whole form of a table that is not changed any more.
func (t *table) shared() *table {
	if t.fresh == nil {
		return t
	}
	t.once.Do(func() {
		by := &stamp{}
		c := t.copy(by)
		c.settle(by)
		t.once.table.Store(c)
	})
	return t.once.table.Load()
}

// add puts in a new record, whose id and claims are free.
func (t *table) add(r *store.Record, by *stamp) {
	if t.recent == nil {
		t.recent = map[recentKey]struct{}{}
	}
	t.recent[recentKey{value: r.ID}] = struct{}{}
	for _, c := range r.Unique {
		t.recent[recentKey{c.Path, c.Value}] = struct{}{}
	}
	t.fresh = &newRecord{r, t.fresh}
	if t.freshCount++; t.freshCount >= maxFresh || len(t.recent) >= maxRecent {
		t.settle(by)
	}
}

// get finds a record, or answers nil; sure is false where it may be a fresh one.
// The trees have no other record under the id or claim of a fresh one.
func (t *table) get(id string) (rec *store.Record, sure bool) {
	for f, n := t.fresh, 0; f != nil && n < lookBack; f, n = f.before, n+1 {
		if f.rec.ID == id {
			return f.rec, true
		}
	}
	r, ok := t.byID.get(key(id))
	return r.rec, ok || t.freshCount <= lookBack
}

// claimed finds who holds a claim, in the same way.
func (t *table) claimed(path, val string) (rec *store.Record, sure bool) {
	c, ok := t.claims.get(claim{path: path, value: val})
	return c.rec, ok || t.fresh == nil
}

// settle puts the fresh records into all trees.
func (t *table) settle(by *stamp) {
	if t.fresh == nil {
		return
	}
	t.ownIndex(by)
	list := make([]*store.Record, t.freshCount)
	for f, i := t.fresh, len(list); f != nil; f = f.before {
		i--
		list[i] = f.rec
	}
	// One tree after the other, so that its nodes stay at hand.
	for _, r := range list {
		t.byID.set(keyOf(r), by)
	}
	for _, r := range list {
		t.bySeq.set(placed{r.Seq, r}, by)
	}
	for _, r := range list {
		for _, c := range r.Unique {
			t.claims.set(claim{path: c.Path, value: c.Value, rec: r}, by)
		}
	}
	next := make([]int, len(list)) // entry of each record
	for _, path := range pathsOf(list) {
		p, ok := t.index[path]
		if !ok {
			p = newPosting()
		}
		for i, r := range list {
			next[i] = p.enter(r, path, next[i], by)
		}
		t.index[path] = p
	}
	t.fresh, t.freshCount, t.recent = nil, 0, nil
}

func (t *table) ownIndex(by *stamp) {
	if t.indexOwner != by {
		t.index, t.indexOwner = maps.Clone(t.index), by
	}
}

// replace takes old out of the table and puts r, unless it is nil, in its
// place. Entries and claims that both have are left alone. The table is whole.
func (t *table) replace(old, r *store.Record, by *stamp) {
	before, after := *old, store.Record{}
	if r != nil {
		after = *r
		t.byID.set(keyOf(r), by)
		t.bySeq.set(placed{r.Seq, r}, by)
	} else {
		t.byID.remove(key(old.ID), by)
		t.bySeq.remove(placed{seq: old.Seq}, by)
	}
	for _, c := range before.Unique {
		if !slices.Contains(after.Unique, c) {
			t.claims.remove(claim{path: c.Path, value: c.Value}, by)
		}
	}
	for _, c := range after.Unique {
		t.claims.set(claim{path: c.Path, value: c.Value, rec: r}, by)
	}
	if slices.Equal(before.Index, after.Index) {
		return
	}
	// Whether an entry is the sort value depends on the others at its path, so
	// both are compared with that mark.
	t.ownIndex(by)
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

// pathsOf are the paths at which records have entries, in order.
func pathsOf(list []*store.Record) []string {
	var paths []string
	for _, r := range list {
		last := ""
		for i, e := range r.Index {
			if i > 0 && e.Path == last {
				continue
			}
			last = e.Path
			if at, ok := slices.BinarySearch(paths, last); !ok {
				paths = slices.Insert(paths, at, last)
			}
		}
	}
	return paths
}

// enter adds the entries that a new record has at a path, which begin with its
// entry i if there are any, and answers what comes behind them.
func (p *posting) enter(r *store.Record, path string, i int, by *stamp) int {
	for head := true; i < len(r.Index) && r.Index[i].Path == path; i++ {
		p.entries.set(entry{r.Index[i].Value, r.Seq, elemOf(r.Index[i].Elem), head}, by)
		if !head {
			p.extra++
		}
		head = false
	}
	return i
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
