package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// page is what a request asks for of a list.
type page struct {
	start  int // 1-based
	count  int
	cursor *cursor
	follow bool // the caller pages by cursor or may begin to
}

// cursor is where a page continues: behind the record with this key, if it has
// one, and this number. It is opaque to clients. It holds nothing of how the
// query was planned, since a plan names ids that change between pages, such as
// the members of a group.
type cursor struct {
	Query string `json:"q"` // digest of what was asked, so that it is not mixed up
	Key   string `json:"k,omitempty"`
	Has   bool   `json:"v,omitempty"`
	Seq   uint64 `json:"s,omitempty"`
}

// hit is a record that matches.
type hit struct {
	id   string
	seq  uint64
	key  string
	has  bool
	row  string // the store's cursor
	data []byte
	doc  Document // of a virtual resource
}

// listing is one list request being answered.
type listing struct {
	ti      *typeInfo
	proj    *projection
	shape   *shape
	match   *filter.Matcher // nil: the store's answer is exact
	need    *wanted
	query   store.Query
	sort    *attr // sorted here instead of by the store
	desc    bool
	page    page
	digest  func() string
	virtual []Document
	// limited says that the call reaches some of the records only.
	limited bool
}

func (tx *Tx) list(ctx context.Context, ti *typeInfo, p Params) (*List, error) {
	l, err := tx.newListing(ti, p)
	if err != nil {
		return nil, err
	}
	var hits []hit
	var total int
	switch {
	case l.virtual != nil || l.sort != nil:
		hits, total, err = tx.collectSorted(ctx, l)
	case l.match == nil && !l.limited:
		hits, total, err = tx.collectExact(ctx, l)
	default:
		hits, total, err = tx.collectMatching(ctx, l)
	}
	if err != nil {
		return nil, err
	}
	out := &List{Total: total, StartIndex: l.page.start, ItemsPerPage: l.page.count, Resources: []Document{}}
	if l.proj.count {
		out.Total = 1
		out.Resources = []Document{{"count": json.Number(formatInt(int64(total)))}}
		return out, nil
	}
	if l.page.count == 0 {
		return out, nil
	}
	if len(hits) > l.page.count {
		hits = hits[:l.page.count]
		if l.page.follow {
			out.NextPage = l.next(hits[len(hits)-1])
		}
	}
	if p.Into != nil && l.virtual == nil {
		return out, tx.encodeHits(l, hits, out, p.Into)
	}
	for _, h := range hits {
		doc, err := tx.renderHit(l, h)
		if err != nil {
			return nil, err
		}
		out.Resources = append(out.Resources, doc)
	}
	return out, nil
}

// encodeHits appends the page as text.
func (tx *Tx) encodeHits(l *listing, hits []hit, out *List, into []byte) error {
	e := tx.newEmitter(l.ti, l.shape, into)
	for i, h := range hits {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		ok, err := e.record(store.Record{ID: h.id, Data: h.data})
		if err != nil {
			return err
		}
		if ok {
			continue
		}
		doc, err := tx.renderHit(l, h)
		if err != nil {
			return err
		}
		if e.out, err = AppendJSON(e.out, doc); err != nil {
			return err
		}
	}
	out.JSON, out.Shown = e.out, len(hits)
	return nil
}

func (tx *Tx) renderHit(l *listing, h hit) (Document, error) {
	doc := h.doc
	if doc == nil {
		var err error
		if doc, err = decode(h.data); err != nil {
			return nil, fmt.Errorf("%s %s: %w: %w", l.ti.rt.Name, h.id, store.ErrCorrupt, err)
		}
	}
	res, err := tx.render(l.ti, h.id, doc, l.proj)
	if err != nil {
		return nil, err
	}
	if h.doc != nil {
		return cloneDoc(res.Doc), nil
	}
	return res.Doc, nil
}

func (tx *Tx) newListing(ti *typeInfo, p Params) (*listing, error) {
	shown, err := ti.shaped(p)
	if err != nil {
		return nil, err
	}
	expr, err := ti.parseFilter(p.Filter)
	if err != nil {
		return nil, err
	}
	l := &listing{ti: ti, proj: shown.proj, shape: shown.shape, digest: sync.OnceValue(func() string { return digest(ti.rt.Name, p) })}
	if l.page, err = readPage(p, l.digest); err != nil {
		return nil, err
	}
	if ti.hooks.Virtual != nil {
		if l.virtual, err = tx.virtual(ti); err != nil {
			return nil, err
		}
	}
	pl := &plan{residual: expr}
	if l.virtual == nil {
		if pl, err = tx.plan(ti, expr); err != nil {
			return nil, err
		}
	}
	if l.limited, err = tx.narrowToLimit(ti, pl); err != nil {
		return nil, err
	}
	l.query = store.Query{Type: ti.rt.Name, Conds: pl.conds, In: pl.in, Lend: true, NoCursor: !l.page.follow}
	// Compile the whole filter first: an operator that does not fit is an
	// error even where the index could answer.
	if _, err := filter.Compile(expr, ti); err != nil {
		return nil, fail(http.StatusBadRequest, scimInvalidFilter, msgFilter, "The filter is not valid: %s.", err)
	}
	if pl.residual != nil {
		if l.match, err = filter.Compile(pl.residual, ti); err != nil {
			return nil, fail(http.StatusBadRequest, scimInvalidFilter, msgFilter, "The filter is not valid: %s.", err)
		}
	}
	l.need = &wanted{ti: ti, attrs: map[string]bool{}}
	for _, a := range filter.Attrs(pl.residual) {
		if x := ti.lookup(a); x != nil {
			l.need.attrs[x.top().path] = true
			l.need.attrs[x.path] = true
		}
	}
	return l, tx.setSort(l, p)
}

