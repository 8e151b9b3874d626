package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/complete"
	"github.com/idctl/idctl/internal/config"
)

type useOptions struct {
	Paths config.Paths
	Note  func(string, ...any) error
	Name  string
}

func newUseCmd(d *cmdutil.Deps, run func(context.Context, *useOptions) error) *cobra.Command {
	o := &useOptions{Paths: d.Paths, Note: d.Note}
	return &cobra.Command{
		Use: "use <name>", Short: "Make a profile the current one", Args: cmdutil.One("name"),
		Example: "  idctl profile use prod\n  idctl profile use local",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(cmd.Context(), o)
		},
	}
}

func runUse(ctx context.Context, o *useOptions) error {
	if err := edit(ctx, o.Paths, func(e *config.Editor) error { return e.Use(o.Name) }); err != nil {
		return err
	}
	return o.Note("profile %s is the current one", o.Name)
}

type setOptions struct {
	Paths  config.Paths
	Note   func(string, ...any) error
	Name   string
	Values [][2]string // key and value, an empty value takes the setting out
}

func newSetCmd(d *cmdutil.Deps, run func(context.Context, *setOptions) error) *cobra.Command {
	o := &setOptions{Paths: d.Paths, Note: d.Note}
	var keys strings.Builder
	for _, s := range config.Settings() {
		fmt.Fprintf(&keys, "  %-14s %s\n", s.Key, s.Help)
	}
	return &cobra.Command{
		Use: "set <name> <setting>=<value>...", Short: "Change settings of a profile", Args: cmdutil.AtLeast(2, "name and setting=value"),
		Long:    "Change settings of a profile; an empty value takes a setting out. Settings are\n\n" + keys.String(),
		Example: "  idctl profile set prod timeout=30s domainType=premium\n  idctl profile set prod scope=",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name, o.Values = args[0], nil
			for _, a := range args[1:] {
				key, v, ok := strings.Cut(a, "=")
				s, known := config.FindSetting(key)
				switch {
				case !ok:
					return cmdutil.Usagef("%q is not setting=value", a)
				case !known:
					return unknownSetting(key)
				}
				if err := s.Check(v); err != nil {
					return cmdutil.Usagef("%s: %w", s.Key, err)
				}
				o.Values = append(o.Values, [2]string{s.Key, v})
			}
			return run(cmd.Context(), o)
		},
	}
}

func unknownSetting(key string) error {
	var names []string
	for _, s := range config.Settings() {
		names = append(names, s.Key)
	}
	err := cmdutil.Usagef("unknown setting %q", key)
	if similar := cmdutil.Similar(key, names); len(similar) > 0 {
		return err.WithHint("did you mean %s?", strings.Join(similar, " or "))
	}
	return err.WithHint("settings are %s", strings.Join(names, ", "))
}

func runSet(ctx context.Context, o *setOptions) error {
	var before, after string
	err := edit(ctx, o.Paths, func(e *config.Editor) error {
		if p, err := e.Config().Find(o.Name); err == nil {
			before = keeper(p)
		}
		for _, kv := range o.Values {
			if err := e.Set(o.Name, kv[0], kv[1]); err != nil {
				return err
			}
			if kv[0] == "secretStore" {
				after = cmp.Or(kv[1], config.SecretFile)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if after != "" && after != before && config.KeepsSecrets(before) {
		text := "profile %s changed; what is stored stays where it is (%s)"
		if config.KeepsSecrets(after) {
			text += ", idctl profile move-secret moves it"
		}
		return o.Note(text, o.Name, before)
	}
	return o.Note("profile %s changed", o.Name)
}

type removeOptions struct {
	Paths      config.Paths
	Config     func() (*config.Config, error)
	Confirm    func(ctx context.Context, act string, count int) error
	Secrets    func(*config.Resolved) (auth.Secrets, error)
	TokenCache func() (*auth.Cache, error)
	Note       func(string, ...any) error
	Name       string
}

func newRemoveCmd(d *cmdutil.Deps, run func(context.Context, *removeOptions) error) *cobra.Command {
	o := &removeOptions{
		Paths: d.Paths, Config: d.Config, Confirm: d.Confirm, Secrets: d.Secrets, TokenCache: d.TokenCache, Note: d.Note,
	}
	return &cobra.Command{
		Use: "remove <name>", Aliases: []string{"rm"}, Short: "Remove a profile, its secret and its tokens",
		Args: cmdutil.One("name"), Example: "  idctl profile remove test --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(cmd.Context(), o)
		},
	}
}

func runRemove(ctx context.Context, o *removeOptions) error {
	cfg, err := o.Config()
	if err != nil {
		return err
	}
	if strings.EqualFold(o.Name, config.LocalProfile) {
		return cmdutil.Usagef("profile local is built in and cannot be removed")
	}
	p, err := find(cfg, o.Name)
	if err != nil {
		return err
	}
	if err := o.Confirm(ctx, "remove profile "+p.Name, 1); err != nil {
		return err
	}
	// The secret goes first: a profile without one can be removed again, a
	// secret without a profile would be forgotten.
	if err := forget(ctx, p.Name, p.Values["auth"], keeper(p), o.Secrets, o.TokenCache); err != nil {
		return err
	}
	if err := edit(ctx, o.Paths, func(e *config.Editor) error { return e.Remove(p.Name) }); err != nil {
		return err
	}
	if dir, err := o.Paths.Cache("completion"); err == nil {
		if err := (&complete.Cache{Dir: dir}).Forget(p.Name); err != nil {
			return err
		}
	}
	return o.Note("profile %s removed", p.Name)
}

// keeper is where a profile keeps its secret, without regard to the environment.
func keeper(p config.Profile) string { return cmp.Or(p.Values["secretStore"], config.SecretFile) }

// forget deletes every stored secret and token of a profile: from where it
// keeps them, and from the file in any case, where a copy may have been left.
// Variables and commands are not ours.
func forget(
	ctx context.Context, name, way, kind string,
	secrets func(*config.Resolved) (auth.Secrets, error), cache func() (*auth.Cache, error),
) error {
	kinds := []string{config.SecretFile}
	if kind != config.SecretFile && config.KeepsSecrets(kind) {
		kinds = append(kinds, kind)
	}
	for _, k := range kinds {
		store, err := secrets(&config.Resolved{Name: name, Auth: way, SecretStore: k})
		if err != nil {
			return err
		}
		names, err := store.List(ctx, name)
		if err != nil {
			return fmt.Errorf("forget the secrets of profile %s: %w", name, err)
		}
		for _, n := range names {
			if err := store.Delete(ctx, name, n); err != nil && !errors.Is(err, auth.ErrNotFound) {
				return fmt.Errorf("forget the secrets of profile %s: %w", name, err)
			}
		}
	}
	c, err := cache()
	if err != nil {
		return err
	}
	return c.Clear(ctx, name)
}
