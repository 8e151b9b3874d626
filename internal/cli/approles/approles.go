// Package approles holds the commands on app roles, the roles that an
// application has and that are granted. What they share with those on other
// resources is in package directory, what is about grants in package granting.
package approles

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/cli/granting"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// New makes the command app-roles.
func New(d *cmdutil.Deps) *cobra.Command {
	k := directory.AppRoles()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "app-roles", Aliases: []string{"app-role"}, Short: "Manage the roles of applications",
		Long: "Manage the roles of applications. A role is called App/Role, or by its id.",
		Example: "  idctl app-roles list --app Payroll\n" +
			"  idctl app-roles create Payroll/Approver --for users,groups\n" +
			"  idctl app-roles members Payroll/Approver",
	})
	cmd.AddCommand(
		newListCmd(d, runList),
		directory.NewSearch(d, k, directory.RunSearch),
		directory.NewGet(d, k, directory.RunGet),
		newCreateCmd(d, runCreate),
		newUpdateCmd(d, directory.RunUpdate),
		acting.New(d, deleteVerb(), acting.Run),
		newMembersCmd(d, granting.RunList),
	)
	return cmd
}

// listOptions are what app-roles list needs.
type listOptions struct {
	*directory.ListOptions
	App string
}

func newListCmd(d *cmdutil.Deps, run func(context.Context, *listOptions) error) *cobra.Command {
	k := directory.AppRoles()
	o := &listOptions{}
	cmd := directory.NewList(d, k, func(ctx context.Context, list *directory.ListOptions) error {
		o.ListOptions = list
		return run(ctx, o)
	})
	cmd.Flags().StringVar(&o.App, "app", "", "the roles of an `app` alone")
	return cmd
}

func runList(ctx context.Context, o *listOptions) error {
	if o.App == "" {
		return directory.RunList(ctx, o.ListOptions)
	}
	_, a, err := granting.Access(ctx, o.Deps)
	if err != nil {
		return err
	}
	apps := &directory.Base{Deps: o.Deps, Kind: directory.Apps()}
	app, err := apps.FindOne(ctx, a.Apps(), o.App, scim.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the roles of %w", err)
	}
	var more filter.Expr
	if o.Filter != "" {
		if more, err = o.Deps.ParseFilter("filter", o.Filter); err != nil {
			return err
		}
	}
	of := filter.Eq(filter.AttrPath{Name: "app", Sub: "value"}, app.ID())
	return directory.ListWhere(ctx, o.ListOptions, filter.AllOf(of, more))
}

// createOptions are what app-roles create needs.
type createOptions struct {
	directory.CreateOptions
	Name        string
	Description string
	For         string
	Admin       bool
	Public      bool
}

