package scim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// longQuery is the length of a filter from which it goes by POST .search: many
// servers and proxies take request lines of 8 KB, and escaping makes it longer.
const longQuery = 4000

// query is a list that is being read: what was asked, and how much of that the
// server does.
type query struct {
	r     *resources
	s     *scim.Service[scim.Document]
	typ   typeInfo
	asked scim.ListOptions
	match *filter.Matcher // nil without a filter

	attributes           []string
	filterHere, sortHere bool
	// parts are the terms of the filter, which go out one by one.
	parts []filter.Expr
	// step is what was given up last; it is learned when the next try works.
	step func()
	// most is how much the server gives at once, 0 where it does not say.
	most int
	// dropped are rows that the server sent although they do not match.
	dropped int
}

// All yields every resource that matches, whatever of filter and order the
// server can do. An order that it cannot do holds the whole list in memory.
func (r *resources) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		q, err := r.query(ctx, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		skip := max(opts.StartIndex-1, 0)
		for doc, err := range q.all(ctx) {
			if err != nil {
				yield(nil, r.listError(err))
				return
			}
			if skip > 0 {
				skip--
				continue
			}
			if !yield(doc, nil) {
				return
			}
		}
	}
}

// Page reads one page. A server may shorten pages, so that several calls may
// be needed.
func (r *resources) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	q, err := r.query(ctx, opts)
	if err != nil {
		return nil, err
	}
	for !q.local() {
		page, err := q.page(ctx)
		switch {
		case err != nil && q.degrade(ctx, err):
		case err != nil:
			return nil, r.listError(err)
		case q.dropped > 0 && page.Total > len(page.Resources):
			// It does not filter, or not all of it: what it says of totals and
			// pages is of no use.
			q.filterHere = true
		default:
			q.worked()
			return page, nil
		}
	}
	from := max(opts.StartIndex, 1)
	page := &scim.Page[scim.Document]{Resources: []scim.Document{}, StartIndex: from}
	for doc, err := range q.all(ctx) {
		if err != nil {
			return nil, r.listError(err)
		}
		page.Total++
		if page.Total >= from && len(page.Resources) < q.want() {
			page.Resources = append(page.Resources, doc)
		}
	}
	page.ItemsPerPage = len(page.Resources)
	return page, nil
}

func (r *resources) query(ctx context.Context, opts scim.ListOptions) (*query, error) {
	s, t, err := r.service(ctx)
	if err != nil {
		return nil, err
	}
	q := &query{r: r, s: s, typ: t, asked: opts}
	if opts.Filter != nil {
		if q.match, err = filter.Compile(opts.Filter, nil); err != nil {
			return nil, &scim.Error{Op: http.MethodGet, Path: t.endpoint, Status: http.StatusBadRequest, ScimType: "invalidFilter", Detail: err.Error()}
		}
	}
	if t.protocol {
		// RFC 7644 section 4: no filter, no order, and perhaps no pages.
		q.filterHere, q.sortHere = true, opts.SortBy != ""
		return q, nil
	}
	f, err := r.p.readFeatures(ctx)
	if err != nil {
		return nil, err
	}
	q.most = f.maxResults
	if opts.Filter != nil && (f.filter == no || r.p.knows(q.filterTopic())) {
		q.giveUpFilter(ctx)
	}
	if opts.SortBy != "" && (f.sort == no || r.p.knows(q.sortTopic())) {
		q.giveUpSort(ctx)
	}
	if terms := orTerms(opts.Filter); !q.filterHere && len(terms) > 1 && r.p.noOr.Load() {
		q.split(terms)
	}
	q.attributes, err = q.project(ctx)
	return q, err
}

// want is the number of rows on a page, as the caller counts.
func (q *query) want() int {
	if q.asked.Count > 0 {
		return q.asked.Count
	}
	return scim.DefaultPageSize
}

// atOnce bounds a number of rows by what the server gives at once.
func (q *query) atOnce(n int) int {
	if q.most > 0 {
		return min(n, q.most)
	}
	return n
}

