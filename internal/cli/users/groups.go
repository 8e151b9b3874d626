package users

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// groupsOptions are what users groups needs: the list of groups, and whose.
type groupsOptions struct {
	directory.ListOptions
	User string
}

func newGroupsCmd(d *cmdutil.Deps, run func(context.Context, *groupsOptions) error) *cobra.Command {
	k := directory.Groups()
	o := &groupsOptions{ListOptions: directory.ListOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "groups <user>", Short: "List the groups of a user",
		Example: "  idctl users groups ada@example.com\n  idctl users groups ada@example.com -o name",
		Args:    cmdutil.One("user"), Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.User = args[0]
			return run(cmd.Context(), o)
		},
	}
	o.AddFlags(cmd)
	return cmd
}

func runGroups(ctx context.Context, o *groupsOptions) error {
	users := &directory.Base{Deps: o.Deps, Kind: directory.Users()}
	r, err := users.Resources(ctx)
	if err != nil {
		return err
	}
	user, err := users.FindOne(ctx, r, o.User, scim.ListOptions{})
	if err != nil {
		return fmt.Errorf("groups of %w", err)
	}
	member := filter.Where(filter.AttrPath{Name: "members"}, filter.AllOf(
		filter.Eq(filter.AttrPath{Name: "value"}, user.ID()),
		filter.Eq(filter.AttrPath{Name: "type"}, "User"),
	))
	p, err := users.Provider(ctx)
	if err != nil {
		return err
	}
	if provider.IsPlain(p) { // there the type of a member is often left out
		member = filter.Eq(filter.AttrPath{Name: "members", Sub: "value"}, user.ID())
	}
	return directory.ListWhere(ctx, &o.ListOptions, member)
}
