package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli"
	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/doctor"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
)

const repository = "../.."

// page is a file of the documentation, by lines.
type page struct {
	path  string
	lines []string
}

func readPage(t *testing.T, name string) *page {
	t.Helper()
	path := filepath.Join(repository, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &page{path: path, lines: strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")}
}

// table finds the first table below a heading: the index of its first line and
// of the line behind it.
func (p *page) table(t *testing.T, heading string) (from, to int) {
	t.Helper()
	at := slices.Index(p.lines, heading)
	if at < 0 {
		t.Fatalf("%s has no heading %q", p.path, heading)
	}
	for from = at + 1; from < len(p.lines) && !strings.HasPrefix(p.lines[from], "|"); from++ {
		if strings.HasPrefix(p.lines[from], "#") {
			from = len(p.lines)
		}
	}
	if from >= len(p.lines) {
		t.Fatalf("%s has no table below %q", p.path, heading)
	}
	rest := slices.IndexFunc(p.lines[from:], func(line string) bool { return !strings.HasPrefix(line, "|") })
	if rest < 0 {
		return from, len(p.lines)
	}
	return from, from + rest
}

// wantTable compares a table of the documentation with what the code says;
// with -update it is written.
func wantTable(t *testing.T, file, heading string, rows [][]string) {
	t.Helper()
	p := readPage(t, file)
	from, to := p.table(t, heading)
	want := make([]string, 0, len(rows)+1)
	for i, row := range rows {
		line := "|"
		for _, cell := range row {
			if cell != "" {
				line += " " + strings.ReplaceAll(cell, "|", `\|`)
			}
			line += " |"
		}
		want = append(want, line)
		if i == 0 {
			want = append(want, strings.Repeat("| --- ", len(row))+"|")
		}
	}
	diff := cmp.Diff(want, p.lines[from:to])
	if diff == "" {
		return
	}
	if !*update {
		t.Fatalf("%s, table below %q (-code +page), -update writes it:\n%s", file, heading, diff)
	}
	lines := slices.Concat(p.lines[:from], want, p.lines[to:])
	if err := os.WriteFile(p.path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// firstColumn is the first column of a table, without backticks and heading.
func firstColumn(t *testing.T, file, heading string) []string {
	t.Helper()
	p := readPage(t, file)
	from, to := p.table(t, heading)
	var out []string
	for _, line := range p.lines[from+2 : to] {
		out = append(out, strings.Trim(strings.Split(line, "|")[1], " `"))
	}
	return out
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func TestDocsExitCodes(t *testing.T) {
	rows := [][]string{{"Code", "Word", "Meaning"}}
	for _, c := range cmdutil.Codes() {
		rows = append(rows, []string{fmt.Sprint(c.Code), code(c.Word), c.Meaning})
	}
	wantTable(t, "docs/scripting.md", "## Exit codes", rows)
}

func TestDocsEnvironment(t *testing.T) {
	rows := [][]string{{"Variable", "Meaning"}}
	for _, v := range cli.Variables() {
		rows = append(rows, []string{code(v.Name), v.Meaning})
	}
	wantTable(t, "docs/scripting.md", "## Environment", rows)
}

func TestDocsFormats(t *testing.T) {
	if diff := cmp.Diff(output.Formats(), firstColumn(t, "docs/scripting.md", "## Output")); diff != "" {
		t.Errorf("formats (-code +page):\n%s", diff)
	}
}

// fields lists the JSON names of a struct, those of embedded ones included.
func fields(typ reflect.Type) []string {
	var out []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, fields(f.Type)...)
		case name != "-":
			out = append(out, name)
		}
	}
	return out
}

func TestDocsJSONFields(t *testing.T) {
	for heading, typ := range map[string]reflect.Type{
		"### Summary of an import": reflect.TypeFor[runner.Summary](),
		"### Line of a plan":       reflect.TypeFor[runner.Step](),
		"### Report of a check":    reflect.TypeFor[mapping.Report](),
		"### Result of an act":     reflect.TypeFor[acting.Outcome](),
		"### Check of the doctor":  reflect.TypeFor[doctor.Check](),
	} {
		t.Run(heading, func(t *testing.T) {
			if diff := cmp.Diff(fields(typ), firstColumn(t, "docs/scripting.md", heading)); diff != "" {
				t.Errorf("fields (-code +page):\n%s", diff)
			}
		})
	}
}

func TestDocsColumns(t *testing.T) {
	for heading, typ := range map[string]string{"### Columns of users": mapping.User, "### Columns of groups": mapping.Group} {
		t.Run(typ, func(t *testing.T) {
			rows := [][]string{{"Column", "First generation", "Attribute", "Holds", "Remarks"}}
			for _, c := range mapping.Columns(typ) {
				var remarks []string
				for _, r := range []struct {
					holds bool
					text  string
				}{
					{c.CreateOnly, "on create only"},
					{c.WriteOnly, "never exported"},
					{c.ExportOnly, "exported only, ignored by imports"},
					{c.ServiceDefault, "never cleared"},
				} {
					if r.holds {
						remarks = append(remarks, r.text)
					}
				}
				rows = append(rows, []string{c.Name, c.OldName, code(c.Path), string(c.Kind), strings.Join(remarks, ", ")})
			}
			wantTable(t, "docs/import.md", heading, rows)
		})
	}
}

func TestDocsSettings(t *testing.T) {
	rows := [][]string{{"Setting", "Variable", "Flag", "Default", "Meaning"}}
	for _, s := range config.Settings() {
		meaning := s.Help
		if s.Values != nil {
			meaning += ": " + strings.Join(s.Values, ", ")
		}
		flag := ""
		if s.Flag != "" {
			flag = "--" + s.Flag
		}
		rows = append(rows, []string{code(s.Key), code(s.Env), code(flag), code(s.Default), meaning})
	}
	wantTable(t, "docs/configuration.md", "## Settings", rows)
}

// TestDocsSecretStores: the page describes every place, in the order of the help.
func TestDocsSecretStores(t *testing.T) {
	s, _ := config.FindSetting("secretStore")
	if diff := cmp.Diff(s.Values, firstColumn(t, "docs/configuration.md", "## Secrets")); diff != "" {
		t.Errorf("places (-code +page):\n%s", diff)
	}
}

func TestDocsPaths(t *testing.T) {
	env := map[string]string{"HOME": "~", "AppData": "%AppData%", "LocalAppData": "%LocalAppData%"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	home := func(name string) (string, bool) { return "$IDCTL_HOME", name == "IDCTL_HOME" }
	places := []config.Paths{
		config.FindPaths("linux", lookup), config.FindPaths("darwin", lookup),
		config.FindPaths("windows", lookup), config.FindPaths("linux", home),
	}
	rows := [][]string{{"What", "Linux", "macOS", "Windows", "With IDCTL_HOME"}}
	for _, f := range []struct {
		what string
		path func(config.Paths) (string, error)
	}{
		{"profiles", func(p config.Paths) (string, error) { return p.ConfigFile() }},
		{"stored secrets", func(p config.Paths) (string, error) { return p.State("secrets.json") }},
		{"stored secrets, encrypted", func(p config.Paths) (string, error) { return p.State("secrets.age") }},
		{"journals of imports", func(p config.Paths) (string, error) { return p.State("runs") }},
		{"the profile local", func(p config.Paths) (string, error) { return p.State("local") }},
		{"standard input of an import, while it runs", func(p config.Paths) (string, error) { return p.State("spool") }},
		{"access tokens", func(p config.Paths) (string, error) { return p.Cache("tokens") }},
		{"names for completion", func(p config.Paths) (string, error) { return p.Cache("completion") }},
	} {
		row := []string{f.what}
		for i, p := range places {
			path, err := f.path(p)
			if err != nil {
				t.Fatal(err)
			}
			path = filepath.ToSlash(path)
			if i == 2 {
				path = strings.ReplaceAll(path, "/", `\`)
			}
			row = append(row, code(path))
		}
		rows = append(rows, row)
	}
	wantTable(t, "docs/configuration.md", "## Where the files are", rows)
}

// TestReadmeRecipes: every command that a recipe shows is run by the script.
func TestReadmeRecipes(t *testing.T) {
	for page, c := range map[string]struct {
		script string
		least  int
	}{"README.md": {"readme.txtar", 10}, "docs/users.md": {"users-recipes.txtar", 15}, "docs/access.md": {"access-recipes.txtar", 20}} {
		t.Run(page, func(t *testing.T) { wantRecipes(t, page, c.script, c.least) })
	}
}

func wantRecipes(t *testing.T, page, name string, least int) {
	t.Helper()
	script, err := os.ReadFile("testdata/script/" + name)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]bool{}
	prefix := regexp.MustCompile(`^(exec|exits [0-9]+) `)
	for line := range strings.Lines(string(script)) {
		line = prefix.ReplaceAllString(strings.TrimSpace(line), "")
		if piped, ok := strings.CutPrefix(line, "sh -c '"); ok {
			ran[strings.TrimSuffix(piped, "'")] = true
		}
		ran[line] = true
	}
	shown := 0
	for _, line := range readPage(t, page).lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok || strings.HasPrefix(command, "go ") {
			continue
		}
		shown++
		if !ran[command] {
			t.Errorf("%s shows a command that %s does not run: %s", page, name, command)
		}
	}
	if shown < least {
		t.Errorf("%s shows %d commands of idctl, this test found no recipes", page, shown)
	}
}

// TestDocsLinks: links from one page to another lead somewhere.
func TestDocsLinks(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := filepath.Glob(filepath.Join(repository, "docs", "changes", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, changes...)
	pages = append(pages, filepath.Join(repository, "README.md"), filepath.Join(repository, "CONTRIBUTING.md"))
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, path := range pages {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			target := filepath.Join(filepath.Dir(path), filepath.FromSlash(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
	}
}

// TestVariablesAreListed: the code names no variable of its own that the list
// lacks, and the list names none that the code does not.
func TestVariablesAreListed(t *testing.T) {
	listed := map[string]bool{
		"IDCTL_CONTROL_KEY": true, // printed for curl by server env, never read
		"IDCTL_REFERENCE":   true, // read by tests and generators only
		"IDCTL_SCIM_SUITES": true, // read by tests only
	}
	for _, v := range cli.Variables() {
		listed[v.Name] = true
	}
	named := map[string]bool{}
	variable := regexp.MustCompile(`IDCTL_[A-Z][A-Z_]*`)
	err := filepath.WalkDir(filepath.Join(repository, "internal"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range variable.FindAllString(string(data), -1) {
			named[name] = true
			if !listed[name] {
				t.Errorf("%s names %s, which is not among the variables", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range listed {
		if strings.HasPrefix(name, "IDCTL_") && !named[name] {
			t.Errorf("%s is listed, but nothing in the code names it", name)
		}
	}
}
