package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

func deps(t *testing.T, env map[string]string) (*cmdutil.Deps, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	s, _, out, errOut := iostreams.Test()
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	return &cmdutil.Deps{
		IO: s, Env: lookup, Paths: config.FindPaths("linux", lookup), Log: slog.New(slog.DiscardHandler),
		Flags: &cmdutil.Flags{Yes: true}, Output: &output.Options{},
		Clock: func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) },
	}, out, errOut
}

func execute(cmd *cobra.Command, args ...string) error {
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(context.Background())
}

func TestServeFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string // in the text of a usage error; empty for none
	}{
		"defaults":              {nil, ""},
		"any port":              {[]string{"--addr", "127.0.0.1:0"}, ""},
		"loopback v6":           {[]string{"--addr", "[::1]:0"}, ""},
		"localhost":             {[]string{"--addr", "localhost:0"}, ""},
		"all interfaces":        {[]string{"--addr", ":0"}, "--addr :0 can be reached"},
		"remote":                {[]string{"--addr", "192.0.2.1:80"}, "can be reached"},
		"remote allowed":        {[]string{"--addr", "0.0.0.0:0", "--allow-remote"}, ""},
		"no port":               {[]string{"--addr", "localhost"}, "HOST:PORT"},
		"no store":              {[]string{"--store", ""}, "memory or a file"},
		"id without secret":     {[]string{"--store", "x.db", "--client-id", "a"}, "together"},
		"secret without id":     {[]string{"--store", "x.db", "--client-secret-file", "a"}, "together"},
		"id in memory":          {[]string{"--client-id", "a"}, ""},
		"limits":                {[]string{"--limits", "free"}, ""},
		"mail":                  {[]string{"--smtp", "mx.example.com:25", "--smtp-from", "domain@example.com"}, ""},
		"mail, no port":         {[]string{"--smtp", "mx.example.com"}, "--smtp must be HOST:PORT"},
		"mail, no sender":       {[]string{"--smtp", "mx.example.com:25", "--smtp-from", "domain"}, "--smtp-from must be"},
		"mail, sender alone":    {[]string{"--smtp-from", "domain@example.com"}, "needs --smtp"},
		"unknown limits":        {[]string{"--limits", "none"}, "one of free"},
		"fault":                 {[]string{"--fault", "429:every=3", "--fault", "cut:path=/a,times=1"}, ""},
		"fault without meaning": {[]string{"--fault", "999"}, "999"},
		"unknown verb":          {[]string{"statsu"}, `unknown command "statsu"`},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, _ := deps(t, nil)
			ran := false
			err := execute(newServeCmd(d, func(_ context.Context, o *serveOptions) error {
				ran = len(o.rules) == len(o.Faults)
				return nil
			}), c.args...)
			var usage *cmdutil.UsageError
			if c.want == "" && (err != nil || !ran) || c.want != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) || ran) {
				t.Errorf("error = %v, ran %v; want %q", err, ran, c.want)
			}
		})
	}
}

func TestClockChange(t *testing.T) {
	for word, want := range map[string]map[string]string{
		"+90m":                 {"advance": "1h30m0s"},
		"2027-01-01T00:00:00Z": {"now": "2027-01-01T00:00:00Z"},
		"+soon":                nil,
		"tomorrow":             nil,
	} {
		got, err := clockChange(word)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%s: %v %s", word, err, diff)
		}
	}
}

func TestQuoting(t *testing.T) {
	const value = `it's a \ $HOME "x"`
	for shell, want := range map[string]string{
		"sh":         `export A='it'\''s a \ $HOME "x"'`,
		"fish":       `set -gx A 'it\'s a \\ $HOME "x"'`,
		"powershell": `$env:A = 'it''s a \ $HOME "x"'`,
	} {
		if got := shells()[shell]("A", value); got != want {
			t.Errorf("%s: %s, want %s", shell, got, want)
		}
	}
}

func TestJSONLines(t *testing.T) {
	for in, want := range map[string]string{"{\"a\":1}\n\n{\"b\":2}\n": `[{"a":1},{"b":2}]`, `{"a":1}`: "", "{\"a\":1}\n{": "", "": ""} {
		got, ok := jsonLines([]byte(in))
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q: %s %v, want %s", in, got, ok, want)
		}
	}
}

