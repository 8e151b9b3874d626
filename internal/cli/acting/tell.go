package acting

import (
	"context"
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/acts"
)

// toldOneByOne is how many successes are told a line each; of more, the
// summary says how many.
const toldOneByOne = 20

// Outcome is what came of one target, as programs read it.
type Outcome struct {
	Key  string `json:"key"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Result is the act in the past, "blocked", or one of unchanged, missing,
	// refused, failed, unknown; in a dry run "would be blocked".
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
	Error  string `json:"error,omitempty"`
}

func printer(d *cmdutil.Deps) output.Printer[Outcome] {
	return output.New(d.Output, output.Spec[Outcome]{
		Columns: []output.Column[Outcome]{
			{Name: "Key", Path: "key", Get: func(o *Outcome) string { return o.Key }},
			{Name: "Result", Path: "result", Get: func(o *Outcome) string { return o.Result }},
			{Name: "Name", Path: "name", Get: func(o *Outcome) string { return o.Name }},
			{Name: "ID", Path: "id", Get: func(o *Outcome) string { return o.ID }},
			{Name: "Why", Path: "why", Get: func(o *Outcome) string { return o.Why }},
			{Name: "Error", Path: "error", Get: func(o *Outcome) string { return o.Error }},
		},
		Key: func(o *Outcome) string { return o.Key },
	})
}

// teller tells a person line by line, or a program row by row.
type teller struct {
	*session
	tally *directory.Tally
	rows  *output.Writer[Outcome]
	good  int
}

// begin opens the list of results where one is printed: for programs, and as a
// table in a dry run, whose answer it is.
func (t *teller) begin() (err error) {
	stdout := t.outlet == nil || !t.outlet.TakesStdout()
	if stdout && (!directory.Tabular(t.Deps.Output.Format) || t.DryRun) {
		t.rows, err = t.Print.Begin(t.Deps.IO)
	}
	return err
}

// line is acts.Options.Report.
func (t *teller) line(l *acts.Line) error {
	out := t.outcome(l)
	if l.Result.OK() || out.Result == "missing" {
		t.tally.OK()
		t.good++
	} else {
		t.bar.Wipe()
		if err := t.tally.Fail(t.failure(l)); err != nil {
			return err
		}
	}
	if t.rows != nil {
		if t.Deps.Output.Format == output.Name && out.Error != "" {
			return nil
		}
		if err := t.rows.Row(&out); err != nil {
			return fmt.Errorf("%w: %w", directory.ErrWrite, err)
		}
		return nil
	}
	if out.Error != "" || t.good > toldOneByOne {
		return nil
	}
	t.bar.Wipe()
	return t.sentence(l, &out)
}

func (t *teller) outcome(l *acts.Line) Outcome {
	out := Outcome{Key: l.Key, ID: l.ID(), Result: string(l.Result)}
	if l.Doc != nil {
		out.Name = directory.Label(l.Doc)
	}
	switch l.Result {
	case acts.Done:
		out.Result = t.act.Past
		if l.Earlier {
			out.Why = "by an earlier run"
		}
	case acts.Planned:
		out.Result = "would be " + t.act.Past
	case acts.Unchanged:
		out.Why = l.Why
	case acts.Refused, acts.Failed, acts.Unknown:
		if l.Result == acts.Failed && t.missing(l.Failure) {
			out.Result = "missing"
		} else {
			out.Error = l.Why
		}
	}
	return out
}

// failure names the target, unless the error does.
func (t *teller) failure(l *acts.Line) error {
	if l.Doc == nil {
		return l.Failure // the look-up names it
	}
	return fmt.Errorf("%s %q: %w", t.Kind.Noun, l.Key, l.Failure)
}

func (t *teller) sentence(l *acts.Line, out *Outcome) error {
	switch {
	case out.Result == "missing":
		return directory.Note(t.Deps, "there was no %s %s", t.Kind.Noun, l.Key)
	case l.Result == acts.Unchanged:
		return directory.Note(t.Deps, "%s %s %s", t.Kind.Noun, t.Who(l.Doc), l.Why)
	case l.Doc == nil || l.Earlier:
		return directory.Note(t.Deps, "%s %s: done by an earlier run", t.Kind.Noun, l.Key)
	}
	return directory.Note(t.Deps, "%s %s %s", t.toldAs(), t.Kind.Noun, t.Who(l.Doc))
}

// end prints the summary and answers the error of the command.
func (t *teller) end(s *acts.Summary, runErr error) error {
	if t.rows != nil && !errors.Is(runErr, directory.ErrWrite) {
		if err := t.rows.End(); err != nil {
			return err
		}
	}
	if errors.Is(runErr, directory.ErrWrite) {
		return runErr
	}
	var stop error
	if runErr != nil && !errors.Is(runErr, acts.ErrPartly) {
		stop = runErr
	}
	if s.Targets == 0 && stop == nil {
		return t.Deps.Note("no %s named, nothing to %s", t.Kind.Plural, t.Verb.Name)
	}
	err := t.verdict(s, stop)
	if t.many && s.Targets > 1 {
		if nerr := t.Deps.Note("%s", t.summary(s)); nerr != nil {
			return errors.Join(err, nerr)
		}
	}
	if s.Done > 0 && !s.DryRun && t.Verb.Note != "" && (t.Verb.Noted == nil || t.Verb.Noted()) {
		if nerr := t.Deps.Note("%s", t.Verb.Note); nerr != nil {
			return errors.Join(err, nerr)
		}
	}
	return err
}

// verdict is the error of the whole command. An operation whose outcome is not
// known makes it a partial one, also where it was the only one.
func (t *teller) verdict(s *acts.Summary, stop error) error {
	if errors.Is(stop, context.Canceled) || errors.Is(stop, acts.ErrInterrupted) {
		return stop
	}
	err := t.tally.End(stop)
	if s.Unknown == 0 || stop != nil {
		return err
	}
	help := "look whether it was done; --restart does it anew"
	if s.Targets == 1 {
		return &cmdutil.PartialError{What: t.Kind.Plural, Done: 0, Total: 1, Err: err, Help: help}
	}
	return &cmdutil.PartialError{
		What: t.Kind.Plural, Done: s.Done + s.Unchanged, Total: s.Targets, Help: help,
		Err: fmt.Errorf("of %s the outcome is not known", t.count(s.Unknown)),
	}
}

// summary is one line: "12 users: 10 blocked, 1 unchanged, 1 refused (3.2 s)".
func (t *teller) summary(s *acts.Summary) string {
	past := t.act.Past
	if s.DryRun {
		past = "would be " + past
	}
	text := t.count(s.Targets) + ": "
	sep := ""
	for _, p := range []struct {
		n    int
		word string
	}{{s.Done, past}, {s.Unchanged, "unchanged"}, {s.Refused, "refused"}, {s.Failed, "failed"}, {s.Unknown, "unknown"}} {
		if p.n > 0 {
			text += fmt.Sprintf("%s%d %s", sep, p.n, p.word)
			sep = ", "
		}
	}
	if s.Seconds >= 1 {
		text += fmt.Sprintf(" (%.1f s)", s.Seconds)
	}
	return text
}
