package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/pkg/transport"
)

// some makes steps that end as they say.
func some(results ...result) []step {
	var out []step
	for i, r := range results {
		out = append(out, step{name: string(rune('a' + i)), run: func(context.Context, *options, facts) result { return r }})
	}
	return out
}

func TestExitCode(t *testing.T) {
	busy, denied, other := fail(transport.ErrTimeout, "x", "x"), fail(transport.ErrToken, "x", "x"), fail(nil, "x", "x")
	for name, tt := range map[string]struct {
		results []result
		want    int
	}{
		"AllWell":   {[]result{ok("x"), skip("x")}, cmdutil.ExitOK},
		"Warning":   {[]result{warn("x", "x")}, cmdutil.ExitOK},
		"Busy":      {[]result{busy, ok("x"), busy}, cmdutil.ExitBusy},
		"Denied":    {[]result{denied, warn("x", "x")}, cmdutil.ExitDenied},
		"Mixed":     {[]result{denied, busy}, cmdutil.ExitFailure},
		"Other":     {[]result{other}, cmdutil.ExitFailure},
		"OtherKind": {[]result{fail(context.Canceled, "x", "x")}, cmdutil.ExitFailure},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := examine(t.Context(), newBench(t, map[string]string{}).options, some(tt.results...))
			if got := cmdutil.ExitCode(err); got != tt.want {
				t.Errorf("exit code %d (%v), want %d", got, err, tt.want)
			}
		})
	}
}

