// Package importcmd holds the import commands: users and groups from CSV
// files, the offline check of a file, templates, and the application of a plan.
//
// It reads flags, opens files and journals, and prints; the work is done by
// the transfer packages.
package importcmd

import (
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/transfer/mapping"
)

const long = `Import users or groups from a CSV file.

Each row becomes a user or a group: created where there is none of that name,
changed where there is one, left alone where nothing differs. Nothing is ever
deleted. Columns carry the names of the service's own import files, in both
generations; idctl import template prints them, --map renames others.

Every operation is noted in a journal before it is sent. A run that was killed
continues with --resume: no row is lost and none is done twice. Rows that could
not be imported come out as a CSV with --rejects, to be mended and imported.`

// New builds the import commands.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "import", Short: "Import users and groups from CSV files", Long: long,
		Example: `  idctl import check users.csv
  idctl import users users.csv --dry-run
  idctl import users users.csv --rejects rejects.csv --summary summary.json
  idctl import users users.csv --resume`,
	})
	cmd.AddCommand(
		newRunCmd(d, mapping.User, runImport),
		newRunCmd(d, mapping.Group, runImport),
		newApplyCmd(d, runApply),
		newCheckCmd(d, runCheck),
		newTemplateCmd(d, runTemplate),
	)
	return cmd
}
