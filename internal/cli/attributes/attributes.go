// Package attributes holds the commands on the attributes of users that an
// administrator defines: list, define, check a file of definitions, remove.
package attributes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// New makes the command attributes.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "attributes", Aliases: []string{"attribute"}, Short: "Define attributes of users of your own",
		Long: "Define attributes of users of your own. What is defined can be used at once in create, update,\n" +
			"import, export and --where, by the path that list shows.",
		Example: "  idctl attributes list\n" +
			"  idctl attributes define badge --label 'Badge number' --max-length 8 --pattern '[A-Z][0-9]+'\n" +
			"  idctl users update ada@example.com --set urn:ietf:params:scim:schemas:idcs:extension:custom:User:badge=A7",
	})
	cmd.AddCommand(newListCmd(d, runList), newDefineCmd(d, runDefine), newCheckCmd(d, runCheck), newRemoveCmd(d, runRemove))
	return cmd
}

type attribute = provider.CustomAttribute

type listOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[attribute]
}

func newListCmd(d *cmdutil.Deps, run func(context.Context, *listOptions) error) *cobra.Command {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	o := &listOptions{Deps: d, Print: output.New(d.Output, output.Spec[attribute]{
		Columns: []output.Column[attribute]{
			{Name: "Name", Path: "name", Get: func(a *attribute) string { return a.Name }},
			{Name: "Label", Path: "label", Get: func(a *attribute) string { return a.Label }},
			{Name: "Type", Path: "type", Get: func(a *attribute) string {
				if a.MultiValued {
					return a.Type + "[]"
				}
				return a.Type
			}},
			{Name: "Max length", Path: "maxLength", Get: func(a *attribute) string { return number(a.MaxLength) }},
			{Name: "Pattern", Path: "pattern", Get: func(a *attribute) string { return a.Pattern }},
			{Name: "Searchable", Path: "searchable", Get: func(a *attribute) string {
				if a.Searchable == nil {
					return ""
				}
				return output.YesNo(*a.Searchable)
			}},
			{Name: "Path", Path: "path", Wide: true, Get: func(a *attribute) string { return a.Path }},
			{Name: "Min length", Path: "minLength", Wide: true, Get: func(a *attribute) string { return number(a.MinLength) }},
			{Name: "Description", Path: "description", Wide: true, Get: func(a *attribute) string { return a.Description }},
		},
		Key: func(a *attribute) string { return a.Name },
	})}
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the attributes that were defined",
		Example: "  idctl attributes list\n  idctl attributes list -o wide",
		Args:    cmdutil.NoArgs, Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func connect(ctx context.Context, d *cmdutil.Deps) (provider.CustomAttributes, error) {
	p, err := d.Provider(ctx)
	if err != nil {
		return nil, err
	}
	return provider.CustomAttributesOf(p)
}

func runList(ctx context.Context, o *listOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	c, err := connect(ctx, o.Deps)
	if err != nil {
		return err
	}
	list, _, err := c.List(ctx)
	if err != nil {
		return err
	}
	return o.Print.List(o.Deps.IO, list)
}

type defineOptions struct {
	Deps     *cmdutil.Deps
	One      attribute
	From     string
	NoSearch bool
	DryRun   bool
	fs       *pflag.FlagSet
}

const fileForm = "The file is JSON or YAML: an object with the list attributes, each with name and, as needed, label,\n" +
	"description, type (string, integer, boolean, decimal, dateTime), multiValued, minLength, maxLength,\n" +
	"pattern and searchable."

func newDefineCmd(d *cmdutil.Deps, run func(context.Context, *defineOptions) error) *cobra.Command {
	o := &defineOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "define [<name>]", Aliases: []string{"create", "add"}, Short: "Define an attribute, or change its definition",
		Long: "Define an attribute of users, or those of a file. One that is there already is changed; its type stays.\n" +
			"Values that users have are not looked at: a shorter length or a pattern counts from the next write.\n\n" + fileForm,
		Example: "  idctl attributes define badge --label 'Badge number' --max-length 8 --pattern '[A-Z][0-9]+'\n" +
			"  idctl attributes define floor --type integer\n  idctl attributes define --from attributes.yaml --dry-run",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return cmdutil.Usagef("%s takes one name, got %q too", cmd.CommandPath(), args[1]).WithHint("--from defines several")
			case len(args) == 0 && o.From == "":
				return cmdutil.Usagef("%s needs <name> or --from", cmd.CommandPath())
			case len(args) == 1 && o.From != "":
				return cmdutil.Usagef("a name and --from exclude each other")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.One.Name = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.fs = fs
	fs.StringVar(&o.One.Label, "label", "", "what people call it")
	fs.StringVar(&o.One.Description, "description", "", "what it is for")
	fs.StringVar(&o.One.Type, "type", "", "string, integer, boolean, decimal or dateTime; string unless given")
	fs.BoolVar(&o.One.MultiValued, "several", false, "a user may have several values")
	fs.IntVar(&o.One.MinLength, "min-length", 0, "characters of the shortest text")
	fs.IntVar(&o.One.MaxLength, "max-length", 0, "characters of the longest text")
	fs.StringVar(&o.One.Pattern, "pattern", "", "regular `expression` that whole values must match")
	fs.BoolVar(&o.NoSearch, "no-search", false, "filters need not name it: the service has more room for such ones")
	fs.StringVar(&o.From, "from", "", "`file` of definitions, - for standard input")
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "say what would be done, and do nothing")
	return cmd
}

