package mapping

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
)

// Spec is what a row wants a user or a group to be.
type Spec interface {
	transfer.Spec
	// CreateProblems say why a create could not succeed where a change could:
	// a new user needs a last name and an e-mail address.
	CreateProblems() []transfer.Problem
}

// Source yields the rows of one file as users or groups.
type Source struct {
	file *csvio.File
	plan *plan
	rows func(context.Context) iter.Seq2[mapRow, error]

	mu    sync.Mutex
	found *suspects // of a large file, once a pass was made for them
}

// mapRow is a row of the file with its cells in the order of the plan.
type mapRow struct {
	*csvio.Row
	cells []string
}

var _ transfer.Source = (*Source)(nil)

// NewSource maps the columns of a file. It fails with ErrUnknownColumns,
// ErrMapping or ErrNoKey before a row is read.
func NewSource(file *csvio.File, typ string, o Options) (*Source, error) {
	if o.Name == "" {
		o.Name = file.Path
	}
	p, err := newPlan(typ, file.Header, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	rows := func(ctx context.Context) iter.Seq2[mapRow, error] {
		return func(yield func(mapRow, error) bool) {
			for row, err := range file.Rows(ctx) {
				m := mapRow{Row: row}
				if row != nil {
					m.cells = row.Cells
				}
				if !yield(m, err) {
					return
				}
			}
		}
	}
	return &Source{file: file, plan: p, rows: rows}, nil
}

// Type implements transfer.Source.
func (s *Source) Type() string { return s.plan.typ }

// Hash implements transfer.Source.
func (s *Source) Hash() string { return s.file.Hash }

// Options implements transfer.Source. It covers the options and what each
// column was understood to be, but not how a mapping was written.
func (s *Source) Options() string { return s.plan.digest }

// Name implements transfer.Source.
func (s *Source) Name() string { return s.plan.opts.Name }

// File is the file that the rows come from.
func (s *Source) File() *csvio.File { return s.file }

// Headers says what becomes of each column of the file.
func (s *Source) Headers() []HeaderReport { return s.plan.headers }

// Items implements transfer.Source. Keys that occurred before in the same
// pass reject their row.
func (s *Source) Items(ctx context.Context) iter.Seq2[*transfer.Item, error] {
	return func(yield func(*transfer.Item, error) bool) {
		dupes, err := s.dupes(ctx)
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", s.Name(), err))
			return
		}
		for row, err := range s.rows(ctx) {
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", s.Name(), err))
				return
			}
			if !yield(s.plan.item(row, dupes), nil) {
				return
			}
		}
	}
}

// item makes an item of a row.
func (p *plan) item(row mapRow, dupes *Dupes) *transfer.Item {
	it := &transfer.Item{Row: row.Number, Line: row.Line, Cells: row.Cells}
	if row.Err != nil {
		it.Problems = append(it.Problems, transfer.Problem{
			Column: row.Err.Header, Code: row.Err.Code, Message: row.Err.Message,
		})
		return it
	}
	p.fillItem(it, row.cells, dupes)
	return it
}

// fillItem reads the cells, which stand in the order of the plan.
func (p *plan) fillItem(it *transfer.Item, cells []string, dupes *Dupes) {
	s := &spec{plan: p, vals: make([]value, len(p.binds))}
	for i := range p.binds {
		b := &p.binds[i]
		v, problems := p.parseCell(b, cells[b.cell])
		s.vals[i] = v
		if i == p.members && v.state == set {
			s.names = splitMembers(v.text)
		}
		it.Problems = append(it.Problems, problems...)
	}
	if p.key >= 0 {
		key := s.vals[p.key]
		it.Key = key.text
		switch {
		case key.state == set:
			if line, dup := dupes.Add(key.text, it.Line); dup {
				it.Problems = append(it.Problems, p.problem(p.key, CodeDuplicate,
					"%q stands on line %d already", shorten(key.text), line))
			}
		case key.state != refused:
			it.Problems = append(it.Problems, p.problem(p.key, CodeMissingKey, "is empty; the row has no name"))
		}
	}
	for _, i := range p.needed {
		if st := s.vals[i].state; st != set && st != refused {
			it.Problems = append(it.Problems, p.problem(i, CodeRequired, "is empty, but mandatory"))
		}
	}
	it.Problems = append(it.Problems, p.checkRow(s)...)
	if !it.Rejected() {
		it.Spec = s
	}
}

func (p *plan) problem(bind int, code, format string, args ...any) transfer.Problem {
	b := &p.binds[bind]
	return transfer.Problem{
		Column: b.header, Attribute: b.col.Path, Code: code, Message: fmt.Sprintf(format, args...),
	}
}

// checkRow looks at what only the cells together show.
func (p *plan) checkRow(s *spec) []transfer.Problem {
	var out []transfer.Problem
	for _, l := range p.lists {
		if l.selector < 0 || s.vals[l.selector].state != set {
			continue
		}
		want := s.vals[l.selector].text
		for _, sl := range l.slots {
			if !strings.EqualFold(sl.typ, want) || s.hasContent(sl) {
				continue
			}
			for _, i := range sl.binds {
				if sub := p.binds[i].target.sub; sub == "value" || l.name == "addresses" {
					out = append(out, p.problem(l.selector, CodePrimaryEmpty, "%q is primary, but column %q is empty", want, p.binds[i].header))
					break
				}
			}
		}
	}
	if p.manager >= 0 && p.key >= 0 && s.vals[p.manager].state == set &&
		FoldKey(s.vals[p.manager].text) == FoldKey(s.vals[p.key].text) {
		out = append(out, p.problem(p.manager, CodeSelf, "%q cannot be their own manager", shorten(s.vals[p.manager].text)))
	}
	if len(p.needed) > 0 {
		return out // said already
	}
	for _, pr := range s.CreateProblems() {
		// Where the column is missing the file is a list of changes, and to
		// say so on each row would be noise.
		if p.opts.ForCreate || pr.Column != "" {
			pr.Warning = !p.opts.ForCreate
			out = append(out, pr)
		}
	}
	return out
}