func (tx *Tx) setSort(l *listing, p Params) error {
	switch strings.ToLower(p.SortOrder) {
	case "", "ascending", "asc":
	case "descending", "desc":
		l.desc = true
	default:
		return bad(msgFilter, "sortOrder must be ascending or descending, not %q.", p.SortOrder)
	}
	l.query.Desc = l.desc
	if p.SortBy == "" {
		return nil
	}
	path, err := filter.ParseOptions{}.ParsePath(p.SortBy)
	if err != nil || path.Filter != nil || path.Attr.Name == "" {
		return fail(http.StatusBadRequest, scimInvalidPath, msgPath, "sortBy does not name an attribute.")
	}
	a, err := l.ti.searchable(path.Attr)
	if err != nil {
		return err
	}
	if ip, ok := l.ti.indexFor(a); ok && l.virtual == nil {
		sorts, err := tx.storeSorts(l, ip)
		if err != nil {
			return err
		}
		if sorts {
			l.query.SortPath = ip.path
			return nil
		}
	}
	l.sort = a
	l.need.attrs[a.top().path] = true
	l.need.attrs[a.path] = true
	return nil
}

// readPage reads the page that a request asks for. The maximum is documented;
// that more is cut down to it instead of refused is a guess.
func readPage(p Params, want func() string) (page, error) {
	pg := page{start: 1, count: defaultCount}
	if p.Page != "" || p.Limit != nil {
		pg.follow = true
		if p.Limit != nil && *p.Limit >= 0 {
			pg.count = min(*p.Limit, maxCount)
		}
		if p.Page == "" {
			return pg, nil
		}
		c := &cursor{}
		text, err := base64.RawURLEncoding.DecodeString(p.Page)
		if err != nil || json.Unmarshal(text, c) != nil || c.Query != want() {
			return pg, bad(msgCursor, "page is not a cursor that this query gave out.")
		}
		pg.cursor = c
		return pg, nil
	}
	pg.follow = p.StartIndex == nil && p.Count == nil
	if p.StartIndex != nil {
		pg.start = max(*p.StartIndex, 1)
	}
	if p.Count != nil && *p.Count >= 0 {
		pg.count = min(*p.Count, maxCount)
	}
	return pg, nil
}

