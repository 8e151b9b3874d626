package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"
)

type reply struct {
	status     int
	retryAfter string
}

// limited returns a limiter over a network that answers what next says.
func limited(t *testing.T, clock Clock, o LimitOptions, next func() reply) *limiter {
	t.Helper()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return &limiter{
		opts: o, clock: clock, groups: make(map[string]*group),
		next: roundTripFunc(func(*http.Request) (*http.Response, error) {
			r := next()
			resp := answer(r.status, "")
			if r.retryAfter != "" {
				resp.Header.Set("Retry-After", r.retryAfter)
			}
			return resp, nil
		}),
	}
}

func send(ctx context.Context, t *testing.T, l *limiter, path string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://idcs.example.com"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := l.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func always(r reply) func() reply { return func() reply { return r } }

// No window of a second or a minute may hold more than the service allows,
// wherever it begins, also with several shards together.
func TestLimiterStaysBelowTheLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		rate   Rate
		share  float64
		shards int
	}{
		"second":     {Rate{PerSecond: 20}, 0.8, 1},
		"minute":     {Rate{PerMinute: 150}, 0.8, 1},
		"both":       {Rate{PerSecond: 20, PerMinute: 150}, 0.8, 1},
		"half":       {Rate{PerSecond: 50, PerMinute: 1500}, 0.5, 1},
		"two shards": {Rate{PerSecond: 20, PerMinute: 150}, 0.8, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var sent []time.Time
			for range tt.shards {
				clock := newFakeClock()
				l := limited(t, clock, LimitOptions{Rates: map[string]Rate{"": tt.rate}, Share: tt.share, Shards: tt.shards},
					func() reply { sent = append(sent, clock.Now()); return reply{status: 200} })
				for range 600 {
					if err := send(t.Context(), t, l, "/x"); err != nil {
						t.Fatal(err)
					}
				}
				if took := clock.Now().Sub(sent[len(sent)-600]); tt.rate.PerMinute > 0 {
					own := tt.rate.PerMinute * tt.share / float64(tt.shards)
					if most := time.Duration(620 / own * float64(time.Minute)); took > most {
						t.Errorf("600 requests took %v, want at most %v: it is slower than its share", took, most)
					}
				}
			}
			for window, limit := range map[time.Duration]float64{time.Second: tt.rate.PerSecond, time.Minute: tt.rate.PerMinute} {
				if limit == 0 {
					continue
				}
				for _, from := range sent {
					n := 0
					for _, at := range sent {
						if d := at.Sub(from); d >= 0 && d < window {
							n++
						}
					}
					// Shards start together here, give or take a millisecond.
					if float64(n) > limit+1 {
						t.Fatalf("%d requests in a window of %v, allowed are %v", n, window, limit)
					}
				}
			}
		})
	}
}

func TestLimiterHalvesOnceAndRecovers(t *testing.T) {
	clock := newFakeClock()
	l := limited(t, clock, LimitOptions{Rates: map[string]Rate{"": {PerSecond: 100}}, Floor: 0.1}, always(reply{status: 200}))
	g := l.group("")
	refuse := func(started time.Time) float64 {
		g.refused(started, 0, false)
		return g.factor
	}
	start := clock.Now()
	clock.advance(time.Millisecond)
	for range 32 { // workers that were under way together
		if f := refuse(start); f != 0.5 {
			t.Fatalf("factor %v, want 0.5 whatever the number of refusals", f)
		}
	}
	if got := float64(g.buckets[0].limiter.Limit()); got != 40 {
		t.Errorf("rate %v, want half of 80", got)
	}
	for range 10 {
		clock.advance(time.Second)
		refuse(clock.Now())
	}
	if g.factor != 0.1 {
		t.Errorf("factor %v, want the floor 0.1", g.factor)
	}
	for i := range 18 {
		clock.advance(time.Second)
		before := g.factor
		for range 3 {
			g.accepted()
		}
		if step := g.factor - before; step < 0.049 || step > 0.051 {
			t.Fatalf("second %d gave back %v, want 0.05", i, step)
		}
	}
	clock.advance(time.Second)
	g.accepted()
	if g.factor != 1 || g.buckets[0].limiter.Limit() != 80 {
		t.Errorf("factor %v, rate %v after recovery", g.factor, g.buckets[0].limiter.Limit())
	}
}