// TestServe serves two servers on one file, in turn with the commands that
// speak to them.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"IDCTL_HOME": filepath.Join(dir, "home")}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	serve := func(readyFile string) (<-chan error, *ready, *bytes.Buffer) {
		d, _, errOut := deps(t, env)
		o := &serveOptions{Deps: d, Addr: "127.0.0.1:0", Store: filepath.Join(dir, "x.db"), ReadyFile: readyFile}
		done := cmdutil.Go(func() error { return runServe(ctx, o) })
		path, err := readyPath(d, readyFile)
		if err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range 4000 {
			if r, err := loadReady(path); err == nil {
				info, err := os.Stat(path)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("ready file: %v, %v", info, err)
				}
				return done, r, errOut
			}
			select {
			case err := <-done:
				t.Fatalf("the server ended: %v", err)
			case <-tick.C:
			}
		}
		t.Fatal("no ready file")
		return nil, nil, nil
	}
	one, first, said := serve("")
	two, second, _ := serve(filepath.Join(dir, "second.json"))
	if first.ClientID != second.ClientID || first.ClientSecret != second.ClientSecret || first.URL == second.URL || first.ControlKey == second.ControlKey {
		t.Errorf("the servers: same client %v, same URL %v", first.ClientID == second.ClientID, first.URL == second.URL)
	}

	d, out, _ := deps(t, env)
	if err := runSeed(ctx, &seedOptions{Deps: d, Users: 3}); err != nil {
		t.Fatal(err)
	}
	// The other server sees the time and the people.
	if err := runClock(ctx, &controlOptions{Deps: d, Words: []string{"2027-03-01T00:00:00Z"}}); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	other := &controlOptions{Deps: d, ReadyFile: filepath.Join(dir, "second.json")}
	if err := runClock(ctx, other); err != nil || !strings.Contains(out.String(), "2027-03-01T") {
		t.Errorf("the other server's clock: %v %s", err, out)
	}
	// So do commands in an environment that idctl server env made.
	byEnv, out, _ := deps(t, map[string]string{"IDCTL_URL": second.URL, "IDCTL_CONTROL_KEY": second.ControlKey})
	if err := runOutbox(ctx, &controlOptions{Deps: byEnv}); err != nil || strings.Count(out.String(), "welcome") != 3 {
		t.Errorf("outbox of the other server: %v\n%s", err, out)
	}
	wrongKey, _, _ := deps(t, map[string]string{"IDCTL_URL": second.URL, "IDCTL_CONTROL_KEY": "hush"})
	if err := runStatus(ctx, &controlOptions{Deps: wrongKey}); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a wrong key: %v", err)
	}
	// A third that would take the first one's ready file.
	d3, _, _ := deps(t, env)
	err := runServe(ctx, &serveOptions{Deps: d3, Addr: "127.0.0.1:0", Store: inMemory})
	if cmdutil.ExitCode(err) != cmdutil.ExitBusy {
		t.Errorf("a ready file in use: %v", err)
	}

	stop()
	if err := errors.Join(<-one, <-two); err != nil {
		t.Errorf("stopped servers: %v", err)
	}
	if strings.Contains(said.String(), first.ClientSecret) {
		t.Error("the secret was shown where it is no terminal")
	}
	if _, err := os.Stat(filepath.Join(dir, "second.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ready file after the end: %v", err)
	}
}

// TestStaleReadyFile: the file of a server that was killed is no server.
func TestStaleReadyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready.json")
	data, err := json.Marshal(ready{URL: "http://127.0.0.1:1", ControlKey: "hush"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d, out, _ := deps(t, nil)
	err = runEnv(t.Context(), &envOptions{Deps: d, ReadyFile: path, Shell: "sh"})
	if cmdutil.ExitCode(err) != cmdutil.ExitBusy || strings.Contains(err.Error(), "hush") || out.Len() != 0 {
		t.Errorf("env of a dead server: %v %s", err, out)
	}
	if err := vacant(t.Context(), path); err != nil {
		t.Errorf("the file of a dead server is taken: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"url": "hush`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := findReady(d, path); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a damaged ready file: %v", err)
	}
}

// TestWithdraw leaves the ready file of a server that came after.
func TestWithdraw(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready.json")
	d, _, _ := deps(t, nil)
	a, err := announce(t.Context(), d, path, &ready{URL: "http://127.0.0.1:1", ControlKey: "one"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := announce(t.Context(), d, path, &ready{URL: "http://127.0.0.1:1", ControlKey: "two"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.withdraw(); err != nil {
		t.Fatal(err)
	}
	if r, err := loadReady(path); err != nil || r.ControlKey != "two" {
		t.Errorf("the second server's file: %+v, %v", r, err)
	}
	if err := errors.Join(b.withdraw(), b.withdraw()); err != nil {
		t.Error(err)
	}
}

// TestRedirect: the control key goes nowhere else.
func TestRedirect(t *testing.T) {
	c := newControl(&ready{URL: "http://127.0.0.1:1", ControlKey: "k"}, "x")
	if err := c.http.CheckRedirect(nil, nil); !errors.Is(err, http.ErrUseLastResponse) {
		t.Errorf("redirects are followed: %v", err)
	}
}
