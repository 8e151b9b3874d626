package transport

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDo(t *testing.T) {
	type seen struct{ Method, URI, Body, ContentType, UserAgent, RetryToken string }
	var got seen
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = seen{r.Method, r.RequestURI, string(body), r.Header.Get("Content-Type"), r.UserAgent(), r.Header.Get("Opc-Retry-Token")}
		w.Header().Set("Opc-Request-Id", "from-service")
		w.WriteHeader(http.StatusConflict)
		write(w, `{"detail":"exists"}`)
	})
	c := newTestClient(t, Options{BaseURL: base + "/", UserAgent: "test/1"})
	tests := []struct {
		name string
		req  Request
		want seen
	}{
		{
			"path and query are escaped",
			Request{
				Method: "GET", Path: "/admin/v1/Users", Segments: []string{"a/b c%?#+"},
				Query: url.Values{"filter": {`userName eq "a+b&c"`}},
			},
			seen{"GET", "/base/admin/v1/Users/a%2Fb%20c%25%3F%23+?filter=userName%20eq%20%22a%2Bb%26c%22", "", "", "test/1", ""},
		},
		{
			"body",
			Request{Method: "POST", Path: "admin/v1/Users", Body: []byte(`{"a":1}`), RetryToken: "rt"},
			seen{"POST", "/base/admin/v1/Users", `{"a":1}`, "application/json", "test/1", "rt"},
		},
		{
			"own headers",
			Request{
				Method: "PATCH", Path: "/x", Body: []byte(`{}`),
				Header: http.Header{"content-type": {"application/scim+json"}, "User-Agent": {"other"}},
			},
			seen{"PATCH", "/base/x", `{}`, "application/scim+json", "other", ""},
		},
		{"no body, no type", Request{Method: "DELETE", Path: "/x"}, seen{"DELETE", "/base/x", "", "", "test/1", ""}},
		{"post without a body", Request{Method: "POST", Path: "/x"}, seen{"POST", "/base/x", "", "", "test/1", ""}},
		{"trailing slash stays", Request{Method: "GET", Path: "/ui/"}, seen{"GET", "/base/ui/", "", "", "test/1", ""}},
		{"slash before segments", Request{Method: "GET", Path: "/ui/", Segments: []string{"x"}}, seen{"GET", "/base/ui/x", "", "", "test/1", ""}},
		{"escaped path stays", Request{Method: "GET", Path: "/a%2Fb/c d"}, seen{"GET", "/base/a%2Fb/c%20d", "", "", "test/1", ""}},
		{"braces are no parameters", Request{Method: "GET", Path: "/a", Segments: []string{"{id}"}}, seen{"GET", "/base/a/%7Bid%7D", "", "", "test/1", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got = seen{}
			resp, err := c.Do(t.Context(), &tt.req)
			if err != nil {
				t.Fatalf("Do: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if resp.Status != 409 || string(resp.Body) != `{"detail":"exists"}` || resp.Attempts != 1 || resp.RequestID != "from-service" {
				t.Errorf("response = %d %s, attempts %d, id %q", resp.Status, resp.Body, resp.Attempts, resp.RequestID)
			}
		})
	}
}

