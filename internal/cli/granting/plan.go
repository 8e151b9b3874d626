package granting

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// plan looks at what there is of one thing and says what is to be done.
func (r *runner) plan(ctx context.Context, t *Thing, list []*Grantee) ([]*op, error) {
	to := list[0].Type
	have, err := r.have(ctx, t, list)
	if err != nil {
		return nil, err
	}
	var routes map[string][]string
	if r.Revoke && to == provider.ToUser {
		if routes, err = r.routes(ctx, t, list); err != nil {
			return nil, err
		}
	}
	ops := make([]*op, len(list))
	for i, g := range list {
		o := newOp(g, t.Word(), t.Name)
		if ops[i] = o; o.err != nil {
			continue
		}
		var direct, derived []provider.Grant
		for _, grant := range have[g.ID()] {
			if grant.Derived {
				derived = append(derived, grant)
			} else {
				direct = append(direct, grant)
			}
		}
		if r.Revoke {
			r.planRevoke(ctx, o, t, direct, derived, routes[g.ID()])
		} else {
			r.planGrant(o, t, direct)
		}
	}
	return ops, nil
}

// have are the grants of a thing that some grantees have.
func (r *runner) have(ctx context.Context, t *Thing, list []*Grantee) (map[string][]provider.Grant, error) {
	out := map[string][]provider.Grant{}
	ids := found(list)
	if len(ids) == 0 {
		return out, nil // no ids would mean everybody
	}
	q := provider.GrantQuery{To: list[0].Type, Grantees: ids, App: t.App, Role: t.RoleID(), AppOnly: t.Role == nil}
	for grant, err := range r.access.Grants(ctx, q) {
		if err != nil {
			return nil, err
		}
		out[grant.Grantee] = append(out[grant.Grantee], grant)
	}
	return out, nil
}

func (r *runner) planGrant(o *op, t *Thing, direct []provider.Grant) {
	if slices.ContainsFunc(direct, func(g provider.Grant) bool { return sameSet(g.Groups, r.Limit) }) {
		o.Result, o.Why = unchanged, "has "+t.Name+" already"
		return
	}
	if len(direct) > 0 { // of an administrator role, with another limit
		how := "for other groups"
		switch {
		case len(r.Limit) == 0:
			how = "for some groups only"
		case slices.ContainsFunc(direct, func(g provider.Grant) bool { return len(g.Groups) == 0 }):
			how = "without a limit"
		}
		o.err = &cmdutil.RefusedError{Reason: "they hold " + t.Name + " " + how, Help: "revoke it first"}
		return
	}
	if o.err = t.refusal(o.grantee.Type); o.err != nil {
		return
	}
	o.Result = granted
	o.do = func(ctx context.Context) (string, string, error) { return r.grant(ctx, t, o.grantee) }
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// grant makes one. When it is not known what came of it, or somebody else was
// quicker, the service is asked once more.
func (r *runner) grant(ctx context.Context, t *Thing, g *Grantee) (string, string, error) {
	want := provider.Grant{App: t.App, Role: t.RoleID(), To: g.Type, Grantee: g.ID(), Groups: r.Limit}
	made, err := r.access.Grant(ctx, want, "")
	if err != nil {
		conflict := errors.Is(err, scim.ErrConflict)
		var e *scim.Error
		if flow.NotSent(err) || !conflict && errors.As(err, &e) && flow.Definite(e.Status) {
			return "", "", err
		}
		have, herr := r.have(ctx, t, []*Grantee{g})
		if herr != nil {
			return "", "", fmt.Errorf("%w; whether it was granted is not known: %w", err, herr)
		}
		at := slices.IndexFunc(have[g.ID()], func(h provider.Grant) bool { return !h.Derived && sameSet(h.Groups, r.Limit) })
		switch {
		case at < 0:
			return "", "", err
		case conflict:
			return unchanged, "has " + t.Name + " already", nil
		}
		made = have[g.ID()][at]
	}
	if len(r.Limit) > 0 {
		if err := r.held(ctx, t, g, made); err != nil {
			return "", "", err
		}
	}
	return granted, "", nil
}

// held makes sure that a limited role is limited. One that is not is taken
// away at once: nobody gets more than was asked for by a mistake.
func (r *runner) held(ctx context.Context, t *Thing, g *Grantee, made provider.Grant) error {
	limits, err := r.access.Limits(ctx, []string{g.ID()})
	if err == nil {
		var groups []string
		for _, l := range limits[g.ID()] {
			if l.Role == t.RoleID() {
				groups = append(groups, l.Group)
			}
		}
		if sameSet(groups, r.Limit) {
			return nil
		}
		err = errors.New("the service does not show it as limited")
	}
	if rerr := r.access.Revoke(ctx, made.ID); rerr != nil && !errors.Is(rerr, scim.ErrNotFound) {
		return fmt.Errorf("role %s may now be held without its limit (%w) and could not be taken away, do it at once: %w", t.Name, err, rerr)
	}
	return &cmdutil.RefusedError{
		Reason: "the limit to groups did not hold, and the role was taken away again: " + err.Error(),
		Help:   "how a limit is set is not published; set it in the service's console",
	}
}

func (r *runner) planRevoke(ctx context.Context, o *op, t *Thing, direct, derived []provider.Grant, routes []string) {
	o.Remains = routes
	if len(derived) > 0 && len(routes) == 0 {
		o.Remains = []string{"by group membership"}
	}
	if len(direct) == 0 {
		o.Result, o.Why = unchanged, "has no grant of "+t.Name+" of their own"
		return
	}
	if r.Veto != nil {
		if o.err = r.Veto(ctx, r.access, t, o.grantee); o.err != nil {
			o.Remains = nil
			return
		}
	}
	o.Result = revoked
	o.do = func(ctx context.Context) (string, string, error) {
		gone := 0
		for _, g := range direct {
			err := r.access.Revoke(ctx, g.ID)
			switch {
			case errors.Is(err, scim.ErrNotFound):
				gone++
			case err != nil:
				return "", "", err
			}
		}
		if gone == len(direct) {
			return unchanged, "had lost " + t.Name + " meanwhile", nil
		}
		return revoked, "", nil
	}
}

// routes are the groups by which users have a thing.
func (r *runner) routes(ctx context.Context, t *Thing, list []*Grantee) (map[string][]string, error) {
	out := map[string][]string{}
	var groups []string
	q := provider.GrantQuery{To: provider.ToGroup, App: t.App, Role: t.RoleID(), AppOnly: t.Role == nil}
	for grant, err := range r.access.Grants(ctx, q) {
		if err != nil {
			return nil, err
		}
		if !slices.Contains(groups, grant.Grantee) {
			groups = append(groups, grant.Grantee)
		}
	}
	if len(groups) == 0 {
		return out, nil
	}
	names := newNamer(r.Deps, r.access)
	if err := names.learn(ctx, provider.ToGroup, groups); err != nil {
		return nil, err
	}
	ids := found(list)
	for _, id := range groups {
		in := filter.Eq(filter.AttrPath{Name: "groups", Sub: "value"}, id)
		hits, err := provider.FindMany(ctx, r.users, "id", ids, scim.ListOptions{Filter: in, Attributes: []string{"userName"}})
		if err != nil {
			return nil, err
		}
		for _, u := range hits {
			out[u.ID()] = append(out[u.ID()], "by group "+names.name(provider.ToGroup, id))
		}
	}
	return out, nil
}
