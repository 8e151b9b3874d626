package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// thief is another origin; whatever reaches it is remembered.
func thief(t *testing.T) (url string, got func() []string) {
	t.Helper()
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, r.Method+" auth="+r.Header.Get("Authorization")+" body="+string(body))
		if back := r.URL.Query().Get("back"); back != "" {
			http.Redirect(w, r, back, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() []string { return seen }
}

func TestClientRefusesCrossOriginRedirects(t *testing.T) {
	other, seen := thief(t)
	target := other + "/x?secret=query"
	var here []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		here = append(here, r.URL.Path+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, target, http.StatusTemporaryRedirect)
		case "/home":
			http.Redirect(w, r, "/base/arrived", http.StatusTemporaryRedirect)
		case "/loop":
			http.Redirect(w, r, "/base/loop", http.StatusTemporaryRedirect)
		}
	})
	c := newTestClient(t, Options{BaseURL: base, Tokens: staticSource{"tok"}})
	_, err := c.Do(t.Context(), &Request{Method: "POST", Path: "/away", Body: []byte("private")})
	if !errors.Is(err, ErrCrossOrigin) {
		t.Fatalf("Do = %v, want ErrCrossOrigin", err)
	}
	if strings.Contains(err.Error(), "secret=query") {
		t.Errorf("error shows the query: %v", err)
	}
	if got := seen(); len(got) != 0 {
		t.Errorf("the other origin got %q", got)
	}
	here = nil
	if resp, err := c.Do(t.Context(), &Request{Method: "POST", Path: "/home", Body: []byte("x")}); err != nil || resp.Status != 200 {
		t.Errorf("redirect within the origin: %+v, %v", resp, err)
	}
	if diff := cmp.Diff([]string{"/home Bearer tok", "/arrived Bearer tok"}, here); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if _, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/loop"}); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("endless redirects: %v", err)
	}
}

// With an http.Client of the caller's own, which follows every redirect, the
// token still stays at home, and does not come back either.
func TestTransportKeepsTheTokenAtHome(t *testing.T) {
	other, seen := thief(t)
	var here []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here = append(here, r.URL.Path+" "+r.Header.Get("Authorization"))
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other+"/?back="+url.QueryEscape("http://"+r.Host+"/back"), http.StatusTemporaryRedirect)
		}
	}))
	defer srv.Close()
	tr, err := New(Options{BaseURL: srv.URL, Tokens: staticSource{"tok"}, Clock: newFakeClock()})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: tr}
	get := func(u string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if req.Header.Get("Authorization") != "" || len(req.Header) != 0 {
			t.Errorf("the caller's request was changed: %v", req.Header)
		}
	}
	get(srv.URL + "/away")
	get(other)
	get(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) + "/same-place-other-name")
	if diff := cmp.Diff([]string{"/away Bearer tok", "/back ", "/same-place-other-name "}, here); diff != "" {
		t.Errorf("at home (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET auth= body=", "GET auth= body="}, seen()); diff != "" {
		t.Errorf("elsewhere (-want +got):\n%s", diff)
	}
}

func TestRenewalAfter401(t *testing.T) {
	var got []string
	good := "Bearer token-2"
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Header.Get("Authorization")+" "+string(body))
		if r.Header.Get("Authorization") != good {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	src := &renewingSource{}
	c := newTestClient(t, Options{BaseURL: base, Tokens: src})
	post := &Request{Method: "POST", Path: "/Users", Body: []byte("b")}
	resp, err := c.Do(t.Context(), post)
	if err != nil || resp.Status != 200 {
		t.Fatalf("Do = %+v, %v", resp, err)
	}
	if diff := cmp.Diff([]string{"Bearer token-1 b", "Bearer token-2 b"}, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"token-1"}, src.refused); diff != "" {
		t.Errorf("invalidated (-want +got):\n%s", diff)
	}

	got, good = nil, "none is good"
	resp, err = c.Do(t.Context(), post)
	if err != nil || resp.Status != 401 || len(got) != 2 {
		t.Errorf("always 401: %+v, %v after %d requests, want the 401 after 2", resp, err, len(got))
	}

	got = nil
	c = newTestClient(t, Options{BaseURL: base, Tokens: staticSource{"given"}})
	resp, err = c.Do(t.Context(), post)
	if err != nil || resp.Status != 401 || len(got) != 1 {
		t.Errorf("static token: %+v, %v after %d requests, want the 401 after 1", resp, err, len(got))
	}
}

type failingSource struct{ err error }

func (f failingSource) Token(context.Context) (Token, error) { return Token{}, f.err }

func TestTokenFailureSendsNothing(t *testing.T) {
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was sent", r.URL.Path) })
	cause := errors.New("invalid client")
	c := newTestClient(t, Options{BaseURL: base, Tokens: failingSource{fmt.Errorf("asked: %w", cause)}})
	_, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"})
	var e *Error
	if !errors.Is(err, ErrToken) || !errors.Is(err, cause) || !errors.As(err, &e) || e.Sent() {
		t.Errorf("Do = %v", err)
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"https://idcs.example.com", "https://IDCS.example.com:443/base", true},
		{"https://idcs.example.com.", "https://idcs.example.com", true},
		{"http://idcs.example.com", "http://idcs.example.com:80", true},
		{"https://idcs.example.com", "http://idcs.example.com:443", false},
		{"https://idcs.example.com", "https://idcs.example.com:8443", false},
		{"https://idcs.example.com", "https://idcs.example.com.evil.example.com", false},
		{"https://[::1]:443", "https://[::1]", true},
	} {
		a, errA := url.Parse(tt.a)
		b, errB := url.Parse(tt.b)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if got := Origin(a) == Origin(b); got != tt.same {
			t.Errorf("%s and %s: same origin = %v", tt.a, tt.b, got)
		}
	}
}
