package memory

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/idctl/idctl/internal/emulator/store"
)

// located is a record with its place in the order of a query.
type located struct {
	rec *store.Record
	pos store.Position
}

func (t *tx) Query(q store.Query) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		start, err := t.begin(q)
		if err != nil {
			yield(store.Row{}, err)
			return
		}
		left := q.Limit
		var cursor func(store.Position) string
		if !q.NoCursor {
			cursor = q.Cursors()
		}
		t.freeze().run(q, start, func(l located) bool {
			if err := t.reading(); err != nil {
				yield(store.Row{}, err)
				return false
			}
			var row store.Row
			if q.Lend {
				row.Record = lent(l.rec)
			} else {
				row.Record = handOut(l.rec)
			}
			if !q.NoCursor {
				row.Cursor = cursor(l.pos)
			}
			if !yield(row, nil) {
				return false
			}
			left--
			return left != 0
		})
	}
}

func (t *tx) begin(q store.Query) (*store.Position, error) {
	if err := t.reading(); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	return q.Start()
}

func (t *tx) Count(q store.Query) (int, error) {
	if err := t.reading(); err != nil {
		return 0, err
	}
	if err := q.Check(); err != nil {
		return 0, err
	}
	tab := t.whole(q.Type)
	if tab == nil {
		return 0, nil
	}
	if !q.Filtered() {
		return tab.bySeq.len(), nil
	}
	if len(q.Conds) == 1 && q.In == nil {
		if found, ok := tab.equals(q); ok {
			return len(found), nil
		}
		// Where no record has several entries, entries are records.
		if p := tab.index[q.Conds[0].Path]; p.extra == 0 {
			lo, hi := p.ranks(q.Conds[0].Interval())
			return hi - lo, nil
		}
	}
	src, _ := tab.best(q)
	return len(tab.collect(q, src)), nil
}

// run yields what matches, in order, from start and Offset on. Either the
// records are walked in that order, or those that the most selective condition
// leaves are collected and sorted, whichever promises to touch fewer.
func (s *state) run(q store.Query, start *store.Position, yield func(located) bool) {
	tab := s.whole(q.Type)
	if tab == nil {
		return
	}
	if !q.Filtered() {
		tab.scan(q, start, q.Offset, yield)
		return
	}
	if found, ok := tab.equals(q); ok {
		s.arrange(q, found, start, yield)
		return
	}
	n := tab.bySeq.len()
	touched := n
	src, few := tab.best(q)
	if q.Limit > 0 {
		perHit := float64(n) / float64(max(few, 1))
		touched = int(min(float64(n), perHit*(float64(q.Offset)+float64(q.Limit))))
	}
	if few > touched || few >= n && few > 1 {
		tab.filtered(q, start, yield)
		return
	}
	s.arrange(q, tab.collect(q, src), start, yield)
}

// maxEquals is how many records with one value are collected before they are
// counted to decide how to go about it.
const maxEquals = 64

// equals answers the records that match a sole equality, by Seq, unless they
// are many: looking for one by its name is what is asked most.
func (tab *table) equals(q store.Query) ([]*store.Record, bool) {
	if q.In != nil || len(q.Conds) != 1 || q.Conds[0].Rel != store.Eq {
		return nil, false
	}
	var found []*store.Record
	want, few := q.Conds[0].Value, true
	p, ok := tab.index[q.Conds[0].Path]
	if !ok {
		return nil, true
	}
	p.entries.from(entry{value: want, elem: math.MinInt32}, func(e entry) bool {
		if e.value != want {
			return false
		}
		few = len(found) < maxEquals
		if r, _ := tab.bySeq.get(placed{seq: e.seq}); few && (len(found) == 0 || found[len(found)-1] != r.rec) {
			found = append(found, r.rec)
		}
		return few
	})
	return found, few
}

// arrange sorts records, which are ordered by Seq, and yields those of the page.
func (s *state) arrange(q store.Query, found []*store.Record, start *store.Position, yield func(located) bool) {
	list := make([]located, 0, len(found))
	for _, r := range found {
		l := located{r, q.Position(r.Seq, r.Index)}
		if start == nil || q.Compare(l.pos, *start) > 0 {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b located) int { return q.Compare(a.pos, b.pos) })
	for _, l := range list[min(q.Offset, len(list)):] {
		if !yield(l) {
			return
		}
	}
}

// filtered walks in order and passes on what matches.
func (tab *table) filtered(q store.Query, start *store.Position, yield func(located) bool) {
	skip := q.Offset
	tab.scan(q, start, 0, func(l located) bool {
		if !q.Match(l.rec.ID, l.rec.Index) {
			return true
		}
		if skip > 0 {
			skip--
			return true
		}
		return yield(l)
	})
}

