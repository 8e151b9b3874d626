package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/prompt"
)

// keepers are the stores into which idctl itself puts secrets. There is one of
// each in a process, so that the keyring is probed once and a passphrase asked
// for once; none is touched before it is asked for a secret.
type keepers struct {
	mu      sync.Mutex
	vault   *auth.Vault
	age     *auth.AgeSecrets
	keyring auth.Keyring // nil: the system's
}

// keeper is the store of a kind. Without a home folder it fails with
// config.ErrNoHome where it needs one.
func (c *connector) keeper(kind string) (auth.Secrets, error) {
	c.keepers.mu.Lock()
	defer c.keepers.mu.Unlock()
	switch kind {
	case config.SecretKeyring:
		return &auth.KeyringSecrets{Vault: c.openVault()}, nil
	case config.SecretAge:
		if c.keepers.age == nil {
			path, err := c.deps.Paths.State("secrets.age")
			if err != nil {
				return nil, err
			}
			given, _ := c.deps.Env("IDCTL_AGE_PASSPHRASE")
			c.keepers.age = &auth.AgeSecrets{
				Path: path, Vault: c.openVault(), Passphrase: auth.Secret(given), Ask: askPassphrase(c.deps.Prompt, path),
			}
		}
		return c.keepers.age, nil
	}
	path, err := c.deps.Paths.State("secrets.json")
	if err != nil {
		return nil, err
	}
	return &auth.FileSecrets{Path: path}, nil
}

// openVault wants the lock of keepers held.
func (c *connector) openVault() *auth.Vault {
	k := &c.keepers
	if k.vault == nil {
		if k.keyring == nil {
			k.keyring = auth.SystemKeyring{}
		}
		k.vault = &auth.Vault{Keyring: k.keyring, Clock: c.clock()}
	}
	return k.vault
}

// keptSecrets puts the environment before the store of a profile.
func (c *connector) keptSecrets(env *auth.EnvSecrets, r *config.Resolved) (auth.Secrets, error) {
	s, err := c.keeper(r.SecretStore)
	if errors.Is(err, config.ErrNoHome) && r.SecretStore == config.SecretFile {
		return cmdutil.FirstSecrets{env}, nil // the default: in CI there need be no file
	}
	if err != nil {
		return nil, err
	}
	return cmdutil.FirstSecrets{env, s}, nil
}

// askPassphrase asks for the passphrase of a file, twice for a new one.
func askPassphrase(p prompt.Prompter, path string) func(context.Context, bool) (auth.Secret, error) {
	const variable = "IDCTL_AGE_PASSPHRASE"
	return func(ctx context.Context, first bool) (auth.Secret, error) {
		text := "Passphrase of " + path
		if first {
			text = "There is no keyring. New passphrase for " + path
		}
		answer, err := p.Secret(ctx, prompt.Question{Text: text, Flag: variable, Check: func(v string) error {
			if v == "" {
				return errors.New("a passphrase is needed")
			}
			return nil
		}})
		if err != nil || !first {
			return auth.Secret(answer), err
		}
		again, err := p.Secret(ctx, prompt.Question{Text: "The same passphrase again", Flag: variable})
		if err != nil {
			return "", err
		}
		if again != answer {
			return "", fmt.Errorf("the two passphrases differ, nothing was stored: %w", auth.ErrPassphrase)
		}
		return auth.Secret(answer), nil
	}
}
