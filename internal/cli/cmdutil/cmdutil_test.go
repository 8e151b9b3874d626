package cmdutil

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

func status(n int) error { return fmt.Errorf("get user: %w", &scim.Error{Status: n}) }

func flagErr(args ...string) error {
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Int("n", 0, "")
	return fs.Parse(args)
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"None", nil, 0},
		{"Other", errors.New("boom"), 1},
		{"Declined", prompt.ErrDeclined, 1},
		{"Partial", fmt.Errorf("import: %w", &PartialError{What: "rows", Done: 1, Total: 2, Err: status(404)}), 3},
		{"Unauthorized", status(401), 4},
		{"Forbidden", status(403), 4},
		{"NoSecret", &LoginError{Err: auth.ErrNotFound}, 4},
		{"TokenRefused", fmt.Errorf("x: %w", errors.Join(transport.ErrToken, &tokens.Error{Code: "invalid_client", Status: 401})), 4},
		{"NotFound", status(404), 5},
		{"Conflict", status(409), 6},
		{"Precondition", status(412), 6},
		{"Throttled", status(429), 7},
		{"Unavailable", status(503), 7},
		{"Unreachable", fmt.Errorf("x: %w", transport.ErrUnreachable), 7},
		{"TokenUnreachable", errors.Join(transport.ErrToken, transport.ErrUnreachable), 7},
		{"TokenBusy", errors.Join(transport.ErrToken, &tokens.Error{Status: 503}), 7},
		{"Deadline", context.DeadlineExceeded, 7},
		{"Locked", &BusyError{Err: errors.New("another run")}, 7},
		{"Different", &DifferenceError{What: "3 differences"}, 8},
		{"Unsupported", &provider.UnsupportedError{Provider: "scim", What: "send bulk"}, 9},
		{"NoVerb", fmt.Errorf("x: %w", scim.ErrVerb), 9},
		{"Refused", &RefusedError{Reason: "cap"}, 10},
		{"Usage", Usagef("bad"), 64},
		{"UnknownFlag", flagErr("--zz"), 64},
		{"FlagValue", flagErr("--n", "x"), 64},
		{"FlagNoValue", flagErr("--n"), 64},
		{"NoTerminal", fmt.Errorf("x: %w", &prompt.NoTerminalError{Flag: "--yes"}), 64},
		{"Field", &output.FieldError{Field: "x"}, 64},
		{"Config", &config.FileError{Err: errors.New("x")}, 64},
		{"NoProfile", &config.NoProfileError{}, 64},
		{"Ambiguous", scim.ErrAmbiguous, 64},
		{"Panic", &PanicError{Value: "x"}, 70},
		{"PanicInPartial", &PartialError{Err: &PanicError{Value: "x"}}, 70},
		{"Interrupted", prompt.ErrInterrupted, 130},
		{"Canceled", context.Canceled, 130},
		{"SIGINT", &SignalError{Signal: os.Interrupt}, 130},
		{"SIGTERM", fmt.Errorf("x: %w", &SignalError{Signal: syscall.SIGTERM}), 143},
		{"SignalAndPartial", errors.Join(&PartialError{}, &SignalError{Signal: syscall.SIGTERM}), 143},
	}
	listed := map[int]bool{}
	for _, c := range Codes() {
		listed[c.Code] = true
	}
	seen := map[int]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ExitCode(tt.err); got != tt.want {
				t.Errorf("ExitCode(%v) = %d, want %d", tt.err, got, tt.want)
			}
		})
		seen[tt.want] = true
		if !listed[tt.want] {
			t.Errorf("code %d is not in Codes()", tt.want)
		}
	}
	for code := range listed {
		if !seen[code] {
			t.Errorf("no case for code %d", code)
		}
	}
}

func TestHints(t *testing.T) {
	inner := Usagef("x").WithHint("one").WithHint("two")
	err := fmt.Errorf("a: %w", errors.Join(inner, &PartialError{Help: "two\nthree"}))
	if diff := cmp.Diff([]string{"one", "two", "three"}, Hints(err)); diff != "" {
		t.Errorf("Hints() (-want +got):\n%s", diff)
	}
}

