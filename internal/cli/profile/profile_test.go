package profile

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/pkg/transport"
)

// deps are dependencies on a folder of the test's own.
func deps(t *testing.T, answers ...prompt.Answer) (*cmdutil.Deps, *prompt.Scripted) {
	t.Helper()
	s, _, _, _ := iostreams.Test()
	home := t.TempDir()
	script := &prompt.Scripted{Answers: answers}
	d := &cmdutil.Deps{
		IO: s, Prompt: script, Flags: &cmdutil.Flags{}, Output: &output.Options{}, Clock: time.Now,
		Env: func(string) (string, bool) { return "", false },
		Paths: config.FindPaths("linux", func(name string) (string, bool) {
			return home, name == "IDCTL_HOME"
		}),
	}
	d.Config = func() (*config.Config, error) {
		file, err := d.Paths.ConfigFile()
		if err != nil {
			return nil, err
		}
		return config.Load(file)
	}
	secrets, err := d.Paths.State("secrets.json")
	if err != nil {
		t.Fatal(err)
	}
	d.Secrets = func(*config.Resolved) (auth.Secrets, error) {
		return cmdutil.FirstSecrets{&auth.EnvSecrets{Lookup: d.Env}, &auth.FileSecrets{Path: secrets}}, nil
	}
	d.TokenCache = func() (*auth.Cache, error) {
		dir, err := d.Paths.Cache("tokens")
		return &auth.Cache{Dir: dir, Clock: transport.NewClock(d.Clock)}, err
	}
	return d, script
}

// parse runs a command's parsing below a root with the common flags.
func parse(t *testing.T, d *cmdutil.Deps, cmd *cobra.Command, args ...string) error {
	t.Helper()
	root := &cobra.Command{Use: "idctl", SilenceErrors: true, SilenceUsage: true}
	d.Output.AddFlags(root.PersistentFlags())
	d.Flags.AddFlags(root.PersistentFlags())
	root.AddCommand(cmd)
	root.SetArgs(append([]string{cmd.Name()}, args...))
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	return root.ExecuteContext(t.Context())
}

