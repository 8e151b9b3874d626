package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/iostreams"
)

// asking is a shell in tests: it asks for completions, and a renewal runs in
// this process.
type asking struct {
	env map[string]string
	// hangs makes renewals never end.
	hangs bool
	// renewals collects their command lines.
	renewals [][]string
}

// complete returns what could stand in place of the last argument, without
// the directive, and what was said on stderr beyond it.
func (a *asking) complete(t *testing.T, args ...string) []string {
	t.Helper()
	s, _, out, errOut := iostreams.Test()
	code := Run(t.Context(), Process{
		Args: append([]string{"__complete"}, args...), IO: s, GOOS: runtime.GOOS, Clock: time.Now,
		Env: func(name string) (string, bool) { v, ok := a.env[name]; return v, ok },
		Spawn: func(args []string) (<-chan error, error) {
			a.renewals = append(a.renewals, args)
			ended := make(chan error)
			if !a.hangs {
				callContext(t.Context(), a.env, "", args...)
				close(ended)
			}
			return ended, nil
		},
	})
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if code != 0 || !strings.HasPrefix(lines[len(lines)-1], ":") {
		t.Fatalf("__complete %q: code %d\n%s%s", args, code, out, errOut)
	}
	if said := strings.TrimSpace(errOut.String()); strings.Count(said, "\n") > 0 || !strings.HasPrefix(said, "Completion ended with directive") {
		t.Errorf("__complete %q says more than the directive: %q", args, said)
	}
	return lines[:len(lines)-1]
}

func mustCall(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	r := call(t, env, "", args...)
	if r.code != 0 {
		t.Fatalf("idctl %q: code %d\n%s", args, r.code, r.errOut)
	}
	return r.out
}

// populated is a home whose profile local has two users and a group.
func populated(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{"IDCTL_HOME": t.TempDir(), "IDCTL_PROFILE": "local"}
	mustCall(t, env, "users", "create", "ada@example.com", "--given-name", "Ada", "--family-name", "Lovelace")
	mustCall(t, env, "users", "create", "grace@example.com", "--given-name", "Grace", "--family-name", "Hopper")
	mustCall(t, env, "groups", "create", "Ops & co", "--member", "grace@example.com")
	return env
}

