package oauth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Grant types that the token endpoint knows.
const (
	GrantClientCredentials = "client_credentials"
	GrantPassword          = "password"
	GrantRefreshToken      = "refresh_token"
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // a grant type, not a credential
)

// Client types of App.clientType.
const (
	ClientConfidential = "confidential"
	ClientPublic       = "public"
	ClientTrusted      = "trusted"
)

// OperationIntrospect in Client.Operations allows a client to introspect.
const OperationIntrospect = "introspect"

// OperationOnBehalf makes the privileges of the user count alone where a client
// acts for one (idcs-behaviour 1.2).
const OperationOnBehalf = "onBehalfOfUser"

const (
	clientValuePrefix = "oauth.client."
	maxClientID       = 255
)

// Client is a registered OAuth client, named as an App names its parts.
type Client struct {
	// ID is the client_id, AppID the id of the App behind it.
	ID    string `json:"id"`
	AppID string `json:"appId"`
	Name  string `json:"name"`
	Type  string `json:"clientType"`
	// Grants and Operations are App.allowedGrants and App.allowedOperations.
	Grants     []string `json:"allowedGrants"`
	Operations []string `json:"allowedOperations,omitempty"`
	// Roles are the names of the admin roles granted to the client.
	Roles []string `json:"roles,omitempty"`
	// Keys holds the public keys with which its assertions are signed.
	Keys *jose.JSONWebKeySet `json:"jwks,omitempty"`
	// Salt and Digest stand for the secret: the SHA-256 of both together. It
	// is cheap on purpose; secrets made here have 256 random bits.
	Salt   string `json:"salt,omitempty"`
	Digest string `json:"digest,omitempty"`

	// check compares a secret that is kept elsewhere.
	check func(secret string) bool
}

// SetCheck makes a function that compares the client's secret stand for it.
func (c *Client) SetCheck(f func(secret string) bool) { c.check = f }

// SetSecret replaces the digest of the client's secret.
func (c *Client) SetSecret(secret string) {
	c.Salt = randomHex(16)
	c.Digest = secretDigest(c.Salt, secret)
}

func secretDigest(salt, secret string) string {
	sum := sha256.Sum256([]byte(salt + "\x00" + secret))
	return hex.EncodeToString(sum[:])
}

// checkSecret takes the same time whether or not the client has a secret.
func (c *Client) checkSecret(secret string) bool {
	if c.check != nil {
		return c.check(secret)
	}
	ok := subtle.ConstantTimeCompare([]byte(secretDigest(c.Salt, secret)), []byte(c.Digest)) == 1
	return ok && c.Digest != ""
}

func (c *Client) allows(grant string) bool { return slices.Contains(c.Grants, grant) }

// FindClient answers the client with this client_id, or store.ErrNotFound.
func (s *Server) FindClient(ctx context.Context, id string) (Client, error) {
	if id == "" || len(id) > maxClientID {
		return Client{}, store.ErrNotFound
	}
	var raw []byte
	err := s.cfg.Store.View(ctx, func(tx store.Tx) error {
		var err error
		raw, err = tx.Value(clientValuePrefix + id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		s.bootMu.Lock()
		c, ok := s.bootstrap[id]
		s.bootMu.Unlock()
		if ok { // the store was reset, perhaps by another process
			return c, s.saveClient(ctx, c)
		}
	}
	if err != nil {
		return Client{}, err
	}
	var c Client
	if err := json.Unmarshal(raw, &c); err != nil {
		return Client{}, fmt.Errorf("oauth: stored client %q: %w", id, err)
	}
	return c, nil
}

// client is FindClient for a client that is about to get or show a token: one
// that is an App is as the App says.
func (s *Server) client(ctx context.Context, id string) (Client, error) {
	c, err := s.FindClient(ctx, id)
	if s.cfg.Apps == nil || err != nil && !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	if err != nil {
		if id == "" || len(id) > maxClientID {
			return c, err
		}
		return s.cfg.Apps.Client(ctx, id, nil)
	}
	return s.cfg.Apps.Client(ctx, id, &c)
}

// userRoles adds to a user the roles held in the session of a client, and
// answers those that the token may carry: what both hold, or what the user holds
// where the client acts on behalf of users.
func (s *Server) userRoles(ctx context.Context, c *Client, u *Subject) ([]string, error) {
	if s.cfg.Apps != nil {
		var err error
		if u.Roles, err = s.cfg.Apps.UserRoles(ctx, c.AppID, u.ID); err != nil {
			return nil, err
		}
	}
	if slices.Contains(c.Operations, OperationOnBehalf) {
		return u.Roles, nil
	}
	return both(u.Roles, c.Roles), nil
}

// RegisterClient adds a client, or changes the one with its ID. The secret is
// kept as a digest; an empty one leaves the digest that the Client carries.
// Nothing is written when the store holds the same already. A bootstrap client
// belongs to this process and comes back when the store is reset.
func (s *Server) RegisterClient(ctx context.Context, c Client, secret string, bootstrap bool) error {
	if c.ID == "" || len(c.ID) > maxClientID {
		return fmt.Errorf("oauth: client id must have 1 to %d characters", maxClientID)
	}
	have, err := s.FindClient(ctx, c.ID)
	switch {
	case err == nil:
		if c.AppID == "" {
			c.AppID = have.AppID
		}
		if secret != "" && have.checkSecret(secret) {
			c.Salt, c.Digest, secret = have.Salt, have.Digest, ""
		}
		if secret == "" && c.Digest == "" {
			c.Salt, c.Digest = have.Salt, have.Digest
		}
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("oauth: look up client %q: %w", c.ID, err)
	}
	if c.AppID == "" {
		c.AppID = appIDOf(c.ID)
	}
	if secret != "" {
		c.SetSecret(secret)
	}
	if bootstrap {
		s.bootMu.Lock()
		s.bootstrap[c.ID] = c
		s.bootMu.Unlock()
	}
	return s.saveClient(ctx, c)
}

// appIDOf is the id of a registered client's App. It follows from the client's
// id, so that processes that register it at the same time mean the same App.
func appIDOf(clientID string) string {
	sum := sha256.Sum256([]byte("app of client " + clientID))
	return hex.EncodeToString(sum[:16])
}

func (s *Server) saveClient(ctx context.Context, c Client) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("oauth: encode client %q: %w", c.ID, err)
	}
	same := false
	err = s.cfg.Store.View(ctx, func(tx store.Tx) error {
		have, err := tx.Value(clientValuePrefix + c.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		same = err == nil && bytes.Equal(have, raw)
		return err
	})
	if err == nil && !same {
		err = s.cfg.Store.Update(ctx, func(tx store.Tx) error { return tx.SetValue(clientValuePrefix+c.ID, raw) })
	}
	if err != nil {
		return fmt.Errorf("oauth: keep client %q: %w", c.ID, err)
	}
	return nil
}
