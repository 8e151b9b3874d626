package importcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/atomicfile"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/progress"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
)

// job is one import on its way: the options with everything that was opened.
type job struct {
	*runOptions
	profile *config.Resolved
	file    *csvio.File
	source  *mapping.Source
	id      journal.Identity
	journal *journal.Journal
	state   *journal.State
	plan    *atomicfile.File
	steps   *runner.PlanWriter
	endPlan func() error
	bar     *progress.Bar
}

func runImport(ctx context.Context, o *runOptions) (err error) {
	path, cleanup, err := o.spool(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	j := &job{runOptions: o}
	if err := j.open(path); err != nil {
		return err
	}
	return j.run(ctx)
}

// spool makes a file of standard input, which can be read only once.
func (o *runOptions) spool(ctx context.Context) (path string, cleanup func() error, err error) {
	if o.File != "-" {
		return o.File, func() error { return nil }, nil
	}
	dir, err := o.Paths.State("spool")
	if err != nil {
		return "", nil, err
	}
	if err := atomicfile.Folder(dir); err != nil {
		return "", nil, fmt.Errorf("keep standard input: %w", err)
	}
	return csvio.Spool(ctx, o.IO.In, dir)
}

// open maps the file and gives the import its identity.
func (j *job) open(path string) (err error) {
	if j.profile, err = j.Profile(); err != nil {
		return err
	}
	j.Flags.Shards, j.Flags.Workers = j.shards, runner.Connections(j.Concurrency)
	j.plain = j.profile.Provider == config.ProviderSCIM
	existing := runner.Existing(j.OnExisting)
	if j.file, j.source, err = j.fileOptions.open(path, j.File, j.Type, existing != runner.Update); err != nil {
		return err
	}
	j.id = journal.Identity{
		Profile: j.profile.Name, Origin: j.profile.URL, Type: j.Type, Source: j.source.Hash(),
		Options: j.source.Options() + "/" + j.OnExisting, Name: j.File, Shard: j.Shard,
	}
	if j.Guard != nil {
		if err := j.Guard.Fits(j.id, existing); err != nil {
			return &cmdutil.RefusedError{Reason: err.Error(), Help: "make the plan again with --dry-run --plan-out"}
		}
	}
	return nil
}

func (j *job) run(ctx context.Context) (err error) {
	p, err := j.Provider(ctx)
	if err != nil {
		return err
	}
	if !j.DryRun {
		if err := j.openJournal(); err != nil {
			return err
		}
		// Closing syncs; a journal that cannot be written is an error even
		// when every row went well.
		defer func() { err = errors.Join(err, j.journal.Close()) }()
	}
	opts := runner.Options{
		OnExisting: runner.Existing(j.OnExisting), Route: runner.Route(j.Route), Concurrency: j.Concurrency,
		DryRun: j.DryRun, Guard: j.Guard, MaxErrors: j.MaxErrors, Verify: j.Verify, Shard: j.shard, Shards: j.shards,
		Journal: j.journal, State: j.state, Clock: j.Clock, Estimate: j.estimate(), Announce: j.announce,
	}
	if j.DryRun {
		end, err := j.planTo(&opts)
		if err != nil {
			return err
		}
		j.endPlan = sync.OnceValue(end)
		defer func() { err = errors.Join(err, j.endPlan()) }()
	} else {
		j.bar = progress.New(j.IO, j.Flags.Quiet, "rows", j.Clock)
		opts.Progress = func(c runner.Counts) { j.bar.Set(c.Rows, c.Total, c.Bad()) }
		defer func() { j.bar.Close() }() // again, should the run fail to end
	}
	summary, report, runErr := runner.Run(ctx, p, j.source, opts)
	j.bar.Close()
	if summary == nil {
		if j.journal != nil && j.journal.Empty() && j.state == nil {
			runErr = errors.Join(runErr, j.journal.Discard())
		}
		return j.fileError(runErr)
	}
	return j.end(ctx, summary, report, runErr)
}

// end writes what is asked for and turns the summary into the exit code. It
// runs after an interruption, too, under a context of its own.
func (j *job) end(ctx context.Context, summary *runner.Summary, report *runner.Report, runErr error) error {
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), runner.Grace)
	defer cancel()
	errs := []error{}
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if j.Rejects != "" {
		note(writeRejects(fresh, j.Rejects, j.file, report))
	}
	if j.JUnit != "" {
		note(writeJUnit(fresh, j.JUnit, j.File, summary, report))
	}
	data, err := summaryJSON(summary)
	note(err)
	if j.journal != nil && err == nil {
		switch {
		case runErr == nil || errors.Is(runErr, runner.ErrPartly):
			note(j.journal.Finish(j.Clock(), data))
		case j.journal.Empty() && j.state == nil:
			note(j.journal.Discard())
		}
	}
	if j.Summary != "" && err == nil {
		note(j.writeSummary(data))
	}
	if j.steps != nil && ctx.Err() == nil && !errors.Is(runErr, runner.ErrInterrupted) {
		note(j.steps.End(summary.Counts))
		note(j.plan.Commit())
	}
	if j.endPlan != nil {
		note(j.endPlan())
		if isTable(j.Output) {
			note(j.Note("")) // the summary is a table of its own
		}
	}
	note(j.show(fresh, summary, report))
	return errors.Join(append([]error{j.explain(summary, runErr)}, errs...)...)
}

