package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/idctl/idctl/internal/emulator/store"
)

const (
	assertionTypeJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// classicAudience is what assertions for classic tenants carry.
	classicAudience = "https://identity.oraclecloud.com/"
	maxAssertion    = 16 << 10
	maxClientKeys   = 10
)

// authenticate finds out which client sends a request: by HTTP Basic, by a
// signed assertion, or by client_id and client_secret in the form. A public
// client names itself by client_id alone.
func (s *Server) authenticate(r *http.Request, form url.Values) (*Client, error) {
	basic := r.Header.Get("Authorization") != ""
	assertion := form.Has("client_assertion") || form.Has("client_assertion_type")
	secret := form.Has("client_secret")
	ways := 0
	for _, w := range []bool{basic, assertion, secret} {
		if w {
			ways++
		}
	}
	if ways > 1 {
		return nil, refuse(codeInvalidRequest, "the client authenticates in more than one way")
	}
	switch {
	case basic:
		return s.authenticateBasic(r, form)
	case assertion:
		return s.authenticateAssertion(r, form)
	default:
		return s.authenticateForm(r, form, secret)
	}
}

var errClient = refuse(codeInvalidClient, "client authentication failed")

// findClient answers errClient for an unknown client, after as much work as
// for a known one.
func (s *Server) findClient(r *http.Request, id string) (*Client, bool, error) {
	c, err := s.client(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return &Client{}, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("oauth: look up client: %w", err)
	}
	return &c, true, nil
}

func (s *Server) authenticateBasic(r *http.Request, form url.Values) (*Client, error) {
	user, pass, ok := r.BasicAuth()
	if !ok {
		return nil, errClient
	}
	// RFC 6749 section 2.3.1: both parts are form-encoded before they are
	// joined. A secret that was not encoded, and cannot be decoded, stands for
	// itself.
	id, secret := formDecode(user), formDecode(pass)
	if form.Has("client_id") && form.Get("client_id") != id {
		return nil, refuse(codeInvalidRequest, "client_id differs from the authenticated client")
	}
	c, found, err := s.findClient(r, id)
	if err != nil {
		return nil, err
	}
	if !c.checkSecret(secret) && !c.checkSecret(pass) || !found {
		return nil, errClient
	}
	return c, nil
}

func formDecode(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

func (s *Server) authenticateForm(r *http.Request, form url.Values, secret bool) (*Client, error) {
	if !form.Has("client_id") {
		return nil, errClient
	}
	c, found, err := s.findClient(r, form.Get("client_id"))
	if err != nil {
		return nil, err
	}
	right := c.checkSecret(form.Get("client_secret"))
	public := !secret && c.Type == ClientPublic
	if !found || !right && !public {
		return nil, errClient
	}
	return c, nil
}

func (s *Server) authenticateAssertion(r *http.Request, form url.Values) (*Client, error) {
	if form.Get("client_assertion_type") != assertionTypeJWT {
		return nil, refuse(codeInvalidRequest, "client_assertion_type must be "+assertionTypeJWT)
	}
	raw := form.Get("client_assertion")
	tok, sub, err := unverified(raw)
	if err != nil {
		return nil, errClient
	}
	c, found, err := s.findClient(r, sub)
	if err != nil {
		return nil, err
	}
	if !found || form.Has("client_id") && form.Get("client_id") != c.ID {
		return nil, errClient
	}
	claims, err := s.checkAssertion(r, tok, c)
	if err != nil || claims.Subject != c.ID || claims.Issuer != c.ID {
		return nil, errClient
	}
	return c, nil
}

// unverified reads who an assertion claims to be from, which decides with
// whose keys it is checked; nothing else of it may be believed before.
func unverified(raw string) (*jwt.JSONWebToken, string, error) {
	if raw == "" || len(raw) > maxAssertion {
		return nil, "", ErrInvalidToken
	}
	tok, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, "", ErrInvalidToken
	}
	var c jwt.Claims
	if err := tok.UnsafeClaimsWithoutVerification(&c); err != nil {
		return nil, "", ErrInvalidToken
	}
	return tok, c.Subject, nil
}

// checkAssertion checks an assertion against the client's keys: signature,
// audience and times (RFC 7523 section 3). An expiry must be there.
func (s *Server) checkAssertion(r *http.Request, tok *jwt.JSONWebToken, c *Client) (*jwt.Claims, error) {
	if c.Keys == nil {
		return nil, ErrInvalidToken
	}
	var claims jwt.Claims
	signed := false
	for _, k := range c.Keys.Keys[:min(len(c.Keys.Keys), maxClientKeys)] {
		if err := tok.Claims(k.Key, &claims); err == nil {
			signed = true
			break
		}
	}
	if !signed || claims.Expiry == nil {
		return nil, ErrInvalidToken
	}
	base := s.cfg.BaseURL(r)
	audiences := []string{base, base + "/", base + TokenPath, classicAudience}
	if !slices.ContainsFunc(claims.Audience, func(a string) bool { return slices.Contains(audiences, a) }) {
		return nil, ErrInvalidToken
	}
	if err := claims.ValidateWithLeeway(jwt.Expected{Time: s.cfg.Now()}, clockSkew); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return &claims, nil
}
