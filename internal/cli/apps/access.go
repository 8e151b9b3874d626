package apps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/granting"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
)

// reach is one app that somebody has access to.
type reach struct {
	App   string   `json:"app"`
	Roles []string `json:"roles,omitempty"`
	// How are the ways: "directly", "by group Finance".
	How []string `json:"how"`
}

// accessOptions are what apps access needs.
type accessOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[reach]
	To    provider.GranteeType
	Key   string
	// List is the reverse: who has access to an app.
	List *granting.ListOptions
}

func newAccessCmd(d *cmdutil.Deps, run func(context.Context, *accessOptions) error) *cobra.Command {
	o := &accessOptions{Deps: d, Print: output.New(d.Output, output.Spec[reach]{
		Columns: []output.Column[reach]{
			{Name: "App", Path: "app", Get: func(r *reach) string { return r.App }},
			{Name: "Roles", Path: "roles", Get: func(r *reach) string { return strings.Join(r.Roles, ", ") }},
			{Name: "How", Path: "how", Get: func(r *reach) string { return strings.Join(r.How, ", ") }},
		},
		Key: func(r *reach) string { return r.App },
	}), List: granting.NewListOptions(d)}
	var group, client, of string
	cmd := &cobra.Command{
		Use: "access [<user>]", Short: "List the apps that somebody has access to, or who has access to an app", Args: cobra.ArbitraryArgs,
		Long: "List the apps that a user, a group or an app has access to, with the roles in each, and how: directly\n" +
			"or by which group. --of is the reverse: who has access to an app, in which role.",
		Example: "  idctl apps access ada@example.com\n  idctl apps access --group Finance\n  idctl apps access --of Payroll",
		RunE: func(cmd *cobra.Command, args []string) error {
			var given []string
			o.List.Things = nil
			for _, g := range []struct {
				to   provider.GranteeType
				word string
			}{{provider.ToGroup, group}, {provider.ToApp, client}} {
				if g.word != "" {
					o.To, o.Key = g.to, g.word
					given = append(given, g.word)
				}
			}
			if len(args) > 0 {
				o.To, o.Key = provider.ToUser, args[0]
				given = append(given, args...)
			}
			if of != "" {
				o.List.Things = []string{of}
				given = append(given, of)
			}
			if len(given) != 1 {
				return cmdutil.Usagef("%s needs one of <user>, --group, --app and --of, got %d", cmd.CommandPath(), len(given))
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&group, "group", "", "the apps of a `group`")
	fs.StringVar(&client, "app", "", "the apps of an `app` that is a client of others")
	fs.StringVar(&of, "of", "", "who has access to an `app`")
	return cmd
}

func runAccess(ctx context.Context, o *accessOptions) error {
	if len(o.List.Things) > 0 {
		return granting.RunList(ctx, o.List)
	}
	if err := o.Print.Check(); err != nil {
		return err
	}
	p, a, err := granting.Access(ctx, o.Deps)
	if err != nil {
		return err
	}
	g, err := granting.FindGrantee(ctx, o.Deps, o.To, o.Key)
	if err != nil {
		return fmt.Errorf("access of %w", err)
	}
	ways, err := granting.Ways(ctx, o.Deps, p, a, g, nil)
	if err != nil {
		return fmt.Errorf("access of %s: %w", g, err)
	}
	var rows []reach
	for _, w := range ways { // those of an app follow each other
		if len(rows) == 0 || rows[len(rows)-1].App != w.App {
			rows = append(rows, reach{App: w.App})
		}
		r := &rows[len(rows)-1]
		if w.Role != "" && !slices.Contains(r.Roles, w.Role) {
			r.Roles = append(r.Roles, w.Role)
		}
		if !slices.Contains(r.How, w.How) {
			r.How = append(r.How, w.How)
		}
	}
	return o.Print.List(o.Deps.IO, rows)
}
