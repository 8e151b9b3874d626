package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// Values of the claims sub_type and tok_type.
const (
	SubjectClient = "client"
	SubjectUser   = "user"

	tokenAccess = "AT"
	tokenID     = "IT"
)

// Claims are the claims of an access token (idcs-behaviour 1.5). The names
// client_guid, clientAppRoles and userAppRoles are those of older tokens of
// the service; that present ones carry them is a guess.
type Claims struct {
	Issuer         string       `json:"iss"`
	Subject        string       `json:"sub"`
	SubjectType    string       `json:"sub_type,omitempty"`
	SubMappingAttr string       `json:"sub_mappingattr,omitempty"`
	Audience       jwt.Audience `json:"aud"`
	Expiry         int64        `json:"exp"`
	IssuedAt       int64        `json:"iat"`
	ID             string       `json:"jti"`
	TokenType      string       `json:"tok_type"`
	Scope          string       `json:"scope,omitempty"`
	ClientID       string       `json:"client_id"`
	ClientName     string       `json:"client_name,omitempty"`
	ClientGUID     string       `json:"client_guid,omitempty"`
	ClientTenant   string       `json:"client_tenantname,omitempty"`
	ClientRoles    []string     `json:"clientAppRoles,omitempty"`
	Tenant         string       `json:"tenant,omitempty"`
	UserID         string       `json:"user_id,omitempty"`
	UserOCID       string       `json:"user_ocid,omitempty"`
	UserDisplay    string       `json:"user_displayname,omitempty"`
	UserTenant     string       `json:"user_tenantname,omitempty"`
	UserRoles      []string     `json:"userAppRoles,omitempty"`
	SessionID      string       `json:"sid,omitempty"`
}

// IsUser says whether the token speaks for a user rather than for a client.
func (c *Claims) IsUser() bool { return c.SubjectType == SubjectUser }

// Roles are the admin roles that the token carries: the client's for a client,
// those that client and user share for a user.
func (c *Claims) Roles() []string {
	if !c.IsUser() {
		return c.ClientRoles
	}
	return both(c.UserRoles, c.ClientRoles)
}

// issue is what a grant decided.
type issue struct {
	base    string
	client  *Client
	user    *Subject // nil for the client itself
	scopes  scopeRequest
	session string
}

func (s *Server) claims(q issue, now time.Time, ttl time.Duration) Claims {
	c := Claims{
		Issuer: q.base, Audience: jwt.Audience{q.base},
		IssuedAt: now.Unix(), Expiry: now.Add(ttl).Unix(), ID: randomHex(16),
		TokenType: tokenAccess, Scope: q.scopes.String(),
		Subject: q.client.ID, SubjectType: SubjectClient, SubMappingAttr: "userName",
		ClientID: q.client.ID, ClientName: q.client.Name, ClientGUID: q.client.AppID,
		ClientTenant: s.cfg.Tenant, ClientRoles: q.client.Roles, Tenant: s.cfg.Tenant,
	}
	if u := q.user; u != nil {
		c.Subject, c.SubjectType = u.UserName, SubjectUser
		c.UserID, c.UserOCID, c.UserDisplay = u.ID, u.OCID, u.DisplayName
		c.UserTenant, c.UserRoles, c.SessionID = s.cfg.Tenant, u.Roles, q.session
	}
	return c
}

func (s *Server) sign(ctx context.Context, c Claims) (string, error) {
	k, err := s.ensureKey(ctx)
	if err != nil {
		return "", err
	}
	raw, err := jwt.Signed(k.signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("oauth: sign token: %w", err)
	}
	return raw, nil
}

// idToken makes the ID token that the scope openid asks for (OpenID Connect
// Core section 2), meant for the client rather than for the API.
func (s *Server) idToken(ctx context.Context, access Claims) (string, error) {
	c := access
	c.TokenType, c.Audience, c.Scope, c.ID = tokenID, jwt.Audience{access.ClientID}, "", randomHex(16)
	c.ClientRoles, c.UserRoles = nil, nil
	return s.sign(ctx, c)
}
