package idcs

import (
	"context"
	"fmt"
	"time"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// credential says which members a kind of credential has.
type credential struct {
	name    string // of the attribute with a name, empty for none
	secret  string // what the service makes up
	key     string // the public part
	expires bool
}

func credentialOf(what provider.Belonging) (credential, bool) {
	switch what {
	case provider.APIKeys:
		return credential{key: "fingerprint"}, true
	case provider.AuthTokens:
		return credential{secret: "token", expires: true}, true
	case provider.CustomerSecretKeys:
		return credential{name: "displayName", secret: "secretKey", key: "accessKey", expires: true}, true
	case provider.SMTPCredentials:
		return credential{secret: "password", key: "userName", expires: true}, true
	case provider.OAuth2ClientCredentials:
		return credential{name: "name", secret: "secret", expires: true}, true
	case provider.DBCredentials:
		return credential{key: "name", expires: true}, true
	case provider.Devices, provider.TrustedAgents, provider.BypassCodes:
	}
	return credential{}, false
}

// MakeCredential creates the resource of a credential.
func (f *factors) MakeCredential(ctx context.Context, user string, c provider.NewCredential, o provider.ActOptions) (provider.Credential, error) {
	kind, ok := credentialOf(c.What)
	if !ok {
		return provider.Credential{}, &provider.UnsupportedError{Provider: Name, What: "make a " + string(c.What)}
	}
	body := scim.Document{"user": ref(user)}
	set := func(name, value string) {
		if name != "" && value != "" {
			body[name] = value
		}
	}
	set("description", c.Description)
	set(kind.name, c.Name)
	if kind.expires && !c.Expires.IsZero() {
		body["expiresOn"] = c.Expires.UTC().Format(time.RFC3339)
	}
	switch c.What { //nolint:exhaustive // the others have nothing of their own
	case provider.APIKeys:
		body["key"] = c.Key
	case provider.DBCredentials:
		body["dbPassword"] = c.Password.Reveal()
	case provider.OAuth2ClientCredentials:
		var scopes []any
		for _, s := range c.Scopes {
			scopes = append(scopes, map[string]any{"audience": c.Audience, "scope": s})
		}
		body["scopes"] = scopes
	}
	doc, err := f.life.act(ctx, string(c.What), "", body, o, true)
	if err != nil {
		return provider.Credential{}, err
	}
	made := provider.Credential{ID: doc.ID(), Key: doc.String(kind.key)}
	made.Expires, _ = doc.Time("expiresOn")
	if kind.secret == "" {
		return made, nil
	}
	if made.Secret = transport.Secret(doc.String(kind.secret)); made.Secret == "" {
		return made, fmt.Errorf("%w: the service made a %s and does not tell its %s", scim.ErrBadResponse, c.What, kind.secret)
	}
	return made, nil
}
