package acts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// resolvers is how many batches are looked up at once: enough to keep the
// senders busy, few enough to leave the limiter to them.
const resolvers = 3

// Connections is how many requests a run with so many calls on their way at
// once makes at the same time.
func Connections(concurrency int) int { return concurrency + resolvers }

// run is the state of one Run.
type run struct {
	Options
	pipe  *flow.Pipeline[[]*Target, *Target]
	began time.Time

	mu     sync.Mutex
	counts Counts
	calls  int
	streak int
	seen   map[digest]int // row by id: a resource may be named twice
	held   []journal.Outcome

	out order
}

// Run does an act to the targets, which come in batches of a size that suits
// Lookup. It answers a summary with every error but a missing option. The
// error is nil, or is ErrPartly, ErrTooMany, ErrInterrupted, journal.ErrWrite,
// or that of the targets, of Lookup, Report or the service.
func Run(ctx context.Context, targets iter.Seq2[[]*Target, error], opts Options) (*Summary, error) {
	if opts.Act.Do == nil || opts.Lookup == nil || opts.Clock == nil {
		return nil, errors.New("acts: a run needs an act, a look-up and a clock")
	}
	r := &run{Options: opts, began: opts.Clock(), seen: map[digest]int{}}
	r.out.report = opts.Report
	r.pipe = &flow.Pipeline[[]*Target, *Target]{
		Resolvers: resolvers, Resolve: r.resolve, Senders: opts.Concurrency, Send: r.send,
		Read: func(_ context.Context, emit func([]*Target) bool) error { return r.read(targets, emit) },
	}
	err := r.pipe.Run(ctx)
	return r.end(err)
}

// end settles what waited, reports what is out of order, and sums up.
func (r *run) end(err error) (*Summary, error) {
	if r.Flush != nil {
		if ferr := r.Flush(); ferr != nil {
			err = errors.Join(err, fmt.Errorf("what was made could not be handed out: %w", ferr))
			r.held = nil // unsettled, hence unknown to a later run
		}
	}
	if r.Journal != nil && len(r.held) > 0 {
		err = errors.Join(err, r.Journal.Settle(r.held...))
	}
	if err == nil {
		err = r.untold()
	}
	err = errors.Join(err, r.out.flush())
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Summary{
		Act: r.Act.Name, Counts: r.counts, DryRun: r.DryRun, Resumed: r.Past != nil, Calls: r.calls,
		Seconds: r.Clock().Sub(r.began).Seconds(),
	}
	if r.Journal != nil {
		s.Run = r.Journal.Run()
	}
	switch {
	case err != nil:
		return s, err
	case r.pipe.Halted():
		return s, fmt.Errorf("%w: stopped after %d", ErrTooMany, s.Bad())
	case s.Bad() > 0:
		return s, fmt.Errorf("%w: %d refused, %d failed, %d unknown", ErrPartly, s.Refused, s.Failed, s.Unknown)
	}
	return s, nil
}

// untold reports the unknown operations of earlier runs whose targets did not
// come up again.
func (r *run) untold() error {
	if r.Past == nil || r.DryRun {
		return nil
	}
	for _, e := range r.Past.untold {
		if e.seen {
			continue
		}
		r.mu.Lock()
		row := r.out.next()
		r.mu.Unlock()
		t := &Target{Row: row, Key: e.key, Doc: scim.Document{"id": e.id}}
		if err := r.finish(&Line{Target: t, Result: Unknown, Why: ErrUnknown.Error(), Failure: ErrUnknown, Earlier: true}); err != nil {
			return err
		}
	}
	return nil
}

// read numbers the targets.
func (r *run) read(targets iter.Seq2[[]*Target, error], emit func([]*Target) bool) error {
	for batch, err := range targets {
		if err != nil {
			return err
		}
		if r.pipe.Stopped() {
			return nil
		}
		r.mu.Lock()
		for _, t := range batch {
			t.Row = r.out.next()
		}
		r.mu.Unlock()
		if !emit(batch) {
			return nil
		}
	}
	return nil
}

