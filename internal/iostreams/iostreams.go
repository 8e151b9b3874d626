// Package iostreams owns the three standard streams and what is known of them:
// which are terminals, how wide, whether colour is welcome and whether a
// question may be asked. It is the only package besides cmd that touches
// os.Stdin, os.Stdout and os.Stderr.
//
// It does not format anything: tables and documents are package output's,
// questions are package prompt's.
package iostreams

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// LookupEnv answers an environment variable, as os.LookupEnv does.
type LookupEnv func(name string) (value string, set bool)

// Streams are standard input, output and error with the facts about them. The
// facts are settled when the value is made; only NoInput changes afterwards.
type Streams struct {
	In     io.Reader
	Out    io.Writer
	ErrOut io.Writer

	// NoInput forbids every question; --no-input sets it.
	NoInput bool

	// InTerminal, OutTerminal and ErrTerminal say which stream is a terminal.
	// A Cygwin or MSYS terminal counts: it is a pipe underneath.
	InTerminal, OutTerminal, ErrTerminal bool

	// OutColour and ErrColour say whether a stream may carry colour.
	OutColour, ErrColour bool

	mayAsk bool // CI unset and TERM not dumb
	width  func() int
}

// System returns the process's own streams. The environment is asked for
// NO_COLOR, CLICOLOR_FORCE, TERM, CI and COLUMNS.
func System(env LookupEnv) *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr,
		InTerminal:  isTerminal(os.Stdin),
		OutTerminal: isTerminal(os.Stdout),
		ErrTerminal: isTerminal(os.Stderr),
	}
	s.width = func() int {
		w, _, err := term.GetSize(int(os.Stdout.Fd()))
		if err != nil {
			return 0
		}
		return w
	}
	s.settle(env)
	return s
}

func isTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// settle derives colour, width and the right to ask from the environment.
func (s *Streams) settle(env LookupEnv) {
	get := func(name string) string { v, _ := env(name); return v }
	dumb := get("TERM") == "dumb"
	colour := func(terminal bool) bool {
		// NO_COLOR counts when it is set and not empty (no-color.org), and
		// wins over CLICOLOR_FORCE: the more careful wish is obeyed.
		if get("NO_COLOR") != "" {
			return false
		}
		if f := get("CLICOLOR_FORCE"); f != "" && f != "0" {
			return true
		}
		return terminal && !dumb
	}
	s.OutColour, s.ErrColour = colour(s.OutTerminal), colour(s.ErrTerminal)
	ci := get("CI")
	s.mayAsk = !dumb && (ci == "" || strings.EqualFold(ci, "false") || ci == "0")
	if n, err := strconv.Atoi(get("COLUMNS")); err == nil && n > 0 {
		s.width = func() int { return n }
	}
}

// CanPrompt says whether a question may be asked: stdin and stderr are
// terminals, NoInput is off, CI is unset and the terminal is not dumb.
// Questions go to stderr, so a redirected stdout does not forbid them.
func (s *Streams) CanPrompt() bool {
	return s.mayAsk && !s.NoInput && s.InTerminal && s.ErrTerminal
}

// Width is the number of columns of the terminal on stdout, 0 when stdout is
// no terminal: then nothing is cut to fit.
func (s *Streams) Width() int {
	if !s.OutTerminal || s.width == nil {
		return 0
	}
	if w := s.width(); w > 0 {
		return w
	}
	return 80
}

// Test returns streams over buffers, none of them a terminal.
func Test() (s *Streams, in, out, errOut *bytes.Buffer) {
	in, out, errOut = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	return &Streams{In: in, Out: out, ErrOut: errOut, mayAsk: true}, in, out, errOut
}

// SetTerminal makes a test's streams look like terminals of the given width.
func (s *Streams) SetTerminal(width int) {
	s.InTerminal, s.OutTerminal, s.ErrTerminal = true, true, true
	s.mayAsk = true
	s.width = func() int { return width }
}
