package granting

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Way is one way by which somebody has access.
type Way struct {
	Access string `json:"access"`
	App    string `json:"app"`
	Role   string `json:"role,omitempty"`
	// How is "directly" or "by group Finance"; Group is that group.
	How       string `json:"how"`
	Group     string `json:"group,omitempty"`
	Mechanism string `json:"mechanism"`
	GrantID   string `json:"grantId"`
	Created   string `json:"created,omitempty"`
}

// Ways are all ways by which a grantee has access to a thing, or to anything
// where it is nil, ordered by what is granted. Users have what their groups
// have.
func Ways(ctx context.Context, d *cmdutil.Deps, p provider.Provider, a provider.Access, g *Grantee, t *Thing) ([]Way, error) {
	q := provider.GrantQuery{To: g.Type, Grantees: []string{g.ID()}}
	if t != nil {
		q.App, q.Role = t.App, t.RoleID()
	}
	var own, byGroup []provider.Grant
	for grant, err := range a.Grants(ctx, q) {
		if err != nil {
			return nil, err
		}
		own = append(own, grant)
	}
	names := newNamer(d, a)
	if g.Type == provider.ToUser {
		groups, err := groupsOf(ctx, p, g.ID(), names)
		if err != nil {
			return nil, err
		}
		if len(groups) > 0 {
			q.To, q.Grantees = provider.ToGroup, groups
			for grant, err := range a.Grants(ctx, q) {
				if err != nil {
					return nil, err
				}
				byGroup = append(byGroup, grant)
			}
		}
	}
	if err := names.grants(ctx, slices.Concat(own, byGroup)); err != nil {
		return nil, err
	}
	var out []Way
	for _, grant := range own {
		// What a group's grant was expanded to is shown with the group.
		if grant.Derived && slices.ContainsFunc(byGroup, func(b provider.Grant) bool {
			return b.App == grant.App && b.Role == grant.Role && (grant.From == "" || grant.From == b.Grantee)
		}) {
			continue
		}
		out = append(out, names.way(grant, names.how(grant), ""))
	}
	for _, grant := range byGroup {
		name := names.name(provider.ToGroup, grant.Grantee)
		out = append(out, names.way(grant, "by group "+name, name))
	}
	slices.SortStableFunc(out, func(a, b Way) int {
		return strings.Compare(provider.Fold(a.Access)+"\x00"+a.How, provider.Fold(b.Access)+"\x00"+b.How)
	})
	return out, nil
}

func (n *namer) way(g provider.Grant, how, group string) Way {
	w := Way{
		Access: n.access(g.App, g.Role), App: n.name(provider.ToApp, g.App), How: how, Group: group,
		Mechanism: g.Mechanism, GrantID: g.ID, Created: g.Doc.String("meta.created"),
	}
	if g.Role != "" {
		w.Role = strings.TrimPrefix(w.Access, w.App+"/")
	}
	return w
}

// groupsOf are the ids of a user's groups, whose names are learned by the way.
func groupsOf(ctx context.Context, p provider.Provider, user string, names *namer) ([]string, error) {
	member := filter.Where(filter.AttrPath{Name: "members"}, filter.AllOf(
		filter.Eq(filter.AttrPath{Name: "value"}, user), filter.Eq(filter.AttrPath{Name: "type"}, "User")))
	var ids []string
	for doc, err := range p.Groups().All(ctx, scim.ListOptions{Filter: member, Attributes: []string{"displayName"}}) {
		if err != nil {
			return nil, fmt.Errorf("read the groups: %w", err)
		}
		ids = append(ids, doc.ID())
		names.known[provider.ToGroup][doc.ID()] = doc.String("displayName")
	}
	return ids, nil
}

// ExplainOptions are what grants explain needs.
type ExplainOptions struct {
	Deps *cmdutil.Deps
	// To and Key name who has access, Thing to what; empty for everything.
	To    provider.GranteeType
	Key   string
	Thing string
	Print output.Printer[Way]
}

// NewWays prints ways.
func NewWays(d *cmdutil.Deps) output.Printer[Way] {
	return output.New(d.Output, output.Spec[Way]{
		Columns: []output.Column[Way]{
			{Name: "Access", Path: "access", Get: func(w *Way) string { return w.Access }},
			{Name: "How", Path: "how", Get: func(w *Way) string { return w.How }},
			{Name: "Mechanism", Path: "mechanism", Get: func(w *Way) string { return w.Mechanism }},
			{Name: "Granted", Path: "created", Wide: true, Get: func(w *Way) string { return w.Created }},
			{Name: "Grant", Path: "grantId", Wide: true, Get: func(w *Way) string { return w.GrantID }},
		},
		Key: func(w *Way) string { return w.Access },
	})
}

// RunExplain shows by which ways somebody has access: a tree for a person,
// rows for programs.
func RunExplain(ctx context.Context, o *ExplainOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	p, a, err := Access(ctx, o.Deps)
	if err != nil {
		return err
	}
	g, err := FindGrantee(ctx, o.Deps, o.To, o.Key)
	if err != nil {
		return fmt.Errorf("explain the access of %w", err)
	}
	var t *Thing
	if o.Thing != "" {
		if t, err = Find(ctx, o.Deps, a, o.Thing); err != nil {
			return fmt.Errorf("explain the access to %w", err)
		}
	}
	ways, err := Ways(ctx, o.Deps, p, a, g, t)
	if err != nil {
		return fmt.Errorf("explain the access of %s: %w", g, err)
	}
	if !directory.Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0 {
		return o.Print.List(o.Deps.IO, ways)
	}
	if len(ways) == 0 {
		what := "anything by a grant"
		if t != nil {
			what = t.Name
		}
		return note(o.Deps, "%s has no access to %s", g.String(), what)
	}
	return printTree(o.Deps, g, ways)
}

// printTree prints who, what and how, a level each.
func printTree(d *cmdutil.Deps, g *Grantee, ways []Way) error {
	var buf bytes.Buffer
	line := func(depth int, text string) {
		buf.WriteString(strings.Repeat("  ", depth) + iostreams.Clean(text) + "\n")
	}
	line(0, g.String())
	app, access := "", ""
	for _, w := range ways {
		if w.App != app {
			line(1, w.App)
			app, access = w.App, ""
		}
		depth := 2
		if w.Role != "" {
			if w.Access != access {
				line(2, w.Role)
			}
			depth = 3
		}
		access = w.Access
		text := w.How + " (" + w.Mechanism + ")"
		if len(w.Created) >= len("2026-01-02") {
			text += " since " + w.Created[:len("2026-01-02")]
		}
		line(depth, text)
	}
	if _, err := d.IO.Out.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
