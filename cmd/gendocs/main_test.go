package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const repository = "../.."

// TestNoDrift compares what lies in the repository with what would be written.
func TestNoDrift(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	have, err := existing(repository)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(have)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(files)), have); diff != "" {
		t.Errorf("files (-made +there), run go generate ./cmd/gendocs:\n%s", diff)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(name)))
		if err != nil {
			continue // told above
		}
		if name == archiveName {
			if !same(name, got, want) {
				t.Errorf("%s holds other pages, run go generate ./cmd/gendocs", name)
			}
			continue
		}
		// A checkout on Windows may have other line ends.
		if diff := cmp.Diff(string(want), strings.ReplaceAll(string(got), "\r\n", "\n")); diff != "" {
			t.Errorf("%s (-made +there), run go generate ./cmd/gendocs:\n%s", name, diff)
		}
	}
}

// TestDeterministic: two runs write the same.
func TestDeterministic(t *testing.T) {
	one, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	two, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Error(diff)
	}
}

// TestWrite: a page of a command that is gone is removed, and nothing else is.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"docs/cmd/idctl_gone.md", "docs/guide.md"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "docs", "cmd", "idctl_gone.md")); !os.IsNotExist(err) {
		t.Errorf("the page of a command that is gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "docs", "guide.md")); err != nil {
		t.Error(err)
	}
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	have, err := existing(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(have)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(files)), have); diff != "" {
		t.Error(diff)
	}
}

// TestReleaseNamesCompletions keeps the packages of a release in step with
// the names of the scripts.
func TestReleaseNamesCompletions(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repository, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(string(data)) {
		src, ok := strings.CutPrefix(strings.TrimSpace(line), "- src: ")
		if !ok || !strings.HasPrefix(src, "completions/") {
			continue
		}
		named++
		if _, ok := files[src]; !ok {
			t.Errorf(".goreleaser.yaml names %s, which is not made", src)
		}
	}
	if named == 0 {
		t.Error(".goreleaser.yaml names no completion script")
	}
}
