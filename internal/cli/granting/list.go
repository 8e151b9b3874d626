package granting

import (
	"context"
	"fmt"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
)

// Row is one grant, as lists show it.
type Row struct {
	ID          string `json:"id"`
	Access      string `json:"access"`
	AppID       string `json:"appId"`
	RoleID      string `json:"roleId,omitempty"`
	Grantee     string `json:"grantee"`
	GranteeType string `json:"granteeType"`
	GranteeID   string `json:"granteeId"`
	// How says in words how it came about, Mechanism in the service's.
	How       string   `json:"how"`
	Mechanism string   `json:"mechanism"`
	Groups    []string `json:"limitedToGroups,omitempty"`
	Created   string   `json:"created,omitempty"`
}

// ListOptions are what a list of grants needs.
type ListOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[Row]
	// Things are what is granted, all where there is none.
	Things []string
	Grantees
	// Find turns a word into a thing; nil is Find.
	Find func(ctx context.Context, a provider.Access, key string) (*Thing, error)
}

// NewListOptions makes options whose rows show columns that are known
// already, access or grantee, in no particular way.
func NewListOptions(d *cmdutil.Deps) *ListOptions {
	o := &ListOptions{Deps: d}
	text := func(get func(*Row) string) func(*Row) string { return get }
	o.Print = output.New(d.Output, output.Spec[Row]{
		Columns: []output.Column[Row]{
			{Name: "Access", Path: "access", Get: text(func(r *Row) string { return r.Access })},
			{Name: "Grantee", Path: "grantee", Get: text(func(r *Row) string { return r.Grantee })},
			{Name: "Kind", Path: "granteeType", Get: text(func(r *Row) string { return r.GranteeType })},
			{Name: "How", Path: "how", Get: text(func(r *Row) string { return r.How })},
			{Name: "Mechanism", Path: "mechanism", Wide: true, Get: text(func(r *Row) string { return r.Mechanism })},
			{Name: "Granted", Path: "created", Wide: true, Get: text(func(r *Row) string { return r.Created })},
			{Name: "ID", Path: "id", Wide: true, Get: text(func(r *Row) string { return r.ID })},
		},
		// The word that another command takes: what is asked for is known, the
		// other side is the answer.
		Key: func(r *Row) string {
			if len(o.Words()) > 0 && len(o.Things) == 0 {
				return r.Access
			}
			return r.Grantee
		},
	})
	return o
}

// listBatch is how many grants are named at a time.
const listBatch = 100

// RunList lists grants.
func RunList(ctx context.Context, o *ListOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	p, a, err := Access(ctx, o.Deps)
	if err != nil {
		return err
	}
	queries, err := o.queries(ctx, p, a)
	if err != nil {
		return fmt.Errorf("list grants: %w", err)
	}
	names := newNamer(o.Deps, a)
	_, err = o.Print.Stream(o.Deps.IO, func(yield func(Row, error) bool) {
		var batch []provider.Grant
		flush := func() bool {
			if err := names.grants(ctx, batch); err != nil {
				yield(Row{}, err)
				return false
			}
			for _, g := range batch {
				if !yield(names.row(g), nil) {
					return false
				}
			}
			batch = batch[:0]
			return true
		}
		for _, q := range queries {
			for g, err := range a.Grants(ctx, q) {
				if err != nil {
					yield(Row{}, err)
					return
				}
				if batch = append(batch, g); len(batch) == listBatch && !flush() {
					return
				}
			}
		}
		flush()
	})
	if err != nil {
		return fmt.Errorf("list grants: %w", err)
	}
	return nil
}

// queries are what is asked for: each thing with each kind of grantee.
func (o *ListOptions) queries(ctx context.Context, p provider.Provider, a provider.Access) ([]provider.GrantQuery, error) {
	things := []provider.GrantQuery{{}}
	if len(o.Things) > 0 {
		things = nil
	}
	find := o.Find
	if find == nil {
		find = func(ctx context.Context, a provider.Access, key string) (*Thing, error) {
			return Find(ctx, o.Deps, a, key)
		}
	}
	for key, err := range cmdutil.Keys(ctx, o.Things, o.Deps.IO.In) {
		if err != nil {
			return nil, err
		}
		t, err := find(ctx, a, key)
		if err != nil {
			return nil, err
		}
		things = append(things, provider.GrantQuery{App: t.App, Role: t.RoleID()})
	}
	if len(o.Words()) == 0 {
		return things, nil
	}
	var out []provider.GrantQuery
	f := &finder{o.Deps, p, a}
	for batch, err := range f.each(ctx, &o.Grantees) {
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(batch))
		for i, g := range batch {
			if g.Err != nil {
				return nil, g.Err
			}
			ids[i] = g.ID()
		}
		for _, q := range things {
			q.To, q.Grantees = batch[0].Type, ids
			out = append(out, q)
		}
	}
	return out, nil
}

func (n *namer) row(g provider.Grant) Row {
	return Row{
		ID: g.ID, Access: n.access(g.App, g.Role), AppID: g.App, RoleID: g.Role,
		Grantee: n.name(g.To, g.Grantee), GranteeType: Word(g.To), GranteeID: g.Grantee,
		How: n.how(g), Mechanism: g.Mechanism, Groups: n.groups(g.Groups), Created: g.Doc.String("meta.created"),
	}
}

func (n *namer) groups(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, n.name(provider.ToGroup, id))
	}
	return out
}

// how says in words how a grant came about.
func (n *namer) how(g provider.Grant) string {
	switch {
	case g.Derived && g.From != "":
		return "by group " + n.name(provider.ToGroup, g.From)
	case g.Derived:
		return "by a group"
	case len(g.Groups) > 0:
		return "directly, for group " + strings.Join(n.groups(g.Groups), ", ")
	}
	switch {
	case strings.HasPrefix(g.Mechanism, "IMPORT_"):
		return "directly, imported"
	case strings.HasPrefix(g.Mechanism, "ADMINISTRATOR_TO_"):
		return "directly"
	case g.Mechanism == "ACCESS_REQUEST":
		return "directly, by request"
	case g.Mechanism == "SYNC_TO_USER":
		return "directly, synchronised"
	}
	return "directly, by the service"
}

// FindRole finds an app role and nothing else.
func FindRole(d *cmdutil.Deps) func(ctx context.Context, a provider.Access, key string) (*Thing, error) {
	return func(ctx context.Context, a provider.Access, key string) (*Thing, error) {
		t, err := Find(ctx, d, a, key)
		if err == nil && t.Role == nil {
			return nil, cmdutil.Usagef("%q is an app, not one of its roles", key).WithHint("idctl app-roles list --app %s lists them", t.Name)
		}
		return t, err
	}
}

// note prints a remark, with text of the service made safe.
func note(d *cmdutil.Deps, format string, args ...any) error {
	return directory.Note(d, format, args...)
}
