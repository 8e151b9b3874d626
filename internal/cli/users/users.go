// Package users holds the commands on users. What they share with those on
// other resources is in package directory; here are the flags for the
// attributes of a user, and the groups of one.
package users

import (
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
)

// New makes the command users.
func New(d *cmdutil.Deps) *cobra.Command {
	k := directory.Users()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "users", Aliases: []string{"user"}, Short: "Manage users",
		Long: "Manage users. A user is named by login, e-mail address, id or OCID.",
		Example: "  idctl users list\n" +
			"  idctl users get ada@example.com\n" +
			"  idctl users list --filter 'active eq false' -o name | idctl users delete - --yes",
	})
	cmd.AddCommand(
		directory.NewList(d, k, directory.RunList),
		directory.NewSearch(d, k, directory.RunSearch),
		directory.NewGet(d, k, directory.RunGet),
		newCreateCmd(d, runCreate),
		newUpdateCmd(d, runUpdate),
		directory.NewReplace(d, k, directory.RunReplace),
		newCheckPasswordCmd(d, runCheckPassword),
		newUserNameCmd(d, runUserName),
		newAssertCmd(d, runAssert),
		newWhyCmd(d, runWhy),
		newHistoryCmd(d, runHistory),
		newGroupsCmd(d, runGroups),
		newAssignCmd(d, false, runAssign),
		newAssignCmd(d, true, runAssign),
		directory.NewBrowse(d, k, directory.RunBrowse),
	)
	cmd.AddCommand(newActCmds(d)...)
	cmd.AddCommand(newFactorCmds(d)...)
	return cmd
}