// resolve looks a batch up, settles the targets that need no call and hands on
// the others.
func (r *run) resolve(ctx context.Context, batch []*Target, emit func(*Target) error) error {
	var missing []*Target
	for _, t := range batch {
		if t.Doc == nil && t.Err == nil && !r.doneByName(t) {
			missing = append(missing, t)
		}
	}
	if len(missing) > 0 {
		if err := r.Lookup(ctx, missing); err != nil {
			return err
		}
	}
	if r.Act.Prepare != nil {
		there := make([]*Target, 0, len(batch))
		for _, t := range batch {
			if t.Doc != nil && t.Err == nil {
				there = append(there, t)
			}
		}
		if len(there) > 0 {
			if err := r.Act.Prepare(ctx, there); err != nil {
				return err
			}
		}
	}
	for _, t := range batch {
		send, err := r.decide(t)
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

// doneByName says whether an earlier run did a target of that name: one that
// was deleted cannot be looked up any more.
func (r *run) doneByName(t *Target) bool {
	e := r.Past.of(t)
	return r.Act.Gone && e != nil && e.result == journal.Done
}

// decide answers whether a call is to be made, and ends the target if not.
func (r *run) decide(t *Target) (send bool, err error) {
	was := r.Past.of(t)
	switch {
	case t.Err != nil && r.Act.Gone && errors.Is(t.Err, scim.ErrNotFound) && was != nil && was.result == "":
		// What was sent and never settled is away: it was our own call.
		if err := r.settle(journal.Outcome{Row: was.row, Result: journal.Done}); err != nil {
			return false, err
		}
		return false, r.finish(&Line{Target: t, Result: Done, Earlier: true})
	case t.Err != nil:
		if r.Fatal != nil && r.Fatal(t.Err) {
			return false, t.Err
		}
		return false, r.finish(&Line{Target: t, Result: Failed, Why: t.Err.Error(), Failure: t.Err})
	case t.Doc == nil: // done by name
		return false, r.finish(&Line{Target: t, Result: Done, Earlier: true})
	case t.ID() == "":
		return false, r.finish(&Line{Target: t, Result: Failed, Why: scim.ErrNoID.Error(), Failure: scim.ErrNoID})
	}
	if r.twice(t) {
		return false, r.finish(&Line{Target: t, Result: Unchanged, Why: "was named before"})
	}
	if was != nil {
		was.seen = true
		switch {
		case was.result == journal.Done:
			return false, r.finish(&Line{Target: t, Result: Done, Earlier: true})
		case was.result == journal.Unknown:
			return false, r.finish(&Line{Target: t, Result: Unknown, Why: ErrUnknown.Error(), Failure: ErrUnknown, Earlier: true})
		case was.result == "" && was.repeat == journal.Once:
			if err := r.settle(journal.Outcome{Row: was.row, Result: journal.Unknown, ID: t.ID(), Code: "unknown", Reason: "interrupted before its outcome was known"}); err != nil {
				return false, err
			}
			return false, r.finish(&Line{Target: t, Result: Unknown, Why: ErrUnknown.Error(), Failure: ErrUnknown, Earlier: true})
		}
	}
	if r.Act.Check != nil {
		switch v := r.Act.Check(t); {
		case v.Refused != nil:
			return false, r.finish(&Line{Target: t, Result: Refused, Why: v.Refused.Error(), Failure: v.Refused})
		case v.Already != "" && was != nil && was.result == "":
			// What was sent and never settled is there: it was our own call.
			if err := r.settle(journal.Outcome{Row: was.row, Result: journal.Done, ID: t.ID()}); err != nil {
				return false, err
			}
			return false, r.finish(&Line{Target: t, Result: Done, Earlier: true})
		case v.Already != "":
			return false, r.finish(&Line{Target: t, Result: Unchanged, Why: v.Already})
		}
	}
	if r.DryRun {
		return false, r.finish(&Line{Target: t, Result: Planned})
	}
	return true, nil
}

func (r *run) twice(t *Target) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := idDigest(t.ID())
	if _, ok := r.seen[d]; ok {
		return true
	}
	r.seen[d] = t.Row
	return false
}

// row is the number by which the journal knows a target: those of a run that
// continues come after those of the runs before.
func (r *run) row(t *Target) int { return r.Past.lastRow() + t.Row }

// send makes the call for one target and settles it. Its error stops the run.
func (r *run) send(ctx context.Context, t *Target) error {
	token := ""
	if r.Journal != nil {
		err := r.Journal.Intend(journal.Intent{Row: r.row(t), Op: r.Act.Name, Repeat: r.Act.repeat(), ID: t.ID(), Key: t.Key})
		if err != nil {
			return fmt.Errorf("%s: %w", t.Key, err)
		}
		token = r.Journal.RetryToken(journal.Rows, r.row(t))
	}
	r.mu.Lock()
	r.calls++
	r.mu.Unlock()
	product, err := r.Act.Do(ctx, t, token)
	if err == nil {
		return r.succeed(t, product)
	}
	return r.failed(ctx, t, err)
}

// succeed hands out what the call made, and settles it.
func (r *run) succeed(t *Target, product Product) error {
	o := journal.Outcome{Row: r.row(t), Result: journal.Done, ID: t.ID()}
	if product != nil && r.Deliver != nil {
		if err := r.Deliver(t, product); err != nil {
			// Left unsettled: it was done, and what it made is lost.
			return fmt.Errorf("%s: it was done, but what it made could not be handed out: %w", t.Key, err)
		}
		if r.Flush != nil {
			r.mu.Lock()
			r.held = append(r.held, o)
			r.mu.Unlock()
			return r.finish(&Line{Target: t, Result: Done, Product: product})
		}
	}
	if err := r.settle(o); err != nil {
		return err
	}
	return r.finish(&Line{Target: t, Result: Done, Product: product})
}

// failed decides what an error means for a target.
func (r *run) failed(ctx context.Context, t *Target, err error) (fatal error) {
	o := flow.OutcomeOf(err)
	once := r.Act.repeat() == journal.Once
	unsupported := errors.Is(err, provider.ErrUnsupported) || errors.Is(err, scim.ErrVerb)
	certain := unsupported || flow.NotSent(err) || flow.Definite(o.Status) && (!once || o.Status != http.StatusServiceUnavailable)
	switch {
	case unsupported, errors.Is(err, scim.ErrUnauthorized), r.Fatal != nil && r.Fatal(err) && certain:
		// No target after this one can do better.
		return errors.Join(r.fail(t, o, err), err)
	case errors.Is(err, scim.ErrConflict) && !once, !certain && r.Act.repeat() == journal.Readable:
		fatal = r.readBack(ctx, t, o, err)
	case certain:
		fatal = r.fail(t, o, err)
	case once:
		o.Result, o.Code, o.Transient = journal.Unknown, "unknown", false
		failure := fmt.Errorf("%w: %w", ErrUnknown, err)
		fatal = r.ended(o, &Line{Target: t, Result: Unknown, Why: failure.Error(), Failure: failure})
	default:
		fatal = r.fail(t, o, fmt.Errorf("it may have been done, doing it again does no harm: %w", err))
	}
	if fatal == nil && o.Transient && r.down() {
		return fmt.Errorf("the service answers nothing any more: %w", err)
	}
	return fatal
}

// readBack looks whether what has no known outcome, or was refused as a
// conflict, is so all the same.
func (r *run) readBack(ctx context.Context, t *Target, o journal.Outcome, cause error) error {
	if r.Reread == nil || r.Act.Check == nil && !r.Act.Gone {
		return r.fail(t, o, cause)
	}
	now, err := r.Reread(ctx, t.ID())
	away := errors.Is(err, scim.ErrNotFound)
	switch {
	case away && r.Act.Gone:
		return r.succeed(t, nil)
	case err == nil && !r.Act.Gone:
		if v := r.Act.Check(&Target{Row: t.Row, Key: t.Key, Doc: now}); v.Already != "" {
			return r.succeed(t, nil)
		}
	case err != nil && !away:
		cause = fmt.Errorf("%w; reading it back failed as well: %w", cause, err)
		o.Transient = true
	}
	return r.fail(t, o, cause)
}

func (r *run) fail(t *Target, o journal.Outcome, failure error) error {
	o.Result = journal.Failed
	return r.ended(o, &Line{Target: t, Result: Failed, Why: failure.Error(), Failure: failure})
}

func (r *run) ended(o journal.Outcome, line *Line) error {
	o.Row, o.ID = r.row(line.Target), line.ID()
	if err := r.settle(o); err != nil {
		return err
	}
	r.mu.Lock()
	if o.Transient {
		r.streak++
	}
	r.mu.Unlock()
	return r.finish(line)
}

func (r *run) down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return flow.Down(r.streak, r.Concurrency)
}

