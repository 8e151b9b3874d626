// Package grants holds the commands on grants: who has access to which app, and
// in which role. What they share with the commands of other nouns is in package
// granting.
package grants

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/granting"
	"github.com/idctl/idctl/internal/provider"
)

// New makes the command grants.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "grants", Aliases: []string{"grant"}, Short: "Manage who has access to which app",
		Long: "Manage who has access to which app, and in which role. A role is called App/Role, an app by its\n" +
			"name, client id or id.",
		Example: "  idctl grants add Payroll/Approver --to ada@example.com\n" +
			"  idctl grants list Payroll\n" +
			"  idctl grants explain ada@example.com",
	})
	cmd.AddCommand(newListCmd(d, granting.RunList), newAddCmd(d, granting.Run), newRevokeCmd(d, granting.Run),
		newExplainCmd(d, granting.RunExplain))
	return cmd
}

func newListCmd(d *cmdutil.Deps, run func(context.Context, *granting.ListOptions) error) *cobra.Command {
	o := granting.NewListOptions(d)
	cmd := &cobra.Command{
		Use: "list [<app-or-role>...]", Aliases: []string{"ls"}, Short: "List grants",
		Long: "List grants: of all apps, or of those that are named, an app with its roles; to anybody, or to those\n" +
			"who are named. What members of a group have by the group is listed once, as the group's.\n\n" +
			"-o name prints who has it, and where only they are named, what they have.",
		Example: "  idctl grants list Payroll\n" +
			"  idctl grants list Payroll/Approver -o name\n" +
			"  idctl grants list --to ada@example.com -o csv",
		Args: cobra.ArbitraryArgs, Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Things = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.AddFlags(fs, "to")
	return cmd
}

// needs checks that something and somebody are named.
func needs(o *granting.Options, prep string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmdutil.Usagef("%s needs <app-or-role>", cmd.CommandPath()).WithHint("idctl app-roles list lists roles")
		}
		if len(o.Words()) == 0 {
			return cmdutil.Usagef("%s needs --%s, --%[2]s-group or --%[2]s-app", cmd.CommandPath(), prep)
		}
		return nil
	}
}

func newAddCmd(d *cmdutil.Deps, run func(context.Context, *granting.Options) error) *cobra.Command {
	o := &granting.Options{Deps: d, Print: granting.NewPrinter(d), Verb: "grant"}
	cmd := &cobra.Command{
		Use: "add <app-or-role>...", Aliases: []string{"create", "new"}, Short: "Grant apps and roles",
		Long: "Grant apps and roles to users, groups and apps, each to each. What is granted already stays so, which\n" +
			"is a success; a command that was interrupted is run again. One that fails does not stop the others:\n" +
			"the exit code is then 3.\n\n" +
			"A role that is not for users, groups or apps is refused before a call. Names that nothing has are\n" +
			"answered with those that resemble them.",
		Example: "  idctl grants add Payroll/Approver --to ada@example.com\n" +
			"  idctl grants add Payroll/Approver Payroll/Viewer --to-group Finance\n" +
			"  idctl users list --where department=Finance -o name | idctl grants add Payroll/Viewer --to -",
		Args: needs(o, "to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Things = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.Grantees.AddFlags(fs, "to")
	o.AddFlags(fs)
	return cmd
}

func newRevokeCmd(d *cmdutil.Deps, run func(context.Context, *granting.Options) error) *cobra.Command {
	o := &granting.Options{Deps: d, Print: granting.NewPrinter(d), Verb: "revoke", Revoke: true}
	cmd := &cobra.Command{
		Use: "revoke <app-or-role>...", Aliases: []string{"remove", "rm", "delete"}, Short: "Take apps and roles away",
		Long: "Take apps and roles away from users, groups and apps. The grants are found by themselves, however they\n" +
			"came about. Who has none is told so, which is a success. Where a user keeps the access by a group,\n" +
			"that is told as well: it ends with the group's grant or with the membership.\n\n" +
			"Asks first; off a terminal, and with -, it needs --yes.",
		Example: "  idctl grants revoke Payroll/Approver --from ada@example.com\n" +
			"  idctl grants list --to ada@example.com -o name | idctl grants revoke - --from ada@example.com --yes",
		Args: needs(o, "from"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Things = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.Grantees.AddFlags(fs, "from")
	o.AddFlags(fs)
	return cmd
}

func newExplainCmd(d *cmdutil.Deps, run func(context.Context, *granting.ExplainOptions) error) *cobra.Command {
	o := &granting.ExplainOptions{Deps: d, Print: granting.NewWays(d)}
	var group, app string
	cmd := &cobra.Command{
		Use: "explain [<user>] [<app-or-role>]", Aliases: []string{"why"}, Short: "Show by which ways somebody has access", Args: cobra.ArbitraryArgs,
		Long: "Show by which ways a user, a group or an app has access, to anything or to one app or role: directly or\n" +
			"by which group, and by which mechanism of the service. A tree for a person; rows with -o json, csv\n" +
			"and others.",
		Example: "  idctl grants explain ada@example.com\n" +
			"  idctl grants explain ada@example.com Payroll/Approver\n" +
			"  idctl grants explain --group Finance",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.To, o.Key, o.Thing = provider.ToUser, "", ""
			switch {
			case group != "" && app != "":
				return cmdutil.Usagef("--group and --app exclude each other")
			case group != "":
				o.To, o.Key = provider.ToGroup, group
			case app != "":
				o.To, o.Key = provider.ToApp, app
			case len(args) == 0:
				return cmdutil.Usagef("%s needs <user>, --group or --app", cmd.CommandPath())
			default:
				o.Key, args = args[0], args[1:]
			}
			switch len(args) {
			case 0:
			case 1:
				o.Thing = args[0]
			default:
				return cmdutil.Usagef("%s takes no argument after <app-or-role>, got %q", cmd.CommandPath(), args[1])
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&group, "group", "", "the access of a `group`")
	fs.StringVar(&app, "app", "", "the access of an `app`")
	return cmd
}
