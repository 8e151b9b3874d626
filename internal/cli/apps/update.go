package apps

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
)

func newUpdateCmd(d *cmdutil.Deps, run func(context.Context, *directory.UpdateOptions) error) *cobra.Command {
	k := directory.Apps()
	o := &directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	var attrs attributes
	var name string
	cmd := &cobra.Command{
		Use: "update <app>...", Aliases: []string{"edit"}, Short: "Change single attributes of apps",
		Long: directory.UpdateLong + "\n\n" +
			"--grant, --redirect, --scope and others that may be given several times replace the whole list; an\n" +
			"empty value empties it. --add adds to a list instead, --unset takes one out of it.",
		Example: "  idctl apps update Payroll --access-token-expiry 30m --description 'Wages'\n" +
			"  idctl apps update Payroll --add redirectUris=https://payroll.example.com/callback\n" +
			`  idctl apps update Ledger --unset 'scopes[value eq "/old"]' --dry-run`,
		Args: cmdutil.AtLeast(1, "app"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = args
			var err error
			if o.Changes, err = attrs.changes(d); err != nil {
				return err
			}
			if cmd.Flags().Changed("name") {
				switch {
				case name == "":
					return cmdutil.Usagef("the name of an app cannot be empty")
				case len(args) > 1 || args[0] == "-":
					return cmdutil.Usagef("--name is for one app")
				}
				o.Changes = append(o.Changes, directory.SetTo("displayName", name))
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&name, "name", "", "new `name`")
	attrs.addFlags(fs)
	o.AddFlags(fs)
	return cmd
}