// definitions are what the command line asks for.
func (o *defineOptions) definitions() ([]attribute, error) {
	if o.From != "" {
		for _, name := range []string{"label", "description", "type", "several", "min-length", "max-length", "pattern", "no-search"} {
			if o.fs.Changed(name) {
				return nil, cmdutil.Usagef("--from and --%s exclude each other", name)
			}
		}
		return readFile(o.Deps, "from", o.From)
	}
	if o.fs.Changed("max-length") && o.One.MaxLength == 0 {
		return nil, cmdutil.Usagef("--max-length must be 1 or more")
	}
	if o.NoSearch {
		off := false
		o.One.Searchable = &off
	}
	return []attribute{o.One}, nil
}

func readFile(d *cmdutil.Deps, flag, file string) ([]attribute, error) {
	doc, err := directory.ReadDocument(d, flag, file)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var in struct {
		Attributes []attribute `json:"attributes"`
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, cmdutil.Usagef("%s: %w", file, err).WithHint("see idctl attributes define --help for the form")
	}
	if len(in.Attributes) == 0 {
		return nil, cmdutil.Usagef("%s: there is no attribute in it", file)
	}
	for i := range in.Attributes {
		in.Attributes[i].Path = "" // list prints it; it is no part of the definition
	}
	return in.Attributes, nil
}

