// Package exportcmd holds the export commands: users and groups to a file that
// an import reads again, or as the service's own documents.
package exportcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/progress"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/exporter"
	"github.com/idctl/idctl/internal/transfer/mapping"
)

// New builds the export commands.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "export", Short: "Export users and groups to a file",
		Long: `Export users or groups: as CSV that idctl import reads again, or as the
service's own documents with -o jsonl or -o json. A file appears under its name
only when it is whole.`,
		Example: "  idctl export users --out users.csv\n  idctl export groups -o jsonl | jq .displayName",
	})
	cmd.AddCommand(newCmd(d, mapping.User, runExport), newCmd(d, mapping.Group, runExport))
	return cmd
}

type options struct {
	*cmdutil.Deps
	directory.Selection
	Type          string
	Out           string
	Filter        string
	OldNames      bool
	Delimiter     string
	Encoding      string
	BOM           bool
	Attributes    []string
	AllAttributes bool

	filtered bool // a filter was given, be it empty
}

func newCmd(d *cmdutil.Deps, typ string, run func(context.Context, *options) error) *cobra.Command {
	noun := strings.ToLower(typ) + "s"
	o := &options{Deps: d, Type: typ}
	cmd := &cobra.Command{
		Use: noun, Aliases: []string{strings.ToLower(typ)}, Short: "Export " + noun, Args: cmdutil.NoArgs,
		Example: fmt.Sprintf(`  idctl export %[1]s --out %[1]s.csv
  idctl export %[1]s --fields "%[2]s" --filter 'meta.created gt "2026-01-01T00:00:00Z"'
  idctl export %[1]s --where 'created<7d' --out new.csv
  idctl export %[1]s -o jsonl > %[1]s.jsonl`, noun, map[string]string{mapping.User: "User Name,Work Email", mapping.Group: "Name,User Members"}[typ]),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.filtered = cmd.Flags().Changed("filter")
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.Out, "out", "", "write to `FILE`, which appears when it is whole")
	fs.StringVar(&o.Filter, "filter", "", "export only what matches this SCIM `filter`")
	o.AddFlags(fs)
	fs.BoolVar(&o.OldNames, "old-names", false, "name the columns as the first generation of import files does")
	fs.StringVar(&o.Delimiter, "delimiter", "", "`character` between cells: comma, semicolon, tab, bar")
	fs.StringVar(&o.Encoding, "encoding", "", "`name` of the encoding: utf-8, utf-16, windows-1252")
	fs.BoolVar(&o.BOM, "bom", false, "begin with a byte order mark, for spreadsheets")
	fs.StringArrayVar(&o.Attributes, "attributes", nil, "attribute `path` to ask for beyond the usual, for JSON (repeatable)")
	fs.BoolVar(&o.AllAttributes, "all-attributes", false, "ask for every attribute there is, for JSON")
	return cmd
}

