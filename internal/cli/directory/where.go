package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/where"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Selection is what a person says about which resources are meant, in words
// rather than as a SCIM filter.
type Selection struct {
	Where   Condition
	Explain bool
}

// Condition is the value of --where. It is a pflag.Value that is not empty: a
// script with an unset variable must not mean everything.
type Condition string

// String returns the condition.
func (c *Condition) String() string { return string(*c) }

// Type implements pflag.Value.
func (c *Condition) Type() string { return "condition" }

// Set implements pflag.Value.
func (c *Condition) Set(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("the condition is empty")
	}
	*c = Condition(s)
	return nil
}

// AddFlags adds --where and --explain.
func (s *Selection) AddFlags(fs *pflag.FlagSet) {
	fs.Var(&s.Where, "where", "`condition` in words, such as 'department=IT and created>30d'; see docs/finding.md")
	fs.BoolVar(&s.Explain, "explain", false, "print the SCIM filter that would be used and send nothing")
}

// Chosen is a selection that was read. It may be nil, which is everything.
type Chosen struct {
	base  *Base
	text  string
	names *where.Catalogue
	expr  filter.Expr
}

// Parse reads --where; the answer is nil where it was not given. Nothing is
// sent.
func (s *Selection) Parse(b *Base) (*Chosen, error) {
	if s.Where == "" {
		return nil, nil //nolint:nilnil // a nil selection is everything
	}
	c := &Chosen{base: b, text: string(s.Where), names: b.catalogue()}
	return c, c.read()
}

// catalogue are the names that a condition on the kind may use.
func (b *Base) catalogue() *where.Catalogue {
	var typ *schema.ResourceType
	name := b.Type
	if !b.Kind.Typed {
		name = strings.ToUpper(b.Kind.Noun[:1]) + b.Kind.Noun[1:]
	}
	if t, ok := schemas.Default().Lookup(name); ok {
		typ = t
	}
	var columns []where.Column
	for _, c := range b.Kind.Columns(b.Deps) {
		columns = append(columns, where.Column{Name: c.Name, Path: c.Path})
	}
	return where.NewCatalogue(typ, columns, cmdutil.Similar)
}

func (c *Chosen) read() error {
	expr, err := where.Parse(c.text, c.names, c.base.Deps.Clock())
	var syntax *where.SyntaxError
	if errors.As(err, &syntax) {
		if err := c.base.Deps.ShowPlace(syntax.Caret()); err != nil {
			return err
		}
		return &cmdutil.UsageError{Err: fmt.Errorf("--where: %w", err)}
	}
	if err != nil {
		return err
	}
	if _, err := filter.Compile(expr, c.names.Rules()); err != nil {
		return cmdutil.Usagef("--where: %w", err)
	}
	c.expr = expr
	return nil
}

// published splits by what is published of identity domains, other services
// being taken to search everything. unsure are attributes of which only the
// service knows.
func (c *Chosen) published(dialect string) (plan where.Plan, unsure []filter.AttrPath) {
	if dialect != idcsProvider {
		return where.Plan{Server: c.expr}, nil
	}
	for _, a := range filter.Attrs(c.expr) {
		if _, known := c.names.Searchable(a); !known {
			unsure = append(unsure, a)
		}
	}
	return where.Split(c.expr, func(a filter.AttrPath) bool {
		searchable, known := c.names.Searchable(a)
		return searchable || !known
	}), unsure
}

const idcsProvider = "idcs"

