package measure_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/measure"
)

// TestService holds the sticks straight: what they answer is what a client of
// the service can read.
func TestService(t *testing.T) {
	srv := measure.Serve(t, measure.Options{Users: 450})
	seen := map[string]bool{}
	for start := 1; start <= 450; start += measure.PageSize {
		var list struct {
			TotalResults int
			Resources    []struct{ ID, UserName string }
		}
		get(t, fmt.Sprintf("%s/admin/v1/Users?startIndex=%d&count=200", srv.URL, start), &list)
		if list.TotalResults != 450 {
			t.Fatalf("%d users in all", list.TotalResults)
		}
		for _, u := range list.Resources {
			seen[u.ID+u.UserName] = true
		}
	}
	if len(seen) != 450 {
		t.Errorf("%d different users", len(seen))
	}
	resp := post(t, srv.URL+"/admin/v1/Bulk", `{"Operations":[{"bulkId":"a"},{"bulkId":"b"}]}`)
	var bulk struct {
		Operations []struct{ BulkID, Status string }
	}
	if err := json.Unmarshal(resp, &bulk); err != nil || len(bulk.Operations) != 2 || bulk.Operations[1].BulkID != "b" {
		t.Errorf("bulk: %v in %s", err, resp)
	}
}

func TestBare(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			srv := measure.Serve(t, measure.Options{Users: 1000, TLS: secure})
			bare := measure.NewBare(srv.URL, "example", srv.Certificate())
			defer bare.Close()
			if err := bare.Create(context.Background(), [][]byte{[]byte("{}"), []byte("{}")}); err != nil {
				t.Error(err)
			}
			if err := bare.List(context.Background(), 1000); err != nil {
				t.Error(err)
			}
			if err := bare.Repeat(context.Background(), 3, http.MethodGet, "/admin/v1/Users/x", nil, http.StatusTeapot); err == nil {
				t.Error("another status than the expected one was no error")
			}
		})
	}
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(do(t, req), into); err != nil {
		t.Fatal(err)
	}
}

func post(t *testing.T, url, body string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) []byte {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