// check says everything that is wrong with definitions.
func check(list []attribute) error {
	var errs []error
	seen := map[string]bool{}
	for _, a := range list {
		errs = append(errs, a.Check())
		key := strings.ToLower(a.Name)
		if seen[key] {
			errs = append(errs, fmt.Errorf("attribute %q: %w: it is defined twice", a.Name, provider.ErrAttribute))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

func runDefine(ctx context.Context, o *defineOptions) error {
	want, err := o.definitions()
	if err != nil {
		return err
	}
	if err := check(want); err != nil {
		return &cmdutil.UsageError{Err: err}
	}
	c, err := connect(ctx, o.Deps)
	if err != nil {
		return err
	}
	have, version, err := c.List(ctx)
	if err != nil {
		return err
	}
	var add, change []attribute
	for _, a := range want {
		i := slices.IndexFunc(have, func(h attribute) bool { return strings.EqualFold(h.Name, a.Name) })
		switch {
		case i < 0:
			add = append(add, a)
			continue
		case a.Type != "" && a.Type != have[i].Type, a.MultiValued != have[i].MultiValued && (a.MultiValued || o.fs.Changed("several")):
			return &cmdutil.RefusedError{
				Reason: fmt.Sprintf("attribute %s is there with another type, %s, and types cannot be changed", a.Name, typeOf(have[i])),
				Help:   "idctl attributes remove, which loses its values, or another name",
			}
		case same(have[i], a):
			if err := directory.Note(o.Deps, "attribute %s is unchanged", a.Name); err != nil {
				return err
			}
			continue
		}
		a.Name = have[i].Name
		change = append(change, a)
	}
	if len(add)+len(change) > 0 && !o.DryRun {
		if err := c.Define(ctx, add, change, version); err != nil {
			return fmt.Errorf("define attributes: %w", err)
		}
	}
	would := ""
	if o.DryRun {
		would = "would have "
	}
	for _, a := range add {
		if err := directory.Note(o.Deps, would+"defined attribute %s", a.Name); err != nil {
			return err
		}
	}
	for _, a := range change {
		if err := directory.Note(o.Deps, would+"changed attribute %s", a.Name); err != nil {
			return err
		}
	}
	return nil
}

func typeOf(a attribute) string {
	if a.MultiValued {
		return a.Type + " with several values"
	}
	return a.Type
}

// same says whether nothing of what is wanted differs from what there is. What
// is left open is as it is.
func same(have, want attribute) bool {
	return (want.Label == "" || want.Label == have.Label) &&
		(want.Description == "" || want.Description == have.Description) &&
		(want.MinLength == 0 || want.MinLength == have.MinLength) &&
		(want.MaxLength == 0 || want.MaxLength == have.MaxLength) &&
		(want.Pattern == "" || want.Pattern == have.Pattern) &&
		(want.Searchable == nil || have.Searchable != nil && *want.Searchable == *have.Searchable)
}

type checkOptions struct {
	Deps *cmdutil.Deps
	File string
}

func newCheckCmd(d *cmdutil.Deps, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{Deps: d}
	return &cobra.Command{
		Use: "check <file>", Short: "Check a file of definitions, without the service",
		Long:    "Check a file of definitions, without the service: everything that is wrong is told; the exit code is then 1.\n\n" + fileForm,
		Example: "  idctl attributes check attributes.yaml",
		Args:    cmdutil.One("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			return run(cmd.Context(), o)
		},
	}
}

func runCheck(_ context.Context, o *checkOptions) error {
	list, err := readFile(o.Deps, "file", o.File)
	if err != nil {
		return err
	}
	if err := check(list); err != nil {
		return err
	}
	if len(list) == 1 {
		return o.Deps.Note("1 definition is as it should be")
	}
	return o.Deps.Note("%d definitions are as they should be", len(list))
}

type removeOptions struct {
	Deps   *cmdutil.Deps
	Names  []string
	DryRun bool
}

func newRemoveCmd(d *cmdutil.Deps, run func(context.Context, *removeOptions) error) *cobra.Command {
	o := &removeOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "remove <name>...", Aliases: []string{"rm", "delete"}, Short: "Remove attributes with all values that users have of them",
		Long: "Remove attributes with all values that users have of them, which cannot be undone. Asks first; off a\n" +
			"terminal it needs --yes.",
		Example: "  idctl attributes remove badge\n  idctl attributes remove badge floor --yes",
		Args:    cmdutil.AtLeast(1, "name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Names = args
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVarP(&o.DryRun, "dry-run", "n", false, "say what would be done, and do nothing")
	return cmd
}

func runRemove(ctx context.Context, o *removeOptions) error {
	act := "remove " + strings.Join(o.Names, ", ") + " with all values of users"
	if !o.Deps.Flags.Yes && !o.DryRun && !o.Deps.IO.CanPrompt() { // refused before anything is sent
		return o.Deps.Confirm(ctx, act, len(o.Names))
	}
	c, err := connect(ctx, o.Deps)
	if err != nil {
		return err
	}
	have, version, err := c.List(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, name := range o.Names {
		i := slices.IndexFunc(have, func(a attribute) bool { return strings.EqualFold(a.Name, name) || a.Path == name })
		if i < 0 {
			return fmt.Errorf("attribute %q: %w", name, scim.ErrNotFound)
		}
		if !slices.Contains(names, have[i].Name) {
			names = append(names, have[i].Name)
		}
	}
	if o.DryRun {
		return directory.Note(o.Deps, "would have removed %s", strings.Join(names, ", "))
	}
	if err := o.Deps.Confirm(ctx, act, len(names)); err != nil {
		return err
	}
	if err := c.Remove(ctx, names, version); err != nil {
		return fmt.Errorf("remove attributes: %w", err)
	}
	return directory.Note(o.Deps, "removed %s", strings.Join(names, ", "))
}
