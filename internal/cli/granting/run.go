package granting

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/flow"
)

// Options are what commands need that give or take access.
type Options struct {
	Deps  *cmdutil.Deps
	Print output.Printer[Outcome]
	// Verb is the word of errors and questions, "grant".
	Verb string
	// Revoke takes access away.
	Revoke bool
	// Things are words for what is granted; a - reads them from standard
	// input.
	Things []string
	// Groups are groups whose membership is given or taken along with it.
	Groups []string
	Grantees
	DryRun      bool
	Concurrency int
	// Find turns a word into a thing; nil is Find.
	Find func(ctx context.Context, a provider.Access, key string) (*Thing, error)
	// Limit are ids of groups to which a role of users is limited.
	Limit []string
	// Veto, if set, refuses to take a thing from a grantee.
	Veto func(ctx context.Context, a provider.Access, t *Thing, g *Grantee) error
	// Members opens a group; needed where Groups may be named.
	Members func(ctx context.Context, group string) (Membership, error)
}

// Membership is a group whose members change.
type Membership interface {
	Name() string
	Among(ctx context.Context, ids []string) (map[string]bool, error)
	Add(ctx context.Context, ids []string) error
	Remove(ctx context.Context, ids []string) error
}

// defaultConcurrency hides the latency of a distant service.
const defaultConcurrency = 8

// AddFlags adds --dry-run and --concurrency.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "show what would be done, and do nothing")
	fs.IntVar(&o.Concurrency, "concurrency", defaultConcurrency, "`number` of calls on their way at once")
}

func (o *Options) prep() string {
	if o.Revoke {
		return "from"
	}
	return "to"
}

// check refuses what makes no sense, before anything is sent.
func (o *Options) check(ctx context.Context) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	if o.Concurrency < 1 || o.Concurrency > 1000 {
		return cmdutil.Usagef("--concurrency must be from 1 to 1000, not %d", o.Concurrency)
	}
	stdin := 0
	all := slices.Concat(o.Things, o.Groups, o.Words())
	for _, w := range all {
		if w == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return cmdutil.Usagef("- may stand once: standard input is read once")
	}
	if !o.Revoke || o.DryRun || o.Deps.Flags.Yes {
		return nil
	}
	if stdin > 0 {
		return cmdutil.Usagef("%s - needs --yes: standard input holds the names and no answer", o.Verb)
	}
	n := (len(o.Things) + len(o.Groups)) * len(o.Words())
	what := slices.Concat(o.Things, o.Groups)
	act := fmt.Sprintf("%s %d grants", o.Verb, n)
	if n == 1 {
		act = fmt.Sprintf("%s %s from %s", o.Verb, what[0], o.Words()[0])
	}
	return o.Deps.Confirm(ctx, act, n)
}

// runner is one command on its way.
type runner struct {
	*Options
	access  provider.Access
	users   provider.Resources
	report  *report
	things  []*Thing
	members []Membership
}

// Run gives or takes access.
func Run(ctx context.Context, o *Options) error {
	if err := o.check(ctx); err != nil {
		return err
	}
	o.Deps.Flags.Workers = o.Concurrency
	p, a, err := Access(ctx, o.Deps)
	if err != nil && (p == nil || len(o.Things) > 0) {
		return err // memberships alone need a directory and no more
	}
	r := &runner{Options: o, access: a, users: p.Users()}
	words, err := cmdutil.Collect(cmdutil.Keys(ctx, o.Things, o.Deps.IO.In))
	if err != nil {
		return err
	}
	if r.report, err = newReport(o.Deps, o.Print, o.Verb, o.prep(), o.DryRun); err != nil {
		return err
	}
	if err := r.find(ctx, words); err != nil {
		return r.report.end(err)
	}
	f := &finder{o.Deps, p, a}
	for batch, err := range f.each(ctx, &o.Grantees) {
		if err == nil {
			err = r.batch(ctx, batch)
		}
		if errors.Is(err, directory.ErrWrite) {
			return err
		}
		if err != nil {
			return r.report.end(err)
		}
	}
	return r.report.end(nil)
}

