package directory

import (
	"context"
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

// ReplaceOptions are what replace needs.
type ReplaceOptions struct {
	Base
	Print   output.Printer[scim.Document]
	Key     string
	From    string
	IfMatch string
}

// NewReplace makes the command replace.
func NewReplace(d *cmdutil.Deps, k Kind, run func(context.Context, *ReplaceOptions) error) *cobra.Command {
	o := &ReplaceOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	low, arg := 1, "<%>"
	if k.Typed {
		low, arg = 0, "[<id>]"
	}
	cmd := &cobra.Command{
		Use: k.use("replace", arg), Short: "Put a document in place of a " + k.Noun,
		Long: "Put a JSON or YAML document in place of a " + k.Noun + ". What the document leaves out is emptied;\n" +
			"use update to change single attributes.\n\n" +
			"Refused (exit code 10) is a document that would empty, without saying so, what the service sends\n" +
			"on request only, such as the members of a group.\n\n" +
			"Attributes that only the service sets are left out of what is sent, so that what get\n" +
			"printed can be edited and sent back. It is refused (exit code 6) when the " + k.Noun + " is no longer\n" +
			"at the version that the document has in meta.version, or else at the one read just before.",
		Example: k.example("get", "%") + " -o yaml > it.yaml\n" + k.example("replace", "% --from it.yaml"),
		Args:    k.args(low, 1, k.Noun),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args = o.arguments(args); len(args) > 0 {
				o.Key = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.From, "from", "", "JSON or YAML `file` with the document, - for standard input")
	cmd.Flags().StringVar(&o.IfMatch, "if-match", "", "replace this `version` only; * for any")
	return cmd
}

// RunReplace replaces a resource.
func RunReplace(ctx context.Context, o *ReplaceOptions) error {
	if o.From == "" {
		return cmdutil.Usagef("replace needs --from").WithHint("use update to change single attributes")
	}
	if err := o.Kind.check(o.Deps, o.Print); err != nil {
		return err
	}
	doc, err := ReadDocument(o.Deps, "from", o.From)
	if err != nil {
		return err
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	now, err := o.FindOne(ctx, r, o.Key, scim.ListOptions{})
	if err != nil {
		return fmt.Errorf("replace %w", err)
	}
	if id := doc.ID(); id != "" && id != now.ID() {
		return &cmdutil.RefusedError{
			Reason: fmt.Sprintf("the document is of another %s: its id is %s, that of %s is %s",
				o.Kind.Noun, iostreams.Clean(id), iostreams.Clean(Label(now)), now.ID()),
			Help: "take the id out of the document if that is meant",
		}
	}
	version := o.IfMatch
	if version == "" {
		if version = doc.Version(); version == "" {
			version = now.Version()
		}
	}
	if version == "*" {
		version = ""
	}
	schema := o.writable(ctx, r)
	if err := o.guard(ctx, r, schema, now, doc); err != nil {
		return err
	}
	body, dropped := schema.withoutFixed(doc)
	if len(dropped) > 0 {
		o.Deps.Log.InfoContext(ctx, "left out, only the service sets them", "attributes", strings.Join(dropped, ", "))
	}
	after, err := r.Replace(ctx, now.ID(), body, scim.WriteOptions{
		IfMatch: version, AttributeSets: []string{"default"}, Attributes: o.Kind.Extra,
	})
	if err != nil {
		return fmt.Errorf("replace %w", o.named(o.Key, err))
	}
	if after == nil {
		after = now
	}
	if !Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0 {
		return o.Print.One(o.Deps.IO, &after)
	}
	return Note(o.Deps, "replaced %s %s", o.Kind.Noun, o.Who(after))
}

// guard refuses a document that lacks an attribute of the kind that answers
// carry on request only, such as the members of a group, while the resource
// has some: replacing would empty it, and what get prints never holds it.
func (o *ReplaceOptions) guard(ctx context.Context, r provider.Resources, s *Schema, now, doc scim.Document) error {
	hidden := s.hidden()
	hidden = slices.DeleteFunc(hidden, func(path string) bool { _, said := doc.Get(path); return said })
	if len(hidden) == 0 {
		return nil
	}
	ask := make([]string, len(hidden))
	for i, path := range hidden {
		if ask[i] = path; path == "members" { // there may be more than one answer holds
			ask[i] = "members[startIndex=1&count=1]"
		}
	}
	has, err := r.Get(ctx, now.ID(), scim.ListOptions{Attributes: ask})
	if err != nil {
		return fmt.Errorf("replace: read what would be emptied: %w", o.named(o.Key, err))
	}
	for _, path := range hidden {
		if v, ok := has.Get(path); ok && !isEmpty(v) {
			return &cmdutil.RefusedError{
				Reason: fmt.Sprintf("the document has no %s, so that those of %s would be lost", path, iostreams.Clean(o.Who(now))),
				Help:   "change single attributes with update, or put " + path + " into the document, [] to empty it",
			}
		}
	}
	return nil
}
