package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
)

// result is what a command line left behind.
type result struct {
	code        int
	out, errOut string
}

// call runs one command line in this process.
func call(t *testing.T, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	return callContext(t.Context(), env, stdin, args...)
}

func callContext(ctx context.Context, env map[string]string, stdin string, args ...string) result {
	s, in, out, errOut := iostreams.Test()
	in.WriteString(stdin)
	code := Run(ctx, Process{
		Args: args, IO: s, GOOS: runtime.GOOS, Clock: time.Now,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	return result{code, out.String(), errOut.String()}
}

// service is an emulator behind a listener.
func service(t *testing.T) (url string, creds emulator.Credentials) {
	t.Helper()
	svc, err := emulator.New(t.Context(), emulator.Options{
		Store: memory.New(), Clock: emulatorClock(time.Now), ClientID: "admin", ClientSecret: "s3cret-of-tests",
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(svc.Handler())
	t.Cleanup(srv.Close)
	return srv.URL, svc.Credentials()
}

func TestUsageErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"UnknownCommand", []string{"verzion"}, "did you mean version?"},
		{"UnknownBehindFlag", []string{"-o", "json", "verzion"}, "did you mean version?"},
		{"UnknownWithFlag", []string{"verzion", "--long"}, `unknown command "verzion"`},
		{"UnknownVerb", []string{"profile", "lsit"}, "did you mean list?"},
		{"UnknownVerbWithFlag", []string{"profile", "lsit", "--colour"}, `unknown command "lsit"`},
		{"UnknownFlag", []string{"version", "--outptu", "json"}, "did you mean --output?"},
		{"BadFormat", []string{"version", "-o", "xml"}, "must be one of table"},
		{"NoValue", []string{"version", "-o"}, "flag needs an argument"},
		{"TooManyArgs", []string{"version", "x"}, "takes no arguments"},
		{"UnknownField", []string{"version", "--fields", "colour"}, "fields are version, commit, go, platform"},
		{"UnknownShell", []string{"completion", "tcsh"}, "shells are bash"},
		{"NoShell", []string{"completion"}, "needs <shell>"},
		{"UnknownTopic", []string{"help", "verzion"}, "did you mean version?"},
		{"NoProfile", []string{"whoami"}, "no profile chosen"},
		{"UnknownProfile", []string{"whoami", "-p", "nope"}, "there are local"},
		{"BadTimeout", []string{"whoami", "-p", "local", "--timeout", "soon"}, "--timeout: "},
		{"SetNothing", []string{"profile", "set", "x"}, "needs at least 2"},
		{"SetNoEquals", []string{"profile", "set", "x", "url"}, "is not setting=value"},
		{"SetUnknown", []string{"profile", "set", "x", "ulr=y"}, "did you mean url?"},
		{"AddBadURL", []string{"profile", "add", "x", "--url", "ftp://x.example.com", "--client-id", "a"}, "must begin with https://"},
		{"AddBadName", []string{"profile", "add", "a b", "--url", "https://x.example.com", "--client-id", "a"}, "profile name"},
		{"AddNoURL", []string{"profile", "add", "x", "--client-id", "a"}, "--url is required"},
		{"AddNoClient", []string{"profile", "add", "x", "--url", "https://x.example.com"}, "--client-id is required"},
		{"AddLocal", []string{"profile", "add", "local", "--url", "https://x.example.com", "--client-id", "a"}, "built in"},
		{"RemoveLocal", []string{"profile", "remove", "local", "--yes"}, "built in"},
		{"UseUnknown", []string{"profile", "use", "nope"}, "no such profile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := call(t, map[string]string{"IDCTL_HOME": t.TempDir()}, "", tt.args...)
			if r.code != cmdutil.ExitUsage || !strings.Contains(r.errOut, tt.want) || r.out != "" {
				t.Errorf("idctl %q: code %d, stdout %q, stderr:\n%swant 64 and %q", tt.args, r.code, r.out, r.errOut, tt.want)
			}
		})
	}
}

func TestErrorAsJSON(t *testing.T) {
	r := call(t, map[string]string{"IDCTL_HOME": t.TempDir()}, "", "-o", "json", "profile", "use", "nope")
	var got struct {
		Error struct {
			Code  int
			Kind  string
			Hints []string
		}
	}
	if err := json.Unmarshal([]byte(r.errOut), &got); err != nil {
		t.Fatalf("stderr is no JSON: %v\n%s", err, r.errOut)
	}
	if got.Error.Code != 64 || got.Error.Kind != "usage" || len(got.Error.Hints) != 1 {
		t.Errorf("error = %+v", got.Error)
	}
}

