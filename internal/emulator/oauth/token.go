package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// tokenAnswer is the answer of RFC 6749 section 5.1.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// token is POST /oauth2/v1/token.
func (s *Server) token(r *http.Request, form url.Values) (any, error) {
	client, err := s.authenticate(r, form)
	if err != nil {
		return nil, err
	}
	grant := form.Get("grant_type")
	var f func(*http.Request, *Client, url.Values) (any, error)
	switch {
	case grant == "":
		return nil, refuse(codeInvalidRequest, "grant_type is missing")
	case grant == GrantClientCredentials:
		f = s.grantClient
	case grant == GrantPassword && s.cfg.Passwords != nil:
		f = s.grantPassword
	case grant == GrantRefreshToken:
		f = s.grantRefresh
	case grant == GrantJWTBearer && s.cfg.Users != nil:
		f = s.grantAssertion
	default:
		return nil, refuse(codeUnsupported, "this service does not take that grant type")
	}
	if !client.allows(grant) {
		return nil, refuse(codeUnauthorized, "the client may not use this grant type")
	}
	return f(r, client, form)
}

func (s *Server) grantClient(r *http.Request, c *Client, form url.Values) (any, error) {
	if c.Type == ClientPublic {
		return nil, refuse(codeUnauthorized, "a public client cannot act for itself")
	}
	q, err := parseScope(form.Get("scope"), c.Roles)
	if err != nil {
		return nil, refuse(codeInvalidScope, err.Error())
	}
	return s.answer(r, issue{client: c, scopes: q})
}

func (s *Server) grantPassword(r *http.Request, c *Client, form url.Values) (any, error) {
	name, password := form.Get("username"), form.Get("password")
	if name == "" || password == "" {
		return nil, refuse(codeInvalidRequest, "username and password are needed")
	}
	u, err := s.cfg.Passwords.Verify(r.Context(), name, password)
	for _, reason := range []error{ErrBadCredentials, ErrUserInactive, ErrUserLocked, ErrNotActivated, ErrPasswordExpired} {
		if errors.Is(err, reason) {
			return nil, refuse(codeInvalidGrant, strings.TrimPrefix(reason.Error(), "oauth: "))
		}
	}
	if err != nil {
		return nil, err
	}
	return s.answerUser(r, c, u, form)
}

func (s *Server) grantAssertion(r *http.Request, c *Client, form url.Values) (any, error) {
	tok, _, err := unverified(form.Get("assertion"))
	if err != nil {
		return nil, refuse(codeInvalidGrant, "the assertion is not a token signed with RS256")
	}
	claims, err := s.checkAssertion(r, tok, c)
	if err != nil {
		return nil, refuse(codeInvalidGrant, "the assertion is not valid: signature, audience and times must fit")
	}
	u, err := s.cfg.Users.Lookup(r.Context(), claims.Subject)
	if errors.Is(err, ErrNoUser) {
		return nil, refuse(codeInvalidGrant, "the assertion names no active user")
	}
	if err != nil {
		return nil, err
	}
	return s.answerUser(r, c, u, form)
}

func (s *Server) answerUser(r *http.Request, c *Client, u Subject, form url.Values) (any, error) {
	held, err := s.userRoles(r.Context(), c, &u)
	if err != nil {
		return nil, err
	}
	q, err := parseScope(form.Get("scope"), held)
	if err != nil {
		return nil, refuse(codeInvalidScope, err.Error())
	}
	return s.answer(r, issue{client: c, user: &u, scopes: q, session: randomHex(16)})
}

func (s *Server) grantRefresh(r *http.Request, c *Client, form url.Values) (any, error) {
	raw := form.Get("refresh_token")
	if raw == "" {
		return nil, refuse(codeInvalidRequest, "refresh_token is missing")
	}
	kept, err := s.findRefresh(r.Context(), raw)
	switch {
	case errors.Is(err, ErrInvalidToken), err == nil && kept.ClientID != c.ID:
		return nil, refuse(codeInvalidGrant, "the refresh token is not valid")
	case err != nil:
		return nil, err
	}
	u := kept.User
	if s.cfg.Users != nil {
		// The user may have been renamed, deactivated or deleted since.
		u, err = s.cfg.Users.Lookup(r.Context(), kept.User.UserName)
		if errors.Is(err, ErrNoUser) || err == nil && u.ID != kept.User.ID {
			return nil, refuse(codeInvalidGrant, "the refresh token's user is gone or not active")
		}
		if err != nil {
			return nil, err
		}
	}
	asked := strings.Join(kept.Scopes, " ")
	if form.Get("scope") != "" {
		asked = form.Get("scope")
	}
	held, err := s.userRoles(r.Context(), c, &u)
	if err != nil {
		return nil, err
	}
	q, err := parseScope(asked, held)
	if err == nil {
		err = narrow(kept.Scopes, q.names)
	}
	if err != nil {
		return nil, refuse(codeInvalidScope, err.Error())
	}
	q.offline = false // the refresh token in hand stays in use
	return s.answer(r, issue{client: c, user: &u, scopes: q, session: kept.Session})
}

func (s *Server) answer(r *http.Request, q issue) (any, error) {
	q.base = s.cfg.BaseURL(r)
	now := s.cfg.Now()
	ttl := s.cfg.AccessTTL
	if q.scopes.expiry > 0 {
		ttl = q.scopes.expiry
	}
	claims := s.claims(q, now, ttl)
	access, err := s.sign(r.Context(), claims)
	if err != nil {
		return nil, err
	}
	out := tokenAnswer{AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(ttl / time.Second)}
	if q.user != nil && q.scopes.offline && q.client.allows(GrantRefreshToken) {
		if out.RefreshToken, err = s.keepRefresh(r.Context(), q, now); err != nil {
			return nil, err
		}
	}
	if q.user != nil && q.scopes.openID {
		if out.IDToken, err = s.idToken(r.Context(), claims); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ClientClaims answers what a token of a registered client would say, without
// making one. It is for callers inside the process, which hold the store.
func (s *Server) ClientClaims(ctx context.Context, base, clientID, scope string) (*Claims, error) {
	c, err := s.FindClient(ctx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		c, err = s.client(ctx, clientID)
	}
	if err != nil {
		return nil, err
	}
	q, err := parseScope(scope, c.Roles)
	if err != nil {
		return nil, refuse(codeInvalidScope, err.Error())
	}
	ttl := s.cfg.AccessTTL
	if q.expiry > 0 {
		ttl = q.expiry
	}
	claims := s.claims(issue{base: base, client: &c, scopes: q}, s.cfg.Now(), ttl)
	return &claims, nil
}

// IssueClientToken issues an access token for a registered client without a
// request: base is the issuer. Callers inside the process, which hold the
// store already, need no secret to get one.
func (s *Server) IssueClientToken(ctx context.Context, base, clientID, scope string) (string, time.Duration, error) {
	c, err := s.ClientClaims(ctx, base, clientID, scope)
	if err != nil {
		return "", 0, err
	}
	raw, err := s.sign(ctx, *c)
	return raw, time.Duration(c.Expiry-c.IssuedAt) * time.Second, err
}