func TestDoRefusesPaths(t *testing.T) {
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("was sent: %s", r.RequestURI) })
	c := newTestClient(t, Options{BaseURL: base})
	for name, r := range map[string]Request{
		"empty id":          {Path: "/Users", Segments: []string{""}},
		"empty id, slash":   {Path: "/Users/", Segments: []string{""}},
		"dots":              {Path: "/Users", Segments: []string{".."}},
		"dots in path":      {Path: "/Users/../Groups"},
		"escaped dots":      {Path: "/Users/%2e%2E/Groups"},
		"double slash":      {Path: "/Users//1"},
		"leading slashes":   {Path: "//other.example.com/x"},
		"query in the path": {Path: "/Users?filter=x"},
		"fragment":          {Path: "/Users#x"},
		"bad escape":        {Path: "/Users/%zz"},
	} {
		t.Run(name, func(t *testing.T) {
			r.Method = "DELETE"
			if _, err := c.Do(t.Context(), &r); !errors.Is(err, ErrBadRequest) {
				t.Errorf("Do = %v, want ErrBadRequest", err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	clock := newFakeClock()
	src := staticSource{"t"}
	for name, tt := range map[string]struct {
		o    Options
		want error
	}{
		"no url":             {Options{Clock: clock}, ErrBadRequest},
		"no scheme":          {Options{Clock: clock, BaseURL: "idcs.example.com"}, ErrBadRequest},
		"ftp":                {Options{Clock: clock, BaseURL: "ftp://idcs.example.com"}, ErrBadRequest},
		"password in url":    {Options{Clock: clock, BaseURL: "https://u:hunter22@idcs.example.com"}, ErrBadRequest},
		"unparsable":         {Options{Clock: clock, BaseURL: "https://u:hunter22@idcs example.com/%"}, ErrBadRequest},
		"query":              {Options{Clock: clock, BaseURL: "https://idcs.example.com?a=hunter22"}, ErrBadRequest},
		"token over http":    {Options{Clock: clock, BaseURL: "http://idcs.example.com", Tokens: src}, ErrInsecure},
		"looks like local":   {Options{Clock: clock, BaseURL: "http://localhost.example.com", Tokens: src}, ErrInsecure},
		"no clock":           {Options{BaseURL: "https://idcs.example.com"}, nil},
		"missing CA file":    {Options{Clock: clock, BaseURL: "https://idcs.example.com", TLS: TLSOptions{CAFile: "/nonexistent/ca.pem"}}, nil},
		"certificate only":   {Options{Clock: clock, BaseURL: "https://idcs.example.com", TLS: TLSOptions{CertFile: "x"}}, nil},
		"share above one":    {Options{Clock: clock, BaseURL: "https://idcs.example.com", Limits: LimitOptions{Share: 2}}, nil},
		"negative rate":      {Options{Clock: clock, BaseURL: "https://idcs.example.com", Limits: LimitOptions{Rates: map[string]Rate{"": {PerSecond: -1}}}}, nil},
		"negative shards":    {Options{Clock: clock, BaseURL: "https://idcs.example.com", Limits: LimitOptions{Shards: -1}}, nil},
		"floor out of range": {Options{Clock: clock, BaseURL: "https://idcs.example.com", Limits: LimitOptions{Floor: 3}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewClient(tt.o)
			if err == nil || (tt.want != nil && !errors.Is(err, tt.want)) {
				t.Fatalf("NewClient = %v, want an error that is %v", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter22") {
				t.Errorf("error holds the password: %v", err)
			}
		})
	}
	for _, u := range []string{"http://127.0.0.1:1", "http://127.8.9.1", "http://[::1]:99", "http://LocalHost:8080", "https://idcs.example.com"} {
		if _, err := NewClient(Options{Clock: clock, BaseURL: u, Tokens: src}); err != nil {
			t.Errorf("NewClient(%s) = %v", u, err)
		}
	}
}

func TestBodyLimits(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			write(w, strings.Repeat("x", 1000))
		case "/large":
			write(w, strings.Repeat("x", 1001))
		case "/endless":
			for range 2000 {
				write(w, "more")
				w.(http.Flusher).Flush()
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 100_000))
			_ = z.Close()
		case "/cut":
			w.Header().Set("Content-Length", "500")
			write(w, "short")
		case "/cut-chunks":
			write(w, "first")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/head":
			w.Header().Set("Content-Length", "5000")
		}
	})
	c := newTestClient(t, Options{BaseURL: base, MaxResponseBytes: 1000, Retry: RetryOptions{Attempts: 2}})
	for _, tt := range []struct {
		path string
		want error
		n    int
	}{
		{"/exact", nil, 1000},
		{"/large", ErrTooLarge, 0},
		{"/endless", ErrTooLarge, 0},
		{"/bomb", ErrTooLarge, 0},
		{"/cut", ErrTruncated, 0},
		{"/cut-chunks", ErrTruncated, 0},
	} {
		t.Run(tt.path[1:], func(t *testing.T) {
			resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: tt.path, Query: url.Values{"q": {"private"}}})
			if !errors.Is(err, tt.want) {
				t.Fatalf("Do = %v, want %v", err, tt.want)
			}
			if err == nil && len(resp.Body) != tt.n {
				t.Errorf("%d bytes, want %d", len(resp.Body), tt.n)
			}
			if err != nil && (strings.Contains(err.Error(), "private") || !strings.Contains(err.Error(), "GET /base"+tt.path)) {
				t.Errorf("error text %q", err)
			}
		})
	}
	t.Run("head", func(t *testing.T) {
		resp, err := c.Do(t.Context(), &Request{Method: "HEAD", Path: "/head"})
		if err != nil || resp.Status != 200 || len(resp.Body) != 0 {
			t.Errorf("Do = %+v, %v", resp, err)
		}
	})
}