// TestHanging: a check that looks at nothing is left behind, the others go on.
func TestHanging(t *testing.T) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	hang := func(context.Context, *options, facts) result { <-over; return ok("too late") }
	b := newBench(t, map[string]string{})
	b.Limit = time.Millisecond
	checks, err := examine(t.Context(), b.options, []step{
		{name: "a", run: hang, late: Warning},
		{name: "b", run: hang},
		{name: "c", needs: []string{"b"}, run: hang},
		{name: "d", run: func(context.Context, *options, facts) result { panic(hush) }},
		{name: "e", needs: []string{"c"}, run: hang},
		{name: "f", run: func(context.Context, *options, facts) result { return ok("x") }},
	})
	want := []Check{
		{Name: "a", State: Warning, Finding: "not finished within 1ms"},
		{Name: "b", State: Problem, Finding: "no answer within 1ms"},
		{Name: "c", State: Skipped, Finding: "needs b, which has a problem"},
		{Name: "d", State: Problem, Finding: "the check itself failed: internal error: panic with a string", Advice: "report this as a fault of idctl"},
		{Name: "e", State: Skipped, Finding: "needs b, which has a problem"},
		{Name: "f", State: OK, Finding: "x"},
	}
	if diff := cmp.Diff(want, checks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err == nil || err.Error() != "2 problems found" {
		t.Errorf("error %v", err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	b := newBench(t, map[string]string{})
	if err := run(ctx, b.options); !errors.Is(err, stop) || b.out.Len() != 0 {
		t.Errorf("got %v and %q, want the cause and no output", err, b.out)
	}
}

func TestProfileValues(t *testing.T) {
	b := newBench(t, map[string]string{"IDCTL_TIMEOUT": "20s"})
	file := filepath.Join(b.env["IDCTL_HOME"], "config.yaml")
	put(t, file, "current: prod\nprofiles:\n  prod:\n    url: https://127.0.0.1:1\n    clientId: abc\n"+
		"    secretStore: command\n    secretCommand: pass show "+hush+"\n", 0o600)
	o := b.examine(t)
	o.want(t, cmdutil.ExitBusy,
		want{"profile", OK, "prod (the current one of " + file + "): url https://127.0.0.1:1 (profile), clientId abc (profile)", ""},
		want{"profile", OK, "secretCommand pass ... (profile), timeout 20s (IDCTL_TIMEOUT)", ""},
		want{"secret", OK, "secretStore command: pass ...; not run here", ""})
	got := map[string]string{}
	for _, d := range o.checks["profile"].Details {
		got[d.Name] = d.Value + " " + d.Where
	}
	want := map[string]string{
		"provider": "idcs default", "url": "https://127.0.0.1:1 " + file + ":4", "clientId": "abc " + file + ":5",
		"auth": "client-credentials default", "secretStore": "command " + file + ":6", "secretCommand": "pass ... " + file + ":7",
		"timeout": "20s IDCTL_TIMEOUT", "retries": "4 default",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSecret(t *testing.T) {
	t.Run("None", func(t *testing.T) {
		newBench(t, map[string]string{"IDCTL_URL": serve(t, domain{}), "IDCTL_CLIENT_ID": "a"}).examine(t).want(t, cmdutil.ExitDenied,
			want{"secret", Problem, "none", "IDCTL_CLIENT_SECRET"}, want{"token", Skipped, "needs secret", ""}, want{"service", OK, "", ""})
	})
	t.Run("NoClient", func(t *testing.T) {
		newBench(t, map[string]string{"IDCTL_URL": serve(t, domain{})}).examine(t).want(t, cmdutil.ExitDenied,
			want{"secret", Problem, "no client id", "IDCTL_CLIENT_ID"})
	})
	t.Run("Key", func(t *testing.T) {
		key := filepath.Join(t.TempDir(), "key.pem")
		env := map[string]string{"IDCTL_URL": serve(t, domain{}), "IDCTL_CLIENT_ID": "a", "IDCTL_AUTH": "jwt-assertion"}
		newBench(t, env).examine(t).want(t, cmdutil.ExitDenied, want{"secret", Problem, "no keyFile", "PEM"})
		env["IDCTL_KEY_FILE"] = key
		newBench(t, env).examine(t).want(t, cmdutil.ExitDenied, want{"secret", Problem, "key.pem", "correct keyFile"})
		put(t, key, hush, 0o600)
		newBench(t, env).examine(t).want(t, cmdutil.ExitDenied, want{"secret", Problem, "key.pem", "PEM form"})
	})
}

func TestTerminalCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		env      map[string]string
		terminal bool
		goos     string
		want     want
	}{
		"Pipe":    {map[string]string{"CI": "1"}, false, "linux", want{"terminal", OK, "not a terminal, colour off, CI is set, no locale set", ""}},
		"UTF8":    {map[string]string{"LANG": "de_DE.UTF-8", "TERM": "xterm"}, true, "linux", want{"terminal", OK, "stdin, stdout, stderr, 72 columns, colour off, TERM xterm, locale de_DE.UTF-8", ""}},
		"Latin1":  {map[string]string{"LC_ALL": "de_DE.ISO-8859-1", "LANG": "C.utf8"}, true, "linux", want{"terminal", Warning, "ISO-8859-1", "UTF-8"}},
		"Windows": {map[string]string{}, true, "windows", want{"terminal", OK, "72 columns", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.env)
			b.GOOS = tt.goos
			if tt.terminal {
				b.IO.SetTerminal(72)
			}
			b.examine(t).want(t, cmdutil.ExitOK, tt.want)
		})
	}
}

func TestPrint(t *testing.T) {
	checks := []Check{
		{Name: "first", State: OK, Finding: "well"},
		{Name: "local database", State: Problem, Finding: "a long finding with \x1b[31msome words in it", Advice: "chmod go-rwx /a/rather/long/path/that/is/not/cut"},
	}
	render := func(width int, colour bool) string {
		b := newBench(t, map[string]string{})
		if width > 0 {
			b.IO.SetTerminal(width)
		}
		b.IO.OutColour = colour
		if err := b.print(checks); err != nil {
			t.Fatal(err)
		}
		return b.out.String()
	}
	plain := "ok       first           well\n" +
		"problem  local database  a long finding with some words in it\n" +
		"                         to do: chmod go-rwx /a/rather/long/path/that/is/not/cut\n"
	if diff := cmp.Diff(plain, render(0, false)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	narrow := "\x1b[32mok\x1b[0m       first\n  well\n" +
		"\x1b[31mproblem\x1b[0m  local database\n  a long finding with some words in it\n" +
		"  to do: chmod go-rwx\n  /a/rather/long/path/that/is/not/cut\n"
	if diff := cmp.Diff(narrow, render(40, true)); diff != "" {
		t.Errorf("40 columns (-want +got):\n%s", diff)
	}
	for _, width := range []int{60, 80} {
		for line := range strings.Lines(render(width, false)) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width && !strings.Contains(line, "/a/rather") {
				t.Errorf("%d columns: a line of %d: %q", width, n, line)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	b := newBench(t, map[string]string{})
	b.Output.Format = output.JSON
	if err := run(t.Context(), b.options); err != nil {
		t.Fatal(err)
	}
	var got []Check
	if err := json.Unmarshal(b.out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.out)
	}
	if len(got) != len(steps()) {
		t.Errorf("%d checks, want %d", len(got), len(steps()))
	}
	b.out.Reset()
	b.Output.Format, b.Output.Fields = output.Name, nil
	if err := run(t.Context(), b.options); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.out.String(), "program\nconfiguration\n") {
		t.Errorf("names:\n%s", b.out)
	}
	b.Output.Format, b.Output.Fields = output.Table, []string{"colour"}
	if err := run(t.Context(), b.options); cmdutil.ExitCode(err) != cmdutil.ExitUsage && !strings.Contains(err.Error(), "colour") {
		t.Errorf("an unknown field: %v", err)
	}
}

func TestNothingIsWritten(t *testing.T) {
	b := newBench(t, withToken(serve(t, domain{})))
	if err := run(t.Context(), b.options); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.env["IDCTL_HOME"]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home was made: %v", err)
	}
}