func TestCompletion(t *testing.T) {
	env := populated(t)
	mustCall(t, env, "profile", "add", "Prod", "--url", "https://idcs.example.com", "--client-id", "abc")
	shell := &asking{env: env}
	const ada, grace, ops = "ada@example.com\tAda Lovelace", "grace@example.com\tGrace Hopper", "Ops & co"
	tests := []struct {
		name string
		args []string
		want []string // the first ones
	}{
		{"Users", []string{"users", "get", ""}, []string{ada, grace}},
		{"UsersPrefixOtherCase", []string{"user", "delete", "GR"}, []string{grace}},
		{"UsersNamedAlready", []string{"users", "delete", "ada@example.com", ""}, []string{grace}},
		{"UsersOneOnly", []string{"users", "groups", "ada@example.com", ""}, nil},
		{"UsersOfProfile", []string{"users", "get", "-p", "Local", "a"}, []string{ada}},
		{"Groups", []string{"groups", "update", "op"}, []string{ops}},
		{"MembersToAdd", []string{"groups", "members", "add", "Ops & co", ""}, []string{ada, grace}},
		{"MembersToRemove", []string{"groups", "members", "remove", "ops & CO", ""}, []string{grace}},
		{"Manager", []string{"users", "update", "x", "--manager", "ada"}, []string{ada}},
		{"GroupFlag", []string{"users", "create", "--group", ""}, []string{ops}},
		{"Types", []string{"resources", "list", "passwordp"}, []string{"PasswordPolicy"}},
		{"Resources", []string{"resources", "get", "User", "g"}, []string{grace}},
		{"ResourcesOfType", []string{"resources", "get", "group", ""}, []string{ops}},
		{"Profiles", []string{"profile", "show", ""}, []string{"local\tthe domain inside the program", "Prod\thttps://idcs.example.com"}},
		{"ProfilesToRemove", []string{"profile", "remove", "p"}, []string{"Prod\thttps://idcs.example.com"}},
		{"ProfileFlag", []string{"whoami", "--profile", "P"}, []string{"Prod\thttps://idcs.example.com"}},
		{"Setting", []string{"profile", "set", "Prod", "secretst"}, []string{"secretStore=\twhere the secret is kept"}},
		{"SettingValue", []string{"profile", "set", "Prod", "domainType=f"}, []string{"domainType=free"}},
		{"SettingFlag", []string{"profile", "add", "x", "--domain-type", "ex"}, []string{"external-user"}},
		{"Columns", []string{"users", "list", "--fields", ""}, []string{"name", "email", "recent-activity", "status"}},
		{"ColumnsMore", []string{"groups", "list", "--fields", "name,des"}, []string{"name,description"}},
		{"ColumnsOfOther", []string{"groups", "members", "list", "x", "--fields", "l"}, []string{"login"}},
		{"ColumnsOfTool", []string{"version", "--fields", "pl"}, []string{"platform"}},
		{"ColumnIsAttribute", []string{"users", "list", "--fields", "NICK"}, []string{"nickName"}},
		{"Set", []string{"users", "update", "x", "--set", "dep"}, []string{"department="}},
		{"Unset", []string{"users", "update", "x", "--unset", "name.g"}, []string{"name.givenName"}},
		{"Attributes", []string{"users", "list", "--attributes", "active,userN"}, []string{"active,userName"}},
		{"AttributesOfExport", []string{"export", "users", "--attributes", "userN"}, []string{"userName"}},
		{"AttributesOfService", []string{"resources", "update", "PasswordPolicy", "x", "--set", "minL"}, []string{"minLength=\tinteger", "minLowerCase=\tinteger"}},
		{"Filter", []string{"users", "list", "--filter", "userN"}, []string{"userName"}},
		{"FilterOperator", []string{"users", "list", "--filter", "userName s"}, []string{"userName sw\tstarts with"}},
		{"Sort", []string{"users", "list", "--sort", "displ"}, []string{"displayName"}},
		{"Format", []string{"users", "list", "-o", "j"}, []string{"json", "jsonl"}},
		{"Provider", []string{"users", "list", "--provider", "i"}, []string{"idcs"}},
		{"OnExisting", []string{"import", "users", "--on-existing", "s"}, []string{"skip"}},
		{"Route", []string{"import", "users", "--route", ""}, []string{"auto", "single", "bulk"}},
		{"Page", []string{"users", "list", "--page", ""}, []string{"first", "last"}},
		{"EmailType", []string{"users", "create", "--email", "w"}, []string{"work="}},
		{"Shell", []string{"completion", "f"}, []string{"fish"}},
		{"Template", []string{"import", "template", "g"}, []string{"groups"}},
		{"Method", []string{"api", "pa"}, []string{"PATCH"}},
		{"Help", []string{"help", "users", "sea"}, []string{"search\tSearch users by the beginning of a name"}},
		{"HelpTopic", []string{"help", "exit"}, []string{"exit-codes\tThe exit codes"}},
		{"FreeText", []string{"users", "create", "--title", ""}, nil},
		{"UnknownType", []string{"resources", "get", "Nonsense", ""}, nil},
		{"UnknownGroup", []string{"groups", "members", "remove", "nobody", ""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := shell.complete(t, tt.args...)
			if tt.want != nil || len(got) > 0 && got[0] != "" {
				got = got[:min(len(got), len(tt.want))]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && len(tt.want)+len(got) > 0 {
				t.Errorf("__complete %q (-want +got):\n%s", tt.args, diff)
			}
		})
	}
	if n := len(shell.renewals); n == 0 || n > 12 {
		t.Errorf("%d renewals for a few queries: %q", n, shell.renewals)
	}
}

// TestCompletionFiles: arguments and flags that are files are the shell's.
func TestCompletionFiles(t *testing.T) {
	env := map[string]string{"IDCTL_HOME": t.TempDir()}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"import", "users", ""}, ":0\n"},
		{[]string{"import", "users", "x.csv", "--rejects", ""}, ":0\n"},
		{[]string{"profile", "add", "x", "--secret-file", ""}, ":0\n"},
		{[]string{"users", "create", "--title", ""}, ":4\n"},
		{[]string{"users", "list", ""}, ":4\n"},
	} {
		if r := call(t, env, "", append([]string{"__complete"}, tt.args...)...); !strings.HasSuffix(r.out, tt.want) {
			t.Errorf("__complete %q ends with %q, want the directive %q", tt.args, r.out, tt.want)
		}
	}
}

