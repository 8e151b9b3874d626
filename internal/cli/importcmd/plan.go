package importcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/runner"
)

// planTo prints the steps of a dry run, and writes them to the plan file if
// there is to be one. The answer ends both.
func (j *job) planTo(opts *runner.Options) (end func() error, err error) {
	if j.PlanOut != "" {
		flags, err := j.flags()
		if err != nil {
			return nil, err
		}
		if j.plan, err = atomicfile.Create(j.PlanOut); err != nil {
			return nil, fmt.Errorf("plan: %w", err)
		}
		if j.steps, err = runner.NewPlanWriter(j.plan, j.id, opts.OnExisting, j.File, flags); err != nil {
			return nil, errors.Join(err, j.plan.Abort())
		}
	}
	out, err := planPrinter(j.Output).Begin(j.IO)
	if err != nil {
		return nil, err
	}
	opts.Plan = func(s *runner.Step) error {
		if j.steps != nil {
			if err := j.steps.Step(s); err != nil {
				return err
			}
		}
		// What stays as it is is no news, unless everything was asked for.
		if s.Op == "unchanged" && j.Output.Format.String() == string(output.Table) {
			return nil
		}
		return out.Row(s)
	}
	return func() error {
		err := out.End()
		if j.plan != nil {
			err = errors.Join(err, j.plan.Abort()) // nothing once it is committed
		}
		return err
	}, nil
}

func planPrinter(o *output.Options) output.Printer[runner.Step] {
	return output.New(o, output.Spec[runner.Step]{
		Columns: []output.Column[runner.Step]{
			{Name: "Line", Get: func(s *runner.Step) string { return strconv.Itoa(s.Line) }},
			{Name: "Name", Get: func(s *runner.Step) string { return s.Key }},
			{Name: "Operation", Get: func(s *runner.Step) string { return s.Op }, Paint: paintOp},
			{Name: "What", Get: describe},
			{Name: "Id", Wide: true, Get: func(s *runner.Step) string { return s.ID }},
		},
		Key: func(s *runner.Step) string { return s.Key },
	})
}

func paintOp(s *runner.Step) output.Colour {
	switch s.Op {
	case "create":
		return output.Green
	case "update":
		return output.Yellow
	case "rejected", "failed":
		return output.Red
	}
	return output.Dim
}

// describe says in a few words what an operation does.
func describe(s *runner.Step) string {
	if s.Reason != "" {
		return s.Reason
	}
	if s.Op == "create" {
		return ""
	}
	words := make([]string, 0, len(s.Changes))
	for _, c := range s.Changes {
		word := shortPath(c.Path)
		if c.Op == "remove" {
			word = "-" + word
		} else {
			word += simple(c.Value)
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// simple shows a value that is one word; lists and objects are in the plan.
func simple(v any) string {
	switch v := v.(type) {
	case string:
		return "=" + v
	case bool, json.Number:
		return fmt.Sprintf("=%v", v)
	}
	return ""
}

// shortPath drops the URN of an extension.
func shortPath(path string) string {
	attr, _, _ := strings.Cut(path, "[")
	return path[strings.LastIndexByte(attr, ':')+1:]
}

func newApplyCmd(d *cmdutil.Deps, run func(context.Context, *applyOptions) error) *cobra.Command {
	o := &applyOptions{runOptions: runOptions{Deps: d}}
	cmd := &cobra.Command{
		Use:   "apply <plan>",
		Short: "Execute a plan made with --dry-run --plan-out",
		Long: `Execute the plan of an import: exactly what it shows is done.

The file the plan was made of is read again. If it, the profile or the mapping
changed, the whole plan is refused. Rows for which something else would have to
be done by now are skipped and reported.`,
		Args: cmdutil.One("plan"),
		Example: `  idctl import users users.csv --dry-run --plan-out users.plan
  idctl import apply users.plan`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Plan = args[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.Source, "source", "", "`FILE` the plan was made of, if it lies elsewhere now; - for standard input")
	o.addRunFlags(cmd.Flags())
	return cmd
}

type applyOptions struct {
	runOptions
	Plan   string
	Source string
}

func runApply(ctx context.Context, o *applyOptions) error {
	f, err := os.Open(o.Plan)
	if err != nil {
		return cmdutil.Usagef("plan: %w", err)
	}
	plan, err := runner.ReadPlan(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return &cmdutil.RefusedError{Reason: o.Plan + ": " + err.Error(), Help: "make the plan again with --dry-run --plan-out"}
	}
	if err := o.adopt(plan); err != nil {
		return err
	}
	if o.File = plan.Path; o.Source != "" {
		o.File = o.Source
	}
	if o.File == "-" && o.Source == "" {
		return cmdutil.Usagef("the plan was made of standard input: name the file with --source, or - to read it again")
	}
	o.Type, o.OnExisting, o.Guard = plan.Identity.Type, string(plan.OnExisting), plan
	if o.Shard == "" {
		o.Shard = plan.Identity.Shard
	}
	if err := o.check(); err != nil {
		return err
	}
	return runImport(ctx, &o.runOptions)
}
