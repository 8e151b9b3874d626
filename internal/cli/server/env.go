package server

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
)

type envOptions struct {
	*cmdutil.Deps
	ReadyFile string
	Shell     string
}

func newEnvCmd(d *cmdutil.Deps, run func(context.Context, *envOptions) error) *cobra.Command {
	o := &envOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "env", Short: "Print what makes a shell use the running server", Args: cmdutil.NoArgs,
		Example: "  eval \"$(idctl server env)\"\n  idctl server env --shell fish | source",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, ok := shells()[o.Shell]; !ok {
				return cmdutil.Usagef("--shell must be sh, fish or powershell, not %q", o.Shell)
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Shell, "shell", "sh", "`syntax` to print: sh, fish or powershell")
	readyFlag(cmd.Flags(), &o.ReadyFile)
	return cmd
}

// shells are the ways to set a variable.
func shells() map[string]func(name, value string) string {
	return map[string]func(name, value string) string{
		"sh": func(name, value string) string { return "export " + name + "=" + quoteSh(value) },
		"fish": func(name, value string) string {
			return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
		},
		"powershell": func(name, value string) string {
			return "$env:" + name + " = '" + strings.ReplaceAll(value, "'", "''") + "'"
		},
	}
}

// unlimitedRate is a rate that no server in the same machine reaches.
const unlimitedRate = "100000"

func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func runEnv(ctx context.Context, o *envOptions) error {
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	// Variables of a server that was killed would only lead to stranger errors.
	if err := c.alive(ctx); err != nil {
		return err
	}
	vars := [][2]string{
		{"IDCTL_URL", c.ready.URL},
		{"IDCTL_CLIENT_ID", c.ready.ClientID},
		{"IDCTL_CLIENT_SECRET", c.ready.ClientSecret},
		{"IDCTL_CONTROL_KEY", c.ready.ControlKey},
	}
	if c.ready.Limits == "" {
		// Without limits there, the client need not keep those of a real domain.
		vars = append(vars, [2]string{"IDCTL_RATE", unlimitedRate})
	}
	var b strings.Builder
	for _, v := range vars {
		b.WriteString(shells()[o.Shell](v[0], v[1]) + "\n")
	}
	if _, err := io.WriteString(o.IO.Out, b.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