// scan walks all records of the table in the order of the query.
func (tab *table) scan(q store.Query, start *store.Position, skip int, yield func(located) bool) {
	heads := 0
	if p, ok := tab.index[q.SortPath]; ok && q.SortPath != "" {
		heads = p.entries.len() - p.extra
		if start == nil || !start.Tail {
			var more bool
			if skip, more = tab.scanHeads(q, p, start, skip, yield); !more {
				return
			}
		}
	}
	if heads == tab.bySeq.len() {
		return
	}
	lo, hi := 0, tab.bySeq.len()
	if start != nil && start.Tail {
		at := tab.bySeq.rank(placed{seq: start.Seq})
		if q.Desc {
			hi = at
		} else {
			lo = at
			if _, ok := tab.bySeq.get(placed{seq: start.Seq}); ok {
				lo++
			}
		}
	}
	if heads == 0 { // every record is of the tail: jump
		lo, hi = advance(lo, hi, skip, q.Desc)
		skip = 0
	}
	tab.bySeq.walk(lo, hi, q.Desc, func(at placed) bool {
		r := at.rec
		pos := q.Position(r.Seq, r.Index)
		if !pos.Tail {
			return true
		}
		if skip > 0 {
			skip--
			return true
		}
		return yield(located{r, pos})
	})
}

// advance moves the near end of a range of ranks.
func advance(lo, hi, by int, back bool) (int, int) {
	by = min(by, max(hi-lo, 0))
	if back {
		return lo, hi - by
	}
	return lo + by, hi
}

// scanHeads walks the records that have an entry at SortPath. It answers what
// is left to skip, and whether to go on.
func (tab *table) scanHeads(q store.Query, p posting, start *store.Position, skip int, yield func(located) bool) (int, bool) {
	lo, hi := 0, p.entries.len()
	if start != nil {
		if q.Desc {
			hi = p.entries.rank(entry{value: start.Value, seq: start.Seq, elem: math.MinInt32})
		} else {
			lo = p.entries.rank(entry{value: start.Value, seq: start.Seq, elem: math.MaxInt32})
		}
	}
	if p.extra == 0 {
		before := hi - lo
		lo, hi = advance(lo, hi, skip, q.Desc)
		skip -= before - (hi - lo)
	}
	more := true
	p.entries.walk(lo, hi, q.Desc, func(e entry) bool {
		if !e.head {
			return true
		}
		if skip > 0 {
			skip--
			return true
		}
		r, _ := tab.bySeq.get(placed{seq: e.seq})
		more = yield(located{r.rec, store.Position{Value: e.value, Seq: e.seq}})
		return more
	})
	return skip, more
}

// source is one way to find candidates: the index at path within intervals, or
// ids. listed says that it does all that In asks for.
type source struct {
	listed bool
	path   string
	in     []store.Interval
	ids    []string
}

// best answers the source with the fewest candidates and their number.
func (tab *table) best(q store.Query) (source, int) {
	few := math.MaxInt
	var best source
	try := func(s source) {
		n := len(s.ids)
		for _, iv := range s.in {
			lo, hi := tab.index[s.path].ranks(iv)
			n += hi - lo
		}
		if n < few {
			few, best = n, s
		}
	}
	if q.In != nil {
		if q.In.Path == "id" {
			try(source{listed: true, ids: q.In.Values})
		} else {
			s := source{listed: true, path: q.In.Path}
			for _, v := range q.In.Values {
				s.in = append(s.in, store.Cond{Rel: store.Eq, Value: v}.Interval())
			}
			try(s)
		}
	}
	for _, c := range q.Conds {
		try(source{path: c.Path, in: []store.Interval{c.Interval()}})
	}
	return best, few
}

// ranks are those of the entries within an interval.
func (p posting) ranks(iv store.Interval) (int, int) {
	lo := p.entries.rank(entry{value: iv.Low, elem: math.MinInt32})
	if iv.Open {
		return lo, p.entries.len()
	}
	return lo, max(lo, p.entries.rank(entry{value: iv.High, elem: math.MinInt32}))
}

// collect answers all records that match, ordered by Seq, by way of a source.
func (tab *table) collect(q store.Query, src source) []*store.Record {
	if src.listed {
		q.In = nil
	}
	var found []*store.Record
	for _, id := range src.ids {
		if r, ok := tab.byID.get(key(id)); ok && q.Match(r.rec.ID, r.rec.Index) {
			found = append(found, r.rec)
		}
	}
	for _, iv := range src.in {
		p := tab.index[src.path]
		lo, hi := p.ranks(iv)
		p.entries.walk(lo, hi, false, func(e entry) bool {
			r, _ := tab.bySeq.get(placed{seq: e.seq})
			if q.Match(r.rec.ID, r.rec.Index) {
				found = append(found, r.rec)
			}
			return true
		})
	}
	slices.SortFunc(found, func(a, b *store.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.Compact(found) // one record can be found by several entries
}