// TestReportBehindCtrlC: on a terminal the error does not stand behind the ^C.
func TestReportBehindCtrlC(t *testing.T) {
	s, _, _, errOut := iostreams.Test()
	interrupted := &SignalError{Signal: os.Interrupt}
	Report(s, interrupted, false)
	s.InTerminal, s.ErrTerminal = true, true
	Report(s, interrupted, false)
	Report(s, Usagef("x"), false)
	if got, want := errOut.String(), "error: interrupted\n\nerror: interrupted\nerror: x\n"; got != want {
		t.Errorf("reports = %q, want %q", got, want)
	}
}

// TestHintOfCertificate: what the library calls a setting has a flag here.
func TestHintOfCertificate(t *testing.T) {
	got := Hints(fmt.Errorf("list: %w", &tls.CertificateVerificationError{Err: errors.New("unknown authority")}))
	if len(got) != 1 || !strings.Contains(got[0], "--ca-file") {
		t.Errorf("Hints = %q, want one that names --ca-file", got)
	}
}

func TestReport(t *testing.T) {
	s, _, out, errOut := iostreams.Test()
	err := fmt.Errorf("get user \"a\x1b[31m\": %w", &scim.Error{Status: 404, Detail: "gone", MessageID: "error.x", RequestID: "r1"})
	Report(s, err, false)
	if got := errOut.String(); strings.Contains(got, "\x1b") || !strings.HasPrefix(got, "error: get user \"a\": 404") {
		t.Errorf("text report = %q", got)
	}
	errOut.Reset()
	Report(s, errors.Join(err, Usagef("x").WithHint("help")), true)
	var got map[string]map[string]any
	if jerr := json.Unmarshal(errOut.Bytes(), &got); jerr != nil {
		t.Fatalf("JSON report is no JSON: %v\n%s", jerr, errOut)
	}
	delete(got["error"], "message")
	want := map[string]map[string]any{"error": {
		"code": 64.0, "kind": "usage", "hints": []any{"help"}, "status": 404.0, "messageId": "error.x", "requestId": "r1",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON report (-want +got):\n%s", diff)
	}
	errOut.Reset()
	Report(s, fmt.Errorf("write output: %w", syscall.EPIPE), false)
	Report(s, nil, true)
	if errOut.Len() != 0 || out.Len() != 0 {
		t.Errorf("a broken pipe was reported: %q %q", errOut, out)
	}
}

func TestGoRecovers(t *testing.T) {
	err := <-Go(func() error { panic("token hunter2") })
	var p *PanicError
	if !errors.As(err, &p) || ExitCode(err) != ExitPanic || len(p.Stack) == 0 {
		t.Errorf("Go(panic) = %v, want a PanicError with a stack", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the value of the panic: %v", err)
	}
	want := errors.New("plain")
	if err := <-Go(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Go() = %v, want %v", err, want)
	}
}

func TestArgs(t *testing.T) {
	cmd := &cobra.Command{Use: "get"}
	tests := []struct {
		name  string
		check cobra.PositionalArgs
		args  []string
		want  string
	}{
		{"NoneOK", NoArgs, nil, ""},
		{"NoneBad", NoArgs, []string{"x"}, `get takes no arguments, got "x"`},
		{"OneOK", One("user"), []string{"x"}, ""},
		{"OneMissing", One("user"), nil, "get needs <user>"},
		{"OneMore", One("user"), []string{"x", "y"}, `get takes no argument after <user>, got "y"`},
		{"TwoMissing", Two("group", "user"), []string{"x"}, "get needs <user>"},
		{"AtLeast", AtLeast(1, "user"), nil, "get needs at least 1 <user>, got 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.check(cmd, tt.args)
			if tt.want == "" {
				if err != nil {
					t.Errorf("args %q = %v, want none", tt.args, err)
				}
				return
			}
			if err == nil || err.Error() != tt.want || ExitCode(err) != ExitUsage {
				t.Errorf("args %q = %v, want %q as a usage error", tt.args, err, tt.want)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	long := strings.Repeat("x", maxKey+1)
	tests := []struct {
		name  string
		args  []string
		stdin string
		want  []string
		err   string
	}{
		{"Arguments", []string{"a", "b"}, "ignored", []string{"a", "b"}, ""},
		{"Stdin", []string{"-"}, "\ufeffa\r\n\n  b  \nc", []string{"a", "b", "c"}, ""},
		{"Mixed", []string{"z", "-", "y"}, "a\n", []string{"z", "a", "y"}, ""},
		{"Twice", []string{"-", "-"}, "a\n", []string{"a"}, "- may stand once"},
		{"Long", []string{"-"}, "a\n" + long, []string{"a"}, "line 2 of standard input is longer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			var failed error
			for k, err := range Keys(t.Context(), tt.args, strings.NewReader(tt.stdin)) {
				if err != nil {
					failed = err
					break
				}
				got = append(got, k)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if (failed == nil) != (tt.err == "") || failed != nil && !strings.Contains(failed.Error(), tt.err) {
				t.Errorf("error %v, want %q", failed, tt.err)
			}
		})
	}
}

func TestKeysStopWithContext(t *testing.T) {
	r, w := io.Pipe()
	defer func() { _ = w.Close() }()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(&SignalError{Signal: syscall.SIGTERM})
	_, err := Collect(Keys(ctx, []string{"-"}, r))
	if ExitCode(err) != ExitTerminated {
		t.Errorf("Keys() after SIGTERM = %v, code %d, want 143", err, ExitCode(err))
	}
}

func TestGroup(t *testing.T) {
	newRoot := func() (*cobra.Command, *bytes.Buffer) {
		root := Group(&cobra.Command{Use: "users", SilenceErrors: true, SilenceUsage: true})
		run := func(*cobra.Command, []string) error { return nil }
		root.AddCommand(&cobra.Command{Use: "list", Aliases: []string{"ls"}, RunE: run}, &cobra.Command{Use: "delete", RunE: run})
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		return root, &out
	}
	tests := []struct {
		arg, hint string
	}{
		{"lsit", "did you mean list?"},
		{"lis", "did you mean list?"},
		{"del", "did you mean delete?"},
		{"frobnicate", "see users --help"},
	}
	for _, tt := range tests {
		t.Run(tt.arg, func(t *testing.T) {
			root, _ := newRoot()
			root.SetArgs([]string{tt.arg})
			err := root.Execute()
			if ExitCode(err) != ExitUsage {
				t.Fatalf("users %s = %v, want a usage error", tt.arg, err)
			}
			if diff := cmp.Diff([]string{tt.hint}, Hints(err)); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
	root, out := newRoot()
	root.SetArgs([]string{})
	if err := root.Execute(); err != nil || !strings.Contains(out.String(), "list") {
		t.Errorf("the bare group = %v, %q, want its help", err, out)
	}
}

func TestReadSecret(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tests := []struct {
		name, file, stdin, want string
		fails                   bool
	}{
		{name: "Stdin", file: "-", stdin: "s3 cret\n", want: "s3 cret"},
		{name: "File", file: file("a", "abc\r\n"), want: "abc"},
		{name: "Empty", file: file("b", "\n"), fails: true},
		{name: "TwoLines", file: file("c", "a\nb\n"), fails: true},
		{name: "Missing", file: filepath.Join(dir, "none"), fails: true},
		{name: "Large", file: "-", stdin: strings.Repeat("x", maxSecret+1), fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, in, _, _ := iostreams.Test()
			in.WriteString(tt.stdin)
			got, err := (&Deps{IO: s}).ReadSecret(t.Context(), tt.file)
			if got.Reveal() != tt.want || (err != nil) != tt.fails {
				t.Errorf("ReadSecret() = %q, %v, want %q, failure %t", got.Reveal(), err, tt.want, tt.fails)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	d := &Deps{Flags: &Flags{Yes: true}, Prompt: &prompt.Scripted{}}
	if err := d.Confirm(t.Context(), "delete 3 users", 3); err != nil {
		t.Errorf("Confirm() with --yes = %v", err)
	}
	d = &Deps{Flags: &Flags{}, Prompt: &prompt.Scripted{Answers: []prompt.Answer{{Question: "Delete 3 users?", Reply: "no"}}}}
	if err := d.Confirm(t.Context(), "delete 3 users", 3); !errors.Is(err, prompt.ErrDeclined) {
		t.Errorf("Confirm() answered no = %v, want ErrDeclined", err)
	}
}
