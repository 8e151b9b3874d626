package catalogtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guessWords are how comments in the code own up to a guess.
var guessWords = regexp.MustCompile(`(?i)\bguess|\bno source\b|\b(was|were) not seen\b`)

// sourced are the comments of groups that stand among guesses and are none.
var sourced = regexp.MustCompile(`\(idcs-behaviour `)

// guess is a declaration that says of itself that it is one.
type guess struct {
	name  string
	value string // of a constant with a literal value
	where token.Position
}

// guesses reads the code of the emulator and of the filter package.
func guesses(t *testing.T, dir string) (found []guess, declared map[string]bool) {
	t.Helper()
	declared = map[string]bool{}
	fset := token.NewFileSet()
	for _, tree := range []string{"internal/emulator", "internal/rights", "pkg/scim/filter"} {
		err := filepath.WalkDir(filepath.Join(dir, filepath.FromSlash(tree)), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || d.Name() == "doc.go" {
				return nil
			}
			file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			found = append(found, guessesOf(fset, file, d.Name() == "guesses.go", declared)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found, declared
}

// guessesOf lists what a file declares under, or around, a comment that speaks
// of a guess; of a file called guesses.go it lists everything.
func guessesOf(fset *token.FileSet, file *ast.File, all bool, declared map[string]bool) []guess {
	var out []guess
	before := file.Name.End()
	for _, decl := range file.Decls {
		// A comment that stands by itself is about what follows it.
		whole := speaks(file, before, decl.Pos())
		before = decl.End()
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			declared[decl.Name.Name] = true
			if whole || all || speaks(file, decl.Pos(), decl.End()) {
				out = append(out, guess{decl.Name.Name, "", fset.Position(decl.Pos())})
			}
		case *ast.GenDecl:
			if decl.Tok == token.IMPORT || all && sourced.MatchString(decl.Doc.Text()) {
				continue
			}
			whole = whole || all
			for _, spec := range decl.Specs {
				out = append(out, specGuesses(fset, file, decl, spec, whole, declared)...)
			}
		}
	}
	return out
}

func specGuesses(fset *token.FileSet, file *ast.File, decl *ast.GenDecl, spec ast.Spec, whole bool, declared map[string]bool) []guess {
	var out []guess
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		declared[spec.Name.Name] = true
		if whole || speaks(file, spec.Pos(), spec.End()) {
			out = append(out, guess{spec.Name.Name, "", fset.Position(spec.Pos())})
		}
	case *ast.ValueSpec:
		for i, n := range spec.Names {
			declared[n.Name] = true
			start := spec.Pos()
			if spec.Doc != nil {
				start = spec.Doc.Pos()
			}
			if !whole && !speaks(file, start, spec.End()) {
				continue
			}
			g := guess{name: n.Name, where: fset.Position(n.Pos())}
			if lit, ok := literal(spec.Values, i); ok && decl.Tok == token.CONST {
				g.value = lit
			}
			out = append(out, g)
		}
	}
	return out
}

// literal is the text of a constant's value, if it is written out.
func literal(values []ast.Expr, i int) (string, bool) {
	if i >= len(values) {
		return "", false
	}
	switch v := values[i].(type) {
	case *ast.BasicLit:
		return strings.Trim(v.Value, `"`), true
	case *ast.Ident:
		return v.Name, v.Name == "true" || v.Name == "false"
	}
	return "", false
}

// speaks tells whether a comment between two places speaks of a guess.
func speaks(file *ast.File, from, to token.Pos) bool {
	return slices.ContainsFunc(file.Comments, func(c *ast.CommentGroup) bool {
		return c.Pos() >= from && c.End() <= to && guessWords.MatchString(strings.Join(strings.Fields(c.Text()), " "))
	})
}

// guessRow is a row of the table in docs/emulator.md.
type guessRow struct{ behaviour, choice, where, why string }

// guessTable reads the table below the heading "Guesses".
func guessTable(t *testing.T, dir string) []guessRow {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "docs", "emulator.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(raw), "\n## Guesses\n")
	if !ok {
		t.Fatal("docs/emulator.md has no heading Guesses")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []guessRow
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") || strings.HasPrefix(line, "| ---") || strings.Contains(line, "| Constant or switch |") {
			continue
		}
		if len(cells) != 4 {
			t.Errorf("a row with %d cells, want 4: %s", len(cells), line)
			continue
		}
		for i := range cells {
			if cells[i] = strings.TrimSpace(cells[i]); cells[i] == "" {
				t.Errorf("an empty cell: %s", line)
			}
		}
		rows = append(rows, guessRow{cells[0], cells[1], cells[2], cells[3]})
	}
	return rows
}

var backticked = regexp.MustCompile("`([^`]+)`")

func namesIn(text string) []string {
	var out []string
	for _, m := range backticked.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// TestGuessesAreDocumented: what the code calls a guess has a row that names
// it, with the value that it has; and a row names what the code has.
func TestGuessesAreDocumented(t *testing.T) {
	dir := root(t)
	found, declared := guesses(t, dir)
	rows := guessTable(t, dir)
	if len(found) < 30 || len(rows) < 20 {
		t.Fatalf("%d guesses in the code, %d rows: one of them was not read", len(found), len(rows))
	}
	row := map[string]guessRow{}
	for _, r := range rows {
		for _, name := range namesIn(r.where) {
			row[name] = r
			if !declared[name] {
				t.Errorf("the table names %s, which the code does not declare", name)
			}
		}
		if len(namesIn(r.where)) == 0 {
			t.Errorf("the row %q names nothing in the code", r.behaviour)
		}
	}
	for _, g := range found {
		rel, _ := filepath.Rel(dir, g.where.Filename)
		r, ok := row[g.name]
		switch {
		case !ok:
			t.Errorf("%s:%d: the guess %s has no row in docs/emulator.md", filepath.ToSlash(rel), g.where.Line, g.name)
		case g.value != "" && g.value != "true" && g.value != "false" && !strings.HasPrefix(g.name, "msg") && !slices.Contains(namesIn(r.choice), g.value):
			t.Errorf("%s:%d: %s is %s, its row says %q", filepath.ToSlash(rel), g.where.Line, g.name, g.value, r.choice)
		}
	}
}
