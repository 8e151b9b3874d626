//go:build !windows

package cli_test

import (
	"bytes"
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCodesLeaveNoTrace: a bypass code and what is secret of a credential are in
// the file that they were handed out to, which is private, and nowhere else:
// not in the journal, and not in clear in the database.
func TestCodesLeaveNoTrace(t *testing.T) {
	m := newMachine(t)
	m.must("users", "create", "ada@example.com", "--family-name", "Lovelace", "--no-invite")
	m.must("users", "create", "bob@example.com", "--family-name", "Bauer", "--no-invite")
	m.must("mfa", "settings", "update", "--set", "securityQuestionsEnabled=true")
	m.must("security-questions", "settings", "update", "--set", "numQuestionsToSetup=1")
	m.must("users", "update", "ada@example.com", "--set",
		`urn:ietf:params:scim:schemas:oracle:idcs:extension:securityQuestions:User:secQuestions=[{"value":"FirstPet","answer":"Charles B"}]`)
	var secrets []string
	for name, args := range map[string][]string{
		"codes.csv": {"bypass-codes", "generate", "ada@example.com", "--count", "2"},
		"token.csv": {"users", "tokens", "create", "ada@example.com", "bob@example.com", "--kind", "auth-token"},
		"smtp.csv":  {"users", "tokens", "create", "ada@example.com", "--kind", "smtp"},
	} {
		m.must(append(args, "--out", name, "-vv", "--trace-bodies")...)
		path := m.path(name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatalf("%s: %q, %v", name, rows, err)
		}
		for _, row := range rows[1:] {
			secrets = append(secrets, row[1])
		}
	}
	if len(secrets) != 5 {
		t.Fatalf("%d secrets, want 5", len(secrets))
	}
	looked := 0
	err := filepath.WalkDir(m.path("home"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		for i, s := range secrets {
			if len(s) < 12 {
				t.Fatalf("secret %d has %d characters", i, len(s))
			}
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("%s holds secret %d", strings.TrimPrefix(path, m.dir), i)
			}
		}
		return nil
	})
	if err != nil || looked == 0 {
		t.Fatalf("%d files, %v", looked, err)
	}
}
