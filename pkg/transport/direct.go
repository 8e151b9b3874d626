package transport

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// directMethod says that a method needs none of resty's checks.
func directMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// direct sends a request through the stack without resty and http.Client above
// it: a request that nobody else holds needs neither their copies nor ours.
// What they would do to it is done here, and tests compare both ways.
func (c *Client) direct(ctx context.Context, r *Request, u *url.URL, state *callState) (*Response, error) {
	// Somebody who watches must not see the access token.
	state.owned = c.transport.opts.Observe == nil
	req := (&http.Request{}).WithContext(context.WithValue(ctx, callKey{}, state))
	req.Method, req.URL, req.Host = r.Method, u, u.Host
	req.Proto, req.ProtoMajor, req.ProtoMinor = "HTTP/1.1", 1, 1
	req.Header = canonical(r.Header)
	if r.RetryToken != "" {
		req.Header.Set(c.transport.opts.RetryTokenHeader, r.RetryToken)
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header["User-Agent"] = []string{c.transport.opts.UserAgent}
	}
	if len(r.Body) > 0 {
		body := r.Body
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body = io.NopCloser(bytes.NewReader(body))
		if req.Header.Get("Content-Type") == "" {
			req.Header["Content-Type"] = []string{"application/json"}
		}
		if kind := req.Header.Get("Content-Type"); req.Header.Get("Accept") == "" && strings.Contains(kind, "json") {
			req.Header["Accept"] = []string{kind} // as resty does
		}
	}
	resp, err := c.transport.RoundTrip(req) //nolint:bodyclose // it is in memory, or the caller's stream
	if err == nil && redirects(resp) {
		resp, err = c.follow(req, resp) //nolint:bodyclose // as above
	}
	if err != nil {
		return nil, c.failed(ctx, r, u, err, true)
	}
	return c.answer(ctx, r, u, state, resp)
}

// canonical is a header whose names all have the form that http.Header has:
// the same one where they do already.
func canonical(h http.Header) http.Header {
	if h == nil {
		return make(http.Header, 8)
	}
	for name := range h {
		if http.CanonicalHeaderKey(name) != name {
			out := make(http.Header, len(h)+5)
			for name, values := range h {
				out[http.CanonicalHeaderKey(name)] = values
			}
			return out
		}
	}
	return h
}

// redirects says that http.Client would send another request for this answer.
func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// follow has http.Client go on from an answer that is there already: asking
// for it again might do a thing twice.
func (c *Client) follow(req *http.Request, resp *http.Response) (*http.Response, error) {
	if s := stateOf(req.Context()); s != nil {
		s.owned = false // http.Client makes its next request from the headers of this one
	}
	plain := *req
	plain.Header = req.Header.Clone()
	plain.Header.Del("Authorization") // the stack adds it where it may go
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		plain.Body = body
	}
	client := &http.Client{Transport: &begun{first: resp, next: c.transport}, CheckRedirect: c.redirect}
	return client.Do(&plain)
}

// begun answers the first request with what came for it.
type begun struct {
	first *http.Response
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *begun) RoundTrip(req *http.Request) (*http.Response, error) {
	if resp := b.first; resp != nil {
		b.first = nil
		closeRequest(req)
		resp.Request = req
		return resp, nil
	}
	return b.next.RoundTrip(req)
}
