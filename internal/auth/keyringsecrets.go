package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
)

// KeyringSecrets keeps each secret as an entry of the system's keyring, under
// the service "idctl" and the account "profile/name". The origin is part of
// what is stored, so that an entry is bound to it.
type KeyringSecrets struct {
	// Vault is needed.
	Vault *Vault
	// MaxValue is the largest entry in bytes. Default: what this system takes.
	MaxValue int
}

var (
	_ Secrets   = (*KeyringSecrets)(nil)
	_ Describer = (*KeyringSecrets)(nil)
	_ Checker   = (*KeyringSecrets)(nil)
)

// TooLargeError is a secret that the system's keyring does not take.
type TooLargeError struct {
	Profile, Name string
	Size, Max     int // of the whole entry, in bytes; Max 0 when it is not known
}

func (e *TooLargeError) Error() string {
	s := fmt.Sprintf("%s of profile %q is %v: %d bytes with its address", e.Name, e.Profile, ErrTooLarge, e.Size)
	if e.Max > 0 {
		s += fmt.Sprintf(", at most %d", e.Max)
	}
	return s
}

// Is makes errors.Is(err, ErrTooLarge) true.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// Hint names the place that has no such limit.
func (*TooLargeError) Hint() string {
	return "use --secret-store age: an encrypted file of any size, of which only the key is in the keyring"
}

func account(profile, name string) string { return profile + "/" + name }

// Check says whether the keyring can be used.
func (k *KeyringSecrets) Check(ctx context.Context) error { return k.Vault.Check(ctx) }

// Describe says where the secrets are.
func (k *KeyringSecrets) Describe() string {
	return "entries of service " + keyringService + " in " + keyringName(runtime.GOOS)
}

func keyringName(goos string) string {
	switch goos {
	case "windows":
		return "the Windows credential manager"
	case "darwin":
		return "the macOS login keychain"
	}
	return "the desktop's keyring (Secret Service)"
}

// keyringMax is the largest value that an entry takes. Windows says 2,560
// bytes. On macOS the command line that stores it may have 4,096 bytes in all,
// in which the value stands in base64. Elsewhere there is no limit but reason.
func keyringMax(goos string) int {
	switch goos {
	case "windows":
		return 2560
	case "darwin":
		return 2800
	}
	return 64 << 10
}

// Get returns a secret. ErrNoKeyring besides those of Secrets.
func (k *KeyringSecrets) Get(ctx context.Context, profile, origin, name string) (Secret, error) {
	text, err := k.Vault.get(ctx, account(profile, name))
	switch {
	case errors.Is(err, ErrNotFound):
		return "", notFound(profile, name, "the keyring")
	case err != nil:
		return "", k.fail(profile, name, err)
	}
	var s storedSecret
	// The decoder's error may quote the entry, so it is not passed on.
	if json.Unmarshal([]byte(text), &s) != nil || s.Origin == "" || s.Value == "" {
		return "", fmt.Errorf("%s of profile %q: the keyring's entry %s of service %s was not written by idctl: %w: set the secret again",
			name, profile, account(profile, name), keyringService, ErrDamaged)
	}
	if err := checkOrigin(profile, name, s.Origin, origin); err != nil {
		return "", err
	}
	return Secret(s.Value), nil
}

// Set stores a secret. ErrNoKeyring, ErrTooLarge.
func (k *KeyringSecrets) Set(ctx context.Context, profile, origin, name string, value Secret) error {
	s, err := newStored(profile, origin, name, value)
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the secret: %w", err)
	}
	most := k.MaxValue
	if most <= 0 {
		most = keyringMax(runtime.GOOS)
	}
	if len(text) > most {
		return &TooLargeError{Profile: profile, Name: name, Size: len(text), Max: most}
	}
	err = k.Vault.set(ctx, account(profile, name), string(text))
	switch {
	case errors.Is(err, ErrTooLarge):
		return &TooLargeError{Profile: profile, Name: name, Size: len(text)}
	case err != nil:
		return k.fail(profile, name, err)
	}
	return nil
}

// Delete removes a secret.
func (k *KeyringSecrets) Delete(ctx context.Context, profile, name string) error {
	err := k.Vault.delete(ctx, account(profile, name))
	switch {
	case errors.Is(err, ErrNotFound):
		return notFound(profile, name, "the keyring")
	case err != nil:
		return k.fail(profile, name, err)
	}
	return nil
}

// List looks for each name there is: keyrings are not asked for lists here.
func (k *KeyringSecrets) List(ctx context.Context, profile string) ([]string, error) {
	var found []string
	for _, name := range []string{ClientSecret, Password, RefreshToken, AccessToken} { // sorted
		_, err := k.Vault.get(ctx, account(profile, name))
		switch {
		case err == nil:
			found = append(found, name)
		case !errors.Is(err, ErrNotFound):
			return nil, k.fail(profile, name, err)
		}
	}
	return found, nil
}

func (*KeyringSecrets) fail(profile, name string, err error) error {
	return fmt.Errorf("%s of profile %q: %w", name, profile, err)
}
