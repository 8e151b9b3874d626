package directory

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// minSearch is the length of a text from which search takes it: one letter
// would find nearly everything.
const minSearch = 2

// SearchOptions are what search needs.
type SearchOptions struct {
	ListOptions
	Text string
	In   []string
	Only bool
}

// NewSearch makes the command search.
func NewSearch(d *cmdutil.Deps, k Kind, run func(context.Context, *SearchOptions) error) *cobra.Command {
	o := &SearchOptions{ListOptions: ListOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	where := " the attributes by which a resource of the type is named."
	if len(k.Search) > 0 {
		where = "\n\n  " + strings.Join(k.Search, "\n  ") + "\n\n"
	}
	cmd := &cobra.Command{
		Use: k.use("search", "<text>"), Aliases: []string{"find"}, Short: "Search " + k.Plural + " by the beginning of a name",
		Long: "Search " + k.Plural + " of which an attribute begins with a text of two characters or more,\n" +
			"without regard to case. Looked into are" + strings.TrimSuffix(where, "\n") + "\n" +
			"--in adds others, also custom ones, which must be searchable on the service.",
		Example: k.example("search", "ada") + "\n" + k.example("search", "ada --in costCenter --limit 10"),
		Args:    k.args(1, 1, "text"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Text = o.arguments(args)[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.In, "in", nil, "look into this `attribute` too; may be given several times")
	cmd.Flags().BoolVar(&o.Only, "only", false, "look into nothing but the attributes of --in")
	o.addSelection(cmd)
	o.AddFlags(cmd)
	return cmd
}

// RunSearch lists what begins with the text.
func RunSearch(ctx context.Context, o *SearchOptions) error {
	text := strings.TrimSpace(o.Text)
	if utf8.RuneCountInString(text) < minSearch {
		return cmdutil.Usagef("search needs a text of %d characters or more, got %q", minSearch, o.Text).
			WithHint("list shows them all")
	}
	if o.Only && len(o.In) == 0 {
		return cmdutil.Usagef("--only needs --in")
	}
	custom := splitAttributes(o.In)
	for i, a := range custom {
		custom[i] = o.Kind.Expand(a)
		if _, err := filter.ParseAttr(custom[i]); err != nil {
			return cmdutil.Usagef("--in %q is not an attribute: %w", a, err)
		}
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	attrs := o.Kind.Search
	if len(attrs) == 0 {
		attrs = r.Keys()
	}
	if o.Only {
		attrs = nil
	}
	if attrs = append(append([]string(nil), attrs...), custom...); len(attrs) == 0 {
		return cmdutil.Usagef("resources of type %s have no names to search by", r.Type()).WithHint("name an attribute with --in")
	}
	if !o.Explain { // which sends nothing
		if err := o.searchable(ctx, r, custom); err != nil {
			return err
		}
	}
	expr, err := startsWith(attrs, text)
	if err != nil {
		return err
	}
	return o.list(ctx, r, expr)
}

func startsWith(attrs []string, text string) (filter.Expr, error) {
	terms := make([]filter.Expr, len(attrs))
	for i, a := range attrs {
		path, err := filter.ParseAttr(a)
		if err != nil {
			return nil, err
		}
		terms[i] = filter.Sw(path, text)
	}
	return filter.AnyOf(terms...), nil
}

// searchable refuses attributes that the service would refuse in a filter,
// with what was probably meant. It asks only where --in was given, and lets
// the service decide where the service does not describe itself.
func (o *SearchOptions) searchable(ctx context.Context, r provider.Resources, custom []string) error {
	if len(custom) == 0 {
		return nil
	}
	schema, err := o.schema(ctx, r.Type())
	if err != nil {
		o.Deps.Log.InfoContext(ctx, "the service's schema cannot be read, --in is not checked", "error", err)
		return nil
	}
	for _, path := range custom {
		a := schema.find(path)
		switch {
		case a == nil:
			err := cmdutil.Usagef("--in: %s have no attribute %q", o.Kind.Plural, path)
			if similar := cmdutil.Similar(path, schema.paths()); len(similar) > 0 {
				return err.WithHint("did you mean %s?", strings.Join(similar[:min(len(similar), 5)], " or "))
			}
			return err.WithHint("idctl resources schema %s lists them", r.Type())
		case !a.Searchable:
			return cmdutil.Usagef("--in: attribute %s is not searchable on the service", path)
		}
	}
	return nil
}
