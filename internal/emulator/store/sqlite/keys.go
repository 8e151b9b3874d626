package sqlite

import (
	"slices"

	"github.com/idctl/idctl/internal/emulator/store"
)

// keys answers the Seq of the records that a query yields, in order, without
// touching documents.
func (t *tx) keys(p plan) ([]uint64, error) {
	if !p.filtered() {
		return t.walk(p)
	}
	few, ok, err := t.few(p)
	if err != nil {
		return nil, err
	}
	if ok {
		return t.arrange(p, few)
	}
	return t.walk(p)
}

// arrange picks from candidates those that match, sorts them and cuts out the
// part that the query wants.
func (t *tx) arrange(p plan, candidates []uint64) ([]uint64, error) {
	var found []store.Position
	match := p.q
	match.In = nil // few lists what In asks for, so that has been seen to
	add := func(at store.Position) {
		if p.start == nil || p.q.Compare(at, *p.start) > 0 {
			found = append(found, at)
		}
	}
	if exact := p.q.In == nil && len(p.conds) == 1; exact && p.sort == 0 {
		for _, k := range candidates {
			add(store.Position{Tail: true, Seq: k})
		}
	} else {
		for chunk := range slices.Chunk(candidates, 1024) {
			if err := t.reading(); err != nil {
				return nil, err
			}
			list, args := placeholders(chunk)
			err := t.each("SELECT seq, id, entries FROM records WHERE seq IN "+list, args, func(scan func(...any) error) error {
				var seq uint64
				var id string
				var column []byte
				if err := scan(&seq, &id, &column); err != nil {
					return err
				}
				entries, err := decodeAt(column, p.paths)
				if err != nil {
					return t.damaged(err)
				}
				if match.Match(id, entries) {
					add(p.q.Position(seq, entries))
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(found, p.q.Compare)
	found = found[min(p.q.Offset, len(found)):]
	if p.q.Limit > 0 {
		found = found[:min(p.q.Limit, len(found))]
	}
	keys := make([]uint64, len(found))
	for i, at := range found {
		keys[i] = at.Seq
	}
	return keys, nil
}

// part is a stretch of a query's order as SQL: the records with an entry at
// SortPath, or the tail of those without.
type part struct {
	from  string // table, where and the arguments select it
	where string
	args  []any
	order []string
	size  int // how many there are, where nothing is filtered; -1 when not known
}

// walk reads keys off an index in the order of the query: first those of the
// records that have an entry at SortPath, then the others.
func (t *tx) walk(p plan) ([]uint64, error) {
	skip, left := p.q.Offset, -1
	if p.q.Limit > 0 {
		left = p.q.Limit
	}
	var keys []uint64
	if p.sort != 0 && (p.start == nil || !p.start.Tail) {
		part, err := t.heading(p)
		if err != nil {
			return nil, err
		}
		if keys, err = t.cut(p, part, skip, left); err != nil {
			return nil, err
		}
		if left -= len(keys); left == 0 {
			return keys, nil
		}
		if skip, err = t.rest(part, skip, len(keys)); err != nil {
			return nil, err
		}
	}
	part, more, err := t.tail(p)
	if err != nil || !more {
		return keys, err
	}
	others, err := t.cut(p, part, skip, max(left, -1))
	return append(keys, others...), err
}

// rest is how much is left to skip behind a part of which some keys came.
func (t *tx) rest(p part, skip, came int) (int, error) {
	if skip == 0 || came > 0 {
		return 0, nil
	}
	n := p.size
	if n < 0 {
		if err := t.row("SELECT count(*) FROM "+p.from+" WHERE "+p.where, p.args, &n); err != nil {
			return 0, err
		}
	}
	return skip - n, nil
}

// heading is the part of the records with an entry at SortPath.
func (t *tx) heading(p plan) (part, error) {
	out := part{from: "entries", where: "path = ? AND head = 1", args: []any{p.sort}, order: []string{"value", "seq"}, size: -1}
	if p.start != nil {
		out.where += " AND (value, seq) " + beyond(p.q.Desc) + " (?, ?)"
		out.args = append(out.args, p.start.Value, p.start.Seq)
	}
	if !p.filtered() {
		if p.start == nil && p.q.Offset > 0 {
			var err error
			if out.size, _, err = t.heads(p.sort); err != nil {
				return out, err
			}
		}
		return out, nil
	}
	if len(p.conds) == 1 && p.conds[0].path == p.sort {
		_, extra, err := t.heads(p.sort)
		if err != nil {
			return out, err
		}
		if extra == 0 { // what is matched is what is sorted by: a range of the index
			where, args := p.conds[0].where()
			out.where += " AND " + where
			out.args = append(out.args, args...)
			return out, nil
		}
	}
	where, args := p.filter()
	out.where += where
	out.args = append(out.args, args...)
	return out, nil
}

// tail is the part of the records without an entry at SortPath; false when
// there is none.
func (t *tx) tail(p plan) (part, bool, error) {
	total, err := t.total(p.typ)
	if err != nil {
		return part{}, false, err
	}
	heads := 0
	if p.sort != 0 {
		if heads, _, err = t.heads(p.sort); err != nil {
			return part{}, false, err
		}
	}
	if heads == total {
		return part{}, false, nil
	}
	out := part{from: "records INDEXED BY records_order", where: "type = ?", args: []any{p.typ}, order: []string{"seq"}, size: -1}
	if c := p.conds; len(c) == 1 && c[0].Rel == store.Eq && heads == 0 {
		// The entries of one value stand in the order of seq already.
		out.from = "entries"
		out.where, out.args = c[0].where()
	} else if p.filtered() {
		where, args := p.filter()
		out.where += where
		out.args = append(out.args, args...)
	} else if p.start == nil {
		out.size = total - heads
	}
	if heads > 0 {
		out.where += " AND +seq NOT IN (SELECT seq FROM entries WHERE path = ? AND head = 1)"
		out.args = append(out.args, p.sort)
	}
	if p.start != nil && p.start.Tail {
		out.where += " AND seq " + beyond(p.q.Desc) + " ?"
		out.args = append(out.args, p.start.Seq)
	}
	return out, true, nil
}

func beyond(desc bool) string {
	if desc {
		return "<"
	}
	return ">"
}

// cut reads the keys of a part from skip on, at most limit unless that is -1.
// A stretch nearer to the other end is read from there.
func (t *tx) cut(p plan, s part, skip, limit int) ([]uint64, error) {
	desc := p.q.Desc
	// All records of a type, in a View: what the version says is what there is.
	whole := s.size >= 0 && p.sort == 0 && !t.writable && !desc && limit > 0
	offset := skip
	if whole {
		if a, ok := t.db.anchors.near(t.version, p.typ, skip); ok && skip-a.offset < min(skip, s.size-skip) {
			s.where += " AND seq > ?"
			s.args = append(slices.Clone(s.args), a.seq)
			skip -= a.offset
			s.size = -1
		}
	}
	back := s.size >= 0 && limit > 0 && skip > s.size/2
	if back {
		limit = min(limit, s.size-skip)
		if limit <= 0 {
			return nil, nil
		}
		skip = s.size - skip - limit
		desc = !desc
	}
	query, args := s.sql(desc, limit, skip)
	keys, err := t.seqs(query, args)
	if back {
		slices.Reverse(keys)
	}
	if whole && err == nil && len(keys) > 0 {
		t.db.anchors.note(t.version, p.typ, offset, keys)
	}
	return keys, err
}

// sql is the statement that reads keys of a part.
func (s part) sql(desc bool, limit, skip int) (string, []any) {
	order := ""
	for _, column := range s.order {
		if order != "" {
			order += ", "
		}
		order += column
		if desc {
			order += " DESC"
		}
	}
	what := "SELECT seq FROM "
	if s.from == "entries" && s.order[0] == "seq" {
		what = "SELECT DISTINCT seq FROM " // several elements may have the value
	}
	return what + s.from + " WHERE " + s.where + " ORDER BY " + order + " LIMIT ? OFFSET ?", append(slices.Clone(s.args), limit, skip)
}
