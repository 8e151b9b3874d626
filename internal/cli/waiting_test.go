package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/pkg/idtest"
)

// patience is how long a process may take that has nothing to wait for. It is
// generous: a process that waits for an answer waits for ever.
const patience = 20 * time.Second

// stdins are the three kinds of standard input that nobody answers on.
var stdins = []string{"closed", "null", "open"}

// unattended runs idctl where nobody can answer: "closed" has no standard
// input, "null" has /dev/null, and "open" a pipe that never ends.
func unattended(t *testing.T, stdin string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	argv := append([]string{"idctl"}, args...)
	if stdin == "closed" {
		argv = append([]string{"sh", "-c", `exec "$@" <&-`, "sh"}, argv...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	if stdin == "open" {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close(); _ = w.Close() }() // nothing was written
		cmd.Stdin = r
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("idctl %q waits, with standard input %s\n%s", args, stdin, &errOut)
	case err != nil && !errors.As(err, &exit):
		t.Fatal(err)
	case err != nil:
		code = exit.ExitCode()
	}
	return code, out.String(), errOut.String()
}

// TestNothingWaitsOffATerminal: what would ask a person ends at once, with 64
// and the name of the flag that answers, and has changed nothing.
func TestNothingWaitsOffATerminal(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skipf("no shell: %v", err)
	}
	srv := idtest.New(t)
	user := func(name string) idtest.Document {
		return idtest.Document{Type: "User", BulkID: name, Attrs: map[string]any{
			"userName": name, "name": map[string]any{"familyName": "F"},
			"emails": []any{map[string]any{"value": "shared@example.com", "type": "work", "primary": true}},
		}}
	}
	ids, err := srv.Seed(t.Context(), user("ada"), user("bob"), idtest.Document{Type: "Group", Attrs: map[string]any{
		"displayName": "Staff", "members": []any{map[string]any{"value": "bulkId:bob", "type": "User"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		flag string // or what else stderr must say
	}{
		{"users create", "--email"},
		{"users create x@example.com", "--family-name"},
		{"users delete ada", "--yes"},
		{"users delete ada bob", "--yes"},
		{"users delete -", "--yes"},
		{"users get shared@example.com", "ada ("},
		{"users update shared@example.com --title x", "ada ("},
		{"users replace ada", "--from"},
		{"users invite", "<user>"},
		{"users invite ada", "--yes"},
		{"users invite -", "--yes"},
		{"users reset-password ada", "--yes"},
		{"users set-password ada", "--password-file"},
		{"users set-password ada --generate", "--out"},
		{"users generate-password ada", "--out"},
		{"users check-password ada", "--password-file"},
		{"users activate --where active", "--yes"},
		{"users block shared@example.com", "ada ("},
		{"users factors remove ada --factor SMS", "--yes"},
		{"users reset-factors", "<user>"},
		{"users reset-factors ada", "--yes"},
		{"users recovery-codes revoke ada", "--yes"},
		{"users devices remove ada --device x", "--yes"},
		{"users trusted-agents remove ada", "--yes"},
		{"users social remove ada", "--yes"},
		{"users security-questions remove ada", "--yes"},
		{"users tokens create ada --kind auth-token", "--out"},
		{"users tokens create ada --kind db", "--password-file"},
		{"users tokens revoke -", "--yes"},
		{"bypass-codes generate ada", "--out"},
		{"bypass-codes delete x", "--yes"},
		{"bypass-codes notify ada", "--yes"},
		{"grants revoke Payroll --from ada", "--yes"},
		{"grants revoke - --from ada", "--yes"},
		{"users unassign ada --group Staff", "--yes"},
		{"groups unassign Staff --app Payroll", "--yes"},
		{"apps create Payroll --type confidential", "--out"},
		{"apps delete Payroll", "--yes"},
		{"apps regenerate-secret Payroll", "--out"},
		{"app-roles delete Payroll/Approver", "--yes"},
		{"dynamic-groups delete Builders", "--yes"},
		{"password-policies delete PasswordPolicy", "--yes"},
		{"password-policies update PasswordPolicy --force-reset", "--yes"},
		{"attributes remove badge", "--yes"},
		{"groups create", "--from"},
		{"groups delete Staff", "--yes"},
		{"groups members set Staff ada", "--yes"},
		{"groups members remove Staff bob", "--yes"},
		{"groups members remove Staff -", "--yes"},
		{"resources delete User " + ids[0], "--yes"},
		{"profile add x", "--url"},
		{"profile add x --url https://x.example.com", "--client-id"},
		{"profile remove kept", "--yes"},
		{"login --profile kept", "--secret-file"},
	}
	home := t.TempDir()
	env := []string{"IDCTL_HOME=" + home, "IDCTL_URL=" + srv.URL, "IDCTL_CLIENT_ID=" + srv.ClientID, "IDCTL_CLIENT_SECRET=" + srv.ClientSecret}
	bare := []string{"IDCTL_HOME=" + home}
	if code, _, stderr := unattended(t, "null", bare, "profile", "add", "kept", "--url", "https://x.example.com", "--client-id", "a"); code != 0 {
		t.Fatal(stderr)
	}
	bad := 0
	for _, stdin := range stdins {
		for _, tt := range tests {
			ok := t.Run(stdin+"/"+tt.args, func(t *testing.T) {
				use := env
				if strings.HasPrefix(tt.args, "profile") || strings.HasPrefix(tt.args, "login") {
					use = bare
				}
				code, stdout, stderr := unattended(t, stdin, use, strings.Fields(tt.args)...)
				if code != 64 || !strings.Contains(stderr, tt.flag) || stdout != "" {
					t.Errorf("code %d, stdout %q, stderr %q; want 64, nothing, and %q", code, stdout, stderr, tt.flag)
				}
			})
			if !ok {
				bad++
			}
			if bad > 2 {
				t.Fatal("that is enough to know, and each that waits takes its time")
			}
		}
	}
	for _, r := range srv.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/token") && !strings.HasSuffix(r.Path, "/.search") {
			t.Errorf("%s %s was sent before anybody agreed", r.Method, r.Path)
		}
	}
}

// TestEveryVerbEnds runs every verb without arguments where nobody answers. One
// that reads standard input without being told to, or asks, would never end.
func TestEveryVerbEnds(t *testing.T) {
	env := []string{"IDCTL_HOME=" + t.TempDir(), "IDCTL_PROFILE=local"}
	known := []int{0, 4, 5, 7, 64}
	for _, verb := range leaves() {
		t.Run(verb, func(t *testing.T) {
			code, _, stderr := unattended(t, "open", env, strings.Fields(verb)...)
			if !slices.Contains(known, code) {
				t.Errorf("code %d, want one of %v\n%s", code, known, stderr)
			}
		})
	}
}
