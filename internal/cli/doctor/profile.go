package doctor

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// begin is what to do without a profile.
const begin = "begin with idctl profile add NAME --url URL --client-id ID and idctl login, " +
	"or set IDCTL_URL, IDCTL_CLIENT_ID and IDCTL_CLIENT_SECRET, or try --profile local"

func checkProfile(_ context.Context, o *options, _ facts) result {
	r, err := o.Profile()
	var none *config.NoProfileError
	if errors.As(err, &none) {
		return warn(begin, "%v", err)
	}
	if err != nil {
		return fail(err, "idctl profile list shows the profiles, idctl profile show NAME one of them", "%v", err)
	}
	var base *url.URL
	if !r.Local() {
		if base, err = url.Parse(r.URL); err != nil { // the settings' check lets no such value through
			return fail(nil, "correct the url", "the address of profile %s cannot be read", r.Name)
		}
	}
	var details []Detail
	var given []string
	for _, s := range config.Settings() {
		v := r.Values[s.Key]
		if v.Text == "" || r.Local() && s.Key == "secretStore" {
			continue
		}
		if s.Key == "secretCommand" {
			// The way to a secret may be one: only its program is named.
			v.Text = firstWord(v.Text)
		}
		details = append(details, Detail{Name: s.Key, Value: v.Text, Where: v.Where})
		if v.Origin != config.FromDefault {
			given = append(given, s.Key+" "+v.Text+" ("+origin(v)+")")
		}
	}
	name, where, err := o.chosen()
	if err != nil {
		name, where = r.Name, "" // it was resolved, so this cannot be
	}
	if name == config.EnvProfile {
		name = "no profile, flags and environment alone"
	} else if where != "" {
		name = r.Name + " (" + where + ")"
	}
	if len(given) == 0 {
		given = []string{"defaults only"}
	}
	res := ok("%s: %s", name, strings.Join(given, ", "))
	res.Details = details
	res.learn = func(f *facts) { f.profile, f.base = r, base }
	return res
}

func origin(v config.Value) string {
	if v.Origin == config.FromProfile {
		return "profile"
	}
	return v.Where
}

// chosen says which profile is meant, and what decided that.
func (o *options) chosen() (name, where string, err error) {
	cfg, err := o.Config()
	if err != nil {
		return "", "", err
	}
	name, from, err := cfg.Choose(o.Flags.Given(), o.Env)
	switch from {
	case config.FromFlag:
		where = "--profile"
	case config.FromEnv:
		where = "IDCTL_PROFILE"
	case config.FromProfile, config.FromDefault:
		where = "the current one of " + cfg.File
	}
	return name, where, err
}

func firstWord(s string) string {
	word, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	if rest != "" {
		word += " ..."
	}
	return word
}

// checkSecret looks whether the secret is there. It asks a store and never
// runs a command for it.
func checkSecret(ctx context.Context, o *options, f facts) result {
	r := f.profile
	switch {
	case r.Local():
		return ok("made by itself on first use")
	case r.Auth == config.AuthJWTAssertion:
		return checkKey(o, r)
	case r.Auth == config.AuthBasic && r.User == "":
		return fail(&cmdutil.LoginError{Profile: r.Name, Err: errors.New("no user name")},
			"set user: idctl profile set "+r.Name+" user=NAME, or IDCTL_USER", "no user name for auth basic")
	case r.Auth != config.AuthToken && r.Auth != config.AuthBasic && r.ClientID == "":
		err := &cmdutil.LoginError{Profile: r.Name, Err: errors.New("no client id")}
		if r.Name == config.EnvProfile {
			return fail(err, "", "no client id")
		}
		return fail(err, "idctl profile set "+r.Name+" clientId=ID", "no client id")
	}
	where := "secretStore " + r.SecretStore
	variable := cmdutil.SecretVariable(r)
	inEnv := false
	if v, _ := o.Env(variable); variable != "" && v != "" {
		where, inEnv = "variable "+variable, true
	}
	if r.SecretStore == config.SecretCommand && !inEnv {
		return ok("%s: %s; not run here", where, firstWord(r.SecretCommand))
	}
	store, err := o.Secrets(r)
	if err != nil {
		return fail(err, "", "%v", err)
	}
	_, err = store.Get(ctx, r.Name, r.URL, cmdutil.PrimarySecret(r.Auth))
	if errors.Is(err, auth.ErrNotFound) {
		return fail(&cmdutil.LoginError{Profile: r.Name, Err: err}, "", "none: %v", err)
	}
	if err != nil {
		return fail(err, "", "%v", err)
	}
	return ok("%s is there: %s", cmdutil.PrimarySecret(r.Auth), where)
}

