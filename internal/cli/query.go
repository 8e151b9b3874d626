package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
)

// prepareQuery compiles --query and --jq before anything is sent.
func (a *app) prepareQuery(cmd *cobra.Command) error {
	for _, name := range []string{"query", "jq"} {
		// A script with an unset variable must not get everything.
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return cmdutil.Usagef("--%s is empty", name)
		}
	}
	err := a.deps.Output.Prepare(cmd.Context())
	var bad *output.QueryError
	if errors.As(err, &bad) {
		if werr := a.deps.ShowPlace(bad.Caret()); werr != nil {
			return werr
		}
	}
	return err
}

// unanswered says that a query had nothing to work on: some commands print
// text only, or print nothing.
func (a *app) unanswered() error {
	if o := a.deps.Output; o.Queried() && !o.Answered() {
		return a.deps.Note("--query and --jq did nothing, this command printed no JSON")
	}
	return nil
}