// TestLogin drives the whole way in against a running service.
func TestLogin(t *testing.T) {
	url, creds := service(t)
	env := map[string]string{"IDCTL_HOME": t.TempDir()}
	must := func(stdin string, args ...string) result {
		t.Helper()
		r := call(t, env, stdin, args...)
		if r.code != 0 {
			t.Fatalf("idctl %q: code %d\n%s", args, r.code, r.errOut)
		}
		return r
	}
	must("", "profile", "add", "Prod", "--url", url, "--client-id", creds.ClientID)
	if r := call(t, env, "", "whoami"); r.code != cmdutil.ExitDenied || !strings.Contains(r.errOut, "idctl login --profile Prod") {
		t.Errorf("whoami before login: code %d\n%s", r.code, r.errOut)
	}
	if r := call(t, env, "wrong\n", "login", "--secret-file", "-", "--retries", "0"); r.code != cmdutil.ExitDenied {
		t.Errorf("login with a wrong secret: code %d\n%s", r.code, r.errOut)
	}
	if r := call(t, env, "", "whoami"); r.code != cmdutil.ExitDenied {
		t.Errorf("a wrong secret was stored: whoami has code %d", r.code)
	}
	must(creds.ClientSecret+"\n", "login", "--secret-file", "-")
	var id struct{ Subject, Type, Profile string }
	if err := json.Unmarshal([]byte(must("", "whoami", "-o", "json").out), &id); err != nil {
		t.Fatal(err)
	}
	if id.Subject != creds.ClientID || id.Type != "client" || id.Profile != "Prod" {
		t.Errorf("whoami = %+v", id)
	}

	// The token opens the service, and comes from the cache the second time.
	first := strings.TrimSpace(must("", "token").out)
	if second := strings.TrimSpace(must("", "token", "-p", "prod").out); first != second {
		t.Error("the second token is another one: the cache does not work")
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/admin/v1/ServiceProviderConfig", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+first)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the token was refused: %d, %v", resp.StatusCode, err)
	}

	if r := must("", "profile", "show"); !strings.Contains(r.out, "secrets.json, ") || !strings.Contains(r.out, ", set") || strings.Contains(r.out, creds.ClientSecret) {
		t.Errorf("profile show:\n%s", r.out)
	}
	// A secret goes to the address it was given for and to no other.
	if r := call(t, env, "", "token", "-p", "Prod", "--url", "http://127.0.0.1:1", "--retries", "0"); r.code != cmdutil.ExitDenied {
		t.Errorf("token at another address: code %d\n%s", r.code, r.errOut)
	}
	must("", "logout", "--forget")
	if r := call(t, env, "", "token"); r.code != cmdutil.ExitDenied || r.out != "" {
		t.Errorf("token after logout --forget: code %d", r.code)
	}
	must("", "profile", "remove", "Prod", "--yes")
	if r := must("", "profile", "list", "-o", "name"); r.out != "local\n" {
		t.Errorf("profiles after remove: %q", r.out)
	}
	for _, name := range []string{"config.yaml", "state/secrets.json"} {
		b, err := os.ReadFile(filepath.Join(env["IDCTL_HOME"], name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(creds.ClientSecret)) {
			t.Errorf("%s still holds the secret", name)
		}
	}
}

// TestEnvironmentAlone: in CI there are variables and no file.
func TestEnvironmentAlone(t *testing.T) {
	url, creds := service(t)
	env := map[string]string{"IDCTL_URL": url, "IDCTL_CLIENT_ID": creds.ClientID, "IDCTL_CLIENT_SECRET": creds.ClientSecret}
	r := call(t, env, "", "token")
	if r.code != 0 {
		t.Fatalf("token from the environment, without a home: code %d\n%s", r.code, r.errOut)
	}
	token := strings.TrimSpace(r.out)
	env = map[string]string{"IDCTL_URL": url, "IDCTL_TOKEN": token}
	if r := call(t, env, "", "token"); r.code != 0 || strings.TrimSpace(r.out) != token {
		t.Errorf("IDCTL_TOKEN: code %d\n%s", r.code, r.errOut)
	}
	// The secret of the environment is for the address of the environment.
	env = map[string]string{"IDCTL_URL": url, "IDCTL_CLIENT_ID": "x", "IDCTL_CLIENT_SECRET": "y"}
	if r := call(t, env, "", "token", "--url", "http://127.0.0.1:1", "--retries", "0"); r.code != cmdutil.ExitDenied {
		t.Errorf("secret of the environment at another address: code %d\n%s", r.code, r.errOut)
	}
}

