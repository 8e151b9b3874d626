package granting

import (
	"context"
	"iter"
	"slices"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// Grantees are the words of those who get or lose access, by their kinds. A -
// stands for names on standard input, one a line.
type Grantees struct {
	Users, Groups, Apps []string
}

// AddFlags adds --to, --to-group and --to-app; prep is "to" or "from".
func (g *Grantees) AddFlags(fs *pflag.FlagSet, prep string) {
	const more = "; may be given several times, - reads names from standard input"
	fs.StringArrayVar(&g.Users, prep, nil, "a `user`, by login, e-mail address or id"+more)
	fs.StringArrayVar(&g.Groups, prep+"-group", nil, "a `group`, by name or id"+more)
	fs.StringArrayVar(&g.Apps, prep+"-app", nil, "an `app`, by name, client id or id"+more)
}

// Words are all that was typed.
func (g *Grantees) Words() []string { return slices.Concat(g.Users, g.Groups, g.Apps) }

// Grantee is one that gets or loses access.
type Grantee struct {
	Type provider.GranteeType
	// Key is what the person called it, Name what one calls it who knows it.
	Key, Name string
	Doc       scim.Document
	Err       error
}

// ID is its id, empty where it was not found.
func (g *Grantee) ID() string { return g.Doc.ID() }

// String is "user jane@example.com".
func (g *Grantee) String() string { return Word(g.Type) + " " + g.Name }

// finder looks grantees up.
type finder struct {
	d *cmdutil.Deps
	p provider.Provider
	a provider.Access
}

func (f *finder) kind(to provider.GranteeType) (*directory.Base, provider.Resources) {
	switch to {
	case provider.ToGroup:
		return &directory.Base{Deps: f.d, Kind: directory.Groups()}, f.p.Groups()
	case provider.ToApp:
		return &directory.Base{Deps: f.d, Kind: directory.Apps()}, f.a.Apps()
	case provider.ToUser:
	}
	return &directory.Base{Deps: f.d, Kind: directory.Users()}, f.p.Users()
}

// naming asks for what names one of a kind.
func naming(to provider.GranteeType) scim.ListOptions {
	switch to {
	case provider.ToUser:
		return scim.ListOptions{Attributes: []string{"displayName", "userName"}}
	case provider.ToApp:
		return scim.ListOptions{Attributes: []string{"displayName", "name"}} // name is the client id
	case provider.ToGroup:
	}
	return scim.ListOptions{Attributes: []string{"displayName"}}
}

// lookup finds some of one kind. One that is named twice comes once.
func (f *finder) lookup(ctx context.Context, to provider.GranteeType, keys []string) []*Grantee {
	b, r := f.kind(to)
	opts := naming(to)
	seen := map[string]bool{}
	var out []*Grantee
	for _, found := range b.FindAll(ctx, r, keys, opts) {
		g := &Grantee{Type: to, Key: found.Key, Name: found.Key, Doc: found.Doc, Err: found.Err}
		if found.Err == nil {
			if seen[found.Doc.ID()] {
				continue
			}
			seen[found.Doc.ID()] = true
			if name := b.Kind.Key(&found.Doc); name != "" {
				g.Name = name
			}
		}
		out = append(out, g)
	}
	return out
}

// each yields all grantees in batches of one kind.
func (f *finder) each(ctx context.Context, g *Grantees) iter.Seq2[[]*Grantee, error] {
	return func(yield func([]*Grantee, error) bool) {
		for _, part := range []struct {
			to   provider.GranteeType
			keys []string
		}{{provider.ToUser, g.Users}, {provider.ToGroup, g.Groups}, {provider.ToApp, g.Apps}} {
			if len(part.keys) == 0 {
				continue
			}
			for batch, err := range directory.Batches(cmdutil.Keys(ctx, part.keys, f.d.IO.In)) {
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(f.lookup(ctx, part.to, batch), nil) {
					return
				}
			}
		}
	}
}

// FindGrantee finds the one that was named, by whichever flag.
func FindGrantee(ctx context.Context, d *cmdutil.Deps, to provider.GranteeType, key string) (*Grantee, error) {
	p, a, err := Access(ctx, d)
	if err != nil {
		return nil, err
	}
	f := &finder{d, p, a}
	b, r := f.kind(to)
	opts := naming(to)
	doc, err := b.FindOne(ctx, r, key, opts)
	if err != nil {
		return nil, err
	}
	return &Grantee{Type: to, Key: key, Name: b.Kind.Key(&doc), Doc: doc}, nil
}
