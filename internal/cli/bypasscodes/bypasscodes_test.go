package bypasscodes_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/idctl/idctl/internal/cli/bypasscodes"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/pkg/idtest"
)

// people are two users with a second factor each.
func people(t *testing.T, e *dirtest.Env) {
	t.Helper()
	var docs []idtest.Document
	for _, login := range []string{"ada@example.com", "bob@example.com"} {
		u := dirtest.User(login, login[:3], "X")
		u.BulkID = login
		docs = append(docs, u, idtest.Document{Type: "Device", Attrs: map[string]any{
			"user": map[string]any{"value": "bulkId:" + login}, "authenticationFactors": []any{map[string]any{"type": "TOTP"}},
		}})
	}
	e.Seed(t, docs...)
}

// TestOnATerminal: a person sees each code once, with what it is good for.
func TestOnATerminal(t *testing.T) {
	e := dirtest.New(t)
	people(t, e)
	e.Terminal = true
	out := e.OK(t, bypasscodes.New, "generate", "ada@example.com", "--expires", "12h", "--uses", "2")
	want := regexp.MustCompile(`^code      (\d{12})\nexpires   2026-03-09T20:07:06Z\nuses      2\n$`)
	m := want.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("shown: %q", out)
	}
	if list := e.OK(t, bypasscodes.New, "list", "ada@example.com"); strings.Contains(list, m[1]) || !strings.Contains(list, "0 of 2") {
		t.Errorf("list shows %q", list)
	}
	if list := e.OK(t, bypasscodes.New, "list", "ada@example.com", "--show", "-o", "csv"); !strings.Contains(list, m[1]) {
		t.Errorf("list --show shows %q", list)
	}
	out = e.OK(t, bypasscodes.New, "generate", "ada@example.com", "bob@example.com")
	if !regexp.MustCompile(`(?m)\A((ada|bob)@example\.com  \d{12}  2026-03-09T09:08:06Z  5\n){2}\z`).MatchString(out) {
		t.Errorf("of two: %q", out)
	}
}

// TestEncrypted: what is encrypted is the table, for whom it was encrypted, and
// nothing is in clear.
func TestEncrypted(t *testing.T) {
	e := dirtest.New(t)
	people(t, e)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "codes.age")
	e.OK(t, bypasscodes.New, "generate", "ada@example.com", "--count", "2", "--recipient", key.Recipient().String(), "--out", path)
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`\d{12}`).Match(sealed) || bytes.Contains(sealed, []byte("ada")) {
		t.Error("in clear")
	}
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 || strings.Join(rows[0], ",") != "name,code,expires,uses" || rows[1][0] != "ada@example.com" || rows[1][1] == rows[2][1] {
		t.Errorf("%q, %v", rows, err)
	}
}

// TestDeafService: a service that sets terms of its own is asked once, whatever
// the number of users, and is left without a code.
func TestDeafService(t *testing.T) {
	e := dirtest.New(t, idtest.WithFaults("ignore-terms"))
	people(t, e)
	r := e.Run(t, bypasscodes.New, "", "generate", "ada@example.com", "bob@example.com", "--uses", "1", "--plaintext", "--concurrency", "1")
	if r.Code != 9 || r.Out != "" {
		t.Errorf("exit code %d, stdout %q, %v", r.Code, r.Out, r.Failure)
	}
	var made, gone int
	for _, w := range e.Writes() {
		switch {
		case strings.HasPrefix(w, "POST /admin/v1/BypassCodes"):
			made++
		case strings.HasPrefix(w, "DELETE /admin/v1/BypassCodes/"):
			gone++
		}
	}
	if made != 1 || gone != 1 {
		t.Errorf("%d made and %d deleted, want one each: %q", made, gone, e.Writes())
	}
}

// TestNotifyNewest: the newest code that works is mailed, after a question.
func TestNotifyNewest(t *testing.T) {
	e := dirtest.New(t)
	people(t, e)
	e.Terminal = true
	e.OK(t, bypasscodes.New, "generate", "ada@example.com", "--uses", "3")
	before := len(e.Writes())
	e.Answers = []prompt.Answer{{Question: "Mail a bypass code to user ada X (ada@example.com)?", Reply: "no"}}
	if r := e.Run(t, bypasscodes.New, "", "notify", "ada@example.com"); r.Failure == nil || len(e.Writes()) != before {
		t.Errorf("declined: %v", r.Failure)
	}
	e.Answers = []prompt.Answer{{Question: "Mail a bypass code to user ada X (ada@example.com)?", Reply: "yes"}}
	if r := e.Run(t, bypasscodes.New, "", "notify", "ada@example.com"); r.Failure != nil || !strings.Contains(r.Err, "mailed a bypass code to user ada X") {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	sent := 0
	for _, w := range e.Writes() {
		if strings.HasPrefix(w, "POST /admin/v1/BypassCodeNotifications") {
			sent++
		}
	}
	if sent != 1 {
		t.Errorf("%d mails, want 1: %q", sent, e.Writes())
	}
}
