// Package memory keeps the emulator's records in memory, for tests and for
// servers that forget everything when they stop.
//
// Reading never waits for writing: everything lives in trees whose versions
// share nodes, View reads the version that was current when it began, and an
// Update builds the next one beside it and publishes it when it commits.
// Rolling back is forgetting. The price is that a View held open keeps its
// version alive. It does not write to disk; package sqlite does.
package memory

import (
	"context"
	"sync/atomic"

	"github.com/idctl/idctl/internal/emulator/store"
)

type memory struct {
	current atomic.Pointer[state] // nil after Close
	writing chan struct{}         // held by the one Update; a channel, so that waiting can be cancelled
}

// New answers an empty store. Close only makes it refuse further use.
func New() store.Store {
	m := &memory{writing: make(chan struct{}, 1)}
	m.current.Store(newState(0))
	return m
}

func (m *memory) View(ctx context.Context, f func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := m.current.Load()
	if s == nil {
		return store.ErrClosed
	}
	t := &tx{err: ctx.Err, state: s}
	defer t.end()
	return f(t)
}

func (m *memory) Update(ctx context.Context, f func(store.Tx) error) error {
	return m.write(ctx, func(s *state) (*state, error) {
		t := &tx{err: ctx.Err, state: s.copy(), by: &stamp{}}
		defer t.end()
		if err := f(t); err != nil {
			return nil, err
		}
		if !t.dirty {
			return s, nil
		}
		t.state.version++
		return t.state, nil
	})
}

// write publishes the state that f makes of the current one.
func (m *memory) write(ctx context.Context, f func(*state) (*state, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case m.writing <- struct{}{}:
		defer func() { <-m.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := m.current.Load()
	if s == nil {
		return store.ErrClosed
	}
	next, err := f(s)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !m.current.CompareAndSwap(s, next) { // only Close can have come between
		return store.ErrClosed
	}
	return nil
}

func (m *memory) Version(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s := m.current.Load()
	if s == nil {
		return 0, store.ErrClosed
	}
	return s.version, nil
}

// Reset keeps the counters, so that neither versions nor cursors repeat.
func (m *memory) Reset(ctx context.Context) error {
	return m.write(ctx, func(s *state) (*state, error) {
		next := newState(s.version + 1)
		next.seq, next.linkSeq = s.seq, s.linkSeq
		return next, nil
	})
}

func (m *memory) Close() error {
	m.current.Store(nil)
	return nil
}
