// Package acts does one thing to one resource or to many: blocks users, sends
// invitations, resets passwords, deletes. It is to acts what package runner is
// to imports, over the same pipeline, journal and rules for errors.
//
// An act looks at a resource before it calls: what is so already is a success
// without a call, what the state of the resource forbids is refused here, with
// the reason. Every target ends as exactly one of done, unchanged, refused,
// failed or unknown, and is reported in the order in which it was given.
//
// With a journal, an operation is noted before it is sent and settled after.
// A run that was killed is continued with what ReadPast makes of its journal:
// targets that were done are not touched again; one whose outcome is not known
// is settled by reading it (readable), sent again (repeatable), or reported as
// unknown and never sent again by itself (once). Targets are told apart by
// their ids and by what they were called, not by their place in a list, since
// a condition may select others the next time.
package acts

import (
	"context"
	"errors"
	"time"

	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrPartly: some targets were refused, failed or are unknown; the report
	// says which.
	ErrPartly = errors.New("some targets are not done")
	// ErrTooMany: more targets went wrong than the caller allows.
	ErrTooMany = errors.New("too many errors")
	// ErrInterrupted: the run was asked to stop; it can be continued.
	ErrInterrupted = flow.ErrInterrupted
	// ErrUnknown: an operation of which nobody knows whether it was carried
	// out, and which must not be repeated by itself.
	ErrUnknown = errors.New("the outcome is not known, and it is not done again by itself")
)

// Target is one resource to act on.
type Target struct {
	// Row counts targets from 1 in the order in which they were given. Run
	// sets it.
	Row int
	// Key is what the person called it.
	Key string
	// Doc is the resource as it is; nil means that it is still to be looked up.
	Doc scim.Document
	// Err is why there is nothing to act on: not found, ambiguous.
	Err error
}

// ID is the id of the resource, empty before it is known.
func (t *Target) ID() string { return t.Doc.ID() }

// Verdict is what an act says of a resource before anything is sent. The zero
// value means that the call is to be made.
type Verdict struct {
	// Already says in what way nothing needs to be done, "is blocked already".
	Already string
	// Refused is why it must not be done.
	Refused error
}

// Product is what a call made and what is handed out once: a password, codes.
// It never reaches a journal or a log.
type Product any

// Act is one thing to do. Name and Do are needed.
type Act struct {
	// Name is the word of journals, plans and summaries, "block"; Past is what
	// one says afterwards, "blocked".
	Name, Past string
	// Repeat says how a call without a known outcome is settled. The zero
	// value means journal.Once, the most careful.
	Repeat journal.Repeat
	// Needs are attributes that Check must see.
	Needs []string
	// Prepare, if set, reads what Check must know beyond the resources, for
	// many targets at a time. None of them has an Err.
	Prepare func(ctx context.Context, targets []*Target) error
	// Check looks at a resource before the call. Nil always calls.
	Check func(t *Target) Verdict
	// Do makes the call. token is the same each time this operation of this run
	// is sent, empty without a journal.
	Do func(ctx context.Context, t *Target, token string) (Product, error)
	// Gone says that the resource is no more after the act: reading it back
	// means looking whether it is away.
	Gone bool
}

func (a *Act) repeat() journal.Repeat {
	if a.Repeat == "" {
		return journal.Once
	}
	return a.Repeat
}

// Result is how a target ended.
type Result string

// The results of a target. Planned is that of a dry run only.
const (
	Done      Result = "done"
	Unchanged Result = "unchanged"
	Refused   Result = "refused"
	Failed    Result = "failed"
	Unknown   Result = "unknown"
	Planned   Result = "planned"
)

// OK says whether nothing is left to do.
func (r Result) OK() bool { return r == Done || r == Unchanged || r == Planned }

// Line is what a run reports of one target.
type Line struct {
	*Target
	Result Result
	// Why says in words why nothing was done; Failure is the error where one
	// stands behind it.
	Why     string
	Failure error
	// Earlier says that an earlier run of the same journal did it.
	Earlier bool
	// Product is what the call made; nil where it makes nothing.
	Product Product
}

// Counts are the targets by how they ended.
type Counts struct {
	Targets   int `json:"targets"`
	Done      int `json:"done"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
	Failed    int `json:"failed"`
	Unknown   int `json:"unknown"`
}

func (c *Counts) add(r Result) {
	c.Targets++
	switch r {
	case Done, Planned:
		c.Done++
	case Unchanged:
		c.Unchanged++
	case Refused:
		c.Refused++
	case Failed:
		c.Failed++
	case Unknown:
		c.Unknown++
	}
}

// Bad is the number of targets that are not done.
func (c Counts) Bad() int { return c.Refused + c.Failed + c.Unknown }

// Summary is what a run answers.
type Summary struct {
	Act string `json:"act"`
	Counts
	DryRun  bool    `json:"dry_run,omitempty"`
	Run     string  `json:"run,omitempty"`
	Resumed bool    `json:"resumed,omitempty"`
	Calls   int     `json:"calls"` // of the act itself, without look-ups
	Seconds float64 `json:"seconds"`
}

// Options shape a run. Act, Lookup and Clock are needed.
type Options struct {
	Act Act
	// Lookup fills in Doc or Err of targets, all of them without either. Its
	// own error stops the run.
	Lookup func(ctx context.Context, targets []*Target) error
	// Reread reads one resource again; scim.ErrNotFound when it is away. Only
	// readable acts need it.
	Reread func(ctx context.Context, id string) (scim.Document, error)
	// Fatal says whether an error would meet every further target as well.
	Fatal func(error) bool

	Concurrency int
	// DryRun looks up and checks, and sends nothing.
	DryRun bool
	// Journal is open for the whole run; nil keeps none. Past is what an
	// earlier run of it did, nil for a new one.
	Journal *journal.Journal
	Past    *Past
	// Deliver hands out what a call made, before the operation counts as done.
	// Its error stops the run.
	Deliver func(t *Target, p Product) error
	// Flush, if set, makes sure at the end that what was delivered lasts; only
	// then do operations with a product count as done.
	Flush func() error
	// Report is told of each target in order, from one goroutine at a time.
	Report func(*Line) error
	// Progress is called after each target, from one goroutine at a time.
	Progress func(Counts)
	// MaxErrors stops the run when more targets go wrong; negative means no
	// limit.
	MaxErrors int
	Clock     func() time.Time
}
