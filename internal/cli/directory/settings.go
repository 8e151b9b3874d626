package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// OfType opens the resources of a type that identity domains have. A provider
// without it answers *provider.UnsupportedError, which says what it cannot.
func OfType(typ, what string) func(provider.Provider, string) (provider.Resources, error) {
	return func(p provider.Provider, _ string) (provider.Resources, error) {
		r, err := p.Resource(typ)
		if errors.Is(err, provider.ErrUnknownResource) {
			return nil, &provider.UnsupportedError{Provider: p.Name(), What: what, Instead: "idctl resources types lists what it has"}
		}
		return r, err
	}
}

// SettingsOptions are what the commands on settings need. Settings are the one
// resource of their type.
type SettingsOptions struct {
	Base
	Edits
	Projection
	Print   output.Printer[scim.Document]
	DryRun  bool
	IfMatch string
}

// NewSettings makes the commands get and update of settings. k has the words,
// and opens the type.
func NewSettings(d *cmdutil.Deps, k Kind, short, example string) *cobra.Command {
	if k.Columns == nil {
		k.Columns = anyColumns
	}
	k.Key = func(doc *scim.Document) string { return doc.ID() }
	words := strings.Fields(k.Command)
	cmd := cmdutil.Group(&cobra.Command{
		Use: words[len(words)-1], Short: short, Long: short + ".",
		Example: "  idctl " + k.Command + " get\n  idctl " + k.Command + " update --set " + example + " --dry-run",
	})
	cmd.AddCommand(newSettingsGet(d, k, RunSettingsGet), newSettingsUpdate(d, k, example, RunSettingsUpdate))
	return cmd
}

func newSettingsGet(d *cmdutil.Deps, k Kind, run func(context.Context, *SettingsOptions) error) *cobra.Command {
	o := &SettingsOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	cmd := &cobra.Command{
		Use: "get", Aliases: []string{"show"}, Short: "Show the " + k.Plural,
		Long:    "Show the " + k.Plural + ". Json and yaml print them as the service sent them.",
		Example: "  idctl " + k.Command + " get\n  idctl " + k.Command + " get -o yaml",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// RunSettingsGet shows settings.
func RunSettingsGet(ctx context.Context, o *SettingsOptions) error {
	var opts scim.ListOptions
	if err := o.apply(&o.Kind, o.Deps, o.Print, true, &opts); err != nil {
		return err
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	doc, err := r.Get(ctx, "", opts)
	if err != nil {
		return fmt.Errorf("get the %s: %w", o.Kind.Plural, err)
	}
	return o.PrintDocument(o.Print, doc)
}

func newSettingsUpdate(d *cmdutil.Deps, k Kind, example string, run func(context.Context, *SettingsOptions) error) *cobra.Command {
	o := &SettingsOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	cmd := &cobra.Command{
		Use: "update", Aliases: []string{"edit", "set"}, Short: "Change single " + k.Plural,
		Long: "Change single " + k.Plural + " and leave all others alone. The service takes settings as a whole: they are\n" +
			"read, changed here, and put back. Should they change in between, the exit code is 6 and nothing is\n" +
			"changed. They hold for all users at once.",
		Example: "  idctl " + k.Command + " update --set " + example + "\n  idctl " + k.Command + " update --set " + example + " --dry-run",
		Args:    cmdutil.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	fs := cmd.Flags()
	o.addFlags(fs, true)
	fs.StringVar(&o.IfMatch, "if-match", "", "change this `version` (meta.version) only")
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "print what would change, and send nothing")
	return cmd
}

// RunSettingsUpdate changes settings.
func RunSettingsUpdate(ctx context.Context, o *SettingsOptions) error {
	if err := o.Kind.check(o.Deps, o.Print); err != nil {
		return err
	}
	changes, err := o.Kind.parseChanges(o.Set, o.Add, o.Unset)
	if err != nil {
		return err
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
	schema := o.writable(ctx, r)
	for _, c := range changes {
		// A service ignores what it does not know, which would look like a success.
		if schema != nil && schema.find(plainPath(c.Path)) == nil {
			return cmdutil.Usagef("%s: there is no setting %q", c.Op.flag(), c.Path).
				WithHint("%s", strings.TrimSpace("idctl "+o.Kind.Command+" get shows them"))
		}
	}
	// Settings that are sent on request only would be emptied.
	now, err := r.Get(ctx, "", scim.ListOptions{AttributeSets: []string{"default"}, Attributes: schema.hidden()})
	if err != nil {
		return fmt.Errorf("update the %s: %w", o.Kind.Plural, err)
	}
	ops, err := plan(now, changes)
	if err != nil {
		return err
	}
	if len(ops) == 0 {
		return Note(o.Deps, "the %s are unchanged", o.Kind.Plural)
	}
	after := now.Clone()
	if err := applyTo(after, changes); err != nil {
		return err
	}
	body, _ := schema.withoutFixed(after)
	version := o.IfMatch
	if version == "" {
		version = now.Version()
	}
	if o.DryRun {
		return o.dry(r, now.ID(), version, ops, body)
	}
	made, err := r.Replace(ctx, now.ID(), body, scim.WriteOptions{IfMatch: version, AttributeSets: []string{"default"}})
	if err != nil {
		return fmt.Errorf("update the %s: %w", o.Kind.Plural, err)
	}
	if made != nil && (!Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0) {
		return o.Print.One(o.Deps.IO, &made)
	}
	return Note(o.Deps, "updated the %s: %s", o.Kind.Plural, describe(ops))
}

// dry prints what would change, and for programs what would be sent.
func (o *SettingsOptions) dry(r provider.Resources, id, version string, ops []scim.PatchOp, body scim.Document) error {
	path, err := scim.ResourcePath(r.Path(), id)
	if err != nil {
		return err
	}
	var b strings.Builder
	if Documents(o.Deps.Output.Format) {
		line, err := json.Marshal(map[string]any{"method": "PUT", "path": path, "ifMatch": version, "body": body})
		if err != nil {
			return err
		}
		b.Write(append(line, '\n'))
	} else {
		b.WriteString("PUT " + path + "\n")
		for _, op := range slices.Clone(ops) {
			value, err := json.Marshal(op.Value)
			if err != nil {
				return err
			}
			text := "  " + op.Path + " " + string(value)
			if op.Op == "remove" {
				text = "  " + op.Path + " goes"
			}
			b.WriteString(iostreams.Clean(text) + "\n")
		}
	}
	if _, err := o.Deps.IO.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
