package users_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// TestTick: without a name, on a terminal, those are offered to whom it can be
// done, with what is known of them.
func TestTick(t *testing.T) {
	e := dirtest.New(t)
	ready := dirtest.User("ready@example.com", "Rea", "Dy")
	ready.Attrs["password"] = "Sesame-0pen-99"
	quiet := dirtest.User("quiet@example.com", "Qui", "Et")
	quiet.Attrs[userExt] = map[string]any{"bypassNotification": true}
	e.Seed(t, ready, quiet, dirtest.User("new@example.com", "N", "Ew"))

	e.Terminal = true
	e.Answers = []prompt.Answer{
		{Question: "Which users", Replies: []string{"Qui Et (quiet@example.com), Not invited", "N Ew (new@example.com), Pending invitation"}},
		{Question: "Send an invitation to 2 users?", Reply: "yes"},
	}
	r := e.Run(t, users.New, "", "invite")
	if r.Failure != nil || !strings.Contains(r.Err, "2 users: 2 invited") {
		t.Errorf("%v, stderr %q", r.Failure, r.Err)
	}
	e.Answers = []prompt.Answer{
		{Question: "Which users", Replies: []string{"Rea Dy (ready@example.com)"}},
		{Question: "Reset the password of user Rea Dy (ready@example.com)?", Reply: "no"},
	}
	before := len(e.Writes())
	if r := e.Run(t, users.New, "", "reset-password"); r.Failure == nil || len(e.Writes()) != before {
		t.Errorf("declined: %v", r.Failure)
	}
	e.Answers = []prompt.Answer{{Question: "Which users"}}
	if r := e.Run(t, users.New, "", "reset-password"); r.Failure != nil || !strings.Contains(r.Err, "nothing was ticked") {
		t.Errorf("nothing ticked: %v, %q", r.Failure, r.Err)
	}
	e.Answers = []prompt.Answer{{Question: "Block 3 users?", Reply: "no"}}
	if r := e.Run(t, users.New, "", "block", "--where", "userName ~ example"); r.Failure == nil || len(e.Writes()) != before {
		t.Errorf("--where asks: %v", r.Failure)
	}
	if r := e.Run(t, users.New, "", "block"); r.Code != 64 {
		t.Errorf("block offers no list: %v", r.Failure)
	}
}

// TestHandout: a password is handed out once, to the place that was named.
func TestHandout(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, dirtest.User("a@example.com", "A", "A"), dirtest.User("b@example.com", "B", "B"))
	dir := t.TempDir()
	works := func(login, password string) {
		t.Helper()
		file := filepath.Join(dir, "try")
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		// The password in use is one of those that the policy does not allow again.
		r := e.Run(t, users.New, "", "check-password", login, "--password-file", file)
		if r.Code != 1 || !strings.Contains(r.Failure.Error(), "last") {
			t.Errorf("%s: the handed out password is not the one in use: %v", login, r.Failure)
		}
	}

	e.Terminal = true
	r := e.Run(t, users.New, "", "set-password", "a@example.com", "--generate")
	if r.Failure != nil || strings.Count(r.Out, "\n") != 1 || strings.Contains(r.Err, strings.TrimSpace(r.Out)) {
		t.Errorf("terminal: %v, %q, %q", r.Failure, r.Out, r.Err)
	}
	works("a@example.com", strings.TrimSpace(r.Out))
	e.Terminal = false

	all := filepath.Join(dir, "all.csv")
	e.OK(t, users.New, "set-password", "a@example.com", "b@example.com", "--generate", "--out", all)
	info, err := os.Stat(all)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	f, err := os.Open(all)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(f).ReadAll()
	if cerr := f.Close(); err != nil || cerr != nil || len(rows) != 3 || rows[0][1] != "password" {
		t.Fatalf("%v, %v, %d rows", err, cerr, len(rows))
	}
	for _, row := range rows[1:] {
		works(row[0], row[1])
	}

	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := e.OK(t, users.New, "set-password", "a@example.com", "--generate", "--recipient", key.Recipient().String())
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), key)
	if err != nil {
		t.Fatal(err)
	}
	password, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	works("a@example.com", strings.TrimSpace(string(password)))

	// Of a run that made nothing no file is left.
	none := filepath.Join(dir, "none")
	if r := e.Run(t, users.New, "", "set-password", "nobody", "--generate", "--out", none); r.Code != 5 {
		t.Errorf("nobody: %v", r.Failure)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("an empty file was left")
	}
}

