package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// A client that gets its own tokens, keeps to a rate and escapes what it is
// given.
func ExampleClient() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/v1/token" {
			_, _ = io.WriteString(w, `{"access_token":"at","expires_in":3600}`)
			return
		}
		_, _ = io.WriteString(w, r.RequestURI+" "+r.Header.Get("Authorization"))
	}))
	defer srv.Close()

	clock := transport.NewClock(time.Now)
	plain, err := transport.New(transport.Options{Clock: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	source := tokens.Cached(tokens.ClientCredentials(tokens.Config{
		URL:    srv.URL + "/oauth2/v1/token",
		Client: tokens.Basic{ID: "app", Secret: "app-secret"},
		HTTP:   plain, Clock: clock,
	}), tokens.CacheOptions{Clock: clock})

	client, err := transport.NewClient(transport.Options{
		BaseURL: srv.URL, Tokens: source, Clock: clock,
		Limits: transport.LimitOptions{Rates: map[string]transport.Rate{"": {PerSecond: 20, PerMinute: 150}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Do(context.Background(), &transport.Request{
		Method: http.MethodGet, Path: "/admin/v1/Users", Segments: []string{"a/b"},
		Query: url.Values{"attributes": {"userName,emails"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, string(resp.Body))
	// Output: 200 /admin/v1/Users/a%2Fb?attributes=userName%2Cemails Bearer at
}
