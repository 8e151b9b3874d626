package emulator

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store/memory"
)

// TestTransport: in process and over a listener, the same comes back.
func TestTransport(t *testing.T) {
	f := start(t, func(o *Options) { o.BaseURL = "https://idcs.example.com" })
	id := f.create("ada")
	for _, path := range []string{
		"/admin/v1/Users/" + id, "/admin/v1/Users?count=1", "/admin/v1/Nothing", "/.well-known/openid-configuration",
	} {
		over := f.do(http.MethodGet, path, nil, "opc-request-id", "x")
		req := f.request(http.MethodGet, path, nil)
		req.Header.Set("opc-request-id", "x")
		in := read(t, f.Transport(), req)
		over.header.Del("Date")
		if diff := cmp.Diff(over.header, in.header); diff != "" {
			t.Errorf("%s: headers (-listener +in process):\n%s", path, diff)
		}
		if over.status != in.status || string(over.raw) != string(in.raw) {
			t.Errorf("%s: %d %s in process, %d %s over a listener", path, in.status, in.raw, over.status, over.raw)
		}
	}
	req := f.request(http.MethodHead, "/admin/v1/Users/"+id, nil)
	if a := read(t, f.Transport(), req); a.status != 200 || len(a.raw) != 0 {
		t.Errorf("HEAD: %d %s", a.status, a.raw)
	}
}

func TestTransportAnyHost(t *testing.T) {
	f := start(t, nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://local.idctl.example.com/.well-known/openid-configuration", nil)
	if a := read(t, f.Transport(), req); a.doc["issuer"] != "https://local.idctl.example.com" {
		t.Errorf("issuer %v", a.doc["issuer"])
	}
}

// TestTransportAs needs no token, and so no signing key.
func TestTransportAs(t *testing.T) {
	s, err := New(t.Context(), Options{
		Store: memory.New(), Clock: newManualClock(),
		NewSigningKey: func() (*rsa.PrivateKey, error) { return nil, errors.New("no key is needed") },
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Service: s, t: t, http: &httptest.Server{URL: "http://local.example.com"}}
	send := func(rt http.RoundTripper, authorization string) answer {
		req := f.request(http.MethodPost, "/admin/v1/Users", user("ada"))
		req.Header.Set("Authorization", authorization)
		if authorization == "" {
			req.Header.Del("Authorization")
		}
		return read(t, rt, req)
	}
	if a := send(s.Transport(), ""); a.status != 401 {
		t.Errorf("nobody: %d", a.status)
	}
	if a := send(s.TransportAs("unknown"), ""); a.status != 401 {
		t.Errorf("unknown client: %d", a.status)
	}
	if a := send(s.TransportAs(s.Credentials().ClientID), "Bearer x"); a.status != 401 {
		t.Errorf("a header of its own counts: %d", a.status)
	}
	a := send(s.TransportAs(s.Credentials().ClientID), "")
	by, _ := a.doc["idcsCreatedBy"].(map[string]any)
	if a.status != 201 || by["type"] != "App" || by["display"] != "idctl administrator" {
		t.Errorf("acting: %d %s", a.status, a.raw)
	}
}

// closeNoter notes that a body was closed, as a RoundTripper owes.
type closeNoter struct {
	io.Reader
	closed chan struct{}
}

func (c closeNoter) Close() error { close(c.closed); return nil }

func TestTransportCancel(t *testing.T) {
	waiting := make(chan struct{})
	f := start(t, func(o *Options) {
		o.Sleep = func(ctx context.Context, _ time.Duration) error {
			close(waiting)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	if err := f.SetFaults([]FaultRule{{Action: FaultLatency, Delay: Duration(time.Hour), Method: http.MethodPost}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	body := closeNoter{strings.NewReader("{}"), make(chan struct{})}
	req := f.request(http.MethodPost, "/admin/v1/Users", "").WithContext(ctx)
	req.Body = body
	go func() { <-waiting; cancel() }()
	resp, err := f.Transport().RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-body.closed
}

func TestTransportAfterClose(t *testing.T) {
	f := start(t, nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	resp, err := f.Transport().RoundTrip(f.request(http.MethodGet, "/admin/v1/Users", nil))
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestPanic: a defect answers 500, over both ways, and is told to the log.
func TestPanic(t *testing.T) {
	f := start(t, func(o *Options) {
		o.Sleep = func(context.Context, time.Duration) error { panic("defect") }
	})
	if err := f.SetFaults([]FaultRule{{Action: FaultLatency, Delay: 1}}); err != nil {
		t.Fatal(err)
	}
	if a := f.do(http.MethodGet, "/admin/v1/Users", nil); a.status != 500 {
		t.Errorf("got %d", a.status)
	}
	if a := read(t, f.Transport(), f.request(http.MethodGet, "/admin/v1/Users", nil)); a.status != 500 {
		t.Errorf("in process %d", a.status)
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	if a := f.do(http.MethodGet, "/admin/v1/Users", nil); a.status != 503 {
		t.Errorf("closed store: %d %s", a.status, a.raw)
	}
}
