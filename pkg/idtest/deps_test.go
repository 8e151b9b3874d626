package idtest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoDatabaseIsLinked: a test binary that uses idtest must not carry SQLite.
func TestNoDatabaseIsLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if !strings.Contains(string(out), "internal/emulator") {
		t.Fatalf("unexpected list: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "sqlite") || strings.Contains(line, "modernc.org") || strings.Contains(line, "database/sql") {
			t.Errorf("links %s", line)
		}
	}
}
