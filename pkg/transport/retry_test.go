package transport

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// step is one answer of the scripted network: a status, or an error.
type step struct {
	status     int
	err        error
	retryAfter string
}

// scripted answers with one step after the other and keeps the bodies it got.
func scripted(t *testing.T, steps []step, bodies *[]string) http.RoundTripper {
	t.Helper()
	n := 0
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		body := ""
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			body = string(b)
		}
		*bodies = append(*bodies, body)
		if n >= len(steps) {
			t.Fatalf("request %d was not expected", n+1)
		}
		s := steps[n]
		n++
		if s.err != nil {
			return nil, s.err
		}
		resp := answer(s.status, "answer")
		if s.retryAfter != "" {
			resp.Header.Set("Retry-After", s.retryAfter)
		}
		return resp, nil
	})
}

func TestRetryRules(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	ok := step{status: 200}
	tests := []struct {
		name   string
		req    Request
		steps  []step
		status int // of the answer, 0 for an error
	}{
		{"get after 503", Request{Method: "GET"}, []step{{status: 503}, {status: 502}, {status: 504}, ok}, 200},
		{"get after 500", Request{Method: "GET"}, []step{{status: 500}, ok}, 200},
		{"get after a reset", Request{Method: "GET"}, []step{{err: reset}, ok}, 200},
		{"put", Request{Method: "PUT", Body: []byte("b")}, []step{{status: 503}, {err: io.ErrUnexpectedEOF}, ok}, 200},
		{"delete", Request{Method: "DELETE"}, []step{{status: 429}, ok}, 200},
		{"gives the last answer", Request{Method: "GET"}, []step{{status: 503}, {status: 503}, {status: 503}, {status: 500}}, 500},
		{"gives the last error", Request{Method: "GET"}, []step{{err: reset}, {err: reset}, {err: reset}, {err: reset}}, 0},
		{"501 is final", Request{Method: "GET"}, []step{{status: 501}}, 501},
		{"505 is final", Request{Method: "GET"}, []step{{status: 505}}, 505},
		{"404 is final", Request{Method: "GET"}, []step{{status: 404}}, 404},
		{"409 is final", Request{Method: "PUT"}, []step{{status: 409}}, 409},
		{"post after 503", Request{Method: "POST", Body: []byte("b")}, []step{{status: 503}}, 503},
		{"post after a reset", Request{Method: "POST", Body: []byte("b")}, []step{{err: reset}}, 0},
		{"post that never left", Request{Method: "POST", Body: []byte("b")}, []step{{err: dial}, ok}, 200},
		{"post refused at the gate", Request{Method: "POST", Body: []byte("b")}, []step{{status: 429}, ok}, 200},
		{"post with a retry token", Request{Method: "POST", Body: []byte("b"), RetryToken: "t"}, []step{{status: 503}, {err: reset}, ok}, 200},
		{"post called idempotent", Request{Method: "POST", Call: Call{Idempotent: true}}, []step{{status: 503}, ok}, 200},
		{"patch", Request{Method: "PATCH", Body: []byte("b")}, []step{{status: 503}}, 503},
		{"patch called idempotent", Request{Method: "PATCH", Body: []byte("b"), Call: Call{Idempotent: true}}, []step{{err: reset}, ok}, 200},
		{"no retry", Request{Method: "GET", Call: Call{NoRetry: true}}, []step{{status: 429}}, 429},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var bodies []string
			clock := newFakeClock()
			c := newTestClient(t, Options{
				BaseURL: "https://idcs.example.com", Clock: clock, Base: scripted(t, tt.steps, &bodies),
				Retry: RetryOptions{Attempts: 4, BaseDelay: time.Second}, Random: func() float64 { return 0.5 },
			})
			tt.req.Path = "/x"
			resp, err := c.Do(t.Context(), &tt.req)
			if tt.status == 0 {
				if !errors.Is(err, ErrUnreachable) {
					t.Errorf("Do = %v, want ErrUnreachable", err)
				}
			} else if err != nil || resp.Status != tt.status || resp.Attempts != len(tt.steps) || string(resp.Body) != "answer" {
				t.Errorf("Do = %+v, %v; want status %d after %d attempts", resp, err, tt.status, len(tt.steps))
			}
			if len(bodies) != len(tt.steps) {
				t.Errorf("%d requests, want %d", len(bodies), len(tt.steps))
			}
			for i, b := range bodies {
				if b != string(tt.req.Body) {
					t.Errorf("body of request %d is %q, want %q", i+1, b, tt.req.Body)
				}
			}
		})
	}
}

