// Package adminroles holds the commands on the roles by which a domain itself
// is administered, and the question whether the present credentials may do a
// thing. The roles and the table of rights are data of package rights; who
// holds a role is a grant, see package granting.
package adminroles

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/cli/granting"
	"github.com/idctl/idctl/internal/complete"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/rights"
	"github.com/idctl/idctl/pkg/scim"
)

// New makes the command admin-roles.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "admin-roles", Aliases: []string{"admin-role"}, Short: "Manage who administers the domain",
		Long: "Manage who administers the domain: seven roles, from Identity Domain Administrator, who may do\n" +
			"everything, to Audit Administrator, who may run reports. A role is called by its name.",
		Example: "  idctl admin-roles list\n" +
			"  idctl admin-roles grant 'User Administrator' --to ada@example.com\n" +
			"  idctl admin-roles grant 'Help Desk Administrator' --to bob@example.com --groups Interns\n" +
			"  idctl admin-roles matrix Users",
	})
	cmd.AddCommand(newListCmd(d, runList), newShowCmd(d, runShow), newMembersCmd(d, granting.RunList),
		newGrantCmd(d, runGrant), newRevokeCmd(d, runRevoke), newMatrixCmd(d, runMatrix))
	return cmd
}

// Names are the administrator roles, for completion.
func Names() []complete.Name {
	var out []complete.Name
	for _, r := range rights.Admins() {
		out = append(out, complete.Name{Name: r.Name, Note: r.Description})
	}
	return out
}

// found are the roles of the domain, read once.
type found struct {
	d     *cmdutil.Deps
	roles []scim.Document
}

func (f *found) all(ctx context.Context, a provider.Access) ([]scim.Document, error) {
	if f.roles != nil {
		return f.roles, nil
	}
	list, err := a.AdminRoles(ctx)
	if err != nil {
		return nil, err
	}
	// Other roles of the same app are for clients and for the service itself.
	f.roles = []scim.Document{}
	for _, r := range rights.Admins() {
		for _, doc := range list {
			if doc.String("displayName") == r.Name {
				f.roles = append(f.roles, doc)
			}
		}
	}
	return f.roles, nil
}

// role is the name of an administrator role as it is written.
func role(key string) (rights.Role, error) {
	var names []string
	for _, r := range rights.Admins() {
		if strings.EqualFold(r.Name, strings.TrimSpace(key)) {
			return r, nil
		}
		names = append(names, r.Name)
	}
	near := provider.Similar(key, names, 3)
	if len(near) == 0 {
		near = names
	}
	return rights.Role{}, &provider.NearError{What: "administrator role", Key: key, Candidates: near}
}

// find finds a role by its name.
func (f *found) find(ctx context.Context, a provider.Access, key string) (*granting.Thing, error) {
	r, err := role(key)
	if err != nil {
		return nil, err
	}
	list, err := f.all(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, doc := range list {
		if doc.String("displayName") == r.Name {
			t := granting.RoleOf(doc)
			t.Name = r.Name
			return t, nil
		}
	}
	return nil, fmt.Errorf("administrator role %q: %w", r.Name, scim.ErrNotFound)
}

// row is one role, as lists show it.
type row struct {
	Role       string `json:"role"`
	Privileges string `json:"privileges"`
	// Limited says that it may be granted for some groups only.
	Limited bool   `json:"mayBeLimitedToGroups"`
	Users   int    `json:"users"`
	Groups  int    `json:"groups"`
	Apps    int    `json:"apps"`
	ID      string `json:"id"`
}

func rowPrinter(d *cmdutil.Deps) output.Printer[row] {
	return output.New(d.Output, output.Spec[row]{
		Columns: []output.Column[row]{
			{Name: "Role", Path: "role", Get: func(r *row) string { return r.Role }},
			{Name: "Users", Path: "users", Get: func(r *row) string { return strconv.Itoa(r.Users) }},
			{Name: "Groups", Path: "groups", Get: func(r *row) string { return strconv.Itoa(r.Groups) }},
			{Name: "Apps", Path: "apps", Get: func(r *row) string { return strconv.Itoa(r.Apps) }},
			{Name: "Privileges", Path: "privileges", Get: func(r *row) string { return r.Privileges }},
			{Name: "May be limited", Path: "mayBeLimitedToGroups", Wide: true, Get: func(r *row) string { return strconv.FormatBool(r.Limited) }},
			{Name: "ID", Path: "id", Wide: true, Get: func(r *row) string { return r.ID }},
		},
		Key: func(r *row) string { return r.Role },
	})
}

// listOptions are what admin-roles list needs.
type listOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[row]
	Role  string
}

