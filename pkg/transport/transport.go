package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Options of New and NewClient. Clock is needed, and BaseURL where a token is
// sent or a Client is made; everything else has a default.
type Options struct {
	// BaseURL is where the service is, with a path if it has one. Its origin
	// is the only one that gets the token.
	BaseURL string
	// Tokens gives the access token. Nil sends requests without one.
	Tokens TokenSource
	// Clock tells the time and waits: NewClock(time.Now).
	Clock Clock
	// Random gives numbers in [0,1) for the jitter. Default math/rand/v2.
	Random func() float64
	// Logger gets warnings, retries at level info and requests at level debug.
	// Default: none.
	Logger *slog.Logger
	// TraceBodies logs bodies too, with secrets masked. See Redact.
	TraceBodies bool
	// Retry says how often to try.
	Retry RetryOptions
	// Limits says how fast to go.
	Limits LimitOptions
	// TLS says whom to trust.
	TLS TLSOptions
	// Proxy chooses a proxy. Default: the environment (HTTPS_PROXY, NO_PROXY).
	Proxy func(*http.Request) (*url.URL, error)
	// Workers is the number of requests at the same time that connections are
	// kept for. Default 8. More wait.
	Workers int
	// Timeout bounds each attempt, its body included; with Call.Stream only
	// the time until the answer begins. Default 60 s, negative for none.
	Timeout time.Duration
	// MaxResponseBytes bounds the body of an answer after decompression.
	// Default 64 MiB.
	MaxResponseBytes int64
	// UserAgent is sent unless the request has one. Default "idctl".
	UserAgent string
	// RequestIDHeader and RetryTokenHeader name the service's headers.
	// Defaults "opc-request-id" and "opc-retry-token".
	RequestIDHeader, RetryTokenHeader string
	// Observe sees each request before anything of it is sent: once, however
	// often it is repeated, without the access token, and after the request
	// for that token. It may read the body through GetBody and must change
	// nothing. It is called by as many goroutines as send requests.
	Observe func(*http.Request)
	// Base replaces the network below all layers, for a service inside this
	// process. TLS, Proxy and Workers then say nothing.
	Base http.RoundTripper
}

func (o Options) withDefaults() (Options, error) {
	if o.Clock == nil {
		return o, errors.New("transport: no clock given")
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Workers <= 0 {
		o.Workers = 8
	}
	switch {
	case o.Timeout == 0:
		o.Timeout = time.Minute
	case o.Timeout < 0:
		o.Timeout = 0
	}
	if o.MaxResponseBytes <= 0 {
		o.MaxResponseBytes = 64 << 20
	}
	if o.UserAgent == "" {
		o.UserAgent = "idctl"
	}
	if o.RequestIDHeader == "" {
		o.RequestIDHeader = "opc-request-id"
	}
	if o.RetryTokenHeader == "" {
		o.RetryTokenHeader = "opc-retry-token"
	}
	// Looked up in each request: the form that http.Header has costs least.
	o.RequestIDHeader = http.CanonicalHeaderKey(o.RequestIDHeader)
	o.RetryTokenHeader = http.CanonicalHeaderKey(o.RetryTokenHeader)
	o.Retry = o.Retry.withDefaults()
	var err error
	o.Limits, err = o.Limits.withDefaults()
	return o, err
}

// Transport is the composed stack, an http.RoundTripper. It is safe for
// concurrent use.
type Transport struct {
	top  http.RoundTripper
	base http.RoundTripper
	opts Options
	url  *url.URL
}

// New composes the stack. It reads the files that Options.TLS names and sends
// nothing.
func New(o Options) (*Transport, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &Transport{opts: o, base: o.Base}
	if o.BaseURL != "" || o.Tokens != nil {
		if t.url, err = parseBase(o.BaseURL); err != nil {
			return nil, err
		}
	}
	if o.Tokens != nil {
		if err := CheckSecure(t.url); err != nil {
			return nil, err
		}
	}
	if t.base == nil {
		if t.base, err = newNetwork(&o, o.Logger); err != nil {
			return nil, fmt.Errorf("set up connections: %w", err)
		}
	}
	var top http.RoundTripper = &wire{next: t.base, timeout: o.Timeout, maxBytes: o.MaxResponseBytes}
	top = &logging{next: top, log: o.Logger, clock: o.Clock, idName: o.RequestIDHeader, bodies: o.TraceBodies}
	if o.Observe != nil {
		top = observer{next: top}
	}
	if o.Tokens != nil {
		top = &bearer{next: top, source: o.Tokens, origin: Origin(t.url)}
	}
	top = &limiter{next: top, opts: o.Limits, clock: o.Clock, groups: make(map[string]*group)}
	top = &retry{next: top, opts: o.Retry, tokenHeader: o.RetryTokenHeader, clock: o.Clock, random: o.Random, log: o.Logger}
	t.top = &requestID{next: top, header: o.RequestIDHeader, userAgent: o.UserAgent}
	return t, nil
}

// RoundTrip sends one request through all layers. After the retries are used
// up it returns the last answer, whatever its status. Unless the request's
// context says Call.Stream, the body has been read when it returns.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.opts.Observe == nil {
		return t.top.RoundTrip(req)
	}
	show := sync.OnceFunc(func() { t.opts.Observe(req) })
	defer show() // what did not get as far as the network was meant all the same
	return t.top.RoundTrip(req.WithContext(context.WithValue(req.Context(), observeKey{}, show)))
}

type observeKey struct{}

// observer stands below the token layer, so that the request for a token is
// seen first.
type observer struct{ next http.RoundTripper }

func (o observer) RoundTrip(req *http.Request) (*http.Response, error) {
	if show, ok := req.Context().Value(observeKey{}).(func()); ok {
		show()
	}
	return o.next.RoundTrip(req)
}

// CloseIdleConnections closes the connections that are kept for later.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
