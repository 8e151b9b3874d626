package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// introspection is the answer of RFC 7662 section 2.2.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expiry    int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
}

// introspect is POST /oauth2/v1/introspect. A token that is not good in any
// way answers active false and nothing else (RFC 7662 section 2.2).
func (s *Server) introspect(r *http.Request, form url.Values) (any, error) {
	client, err := s.authenticate(r, form)
	if err != nil {
		return nil, err
	}
	if client.Type == ClientPublic || !slices.Contains(client.Operations, OperationIntrospect) {
		return nil, refuse(codeUnauthorized, "the client may not introspect tokens")
	}
	raw := form.Get("token")
	if raw == "" {
		return nil, refuse(codeInvalidRequest, "token is missing")
	}
	claims, err := s.Verify(r.Context(), raw)
	if err == nil {
		out := introspection{
			Active: true, Scope: claims.Scope, ClientID: claims.ClientID, TokenType: "Bearer",
			Expiry: claims.Expiry, IssuedAt: claims.IssuedAt, Subject: claims.Subject,
			Audience: claims.Audience, Issuer: claims.Issuer, ID: claims.ID, Tenant: claims.Tenant,
		}
		if claims.IsUser() {
			out.Username = claims.Subject
		}
		return out, nil
	}
	if !isTokenError(err) {
		return nil, err
	}
	kept, err := s.findRefresh(r.Context(), raw)
	if err == nil && kept.ClientID == client.ID {
		return introspection{
			Active: true, Scope: strings.Join(kept.Scopes, " "), ClientID: kept.ClientID,
			Username: kept.User.UserName, Subject: kept.User.UserName,
			Expiry: kept.Expires, IssuedAt: kept.Issued, Tenant: s.cfg.Tenant,
		}, nil
	}
	if err != nil && !isTokenError(err) {
		return nil, err
	}
	return introspection{}, nil
}

// revoke is POST /oauth2/v1/revoke (RFC 7009). A token that is unknown or
// over is answered like one that was revoked; one of another client is not.
func (s *Server) revoke(r *http.Request, form url.Values) (any, error) {
	client, err := s.authenticate(r, form)
	if err != nil {
		return nil, err
	}
	raw := form.Get("token")
	if raw == "" {
		return nil, refuse(codeInvalidRequest, "token is missing")
	}
	switch form.Get("token_type_hint") {
	case "", "access_token", "refresh_token":
	default:
		return nil, refuse(codeUnsupportedType, "token_type_hint takes access_token and refresh_token")
	}
	claims, err := s.Verify(r.Context(), raw)
	if err == nil {
		if claims.ClientID != client.ID {
			return nil, refuse(codeUnauthorized, "the token was issued to another client")
		}
		return nil, s.RevokeClaims(r.Context(), claims)
	}
	if !isTokenError(err) {
		return nil, err
	}
	kept, err := s.findRefresh(r.Context(), raw)
	switch {
	case err == nil && kept.ClientID != client.ID:
		return nil, refuse(codeUnauthorized, "the token was issued to another client")
	case err == nil:
		return nil, s.dropRefresh(r.Context(), raw)
	case isTokenError(err):
		return nil, nil
	default:
		return nil, err
	}
}

// isTokenError tells a bad token from a failure of the service.
func isTokenError(err error) bool {
	return errors.Is(err, ErrInvalidToken) || errors.Is(err, ErrExpiredToken) || errors.Is(err, ErrRevokedToken)
}
