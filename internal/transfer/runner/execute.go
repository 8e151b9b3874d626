package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// window is how many rows are looked up together.
const window = 2 * lookupBatch

// resolvers is how many windows are looked up at once: enough to keep the
// senders busy, few enough to leave the limiter to them.
const resolvers = 3

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
	flight, land := inFlight(ctx)
	defer land()
	group, work := errgroup.WithContext(flight)
	halt := make(chan struct{}) // closed when no further row may begin
	r.stopped = func() bool {
		select {
		case <-ctx.Done():
			return true
		case <-work.Done():
			return true
		case <-halt:
			return true
		default:
			return false
		}
	}
	windows := make(chan []*transfer.Item)
	tasks := make(chan *task)

	group.Go(func() error {
		defer close(windows)
		var batch []*transfer.Item
		flush := func() {
			if len(batch) == 0 {
				return
			}
			select {
			case windows <- batch:
			case <-work.Done():
			case <-ctx.Done():
			}
			batch = nil
		}
		for item, err := range r.source.Items(work) {
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
				flush()
			}
		}
		flush()
		return nil
	})

	lookups, lookCtx := errgroup.WithContext(work)
	n := resolvers
	if r.opts.Plan != nil {
		n = 1 // a plan is written in the order of the rows
	}
	open := r.openIntents(phase)
	for range n {
		lookups.Go(func() error {
			for items := range windows {
				if r.stopped() {
					continue // drain, so that the reader ends
				}
				if err := r.resolve(lookCtx, items, phase, open, tasks); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(tasks)
		return lookups.Wait()
	})

	var once bool
	check := func() { // called with r.mu free, from any sender
		if r.tooMany() {
			r.mu.Lock()
			if !once {
				once = true
				close(halt)
			}
			r.mu.Unlock()
		}
	}
	if r.route == RouteBulk && !r.opts.DryRun {
		// The service runs one series of bulk calls at a time.
		group.Go(func() error { return r.sendBulk(work, tasks, check) })
	} else {
		for range r.opts.Concurrency {
			group.Go(func() error {
				for t := range tasks {
					if err := r.send(work, t); err != nil {
						return err
					}
					check()
				}
				return nil
			})
		}
	}
	err := group.Wait()
	switch {
	case err != nil && ctx.Err() == nil:
		return err
	case ctx.Err() != nil:
		if err != nil && errors.Is(err, journal.ErrWrite) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	case once:
		return fmt.Errorf("%w: stopped after %d", ErrTooMany, r.counts.Bad())
	}
	return nil
}

// inFlight answers a context that outlives ctx by Grace, for operations that
// were begun when ctx ended.
func inFlight(ctx context.Context) (context.Context, func()) {
	flight, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late, done := context.WithTimeout(context.WithoutCancel(ctx), Grace)
		context.AfterFunc(late, func() { cancel(); done() })
		context.AfterFunc(flight, done)
	})
	return flight, func() { stop(); cancel() }
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
func (r *run) resolve(ctx context.Context, items []*transfer.Item, phase journal.Phase, open map[int]*journal.Intent, tasks chan<- *task) error {
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
		if r.stopped() {
			return nil
		}
		select {
		case tasks <- t:
		case <-ctx.Done():
			return ctx.Err()
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

// plan decides what a row's operation is. It settles the row itself, and
// answers false, where nothing is to be sent.
func (r *run) plan(t *task) (send bool, err error) {
	item := t.item
	step := &Step{Row: item.Row, Line: item.Line, Key: item.Key}
	if item.Rejected() {
		p := firstProblem(item)
		return false, r.settleStep(t, step, journal.Rejected, false, Reason{Code: p.Code, Text: problems(item)})
	}
	later, missing := r.pending(item)
	switch {
	case t.phase == journal.References && t.before == nil:
		return false, r.settle(t, journal.Outcome{Result: journal.Failed, Code: "vanished", Reason: "it was deleted before its references could be set"}, false)
	case t.phase == journal.References && later:
		return false, r.settle(t, journal.Outcome{
			Result: journal.Failed, Code: "unknown-reference", Transient: true,
			Reason: "it is there, but a resource it refers to, which is in this file, is not",
		}, false)
	case len(missing) > 0:
		return false, r.settleStep(t, step, journal.Rejected, false,
			Reason{Code: "unknown-reference", Text: strings.Join(missing, "; ")})
	}
	if t.before == nil {
		if why, ok := cannotCreate(item); !ok {
			return false, r.settleStep(t, step, journal.Rejected, false, why)
		}
		step.Op, step.Later = "create", later
		if r.planning() {
			step.Changes = createOps(item.Spec.Create(asWritten))
		}
		return r.planned(t, step, later)
	}
	step.ID = t.id()
	mine := t.open != nil && t.open.Op == "create" // what is there is our own create
	if t.phase == journal.Rows && !mine {
		switch r.opts.OnExisting {
		case Skip:
			return false, r.settleStep(t, step, journal.Skipped, false, Reason{Code: "exists", Text: "it exists already"})
		case Fail:
			return false, r.settleStep(t, step, journal.Failed, false, Reason{Status: 409, Code: "exists", Text: "it exists already"})
		case Update:
		}
	}
	changes := item.Spec.Changes(t.before, r.references.id)
	if len(changes) == 0 {
		result := journal.Unchanged
		switch {
		case mine:
			result = journal.Created
		case t.open != nil:
			result = journal.Updated
		}
		return false, r.settleStep(t, step, result, later, Reason{})
	}
	step.Op, step.Changes, step.Later = "update", masked(changes), later
	return r.planned(t, step, later)
}

// planning says whether anybody wants to see the steps.
func (r *run) planning() bool { return r.opts.Plan != nil || r.opts.Guard != nil || r.opts.DryRun }

// planned passes an operation to the plan and the guard. In a dry run it
// counts as what it would become.
func (r *run) planned(t *task, step *Step, later bool) (send bool, err error) {
	if !r.planning() {
		return true, nil
	}
	if step.Digest, err = stepDigest(step.Op, t.item.Key, step.ID, step.Changes, t.before); err != nil {
		return false, err
	}
	same, err := r.guarded(t, step)
	if err != nil {
		return false, err
	}
	if !same {
		return false, r.settleStep(t, step, journal.Skipped, false, Reason{Code: "moved", Text: "what is there now is not what the plan was made from"})
	}
	if r.opts.Plan != nil {
		if err := r.opts.Plan(step); err != nil {
			return false, err
		}
	}
	if !r.opts.DryRun {
		return true, nil
	}
	result := journal.Created
	if step.Op == "update" {
		result = journal.Updated
	}
	r.finish(t.item.Row, result, later, false, Reason{})
	return false, nil
}

// guarded says whether a row's operation is still the one of the guard. Where
// the plan left references for later, because their resources were yet to be
// created, they do not count as a difference now that they are there.
func (r *run) guarded(t *task, step *Step) (bool, error) {
	if r.opts.Guard == nil || t.phase != journal.Rows || t.open != nil {
		return true, nil
	}
	was := r.opts.Guard.steps[t.item.Row]
	digest := step.Digest
	if was.later && t.before != nil {
		changes := t.item.Spec.Changes(t.before, func(ref transfer.Ref) (string, bool) {
			if r.inFile(ref) {
				return "", false
			}
			return r.references.id(ref)
		})
		var err error
		if digest, err = stepDigest(step.Op, t.item.Key, step.ID, masked(changes), t.before); err != nil {
			return false, err
		}
	}
	return digest == was.digest, nil
}

// settleStep ends a row that needs no call, and tells the plan.
func (r *run) settleStep(t *task, step *Step, result journal.Result, deferred bool, why Reason) error {
	if r.opts.Plan != nil {
		step.Op, step.Code, step.Reason, step.Changes, step.Digest = string(result), why.Code, why.Text, nil, ""
		if err := r.opts.Plan(step); err != nil {
			return err
		}
	}
	return r.settle(t, journal.Outcome{
		Result: result, ID: t.id(), Status: why.Status, Code: why.Code, Reason: why.Text,
	}, deferred)
}

// settle ends a row, or its second phase: first in the journal, then in the
// counts.
func (r *run) settle(t *task, o journal.Outcome, deferred bool) error {
	o.Row, o.Phase, o.Deferred = t.item.Row, t.phase, deferred
	if r.opts.Journal != nil {
		if err := r.opts.Journal.Settle(o); err != nil {
			return fmt.Errorf("row %d: %w", o.Row, err)
		}
	}
	result := o.Result
	if t.phase == journal.References && result != journal.Failed && result != journal.Unknown && result != journal.Rejected {
		result = t.counted // the row was counted in the first phase
		if result == journal.Unchanged && o.Result == journal.Updated {
			result = journal.Updated
		}
	}
	why := Reason{Status: o.Status, Code: o.Code, Text: o.Reason}
	r.finish(o.Row, result, deferred, o.Transient, why)
	return nil
}

// cannotCreate says what a row lacks whose resource does not exist yet.
func cannotCreate(item *transfer.Item) (why Reason, ok bool) {
	var texts []string
	for _, p := range item.Spec.CreateProblems() {
		if !p.Warning {
			texts = append(texts, p.Error())
			why.Code = p.Code
		}
	}
	why.Text = strings.Join(texts, "; ")
	return why, len(texts) == 0
}

func firstProblem(item *transfer.Item) transfer.Problem {
	for _, p := range item.Problems {
		if !p.Warning {
			return p
		}
	}
	return transfer.Problem{}
}

func problems(item *transfer.Item) string {
	var texts []string
	for _, p := range item.Problems {
		if !p.Warning {
			texts = append(texts, p.Error())
		}
	}
	return strings.Join(texts, "; ")
}
