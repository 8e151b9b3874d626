// Package cli is the command line of idctl: the root command, the way from a
// process to an exit code, and the wiring of profiles to services. Each noun
// is a package of its own below it.
//
// # Adding a noun
//
// Make internal/cli/NOUN with one constructor, New(d *cmdutil.Deps)
// *cobra.Command, that wraps its command in cmdutil.Group. Each verb is a file
// with three parts: an options struct with all that the verb needs, newXCmd(d,
// run) that makes the command and calls run with the options, and runX(ctx,
// opts) that does the work. Flag tests give newXCmd a run that keeps the
// options; behaviour tests call runX with options filled in by hand.
//
// Then add one line to nouns in nouns.go. Name, aliases and short text stand
// there as well as in New, because a noun that is not called is never built;
// a test compares both.
//
// Rules that tests check: only the root has a PersistentPreRun; every command
// has an Example; no command reads configuration or network before its RunE;
// usage errors are *cmdutil.UsageError. Flags for all commands are persistent
// flags of the root, in cmdutil.Flags and output.Options.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/prompt"
)

// Main runs the process's command line and returns its exit code.
func Main() int {
	ctx, stop := signalContext(context.Background())
	defer stop()
	return Run(ctx, Process{
		Args:  os.Args[1:],
		IO:    iostreams.System(os.LookupEnv),
		Env:   os.LookupEnv,
		GOOS:  runtime.GOOS,
		Clock: time.Now, //nolint:forbidigo // the one place where the clock comes in
		Spawn: spawn,
	})
}

// Process is what a command line gets from the operating system.
type Process struct {
	Args  []string
	IO    *iostreams.Streams
	Env   config.LookupEnv
	GOOS  string
	Clock func() time.Time
	// Spawn starts this program with other arguments in the background; the
	// channel gives its end. Nil: nothing is done in the background.
	Spawn func(args []string) (<-chan error, error)
	// Keyring takes the place of the system's keyring, unless nil.
	Keyring auth.Keyring
}

// signalContext ends with a *cmdutil.SignalError as cause at the first SIGINT
// or SIGTERM, so that work can be finished and the code can say which it was.
// Signals are not caught from then on: the second one kills.
// (signal.NotifyContext keeps the signal to itself.)
func signalContext(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := cmdutil.Go(func() error {
		select {
		case sig := <-ch:
			signal.Stop(ch)
			cancel(&cmdutil.SignalError{Signal: sig})
		case <-ctx.Done():
			signal.Stop(ch)
		}
		return nil
	})
	return ctx, func() {
		cancel(nil)
		<-done //nolint:errcheck // it always returns nil
	}
}

// Run runs one command line. It prints what is to be printed, the error
// included, and returns the exit code.
func Run(ctx context.Context, p Process) int {
	a := newApp(p)
	err := cmdutil.Safe(func() error { return a.execute(ctx, p.Args) })()
	if cerr := a.conn.close(); cerr != nil && err == nil {
		err = cerr
	}
	var sig *cmdutil.SignalError
	if err != nil && errors.As(context.Cause(ctx), &sig) && !errors.As(err, new(*cmdutil.PanicError)) {
		// Whatever the ended context made of the work, the signal is the
		// reason. What the work has to say about it stays in the text.
		err = &interruptedError{signal: sig, err: err}
	}
	cmdutil.Report(p.IO, err, a.deps.Output.Structured())
	return cmdutil.ExitCode(err)
}

// interruptedError is an error that came of a signal.
type interruptedError struct {
	signal *cmdutil.SignalError
	err    error
}

func (e *interruptedError) Error() string {
	if errors.Is(e.err, context.Canceled) {
		return e.signal.Error()
	}
	return e.signal.Error() + ": " + e.err.Error()
}

// Unwrap puts the signal first: it decides the exit code.
func (e *interruptedError) Unwrap() []error { return []error{e.signal, e.err} }

// app is one command line with everything it shares.
type app struct {
	deps  *cmdutil.Deps
	conn  *connector
	level *slog.LevelVar
	spawn func(args []string) (<-chan error, error)
}

func newApp(p Process) *app {
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	d := &cmdutil.Deps{
		IO:      p.IO,
		Prompt:  prompt.New(p.IO),
		Env:     p.Env,
		Paths:   config.FindPaths(p.GOOS, p.Env),
		Clock:   p.Clock,
		Log:     newLogger(p.IO.ErrOut, level),
		Version: buildVersion(),
		Flags:   &cmdutil.Flags{},
		Output:  &output.Options{},
	}
	if completing(p.Args) {
		// The shell wants names and nothing else; remarks would land in the
		// middle of what is being typed.
		d.Log, d.IO.NoInput = slog.New(slog.DiscardHandler), true
	}
	a := &app{deps: d, level: level, conn: &connector{deps: d}, spawn: p.Spawn}
	a.conn.keepers.keyring = p.Keyring
	a.conn.wire()
	return a
}

func (a *app) execute(ctx context.Context, args []string) error {
	root := a.root(args)
	root.SetArgs(args)
	root.SetIn(a.deps.IO.In)
	// Cobra prints help without a word about a failed write.
	out := &rememberingWriter{w: a.deps.IO.Out}
	root.SetOut(out)
	root.SetErr(a.deps.IO.ErrOut)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	if out.err != nil {
		return fmt.Errorf("write output: %w", out.err)
	}
	return a.unanswered()
}

// rememberingWriter keeps the first error.
type rememberingWriter struct {
	w   io.Writer
	err error
}

func (w *rememberingWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}
