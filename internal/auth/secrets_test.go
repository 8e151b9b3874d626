package auth

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/transport"
)

const origin = "https://idcs.example.com"

func newFile(t *testing.T) *FileSecrets {
	t.Helper()
	return &FileSecrets{Path: filepath.Join(t.TempDir(), "new", "secrets.json")}
}

func get(t *testing.T, s Secrets, profile, origin, name, value string, want error) {
	t.Helper()
	got, err := s.Get(t.Context(), profile, origin, name)
	if got.Reveal() != value || !errors.Is(err, want) {
		t.Errorf("Get(%s, %s, %s) = %q, %v; want %q, %v", profile, origin, name, got.Reveal(), err, value, want)
	}
	if err != nil && strings.Contains(err.Error(), "hunter22") {
		t.Errorf("error shows the secret: %v", err)
	}
}

func TestFileSecrets(t *testing.T) {
	f := newFile(t)
	ctx := t.Context()
	get(t, f, "prod", origin, ClientSecret, "", ErrNotFound)
	set := func(profile, origin, name string, value Secret) {
		t.Helper()
		if err := f.Set(ctx, profile, origin, name, value); err != nil {
			t.Fatal(err)
		}
	}
	set("prod", origin, ClientSecret, "hunter22")
	set("prod", origin, Password, "hunter22 ä\"\n")
	set("dev.x@y:z", "http://127.0.0.1:8080", ClientSecret, "other")
	get(t, f, "prod", origin, ClientSecret, "hunter22", nil)
	get(t, f, "prod", "https://IDCS.example.com:443/admin/v1", ClientSecret, "hunter22", nil)
	get(t, f, "prod", origin, Password, "hunter22 ä\"\n", nil)
	get(t, f, "dev.x@y:z", "http://127.0.0.1:8080", ClientSecret, "other", nil)
	for _, other := range []string{
		"http://idcs.example.com", "https://idcs.example.com:8443", "https://evil.example.com",
		"https://idcs.example.com.evil.example.com", "https://idcs.example.com@evil.example.com",
	} {
		get(t, f, "prod", other, ClientSecret, "", ErrOriginMismatch)
	}
	get(t, f, "prod", "", ClientSecret, "", transport.ErrBadRequest)
	get(t, f, "test", origin, ClientSecret, "", ErrNotFound)

	names, err := f.List(ctx, "prod")
	if diff := cmp.Diff([]string{ClientSecret, Password}, names); diff != "" || err != nil {
		t.Errorf("List (-want +got), %v:\n%s", err, diff)
	}
	set("prod", "https://moved.example.com", ClientSecret, "new")
	get(t, f, "prod", "https://moved.example.com", ClientSecret, "new", nil)
	get(t, f, "prod", origin, ClientSecret, "", ErrOriginMismatch)
	if err := f.Delete(ctx, "prod", ClientSecret); err != nil {
		t.Fatal(err)
	}
	if err := f.Delete(ctx, "prod", ClientSecret); !errors.Is(err, ErrNotFound) {
		t.Errorf("Delete again = %v", err)
	}
	if err := f.Set(ctx, "prod", origin, ClientSecret, ""); err == nil {
		t.Error("an empty secret was stored")
	}
	if err := f.Set(ctx, "prod", "idcs.example.com", ClientSecret, "x"); err == nil {
		t.Error("a secret without an origin was stored")
	}
	info, err := os.Stat(f.Path)
	if err != nil || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestDamagedSecretsAreLeftAlone(t *testing.T) {
	for name, content := range map[string]string{
		"empty":         "",
		"half":          `{"version":1,"profiles":{"prod":{"client_secret":{"origin":"hunter22`,
		"two documents": `{"version":1} {"version":1}`,
		"yaml":          "prod: hunter22\n",
		"of the future": `{"version":2,"profiles":{}}`,
		"unknown field": `{"version":1,"hunter22":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := &FileSecrets{Path: filepath.Join(t.TempDir(), "secrets.json")}
			if err := os.WriteFile(f.Path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			get(t, f, "prod", origin, ClientSecret, "", ErrDamaged)
			if err := f.Set(t.Context(), "prod", origin, ClientSecret, "x"); !errors.Is(err, ErrDamaged) {
				t.Errorf("Set = %v, want ErrDamaged", err)
			}
			if after, err := os.ReadFile(f.Path); err != nil || string(after) != content {
				t.Errorf("file is %q now, %v", after, err)
			}
		})
	}
}

func TestExposedSecretsAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	f := &FileSecrets{Path: filepath.Join(t.TempDir(), "it's here.json")}
	if err := f.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o602, 0o610} {
		if err := os.Chmod(f.Path, mode); err != nil {
			t.Fatal(err)
		}
		get(t, f, "prod", origin, ClientSecret, "", ErrExposed)
		err := f.Set(t.Context(), "prod", origin, ClientSecret, "x")
		var exposed *ExposedError
		if !errors.As(err, &exposed) || !strings.Contains(err.Error(), "chmod 600 '") || !strings.Contains(exposed.Hint(), `it'\''s here.json'`) {
			t.Errorf("mode %#o: Set = %v", mode, err)
		}
	}
	if err := os.Chmod(f.Path, 0o400); err != nil {
		t.Fatal(err)
	}
	get(t, f, "prod", origin, ClientSecret, "hunter22", nil)
}

