// Package directory is what the commands on users, groups and all other
// resources share: how a resource is found by what a person calls it, listed,
// shown, made, changed and removed, and which columns and states it has.
//
// The commands of a noun live in a package of that noun, which chooses among
// these verbs and adds its own. This package knows providers and documents; it
// does not know which service answers.
package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// Kind is one sort of resource as commands see it. The zero value of a field
// means that the kind has nothing of the sort.
type Kind struct {
	// Noun and Plural are the words of messages, "user" and "users". A Typed
	// kind has the type's own name in their place.
	Noun, Plural string
	// Command is how the noun is called on the command line, "users".
	Command string
	// Typed kinds take the resource type as their first argument.
	Typed bool
	// Open picks the kind's resources from a provider; typ is the first
	// argument of a Typed kind.
	Open func(p provider.Provider, typ string) (provider.Resources, error)
	// Columns are what lists show. TableAttributes are the attributes the
	// columns need, nil for those returned by default.
	Columns         func(d *cmdutil.Deps) []output.Column[scim.Document]
	TableAttributes []string
	// Extra are attributes that answers carry only on request and that a
	// person expects in the document of this kind.
	Extra []string
	// Key is what -o name prints: a word that names the resource again.
	// KeyAttribute is the attribute it is taken from.
	Key          func(*scim.Document) string
	KeyAttribute string
	// Names are the attributes of the kind where they are published; nil takes
	// every attribute path.
	Names *names
	// SortBy is the attribute that lists are ordered by.
	SortBy string
	// Search are the attributes that search looks into.
	Search []string
	// Card are the lines of the readable form of one resource.
	Card func(d *cmdutil.Deps) []Line
	// Named answers copies in which the names that the service made up are
	// those that people know; what cannot be looked up stays as it is.
	Named func(ctx context.Context, d *cmdutil.Deps, docs []scim.Document) []scim.Document
	// CardExtra are attributes that the card shows beyond those of Extra.
	CardExtra []string
	// States says that the kind has a life cycle, whose state lists show and
	// select by.
	States bool
	// Example is a word for examples in the help, "ada@example.com".
	Example string
}

// Base is what every verb of this package has in its options.
type Base struct {
	Deps *cmdutil.Deps
	Kind Kind
	// Type is the resource type that a Typed kind was called with.
	Type string
}

// Provider connects to the service of the profile.
func (b *Base) Provider(ctx context.Context) (provider.Provider, error) { return b.Deps.Provider(ctx) }

// Resources connects and picks the kind's resources.
func (b *Base) Resources(ctx context.Context) (provider.Resources, error) {
	p, err := b.Deps.Provider(ctx)
	if err != nil {
		return nil, err
	}
	r, err := b.Kind.Open(p, b.Type)
	if errors.Is(err, provider.ErrUnsupported) {
		return nil, err
	}
	if err != nil {
		usage := &cmdutil.UsageError{Err: err}
		var unknown *provider.UnknownResourceError
		if !errors.As(err, &unknown) || unknown.Hint() == "" {
			usage.Help = "idctl resources types lists them"
		}
		return nil, usage
	}
	if b.Kind.Typed {
		b.Kind.Noun, b.Kind.Plural = r.Type(), r.Type()+" resources"
	}
	return r, nil
}

// arguments takes the type off the arguments of a Typed kind.
func (b *Base) arguments(args []string) []string {
	if !b.Kind.Typed || len(args) == 0 {
		return args
	}
	b.Type = args[0]
	return args[1:]
}

// count is "1 user" or "3 users".
func (b *Base) count(n int) string {
	if n == 1 {
		return "1 " + b.Kind.Noun
	}
	return fmt.Sprintf("%d %s", n, b.Kind.Plural)
}

// Printer prints resources of the kind in the format that the user chose.
func (k *Kind) Printer(d *cmdutil.Deps) output.Printer[scim.Document] {
	known := output.AnyPath
	if k.Names != nil {
		known = k.Names.known
	}
	return output.New(d.Output, output.Spec[scim.Document]{Columns: k.Columns(d), Key: k.Key, KnownPath: known})
}

// use is the usage line of a verb: "get <user>...", with the type in front for
// a Typed kind.
func (k *Kind) use(verb, arg string) string {
	words := []string{verb}
	if k.Typed {
		words = append(words, "<type>")
	}
	if arg != "" {
		words = append(words, strings.ReplaceAll(arg, "%", strings.ReplaceAll(k.Noun, " ", "-")))
	}
	return strings.Join(words, " ")
}

// example is a line of help: the command with the type where one is needed.
func (k *Kind) example(verb, rest string) string {
	s := "  idctl " + k.Command + " " + verb
	if k.Typed {
		s += " AppRole"
	}
	if rest != "" {
		s += " " + strings.ReplaceAll(rest, "%", k.Example)
	}
	return s
}

// args checks the number of arguments behind the type: at least low and at
// most high, any number when high is negative.
func (k *Kind) args(low, high int, name string) cobra.PositionalArgs {
	typed := k.Typed
	return func(cmd *cobra.Command, args []string) error {
		hint := "see " + cmd.CommandPath() + " --help"
		if typed {
			if len(args) == 0 {
				return cmdutil.Usagef("%s needs <type>", cmd.CommandPath()).WithHint("idctl resources types lists them")
			}
			args = args[1:]
		}
		switch {
		case len(args) < low:
			return cmdutil.Usagef("%s needs <%s>", cmd.CommandPath(), name).WithHint("%s", hint)
		case high == 0 && len(args) > 0:
			return cmdutil.Usagef("%s takes no more arguments, got %q", cmd.CommandPath(), args[0]).WithHint("%s", hint)
		case high > 0 && len(args) > high:
			return cmdutil.Usagef("%s takes no argument after <%s>, got %q", cmd.CommandPath(), name, args[high]).WithHint("%s", hint)
		}
		return nil
	}
}

// Documents says whether the format prints the resource itself rather than
// columns of it.
func Documents(f output.Format) bool {
	return f == output.JSON || f == output.JSONL || f == output.YAML
}

// Tabular says whether the format is meant for a person.
func Tabular(f output.Format) bool { return f == "" || f == output.Table || f == output.Wide }
