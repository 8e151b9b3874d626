package cmdutil

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// Exit codes. 2 is not among them: the Go runtime uses it for a panic that
// nobody recovered.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitPartial     = 3
	ExitDenied      = 4
	ExitNotFound    = 5
	ExitConflict    = 6
	ExitBusy        = 7
	ExitDifferent   = 8
	ExitUnsupported = 9
	ExitRefused     = 10
	ExitUsage       = 64
	ExitPanic       = 70
	ExitInterrupted = 130
	ExitTerminated  = 143
)

// Code is one exit code with its meaning.
type Code struct {
	Code    int
	Word    string // in the JSON form of an error
	Meaning string
}

// Codes lists every exit code, for the help topic and the documentation.
func Codes() []Code {
	return []Code{
		{ExitOK, "ok", "all done"},
		{ExitFailure, "failure", "any other failure"},
		{ExitPartial, "partial", "partly done, or the outcome of a row is unknown: see the report"},
		{ExitDenied, "denied", "not logged in, or not permitted"},
		{ExitNotFound, "not-found", "not found"},
		{ExitConflict, "conflict", "conflict: a unique value is taken, or it changed since it was read"},
		{ExitBusy, "busy", "throttled, unavailable or locked by another run: try again later"},
		{ExitDifferent, "different", "differences found, nothing changed"},
		{ExitUnsupported, "unsupported", "this provider cannot do that"},
		{ExitRefused, "refused", "refused by a safety rule (cap, drift, protected user)"},
		{ExitUsage, "usage", "usage: nothing was sent"},
		{ExitPanic, "internal", "a fault of idctl itself, please report it"},
		{ExitInterrupted, "interrupted", "interrupted (Ctrl-C)"},
		{ExitTerminated, "terminated", "terminated (SIGTERM)"},
	}
}

// ExitCoder is an error that knows its exit code. Packages below the commands
// implement it where none of the types here fits.
type ExitCoder interface{ ExitCode() int }

// Hinter is an error that knows what helps. Each line is a hint of its own.
type Hinter interface{ Hint() string }

// UsageError is a mistake in how a command was called: nothing was sent.
type UsageError struct {
	Err  error
	Help string // hints, one a line
}

// Usagef makes a UsageError.
func Usagef(format string, args ...any) *UsageError {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// WithHint adds a hint.
func (e *UsageError) WithHint(format string, args ...any) *UsageError {
	line := fmt.Sprintf(format, args...)
	if e.Help != "" {
		line = e.Help + "\n" + line
	}
	return &UsageError{Err: e.Err, Help: line}
}

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Hint implements Hinter.
func (e *UsageError) Hint() string { return e.Help }

// ExitCode implements ExitCoder.
func (e *UsageError) ExitCode() int { return ExitUsage }

// PartialError is a run of which a part failed, or whose outcome is unknown
// for some rows. Done and Total count rows.
type PartialError struct {
	What        string // "rows", "users"
	Done, Total int
	Help        string
	Err         error // the first failure, may be nil
}

func (e *PartialError) Error() string {
	s := fmt.Sprintf("%d of %d %s done", e.Done, e.Total, e.What)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *PartialError) Unwrap() error { return e.Err }

// Hint implements Hinter.
func (e *PartialError) Hint() string { return e.Help }

// ExitCode implements ExitCoder.
func (e *PartialError) ExitCode() int { return ExitPartial }

// RefusedError is a safety rule that forbids the act. Nothing was changed.
type RefusedError struct {
	Reason string
	Help   string
}

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// Hint implements Hinter.
func (e *RefusedError) Hint() string { return e.Help }

// ExitCode implements ExitCoder.
func (e *RefusedError) ExitCode() int { return ExitRefused }

// DifferenceError is a check that found differences and changed nothing.
type DifferenceError struct{ What string }

func (e *DifferenceError) Error() string { return e.What }

// ExitCode implements ExitCoder.
func (e *DifferenceError) ExitCode() int { return ExitDifferent }

// BusyError is something another run holds.
type BusyError struct{ Err error }

func (e *BusyError) Error() string { return e.Err.Error() }
func (e *BusyError) Unwrap() error { return e.Err }

// ExitCode implements ExitCoder.
func (e *BusyError) ExitCode() int { return ExitBusy }

// SignalError is the cause of a root context that a signal ended.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string {
	if e.Signal == syscall.SIGTERM {
		return "terminated"
	}
	return "interrupted"
}

