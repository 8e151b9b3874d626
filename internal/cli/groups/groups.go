// Package groups holds the commands on groups and on their members. What they
// share with those on other resources is in package directory.
package groups

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/pkg/scim"
)

// New makes the command groups.
func New(d *cmdutil.Deps) *cobra.Command {
	k := directory.Groups()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "groups", Aliases: []string{"group"}, Short: "Manage groups and their members",
		Long: "Manage groups and their members. A group is named by its name, id or OCID.",
		Example: "  idctl groups list\n" +
			"  idctl groups members list Engineering\n" +
			"  idctl groups members add Engineering ada@example.com bob@example.com",
	})
	cmd.AddCommand(
		directory.NewList(d, k, directory.RunList),
		directory.NewSearch(d, k, directory.RunSearch),
		directory.NewGet(d, k, directory.RunGet),
		newCreateCmd(d, runCreate),
		newUpdateCmd(d, directory.RunUpdate),
		directory.NewReplace(d, k, directory.RunReplace),
		directory.NewDelete(d, k, directory.RunDelete),
		newMembersCmd(d),
		newAssignCmd(d, false, runAssign),
		newAssignCmd(d, true, runAssign),
	)
	return cmd
}

// attributes are the flags for the attributes of a group.
type attributes struct {
	fs          *pflag.FlagSet
	Description string
	ExternalID  string
}

func (a *attributes) addFlags(fs *pflag.FlagSet) {
	a.fs = fs
	fs.StringVar(&a.Description, "description", "", "what the group is for")
	fs.StringVar(&a.ExternalID, "external-id", "", "id in the system that groups come from")
}

func (a *attributes) changes() []directory.Change {
	var out []directory.Change
	if a.fs.Changed("description") {
		out = append(out, directory.SetTo(directory.GroupURN+":description", a.Description))
	}
	if a.fs.Changed("external-id") {
		out = append(out, directory.SetTo("externalId", a.ExternalID))
	}
	return out
}

// createOptions are what groups create needs.
type createOptions struct {
	directory.CreateOptions
	attributes attributes
	Name       string
	Members    []string
}

func newCreateCmd(d *cmdutil.Deps, run func(context.Context, *createOptions) error) *cobra.Command {
	k := directory.Groups()
	o := &createOptions{CreateOptions: directory.CreateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "create <name>", Aliases: []string{"add", "new"}, Short: "Create a group",
		Long: "Create a group, with members if some are named. Prints the name of the group, or the whole\n" +
			"document with -o json and yaml.",
		Example: "  idctl groups create Engineering --description 'All who build' --member ada@example.com\n" +
			"  idctl groups create --from engineering.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return cmdutil.Usagef("%s takes one name, got %q too; put a name with blanks in quotes", cmd.CommandPath(), args[1])
			case len(args) == 0 && o.From == "":
				return cmdutil.Usagef("%s needs <name> or --from", cmd.CommandPath()).WithHint("see %s --help", cmd.CommandPath())
			case len(args) == 1 && args[0] == "":
				return cmdutil.Usagef("the name of a group cannot be empty")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Changes = o.attributes.changes()
			if len(args) > 0 {
				o.Name = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.attributes.addFlags(fs)
	fs.StringArrayVar(&o.Members, "member", nil, "a `user` of the group; may be given several times")
	o.AddFlags(fs)
	return cmd
}

func runCreate(ctx context.Context, o *createOptions) error {
	if o.Name != "" {
		o.Changes = append([]directory.Change{{Op: directory.OpSet, Path: "displayName", Value: o.Name}}, o.Changes...)
	}
	if len(o.Members) > 0 {
		ids, err := memberIDs(ctx, o.Deps, o.Members)
		if err != nil {
			return fmt.Errorf("--member: %w", err)
		}
		// All members that fit into one call go with the group, so that there is
		// no moment at which it is there without them.
		first := ids[:min(len(ids), membersPerCall)]
		o.Changes = append(o.Changes, directory.Change{Op: directory.OpAdd, Path: "members", Value: memberValues(first)})
		if rest := ids[len(first):]; len(rest) > 0 {
			o.After = func(ctx context.Context, group scim.Document) error {
				m := &membership{Base: groupBase(o.Deps), group: group}
				if err := m.connect(ctx); err != nil {
					return err
				}
				return m.add(ctx, rest)
			}
		}
	}
	return directory.RunCreate(ctx, &o.CreateOptions)
}

func newUpdateCmd(d *cmdutil.Deps, run func(context.Context, *directory.UpdateOptions) error) *cobra.Command {
	k := directory.Groups()
	o := &directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	a := &attributes{}
	var name string
	cmd := &cobra.Command{
		Use: "update <group>...", Aliases: []string{"edit", "rename"}, Short: "Change single attributes of groups",
		Long: directory.UpdateLong,
		Example: "  idctl groups update Engineering --name 'Engineering Zurich'\n" +
			"  idctl groups update Engineering --description 'All who build' --dry-run",
		Args: cmdutil.AtLeast(1, "group"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys, o.Changes = args, a.changes()
			if cmd.Flags().Changed("name") {
				switch {
				case name == "":
					return cmdutil.Usagef("the name of a group cannot be empty")
				case len(args) > 1 || args[0] == "-":
					return cmdutil.Usagef("--name is for one group, names are unique")
				}
				o.Changes = append(o.Changes, directory.SetTo("displayName", name))
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&name, "name", "", "new name")
	a.addFlags(fs)
	o.AddFlags(fs)
	return cmd
}
