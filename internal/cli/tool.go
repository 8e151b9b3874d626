package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

// What the linker of a release puts in, see .goreleaser.yaml. Nothing else
// writes to them.
var releaseVersion, releaseCommit, releaseDate string

// buildVersion reads what the Go linker put into the binary: the module's
// version, or the commit of a build from a clone. A release says it itself.
func buildVersion() cmdutil.Version {
	v := cmdutil.Version{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Date = s.Value
		}
	}
	if releaseVersion != "" {
		v.Version, v.Commit, v.Date = releaseVersion, releaseCommit, releaseDate
	}
	return v
}

type versionOptions struct {
	IO      *iostreams.Streams
	Print   output.Printer[cmdutil.Version]
	Version cmdutil.Version
}

func newVersion(d *cmdutil.Deps) *cobra.Command { return newVersionCmd(d, runVersion) }

func newVersionCmd(d *cmdutil.Deps, run func(context.Context, *versionOptions) error) *cobra.Command {
	o := &versionOptions{IO: d.IO, Version: d.Version, Print: output.New(d.Output, output.Spec[cmdutil.Version]{
		Columns: []output.Column[cmdutil.Version]{
			{Name: "Version", Path: "version", Get: func(v *cmdutil.Version) string { return v.Version }},
			{Name: "Commit", Path: "commit", Get: func(v *cmdutil.Version) string { return v.Commit }},
			{Name: "Go", Path: "go", Get: func(v *cmdutil.Version) string { return v.Go }},
			{Name: "Platform", Get: func(v *cmdutil.Version) string { return v.OS + "/" + v.Arch }},
		},
		Key: func(v *cmdutil.Version) string { return v.Version },
	})}
	return &cobra.Command{
		Use: "version", Short: "Show which build this is",
		Example: "  idctl version\n  idctl version -o json",
		Args:    cmdutil.NoArgs, Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func runVersion(_ context.Context, o *versionOptions) error { return o.Print.One(o.IO, &o.Version) }

const completionLong = `Print a script that completes commands, flags and their values, and names: users,
groups, profiles, columns, attributes. idctl docs completion says where names come from.

  bash         source <(idctl completion bash)
  zsh          idctl completion zsh > "${fpath[1]}/_idctl"
  fish         idctl completion fish > ~/.config/fish/completions/idctl.fish
  powershell   idctl completion powershell | Out-String | Invoke-Expression`

type completionOptions struct {
	IO    *iostreams.Streams
	Root  *cobra.Command
	Shell string
}

func newCompletion(d *cmdutil.Deps) *cobra.Command { return newCompletionCmd(d, runCompletion) }

func newCompletionCmd(d *cmdutil.Deps, run func(context.Context, *completionOptions) error) *cobra.Command {
	o := &completionOptions{IO: d.IO}
	return &cobra.Command{
		Use: "completion <bash|zsh|fish|powershell>", Short: "Print a completion script for a shell",
		Long:      completionLong,
		Example:   "  source <(idctl completion bash)",
		Args:      cmdutil.One("shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Root, o.Shell = cmd.Root(), args[0]
			return run(cmd.Context(), o)
		},
	}
}

func runCompletion(_ context.Context, o *completionOptions) error {
	var err error
	switch o.Shell {
	case "bash":
		err = o.Root.GenBashCompletionV2(o.IO.Out, true)
	case "zsh":
		err = o.Root.GenZshCompletion(o.IO.Out)
	case "fish":
		err = o.Root.GenFishCompletion(o.IO.Out, true)
	case "powershell":
		err = o.Root.GenPowerShellCompletionWithDesc(o.IO.Out)
	default:
		return cmdutil.Usagef("unknown shell %q", o.Shell).WithHint("shells are bash, zsh, fish, powershell")
	}
	if err != nil {
		return fmt.Errorf("write completion script: %w", err)
	}
	return nil
}