// checkKey looks at the key that signs assertions.
func checkKey(o *options, r *config.Resolved) result {
	if r.KeyFile == "" {
		return fail(&cmdutil.LoginError{Profile: r.Name, Err: errors.New("no keyFile")}, "set keyFile to the PEM file of the private key", "no keyFile for auth jwt-assertion")
	}
	info, err := os.Stat(r.KeyFile)
	if err != nil {
		return fail(auth.ErrNotFound, "correct keyFile", "private key: %v", err)
	}
	pem, err := os.ReadFile(r.KeyFile)
	if err == nil {
		_, err = tokens.ParseKey(pem)
	}
	switch {
	case err != nil:
		return fail(auth.ErrNotFound, "keyFile must be a private key in PEM form", "private key %s: %v", r.KeyFile, err)
	case o.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return warn("chmod go-rwx "+r.KeyFile, "private key %s has mode %#o: others can read it", r.KeyFile, info.Mode().Perm())
	}
	return ok("private key in %s", r.KeyFile)
}

func checkToken(ctx context.Context, o *options, f facts) result {
	if f.profile.Local() && f.noDatabase {
		return skip("no database yet")
	}
	// One try is enough here: what needs several is a finding.
	once := *f.profile
	once.Retries, once.Timeout = 0, min(once.Timeout, o.Limit)
	source, err := o.Tokens(ctx, &once)
	if err != nil {
		return fail(err, "", "%s", cause(err))
	}
	t, err := source.Token(ctx)
	if err != nil {
		return fail(err, "", "%s", cause(err))
	}
	if f.profile.Auth == config.AuthBasic {
		res := ok("none needed: each request carries name and password of %s", f.profile.User)
		res.learn = func(f *facts) { f.token = t }
		return res
	}
	c := cmdutil.ReadClaims(t)
	who := "obtained"
	switch {
	case c.SubjectType != "" && c.Subject != "":
		who += ", for " + c.SubjectType + " " + c.Subject
	case c.Subject != "":
		who += ", for " + c.Subject
	}
	scope := t.Scope
	if scope == "" {
		scope = c.Scope
	}
	if n := len(strings.Fields(scope)); n > 0 {
		who += ", " + cmdutil.Count(n, "scope")
	}
	details := []Detail{
		{Name: "subject", Value: c.Subject},
		{Name: "type", Value: c.SubjectType},
		{Name: "client", Value: c.Client},
		{Name: "tenant", Value: c.Tenant},
		{Name: "issuer", Value: c.Issuer},
		{Name: "scope", Value: scope},
		{Name: "roles", Value: strings.Join(c.Roles, ", ")},
	}
	now := o.Clock()
	res := ok("%s, end unknown", who)
	if !c.Expires.IsZero() {
		left := c.Expires.Sub(now)
		details = append(details, Detail{Name: "expires", Value: c.Expires.Format("2006-01-02T15:04:05Z")})
		switch {
		case left <= 0:
			res = fail(transport.ErrToken, "get a new token; with auth token it is not renewed", "it expired %s ago", span(-left))
		case left < 5*minute:
			res = warn("with auth token it is not renewed: get a new one", "%s, expires in %s", who, span(left))
		default:
			res = ok("%s, expires in %s", who, span(left))
		}
	}
	for _, d := range details {
		if d.Value != "" {
			res.Details = append(res.Details, d)
		}
	}
	res.learn = func(f *facts) { f.token = t }
	return res
}

// firstFew keeps a long list readable.
func firstFew(words []string) string {
	const shown = 6
	if n := len(words); n > shown {
		return strings.Join(words[:shown], ", ") + " and " + strconv.Itoa(n-shown) + " more"
	}
	return strings.Join(words, ", ")
}