func newListCmd(d *cmdutil.Deps, run func(context.Context, *listOptions) error) *cobra.Command {
	o := &listOptions{Deps: d, Print: rowPrinter(d)}
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the administrator roles, and how many hold each", Args: cmdutil.NoArgs,
		Long: "List the administrator roles, and how many users, groups and apps hold each directly. Members of a\n" +
			"group hold what the group holds, and are not counted.",
		Example: "  idctl admin-roles list\n  idctl admin-roles list -o wide", Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
}

func runList(ctx context.Context, o *listOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	_, a, err := granting.Access(ctx, o.Deps)
	if err != nil {
		return err
	}
	list, err := (&found{d: o.Deps}).all(ctx, a)
	if err != nil {
		return err
	}
	rows := make([]row, len(list))
	for i, doc := range list {
		r, _ := rights.ByName(doc.String("displayName")) // all selects by these names
		rows[i] = row{Role: r.Name, Privileges: r.Description, Limited: r.Limited, ID: doc.ID()}
		for g, err := range a.Grants(ctx, provider.GrantQuery{App: doc.String("app.value"), Role: doc.ID()}) {
			if err != nil {
				return err
			}
			switch g.To {
			case provider.ToUser:
				rows[i].Users++
			case provider.ToGroup:
				rows[i].Groups++
			case provider.ToApp:
				rows[i].Apps++
			}
		}
	}
	return o.Print.List(o.Deps.IO, rows)
}

func newShowCmd(d *cmdutil.Deps, run func(context.Context, *showOptions) error) *cobra.Command {
	o := &showOptions{Deps: d, Print: rightPrinter(d)}
	return &cobra.Command{
		Use: "show <admin-role>", Aliases: []string{"get"}, Short: "Show what an administrator role permits", Args: cmdutil.One("admin-role"),
		Long: "Show what an administrator role permits: its privileges, and what it may do at which endpoint. Nothing\n" +
			"is asked of the service: the table is the vendor's. See admin-roles matrix for the marks.",
		Example: "  idctl admin-roles show 'User Manager'", Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Role = args[0]
			return run(cmd.Context(), o)
		},
	}
}

func newMembersCmd(d *cmdutil.Deps, run func(context.Context, *granting.ListOptions) error) *cobra.Command {
	o := granting.NewListOptions(d)
	o.Find = (&found{d: d}).find
	return &cobra.Command{
		Use: "members [<admin-role>...]", Aliases: []string{"member"}, Short: "List who holds administrator roles", Args: cobra.ArbitraryArgs,
		Long: "List who holds administrator roles, all of them or those that are named, and for which groups where a\n" +
			"role is limited. Members of a group hold what the group holds; groups members list shows them.",
		Example:     "  idctl admin-roles members\n  idctl admin-roles members 'User Administrator' -o name",
		Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Things = args; len(args) == 0 {
				for _, r := range rights.Admins() {
					o.Things = append(o.Things, r.Name)
				}
			}
			return run(cmd.Context(), o)
		},
	}
}

// changeOptions are what grant and revoke need.
type changeOptions struct {
	granting.Options
	For   []string // --groups
	Force bool
}

func newChange(d *cmdutil.Deps, verb string) *changeOptions {
	return &changeOptions{Options: granting.Options{
		Deps: d, Print: granting.NewPrinter(d), Verb: verb, Revoke: verb == "revoke", Find: (&found{d: d}).find,
	}}
}

func (o *changeOptions) args(prep string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cmdutil.One("admin-role")(cmd, args); err != nil {
			return err
		}
		if len(o.Words()) == 0 {
			return cmdutil.Usagef("%s needs --%s, --%[2]s-group or --%[2]s-app", cmd.CommandPath(), prep)
		}
		return nil
	}
}

