package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
)

const rootLong = `idctl runs identity clouds from the command line: users, groups, imports and
exports, on Oracle identity domains (OCI IAM, IDCS) and on the service inside
the program itself, profile "local".

Data goes to stdout, everything else to stderr. Off a terminal nothing asks.`

// Tree builds the whole command tree, for generators of documentation.
func Tree(p Process) *cobra.Command {
	a := newApp(p)
	return a.rootWith(func(noun) bool { return true })
}

// root builds the tree as far as args need it.
func (a *app) root(args []string) *cobra.Command {
	probe := pflag.NewFlagSet("idctl", pflag.ContinueOnError)
	(&cmdutil.Flags{}).AddFlags(probe)
	(&output.Options{}).AddFlags(probe)
	probe.BoolP("help", "h", false, "")
	probe.Bool("version", false, "")
	name, sure := calledNoun(args, probe)
	root := a.rootWith(func(n noun) bool {
		return !sure || n.name == name || slices.Contains(n.aliases, name)
	})
	switch {
	case completing(args):
		a.completer().root(root)
	case name == refreshCommand:
		root.AddCommand(a.newRefresh())
	}
	return root
}

func (a *app) rootWith(wanted func(noun) bool) *cobra.Command {
	root := cmdutil.Group(&cobra.Command{
		Use:               "idctl",
		Short:             "Run identity clouds from the command line",
		Long:              rootLong,
		Version:           a.deps.Version.Version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: a.before,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	})
	fs := root.PersistentFlags()
	fs.SortFlags = false
	a.deps.Output.AddFlags(fs)
	a.deps.Flags.AddFlags(fs)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCmd())
	for _, g := range groups() {
		if slices.ContainsFunc(nouns(), func(n noun) bool { return n.group == g.ID }) {
			root.AddGroup(g)
		}
	}
	for _, n := range nouns() {
		cmd := n.stub()
		if wanted(n) {
			cmd = n.build(a.deps)
		}
		cmd.GroupID = n.group
		root.AddCommand(cmd)
	}
	root.AddCommand(topics()...)
	return root
}

// before runs after parsing and before every command. It must not touch disk
// or network: completion runs it too.
func (a *app) before(cmd *cobra.Command, _ []string) error {
	if strings.HasPrefix(cmd.Name(), cobra.ShellCompRequestCmd) {
		return nil
	}
	// Cobra checks these afterwards as well, but its errors have no type.
	if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
		return &cmdutil.UsageError{Err: err, Help: "see " + cmd.CommandPath() + " --help"}
	}
	f := a.deps.Flags
	a.deps.IO.NoInput = f.NoInput
	if f.TraceBodies && f.Verbose < 2 {
		f.Verbose = 2
	}
	a.level.Set(logLevel(f.Quiet, f.Verbose))
	return a.prepareQuery(cmd)
}

// flagError types what pflag refuses, and suggests.
func flagError(cmd *cobra.Command, err error) error {
	// A flag behind a misspelt command is unknown to the group: the command is
	// the mistake to tell.
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return cmdutil.Unknown(cmd, args[0])
	}
	usage := &cmdutil.UsageError{Err: err}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if s := cmdutil.Similar(unknown.GetSpecifiedName(), names); len(s) > 0 {
			return usage.WithHint("did you mean --%s?", strings.Join(s, " or --"))
		}
	}
	return usage.WithHint("see %s --help", cmd.CommandPath())
}

// newHelpCmd replaces Cobra's, which exits 0 for a topic that does not exist.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Show the help of a command or topic",
		Example: "  idctl help users list\n  idctl help exit-codes",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &cmdutil.UsageError{Err: err}
			}
			if len(rest) > 0 {
				return cmdutil.Unknown(target, rest[0])
			}
			target.InitDefaultHelpFlag()
			return target.Help()
		},
	}
}

// calledNoun finds the command that args call without parsing them twice:
// flags of the root and their values are stepped over. sure is false where
// that cannot be told; the whole tree is built then.
func calledNoun(args []string, fs *pflag.FlagSet) (name string, sure bool) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return "", false
		case strings.HasPrefix(arg, "--"):
			long, _, hasValue := strings.Cut(arg[2:], "=")
			f := fs.Lookup(long)
			if f == nil {
				return "", false
			}
			if !hasValue && f.NoOptDefVal == "" {
				i++
			}
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			takesNext, ok := shorthands(arg[1:], fs)
			if !ok {
				return "", false
			}
			if takesNext {
				i++
			}
		case arg == "help", arg == cobra.ShellCompRequestCmd, arg == cobra.ShellCompNoDescRequestCmd:
		default:
			return arg, true
		}
	}
	return "", true
}

// shorthands says whether a cluster of short flags takes the next argument.
func shorthands(cluster string, fs *pflag.FlagSet) (takesNext, ok bool) {
	for i, c := range cluster {
		if c > 0x7f {
			return false, false
		}
		f := fs.ShorthandLookup(string(c))
		if f == nil {
			return false, false
		}
		if f.NoOptDefVal == "" { // the rest is its value
			return i == len(cluster)-1, true
		}
	}
	return false, true
}