func TestTruncatedAnswerIsAskedForAgain(t *testing.T) {
	calls := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		if calls == 1 {
			w.Header().Set("Content-Length", "500")
		}
		write(w, "whole")
	})
	c := newTestClient(t, Options{BaseURL: base})
	resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"})
	if err != nil || string(resp.Body) != "whole" || resp.Attempts != 2 {
		t.Errorf("Do = %+v, %v", resp, err)
	}
}

func TestStream(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "9000")
		}
		write(w, strings.Repeat("x", 5000))
	})
	c := newTestClient(t, Options{BaseURL: base, MaxResponseBytes: 10})
	for path, want := range map[string]error{"/whole": nil, "/cut": ErrTruncated} {
		t.Run(path[1:], func(t *testing.T) {
			resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: path, Call: Call{Stream: true}})
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(resp.Stream)
			if !errors.Is(err, want) || len(data) != 5000 || resp.Body != nil {
				t.Errorf("read %d bytes, %v; want 5000, %v", len(data), err, want)
			}
			if err := resp.Stream.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestErrorKinds(t *testing.T) {
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	defer tlsServer.Close()
	tlsServer.Config.ErrorLog = nil
	plain := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	tests := []struct {
		name, url string
		timeout   time.Duration
		want      error
		hint      string
		sent      bool
	}{
		{"nothing listens", "http://" + gone, 0, ErrUnreachable, gone, false},
		{"unknown authority", tlsServer.URL, 0, ErrTLS, "CA file", false},
		{"no tls there", strings.Replace(plain, "http:", "https:", 1), 0, ErrTLS, "does not speak TLS", false},
		{"too slow", plain, 20 * time.Millisecond, ErrTimeout, "time limit", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient(t, Options{BaseURL: tt.url, Timeout: tt.timeout, Retry: RetryOptions{Attempts: 1}})
			_, err := c.Do(t.Context(), &Request{Method: "POST", Path: "/Users", Query: url.Values{"filter": {"ada@example.com"}}})
			var e *Error
			if !errors.Is(err, tt.want) || !errors.As(err, &e) {
				t.Fatalf("Do = %v, want %v", err, tt.want)
			}
			if !strings.Contains(e.Hint(), tt.hint) {
				t.Errorf("hint %q does not say %q", e.Hint(), tt.hint)
			}
			if e.Sent() != tt.sent {
				t.Errorf("Sent() = %v, want %v (%v)", e.Sent(), tt.sent, err)
			}
			if s := err.Error(); strings.Contains(s, "ada@") || !strings.Contains(s, "POST") || !strings.Contains(s, "/Users") || !strings.Contains(s, e.Host) {
				t.Errorf("error text %q", s)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v looks like the end of the caller's context", err)
			}
		})
	}
}

