package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// parallel is how many deletes are under way at a time. The transport's
// limiter slows them down to what the service allows.
const parallel = 8

// Outcome is what came of one resource.
type Outcome struct {
	Key    string `json:"key"`
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
}

// outcomes prints outcomes.
func outcomes(d *cmdutil.Deps) output.Printer[Outcome] {
	return output.New(d.Output, output.Spec[Outcome]{
		Columns: []output.Column[Outcome]{
			{Name: "Key", Path: "key", Get: func(o *Outcome) string { return o.Key }},
			{Name: "Result", Path: "result", Get: func(o *Outcome) string { return o.Result }},
			{Name: "Name", Path: "name", Get: func(o *Outcome) string { return o.Name }},
			{Name: "ID", Path: "id", Get: func(o *Outcome) string { return o.ID }},
			{Name: "Error", Path: "error", Get: func(o *Outcome) string { return o.Error }},
		},
		Key: func(o *Outcome) string { return o.Key },
	})
}

// DeleteOptions are what delete needs.
type DeleteOptions struct {
	Base
	Selection
	Print         output.Printer[Outcome]
	Keys          []string
	Force         bool
	IgnoreMissing bool
}

// NewDelete makes the command delete.
func NewDelete(d *cmdutil.Deps, k Kind, run func(context.Context, *DeleteOptions) error) *cobra.Command {
	o := &DeleteOptions{Base: Base{Deps: d, Kind: k}, Print: outcomes(d)}
	cmd := &cobra.Command{
		Use: k.use("delete", "[<%>...]"), Aliases: []string{"rm"}, Short: "Delete " + k.Plural,
		Long: "Delete one " + k.Noun + " or several. A single - reads names from standard input, one a line,\n" +
			"and needs --yes. One that fails does not stop the others: the exit code is then 3.\n\n" +
			"--where selects them by a condition in place of names. Their number is shown before anything\n" +
			"is deleted, and has to be confirmed, or --yes to be given.\n\n" +
			"What was deleted is told on stderr, or as a list of results with -o json, csv and others.",
		Example: k.example("delete", "%") + "\n" + k.example("list", "-o name") + " | idctl " + deletePipe(k) + "\n" +
			k.example("delete", "--where 'created>2w and not has externalId' --explain"),
		Args: func(cmd *cobra.Command, args []string) error {
			if o.Where != "" {
				return k.args(0, 0, k.Noun)(cmd, args)
			}
			return k.args(1, -1, k.Noun)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = o.arguments(args)
			return run(cmd.Context(), o)
		},
	}
	o.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.Force, "force", false, "delete references to it as well (forceDelete)")
	cmd.Flags().BoolVar(&o.IgnoreMissing, "ignore-missing", false, "take it as done when there is no such "+k.Noun)
	return cmd
}

func deletePipe(k Kind) string {
	if k.Typed {
		return k.Command + " delete AppRole - --yes"
	}
	return k.Command + " delete - --yes"
}

