package runner

import (
	"context"
	"fmt"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// window is how many rows are looked up together.
const window = 2 * lookupBatch

// resolvers is how many windows are looked up at once: enough to keep the
// senders busy, few enough to leave the limiter to them.
const resolvers = 3

// Connections is how many requests a run has under way at most: those of its
// senders, and the look-ups that must not wait for them.
func Connections(concurrency int) int { return max(concurrency, 1) + resolvers }

// task is one row on its way to the service.
type task struct {
	item  *transfer.Item
	phase journal.Phase
	// before is the resource as it is; nil means create.
	before scim.Document
	// open is what an earlier run had intended for this row and never settled.
	open *journal.Intent
	// counted is the result the row has already, in the second phase.
	counted journal.Result
}

func (t *task) id() string { return t.before.String("id") }

// execute sends the rows in two phases: all rows, then the references that had
// to wait for a row further down.
func (r *run) execute(ctx context.Context) error {
	if err := r.adopt(); err != nil {
		return err
	}
	if err := r.phase(ctx, journal.Rows); err != nil {
		return err
	}
	if r.deferred == 0 || r.opts.DryRun {
		return nil
	}
	return r.phase(ctx, journal.References)
}

// adopt takes over the rows that an earlier run of this journal settled.
// Transient failures are tried again.
func (r *run) adopt() error {
	if r.opts.State == nil {
		return nil
	}
	for row := 1; row < len(r.rows); row++ {
		if r.rows[row] == stateOther {
			continue
		}
		o, ok := r.opts.State.Outcome(row, journal.Rows)
		if !ok || o.Transient {
			continue
		}
		deferred := o.Deferred
		if later, ok := r.opts.State.Outcome(row, journal.References); ok && !later.Transient {
			deferred = false
			if later.Result == journal.Failed {
				o = later
			}
		}
		r.finish(row, o.Result, deferred, false, Reason{Status: o.Status, Code: o.Code, Text: o.Reason})
	}
	return nil
}

// openIntents are the unsettled operations of an earlier run, by row.
func (r *run) openIntents(phase journal.Phase) map[int]*journal.Intent {
	open := map[int]*journal.Intent{}
	if r.opts.State != nil {
		for i := range r.opts.State.Open {
			if in := &r.opts.State.Open[i]; in.Phase == phase {
				open[in.Row] = in
			}
		}
	}
	return open
}

// phase passes over the source once: windows of rows are looked up by a few
// goroutines and sent by others. When ctx ends, no further row is begun; what
// is in flight gets Grace to end.
func (r *run) phase(ctx context.Context, phase journal.Phase) error {
	open := r.openIntents(phase)
	p := &flow.Pipeline[[]*transfer.Item, *task]{Resolvers: resolvers, Senders: r.opts.Concurrency}
	if r.opts.Plan != nil {
		p.Resolvers = 1 // a plan is written in the order of the rows
	}
	r.stopped = p.Stopped
	p.Read = func(ctx context.Context, emit func([]*transfer.Item) bool) error {
		return r.read(ctx, phase, emit)
	}
	p.Resolve = func(ctx context.Context, items []*transfer.Item, emit func(*task) error) error {
		return r.resolve(ctx, items, phase, open, emit)
	}
	check := func() { // called with r.mu free, from any sender
		if r.tooMany() {
			p.Halt()
		}
	}
	p.Send = func(ctx context.Context, t *task) error {
		err := r.send(ctx, t)
		if err == nil {
			check()
		}
		return err
	}
	if r.route == RouteBulk && !r.opts.DryRun {
		// The service runs one series of bulk calls at a time.
		p.SendAll = func(ctx context.Context, tasks <-chan *task) error { return r.sendBulk(ctx, tasks, check) }
	}
	if err := p.Run(ctx); err != nil {
		return err
	}
	if p.Halted() {
		return fmt.Errorf("%w: stopped after %d", ErrTooMany, r.counts.Bad())
	}
	return nil
}

// read hands on the rows that have something to do in a phase, a window at a
// time.
func (r *run) read(ctx context.Context, phase journal.Phase, emit func([]*transfer.Item) bool) error {
	var batch []*transfer.Item
	for item, err := range r.source.Items(ctx) {
		if err != nil {
			return err
		}
		if r.stopped() {
			return nil
		}
		if r.due(item, phase) {
			batch = append(batch, item)
		}
		if len(batch) == window {
			if !emit(batch) {
				return nil
			}
			batch = nil
		}
	}
	if len(batch) > 0 {
		emit(batch)
	}
	return nil
}

// due says whether a row still has something to do in a phase.
func (r *run) due(item *transfer.Item, phase journal.Phase) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.rows[item.Row]
	if phase == journal.References {
		return state&stateDeferred != 0
	}
	_, done := state.result()
	if !done && state != stateOther {
		for _, p := range item.Problems {
			if p.Warning {
				r.warnings++
			}
		}
	}
	return !done && state != stateOther
}

