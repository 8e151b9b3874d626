package cli_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocsFactorRecipes: the script runs every command that the page shows, in
// its order but for what comes after somebody has left.
func TestDocsFactorRecipes(t *testing.T) {
	script, err := os.ReadFile("testdata/script/recipes-factors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	for line := range strings.Lines(string(script)) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "exec "); ok {
			ran = append(ran, strings.ReplaceAll(command, "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "age1..."))
		}
	}
	shown := 0
	for _, line := range readPage(t, "docs/factors.md").lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		shown++
		command, _, _ = strings.Cut(command, " < ")
		if !slices.ContainsFunc(ran, func(r string) bool { return strings.HasPrefix(r, command) }) {
			t.Errorf("docs/factors.md shows a command that recipes-factors.txtar does not run: %s", command)
		}
	}
	if shown < 10 {
		t.Errorf("%d commands found on the page", shown)
	}
}
