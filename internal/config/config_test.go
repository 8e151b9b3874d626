package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func env(pairs map[string]string) LookupEnv {
	return func(name string) (string, bool) { v, ok := pairs[name]; return v, ok }
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const sample = `# our domains
version: 1
current: Prod

profiles:
  Prod: # do not touch on Fridays
    url: https://idcs-prod.identity.example.com/
    clientId: 0123
    timeout: 30s
    domainType: premium
  ada@host.example.com:
    url: https://test.example.com
    provider: scim
    rate: 2.5
`

func TestLoad(t *testing.T) {
	c, err := Load(write(t, sample))
	if err != nil {
		t.Fatal(err)
	}
	want := []Profile{
		{Name: "Prod", Values: map[string]string{
			"url": "https://idcs-prod.identity.example.com/", "clientId": "0123", "timeout": "30s", "domainType": "premium",
		}},
		{Name: "ada@host.example.com", Values: map[string]string{
			"url": "https://test.example.com", "provider": "scim", "rate": "2.5",
		}},
	}
	if diff := cmp.Diff(want, c.Profiles, cmpopts.IgnoreUnexported(Profile{})); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
	if c.Current != "Prod" {
		t.Errorf("Current = %q, want Prod", c.Current)
	}
}

func TestLoadErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"NotYAML", "profiles: [", "did not find"},
		{"List", "- a\n", ":1: want keys and values"},
		{"Version", "version: 2\n", "newer idctl"},
		{"UnknownKey", "version: 1\nprofile: {}\n", `:2: unknown key "profile"`},
		{"UnknownSetting", "profiles:\n  a:\n    colour: red\n", `:3: profile a: unknown setting "colour"`},
		{"Secret", "profiles:\n  a:\n    clientSecret: x\n", "secrets are not kept in this file"},
		{"Duration", "profiles:\n  a:\n    timeout: 30\n", `:3: profile a: timeout: "30" is not a duration`},
		{"URL", "profiles:\n  a:\n    url: example.com\n", ":3: profile a: url: the address must begin with https://"},
		{"URLPassword", "profiles:\n  a:\n    url: https://u:hunter2@example.com\n", "must not hold a user name"},
		{"Provider", "profiles:\n  a:\n    provider: okta\n", "not one of idcs, nevis, scim"},
		{"Twice", "profiles:\n  a: {}\n  A: {}\n", `:3: "A" stands here twice`},
		{"Local", "profiles:\n  local: {}\n", "built in"},
		{"Name", "profiles:\n  'a b': {}\n", `:2: profile name "a b"`},
		{"Retries", "profiles:\n  a:\n    retries: many\n", `:3: profile a: retries: "many"`},
		{"Nested", "profiles:\n  a:\n    url: {x: y}\n", "want one value"},
		{"Alias", "profiles:\n  a: &x {}\n  b: *x\n", "aliases"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(write(t, tt.text))
			var fe *FileError
			if !errors.As(err, &fe) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Load() = %v, want a FileError with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats a password: %v", err)
			}
		})
	}
	if c, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err != nil || len(c.Profiles) != 0 {
		t.Errorf("Load() of no file = %v, %v, want an empty configuration", c, err)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, sample)
	tests := []struct {
		name  string
		flags map[string]string
		env   map[string]string
		key   string
		want  Value
	}{
		{"Default", nil, nil, "retries", Value{"4", FromDefault, "default"}},
		{"Profile", nil, nil, "timeout", Value{"30s", FromProfile, file + ":9"}},
		{"Env", nil, map[string]string{"IDCTL_TIMEOUT": "5s"}, "timeout", Value{"5s", FromEnv, "IDCTL_TIMEOUT"}},
		{"EmptyEnv", nil, map[string]string{"IDCTL_TIMEOUT": ""}, "timeout", Value{"30s", FromProfile, file + ":9"}},
		{"Flag", map[string]string{"timeout": "1s"}, map[string]string{"IDCTL_TIMEOUT": "5s"}, "timeout", Value{"1s", FromFlag, "--timeout"}},
		{"OtherProfile", map[string]string{"profile": "ADA@host.example.com"}, nil, "provider", Value{"scim", FromProfile, file + ":13"}},
		{"ProfileFromEnv", nil, map[string]string{"IDCTL_PROFILE": "ada@host.example.com"}, "rate", Value{"2.5", FromProfile, file + ":14"}},
		{"FlagBeatsEnvProfile", map[string]string{"profile": "prod"}, map[string]string{"IDCTL_PROFILE": "ada@host.example.com"}, "clientId", Value{"0123", FromProfile, file + ":8"}},
		{"URLAloneLeavesTheProfile", map[string]string{"url": "https://x.example.com"}, nil, "clientId", Value{"", FromDefault, "default"}},
		{"URLWithProfile", map[string]string{"url": "https://x.example.com", "profile": "Prod"}, nil, "url", Value{"https://x.example.com", FromFlag, "--url"}},
		{"Local", map[string]string{"profile": "local"}, map[string]string{"IDCTL_URL": "https://x.example.com", "IDCTL_TIMEOUT": "9s"}, "timeout", Value{"9s", FromEnv, "IDCTL_TIMEOUT"}},
		{"LocalIgnoresURL", map[string]string{"profile": "local"}, map[string]string{"IDCTL_URL": "https://x.example.com"}, "url", Value{"", FromDefault, "default"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			r, err := c.Resolve(tt.flags, env(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, r.Values[tt.key]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.key, diff)
			}
		})
	}
}