func (r *run) settle(o journal.Outcome) error {
	if r.Journal == nil {
		return nil
	}
	return r.Journal.Settle(o)
}

// finish counts a target and reports it when its turn has come.
func (r *run) finish(line *Line) error {
	r.mu.Lock()
	r.counts.add(line.Result)
	if line.Result == Done && !line.Earlier {
		r.streak = 0
	}
	counts, bad := r.counts, r.counts.Bad()
	if r.Progress != nil {
		r.Progress(counts)
	}
	r.mu.Unlock()
	if r.MaxErrors >= 0 && bad > r.MaxErrors {
		r.pipe.Halt()
	}
	return r.out.add(line)
}

// order reports lines in the order of their rows. The lines that wait for an
// earlier one are no more than are in flight.
type order struct {
	report func(*Line) error
	given  int // the last row that was numbered

	mu      sync.Mutex
	told    int
	waiting map[int]*Line
}

// next numbers a row. The caller sees to it that it is not called twice at once.
func (o *order) next() int {
	o.given++
	return o.given
}

func (o *order) add(line *Line) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.report == nil {
		return nil
	}
	if o.waiting == nil {
		o.waiting = map[int]*Line{}
	}
	o.waiting[line.Row] = line
	for {
		l, ok := o.waiting[o.told+1]
		if !ok {
			return nil
		}
		delete(o.waiting, o.told+1)
		o.told++
		if err := o.report(l); err != nil {
			return err
		}
	}
}

// flush reports what still waits, when a run ended before an earlier row did.
func (o *order) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for row := o.told + 1; row <= o.given; row++ {
		l, ok := o.waiting[row]
		if !ok {
			continue
		}
		delete(o.waiting, row)
		if err := o.report(l); err != nil {
			return err
		}
	}
	o.told = o.given
	return nil
}
