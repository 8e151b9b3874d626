// Package oauth is the emulator's authorisation server: the token,
// introspection and revocation endpoints of /oauth2/v1, the signing key with
// its public form, the two discovery documents, and the check of the bearer
// tokens it issued.
//
// It knows clients and asks two small interfaces about users; it knows neither
// SCIM nor which resources a token opens. Everything that two processes on one
// store must agree on (clients, the signing key, refresh tokens, revocations)
// lies in the store, secrets and tokens as digests only. Signing on through
// the browser, devices and consent are not built.
package oauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Lifetimes and bounds of idcs-behaviour 1.3 and 1.4.
const (
	// DefaultAccessTTL and DefaultRefreshTTL are what OAuthConfig declares.
	DefaultAccessTTL  = 3600 * time.Second
	DefaultRefreshTTL = 604800 * time.Second
	// MinExpiry and MaxExpiry bound the scope urn:opc:resource:expiry=.
	MinExpiry = time.Minute
	MaxExpiry = 365 * 24 * time.Hour
	// clockSkew is OAuthConfig.clockSkewSeconds, granted to assertions.
	clockSkew = time.Minute
	// maxTokenLength bounds what is looked at as a token at all.
	maxTokenLength = 16 << 10
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrBadCredentials: user name and password do not fit together. It does
	// not say which of both is wrong.
	ErrBadCredentials = errors.New("oauth: user name or password is wrong")
	// ErrUserInactive: the password is right, but the user is deactivated.
	ErrUserInactive = errors.New("oauth: the user is deactivated")
	// ErrUserLocked: the user is locked, and the settings let one say so.
	ErrUserLocked = errors.New("oauth: the user is locked")
	// ErrNotActivated: the user has not set a password yet.
	ErrNotActivated = errors.New("oauth: the user is not activated yet")
	// ErrPasswordExpired: the password is right, but too old.
	ErrPasswordExpired = errors.New("oauth: the password has expired")
	// ErrNoUser: no active user has this name.
	ErrNoUser = errors.New("oauth: no such user")
	// ErrInvalidToken: the token is malformed, not signed by this service, or
	// not an access token.
	ErrInvalidToken = errors.New("oauth: token is not valid")
	// ErrExpiredToken: the token's time is over.
	ErrExpiredToken = errors.New("oauth: token has expired")
	// ErrRevokedToken: the token was revoked.
	ErrRevokedToken = errors.New("oauth: token was revoked")
)

// Subject is the user for whom a token is issued.
type Subject struct {
	ID          string   `json:"id"`
	OCID        string   `json:"ocid,omitempty"`
	UserName    string   `json:"userName"`
	DisplayName string   `json:"displayName,omitempty"`
	Roles       []string `json:"roles,omitempty"`
}

// Passwords checks a user's password. Verify answers ErrBadCredentials when
// it is wrong and when there is no such user, and one of the other errors of
// users where the user may not sign in and may know why.
type Passwords interface {
	Verify(ctx context.Context, userName, password string) (Subject, error)
}

// Users finds the user that an assertion or a refresh token speaks of. Lookup
// answers ErrNoUser when there is none or the user is not active.
type Users interface {
	Lookup(ctx context.Context, userName string) (Subject, error)
}

// Apps knows the clients that are Apps of the domain, and who holds which role.
type Apps interface {
	// Client answers the active App that is the OAuth client id, with the
	// names of the roles granted to it, or store.ErrNotFound. registered is the
	// client of this id that was registered here, or nil.
	Client(ctx context.Context, id string, registered *Client) (Client, error)
	// UserRoles answers the names of the roles that a user holds in the session
	// of a client, given by the id of its App.
	UserRoles(ctx context.Context, app, user string) ([]string, error)
}

// Config is what a Server needs. Store, Now and BaseURL must be set; without
// Passwords or Users the grants that need them answer unsupported_grant_type.
type Config struct {
	Store store.Store
	// Now is the service's time, by which tokens live and die.
	Now func() time.Time
	// BaseURL answers the scheme and host under which a request reached the
	// service, without a trailing slash: the issuer of its tokens.
	BaseURL   func(*http.Request) string
	Passwords Passwords
	Users     Users
	// Apps adds the domain's Apps to the clients that were registered; nil
	// leaves these alone, with the roles that they were registered with.
	Apps Apps
	// Tenant is the tenant name in tokens; empty means "local".
	Tenant string
	// AccessTTL and RefreshTTL replace the defaults when greater than zero.
	AccessTTL  time.Duration
	RefreshTTL time.Duration
	// NewKey makes the signing key when the store has none; nil generates an
	// RSA key of 2048 bits, which takes from a tenth of a second to a few.
	NewKey func() (*rsa.PrivateKey, error)
	Log    *slog.Logger
}

// Server is the authorisation server. It is safe for concurrent use.
type Server struct {
	cfg   Config
	keyMu sync.Mutex // one key generation at a time
	key   *signingKey
	cache *verifyCache
	// bootstrap clients are written again when the store was reset.
	bootMu    sync.Mutex
	bootstrap map[string]Client
}

// New makes a Server. It touches neither the store nor the random source: the
// signing key is made when the first token is issued, so that a start which
// needs no token does not pay for it.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Now == nil || cfg.BaseURL == nil {
		return nil, errors.New("oauth: store, clock and base URL are needed")
	}
	if cfg.Tenant == "" {
		cfg.Tenant = "local"
	}
	if cfg.AccessTTL <= 0 {
		cfg.AccessTTL = DefaultAccessTTL
	}
	if cfg.RefreshTTL <= 0 {
		cfg.RefreshTTL = DefaultRefreshTTL
	}
	if cfg.NewKey == nil {
		cfg.NewKey = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, signingKeyBits) }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, cache: newVerifyCache(verifyCacheSize), bootstrap: map[string]Client{}}, nil
}

// ServeHTTP routes the endpoints below /oauth2/v1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case TokenPath:
		s.post(w, r, s.token)
	case IntrospectPath:
		s.post(w, r, s.introspect)
	case RevokePath:
		s.post(w, r, s.revoke)
	default:
		writeJSON(w, http.StatusNotFound, errorBody{Code: "not_found", Description: "no such endpoint below /oauth2/v1"})
	}
}

// The paths that this package serves.
const (
	TokenPath      = "/oauth2/v1/token" //nolint:gosec // a path, not a credential
	IntrospectPath = "/oauth2/v1/introspect"
	RevokePath     = "/oauth2/v1/revoke"
	JWKPath        = "/admin/v1/SigningCert/jwk"
	OpenIDPath     = "/.well-known/openid-configuration"
	IDCSPath       = "/.well-known/idcs-configuration"
)

// randomHex answers n random bytes as hex digits. crypto/rand.Read does not
// fail (it ends the program when the system has no randomness).
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
