package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// errAttemptTimeout is the cause with which one attempt's own limit ends it.
var errAttemptTimeout = errors.New("the time limit of this request is over")

// wire is the lowest layer of ours, right above the network. It sets the time
// limit of one attempt, reads the body within its size limit and gives every
// failure its type. Because the body is read here, an answer that is cut off
// in the middle is an error of the attempt, and the retry layer can repeat it.
type wire struct {
	next     http.RoundTripper
	timeout  time.Duration
	maxBytes int64
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	caller := req.Context()
	stream := callOf(caller).Stream
	ctx, cancel := context.WithCancelCause(caller)
	var timer *time.Timer
	if w.timeout > 0 {
		timer = time.AfterFunc(w.timeout, func() { cancel(errAttemptTimeout) })
	}
	stop := func() {
		if timer != nil {
			timer.Stop()
		}
	}

	attempt := req.WithContext(ctx)
	resp, err := w.next.RoundTrip(attempt)
	if err != nil {
		stop()
		cause := context.Cause(ctx)
		cancel(nil)
		if errors.Is(cause, errAttemptTimeout) && caller.Err() == nil {
			return nil, newError(req, ErrTimeout, nil,
				"raise the time limit (now "+w.timeout.String()+" a request), or look whether "+req.URL.Hostname()+" is slow", !neverSent(err))
		}
		return nil, classify(caller, req, err)
	}
	resp.Request = req
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if stream {
		// The limit is for the answer to begin; a long export may take its time.
		stop()
		resp.Body = &streamBody{
			body: resp.Body, req: req, caller: caller,
			want: bodyLength(req, resp), release: func() { cancel(nil) },
		}
		return resp, nil
	}

	data, err := readBody(req, resp, w.maxBytes, callOf(caller).Buffer)
	closeErr := resp.Body.Close()
	stop()
	cause := context.Cause(ctx)
	cancel(nil)
	if err == nil && closeErr != nil {
		err = closeErr
	}
	if err != nil {
		if errors.Is(cause, errAttemptTimeout) && caller.Err() == nil {
			err = newError(req, ErrTimeout, nil,
				"raise the time limit (now "+w.timeout.String()+" a request), or look whether "+req.URL.Hostname()+" is slow", true)
		}
		return nil, readError(caller, req, err)
	}
	resp.Body = newMemoryBody(data)
	if bodyAllowed(req, resp) {
		resp.ContentLength = int64(len(data))
	}
	return resp, nil
}

// bodyAllowed is false where a Content-Length does not announce bytes.
func bodyAllowed(req *http.Request, resp *http.Response) bool {
	return req.Method != http.MethodHead && resp.StatusCode >= 200 &&
		resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified
}

// bodyLength is the number of bytes the answer announces, or -1.
func bodyLength(req *http.Request, resp *http.Response) int64 {
	if !bodyAllowed(req, resp) || resp.Uncompressed {
		return -1
	}
	return resp.ContentLength
}

func readBody(req *http.Request, resp *http.Response, limit int64, memory []byte) ([]byte, error) {
	tooLarge := func() error {
		return newError(req, ErrTooLarge, nil, "ask for less at a time: a smaller page or fewer attributes", true)
	}
	want := bodyLength(req, resp)
	if want > limit {
		return nil, tooLarge()
	}
	buf := bytes.NewBuffer(memory[:0])
	if want > 0 {
		// MinRead spare, so that the last empty read does not grow it again.
		// An announced length is a claim: do not believe more than 1 MB of it.
		buf.Grow(int(min(want, 1<<20)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, tooLarge()
	case want >= 0 && n < want:
		return nil, io.ErrUnexpectedEOF
	}
	return buf.Bytes(), nil
}

// memoryBody is a body that was read already. Client takes the bytes out
// without copying them.
type memoryBody struct {
	bytes.Reader
	data []byte
}

func newMemoryBody(data []byte) *memoryBody {
	b := &memoryBody{data: data}
	b.Reset(data)
	return b
}

func (*memoryBody) Close() error { return nil }

// streamBody gives read errors their type and frees the attempt's context
// when it is closed.
type streamBody struct {
	body    io.ReadCloser
	req     *http.Request
	caller  context.Context //nolint:containedctx // the body belongs to one call and ends with it, as in net/http
	want    int64
	got     int64
	once    sync.Once
	release func()
}

func (s *streamBody) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.got += int64(n)
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		if s.want >= 0 && s.got < s.want {
			return n, readError(s.caller, s.req, io.ErrUnexpectedEOF)
		}
		return n, io.EOF
	}
	if err != nil {
		return n, readError(s.caller, s.req, err)
	}
	return n, nil
}

func (s *streamBody) Close() error {
	err := s.body.Close()
	s.once.Do(s.release)
	return err
}

// closeRequest closes the body of a request that a layer gives up on, which is
// what the RoundTripper contract asks for.
func closeRequest(req *http.Request) {
	if req.Body != nil {
		// Nothing was sent from it, nothing can be lost.
		_ = req.Body.Close()
	}
}