// project asks for what is wanted, and for what is needed to match and order
// here.
func (q *query) project(ctx context.Context) ([]string, error) {
	out, err := q.r.projection(ctx, q.typ, q.asked)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	add := func(name string) {
		if q.typ.mayHave(name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, a := range filter.Attrs(q.asked.Filter) {
		add(a.String())
	}
	if q.sortHere {
		add(q.asked.SortBy)
	}
	return out, nil
}

// local says whether pages have to be cut here.
func (q *query) local() bool { return q.filterHere || q.sortHere || len(q.parts) > 0 }

// topics under which it is kept what the server does not do.
func (q *query) filterTopic() string {
	var names []string
	for _, a := range filter.Attrs(q.asked.Filter) {
		names = append(names, strings.ToLower(a.String()))
	}
	slices.Sort(names)
	return q.typ.name + " filter " + strings.Join(names, ",")
}

func (q *query) sortTopic() string {
	return q.typ.name + " sort " + strings.ToLower(q.asked.SortBy)
}

func (q *query) plural() string { return strings.TrimLeft(q.typ.endpoint, "/") }

func (q *query) giveUpFilter(ctx context.Context) {
	q.filterHere, q.parts = true, nil
	q.r.p.say(ctx, "the service does not search %s this way; all are read and matched here", q.plural())
}

func (q *query) giveUpSort(ctx context.Context) {
	q.sortHere = true
	q.r.p.say(ctx, "the service does not order %s this way; all are read and ordered here", q.plural())
}

// split sends the terms of an or-filter one by one.
func (q *query) split(terms []filter.Expr) {
	q.parts = terms
	if q.asked.SortBy != "" {
		q.sortHere = true
	}
}

// worked keeps what had to be given up until the server answered.
func (q *query) worked() {
	if q.step != nil {
		q.step()
		q.step = nil
	}
}

// degrade gives up one thing that a refused request may have been refused for,
// and says whether there is another request to try.
func (q *query) degrade(ctx context.Context, err error) bool {
	var refusal *scim.Error
	if !errors.As(err, &refusal) || strings.EqualFold(refusal.ScimType, "tooMany") {
		return false
	}
	long := false
	switch refusal.Status {
	case http.StatusBadRequest, http.StatusNotImplemented:
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		// A search that is no endpoint. (A list that is none stays an error.)
		long = strings.HasSuffix(refusal.Path, "/.search")
		if !long {
			return false
		}
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		long = true
	default:
		return false
	}
	p := q.r.p
	if strings.HasSuffix(refusal.Path, "/.search") && !p.noSearch.Load() && refusal.Status != http.StatusRequestEntityTooLarge {
		p.noSearch.Store(true)
		if q.s, _, err = q.r.service(ctx); err != nil {
			return false
		}
		return true
	}
	aboutFilter := long || strings.EqualFold(refusal.ScimType, "invalidFilter")
	if !aboutFilter && len(q.attributes) > 0 {
		q.attributes = nil
		q.step = func() { q.r.withoutAttributes(ctx, refusal) }
		return true
	}
	if !aboutFilter && q.asked.SortBy != "" && !q.sortHere {
		q.giveUpSort(ctx)
		q.step = func() { p.learn(q.sortTopic()) }
		return true
	}
	if q.asked.Filter == nil || q.filterHere {
		return false
	}
	if terms := orTerms(q.asked.Filter); len(terms) > 1 && len(q.parts) == 0 {
		q.split(terms)
		q.step = func() {
			p.noOr.Store(true)
			p.log.InfoContext(ctx, "the service refuses a filter with or, its terms are sent one by one", "type", q.typ.name, "error", refusal)
		}
		return true
	}
	q.giveUpFilter(ctx)
	q.step = func() { p.learn(q.filterTopic()) }
	return true
}

// orTerms are the terms of a filter that is nothing but comparisons joined by or.
func orTerms(e filter.Expr) []filter.Expr {
	switch e := e.(type) {
	case *filter.Or:
		left, right := orTerms(e.Left), orTerms(e.Right)
		if left == nil || right == nil {
			return nil
		}
		return append(left, right...)
	case *filter.Compare:
		return []filter.Expr{e}
	}
	return nil
}

// all yields what matches, in the order asked for.
func (q *query) all(ctx context.Context) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		for again := true; again; {
			again = false
			first := true
			for doc, err := range q.ordered(ctx) {
				if err != nil && first && q.degrade(ctx, err) {
					again = true
					break
				}
				if err == nil {
					q.worked()
				}
				first = false
				if !yield(doc, err) || err != nil {
					return
				}
			}
			if !again {
				q.worked()
			}
		}
	}
}

