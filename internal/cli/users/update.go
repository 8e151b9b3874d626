package users

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
)

// updateOptions are what users update needs.
type updateOptions struct {
	directory.UpdateOptions
	attributes attributes
}

const updateLong = directory.UpdateLong + `

Changing an e-mail address or a phone number changes how the person signs in:
who signs in with the address has to use the new one once the login follows it
(--user-name), links to choose a new password go to the new primary or recovery
address at once, and codes to a mobile number that serves as a second factor may
go to the new one. Tell the person before you do it.`

func newUpdateCmd(d *cmdutil.Deps, run func(context.Context, *updateOptions) error) *cobra.Command {
	k := directory.Users()
	o := &updateOptions{UpdateOptions: directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "update <user>...", Aliases: []string{"edit"}, Short: "Change single attributes of users",
		Long: updateLong,
		Example: `  idctl users update ada@example.com --title Analyst --manager bob@example.com
  idctl users update ada@example.com --set 'emails[type eq "home"].value=ada@home.example.com' --unset nickName
  idctl users list --filter 'title eq "Temp"' -o name | idctl users update - --inactive`,
		Args: cmdutil.AtLeast(1, "user"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = args
			var err error
			if o.Changes, err = o.attributes.changes(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.attributes.addFlags(fs)
	o.AddFlags(fs)
	return cmd
}

func runUpdate(ctx context.Context, o *updateOptions) error {
	boss, err := o.attributes.managerChange(ctx, &o.Base)
	if err != nil {
		return err
	}
	o.Changes = append(o.Changes, boss...)
	return directory.RunUpdate(ctx, &o.UpdateOptions)
}
