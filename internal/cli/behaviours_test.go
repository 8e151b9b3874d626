package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The page says how many behaviours there are, which a domain does otherwise,
// and how many of the others must be shown.
const (
	behaviours = 75
	leastShown = 63
)

var notOnDomains = []int{35, 47, 50, 53, 56, 65, 71}

// TestUserConsole: docs/user-console.md lists every behaviour once; each is
// shown by tests that exist and are marked with its number, or has a reason.
func TestUserConsole(t *testing.T) {
	row := regexp.MustCompile(`^\| ([0-9]+) \|`)
	next, shown := 1, 0
	for _, line := range readPage(t, "docs/user-console.md").lines {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n != next {
			t.Fatalf("number %s where %d was expected", m[1], next)
		}
		next++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 4 || strings.TrimSpace(cells[1]) == "" {
			t.Errorf("%d has the cells %q", n, cells)
			continue
		}
		by := strings.TrimSpace(cells[3])
		elsewhere, different := strings.CutPrefix(by, "Not on a domain: ")
		waits, later := strings.CutPrefix(by, "Waits: ")
		if different != slices.Contains(notOnDomains, n) {
			t.Errorf("%d: %q, though a domain does it otherwise: %t", n, by, !different)
		}
		switch {
		case different && elsewhere == "", later && waits == "":
			t.Errorf("%d has no reason", n)
		case !different && !later:
			if wantShown(t, n, by) {
				shown++
			}
			if strings.TrimSpace(cells[2]) == "" {
				t.Errorf("%d does not say how", n)
			}
		}
	}
	if next != behaviours+1 {
		t.Errorf("the page ends with number %d, want %d", next-1, behaviours)
	}
	t.Logf("%d of %d behaviours of a domain are shown", shown, behaviours-len(notOnDomains))
	if shown < leastShown {
		t.Errorf("%d behaviours are shown by tests, want %d", shown, leastShown)
	}
}

// wantShown checks the tests that a cell names: `script.txtar` or
// `TestName` in `path/to_test.go`, separated by commas.
func wantShown(t *testing.T, n int, cell string) bool {
	t.Helper()
	named := regexp.MustCompile("^(?:`([a-z0-9-]+\\.txtar)`|`(Test[A-Za-z0-9]+)` in `([a-z0-9_/]+_test\\.go)`)$")
	mark := regexp.MustCompile(`\bbehaviour ` + strconv.Itoa(n) + `\b`)
	for name := range strings.SplitSeq(cell, ", ") {
		m := named.FindStringSubmatch(name)
		if m == nil {
			t.Errorf("%d: %q names no test", n, name)
			return false
		}
		var comments string
		if m[1] != "" {
			comments = scriptComments(t, m[1])
		} else {
			comments = testComments(t, m[3], m[2])
		}
		if !mark.MatchString(comments) {
			t.Errorf("%d: no comment of %s has the mark %q", n, name, mark)
			return false
		}
	}
	return true
}

func scriptComments(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "script", name))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "-- ") {
			break // the files behind the script
		}
		if strings.HasPrefix(line, "#") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// testComments are the comments of a test function, before it and in it.
func testComments(t *testing.T, path, name string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, filepath.FromSlash(path)), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != name || f.Recv != nil {
			continue
		}
		text := f.Doc.Text()
		for _, c := range file.Comments {
			if c.Pos() > f.Pos() && c.End() < f.End() {
				text += c.Text()
			}
		}
		return text
	}
	t.Errorf("%s has no function %s", path, name)
	return ""
}
