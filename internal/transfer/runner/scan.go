package runner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/internal/transfer/journal"
)

// run is the state of one Run.
type run struct {
	opts       Options
	provider   provider.Provider
	resources  provider.Resources
	source     transfer.Source
	references *references
	route      Route
	began      time.Time

	// stopped says whether no further row may be begun.
	stopped func() bool

	keys     map[digest]struct{} // of the rows that are not rejected and that others refer to
	rejected int                 // rows that the checks reject
	forward  int                 // rows that refer to one further down
	warnings int

	bodySize atomic.Int64 // of the last create

	mu       sync.Mutex
	rows     []rowState // by row number; 0 is unused
	reasons  map[int]Reason
	counts   Counts
	deferred int
	streak   int // rows in a row that failed for reasons of the service
	calls    int
	writes   int
	verified int
	differs  int
}

// rowState is how a row stands, in one byte.
type rowState uint8

const (
	stateResult   rowState = 0x07 // index into results + 1; 0 means open
	stateDeferred rowState = 0x08 // references wait for the second phase
	stateOther    rowState = 0x10 // another shard's row
)

var results = [...]journal.Result{
	journal.Created, journal.Updated, journal.Unchanged, journal.Skipped, journal.Rejected, journal.Failed, journal.Unknown,
}

func (s rowState) result() (journal.Result, bool) {
	if i := s & stateResult; i > 0 {
		return results[i-1], true
	}
	return "", false
}

func stateOf(result journal.Result) rowState {
	for i, r := range results {
		if r == result {
			return rowState(i + 1)
		}
	}
	return 0
}

// Reason says why a row is not done.
type Reason struct {
	Status int
	Code   string
	Text   string
}

// digest names a key without keeping it.
type digest [16]byte

func digestOf(typ, key string) digest {
	sum := sha256.Sum256([]byte(typ + "\x00" + provider.Fold(key)))
	return digest(sum[:16])
}

// scan reads the source once without a call to the service: it counts, and notes
// what the file refers to, and so finds everything that is wrong in the file
// before anything is sent.
func (r *run) scan(ctx context.Context) error {
	r.keys = map[digest]struct{}{}
	r.reasons = map[int]Reason{}
	r.rows = make([]rowState, 1, 1024)
	var rejected []int
	own := false // some row refers to a resource of the file's own type
	for item, err := range r.source.Items(ctx) {
		if err != nil {
			return err
		}
		for len(r.rows) <= item.Row {
			r.rows = append(r.rows, 0)
		}
		mine := r.mine(item)
		if !mine {
			r.rows[item.Row] = stateOther // a later row of this shard may refer to it
		} else {
			r.counts.Total++
		}
		if item.Rejected() {
			if mine {
				rejected = append(rejected, item.Row)
			}
			continue
		}
		for _, ref := range item.Spec.Refs() {
			r.references.want(ref)
			own = own || ref.Type == r.source.Type()
		}
	}
	r.rejected = len(rejected)
	if r.opts.MaxErrors >= 0 && len(rejected) > r.opts.MaxErrors {
		for _, row := range rejected {
			r.finish(row, journal.Rejected, false, false, Reason{})
		}
		return fmt.Errorf("%w: the file has %d bad rows, at most %d are allowed; nothing was sent",
			ErrTooMany, len(rejected), r.opts.MaxErrors)
	}
	if own {
		return r.scanKeys(ctx)
	}
	return nil
}

// scanKeys reads the source once more for the keys that its rows refer to. Only
// now it is known which those are: to keep all keys in the first pass would
// take tens of bytes a row.
func (r *run) scanKeys(ctx context.Context) error {
	for item, err := range r.source.Items(ctx) {
		if err != nil {
			return err
		}
		if item.Rejected() {
			continue
		}
		if r.references.wants(r.source.Type(), item.Key) {
			r.keys[digestOf(r.source.Type(), item.Key)] = struct{}{}
		}
		for _, ref := range item.Spec.Refs() {
			if ref.Type == r.source.Type() && !r.inFile(ref) {
				r.forward++
				break
			}
		}
	}
	return nil
}

