package directory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Page sizes. The service's own limit is maxPage.
const (
	defaultPage = 20
	maxPage     = 1000
)

// ListOptions are what list needs.
type ListOptions struct {
	Base
	Projection
	Selection
	Print    output.Printer[scim.Document]
	Filter   string
	Sort     string
	Page     string
	PageSize int
	Limit    int
	States   []string
}

// AddFlags adds --sort, --page, --page-size, --limit and the flags of Projection.
func (o *ListOptions) AddFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&o.Sort, "sort", "", "`attribute` to order by, with :desc behind it for the reverse")
	fs.StringVar(&o.Page, "page", "", "only one page: a `number`, first or last")
	fs.IntVar(&o.PageSize, "page-size", defaultPage, "rows of a page")
	fs.IntVar(&o.Limit, "limit", 0, "at most this many rows")
	o.Projection.AddFlags(fs)
}

// addSelection adds the flags of Selection, for lists that are chosen from all.
func (o *ListOptions) addSelection(cmd *cobra.Command) { o.Selection.AddFlags(cmd.Flags()) }

// NewList makes the command list.
func NewList(d *cmdutil.Deps, k Kind, run func(context.Context, *ListOptions) error) *cobra.Command {
	o := &ListOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	cmd := &cobra.Command{
		Use: k.use("list", ""), Aliases: []string{"ls"}, Short: "List " + k.Plural,
		Long: "List all " + k.Plural + ", or those that --where or --filter selects, or one page of them.\n\n" +
			"A list that is cut says on stderr how much of it is shown.",
		Example: k.example("list", "") + "\n" +
			k.example("list", "--page last --page-size 50") + "\n" +
			k.example("list", `--where 'created<7d' --sort created`) + "\n" +
			k.example("list", `--filter 'displayName sw "A"' --sort displayName:desc -o csv`),
		Args: k.args(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.arguments(args)
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Filter, "filter", "", "SCIM `filter`, such as 'active eq true'")
	if k.States {
		cmd.Flags().StringArrayVar(&o.States, "state", nil, "only those in this `state`, or these with commas: "+strings.Join(lifecycle.Words(), ", "))
	}
	o.addSelection(cmd)
	o.AddFlags(cmd)
	return cmd
}

// RunList lists resources.
func RunList(ctx context.Context, o *ListOptions) error {
	var expr filter.Expr
	if o.Filter != "" {
		var err error
		if expr, err = o.Deps.ParseFilter("filter", o.Filter); err != nil {
			return err
		}
	}
	return o.list(ctx, nil, expr)
}

// list prints the resources that expr selects. r may be nil for those of the
// kind.
func (o *ListOptions) list(ctx context.Context, r provider.Resources, expr filter.Expr) error {
	chosen, err := o.Parse(&o.Base)
	if err != nil {
		return err
	}
	if o.Explain {
		return chosen.PrintExplanation(o.Deps, expr)
	}
	states, err := parseStates(o.States)
	if err != nil {
		return err
	}
	opts := scim.ListOptions{}
	page, err := pageNumber(o.Page)
	switch {
	case err != nil:
		return err
	case o.PageSize < 1 || o.PageSize > maxPage:
		return cmdutil.Usagef("--page-size must be from 1 to %d", maxPage)
	case o.Limit < 0:
		return cmdutil.Usagef("--limit must be 1 or more")
	case page != 0 && o.Limit != 0:
		return cmdutil.Usagef("--page and --limit exclude each other")
	}
	if err := o.Kind.sorting(o.Sort, &opts); err != nil {
		return err
	}
	if err := o.apply(&o.Kind, o.Deps, o.Print, false, &opts); err != nil {
		return err
	}
	if r == nil {
		if r, err = o.Resources(ctx); err != nil {
			return err
		}
	}
	if opts.Filter, r, err = chosen.Apply(ctx, r, expr); err != nil {
		return err
	}
	if r, opts.Filter, err = o.withStates(ctx, r, opts.Filter, states); err != nil {
		return err
	}
	q := &query{Base: &o.Base, r: r, opts: opts}
	switch {
	case page != 0:
		err = o.onePage(ctx, q, page)
	case o.Limit != 0:
		err = o.limited(ctx, q)
	default:
		_, err = o.stream(q.all(ctx))
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", o.Kind.Plural, err)
	}
	return nil
}

// stream prints a list while it is read. An error before the first row prints
// nothing, not even a heading.
func (o *ListOptions) stream(seq iter.Seq2[scim.Document, error]) (int, error) {
	next, stop := iter.Pull2(seq)
	defer stop()
	doc, err, ok := next()
	if ok && err != nil {
		return 0, err
	}
	return o.Print.Stream(o.Deps.IO, func(yield func(scim.Document, error) bool) {
		for ; ok; doc, err, ok = next() {
			if !yield(doc, err) || err != nil {
				return
			}
		}
	})
}

func (o *ListOptions) onePage(ctx context.Context, q *query, number int) error {
	start, total := (number-1)*o.PageSize+1, 0
	if number < 0 {
		var err error
		if total, err = q.total(ctx); err != nil {
			return err
		}
		if total < 0 {
			return errors.New("the service does not say how many there are, so that the last page is not known")
		}
		start = max(total-1, 0)/o.PageSize*o.PageSize + 1
	}
	docs, total, err := q.part(ctx, start, o.PageSize)
	if err != nil {
		return err
	}
	if len(docs) == 0 && total > 0 {
		return cmdutil.Usagef("there is no page %d, the last of %s is page %d", number, o.count(total), (total-1)/o.PageSize+1)
	}
	if err := o.Print.List(o.Deps.IO, docs); err != nil {
		return err
	}
	switch {
	case total < 0:
		return o.Deps.Note("%s from number %d, the service does not say of how many", o.count(len(docs)), start)
	case len(docs) < total:
		return o.Deps.Note("%d-%d of %s, page %d of %d", start, start+len(docs)-1, o.count(total),
			(start-1)/o.PageSize+1, (total-1)/o.PageSize+1)
	}
	return nil
}

func (o *ListOptions) limited(ctx context.Context, q *query) error {
	if o.Limit <= maxPage {
		docs, total, err := q.part(ctx, 1, o.Limit)
		if err != nil {
			return err
		}
		if err := o.Print.List(o.Deps.IO, docs); err != nil {
			return err
		}
		if len(docs) < total {
			return o.Deps.Note("%d of %s", len(docs), o.count(total))
		}
		return nil
	}
	cut := false
	n, err := o.stream(func(yield func(scim.Document, error) bool) {
		n := 0
		for doc, err := range q.all(ctx) {
			if err == nil {
				if n == o.Limit {
					cut = true
					return
				}
				n++
			}
			if !yield(doc, err) {
				return
			}
		}
	})
	if err != nil || !cut {
		return err
	}
	total, err := q.total(ctx)
	if err != nil {
		return err
	}
	return o.Deps.Note("%d of %s", n, o.count(max(total, n)))
}

// query reads a list, ordered by the service or, where the service refuses
// that attribute, here.
type query struct {
	*Base
	r    provider.Resources
	opts scim.ListOptions
	here []scim.Document // the whole list, ordered here
}

func (q *query) all(ctx context.Context) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		first := true
		for doc, err := range q.r.All(ctx, q.opts) {
			if err != nil && first && q.opts.SortBy != "" && errors.Is(err, scim.ErrInvalid) {
				if err = q.orderHere(ctx, err); err == nil {
					for _, doc := range q.here {
						if !yield(doc, nil) {
							return
						}
					}
					return
				}
			}
			first = false
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// part reads count rows from start on and answers how many there are in all,
// -1 if that is not known.
func (q *query) part(ctx context.Context, start, count int) ([]scim.Document, int, error) {
	opts := q.opts
	opts.StartIndex, opts.Count = start, count
	page, err := q.r.Page(ctx, opts)
	if err == nil {
		return page.Resources, page.Total, nil
	}
	if q.opts.SortBy == "" || !errors.Is(err, scim.ErrInvalid) {
		return nil, 0, err
	}
	if err := q.orderHere(ctx, err); err != nil {
		return nil, 0, err
	}
	from := min(start-1, len(q.here))
	return q.here[from:min(from+count, len(q.here))], len(q.here), nil
}

// total asks how many there are; the smallest page says it.
func (q *query) total(ctx context.Context) (int, error) {
	opts := q.opts
	opts.SortBy, opts.Descending, opts.Count = "", false, 1
	opts.Attributes, opts.AttributeSets = []string{"id"}, nil
	page, err := q.r.Page(ctx, opts)
	if err != nil {
		return 0, err
	}
	return page.Total, nil
}

// orderHere reads the whole list without an order and sorts it. When that is
// refused too, the order was not the reason and the first refusal stands.
func (q *query) orderHere(ctx context.Context, refusal error) error {
	opts := q.opts
	opts.SortBy, opts.Descending = "", false
	if len(opts.Attributes) > 0 {
		opts.Attributes = append(slices.Clone(opts.Attributes), q.opts.SortBy)
	}
	type row struct {
		doc scim.Document
		key string
	}
	var rows []row
	for doc, err := range q.r.All(ctx, opts) {
		if errors.Is(err, scim.ErrInvalid) && len(rows) == 0 {
			return refusal
		}
		if err != nil {
			return err
		}
		rows = append(rows, row{doc, provider.Fold(doc.String(q.opts.SortBy))})
	}
	if err := q.Deps.Note("the service does not order %s by %s, they were ordered here", q.Kind.Plural, q.opts.SortBy); err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if q.opts.Descending {
			a, b = b, a
		}
		return strings.Compare(a.key, b.key)
	})
	q.here = make([]scim.Document, len(rows))
	for i, r := range rows {
		q.here[i] = r.doc
	}
	return nil
}

// ListWhere lists the resources of the kind that a filter selects.
func ListWhere(ctx context.Context, o *ListOptions, expr filter.Expr) error {
	return o.list(ctx, nil, expr)
}
