//go:build !windows

package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEverydayJobs runs the commands of docs/commands.md, those that exist, in
// their order. A command that exists must not be called planned, nor the other
// way round.
func TestEverydayJobs(t *testing.T) {
	m := newMachine(t)
	m.must("users", "create", "ada@example.com", "--given-name", "Ada", "--family-name", "Lovelace")
	m.must("groups", "create", "Pioneers")
	// Ada has a second factor, which a bypass code stands in for.
	m.must("mfa", "settings", "update", "--set", "securityQuestionsEnabled=true")
	m.must("security-questions", "settings", "update", "--set", "numQuestionsToSetup=1")
	m.must("users", "update", "ada@example.com", "--set",
		`urn:ietf:params:scim:schemas:oracle:idcs:extension:securityQuestions:User:secQuestions=[{"value":"FirstPet","answer":"Charles B"}]`)
	m.must("apps", "create", "Payroll", "--type", "confidential", "--grant", "client_credentials", "--no-secret")
	m.must("app-roles", "create", "Payroll/Approver")
	example, err := os.ReadFile(filepath.Join(repository, "docs", "examples", "users.csv"))
	if err != nil {
		t.Fatal(err)
	}
	m.write("users.csv", string(example))

	p := readPage(t, "docs/commands.md")
	from, to := p.table(t, "## Jobs")
	rows := p.lines[from+2 : to]
	if len(rows) != 15 {
		t.Errorf("%d jobs, not 15", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		job, command, state := cells[0], strings.Trim(cells[1], "`"), cells[2]
		args := strings.Fields(command)[1:]
		want := "planned"
		line := strings.Join(args, " ") + " "
		if slices.ContainsFunc(leaves(), func(leaf string) bool { return strings.HasPrefix(line, leaf+" ") }) {
			want = "there"
		}
		if state != want {
			t.Errorf("%s: the page says %q of %s, want %q", job, state, command, want)
		}
		if want == "there" {
			m.must(args...)
		}
	}
}
