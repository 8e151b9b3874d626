//go:build !windows

package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestImportWithoutService: an import that cannot reach its service, or may
// not use it, says why, and leaves nothing that is in the way of the next try.
func TestImportWithoutService(t *testing.T) {
	t.Parallel()
	all := people("net", 60)
	m := newMachine(t)
	s := m.serve("--store", m.path("domain.db"))
	i := &importer{machine: m, file: m.write("users.csv", csvOf(all)), args: []string{"--rate", "1000", "--retries", "1"}}
	good := m.env

	var stolen atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			stolen.Add(1)
		}
		http.NotFound(w, r)
	}))
	defer thief.Close()
	// A redirect to another host: the same address under another name.
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer elsewhere.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close() // nobody listens there now

	token := strings.TrimSpace(m.must("token").out)
	for _, c := range []struct {
		name string
		env  []string
		code int
		want string
	}{
		{"unreachable", []string{"IDCTL_URL=" + gone.URL, "IDCTL_TOKEN=t"}, 7, "refused"},
		{"wrong secret", []string{"IDCTL_CLIENT_SECRET=wrong-hush"}, 4, ""},
		{"wrong token", []string{"IDCTL_CLIENT_ID=", "IDCTL_CLIENT_SECRET=", "IDCTL_TOKEN=wrong-hush"}, 4, "401"},
		{"redirect", []string{"IDCTL_URL=" + elsewhere.URL, "IDCTL_CLIENT_ID=", "IDCTL_CLIENT_SECRET=", "IDCTL_TOKEN=redirect-hush"}, 0, ""},
	} {
		m.env = append(append([]string{}, good...), c.env...)
		if c.name == "wrong secret" {
			m.must("logout") // the token in the cache is good
		}
		e := m.run(i.command(false)...)
		if c.code != 0 && e.code != c.code || e.code == 0 || !strings.Contains(e.errOut, c.want) {
			t.Errorf("%s: want exit code %d and %q: %s", c.name, c.code, c.want, e)
		}
		if strings.Contains(e.errOut+e.out, "hush") {
			t.Errorf("%s: a secret is shown: %s", c.name, e)
		}
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("the token went to another host with %d requests", n)
	}

	// A token that the command keeps is got anew when it has expired; one that
	// it was given cannot be.
	m.env = good
	m.must("token")
	m.must("server", "clock", "+24h", "--ready-file", s.ready)
	m.env = append(append([]string{}, good...), "IDCTL_CLIENT_ID=", "IDCTL_CLIENT_SECRET=", "IDCTL_TOKEN="+token)
	if e := m.run(i.command(false)...); e.code != 4 || !strings.Contains(e.errOut, "401") || strings.Contains(e.errOut, token) {
		t.Errorf("an expired token: %s", e)
	}
	m.env = good
	i.must(i.command(false)...)
	i.settled(all)
	i.again(len(all))
	s.down()
}
