package profile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

type loginOptions struct {
	Profile     func() (*config.Resolved, error)
	Secrets     func(*config.Resolved) (auth.Secrets, error)
	TokenConfig func(context.Context, *config.Resolved) (tokens.Config, error)
	TokenCache  func() (*auth.Cache, error)
	Prompt      prompt.Prompter
	ReadSecret  func(context.Context, string) (auth.Secret, error)
	Note        func(string, ...any) error
	Clock       func() time.Time

	Edit func(context.Context, func(*config.Editor) error) error

	SecretFile       string
	ClientSecretFile string
	SecretStore      string // where to keep it from now on, empty for where the profile says
}

// NewLogin returns the command login.
func NewLogin(d *cmdutil.Deps) *cobra.Command { return newLoginCmd(d, runLogin) }

func newLoginCmd(d *cmdutil.Deps, run func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{
		Profile: d.Profile, Secrets: d.Secrets, TokenConfig: d.TokenConfig, TokenCache: d.TokenCache,
		Prompt: d.Prompt, ReadSecret: d.ReadSecret, Note: d.Note, Clock: d.Clock,
		Edit: func(ctx context.Context, change func(*config.Editor) error) error { return edit(ctx, d.Paths, change) },
	}
	cmd := &cobra.Command{
		Use: "login", Short: "Test and store the credential of a profile", Args: cmdutil.NoArgs,
		Long: "Get an access token with a new credential and, when that works, store the\n" +
			"credential, bound to the profile's address. The secret is what the profile's way to\n" +
			"log in turns on: client secret, password, refresh token or access token. It is asked\n" +
			"for on a terminal, or read with --secret-file; it is never an argument. With\n" +
			"--secret-store it is kept there from now on, and deleted where it was.",
		Example: "  idctl login --profile prod\n  pass show idcs/prod | idctl login --profile prod --secret-file -\n" +
			"  idctl login --profile prod --secret-store keyring",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.SecretStore != "" && !config.KeepsSecrets(o.SecretStore) {
				return cmdutil.Usagef("--secret-store is %s: login stores nothing elsewhere", oneOf(config.SecretKeepers()))
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.SecretFile, "secret-file", "", "`file` with the secret, - for standard input")
	cmd.Flags().StringVar(&o.ClientSecretFile, "client-secret-file", "",
		"`file` with the client's secret, where the secret is a password or refresh token")
	cmd.Flags().StringVar(&o.SecretStore, "secret-store", "", "`place` to keep it in from now on: "+oneOf(config.SecretKeepers()))
	return cmd
}

func runLogin(ctx context.Context, o *loginOptions) error {
	if o.SecretFile == "-" && o.ClientSecretFile == "-" {
		return cmdutil.Usagef("only one secret can come from standard input")
	}
	r, err := o.Profile()
	if err != nil {
		return err
	}
	if r.Local() {
		return o.Note("profile local needs no login")
	}
	store, err := o.Secrets(r)
	if err != nil {
		return err
	}
	way, target, err := o.target(r, store)
	if err != nil {
		return err
	}
	// Before anything is asked for: what cannot be stored need not be typed.
	if config.KeepsSecrets(way.SecretStore) {
		if err := check(ctx, target); err != nil {
			return err
		}
	}
	found, err := o.collect(ctx, way, store)
	if err != nil {
		return err
	}
	cfg, err := o.TokenConfig(ctx, r)
	if err != nil {
		return err
	}
	trial := &overlay{Secrets: store, values: found}
	t, err := cmdutil.Grant(cfg, r, trial, transport.NewClock(o.Clock)).Token(ctx)
	if err != nil {
		return fmt.Errorf("log in to profile %s: %w", r.Name, err)
	}
	for name, v := range trial.values { // found, or what it was exchanged for
		if err := target.Set(ctx, r.Name, r.URL, name, v); err != nil {
			return fmt.Errorf("logged in, but the credential is not stored: %w", err)
		}
	}
	if way.SecretStore != r.SecretStore {
		if err := o.relocate(ctx, r, way, store, target, trial.values); err != nil {
			return err
		}
	}
	// Tokens of an older credential must not live on.
	cache, err := o.TokenCache()
	switch {
	case err == nil:
		if err := cache.Clear(ctx, r.Name); err != nil {
			return err
		}
	case !errors.Is(err, config.ErrNoHome):
		return err
	}
	if r.Auth == config.AuthBasic {
		return o.Note("credential of %s for %s kept; the next command tries it", r.User, r.URL)
	}
	if t.Expiry.IsZero() {
		return o.Note("logged in to %s as profile %s", r.URL, r.Name)
	}
	return o.Note("logged in to %s as profile %s, token good until %s", r.URL, r.Name, t.Expiry.Format(time.RFC3339))
}

// target is where the credential goes: the profile as it will be, and the
// store. Without --secret-store nothing changes.
func (o *loginOptions) target(r *config.Resolved, store auth.Secrets) (*config.Resolved, auth.Secrets, error) {
	if o.SecretStore == "" || o.SecretStore == r.SecretStore {
		return r, store, nil
	}
	if r.Name == config.EnvProfile {
		return nil, nil, cmdutil.Usagef("--secret-store changes a profile, and none is in use").
			WithHint("add one with: idctl profile add NAME --url %s --secret-store %s", r.URL, o.SecretStore)
	}
	if v := r.Values["secretStore"]; v.Origin == config.FromEnv {
		return nil, nil, cmdutil.Usagef("--secret-store %s contradicts %s, which says %s", o.SecretStore, v.Where, v.Text)
	}
	way := *r
	way.SecretStore = o.SecretStore
	target, err := o.Secrets(&way)
	if err != nil {
		return nil, nil, err
	}
	return &way, cmdutil.Kept(target), nil
}

// relocate makes the new place the profile's and empties the old one. Secrets
// that the login did not replace come along.
func (o *loginOptions) relocate(
	ctx context.Context, r, way *config.Resolved, store, target auth.Secrets, stored map[string]auth.Secret,
) error {
	m := &mover{profile: r.Name, url: r.URL, from: cmdutil.Kept(store), to: target, settled: map[string]bool{}}
	for name := range stored {
		m.settled[name] = true
	}
	old := config.KeepsSecrets(r.SecretStore)
	if old {
		if err := m.copy(ctx); err != nil {
			return fmt.Errorf("logged in, but profile %s keeps its secret in %s: %w", r.Name, r.SecretStore, err)
		}
	}
	err := o.Edit(ctx, func(e *config.Editor) error { return e.Set(r.Name, "secretStore", way.SecretStore) })
	if err != nil || !old {
		return err
	}
	if err := m.clear(ctx); err != nil {
		return fmt.Errorf("logged in, but a copy of the secret stays in %s: %w", r.SecretStore, err)
	}
	return nil
}

// collect gets the secrets to try: from files, or by asking. Nothing needs
// collecting where the environment or a command gives them.
func (o *loginOptions) collect(ctx context.Context, r *config.Resolved, store auth.Secrets) (map[string]auth.Secret, error) {
	found := map[string]auth.Secret{}
	if o.ClientSecretFile != "" {
		v, err := o.ReadSecret(ctx, o.ClientSecretFile)
		if err != nil {
			return nil, err
		}
		found[auth.ClientSecret] = v
	}
	name := cmdutil.PrimarySecret(r.Auth)
	if r.Auth == config.AuthJWTAssertion {
		return found, nil // the key file is the secret
	}
	if o.SecretFile != "" {
		if !config.KeepsSecrets(r.SecretStore) {
			return nil, cmdutil.Usagef("profile %s keeps its secret elsewhere (secretStore %s)", r.Name, r.SecretStore)
		}
		v, err := o.ReadSecret(ctx, o.SecretFile)
		if err != nil {
			return nil, err
		}
		found[name] = v
		return found, nil
	}
	if fs, ok := store.(cmdutil.FirstSecrets); ok {
		_, err := fs[0].Get(ctx, r.Name, r.URL, name)
		if err == nil {
			return found, nil // given by the environment: test it, store nothing
		}
		if !errors.Is(err, auth.ErrNotFound) {
			return nil, err
		}
	}
	if !config.KeepsSecrets(r.SecretStore) {
		return found, nil
	}
	v, err := o.Prompt.Secret(ctx, prompt.Question{
		Text: map[string]string{
			auth.ClientSecret: "Client secret", auth.Password: "Password of " + r.User,
			auth.RefreshToken: "Refresh token", auth.AccessToken: "Access token",
		}[name],
		Flag: "--secret-file",
		Check: func(v string) error {
			if v == "" {
				return errors.New("a secret is needed")
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	found[name] = auth.Secret(v)
	return found, nil
}

// overlay is a store with secrets on trial above it. It keeps what is set.
type overlay struct {
	auth.Secrets
	values map[string]auth.Secret
}

func (o *overlay) Get(ctx context.Context, profile, origin, name string) (auth.Secret, error) {
	if v, ok := o.values[name]; ok {
		return v, nil
	}
	return o.Secrets.Get(ctx, profile, origin, name)
}

func (o *overlay) Set(ctx context.Context, profile, origin, name string, v auth.Secret) error {
	if _, ok := o.values[name]; ok {
		o.values[name] = v
		return nil
	}
	return o.Secrets.Set(ctx, profile, origin, name, v)
}

type logoutOptions struct {
	Profile    func() (*config.Resolved, error)
	Secrets    func(*config.Resolved) (auth.Secrets, error)
	TokenCache func() (*auth.Cache, error)
	Note       func(string, ...any) error
	Forget     bool
}

// NewLogout returns the command logout.
func NewLogout(d *cmdutil.Deps) *cobra.Command { return newLogoutCmd(d, runLogout) }

func newLogoutCmd(d *cmdutil.Deps, run func(context.Context, *logoutOptions) error) *cobra.Command {
	o := &logoutOptions{Profile: d.Profile, Secrets: d.Secrets, TokenCache: d.TokenCache, Note: d.Note}
	cmd := &cobra.Command{
		Use: "logout", Short: "Forget the access tokens of a profile", Args: cmdutil.NoArgs,
		Long: "Forget the access tokens of a profile, and with --forget its stored secrets too.\n" +
			"Tokens stay valid at the service until they expire.",
		Example: "  idctl logout --profile prod\n  idctl logout --profile prod --forget",
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.Forget, "forget", false, "forget the stored secrets as well")
	return cmd
}

func runLogout(ctx context.Context, o *logoutOptions) error {
	r, err := o.Profile()
	if err != nil {
		return err
	}
	if o.Forget && !r.Local() {
		if err := forget(ctx, r.Name, r.Auth, r.SecretStore, o.Secrets, o.TokenCache); err != nil {
			return err
		}
		return o.Note("profile %s: tokens and secrets forgotten", r.Name)
	}
	cache, err := o.TokenCache()
	if err != nil {
		return err
	}
	if err := cache.Clear(ctx, r.Name); err != nil {
		return err
	}
	return o.Note("profile %s: tokens forgotten", r.Name)
}
