package transport

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// requestID gives each request an id of its own, the same for all attempts, so
// that one call can be followed through the service's logs. It also copies the
// request once: the layers below may change what they are given.
type requestID struct {
	next      http.RoundTripper
	header    string
	userAgent string
}

func (l *requestID) RoundTrip(req *http.Request) (*http.Response, error) {
	state := stateOf(req.Context())
	out := req
	if state == nil || !state.owned {
		out = req.Clone(req.Context())
		if out.Header == nil {
			out.Header = make(http.Header)
		}
	}
	if out.Header.Get(l.header) == "" {
		out.Header.Set(l.header, newRequestID())
	}
	if l.userAgent != "" && out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", l.userAgent)
	}
	resp, err := l.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	// http.Client looks at the request it gave us when it follows redirects.
	resp.Request = req
	if state != nil {
		id := resp.Header.Get(l.header)
		if id == "" {
			id = out.Header.Get(l.header)
		}
		state.requestID.Store(&id)
	}
	return resp, nil
}

func newRequestID() string {
	var b [16]byte
	// crypto/rand.Read never fails since Go 1.24: it ends the program instead.
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
