package users_test

import (
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/pkg/idtest"
)

// withFactor is a user with a registered app.
func withFactor(login, given, family string) []idtest.Document {
	return []idtest.Document{dirtest.User(login, given, family), {Type: "Device", Attrs: map[string]any{
		"user": map[string]any{"value": "bulkId:" + login}, "displayName": given + "'s phone",
		"authenticationFactors": []any{map[string]any{"type": "TOTP"}},
	}}}
}

// TestResetFactorsTicks: without a name, on a terminal, a list says who has a
// second factor.
func TestResetFactorsTicks(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, append(withFactor("ada@example.com", "Ada", "X"), dirtest.User("bob@example.com", "Bob", "X"))...)
	e.Terminal = true
	e.Answers = []prompt.Answer{
		{Question: "Which users", Replies: []string{"Ada X (ada@example.com), has a second factor"}},
		{Question: "Reset the factors of user Ada X (ada@example.com)?", Reply: "yes"},
	}
	r := e.Run(t, users.New, "", "reset-factors")
	if r.Failure != nil || !strings.Contains(r.Err, "reset the factors of user Ada X") {
		t.Errorf("%v, stderr %q", r.Failure, r.Err)
	}
	if out := e.OK(t, users.New, "factors", "list", "ada@example.com", "-o", "json"); out != "[]\n" {
		t.Errorf("left: %s", out)
	}
}

// TestFactorsDeclined: nothing is taken away from somebody who was asked about and
// not meant.
func TestFactorsDeclined(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, withFactor("ada@example.com", "Ada", "X")...)
	e.Terminal = true
	for _, tt := range []struct{ question, args string }{
		{"Remove factors of user Ada X (ada@example.com)?", "factors remove ada@example.com --factor TOTP"},
		{"Revoke bypass codes of user Ada X (ada@example.com)?", "recovery-codes revoke ada@example.com"},
		{"Remove trusted browsers of user Ada X (ada@example.com)?", "trusted-agents remove ada@example.com"},
		{"Remove social accounts of user Ada X (ada@example.com)?", "social remove ada@example.com"},
		{"Remove security questions of user Ada X (ada@example.com)?", "security-questions remove ada@example.com"},
		{"Revoke credentials of user Ada X (ada@example.com)?", "tokens revoke ada@example.com"},
		{"Reset the factors of user Ada X (ada@example.com)?", "reset-factors ada@example.com"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			e.Answers = []prompt.Answer{{Question: tt.question, Reply: "no"}}
			r := e.Run(t, users.New, "", strings.Fields(tt.args)...)
			if r.Failure == nil || len(r.Asked) != 1 {
				t.Errorf("%v, asked %q", r.Failure, r.Asked)
			}
			if w := e.Writes(); len(w) != 0 {
				t.Errorf("sent %q", w)
			}
		})
	}
}

// TestLostAnswers: what was removed though the answer was lost counts as
// removed, and is not an error when it is done again.
func TestLostAnswers(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, append(withFactor("ada@example.com", "Ada", "X"), idtest.Document{
		Type: "Device", Attrs: map[string]any{"user": map[string]any{"value": "bulkId:ada@example.com"}, "authenticationFactors": []any{map[string]any{"type": "EMAIL"}}},
	})...)
	if err := e.Server.Faults("cut:method=DELETE,times=1"); err != nil {
		t.Fatal(err)
	}
	r := e.Run(t, users.New, "", "factors", "remove", "ada@example.com", "--factor", "EMAIL", "--yes")
	if r.Failure != nil {
		t.Errorf("%v", r.Failure)
	}
	if out := e.OK(t, users.New, "factors", "list", "ada@example.com", "-o", "name"); out != "TOTP\n" {
		t.Errorf("left: %q", out)
	}
}

// TestTokenOnATerminal: a person sees what was made by name, once.
func TestTokenOnATerminal(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, dirtest.User("ada@example.com", "Ada", "X"))
	e.Terminal = true
	out := e.OK(t, users.New, "tokens", "create", "ada@example.com", "--kind", "customer-secret-key", "--name", "backup", "--expires", "1d")
	for _, want := range []string{"secret    ", "\nkey       ", "\nexpires   2026-03-10T08:07:06Z\n", "\nid        "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	secret := strings.Fields(out)[1]
	if list := e.OK(t, users.New, "tokens", "list", "ada@example.com", "-o", "json"); strings.Contains(list, secret) || !strings.Contains(list, "backup") {
		t.Errorf("listed: %s", list)
	}
	e.Answers = []prompt.Answer{{Question: "Password", Reply: "Sesame-0pen-99"}, {Question: "Password again", Reply: "Sesame-0pen-98"}}
	r := e.Run(t, users.New, "", "tokens", "create", "ada@example.com", "--kind", "db")
	if r.Code != 64 {
		t.Errorf("two passwords: %v", r.Failure)
	}
}