// digest tells queries apart for their cursors.
func digest(typ string, p Params) string {
	h := sha256.New()
	for _, s := range []string{typ, p.Filter, p.SortBy, strings.ToLower(p.SortOrder)} {
		fmt.Fprintf(h, "%d:%s", len(s), s) //nolint:errcheck // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

func (l *listing) next(last hit) string {
	c := cursor{Query: l.digest(), Key: last.key, Has: last.has, Seq: last.seq}
	if l.virtual == nil && l.sort == nil {
		q := l.query
		q.After = last.row
		at, err := q.Start()
		if err != nil || at == nil {
			return ""
		}
		c.Key, c.Has, c.Seq = at.Value, !at.Tail, at.Seq
	}
	text, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// after is the store's cursor for where the page continues.
func (l *listing) after() string {
	c := l.page.cursor
	return l.query.Cursors()(store.Position{Tail: !c.Has, Value: c.Key, Seq: c.Seq})
}

// collectExact reads one page, and one record more, from the store.
func (tx *Tx) collectExact(ctx context.Context, l *listing) ([]hit, int, error) {
	if l.page.count == 0 || l.proj.count {
		total, err := tx.st.Count(l.query)
		return nil, total, err
	}
	q := l.query
	q.Limit = l.page.count + 1
	if l.page.cursor != nil {
		q.After = l.after()
	} else {
		q.Offset = l.page.start - 1
	}
	hits, err := tx.walk(ctx, l, q, 0)
	if err != nil {
		return nil, 0, err
	}
	if l.page.cursor == nil && l.page.start == 1 && len(hits) <= l.page.count {
		return hits, len(hits), nil // that is all there is
	}
	total, err := tx.st.Count(l.query)
	return hits, total, err
}

// collectMatching walks over all that the store has to offer, since the total
// must be exact, and keeps one page and one record more.
func (tx *Tx) collectMatching(ctx context.Context, l *listing) ([]hit, int, error) {
	var hits []hit
	total := 0
	first := l.page.cursor == nil
	err := tx.scan(ctx, l, l.query, func(row store.Row) bool {
		total++
		if first && total >= l.page.start && len(hits) <= l.page.count {
			hits = append(hits, newHit(row))
		}
		return true
	})
	if err != nil || first {
		return hits, total, err
	}
	q := l.query
	q.After = l.after()
	hits, err = tx.walk(ctx, l, q, l.page.count+1)
	return hits, total, err
}

// walk collects matching records, up to a limit other than 0.
func (tx *Tx) walk(ctx context.Context, l *listing, q store.Query, limit int) ([]hit, error) {
	var hits []hit
	err := tx.scan(ctx, l, q, func(row store.Row) bool {
		hits = append(hits, newHit(row))
		return limit == 0 || len(hits) < limit
	})
	return hits, err
}

func newHit(row store.Row) hit {
	return hit{id: row.ID, seq: row.Seq, row: row.Cursor, data: row.Data}
}

// scan calls f for matching records until it answers false.
func (tx *Tx) scan(ctx context.Context, l *listing, q store.Query, f func(store.Row) bool) error {
	n := 0
	for row, err := range tx.st.Query(q) {
		if err != nil {
			return err
		}
		if n++; n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ok := true
		if l.limited {
			if ok, err = tx.reaches(l.ti.rt.Name, row.ID); err != nil {
				return err
			}
		}
		if ok && l.match != nil {
			if _, ok, err = tx.matches(l, row.ID, row.Data); err != nil {
				return err
			}
		}
		if ok && !f(row) {
			return nil
		}
	}
	return ctx.Err()
}

func (tx *Tx) matches(l *listing, id string, data []byte) (Document, bool, error) {
	doc, err := decode(data)
	if err != nil {
		return nil, false, fmt.Errorf("%s %s: %w: %w", l.ti.rt.Name, id, store.ErrCorrupt, err)
	}
	if err := tx.derive(l.ti, id, doc, l.need); err != nil {
		return nil, false, err
	}
	return doc, l.match == nil || l.match.Match(doc), nil
}

// collectSorted sorts all matches here: the store has no index for the
// attribute, or no record. Of each it keeps the key only.
func (tx *Tx) collectSorted(ctx context.Context, l *listing) ([]hit, int, error) {
	var hits []hit
	add := func(h hit, doc Document) {
		h.key, h.has = l.sortKey(doc)
		hits = append(hits, h)
	}
	if l.virtual != nil {
		for i, doc := range l.virtual {
			if l.match == nil || l.match.Match(doc) {
				id, _ := doc["id"].(string)
				add(hit{id: id, seq: uint64(i) + 1, doc: doc}, doc)
			}
		}
	} else {
		n := 0
		for row, err := range tx.st.Query(l.query) {
			if err != nil {
				return nil, 0, err
			}
			if n++; n%256 == 0 && ctx.Err() != nil {
				return nil, 0, ctx.Err()
			}
			if l.limited {
				if ok, err := tx.reaches(l.ti.rt.Name, row.ID); err != nil {
					return nil, 0, err
				} else if !ok {
					continue
				}
			}
			doc, ok, err := tx.matches(l, row.ID, row.Data)
			if err != nil {
				return nil, 0, err
			}
			if ok {
				add(hit{id: row.ID, seq: row.Seq}, doc)
			}
		}
	}
	slices.SortFunc(hits, l.compare)
	total := len(hits)
	from := l.page.start - 1
	if c := l.page.cursor; c != nil {
		last := hit{key: c.Key, has: c.Has, seq: c.Seq}
		from, _ = slices.BinarySearchFunc(hits, last, l.compare)
		if from < len(hits) && l.compare(hits[from], last) == 0 {
			from++
		}
	}
	if l.page.count == 0 || l.proj.count {
		return nil, total, nil
	}
	hits = hits[min(from, len(hits)):]
	hits = hits[:min(len(hits), l.page.count+1)]
	for i, h := range hits {
		if h.doc == nil {
			rec, err := tx.st.Get(l.ti.rt.Name, h.id)
			if err != nil {
				return nil, 0, err
			}
			hits[i].data = rec.Data
		}
	}
	return hits, total, nil
}

// compare orders by key, then by age. Records without a key come last when the
// order ascends and first when it descends (RFC 7644 section 3.4.2.3).
func (l *listing) compare(a, b hit) int {
	if a.has != b.has {
		if a.has != l.desc {
			return -1
		}
		return 1
	}
	n := cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.seq, b.seq))
	if l.desc {
		return -n
	}
	return n
}

// sortKey is the value of the sort attribute: that of the primary element of a
// list, or of its first.
func (l *listing) sortKey(doc Document) (string, bool) {
	if l.sort == nil {
		return "", false
	}
	list := elements(value(doc, l.sort.top()))
	if i := slices.IndexFunc(list, func(x any) bool { p, _ := asMap(x)["primary"].(bool); return p }); i > 0 {
		list = append([]any{list[i]}, list...)
	}
	for _, x := range list {
		if l.sort.parent != nil {
			x = asMap(x)[l.sort.Name]
		}
		for _, y := range elements(x) {
			if s, ok := l.sort.indexValue(y); ok {
				return s, true
			}
		}
	}
	return "", false
}