// Apply makes the condition a filter for the service and resources of which
// those are left out that the filter lets through but that do not meet the
// condition; a remark says so. It asks the service for its schema only for
// attributes that are not published, or not as searchable.
func (c *Chosen) Apply(ctx context.Context, r provider.Resources, raw filter.Expr) (filter.Expr, provider.Resources, error) {
	if c == nil {
		return raw, r, nil
	}
	p, err := c.base.Deps.Provider(ctx)
	if err != nil {
		return nil, nil, err
	}
	plan, unsure := c.published(p.Name())
	if plan.Here != nil || len(unsure) > 0 {
		described, err := c.base.schema(ctx, r.Type())
		switch {
		case err == nil:
			if plan, err = c.described(described); err != nil {
				return nil, nil, err
			}
		case Fatal(err):
			return nil, nil, err
		default:
			c.base.Deps.Log.InfoContext(ctx, "the service's schema cannot be read, the published one is used", "error", err)
		}
	}
	if plan.Here == nil {
		return filter.AllOf(raw, plan.Server), r, nil
	}
	matched, err := plan.Resources(r, c.names.Rules())
	if err != nil {
		return nil, nil, cmdutil.Usagef("--where: %w", err)
	}
	what := "the " + c.base.Kind.Plural + " it answers"
	if raw == nil && plan.Server == nil {
		what = "all " + c.base.Kind.Plural
	}
	note := Note(c.base.Deps, "the service does not search by %s, %s are read and matched here", attributes(plan.Unsearchable), what)
	return filter.AllOf(raw, plan.Server), matched, note
}

// described splits by what the service says of its attributes.
func (c *Chosen) described(s *Schema) (where.Plan, error) {
	c.names.Service = func(path string) (where.Described, bool) {
		if a := s.find(path); a != nil {
			return where.Described{Type: a.Type, Searchable: a.Searchable}, true
		}
		return where.Described{}, false
	}
	if err := c.read(); err != nil { // types that only the service knows count now
		return where.Plan{}, err
	}
	return where.Split(c.expr, func(a filter.AttrPath) bool {
		if d, ok := c.names.Service(a.String()); ok {
			return d.Searchable
		}
		searchable, _ := c.names.Searchable(a)
		return searchable
	}), nil
}

func attributes(list []filter.AttrPath) string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.String()
	}
	return strings.Join(names, ", ")
}

// Explanation is what a selection comes to.
type Explanation struct {
	// Filter is what the service is asked for, empty for everything.
	Filter string `json:"filter"`
	// MatchedHere is what the service cannot search.
	MatchedHere string `json:"matchedHere,omitempty"`
	// Unsure are attributes of which only the service knows whether it
	// searches by them.
	Unsure []string `json:"unsure,omitempty"`
}

// PrintExplanation prints what --explain asks for. Nothing is sent.
func (c *Chosen) PrintExplanation(d *cmdutil.Deps, raw filter.Expr) error {
	e := Explanation{}
	if c != nil {
		dialect := idcsProvider
		if d.Profile != nil {
			if p, err := d.Profile(); err == nil { // without a profile it can be explained as well
				dialect = p.Provider
			}
		}
		plan, unsure := c.published(dialect)
		if raw = filter.AllOf(raw, plan.Server); plan.Here != nil {
			e.MatchedHere = plan.Here.String()
		}
		for _, a := range unsure {
			e.Unsure = append(e.Unsure, a.String())
		}
	}
	if raw != nil {
		e.Filter = raw.String()
	}
	if !Tabular(d.Output.Format) {
		return output.New(d.Output, output.Spec[Explanation]{
			Columns: []output.Column[Explanation]{
				{Name: "Filter", Path: "filter", Get: func(e *Explanation) string { return e.Filter }},
				{Name: "Matched here", Path: "matchedHere", Get: func(e *Explanation) string { return e.MatchedHere }},
				{Name: "Unsure", Path: "unsure", Get: func(e *Explanation) string { return strings.Join(e.Unsure, ", ") }},
			},
			Key: func(e *Explanation) string { return e.Filter },
		}).One(d.IO, &e)
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"filter", e.Filter},
		{"matched here", e.MatchedHere},
		{"unsure", strings.Join(e.Unsure, ", ")},
	} {
		switch {
		case line[1] != "":
		case line[0] == "filter":
			line[1] = "none, everything is read"
		default:
			continue
		}
		fmt.Fprintf(&b, "%-14s%s\n", line[0], iostreams.Clean(line[1]))
	}
	if _, err := d.IO.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
