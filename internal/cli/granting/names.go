package granting

import (
	"context"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// namer turns the ids in grants into names, each asked for once.
type namer struct {
	d     *cmdutil.Deps
	a     provider.Access
	known map[provider.GranteeType]map[string]string
	roles map[string]string // without the app
}

func newNamer(d *cmdutil.Deps, a provider.Access) *namer {
	return &namer{d: d, a: a, known: map[provider.GranteeType]map[string]string{
		provider.ToUser: {}, provider.ToGroup: {}, provider.ToApp: {},
	}, roles: map[string]string{}}
}

// name is what one calls it, its id where nobody knows it.
func (n *namer) name(to provider.GranteeType, id string) string {
	if s := n.known[to][id]; s != "" {
		return s
	}
	return id
}

// access is App or App/Role.
func (n *namer) access(app, role string) string {
	s := n.name(provider.ToApp, app)
	if role == "" {
		return s
	}
	if name := n.roles[role]; name != "" {
		return s + "/" + name
	}
	return s + "/" + role
}

// learn asks for names of some of one kind. What is gone keeps its id.
func (n *namer) learn(ctx context.Context, to provider.GranteeType, ids []string) error {
	known := n.known[to]
	if known == nil {
		return nil // a kind that there is no name for
	}
	p, err := n.d.Provider(ctx)
	if err != nil {
		return err
	}
	f := &finder{n.d, p, n.a}
	b, r := f.kind(to)
	found, err := provider.FindMany(ctx, r, "id", unknown(ids, known), naming(to))
	if err != nil {
		return err
	}
	for _, doc := range found {
		known[doc.ID()] = b.Kind.Key(&doc)
	}
	return nil
}

func unknown(ids []string, known map[string]string) []string {
	var out []string
	for _, id := range ids {
		if id != "" && known[id] == "" {
			out = append(out, id)
		}
	}
	return out
}

// grants learns all names of some grants.
func (n *namer) grants(ctx context.Context, list []provider.Grant) error {
	ids := map[provider.GranteeType][]string{}
	var roles []string
	for _, g := range list {
		ids[g.To] = append(ids[g.To], g.Grantee)
		ids[provider.ToApp] = append(ids[provider.ToApp], g.App)
		roles = append(roles, g.Role)
		ids[provider.ToGroup] = append(ids[provider.ToGroup], g.Groups...)
		if g.From != "" {
			ids[provider.ToGroup] = append(ids[provider.ToGroup], g.From)
		}
	}
	for _, to := range []provider.GranteeType{provider.ToUser, provider.ToGroup, provider.ToApp} {
		if err := n.learn(ctx, to, ids[to]); err != nil {
			return err
		}
	}
	found, err := provider.FindMany(ctx, n.a.Roles(), "id", unknown(roles, n.roles), scim.ListOptions{Attributes: []string{"displayName", "app"}})
	if err != nil {
		return err
	}
	for _, doc := range found {
		n.roles[doc.ID()] = doc.String("displayName")
		if app := doc.String("app.display"); app != "" && n.known[provider.ToApp][doc.String("app.value")] == "" {
			n.known[provider.ToApp][doc.String("app.value")] = app
		}
	}
	return nil
}
