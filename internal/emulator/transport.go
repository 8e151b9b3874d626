package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// ErrClosed is what Transport answers after Close.
var ErrClosed = errors.New("emulator: closed")

// inProcessKey marks requests of Transport. They do not come over a network,
// so neither the Host allow-list nor the loopback rule concerns them. The
// value is the client of TransportAs, or empty.
type inProcessKey struct{}

func inProcess(ctx context.Context) bool { _, ok := ctx.Value(inProcessKey{}).(string); return ok }

// actingClient is the client that a request of TransportAs acts for.
func actingClient(ctx context.Context) string { id, _ := ctx.Value(inProcessKey{}).(string); return id }

// Transport answers a http.RoundTripper that calls the service in process,
// whatever host the URL names; no listener is needed. Closed and cut
// connections of fault rules show up as errors and as bodies that end with
// io.ErrUnexpectedEOF, as they do over a network.
func (s *Service) Transport() http.RoundTripper { return roundTripper{s: s} }

// TransportAs is Transport for a caller that acts for a registered client:
// requests without an Authorization header need no token. Whoever can call it
// holds the store, and so more than any token gives. It spares a program that
// only wants to use its own data the making of a signing key.
func (s *Service) TransportAs(clientID string) http.RoundTripper {
	return roundTripper{s: s, clientID: clientID}
}

type roundTripper struct {
	s        *Service
	clientID string
}

// RoundTrip runs the handler and answers what it wrote. It returns early when
// the request's context ends; the handler sees the same context.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	if t.s.closed.Load() {
		_ = body.Close()
		return nil, ErrClosed
	}
	r := req.Clone(context.WithValue(req.Context(), inProcessKey{}, t.clientID))
	r.Body = body
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RequestURI = req.URL.RequestURI()
	r.RemoteAddr = ""

	type outcome struct {
		rec     *recorder
		aborted bool
		err     error
	}
	done := make(chan outcome, 1)
	t.s.inFlight.Go(func() {
		rec := newRecorder()
		var out outcome
		defer func() {
			_ = body.Close()
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					out = outcome{rec: rec, aborted: true}
				} else {
					out = outcome{err: fmt.Errorf("emulator: handler panicked: %v", p)}
				}
			}
			done <- out
		}()
		t.s.serveHTTP(rec, r)
		out = outcome{rec: rec}
	})
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case out := <-done:
		switch {
		case out.err != nil:
			return nil, out.err
		case out.aborted && !out.rec.wrote:
			return nil, fmt.Errorf("emulator: connection closed before the answer: %w", io.EOF)
		}
		return out.rec.response(req, out.aborted), nil
	}
}

// recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
	wrote  bool
	plain  bool
}

// plainSCIM says that errors have the form of plain SCIM.
func (r *recorder) plainSCIM() bool { return r.plain }

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.body.Write(b)
}

// Flush makes it an http.Flusher; there is nobody to flush to.
func (r *recorder) Flush() {}

func (r *recorder) response(req *http.Request, cut bool) *http.Response {
	resp := &http.Response{
		Status:     fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, ContentLength: int64(r.body.Len()), Request: req,
	}
	data := r.body.Bytes()
	if len(data) > 0 && r.header.Get("Content-Length") == "" {
		r.header.Set("Content-Length", strconv.Itoa(len(data)))
	}
	if req.Method == http.MethodHead {
		data = nil
	}
	if cut {
		resp.ContentLength = -1
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), brokenReader{}))
		return resp
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp
}

// brokenReader is a connection that was cut.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
