package engine

import (
	"context"
	"net/http"
	"slices"

	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// defaultMaxMerged bounds a sorted query over several types; whoever asks for a
// page behind it is told tooMany.
const defaultMaxMerged = 10000

// ListAll reads a page of the resources of several types: a query of the
// server's root (RFC 7644 section 3.4.2.1). Without sortBy they come type by
// type. Cursors are not served.
func (e *Engine) ListAll(ctx context.Context, call Call, types []string, p Params) (*List, error) {
	for _, typ := range types {
		if _, err := e.begin(ctx, call, typ, schema.VerbSearch, ""); err != nil {
			return nil, err
		}
	}
	p.Page, p.Limit, p.Into = "", nil, nil
	var out *List
	err := e.View(ctx, call, func(tx *Tx) error {
		var err error
		out, err = tx.listAll(ctx, types, p)
		return err
	})
	return out, err
}

// part is what one type contributes.
type part struct {
	ti    *typeInfo
	p     Params
	total int
}

func (tx *Tx) listAll(ctx context.Context, types []string, p Params) (*List, error) {
	parts, err := tx.parts(types, p)
	if err != nil {
		return nil, err
	}
	pg, err := readPage(p, func() string { return "" })
	if err != nil {
		return nil, err
	}
	out := &List{StartIndex: pg.start, ItemsPerPage: pg.count, Resources: []Document{}}
	none := 0
	for i := range parts {
		q := parts[i].p
		q.Count, q.StartIndex = &none, nil
		list, err := tx.list(ctx, parts[i].ti, q)
		if err != nil {
			return nil, err
		}
		parts[i].total = list.Total
		out.Total += list.Total
	}
	switch {
	case pg.count == 0, pg.start > out.Total:
		return out, nil
	case p.SortBy != "":
		return out, tx.mergeSorted(ctx, parts, pg, out)
	}
	skip := pg.start - 1
	for _, part := range parts {
		if skip >= part.total {
			skip -= part.total
			continue
		}
		from, left := skip+1, pg.count-len(out.Resources)
		if left == 0 {
			break
		}
		skip = 0
		part.p.StartIndex, part.p.Count = &from, &left
		list, err := tx.list(ctx, part.ti, part.p)
		if err != nil {
			return nil, err
		}
		out.Resources = append(out.Resources, list.Resources...)
	}
	return out, nil
}

// parts fits a query to each type. An attribute that none of them has is an
// error; one that some have is without a value in the others.
func (tx *Tx) parts(types []string, p Params) ([]part, error) {
	expr, err := rawFilter(p.Filter)
	if err != nil {
		return nil, err
	}
	list := make([]part, 0, len(types))
	filtered, sorted := expr == nil, p.SortBy == ""
	for _, typ := range types {
		ti, err := tx.info(typ)
		if err != nil {
			return nil, err
		}
		q := p
		if expr != nil {
			soft, known := ti.soften(expr)
			q.Filter = soft.String()
			filtered = filtered || known
		}
		if path, err := filter.ParsePath(p.SortBy); err == nil && ti.lookup(path.Attr) == nil {
			q.SortBy = ""
		} else if p.SortBy != "" {
			sorted = true
		}
		list = append(list, part{ti: ti, p: q})
	}
	switch {
	case !filtered:
		return nil, unknownInFilter(filter.Attrs(expr)[0].String())
	case !sorted:
		return nil, fail(http.StatusBadRequest, scimInvalidPath, msgPath, "sortBy does not name an attribute.")
	}
	return list, nil
}

// rawFilter parses a filter without looking at a schema.
func rawFilter(text string) (filter.Expr, error) {
	if text == "" {
		return nil, nil
	}
	e, err := filter.Parse(text)
	if err != nil {
		return nil, syntaxError(http.StatusBadRequest, scimInvalidFilter, msgFilter, "filter", err)
	}
	return e, nil
}

// mergeSorted puts the resources of all types into one order.
func (tx *Tx) mergeSorted(ctx context.Context, parts []part, pg page, out *List) error {
	end := min(pg.start-1+pg.count, out.Total)
	if limit := tx.e.opts.MaxMerged; end > limit {
		return fail(http.StatusBadRequest, scimTooMany, msgTooMany,
			"A sorted query over several types reaches its first %d resources only; ask for one type or narrow the filter.", limit)
	}
	type ranked struct {
		hit
		l *listing
	}
	var all []ranked
	for _, part := range parts {
		l, err := tx.newListing(part.ti, part.p)
		if err != nil {
			return err
		}
		if l.sort == nil && part.p.SortBy != "" {
			path, err := filter.ParsePath(part.p.SortBy)
			if err != nil {
				return err
			}
			if l.sort, err = l.ti.searchable(path.Attr); err != nil {
				return err
			}
			l.query.SortPath = ""
			l.need.attrs[l.sort.top().path], l.need.attrs[l.sort.path] = true, true
		}
		l.page = page{start: 1, count: max(end, 1)}
		hits, _, err := tx.collectSorted(ctx, l)
		if err != nil {
			return err
		}
		for _, h := range hits {
			all = append(all, ranked{hit: h, l: l})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		// By key only: the numbers of different types say nothing, and those of
		// one type are in order already.
		x, y := a.hit, b.hit
		x.seq, y.seq = 0, 0
		return a.l.compare(x, y)
	})
	for _, r := range all[min(pg.start-1, len(all)):min(end, len(all))] {
		doc, err := tx.renderHit(r.l, r.hit)
		if err != nil {
			return err
		}
		out.Resources = append(out.Resources, doc)
	}
	return nil
}
