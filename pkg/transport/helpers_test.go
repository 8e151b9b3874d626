package transport

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// fakeClock sleeps by moving its hands.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	sleeps []time.Duration
}

// newFakeClock starts at the real time, because the deadlines of contexts are
// compared with it.
func newFakeClock() *fakeClock { return &fakeClock{now: time.Now()} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.sleeps = append(c.sleeps, d)
	return nil
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *fakeClock) slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.sleeps...)
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}
}

// serve starts a server that mounts h under a base path: a client that forgets
// the path of its base URL gets 404 and the test fails.
func serve(tb testing.TB, h http.HandlerFunc) string {
	tb.Helper()
	mux := http.NewServeMux()
	mux.Handle("/base/", http.StripPrefix("/base", h))
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		tb.Errorf("request outside the base path: %s", r.URL.Path)
	})
	srv := httptest.NewServer(mux)
	tb.Cleanup(srv.Close)
	return srv.URL + "/base"
}

func newTestClient(tb testing.TB, o Options) *Client {
	tb.Helper()
	if o.Clock == nil {
		o.Clock = newFakeClock()
	}
	c, err := NewClient(o)
	if err != nil {
		tb.Fatalf("NewClient: %v", err)
	}
	tb.Cleanup(c.Transport().CloseIdleConnections)
	return c
}

// write sends a body. A client that has gone away is part of some tests.
func write(w io.Writer, s string) { _, _ = io.WriteString(w, s) }

func textLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// staticSource gives the same token again and cannot renew it.
type staticSource struct{ value Secret }

func (s staticSource) Token(context.Context) (Token, error) { return Token{Value: s.value}, nil }

// renewingSource gives token-1, then token-2 once that was refused, and so on.
type renewingSource struct {
	mu      sync.Mutex
	n       int
	refused []string
}

func (s *renewingSource) Token(context.Context) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Token{Value: Secret("token-" + string(rune('1'+s.n)))}, nil
}

func (s *renewingSource) Invalidate(t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, t.Value.Reveal())
	s.n++
}
