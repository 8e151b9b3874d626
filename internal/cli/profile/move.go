package profile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
)

type moveOptions struct {
	Edit    func(context.Context, func(*config.Editor) error) error
	Config  func() (*config.Config, error)
	Secrets func(*config.Resolved) (auth.Secrets, error)
	Note    func(string, ...any) error
	Name    string
	To      string
}

func newMoveCmd(d *cmdutil.Deps, run func(context.Context, *moveOptions) error) *cobra.Command {
	o := &moveOptions{
		Edit:   func(ctx context.Context, change func(*config.Editor) error) error { return edit(ctx, d.Paths, change) },
		Config: d.Config, Secrets: d.Secrets, Note: d.Note,
	}
	cmd := &cobra.Command{
		Use: "move-secret <name>", Short: "Move the secret of a profile to another place", Args: cmdutil.One("name"),
		Long: "Move the stored secrets of a profile to another place: write them there, read them\n" +
			"back, change the profile's secretStore, and only then delete them where they were. At\n" +
			"every moment the profile has its secret. After an interruption the same command\n" +
			"finishes; it also removes copies that were left in other places. Let no other idctl\n" +
			"use the profile meanwhile.",
		Example: "  idctl profile move-secret prod --to keyring\n  idctl profile move-secret prod --to age",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			if !config.KeepsSecrets(o.To) {
				err := cmdutil.Usagef("--to is %s", oneOf(config.SecretKeepers()))
				if o.To == config.SecretEnv || o.To == config.SecretCommand {
					return err.WithHint("idctl does not write there: put the secret there, then idctl profile set %s secretStore=%s", o.Name, o.To)
				}
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.To, "to", "", "`place` to move to: "+oneOf(config.SecretKeepers()))
	return cmd
}

func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func runMove(ctx context.Context, o *moveOptions) error {
	cfg, err := o.Config()
	if err != nil {
		return err
	}
	if strings.EqualFold(o.Name, config.LocalProfile) {
		return cmdutil.Usagef("profile local keeps no secret that could be moved")
	}
	p, err := find(cfg, o.Name)
	if err != nil {
		return err
	}
	from := keeper(p)
	if !config.KeepsSecrets(from) {
		return cmdutil.Usagef("the secret of profile %s is not idctl's: secretStore is %s", p.Name, from).
			WithHint("give it with: idctl login --profile %s --secret-store %s", p.Name, o.To)
	}
	open := func(kind string) (auth.Secrets, error) {
		s, err := o.Secrets(&config.Resolved{Name: p.Name, URL: p.Values["url"], Auth: p.Values["auth"], SecretStore: kind})
		if err != nil {
			return nil, err
		}
		return cmdutil.Kept(s), nil
	}
	m := &mover{profile: p.Name, url: p.Values["url"]}
	if m.to, err = open(o.To); err != nil {
		return err
	}
	if err := check(ctx, m.to); err != nil {
		return fmt.Errorf("nothing was moved: %w", err)
	}
	if from == o.To {
		return o.collect(ctx, m, open)
	}
	if m.from, err = open(from); err != nil {
		return err
	}
	if err := m.copy(ctx); err != nil {
		return err
	}
	if err := o.Edit(ctx, func(e *config.Editor) error { return e.Set(p.Name, "secretStore", o.To) }); err != nil {
		return err
	}
	if err := m.clear(ctx); err != nil {
		return &cmdutil.PartialError{
			What: "steps", Done: 2, Total: 3, Err: fmt.Errorf("profile %s uses %s now, a copy stays in %s: %w", p.Name, o.To, from, err),
			Help: fmt.Sprintf("finish with: idctl profile move-secret %s --to %s", p.Name, o.To),
		}
	}
	if len(m.values) == 0 {
		return o.Note("profile %s keeps its secret in %s from now on, there was none to move", p.Name, o.To)
	}
	return o.Note("profile %s: %s moved from %s to %s", p.Name, strings.Join(slices.Sorted(maps.Keys(m.values)), ", "), from, o.To)
}

// collect brings what other places still hold to where the profile keeps its
// secrets already. What is there counts, and copies of it are deleted. Places
// that cannot be looked into without asking are passed over.
func (o *moveOptions) collect(ctx context.Context, m *mover, open func(string) (auth.Secrets, error)) error {
	var found []string
	for _, kind := range config.SecretKeepers() {
		if kind == o.To {
			continue
		}
		var err error
		if m.from, err = open(kind); err != nil {
			return err
		}
		if s, ok := m.from.(auth.Sealer); ok && s.Sealed() {
			if err := o.Note("%s is not looked into without its passphrase", kind); err != nil {
				return err
			}
			continue
		}
		names, err := m.from.List(ctx, m.profile)
		if errors.Is(err, auth.ErrNoKeyring) {
			continue // what cannot be opened cannot be cleared either
		}
		if err != nil {
			return fmt.Errorf("look for copies in %s: %w", kind, err)
		}
		if len(names) == 0 {
			continue
		}
		m.settled = map[string]bool{}
		there, err := m.to.List(ctx, m.profile)
		if err != nil {
			return err
		}
		for _, name := range there {
			m.settled[name] = true
		}
		if err := m.copy(ctx); err != nil {
			return err
		}
		if err := m.clear(ctx); err != nil {
			return err
		}
		for _, name := range names {
			found = append(found, name+" from "+kind)
		}
	}
	if len(found) == 0 {
		return o.Note("profile %s keeps its secret in %s already", m.profile, o.To)
	}
	return o.Note("profile %s keeps its secret in %s already; removed: %s", m.profile, o.To, strings.Join(found, ", "))
}

// check asks a store whether it can be written, if it can tell.
func check(ctx context.Context, s auth.Secrets) error {
	if c, ok := cmdutil.Kept(s).(auth.Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

// mover takes secrets of a profile from one store to another.
type mover struct {
	profile, url string
	from, to     auth.Secrets
	// settled are the names of which the new place holds what counts: they are
	// not copied, only deleted where they were.
	settled map[string]bool
	values  map[string]auth.Secret // copied, by name
}

// copy writes every secret to the new place and reads it back.
func (m *mover) copy(ctx context.Context) error {
	m.values = map[string]auth.Secret{}
	names, err := m.from.List(ctx, m.profile)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !m.settled[name] {
			if err := m.copyOne(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mover) copyOne(ctx context.Context, name string) error {
	v, err := m.from.Get(ctx, m.profile, m.url, name)
	if err != nil {
		return err
	}
	if err := put(ctx, m.to, m.profile, m.url, name, v); err != nil {
		return err
	}
	m.values[name] = v
	return nil
}

// put stores a secret and reads it back.
func put(ctx context.Context, to auth.Secrets, profile, url, name string, v auth.Secret) error {
	if err := to.Set(ctx, profile, url, name, v); err != nil {
		return err
	}
	back, err := to.Get(ctx, profile, url, name)
	if err == nil && back != v {
		err = errors.New("something else came back")
	}
	if err != nil {
		return fmt.Errorf("read back %s of profile %s: %w", name, profile, err)
	}
	return nil
}

// clear deletes the secrets in the old place. One that has changed since it
// was copied, such as a refresh token that another process has used, is copied
// again before.
func (m *mover) clear(ctx context.Context) error {
	names, err := m.from.List(ctx, m.profile)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !m.settled[name] {
			v, err := m.from.Get(ctx, m.profile, m.url, name)
			if err != nil {
				return err
			}
			if v != m.values[name] {
				if err := m.copyOne(ctx, name); err != nil {
					return err
				}
			}
		}
		if err := m.from.Delete(ctx, m.profile, name); err != nil && !errors.Is(err, auth.ErrNotFound) {
			return err
		}
	}
	return nil
}