func newCreateCmd(d *cmdutil.Deps, run func(context.Context, *createOptions) error) *cobra.Command {
	k := directory.AppRoles()
	o := &createOptions{CreateOptions: directory.CreateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "create <app>/<role>", Aliases: []string{"add", "new"}, Short: "Create a role of an app",
		Long: "Create a role of an app. Whom it can be granted to is set now and cannot be changed later; by default\n" +
			"that is users, groups and apps.",
		Example: "  idctl app-roles create Payroll/Approver --description 'Approves payments'\n" +
			"  idctl app-roles create Payroll/Reader --for apps",
		Args: cmdutil.One("app>/<role"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.Description, "description", "", "what the role permits")
	fs.StringVar(&o.For, "for", "users,groups,apps", "whom it can be granted to, a `list` of users, groups and apps with commas")
	fs.BoolVar(&o.Admin, "admin", false, "it administers the app")
	fs.BoolVar(&o.Public, "public", false, "everybody has it without a grant")
	o.AddFlags(fs)
	return cmd
}

// runCreate finds the app, which is all that comes before the last slash.
func runCreate(ctx context.Context, o *createOptions) error {
	at := strings.LastIndex(o.Name, "/")
	if at < 1 || strings.TrimSpace(o.Name[at+1:]) == "" {
		return cmdutil.Usagef("%q names no app and role", o.Name).WithHint("a role is called App/Role")
	}
	whom := strings.FieldsFunc(o.For, func(r rune) bool { return r == ',' || r == ' ' })
	for _, word := range whom {
		if !slices.Contains([]string{"users", "groups", "apps"}, word) {
			return cmdutil.Usagef("--for: %q is not among users, groups and apps", word)
		}
	}
	_, a, err := granting.Access(ctx, o.Deps)
	if err != nil {
		return err
	}
	apps := &directory.Base{Deps: o.Deps, Kind: directory.Apps()}
	app, err := apps.FindOne(ctx, a.Apps(), strings.TrimSpace(o.Name[:at]), scim.ListOptions{})
	if err != nil {
		return fmt.Errorf("create a role of %w", err)
	}
	set := func(path string, value any) {
		o.Changes = append(o.Changes, directory.Change{Op: directory.OpSet, Path: path, Value: value})
	}
	set("displayName", strings.TrimSpace(o.Name[at+1:]))
	set("app", map[string]any{"value": app.ID()})
	if o.Description != "" {
		set("description", o.Description)
	}
	set("availableToUsers", slices.Contains(whom, "users"))
	set("availableToGroups", slices.Contains(whom, "groups"))
	set("availableToClients", slices.Contains(whom, "apps"))
	set("adminRole", o.Admin)
	set("public", o.Public)
	return directory.RunCreate(ctx, &o.CreateOptions)
}

func newUpdateCmd(d *cmdutil.Deps, run func(context.Context, *directory.UpdateOptions) error) *cobra.Command {
	k := directory.AppRoles()
	o := &directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	var description string
	var public bool
	cmd := &cobra.Command{
		Use: "update <app-role>...", Aliases: []string{"edit"}, Short: "Change app roles",
		Long: directory.UpdateLong + "\n\n" +
			"Of a role only the description and whether it is public can be changed; its name, its app and whom it\n" +
			"can be granted to stay.",
		Example: "  idctl app-roles update Payroll/Approver --description 'Approves payments up to 1000'",
		Args:    cmdutil.AtLeast(1, "app-role"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = args
			if cmd.Flags().Changed("description") {
				o.Changes = append(o.Changes, directory.SetTo("description", description))
			}
			if cmd.Flags().Changed("public") {
				o.Changes = append(o.Changes, directory.Change{Op: directory.OpSet, Path: "public", Value: public})
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&description, "description", "", "what the role permits")
	fs.BoolVar(&public, "public", false, "everybody has it without a grant")
	o.AddFlags(fs)
	return cmd
}

func deleteVerb() acting.Verb {
	var force bool
	return acting.Verb{
		Kind: directory.AppRoles(), Name: "delete", Aliases: []string{"rm"}, Short: "Delete app roles",
		Long: "Delete app roles. It cannot be undone. Who had the role has it no more.", Confirm: true, IgnoreMissing: true,
		AddFlags: func(fs *pflag.FlagSet) {
			fs.BoolVar(&force, "force", false, "delete references to them as well (forceDelete)")
		},
		Variant: func() string { return fmt.Sprintf("force=%t", force) },
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			a, err := provider.AccessOf(p)
			return acts.Act{
				Name: "delete", Past: "deleted", Repeat: journal.Readable, Gone: true,
				Do: func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
					return nil, a.Roles().Delete(ctx, t.ID(), scim.WriteOptions{Force: force})
				},
			}, err
		},
	}
}

func newMembersCmd(d *cmdutil.Deps, run func(context.Context, *granting.ListOptions) error) *cobra.Command {
	o := granting.NewListOptions(d)
	o.Find = granting.FindRole(d)
	return &cobra.Command{
		Use: "members <app-role>...", Aliases: []string{"member"}, Short: "List who has an app role",
		Long: "List the users, groups and apps that an app role is granted to. Users who have it by a group are not\n" +
			"listed one by one: groups members list shows them.",
		Example: "  idctl app-roles members Payroll/Approver\n  idctl app-roles members Payroll/Approver -o name",
		Args:    cmdutil.AtLeast(1, "app-role"), Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Things = args
			return run(cmd.Context(), o)
		},
	}
}
