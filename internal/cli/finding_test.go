package cli_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/where"
)

// TestDocsNames: the short names of conditions.
func TestDocsNames(t *testing.T) {
	meaning := map[string]map[string]string{}
	var order []string
	for _, typ := range []string{"User", "Group"} {
		rt, ok := schemas.Default().Lookup(typ)
		if !ok {
			t.Fatalf("no schema of %s", typ)
		}
		for _, a := range where.NewCatalogue(rt, nil, nil).Aliases() {
			if meaning[a.Name] == nil {
				meaning[a.Name] = map[string]string{}
				order = append(order, a.Name)
			}
			meaning[a.Name][typ] = a.Meaning
		}
	}
	slices.Sort(order)
	rows := [][]string{{"Name", "Users", "Groups"}}
	for _, name := range order {
		rows = append(rows, []string{code(name), code(meaning[name]["User"]), code(meaning[name]["Group"])})
	}
	wantTable(t, "docs/finding.md", "### Names", rows)
}

// TestDocsFindingExamples: every command that the page shows is run by the
// script.
func TestDocsFindingExamples(t *testing.T) {
	script, err := os.ReadFile("testdata/script/finding.txtar")
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]bool{}
	prefix := regexp.MustCompile(`^(exec|exits [0-9]+) `)
	for line := range strings.Lines(string(script)) {
		ran[prefix.ReplaceAllString(strings.TrimSpace(line), "")] = true
	}
	shown := 0
	for _, line := range readPage(t, "docs/finding.md").lines {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			shown++
			if !ran[command] {
				t.Errorf("docs/finding.md shows a command that finding.txtar does not run: %s", command)
			}
		}
	}
	if shown < 10 {
		t.Errorf("docs/finding.md shows %d commands", shown)
	}
}
