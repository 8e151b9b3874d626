package importcmd

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
)

// fileOptions say how a file is read and understood. They are part of a plan,
// so that applying it reads the file the same way.
type fileOptions struct {
	Delimiter      string   `json:"delimiter,omitempty"`
	Encoding       string   `json:"encoding,omitempty"`
	Map            []string `json:"map,omitempty"`
	IgnoreUnknown  bool     `json:"ignore_unknown,omitempty"`
	ClearEmpty     bool     `json:"clear_empty,omitempty"`
	SetPasswords   bool     `json:"set_passwords,omitempty"`
	ReplaceMembers bool     `json:"replace_members,omitempty"`
	MultiValued    string   `json:"multi_valued,omitempty"`

	// plain is for a service that is no identity domain.
	plain bool
}

func (o *fileOptions) addFlags(fs *pflag.FlagSet, typ string) {
	fs.StringVar(&o.Delimiter, "delimiter", "", "`character` between cells: comma, semicolon, tab, bar (default: found in the header)")
	fs.StringVar(&o.Encoding, "encoding", "", "`name` of the encoding: utf-8, utf-16, windows-1252 (default: utf-8, or by the byte order mark)")
	fs.StringArrayVarP(&o.Map, "map", "m", nil, "`RULE` HEADER=COLUMN or HEADER=attribute path: how to read a column; HEADER= ignores it (repeatable)")
	fs.BoolVar(&o.IgnoreUnknown, "ignore-unknown", false, "ignore columns that stand for nothing known")
	fs.BoolVar(&o.ClearEmpty, "clear-empty", false, "let an empty cell empty the attribute")
	if typ != mapping.Group {
		fs.BoolVar(&o.SetPasswords, "set-passwords", false, "set passwords of users that exist, too, on each run")
		fs.StringVar(&o.MultiValued, "multi-valued", mapping.Merge, "`mode` for values a row does not name: merge keeps them, replace removes them")
	}
	if typ != mapping.User {
		fs.BoolVar(&o.ReplaceMembers, "replace-members", false, "make a row's members the whole list of the group")
	}
}

// open reads the header of a file and maps its columns.
func (o *fileOptions) open(path, name, typ string, forCreate bool) (*csvio.File, *mapping.Source, error) {
	file, err := o.file(path, name)
	if err != nil {
		return nil, nil, err
	}
	m := o.mapping(name)
	m.ForCreate = forCreate
	var source *mapping.Source
	if typ == mapping.User && len(o.Map) == 0 && mapping.IsEPM(file.Header) {
		source, err = mapping.NewEPMSource(file, m)
	} else {
		source, err = mapping.NewSource(file, typ, m)
	}
	if err != nil {
		return nil, nil, &cmdutil.UsageError{Err: err, Help: "idctl import check " + name + " shows how each column is understood"}
	}
	return file, source, nil
}

func (o *fileOptions) file(path, name string) (*csvio.File, error) {
	delimiter, err := csvio.ParseDelimiter(o.Delimiter)
	if err != nil {
		return nil, &cmdutil.UsageError{Err: fmt.Errorf("--delimiter: %w", err)}
	}
	encoding, err := csvio.ParseEncoding(o.Encoding)
	if err != nil {
		return nil, &cmdutil.UsageError{Err: fmt.Errorf("--encoding: %w", err)}
	}
	file, err := csvio.Open(path, csvio.Options{Name: name, Delimiter: delimiter, Encoding: encoding})
	if err != nil {
		return nil, &cmdutil.UsageError{Err: err}
	}
	return file, nil
}

func (o *fileOptions) mapping(name string) mapping.Options {
	return mapping.Options{
		Name: name, Map: o.Map, IgnoreUnknown: o.IgnoreUnknown, ClearEmpty: o.ClearEmpty, SetPasswords: o.SetPasswords,
		ReplaceMembers: o.ReplaceMembers, MultiValued: o.MultiValued, Plain: o.plain,
	}
}

// flags is what a plan keeps of the options.
func (o *fileOptions) flags() (json.RawMessage, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("options of the plan: %w", err)
	}
	return data, nil
}

// runOptions are all that an import needs.
type runOptions struct {
	*cmdutil.Deps
	fileOptions

	Type string
	File string

	OnExisting  string
	Route       string
	Concurrency int
	DryRun      bool
	PlanOut     string
	Resume      bool
	Restart     bool
	JournalFile string
	Rejects     string
	Summary     string
	JUnit       string
	MaxErrors   int
	Verify      bool
	Shard       string

	// Guard is the plan that apply executes.
	Guard *runner.Plan

	shard, shards int
}

// defaultConcurrency is enough to hide the latency of a distant service; its
// limits, not this number, set the pace.
func defaultConcurrency() int { return max(4, 2*runtime.GOMAXPROCS(0)) }

