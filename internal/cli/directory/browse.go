package directory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// BrowseOptions are what browse needs.
type BrowseOptions struct {
	Base
	Filter   string
	Sort     string
	PageSize int
}

const browseKeys = `  n, Enter     next page            s TEXT    names that begin with the text
  p            previous page        r         all of them again
  f, l         first, last page     d N, N    the details of row N
  ?            this list            q         the end`

// NewBrowse makes the command browse.
func NewBrowse(d *cmdutil.Deps, k Kind, run func(context.Context, *BrowseOptions) error) *cobra.Command {
	o := &BrowseOptions{Base: Base{Deps: d, Kind: k}}
	cmd := &cobra.Command{
		Use: "browse", Short: "Go through the " + k.Plural + " page by page, on a terminal",
		Long: "Go through all " + k.Plural + " page by page, or through those that --filter selects. Each page ends with\n" +
			"a question, which takes a letter or a word and the Enter key:\n\n" + browseKeys + "\n\n" +
			"Nothing can be changed here. Off a terminal use " + "idctl " + k.Command + " list.",
		Example: k.example("browse", "") + "\n" + k.example("browse", "--page-size 10 --sort displayName"),
		Args:    k.args(0, 0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Filter, "filter", "", "SCIM `filter`, such as 'active eq true'")
	fs.StringVar(&o.Sort, "sort", "", "`attribute` to order by, with :desc behind it for the reverse")
	fs.IntVar(&o.PageSize, "page-size", defaultPage, "rows of a page")
	return cmd
}

// RunBrowse asks after each page what to show next, until the person has seen
// enough.
func RunBrowse(ctx context.Context, o *BrowseOptions) error {
	instead := "idctl " + o.Kind.Command + " list"
	switch {
	case !Tabular(o.Deps.Output.Format):
		return cmdutil.Usagef("browse is for a person, -o %s for a program", o.Deps.Output.Format).WithHint("use %s", instead)
	case !o.Deps.IO.CanPrompt() || !o.Deps.IO.OutTerminal:
		return cmdutil.Usagef("browse needs a terminal to ask on and to print to").WithHint("use %s", instead)
	case len(o.Deps.Output.Fields) > 0:
		return cmdutil.Usagef("browse has columns of its own, --fields does not go with it").WithHint("use %s, or -o wide", instead)
	case o.PageSize < 1 || o.PageSize > maxPage:
		return cmdutil.Usagef("--page-size must be from 1 to %d", maxPage)
	}
	b := &browser{BrowseOptions: o, start: 1}
	if err := o.Kind.sorting(o.Sort, &b.opts); err != nil {
		return err
	}
	if o.Filter != "" {
		var err error
		if b.all, err = o.Deps.ParseFilter("filter", o.Filter); err != nil {
			return err
		}
	}
	b.opts.Filter = b.all
	b.print = b.printer()
	if err := (&Projection{}).apply(&o.Kind, o.Deps, o.Kind.Printer(o.Deps), false, &b.opts); err != nil {
		return err
	}
	var err error
	if b.r, err = o.Resources(ctx); err != nil {
		return err
	}
	if b.r, _, err = o.withStates(ctx, b.r, nil, nil); err != nil {
		return err
	}
	if err := b.show(ctx, 1); err != nil {
		return fmt.Errorf("browse %s: %w", o.Kind.Plural, err)
	}
	return b.loop(ctx)
}

// browser is the state of a walk.
type browser struct {
	*BrowseOptions
	r     provider.Resources
	print output.Printer[numbered]
	all   filter.Expr // what --filter selects
	opts  scim.ListOptions
	text  string // what is searched for

	start, total int // of the page that is shown; total is -1 when unknown
	page         []scim.Document
}

// numbered is a row with the number by which the person calls it.
type numbered struct {
	n   int
	doc scim.Document
}

// printer is that of the kind with the number in front.
func (b *browser) printer() output.Printer[numbered] {
	columns := []output.Column[numbered]{{Name: "#", Get: func(r *numbered) string { return strconv.Itoa(r.n) }}}
	for _, c := range b.Kind.Columns(b.Deps) {
		column := output.Column[numbered]{Name: c.Name, Wide: c.Wide, Get: func(r *numbered) string { return c.Get(&r.doc) }}
		if c.Paint != nil {
			column.Paint = func(r *numbered) output.Colour { return c.Paint(&r.doc) }
		}
		columns = append(columns, column)
	}
	o := output.Options{Format: b.Deps.Output.Format, NoHeaders: b.Deps.Output.NoHeaders}
	return output.New(&o, output.Spec[numbered]{Columns: columns})
}

// loop asks until the end. A page that cannot be read is told and the one
// before stays: a service that is busy for a moment ends no walk.
func (b *browser) loop(ctx context.Context) error {
	for {
		answer, err := b.Deps.Prompt.Input(ctx, prompt.Question{Text: b.where() + " [" + b.offers() + "]"})
		if errors.Is(err, prompt.ErrNoAnswer) {
			return nil // Ctrl-D
		}
		if err != nil {
			return err
		}
		word, rest := command(answer)
		if word == "q" {
			return nil
		}
		err = b.do(ctx, word, rest)
		if errors.Is(err, prompt.ErrNoAnswer) {
			return nil
		}
		if err != nil {
			if Fatal(err) || ctx.Err() != nil || errors.Is(err, ErrWrite) {
				return fmt.Errorf("browse %s: %w", b.Kind.Plural, err)
			}
			if _, err := fmt.Fprintln(b.Deps.IO.ErrOut, cleanLine(err.Error())); err != nil {
				return err
			}
		}
	}
}

// command takes an answer apart: a letter or a word, and what belongs to it.
func command(answer string) (word, rest string) {
	answer = strings.TrimSpace(answer)
	if text, ok := strings.CutPrefix(answer, "/"); ok { // as in a pager
		return "s", strings.TrimSpace(text)
	}
	if _, err := strconv.Atoi(answer); err == nil {
		return "d", answer
	}
	word, rest, _ = strings.Cut(answer, " ")
	word = strings.ToLower(word)
	for _, w := range []string{"next", "previous", "first", "last", "search", "reset", "details", "quit"} {
		if word == w {
			word = w[:1]
		}
	}
	switch word {
	case "":
		word = "n"
	case "prev":
		word = "p"
	case "exit":
		word = "q"
	case "h", "help":
		word = "?"
	}
	return word, strings.TrimSpace(rest)
}

func (b *browser) do(ctx context.Context, word, rest string) error {
	switch word {
	case "n":
		if b.last() {
			return errors.New("this is the last page")
		}
		return b.show(ctx, b.start+len(b.page))
	case "p":
		if b.start == 1 {
			return errors.New("this is the first page")
		}
		return b.show(ctx, max(1, b.start-b.PageSize))
	case "f":
		return b.show(ctx, 1)
	case "l":
		if b.total < 0 {
			return errors.New("the service does not say how many there are, so that the last page is not known")
		}
		return b.show(ctx, max(b.total-1, 0)/b.PageSize*b.PageSize+1)
	case "s":
		return b.search(ctx, rest)
	case "r":
		return b.reset(ctx, b.all, "")
	case "d":
		return b.details(ctx, rest)
	case "?":
		_, err := fmt.Fprintln(b.Deps.IO.ErrOut, browseKeys)
		return err
	}
	return fmt.Errorf("there is no %q here, ? lists what there is", word)
}

// show reads a page and prints it.
func (b *browser) show(ctx context.Context, start int) error {
	q := &query{Base: &b.Base, r: b.r, opts: b.opts}
	docs, total, err := q.part(ctx, start, b.PageSize)
	if err != nil {
		return err
	}
	if len(docs) == 0 && start > 1 { // others deleted some meanwhile
		if total > 0 && total < start {
			return b.show(ctx, (total-1)/b.PageSize*b.PageSize+1)
		}
		b.total = start - 1
		return errors.New("this is the last page")
	}
	b.start, b.total, b.page = start, total, docs
	if len(docs) == 0 {
		return nil
	}
	rows := make([]numbered, len(docs))
	for i, doc := range docs {
		rows[i] = numbered{start + i, doc}
	}
	if err := b.print.List(b.Deps.IO, rows); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return nil
}

func (b *browser) last() bool {
	end := b.start + len(b.page) - 1
	return len(b.page) == 0 || b.total >= 0 && end >= b.total
}

// offers are the keys that lead somewhere from here: on the first page there
// is no previous one, on the last no next one.
func (b *browser) offers() string {
	var keys []string
	if !b.last() {
		keys = append(keys, "n")
	}
	if b.start > 1 {
		keys = append(keys, "p", "f")
	}
	if !b.last() && b.total >= 0 {
		keys = append(keys, "l")
	}
	return strings.Join(append(keys, "s", "r", "d", "q", "?"), " ")
}

// where is the part that is shown, in a sentence.
func (b *browser) where() string {
	what := b.Kind.Plural
	if b.text != "" {
		what += " that begin with " + strconv.Quote(b.text)
	}
	switch end := b.start + len(b.page) - 1; {
	case len(b.page) == 0:
		return cleanLine("no " + what)
	case b.total < 0:
		return cleanLine(fmt.Sprintf("%s %d-%d", what, b.start, end))
	default:
		return cleanLine(fmt.Sprintf("%d-%d of %d %s", b.start, end, b.total, what))
	}
}

func (b *browser) search(ctx context.Context, text string) error {
	if text == "" {
		var err error
		if text, err = b.Deps.Prompt.Input(ctx, prompt.Question{Text: "Begins with"}); err != nil {
			return err
		}
		text = strings.TrimSpace(text)
	}
	if utf8.RuneCountInString(text) < minSearch {
		return fmt.Errorf("search needs a text of %d characters or more", minSearch)
	}
	expr, err := startsWith(b.Kind.Search, text)
	if err != nil {
		return err
	}
	if b.all != nil {
		expr = filter.AllOf(b.all, expr)
	}
	return b.reset(ctx, expr, text)
}

// reset begins anew with other resources; when those cannot be read, all stays
// as it was.
func (b *browser) reset(ctx context.Context, expr filter.Expr, text string) error {
	opts, before := b.opts, b.text
	b.opts.Filter, b.text = expr, text
	err := b.show(ctx, 1)
	if err != nil {
		b.opts, b.text = opts, before
	}
	return err
}

// details shows one row as get does.
func (b *browser) details(ctx context.Context, number string) error {
	if number == "" {
		var err error
		if number, err = b.Deps.Prompt.Input(ctx, prompt.Question{Text: "Row"}); err != nil {
			return err
		}
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < b.start || n >= b.start+len(b.page) {
		return fmt.Errorf("there is no row %s on this page", number)
	}
	var opts scim.ListOptions
	if err := (&Projection{}).apply(&b.Kind, b.Deps, b.Kind.Printer(b.Deps), true, &opts); err != nil {
		return err
	}
	doc, err := b.r.Get(ctx, b.page[n-b.start].ID(), opts)
	if err != nil {
		return b.named(b.Who(b.page[n-b.start]), err)
	}
	if err := b.printCards(b.forPeople(ctx, []scim.Document{doc})); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return nil
}
