package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/kballard/go-shellquote"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/ascurl"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	providerscim "github.com/idctl/idctl/internal/provider/scim"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// connector makes what Deps offers: it reads the configuration and connects to
// services, each once and not before it is asked for.
type connector struct {
	deps *cmdutil.Deps

	mu       sync.Mutex
	provider provider.Provider
	tokens   map[string]transport.TokenSource
	local    *localService
	keepers  keepers
	// unattended connects without what might ask a person: a keyring that is
	// locked, a command that prints a secret.
	unattended bool
	curl       *ascurl.Printer
}

func (c *connector) wire() {
	d := c.deps
	d.Config = sync.OnceValues(func() (*config.Config, error) {
		file, err := d.Paths.ConfigFile()
		if errors.Is(err, config.ErrNoHome) {
			return &config.Config{}, nil // no file, which may be all that is needed
		}
		if err != nil {
			return nil, err
		}
		return config.Load(file)
	})
	d.Profile = func() (*config.Resolved, error) {
		cfg, err := d.Config()
		if err != nil {
			return nil, err
		}
		return cfg.Resolve(d.Flags.Given(), d.Env)
	}
	d.Secrets = c.secrets
	d.TokenCache = func() (*auth.Cache, error) {
		dir, err := d.Paths.Cache("tokens")
		if err != nil {
			return nil, err
		}
		return &auth.Cache{Dir: dir, Clock: c.clock(), Logger: d.Log}, nil
	}
	d.Tokens = c.tokenSource
	d.TokenConfig = c.tokenConfig
	d.Transport = c.transportOptions
	d.ShowCalls = c.showCalls
	d.Provider = c.dial
}

func (c *connector) clock() transport.Clock { return transport.NewClock(c.deps.Clock) }

// close ends what was opened. Nothing may be used afterwards.
func (c *connector) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local == nil {
		return nil
	}
	err := c.local.close()
	c.local = nil
	return err
}

// dial connects to the service of the chosen profile.
func (c *connector) dial(ctx context.Context) (provider.Provider, error) {
	c.mu.Lock()
	have := c.provider
	c.mu.Unlock()
	if have != nil {
		return have, nil
	}
	r, err := c.deps.Profile()
	if err != nil {
		return nil, err
	}
	plain := r.Provider == config.ProviderSCIM && !r.Local()
	if r.Provider != provideridcs.Name && !plain {
		return nil, &provider.UnsupportedError{
			Provider: r.Provider, What: "be used by this version of idctl", Instead: "profiles with provider idcs or scim can",
		}
	}
	opts, err := c.transportOptions(ctx, r)
	if err != nil {
		return nil, err
	}
	if !r.Local() {
		if opts.Tokens, err = c.tokenSource(ctx, r); err != nil {
			return nil, err
		}
	}
	opts.Observe = c.observe(r, true)
	client, err := transport.NewClient(opts)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", r.Name, err)
	}
	var p provider.Provider = provideridcs.New(client)
	if plain {
		p = providerscim.New(ctx, client, providerscim.Options{Logger: c.deps.Log, Note: c.deps.Note})
	}
	c.mu.Lock()
	c.provider = p
	c.mu.Unlock()
	return p, nil
}

// transportOptions is everything about the way to the service but the token.
func (c *connector) transportOptions(ctx context.Context, r *config.Resolved) (transport.Options, error) {
	o := idcs.Options{
		BaseURL: r.URL, DomainType: idcs.DomainType(r.DomainType), Clock: c.clock(), Logger: c.deps.Log,
		Timeout: r.Timeout, TLS: transport.TLSOptions{CAFile: r.CAFile},
	}
	if r.Local() {
		l, err := c.openLocal(ctx)
		if err != nil {
			return transport.Options{}, err
		}
		o.BaseURL, o.Base, o.Unlimited = localURL, l.transport(), true
	}
	t := idcs.TransportOptions(o)
	if r.Provider == config.ProviderSCIM && !r.Local() {
		t = plainTransport(o, r)
	}
	t.TraceBodies = c.deps.Flags.TraceBodies
	t.Limits.Shards = c.deps.Flags.Shards
	t.Workers = max(t.Workers, c.deps.Flags.Workers)
	t.UserAgent = "idctl/" + c.deps.Version.Version
	t.Observe = c.observe(r, false)
	t.Retry.Attempts = r.Retries + 1
	if r.Rate > 0 && r.Provider != config.ProviderSCIM {
		// The user's own number takes the place of the published limits, in
		// each group and in full.
		t.Limits.Share, t.Limits.Shards, t.Limits.Rates = 1, 0, map[string]transport.Rate{}
		for group := range idcs.Rates(o.DomainType) {
			t.Limits.Rates[group] = transport.Rate{PerSecond: r.Rate}
		}
	}
	return t, nil
}

// observe prints the requests to a profile's service, when --as-curl was
// given. bearer says that they get an access token on the way.
func (c *connector) observe(r *config.Resolved, bearer bool) func(*http.Request) {
	var remarks []string
	o := ascurl.Options{Bearer: bearer, CAFile: r.CAFile}
	switch {
	case bearer && r.Auth == config.AuthBasic:
		o.Bearer, o.Basic = false, r.User
	case bearer:
		command := "idctl token"
		if r.Name != config.EnvProfile {
			command += " --profile " + r.Name
		}
		remarks = append(remarks, "IDCTL_TOKEN: an access token, as "+command+" prints it")
	}
	if r.Local() {
		remarks = append(remarks, "nothing listens at "+localURL+": idctl itself answers for the profile local")
	}
	return c.showCalls(o, remarks...)
}

