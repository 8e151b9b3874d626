package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// Secret is the type of all secrets; see transport.Secret.
type Secret = transport.Secret

// The names under which secrets are kept.
const (
	ClientSecret = "client_secret"
	AccessToken  = "token"
	Password     = "password"
	RefreshToken = "refresh_token"
)

// Secrets is a store of secrets. A secret belongs to a profile and to the
// origin (scheme, host, port) that it was given for; it is not given out for
// another one. Origins may be written as any URL of the service.
type Secrets interface {
	// Get returns a secret. ErrNotFound, ErrOriginMismatch, ErrExposed.
	Get(ctx context.Context, profile, origin, name string) (Secret, error)
	// Set stores a secret in place of an older one, of whatever origin.
	// ErrReadOnly.
	Set(ctx context.Context, profile, origin, name string, value Secret) error
	// Delete removes a secret. ErrNotFound when there is none, ErrReadOnly.
	Delete(ctx context.Context, profile, name string) error
	// List returns the names of a profile's secrets, sorted.
	List(ctx context.Context, profile string) ([]string, error)
}

// Describer is a store that says in words where it keeps secrets, for profile
// show and doctor. It asks nobody and shows no secret.
type Describer interface{ Describe() string }

// Checker is a store that can say, before anything is changed, whether it can
// be written.
type Checker interface {
	Check(ctx context.Context) error
}

// Sealer is a store that may need to ask its owner before it can be read.
type Sealer interface {
	// Sealed says whether the next Get would ask.
	Sealed() bool
}

var (
	// ErrNotFound means that there is no such secret.
	ErrNotFound = errors.New("no such secret")
	// ErrOriginMismatch means that the secret was given for another service.
	ErrOriginMismatch = errors.New("the secret was given for another origin")
	// ErrReadOnly means that this store cannot be changed from here.
	ErrReadOnly = errors.New("this store of secrets cannot be changed by idctl")
	// ErrDamaged means that the file of secrets cannot be read; it is left as it is.
	ErrDamaged = errors.New("damaged file of secrets")
	// ErrExposed means that others can read the file; see ExposedError.
	ErrExposed = errors.New("secrets can be read by others")
	// ErrCommand means that the command that gives a secret did not.
	ErrCommand = errors.New("the command for a secret failed")
)

// ExposedError is a file that group or others may read.
type ExposedError struct {
	Path string
	Mode fs.FileMode
}

func (e *ExposedError) Error() string {
	return fmt.Sprintf("%s has mode %#o: %v: run chmod 600 %s", e.Path, e.Mode, ErrExposed, shellQuote(e.Path))
}

// Is makes errors.Is(err, ErrExposed) true.
func (e *ExposedError) Is(target error) bool { return target == ErrExposed }

// Hint is the command that helps, and what else to think of.
func (e *ExposedError) Hint() string {
	return "chmod 600 " + shellQuote(e.Path) + ", and change the secret if others use this machine"
}

func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:@%,~", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 && s[0] != '~' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// normalOrigin writes an origin in the one form in which they are compared.
func normalOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", fmt.Errorf("%w: a secret needs the URL of its service, https://host", transport.ErrBadRequest)
	}
	return transport.Origin(u), nil
}

// checkOrigin compares the origin that a secret is bound to with the one that
// it is asked for.
func checkOrigin(profile, name, bound, asked string) error {
	want, err := normalOrigin(bound)
	if err != nil {
		return err
	}
	got, err := normalOrigin(asked)
	if err != nil {
		return err
	}
	if want != got {
		return fmt.Errorf("%s of profile %q is for %s, not for %s: %w: set it again if the service has moved",
			name, profile, want, got, ErrOriginMismatch)
	}
	return nil
}

// newStored is a secret as it is kept.
func newStored(profile, origin, name string, value Secret) (storedSecret, error) {
	normal, err := normalOrigin(origin)
	if err != nil {
		return storedSecret{}, err
	}
	if value.IsZero() {
		return storedSecret{}, fmt.Errorf("%s of profile %q is empty: nothing was stored", name, profile)
	}
	return storedSecret{Origin: normal, Value: value.Reveal()}, nil
}

func notFound(profile, name, where string) error {
	return fmt.Errorf("%s of profile %q in %s: %w", name, profile, where, ErrNotFound)
}

// NewRefreshStore keeps a profile's refresh token among its secrets.
func NewRefreshStore(s Secrets, profile, origin string) tokens.RefreshStore {
	return refreshStore{secrets: s, profile: profile, origin: origin}
}

type refreshStore struct {
	secrets         Secrets
	profile, origin string
}

// Load returns the empty secret when there is none, which tokens.Refresh
// answers with its own error.
func (r refreshStore) Load(ctx context.Context) (Secret, error) {
	s, err := r.secrets.Get(ctx, r.profile, r.origin, RefreshToken)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return s, err
}

func (r refreshStore) Save(ctx context.Context, token Secret) error {
	return r.secrets.Set(ctx, r.profile, r.origin, RefreshToken, token)
}
