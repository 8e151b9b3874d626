package acting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/progress"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// session is one command on its way: the options with everything that was
// opened.
type session struct {
	*Options
	provider  provider.Provider
	resources provider.Resources
	chosen    *directory.Chosen
	act       acts.Act
	many      bool

	journal *journal.Journal
	past    *acts.Past
	outlet  Outlet
	bar     *progress.Bar
	told    *teller
}

// Run does the act.
func Run(ctx context.Context, o *Options) (err error) {
	s := &session{Options: o}
	if err := s.check(); err != nil {
		return err
	}
	if o.Explain {
		return s.chosen.PrintExplanation(o.Deps, nil)
	}
	if err := s.mayAsk(ctx); err != nil {
		return err
	}
	o.Deps.Flags.Workers = acts.Connections(o.Concurrency)
	if s.resources, err = o.Resources(ctx); err != nil {
		return err
	}
	if s.provider, err = o.Provider(ctx); err != nil {
		return err
	}
	if s.act, err = o.Verb.Make(ctx, s.provider, o); err != nil {
		return err
	}
	s.many = s.chosen != nil || len(o.Keys) != 1 || o.Keys[0] == "-"
	if err := s.openJournal(); err != nil {
		return err
	}
	if s.journal != nil {
		defer func() {
			// Nothing was sent: there is nothing to remember.
			if s.journal.Empty() && s.past == nil {
				err = errors.Join(err, s.journal.Discard())
				return
			}
			err = errors.Join(err, s.journal.Close())
		}()
	}
	list, n, err := s.targets(ctx)
	if err != nil || list == nil {
		return err
	}
	if o.Verb.Open != nil && !o.DryRun {
		if s.outlet, err = o.Verb.Open(ctx, o, s.many); err != nil {
			return err
		}
		if s.outlet != nil {
			defer func() { err = errors.Join(err, s.outlet.Close()) }()
		}
	}
	return s.run(ctx, list, n)
}

func (s *session) check() (err error) {
	if err := s.Print.Check(); err != nil {
		return err
	}
	if s.Verb.Check != nil {
		if err := s.Verb.Check(s.Options); err != nil {
			return err
		}
	}
	if s.chosen, err = s.Parse(&s.Base); err != nil {
		return err
	}
	switch {
	case s.Explain && s.chosen == nil:
		return cmdutil.Usagef("--explain needs --where")
	case s.Concurrency < 1 || s.Concurrency > 1000:
		return cmdutil.Usagef("--concurrency must be from 1 to 1000, not %d", s.Concurrency)
	case s.DryRun && s.Resume:
		return cmdutil.Usagef("--dry-run and --resume exclude each other: a dry run leaves nothing to resume")
	case s.Resume && s.Restart:
		return cmdutil.Usagef("--resume and --restart exclude each other")
	}
	return nil
}

func (s *session) run(ctx context.Context, list batches, n int) error {
	s.told = &teller{session: s, tally: directory.NewTally(&s.Base, s.Verb.say())}
	if err := s.told.begin(); err != nil {
		return err
	}
	s.bar = progress.New(s.Deps.IO, s.Deps.Flags.Quiet || !s.many || s.DryRun, s.Kind.Plural, s.Deps.Clock)
	defer s.bar.Close()
	opts := acts.Options{
		Act: s.act, Lookup: s.lookup, Reread: s.reread, Fatal: directory.Fatal, Concurrency: s.Concurrency, DryRun: s.DryRun,
		Journal: s.journal, Past: s.past, Report: s.told.line, MaxErrors: s.MaxErrors, Clock: s.Deps.Clock,
		Progress: func(c acts.Counts) { s.bar.Set(c.Targets, n, c.Bad()) },
	}
	if s.outlet != nil {
		opts.Deliver = s.outlet.Deliver
		if !s.outlet.Lasting() {
			opts.Flush = s.outlet.Close
		}
	}
	summary, err := acts.Run(ctx, list, opts)
	s.bar.Close()
	if summary == nil {
		return err
	}
	return s.end(summary, err)
}

