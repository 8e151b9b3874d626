package users

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// belongs describes one sort of things that belong to users: factors, devices,
// social accounts. From it come the commands that list and remove them.
type belongs[T any] struct {
	noun  string // of the command line, "factors"
	short string
	long  string
	// thing and things are what they are called, "factor" and "factors".
	thing, things string
	// list yields those of some users, owner says whose one is, named whether
	// a word of the command line means it.
	list  func(ctx context.Context, f provider.Factors, users []string) iter.Seq2[T, error]
	owner func(T) string
	named func(t T, word string) bool

	// columns and row are those of the list; nil where the list is made
	// otherwise. key is what -o name prints.
	columns func(d *cmdutil.Deps) []output.Column[T]
	key     func(*T) string
	// login says in a row whose it is.
	login func(t *T, login string)

	// remove takes one away. which is the flag that names them, and needed
	// says that one must be named.
	remove func(ctx context.Context, f provider.Factors, t T) error
	refuse func(p provider.Provider, t T) error
	verb   string // "remove", "revoke"
	past   string // "removed"
	which  string
	// check refuses flags of the caller's own; variant tells runs with them
	// apart. Both may be nil.
	check     func() error
	variant   func() string
	whichHelp string
	needed    bool
	// kinds says that a word means a sort of thing: not to have one is no error.
	kinds   func(word string) bool
	whole   bool // removing one of a user's removes all
	note    string
	noted   func(T) bool // says which of them the note is for, nil for all
	rmShort string
	rmLong  string
	rmArgs  []string // examples
}

// listOptions are what a list of things needs.
type listOptions[T any] struct {
	Deps  *cmdutil.Deps
	Print output.Printer[T]
	Users []string
}

// group makes the commands of the sort.
func (b belongs[T]) group(d *cmdutil.Deps, more ...*cobra.Command) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: b.noun, Short: b.short, Long: b.long,
		Example: "  idctl users " + b.noun + " list ada@example.com\n" +
			"  idctl users " + b.noun + " " + b.verb + " " + b.rmArgs[0] + " --dry-run",
	})
	if b.columns != nil {
		cmd.AddCommand(b.newListCmd(d, b.runList))
	}
	cmd.AddCommand(more...)
	cmd.AddCommand(acting.New(d, b.removeVerb(), acting.Run))
	return cmd
}

func (b belongs[T]) newListCmd(d *cmdutil.Deps, run func(context.Context, *listOptions[T]) error) *cobra.Command {
	o := &listOptions[T]{Deps: d, Print: output.New(d.Output, output.Spec[T]{Columns: b.columns(d), Key: b.key})}
	return &cobra.Command{
		Use: "list <user>...", Aliases: []string{"ls"}, Short: "List the " + b.things + " of users",
		Long:    "List the " + b.things + " of a user, or of several. A single - reads names from standard input.",
		Example: "  idctl users " + b.noun + " list ada@example.com\n  idctl users " + b.noun + " list ada@example.com bob@example.com -o csv",
		Args:    cmdutil.AtLeast(1, "user"), Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Users = args
			return run(cmd.Context(), o)
		},
	}
}

func (b belongs[T]) runList(ctx context.Context, o *listOptions[T]) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	if b.check != nil {
		if err := b.check(); err != nil {
			return err
		}
	}
	f, err := factorsOf(ctx, o.Deps)
	if err != nil {
		return err
	}
	users := &directory.Base{Deps: o.Deps, Kind: directory.Users()}
	r, err := users.Resources(ctx)
	if err != nil {
		return err
	}
	var docs []scim.Document
	for batch, err := range directory.Batches(cmdutil.Keys(ctx, o.Users, o.Deps.IO.In)) {
		if err != nil {
			return err
		}
		found, err := users.FindEach(ctx, r, batch, scim.ListOptions{})
		if err != nil {
			return fmt.Errorf("%s of %w", b.things, err)
		}
		docs = append(docs, found...)
	}
	_, err = o.Print.Stream(o.Deps.IO, func(yield func(T, error) bool) {
		for chunk := range slices.Chunk(docs, provider.FindBatch) {
			logins := make(map[string]string, len(chunk))
			ids := make([]string, len(chunk))
			for i, doc := range chunk {
				ids[i] = doc.ID()
				logins[doc.ID()] = doc.String("userName")
			}
			for t, err := range b.list(ctx, f, ids) {
				if err != nil {
					yield(t, fmt.Errorf("list the %s: %w", b.things, err))
					return
				}
				b.login(&t, logins[b.owner(t)])
				if !yield(t, nil) {
					return
				}
			}
		}
	})
	return err
}

func factorsOf(ctx context.Context, d *cmdutil.Deps) (provider.Factors, error) {
	p, err := d.Provider(ctx)
	if err != nil {
		return nil, err
	}
	return provider.FactorsOf(p)
}

// removal are the things of users that a run takes away.
type removal[T any] struct {
	belongs[T]
	p     provider.Provider
	f     provider.Factors
	words []string
	done  *atomic.Bool // one that the note is for was removed

	mu   sync.Mutex
	have map[string][]T // by the id of the user
}

