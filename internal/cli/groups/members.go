package groups

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// membersPerCall bounds the members that one PATCH adds or removes.
const membersPerCall = 100

func newMembersCmd(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "members", Aliases: []string{"member"}, Short: "List and change the members of a group",
		Example: "  idctl groups members list Engineering\n  idctl groups members set Engineering - < logins.txt",
	})
	cmd.AddCommand(newMembersListCmd(d, runMembersList), newAddCmd(d, runAdd), newRemoveCmd(d, runRemove), newSetCmd(d, runSet))
	return cmd
}

func groupBase(d *cmdutil.Deps) *directory.Base {
	return &directory.Base{Deps: d, Kind: directory.Groups()}
}

func userBase(d *cmdutil.Deps) *directory.Base {
	return &directory.Base{Deps: d, Kind: directory.Users()}
}

// membership is a group whose members are read or changed.
type membership struct {
	*directory.Base
	groups, users provider.Resources
	// plain services do not search users by their groups.
	plain bool
	group scim.Document
}

func (m *membership) connect(ctx context.Context) error {
	p, err := m.Provider(ctx)
	if err != nil {
		return err
	}
	m.plain = provider.IsPlain(p)
	if m.groups, err = m.Resources(ctx); err != nil {
		return err
	}
	m.users, err = userBase(m.Deps).Resources(ctx)
	return err
}

// open finds the group.
func open(ctx context.Context, d *cmdutil.Deps, key string) (*membership, error) {
	m := &membership{Base: groupBase(d)}
	if err := m.connect(ctx); err != nil {
		return nil, err
	}
	var err error
	m.group, err = m.FindOne(ctx, m.groups, key, scim.ListOptions{})
	return m, err
}

func (m *membership) name() string { return m.group.String("displayName") }

// all yields the members page by page.
func (m *membership) all(ctx context.Context) iter.Seq2[scim.Document, error] {
	return provider.Members(ctx, m.groups, m.group.ID())
}

// among answers which of the users are members already.
func (m *membership) among(ctx context.Context, ids []string) (map[string]bool, error) {
	if m.plain {
		out := make(map[string]bool, len(ids))
		group, err := m.groups.Get(ctx, m.group.ID(), scim.ListOptions{Attributes: []string{"members"}})
		if err != nil {
			return nil, err
		}
		for _, member := range provider.MembersOf(group) {
			if id := member.String("value"); slices.Contains(ids, id) {
				out[id] = true
			}
		}
		return out, nil
	}
	in := filter.Eq(filter.AttrPath{Name: "groups", Sub: "value"}, m.group.ID())
	hits, err := provider.FindMany(ctx, m.users, "id", ids, scim.ListOptions{Filter: in, Attributes: []string{"userName"}})
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(hits))
	for _, u := range hits {
		out[u.ID()] = true
	}
	return out, nil
}

func memberValues(ids []string) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = map[string]any{"value": id, "type": "User"}
	}
	return out
}

func (m *membership) add(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, membersPerCall) {
		if err := m.patch(ctx, []scim.PatchOp{{Op: "add", Path: "members", Value: memberValues(chunk)}}); err != nil {
			return fmt.Errorf("add %d members to group %q: %w", len(chunk), m.name(), err)
		}
	}
	return nil
}

func (m *membership) remove(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, membersPerCall) {
		ops := make([]scim.PatchOp, len(chunk))
		for i, id := range chunk {
			ops[i] = scim.PatchOp{Op: "remove", Path: scim.Path("members", filter.Eq(filter.AttrPath{Name: "value"}, id))}
		}
		if err := m.patch(ctx, ops); err != nil {
			return fmt.Errorf("remove %d members from group %q: %w", len(chunk), m.name(), err)
		}
	}
	return nil
}

// patch changes the members. It needs no version: two who add and remove
// different members do not disturb each other.
func (m *membership) patch(ctx context.Context, ops []scim.PatchOp) error {
	_, err := m.groups.Patch(ctx, m.group.ID(), ops, scim.WriteOptions{Attributes: []string{"displayName"}})
	return err
}

// memberIDs looks up users, all of them or none.
func memberIDs(ctx context.Context, d *cmdutil.Deps, keys []string) ([]string, error) {
	b := userBase(d)
	r, err := b.Resources(ctx)
	if err != nil {
		return nil, err
	}
	list, err := b.FindEach(ctx, r, keys, scim.ListOptions{Attributes: []string{"userName"}})
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(list))
	for _, u := range list {
		if !slices.Contains(ids, u.ID()) {
			ids = append(ids, u.ID())
		}
	}
	return ids, nil
}

// listOptions are what groups members list needs.
type listOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[scim.Document]
	Group string
}

func newMembersListCmd(d *cmdutil.Deps, run func(context.Context, *listOptions) error) *cobra.Command {
	text := func(path string) func(*scim.Document) string {
		return func(m *scim.Document) string { return m.String(path) }
	}
	o := &listOptions{Deps: d, Print: output.New(d.Output, output.Spec[scim.Document]{
		Columns: []output.Column[scim.Document]{
			{Name: "Name", Path: "display", Get: text("display")},
			{Name: "Login", Path: "name", Get: text("name")},
			{Name: "Added", Path: "dateAdded", Get: directory.DateOf(d, "dateAdded")},
			{Name: "ID", Path: "value", Wide: true, Get: text("value")},
			{Name: "Type", Path: "type", Wide: true, Get: text("type")},
			{Name: "OCID", Path: "ocid", Wide: true, Get: text("ocid")},
		},
		Key: func(m *scim.Document) string {
			if s := m.String("name"); s != "" {
				return s
			}
			return m.String("value")
		},
		KnownPath: output.AnyPath,
	})}
	return &cobra.Command{
		Use: "list <group>", Aliases: []string{"ls"}, Short: "List the members of a group",
		Long:    "List all members of a group, page by page, in the service's order.",
		Example: "  idctl groups members list Engineering\n  idctl groups members list Engineering -o name",
		Args:    cmdutil.One("group"), Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Group = args[0]
			return run(cmd.Context(), o)
		},
	}
}

func runMembersList(ctx context.Context, o *listOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	m, err := open(ctx, o.Deps, o.Group)
	if err != nil {
		return fmt.Errorf("members of %w", err)
	}
	if _, err = o.Print.Stream(o.Deps.IO, m.all(ctx)); err != nil {
		return fmt.Errorf("members of group %q: %w", m.name(), err)
	}
	return nil
}
