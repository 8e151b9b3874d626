package transport

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryOptions says how often and how long to try. Zero fields mean their
// defaults.
type RetryOptions struct {
	// Attempts is the number of times a request is sent at most, the first
	// one included. Default 5; 1 switches retries off.
	Attempts int
	// BaseDelay is the bound of the first wait, doubled for each further one.
	// Default 500 ms.
	BaseDelay time.Duration
	// MaxDelay bounds every wait that the service did not ask for. Default 20 s.
	MaxDelay time.Duration
	// MaxRetryAfter bounds the wait that the service asks for. Default 2 min.
	MaxRetryAfter time.Duration
}

func (o RetryOptions) withDefaults() RetryOptions {
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.BaseDelay <= 0 {
		o.BaseDelay = 500 * time.Millisecond
	}
	if o.MaxDelay <= 0 {
		o.MaxDelay = 20 * time.Second
	}
	if o.MaxRetryAfter <= 0 {
		o.MaxRetryAfter = 2 * time.Minute
	}
	return o
}

// backoff is "full jitter": anything between nothing and the exponential
// bound, so that workers refused together do not come back together. attempt
// counts from 1; random is in [0,1).
func (o RetryOptions) backoff(attempt int, random float64) time.Duration {
	bound := o.MaxDelay
	if shift := attempt - 1; shift < 31 {
		if d := o.BaseDelay << shift; d > 0 && d>>shift == o.BaseDelay && d < bound {
			bound = d
		}
	}
	return time.Duration(random * float64(bound))
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds or a date.
// ok is false when there is none or it cannot be understood. The result is
// never negative and never above limit.
func retryAfter(h http.Header, now time.Time, limit time.Duration) (d time.Duration, ok bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if isDigits(v) {
		secs, err := strconv.ParseInt(v, 10, 64)
		if err != nil || secs > int64(limit/time.Second) {
			return limit, true // more than any number we would wait for
		}
		return time.Duration(secs) * time.Second, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), limit), true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// discard empties a small rest of a body, so that the connection can be used
// again, and closes it.
func discard(resp *http.Response) {
	// A connection that cannot be emptied is closed instead, nothing is lost.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}
