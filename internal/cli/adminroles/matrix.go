package adminroles

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/rights"
)

// marksHelp explains the cells of the table.
const marksHelp = "A is every verb, r reading, r1 reading by id only, P POST only, PUT and PATCH these only; a - is nothing,\n" +
	"and + joins. Rows whose source is guess are not documented by the vendor."

// showOptions are what admin-roles show needs.
type showOptions struct {
	Deps  *cmdutil.Deps
	Print output.Printer[right]
	Role  string
}

// right is what one role may do at one endpoint.
type right struct {
	Role     string `json:"role"`
	Endpoint string `json:"endpoint"`
	May      string `json:"may"`
	Source   string `json:"source"`
}

func rightPrinter(d *cmdutil.Deps) output.Printer[right] {
	return output.New(d.Output, output.Spec[right]{
		Columns: []output.Column[right]{
			{Name: "Endpoint", Path: "endpoint", Get: func(r *right) string { return r.Endpoint }},
			{Name: "May", Path: "may", Get: func(r *right) string { return r.May }},
			{Name: "Source", Path: "source", Wide: true, Get: func(r *right) string { return r.Source }},
			{Name: "Role", Path: "role", Wide: true, Get: func(r *right) string { return r.Role }},
		},
		Key: func(r *right) string { return r.Endpoint },
	})
}

// runShow prints what a role may do.
func runShow(_ context.Context, o *showOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	r, err := role(o.Role)
	if err != nil {
		return fmt.Errorf("show %w", err)
	}
	at := 0
	for i, admin := range rights.Admins() {
		if admin.Name == r.Name {
			at = i
		}
	}
	var rows []right
	for _, line := range rights.Rows() {
		if mark := strings.Fields(line.Marks)[at]; mark != "-" {
			rows = append(rows, right{Role: r.Name, Endpoint: line.Endpoint, May: mark, Source: line.Source})
		}
	}
	if directory.Tabular(o.Deps.Output.Format) {
		text := r.Description
		if r.Limited {
			text += " It may be granted for the members of some groups only."
		}
		if err := o.Deps.Note("%s: %s", r.Name, text); err != nil {
			return err
		}
	}
	return o.Print.List(o.Deps.IO, rows)
}

// matrixOptions are what admin-roles matrix needs.
type matrixOptions struct {
	Deps      *cmdutil.Deps
	Print     output.Printer[rights.Row]
	Endpoints []string
}

// short are the columns of the seven roles.
func short() []string {
	return []string{"Identity Domain", "Security", "Application", "User", "User Manager", "Help Desk", "Audit"}
}

func newMatrixCmd(d *cmdutil.Deps, run func(context.Context, *matrixOptions) error) *cobra.Command {
	columns := []output.Column[rights.Row]{{Name: "Endpoint", Path: "Endpoint", Get: func(r *rights.Row) string { return r.Endpoint }}}
	for i, name := range short() {
		columns = append(columns, output.Column[rights.Row]{Name: name, Get: func(r *rights.Row) string { return strings.Fields(r.Marks)[i] }})
	}
	columns = append(columns, output.Column[rights.Row]{Name: "Source", Path: "Source", Wide: true, Get: func(r *rights.Row) string { return r.Source }})
	o := &matrixOptions{Deps: d, Print: output.New(d.Output, output.Spec[rights.Row]{
		Columns: columns, Key: func(r *rights.Row) string { return r.Endpoint },
	})}
	return &cobra.Command{
		Use: "matrix [<endpoint>...]", Short: "Show which administrator role may do what at which endpoint", Args: cobra.ArbitraryArgs,
		Long: "Show which administrator role may do what at which endpoint: the vendor's table, a column a role.\n" +
			marksHelp + "\n\nNothing is asked of the service. idctl can VERB NOUN answers for the present credentials.",
		Example: "  idctl admin-roles matrix\n  idctl admin-roles matrix Users Groups", Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Endpoints = args
			return run(cmd.Context(), o)
		},
	}
}

func runMatrix(_ context.Context, o *matrixOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	rows := rights.Rows()
	if len(o.Endpoints) > 0 {
		var chosen []rights.Row
		for _, word := range o.Endpoints {
			row, err := endpoint(word)
			if err != nil {
				return err
			}
			chosen = append(chosen, row)
		}
		rows = chosen
	}
	return o.Print.List(o.Deps.IO, rows)
}

// endpoint finds a row of the table as a person calls it: Users, app-roles.
func endpoint(word string) (rights.Row, error) {
	var names []string
	for _, row := range rights.Rows() {
		if provider.PlainName(row.Endpoint) == provider.PlainName(word) {
			return row, nil
		}
		names = append(names, row.Endpoint)
	}
	err := cmdutil.Usagef("there is no endpoint %q in the table of rights", word)
	if near := provider.Similar(word, names, 5); len(near) > 0 {
		return rights.Row{}, err.WithHint("did you mean %s?", strings.Join(near, ", "))
	}
	return rights.Row{}, err.WithHint("idctl admin-roles matrix lists them")
}