// TestEnvironmentAlone is the set-up of a CI job: no file at all.
func TestEnvironmentAlone(t *testing.T) {
	r, err := (&Config{}).Resolve(nil, env(map[string]string{
		"IDCTL_URL": "https://idcs.example.com/", "IDCTL_CLIENT_ID": "ci", "IDCTL_PROVIDER": "scim", "IDCTL_TOKEN": "t",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := &Resolved{
		Name: EnvProfile, Provider: "scim", URL: "https://idcs.example.com", ClientID: "ci", Auth: AuthToken,
		SecretStore: "file", Timeout: time.Minute, Retries: 4,
	}
	if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(Resolved{}, "Values")); diff != "" {
		t.Errorf("resolved (-want +got):\n%s", diff)
	}
}

func TestResolveErrors(t *testing.T) {
	c, err := Load(write(t, sample))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		c          *Config
		flags, env map[string]string
		want       string
	}{
		{"Nothing", &Config{}, nil, nil, "no profile chosen"},
		{"Unknown", c, map[string]string{"profile": "prd"}, nil, "there are local, Prod, ada@host.example.com"},
		{"BadFlag", c, map[string]string{"timeout": "soon"}, nil, "--timeout: "},
		{"BadEnv", c, nil, map[string]string{"IDCTL_RATE": "NaN"}, "IDCTL_RATE: "},
		{"LocalURL", c, map[string]string{"profile": "local", "url": "https://x.example.com"}, nil, "--url: "},
		{"EnvByName", c, map[string]string{"profile": "env"}, nil, "no such profile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.c.Resolve(tt.flags, env(tt.env))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Resolve() = %v, want %q", err, tt.want)
			}
			var usage interface{ ExitCode() int }
			if !errors.As(err, &usage) || usage.ExitCode() != 64 {
				t.Errorf("%v is no usage error", err)
			}
		})
	}
}