func TestContextEnds(t *testing.T) {
	entered := make(chan struct{}, 1)
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
	})
	c := newTestClient(t, Options{BaseURL: base})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := c.Do(ctx, &Request{Method: "GET", Path: "/x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled under way: %v", err)
	}
	if _, err := c.Do(ctx, &Request{Method: "GET", Path: "/x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	past, cancel2 := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel2()
	if _, err := c.Do(past, &Request{Method: "GET", Path: "/x"}); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrTimeout) {
		t.Errorf("deadline over: %v", err)
	}
}

func TestBaseReplacesTheNetwork(t *testing.T) {
	c := newTestClient(t, Options{
		BaseURL: "https://local.example.com", Tokens: staticSource{"tok"},
		Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return answer(200, r.Header.Get("Authorization")), nil
		}),
	})
	resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"})
	if err != nil || string(resp.Body) != "Bearer tok" {
		t.Errorf("Do = %+v, %v", resp, err)
	}
}

// A service inside this process has no net/http that notices a short body.
func TestTruncatedWithoutNetwork(t *testing.T) {
	c := newTestClient(t, Options{
		BaseURL: "https://local.example.com", Retry: RetryOptions{Attempts: 1},
		Base: roundTripFunc(func(*http.Request) (*http.Response, error) {
			resp := answer(200, "short")
			resp.ContentLength = 100
			return resp, nil
		}),
	})
	if resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"}); !errors.Is(err, ErrTruncated) {
		t.Errorf("Do = %+v, %v; want ErrTruncated", resp, err)
	}
}

// Errors of http.Client itself come as *url.Error, which prints the whole URL.
func TestErrorsAboveTheStackHideTheQuery(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://[bad?q=private")
		w.WriteHeader(http.StatusFound)
	})
	c := newTestClient(t, Options{BaseURL: base})
	_, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x", Query: url.Values{"filter": {"ada@example.com"}}})
	if err == nil || strings.Contains(err.Error(), "ada") || !strings.Contains(err.Error(), "GET /base/x") {
		t.Errorf("Do = %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "private") {
		t.Errorf("error shows the redirect's query: %v", err)
	}
}

func TestUnknownMethod(t *testing.T) {
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.Method) })
	c := newTestClient(t, Options{BaseURL: base})
	if _, err := c.Do(t.Context(), &Request{Method: "GET /", Path: "/x"}); !errors.Is(err, ErrBadRequest) {
		t.Errorf("Do = %v, want ErrBadRequest", err)
	}
}

// BenchmarkGet sends each request twice, bare and through the stack, so that
// both see the same machine, and reports the quotient of the medians.
func BenchmarkGet(b *testing.B) {
	body := strings.Repeat("x", 2000)
	base := serve(b, func(w http.ResponseWriter, _ *http.Request) { write(w, body) })
	bare := &http.Client{Transport: &http.Transport{}}
	c := newTestClient(b, Options{BaseURL: base, Clock: NewClock(time.Now), Tokens: staticSource{"tok"}})
	var direct, stacked []time.Duration
	for b.Loop() {
		start := time.Now()
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, base+"/Users?count=1", nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := bare.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			b.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := c.Do(b.Context(), &Request{Method: "GET", Path: "/Users", Query: url.Values{"count": {"1"}}}); err != nil {
			b.Fatal(err)
		}
		direct = append(direct, middle.Sub(start))
		stacked = append(stacked, time.Since(middle))
	}
	slices.Sort(direct)
	slices.Sort(stacked)
	bareMedian, median := direct[len(direct)/2], stacked[len(stacked)/2]
	b.ReportMetric(float64(median.Nanoseconds()), "stack-ns")
	b.ReportMetric(float64(bareMedian.Nanoseconds()), "bare-ns")
	b.ReportMetric(float64(median)/float64(bareMedian), "ratio")
}
