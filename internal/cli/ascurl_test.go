package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
)

// TestPrintedCurlRuns: the lines that --as-curl prints do the same again, with
// the variables that they name, at a service of their own.
func TestPrintedCurlRuns(t *testing.T) {
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("NOT TESTED: %s is not installed, no printed line was run", program)
		}
	}
	srv := idtest.New(t, idtest.WithCredentials("admin", "it's $a `secret`"))
	home := filepath.Join(t.TempDir(), "home")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "IDCTL_HOME=" + home,
		"IDCTL_URL=" + srv.URL, "IDCTL_CLIENT_ID=admin", "IDCTL_CLIENT_SECRET=it's $a `secret`",
	}
	// The printed lines go to stderr, and nothing else that begins so.
	idctl := func(args ...string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "idctl", args...)
		var errOut strings.Builder
		cmd.Env, cmd.Stderr = env, &errOut
		if err := cmd.Run(); err != nil {
			t.Fatalf("idctl %q: %v\n%s", args, err, errOut.String())
		}
		var lines []string
		for line := range strings.Lines(errOut.String()) {
			if strings.HasPrefix(line, "curl ") {
				lines = append(lines, strings.TrimSuffix(line, "\n"))
			}
		}
		if len(lines) == 0 {
			t.Fatalf("idctl %q prints no request:\n%s", args, errOut.String())
		}
		return lines
	}
	curl := func(line string) (status int, answer map[string]any) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line+` -w '\n%{http_code}'`)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		at := strings.LastIndexByte(string(out), '\n')
		if err := json.Unmarshal(out[at+1:], &status); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		if at > 0 {
			if err := json.Unmarshal(out[:at], &answer); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		}
		return status, answer
	}

	first := idctl("users", "create", "a@example.com", "--family-name", `O'Neil "$x" é`, "--as-curl")
	if len(first) != 2 {
		t.Fatalf("want the request for a token and the one for the user, got %q", first)
	}
	status, answer := curl(first[0])
	token, _ := answer["access_token"].(string)
	if status != http.StatusOK || token == "" {
		t.Fatalf("%s: status %d", first[0], status)
	}
	env = append(env, "IDCTL_TOKEN="+token)
	if status, _ := curl(first[1]); status != http.StatusConflict && status != http.StatusCreated {
		// With its opc-retry-token the service may answer as it did before.
		t.Errorf("the same creation again: status %d", status)
	}
	idctl("users", "delete", "a@example.com", "--yes", "--as-curl")
	status, answer = curl(strings.Replace(first[1], "Opc-Retry-Token: ", "Opc-Retry-Token: again-", 1))
	if name, _ := answer["name"].(map[string]any); status != http.StatusCreated || name["familyName"] != `O'Neil "$x" é` {
		t.Errorf("%s: status %d, %v", first[1], status, answer)
	}

	// A change is refused the second time: its If-Match has passed.
	change := idctl("users", "update", "a@example.com", "--title", "Boss", "--as-curl")
	if status, _ := curl(change[len(change)-1]); status != http.StatusPreconditionFailed {
		t.Errorf("%s: status %d, want 412", change[len(change)-1], status)
	}
	list := idctl("users", "list", "--filter", `userName eq "a@example.com" and title eq "Boss"`, "--as-curl")
	if status, answer := curl(list[0]); status != http.StatusOK || answer["totalResults"] != 1.0 {
		t.Errorf("%s: status %d, %v", list[0], status, answer)
	}
}