// Is makes a SignalError a cancellation, for code that tests for that.
func (e *SignalError) Is(target error) bool { return target == context.Canceled }

// ExitCode implements ExitCoder: 128 and the signal's number.
func (e *SignalError) ExitCode() int {
	if e.Signal == syscall.SIGTERM {
		return ExitTerminated
	}
	return ExitInterrupted
}

// PanicError is a recovered panic. Its text says nothing of the value unless
// the runtime itself made it: a value may hold anything.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	if r, ok := e.Value.(runtime.Error); ok {
		return "internal error: " + r.Error()
	}
	return fmt.Sprintf("internal error: panic with a %T", e.Value)
}

// ExitCode implements ExitCoder.
func (e *PanicError) ExitCode() int { return ExitPanic }

// ExitCode maps an error to the exit code. It is the only place that does.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	// A panic outranks whatever wraps it or is joined to it, a signal too.
	if as[*PanicError](err) {
		return ExitPanic
	}
	var sig *SignalError
	if errors.As(err, &sig) {
		return sig.ExitCode()
	}
	var coder ExitCoder
	switch {
	case errors.As(err, &coder):
		return coder.ExitCode()
	case as[*pflag.NotExistError](err), as[*pflag.ValueRequiredError](err),
		as[*pflag.InvalidValueError](err), as[*pflag.InvalidSyntaxError](err):
		return ExitUsage
	case errors.Is(err, prompt.ErrInterrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, provider.ErrUnsupported), errors.Is(err, scim.ErrVerb):
		return ExitUnsupported
	case is(err, scim.ErrUnavailable, scim.ErrThrottled, transport.ErrThrottled, transport.ErrUnreachable,
		transport.ErrTimeout, context.DeadlineExceeded), tokens.Transient(err):
		return ExitBusy
	case is(err, scim.ErrUnauthorized, scim.ErrForbidden, transport.ErrToken, transport.ErrInsecure, auth.ErrNotFound,
		auth.ErrOriginMismatch, auth.ErrExposed, auth.ErrCommand, auth.ErrNoKeyring, auth.ErrPassphrase, auth.ErrKeyMissing), as[*tokens.Error](err):
		return ExitDenied
	case errors.Is(err, scim.ErrNotFound):
		return ExitNotFound
	case errors.Is(err, scim.ErrConflict):
		return ExitConflict
	case is(err, scim.ErrAmbiguous, scim.ErrNoID, transport.ErrBadRequest, auth.ErrTooLarge):
		return ExitUsage
	}
	return ExitFailure
}

func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func is(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// Hints collects what the errors of a chain advise, each line once.
func Hints(err error) []string {
	var out []string
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		if h, ok := err.(Hinter); ok {
			for line := range strings.Lines(h.Hint()) {
				if line = strings.TrimSpace(line); line != "" && !seen[line] {
					seen[line] = true
					out = append(out, line)
				}
			}
		}
		switch u := err.(type) { //nolint:errorlint // every link of the chain is visited
		case interface{ Unwrap() error }:
			walk(u.Unwrap())
		case interface{ Unwrap() []error }:
			for _, e := range u.Unwrap() {
				walk(e)
			}
		}
	}
	walk(err)
	if needed := neededRoles(err); needed != "" {
		out = append(out, needed)
	}
	if as[*tls.CertificateVerificationError](err) {
		// The library below names the setting; only the tool has a flag for it.
		out = append(out, "--ca-file FILE does so once, idctl profile set NAME caFile=FILE for good")
	}
	return out
}