func TestRetryWaits(t *testing.T) {
	var bodies []string
	clock := newFakeClock()
	clock.now = clock.now.Truncate(time.Second) // dates of HTTP have no parts of seconds
	date := clock.now.Add(7 * time.Second).UTC().Format(http.TimeFormat)
	c := newTestClient(t, Options{
		BaseURL: "https://idcs.example.com", Clock: clock,
		Limits: LimitOptions{MaxPause: time.Nanosecond},
		Base: scripted(t, []step{
			{status: 503},
			{status: 503, retryAfter: "7"},
			{status: 503, retryAfter: date},
			{status: 503, retryAfter: "9999"},
			{status: 503, retryAfter: "soon"},
			{status: 200},
		}, &bodies),
		Retry:  RetryOptions{Attempts: 9, BaseDelay: time.Second, MaxDelay: 10 * time.Second, MaxRetryAfter: time.Minute},
		Random: func() float64 { return 0.5 },
	})
	if _, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"}); err != nil {
		t.Fatal(err)
	}
	// The date was written before the waits of 0.5 and 7 s: it is over.
	want := []time.Duration{500 * time.Millisecond, 7 * time.Second, time.Minute, 5 * time.Second}
	got := clock.slept()
	if len(got) == 5 {
		got = append(got[:2:2], got[3:]...)
		if clock.slept()[2] != 0 {
			t.Errorf("waited %v for a date in the past", clock.slept()[2])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestRetryAndDeadline(t *testing.T) {
	var bodies []string
	clock := newFakeClock()
	base := scripted(t, []step{{status: 503, retryAfter: "30"}}, &bodies)
	c := newTestClient(t, Options{BaseURL: "https://idcs.example.com", Clock: clock, Base: base})
	ctx, cancel := context.WithDeadline(t.Context(), clock.Now().Add(10*time.Second))
	defer cancel()
	resp, err := c.Do(ctx, &Request{Method: "GET", Path: "/x"})
	if err != nil || resp.Status != 503 || string(resp.Body) != "answer" || len(clock.slept()) != 0 {
		t.Errorf("Do = %+v, %v after %v; want the 503 at once", resp, err, clock.slept())
	}
}

// cancelClock ends the context while somebody sleeps.
type cancelClock struct {
	*fakeClock
	cancel context.CancelFunc
}

func (c cancelClock) Sleep(ctx context.Context, _ time.Duration) error {
	c.cancel()
	return ctx.Err()
}

func TestCancelDuringBackoff(t *testing.T) {
	var bodies []string
	ctx, cancel := context.WithCancel(t.Context())
	c := newTestClient(t, Options{
		BaseURL: "https://idcs.example.com", Clock: cancelClock{newFakeClock(), cancel},
		Base: scripted(t, []step{{status: 503}}, &bodies),
	})
	_, err := c.Do(ctx, &Request{Method: "GET", Path: "/x"})
	var e *Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &e) || !e.Sent() {
		t.Errorf("Do = %v", err)
	}
}

func TestRetryNeedsABodyItCanRepeat(t *testing.T) {
	calls := 0
	tr, err := New(Options{Clock: newFakeClock(), Base: roundTripFunc(func(*http.Request) (*http.Response, error) {
		calls++
		return answer(503, ""), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://idcs.example.com/x", io.NopCloser(strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil || resp.StatusCode != 503 || calls != 1 {
		t.Fatalf("RoundTrip = %v, %v after %d requests", resp, err, calls)
	}
	_ = resp.Body.Close()
}

func TestBackoffBounds(t *testing.T) {
	for range 5000 {
		o := RetryOptions{
			BaseDelay: time.Duration(1 + rand.Int64N(int64(10*time.Second))),
			MaxDelay:  time.Duration(1 + rand.Int64N(int64(time.Minute))),
		}
		attempt, random := 1+rand.IntN(100), rand.Float64()
		d := o.backoff(attempt, random)
		bound := min(float64(o.BaseDelay)*float64(uint64(1)<<min(attempt-1, 40)), float64(o.MaxDelay))
		if d < 0 || float64(d) > bound {
			t.Fatalf("%+v attempt %d random %v: %v, want at most %v", o, attempt, random, d, time.Duration(bound))
		}
		if random > 0.5 && float64(d) < bound*0.49 {
			t.Fatalf("%+v attempt %d random %v: %v is too early, bound %v", o, attempt, random, d, time.Duration(bound))
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "5", "-1", "99999999999999999999999", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 01 Jan 9999 00:00:00 GMT", "soon", " 7 ", "١"} {
		f.Add(s)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := retryAfter(http.Header{"Retry-After": {s}}, now, time.Minute)
		if d < 0 || d > time.Minute || (!ok && d != 0) {
			t.Errorf("retryAfter(%q) = %v, %v", s, d, ok)
		}
	})
}
