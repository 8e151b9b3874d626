package tokens

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/pkg/transport"
)

// countingSource numbers its tokens. gate, if any, is waited for.
type countingSource struct {
	mu          sync.Mutex
	clock       *fakeClock
	life        time.Duration
	calls       int
	err         error
	gate        chan struct{}
	entered     chan struct{}
	invalidated []transport.Token
}

func (s *countingSource) Token(ctx context.Context) (transport.Token, error) {
	s.mu.Lock()
	s.calls++
	n, err, gate := s.calls, s.err, s.gate
	s.mu.Unlock()
	if gate != nil {
		s.entered <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
			return transport.Token{}, ctx.Err()
		}
	}
	if err != nil {
		return transport.Token{}, err
	}
	now := s.clock.Now()
	t := transport.Token{Value: transport.Secret(fmt.Sprintf("t%d", n)), Issued: now}
	if s.life > 0 {
		t.Expiry = now.Add(s.life)
	}
	return t, nil
}

func (s *countingSource) Invalidate(t transport.Token) { s.invalidated = append(s.invalidated, t) }

func (s *countingSource) set(err error, gate chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.gate = err, gate
}

func (s *countingSource) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func newCounting(life time.Duration) (*countingSource, *Cache, *fakeClock) {
	clock := newFakeClock()
	src := &countingSource{clock: clock, life: life, entered: make(chan struct{}, 100)}
	return src, Cached(src, CacheOptions{Clock: clock}), clock
}

func want(t *testing.T, c *Cache, value string) {
	t.Helper()
	tok, err := c.Token(t.Context())
	if err != nil || tok.Value.Reveal() != value {
		t.Errorf("Token = %q, %v; want %s", tok.Value.Reveal(), err, value)
	}
}

func TestFiftyGoroutinesOneRequest(t *testing.T) {
	src, cache, _ := newCounting(time.Hour)
	gate := make(chan struct{})
	src.set(nil, gate)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			tok, err := cache.Token(t.Context())
			if err != nil || tok.Value != "t1" {
				t.Errorf("Token = %q, %v", tok.Value.Reveal(), err)
			}
		})
	}
	<-src.entered
	close(gate)
	wg.Wait()
	if n := src.count(); n != 1 {
		t.Errorf("%d requests for 50 goroutines, want 1", n)
	}
}

func TestWhenToRenew(t *testing.T) {
	now := newFakeClock().Now()
	for _, tt := range []struct {
		life, left time.Duration
		want       bool
	}{
		{time.Hour, 7 * time.Minute, false},
		{time.Hour, 5 * time.Minute, true}, // less than a tenth
		{5 * time.Minute, 61 * time.Second, false},
		{5 * time.Minute, 59 * time.Second, true},
		{time.Minute, 31 * time.Second, false}, // short-lived: half
		{time.Minute, 29 * time.Second, true},
		{time.Minute, 0, true},
		{time.Minute, -time.Second, true},
	} {
		expiry := now.Add(tt.left)
		tok := transport.Token{Value: "x", Issued: expiry.Add(-tt.life), Expiry: expiry}
		if got := NeedsRenewal(tok, now, time.Minute); got != tt.want {
			t.Errorf("life %v, left %v: %v, want %v", tt.life, tt.left, got, tt.want)
		}
	}
	if NeedsRenewal(transport.Token{Value: "x"}, now, time.Minute) {
		t.Error("a token of unknown life is renewed")
	}
}

func TestCacheLife(t *testing.T) {
	src, cache, clock := newCounting(time.Hour)
	want(t, cache, "t1")
	want(t, cache, "t1")
	clock.advance(55 * time.Minute)
	src.set(&Error{Status: 503}, nil)
	want(t, cache, "t1") // the service is down, the token is still good
	want(t, cache, "t1")
	if n := src.count(); n != 2 {
		t.Errorf("%d requests, want 2: a failure is not repeated at once", n)
	}
	clock.advance(6 * time.Second)
	src.set(&Error{Status: 401, Code: "invalid_client"}, nil)
	if _, err := cache.Token(t.Context()); !errors.Is(err, ErrInvalidClient) {
		t.Errorf("secret revoked: %v", err)
	}
	clock.advance(6 * time.Second)
	src.set(nil, nil)
	want(t, cache, "t4")
	clock.advance(2 * time.Hour)
	src.set(&Error{Status: 503}, nil)
	if _, err := cache.Token(t.Context()); err == nil {
		t.Error("an expired token was given out")
	}
}

func TestOldTokenDuringRenewal(t *testing.T) {
	src, cache, clock := newCounting(time.Hour)
	want(t, cache, "t1")
	clock.advance(55 * time.Minute)
	gate := make(chan struct{})
	src.set(nil, gate)
	done := make(chan struct{})
	go func() { defer close(done); want(t, cache, "t2") }()
	<-src.entered
	want(t, cache, "t1") // nobody waits as long as there is a good one
	close(gate)
	<-done
	want(t, cache, "t2")
}

func TestCallerWhoGivesUpDoesNotFailOthers(t *testing.T) {
	src, cache, _ := newCounting(time.Hour)
	gate := make(chan struct{})
	src.set(nil, gate)
	leader, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := cache.Token(leader); !errors.Is(err, context.Canceled) {
			t.Errorf("leader: %v", err)
		}
	})
	<-src.entered
	wg.Go(func() { want(t, cache, "t2") })
	cancel()
	<-src.entered // the other one asks by itself
	close(gate)
	wg.Wait()

	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, other, _ := newCounting(0)
	other.flight = &flight{done: make(chan struct{})}
	if _, err := other.Token(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with an ended context: %v", err)
	}
}

func TestInvalidate(t *testing.T) {
	src, cache, clock := newCounting(time.Hour)
	want(t, cache, "t1")
	cache.Invalidate(transport.Token{Value: "older"})
	want(t, cache, "t1")
	cache.Invalidate(transport.Token{Value: "t1"})
	want(t, cache, "t2")
	cache.Invalidate(transport.Token{Value: "t2"})
	want(t, cache, "t2") // twice at once is not the token's fault
	clock.advance(6 * time.Second)
	cache.Invalidate(transport.Token{Value: "t2"})
	want(t, cache, "t3")
	if len(src.invalidated) != 2 {
		t.Errorf("the source heard of %d refusals, want 2", len(src.invalidated))
	}
}
