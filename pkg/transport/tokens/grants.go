package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/idctl/idctl/pkg/transport"
)

type sourceFunc func(ctx context.Context) (transport.Token, error)

func (f sourceFunc) Token(ctx context.Context) (transport.Token, error) { return f(ctx) }

// ClientCredentials is the grant of RFC 6749 section 4.4: the application acts
// in its own name.
func ClientCredentials(c Config) transport.TokenSource {
	return sourceFunc(func(ctx context.Context) (transport.Token, error) {
		return c.request(ctx, url.Values{"grant_type": {"client_credentials"}}, true)
	})
}

// Password is the grant of RFC 6749 section 4.3. A request whose answer was
// lost is not repeated, because wrong passwords are counted and lock the user.
func Password(c Config, username string, password transport.Secret) transport.TokenSource {
	return sourceFunc(func(ctx context.Context) (transport.Token, error) {
		return c.request(ctx, url.Values{
			"grant_type": {"password"},
			"username":   {username},
			"password":   {password.Reveal()},
		}, false, password)
	})
}

// RefreshStore holds a refresh token between requests and between processes.
type RefreshStore interface {
	Load(ctx context.Context) (transport.Secret, error)
	// Save is called when the service gave a new one in exchange; the old one
	// may be worthless from then on.
	Save(ctx context.Context, token transport.Secret) error
}

// ErrNoRefreshToken means that there is nothing to renew the access with.
var ErrNoRefreshToken = errors.New("no refresh token: log in again")

// Refresh is the grant of RFC 6749 section 6. The refresh token is read from
// store at each request, so that another process may have changed it, and a
// rotated one is saved before the access token is handed out.
func Refresh(c Config, store RefreshStore) transport.TokenSource {
	return sourceFunc(func(ctx context.Context) (transport.Token, error) {
		refresh, err := store.Load(ctx)
		if err != nil {
			return transport.Token{}, fmt.Errorf("load the refresh token: %w", err)
		}
		if refresh.IsZero() {
			return transport.Token{}, ErrNoRefreshToken
		}
		tok, err := c.request(ctx, url.Values{
			"grant_type":    {"refresh_token"},
			"refresh_token": {refresh.Reveal()},
		}, false, refresh)
		if err != nil {
			return transport.Token{}, err
		}
		if !tok.Refresh.IsZero() && tok.Refresh != refresh {
			// Saved even when the caller gave up meanwhile: the old one is spent.
			if err := store.Save(context.WithoutCancel(ctx), tok.Refresh); err != nil {
				return transport.Token{}, fmt.Errorf("save the new refresh token: %w", err)
			}
		}
		return tok, nil
	})
}

// Assert gives a JWT that proves who the user is. It is asked at each request,
// because assertions are short-lived.
type Assert func(ctx context.Context) (transport.Secret, error)

// UserAssertion is the grant of RFC 7523 section 2.1: a token for the user that
// the assertion names.
func UserAssertion(c Config, assert Assert) transport.TokenSource {
	return sourceFunc(func(ctx context.Context) (transport.Token, error) {
		jwt, err := assert(ctx)
		if err != nil {
			return transport.Token{}, fmt.Errorf("make the user assertion: %w", err)
		}
		return c.request(ctx, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
			"assertion":  {jwt.Reveal()},
		}, false, jwt)
	})
}

// SignedUser returns an Assert that signs an assertion for user, issued by the
// client.
func SignedUser(s *Signer, clock transport.Clock, clientID, user, endpoint string) Assert {
	return func(context.Context) (transport.Secret, error) {
		return s.Sign(clock.Now(), clientID, user, endpoint)
	}
}

// Static is a token that somebody gave us, of unknown life. It cannot be
// renewed: when the service refuses it, the caller sees the 401.
func Static(token transport.Secret) transport.TokenSource {
	return sourceFunc(func(context.Context) (transport.Token, error) {
		if token.IsZero() {
			return transport.Token{}, errors.New("the given token is empty")
		}
		if !printable(token.Reveal()) {
			return transport.Token{}, errors.New("the given token holds blanks or characters that no header can carry: was it copied whole, without quotes?")
		}
		return transport.Token{Value: token, Type: "Bearer"}, nil
	})
}