func (o *runOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.OnExisting, "on-existing", string(runner.Update), "`action` for a row that exists already: update, skip or fail")
	fs.BoolVarP(&o.DryRun, "dry-run", "n", false, "show what would be done, and change nothing")
	fs.StringVar(&o.PlanOut, "plan-out", "", "with --dry-run, write the plan to `FILE`, for idctl import apply")
	o.addRunFlags(fs)
}

// addRunFlags adds what apply takes, too.
func (o *runOptions) addRunFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.Resume, "resume", false, "continue a run of this file that was interrupted")
	fs.BoolVar(&o.Restart, "restart", false, "begin anew though a run of this file was interrupted")
	fs.StringVar(&o.Rejects, "rejects", "", "write rows that were not imported to `FILE`, in the form of the input")
	fs.StringVar(&o.Summary, "summary", "", "write the summary as JSON to `FILE`, - for stdout")
	fs.StringVar(&o.JUnit, "junit", "", "write a JUnit report to `FILE`, for CI systems")
	fs.IntVar(&o.MaxErrors, "max-errors", -1, "stop after more than `N` bad rows; -1 never stops")
	fs.BoolVar(&o.Verify, "verify", false, "read every imported row back at the end and compare")
	fs.StringVar(&o.Route, "route", string(runner.RouteAuto), "`way` to the service: auto, single (a call a row) or bulk")
	fs.IntVar(&o.Concurrency, "concurrency", defaultConcurrency(), "`number` of rows on their way at once")
	// Help and pages must not tell how many processors their machine has.
	fs.Lookup("concurrency").DefValue = "two a processor, at least 4"
	fs.StringVar(&o.Shard, "shard", "", "import part `I/N` of the rows, by the hash of their names, at 1/N of the rate")
	fs.StringVar(&o.JournalFile, "journal", "", "keep the journal in `FILE` instead of the state folder")
}

// check refuses what does not fit together, before a file is opened.
func (o *runOptions) check() error {
	switch runner.Existing(o.OnExisting) {
	case runner.Update, runner.Skip, runner.Fail:
	default:
		return cmdutil.Usagef("--on-existing must be update, skip or fail, not %q", o.OnExisting)
	}
	switch runner.Route(o.Route) {
	case runner.RouteAuto, runner.RouteSingle, runner.RouteBulk:
	default:
		return cmdutil.Usagef("--route must be auto, single or bulk, not %q", o.Route)
	}
	switch {
	case o.MultiValued != "" && o.MultiValued != mapping.Merge && o.MultiValued != mapping.Replace:
		return cmdutil.Usagef("--multi-valued must be merge or replace, not %q", o.MultiValued)
	case o.Concurrency < 1 || o.Concurrency > 1000:
		return cmdutil.Usagef("--concurrency must be from 1 to 1000, not %d", o.Concurrency)
	case o.PlanOut != "" && !o.DryRun:
		return cmdutil.Usagef("--plan-out needs --dry-run: a plan is made instead of a run")
	case o.DryRun && o.Resume:
		return cmdutil.Usagef("--dry-run and --resume exclude each other: a dry run leaves nothing to resume")
	case o.Resume && o.Restart:
		return cmdutil.Usagef("--resume and --restart exclude each other")
	}
	if o.Shard == "" {
		return nil
	}
	i, n, ok := strings.Cut(o.Shard, "/")
	var err1, err2 error
	o.shard, err1 = strconv.Atoi(i)
	o.shards, err2 = strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil || o.shard < 1 || o.shard > o.shards {
		return cmdutil.Usagef("--shard must be I/N with I from 1 to N, such as 2/5, not %q", o.Shard)
	}
	if o.shards > 1 && runner.Route(o.Route) == runner.RouteBulk {
		return cmdutil.Usagef("--route bulk and --shard exclude each other: the service runs one series of bulk calls at a time")
	}
	if o.shards > 1 {
		o.Route = string(runner.RouteSingle)
	}
	return nil
}

func newRunCmd(d *cmdutil.Deps, typ string, run func(context.Context, *runOptions) error) *cobra.Command {
	noun := strings.ToLower(typ) + "s"
	o := &runOptions{Deps: d, Type: typ}
	cmd := &cobra.Command{
		Use:     noun + " <file>",
		Aliases: []string{strings.ToLower(typ)},
		Short:   "Import " + noun + " from a CSV file, - for standard input",
		Long:    long,
		Args:    cmdutil.One("file"),
		Example: fmt.Sprintf(`  idctl import %[1]s %[1]s.csv
  idctl import %[1]s %[1]s.csv --dry-run -o wide
  idctl import %[1]s export.csv --map "mail=Work Email" --map "sn=Last Name"
  idctl import %[1]s %[1]s.csv --on-existing skip --rejects rejects.csv`, noun),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			if err := o.check(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().SortFlags = false
	o.addFlags(cmd.Flags())
	o.fileOptions.addFlags(cmd.Flags(), typ)
	return cmd
}
