package cli_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/idctl/idctl/internal/cli/cmdutil"
)

// TestReleaseVersion builds with the linker's flags of a release: the names in
// .goreleaser.yaml are those of variables, and the binary says what they hold.
func TestReleaseVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("links the whole program")
	}
	var release struct {
		Builds []struct{ Ldflags []string }
	}
	if err := yaml.Unmarshal([]byte(strings.Join(readPage(t, ".goreleaser.yaml").lines, "\n")), &release); err != nil {
		t.Fatal(err)
	}
	flags := strings.NewReplacer("{{ .Version }}", "1.2.3", "{{ .FullCommit }}", "4f1c", "{{ .CommitDate }}", "2026-11-24T12:00:00Z").
		Replace(strings.Join(release.Builds[0].Ldflags, " "))
	program := filepath.Join(t.TempDir(), "idctl.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", flags, "-o", program, "./cmd/idctl")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program, "version", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var v cmdutil.Version
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	if v.Version != "v1.2.3" || v.Commit != "4f1c" || v.Date != "2026-11-24T12:00:00Z" {
		t.Errorf("version of a release: %s", out)
	}
}
