package directory

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// Edits are the flags by which attributes of any name are set.
type Edits struct {
	Set   []string
	Add   []string
	Unset []string
}

func (e *Edits) addFlags(fs *pflag.FlagSet, unset bool) {
	fs.StringArrayVar(&e.Set, "set", nil, "set an attribute, `PATH=VALUE`, the value text or JSON; may be given several times")
	fs.StringArrayVar(&e.Add, "add", nil, "add to an attribute with several values, `PATH=VALUE`")
	if unset {
		fs.StringArrayVar(&e.Unset, "unset", nil, "empty the attribute `PATH`")
	}
}

// CreateOptions are what create needs. The command of a noun fills in Doc and
// Changes from its own flags.
type CreateOptions struct {
	Base
	Edits
	Print   output.Printer[scim.Document]
	From    string
	Changes []Change
	// Complete asks for what is missing, or refuses; nil for nothing.
	Complete func(ctx context.Context, doc scim.Document) error
	// After runs on the resource that was made.
	After func(ctx context.Context, doc scim.Document) error
}

// NewCreate makes the command create of a kind without flags of its own.
func NewCreate(d *cmdutil.Deps, k Kind, run func(context.Context, *CreateOptions) error) *cobra.Command {
	o := &CreateOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	cmd := &cobra.Command{
		Use: k.use("create", ""), Short: "Create a " + k.Noun,
		Long: "Create a " + k.Noun + " from a JSON or YAML document, from --set, or from both, --set being\n" +
			"the stronger. Prints its id, or the document with -o json and yaml.",
		Example: k.example("create", "--from role.yaml") + "\n" +
			k.example("create", `--set displayName=Auditors --set 'app={"value":"2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d"}'`),
		Args: k.args(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.arguments(args)
			return run(cmd.Context(), o)
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// AddFlags adds --from, --set and --add.
func (o *CreateOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.From, "from", "", "JSON or YAML `file` with the "+o.Kind.Noun+", - for standard input")
	o.addFlags(fs, false)
}

// RunCreate creates a resource.
func RunCreate(ctx context.Context, o *CreateOptions) error {
	_, err := Create(ctx, o)
	return err
}

// Create creates a resource, prints and answers it.
func Create(ctx context.Context, o *CreateOptions) (scim.Document, error) {
	if err := o.Kind.check(o.Deps, o.Print); err != nil {
		return nil, err
	}
	typed, err := o.Kind.parseChanges(o.Set, o.Add, nil)
	if err != nil {
		return nil, err
	}
	doc := scim.Document{}
	if o.From != "" {
		if doc, err = ReadDocument(o.Deps, "from", o.From); err != nil {
			return nil, err
		}
	} else if len(o.Changes)+len(typed) == 0 && o.Complete == nil {
		return nil, cmdutil.Usagef("create needs --from or --set")
	}
	changes := append(slices.Clone(o.Changes), typed...)
	words := slices.ContainsFunc(changes, func(c Change) bool { return c.Word })
	if !words { // what is missing is told before anything is sent
		if err := applyTo(doc, changes); err != nil {
			return nil, err
		}
		changes = nil
		if o.Complete != nil {
			if err := o.Complete(ctx, doc); err != nil {
				return nil, err
			}
		}
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return nil, err
	}
	if words {
		if changes, err = o.settle(ctx, r, changes); err != nil {
			return nil, err
		}
		if err := applyTo(doc, changes); err != nil {
			return nil, err
		}
		if o.Complete != nil {
			if err := o.Complete(ctx, doc); err != nil {
				return nil, err
			}
		}
	}
	made, err := o.create(ctx, r, doc)
	if err != nil {
		return nil, fmt.Errorf("create %s %q: %w", o.Kind.Noun, Label(doc), err)
	}
	if o.After != nil {
		if err := o.After(ctx, made); err != nil {
			return made, err
		}
	}
	return made, o.printMade(made)
}

func (o *CreateOptions) create(ctx context.Context, r provider.Resources, doc scim.Document) (scim.Document, error) {
	opts := scim.WriteOptions{RetryToken: rand.Text()}
	if Documents(o.Deps.Output.Format) && len(o.Kind.Extra) > 0 {
		opts.AttributeSets, opts.Attributes = []string{"default"}, o.Kind.Extra
	}
	return r.Create(ctx, doc, opts)
}

// printMade prints the key of a new resource for a person and the name format,
// else the document.
func (o *CreateOptions) printMade(made scim.Document) error {
	if made == nil { // the service answers without a body
		return o.Deps.Note("accepted")
	}
	if !Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0 {
		return o.Print.One(o.Deps.IO, &made)
	}
	if err := Note(o.Deps, "created %s %s (%s)", o.Kind.Noun, Label(made), made.ID()); err != nil {
		return err
	}
	return o.printKey(made)
}

// printKey prints the word by which the resource can be named from now on.
func (b *Base) printKey(doc scim.Document) error {
	if key := b.Kind.Key(&doc); key != "" {
		if _, err := fmt.Fprintln(b.Deps.IO.Out, cleanLine(key)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}
