package cmdutil

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// PrimarySecret is the name of the secret that a way to log in turns on.
func PrimarySecret(way string) string {
	switch way {
	case config.AuthPassword, config.AuthBasic:
		return auth.Password
	case config.AuthRefresh:
		return auth.RefreshToken
	case config.AuthToken:
		return auth.AccessToken
	}
	return auth.ClientSecret
}

// SecretVariable is the variable that holds a profile's primary secret: the
// one the profile names, or the general one. It is empty for a secret that
// cannot be in the environment, because it changes.
func SecretVariable(r *config.Resolved) string {
	general := map[string]string{
		auth.ClientSecret: "IDCTL_CLIENT_SECRET", auth.Password: "IDCTL_PASSWORD", auth.AccessToken: "IDCTL_TOKEN",
	}[PrimarySecret(r.Auth)]
	if general != "" && r.SecretEnv != "" {
		return r.SecretEnv
	}
	return general
}

// FirstSecrets asks several stores in turn. What is set, deleted and listed is
// the last one's business.
type FirstSecrets []auth.Secrets

var _ auth.Secrets = FirstSecrets(nil)

// Get returns the first secret found.
func (f FirstSecrets) Get(ctx context.Context, profile, origin, name string) (auth.Secret, error) {
	err := fmt.Errorf("%s of profile %q: %w", name, profile, auth.ErrNotFound)
	for _, s := range f {
		var v auth.Secret
		if v, err = s.Get(ctx, profile, origin, name); !errors.Is(err, auth.ErrNotFound) {
			return v, err
		}
	}
	return "", err
}

func (f FirstSecrets) last() auth.Secrets { return f[len(f)-1] }

// Kept is the store behind whatever overrides it: where Set stores.
func Kept(s auth.Secrets) auth.Secrets {
	if f, ok := s.(FirstSecrets); ok {
		return f.last()
	}
	return s
}

// Set stores in the last store.
func (f FirstSecrets) Set(ctx context.Context, profile, origin, name string, v auth.Secret) error {
	return f.last().Set(ctx, profile, origin, name, v)
}

// Delete deletes from the last store.
func (f FirstSecrets) Delete(ctx context.Context, profile, name string) error {
	return f.last().Delete(ctx, profile, name)
}

// List lists the last store.
func (f FirstSecrets) List(ctx context.Context, profile string) ([]string, error) {
	return f.last().List(ctx, profile)
}

// LoginError is a profile without the credential it needs.
type LoginError struct {
	Profile string
	Err     error
}

func (e *LoginError) Error() string { return "not logged in: " + e.Err.Error() }
func (e *LoginError) Unwrap() error { return e.Err }

// Hint names the ways in.
func (e *LoginError) Hint() string {
	if e.Profile == config.EnvProfile {
		return "set IDCTL_CLIENT_ID and IDCTL_CLIENT_SECRET, or IDCTL_TOKEN"
	}
	return "log in with: idctl login --profile " + e.Profile
}

// ExitCode implements ExitCoder.
func (e *LoginError) ExitCode() int { return ExitDenied }

// Grant is the token source of a profile's way to log in. The secrets are read
// at each request for a token, so that one that has a good token in the cache
// never asks a password manager.
func Grant(cfg tokens.Config, r *config.Resolved, store auth.Secrets, clock transport.Clock) transport.TokenSource {
	return grant{cfg: cfg, r: r, store: store, clock: clock}
}

type grant struct {
	cfg   tokens.Config
	r     *config.Resolved
	store auth.Secrets
	clock transport.Clock
}

// Token asks the service.
func (g grant) Token(ctx context.Context) (transport.Token, error) {
	src, err := g.source(ctx)
	if err != nil {
		return transport.Token{}, err
	}
	return src.Token(ctx)
}

func (g grant) source(ctx context.Context) (transport.TokenSource, error) {
	r := g.r
	if r.Auth == config.AuthToken {
		t, err := g.secret(ctx, auth.AccessToken)
		if err != nil {
			return nil, err
		}
		return tokens.Static(t), nil
	}
	if r.Auth == config.AuthBasic {
		return g.basic(ctx)
	}
	if r.ClientID == "" {
		return nil, &LoginError{Profile: r.Name, Err: errors.New("no client id")}
	}
	if r.Auth == config.AuthJWTAssertion {
		return g.assertion()
	}
	cfg := g.cfg
	secret, err := g.secret(ctx, auth.ClientSecret)
	switch {
	case err == nil:
		cfg.Client = tokens.Basic{ID: r.ClientID, Secret: secret}
	case errors.Is(err, auth.ErrNotFound) && r.Auth != config.AuthClientCredentials:
		cfg.Client = tokens.Public{ID: r.ClientID} // a client may be without a secret
	default:
		return nil, err
	}
	switch r.Auth {
	case config.AuthPassword:
		if r.User == "" {
			return nil, &LoginError{Profile: r.Name, Err: errors.New("no user name for auth password")}
		}
		pw, err := g.secret(ctx, auth.Password)
		if err != nil {
			return nil, err
		}
		return tokens.Password(cfg, r.User, pw), nil
	case config.AuthRefresh:
		return tokens.Refresh(cfg, auth.NewRefreshStore(g.store, r.Name, r.URL)), nil
	}
	return tokens.ClientCredentials(cfg), nil
}

// basic is no token: it is what stands in its place, made of the user's name
// and password (RFC 7617).
func (g grant) basic(ctx context.Context) (transport.TokenSource, error) {
	switch {
	case g.r.Provider != config.ProviderSCIM:
		return nil, Usagef("profile %s: auth basic is for provider scim, not for %s", g.r.Name, g.r.Provider)
	case g.r.User == "":
		return nil, &LoginError{Profile: g.r.Name, Err: errors.New("no user name for auth basic")}
	case strings.Contains(g.r.User, ":"):
		return nil, &LoginError{Profile: g.r.Name, Err: errors.New("a user name for auth basic cannot hold a colon")}
	}
	pw, err := g.secret(ctx, auth.Password)
	if err != nil {
		return nil, err
	}
	return basicCredential{auth.Secret(base64.StdEncoding.EncodeToString([]byte(g.r.User + ":" + pw.Reveal())))}, nil
}

type basicCredential struct{ value auth.Secret }

// Token implements transport.TokenSource.
func (b basicCredential) Token(context.Context) (transport.Token, error) {
	return transport.Token{Type: "Basic", Value: b.value}, nil
}

func (g grant) secret(ctx context.Context, name string) (auth.Secret, error) {
	v, err := g.store.Get(ctx, g.r.Name, g.r.URL, name)
	if errors.Is(err, auth.ErrNotFound) || errors.Is(err, auth.ErrOriginMismatch) {
		return "", &LoginError{Profile: g.r.Name, Err: err}
	}
	return v, err
}

// assertion signs with the profile's key: for the user named, or for the
// client itself.
func (g grant) assertion() (transport.TokenSource, error) {
	r := g.r
	if r.KeyFile == "" {
		return nil, &LoginError{Profile: r.Name, Err: errors.New("no keyFile for auth jwt-assertion")}
	}
	pem, err := os.ReadFile(r.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	key, err := tokens.ParseKey(pem)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", r.KeyFile, err)
	}
	signer := &tokens.Signer{Key: key, KeyID: r.KeyID}
	cfg := g.cfg
	cfg.Client = tokens.Assertion{ID: r.ClientID, Signer: signer}
	if r.User == "" {
		return tokens.ClientCredentials(cfg), nil
	}
	return tokens.UserAssertion(cfg, tokens.SignedUser(signer, g.clock, r.ClientID, r.User, cfg.URL)), nil
}
