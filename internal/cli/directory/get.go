package directory

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// GetOptions are what get needs.
type GetOptions struct {
	Base
	Projection
	Print output.Printer[scim.Document]
	Keys  []string
}

// NewGet makes the command get.
func NewGet(d *cmdutil.Deps, k Kind, run func(context.Context, *GetOptions) error) *cobra.Command {
	o := &GetOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	low, arg, long := 1, "<%>...", "Show one "+k.Noun+" or several. A single - reads names from standard input, one a line.\n"+
		"Wide shows every attribute; json and yaml print the resource as the service sent it."
	if k.Typed {
		low, arg = 0, "[<id>...]"
		long += "\nA type with one resource only, such as Setting, needs no id."
	}
	cmd := &cobra.Command{
		Use: k.use("get", arg), Aliases: []string{"show"}, Short: "Show one " + k.Noun + " or several", Long: long,
		Example: k.example("get", "%") + "\n" + k.example("get", "% -o json") + "\n" + k.example("get", "% --all-attributes -o yaml"),
		Args:    k.args(low, -1, k.Noun),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Keys = o.arguments(args); len(o.Keys) == 0 {
				o.Keys = []string{""} // the one resource of its type
			}
			return run(cmd.Context(), o)
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// RunGet shows resources.
func RunGet(ctx context.Context, o *GetOptions) error {
	var opts scim.ListOptions
	if err := o.apply(&o.Kind, o.Deps, o.Print, true, &opts); err != nil {
		return err
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	if r, _, err = o.withStates(ctx, r, nil, nil); err != nil {
		return err
	}
	if len(o.Keys) == 1 && o.Keys[0] != "-" {
		doc, err := o.FindOne(ctx, r, o.Keys[0], opts)
		if err != nil {
			return fmt.Errorf("get %w", err)
		}
		docs := []scim.Document{doc}
		if Tabular(o.Deps.Output.Format) && len(o.Deps.Output.Fields) == 0 {
			docs = o.forPeople(ctx, docs)
		}
		return o.printDocuments(o.Print, docs, true)
	}
	return o.several(ctx, r, opts)
}

// several shows what is found and reports what is not.
func (o *GetOptions) several(ctx context.Context, r provider.Resources, opts scim.ListOptions) (err error) {
	t := NewTally(&o.Base, "get")
	cards := Tabular(o.Deps.Output.Format) && len(o.Deps.Output.Fields) == 0
	var w *output.Writer[scim.Document]
	if !cards {
		if w, err = o.Print.Begin(o.Deps.IO); err != nil {
			return err
		}
	}
	begun := false
	for batch, err := range Batches(cmdutil.Keys(ctx, o.Keys, o.Deps.IO.In)) {
		if err != nil {
			return t.End(err)
		}
		for _, f := range o.FindAll(ctx, r, slices.Clone(batch), opts) {
			switch {
			case f.Err != nil && Fatal(f.Err):
				return t.End(f.Err)
			case f.Err != nil:
				if err := t.Fail(f.Err); err != nil {
					return err
				}
				continue
			case !cards:
				err = w.Row(&f.Doc)
			default:
				if begun {
					_, err = fmt.Fprintln(o.Deps.IO.Out)
				}
				if err == nil {
					err = o.printCards(o.forPeople(ctx, []scim.Document{f.Doc}))
				}
				begun = true
			}
			if err != nil {
				return err
			}
			t.OK()
		}
	}
	if w != nil {
		if err := w.End(); err != nil {
			return err
		}
	}
	return t.End(nil)
}
