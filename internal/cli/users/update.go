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

func newUpdateCmd(d *cmdutil.Deps, run func(context.Context, *updateOptions) error) *cobra.Command {
	k := directory.Users()
	o := &updateOptions{UpdateOptions: directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "update <user>...", Aliases: []string{"edit"}, Short: "Change single attributes of users",
		Long: directory.UpdateLong,
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
