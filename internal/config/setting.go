package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Setting is one value a profile may hold.
type Setting struct {
	Key     string // as in the file
	Env     string // variable that overrides it, may be empty
	Flag    string // flag that overrides it, may be empty
	Default string
	Help    string
	// Values lists what is allowed where that is a closed list.
	Values []string
	check  func(string) error
}

// Check validates one value. An empty value is a value left out.
func (s Setting) Check(v string) error {
	if v == "" {
		return nil
	}
	if s.Values != nil && !slices.Contains(s.Values, v) {
		return fmt.Errorf("%q is not one of %s", v, strings.Join(s.Values, ", "))
	}
	if s.check != nil {
		return s.check(v)
	}
	return nil
}

// Providers are the words for kinds of service.
func Providers() []string { return []string{"idcs", "nevis", ProviderSCIM} }

// ProviderSCIM is the word for any service that speaks plain SCIM.
const ProviderSCIM = "scim"

// Ways to log in.
const (
	AuthClientCredentials = "client-credentials"
	AuthPassword          = "password"
	AuthRefresh           = "refresh"
	AuthJWTAssertion      = "jwt-assertion"
	AuthToken             = "token"
	// AuthBasic sends user name and password with every request (RFC 7617).
	AuthBasic = "basic"
)

// TokenURL is the key of the setting that says where tokens come from. A
// profile's secret goes there, so that no variable of the environment can point
// a profile elsewhere.
const TokenURL = "tokenUrl"

// Places where a profile's secret is kept.
const (
	SecretFile    = "file"
	SecretKeyring = "keyring"
	SecretAge     = "age"
	SecretEnv     = "env"
	SecretCommand = "command"
)

// SecretKeepers lists the places into which idctl itself puts secrets.
func SecretKeepers() []string { return []string{SecretFile, SecretKeyring, SecretAge} }

// KeepsSecrets says whether idctl itself puts secrets into a place.
func KeepsSecrets(place string) bool { return slices.Contains(SecretKeepers(), place) }

// Settings lists what a profile may hold, in the order of the file. It is a
// fresh slice.
func Settings() []Setting {
	return []Setting{
		{Key: "provider", Env: "IDCTL_PROVIDER", Flag: "provider", Default: "idcs", Values: Providers(), Help: "kind of service"},
		{Key: "url", Env: "IDCTL_URL", Flag: "url", check: checkURL, Help: "the service's address, https://idcs-....identity.oraclecloud.com"},
		{Key: "clientId", Env: "IDCTL_CLIENT_ID", Help: "OAuth client id"},
		{
			Key: "auth", Env: "IDCTL_AUTH", Default: AuthClientCredentials,
			Values: []string{AuthClientCredentials, AuthPassword, AuthRefresh, AuthJWTAssertion, AuthToken, AuthBasic}, Help: "way to get an access token",
		},
		{Key: "user", Env: "IDCTL_USER", Help: "user name for password, jwt-assertion and basic"},
		{Key: "scope", Env: "IDCTL_SCOPE", Help: "OAuth scope, when not all granted ones are wanted"},
		{Key: TokenURL, Env: "IDCTL_TOKEN_URL", check: checkURL, Help: "where provider scim gets access tokens (OAuth token endpoint); the variable counts only without a profile"},
		{Key: "keyFile", Env: "IDCTL_KEY_FILE", Help: "PEM file with the private key for jwt-assertion"},
		{Key: "keyId", Env: "IDCTL_KEY_ID", Help: "key id or certificate alias for jwt-assertion"},
		{
			Key: "domainType", Env: "IDCTL_DOMAIN_TYPE",
			Values: []string{"free", "oracle-apps", "oracle-apps-premium", "premium", "external-user"}, Help: "type of identity domain, which decides its rate limits",
		},
		{Key: "caFile", Env: "IDCTL_CA_FILE", Flag: "ca-file", Help: "PEM file with certificate authorities to trust besides the system's"},
		{
			Key: "secretStore", Env: "IDCTL_SECRET_STORE", Default: SecretFile,
			Values: append(SecretKeepers(), SecretEnv, SecretCommand), Help: "where the secret is kept",
		},
		{Key: "secretEnv", check: checkEnvName, Help: "variable with the secret, for secretStore env, in place of IDCTL_CLIENT_SECRET and the like"},
		{Key: "secretCommand", Help: "command that prints the secret, for secretStore command"},
		{Key: "timeout", Env: "IDCTL_TIMEOUT", Flag: "timeout", Default: "60s", check: checkDuration, Help: "limit of one request, as 30s or 2m"},
		{Key: "retries", Env: "IDCTL_RETRIES", Flag: "retries", Default: "4", check: checkCount, Help: "how often a failed request is repeated"},
		{Key: "rate", Env: "IDCTL_RATE", Flag: "rate", check: checkRate, Help: "requests a second; by default 80 % of the service's limits"},
	}
}

// FindSetting finds a setting by its key without regard to case.
func FindSetting(key string) (Setting, bool) {
	for _, s := range Settings() {
		if strings.EqualFold(s.Key, key) {
			return s, true
		}
	}
	return Setting{}, false
}

func checkURL(v string) error {
	u, err := url.Parse(v)
	switch {
	case err != nil:
		// The parser's text repeats the value, which may hold a password.
		return errors.New("not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the address must begin with https://")
	case u.Hostname() == "":
		return errors.New("the address names no host")
	case u.User != nil:
		return errors.New("the address must not hold a user name or password")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("the address must not hold a query or fragment")
	}
	return nil
}

func checkEnvName(v string) error {
	if !consistsOf(v, "_") || v[0] >= '0' && v[0] <= '9' {
		return fmt.Errorf("%q is not the name of a variable", v)
	}
	return nil
}

func checkDuration(v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not a duration such as 30s or 2m", v)
	}
	return nil
}

func checkCount(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 100 {
		return fmt.Errorf("%q is not a number from 0 to 100", v)
	}
	return nil
}

func checkRate(v string) error {
	// The comparison is written so that NaN fails it.
	if f, err := strconv.ParseFloat(v, 64); err != nil || !(f > 0 && f <= 1e6) {
		return fmt.Errorf("%q is not a number of requests a second", v)
	}
	return nil
}

// LocalProfile is the built-in profile: the emulator inside the program. It is
// in no file and cannot be added, changed or removed.
const LocalProfile = "local"

// CheckName validates a profile's name.
func CheckName(name string) error {
	if len(name) > 64 || !consistsOf(name, "._@-") || strings.ContainsAny(name[:1], ".@-") {
		return fmt.Errorf("profile name %q: use up to 64 letters, digits, dots, hyphens, underscores and @", name)
	}
	if strings.EqualFold(name, EnvProfile) {
		return fmt.Errorf("profile name %q stands for the environment, use another", name)
	}
	return nil
}

// consistsOf says whether s is made of ASCII letters, digits and the
// characters of more, and is not empty. (Regular expressions here took a
// tenth of the program's start.)
func consistsOf(s, more string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune(more, r) {
			return false
		}
	}
	return s != ""
}