func TestSecretFromCommandAndVariable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("runs cat")
	}
	url, creds := service(t)
	env := map[string]string{"IDCTL_HOME": t.TempDir(), "TEST_SECRET": creds.ClientSecret}
	file := filepath.Join(t.TempDir(), "it's secret")
	if err := os.WriteFile(file, []byte(creds.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{
		"env":     {"--secret-store", "env", "--secret-env", "TEST_SECRET"},
		"command": {"--secret-store", "command", "--secret-command", `cat "` + file + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"profile", "add", "by-" + name, "--url", url, "--client-id", creds.ClientID}, flags...)
			if r := call(t, env, "", args...); r.code != 0 {
				t.Fatalf("profile add: code %d\n%s", r.code, r.errOut)
			}
			for _, verb := range []string{"login", "token"} {
				if r := call(t, env, "", verb, "-p", "by-"+name); r.code != 0 {
					t.Errorf("%s: code %d\n%s", verb, r.code, r.errOut)
				}
			}
		})
	}
}

// TestLocal: the built-in profile needs no set-up, and many processes may
// start at once.
func TestLocal(t *testing.T) {
	env := map[string]string{"IDCTL_HOME": t.TempDir()}
	const n = 4
	results := make([]result, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results[i] = callContext(t.Context(), env, "", "whoami", "-p", "local", "-o", "name") })
	}
	wg.Wait()
	for i, r := range results {
		if r.code != 0 || r.out != results[0].out || !strings.HasPrefix(r.out, "local-") {
			t.Errorf("run %d: code %d, %q\n%s", i, r.code, r.out, r.errOut)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, name := range []string{"credentials.json", "idctl.db"} {
		info, err := os.Stat(filepath.Join(env["IDCTL_HOME"], "state", "local", name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, info.Mode().Perm())
		}
	}
}

func TestOtherProviders(t *testing.T) {
	env := map[string]string{"IDCTL_URL": "https://x.example.com", "IDCTL_TOKEN": "t", "IDCTL_PROVIDER": "nevis"}
	a := newApp(Process{
		IO: mustStreams(), GOOS: "linux", Clock: time.Now,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if _, err := a.deps.Provider(t.Context()); cmdutil.ExitCode(err) != cmdutil.ExitUnsupported {
		t.Errorf("Provider() = %v, code %d, want 9", err, cmdutil.ExitCode(err))
	}
}

func mustStreams() *iostreams.Streams {
	s, _, _, _ := iostreams.Test()
	return s
}

// TestNoHome: who needs no file needs no home; who does gets a clear error.
func TestNoHome(t *testing.T) {
	if r := call(t, nil, "", "version"); r.code != 0 {
		t.Errorf("version: code %d\n%s", r.code, r.errOut)
	}
	if r := call(t, nil, "", "profile", "list", "-o", "name"); r.code != 0 || r.out != "local\n" {
		t.Errorf("profile list: code %d, %q\n%s", r.code, r.out, r.errOut)
	}
	for _, args := range [][]string{
		{"whoami", "-p", "local"},
		{"profile", "add", "x", "--url", "https://x.example.com", "--client-id", "a"},
	} {
		if r := call(t, nil, "", args...); r.code != cmdutil.ExitFailure || !strings.Contains(r.errOut, "IDCTL_HOME") {
			t.Errorf("idctl %q: code %d, want 1 and a text that names IDCTL_HOME\n%s", args, r.code, r.errOut)
		}
	}
}

func TestSignals(t *testing.T) {
	for sig, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&cmdutil.SignalError{Signal: sig})
		r := callContext(ctx, map[string]string{"IDCTL_HOME": t.TempDir()}, "", "whoami", "-p", "local")
		if r.code != want {
			t.Errorf("%v: code %d, want %d\n%s", sig, r.code, want, r.errOut)
		}
	}
}

// TestPanic: a fault inside comes out as 70 with a stack, and says nothing of
// the value, which may hold anything.
func TestPanic(t *testing.T) {
	s, _, _, errOut := iostreams.Test()
	code := Run(t.Context(), Process{Args: []string{"whoami"}, IO: s, GOOS: "linux", Clock: time.Now, Env: func(name string) (string, bool) {
		if name == "IDCTL_PROFILE" {
			panic("hunter2")
		}
		return "", false
	}})
	if code != cmdutil.ExitPanic || !strings.Contains(errOut.String(), "goroutine") || strings.Contains(errOut.String(), "hunter2") {
		t.Errorf("a panic: code %d, want 70 with a stack and without its value\n%s", code, errOut)
	}
}

// TestTree walks over every command.
func TestTree(t *testing.T) {
	root := Tree(Process{IO: mustStreams(), GOOS: "linux", Clock: time.Now, Env: func(string) (string, bool) { return "", false }})
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c != root && (c.PersistentPreRun != nil || c.PersistentPreRunE != nil) {
			t.Errorf("%s has a PersistentPreRun, which would hide the root's", c.CommandPath())
		}
		if c.Run != nil {
			t.Errorf("%s has Run: errors need RunE", c.CommandPath())
		}
		if c != root && c.RunE != nil && c.Example == "" {
			t.Errorf("%s has no Example", c.CommandPath())
		}
		if c.HasSubCommands() && c.RunE == nil {
			t.Errorf("%s is a group that takes unknown verbs for help: use cmdutil.Group", c.CommandPath())
		}
		if c.RunE != nil && c.Args == nil && c.Name() != "help" {
			t.Errorf("%s does not check its arguments", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "stringSlice" || f.Value.Type() == "stringToString" {
				t.Errorf("%s --%s is a %s, which parses quotes and commas", c.CommandPath(), f.Name, f.Value.Type())
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// TestNouns: what the table says of a noun is what its package says.
func TestNouns(t *testing.T) {
	a := newApp(Process{IO: mustStreams(), GOOS: "linux", Clock: time.Now, Env: func(string) (string, bool) { return "", false }})
	type seen struct {
		Name, Short string
		Aliases     []string
	}
	for _, n := range nouns() {
		c := n.build(a.deps)
		if diff := cmp.Diff(seen{n.name, n.short, n.aliases}, seen{c.Name(), c.Short, c.Aliases}); diff != "" {
			t.Errorf("noun %s (-table +command):\n%s", n.name, diff)
		}
	}
}

func TestCalledNoun(t *testing.T) {
	tests := []struct {
		args []string
		name string
		sure bool
	}{
		{nil, "", true},
		{[]string{"version"}, "version", true},
		{[]string{"-o", "json", "version"}, "version", true},
		{[]string{"-ojson", "-vq", "version"}, "version", true},
		{[]string{"-vo", "json", "version"}, "version", true},
		{[]string{"--profile", "users", "version"}, "version", true},
		{[]string{"--profile=users", "--yes", "version"}, "version", true},
		{[]string{"help", "profile", "add"}, "profile", true},
		{[]string{"__complete", "profile", ""}, "profile", true},
		{[]string{"--what", "x", "version"}, "", false},
		{[]string{"-x", "version"}, "", false},
		{[]string{"--", "version"}, "", false},
		{[]string{"-"}, "-", true},
	}
	for _, tt := range tests {
		fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
		(&cmdutil.Flags{}).AddFlags(fs)
		(&output.Options{}).AddFlags(fs)
		if name, sure := calledNoun(tt.args, fs); name != tt.name || sure != tt.sure {
			t.Errorf("calledNoun(%q) = %q, %t, want %q, %t", tt.args, name, sure, tt.name, tt.sure)
		}
	}
}

func TestVariablesCoverSettings(t *testing.T) {
	names := map[string]bool{}
	for _, v := range Variables() {
		names[v.Name] = true
	}
	for _, s := range config.Settings() {
		if s.Env != "" && !names[s.Env] {
			t.Errorf("%s is not in the help topic", s.Env)
		}
	}
}

func TestInterruptedErrorKeepsItsCause(t *testing.T) {
	inner := &cmdutil.PartialError{What: "rows", Done: 1, Total: 2}
	err := error(&interruptedError{signal: &cmdutil.SignalError{Signal: syscall.SIGTERM}, err: inner})
	if !errors.Is(err, context.Canceled) || !errors.As(err, new(*cmdutil.PartialError)) || cmdutil.ExitCode(err) != 143 {
		t.Errorf("interrupted error lost something: %v, code %d", err, cmdutil.ExitCode(err))
	}
}

func BenchmarkBuildTree(b *testing.B) {
	for b.Loop() {
		a := newApp(Process{IO: mustStreams(), GOOS: "linux", Clock: time.Now, Env: func(string) (string, bool) { return "", false }})
		a.root([]string{"version"})
	}
}
