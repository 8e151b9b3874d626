// Package exporter streams the users or groups of a service into a file: as
// CSV that an import reads again, as JSON lines or as a JSON array of the
// service's own documents. Memory does not grow with the number of resources.
package exporter

import (
	"context"
	"fmt"
	"io"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Format is the form of an export.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSON  Format = "json"
	JSONL Format = "jsonl"
)

// Options shape an export.
type Options struct {
	Type   string // "User" or "Group"
	Format Format
	Filter filter.Expr
	// Columns of a CSV, by name or attribute path; none means all. Old chooses
	// the first generation of names.
	Columns []string
	Old     bool
	CSV     csvio.Format
	// Attributes and AttributeSets shape the documents of the JSON formats.
	Attributes    []string
	AttributeSets []string
	// Progress is told how many of how many are written; total is -1 where the
	// service does not say.
	Progress func(done, total int)
	// Uncounted says that the total is not to be asked for; Progress is then
	// told the number done for it.
	Uncounted bool
}

// Export writes every resource that matches to w and answers how many. What was
// written before an error is not a whole export.
func Export(ctx context.Context, p provider.Provider, w io.Writer, o Options) (int, error) {
	resources, err := p.Resource(o.Type)
	if err != nil {
		return 0, err
	}
	e := &export{Options: o, resources: resources}
	opts := scim.ListOptions{Filter: o.Filter, SortBy: resources.Keys()[0], Attributes: o.Attributes, AttributeSets: o.AttributeSets}
	switch o.Format {
	case CSV:
		err = e.csv(w, newNames(p.Users()), &opts)
	case JSON:
		e.sink = &jsonSink{w: w, open: "[\n", between: ",\n", end: "\n]\n", empty: "[]\n"}
	case JSONL:
		e.sink = &jsonSink{w: w, between: "\n", end: "\n"}
	default:
		err = fmt.Errorf("there is no export format %q", o.Format)
	}
	if err != nil {
		return 0, err
	}
	return e.run(ctx, opts)
}

// sink takes resources in the form of an export, page by page.
type sink interface {
	write(context.Context, []scim.RawDocument) error
	close() error
}

type export struct {
	Options
	resources provider.Resources
	sink      sink
	paths     [][]string // members that the sink wants picked
}

// csv prepares the columns and asks for what they need.
func (e *export) csv(w io.Writer, names *names, opts *scim.ListOptions) error {
	cols, err := mapping.ExportColumns(e.Type, e.Columns)
	if err != nil {
		return err
	}
	rows, err := mapping.NewExporter(e.Type, cols, names.of)
	if err != nil {
		return err
	}
	s := &csvSink{w: csvio.NewWriter(w, e.CSV), rows: rows, names: names, resources: e.resources}
	opts.AttributeSets = []string{"default"}
	for _, a := range mapping.Attributes(e.Type, cols) {
		if a == "members" {
			s.members = true // asked for group by group: there may be many
			continue
		}
		opts.Attributes = append(opts.Attributes, a)
	}
	for _, c := range cols {
		s.managers = s.managers || c.Kind == mapping.UserRef
	}
	if raw, ok := rows.Raw(); ok {
		s.raw, e.paths = raw, raw.Paths()
	}
	e.sink = s
	return s.w.Write(mapping.Headers(cols, e.Old))
}

func (e *export) run(ctx context.Context, opts scim.ListOptions) (int, error) {
	total := -1
	if e.Progress != nil && !e.Uncounted {
		page, err := e.resources.Page(ctx, scim.ListOptions{Filter: opts.Filter, Count: 1, Attributes: []string{"id"}})
		if err != nil {
			return 0, err
		}
		total = page.Total
	}
	done := 0
	for page, err := range provider.AllRaw(ctx, e.resources, opts, e.paths...) {
		if err != nil {
			return done, err
		}
		if err := e.sink.write(ctx, page.Rows); err != nil {
			return done, err
		}
		done += len(page.Rows)
		if e.Progress != nil {
			e.Progress(done, max(total, done))
		}
	}
	return done, e.sink.close()
}

// names knows user names by id. It forgets what it learned once it knows too
// many, so that memory stays flat.
type names struct {
	users provider.Resources
	known map[string]string
}

const maxNames = 50_000

func newNames(users provider.Resources) *names {
	return &names{users: users, known: map[string]string{}}
}

func (n *names) of(ref transfer.Ref) (string, bool) {
	name, ok := n.known[ref.Key]
	return name, ok && name != ""
}

// learn looks up the ids it does not know, in batches. One that no longer
// exists stays without a name.
func (n *names) learn(ctx context.Context, ids []string) error {
	var ask []string
	for _, id := range ids {
		if _, known := n.known[id]; !known && id != "" {
			n.known[id] = ""
			ask = append(ask, id)
		}
	}
	if len(n.known) > maxNames {
		fresh := make(map[string]string, len(ids))
		for _, id := range ids {
			fresh[id] = n.known[id]
		}
		n.known = fresh
	}
	key := n.users.Keys()[0]
	found, err := provider.FindMany(ctx, n.users, "id", ask, scim.ListOptions{Attributes: []string{key}})
	if err != nil {
		return fmt.Errorf("look up the names of users: %w", err)
	}
	for _, doc := range found {
		n.known[doc.ID()] = doc.String(key)
	}
	return nil
}
