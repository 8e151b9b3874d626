package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/cli/cmdutil"
)

// Tally counts the outcomes of a command on several resources. A failure is
// reported on stderr when another outcome follows; the failure of the only
// resource is the command's own error, with its own exit code.
type Tally struct {
	*Base
	verb        string
	done, total int
	first       error
	mixed       bool // the failures have different exit codes
	reported    bool
}

// NewTally counts for a command whose verb is "delete".
func NewTally(b *Base, verb string) *Tally { return &Tally{Base: b, verb: verb} }

// OK counts a success.
func (t *Tally) OK() {
	t.done++
	t.total++
}

// Fail counts a failure.
func (t *Tally) Fail(err error) error {
	t.total++
	if t.first == nil {
		t.first = err
		return nil
	}
	t.mixed = t.mixed || cmdutil.ExitCode(err) != cmdutil.ExitCode(t.first)
	if err := t.reportFirst(); err != nil {
		return err
	}
	return t.report(err)
}

func (t *Tally) reportFirst() error {
	if t.reported || t.first == nil {
		return nil
	}
	t.reported = true
	return t.report(t.first)
}

func (t *Tally) report(err error) error {
	return PrintError(t.Deps, fmt.Errorf("%s %w", t.verb, err))
}

// End is the error of the whole command; stop is what ended it early, nil when
// everything was gone through.
func (t *Tally) End(stop error) error {
	switch {
	case stop != nil && t.done == 0 && t.first == nil:
		if errors.Is(stop, context.Canceled) || isUsage(stop) {
			return stop
		}
		return fmt.Errorf("%s %w", t.verb, stop)
	case stop != nil:
		// What stopped it at the first is what that one failed of: told once.
		alike := t.done == 0 && !t.mixed && cmdutil.ExitCode(stop) == cmdutil.ExitCode(t.first)
		if alike && t.total == 1 {
			return fmt.Errorf("%s %w", t.verb, t.first)
		}
		if err := t.reportFirst(); err != nil {
			return err
		}
		partial := &cmdutil.PartialError{
			What: t.Kind.Plural, Done: t.done, Total: t.total,
			Err: fmt.Errorf("stopped: %s %w", t.verb, stop),
		}
		if alike {
			return &noneDone{PartialError: partial, first: t.first}
		}
		return partial
	case t.first == nil:
		return nil
	case t.total == 1:
		return fmt.Errorf("%s %w", t.verb, t.first)
	}
	if err := t.reportFirst(); err != nil {
		return err
	}
	partial := &cmdutil.PartialError{What: t.Kind.Plural, Done: t.done, Total: t.total} // each failure was told
	if t.done == 0 && !t.mixed {
		return &noneDone{PartialError: partial, first: t.first}
	}
	return partial
}

// noneDone says that nothing was done and all failed alike: the exit code is
// that of the failures, as if there had been one.
type noneDone struct {
	*cmdutil.PartialError
	first error
}

// ExitCode implements cmdutil.ExitCoder.
func (e *noneDone) ExitCode() int { return cmdutil.ExitCode(e.first) }

func isUsage(err error) bool {
	var u *cmdutil.UsageError
	return errors.As(err, &u)
}
