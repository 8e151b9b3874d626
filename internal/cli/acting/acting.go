// Package acting is the form of every command that does one thing to one
// resource or to many: block users, send invitations, remove factors, delete.
// A noun's package describes the act in a Verb; this package finds the targets,
// asks, keeps the journal, runs the act and tells what came of it.
//
// Targets come from arguments, from standard input for a single -, from a
// condition with --where, or are ticked in a list on a terminal. A journal is
// kept of every run that may touch more than one resource, and of acts that
// must not be done twice; an act on one resource that can be read back leaves
// nothing behind. The journal of one resource goes away when its outcome is
// known.
package acting

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
)

// Verb describes a command. Kind, Name, Short and Make are needed.
type Verb struct {
	Kind directory.Kind
	// Name is the command's name, "reset-password". Say is what questions and
	// errors call it, "reset the password of", empty for Name; Told is what one
	// says afterwards, empty for the act's Past.
	Name          string
	Say, Told     string
	Aliases       []string
	Short, Long   string
	Examples      []string // what follows the command's name
	WhereExample  string   // a condition for the help, "department=IT"
	AddFlags      func(fs *pflag.FlagSet)
	Confirm       bool // ask in any case, not for --where alone
	Tick          bool // without a target, offer a list on a terminal
	IgnoreMissing bool // offer --ignore-missing
	// Check refuses flags that do not fit together, before anything is sent.
	Check func(o *Options) error
	// Make makes the act, once the provider is known.
	Make func(ctx context.Context, p provider.Provider, o *Options) (acts.Act, error)
	// Variant tells apart what is the same verb and yet another act, by its
	// flags; journals of one are not continued by the other. It must not hold
	// a secret.
	Variant func() string
	// Open prepares what products are handed out to, before anything is sent;
	// nil for acts without. The answer is closed when the run is over.
	Open func(ctx context.Context, o *Options, many bool) (Outlet, error)
	// Label says more of a resource in the list to tick than its name; Ticking
	// reads what it needs for that. Both may be nil.
	Label   func(o *Options, t *acts.Target) string
	Ticking func(ctx context.Context, p provider.Provider, list []*acts.Target) error
	// Note is a remark for the person after at least one was done, where Noted
	// says so or is nil.
	Note  string
	Noted func() bool
}

// Outlet takes what acts make and hands it out.
type Outlet interface {
	// Deliver hands out a product. When it returns without an error and the
	// outlet is Lasting, the product is safe.
	Deliver(t *acts.Target, p acts.Product) error
	// Lasting says that each product is safe as soon as it is delivered; else
	// all of them are after Close.
	Lasting() bool
	// Close makes everything safe. It may be called again.
	Close() error
	// TakesStdout says that products go to standard output, where nothing
	// else may then be printed.
	TakesStdout() bool
}

// Options are what a command needs.
type Options struct {
	directory.Base
	directory.Selection
	Verb        Verb
	Print       output.Printer[Outcome]
	Keys        []string
	DryRun      bool
	Resume      bool
	Restart     bool
	Missing     bool // --ignore-missing
	Concurrency int
	MaxErrors   int
}

// New makes the command of a verb.
func New(d *cmdutil.Deps, v Verb, run func(context.Context, *Options) error) *cobra.Command {
	o := &Options{Base: directory.Base{Deps: d, Kind: v.Kind}, Verb: v, Print: printer(d)}
	noun := v.Kind.Noun
	arg := " <" + noun + ">..."
	if v.Tick {
		arg = " [<" + noun + ">...]"
	}
	cmd := &cobra.Command{
		Use: v.Name + arg, Aliases: v.Aliases, Short: v.Short, Long: v.long(), Example: v.examples(),
		Args: func(cmd *cobra.Command, args []string) error { return o.arguments(cmd, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	if v.AddFlags != nil {
		v.AddFlags(fs)
	}
	o.AddFlags(fs)
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "show what would be done, and do nothing")
	if v.IgnoreMissing {
		fs.BoolVar(&o.Missing, "ignore-missing", false, "take it as done when there is no such "+noun)
	}
	fs.BoolVar(&o.Resume, "resume", false, "continue a run of the same command that was interrupted")
	fs.BoolVar(&o.Restart, "restart", false, "begin anew though a run of the same command was interrupted")
	fs.IntVar(&o.MaxErrors, "max-errors", -1, "stop after more than `N` that went wrong; -1 never stops")
	fs.IntVar(&o.Concurrency, "concurrency", defaultConcurrency(), "`number` of calls on their way at once")
	// Help and pages must not tell how many processors their machine has.
	fs.Lookup("concurrency").DefValue = "two a processor, at least 8"
	return cmd
}

// defaultConcurrency hides the latency of a distant service; its limits, not
// this number, set the pace.
func defaultConcurrency() int { return max(8, 2*runtime.GOMAXPROCS(0)) }

func (o *Options) arguments(cmd *cobra.Command, args []string) error {
	hint := "see " + cmd.CommandPath() + " --help"
	switch {
	case o.Where != "" && len(args) > 0:
		return cmdutil.Usagef("%s takes no more arguments beside --where, got %q", cmd.CommandPath(), args[0]).WithHint("%s", hint)
	case o.Where == "" && len(args) == 0 && !o.Explain && (!o.Verb.Tick || !o.Deps.IO.CanPrompt()):
		err := cmdutil.Usagef("%s needs <%s>", cmd.CommandPath(), o.Kind.Noun).WithHint("name them, or select them with --where")
		return err.WithHint("%s", hint)
	}
	return nil
}

// toldAs is the verb in a sentence about what was done.
func (s *session) toldAs() string {
	if s.Verb.Told != "" {
		return s.Verb.Told
	}
	return s.act.Past
}

// say is the verb in a sentence.
func (v *Verb) say() string {
	if v.Say != "" {
		return v.Say
	}
	return v.Name
}

func (v *Verb) long() string {
	parts := []string{v.Short + "."}
	if v.Long != "" {
		parts[0] = v.Long
	}
	parts = append(parts, "A single - reads names from standard input, one a line. --where selects by a condition in\n"+
		"place of names; the number is shown and has to be confirmed. One that fails does not stop the\n"+
		"others: the exit code is then 3.")
	if v.Confirm {
		parts = append(parts, "Asks first; off a terminal, and with -, it needs --yes.")
	}
	if v.Tick {
		parts = append(parts, "Without a "+v.Kind.Noun+", on a terminal, it offers a list to tick.")
	}
	return strings.Join(parts, "\n\n")
}

func (v *Verb) examples() string {
	command := "  idctl " + v.Kind.Command + " " + v.Name
	var lines []string
	for _, e := range v.Examples {
		lines = append(lines, command+" "+e)
	}
	if len(lines) == 0 {
		lines = append(lines, command+" "+v.Kind.Example)
	}
	if v.WhereExample != "" {
		lines = append(lines, fmt.Sprintf("%s --where '%s' --dry-run", command, v.WhereExample))
	}
	return strings.Join(lines, "\n")
}

// count is "1 user" or "3 users".
func (o *Options) count(n int) string {
	if n == 1 {
		return "1 " + o.Kind.Noun
	}
	return fmt.Sprintf("%d %s", n, o.Kind.Plural)
}