func (c *connector) showCalls(o ascurl.Options, remarks ...string) func(*http.Request) {
	if !c.deps.Flags.AsCurl {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.curl == nil {
		c.curl = ascurl.NewPrinter(c.deps.IO.ErrOut, c.deps.IO.ErrTerminal)
	}
	return c.curl.Observe(o, remarks...)
}

// tokenSource gives access tokens of a profile: from memory, from the cache on
// disk, or from the service.
func (c *connector) tokenSource(ctx context.Context, r *config.Resolved) (transport.TokenSource, error) {
	c.mu.Lock()
	have := c.tokens[r.Name]
	c.mu.Unlock()
	if have != nil {
		return have, nil
	}
	source, clientID, err := c.grant(ctx, r)
	if err != nil {
		return nil, err
	}
	if r.Auth != config.AuthToken && r.Auth != config.AuthBasic { // those are no tokens that a service gave
		if cache, cerr := c.deps.TokenCache(); cerr == nil {
			source = cache.Source(auth.Key{
				Profile: r.Name, Origin: origin(r), ClientID: clientID + "\x00" + r.Auth + "\x00" + r.User + "\x00" + r.TokenURL, Scope: r.Scope,
			}, source)
		} else if !errors.Is(cerr, config.ErrNoHome) { // without a home each run asks anew
			return nil, cerr
		}
		source = tokens.Cached(source, tokens.CacheOptions{Clock: c.clock()})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil {
		c.tokens = map[string]transport.TokenSource{}
	}
	c.tokens[r.Name] = source
	return source, nil
}

// grant is the way in that the profile names. Secrets are read from their
// store when a token is asked for, not before: a cached token needs none.
func (c *connector) grant(ctx context.Context, r *config.Resolved) (transport.TokenSource, string, error) {
	cfg, err := c.tokenConfig(ctx, r)
	if err != nil {
		return nil, "", err
	}
	if r.Local() {
		id, secret := c.local.credentials()
		cfg.Client = tokens.Basic{ID: id, Secret: secret}
		return tokens.ClientCredentials(cfg), id, nil
	}
	store, err := c.secrets(r)
	if err != nil {
		return nil, "", err
	}
	return cmdutil.Grant(cfg, r, store, c.clock()), r.ClientID, nil
}

// tokenConfig says where to ask for tokens.
func (c *connector) tokenConfig(ctx context.Context, r *config.Resolved) (tokens.Config, error) {
	opts, err := c.transportOptions(ctx, r)
	if err != nil {
		return tokens.Config{}, err
	}
	t, err := transport.New(opts) // without Tokens: the request for one needs none
	if err != nil {
		return tokens.Config{}, fmt.Errorf("profile %s: %w", r.Name, err)
	}
	var rt http.RoundTripper = t
	if r.Provider == config.ProviderSCIM && !r.Local() {
		return plainTokens(r, tokens.Config{Scope: r.Scope, HTTP: rt, Clock: c.clock()})
	}
	return tokens.Config{URL: opts.BaseURL + "/oauth2/v1/token", Scope: r.Scope, HTTP: rt, Clock: c.clock()}, nil
}

func origin(r *config.Resolved) string {
	if r.Local() {
		return localURL
	}
	u, err := url.Parse(r.URL)
	if err != nil { // the settings' check lets no such value through
		return r.URL
	}
	return transport.Origin(u)
}

// secrets is the store of a profile: the environment first, then where the
// profile says.
func (c *connector) secrets(r *config.Resolved) (auth.Secrets, error) {
	env := &auth.EnvSecrets{Lookup: c.deps.Env}
	if u, _ := c.deps.Env("IDCTL_URL"); u != "" && !r.Local() {
		// Set up together: the secret is for that address and for no other.
		env.Origin = u
	}
	home, err := c.profileURL(r)
	if err != nil {
		return nil, err
	}
	if c.unattended && r.SecretStore != config.SecretEnv && r.SecretStore != config.SecretFile {
		return cmdutil.FirstSecrets{env}, nil
	}
	switch r.SecretStore {
	case config.SecretEnv:
		general := cmdutil.SecretVariable(&config.Resolved{Auth: r.Auth})
		named := &auth.EnvSecrets{Origin: home, Lookup: func(name string) (string, bool) {
			if name == general {
				name = cmdutil.SecretVariable(r)
			}
			return c.deps.Env(name)
		}}
		return cmdutil.FirstSecrets{env, named}, nil
	case config.SecretCommand:
		argv, err := shellquote.Split(r.SecretCommand)
		if err != nil || len(argv) == 0 {
			// The parser's text may repeat the command, and that a secret.
			return nil, cmdutil.Usagef("profile %s: secretCommand is empty or has an open quote", r.Name)
		}
		cmd := &auth.CommandSecrets{
			Argv: map[string][]string{cmdutil.PrimarySecret(r.Auth): argv}, Origin: home, Stderr: c.deps.IO.ErrOut,
		}
		return cmdutil.FirstSecrets{env, cmd}, nil
	}
	return c.keptSecrets(env, r)
}

// profileURL is the address in the profile itself, to which its secrets are
// bound, whatever --url or IDCTL_URL say now.
func (c *connector) profileURL(r *config.Resolved) (string, error) {
	cfg, err := c.deps.Config()
	if err != nil {
		return "", err
	}
	if p, err := cfg.Find(r.Name); err == nil && p.Values["url"] != "" {
		return p.Values["url"], nil
	}
	return r.URL, nil
}
