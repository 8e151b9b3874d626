package apps

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
)

// Types of apps, as --type names them.
const (
	confidential = "confidential"
	public       = "public"
	resource     = "resource"
	samlApp      = "saml"
	managed      = "managed"
)

// Types lists the values of --type.
func Types() []string { return []string{confidential, public, resource, samlApp, managed} }

// Grants lists the grant types that --grant takes by a short name, beside
// those that are URNs.
func Grants() []string {
	return []string{"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "jwt-bearer", "device_code", "saml2-bearer"}
}

// grantType is the value that the service has for a word of --grant.
func grantType(word string) (string, error) {
	switch w := strings.ReplaceAll(word, "-", "_"); {
	case strings.HasPrefix(word, "urn:"):
		return word, nil
	case w == "jwt_bearer":
		return "urn:ietf:params:oauth:grant-type:jwt-bearer", nil
	case w == "saml2_bearer":
		return "urn:ietf:params:oauth:grant-type:saml2-bearer", nil
	case w == "device_code":
		return "urn:ietf:params:oauth:grant-type:device_code", nil
	case slices.Contains(Grants(), w):
		return w, nil
	}
	return "", cmdutil.Usagef("--grant: %q is no grant type", word).WithHint("they are %s, or a URN", strings.Join(Grants(), ", "))
}

// attributes are the flags for what an app is.
type attributes struct {
	fs *pflag.FlagSet

	Description          string
	Grants               []string
	Redirects, PostLogin []string
	LogoutURL, Landing   string
	Audience             string
	Scopes, MayAsk       []string
	AccessTTL            string
	RefreshTTL           string
	WebTier              string
}

func (a *attributes) addFlags(fs *pflag.FlagSet) {
	a.fs = fs
	fs.StringVar(&a.Description, "description", "", "what the app is for")
	fs.StringArrayVar(&a.Grants, "grant", nil, "a `grant` type the client may use, such as client_credentials; may be given several times")
	fs.StringArrayVar(&a.Redirects, "redirect", nil, "a `URL` that a sign-in may lead back to; may be given several times")
	fs.StringArrayVar(&a.PostLogin, "post-logout-redirect", nil, "a `URL` that a sign-out may lead to; may be given several times")
	fs.StringVar(&a.LogoutURL, "logout-url", "", "`URL` that is called when a user signs out")
	fs.StringVar(&a.Landing, "landing-page", "", "`URL` of the app's first page")
	fs.StringVar(&a.Audience, "audience", "", "what tokens for this resource server are for, a `URL` as a rule")
	fs.StringArrayVar(&a.Scopes, "scope", nil, "a `scope` that the resource server has, /read or '/read=What it allows'; may be given several times")
	fs.StringArrayVar(&a.MayAsk, "may-ask", nil, "a full `scope` of a resource server that the client may ask for; may be given several times")
	fs.StringVar(&a.AccessTTL, "access-token-expiry", "", "how long access tokens last, a `duration` such as 1h")
	fs.StringVar(&a.RefreshTTL, "refresh-token-expiry", "", "how long refresh tokens last, a `duration` such as 7d")
	fs.StringVar(&a.WebTier, "web-tier-policy", "", "JSON `file` with the policy of an app gateway")
}

const webTier = "urn:ietf:params:scim:schemas:oracle:idcs:extension:webTierPolicy:App:webTierPolicyJson"

// changes is what the flags say. An empty value empties the attribute.
func (a *attributes) changes(d *cmdutil.Deps) ([]directory.Change, error) {
	var out []directory.Change
	for _, f := range []struct{ flag, path, value string }{
		{"description", "description", a.Description},
		{"logout-url", "logoutUri", a.LogoutURL},
		{"landing-page", "landingPageUrl", a.Landing},
		{"audience", "audience", a.Audience},
	} {
		if a.fs.Changed(f.flag) {
			out = append(out, directory.SetTo(f.path, f.value))
		}
	}
	list := func(flag, path string, values []string, element func(string) (any, error)) error {
		if !a.fs.Changed(flag) {
			return nil
		}
		var all []any
		for _, v := range values {
			if v == "" {
				continue // an empty one empties the list
			}
			e, err := element(v)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		if len(all) == 0 {
			out = append(out, directory.Change{Op: directory.OpUnset, Path: path})
		} else {
			out = append(out, directory.Change{Op: directory.OpSet, Path: path, Value: all})
		}
		return nil
	}
	text := func(s string) (any, error) { return s, nil }
	for _, f := range []struct {
		flag, path string
		values     []string
		element    func(string) (any, error)
	}{
		{"grant", "allowedGrants", a.Grants, func(s string) (any, error) { return grantType(s) }},
		{"redirect", "redirectUris", a.Redirects, text},
		{"post-logout-redirect", "postLogoutRedirectUris", a.PostLogin, text},
		{"scope", "scopes", a.Scopes, scope},
		{"may-ask", "allowedScopes", a.MayAsk, func(s string) (any, error) { return map[string]any{"fqs": s}, nil }},
	} {
		if err := list(f.flag, f.path, f.values, f.element); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct{ flag, path, value string }{
		{"access-token-expiry", "accessTokenExpiry", a.AccessTTL}, {"refresh-token-expiry", "refreshTokenExpiry", a.RefreshTTL},
	} {
		if !a.fs.Changed(f.flag) {
			continue
		}
		span, err := cmdutil.ParseSpan(f.value)
		if err != nil {
			return nil, cmdutil.Usagef("--%s: %s", f.flag, err)
		}
		out = append(out, directory.Change{Op: directory.OpSet, Path: f.path, Value: int64(span / time.Second)})
	}
	if a.fs.Changed("web-tier-policy") {
		doc, err := directory.ReadInput(d, "web-tier-policy", a.WebTier)
		if err != nil {
			return nil, err
		}
		policy, err := compactJSON(doc)
		if err != nil {
			return nil, cmdutil.Usagef("--web-tier-policy: %s", err)
		}
		out = append(out, directory.Change{Op: directory.OpSet, Path: "isWebTierPolicy", Value: true},
			directory.Change{Op: directory.OpSet, Path: webTier, Value: policy})
	}
	return out, nil
}

// scope reads /read or /read=What it allows.
func scope(text string) (any, error) {
	value, about, _ := strings.Cut(text, "=")
	if value == "" {
		return nil, cmdutil.Usagef("--scope: %q has no scope in front of the =", text)
	}
	m := map[string]any{"value": value, "requiresConsent": false}
	if about != "" {
		m["description"] = about
	}
	return m, nil
}
