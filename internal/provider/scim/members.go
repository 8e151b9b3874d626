package scim

import (
	"context"
	"iter"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// Members yields the members of a group. The protocol has no pages inside of
// an attribute, so that they come at once. Many servers send nothing but ids;
// the names of users are then looked up and stand under display and name, as
// identity domains send them.
func (r *resources) Members(ctx context.Context, id string) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		group, err := r.Get(ctx, id, scim.ListOptions{Attributes: []string{"members"}})
		if err != nil {
			yield(nil, err)
			return
		}
		seen := map[string]bool{}
		var members []scim.Document
		var nameless []string
		for _, m := range provider.MembersOf(group) {
			value := m.String("value")
			if seen[value] {
				continue
			}
			seen[value] = true
			members = append(members, m)
			if value != "" && m.String("name") == "" {
				nameless = append(nameless, value)
			}
		}
		users, err := r.p.userNames(ctx, nameless)
		if err != nil {
			// The members are what was asked for; names are a courtesy.
			r.p.log.InfoContext(ctx, "the names of members cannot be read", "error", err)
		}
		for _, m := range members {
			if u := users[m.String("value")]; u != nil {
				m["name"] = u.String("userName")
				if m.String("display") == "" && u.String("displayName") != "" {
					m["display"] = u.String("displayName")
				}
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// userNames reads users by their ids, those that there are.
func (p *Provider) userNames(ctx context.Context, ids []string) (map[string]scim.Document, error) {
	out := make(map[string]scim.Document, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	users := p.resources(userInfo())
	opts := scim.ListOptions{Attributes: []string{"userName", "displayName"}}
	f, err := p.readFeatures(ctx)
	if err != nil {
		return nil, err
	}
	if f.filter != no && !p.knows(users.base.name+" filter id") {
		found, err := provider.FindMany(ctx, users, "id", ids, opts)
		for _, u := range found {
			out[u.ID()] = u
		}
		return out, err
	}
	// Without filters each batch would read everything.
	for u, err := range users.All(ctx, opts) {
		if err != nil {
			return nil, err
		}
		out[u.ID()] = u
	}
	return out, nil
}