func TestUnlimitedGroupPauses(t *testing.T) {
	clock := newFakeClock()
	var next reply
	l := limited(t, clock, LimitOptions{MaxPause: time.Minute, Group: func(r *http.Request) string { return r.URL.Path }},
		func() reply { return next })
	try := func(path string, r reply) time.Duration {
		t.Helper()
		next = r
		before := clock.Now()
		if err := send(t.Context(), t, l, path); err != nil {
			t.Fatal(err)
		}
		return clock.Now().Sub(before)
	}
	for i, step := range []struct {
		path string
		resp reply
		wait time.Duration
	}{
		{"/a", reply{status: 200}, 0},
		{"/a", reply{429, "7"}, 0},
		{"/b", reply{status: 200}, 0}, // another group is not held up
		{"/a", reply{429, "7200"}, 7 * time.Second},
		{"/a", reply{status: 200}, time.Minute}, // no longer than MaxPause
		{"/a", reply{status: 429}, 0},
		{"/a", reply{status: 429}, time.Second},
		{"/a", reply{status: 429}, 2 * time.Second},
		{"/a", reply{status: 200}, 4 * time.Second},
		{"/a", reply{status: 200}, 0},
		{"/a", reply{status: 429}, 0},
		{"/a", reply{status: 200}, time.Second}, // counted anew
	} {
		if got := try(step.path, step.resp); got != step.wait {
			t.Errorf("step %d waited %v, want %v", i, got, step.wait)
		}
	}
}

func TestLimiterDeadline(t *testing.T) {
	clock := newFakeClock()
	l := limited(t, clock, LimitOptions{Rates: map[string]Rate{"": {PerMinute: 1}}}, always(reply{status: 200}))
	if err := send(t.Context(), t, l, "/x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), clock.Now().Add(5*time.Second))
	defer cancel()
	for range 3 {
		err := send(ctx, t, l, "/x")
		var e *Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrThrottled) || !errors.As(err, &e) || e.Sent() {
			t.Fatalf("err = %v, want ErrThrottled and DeadlineExceeded, not sent", err)
		}
	}
	// Those who gave up have left no hole: the next one goes after 75 s.
	before := clock.Now()
	if err := send(t.Context(), t, l, "/x"); err != nil {
		t.Fatal(err)
	}
	if got := clock.Now().Sub(before).Round(time.Second); got != 75*time.Second {
		t.Errorf("waited %v, want 75 s", got)
	}
	done, stop := context.WithCancel(t.Context())
	stop()
	if err := send(done, t, l, "/x"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestLimiterManyGoroutines(t *testing.T) {
	clock := newFakeClock()
	n := 0
	var mu sync.Mutex
	l := limited(t, clock, LimitOptions{Rates: map[string]Rate{"g": {PerSecond: 100, PerMinute: 1000}}}, func() reply {
		mu.Lock()
		defer mu.Unlock()
		n++
		if n%10 == 0 {
			return reply{429, "1"}
		}
		return reply{status: 200}
	})
	var wg sync.WaitGroup
	ctx := WithCall(t.Context(), Call{Group: "g"})
	for range 20 {
		wg.Go(func() {
			for range 10 {
				if err := send(ctx, t, l, "/x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n != 200 {
		t.Errorf("%d requests, want 200", n)
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		name string
		o    LimitOptions
		r    Rate
		n    int
		want time.Duration
	}{
		{"no limit", LimitOptions{}, Rate{}, 1000, 0},
		{"within the burst", LimitOptions{}, Rate{PerSecond: 20, PerMinute: 150}, 4, 0},
		{"a second's burst", LimitOptions{}, Rate{PerSecond: 20}, 20, time.Second},
		{"the minute counts before it is over", LimitOptions{}, Rate{PerSecond: 20, PerMinute: 150}, 50, 10 * time.Second},
		{"shards", LimitOptions{Shards: 3}, Rate{PerMinute: 150}, 30, 30 * time.Second},
		{"the whole limit of a minute", LimitOptions{Share: 1}, Rate{PerMinute: 600}, 601, 61 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.o.Duration(tt.r, tt.n)
			if err != nil || got != tt.want {
				t.Errorf("%v, %v, want %v", got, err, tt.want)
			}
			// The limiter takes as long.
			clock := newFakeClock()
			o, err := tt.o.withDefaults()
			if err != nil {
				t.Fatal(err)
			}
			g := newGroup(o, tt.r, clock)
			start := clock.Now()
			for range tt.n {
				if err := g.wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if took := clock.Now().Sub(start); (took - tt.want).Abs() > 10*time.Millisecond {
				t.Errorf("the limiter takes %v, want %v", took, tt.want)
			}
		})
	}
	if _, err := (LimitOptions{Share: 2}).Duration(Rate{PerSecond: 1}, 5); err == nil {
		t.Error("a share of two")
	}
}