func TestSecretsThatCannotBeWritten(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := &FileSecrets{Path: filepath.Join(blocked, "secrets.json")}
	if err := f.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("Set = %v", err)
	}
	g := newFile(t)
	if err := g.Set(t.Context(), "prod", origin, ClientSecret, "x"); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(t.Context(), g.Path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	g.LockWait = time.Nanosecond
	if err := g.Set(t.Context(), "prod", origin, ClientSecret, "y"); !errors.Is(err, ErrLocked) {
		t.Errorf("Set under another's lock = %v", err)
	}
	get(t, g, "prod", origin, ClientSecret, "x", nil) // reading needs no lock
}

// A rename that fails must leave the old file and no litter.
func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(target, []byte("x")); err == nil {
		t.Error("a directory was replaced by a file")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("directory holds %v, %v; want the target alone", entries, err)
	}
}

func TestEnvSecrets(t *testing.T) {
	env := map[string]string{"IDCTL_CLIENT_SECRET": "cs", "IDCTL_TOKEN": "tok", "IDCTL_PASSWORD": ""}
	s := &EnvSecrets{Lookup: func(k string) (string, bool) { v, ok := env[k]; return v, ok }}
	get(t, s, "prod", origin, ClientSecret, "cs", nil)
	get(t, s, "prod", origin, AccessToken, "tok", nil)
	get(t, s, "prod", origin, Password, "", ErrNotFound)
	get(t, s, "prod", origin, RefreshToken, "", ErrNotFound)
	s.Origin = "https://idcs.example.com/"
	get(t, s, "prod", origin, ClientSecret, "cs", nil)
	get(t, s, "prod", "https://other.example.com", ClientSecret, "", ErrOriginMismatch)
	names, err := s.List(t.Context(), "prod")
	if diff := cmp.Diff([]string{ClientSecret, AccessToken}, names); diff != "" || err != nil {
		t.Errorf("List (-want +got), %v:\n%s", err, diff)
	}
	readOnly(t, s)
}

func readOnly(t *testing.T, s Secrets) {
	t.Helper()
	if err := s.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"); !errors.Is(err, ErrReadOnly) || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("Set = %v", err)
	}
	if err := s.Delete(t.Context(), "prod", ClientSecret); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Delete = %v", err)
	}
}

func TestCommandSecrets(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs sh")
	}
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	s := &CommandSecrets{Origin: origin, Argv: map[string][]string{
		"good": sh("printf ' two words \\r\\n\\n'"), "lines": sh("printf 'a\\nb\\n'"), "silent": sh("exit 0"),
		"fails": sh("echo hunter22; echo hunter22 >&2; exit 3"), "missing": {"no-such-program-here"},
		"large": sh("while :; do echo hunter22hunter22hunter22hunter22; done"),
		"args":  {"printf", "%s|%s", "$(id)", "a b"}, "none": {},
	}}
	get(t, s, "prod", origin, "good", " two words ", nil)
	get(t, s, "prod", origin, "lines", "a\nb", nil)
	get(t, s, "prod", origin, "args", "$(id)|a b", nil)
	for _, bad := range []string{"silent", "fails", "missing", "large"} {
		get(t, s, "prod", origin, bad, "", ErrCommand)
	}
	get(t, s, "prod", origin, "none", "", ErrNotFound)
	get(t, s, "prod", origin, "unknown", "", ErrNotFound)
	// The program does not even run for another origin.
	marker := filepath.Join(t.TempDir(), "ran")
	s.Argv["marker"] = []string{"touch", marker}
	get(t, s, "prod", "https://evil.example.com", "marker", "", ErrOriginMismatch)
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command ran for another origin")
	}
	s.Timeout = time.Millisecond
	s.Argv["slow"] = []string{"tail", "-f", "/dev/null"}
	get(t, s, "prod", origin, "slow", "", ErrCommand)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ended, "prod", origin, "slow"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	readOnly(t, s)
}

func TestRefreshStore(t *testing.T) {
	f := newFile(t)
	store := NewRefreshStore(f, "prod", origin)
	if s, err := store.Load(t.Context()); s != "" || err != nil {
		t.Errorf("Load of nothing = %v, %v", s, err)
	}
	if err := store.Save(t.Context(), "rt"); err != nil {
		t.Fatal(err)
	}
	if s, err := store.Load(t.Context()); s != "rt" || err != nil {
		t.Errorf("Load = %q, %v", s.Reveal(), err)
	}
	if _, err := NewRefreshStore(f, "prod", "https://evil.example.com").Load(t.Context()); !errors.Is(err, ErrOriginMismatch) {
		t.Errorf("for another origin: %v", err)
	}
}

func FuzzShellQuote(f *testing.F) {
	f.Add("/home/ada/secrets.json")
	f.Add("it's; rm x")
	f.Fuzz(func(t *testing.T, s string) {
		q := shellQuote(s)
		// Undo what sh does: either plain, or quoted parts joined by \'.
		plain := q
		if strings.HasPrefix(q, "'") {
			plain = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(q, "'"), "'"), `'\''`, "'")
		} else if strings.ContainsAny(q, " \t\n'\"$`\\;&|<>(){}*?[]#!^") {
			t.Errorf("%q is quoted as %q", s, q)
		}
		if plain != s {
			t.Errorf("%q became %q", s, q)
		}
	})
}
