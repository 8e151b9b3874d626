// Package runner executes an import: it reads a source's rows, looks up what
// the service has, plans one operation a row, sends it over the chosen route,
// and accounts for every row.
//
// The promises it keeps are those of the design: producing a plan only reads;
// an operation is journalled before it is sent and settled after; a row ends
// as exactly one of created, updated, unchanged, skipped, rejected, failed or
// unknown; nothing is ever deleted. Memory is a few bytes a row. It knows
// items, documents and the provider's interfaces, and neither CSV nor HTTP.
package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/internal/transfer/journal"
)

// Existing says what becomes of a row whose resource exists.
type Existing string

// The answers to a row whose resource exists.
const (
	Update Existing = "update"
	Skip   Existing = "skip"
	Fail   Existing = "fail"
)

// Route is the way operations reach the service.
type Route string

// The routes of an import. Auto chooses by the number of rows and the limits.
const (
	RouteAuto   Route = "auto"
	RouteSingle Route = "single" // POST and PATCH, one call a row
	RouteBulk   Route = "bulk"   // bulk calls
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrTooMany: more rows were rejected or failed than the caller allows.
	ErrTooMany = errors.New("too many errors")
	// ErrPartly: some rows were rejected, failed or are unknown; the summary
	// says how many.
	ErrPartly = errors.New("some rows are not done")
	// ErrPlan: the plan does not belong to this file, profile or mapping.
	ErrPlan = errors.New("the plan does not fit")
	// ErrInterrupted: the run was asked to stop; it can be resumed.
	ErrInterrupted = flow.ErrInterrupted
)

// Grace is how long operations in flight may take to end once a run is asked
// to stop.
const Grace = flow.Grace

// Options shape a run. The zero value is not usable: Clock is required.
type Options struct {
	OnExisting  Existing
	Route       Route
	Concurrency int
	// DryRun reads and plans, and writes nothing, not even a journal.
	DryRun bool
	// Plan, if set, receives each planned operation, in the order of rows.
	Plan func(*Step) error
	// Guard is a plan made before: only operations that are still the same are
	// executed, others are skipped as moved.
	Guard *Plan
	// MaxErrors stops the run when more rows than that are rejected or failed;
	// negative means no limit.
	MaxErrors int
	// Verify reads every imported row back at the end.
	Verify bool
	// Shard selects the rows whose key falls on part Shard of Shards, counted
	// from 1; Shards below 2 means all rows.
	Shard, Shards int
	// Journal is open for the whole run; nil only with DryRun. State is what it
	// held when it was opened for resume, nil for a new run.
	Journal *journal.Journal
	State   *journal.State
	// Estimate tells how long so many calls take on a route under the service's
	// limits; nil means that nothing limits them. Auto chooses by it.
	Estimate func(route Route, calls int) time.Duration
	// Announce is called once, before the first call, with what is to come.
	Announce func(Forecast) error
	// Progress is called from time to time with the counts so far, from one
	// goroutine at a time.
	Progress func(Counts)
	// Clock tells the time; only differences and the summary use it.
	Clock func() time.Time
}

// Forecast is what a run expects of itself.
type Forecast struct {
	Rows, Rejected int
	Route          Route
	// Calls is about the number of requests, Time what they take under the
	// service's limits; 0 when nothing limits them. Retries and reading back
	// come on top.
	Calls int
	Time  time.Duration
}

// Counts are the rows by how they ended.
type Counts struct {
	// Total is the number of rows of the file that belong to this run.
	Total     int `json:"-"`
	Rows      int `json:"rows"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Skipped   int `json:"skipped"`
	Rejected  int `json:"rejected"`
	Failed    int `json:"failed"`
	Unknown   int `json:"unknown"`
}

func (c *Counts) add(result journal.Result, n int) {
	c.Rows += n
	switch result {
	case journal.Created:
		c.Created += n
	case journal.Updated:
		c.Updated += n
	case journal.Unchanged:
		c.Unchanged += n
	case journal.Skipped:
		c.Skipped += n
	case journal.Rejected:
		c.Rejected += n
	case journal.Failed:
		c.Failed += n
	case journal.Unknown:
		c.Unknown += n
	}
}

// Bad is the number of rows that are not done.
func (c Counts) Bad() int { return c.Rejected + c.Failed + c.Unknown }

// Summary is what a run answers. Rows is always the sum of the results.
type Summary struct {
	Counts
	// Remaining rows were not reached, because the run was stopped.
	Remaining int `json:"remaining,omitempty"`
	// Warnings counts what the checks let through with a warning.
	Warnings int    `json:"warnings"`
	Route    Route  `json:"route"`
	DryRun   bool   `json:"dry_run,omitempty"`
	Run      string `json:"run,omitempty"`
	Resumed  bool   `json:"resumed,omitempty"`
	// Calls are requests sent by this run: look-ups, writes and read-backs.
	Calls  int `json:"calls"`
	Writes int `json:"writes"`
	// Verified rows were read back and are what the file says; NotVerified
	// rows are not.
	Verified    int     `json:"verified,omitempty"`
	NotVerified int     `json:"not_verified,omitempty"`
	Seconds     float64 `json:"seconds"`
}

// Report yields, after a run, every row that has an outcome, in the order of
// the source, together with its item.
type Report struct {
	source transfer.Source
	run    *run
}

// Run imports source into the resources of its type. It answers a summary with
// every error but those that come before the first row is looked at. The error
// is nil, or is ErrPartly, ErrTooMany, ErrInterrupted, journal.ErrWrite, or the
// source's or the service's own.
func Run(ctx context.Context, p provider.Provider, source transfer.Source, opts Options) (*Summary, *Report, error) {
	resources, err := p.Resource(source.Type())
	if err != nil {
		return nil, nil, err
	}
	if opts.Journal == nil && !opts.DryRun {
		return nil, nil, errors.New("runner: a run that writes needs a journal")
	}
	if opts.Concurrency < 1 {
		opts.Concurrency = 1
	}
	r := &run{
		opts: opts, provider: p, resources: resources, source: source,
		references: newReferences(p), began: opts.Clock(),
	}
	if err := r.scan(ctx); errors.Is(err, ErrTooMany) {
		return r.summary(), &Report{source: source, run: r}, err
	} else if err != nil {
		return nil, nil, err
	}
	forecast := r.chooseRoute()
	if opts.Announce != nil {
		if err := opts.Announce(forecast); err != nil {
			return nil, nil, err
		}
	}
	err = r.execute(ctx)
	if err == nil && opts.Verify && !opts.DryRun {
		err = r.verify(ctx)
	}
	summary := r.summary()
	if err == nil && (summary.Bad() > 0 || summary.NotVerified > 0) {
		err = fmt.Errorf("%w: %d rejected, %d failed, %d unknown", ErrPartly, summary.Rejected, summary.Failed, summary.Unknown)
		if summary.NotVerified > 0 {
			err = fmt.Errorf("%w, %d not as the file says when read back", err, summary.NotVerified)
		}
	}
	return summary, &Report{source: source, run: r}, err
}