// TestWhyCalls: three calls at most, whatever the state.
func TestWhyCalls(t *testing.T) {
	e := dirtest.New(t)
	for _, s := range starts()[1:] {
		doc := dirtest.User(s.name+"@example.com", "A", "B")
		s.attr(doc.Attrs)
		ids := e.Seed(t, doc)
		for _, key := range []string{s.name + "@example.com", ids[0]} {
			before := len(e.Calls())
			out := e.OK(t, users.New, "why", key)
			if n := len(e.Calls()) - before; n > 3 {
				t.Errorf("%s: %d calls", key, n)
			}
			if s.name == "active" != strings.HasPrefix(out, "Nothing keeps") {
				t.Errorf("%s: %s", key, out)
			}
			if _, reason, ok := strings.Cut(strings.TrimSuffix(s.want, ")"), "("); ok && !strings.Contains(out, reason) {
				t.Errorf("%s does not say %q: %s", key, reason, out)
			}
		}
	}
}

// TestActMany: look-ups are batched, and each user is called once.
func TestActMany(t *testing.T) {
	e := dirtest.New(t)
	if _, err := e.Server.SeedPeople(t.Context(), 7, 130, 0); err != nil {
		t.Fatal(err)
	}
	names := e.OK(t, users.New, "list", "-o", "name")
	idle := len(strings.Fields(e.OK(t, users.New, "list", "--state", "blocked", "-o", "name")))
	before := len(e.Calls())
	r := e.Run(t, users.New, names, "deactivate", "-", "-o", "name")
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	if diff := cmp.Diff(names, r.Out); diff != "" {
		t.Errorf("names (-in +out):\n%s", diff)
	}
	count := map[string]int{}
	for _, call := range e.Calls()[before:] {
		method, path, _ := strings.Cut(call, " ")
		if method == "PUT" {
			path = "/UserStatusChanger"
		}
		count[method+" "+path]++
	}
	want := map[string]int{"POST /admin/v1/Users/.search": 3, "PUT /UserStatusChanger": 130 - idle}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	r = e.Run(t, users.New, names, "deactivate", "-")
	if r.Failure != nil || !strings.HasSuffix(r.Err, "130 users: 130 unchanged\n") || strings.Count(r.Err, "\n") != 21 {
		t.Errorf("again: %v, stderr of %d lines", r.Failure, strings.Count(r.Err, "\n"))
	}
	found, err := filepath.Glob(filepath.Join(e.Home, "state", "runs", "act-*.journal"))
	if err != nil || len(found) != 1 {
		t.Errorf("%d journals, want that of the run that sent something: %v", len(found), err)
	}
	for _, f := range found {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
		if n := strings.Count(string(data), `"op":"deactivate"`); n != 130-idle {
			t.Errorf("%s: %d intents", f, n)
		}
	}
	if r := e.Run(t, users.New, "", "activate", fmt.Sprint(strings.Fields(names)[0])); r.Failure != nil {
		t.Error(r.Failure)
	}
	after, err := filepath.Glob(filepath.Join(e.Home, "state", "runs", "act-*.journal"))
	if err != nil || len(after) != len(found) {
		t.Errorf("one readable act left a journal: %v, %v", after, err)
	}
}

// TestSelfHint: a refusal to act on the own account names the flag.
func TestSelfHint(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, dirtest.User("a@example.com", "A", "A"))
	e.Provider = refusing{e.Provider}
	for args, hint := range map[string]bool{"deactivate a@example.com": true, "deactivate a@example.com --self": false} {
		r := e.Run(t, users.New, "", strings.Fields(args)...)
		if got := slices.Contains(cmdutil.Hints(r.Failure), "--self permits it on the account you work with"); r.Code != 4 || got != hint {
			t.Errorf("%s: code %d, hint %t, want 4 and %t: %v", args, r.Code, got, hint, r.Failure)
		}
	}
}

// refusing is a service that does not let anybody change their own account.
type refusing struct{ provider.Provider }

func (r refusing) LifeCycle() provider.LifeCycle { return refusingCycle{} }

type refusingCycle struct{ provider.LifeCycle }

func (refusingCycle) SetActive(context.Context, string, bool, provider.ActOptions) error {
	return &scim.Error{Op: "PUT", Status: 403, MessageID: "error.identity.user.selfChangeNotAllowed"}
}
