package importcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
)

// adopt takes over the file options a plan was made with.
func (o *fileOptions) adopt(plan *runner.Plan) error {
	if err := json.Unmarshal(plan.Flags, o); err != nil {
		return &cmdutil.RefusedError{Reason: "the plan does not say how its file was read", Help: "make the plan again with --dry-run --plan-out"}
	}
	return nil
}

type checkOptions struct {
	*cmdutil.Deps
	fileOptions
	Type string
	File string
}

func newCheckCmd(d *cmdutil.Deps, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{Deps: d}
	var groups bool
	cmd := &cobra.Command{
		Use:   "check <file>",
		Short: "Find every error of a file at once, without a service",
		Long: `Read a whole CSV file and show how its columns are understood and everything
that is wrong with it. Nothing is sent; no profile is needed. Headers that mean
nothing known get suggestions for --map.

The exit code is 0 when an import would reject no row, else 3.`,
		Args: cmdutil.One("file"),
		Example: `  idctl import check users.csv
  idctl import check groups.csv --groups
  idctl import check export.csv --map "mail=Work Email" -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File, o.Type = args[0], mapping.User
			if groups {
				o.Type = mapping.Group
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&groups, "groups", false, "the file holds groups, not users")
	o.addFlags(cmd.Flags(), "")
	return cmd
}

func runCheck(ctx context.Context, o *checkOptions) (err error) {
	spool := runOptions{Deps: o.Deps, File: o.File}
	path, cleanup, err := spool.spool(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := cleanup(); err == nil {
			err = cerr
		}
	}()
	file, err := o.file(path, o.File)
	if err != nil {
		return err
	}
	report, err := mapping.Check(ctx, file, o.Type, o.mapping(o.File))
	if err != nil {
		return &cmdutil.UsageError{Err: err}
	}
	if isTable(o.Output) {
		err = o.showTables(report)
	} else {
		err = output.New(o.Output, output.Spec[mapping.Report]{
			Columns: []output.Column[mapping.Report]{{Name: "Rows", Get: func(r *mapping.Report) string { return strconv.Itoa(r.Rows) }}},
			Key:     func(r *mapping.Report) string { return r.Name },
		}).One(o.IO, report)
	}
	if err != nil || report.OK() {
		return err
	}
	return &badFile{report}
}

// badFile is a file of which an import would reject something.
type badFile struct{ report *mapping.Report }

func (e *badFile) Error() string {
	for _, f := range e.report.Findings {
		if f.Row == 0 && !f.Warning {
			return e.report.Name + " cannot be imported as it is: " + f.Message
		}
	}
	return fmt.Sprintf("%s: an import would do %d of %s", e.report.Name, e.report.Good, cmdutil.Count(e.report.Rows, "row"))
}

// ExitCode implements cmdutil.ExitCoder.
func (e *badFile) ExitCode() int { return cmdutil.ExitPartial }

func (o *checkOptions) showTables(r *mapping.Report) error {
	headers := output.New(o.Output, output.Spec[mapping.HeaderReport]{Columns: []output.Column[mapping.HeaderReport]{
		{Name: "Header", Get: func(h *mapping.HeaderReport) string { return h.Header }},
		{Name: "Use", Get: func(h *mapping.HeaderReport) string { return string(h.Use) }, Paint: func(h *mapping.HeaderReport) output.Colour {
			if h.Use == mapping.Unknown {
				return output.Red
			}
			return output.Plain
		}},
		{Name: "Attribute", Get: func(h *mapping.HeaderReport) string { return h.Attribute }},
		{Name: "Did you mean", Get: suggestions},
	}})
	if err := headers.List(o.IO, r.Headers); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		findings := output.New(o.Output, output.Spec[mapping.Finding]{Columns: []output.Column[mapping.Finding]{
			{Name: "Line", Get: func(f *mapping.Finding) string { return strconv.Itoa(f.Line) }},
			{Name: "Name", Get: func(f *mapping.Finding) string { return f.Key }},
			{Name: "Column", Get: func(f *mapping.Finding) string { return f.Column }},
			{Name: "Kind", Get: kind, Paint: func(f *mapping.Finding) output.Colour {
				if f.Warning {
					return output.Yellow
				}
				return output.Red
			}},
			{Name: "Problem", Get: func(f *mapping.Finding) string { return f.Message }},
		}})
		if _, err := fmt.Fprintln(o.IO.Out); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		if err := findings.List(o.IO, r.Findings); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%s, %d good, %d rejected, %s, %s", cmdutil.Count(r.Rows, "row"), r.Good, r.Rejected,
		cmdutil.Count(r.Errors, "error"), cmdutil.Count(r.Warnings, "warning"))
	if r.Omitted > 0 {
		text += fmt.Sprintf("; %d more problems are not shown", r.Omitted)
	}
	if !r.Complete {
		text += "; the file could not be checked to its end"
	}
	return o.Note("%s", text)
}

func kind(f *mapping.Finding) string {
	if f.Warning {
		return "warning"
	}
	return "error"
}

func suggestions(h *mapping.HeaderReport) string {
	names := make([]string, 0, len(h.Suggestions))
	for _, s := range h.Suggestions {
		names = append(names, fmt.Sprintf("--map %q", h.Header+"="+s.Column))
	}
	return strings.Join(names, " or ")
}

type templateOptions struct {
	*cmdutil.Deps
	Type string
	Out  string
}

func newTemplateCmd(d *cmdutil.Deps, run func(context.Context, *templateOptions) error) *cobra.Command {
	o := &templateOptions{Deps: d}
	cmd := &cobra.Command{
		Use:     "template [users|groups]",
		Short:   "Print an empty file with every column an import reads",
		Example: "  idctl import template users --out users.csv",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cmdutil.One("users|groups")(cmd, args)
			}
			return nil
		},
		ValidArgs: []string{"users", "groups"},
		RunE: func(cmd *cobra.Command, args []string) error {
			word := "users"
			if len(args) == 1 {
				word = strings.ToLower(args[0])
			}
			switch word {
			case "users", "user":
				o.Type = mapping.User
			case "groups", "group":
				o.Type = mapping.Group
			default:
				return cmdutil.Usagef("there are templates for users and for groups, not for %q", word)
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Out, "out", "", "write to `FILE` instead of stdout")
	return cmd
}

func runTemplate(_ context.Context, o *templateOptions) error {
	if o.Out == "" {
		return mapping.Template(o.Type, o.IO.Out)
	}
	f, err := atomicfile.Create(o.Out)
	if err != nil {
		return err
	}
	if err := mapping.Template(o.Type, f); err != nil {
		_ = f.Abort() // the first error is the one to tell
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	return o.Note("%s", iostreams.Clean(o.Out+" is an empty file with every column; delete those you do not need"))
}