func (q *query) ordered(ctx context.Context) iter.Seq2[scim.Document, error] {
	if !q.sortHere {
		return q.matching(ctx)
	}
	return func(yield func(scim.Document, error) bool) {
		type row struct {
			doc scim.Document
			key string
		}
		var rows []row
		for doc, err := range q.matching(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			rows = append(rows, row{doc, provider.Fold(doc.String(q.asked.SortBy))})
		}
		slices.SortStableFunc(rows, func(a, b row) int {
			if q.asked.Descending {
				a, b = b, a
			}
			return strings.Compare(a.key, b.key)
		})
		for _, r := range rows {
			if !yield(r.doc, nil) {
				return
			}
		}
	}
}

// matching yields the rows that match; the others are dropped, be it that the
// server was not asked to filter or that it did not.
func (q *query) matching(ctx context.Context) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		for doc, err := range q.sent(ctx) {
			if err == nil && !q.keep(ctx, doc) {
				continue
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

func (q *query) keep(ctx context.Context, doc scim.Document) bool {
	if q.match == nil || q.match.Match(doc) {
		return true
	}
	if !q.filterHere {
		q.dropped++
		q.r.p.say(ctx, "the service sent %s that do not match the filter; they are left out here", q.plural())
	}
	return false
}

// sent yields what the server sends.
func (q *query) sent(ctx context.Context) iter.Seq2[scim.Document, error] {
	switch {
	case q.typ.protocol && q.typ.ops&scim.List != 0:
		return q.r.p.described(ctx, q.typ.endpoint)
	case len(q.parts) == 0:
		return q.s.All(ctx, q.request(q.asked.Filter))
	}
	return func(yield func(scim.Document, error) bool) {
		seen := map[string]bool{}
		for _, term := range q.parts {
			for doc, err := range q.s.All(ctx, q.request(term)) {
				if err == nil && seen[doc.ID()] && doc.ID() != "" {
					continue
				}
				if err == nil {
					seen[doc.ID()] = true
				}
				if !yield(doc, err) || err != nil {
					return
				}
			}
		}
	}
}

// request is what goes out for the whole list with one filter.
func (q *query) request(e filter.Expr) scim.ListOptions {
	out := scim.ListOptions{Attributes: q.attributes, Count: q.atOnce(q.want())}
	if !q.filterHere && e != nil {
		out.Filter = e
		out.Post = len(e.String()) > longQuery
	}
	if !q.sortHere {
		out.SortBy, out.Descending = q.asked.SortBy, q.asked.Descending
	}
	if q.filterHere {
		out.Count = q.atOnce(scim.DefaultPageSize) // everything is read: a page made for few matches is too small
	}
	return out
}

// page reads the page that was asked for, with more calls where the server
// gives less at a time.
func (q *query) page(ctx context.Context) (*scim.Page[scim.Document], error) {
	q.dropped = 0
	want := q.want()
	opts := q.request(q.asked.Filter)
	start := max(q.asked.StartIndex, 1)
	out := &scim.Page[scim.Document]{Resources: []scim.Document{}, StartIndex: start}
	seen := map[string]bool{}
	for {
		opts.StartIndex, opts.Count = start, q.atOnce(want-len(out.Resources))
		page, err := q.s.List(ctx, opts)
		if err != nil {
			return nil, err
		}
		out.Total = page.Total
		fresh := 0
		for _, doc := range page.Resources {
			if id := doc.ID(); id != "" {
				if seen[id] {
					continue
				}
				seen[id] = true
			}
			fresh++
			if q.keep(ctx, doc) && len(out.Resources) < want {
				out.Resources = append(out.Resources, doc)
			}
		}
		start += len(page.Resources)
		// A server that says how many there are, and gave fewer, has more.
		if fresh == 0 || len(out.Resources) >= want || page.Total < start {
			break
		}
	}
	if q.dropped > 0 && out.StartIndex == 1 && out.Total < start {
		out.Total = len(out.Resources) // everything came, and this is what matches
	}
	out.ItemsPerPage = len(out.Resources)
	return out, nil
}

// listError adds to a collection that is not there what may be meant.
func (r *resources) listError(err error) error {
	var refusal *scim.Error
	if errors.As(err, &refusal) && refusal.Status == http.StatusNotFound {
		return &hinted{fmt.Errorf("there are no %s below %s: %w", strings.TrimLeft(r.base.endpoint, "/"), r.p.BaseURL(), err), addressHint}
	}
	return r.refuse(err)
}
