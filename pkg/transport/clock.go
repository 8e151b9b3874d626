package transport

import (
	"context"
	"time"
)

// Clock tells the time and waits. It is always given by the caller, so that a
// test can let an hour pass at once.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// Sleep waits for d. It returns ctx.Err() at once when ctx ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// NewClock returns a clock that reads the time from now, usually time.Now, and
// sleeps on real timers.
func NewClock(now func() time.Time) Clock { return systemClock{now: now} }

type systemClock struct{ now func() time.Time }

func (c systemClock) Now() time.Time { return c.now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