// mine says whether a row belongs to this run's shard: by the hash of its key,
// so that every shard decides alike without knowing of the others.
func (r *run) mine(item *transfer.Item) bool {
	if r.opts.Shards < 2 {
		return true
	}
	n := uint64(r.opts.Shards)
	if item.Key == "" {
		return uint64(item.Row)%n == uint64(r.opts.Shard-1) //nolint:gosec // rows and shards count from 1
	}
	d := digestOf(r.source.Type(), item.Key)
	return binary.BigEndian.Uint64(d[:8])%n == uint64(r.opts.Shard-1) //nolint:gosec // as above
}

// inFile says whether a reference names a row of this file.
func (r *run) inFile(ref transfer.Ref) bool {
	if ref.Type != r.source.Type() {
		return false
	}
	_, ok := r.keys[digestOf(ref.Type, ref.Key)]
	return ok
}

// chooseRoute settles Auto: bulk calls where the service has them and its
// limits make them faster than single ones, else single calls.
func (r *run) chooseRoute() Forecast {
	batch := 1
	if b := r.provider.Bulker(); b != nil {
		batch, _ = b.BulkLimits()
	}
	rows := r.counts.Total - r.rejected
	f := Forecast{Rows: r.counts.Total, Rejected: r.rejected, Route: r.opts.Route}
	batches := func(n, size int) int { return (n + size - 1) / size }
	// Rows that refer to one further down may need a second look and write.
	lookups := batches(rows, lookupBatch) + batches(r.forward, lookupBatch)
	calls := map[Route]int{RouteSingle: rows + r.forward, RouteBulk: batches(rows, batch) + batches(r.forward, batch)}
	estimate := func(route Route) time.Duration {
		if r.opts.Estimate == nil || r.opts.DryRun {
			return 0
		}
		return r.opts.Estimate(route, calls[route]) + r.opts.Estimate(RouteSingle, lookups)
	}
	if f.Route == RouteAuto || f.Route == "" {
		f.Route = RouteSingle
		if estimate(RouteBulk) < estimate(RouteSingle) {
			f.Route = RouteBulk
		}
	}
	if batch == 1 {
		f.Route = RouteSingle
	}
	f.Calls, f.Time = lookups+calls[f.Route], estimate(f.Route)
	if r.opts.DryRun {
		f.Calls = lookups
	}
	r.route = f.Route
	return f
}

// down says whether the service answers no row any more.
func (r *run) down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return flow.Down(r.streak, r.opts.Concurrency)
}

// finish notes how a row ended and counts it.
func (r *run) finish(row int, result journal.Result, deferred, transient bool, why Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.rows[row].result(); ok {
		r.counts.add(old, -1)
	}
	r.rows[row] = stateOf(result)
	if deferred {
		r.rows[row] |= stateDeferred
		r.deferred++
	}
	r.counts.add(result, 1)
	switch {
	case result == journal.Created || result == journal.Updated:
		r.streak = 0
	case transient:
		r.streak++
	}
	delete(r.reasons, row)
	if why.Code != "" || why.Text != "" { // a status alone needs no reason, and most rows have one
		r.reasons[row] = why
	}
	if r.opts.Progress != nil {
		r.opts.Progress(r.counts)
	}
}

// tooMany says whether the run has met more errors than it may.
func (r *run) tooMany() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opts.MaxErrors >= 0 && r.counts.Bad() > r.opts.MaxErrors
}

func (r *run) summary() *Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Summary{
		Counts: r.counts, Remaining: r.counts.Total - r.counts.Rows, Warnings: r.warnings, Route: r.route, DryRun: r.opts.DryRun,
		Calls: r.calls, Writes: r.writes, Verified: r.verified, NotVerified: r.differs,
		Seconds: r.opts.Clock().Sub(r.began).Seconds(), Resumed: r.opts.State != nil,
	}
	if r.opts.Journal != nil {
		s.Run = r.opts.Journal.Run()
	}
	return s
}

func (r *run) called(writes int) {
	r.mu.Lock()
	r.calls++
	r.writes += writes
	r.mu.Unlock()
}
