package groups

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/granting"
)

// OpenMembership opens a group for commands that change memberships along with
// other access.
func OpenMembership(ctx context.Context, d *cmdutil.Deps, group string) (granting.Membership, error) {
	m, err := open(ctx, d, group)
	if err != nil {
		return nil, err
	}
	return opened{m}, nil
}

// opened is a membership for others.
type opened struct{ *membership }

// Name is the name of the group.
func (o opened) Name() string { return o.name() }

// Among answers which of the users are members.
func (o opened) Among(ctx context.Context, ids []string) (map[string]bool, error) {
	return o.among(ctx, ids)
}

// Add adds users.
func (o opened) Add(ctx context.Context, ids []string) error { return o.add(ctx, ids) }

// Remove removes users.
func (o opened) Remove(ctx context.Context, ids []string) error { return o.remove(ctx, ids) }

// assignOptions are what groups assign and unassign need.
type assignOptions struct {
	granting.Options
	Apps, Roles []string
}

func newAssignCmd(d *cmdutil.Deps, revoke bool, run func(context.Context, *assignOptions) error) *cobra.Command {
	o := &assignOptions{Options: granting.Options{Deps: d, Print: granting.NewPrinter(d), Verb: "grant", Revoke: revoke}}
	cmd := &cobra.Command{
		Use: "assign <group>...", Short: "Give groups apps and roles",
		Long: "Give groups apps and roles, and so their members: the everyday spelling of grants add. What a group has\n" +
			"already it keeps. A single - reads groups from standard input, one a line.",
		Example: "  idctl groups assign Finance --role Payroll/Viewer\n  idctl groups assign Finance Audit --app Ledger --dry-run",
	}
	if revoke {
		o.Verb = "revoke"
		cmd.Use, cmd.Short = "unassign <group>...", "Take apps and roles from groups"
		cmd.Long = "Take apps and roles from groups, and so from their members: the everyday spelling of grants revoke.\n" +
			"A single - reads groups from standard input, one a line.\n\nAsks first; off a terminal, and with -, it needs --yes."
		cmd.Example = "  idctl groups unassign Finance --role Payroll/Viewer"
	}
	cmd.Args = cmdutil.AtLeast(1, "group")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Grantees.Groups, o.Things = args, append(append([]string(nil), o.Apps...), o.Roles...)
		if len(o.Things) == 0 {
			return cmdutil.Usagef("%s needs --app or --role", cmd.CommandPath())
		}
		return run(cmd.Context(), o)
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&o.Apps, "app", nil, "an `app`; may be given several times")
	fs.StringArrayVar(&o.Roles, "role", nil, "a role of an app, `app/role`; may be given several times")
	o.AddFlags(fs)
	return cmd
}

func runAssign(ctx context.Context, o *assignOptions) error { return granting.Run(ctx, &o.Options) }
