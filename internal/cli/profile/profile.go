// Package profile holds the commands about access: profile, login, logout,
// whoami and token. What a profile may contain is package config's, how
// secrets and tokens are kept is package auth's.
package profile

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
)

// New returns the command profile with its verbs.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "profile", Aliases: []string{"profiles"}, Short: "Manage profiles: which service, which client",
		Long: "A profile names a service and the client to use there. Profiles lie in one YAML\n" +
			"file; secrets do not, see idctl login. The profile local is built in.",
		Example: "  idctl profile add prod --url https://idcs-x.identity.oraclecloud.com --client-id abc",
	})
	cmd.AddCommand(
		newAddCmd(d, runAdd),
		newListCmd(d, runList),
		newShowCmd(d, runShow),
		newUseCmd(d, runUse),
		newSetCmd(d, runSet),
		newMoveCmd(d, runMove),
		newRemoveCmd(d, runRemove),
	)
	return cmd
}

// edit changes the configuration file and turns what the file does not allow
// into usage errors.
func edit(ctx context.Context, paths config.Paths, change func(*config.Editor) error) error {
	file, err := paths.ConfigFile()
	if err != nil {
		return err
	}
	err = config.Edit(ctx, file, change)
	if errors.Is(err, config.ErrUnknownProfile) || errors.Is(err, config.ErrProfileExists) {
		return &cmdutil.UsageError{Err: err, Help: "see idctl profile list"}
	}
	return err
}

// find returns a profile of the file as it is, without flags and environment.
func find(cfg *config.Config, name string) (config.Profile, error) {
	p, err := cfg.Find(name)
	if err != nil {
		return p, &cmdutil.UsageError{Err: err, Help: "see idctl profile list"}
	}
	return p, nil
}

// yes renders a boolean for a table.
func yes(b bool, word string) string {
	if b {
		return word
	}
	return ""
}

// flagName turns a setting's key into a flag: clientId, client-id.
func flagName(key string) string {
	var b strings.Builder
	for _, r := range key {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
