package transport

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// DefaultShare is the part of a limit a client uses by default; the rest is
// left to others.
const DefaultShare = 0.8

// Rate is what a service allows in one API group. A zero field is no limit.
type Rate struct {
	PerSecond, PerMinute float64
}

// LimitOptions says how to keep to a service's rate limits. The zero value
// knows no limit, and still pauses when the service says that it is too much.
type LimitOptions struct {
	// Group names the API group of a request. Nil: all requests are one group.
	// Call.Group goes before it.
	Group func(*http.Request) string
	// Rates are the service's limits by group. A group not named has none.
	Rates map[string]Rate
	// Share is the part of a limit to use, in (0,1]. Default DefaultShare: the rest is
	// for others, and for bursts.
	Share float64
	// Shards is the number of processes that do one job together and divide
	// the share. Default 1.
	Shards int
	// Floor is the part of the own rate below which throttling never goes, in
	// (0,1]. Default 0.05.
	Floor float64
	// MaxPause bounds a pause that Retry-After asks for. Default 2 min.
	MaxPause time.Duration
}

func (o LimitOptions) withDefaults() (LimitOptions, error) {
	if o.Share == 0 {
		o.Share = DefaultShare
	}
	if o.Shards == 0 {
		o.Shards = 1
	}
	if o.Floor == 0 {
		o.Floor = 0.05
	}
	if o.MaxPause <= 0 {
		o.MaxPause = 2 * time.Minute
	}
	switch {
	case !(o.Share > 0 && o.Share <= 1):
		return o, fmt.Errorf("share of the rate limit is %v, want above 0 and at most 1", o.Share)
	case o.Shards < 1:
		return o, fmt.Errorf("number of shards is %d, want 1 or more", o.Shards)
	case !(o.Floor > 0 && o.Floor <= 1):
		return o, fmt.Errorf("floor of the rate is %v, want above 0 and at most 1", o.Floor)
	}
	for name, r := range o.Rates {
		if r.PerSecond < 0 || r.PerMinute < 0 {
			return o, fmt.Errorf("rate of group %q is negative", name)
		}
	}
	return o, nil
}

const (
	recoverStep  = 0.05        // of the own rate, given back ...
	recoverEvery = time.Second // ... this often while nothing is refused
	firstPause   = time.Second // of a group without a limit, when no Retry-After is given
	longestPause = 30 * time.Second
)

// limiter keeps each API group below its limits: two token buckets, one for
// the second and one for the minute. On 429 it halves the group's rate, once
// for all requests that were under way together, and gives it back in small
// steps (additive increase, multiplicative decrease, as TCP does).
type limiter struct {
	next  http.RoundTripper
	opts  LimitOptions
	clock Clock

	mu     sync.Mutex
	groups map[string]*group
}

func (l *limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	g := l.group(l.name(req))
	if err := g.wait(req.Context()); err != nil {
		closeRequest(req)
		if callerErr := req.Context().Err(); callerErr != nil {
			return nil, notSent(classify(req.Context(), req, callerErr))
		}
		return nil, newError(req, ErrThrottled, err, "allow more time, or a larger share of the limit", false)
	}
	started := l.clock.Now()
	resp, err := l.next.RoundTrip(req)
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusTooManyRequests:
		after, asked := retryAfter(resp.Header, l.clock.Now(), l.opts.MaxPause)
		g.refused(started, after, asked)
	default:
		g.accepted()
	}
	return resp, err
}

// notSent marks an error as one of a request that never left.
func notSent(err error) error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // classify made it just now, it is not wrapped
		e.sent = false
	}
	return err
}

func (l *limiter) name(req *http.Request) string {
	if c := callOf(req.Context()); c.Group != "" {
		return c.Group
	}
	if l.opts.Group != nil {
		return l.opts.Group(req)
	}
	return ""
}

func (l *limiter) group(name string) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[name]
	if g == nil {
		g = newGroup(l.opts, l.opts.Rates[name], l.clock)
		l.groups[name] = g
	}
	return g
}

const (
	minute = 60.0
	// driftPerMinute is by how much a minute of requests may shrink on its way:
	// those that set out late may travel faster. Whoever takes a limit whole
	// keeps that much below it; what is lost is less than a fiftieth, and a
	// refusal would cost half the rate for a while.
	driftPerMinute = 1.0 // seconds
)

type bucket struct {
	limiter *rate.Limiter
	full    rate.Limit
}