// find turns words into things. One that is not found does not stop the
// others.
func (r *runner) find(ctx context.Context, words []string) error {
	find := r.Find
	if find == nil {
		find = func(ctx context.Context, a provider.Access, key string) (*Thing, error) {
			return Find(ctx, r.Deps, a, key)
		}
	}
	missing := func(what, key string, err error) error {
		if directory.Fatal(err) || len(words)+len(r.Groups) == 1 {
			return err
		}
		return r.report.tell(Outcome{What: what, Access: key, Result: failed}, err)
	}
	for _, key := range words {
		t, err := find(ctx, r.access, key)
		if err != nil {
			if err := missing("app role", key, err); err != nil {
				return err
			}
			continue
		}
		r.things = append(r.things, t)
	}
	for _, key := range r.Groups {
		m, err := r.Members(ctx, key)
		if err != nil {
			if err := missing("group", key, err); err != nil {
				return err
			}
			continue
		}
		r.members = append(r.members, m)
	}
	return nil
}

// op is what is to be done about one thing and one grantee.
type op struct {
	Outcome
	grantee *Grantee
	do      func(context.Context) (result, why string, err error)
	err     error
}

// batch goes through grantees of one kind.
func (r *runner) batch(ctx context.Context, list []*Grantee) error {
	for _, g := range list {
		if directory.Fatal(g.Err) {
			return g.Err
		}
	}
	for _, t := range r.things {
		ops, err := r.plan(ctx, t, list)
		if err != nil {
			return err
		}
		if err := r.carryOut(ctx, ops); err != nil {
			return err
		}
	}
	for _, m := range r.members {
		if err := r.membership(ctx, m, list); err != nil {
			return err
		}
	}
	return nil
}

// newOp begins with a grantee; one that was not found has its error.
func newOp(g *Grantee, what, access string) *op {
	return &op{grantee: g, err: g.Err, Outcome: Outcome{
		What: what, Access: access, Grantee: g.Name, GranteeType: Word(g.Type), GranteeID: g.ID(),
	}}
}

// found are the ids of those who were found.
func found(list []*Grantee) []string {
	var ids []string
	for _, g := range list {
		if g.Err == nil {
			ids = append(ids, g.ID())
		}
	}
	return ids
}

// carryOut does what was planned, several at a time, and tells of it in order.
func (r *runner) carryOut(ctx context.Context, ops []*op) error {
	if !r.DryRun {
		var g errgroup.Group
		g.SetLimit(r.Concurrency)
		for _, o := range ops {
			if o.do == nil || o.err != nil {
				continue
			}
			g.Go(cmdutil.Safe(func() error {
				if o.err = ctx.Err(); o.err != nil { // those that began still end
					return nil
				}
				flight, done := flow.InFlight(ctx)
				defer done()
				o.Result, o.Why, o.err = o.do(flight)
				return nil
			}))
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return r.tellAll(ops)
}

func (r *runner) tellAll(ops []*op) error {
	var stop error
	for _, o := range ops {
		if o.err == nil {
			if err := r.report.tell(o.Outcome, nil); err != nil {
				return err
			}
			continue
		}
		if directory.Fatal(o.err) {
			stop = o.err
			continue
		}
		var refusal *cmdutil.RefusedError
		o.Result = failed
		if errors.As(o.err, &refusal) {
			o.Result = refused
		}
		err := fmt.Errorf("%s %s %s %q: %w", o.Access, r.prep(), o.GranteeType, o.Grantee, o.err)
		if o.grantee.Err != nil {
			err = fmt.Errorf("%s %s %w", o.Access, r.prep(), o.err) // the look-up names it
		}
		if err := r.report.tell(o.Outcome, err); err != nil {
			return err
		}
	}
	return stop
}

// membership adds users to a group or removes them, all of a batch in one
// call.
func (r *runner) membership(ctx context.Context, m Membership, list []*Grantee) error {
	in, err := m.Among(ctx, found(list))
	if err != nil {
		return err
	}
	ops := make([]*op, len(list))
	var todo []*op
	for i, g := range list {
		o := newOp(g, "group", m.Name())
		if ops[i] = o; o.err != nil {
			continue
		}
		o.Result = added
		switch {
		case r.Revoke && !in[g.ID()]:
			o.Result, o.Why = unchanged, "is no member of group "+m.Name()
		case !r.Revoke && in[g.ID()]:
			o.Result, o.Why = unchanged, "is a member of group "+m.Name()+" already"
		default:
			if r.Revoke {
				o.Result = removed
			}
			todo = append(todo, o)
		}
	}
	if len(todo) > 0 && !r.DryRun {
		change := m.Add
		if r.Revoke {
			change = m.Remove
		}
		var ids []string
		for _, o := range todo {
			ids = append(ids, o.grantee.ID())
		}
		flight, done := flow.InFlight(ctx)
		err := change(flight, ids)
		done()
		for _, o := range todo {
			o.err = err
		}
	}
	return r.tellAll(ops)
}
