// Package resources holds the commands on resources of any type, by the type's
// name. Types with commands of their own are served too. What the verbs do is
// in package directory.
package resources

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
)

// New makes the command resources.
func New(d *cmdutil.Deps) *cobra.Command {
	k := directory.Any()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "resources", Aliases: []string{"resource", "res"}, Short: "Manage resources of any type",
		Long: "Manage resources of any type of the service. A type is named by its name or endpoint,\n" +
			"without regard to case and hyphens: AppRole, app-roles. idctl resources types lists them.",
		Example: "  idctl resources types\n" +
			"  idctl resources list AppRole --filter 'displayName co \"Admin\"'\n" +
			"  idctl resources get PasswordPolicy PasswordPolicy -o yaml\n" +
			"  idctl resources schema User",
	})
	cmd.AddCommand(
		newTypesCmd(d, runTypes),
		newSchemaCmd(d, runSchema),
		directory.NewList(d, k, directory.RunList),
		directory.NewSearch(d, k, directory.RunSearch),
		directory.NewGet(d, k, directory.RunGet),
		directory.NewCreate(d, k, directory.RunCreate),
		directory.NewUpdate(d, k, directory.RunUpdate),
		directory.NewReplace(d, k, directory.RunReplace),
		directory.NewDelete(d, k, directory.RunDelete),
	)
	return cmd
}

// typeRow is a resource type in the list of types.
type typeRow struct {
	Name     string   `json:"name"`
	Endpoint string   `json:"endpoint"`
	Keys     []string `json:"keys,omitempty"`
}

type typesOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[typeRow]
}

func newTypesCmd(d *cmdutil.Deps, run func(context.Context, *typesOptions) error) *cobra.Command {
	o := &typesOptions{Deps: d, Print: output.New(d.Output, output.Spec[typeRow]{
		Columns: []output.Column[typeRow]{
			{Name: "Type", Path: "name", Get: func(t *typeRow) string { return t.Name }},
			{Name: "Endpoint", Path: "endpoint", Get: func(t *typeRow) string { return t.Endpoint }},
			{Name: "Named by", Path: "keys", Get: func(t *typeRow) string { return strings.Join(append(t.Keys, "id"), ", ") }},
		},
		Key: func(t *typeRow) string { return t.Name },
	})}
	return &cobra.Command{
		Use: "types", Short: "List the resource types",
		Example: "  idctl resources types\n  idctl resources types -o name",
		Args:    cmdutil.NoArgs, Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func runTypes(ctx context.Context, o *typesOptions) error {
	p, err := o.Deps.Provider(ctx)
	if err != nil {
		return err
	}
	var rows []typeRow
	for _, name := range p.ResourceNames() {
		r, err := p.Resource(name)
		if err != nil {
			return fmt.Errorf("resource type %s: %w", name, err)
		}
		rows = append(rows, typeRow{Name: r.Type(), Endpoint: r.Path(), Keys: r.Keys()})
	}
	return o.Print.List(o.Deps.IO, rows)
}

type schemaOptions struct {
	directory.Base
	Print output.Printer[directory.Attribute]
}

func newSchemaCmd(d *cmdutil.Deps, run func(context.Context, *schemaOptions) error) *cobra.Command {
	type attribute = directory.Attribute
	yes := func(get func(*attribute) bool) func(*attribute) string {
		return func(a *attribute) string {
			if get(a) {
				return "yes"
			}
			return ""
		}
	}
	o := &schemaOptions{
		Base: directory.Base{Deps: d, Kind: directory.Any()},
		Print: output.New(d.Output, output.Spec[attribute]{
			Columns: []output.Column[attribute]{
				{Name: "Attribute", Get: func(a *attribute) string { return strings.TrimPrefix(a.Path, urnOf(a.Path)+":") }},
				{Name: "Type", Path: "type", Get: typeOf},
				{Name: "Required", Path: "required", Get: yes(func(a *attribute) bool { return a.Required })},
				{Name: "Mutability", Path: "mutability", Get: func(a *attribute) string { return a.Mutability }},
				{Name: "Returned", Path: "returned", Get: func(a *attribute) string { return a.Returned }},
				{Name: "Searchable", Path: "searchable", Get: yes(func(a *attribute) bool { return a.Searchable })},
				{Name: "Extension", Get: func(a *attribute) string { return extensionOf(a.Path) }},
				{Name: "Path", Path: "path", Wide: true, Get: func(a *attribute) string { return a.Path }},
				{Name: "Unique", Path: "uniqueness", Wide: true, Get: func(a *attribute) string { return a.Uniqueness }},
				{Name: "Case exact", Path: "caseExact", Wide: true, Get: yes(func(a *attribute) bool { return a.CaseExact })},
				{Name: "Values", Path: "canonicalValues", Wide: true, Get: func(a *attribute) string { return strings.Join(a.Values, ", ") }},
			},
			Key: func(a *attribute) string { return a.Path },
		}),
	}
	return &cobra.Command{
		Use: "schema <type>", Short: "List the attributes of a resource type",
		Long: "List the attributes of a resource type as the service itself describes them, with the paths\n" +
			"that --set, --fields and filters take. Wide shows more of each; custom attributes are among them.",
		Example: "  idctl resources schema User\n  idctl resources schema Group -o wide\n  idctl resources schema App -o name",
		Args:    cmdutil.One("type"), Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Type = args[0]
			return run(cmd.Context(), o)
		},
	}
}

// typeOf is "string", or "string[]" for an attribute with several values.
func typeOf(a *directory.Attribute) string {
	if a.MultiValued {
		return a.Type + "[]"
	}
	return a.Type
}

func runSchema(ctx context.Context, o *schemaOptions) error {
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	s, err := o.ReadSchema(ctx, r.Type())
	if err != nil {
		return fmt.Errorf("schema of %s: %w", r.Type(), err)
	}
	rows := slices.Clone(s.Attributes)
	// The type's own attributes first, then those of each extension.
	slices.SortStableFunc(rows, func(a, b directory.Attribute) int {
		x, y := urnOf(a.Path), urnOf(b.Path)
		if x != y {
			return strings.Compare(x, y)
		}
		return strings.Compare(strings.ToLower(a.Path), strings.ToLower(b.Path))
	})
	return o.Print.List(o.Deps.IO, rows)
}

// extensionOf is the end of an extension's URN, by which a person knows it.
func extensionOf(path string) string {
	urn := urnOf(path)
	for _, prefix := range []string{":extension:", ":schemas:"} {
		if i := strings.Index(urn, prefix); i >= 0 {
			return urn[i+len(prefix):]
		}
	}
	return urn
}

func urnOf(path string) string {
	return path[:max(strings.LastIndexByte(path, ':'), 0)]
}
