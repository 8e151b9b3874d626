// Package dynamicgroups holds the commands on dynamic groups: groups of
// resources of the cloud, not of users, whose members a rule selects. What they
// share with those on other resources is in package directory.
package dynamicgroups

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
)

// New makes the command dynamic-groups.
func New(d *cmdutil.Deps) *cobra.Command {
	k := directory.DynamicGroups()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "dynamic-groups", Aliases: []string{"dynamic-group"}, Short: "Manage groups of cloud resources",
		Long: "Manage groups of cloud resources, such as instances, that a rule selects. They can be granted app roles.\n" +
			"A dynamic group is named by its name, id or OCID.",
		Example: "  idctl dynamic-groups list\n" +
			"  idctl dynamic-groups create Builders --rule \"ANY {instance.compartment.id = 'ocid1.compartment.oc1..example'}\"",
	})
	cmd.AddCommand(
		directory.NewList(d, k, directory.RunList),
		directory.NewSearch(d, k, directory.RunSearch),
		directory.NewGet(d, k, directory.RunGet),
		newCreateCmd(d, directory.RunCreate),
		newUpdateCmd(d, directory.RunUpdate),
		directory.NewReplace(d, k, directory.RunReplace),
		directory.NewDelete(d, k, directory.RunDelete),
	)
	return cmd
}

// attributes are the flags for the attributes of a dynamic group.
type attributes struct {
	fs          *pflag.FlagSet
	Rule        string
	Description string
}

func (a *attributes) addFlags(fs *pflag.FlagSet) {
	a.fs = fs
	fs.StringVar(&a.Rule, "rule", "", "`rule` that selects the members (matchingRule)")
	fs.StringVar(&a.Description, "description", "", "what the group is for")
}

func (a *attributes) changes() []directory.Change {
	var out []directory.Change
	if a.fs.Changed("rule") {
		out = append(out, directory.SetTo("matchingRule", a.Rule))
	}
	if a.fs.Changed("description") {
		out = append(out, directory.SetTo("description", a.Description))
	}
	return out
}

func newCreateCmd(d *cmdutil.Deps, run func(context.Context, *directory.CreateOptions) error) *cobra.Command {
	k := directory.DynamicGroups()
	o := &directory.CreateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	attrs := &attributes{}
	cmd := &cobra.Command{
		Use: "create <name> --rule <rule>", Aliases: []string{"add", "new"}, Short: "Create a dynamic group",
		Long:    "Create a dynamic group. The rule is written in the language of the cloud's policies and is not checked here.",
		Example: "  idctl dynamic-groups create Builders --rule \"ANY {instance.compartment.id = 'ocid1.compartment.oc1..example'}\"",
		Args:    cmdutil.One("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Changes = append(o.Changes, directory.SetTo("displayName", args[0]))
			o.Changes = append(o.Changes, attrs.changes()...)
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	attrs.addFlags(fs)
	o.AddFlags(fs)
	return cmd
}

func newUpdateCmd(d *cmdutil.Deps, run func(context.Context, *directory.UpdateOptions) error) *cobra.Command {
	k := directory.DynamicGroups()
	o := &directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	attrs := &attributes{}
	cmd := &cobra.Command{
		Use: "update <dynamic-group>...", Aliases: []string{"edit"}, Short: "Change dynamic groups", Long: directory.UpdateLong,
		Example: "  idctl dynamic-groups update Builders --description 'Build machines'",
		Args:    cmdutil.AtLeast(1, "dynamic-group"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = args
			o.Changes = append(o.Changes, attrs.changes()...)
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	attrs.addFlags(fs)
	o.AddFlags(fs)
	return cmd
}