func TestEditKeepsWhatItDoesNotChange(t *testing.T) {
	file := write(t, sample)
	err := Edit(t.Context(), file, func(e *Editor) error {
		return errors.Join(
			e.Set("prod", "timeout", "45s"),
			e.Set("Prod", "domainType", ""),
			e.Add(Profile{Name: "new", Values: map[string]string{"url": "https://new.example.com", "clientId": "1e3"}}),
			e.Use("NEW"),
		)
	})
	if err == nil {
		t.Fatal("a profile was used before it is in the file")
	}
	steps := []func(*Editor) error{
		func(e *Editor) error { return e.Set("prod", "timeout", "45s") },
		func(e *Editor) error { return e.Set("Prod", "domainType", "") },
		func(e *Editor) error {
			return e.Add(Profile{Name: "new", Values: map[string]string{"url": "https://new.example.com", "clientId": "1e3"}})
		},
		func(e *Editor) error { return e.Use("NEW") },
	}
	for _, s := range steps {
		if err := Edit(t.Context(), file, s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `# our domains
version: 1
current: new
profiles:
  Prod: # do not touch on Fridays
    url: https://idcs-prod.identity.example.com/
    clientId: 0123
    timeout: 45s
  ada@host.example.com:
    url: https://test.example.com
    provider: scim
    rate: 2.5
  new:
    url: https://new.example.com
    clientId: "1e3"
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

func TestEditErrorsWriteNothing(t *testing.T) {
	file := write(t, sample)
	tests := []struct {
		name   string
		change func(*Editor) error
		want   error
	}{
		{"AddTaken", func(e *Editor) error { return e.Add(Profile{Name: "PROD"}) }, ErrProfileExists},
		{"AddLocal", func(e *Editor) error { return e.Add(Profile{Name: "Local"}) }, ErrProfileExists},
		{"UseUnknown", func(e *Editor) error { return e.Use("x") }, ErrUnknownProfile},
		{"RemoveUnknown", func(e *Editor) error { return e.Remove("x") }, ErrUnknownProfile},
		{"SetUnknown", func(e *Editor) error { return e.Set("x", "url", "") }, ErrUnknownProfile},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := Edit(t.Context(), file, tt.change); !errors.Is(err, tt.want) {
				t.Errorf("Edit() = %v, want %v", err, tt.want)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != sample {
				t.Errorf("the file was changed: %v\n%s", err, got)
			}
		})
	}
}

func TestRemoveCurrent(t *testing.T) {
	file := write(t, sample)
	if err := Edit(t.Context(), file, func(e *Editor) error { return e.Remove("prod") }); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Current != "" || len(c.Profiles) != 1 {
		t.Errorf("after Remove: current %q, %d profiles, want none and 1", c.Current, len(c.Profiles))
	}
}

// TestConcurrentWriters: every profile added by one of many writers is there
// afterwards, the file is private and no temporary file stays.
func TestConcurrentWriters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "config.yaml")
	var wg sync.WaitGroup
	const n = 20
	errs := make(chan error, n)
	for i := range n {
		wg.Go(func() {
			errs <- Edit(t.Context(), file, func(e *Editor) error {
				return e.Add(Profile{Name: fmt.Sprintf("p%d", i), Values: map[string]string{"url": "https://example.com"}})
			})
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Profiles) != n {
		t.Errorf("%d profiles, want %d", len(c.Profiles), n)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".config-") {
			t.Errorf("temporary file %s stayed", e.Name())
		}
	}
}

func TestEditWaitsForTheLockOnlyAsLongAsContext(t *testing.T) {
	file := write(t, sample)
	err := Edit(t.Context(), file, func(*Editor) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Edit(ctx, file, func(*Editor) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("Edit() of a locked file = %v, want context.Canceled", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEditFollowsSymlink(t *testing.T) {
	target := write(t, sample)
	link := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.Symlink(target, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := Edit(t.Context(), link, func(e *Editor) error { return e.Use("local") }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if c, err := Load(target); err != nil || c.Current != LocalProfile {
		t.Errorf("the target was not changed: %v", err)
	}
}

func TestPaths(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("the table uses slashes")
	}
	tests := []struct {
		name, goos           string
		env                  map[string]string
		config, state, cache string
	}{
		{"Linux", "linux", map[string]string{"HOME": "/h"}, "/h/.config/idctl/config.yaml", "/h/.local/state/idctl/x", "/h/.cache/idctl/x"},
		{"XDG", "linux", map[string]string{"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "rel"}, "/c/idctl/config.yaml", "/s/idctl/x", "/h/.cache/idctl/x"},
		{"Mac", "darwin", map[string]string{"HOME": "/h"}, "/h/Library/Application Support/idctl/config.yaml", "/h/Library/Application Support/idctl/state/x", "/h/Library/Caches/idctl/x"},
		{"Windows", "windows", map[string]string{"AppData": "/r", "LocalAppData": "/l"}, "/r/idctl/config.yaml", "/l/idctl/state/x", "/l/idctl/cache/x"},
		{"Override", "linux", map[string]string{"HOME": "/h", "IDCTL_HOME": "/i"}, "/i/config.yaml", "/i/state/x", "/i/cache/x"},
		{"XDGWithoutHome", "linux", map[string]string{"XDG_CONFIG_HOME": "/c"}, "/c/idctl/config.yaml", "", ""},
		{"NoHome", "linux", nil, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := FindPaths(tt.goos, env(tt.env))
			check := func(what, want string, got string, err error) {
				if want == "" {
					if !errors.Is(err, ErrNoHome) {
						t.Errorf("%s = %q, %v, want ErrNoHome", what, got, err)
					}
				} else if got != want || err != nil {
					t.Errorf("%s = %q, %v, want %q", what, got, err, want)
				}
			}
			got, err := p.ConfigFile()
			check("ConfigFile()", tt.config, got, err)
			got, err = p.State("x")
			check("State()", tt.state, got, err)
			got, err = p.Cache("x")
			check("Cache()", tt.cache, got, err)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("profiles:\n  a: null\n"))
	f.Add([]byte("{version: 1, profiles: {a: {rate: 1}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse("f", data)
		if err != nil {
			return
		}
		for _, p := range c.Profiles {
			for key, v := range p.Values {
				if s, ok := FindSetting(key); !ok || s.Check(v) != nil {
					t.Errorf("parse let %s = %q through", key, v)
				}
			}
		}
	})
}
