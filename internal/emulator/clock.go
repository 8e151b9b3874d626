package emulator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/store"
)

// clockValue holds the offset of the service's time from the base clock, in
// nanoseconds, so that every process on the store tells the same time.
const clockValue = "emulator.clockOffset"

// storeClock is the base clock plus the offset in the store. Now does not
// touch the store: refresh, called at the start of each request, does.
type storeClock struct {
	base   engine.Clock
	store  store.Store
	offset atomic.Int64

	mu      sync.Mutex
	version uint64
	loaded  bool
}

// Now tells the service's time, in UTC.
func (c *storeClock) Now() time.Time {
	return c.base.Now().Add(time.Duration(c.offset.Load())).UTC()
}

// refresh reads the offset again if the store has changed.
func (c *storeClock) refresh(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, err := c.store.Version(ctx)
	if err != nil {
		return err
	}
	if c.loaded && v == c.version {
		return nil
	}
	var offset int64
	err = c.store.View(ctx, func(tx store.Tx) error {
		var err error
		offset, err = readOffset(tx)
		return err
	})
	if err != nil {
		return err
	}
	c.offset.Store(offset)
	c.version, c.loaded = v, true
	return nil
}

func readOffset(tx store.Tx) (int64, error) {
	raw, err := tx.Value(clockValue)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stored clock offset: %w", err)
	}
	return n, nil
}

// change replaces the offset by what f makes of the one in the store.
func (c *storeClock) change(ctx context.Context, f func(time.Duration) time.Duration) error {
	err := c.store.Update(ctx, func(tx store.Tx) error {
		old, err := readOffset(tx)
		if err != nil {
			return err
		}
		return tx.SetValue(clockValue, strconv.AppendInt(nil, int64(f(time.Duration(old))), 10))
	})
	if err != nil {
		return fmt.Errorf("emulator: move clock: %w", err)
	}
	return c.refresh(ctx)
}

// set makes the service's time now.
func (c *storeClock) set(ctx context.Context, now time.Time) error {
	return c.change(ctx, func(time.Duration) time.Duration { return now.Sub(c.base.Now()) })
}

// advance moves the service's time, also backwards.
func (c *storeClock) advance(ctx context.Context, d time.Duration) error {
	return c.change(ctx, func(old time.Duration) time.Duration { return old + d })
}

// Now tells the service's time.
func (s *Service) Now() time.Time { return s.clock.Now() }

// AdvanceClock moves the service's time by d in every process on the store.
func (s *Service) AdvanceClock(ctx context.Context, d time.Duration) error {
	return s.clock.advance(ctx, d)
}

// SetClock makes the service's time now in every process on the store.
func (s *Service) SetClock(ctx context.Context, now time.Time) error {
	return s.clock.set(ctx, now)
}

// sleep waits by a timer; it ends early when ctx does.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