// explain turns what the runner says into what the user can do.
func (j *job) explain(s *runner.Summary, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, runner.ErrPartly):
		help := "--rejects FILE writes these rows as a CSV to be mended"
		if j.Rejects != "" {
			help = j.Rejects + " holds these rows: mend and import it"
		}
		if j.DryRun {
			help = "idctl import check shows what is wrong with a file"
		}
		return &cmdutil.PartialError{What: "rows", Done: s.Rows - s.Bad(), Total: s.Rows, Help: help, Err: notDone(s)}
	case errors.Is(err, runner.ErrTooMany):
		return &cmdutil.RefusedError{Reason: err.Error(), Help: "idctl import check shows what is wrong with a file\n" + j.resumeHint(s)}
	case errors.Is(err, journal.ErrWrite):
		return fmt.Errorf("%w; nothing more was sent", err)
	}
	if hint := j.resumeHint(s); hint != "" {
		return &resumable{err: err, hint: hint}
	}
	return err
}

// fileError marks errors of the file that were found before anything was sent.
func (j *job) fileError(err error) error {
	for _, target := range []error{csvio.ErrQuote, csvio.ErrChanged, csvio.ErrEncoding, csvio.ErrNotCSV} {
		if errors.Is(err, target) {
			return &cmdutil.UsageError{Err: err, Help: "nothing was sent"}
		}
	}
	return err
}

