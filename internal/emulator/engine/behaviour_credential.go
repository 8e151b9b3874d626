package engine

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// Credentials of users for the API of the cloud and for databases. What the
// service makes up is shown in the answer of the create and never again; a
// digest of it is all that is kept.

// What no source settles of credentials: guesses.
const (
	// capabilityStatus answers a create for a user whose capabilities do not
	// allow the credential.
	capabilityStatus = http.StatusForbidden
	// Lengths of what the service makes up, in characters.
	authTokenLength = 20
	accessKeyLength = 40
	smtpPassLength  = 20
	// clientSecretPrefix begins the secret of an OAuth 2 client credential.
	clientSecretPrefix = "idcscs-"
	// smtpDomain ends the user name of an SMTP credential.
	smtpDomain = ".xx.com"
	// msgCapability, msgMaximum and msgExpired refuse a credential.
	msgCapability = "error.identity.credential.capabilityMissing"
	msgMaximum    = "error.identity.credential.maximumReached"
	msgExpired    = "error.identity.credential.expiresInPast"
)

// passwordLetters are those of made-up passwords that a person may have to
// type: without the ones that look like others.
const passwordLetters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789+-_#.:"

// credential is what sets one type of credential apart. The maxima are
// documented (idcs-behaviour 2.9).
type credential struct {
	capability string
	max        int
	fill       func(c *Change, user string, owner Document) error
	write      func(*Change) error
	once       []string // shown by the write that made them
	hidden     []string // never shown
}

func credentialTypes() map[string]credential {
	return map[string]credential{
		"ApiKey":                 {capability: "canUseApiKeys", max: 3, fill: fillAPIKey},
		"AuthToken":              {capability: "canUseAuthTokens", max: 2, fill: fillAuthToken, once: []string{"token"}},
		"CustomerSecretKey":      {capability: "canUseCustomerSecretKeys", max: 2, fill: fillSecretKey, once: []string{"secretKey"}},
		"SmtpCredential":         {capability: "canUseSmtpCredentials", max: 2, fill: fillSMTP, once: []string{"password"}},
		"OAuth2ClientCredential": {capability: "canUseOAuth2ClientCredentials", max: 10, fill: fillOAuth2, write: resetOAuth2, once: []string{"secret"}},
		"UserDbCredential":       {capability: "canUseDbCredentials", max: 2, fill: fillDatabase, hidden: []string{"dbPassword"}},
	}
}

// addCredentials puts the credentials, and the types that show one's own, into
// the table of behaviours.
func addCredentials(table map[string]Hooks) {
	for typ, k := range credentialTypes() {
		hide := k.hide()
		table[typ] = Hooks{
			BeforeCreate: k.create, AfterCreate: linkOwner, BeforeWrite: k.write, AfterDelete: unlinkOwner,
			Derive: hide, Once: k.once, Masked: k.hidden,
		}
		table["My"+typ] = ownRecords("My"+typ, typ, hide)
	}
}

// hide leaves out of an answer what is kept as a digest.
func (k credential) hide() func(*Tx, string, Document, *wanted) error {
	names := slices.Concat(k.once, k.hidden)
	return func(_ *Tx, _ string, doc Document, _ *wanted) error {
		for _, name := range names {
			delete(doc, name)
		}
		return nil
	}
}

// create checks whether the user may have one more, and makes it.
func (k credential) create(c *Change) error {
	user, owner, err := c.owner()
	if err != nil {
		return err
	}
	if !c.Tx.self {
		if err := c.Tx.ownChange(user, c.New, Params{}); err != nil {
			return err
		}
	}
	delete(c.New, selfChangeURN) // a permission of this request
	if asMap(owner[capabilitiesURN])[k.capability] == false {
		return fail(capabilityStatus, "", msgCapability, "The user may not have a %s: the capability %s is false.", c.Type, k.capability)
	}
	all, err := c.Tx.owned(user)
	if err != nil {
		return err
	}
	if len(all[c.Type]) >= k.max {
		return bad(msgMaximum, "The user has %d resources of type %s, as many as are allowed. Delete one first.", k.max, c.Type)
	}
	if c.Tx.past(c.New["expiresOn"]) {
		return bad(msgExpired, "Attribute expiresOn must be in the future.")
	}
	if c.ti.core.get("status") != nil {
		setIfAbsent(c.New, "status", "ACTIVE")
	}
	return k.fill(c, user, owner)
}

func fillAuthToken(c *Change, _ string, _ Document) error {
	return c.keepSecret("token", letters(authTokenLength))
}

func fillSecretKey(c *Change, _ string, _ Document) error {
	c.New["accessKey"] = hexText(accessKeyLength)
	return c.keepSecret("secretKey", base64.StdEncoding.EncodeToString(randomBytes(32)))
}

func fillSMTP(c *Change, user string, _ Document) error {
	c.New["userName"] = ocidFor("User", user) + "@" + c.Tx.e.opts.TenancyOCID + "." + strings.ToLower(letters(2)) + smtpDomain
	return c.keepSecret("password", letters(smtpPassLength))
}

func fillOAuth2(c *Change, _ string, _ Document) error {
	delete(c.New, "isResetSecret")
	return c.keepSecret("secret", clientSecretPrefix+hexText(32))
}

// resetOAuth2 makes a new secret where the change asks for one.
func resetOAuth2(c *Change) error {
	reset := c.New["isResetSecret"] == true
	delete(c.New, "isResetSecret") // a request, not a state
	if !reset {
		return nil
	}
	return c.keepSecret("secret", clientSecretPrefix+hexText(32))
}

// fillDatabase keeps the digest of the password that the client chose.
func fillDatabase(c *Change, _ string, owner Document) error {
	plain, _ := c.New["dbPassword"].(string)
	if plain == "" {
		return bad(msgMissingAttributes, "Missing required attribute(s): dbPassword.")
	}
	setIfAbsent(c.New, "name", owner["userName"])
	c.New["lastSetDate"] = formatTime(c.Tx.now)
	c.New["expired"] = false
	return c.keepSecret("dbPassword", plain)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}

func hexText(n int) string { return hex.EncodeToString(randomBytes((n + 1) / 2))[:n] }

// letters makes a text that can be typed. Bytes beyond the last whole multiple
// of the alphabet are drawn again, so that every letter is equally likely.
func letters(n int) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range randomBytes(n) {
			if int(b) < 256-256%len(passwordLetters) && len(out) < n {
				out = append(out, passwordLetters[int(b)%len(passwordLetters)])
			}
		}
	}
	return string(out)
}
