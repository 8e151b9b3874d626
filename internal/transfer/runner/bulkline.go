package runner

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// batch is one bulk call in the making.
type batch struct {
	number  int
	tasks   []*task
	intents []journal.Intent
	ops     []scim.BulkOperation
	later   []bool
	bytes   int
	// What became of it.
	skipped bool // it was not begun
	answers []scim.BulkResult
	err     error
}

// bulkLine sends bulk calls one after the other, as the service wants them, and
// keeps busy meanwhile: while one call is under way the next is made and the
// one before it is settled.
type bulkLine struct {
	*run
	check func()

	made     chan *batch
	answered chan *batch
	quit     chan struct{} // closed when no further call may begin
	once     sync.Once

	settled atomic.Int64  // number of the last batch that is settled
	note    chan struct{} // says that settled has changed

	// number is that of the batch being made; begun tells in which one a
	// resource is created that other rows refer to.
	number int
	begun  map[digest]int
}

// sendBulk gathers tasks into bulk calls as large as the service allows, and
// sends them one after the other.
func (r *run) sendBulk(ctx context.Context, tasks <-chan *task, check func()) error {
	l := &bulkLine{
		run: r, check: check, made: make(chan *batch), answered: make(chan *batch), quit: make(chan struct{}),
		note: make(chan struct{}, 1), number: 1, begun: map[digest]int{},
	}
	// Its context is not the group's: when one stage fails, a call in flight
	// still comes to its end and its rows are settled.
	var group errgroup.Group
	stage := func(f func() error) {
		group.Go(func() error {
			err := f()
			if err != nil {
				l.stop()
			}
			return err
		})
	}
	stage(func() error {
		defer close(l.made)
		return l.gather(ctx, tasks)
	})
	stage(func() error {
		defer close(l.answered)
		return l.call(ctx)
	})
	stage(func() error { return l.settleAll(ctx) })
	return group.Wait()
}

func (l *bulkLine) stop() { l.once.Do(func() { close(l.quit) }) }

// ended says that no further call may begin.
func (l *bulkLine) ended() bool {
	select {
	case <-l.quit:
		return true
	default:
		return l.stopped()
	}
}

// gather makes the calls. Rows that are never handed on stay without an
// outcome.
func (l *bulkLine) gather(ctx context.Context, tasks <-chan *task) error {
	maxOps, maxBytes := l.provider.Bulker().BulkLimits()
	b := &batch{}
	flush := func() {
		if len(b.tasks) == 0 || l.ended() {
			return
		}
		b.number = l.number
		select {
		case l.made <- b:
			l.number++
		case <-l.quit:
		}
		b = &batch{}
	}
	for {
		var t *task
		var ok bool
		select {
		case t, ok = <-tasks:
		case <-l.quit:
			return nil
		}
		if !ok {
			flush()
			return nil
		}
		l.await(t)
		op, err := l.bulkOperation(t)
		if err != nil {
			return err
		}
		if op == nil || len(op.data.Data)+bulkOverhead > maxBytes {
			if err := l.send(ctx, t); err != nil { // settled, or too large for a bulk call
				return err
			}
			continue
		}
		size := len(op.data.Data) + bulkOverhead
		if len(b.tasks) == maxOps || b.bytes+size > maxBytes {
			flush()
		}
		b.tasks = append(b.tasks, t)
		b.intents = append(b.intents, op.intent)
		b.ops = append(b.ops, op.data)
		b.later = append(b.later, op.later)
		b.bytes += size
		if t.before == nil && l.references.wants(l.source.Type(), t.item.Key) {
			l.begun[digestOf(l.source.Type(), t.item.Key)] = l.number
		}
		if len(b.tasks) == maxOps {
			flush()
		}
	}
}

// await waits until the calls under way are settled that create what a task
// refers to: it would otherwise need a second call for its reference.
func (l *bulkLine) await(t *task) {
	for _, ref := range t.item.Spec.Refs() {
		if ref.Type != l.source.Type() {
			continue
		}
		if _, ok := l.references.id(ref); ok {
			continue
		}
		n, ok := l.begun[digestOf(ref.Type, ref.Key)]
		for ok && n < l.number && l.settled.Load() < int64(n) {
			select {
			case <-l.note:
			case <-l.quit:
				return
			}
		}
	}
}

// call sends what was made, one call at a time.
func (l *bulkLine) call(ctx context.Context) error {
	var fatal error
	for b := range l.made {
		if b.skipped = fatal != nil || l.ended(); !b.skipped {
			if fatal = l.callBulk(ctx, b); fatal != nil {
				b.skipped = true
				l.stop()
			}
		}
		l.answered <- b
	}
	return fatal
}

// settleAll settles the calls that were made, also after one of them showed
// that there is no going on.
func (l *bulkLine) settleAll(ctx context.Context) error {
	var fatal error
	for b := range l.answered {
		if !b.skipped {
			if err := l.settleBatch(ctx, b); err != nil && fatal == nil {
				fatal = err
				l.stop()
			}
			l.check()
		}
		l.settled.Store(int64(b.number))
		select {
		case l.note <- struct{}{}:
		default:
		}
	}
	return fatal
}