type group struct {
	clock Clock
	floor float64

	mu          sync.Mutex
	buckets     []bucket
	factor      float64 // of the full rate, 1 when all is well
	decreased   time.Time
	increased   time.Time
	pausedUntil time.Time
	pauses      int // in a row, of a group without a limit
}

func newGroup(o LimitOptions, r Rate, c Clock) *group {
	g := &group{clock: c, floor: o.Floor, factor: 1}
	for _, p := range o.paces(r) {
		g.buckets = append(g.buckets, bucket{limiter: rate.NewLimiter(p.full, p.burst), full: p.full})
	}
	return g
}

// pace is what a bucket lets through: burst requests at once, and full more a
// second.
type pace struct {
	full  rate.Limit
	burst int
}

// paces are the buckets of a group.
func (o LimitOptions) paces(r Rate) []pace {
	var out []pace
	add := func(limit, seconds float64) {
		if limit <= 0 {
			return
		}
		own := limit / float64(o.Shards)
		full := rate.Limit(own * o.Share / seconds)
		if seconds == minute && own > minute {
			full = min(full, rate.Limit(own/(minute+driftPerMinute)))
		}
		// A bucket lets its burst through on top of its rate. Taking the burst
		// from the part we leave to others keeps every window within the limit.
		out = append(out, pace{full, max(1, int(own*(1-o.Share)+1e-9))})
	}
	add(r.PerSecond, 1)
	add(r.PerMinute, minute)
	return out
}

// Duration is how long so many requests of a group take at least under these
// options, when none is refused; 0 where nothing limits them.
func (o LimitOptions) Duration(r Rate, requests int) (time.Duration, error) {
	o, err := o.withDefaults()
	if err != nil {
		return 0, err
	}
	var longest time.Duration
	for _, p := range o.paces(r) {
		wait := float64(max(requests-p.burst, 0)) / float64(p.full)
		longest = max(longest, time.Duration(wait*float64(time.Second)))
	}
	return longest, nil
}

// wait returns when a request may be sent. When that would be after the
// deadline of ctx it returns at once an error that is context.DeadlineExceeded.
func (g *group) wait(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := g.clock.Now()
		delay, paused, undo := g.reserve(now)
		if delay <= 0 {
			return nil
		}
		if !fits(ctx, now, delay) {
			undo()
			return fmt.Errorf("the next free slot is in %s: %w", delay.Round(time.Millisecond), context.DeadlineExceeded)
		}
		if err := g.clock.Sleep(ctx, delay); err != nil {
			undo()
			return err
		}
		if paused || g.pauseLeft() > 0 {
			// Everyone who waited for the end of a pause would go at once:
			// queue up again, at the rate that holds now.
			continue
		}
		return nil
	}
}

func (g *group) pauseLeft() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pausedUntil.Sub(g.clock.Now())
}

// reserve takes a place in every bucket, or none while the group is paused.
func (g *group) reserve(now time.Time) (delay time.Duration, paused bool, undo func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if left := g.pausedUntil.Sub(now); left > 0 {
		return left, true, func() {}
	}
	taken := make([]*rate.Reservation, 0, len(g.buckets))
	for _, b := range g.buckets {
		r := b.limiter.ReserveN(now, 1)
		taken = append(taken, r)
		delay = max(delay, r.DelayFrom(now))
	}
	return delay, false, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, r := range taken {
			r.CancelAt(g.clock.Now())
		}
	}
}

// refused takes note of a 429 to a request that was sent at started.
func (g *group) refused(started time.Time, after time.Duration, asked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	if !asked && len(g.buckets) == 0 {
		// No rate to halve and no word from the service: pause, twice as long
		// each time.
		if !started.Before(g.pausedUntil) {
			after = min(firstPause<<min(g.pauses, 5), longestPause)
			g.pauses++
		}
	}
	if until := now.Add(after); until.After(g.pausedUntil) {
		g.pausedUntil = until
	}
	if len(g.buckets) == 0 || (!g.decreased.IsZero() && !started.After(g.decreased)) {
		return // this request left before the rate was halved
	}
	g.decreased, g.increased = now, now
	g.setFactor(now, max(g.floor, g.factor/2))
}

// accepted takes note of any other answer.
func (g *group) accepted() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pauses = 0
	if g.factor >= 1 {
		return
	}
	now := g.clock.Now()
	if now.Sub(g.increased) < recoverEvery {
		return
	}
	g.increased = now
	g.setFactor(now, min(1, g.factor+recoverStep))
}

func (g *group) setFactor(now time.Time, f float64) {
	g.factor = f
	for _, b := range g.buckets {
		b.limiter.SetLimitAt(now, b.full*rate.Limit(f))
	}
}
