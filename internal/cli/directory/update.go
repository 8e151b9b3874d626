package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// UpdateOptions are what update needs. The command of a noun fills in Changes
// from its own flags.
type UpdateOptions struct {
	Base
	Edits
	Print   output.Printer[scim.Document]
	Keys    []string
	Changes []Change
	DryRun  bool
	IfMatch string
}

// NewUpdate makes the command update of a kind without flags of its own.
func NewUpdate(d *cmdutil.Deps, k Kind, run func(context.Context, *UpdateOptions) error) *cobra.Command {
	o := &UpdateOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	low, arg := 1, "<%>..."
	if k.Typed {
		low, arg = 0, "[<id>...]"
	}
	cmd := &cobra.Command{
		Use: k.use("update", arg), Aliases: []string{"edit"}, Short: "Change single attributes of a " + k.Noun,
		Long:    UpdateLong,
		Example: k.example("update", "% --set description='for the audit'") + "\n" + k.example("update", "% --unset description --dry-run"),
		Args:    k.args(low, -1, k.Noun),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Keys = o.arguments(args); len(o.Keys) == 0 {
				o.Keys = []string{""}
			}
			return run(cmd.Context(), o)
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// UpdateLong is the help of update.
const UpdateLong = `Change single attributes and leave all others alone. Only what differs is sent;
nothing is when all is as wanted. Should the resource change between reading and
writing, it is read once more; when it changed again, the exit code is 6.

--set takes text or JSON and an attribute path, such as name.familyName or
emails[type eq "work"].value; an empty value empties the attribute. A single -
reads names from standard input, one a line.`

// AddFlags adds --set, --add, --unset, --if-match and --dry-run.
func (o *UpdateOptions) AddFlags(fs *pflag.FlagSet) {
	o.addFlags(fs, true)
	fs.StringVar(&o.IfMatch, "if-match", "", "change this `version` (meta.version) only")
	fs.BoolVar(&o.DryRun, "dry-run", false, "print what would be sent, and send nothing")
}

// RunUpdate changes resources.
func RunUpdate(ctx context.Context, o *UpdateOptions) error {
	if err := o.Kind.check(o.Deps, o.Print); err != nil {
		return err
	}
	typed, err := o.Kind.parseChanges(o.Set, o.Add, o.Unset)
	if err != nil {
		return err
	}
	changes := append(slices.Clone(o.Changes), typed...)
	for _, c := range changes {
		if kept(c.Path) {
			return cmdutil.Usagef("%s is kept by the service and cannot be changed", c.Path)
		}
	}
	if len(changes) == 0 {
		return cmdutil.Usagef("there is nothing to change").WithHint("use --set, --add or --unset")
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	if changes, err = o.settle(ctx, r, changes); err != nil {
		return err
	}
	u := &updater{UpdateOptions: o, r: r, changes: changes, show: !Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0}
	t := NewTally(&o.Base, "update")
	single := len(o.Keys) == 1 && o.Keys[0] != "-"
	if single {
		if err := u.one(ctx, Found{Key: o.Keys[0]}); err != nil {
			return fmt.Errorf("update %w", err)
		}
		return u.printOne()
	}
	if u.show && !o.DryRun {
		if u.rows, err = o.Print.Begin(o.Deps.IO); err != nil {
			return err
		}
	}
	err = u.several(ctx, t)
	if u.rows != nil && !errors.Is(err, ErrWrite) {
		if werr := u.rows.End(); werr != nil {
			return werr
		}
	}
	return err
}

// kept says whether a path is one that every service keeps by itself, which
// needs no schema to know (RFC 7643 section 3.1).
func kept(path string) bool {
	root, _, _ := strings.Cut(strings.ToLower(path), ".")
	return root == "id" || root == "meta"
}

type updater struct {
	*UpdateOptions
	r       provider.Resources
	changes []Change
	show    bool
	rows    *output.Writer[scim.Document]
	last    scim.Document
}

func (u *updater) several(ctx context.Context, t *Tally) error {
	for batch, err := range Batches(cmdutil.Keys(ctx, u.Keys, u.Deps.IO.In)) {
		if err != nil {
			return t.End(err)
		}
		for _, f := range u.FindAll(ctx, u.r, batch, u.reading()) {
			err := f.Err
			if err == nil {
				err = u.one(ctx, f)
			}
			switch {
			case err == nil:
				t.OK()
			case errors.Is(err, ErrWrite):
				return err
			case Fatal(err):
				return t.End(err)
			default:
				if err := t.Fail(err); err != nil {
					return err
				}
			}
		}
	}
	return t.End(nil)
}

// reading asks for the attributes that the changes touch beside the usual
// ones: some are sent on request only.
func (u *updater) reading() scim.ListOptions {
	opts := scim.ListOptions{AttributeSets: []string{"default"}}
	for _, c := range u.changes {
		opts.Attributes = append(opts.Attributes, attributeOf(c.Path))
	}
	opts.Attributes = distinctSorted(opts.Attributes)
	return opts
}

// one changes the resource of a key, which may have been read already.
func (u *updater) one(ctx context.Context, f Found) error {
	doc, err := f.Doc, error(nil)
	var refusal error // of the first attempt
	var id, version string
	for {
		if doc == nil {
			if refusal != nil {
				doc, err = u.r.Get(ctx, id, u.reading())
				err = u.named(f.Key, err)
			} else {
				doc, err = u.FindOne(ctx, u.r, f.Key, u.reading())
			}
			if err != nil {
				return err
			}
		}
		if refusal != nil && doc.Version() == version {
			return u.named(f.Key, refusal) // a conflict of another sort
		}
		ops, err := plan(doc, u.changes)
		if err != nil {
			return err
		}
		if len(ops) == 0 {
			return u.done(doc, nil)
		}
		version = doc.Version()
		opts := scim.WriteOptions{IfMatch: u.IfMatch, AttributeSets: []string{"default"}, Attributes: u.Kind.Extra}
		if opts.IfMatch == "" {
			opts.IfMatch = version
		}
		if u.DryRun {
			return u.dry(doc, ops, opts.IfMatch)
		}
		after, err := u.r.Patch(ctx, doc.ID(), ops, opts)
		// Services tell a version that moved by 412 or by 409, which stands for a
		// value that is taken as well: reading again tells them apart.
		if errors.Is(err, scim.ErrConflict) && refusal == nil && u.IfMatch == "" && version != "" {
			u.Deps.Log.InfoContext(ctx, "refused as a conflict, reading once more", u.Kind.Noun, f.Key)
			refusal, id, doc = err, doc.ID(), nil
			continue
		}
		if err != nil {
			return u.stale(u.named(f.Key, err))
		}
		if after == nil {
			after = doc
		}
		return u.done(after, ops)
	}
}

// stale says what helps against a version that is not the present one.
func (u *updater) stale(err error) error {
	if u.IfMatch == "" || !errors.Is(err, scim.ErrPrecondition) {
		return err
	}
	return &missingError{err, "read it again: idctl " + u.Kind.Command + " get --fields meta.version shows the version it has now"}
}

// done tells a person what came of it, and prints the resource where the
// format is for programs.
func (u *updater) done(doc scim.Document, ops []scim.PatchOp) error {
	u.last = doc
	if u.rows != nil {
		if err := u.rows.Row(&doc); err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
		return nil
	}
	if u.show {
		return nil
	}
	if len(ops) == 0 {
		return Note(u.Deps, "%s %s is unchanged", u.Kind.Noun, u.Who(doc))
	}
	return Note(u.Deps, "updated %s %s: %s", u.Kind.Noun, u.Who(doc), describe(ops))
}

func (u *updater) printOne() error {
	if !u.show || u.DryRun || u.last == nil {
		return nil
	}
	return u.Print.One(u.Deps.IO, &u.last)
}

// dry prints the request that would be sent: its head on a line, then its body.
func (u *updater) dry(doc scim.Document, ops []scim.PatchOp, version string) error {
	path, err := scim.ResourcePath(u.r.Path(), doc.ID())
	if err != nil {
		return u.named(doc.ID(), err)
	}
	body, err := scim.PatchBody(ops)
	if err != nil {
		return err
	}
	var b strings.Builder
	if Documents(u.Deps.Output.Format) {
		line, err := json.Marshal(map[string]any{
			"method": "PATCH", "path": path, "ifMatch": version, "body": json.RawMessage(body),
		})
		if err != nil {
			return err
		}
		b.Write(line)
		b.WriteByte('\n')
	} else {
		fmt.Fprintf(&b, "PATCH %s  %s\n", path, iostreams.Clean(u.Who(doc)))
		for _, op := range ops {
			line := "  " + op.Op + " " + op.Path
			if op.Op != "remove" {
				value, err := json.Marshal(op.Value)
				if err != nil {
					return err
				}
				line += " " + string(value)
			}
			b.WriteString(iostreams.Clean(line) + "\n")
		}
	}
	if _, err := u.Deps.IO.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
