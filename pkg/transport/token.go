package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Token is an access token (RFC 6749 section 5.1).
type Token struct {
	Value Secret
	// Type is the token_type; empty means Bearer.
	Type string
	// Issued and Expiry are UTC. A zero Expiry means that the end is unknown:
	// the token is used until the service refuses it.
	Issued, Expiry time.Time
	// Refresh is the refresh token that came along, if any.
	Refresh Secret
	// Scope is what was granted, as the service said it.
	Scope string
}

// ValidAt reports whether the token can be used at t.
func (t Token) ValidAt(at time.Time) bool {
	return !t.Value.IsZero() && (t.Expiry.IsZero() || at.Before(t.Expiry))
}

// TokenSource gives access tokens. Token is called for every attempt, by many
// goroutines at once: put tokens.Cached in front of one that asks a service.
type TokenSource interface {
	Token(ctx context.Context) (Token, error)
}

// Invalidator is a TokenSource that can be told that the service refused t, so
// that it does not give out t again.
type Invalidator interface {
	Invalidate(t Token)
}

// bearer adds the token, to its origin only.
type bearer struct {
	next   http.RoundTripper
	source TokenSource
	origin string
}

func (b *bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	if leftOrigin(req, b.origin) {
		return b.next.RoundTrip(req)
	}
	if err := CheckSecure(req.URL); err != nil {
		closeRequest(req)
		return nil, newError(req, ErrInsecure, err, "", false)
	}
	tok, err := b.source.Token(req.Context())
	if err != nil {
		closeRequest(req)
		return nil, tokenError(req, err)
	}
	first := req
	if s := stateOf(req.Context()); s != nil && s.owned && attemptOf(req.Context()) == 1 {
		setToken(req.Header, tok)
	} else {
		first = withToken(req, tok)
	}
	resp, err := b.next.RoundTrip(first)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	// The service forgot the token, or revoked it. A request answered 401 was
	// not carried out, so even a POST may be sent once more.
	inv, ok := b.source.(Invalidator)
	if !ok || !replayable(req) {
		return resp, nil
	}
	inv.Invalidate(tok)
	fresh, err := b.source.Token(req.Context())
	if err != nil {
		discard(resp)
		return nil, tokenError(req, err)
	}
	again, err := replay(req)
	if err != nil {
		return resp, nil //nolint:nilerr // the 401 is the answer that the caller has to see
	}
	discard(resp)
	return b.next.RoundTrip(withToken(again, fresh))
}

// withToken copies the request: the network may still be reading the headers
// of an attempt whose answer came early.
func withToken(req *http.Request, t Token) *http.Request {
	out := *req
	out.Header = req.Header.Clone()
	setToken(out.Header, t)
	return &out
}

func setToken(h http.Header, t Token) {
	typ := t.Type
	if typ == "" {
		typ = "Bearer"
	}
	h["Authorization"] = []string{typ + " " + t.Value.Reveal()}
}

func tokenError(req *http.Request, err error) error {
	if ctxErr := req.Context().Err(); ctxErr != nil && errors.Is(err, ctxErr) {
		return classify(req.Context(), req, err)
	}
	var hint interface{ Hint() string }
	help := ""
	if errors.As(err, &hint) {
		help = hint.Hint()
	}
	return newError(req, ErrToken, err, help, false)
}

// replayable reports whether the body can be sent a second time.
func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// replay returns the request with a fresh body.
func replay(req *http.Request) (*http.Request, error) {
	out := *req
	if req.GetBody != nil && req.Body != nil && req.Body != http.NoBody {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("repeat the request body: %w", err)
		}
		out.Body = body
	}
	return &out, nil
}
