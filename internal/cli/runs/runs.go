// Package runs holds the commands about the journals of imports: which runs
// there were, what one of them did, and which may be forgotten.
package runs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/journal"
)

// New builds the commands.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "runs", Aliases: []string{"run"}, Short: "List, show and prune the journals of imports",
		Long: `Each import keeps a journal, and so does each act on many users: which rows or
users were sent and what became of them, and what an import's changed resources
were before. It holds no passwords. Journals stay until
idctl runs prune removes those of more than 30 days.`,
		Example: "  idctl runs list\n  idctl runs show 4d97311ab961ad1d --before",
	})
	cmd.AddCommand(newListCmd(d, runList), newShowCmd(d, runShow), newPruneCmd(d, runPrune))
	return cmd
}

func columns() []output.Column[journal.Info] {
	return []output.Column[journal.Info]{
		{Name: "Run", Get: func(i *journal.Info) string { return i.Run }},
		{Name: "Begun", Get: func(i *journal.Info) string { return i.Created.Format(time.RFC3339) }},
		{Name: "Profile", Get: func(i *journal.Info) string { return i.Profile }},
		{Name: "File", Get: func(i *journal.Info) string { return i.Name }},
		{Name: "Rows", Get: func(i *journal.Info) string { return strconv.Itoa(i.Rows) }},
		{Name: "State", Get: state, Paint: func(i *journal.Info) output.Colour {
			if i.Finished {
				return output.Green
			}
			return output.Yellow
		}},
		{Name: "Unsettled", Wide: true, Get: func(i *journal.Info) string { return strconv.Itoa(i.Open) }},
		{Name: "Type", Wide: true, Get: func(i *journal.Info) string { return i.Type }},
		{Name: "Shard", Wide: true, Get: func(i *journal.Info) string { return i.Shard }},
		{Name: "Path", Wide: true, Get: func(i *journal.Info) string { return i.Path }},
	}
}

func state(i *journal.Info) string {
	if i.Finished {
		return "finished"
	}
	return "interrupted"
}

func printer(o *output.Options) output.Printer[journal.Info] {
	return output.New(o, output.Spec[journal.Info]{Columns: columns(), Key: func(i *journal.Info) string { return i.Run }})
}

func newListCmd(d *cmdutil.Deps, run func(context.Context, *cmdutil.Deps) error) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the runs, newest first", Args: cmdutil.NoArgs,
		Example:     "  idctl runs list -o wide",
		Annotations: cmdutil.Columns(output.FieldNames(columns())),
		RunE:        func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), d) },
	}
}

func runList(_ context.Context, d *cmdutil.Deps) error {
	infos, err := list(d)
	rows := make([]journal.Info, len(infos))
	for i, info := range infos {
		rows[i] = *info
	}
	return errors.Join(printer(d.Output).List(d.IO, rows), err)
}

func list(d *cmdutil.Deps) ([]*journal.Info, error) {
	dir, err := d.Paths.State("runs")
	if err != nil {
		return nil, err
	}
	return journal.List(dir)
}

type showOptions struct {
	*cmdutil.Deps
	Run    string
	Before bool
}

func newShowCmd(d *cmdutil.Deps, run func(context.Context, *showOptions) error) *cobra.Command {
	o := &showOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "show <run>", Short: "Show one run, or what its changes replaced", Args: cmdutil.One("run"),
		Example: "  idctl runs show 4d97311ab961ad1d\n  idctl runs show 4d97311ab961ad1d --before -o jsonl > before.jsonl",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Run = args[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.Before, "before", false, "print the changed resources as they were before")
	return cmd
}

func runShow(_ context.Context, o *showOptions) error {
	info, err := find(o.Deps, o.Run)
	if err != nil {
		return err
	}
	if !o.Before {
		return printer(o.Output).One(o.IO, info)
	}
	images := output.New(o.Output, output.Spec[journal.Intent]{
		Columns: []output.Column[journal.Intent]{
			{Name: "Row", Get: func(i *journal.Intent) string { return strconv.Itoa(i.Row) }},
			{Name: "Id", Get: func(i *journal.Intent) string { return i.ID }},
			{Name: "Before", Get: func(i *journal.Intent) string { return string(i.Before) }},
		},
		Key: func(i *journal.Intent) string { return i.ID },
	})
	_, err = images.Stream(o.IO, journal.BeforeImages(info.Path))
	return err
}

// find takes a run's id, the beginning of one, or the path of a journal.
func find(d *cmdutil.Deps, name string) (*journal.Info, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		info, err := journal.Describe(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, &cmdutil.NotFoundError{What: "journal", Name: name}
		}
		return info, err
	}
	infos, err := list(d)
	var hits []*journal.Info
	for _, info := range infos {
		if strings.HasPrefix(info.Run, strings.ToLower(name)) {
			hits = append(hits, info)
		}
	}
	switch {
	case len(hits) == 1:
		return hits[0], nil
	case len(hits) > 1:
		return nil, cmdutil.Usagef("%d runs begin with %q, give more of the id", len(hits), name)
	case err != nil:
		return nil, err
	}
	return nil, &cmdutil.NotFoundError{What: "run", Name: name, Help: "idctl runs list shows the runs"}
}

type pruneOptions struct {
	*cmdutil.Deps
	Keep time.Duration
	All  bool
}

func newPruneCmd(d *cmdutil.Deps, run func(context.Context, *pruneOptions) error) *cobra.Command {
	o := &pruneOptions{Deps: d}
	var days int
	cmd := &cobra.Command{
		Use: "prune", Short: "Remove the journals of old runs", Args: cmdutil.NoArgs,
		Example: "  idctl runs prune --days 90",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 0 {
				return cmdutil.Usagef("--days must not be negative")
			}
			o.Keep = time.Duration(days) * 24 * time.Hour
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&days, "days", int(journal.Keep.Hours()/24), "keep runs of the last `N` days")
	cmd.Flags().BoolVar(&o.All, "interrupted", false, "remove interrupted runs, too: they can no longer be resumed then")
	return cmd
}

func runPrune(ctx context.Context, o *pruneOptions) error {
	dir, err := o.Paths.State("runs")
	if err != nil {
		return err
	}
	if o.All {
		if err := o.Confirm(ctx, "remove the journals of interrupted runs", 1); err != nil {
			return err
		}
	}
	gone, err := journal.Prune(dir, o.Clock(), o.Keep, o.All)
	for _, path := range gone {
		if _, werr := fmt.Fprintln(o.IO.Out, path); werr != nil {
			return errors.Join(err, fmt.Errorf("write output: %w", werr))
		}
	}
	return errors.Join(err, o.Note("%d journals removed", len(gone)))
}
