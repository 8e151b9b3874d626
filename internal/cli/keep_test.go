package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/prompt"
)

// memoryKeyring is a keyring that outlives the runs of a test.
type memoryKeyring struct {
	mu      sync.Mutex
	entries map[string]string
	calls   int
	err     error // of every call
}

func (k *memoryKeyring) with(f func() (string, error)) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.err != nil {
		return "", k.err
	}
	return f()
}

func (k *memoryKeyring) Get(_, account string) (string, error) {
	return k.with(func() (string, error) {
		v, ok := k.entries[account]
		if !ok {
			return "", auth.ErrNotFound
		}
		return v, nil
	})
}

func (k *memoryKeyring) Set(_, account, value string) error {
	_, err := k.with(func() (string, error) {
		k.entries[account] = value
		return "", nil
	})
	return err
}

func (k *memoryKeyring) Delete(_, account string) error {
	_, err := k.with(func() (string, error) {
		if _, ok := k.entries[account]; !ok {
			return "", auth.ErrNotFound
		}
		delete(k.entries, account)
		return "", nil
	})
	return err
}

// desk is a machine with a home and a keyring.
type desk struct {
	t       *testing.T
	env     map[string]string
	keyring *memoryKeyring
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return &desk{t, map[string]string{"IDCTL_HOME": t.TempDir()}, &memoryKeyring{entries: map[string]string{}}}
}

func (d *desk) run(code int, stdin string, args ...string) result {
	d.t.Helper()
	s, in, out, errOut := iostreams.Test()
	in.WriteString(stdin)
	got := Run(d.t.Context(), Process{
		Args: args, IO: s, GOOS: runtime.GOOS, Clock: time.Now, Keyring: d.keyring,
		Env: func(name string) (string, bool) { v, ok := d.env[name]; return v, ok },
	})
	r := result{got, out.String(), errOut.String()}
	if got != code {
		d.t.Fatalf("idctl %q: code %d, want %d\n%s", args, got, code, r.errOut)
	}
	return r
}

// shows wants profile show to say where the secret is.
func (d *desk) shows(want ...string) {
	d.t.Helper()
	out := d.run(0, "", "profile", "show", "--fields", "setting,value", "-o", "csv").out
	for _, w := range want {
		if !strings.Contains(out, w) {
			d.t.Errorf("profile show does not say %q:\n%s", w, out)
		}
	}
}