func newGrantCmd(d *cmdutil.Deps, run func(context.Context, *changeOptions) error) *cobra.Command {
	o := newChange(d, "grant")
	cmd := &cobra.Command{
		Use: "grant <admin-role>", Aliases: []string{"add"}, Short: "Make somebody an administrator",
		Long: "Make users, members of groups or clients administrators. Who holds the role already keeps it.\n\n" +
			"--groups limits a User Manager or a Help Desk Administrator to the members of some groups. How the\n" +
			"service takes the limit is not published: the role is read back, and taken away again with exit\n" +
			"code 10 when the limit did not hold, so that nobody holds more than was meant.",
		Example: "  idctl admin-roles grant 'User Administrator' --to ada@example.com\n" +
			"  idctl admin-roles grant 'Help Desk Administrator' --to bob@example.com --groups Interns --groups Temps",
		Args: o.args("to"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Things = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.Grantees.AddFlags(fs, "to")
	fs.StringArrayVar(&o.For, "groups", nil, "only for members of a `group`, by name or id; may be given several times")
	o.AddFlags(fs)
	return cmd
}

func runGrant(ctx context.Context, o *changeOptions) error {
	r, err := role(o.Things[0])
	if err != nil {
		return fmt.Errorf("grant %w", err)
	}
	if len(o.For) == 0 {
		return granting.Run(ctx, &o.Options)
	}
	switch {
	case !r.Limited:
		return cmdutil.Usagef("role %s cannot be limited to groups", r.Name).
			WithHint("%s and %s can", rights.UserManager, rights.HelpDeskAdministrator)
	case len(o.Grantees.Groups)+len(o.Apps) > 0:
		return cmdutil.Usagef("a role that is limited to groups is granted to users")
	}
	groups := &directory.Base{Deps: o.Deps, Kind: directory.Groups()}
	resources, err := groups.Resources(ctx)
	if err != nil {
		return err
	}
	list, err := groups.FindEach(ctx, resources, o.For, scim.ListOptions{Attributes: []string{"displayName"}})
	if err != nil {
		return fmt.Errorf("limit to %w", err)
	}
	for _, g := range list {
		o.Limit = append(o.Limit, g.ID())
	}
	return granting.Run(ctx, &o.Options)
}

func newRevokeCmd(d *cmdutil.Deps, run func(context.Context, *changeOptions) error) *cobra.Command {
	o := newChange(d, "revoke")
	cmd := &cobra.Command{
		Use: "revoke <admin-role>", Aliases: []string{"remove", "rm"}, Short: "Make somebody an administrator no more",
		Long: "Take an administrator role away. Where a user keeps it by a group, that is told.\n\n" +
			"The last user who is an Identity Domain Administrator directly, not by a group, is refused with exit\n" +
			"code 10: nobody could administer the domain any more. So is a role of the account\n" +
			"that you work with. --force does it, as far as the service lets you.\n\n" +
			"Asks first; off a terminal it needs --yes.",
		Example: "  idctl admin-roles revoke 'User Administrator' --from ada@example.com",
		Args:    o.args("from"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Things = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.Grantees.AddFlags(fs, "from")
	fs.BoolVar(&o.Force, "force", false, "take the role also from the last who holds it directly, and from the own account")
	o.AddFlags(fs)
	return cmd
}

func runRevoke(ctx context.Context, o *changeOptions) error {
	r, err := role(o.Things[0])
	if err != nil {
		return fmt.Errorf("revoke %w", err)
	}
	if !o.Force {
		last := &lastHolder{}
		o.Veto = func(ctx context.Context, a provider.Access, t *granting.Thing, g *granting.Grantee) error {
			if err := o.own(ctx, r.Name, g); err != nil || r.Name != rights.IdentityDomainAdministrator {
				return err
			}
			return last.veto(ctx, a, t, g)
		}
	}
	return granting.Run(ctx, &o.Options)
}

// own refuses to take a role from the account that the program works with: the
// next command might no longer be permitted to give it back.
func (o *changeOptions) own(ctx context.Context, role string, g *granting.Grantee) error {
	if o.Deps.Profile == nil || o.Deps.Tokens == nil {
		return nil
	}
	profile, err := o.Deps.Profile()
	if err != nil {
		return err
	}
	own := g.Type == provider.ToApp && profile.ClientID != "" && g.Doc.String("name") == profile.ClientID
	if g.Type == provider.ToUser {
		source, err := o.Deps.Tokens(ctx, profile)
		if err != nil {
			return err
		}
		token, err := source.Token(ctx)
		if err != nil {
			return err
		}
		c := cmdutil.ReadClaims(token)
		own = c.SubjectType == "user" && strings.EqualFold(c.Subject, g.Doc.String("userName"))
	}
	if !own {
		return nil
	}
	return &cmdutil.RefusedError{Reason: g.String() + " is the account you work with, which would lose " + role, Help: "--force does it"}
}

// lastHolder keeps one user who holds a role directly.
type lastHolder struct{ left map[string]bool }

func (l *lastHolder) veto(ctx context.Context, a provider.Access, t *granting.Thing, g *granting.Grantee) error {
	if g.Type != provider.ToUser {
		return nil
	}
	if l.left == nil {
		l.left = map[string]bool{}
		for grant, err := range a.Grants(ctx, provider.GrantQuery{To: provider.ToUser, App: t.App, Role: t.RoleID()}) {
			if err != nil {
				return err
			}
			if !grant.Derived {
				l.left[grant.Grantee] = true
			}
		}
	}
	if len(l.left) == 1 && l.left[g.ID()] {
		return &cmdutil.RefusedError{
			Reason: g.Name + " is the last user who is " + t.Name + " directly",
			Help:   "grant it to another user first, or use --force",
		}
	}
	delete(l.left, g.ID())
	return nil
}
