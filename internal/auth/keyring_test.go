package auth

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zalando/go-keyring"

	"github.com/idctl/idctl/pkg/transport"
)

// fakeKeyring is a keyring in memory.
type fakeKeyring struct {
	mu      sync.Mutex
	entries map[string]string
	calls   map[string]int // by account
	err     error          // of every call
	setErr  error
	drop    bool          // forget what is set, and say nothing
	hang    chan struct{} // not nil: calls wait for it
	after   int           // calls that are answered before hang counts
	late    chan struct{} // told that a call hangs
	onSet   func()
}

func newKeyring() *fakeKeyring {
	return &fakeKeyring{entries: map[string]string{}, calls: map[string]int{}}
}

func (k *fakeKeyring) begin(service, account string) error {
	k.mu.Lock()
	k.calls[account]++
	n := 0
	for _, c := range k.calls {
		n += c
	}
	hang := k.hang
	if n <= k.after {
		hang = nil
	}
	k.mu.Unlock()
	if service != "idctl" {
		return errors.New("unexpected service " + service)
	}
	if hang != nil {
		if k.late != nil {
			k.late <- struct{}{}
		}
		<-hang
	}
	return k.err
}

func (k *fakeKeyring) Get(service, account string) (string, error) {
	if err := k.begin(service, account); err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.entries[account]
	if !ok {
		return "", ErrNotFound
	}
	return v, nil
}

