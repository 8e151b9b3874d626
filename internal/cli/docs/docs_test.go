package docs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

func testDeps(pager string) (*cmdutil.Deps, *iostreams.Streams, *bytes.Buffer) {
	s, _, out, _ := iostreams.Test()
	return &cmdutil.Deps{
		IO: s, Output: &output.Options{}, Log: slog.New(slog.DiscardHandler),
		Env: func(name string) (string, bool) { return pager, name == "PAGER" },
	}, s, out
}

// called runs the command as a process would.
func called(t *testing.T, d *cmdutil.Deps, args ...string) error {
	t.Helper()
	cmd := New(d)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(t.Context())
}

func TestTopics(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string // of the output
		fail string // of error and hints
	}{
		{name: "List", want: "idctl users list"},
		{name: "Guide", args: []string{"import"}, want: "Importing and exporting\n====="},
		{name: "GuideByFile", args: []string{"Import.md"}, want: "Importing and exporting\n====="},
		{name: "CommandOfTheSameName", args: []string{"idctl", "import"}, want: "idctl import\n============\n"},
		{name: "Command", args: []string{"users", "list"}, want: "idctl users list\n================\n"},
		{name: "Markdown", args: []string{"users", "list", "--format", "md"}, want: "## idctl users list\n"},
		{name: "Manual", args: []string{"users", "list", "--format", "man"}, want: `.TH "IDCTL-USERS-LIST" "1"`},
		{name: "ManualOfGuide", args: []string{"import", "--format", "man"}, fail: "has no manual page"},
		{name: "Misspelt", args: []string{"inport"}, fail: "did you mean import?"},
		{name: "MisspeltCommand", args: []string{"users", "lsit"}, fail: "did you mean users list?"},
		{name: "Unknown", args: []string{"philosophy"}, fail: "idctl docs lists them"},
		{name: "BadForm", args: []string{"import", "--format", "pdf"}, fail: `"pdf" is not text, md or man`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _, out := testDeps("")
			err := called(t, d, tt.args...)
			if tt.fail != "" {
				if said := strings.Join(append(cmdutil.Hints(err), err.Error()), "\n"); cmdutil.ExitCode(err) != cmdutil.ExitUsage ||
					!strings.Contains(said, tt.fail) || out.Len() > 0 {
					t.Errorf("docs %q: %v, hints %q, printed %.40q; want %q", tt.args, err, cmdutil.Hints(err), out, tt.fail)
				}
				return
			}
			if err != nil || !strings.Contains(out.String(), tt.want) {
				t.Errorf("docs %q: %v\n%.200s\nwant %q", tt.args, err, out, tt.want)
			}
		})
	}
}

func TestPager(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("runs sed")
	}
	tests := []struct {
		name, pager string
		terminal    bool
		want        string
	}{
		{"Terminal", "sed 's/^/| /'", true, "| Importing and exporting\n"},
		{"OffTerminal", "sed 's/^/| /'", false, "Importing and exporting\n"},
		{"Cat", "cat", true, "Importing and exporting\n"},
		{"Missing", "/nowhere/pager", true, "Importing and exporting\n"},
		{"OpenQuote", "sed 's", true, "Importing and exporting\n"},
		{"Fails", "sh -c 'echo seen; exit 3'", true, "seen\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, s, out := testDeps(tt.pager)
			if tt.terminal {
				s.SetTerminal(80)
			}
			if err := called(t, d, "import"); err != nil || !strings.HasPrefix(out.String(), tt.want) {
				t.Errorf("%v, printed %.40q, want %q", err, out, tt.want)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteFails(t *testing.T) {
	d, s, _ := testDeps("")
	s.Out = brokenWriter{}
	if err := called(t, d, "import"); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error = %v", err)
	}
}

func TestPlain(t *testing.T) {
	const md = "# A `b`\n\nSee [there](x.md), [far](https://example.com) and **bold** *words* `*not*`, 2 * 3 * 4.\n" +
		"<!-- mark -->\n| Code | Meaning |\n| --- | --- |\n| `0` | a \\| b |\n| 130 | |\n#### Deep\n```sh\n# not a heading\n\nrun\n```\nan open ` stays\n"
	const want = "A b\n===\n\nSee there, far (https://example.com) and bold words *not*, 2 * 3 * 4.\n" +
		"  Code  Meaning\n  0     a | b\n  130\nDeep\n    # not a heading\n\n    run\nan open ` stays\n"
	if diff := cmp.Diff(want, plain(md)); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"", "#", "|", "||\n|-|\n|", "```", "[a](b)", "`", "####### x", "<!-- -->"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, md string) {
		if got := plain(md); !strings.HasSuffix(got, "\n") && got != "" {
			t.Errorf("plain(%q) = %q has no end of line", md, got)
		}
	})
}

func TestFlags(t *testing.T) {
	d, _, _ := testDeps("")
	var got *options
	cmd := newCmd(d, func(_ context.Context, o *options) error {
		got = o
		return nil
	})
	cmd.SetArgs([]string{"users", "list", "--format", "man"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"users", "list", "man"}, append(got.Words, got.Format)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestCompleteTopic(t *testing.T) {
	for _, tt := range []struct {
		args  []string
		typed string
		want  []string
	}{
		{nil, "im", []string{"import"}},
		{nil, "E", []string{"emulator", "export"}},
		{[]string{"groups", "members"}, "s", []string{"set"}},
		{[]string{"nothing"}, "", nil},
	} {
		got, _ := completeTopic(nil, tt.args, tt.typed)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("completeTopic(%q, %q) (-want +got):\n%s", tt.args, tt.typed, diff)
		}
	}
}