func (b belongs[T]) removeVerb() acting.Verb {
	var words []string
	var done atomic.Bool
	k := directory.Users()
	k.Command = "users " + b.noun
	var examples []string
	for _, e := range b.rmArgs {
		examples = append(examples, e+" --yes")
	}
	v := acting.Verb{
		Kind: k, Name: b.verb, Say: b.verb + " " + b.things + " of", Told: b.past + " " + b.things + " of",
		Short: b.rmShort, Long: b.rmLong, Examples: examples, Confirm: true, Note: b.note, Noted: done.Load,
		WhereExample: "department=IT",
		Variant: func() string {
			s := b.noun + " " + strings.Join(words, ",")
			if b.variant != nil {
				s += " " + b.variant()
			}
			return s
		},
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			f, err := provider.FactorsOf(p)
			if err != nil {
				return acts.Act{}, err
			}
			r := &removal[T]{belongs: b, p: p, f: f, words: words, done: &done, have: map[string][]T{}}
			return acts.Act{
				Name: b.verb + "-" + b.noun, Past: b.past, Repeat: journal.Repeatable, Prepare: r.read, Check: r.check, Do: r.do,
			}, nil
		},
	}
	if b.needed {
		v.WhereExample = ""
	}
	if b.which != "" {
		v.AddFlags = func(fs *pflag.FlagSet) { fs.StringArrayVar(&words, b.which, nil, b.whichHelp) }
		v.Check = func(*acting.Options) error {
			if b.check != nil {
				if err := b.check(); err != nil {
					return err
				}
			}
			if slices.Contains(words, "") {
				return cmdutil.Usagef("--%s: nothing is named", b.which)
			}
			if b.needed && len(words) == 0 {
				return cmdutil.Usagef("--%s is required: which %s", b.which, b.thing).
					WithHint("idctl users %s list shows them", b.noun).
					WithHint("idctl users reset-factors takes all of them away")
			}
			return nil
		}
	}
	return v
}

// read reads what some users have.
func (r *removal[T]) read(ctx context.Context, targets []*acts.Target) error {
	ids := make([]string, len(targets))
	for i, t := range targets {
		ids[i] = t.ID()
	}
	have := map[string][]T{}
	for t, err := range r.list(ctx, r.f, ids) {
		if err != nil {
			return fmt.Errorf("list the %s: %w", r.things, err)
		}
		have[r.owner(t)] = append(have[r.owner(t)], t)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.have[id] = have[id]
	}
	return nil
}

// chosen are those of a user that are meant, and the words that mean none.
func (r *removal[T]) chosen(user string) (chosen []T, unknown []string) {
	r.mu.Lock()
	have := r.have[user]
	r.mu.Unlock()
	if len(r.words) == 0 {
		return have, nil
	}
	taken := make([]bool, len(have))
	for _, word := range r.words {
		found := false
		for i, t := range have {
			if r.named(t, word) {
				found = true
				if !taken[i] {
					taken[i] = true
					chosen = append(chosen, t)
				}
			}
		}
		if !found && (r.kinds == nil || !r.kinds(word)) {
			unknown = append(unknown, word)
		}
	}
	return chosen, unknown
}

func (r *removal[T]) check(t *acts.Target) acts.Verdict {
	chosen, unknown := r.chosen(t.ID())
	switch {
	case len(unknown) > 0:
		return acts.Verdict{Refused: fmt.Errorf("%s %q: %w", r.thing, strings.Join(unknown, ", "), scim.ErrNotFound)}
	case len(chosen) == 0:
		what := r.things
		if len(r.words) > 0 {
			what = r.thing + " " + strings.Join(r.words, ", ")
		}
		return acts.Verdict{Already: "has no " + what}
	}
	if r.refuse != nil {
		for _, c := range chosen {
			if err := r.refuse(r.p, c); err != nil {
				return acts.Verdict{Refused: err}
			}
		}
	}
	return acts.Verdict{}
}

func (r *removal[T]) do(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
	chosen, _ := r.chosen(t.ID())
	if r.whole {
		chosen = chosen[:1]
	}
	for i, c := range chosen {
		err := r.remove(ctx, r.f, c)
		if errors.Is(err, provider.ErrLastFactor) {
			err = &lastFactor{err}
		}
		if err != nil && i > 0 {
			err = fmt.Errorf("%d of %d %s are %s: %w", i, len(chosen), r.things, r.past, err)
		}
		if err != nil {
			return nil, err
		}
		if r.noted == nil || r.noted(c) {
			r.done.Store(true)
		}
	}
	return nil, nil
}

// lastFactor is the refusal to take the last second factor away.
type lastFactor struct{ error }

func (e *lastFactor) Unwrap() error { return e.error }

// ExitCode implements cmdutil.ExitCoder.
func (e *lastFactor) ExitCode() int { return cmdutil.ExitRefused }

// Hint implements cmdutil.Hinter.
func (e *lastFactor) Hint() string {
	return "while 2-step verification is on the service keeps one, or the password alone would do\n" +
		"idctl users reset-factors takes all away, and the user registers anew"
}
