package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sightings keeps what Observe was shown.
type sightings struct {
	mu   sync.Mutex
	seen []string
}

func (s *sightings) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, text)
}

func (s *sightings) observe(r *http.Request) {
	text := r.Method + " " + r.URL.Path
	if r.URL.RawQuery != "" {
		text += "?" + r.URL.RawQuery
	}
	if r.Header.Get("Authorization") != "" {
		text += " with a token"
	}
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			text += err.Error()
		} else {
			data, err := io.ReadAll(body)
			text += " " + string(data) + errText(errors.Join(err, body.Close()))
		}
	}
	s.add(text)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// sourceFunc is a token source.
type sourceFunc func(context.Context) (Token, error)

func (f sourceFunc) Token(ctx context.Context) (Token, error) { return f(ctx) }

func TestObserve(t *testing.T) {
	tests := []struct {
		name string
		// source asks for a token through a transport of its own, or fails.
		broken bool
		serve  http.HandlerFunc
		want   []string
	}{
		{
			name:  "OnceBeforeItIsSent",
			serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) },
			want:  []string{"POST /base/token", "POST /base/Users?a=1 {}", "served"},
		},
		{
			name: "OnceForAllAttempts",
			serve: func() http.HandlerFunc {
				n := 0
				return func(w http.ResponseWriter, _ *http.Request) {
					if n++; n < 3 {
						w.WriteHeader(http.StatusTooManyRequests)
					}
				}
			}(),
			want: []string{"POST /base/token", "POST /base/Users?a=1 {}", "served", "served", "served"},
		},
		{
			name: "WithoutAToken", broken: true,
			serve: func(http.ResponseWriter, *http.Request) {},
			want:  []string{"POST /base/Users?a=1 {}"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s sightings
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					return
				}
				s.add("served")
				tt.serve(w, r)
			})
			clock := newFakeClock()
			plain, err := New(Options{BaseURL: base, Clock: clock, Observe: s.observe})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(plain.CloseIdleConnections)
			once := sync.OnceValues(func() (Token, error) {
				if tt.broken {
					return Token{}, errors.New("no secret")
				}
				req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, base+"/token", nil)
				if err != nil {
					return Token{}, err
				}
				resp, err := plain.RoundTrip(req)
				if err != nil {
					return Token{}, err
				}
				return Token{Value: "token-1"}, resp.Body.Close()
			})
			c := newTestClient(t, Options{
				BaseURL: base, Clock: clock, Observe: s.observe,
				Tokens: sourceFunc(func(context.Context) (Token, error) { return once() }),
			})
			_, err = c.Do(t.Context(), &Request{
				Method: http.MethodPost, Path: "/Users", Query: url.Values{"a": {"1"}}, Body: []byte("{}"), RetryToken: "r",
			})
			if (err != nil) != tt.broken {
				t.Errorf("error %v, want one: %t", err, tt.broken)
			}
			if diff := cmp.Diff(tt.want, s.seen); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