// TestCompletionMakesNothing: without a home, without a profile, and before
// the profile local was used, a key press asks nothing and makes no file.
func TestCompletionMakesNothing(t *testing.T) {
	home := t.TempDir()
	for name, env := range map[string]map[string]string{
		"NoHome":        {"IDCTL_URL": "http://127.0.0.1:1", "IDCTL_TOKEN": "t"},
		"NoHomeLocal":   {"IDCTL_PROFILE": "local"},
		"NoProfile":     {"IDCTL_HOME": home},
		"UnusedLocal":   {"IDCTL_HOME": home, "IDCTL_PROFILE": "local"},
		"UnknownChosen": {"IDCTL_HOME": home, "IDCTL_PROFILE": "nope"},
	} {
		t.Run(name, func(t *testing.T) {
			shell := &asking{env: env}
			if got := shell.complete(t, "users", "get", ""); len(got) > 0 {
				t.Errorf("names from nowhere: %q", got)
			}
			if len(shell.renewals) > 0 {
				t.Errorf("renewals: %q", shell.renewals)
			}
			r := call(t, env, "", refreshCommand, "users")
			if r.code == 0 {
				t.Error("a renewal without a service or a place ended with 0")
			}
		})
	}
	if files, err := os.ReadDir(home); err != nil || len(files) > 0 {
		t.Errorf("the home holds %v, %v", files, err)
	}
}

// TestCompletionOfHangingService: the answer does not wait for the service,
// and the foreground sends nothing.
func TestCompletionOfHangingService(t *testing.T) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	shell := &asking{hangs: true, env: map[string]string{"IDCTL_HOME": t.TempDir(), "IDCTL_URL": srv.URL, "IDCTL_TOKEN": "t"}}
	for range 3 {
		if got := shell.complete(t, "users", "get", ""); len(got) > 0 {
			t.Errorf("names %q", got)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the foreground sent %d requests", n)
	}
	if len(shell.renewals) != 3 { // none of them got as far as to say so
		t.Errorf("%d renewals were started", len(shell.renewals))
	}
	// A renewal says that it tries before it does; it is not repeated then.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		callContext(t.Context(), shell.env, "", refreshCommand, "users", "--timeout", "5m", "--retries", "0")
	}()
	for asked.Load() == 0 {
		runtime.Gosched()
	}
	if shell.complete(t, "users", "get", ""); len(shell.renewals) != 3 {
		t.Errorf("%d renewals were started, want no other one", len(shell.renewals))
	}
	srv.CloseClientConnections()
	srv.Close()
	<-ended
}

