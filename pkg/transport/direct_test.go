package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seen is what a server saw of a request.
type seen struct {
	Method, URI, Host, Body string
	Header                  http.Header
}

// record is a server that writes down what it sees. The first word of the path
// says what it answers.
func record(t *testing.T) (base string, taken func() []seen) {
	t.Helper()
	var mu sync.Mutex
	var list []seen
	base = serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h := r.Header.Clone()
		if h.Get("Opc-Request-Id") == "" {
			t.Error("a request without an id")
		}
		h.Set("Opc-Request-Id", "x")
		mu.Lock()
		list = append(list, seen{r.Method, r.URL.RequestURI(), r.Host, string(body), h})
		n := len(list)
		mu.Unlock()
		var status int
		word := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[0]
		switch _, err := fmt.Sscanf(word, "to%d", &status); {
		case err == nil:
			w.Header().Set("Location", "/base/here/"+r.Method)
			w.WriteHeader(status)
		case word == "away":
			w.Header().Set("Location", "http://elsewhere.example.com/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case word == "loop":
			w.Header().Set("Location", "/base/loop")
			w.WriteHeader(http.StatusPermanentRedirect)
		case word == "nowhere":
			w.Header().Set("Location", "::no url")
			w.WriteHeader(http.StatusFound)
		case word == "busy" && n == 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case word == "expired" && r.Header.Get("Authorization") != "Bearer token-2":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(http.StatusAccepted)
			write(w, "fine: "+string(body))
		}
	})
	return base, func() []seen {
		mu.Lock()
		defer mu.Unlock()
		out := list
		list = nil
		return out
	}
}

// TestDirect sends the same requests with and without resty: the server must
// see the same, and the caller get the same.
func TestDirect(t *testing.T) {
	tests := []struct {
		name string
		req  Request
	}{
		{"get", Request{Method: "GET", Path: "/here"}},
		{"query", Request{Method: "GET", Path: "/here", Query: url.Values{"filter": {`userName eq "a+b c"`}}}},
		{"segments", Request{Method: "GET", Path: "/here", Segments: []string{"a/b", "ü"}}},
		{"trailing slash", Request{Method: "GET", Path: "/here/"}},
		{"dots in a name", Request{Method: "GET", Path: "/here/.search"}},
		{"escaped path", Request{Method: "GET", Path: "/here/a%2Fb"}},
		{"post", Request{Method: "POST", Path: "/here", Body: []byte(`{"a":1}`)}},
		{"post without a body", Request{Method: "POST", Path: "/here"}},
		{"retry token", Request{Method: "POST", Path: "/here", Body: []byte("{}"), RetryToken: "token"}},
		{"headers", Request{Method: "PUT", Path: "/here", Body: []byte("{}"), Header: http.Header{
			"if-match": {`W/"1"`}, "Content-Type": {"application/scim+json"}, "User-Agent": {"mine"}, "X-Two": {"a", "b"},
		}}},
		{"patch", Request{Method: "PATCH", Path: "/here", Body: []byte("{}")}},
		{"delete", Request{Method: "DELETE", Path: "/here"}},
		{"another method", Request{Method: "HEAD", Path: "/here"}},
		{"no method", Request{Method: "BAD METHOD", Path: "/here"}},
		{"301", Request{Method: "POST", Path: "/to301", Body: []byte("{}")}},
		{"302", Request{Method: "PATCH", Path: "/to302", Body: []byte("{}")}},
		{"303", Request{Method: "POST", Path: "/to303", Body: []byte("{}")}},
		{"304", Request{Method: "GET", Path: "/to304"}},
		{"307", Request{Method: "POST", Path: "/to307", Body: []byte("{}")}},
		{"308", Request{Method: "PUT", Path: "/to308", Body: []byte("{}")}},
		{"to another host", Request{Method: "POST", Path: "/away", Body: []byte("{}")}},
		{"for ever", Request{Method: "GET", Path: "/loop"}},
		{"to no address", Request{Method: "GET", Path: "/nowhere", Query: url.Values{"filter": {"private"}}}},
		{"throttled", Request{Method: "POST", Path: "/busy", Body: []byte("{}")}},
		{"expired token", Request{Method: "POST", Path: "/expired", Body: []byte("{}")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, taken := record(t)
			type outcome struct {
				Seen     []seen
				Status   int
				Body     string
				Answer   string
				Attempts int
				Err      string
			}
			var outcomes [3]outcome
			for i := range outcomes {
				watched := 0
				o := Options{BaseURL: base, Tokens: &renewingSource{}}
				if i == 2 {
					o.Observe = func(r *http.Request) {
						watched++
						if r.Header.Get("Authorization") != "" {
							t.Error("the access token is shown")
						}
					}
				}
				req := tt.req
				req.Direct, req.Header = i > 0, tt.req.Header.Clone()
				resp, err := newTestClient(t, o).Do(t.Context(), &req)
				out := outcome{Seen: taken()}
				if err != nil {
					out.Err = err.Error()
					if e := (*Error)(nil); !errors.As(err, &e) {
						t.Errorf("an error of type %T", err)
					}
					if strings.Contains(out.Err, "private") {
						t.Errorf("%s", out.Err)
					}
				} else {
					out.Status, out.Body, out.Attempts, out.Answer = resp.Status, string(resp.Body), resp.Attempts, resp.Header.Get("X-Answer")
				}
				outcomes[i] = out
				if i == 2 && watched == 0 && out.Status > 0 {
					t.Error("nothing was shown")
				}
			}
			if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" {
				t.Errorf("direct differs (-resty +direct):\n%s", diff)
			}
			if diff := cmp.Diff(outcomes[1], outcomes[2]); diff != "" {
				t.Errorf("watched, it differs:\n%s", diff)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	for path, want := range map[string]bool{
		"/admin/v1/Users": true, "/a-b_c/d.e": true, "a": true,
		"/admin/v1/Users/.search": false, "/a//b": false, "/a/": false, "/a%2Fb": false, "/a b": false, "/ü": false,
		"/..": false, "/./a": false, "..": false, "/a?b": false, "/a#b": false, "/a~b": false,
	} {
		if got := plain(path); got != want {
			t.Errorf("plain(%q) = %v", path, got)
		}
	}
}
