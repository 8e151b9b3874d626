// Package flow is the engine below everything that sends many operations: an
// import's rows, an act on many users. It passes windows of work from a reader
// through a few resolvers, which look things up, to senders, which write; it
// ends them together when one fails or the run is asked to stop; and it says
// what an error means for the one operation it met.
//
// It knows neither rows nor resources; the packages runner and acts do.
package flow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// Grace is how long operations in flight may take to end once a run is asked
// to stop.
const Grace = 30 * time.Second

// ErrInterrupted says that a run was asked to stop; it can be resumed.
var ErrInterrupted = errors.New("interrupted")

// Pipeline is one pass. A value is for one Run.
type Pipeline[W, T any] struct {
	// Read hands on windows of work until emit answers false.
	Read func(ctx context.Context, emit func(W) bool) error
	// Resolve looks up a window and hands on what is to be sent, until emit
	// answers an error. It runs Resolvers times at once.
	Resolve   func(ctx context.Context, window W, emit func(T) error) error
	Resolvers int
	// Send sends one task. It runs Senders times at once. Its error ends the
	// run; what concerns the task alone it settles by itself.
	Send    func(ctx context.Context, task T) error
	Senders int
	// SendAll, if set, takes all tasks in place of Send, one goroutine alone.
	SendAll func(ctx context.Context, tasks <-chan T) error

	mu     sync.Mutex
	halted bool
	halt   chan struct{}
	stop   func() bool
}

// ErrStopped is what emit of Resolve answers when nothing further may begin.
// Run does not pass it on.
var ErrStopped = errors.New("no further task may begin")

// Halt makes the pipeline begin nothing further; what is in flight ends. It
// may be called while it runs, more than once.
func (p *Pipeline[W, T]) Halt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.halted {
		p.halted = true
		close(p.halt)
	}
}

// Halted says whether Halt was called.
func (p *Pipeline[W, T]) Halted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.halted
}

// Stopped says whether nothing further may begin.
func (p *Pipeline[W, T]) Stopped() bool { return p.stop() }

// Run passes everything through. When ctx ends, nothing further is begun; what
// is in flight gets Grace to end, and the error is ErrInterrupted with the
// cause, unless the journal failed, which counts more.
func (p *Pipeline[W, T]) Run(ctx context.Context) error {
	flight, land := InFlight(ctx)
	defer land()
	group, work := errgroup.WithContext(flight)
	p.halt = make(chan struct{})
	p.stop = func() bool {
		select {
		case <-ctx.Done():
			return true
		case <-work.Done():
			return true
		case <-p.halt:
			return true
		default:
			return false
		}
	}
	windows := make(chan W)
	// Senders find their next task without waiting for a resolver to wake up.
	// What takes them all is handed nothing that may not begin any more.
	ahead := max(1, p.Senders)
	if p.SendAll != nil {
		ahead = 0
	}
	tasks := make(chan T, ahead)
	group.Go(func() error {
		defer close(windows)
		return p.Read(work, func(w W) bool {
			if p.stop() {
				return false
			}
			select {
			case windows <- w:
				return true
			case <-work.Done():
			case <-ctx.Done():
			}
			return false
		})
	})
	lookups, lookCtx := errgroup.WithContext(work)
	emit := func(t T) error {
		if p.stop() {
			return ErrStopped
		}
		select {
		case tasks <- t:
			return nil
		case <-lookCtx.Done():
			return lookCtx.Err()
		}
	}
	for range max(1, p.Resolvers) {
		lookups.Go(func() error {
			for w := range windows {
				if p.stop() {
					continue // drain, so that the reader ends
				}
				if err := p.Resolve(lookCtx, w, emit); err != nil && !errors.Is(err, ErrStopped) {
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
	if p.SendAll != nil {
		group.Go(func() error { return p.SendAll(work, tasks) })
	} else {
		for range max(1, p.Senders) {
			group.Go(func() error {
				for t := range tasks {
					if p.stop() {
						continue // it was not begun
					}
					if err := p.Send(work, t); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	err := group.Wait()
	switch {
	case err != nil && ctx.Err() == nil, err != nil && errors.Is(err, journal.ErrWrite):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	}
	return nil
}

// InFlight answers a context that outlives ctx by Grace, for operations that
// were begun when ctx ended.
func InFlight(ctx context.Context) (context.Context, func()) {
	flight, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		late, done := context.WithTimeout(context.WithoutCancel(ctx), Grace)
		context.AfterFunc(late, func() { cancel(); done() })
		context.AfterFunc(flight, done)
	})
	return flight, func() { stop(); cancel() }
}

// NotSent says that a request certainly did not reach the service.
func NotSent(err error) bool {
	var e interface{ Sent() bool }
	return errors.As(err, &e) && !e.Sent()
}

// Definite says that a status means the operation did not happen.
func Definite(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout || status == http.StatusNotImplemented ||
		status == http.StatusServiceUnavailable
}

// OutcomeOf tells of an error what a report needs.
func OutcomeOf(err error) journal.Outcome {
	o := journal.Outcome{Reason: err.Error(), Code: "failed", Transient: true}
	var e *scim.Error
	if errors.As(err, &e) {
		o.Status = e.Status
		o.Code, o.Transient = "refused", false
		if e.MessageID != "" {
			o.Code = e.MessageID
		}
	}
	switch {
	case errors.Is(err, scim.ErrConflict):
		o.Code = "conflict"
	case errors.Is(err, scim.ErrUnauthorized):
		o.Code, o.Transient = "unauthorized", true
	case errors.Is(err, scim.ErrUnavailable):
		o.Code, o.Transient = "unavailable", true
	}
	return o
}

// downAfter is how many operations in a row must have failed for the service's
// own reasons, each after the transport's retries, before a run gives up
// instead of failing all that are left. Those in flight together count once.
const downAfter = 3

// Down says whether so many failures in a row mean that the service answers
// nothing any more, with this many operations in flight at once.
func Down(streak, concurrency int) bool { return streak >= downAfter*max(concurrency, 2) }
