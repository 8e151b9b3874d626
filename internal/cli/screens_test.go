//go:build !windows

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"
)

// keys are typed when the screen shows a text, as often as times says; 0 is once.
type keys struct {
	await, press string
	times        int
}

// scene is one screen that the documentation shows: what a person at a terminal
// of that size sees. The last step's text is awaited, then the screen is taken.
type scene struct {
	name, title string
	columns     int
	rows        int
	env         []string
	args        []string
	steps       []keys
	// after is typed once the screen was taken, to end what still runs.
	after string
	code  int
}

func scenes() []scene {
	list := []string{"users", "list", "--sort", "userName"}
	return []scene{
		{name: "list-80", title: "A list, 80 columns", columns: 80, rows: 8, args: list},
		{name: "list-40", title: "The same in 40 columns: nothing is cut, each user is a block", columns: 40, rows: 26, args: list},
		{name: "list-20", title: "The same in 20 columns", columns: 20, rows: 46, args: list},
		{name: "list-no-color", title: "The same with `NO_COLOR`", columns: 80, rows: 8, env: []string{"NO_COLOR=1"}, args: list},
		{
			name: "list-ascii", title: "Another encoding than UTF-8 (`LANG=C`), 50 columns: what was cut ends in `~`",
			columns: 50, rows: 8, env: []string{"LC_ALL=C"}, args: list,
		},
		{name: "list-no-term", title: "A terminal of which nothing is known (no `TERM`)", columns: 80, rows: 8, env: []string{"TERM="}, args: list},
		{name: "wide", title: "`-o wide` has more columns and is not cut", columns: 130, rows: 8, args: append(list, "-o", "wide", "--fields", "Name,Email,title,department,Status")},
		{name: "get", title: "One user", columns: 80, rows: 30, args: []string{"users", "get", "ada@example.com"}},
		{
			name: "confirm", title: "A question before what cannot be undone; Enter is no", columns: 80, rows: 6,
			args: []string{"users", "delete", "grace@example.com"}, steps: []keys{{await: "[y/N]"}}, after: "n\n", code: 1,
		},
		{
			name: "choose", title: "A name that several have: choose on a terminal", columns: 80, rows: 8,
			args: []string{"groups", "members", "add", "Pioneers", "shared@example.com"}, steps: []keys{{await: "shi@example.com"}}, after: "\r",
		},
		{
			name: "browse", title: "`users browse`: pages, search and details by single keys", columns: 80, rows: 16,
			args:  []string{"users", "browse", "--page-size", "3", "--sort", "userName"},
			steps: []keys{{await: "1-3 of 5 users", press: "\n"}, {await: "4-5 of 5 users", press: "?\n"}, {await: "4-5 of 5 users [p f s r d q ?]: ", times: 2}}, after: "q\n",
		},
		{
			name: "progress", title: "An import on its way", columns: 80, rows: 5,
			args: []string{"import", "users", "many.csv", "--rate", "8", "--concurrency", "2", "--yes"}, steps: []keys{{await: " left"}}, after: "\x03", code: 130,
		},
		{
			name: "progress-20", title: "The same in 20 columns: the line is cut, it must not wrap", columns: 20, rows: 10,
			args: []string{"import", "users", "many.csv", "--rate", "8", "--concurrency", "2", "--yes", "--resume"}, steps: []keys{{await: "of 1200 row"}}, after: "\x03", code: 130,
		},
		{
			name: "import", title: "An import with a bad row: where it is, what helps, and the rows to mend as a CSV", columns: 80, rows: 12,
			args: []string{"import", "users", "new.csv"}, code: 3,
		},
		{name: "mistyped", title: "A mistyped command", columns: 80, rows: 5, args: []string{"users", "lst"}, code: 64},
		{name: "unknown", title: "A name that nobody has", columns: 80, rows: 5, args: []string{"users", "get", "adda@example.com"}, code: 5},
		{
			name: "where", title: "`--where`, and the filter it became", columns: 80, rows: 9,
			args: []string{"users", "list", "--where", "department=Engines and active", "--explain"},
		},
	}
}

// TestScreens runs each scene on a terminal and compares what stands on the
// screen with the documentation; -update writes it. What differs from run to run
// (seconds, dates, ids) is replaced by a text of the same length.
func TestScreens(t *testing.T) {
	m := newMachine(t)
	furnish(t, m)
	var page bytes.Buffer
	page.WriteString(screensIntro)
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			shown := s.show(t, m)
			fmt.Fprintf(&page, "\n## %s\n\n![%s](screens/%s.svg)\n", s.title, strings.ReplaceAll(s.title, "`", ""), s.name)
			golden(t, "docs/screens/"+s.name+".svg", draw(s.command(), shown))
		})
	}
	golden(t, "docs/screens.md", page.Bytes())
}

const screensIntro = `# Screens

What commands look like on a terminal. The pictures are taken by a test from the program itself, so they are what you
get. Dates, seconds and ids are made up.
`

// golden compares a file of the repository.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(repository, filepath.FromSlash(name))
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the program shows, -update writes it (-file +program):\n%s", name, diff)
	}
}