// check turns the flags into options of the exporter.
func (o *options) check() (exporter.Options, error) {
	e := exporter.Options{Type: o.Type, Old: o.OldNames, Attributes: o.Attributes}
	switch o.Output.Format {
	case output.Table, "", output.CSV: // a table is for reading, not for keeping
		e.Format = exporter.CSV
	case output.JSON:
		e.Format = exporter.JSON
	case output.JSONL:
		e.Format = exporter.JSONL
	default:
		return e, cmdutil.Usagef("export writes csv, jsonl or json, not %s", o.Output.Format)
	}
	json := e.Format != exporter.CSV
	switch {
	case o.Output.Queried():
		return e, cmdutil.Usagef("--query and --jq are not for exports").
			WithHint("use idctl %ss list, which prints the same documents", strings.ToLower(o.Type))
	case json && (o.OldNames || o.Delimiter != "" || o.Encoding != "" || o.BOM || len(o.Output.Fields) > 0):
		return e, cmdutil.Usagef("--old-names, --delimiter, --encoding, --bom and --fields are for CSV")
	case !json && (len(o.Attributes) > 0 || o.AllAttributes):
		return e, cmdutil.Usagef("--attributes and --all-attributes are for JSON, choose the columns of a CSV with --fields")
	}
	if json {
		e.AttributeSets = []string{"default"}
		if o.AllAttributes {
			e.AttributeSets = []string{"all"}
		} else if len(o.Attributes) == 0 {
			e.AttributeSets = nil
		}
	}
	for _, list := range o.Output.Fields {
		for name := range strings.SplitSeq(list, ",") {
			e.Columns = append(e.Columns, strings.TrimSpace(name))
		}
	}
	var err error
	if e.CSV.Delimiter, err = csvio.ParseDelimiter(o.Delimiter); err != nil {
		return e, cmdutil.Usagef("--delimiter: %w", err)
	}
	if e.CSV.Encoding, err = csvio.ParseEncoding(o.Encoding); err != nil {
		return e, cmdutil.Usagef("--encoding: %w", err)
	}
	e.CSV.BOM = o.BOM || e.CSV.Encoding == csvio.UTF16
	if o.filtered {
		if e.Filter, err = o.ParseFilter("filter", o.Filter); err != nil {
			return e, err
		}
	}
	if !json {
		if _, err := mapping.ExportColumns(o.Type, e.Columns); err != nil {
			return e, cmdutil.Usagef("--fields: %w", err)
		}
	}
	return e, nil
}

// gcPercent is how much garbage an export lets grow beside what it uses. Its
// memory is a few pages of text without pointers, which costs the collector
// next to nothing to look through.
const gcPercent = 40

// smallHeap has the collector run more often, unless the user set that, until
// the function that it answers is called.
func smallHeap() (restore func()) {
	old := debug.SetGCPercent(gcPercent)
	if old < gcPercent { // negative is off
		debug.SetGCPercent(old)
	}
	return func() { debug.SetGCPercent(old) }
}

func runExport(ctx context.Context, o *options) (err error) {
	defer smallHeap()()
	e, err := o.check()
	if err != nil {
		return err
	}
	base := &directory.Base{Deps: o.Deps, Kind: directory.Users()}
	if o.Type == mapping.Group {
		base.Kind = directory.Groups()
	}
	chosen, err := o.Parse(base)
	if err != nil {
		return err
	}
	if o.Explain {
		return chosen.PrintExplanation(o.Deps, e.Filter)
	}
	p, err := o.Provider(ctx)
	if err != nil {
		return err
	}
	r, err := p.Resource(o.Type)
	if err != nil {
		return err
	}
	all := r
	if e.Filter, r, err = chosen.Apply(ctx, r, e.Filter); err != nil {
		return err
	}
	if r != all {
		p = &selected{p, o.Type, r}
		// To count what is matched here is to read it all.
		e.Uncounted = true
	}
	noun := strings.ToLower(o.Type) + "s"
	bar := progress.New(o.IO, o.Flags.Quiet, noun, o.Clock)
	defer bar.Close()
	if bar != nil {
		e.Progress = func(done, total int) {
			if e.Uncounted {
				total = -1
			}
			bar.Set(done, total, 0)
		}
	}
	if o.Out == "" || o.Out == "-" {
		w := bufio.NewWriterSize(o.IO.Out, 1<<16)
		if _, err := exporter.Export(ctx, p, w, e); err != nil {
			return errors.Join(err, w.Flush())
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return nil
	}
	f, err := atomicfile.Create(o.Out)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	n, err := exporter.Export(ctx, p, w, e)
	if err == nil {
		err = flush(w, o.Out)
	}
	if err != nil {
		return errors.Join(err, f.Abort())
	}
	if err := f.Commit(); err != nil {
		return err
	}
	bar.Close()
	return o.Note("%d %s exported to %s", n, noun, o.Out)
}

// selected is a provider whose resources of one type are fewer.
type selected struct {
	provider.Provider
	typ       string
	resources provider.Resources
}

// Resource answers the chosen resources for the type.
func (s *selected) Resource(name string) (provider.Resources, error) {
	if name == s.typ {
		return s.resources, nil
	}
	return s.Provider.Resource(name)
}

func flush(w *bufio.Writer, name string) error {
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
