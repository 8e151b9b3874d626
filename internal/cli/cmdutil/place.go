package cmdutil

import (
	"context"
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/config"
)

// SecretPlace says in words where the secret of a profile is and whether it is
// set, without showing it. store is what Deps.Secrets gives. It runs no command
// and asks nobody for a passphrase; a keyring that cannot be used is a place
// like any other, not an error.
func SecretPlace(ctx context.Context, store auth.Secrets, r *config.Resolved) (string, error) {
	switch {
	case r.Local():
		return "made by itself on first use", nil
	case r.Auth == config.AuthJWTAssertion:
		return "private key in " + r.KeyFile, nil
	}
	name := PrimarySecret(r.Auth)
	where := describe(Kept(store))
	if r.SecretStore == config.SecretEnv {
		where = "variable " + SecretVariable(r)
	}
	if first, ok := store.(FirstSecrets); ok && len(first) > 1 {
		general := SecretVariable(&config.Resolved{Auth: r.Auth})
		_, err := first[0].Get(ctx, r.Name, r.URL, name)
		switch {
		case err == nil && r.SecretStore == config.SecretEnv && general == SecretVariable(r):
			return where + ", set", nil
		case err == nil:
			return "variable " + general + ", set, in place of: " + where, nil
		case errors.Is(err, auth.ErrOriginMismatch):
			return "variable " + general + ", set for another address, in place of: " + where, nil
		}
	}
	if r.SecretStore == config.SecretCommand {
		return where, nil // asking would run the command
	}
	kept := Kept(store)
	if s, ok := kept.(auth.Sealer); ok && s.Sealed() {
		return where + ", not looked into", nil
	}
	_, err := kept.Get(ctx, r.Name, r.URL, name)
	switch {
	case err == nil:
		return where + ", set", nil
	case errors.Is(err, auth.ErrNotFound):
		return where + ", not set", nil
	case errors.Is(err, auth.ErrOriginMismatch):
		return where + ", set for another address", nil
	case is(err, auth.ErrNoKeyring, auth.ErrPassphrase, auth.ErrKeyMissing):
		return where + ", cannot be opened: " + err.Error(), nil
	}
	return "", fmt.Errorf("look up the secret of profile %s: %w", r.Name, err)
}

func describe(s auth.Secrets) string {
	if d, ok := s.(auth.Describer); ok {
		return d.Describe()
	}
	return "a store of secrets"
}