// command is what a person types.
func (s *scene) command() string {
	line := "$ " + strings.Join(append(s.env, "idctl"), " ")
	for _, a := range s.args {
		if strings.ContainsAny(a, " =<>") {
			a = "'" + a + "'"
		}
		line += " " + a
	}
	return line
}

// furnish makes the users that the screens show.
func furnish(t *testing.T, m *machine) {
	t.Helper()
	m.write("people.csv", "User ID,First Name,Last Name,Work Email,Title,Department\n"+
		"ada@example.com,Ada,Lovelace,ada@example.com,Countess,Engines\n"+
		"grace@example.com,Grace,Hopper,grace@example.com,Admiral,Compilers\n"+
		"katherine@example.com,Katherine,Johnson,katherine@example.com,Analyst,Orbits\n"+
		"zoe@example.com,Zoë,Brontë-Ætherington,shared@example.com,Author,Engines\n"+
		"shi@example.com,世,史密斯,shared@example.com,Author,Engines\n")
	m.write("new.csv", "User ID,First Name,Last Name,Work Email\n"+
		"mary@example.com,Mary,Jackson,mary@example.com\n"+
		"dorothy@example.com,Dorothy,Vaughan,dorothy at example.com\n")
	many, err := os.ReadFile(filepath.Join(repository, "docs", "examples", "users.csv"))
	if err != nil {
		t.Fatal(err)
	}
	m.write("many.csv", string(many))
	m.must("import", "users", "people.csv")
	m.must("groups", "create", "Pioneers")
	m.must("users", "update", "katherine@example.com", "--inactive")
}

// show runs the command on a terminal and answers its screen.
func (s *scene) show(t *testing.T, m *machine) vt10x.Terminal {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit) // what never comes must not be waited for
	defer cancel()
	cmd := exec.CommandContext(ctx, "idctl", s.args...)
	cmd.Dir = m.dir
	for _, v := range m.env {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "LC_") && !strings.Contains(" CI TERM NO_COLOR COLUMNS LANG ", " "+name+" ") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "TERM=xterm-256color", "LANG=C.UTF-8"), s.env...)
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(s.rows), Cols: uint16(s.columns)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	screen := vt10x.New(vt10x.WithSize(s.columns, s.rows))
	buf := make([]byte, 4096)
	read := func() bool {
		n, err := terminal.Read(buf)
		_, _ = screen.Write(buf[:n]) // it cannot fail
		return err == nil
	}
	for _, step := range s.steps {
		for strings.Count(screen.String(), step.await) < max(step.times, 1) {
			if !read() {
				t.Fatalf("waiting for %q, the screen shows:\n%s", step.await, screen)
			}
		}
		if _, err := terminal.WriteString(step.press); err != nil {
			t.Fatal(err)
		}
	}
	taken := screen
	if len(s.steps) > 0 { // what comes after is not part of the picture
		screen = vt10x.New(vt10x.WithSize(s.columns, s.rows))
		if _, err := terminal.WriteString(s.after); err != nil {
			t.Fatal(err)
		}
	}
	for read() { // to the end, so that the program can write all of it
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != s.code {
		t.Errorf("exit code %d, want %d, the screen shows:\n%s%s", got, s.code, taken, screen)
	}
	return taken
}

// unsteady is what is another in each run.
func unsteady() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`\b[0-9a-f]{32}\b`),
		regexp.MustCompile(`ocid1\.user\.oc1\.\.[a-z0-9]+`),
		regexp.MustCompile(`\b(today|yesterday) \d\d:\d\d`),
		regexp.MustCompile(`\b20\d\d-\d\d-\d\d \d\d:\d\d`),
		regexp.MustCompile(`\d+ of 1200 rows, [\d.]+/s, [\dhms]+ left`),
		regexp.MustCompile(`\d+ of 1200 rows,( \d+/?)?$`),
		regexp.MustCompile(`\b\d+\.\d$`),
		regexp.MustCompile(`run [0-9A-Za-z-]{6,}`),
	}
}

// steady replaces what is another in each run, digit by digit and letter by
// letter, and leaves the rest.
func steady(line string) string {
	for _, re := range unsteady() {
		line = re.ReplaceAllStringFunc(line, func(s string) string {
			switch {
			case strings.Contains(s, " left"):
				return "9 of 1200 rows, 8/s, 2m29s left"
			case strings.Contains(s, "of 1200 rows"):
				return "9 of 1200 rows, 8"
			case strings.HasPrefix(s, "today"), strings.HasPrefix(s, "yesterday"):
				return "today 09:30"
			case strings.HasPrefix(s, "20") && strings.Contains(s, ":"):
				return "2026-03-09 09:30"
			case strings.HasPrefix(s, "ocid1"):
				return "ocid1.user.oc1..aaaaaaaa" + strings.Repeat("x", max(0, len(s)-24))
			case strings.HasPrefix(s, "run "):
				return "run " + strings.Repeat("0", len(s)-4)
			case strings.Contains(s, "."):
				return "0.1"
			}
			return strings.Repeat("0123456789abcdef", 2)
		})
	}
	return line
}