// resolve looks up a window of rows and what they refer to, settles the rows
// that need no call and hands on the others.
func (r *run) resolve(ctx context.Context, items []*transfer.Item, phase journal.Phase, open map[int]*journal.Intent, emit func(*task) error) error {
	var keys []string
	var refs []transfer.Ref
	var needs []string
	for _, item := range items {
		if item.Rejected() {
			continue
		}
		keys = append(keys, item.Key)
		refs = append(refs, item.Spec.Refs()...)
		needs = item.Spec.NeedsAttributes()
	}
	if err := r.references.resolve(ctx, refs, phase == journal.References, r.inFile, r.called); err != nil {
		return fmt.Errorf("look up references: %w", err)
	}
	found, doubles, err := r.lookup(ctx, keys, needs)
	if err != nil {
		return fmt.Errorf("look up rows %d to %d: %w", items[0].Row, items[len(items)-1].Row, err)
	}
	for _, item := range items {
		var before scim.Document
		if !item.Rejected() {
			before = found[provider.Fold(item.Key)]
		}
		t := &task{item: item, phase: phase, before: before, open: open[item.Row]}
		if double := doubles[provider.Fold(item.Key)]; double != nil && !item.Rejected() {
			if err := r.fail(t, ambiguous(double)); err != nil {
				return err
			}
			continue
		}
		if phase == journal.References {
			r.mu.Lock()
			t.counted, _ = r.rows[item.Row].result()
			r.mu.Unlock()
		}
		send, err := r.plan(t)
		if err != nil {
			return err
		}
		if !send {
			continue
		}
		if err := emit(t); err != nil {
			return err
		}
	}
	return nil
}

// lookup finds the rows' own resources, with what their specs must see.
func (r *run) lookup(ctx context.Context, keys, needs []string) (map[string]scim.Document, doubles, error) {
	opts := scim.ListOptions{}
	if len(needs) > 0 {
		opts.Attributes, opts.AttributeSets = needs, []string{"default"}
	}
	found, double, err := lookup(ctx, r.resources, r.resources.Keys()[0], keys, opts, r.called)
	for _, doc := range found {
		r.references.learn(r.source.Type(), doc.String(r.resources.Keys()[0]), doc.ID())
	}
	return found, double, err
}

// ambiguous is the outcome of a row whose name several resources have. To
// write to one of them, or to add another, would be a guess.
func ambiguous(e *provider.AmbiguousError) journal.Outcome {
	return journal.Outcome{Code: "ambiguous", Reason: e.Error()}
}

// pending splits the references of a row that do not resolve: those a row of
// this file will create, and those nobody will.
func (r *run) pending(item *transfer.Item) (later bool, missing []string) {
	for _, ref := range item.Spec.Refs() {
		if _, ok := r.references.id(ref); ok {
			continue
		}
		if r.inFile(ref) {
			later = true
			continue
		}
		missing = append(missing, r.references.why(ref))
	}
	return later, missing
}
