package flow

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// numbers is a pipeline over the numbers from 1 to n, ten a window.
func numbers(n int, send func(context.Context, int) error) *Pipeline[[]int, int] {
	return &Pipeline[[]int, int]{
		Resolvers: 3, Senders: 4, Send: send,
		Read: func(_ context.Context, emit func([]int) bool) error {
			for i := 0; i < n; i += 10 {
				var w []int
				for k := i; k < min(i+10, n); k++ {
					w = append(w, k+1)
				}
				if !emit(w) {
					return nil
				}
			}
			return nil
		},
		Resolve: func(_ context.Context, w []int, emit func(int) error) error {
			for _, k := range w {
				if err := emit(k); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func TestPipeline(t *testing.T) {
	failure := errors.New("no")
	t.Run("all of them, once each", func(t *testing.T) {
		var sum atomic.Int64
		p := numbers(1005, func(_ context.Context, k int) error { sum.Add(int64(k)); return nil })
		if err := p.Run(t.Context()); err != nil || sum.Load() != 1005*1006/2 {
			t.Errorf("%v, sum %d", err, sum.Load())
		}
	})
	t.Run("one sender takes all", func(t *testing.T) {
		sum := 0
		p := numbers(105, nil)
		p.SendAll = func(_ context.Context, tasks <-chan int) error {
			for k := range tasks {
				sum += k
			}
			return nil
		}
		if err := p.Run(t.Context()); err != nil || sum != 105*106/2 {
			t.Errorf("%v, sum %d", err, sum)
		}
	})
	t.Run("a failure ends it", func(t *testing.T) {
		var n atomic.Int64
		p := numbers(1_000_000, func(context.Context, int) error {
			if n.Add(1) == 50 {
				return failure
			}
			return nil
		})
		if err := p.Run(t.Context()); !errors.Is(err, failure) || n.Load() > 1000 {
			t.Errorf("%v after %d", err, n.Load())
		}
	})
	t.Run("halted", func(t *testing.T) {
		var n atomic.Int64
		var p *Pipeline[[]int, int]
		p = numbers(1_000_000, func(context.Context, int) error {
			if n.Add(1) >= 50 {
				p.Halt()
			}
			return nil
		})
		if err := p.Run(t.Context()); err != nil || !p.Halted() || n.Load() > 1000 {
			t.Errorf("%v, halted %t after %d", err, p.Halted(), n.Load())
		}
	})
	t.Run("interrupted, and what is in flight ends", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("asked to stop")
		var begun, ended atomic.Int64
		p := numbers(1_000_000, func(ctx context.Context, _ int) error {
			if begun.Add(1) == 50 {
				cancel(cause)
			}
			if ctx.Err() == nil {
				ended.Add(1)
			}
			return nil
		})
		if err := p.Run(ctx); !errors.Is(err, ErrInterrupted) || !errors.Is(err, cause) || ended.Load() != begun.Load() {
			t.Errorf("%v, %d begun, %d ended", err, begun.Load(), ended.Load())
		}
	})
	t.Run("a journal that cannot be written counts more than the interruption", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := numbers(100, func(context.Context, int) error { cancel(); return fmt.Errorf("x: %w", journal.ErrWrite) })
		if err := p.Run(ctx); !errors.Is(err, journal.ErrWrite) {
			t.Errorf("error %v", err)
		}
	})
}

type sent bool

func (s sent) Error() string { return "no answer" }
func (s sent) Sent() bool    { return bool(s) }

func TestErrors(t *testing.T) {
	if NotSent(sent(true)) || !NotSent(fmt.Errorf("x: %w", sent(false))) || NotSent(errors.New("x")) {
		t.Error("NotSent does not go by what the error says")
	}
	for status, want := range map[int]bool{0: false, 400: true, 404: true, 408: false, 409: true, 429: true, 500: false, 501: true, 502: false, 503: true, 504: false} {
		if Definite(status) != want {
			t.Errorf("Definite(%d) = %t", status, !want)
		}
	}
	for _, tt := range []struct {
		err       error
		code      string
		transient bool
	}{
		{errors.New("reset"), "failed", true},
		{&scim.Error{Status: 400}, "refused", false},
		{&scim.Error{Status: 400, MessageID: "m"}, "m", false},
		{&scim.Error{Status: 409, MessageID: "m"}, "conflict", false},
		{&scim.Error{Status: 401}, "unauthorized", true},
		{&scim.Error{Status: 503}, "unavailable", true},
	} {
		if o := OutcomeOf(tt.err); o.Code != tt.code || o.Transient != tt.transient || o.Reason == "" {
			t.Errorf("OutcomeOf(%v) = %+v", tt.err, o)
		}
	}
	if Down(5, 1) || !Down(6, 1) || Down(23, 8) || !Down(24, 8) {
		t.Error("Down does not go by the number in flight")
	}
}