func (k *fakeKeyring) Set(service, account, value string) error {
	if err := k.begin(service, account); err != nil {
		return err
	}
	if k.setErr != nil {
		return k.setErr
	}
	if k.onSet != nil {
		k.onSet()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.drop {
		k.entries[account] = value
	}
	return nil
}

func (k *fakeKeyring) Delete(service, account string) error {
	if err := k.begin(service, account); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.entries[account]; !ok {
		return ErrNotFound
	}
	delete(k.entries, account)
	return nil
}

// waitClock keeps what is slept. A wait ends when it is told so, or with its
// context.
type waitClock struct {
	late  chan struct{}
	mu    sync.Mutex
	slept []time.Duration
}

func (*waitClock) Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func (c *waitClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.slept = append(c.slept, d)
	c.mu.Unlock()
	select {
	case <-c.late:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newVault(k Keyring) *Vault { return &Vault{Keyring: k, Clock: &waitClock{}} }

func TestKeyringSecrets(t *testing.T) {
	fake := newKeyring()
	k := &KeyringSecrets{Vault: newVault(fake)}
	ctx := t.Context()
	get(t, k, "prod", origin, ClientSecret, "", ErrNotFound)
	for _, s := range []struct {
		profile, origin, name string
		value                 Secret
	}{
		{"prod", origin + "/admin/v1", ClientSecret, "hunter22"},
		{"prod", origin, Password, "hunter22 ä\"\n"},
		{"ada@host.example.com", "http://127.0.0.1:8080", ClientSecret, "other"},
	} {
		if err := k.Set(ctx, s.profile, s.origin, s.name, s.value); err != nil {
			t.Fatal(err)
		}
		get(t, k, s.profile, s.origin, s.name, s.value.Reveal(), nil)
	}
	if _, ok := fake.entries["prod/client_secret"]; !ok {
		t.Errorf("entries are %q, want one called prod/client_secret", fake.entries)
	}
	for _, other := range []string{"http://idcs.example.com", "https://idcs.example.com:8443", "https://evil.example.com"} {
		get(t, k, "prod", other, ClientSecret, "", ErrOriginMismatch)
	}
	names, err := k.List(ctx, "prod")
	if diff := cmp.Diff([]string{ClientSecret, Password}, names); diff != "" || err != nil {
		t.Errorf("List (-want +got), %v:\n%s", err, diff)
	}
	if err := k.Delete(ctx, "prod", ClientSecret); err != nil {
		t.Fatal(err)
	}
	if err := k.Delete(ctx, "prod", ClientSecret); !errors.Is(err, ErrNotFound) {
		t.Errorf("Delete again = %v", err)
	}
	if err := k.Set(ctx, "prod", origin, ClientSecret, ""); err == nil {
		t.Error("an empty secret was stored")
	}
	if err := k.Set(ctx, "prod", "idcs.example.com", ClientSecret, "x"); err == nil {
		t.Error("a secret without an origin was stored")
	}
	if n := fake.calls["probe"]; n != 1 {
		t.Errorf("probed %d times, want once", n)
	}
	if d := k.Describe(); !strings.Contains(d, "service idctl") {
		t.Errorf("Describe = %q", d)
	}
}

func TestForeignKeyringEntry(t *testing.T) {
	for name, entry := range map[string]string{
		"Plain": "hunter22", "NoOrigin": `{"value":"hunter22"}`, "NoValue": `{"origin":"https://idcs.example.com"}`, "Empty": "",
		"BadOrigin": `{"origin":"x","value":"hunter22"}`,
	} {
		t.Run(name, func(t *testing.T) {
			fake := newKeyring()
			fake.entries["prod/client_secret"] = entry
			k := &KeyringSecrets{Vault: newVault(fake)}
			want := ErrDamaged
			if name == "BadOrigin" {
				want = transport.ErrBadRequest
			}
			get(t, k, "prod", origin, ClientSecret, "", want)
			if err := k.Set(t.Context(), "prod", origin, ClientSecret, "new"); err != nil {
				t.Errorf("it cannot be set again: %v", err)
			}
			get(t, k, "prod", origin, ClientSecret, "new", nil)
		})
	}
}

// TestNoKeyring: whatever is wrong with it, there is one kind of error, it
// comes after one probe, and it says what else there is.
func TestNoKeyring(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for _, tt := range []struct {
		name string
		fake *fakeKeyring
		text string
	}{
		{"Absent", &fakeKeyring{err: errors.New(`exec: "dbus-launch": executable file not found in $PATH`)}, "dbus-launch"},
		{"NoService", &fakeKeyring{err: errors.New("The name org.freedesktop.secrets was not provided")}, "not provided"},
		{"Unsupported", &fakeKeyring{err: keyring.ErrUnsupportedPlatform}, "unsupported"},
		{"Locked", &fakeKeyring{hang: hang, late: make(chan struct{})}, "waited 3s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.fake.calls = map[string]int{}
			k := &KeyringSecrets{Vault: &Vault{Keyring: tt.fake, Clock: &waitClock{late: tt.fake.late}}}
			for range 2 {
				_, err := k.Get(t.Context(), "prod", origin, ClientSecret)
				var none *NoKeyringError
				if !errors.As(err, &none) || !errors.Is(err, ErrNoKeyring) || !strings.Contains(err.Error(), tt.text) {
					t.Fatalf("Get = %v, want ErrNoKeyring with %q", err, tt.text)
				}
				for _, place := range []string{"file", "age", "env", "command"} {
					if !strings.Contains(none.Hint(), place) {
						t.Errorf("the hint %q does not name %s", none.Hint(), place)
					}
				}
				for what, err := range map[string]error{
					"Set":    k.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"),
					"Delete": k.Delete(t.Context(), "prod", ClientSecret),
					"Check":  k.Check(t.Context()),
				} {
					if !errors.Is(err, ErrNoKeyring) || strings.Contains(err.Error(), "hunter22") {
						t.Errorf("%s = %v, want ErrNoKeyring", what, err)
					}
				}
				if _, err := k.List(t.Context(), "prod"); !errors.Is(err, ErrNoKeyring) {
					t.Errorf("List = %v, want ErrNoKeyring", err)
				}
			}
			tt.fake.mu.Lock()
			defer tt.fake.mu.Unlock()
			if diff := cmp.Diff(map[string]int{"probe": 1}, tt.fake.calls); diff != "" {
				t.Errorf("calls of the keyring (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKeyringStopsAnswering: it was there, and then it asks for ever.
func TestKeyringStopsAnswering(t *testing.T) {
	fake := newKeyring()
	fake.hang, fake.after, fake.late = make(chan struct{}), 1, make(chan struct{})
	t.Cleanup(func() { close(fake.hang) })
	clock := &waitClock{late: fake.late}
	k := &KeyringSecrets{Vault: &Vault{Keyring: fake, Clock: clock}}
	if err := k.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		get(t, k, "prod", origin, ClientSecret, "", ErrNoKeyring)
	}
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if n := fake.calls["prod/client_secret"]; n != 1 {
		t.Errorf("asked %d times, want 1: the outcome is remembered", n)
	}
	clock.mu.Lock()
	defer clock.mu.Unlock()
	if last := clock.slept[len(clock.slept)-1]; last != 30*time.Second {
		t.Errorf("waited %s, want 30s", last)
	}
}

// TestCancelledProbe: whoever gives up decides for nobody else.
func TestCancelledProbe(t *testing.T) {
	fake := newKeyring()
	fake.hang = make(chan struct{})
	k := &KeyringSecrets{Vault: newVault(fake)}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Check(ended); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoKeyring) {
		t.Errorf("Check = %v, want context.Canceled alone", err)
	}
	close(fake.hang)
	if err := k.Check(t.Context()); err != nil {
		t.Errorf("Check after it = %v", err)
	}
}

func TestKeyringPanics(t *testing.T) {
	k := &KeyringSecrets{Vault: newVault(panicking{})}
	if err := k.Check(t.Context()); !errors.Is(err, ErrNoKeyring) || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("Check = %v, want ErrNoKeyring without the panic's value", err)
	}
}

type panicking struct{ Keyring }

func (panicking) Get(string, string) (string, error) { panic("hunter22") }

// TestKeyringRefusesToStore: an entry that was not kept is an error, and no
// error repeats the secret.
func TestKeyringRefusesToStore(t *testing.T) {
	entry, err := json.Marshal(storedSecret{Origin: "https://idcs.example.com:443", Value: "hunter22"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		make func(*fakeKeyring)
		want error
	}{
		{"Forgets", func(k *fakeKeyring) { k.drop = true }, ErrNoKeyring},
		{"KeepsTheOldOne", func(k *fakeKeyring) { k.drop, k.entries["prod/client_secret"] = true, "old" }, ErrNoKeyring},
		{"Fails", func(k *fakeKeyring) { k.setErr = errors.New("denied") }, ErrNoKeyring},
		{"FailsLoudly", func(k *fakeKeyring) { k.setErr = errors.New("cannot store " + string(entry)) }, ErrNoKeyring},
		{"TooLarge", func(k *fakeKeyring) { k.setErr = ErrTooLarge }, ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake := newKeyring()
			tt.make(fake)
			k := &KeyringSecrets{Vault: newVault(fake)}
			err := k.Set(t.Context(), "prod", origin, ClientSecret, "hunter22")
			if !errors.Is(err, tt.want) || strings.Contains(err.Error(), "hunter22") {
				t.Errorf("Set = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestKeyringLimits(t *testing.T) {
	for goos, most := range map[string]int{"windows": 2560, "darwin": 2800, "linux": 64 << 10} {
		t.Run(goos, func(t *testing.T) {
			fake := newKeyring()
			k := &KeyringSecrets{Vault: newVault(fake), MaxValue: keyringMax(goos)}
			empty, err := json.Marshal(storedSecret{Origin: origin + ":443"})
			if err != nil {
				t.Fatal(err)
			}
			fits := most - len(empty)
			if normal, err := normalOrigin(origin); err != nil || len(normal) != len(origin+":443") {
				fits += len(origin+":443") - len(normal)
			}
			if err := k.Set(t.Context(), "prod", origin, AccessToken, Secret(strings.Repeat("x", fits))); err != nil {
				t.Errorf("%d bytes: %v", fits, err)
			}
			err = k.Set(t.Context(), "prod", origin, AccessToken, Secret(strings.Repeat("x", fits+1)))
			var large *TooLargeError
			if !errors.As(err, &large) || !strings.Contains(large.Hint(), "age") || strings.Contains(err.Error(), "xxx") {
				t.Errorf("%d bytes: %v, want a TooLargeError that points to age", fits+1, err)
			}
			if got := len(fake.entries["prod/token"]); got != most {
				t.Errorf("the entry has %d bytes, want the %d that fit", got, most)
			}
		})
	}
}

// TestMacOSCommandLine: the largest entry fits the command by which go-keyring
// stores it.
func TestMacOSCommandLine(t *testing.T) {
	longest := account(strings.Repeat("p", 64), RefreshToken)
	command := "add-generic-password -U -s " + keyringService + " -a '" + longest + "' -w 'go-keyring-base64:" +
		strings.Repeat("x", (keyringMax("darwin")+2)/3*4) + "'\n"
	if len(command) > 4096 {
		t.Errorf("the command has %d bytes, macOS takes 4096", len(command))
	}
}

// TestSystemKeyring goes through the library, with its own mock below.
func TestSystemKeyring(t *testing.T) {
	keyring.MockInit()
	k := &KeyringSecrets{Vault: newVault(SystemKeyring{})}
	get(t, k, "prod", origin, ClientSecret, "", ErrNotFound)
	if err := k.Set(t.Context(), "prod", origin, ClientSecret, "hunter22"); err != nil {
		t.Fatal(err)
	}
	get(t, k, "prod", origin, ClientSecret, "hunter22", nil)
	if err := k.Delete(t.Context(), "prod", ClientSecret); err != nil {
		t.Fatal(err)
	}
	get(t, k, "prod", origin, ClientSecret, "", ErrNotFound)
	keyring.MockInitWithError(keyring.ErrSetDataTooBig)
	if err := (SystemKeyring{}).Set("idctl", "a", "b"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Set = %v, want ErrTooLarge", err)
	}
	keyring.MockInitWithError(errors.New("hush"))
	if err := (&KeyringSecrets{Vault: newVault(SystemKeyring{})}).Check(t.Context()); !errors.Is(err, ErrNoKeyring) {
		t.Errorf("Check = %v, want ErrNoKeyring", err)
	}
}