// TestCompletionNamesNoSecret looks for secrets and tokens in the cache.
func TestCompletionNamesNoSecret(t *testing.T) {
	url, creds := service(t)
	env := map[string]string{
		"IDCTL_HOME": t.TempDir(), "IDCTL_URL": url, "IDCTL_CLIENT_ID": creds.ClientID, "IDCTL_CLIENT_SECRET": creds.ClientSecret,
	}
	mustCall(t, env, "users", "create", "ada@example.com", "--given-name", "Ada", "--family-name", "Lovelace")
	token := strings.TrimSpace(mustCall(t, env, "token"))
	shell := &asking{env: env}
	if got := shell.complete(t, "users", "get", ""); !slices.Equal(got, []string{"ada@example.com\tAda Lovelace"}) {
		t.Errorf("names %q", got)
	}
	for _, renewal := range shell.renewals {
		if s := strings.Join(renewal, " "); strings.Contains(s, creds.ClientSecret) || strings.Contains(s, token) {
			t.Errorf("a secret is an argument: %s", s)
		}
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(env["IDCTL_HOME"], "cache", "completion"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		for _, secret := range []string{creds.ClientSecret, token} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("looked at %d files, %v", files, err)
	}
}

// TestCompletionAsksNobody: a secret that comes of a command may be a question
// to the person at the keyboard; a key press does not run it.
func TestCompletionAsksNobody(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("runs a shell")
	}
	url, creds := service(t)
	env := map[string]string{"IDCTL_HOME": t.TempDir()}
	mark := filepath.Join(t.TempDir(), "asked")
	mustCall(t, env, "profile", "add", "cmd", "--url", url, "--client-id", creds.ClientID,
		"--secret-store", "command", "--secret-command", `sh -c 'touch "`+mark+`"; echo `+creds.ClientSecret+`'`)
	shell := &asking{env: env}
	if got := shell.complete(t, "users", "get", "-p", "cmd", ""); len(got) > 0 {
		t.Errorf("names %q", got)
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("the command was run: %v", err)
	}
	if len(shell.renewals) != 1 || shell.renewals[0][1] != "--profile=cmd" {
		t.Errorf("renewals %q", shell.renewals)
	}
	// Once a token is there it is used.
	mustCall(t, env, "users", "create", "ada@example.com", "--given-name", "Ada", "--family-name", "Lovelace", "-p", "cmd")
	if got := shell.complete(t, "groups", "members", "add", "x", "-p", "cmd", ""); len(got) > 0 {
		t.Errorf("a failed renewal is repeated at once: %q", got)
	}
	mustCall(t, env, "groups", "create", "Ops", "-p", "cmd")
	if got := shell.complete(t, "groups", "get", "-p", "cmd", ""); !slices.Equal(got, []string{"Ops"}) {
		t.Errorf("names %q, although a token is there", got)
	}
}

// TestCompletionForgets: a profile that is removed leaves no names.
func TestCompletionForgets(t *testing.T) {
	url, creds := service(t)
	env := map[string]string{"IDCTL_HOME": t.TempDir(), "IDCTL_CLIENT_SECRET": creds.ClientSecret}
	mustCall(t, env, "profile", "add", "gone", "--url", url, "--client-id", creds.ClientID, "--secret-store", "env")
	mustCall(t, env, "groups", "create", "Ops", "-p", "gone")
	shell := &asking{env: env}
	if got := shell.complete(t, "groups", "get", "-p", "gone", ""); !slices.Equal(got, []string{"Ops"}) {
		t.Fatalf("names %q", got)
	}
	mustCall(t, env, "profile", "remove", "gone", "--yes")
	if left, err := filepath.Glob(filepath.Join(env["IDCTL_HOME"], "cache", "completion", "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// TestCompletionFault: a fault inside is no stack in the middle of a line.
func TestCompletionFault(t *testing.T) {
	s, _, out, errOut := iostreams.Test()
	code := Run(t.Context(), Process{
		Args: []string{"__complete", "users", "get", ""}, IO: s, GOOS: "linux", Clock: time.Now,
		Env: func(name string) (string, bool) {
			if name == "IDCTL_PROFILE" {
				panic("hunter2")
			}
			return "", false
		},
	})
	if code != 0 || out.String() != ":4\n" || strings.Contains(errOut.String(), "goroutine") {
		t.Errorf("code %d, %q, %q", code, out, errOut)
	}
}
