package users

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/granting"
	"github.com/idctl/idctl/internal/cli/groups"
)

// assignOptions are what users assign and unassign need.
type assignOptions struct {
	granting.Options
	Apps, Roles, In []string
}

func newAssignCmd(d *cmdutil.Deps, revoke bool, run func(context.Context, *assignOptions) error) *cobra.Command {
	o := &assignOptions{Options: granting.Options{Deps: d, Print: granting.NewPrinter(d), Verb: "grant", Revoke: revoke}}
	cmd := &cobra.Command{
		Use: "assign <user>...", Short: "Give users apps, roles and groups",
		Long: "Give users apps, roles of apps and memberships of groups: the everyday spelling of grants add and\n" +
			"groups members add. What a user has already they keep. A single - reads users from standard input,\n" +
			"one a line. One that fails does not stop the others: the exit code is then 3.",
		Example: "  idctl users assign ada@example.com --role Payroll/Approver --group Finance\n" +
			"  idctl users list --where department=Finance -o name | idctl users assign - --app Ledger",
	}
	if revoke {
		o.Verb = "revoke"
		cmd.Use, cmd.Short = "unassign <user>...", "Take apps, roles and groups from users"
		cmd.Long = "Take apps, roles of apps and memberships of groups from users: the everyday spelling of grants revoke\n" +
			"and groups members remove. Where a user keeps the access by a group, that is told. A single - reads\n" +
			"users from standard input, one a line.\n\nAsks first; off a terminal, and with -, it needs --yes."
		cmd.Example = "  idctl users unassign ada@example.com --role Payroll/Approver --group Finance"
	}
	cmd.Args = cmdutil.AtLeast(1, "user")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Users, o.Things, o.Groups = args, slices.Concat(o.Apps, o.Roles), o.In
		if len(o.Things)+len(o.In) == 0 {
			return cmdutil.Usagef("%s needs --app, --role or --group", cmd.CommandPath())
		}
		return run(cmd.Context(), o)
	}
	o.Members = func(ctx context.Context, group string) (granting.Membership, error) {
		return groups.OpenMembership(ctx, d, group)
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&o.Apps, "app", nil, "an `app`; may be given several times")
	fs.StringArrayVar(&o.Roles, "role", nil, "a role of an app, `app/role`; may be given several times")
	fs.StringArrayVar(&o.In, "group", nil, "membership of a `group`; may be given several times")
	o.AddFlags(fs)
	return cmd
}

func runAssign(ctx context.Context, o *assignOptions) error { return granting.Run(ctx, &o.Options) }