// has says which files of secrets there are.
func (d *desk) has(want ...string) {
	d.t.Helper()
	var got []string
	for _, name := range []string{"secrets.json", "secrets.age"} {
		b, err := os.ReadFile(filepath.Join(d.env["IDCTL_HOME"], "state", name))
		if err == nil && (name == "secrets.age" || strings.Contains(string(b), "client_secret")) {
			got = append(got, name)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		d.t.Errorf("files with secrets are %q, want %q", got, want)
	}
}

// TestSecretStores takes one profile through all places, with a login in each.
func TestSecretStores(t *testing.T) {
	url, creds := service(t)
	d := newDesk(t)
	secret := creds.ClientSecret + "\n"
	login := func() {
		t.Helper()
		d.run(0, "", "logout")
		d.run(0, "", "token")
	}
	d.run(0, secret, "profile", "add", "Desk", "--url", url, "--client-id", creds.ClientID, "--secret-store", "keyring", "--secret-file", "-")
	d.has()
	d.shows("secretStore,keyring", "entries of service idctl in ", ", set")
	login()
	if _, ok := d.keyring.entries["Desk/client_secret"]; !ok {
		t.Error("the secret is not in the keyring")
	}

	// Encrypted, the key in the keyring; then as before.
	d.run(0, "", "profile", "move-secret", "desk", "--to", "age")
	d.has("secrets.age")
	if _, ok := d.keyring.entries["Desk/client_secret"]; ok || len(d.keyring.entries) != 1 {
		t.Errorf("the keyring has %d entries, want the key alone", len(d.keyring.entries))
	}
	d.shows("secretStore,age", "encrypted file ", "its key age/age1", ", set")
	login()
	d.run(0, "", "profile", "move-secret", "desk", "--to", "file")
	d.has("secrets.json")
	if len(d.keyring.entries) != 0 {
		t.Errorf("%d entries are left in the keyring", len(d.keyring.entries))
	}
	d.shows("secrets.json", ", set")
	login()

	// A login moves, too. A setting changed by hand leaves a copy, which is shown.
	d.run(0, secret, "login", "--secret-file", "-", "--secret-store", "keyring")
	d.has()
	d.shows("secretStore,keyring", ", set")
	d.run(0, secret, "login", "--secret-file", "-", "--secret-store", "file")
	if len(d.keyring.entries) != 0 {
		t.Errorf("%d entries are left in the keyring", len(d.keyring.entries))
	}
	if r := d.run(0, "", "profile", "set", "Desk", "secretStore=keyring"); !strings.Contains(r.errOut, "move-secret") {
		t.Errorf("profile set says nothing of what stays behind:\n%s", r.errOut)
	}
	d.shows("not set", "secret copy,", "move-secret Desk --to keyring removes it")
	d.run(cmdutil.ExitDenied, "", "whoami", "--retries", "0", "--url", "http://127.0.0.1:1")
	d.run(0, "", "profile", "move-secret", "Desk", "--to", "keyring")
	d.has()
	login()
	d.run(0, "", "logout", "--forget")
	if len(d.keyring.entries) != 0 {
		t.Errorf("logout --forget leaves %d entries in the keyring", len(d.keyring.entries))
	}
}

// TestSecondSecretComesAlong: a login replaces one secret, and both move.
func TestSecondSecretComesAlong(t *testing.T) {
	url, creds := service(t)
	d := newDesk(t)
	d.run(0, "stale\n", "profile", "add", "x", "--url", url, "--client-id", creds.ClientID, "--secret-file", "-")
	old := &auth.FileSecrets{Path: filepath.Join(d.env["IDCTL_HOME"], "state", "secrets.json")}
	for name, v := range map[string]auth.Secret{auth.Password: "kept", auth.ClientSecret: "stale"} {
		if err := old.Set(t.Context(), "x", url, name, v); err != nil {
			t.Fatal(err)
		}
	}
	d.run(0, creds.ClientSecret+"\n", "login", "--secret-file", "-", "--secret-store", "keyring")
	if v := d.keyring.entries["x/password"]; !strings.Contains(v, `"kept"`) {
		t.Errorf("the password in the keyring is %q", v)
	}
	if v := d.keyring.entries["x/client_secret"]; !strings.Contains(v, creds.ClientSecret) {
		t.Error("the client's secret in the keyring is not the new one")
	}
	if names, err := old.List(t.Context(), "x"); err != nil || len(names) != 0 {
		t.Errorf("the file still has %q, %v", names, err)
	}
}

// TestNoKeyringNoFallback: who chose a keyring that is not there gets an error
// that names the other places, and nothing is stored anywhere.
func TestNoKeyringNoFallback(t *testing.T) {
	url, creds := service(t)
	d := newDesk(t)
	d.keyring.err = errors.New("the name org.freedesktop.secrets was not provided")
	refused := func(stdin string, args ...string) {
		t.Helper()
		r := d.run(cmdutil.ExitDenied, stdin, args...)
		for _, want := range []string{"no usable keyring", "org.freedesktop.secrets", "--secret-store: file, age, env or command"} {
			if !strings.Contains(r.errOut, want) {
				t.Errorf("idctl %q does not say %q:\n%s", args, want, r.errOut)
			}
		}
		if strings.Contains(r.errOut, creds.ClientSecret) {
			t.Errorf("idctl %q shows the secret", args)
		}
		d.has()
	}
	add := []string{"profile", "add", "x", "--url", url, "--client-id", creds.ClientID, "--secret-store", "keyring"}
	refused(creds.ClientSecret+"\n", append(add, "--secret-file", "-")...)
	d.run(cmdutil.ExitUsage, "", "profile", "show", "x") // it was not added
	d.run(0, "", add...)
	before := d.keyring.calls
	refused(creds.ClientSecret+"\n", "login", "--secret-file", "-")
	if n := d.keyring.calls - before; n != 1 {
		t.Errorf("a login without a keyring asked it %d times, want once", n)
	}
	refused("", "whoami")
	d.shows("secretStore,keyring", "cannot be opened: ", "no usable keyring")
	// Age without a keyring needs a passphrase, and says so.
	r := d.run(cmdutil.ExitUsage, creds.ClientSecret+"\n", "login", "--secret-file", "-", "--secret-store", "age")
	if !strings.Contains(r.errOut, "IDCTL_AGE_PASSPHRASE is required") || !strings.Contains(r.errOut, "no usable keyring") {
		t.Errorf("login to age:\n%s", r.errOut)
	}
	d.has()
	// The environment stays a way in, and is named.
	d.env["IDCTL_CLIENT_SECRET"] = creds.ClientSecret
	before = d.keyring.calls
	d.run(0, "", "whoami")
	if d.keyring.calls != before {
		t.Error("the keyring was asked although the environment has the secret")
	}
	d.shows("variable IDCTL_CLIENT_SECRET, set, in place of: entries")
}

// TestKeyringIsNotTouched: not before a secret is needed.
func TestKeyringIsNotTouched(t *testing.T) {
	url, creds := service(t)
	d := newDesk(t)
	for _, store := range []string{"keyring", "age"} {
		d.run(0, creds.ClientSecret+"\n", "profile", "add", store, "--url", url, "--client-id", creds.ClientID,
			"--secret-store", store, "--secret-file", "-", "--use")
		d.run(0, "", "token")
		d.keyring.calls = 0
		for _, args := range [][]string{{"version"}, {"profile", "list"}, {"whoami"}, {"users", "list"}, {"profile", "set", store, "timeout=9s"}} {
			d.run(0, "", args...)
		}
		if d.keyring.calls != 0 {
			t.Errorf("secretStore %s: the keyring was touched %d times by commands that have a token", store, d.keyring.calls)
		}
	}
}

func TestLoginSecretStoreUsage(t *testing.T) {
	d := newDesk(t)
	d.run(0, "", "profile", "add", "x", "--url", "https://x.example.com", "--client-id", "a")
	for want, run := range map[string]func() result{
		"login stores nothing elsewhere": func() result { return d.run(64, "", "login", "--secret-store", "env") },
		"--secret-store is file":         func() result { return d.run(64, "", "login", "--secret-store", "magic") },
		"changes a profile": func() result {
			return d.run(64, "", "login", "--secret-store", "age", "--url", "https://y.example.com")
		},
		"contradicts IDCTL_SECRET_STORE": func() result {
			d.env["IDCTL_SECRET_STORE"] = "file"
			defer delete(d.env, "IDCTL_SECRET_STORE")
			return d.run(64, "", "login", "--secret-store", "age")
		},
	} {
		if r := run(); !strings.Contains(r.errOut, want) {
			t.Errorf("want %q in:\n%s", want, r.errOut)
		}
	}
}

func TestAskPassphrase(t *testing.T) {
	const file = "secrets.age"
	const again = "The same passphrase again"
	tests := []struct {
		name    string
		first   bool
		answers []prompt.Answer
		want    auth.Secret
		err     error
	}{
		{"Open", false, []prompt.Answer{{Question: "Passphrase of secrets.age", Reply: "a b"}}, "a b", nil},
		{"New", true, []prompt.Answer{{Question: "There is no keyring. New passphrase for secrets.age", Reply: "x"}, {Question: again, Reply: "x"}}, "x", nil},
		{"Differ", true, []prompt.Answer{{Reply: "x"}, {Question: again, Reply: "y"}}, "", auth.ErrPassphrase},
		{"Interrupted", true, []prompt.Answer{{Reply: "x"}, {Err: prompt.ErrInterrupted}}, "", prompt.ErrInterrupted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := &prompt.Scripted{Answers: tt.answers}
			got, err := askPassphrase(script, file)(t.Context(), tt.first)
			if got != tt.want || !errors.Is(err, tt.err) || len(script.Answers) != 0 {
				t.Errorf("passphrase %q, %v, %d answers left; want %q, %v", got.Reveal(), err, len(script.Answers), tt.want.Reveal(), tt.err)
			}
		})
	}
}