// end tells what came of it and turns it into the exit code.
func (s *session) end(summary *acts.Summary, runErr error) error {
	var errs []error
	if s.outlet != nil {
		errs = append(errs, s.outlet.Close())
	}
	over := runErr == nil || errors.Is(runErr, acts.ErrPartly)
	if s.journal != nil && over && (s.past != nil || !s.journal.Empty()) { // else it is forgotten
		data, err := json.Marshal(summary)
		if err == nil {
			err = s.journal.Finish(s.Deps.Clock(), data)
		}
		errs = append(errs, err)
		if !s.many && summary.Unknown == 0 && err == nil {
			errs = append(errs, s.journal.Discard()) // its outcome is known, and was told
		}
	}
	err := s.told.end(summary, runErr)
	if !over && s.journal != nil && !s.journal.Empty() {
		err = &resumable{err: err, hint: fmt.Sprintf("%s done: the same command with --resume continues", s.count(summary.Done))}
	}
	return errors.Join(append([]error{err}, errs...)...)
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

// identity is what the journal of this command belongs to.
func (s *session) identity() (journal.Identity, error) {
	id := journal.Identity{Type: s.resources.Type(), Act: s.Verb.Name, Origin: s.provider.BaseURL()}
	if s.Deps.Profile != nil {
		p, err := s.Deps.Profile()
		if err != nil {
			return id, err
		}
		id.Profile, id.Origin = p.Name, p.URL
	}
	if s.Verb.Variant != nil {
		id.Options = s.Verb.Variant()
	}
	words := []string{s.Kind.Command, s.Verb.Name}
	switch {
	case s.chosen != nil:
		words = append(words, "--where", string(s.Where))
	case len(s.Keys) == 0:
		words = append(words, "(ticked)")
	default:
		keys := slices.Clone(s.Keys)
		if len(keys) > 3 {
			keys = append(keys[:3], "...")
		}
		words = append(words, keys...)
	}
	id.Name = strings.Join(words, " ")
	keys := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		keys[i] = provider.Fold(k)
	}
	sum := sha256.Sum256([]byte(string(s.Where) + "\x00" + strings.Join(keys, "\x00")))
	id.Source = hex.EncodeToString(sum[:])
	return id, nil
}

// openJournal begins a journal, or continues one.
func (s *session) openJournal() error {
	once := s.act.Repeat == journal.Once || s.act.Repeat == ""
	switch {
	case s.DryRun:
		return nil
	case !s.many && !once && !s.Resume:
		return nil
	}
	id, err := s.identity()
	if err != nil {
		return err
	}
	dir, err := s.Deps.Paths.State("runs")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, id.FileName())
	// Old journals go with the next run. One that cannot be removed is no
	// reason not to run it; runs prune tells what is wrong.
	if _, err := journal.Prune(dir, s.Deps.Clock(), journal.Keep, false); err != nil {
		s.Deps.Log.Warn("old journals were not removed", "error", err)
	}
	if s.Resume {
		return s.resume(path, id)
	}
	s.journal, err = journal.Create(path, id, s.Deps.Clock())
	switch {
	case errors.Is(err, journal.ErrExists):
		if err = s.putAside(path, once); err == nil {
			s.journal, err = journal.Create(path, id, s.Deps.Clock())
		}
	case errors.Is(err, journal.ErrLocked) && !once:
		// The same command runs elsewhere. Both may: what one has done the
		// other finds to be so already. It gets a journal of its own.
		id.Shard = fmt.Sprintf("%d-%d", os.Getpid(), s.Deps.Clock().UnixNano())
		s.journal, err = journal.Create(filepath.Join(dir, id.FileName()), id, s.Deps.Clock())
	}
	return journalError(err)
}

func (s *session) resume(path string, id journal.Identity) (err error) {
	if s.journal, _, err = journal.Open(path, id); err != nil {
		if errors.Is(err, journal.ErrMissing) {
			return cmdutil.Usagef("there is nothing to resume: no run of this command was interrupted").
				WithHint("idctl runs list shows the runs")
		}
		return journalError(err)
	}
	if s.past, err = acts.ReadPast(path); err != nil {
		return errors.Join(err, s.journal.Close())
	}
	return nil
}

// putAside gives the journal of an earlier run another name. That of an act
// that must not be done twice stays while it holds what nobody knows or was
// not reached.
func (s *session) putAside(path string, once bool) error {
	info, err := journal.Describe(path)
	if err != nil {
		if errors.Is(err, journal.ErrDamaged) && s.Restart {
			return os.Rename(path, path+".damaged")
		}
		return err
	}
	if once && !s.Restart {
		past, err := acts.ReadPast(path)
		if err != nil {
			return err
		}
		if past.Open() > 0 || !info.Finished && past.Wrote() {
			reason := fmt.Sprintf("a run of this command, begun %s, was interrupted", info.Created.Local().Format("2006-01-02 15:04:05"))
			if n := past.Open(); n > 0 {
				reason += fmt.Sprintf("; whether %s was done to %s is not known", s.Verb.Name, s.count(n))
			}
			return &cmdutil.RefusedError{
				Reason: reason,
				Help:   "--resume continues it and leaves alone what is not known, --restart does it anew to all",
			}
		}
	}
	return journal.Archive(path, info.Run)
}

// journalError gives the errors of a journal their exit codes.
func journalError(err error) error {
	switch {
	case errors.Is(err, journal.ErrLocked):
		return &cmdutil.BusyError{Err: err}
	case errors.Is(err, journal.ErrChanged):
		return &cmdutil.RefusedError{Reason: err.Error(), Help: "run the command without --resume"}
	}
	return err
}

// missing says whether a failure counts as done.
func (s *session) missing(err error) bool { return s.Missing && errors.Is(err, scim.ErrNotFound) }
