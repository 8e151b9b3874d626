package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// retry sends a request again where that helps and cannot do a thing twice.
//
// Idempotent methods are repeated on 429, 500, 502, 503, 504 and on failed,
// late or cut off answers. A POST or PATCH is repeated like that only with a
// retry token or when the caller calls it idempotent. Without, it is repeated
// when it provably was not carried out: no connection, or 429. 501 and 505
// say that the service will never do it. Call.Once makes any method one of
// these.
//
// A DELETE that was carried out and whose answer got lost is answered 404 the
// second time: Response.Attempts above 1 tells such a 404 apart.
type retry struct {
	next        http.RoundTripper
	opts        RetryOptions
	tokenHeader string
	clock       Clock
	random      func() float64
	log         *slog.Logger
}

type attemptKey struct{}

// attemptOf is the number of the attempt, from 1.
func attemptOf(ctx context.Context) int {
	if n, ok := ctx.Value(attemptKey{}).(int); ok {
		return n
	}
	return 1
}

func (r *retry) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	call := callOf(ctx)
	state := stateOf(ctx)
	safe := !call.Once && (call.Idempotent || idempotentMethod(req.Method) || req.Header.Get(r.tokenHeader) != "")
	limit := r.opts.Attempts
	if call.NoRetry || !replayable(req) {
		limit = 1
	}
	current := req
	if attemptOf(ctx) != 1 {
		// A token request on behalf of another request's second attempt.
		current = req.WithContext(context.WithValue(ctx, attemptKey{}, 1))
	}
	for attempt := 1; ; attempt++ {
		if state != nil {
			state.attempts.Add(1)
		}
		resp, err := r.next.RoundTrip(current)
		if attempt >= limit || ctx.Err() != nil || !r.worthwhile(resp, err, safe) {
			return resp, err
		}
		wait := r.delay(resp, attempt)
		if !fits(ctx, r.clock.Now(), wait) {
			// The caller learns more from the answer at hand than from
			// waiting for the deadline.
			return resp, err
		}
		next, replayErr := replay(req)
		if replayErr != nil {
			return resp, err
		}
		r.explain(ctx, req, resp, err, attempt, wait)
		if resp != nil {
			discard(resp)
		}
		if sleepErr := r.clock.Sleep(ctx, wait); sleepErr != nil {
			closeRequest(next)
			return nil, classify(ctx, req, sleepErr)
		}
		current = next.WithContext(context.WithValue(ctx, attemptKey{}, attempt+1))
	}
}

func idempotentMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func (r *retry) worthwhile(resp *http.Response, err error, safe bool) bool {
	if err == nil {
		switch resp.StatusCode {
		case http.StatusTooManyRequests:
			return true // refused at the gate, not carried out
		case http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return safe
		}
		return false
	}
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch {
	case errors.Is(e.Kind, ErrUnreachable), errors.Is(e.Kind, ErrTimeout), errors.Is(e.Kind, ErrTruncated):
		return safe || !e.sent
	}
	return false // ErrTLS, ErrToken, ErrInsecure, ErrTooLarge ... stay as they are
}

func (r *retry) delay(resp *http.Response, attempt int) time.Duration {
	if resp != nil {
		if d, ok := retryAfter(resp.Header, r.clock.Now(), r.opts.MaxRetryAfter); ok {
			return d
		}
	}
	return r.opts.backoff(attempt, r.random())
}

// fits reports whether a wait ends before the caller's deadline.
func fits(ctx context.Context, now time.Time, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || now.Add(wait).Before(deadline)
}

func (r *retry) explain(ctx context.Context, req *http.Request, resp *http.Response, err error, attempt int, wait time.Duration) {
	if !r.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", req.Method), slog.String("path", req.URL.EscapedPath()),
		slog.Int("attempt", attempt), slog.Duration("wait", wait),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "request will be sent again", attrs...)
}
