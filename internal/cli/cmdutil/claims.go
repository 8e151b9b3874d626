package cmdutil

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/transport"
)

// Claims are what an access token says of itself. All may be empty.
type Claims struct {
	// Subject is the user's or the client's name; SubjectType says which.
	Subject, SubjectType  string
	Client                string
	Tenant, Issuer, Scope string
	// Roles are the application roles of user and client, those of each alone
	// are UserRoles and ClientRoles.
	Roles, UserRoles, ClientRoles []string
	// Expires is zero when neither the token nor its answer says.
	Expires time.Time
}

// ReadClaims reads the claims of a JWT without checking its signature: the
// token is our own, and nothing is decided by what it says. A token that is no
// JWT says nothing.
func ReadClaims(t transport.Token) Claims {
	c := Claims{Expires: t.Expiry.UTC()}
	parts := strings.Split(t.Value.Reveal(), ".")
	if len(parts) != 3 {
		return c
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c
	}
	var j struct {
		Sub        string          `json:"sub"`
		SubType    string          `json:"sub_type"`
		ClientID   string          `json:"client_id"`
		ClientName string          `json:"client_name"`
		Tenant     string          `json:"tenant"`
		UserTenant string          `json:"user_tenantname"`
		Issuer     string          `json:"iss"`
		Scope      string          `json:"scope"`
		Exp        json.RawMessage `json:"exp"`
		Roles      json.RawMessage `json:"userAppRoles"`
		AppRoles   json.RawMessage `json:"clientAppRoles"`
	}
	if json.Unmarshal(payload, &j) != nil {
		return c
	}
	c.Subject, c.SubjectType, c.Tenant, c.Issuer, c.Scope = j.Sub, j.SubType, j.Tenant, j.Issuer, j.Scope
	if c.Tenant == "" {
		c.Tenant = j.UserTenant
	}
	c.Client = j.ClientName
	if c.Client == "" {
		c.Client = j.ClientID
	}
	if exp, err := strconv.ParseInt(string(j.Exp), 10, 64); err == nil && c.Expires.IsZero() {
		c.Expires = time.Unix(exp, 0).UTC()
	}
	for _, part := range []struct {
		raw  json.RawMessage
		into *[]string
	}{{j.Roles, &c.UserRoles}, {j.AppRoles, &c.ClientRoles}} {
		var names []string
		if json.Unmarshal(part.raw, &names) == nil {
			*part.into = names
			c.Roles = append(c.Roles, names...)
		}
	}
	return c
}
