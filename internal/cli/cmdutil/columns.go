package cmdutil

import (
	"strings"

	"github.com/spf13/cobra"
)

// columnsKey is where a command's columns stand among its annotations.
const columnsKey = "idctl.columns"

// Columns notes on a command what --fields takes, for completion. Commands
// that list users, groups or other resources need no note.
func Columns(names []string) map[string]string {
	return map[string]string{columnsKey: strings.Join(names, "\n")}
}

// ColumnsOf are the columns noted on a command, nil when there is no note.
func ColumnsOf(cmd *cobra.Command) []string {
	if s := cmd.Annotations[columnsKey]; s != "" {
		return strings.Split(s, "\n")
	}
	return nil
}
