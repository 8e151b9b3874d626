package scim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOverTransport looks at what leaves the real HTTP stack.
func TestOverTransport(t *testing.T) {
	ctx := context.Background()
	var got []string
	down := false
	tc, err := transport.NewClient(transport.Options{
		BaseURL: "https://idcs.example.com/gate", Clock: transport.NewClock(time.Now), Retry: transport.RetryOptions{Attempts: 1},
		Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			if down {
				return nil, io.ErrUnexpectedEOF
			}
			got = append(got, strings.Join([]string{r.Method, r.URL.RequestURI(), r.Header.Get("Opc-Retry-Token"), r.Header.Get("If-Match"), r.Header.Get("Content-Type")}, "|"))
			return &http.Response{
				StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/scim+json"}},
				Body: io.NopCloser(strings.NewReader(`{"id":"a b","totalResults":0}`)),
			}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := NewClient(OverTransport(tc), Options{BasePath: "scim/v2/"}).Documents(userType(AllOps))
	if _, err := s.List(ctx, ListOptions{Filter: filter.Eq(filter.MustAttr("userName"), "a b&c")}); err != nil {
		t.Error(err)
	}
	if _, err := s.Create(ctx, Document{"userName": "ada"}, WriteOptions{RetryToken: "tok"}); err != nil {
		t.Error(err)
	}
	if err := s.Delete(ctx, "a b/c", WriteOptions{IfMatch: `W/"1"`, Force: true}); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET|/gate/scim/v2/Users?count=200&filter=userName%20eq%20%22a%20b%26c%22|||",
		"POST|/gate/scim/v2/Users|tok||application/scim+json",
		`DELETE|/gate/scim/v2/Users/a%20b%2Fc?forceDelete=true||W/"1"|`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	down = true
	_, err = s.List(ctx, ListOptions{Filter: filter.Eq(filter.MustAttr("userName"), "ada@example.com")})
	var te *transport.Error
	if !errors.As(err, &te) || errors.Is(err, ErrNotFound) || strings.Contains(err.Error(), "ada") {
		t.Errorf("no answer: %v", err)
	}
}
