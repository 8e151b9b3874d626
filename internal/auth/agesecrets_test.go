package auth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

// newAge is a store on a file of its own and a keyring; the passphrase is
// empty for a key in the keyring.
func newAge(t *testing.T, passphrase Secret) (*AgeSecrets, *fakeKeyring) {
	t.Helper()
	fake := newKeyring()
	return &AgeSecrets{
		Path: filepath.Join(t.TempDir(), "new", "secrets.age"), Vault: newVault(fake), Passphrase: passphrase, WorkFactor: 4,
	}, fake
}

// another is the same store in another process.
func another(a *AgeSecrets, fake *fakeKeyring, passphrase Secret) *AgeSecrets {
	return &AgeSecrets{Path: a.Path, Vault: newVault(fake), Passphrase: passphrase, WorkFactor: 4}
}

func setAge(t *testing.T, a *AgeSecrets, profile, origin, name string, value Secret) {
	t.Helper()
	if err := a.Set(t.Context(), profile, origin, name, value); err != nil {
		t.Fatal(err)
	}
}

func readAge(t *testing.T, a *AgeSecrets) []byte {
	t.Helper()
	data, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAgeSecrets(t *testing.T) {
	for _, tt := range []struct {
		name       string
		passphrase Secret
		describe   string
	}{
		{"Key", "", "its key age/age1"},
		{"Passphrase", "correct horse", "opened by a passphrase"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, fake := newAge(t, tt.passphrase)
			ctx := t.Context()
			if d := a.Describe(); !strings.HasSuffix(d, "not made yet") {
				t.Errorf("Describe = %q", d)
			}
			get(t, a, "prod", origin, ClientSecret, "", ErrNotFound)
			if err := a.Delete(ctx, "prod", ClientSecret); !errors.Is(err, ErrNotFound) {
				t.Errorf("Delete from nothing = %v", err)
			}
			setAge(t, a, "prod", origin, ClientSecret, "hunter22")
			setAge(t, a, "prod", origin, Password, "hunter22 ä\"\n")
			b := another(a, fake, tt.passphrase)
			setAge(t, b, "test", "http://127.0.0.1:8080", AccessToken, Secret(strings.Repeat("hunter22", 1000)))
			get(t, b, "prod", origin, ClientSecret, "hunter22", nil)
			get(t, a, "prod", "https://IDCS.example.com:443/admin/v1", Password, "hunter22 ä\"\n", nil)
			get(t, a, "prod", "https://evil.example.com", ClientSecret, "", ErrOriginMismatch)
			names, err := a.List(ctx, "prod")
			if diff := cmp.Diff([]string{ClientSecret, Password}, names); diff != "" || err != nil {
				t.Errorf("List (-want +got), %v:\n%s", err, diff)
			}
			if d := a.Describe(); !strings.Contains(d, tt.describe) || !strings.Contains(d, a.Path) {
				t.Errorf("Describe = %q, want %q in it", d, tt.describe)
			}
			info, err := os.Stat(a.Path)
			if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			if bytes.Contains(readAge(t, a), []byte("hunter22")) {
				t.Error("the file shows a secret")
			}
			keys := 0
			for account, v := range fake.entries {
				if !strings.HasPrefix(account, "age/age1") || !strings.HasPrefix(v, "AGE-SECRET-KEY-1") {
					t.Errorf("entry %s in the keyring is no key", account)
				}
				keys++
			}
			if want := map[string]int{"Key": 1, "Passphrase": 0}[tt.name]; keys != want {
				t.Errorf("%d keys in the keyring, want %d", keys, want)
			}
			if n := len(fake.calls); tt.passphrase != "" && n > 0 {
				t.Errorf("the keyring was touched although there is a passphrase: %v", fake.calls)
			}
			// With the last secret go the file and its key.
			for _, s := range [][2]string{{"prod", ClientSecret}, {"prod", Password}, {"test", AccessToken}} {
				if err := b.Delete(ctx, s[0], s[1]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(a.Path); !errors.Is(err, os.ErrNotExist) || len(fake.entries) != 0 {
				t.Errorf("file: %v, keyring: %d entries; want neither", err, len(fake.entries))
			}
		})
	}
}

// TestAgeFileIsAnAgeFile: what the age program does opens it, too.
func TestAgeFileIsAnAgeFile(t *testing.T) {
	for name, passphrase := range map[string]Secret{"Key": "", "Passphrase": "correct horse"} {
		t.Run(name, func(t *testing.T) {
			a, fake := newAge(t, passphrase)
			a.WorkFactor = 0 // as it is in earnest
			setAge(t, a, "prod", origin, ClientSecret, "hunter22")
			if passphrase != "" && !bytes.Contains(readAge(t, a), []byte(" 15\n")) {
				t.Error("the work factor is not 15")
			}
			var id age.Identity
			var err error
			if passphrase != "" {
				id, err = age.NewScryptIdentity(passphrase.Reveal())
			} else {
				for _, v := range fake.entries {
					id, err = age.ParseX25519Identity(v)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := age.Decrypt(bytes.NewReader(readAge(t, a)), id)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil || !bytes.Contains(plain, []byte(`"value": "hunter22"`)) {
				t.Errorf("it holds %q, %v", plain, err)
			}
		})
	}
}

// TestAgeFileOfTheAgeProgram: a passphrase file that somebody edited and
// encrypted again by other means, with another work factor.
func TestAgeFileOfTheAgeProgram(t *testing.T) {
	a, _ := newAge(t, "correct horse")
	r, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(6)
	writeAge(t, a, r, `{"version":1,"profiles":{"prod":{"client_secret":{"origin":"https://idcs.example.com","value":"edited"}}}}`)
	get(t, a, "prod", origin, ClientSecret, "edited", nil)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	writeAge(t, a, key.Recipient(), `{"version":1}`) // whose key is where?
	get(t, a, "prod", origin, ClientSecret, "", ErrDamaged)
}

func writeAge(t *testing.T, a *AgeSecrets, to age.Recipient, text string) {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(a.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.Path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// unchanged sees that calls on a file that cannot be opened leave it alone.
func unchanged(t *testing.T, a *AgeSecrets, want error) {
	t.Helper()
	before := readAge(t, a)
	get(t, a, "prod", origin, ClientSecret, "", want)
	for what, err := range map[string]error{
		"Set":    a.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"),
		"Delete": a.Delete(t.Context(), "prod", ClientSecret),
	} {
		if !errors.Is(err, want) || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "SECRET-KEY") {
			t.Errorf("%s = %v, want %v", what, err, want)
		}
	}
	if !bytes.Equal(before, readAge(t, a)) {
		t.Error("the file was changed")
	}
}

func TestDamagedAgeFile(t *testing.T) {
	for kind, passphrase := range map[string]Secret{"Key": "", "Passphrase": "correct horse"} {
		a, fake := newAge(t, passphrase)
		setAge(t, a, "prod", origin, ClientSecret, "hunter22")
		good := readAge(t, a)
		flip := func(at int) []byte {
			b := bytes.Clone(good)
			b[at] ^= 1
			return b
		}
		for name, data := range map[string][]byte{
			"Empty": {}, "Text": []byte("hello"), "Half": good[:len(good)/2], "NoEnd": good[:len(good)-1], "More": append(bytes.Clone(good), 'x'),
			"Payload": flip(len(good) - 20), "HeaderMAC": flip(bytes.Index(good, []byte("\n--- ")) + 6),
			"Plain": []byte(`{"version":1,"profiles":{}}`),
		} {
			t.Run(kind+name, func(t *testing.T) {
				if err := os.WriteFile(a.Path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				unchanged(t, another(a, fake, passphrase), ErrDamaged)
			})
		}
	}
}

func TestWrongPassphrase(t *testing.T) {
	a, fake := newAge(t, "correct horse")
	setAge(t, a, "prod", origin, ClientSecret, "hunter22")
	unchanged(t, another(a, fake, "wrong"), ErrPassphrase)
	unchanged(t, another(a, fake, ""), ErrPassphrase) // and nobody to ask

	asked := 0
	b := another(a, fake, "")
	answers := []Secret{"wrong", "correct horse"}
	b.Ask = func(_ context.Context, first bool) (Secret, error) {
		if first {
			t.Error("a new passphrase was asked for, of a file that has one")
		}
		asked++
		return answers[asked-1], nil
	}
	if !b.Sealed() {
		t.Error("it would have to ask, and says it would not")
	}
	get(t, b, "prod", origin, ClientSecret, "", ErrPassphrase)
	get(t, b, "prod", origin, ClientSecret, "hunter22", nil) // a second try is allowed
	setAge(t, b, "prod", origin, Password, "x")
	if asked != 2 || b.Sealed() {
		t.Errorf("asked %d times, sealed %t; want 2, and not any more", asked, b.Sealed())
	}
}

// TestAgeWithoutKeyring: a new file gets a passphrase only from somebody.
func TestAgeWithoutKeyring(t *testing.T) {
	gone := errors.New("no terminal")
	for _, tt := range []struct {
		name string
		ask  func(context.Context, bool) (Secret, error)
		want []error
	}{
		{"NobodyToAsk", nil, []error{ErrNoKeyring}},
		{"NoTerminal", func(context.Context, bool) (Secret, error) { return "", gone }, []error{ErrNoKeyring, gone}},
		{"NoAnswer", func(context.Context, bool) (Secret, error) { return "", nil }, []error{ErrNoKeyring, ErrPassphrase}},
		{"Answer", func(_ context.Context, first bool) (Secret, error) {
			if !first {
				return "", errors.New("asked as if there were a file")
			}
			return "correct horse", nil
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, fake := newAge(t, "")
			fake.err, a.Ask = errors.New("absent"), tt.ask
			err := a.Set(t.Context(), "prod", origin, ClientSecret, "hunter22")
			for _, want := range tt.want {
				if !errors.Is(err, want) {
					t.Errorf("Set = %v, want %v", err, want)
				}
			}
			_, serr := os.Stat(a.Path)
			if made := serr == nil; made != (tt.want == nil) || (err == nil) != (tt.want == nil) {
				t.Errorf("a file was made: %t (%v)", made, err)
			}
			if tt.want == nil {
				get(t, another(a, fake, "correct horse"), "prod", origin, ClientSecret, "hunter22", nil)
			}
		})
	}
}

// TestAgeKeepsItsWay: a file says itself what opens it. Neither a passphrase
// in the environment nor a lost keyring changes that.
func TestAgeKeepsItsWay(t *testing.T) {
	a, fake := newAge(t, "")
	setAge(t, a, "prod", origin, ClientSecret, "hunter22")
	b := another(a, fake, "correct horse")
	setAge(t, b, "prod", origin, Password, "x")
	if d := b.Describe(); !strings.Contains(d, "its key") {
		t.Errorf("Describe = %q after a change under a passphrase, want the key to stay", d)
	}
	fake.err = errors.New("locked")
	unchanged(t, another(a, fake, "correct horse"), ErrNoKeyring)
	fake.err = nil
	for account := range fake.entries {
		fake.entries[account] = "AGE-SECRET-KEY-1XYZ"
		unchanged(t, another(a, fake, ""), ErrKeyMissing)
		delete(fake.entries, account)
	}
	unchanged(t, another(a, fake, ""), ErrKeyMissing)
}

// TestAgeWriteFails: no file, and no key left over.
func TestAgeWriteFails(t *testing.T) {
	a, fake := newAge(t, "")
	fake.onSet = func() {
		if err := os.MkdirAll(a.Path, 0o700); err != nil { // a folder where the file should be
			t.Error(err)
		}
	}
	if err := a.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("Set = %v", err)
	}
	if len(fake.entries) != 0 || fake.calls["probe"] != 1 {
		t.Errorf("%d keys stay in the keyring, probed %d times", len(fake.entries), fake.calls["probe"])
	}
}

func TestExposedAgeFileIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	a, _ := newAge(t, "")
	setAge(t, a, "prod", origin, ClientSecret, "hunter22")
	if err := os.Chmod(a.Path, 0o640); err != nil {
		t.Fatal(err)
	}
	unchanged(t, a, ErrExposed)
}

// TestAgeSecretsTogether: two that make the file at once, and write to it.
func TestAgeSecretsTogether(t *testing.T) {
	a, fake := newAge(t, "")
	done := make(chan error)
	for _, profile := range []string{"a", "b"} {
		s := another(a, fake, "")
		go func() {
			var errs []error
			for _, name := range []string{ClientSecret, Password, AccessToken} {
				errs = append(errs, s.Set(t.Context(), profile, origin, name, "x"))
			}
			done <- errors.Join(errs...)
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for _, profile := range []string{"a", "b"} {
		if names, err := a.List(t.Context(), profile); err != nil || len(names) != 3 {
			t.Errorf("profile %s has %q, %v; want 3 secrets", profile, names, err)
		}
	}
	if len(fake.entries) != 1 {
		t.Errorf("%d keys for one file", len(fake.entries))
	}
}