func TestAddFlags(t *testing.T) {
	d, _ := deps(t)
	var got *addOptions
	keep := func(_ context.Context, o *addOptions) error { got = o; return nil }
	err := parse(t, d, newAddCmd(d, keep), "Prod", "--url", "https://x.example.com", "--client-id", "abc",
		"--auth", "password", "--user", "ada", "--timeout", "5s", "--domain-type", "free", "--secret-file", "-", "--use")
	if err != nil {
		t.Fatal(err)
	}
	want := &addOptions{Name: "Prod", SecretFile: "-", Use: true, Values: map[string]string{
		"url": "https://x.example.com", "clientId": "abc", "auth": "password", "user": "ada", "timeout": "5s", "domainType": "free",
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(addOptions{}, "Paths", "Prompt", "Secrets", "ReadSecret", "Note")); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	for _, bad := range [][]string{
		{}, {"a", "b"}, {"a b"}, {"env"}, {"x", "--auth", "magic"}, {"x", "--retries", "-1"}, {"x", "--secret-env", "1X"}, {"x", "--secret", "hush"},
	} {
		d, _ := deps(t)
		got = nil
		if err := parse(t, d, newAddCmd(d, keep), bad...); cmdutil.ExitCode(err) != cmdutil.ExitUsage || got != nil {
			t.Errorf("profile add %q = %v, want a usage error before anything runs", bad, err)
		}
	}
}

func TestAddAsks(t *testing.T) {
	d, script := deps(t,
		prompt.Answer{Question: "Address of the service", Reply: "https://x.example.com"},
		prompt.Answer{Question: "Client id", Reply: "abc"})
	o := &addOptions{Paths: d.Paths, Prompt: d.Prompt, Secrets: d.Secrets, Note: d.Note, Name: "x", Values: map[string]string{}}
	if err := runAdd(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(script.Answers) != 0 {
		t.Errorf("%d questions were not asked", len(script.Answers))
	}
	cfg, err := d.Config()
	if err != nil {
		t.Fatal(err)
	}
	p, err := cfg.Find("x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"url": "https://x.example.com", "clientId": "abc"}, p.Values); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
}

func TestAddWithMissingSecretLeavesNoProfile(t *testing.T) {
	d, _ := deps(t)
	o := &addOptions{
		Paths: d.Paths, Prompt: d.Prompt, Secrets: d.Secrets, Note: d.Note, ReadSecret: d.ReadSecret,
		Name: "x", Values: map[string]string{"url": "https://x.example.com", "clientId": "a"}, SecretFile: "/nonexistent/secret",
	}
	if err := runAdd(t.Context(), o); err == nil {
		t.Fatal("a missing secret file was taken")
	}
	if cfg, err := d.Config(); err != nil || len(cfg.Profiles) != 0 {
		t.Errorf("a profile was left behind: %v, %v", cfg, err)
	}
}

func add(t *testing.T, d *cmdutil.Deps, name string) {
	t.Helper()
	o := &addOptions{
		Paths: d.Paths, Secrets: d.Secrets, Note: d.Note, Name: name,
		ReadSecret: func(context.Context, string) (auth.Secret, error) { return "hush", nil }, SecretFile: "-",
		Values: map[string]string{"url": "https://x.example.com", "clientId": "abc"},
	}
	if err := runAdd(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func TestRemove(t *testing.T) {
	d, _ := deps(t, prompt.Answer{Question: "Remove profile Prod?", Reply: "no"}, prompt.Answer{Reply: "yes"})
	add(t, d, "Prod")
	store, err := d.Secrets(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &removeOptions{
		Paths: d.Paths, Config: d.Config, Confirm: d.Confirm, Secrets: d.Secrets, TokenCache: d.TokenCache, Note: d.Note, Name: "prod",
	}
	if err := runRemove(t.Context(), o); !errors.Is(err, prompt.ErrDeclined) {
		t.Fatalf("remove answered no = %v, want ErrDeclined", err)
	}
	if v, err := store.Get(t.Context(), "Prod", "https://x.example.com", auth.ClientSecret); err != nil || v.Reveal() != "hush" {
		t.Errorf("the secret went although the answer was no: %v", err)
	}
	if err := runRemove(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), "Prod", "https://x.example.com", auth.ClientSecret); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the secret stayed: %v", err)
	}
	if cfg, err := d.Config(); err != nil || len(cfg.Profiles) != 0 {
		t.Errorf("the profile stayed: %v", err)
	}
}

func TestNameArguments(t *testing.T) {
	var name string
	tests := []struct {
		name string
		make func(*cmdutil.Deps) *cobra.Command
		args []string
		want string
		bad  bool
	}{
		{"Use", func(d *cmdutil.Deps) *cobra.Command {
			return newUseCmd(d, func(_ context.Context, o *useOptions) error { name = o.Name; return nil })
		}, []string{"prod"}, "prod", false},
		{"UseNothing", func(d *cmdutil.Deps) *cobra.Command { return newUseCmd(d, runUse) }, nil, "", true},
		{"Show", func(d *cmdutil.Deps) *cobra.Command {
			return newShowCmd(d, func(_ context.Context, o *showOptions) error { name = o.Given["profile"]; return nil })
		}, []string{"prod", "-p", "other"}, "prod", false},
		{"ShowByFlag", func(d *cmdutil.Deps) *cobra.Command {
			return newShowCmd(d, func(_ context.Context, o *showOptions) error { name = o.Given["profile"]; return nil })
		}, []string{"-p", "other"}, "other", false},
		{"ShowTwo", func(d *cmdutil.Deps) *cobra.Command { return newShowCmd(d, runShow) }, []string{"a", "b"}, "", true},
		{"Remove", func(d *cmdutil.Deps) *cobra.Command {
			return newRemoveCmd(d, func(_ context.Context, o *removeOptions) error { name = o.Name; return nil })
		}, []string{"prod"}, "prod", false},
		{"List", func(d *cmdutil.Deps) *cobra.Command { return newListCmd(d, runList) }, []string{"x"}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := deps(t)
			name = ""
			err := parse(t, d, tt.make(d), tt.args...)
			if name != tt.want || (cmdutil.ExitCode(err) == cmdutil.ExitUsage) != tt.bad {
				t.Errorf("%q gives %q, %v, want %q, usage error %t", tt.args, name, err, tt.want, tt.bad)
			}
		})
	}
}

func TestSetFlags(t *testing.T) {
	d, _ := deps(t)
	var got *setOptions
	err := parse(t, d, newSetCmd(d, func(_ context.Context, o *setOptions) error { got = o; return nil }), "x", "TIMEOUT=5s", "scope=")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][2]string{{"timeout", "5s"}, {"scope", ""}}, got.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestSetIsOneStep: of several settings all are changed, or none.
func TestSetIsOneStep(t *testing.T) {
	d, _ := deps(t)
	add(t, d, "x")
	o := &setOptions{Paths: d.Paths, Note: d.Note, Name: "x", Values: [][2]string{{"timeout", "5s"}, {"provider", "magic"}}}
	if err := runSet(t.Context(), o); err == nil {
		t.Fatal("a bad value was taken")
	}
	cfg, err := d.Config()
	if err != nil {
		t.Fatal(err)
	}
	if p, err := cfg.Find("x"); err != nil || p.Values["timeout"] != "" {
		t.Errorf("half of the settings were changed: %v, %v", p.Values, err)
	}
}

func TestLoginFlags(t *testing.T) {
	d, _ := deps(t)
	var got *loginOptions
	keep := func(_ context.Context, o *loginOptions) error { got = o; return nil }
	if err := parse(t, d, newLoginCmd(d, keep), "--secret-file", "a", "--client-secret-file", "-"); err != nil {
		t.Fatal(err)
	}
	if got.SecretFile != "a" || got.ClientSecretFile != "-" {
		t.Errorf("options = %q, %q", got.SecretFile, got.ClientSecretFile)
	}
	err := runLogin(t.Context(), &loginOptions{SecretFile: "-", ClientSecretFile: "-"})
	if cmdutil.ExitCode(err) != cmdutil.ExitUsage {
		t.Errorf("two secrets from standard input = %v, want a usage error", err)
	}
}

func TestLogoutAndTokenFlags(t *testing.T) {
	d, _ := deps(t)
	forget := false
	if err := parse(t, d, newLogoutCmd(d, func(_ context.Context, o *logoutOptions) error { forget = o.Forget; return nil }), "--forget"); err != nil || !forget {
		t.Errorf("logout --forget: %t, %v", forget, err)
	}
	d, _ = deps(t)
	plain := true
	if err := parse(t, d, newTokenCmd(d, func(_ context.Context, o *tokenOptions) error { plain = o.Plain(); return nil }), "-o", "json"); err != nil || plain {
		t.Errorf("token -o json: plain %t, %v", plain, err)
	}
	d, _ = deps(t)
	if err := parse(t, d, newWhoamiCmd(d, func(context.Context, *whoamiOptions) error { return nil }), "x"); cmdutil.ExitCode(err) != cmdutil.ExitUsage {
		t.Errorf("whoami x = %v, want a usage error", err)
	}
}

func jwt(claims string) transport.Secret {
	enc := base64.RawURLEncoding.EncodeToString
	return transport.Secret(enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(claims)) + ".sig")
}

func TestReadIdentity(t *testing.T) {
	tests := []struct {
		name  string
		token transport.Secret
		want  identity
	}{
		{
			"Client", jwt(`{"sub":"abc","sub_type":"client","client_name":"My app","client_id":"abc","tenant":"idcs-x","exp":1700000000,"clientAppRoles":["User Administrator"]}`),
			identity{Subject: "abc", Type: "client", Client: "My app", Tenant: "idcs-x", Expires: "2023-11-14T22:13:20Z", Roles: []string{"User Administrator"}},
		},
		{
			"User", jwt(`{"sub":"ada","sub_type":"user","client_id":"abc","user_tenantname":"t","scope":"a b","exp":"x"}`),
			identity{Subject: "ada", Type: "user", Client: "abc", Tenant: "t", Scope: "a b"},
		},
		{"Opaque", "no-jwt", identity{}},
		{"Broken", "a.!.c", identity{}},
		{"NotJSON", jwt("hello"), identity{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readIdentity(transport.Token{Value: tt.token})); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}