// notDone says how many rows ended how, without the noughts.
func notDone(s *runner.Summary) error {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{s.Rejected, "rejected"}, {s.Failed, "failed"}, {s.Unknown, "unknown"}, {s.NotVerified, "not what the file says when read back"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return errors.New(strings.Join(parts, ", "))
}

func (j *job) resumeHint(s *runner.Summary) string {
	if j.DryRun || s.Writes == 0 {
		return ""
	}
	return fmt.Sprintf("%d rows are done, %d remain: the same command with --resume continues", s.Rows-s.Bad(), s.Remaining)
}

// resumable is an error of a run that can be continued.
type resumable struct {
	err  error
	hint string
}

func (e *resumable) Error() string { return e.err.Error() }
func (e *resumable) Unwrap() error { return e.err }

// Hint implements cmdutil.Hinter.
func (e *resumable) Hint() string { return e.hint }

// openJournal begins a journal, or continues one.
func (j *job) openJournal() error {
	path := j.JournalFile
	if path == "" {
		dir, err := j.Paths.State("runs")
		if err != nil {
			return err
		}
		path = filepath.Join(dir, j.id.FileName())
		// Old journals go with the next import. One that cannot be removed is
		// no reason not to run it; runs prune tells what is wrong.
		if _, err := journal.Prune(dir, j.Clock(), journal.Keep, false); err != nil {
			j.Log.Warn("old journals were not removed", "error", err)
		}
	}
	var err error
	if j.Resume {
		j.journal, j.state, err = journal.Open(path, j.id)
		return j.journalError(path, err)
	}
	if j.journal, err = journal.Create(path, j.id, j.Clock()); errors.Is(err, journal.ErrExists) {
		if err = j.putAside(path); err == nil {
			j.journal, err = journal.Create(path, j.id, j.Clock())
		}
	}
	return j.journalError(path, err)
}

// putAside gives the journal of an earlier run another name, if that run came
// to its end or the user wants to begin anew.
func (j *job) putAside(path string) error {
	info, err := journal.Describe(path)
	if err != nil {
		if errors.Is(err, journal.ErrDamaged) && j.Restart {
			return os.Rename(path, path+".damaged")
		}
		return err
	}
	if !info.Finished && !j.Restart {
		return &cmdutil.RefusedError{
			Reason: fmt.Sprintf("an import of this file, begun %s, was interrupted after %d rows",
				info.Created.Local().Format(time.DateTime), info.Rows),
			Help: "--resume continues it, --restart begins anew",
		}
	}
	return journal.Archive(path, info.Run)
}

// journalError gives the errors of a journal their exit codes.
func (j *job) journalError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, journal.ErrLocked):
		return &cmdutil.BusyError{Err: err}
	case errors.Is(err, journal.ErrChanged):
		return &cmdutil.RefusedError{Reason: err.Error(), Help: "import the changed file without --resume: rows already imported will be found unchanged"}
	case errors.Is(err, journal.ErrMissing):
		if other := unfinished(filepath.Dir(path), j.id); other != nil {
			return &cmdutil.RefusedError{
				Reason: fmt.Sprintf("%s changed since the run begun %s", j.File, other.Created.Local().Format(time.DateTime)),
				Help:   "import the changed file without --resume: rows already imported will be found unchanged",
			}
		}
		return cmdutil.Usagef("there is nothing to resume: no run of this file on profile %s was interrupted", j.profile.Name).
			WithHint("idctl runs list shows the runs")
	}
	return err
}

// unfinished finds a run of a file of the same name whose content was another.
func unfinished(dir string, id journal.Identity) *journal.Info {
	infos, _ := journal.List(dir) // damaged ones do not matter here
	for _, info := range infos {
		if !info.Finished && info.Name == id.Name && info.Profile == id.Profile && info.Type == id.Type {
			return info
		}
	}
	return nil
}

// estimate tells how long calls take under the limits of the service; nil
// where nothing limits them.
func (j *job) estimate() func(runner.Route, int) time.Duration {
	if j.profile.Local() {
		return nil
	}
	var rates map[string]transport.Rate
	if !j.plain { // other services publish no limits
		rates = idcs.Rates(idcs.DomainType(j.profile.DomainType))
	}
	limits := transport.LimitOptions{Shards: j.shards}
	if j.profile.Rate > 0 {
		limits = transport.LimitOptions{Share: 1} // the user's own number, as it is
	}
	return func(route runner.Route, calls int) time.Duration {
		group := idcs.GroupOther
		if route == runner.RouteBulk {
			group = idcs.GroupBulk
		}
		rate := rates[group]
		if j.profile.Rate > 0 {
			rate = transport.Rate{PerSecond: j.profile.Rate}
		}
		d, err := limits.Duration(rate, calls)
		if err != nil {
			return 0 // the transport refuses such limits by itself
		}
		return d
	}
}

// announce says before the first call what is to come.
func (j *job) announce(f runner.Forecast) error {
	if f.Rows == 0 {
		return j.Note("%s: no rows", j.File)
	}
	text := fmt.Sprintf("%s: %s", j.File, cmdutil.Count(f.Rows, "row"))
	if f.Rejected > 0 {
		text += fmt.Sprintf(", %d of them bad", f.Rejected)
	}
	text += fmt.Sprintf("; route %s, about %s", f.Route, cmdutil.Count(f.Calls, "call"))
	if f.Time >= time.Second {
		text += fmt.Sprintf(", about %s", f.Time.Round(time.Second))
	}
	return j.Note("%s", text)
}