// RunDelete deletes resources.
func RunDelete(ctx context.Context, o *DeleteOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	chosen, err := o.Parse(&o.Base)
	switch {
	case err != nil:
		return err
	case o.Explain && chosen == nil:
		return cmdutil.Usagef("--explain needs --where")
	case o.Explain:
		return chosen.PrintExplanation(o.Deps, nil)
	}
	ask := !o.Deps.Flags.Yes
	if ask && slices.Contains(o.Keys, "-") {
		return cmdutil.Usagef("delete - needs --yes: standard input holds the names and no answer")
	}
	if ask && !o.Deps.IO.CanPrompt() && chosen != nil {
		return o.Deps.Confirm(ctx, "delete "+o.Kind.Plural, 1)
	}
	if ask && !o.Deps.IO.CanPrompt() { // refused before anything is sent
		return o.Deps.Confirm(ctx, "delete "+o.count(len(o.Keys)), len(o.Keys))
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	del := &deleter{DeleteOptions: o, r: r, t: NewTally(&o.Base, "delete")}
	if !Tabular(o.Deps.Output.Format) {
		if del.rows, err = o.Print.Begin(o.Deps.IO); err != nil {
			return err
		}
	}
	switch {
	case chosen != nil:
		err = del.chosen(ctx, chosen)
	case ask:
		err = del.asked(ctx)
	default:
		err = del.all(ctx)
	}
	if del.rows != nil && !errors.Is(err, ErrWrite) {
		if werr := del.rows.End(); werr != nil {
			return werr
		}
	}
	return err
}

// ErrWrite marks a failed write to stdout, after which nothing may follow.
var ErrWrite = errors.New("output")

type deleter struct {
	*DeleteOptions
	r    provider.Resources
	t    *Tally
	rows *output.Writer[Outcome]
	n    int
}

// asked looks all of them up first, so that the question names what is meant.
func (x *deleter) asked(ctx context.Context) error {
	var list []Found
	for keys := range slices.Chunk(x.Keys, provider.FindBatch) {
		list = append(list, x.FindAll(ctx, x.r, keys, scim.ListOptions{})...)
	}
	var there []Found
	for _, f := range list {
		if Fatal(f.Err) {
			return x.t.End(f.Err)
		}
		if f.Err == nil {
			there = append(there, f)
		}
	}
	if len(there) > 0 {
		act := "delete " + x.count(len(there))
		if len(there) == 1 {
			act = cleanLine("delete " + x.Kind.Noun + " " + x.Who(there[0].Doc))
		}
		if err := x.Deps.Confirm(ctx, act, len(there)); err != nil {
			return err
		}
	}
	if err := x.batch(ctx, list); err != nil {
		return err
	}
	return x.t.End(nil)
}

// chosen deletes what meets a condition. All of them are known before the
// first one goes: pages would move otherwise, and the number be unknown.
func (x *deleter) chosen(ctx context.Context, c *Chosen) error {
	expr, r, err := c.Apply(ctx, x.r, nil)
	if err != nil {
		return err
	}
	opts := x.identity()
	opts.Filter = expr
	if keys := x.r.Keys(); len(keys) > 0 {
		opts.SortBy = keys[0]
	}
	var list []Found
	for doc, err := range r.All(ctx, opts) {
		if err != nil {
			return fmt.Errorf("list the %s to delete: %w", x.Kind.Plural, err)
		}
		key := x.Kind.Key(&doc)
		if key == "" {
			key = doc.ID()
		}
		list = append(list, Found{Key: key, Doc: doc})
	}
	if len(list) == 0 {
		return x.Deps.Note("no %s meet the condition, nothing to delete", x.Kind.Plural)
	}
	if x.Deps.Flags.Yes { // the question says it otherwise
		if err := x.Deps.Note("%s to delete", x.count(len(list))); err != nil {
			return err
		}
	}
	if err := x.Deps.Confirm(ctx, "delete "+x.count(len(list)), len(list)); err != nil {
		return err
	}
	for batch := range slices.Chunk(list, provider.FindBatch) {
		if err := x.batch(ctx, batch); err != nil {
			return err
		}
	}
	return x.t.End(nil)
}

// Who is a resource in a sentence: its name, and its key where that differs.
func (b *Base) Who(doc scim.Document) string {
	label, key := Label(doc), b.Kind.Key(&doc)
	if key == "" || key == label {
		return label
	}
	return label + " (" + key + ")"
}

func (x *deleter) all(ctx context.Context) error {
	for keys, err := range Batches(cmdutil.Keys(ctx, x.Keys, x.Deps.IO.In)) {
		if err != nil {
			return x.t.End(err)
		}
		if err := x.batch(ctx, x.FindAll(ctx, x.r, keys, x.identity())); err != nil {
			return err
		}
	}
	if x.n == 0 {
		return x.Deps.Note("no %s named, nothing to delete", x.Kind.Plural)
	}
	return x.t.End(nil)
}

// identity asks for little more than the id: a deleted resource is not shown.
func (x *deleter) identity() scim.ListOptions {
	return scim.ListOptions{Attributes: append([]string{"displayName"}, x.r.Keys()...)}
}

// batch deletes several at a time and reports them in their order.
func (x *deleter) batch(ctx context.Context, list []Found) error {
	errs := make([]error, len(list))
	first := map[string]int{} // by id: a resource may be named twice
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, f := range list {
		if errs[i] = f.Err; f.Err != nil {
			continue
		}
		if _, again := first[f.Doc.ID()]; again {
			continue
		}
		first[f.Doc.ID()] = i
		g.Go(cmdutil.Safe(func() error {
			errs[i] = x.delete(ctx, f)
			return nil
		}))
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var stop error
	for i, f := range list {
		x.n++
		if f.Err == nil {
			errs[i] = errs[first[f.Doc.ID()]]
		}
		if Fatal(errs[i]) {
			// Others of the batch may be done; they are still told.
			if stop == nil {
				stop = errs[i]
			}
			continue
		}
		if err := x.report(f, errs[i]); err != nil {
			return err
		}
	}
	if stop != nil {
		return x.t.End(stop)
	}
	return nil
}

func (x *deleter) delete(ctx context.Context, f Found) error {
	if f.Doc.ID() == "" {
		return x.named(f.Key, scim.ErrNoID)
	}
	err := x.r.Delete(ctx, f.Doc.ID(), scim.WriteOptions{Force: x.Force})
	var refusal *scim.Error
	if errors.Is(err, scim.ErrNotFound) && errors.As(err, &refusal) && refusal.Attempts > 1 {
		return nil // an earlier attempt of this call did it and its answer was lost
	}
	return x.named(f.Key, err)
}

func (x *deleter) report(f Found, err error) error {
	out := Outcome{Key: f.Key, ID: f.Doc.ID(), Result: "deleted"}
	if f.Doc != nil {
		out.Name = Label(f.Doc)
	}
	switch {
	case err == nil:
		x.t.OK()
	case x.IgnoreMissing && errors.Is(err, scim.ErrNotFound):
		out.Result = "missing"
		x.t.OK()
	default:
		out.Result, out.Error = "failed", err.Error()
		if err := x.t.Fail(err); err != nil {
			return err
		}
	}
	if x.rows != nil {
		if x.Deps.Output.Format == output.Name && out.Result == "failed" {
			return nil
		}
		if err := x.rows.Row(&out); err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
		return nil
	}
	switch out.Result {
	case "deleted":
		return Note(x.Deps, "deleted %s %s", x.Kind.Noun, x.Who(f.Doc))
	case "missing":
		return Note(x.Deps, "there was no %s %s", x.Kind.Noun, f.Key)
	}
	return nil
}
