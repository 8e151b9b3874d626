package sqlite

import (
	"slices"
	"strconv"

	"github.com/idctl/idctl/internal/emulator/store"
)

// maxFew is how many candidates are looked at one by one. When every condition
// leaves more, SQLite intersects and walks the order instead.
const maxFew = 2000

// plan is a query with its names looked up.
type plan struct {
	q      store.Query
	cursor func(store.Position) string
	start  *store.Position
	typ    int64
	sort   int64 // path by which to sort; 0 when no record has an entry there
	in     int64 // path of q.In, unless that is "id"
	conds  []cond
	paths  map[int64]string // all that are needed to match and to sort
}

type cond struct {
	store.Cond
	path int64
}

// plan answers false when nothing can match: then a name has never been used.
func (t *tx) plan(q store.Query) (plan, bool, error) {
	p := plan{q: q, cursor: q.Cursors(), paths: map[int64]string{}}
	var ok bool
	var err error
	if p.typ, ok, err = t.lookup(spaceType, q.Type); err != nil || !ok {
		return p, false, err
	}
	path := func(text string) (number int64, ok bool, err error) {
		if number, ok, err = t.lookup(p.typ, text); ok {
			p.paths[number] = text
		}
		return number, ok, err
	}
	if q.SortPath != "" {
		if p.sort, _, err = path(q.SortPath); err != nil {
			return p, false, err
		}
	}
	if q.In != nil {
		if len(q.In.Values) == 0 {
			return p, false, nil
		}
		if q.In.Path != "id" {
			if p.in, ok, err = path(q.In.Path); err != nil || !ok {
				return p, false, err
			}
		}
	}
	for _, c := range q.Conds {
		number, ok, err := path(c.Path)
		if err != nil || !ok {
			return p, false, err
		}
		p.conds = append(p.conds, cond{c, number})
	}
	return p, true, t.relax(&p)
}

// relax drops a sole condition that every record of the type satisfies, such
// as "userName pr". The query keeps its cursors: they are made from the
// original, which has the same order.
func (t *tx) relax(p *plan) error {
	if len(p.conds) != 1 || p.conds[0].Rel != store.Any || p.q.In != nil {
		return nil
	}
	total, err := t.total(p.typ)
	if err != nil {
		return err
	}
	heads, _, err := t.heads(p.conds[0].path)
	if err != nil {
		return err
	}
	if heads == total {
		p.conds = nil
	}
	return nil
}

// filtered says whether conditions are left.
func (p plan) filtered() bool { return len(p.conds) > 0 || p.q.In != nil }

// where is the condition as SQL on a row of entries.
func (c cond) where() (string, []any) {
	text, args := "path = ?", []any{c.path}
	if c.Rel == store.Eq {
		return text + " AND value = ?", append(args, c.Value)
	}
	iv := c.Interval()
	if iv.Low != "" {
		text += " AND value >= ?"
		args = append(args, iv.Low)
	}
	if !iv.Open {
		text += " AND value < ?"
		args = append(args, iv.High)
	}
	return text, args
}

// filter is all conditions, without In, as SQL on a row that has a seq. The
// plus signs keep SQLite from starting with the lists: it is to walk the order
// of the query, in an index, and to look records up in the lists.
func (p plan) filter() (string, []any) {
	var text string
	var args []any
	for i, c := range p.conds {
		same := func(o cond) bool { return o.Group == c.Group }
		if c.Group != 0 && slices.ContainsFunc(p.conds[:i], same) {
			continue
		}
		where, a := c.where()
		text += " AND +seq IN (SELECT seq FROM entries WHERE " + where
		args = append(args, a...)
		if c.Group != 0 {
			for _, o := range p.conds[i+1:] {
				if same(o) {
					where, a := o.where()
					text += " AND (+seq, +elem) IN (SELECT seq, elem FROM entries WHERE " + where + ")"
					args = append(args, a...)
				}
			}
		}
		text += ")"
	}
	return text, args
}

// total is the number of records of a type.
func (t *tx) total(typ int64) (int, error) {
	return t.counted("type "+strconv.FormatInt(typ, 10), func() (n int, err error) {
		return n, t.row("SELECT count(*) FROM records INDEXED BY records_order WHERE type = ?", []any{typ}, &n)
	})
}

// heads is the number of records with an entry at a path, and that of the
// further entries they have there.
func (t *tx) heads(path int64) (heads, extra int, err error) {
	key := "path " + strconv.FormatInt(path, 10)
	heads, err = t.counted(key, func() (n int, err error) {
		return n, t.row("SELECT count(*) FROM entries WHERE path = ? AND head = 1", []any{path}, &n)
	})
	if err != nil {
		return 0, 0, err
	}
	all, err := t.counted(key+" all", func() (n int, err error) {
		return n, t.row("SELECT count(*) FROM entries WHERE path = ?", []any{path}, &n)
	})
	return heads, all - heads, err
}

// few answers candidates when some condition leaves not too many, and false
// otherwise. In always does: it lists what it wants.
func (t *tx) few(p plan) ([]uint64, bool, error) {
	if p.q.In != nil {
		keys, err := t.listed(p)
		return distinct(keys), true, err
	}
	conds := slices.Clone(p.conds)
	slices.SortStableFunc(conds, func(a, b cond) int { return rank(a.Rel) - rank(b.Rel) })
	var best []uint64
	found := false
	for _, c := range conds {
		where, args := c.where()
		keys, err := t.seqs("SELECT seq FROM entries WHERE "+where+" LIMIT ?", append(args, maxFew+1))
		if err != nil {
			return nil, false, err
		}
		if len(keys) <= maxFew && (!found || len(keys) < len(best)) {
			best, found = keys, true
		}
		if found && len(best) < rowPage {
			break // looking for a better one would cost more than it saves
		}
	}
	return distinct(best), found, nil
}

// rank puts first what is likely to leave few.
func rank(r store.Rel) int {
	switch r {
	case store.Eq:
		return 0
	case store.Prefix:
		return 1
	case store.Any:
		return 3
	default:
		return 2
	}
}

// listed answers the keys that In asks for, in pieces that SQLite takes.
func (t *tx) listed(p plan) ([]uint64, error) {
	const piece = 1024
	var keys []uint64
	for values := range slices.Chunk(p.q.In.Values, piece) {
		list, args := placeholders(values)
		query, first := "SELECT seq FROM entries WHERE path = ? AND value IN ", p.in
		if p.q.In.Path == "id" {
			query, first = "SELECT seq FROM records WHERE type = ? AND id IN ", p.typ
		}
		found, err := t.seqs(query+list, append([]any{first}, args...))
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

func distinct(keys []uint64) []uint64 {
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (t *tx) seqs(query string, args []any) ([]uint64, error) {
	var keys []uint64
	err := t.each(query, args, func(scan func(...any) error) error {
		var k uint64
		err := scan(&k)
		keys = append(keys, k)
		return err
	})
	return keys, err
}
