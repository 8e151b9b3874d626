//go:build !windows

package cli_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// TestCompletionInBackground: real processes. What the first key press does
// not know, a later one does, since a process of its own fetched it.
func TestCompletionInBackground(t *testing.T) {
	m := newMachine(t)
	m.must("users", "create", "ada@example.com", "--given-name", "Ada", "--family-name", "Lovelace")
	for range 500 { // each is a process that takes its time
		if out := m.must("__complete", "users", "get", "").out; strings.HasPrefix(out, "ada@example.com\tAda Lovelace\n") {
			return
		}
	}
	t.Error("the names never came")
}

// TestCompletionOutlivedByItsChild: the key press is answered while the
// process that asks the service still waits for it.
func TestCompletionOutlivedByItsChild(t *testing.T) {
	var asked atomic.Int32
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-release
	}))
	m := newMachine(t)
	m.env = append(m.env, "IDCTL_PROFILE=", "IDCTL_URL="+srv.URL, "IDCTL_TOKEN=t")
	if e := m.must("__complete", "users", "get", ""); e.out != ":4\n" {
		t.Errorf("names of a service that says nothing: %s", e)
	}
	for asked.Load() == 0 { // by the child alone, which is still there
		runtime.Gosched()
	}
	if e := m.must("__complete", "users", "get", ""); e.out != ":4\n" || asked.Load() != 1 {
		t.Errorf("%d requests, want the child's one: %s", asked.Load(), e)
	}
	close(release)
	srv.Close()
}
