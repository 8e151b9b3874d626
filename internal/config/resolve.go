package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Origin says where a value comes from.
type Origin string

// The origins, strongest first.
const (
	FromFlag    Origin = "flag"
	FromEnv     Origin = "env"
	FromProfile Origin = "profile"
	FromDefault Origin = "default"
)

// Value is a setting with its origin. Where is the flag, the variable, or file
// and line, for messages.
type Value struct {
	Text   string
	Origin Origin
	Where  string
}

// Resolved is everything a connection needs to know except the secrets.
type Resolved struct {
	// Name of the profile; "env" when flags and environment alone name the
	// service.
	Name     string
	Values   map[string]Value
	Provider string
	// URL has no trailing slash. It is empty for the profile local.
	URL      string
	ClientID string
	Auth     string
	User     string
	Scope    string
	// TokenURL is the OAuth token endpoint of provider scim.
	TokenURL      string
	KeyFile       string
	KeyID         string
	DomainType    string
	CAFile        string
	SecretStore   string
	SecretEnv     string
	SecretCommand string
	Timeout       time.Duration
	Retries       int
	Rate          float64 // requests a second, 0 for the service's own limits
}

// Local says whether this is the emulator inside the program.
func (r *Resolved) Local() bool { return r.Name == LocalProfile }

// EnvProfile is the name under which tokens are cached when no profile is used.
const EnvProfile = "env"

// NoProfileError means that nothing says which service is meant.
type NoProfileError struct{}

func (*NoProfileError) Error() string { return "no profile chosen" }

// Hint names the ways to choose one.
func (*NoProfileError) Hint() string {
	return "add one with: idctl profile add NAME --url URL --client-id ID\n" +
		"or set IDCTL_URL and IDCTL_CLIENT_ID, or try the built-in service with --profile local"
}

// ExitCode is the code of a usage error.
func (*NoProfileError) ExitCode() int { return 64 }

// SettingError is a flag or variable with a value that cannot be.
type SettingError struct {
	Where string
	Err   error
}

func (e *SettingError) Error() string { return e.Where + ": " + e.Err.Error() }
func (e *SettingError) Unwrap() error { return e.Err }

// ExitCode is the code of a usage error.
func (e *SettingError) ExitCode() int { return 64 }

// Choose decides which profile is meant: --profile, then IDCTL_PROFILE, then
// the file's current one. An address given by flag or variable without a
// profile's name stands for itself and takes nothing from the current profile:
// its client has no business at another address.
func (c *Config) Choose(flags map[string]string, env LookupEnv) (name string, origin Origin, err error) {
	switch {
	case flags["profile"] != "":
		return flags["profile"], FromFlag, nil
	case env.get("IDCTL_PROFILE") != "":
		return env.get("IDCTL_PROFILE"), FromEnv, nil
	case flags["url"] != "":
		return EnvProfile, FromFlag, nil
	case env.get("IDCTL_URL") != "":
		return EnvProfile, FromEnv, nil
	case c.Current != "":
		return c.Current, FromProfile, nil
	}
	return "", "", &NoProfileError{}
}

// Resolve puts flags (by name, only those that were given), environment,
// profile and defaults together.
func (c *Config) Resolve(flags map[string]string, env LookupEnv) (*Resolved, error) {
	name, origin, err := c.Choose(flags, env)
	if err != nil {
		return nil, err
	}
	var p Profile
	switch {
	case strings.EqualFold(name, LocalProfile):
		return c.resolveLocal(flags, env)
	case name == EnvProfile && origin != FromProfile && flags["profile"] == "" && env.get("IDCTL_PROFILE") == "":
		p = Profile{Name: EnvProfile}
	default:
		if p, err = c.Find(name); err != nil {
			return nil, c.unknown(err)
		}
	}
	r, err := c.values(p, flags, env)
	if err != nil {
		return nil, err
	}
	if r.URL == "" {
		return nil, &SettingError{Where: "profile " + r.Name, Err: errors.New("no url; give one with --url or idctl profile set")}
	}
	return r, nil
}

// unknown adds the names there are.
func (c *Config) unknown(err error) error {
	names := []string{LocalProfile}
	for _, p := range c.Profiles {
		names = append(names, p.Name)
	}
	return &SettingError{Where: "--profile", Err: fmt.Errorf("%w; there are %s", err, strings.Join(names, ", "))}
}

func (c *Config) resolveLocal(flags map[string]string, env LookupEnv) (*Resolved, error) {
	if flags["url"] != "" {
		return nil, &SettingError{Where: "--url", Err: errors.New("the profile local has no address, leave one of both out")}
	}
	// IDCTL_URL and the client of the environment belong to another service
	// and are left alone; limits of time and number hold here too.
	only := func(name string) (string, bool) {
		switch name {
		case "IDCTL_TIMEOUT", "IDCTL_RETRIES", "IDCTL_RATE":
			return env.get(name), true
		}
		return "", false
	}
	return c.values(Profile{Name: LocalProfile}, flags, only)
}

func (c *Config) values(p Profile, flags map[string]string, env LookupEnv) (*Resolved, error) {
	r := &Resolved{Name: p.Name, Values: map[string]Value{}}
	for _, s := range Settings() {
		v := Value{Text: s.Default, Origin: FromDefault, Where: "default"}
		if t := p.Values[s.Key]; t != "" {
			v = Value{Text: t, Origin: FromProfile, Where: fmt.Sprintf("%s:%d", c.File, p.lines[s.Key])}
		}
		if s.Env != "" && (s.Key != TokenURL || p.Name == EnvProfile) {
			if t := env.get(s.Env); t != "" {
				v = Value{Text: t, Origin: FromEnv, Where: s.Env}
			}
		}
		if s.Flag != "" {
			if t, given := flags[s.Flag]; given && t != "" {
				v = Value{Text: t, Origin: FromFlag, Where: "--" + s.Flag}
			}
		}
		if err := s.Check(v.Text); err != nil {
			return nil, &SettingError{Where: v.Where, Err: err}
		}
		r.Values[s.Key] = v
	}
	return r, r.fill(env)
}

func (r *Resolved) fill(env LookupEnv) error {
	text := func(key string) string { return r.Values[key].Text }
	r.Provider, r.ClientID, r.Auth, r.User = text("provider"), text("clientId"), text("auth"), text("user")
	r.URL = strings.TrimRight(text("url"), "/")
	r.Scope, r.KeyFile, r.KeyID = text("scope"), text("keyFile"), text("keyId")
	r.TokenURL = text(TokenURL)
	r.DomainType, r.CAFile = text("domainType"), text("caFile")
	r.SecretStore, r.SecretEnv, r.SecretCommand = text("secretStore"), text("secretEnv"), text("secretCommand")
	// A token in the environment is the way in, whatever the profile says, as
	// long as nothing stronger chose another one.
	if env.get("IDCTL_TOKEN") != "" && r.Values["auth"].Origin != FromFlag && env.get("IDCTL_AUTH") == "" {
		r.Auth = AuthToken
		r.Values["auth"] = Value{Text: AuthToken, Origin: FromEnv, Where: "IDCTL_TOKEN"}
	}
	// The checks have let nothing through that could fail here.
	var errs [3]error
	r.Timeout, errs[0] = time.ParseDuration(text("timeout"))
	r.Retries, errs[1] = strconv.Atoi(text("retries"))
	if t := text("rate"); t != "" {
		r.Rate, errs[2] = strconv.ParseFloat(t, 64)
	}
	return errors.Join(errs[:]...)
}
