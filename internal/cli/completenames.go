package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/complete"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

const (
	// refreshCommand is how the program calls itself to renew names.
	refreshCommand = "__refresh-completion"
	// refreshLimit bounds a renewal, whatever the service does.
	refreshLimit = 20 * time.Second
	// namesPerPage is how many names one call asks for.
	namesPerPage = 1000
)

// names answers a query from the cache. Where that is old or empty another
// process renews it; the answer waits for that process only when it would be
// empty, and not for long.
func (c *completer) names(ctx context.Context, q complete.Query) []complete.Name {
	cache, service, err := c.cache()
	if err != nil {
		return nil
	}
	have := cache.Read(service, q)
	if !have.Stale || c.spawn == nil {
		return have.Names
	}
	ended, err := c.spawn(c.refreshArgs(q))
	if err != nil || have.Known {
		return have.Names
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ended: //nolint:errcheck // how it ended shows in the cache
	case <-timer.C:
	case <-ctx.Done():
	}
	return cache.Read(service, q).Names
}

// cache is the cache for the chosen profile.
func (c *completer) cache() (*complete.Cache, complete.Service, error) {
	r, err := c.deps.Profile()
	if err != nil {
		return nil, complete.Service{}, err
	}
	if !c.exists(r) {
		return nil, complete.Service{}, fmt.Errorf("profile %s: nothing is there yet", r.Name)
	}
	dir, err := c.deps.Paths.Cache("completion")
	if err != nil {
		return nil, complete.Service{}, err
	}
	return &complete.Cache{Dir: dir, Clock: c.deps.Clock}, complete.Service{
		Profile: r.Name, URL: r.URL, Provider: r.Provider, Client: r.ClientID + "\x00" + r.User,
	}, nil
}

// refreshArgs is the command line of the process that renews names: the flags
// that choose the service are passed on, the environment is inherited.
func (c *completer) refreshArgs(q complete.Query) []string {
	args := []string{refreshCommand}
	given := c.deps.Flags.Given()
	given["retries"] = "0" // a service that is in trouble is not asked harder
	for _, name := range slices.Sorted(maps.Keys(given)) {
		args = append(args, "--"+name+"="+given[name])
	}
	args = append(args, "--", q.Kind)
	if q.Of != "" {
		args = append(args, q.Of)
	}
	return args
}

// newRefresh is the hidden command that renews the names of one query. Nobody
// waits for it and nobody reads what it says.
func (a *app) newRefresh() *cobra.Command {
	return &cobra.Command{
		Use: refreshCommand + " <kind> [of]", Hidden: true, Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := complete.Query{Kind: args[0]}
			if len(args) > 1 {
				q.Of = args[1]
			}
			return a.refresh(cmd.Context(), q)
		},
	}
}

func (a *app) refresh(ctx context.Context, q complete.Query) error {
	ctx, cancel := context.WithTimeout(ctx, refreshLimit)
	defer cancel()
	a.deps.IO.NoInput = true
	// A keyring or a command may ask the person for a password. That must not
	// come of a key press: such a profile is renewed while a token lasts.
	a.conn.unattended = true
	cache, service, err := a.completer().cache()
	if err != nil {
		return err
	}
	return cache.Refresh(ctx, service, q, func(ctx context.Context, q complete.Query, limit int) ([]complete.Name, error) {
		p, err := a.deps.Provider(ctx)
		if err != nil {
			return nil, err
		}
		return fetchNames(ctx, a.deps, p, q, limit)
	})
}

func (a *app) completer() *completer {
	return &completer{deps: a.deps, spawn: a.spawn, exists: a.exists}
}

// exists is false for the profile local until its first use: a key press does
// not make a database.
func (a *app) exists(r *config.Resolved) bool {
	if !r.Local() {
		return true
	}
	file, err := a.deps.Paths.State(config.LocalProfile, localFile)
	if err != nil {
		return false
	}
	_, err = os.Stat(file)
	return err == nil
}

// fetchNames asks the service.
func fetchNames(ctx context.Context, d *cmdutil.Deps, p provider.Provider, q complete.Query, limit int) ([]complete.Name, error) {
	switch q.Kind {
	case complete.Users:
		return listNames(ctx, p.Users(), limit)
	case complete.Groups:
		return listNames(ctx, p.Groups(), limit)
	case complete.Types:
		return complete.Plain(p.ResourceNames()), nil
	case complete.Resources:
		r, err := p.Resource(q.Of)
		if err != nil {
			return nil, err
		}
		return listNames(ctx, r, limit)
	case complete.Members:
		return memberNames(ctx, d, p, q.Of, limit)
	case complete.Attributes:
		return attributeNames(ctx, d, p, q.Of)
	}
	return nil, fmt.Errorf("there are no names of kind %q", q.Kind)
}

func listNames(ctx context.Context, r provider.Resources, limit int) ([]complete.Name, error) {
	key := "id"
	if keys := r.Keys(); len(keys) > 0 {
		key = keys[0]
	}
	var names []complete.Name
	for doc, err := range r.All(ctx, scim.ListOptions{Attributes: []string{key, "displayName"}, Count: min(limit, namesPerPage)}) {
		if err != nil {
			return nil, err
		}
		name := doc.String(key)
		if name == "" {
			name = doc.ID()
		}
		names = append(names, complete.Name{Name: name, Note: directory.Label(doc)})
		if len(names) == limit {
			break
		}
	}
	return names, nil
}

func memberNames(ctx context.Context, d *cmdutil.Deps, p provider.Provider, group string, limit int) ([]complete.Name, error) {
	b := &directory.Base{Deps: d, Kind: directory.Groups()}
	doc, err := b.FindOne(ctx, p.Groups(), group, scim.ListOptions{Attributes: []string{"displayName"}})
	if err != nil {
		return nil, err
	}
	var names []complete.Name
	for m, err := range provider.Members(ctx, p.Groups(), doc.ID()) {
		if err != nil {
			return nil, err
		}
		name := m.String("name")
		if name == "" {
			name = m.String("value")
		}
		names = append(names, complete.Name{Name: name, Note: m.String("display")})
		if len(names) == limit {
			break
		}
	}
	return names, nil
}

func attributeNames(ctx context.Context, d *cmdutil.Deps, p provider.Provider, typ string) ([]complete.Name, error) {
	r, err := p.Resource(typ)
	if err != nil {
		return nil, err
	}
	b := &directory.Base{Deps: d, Kind: directory.Any()}
	s, err := b.ReadSchema(ctx, r.Type())
	if err != nil {
		return nil, err
	}
	names := make([]complete.Name, len(s.Attributes))
	for i, a := range s.Attributes {
		names[i] = complete.Name{Name: a.Path, Note: a.Type}
	}
	return names, nil
}
