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
	"runtime"
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

	// Redraws says that stderr is a terminal whose lines can be drawn again: its
	// kind is known and not dumb.
	Redraws bool

	// ASCII says that the locale names another encoding than UTF-8. What idctl
	// adds by itself then keeps to ASCII; data goes out as it is.
	ASCII bool

	mayAsk          bool // CI unset, TERM known and not dumb
	width, errWidth func() int
}

// System returns the process's own streams. The environment is asked for
// NO_COLOR, CLICOLOR_FORCE, TERM, CI, COLUMNS and the locale.
func System(env LookupEnv) *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr,
		InTerminal:  isTerminal(os.Stdin),
		OutTerminal: isTerminal(os.Stdout),
		ErrTerminal: isTerminal(os.Stderr),
	}
	s.width, s.errWidth = widthOf(os.Stdout), widthOf(os.Stderr)
	// Windows consoles have no TERM.
	s.settle(env, runtime.GOOS != "windows")
	if s.OutTerminal && !ready(os.Stdout) {
		s.OutColour = false
	}
	if s.ErrTerminal && !ready(os.Stderr) {
		s.ErrColour, s.Redraws = false, false
	}
	return s
}

func widthOf(f *os.File) func() int {
	return func() int {
		w, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0
		}
		return w
	}
}

func isTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// settle derives colour, width and the right to ask from the environment.
// needsTerm says that a terminal without TERM is one of which nothing is known.
func (s *Streams) settle(env LookupEnv, needsTerm bool) {
	get := func(name string) string { v, _ := env(name); return v }
	dumb := get("TERM") == "dumb" || needsTerm && get("TERM") == ""
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
	s.Redraws = s.ErrTerminal && !dumb
	s.ASCII = ascii(get)
	ci := get("CI")
	s.mayAsk = !dumb && (ci == "" || strings.EqualFold(ci, "false") || ci == "0")
	if n, err := strconv.Atoi(get("COLUMNS")); err == nil && n > 0 {
		s.width = func() int { return n }
		s.errWidth = s.width
	}
}

// ascii reads the locale: the first of its variables that is set decides. None
// says nothing: most terminals of today that say nothing show UTF-8.
func ascii(get func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(get(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}

// CanPrompt says whether a question may be asked: stdin and stderr are
// terminals, NoInput is off, CI is unset and the terminal is known and not dumb.
// Questions go to stderr, so a redirected stdout does not forbid them.
func (s *Streams) CanPrompt() bool {
	return s.mayAsk && !s.NoInput && s.InTerminal && s.ErrTerminal
}

// Width is the number of columns of the terminal on stdout, 0 when stdout is
// no terminal: then nothing is cut to fit.
func (s *Streams) Width() int {
	return columns(s.OutTerminal, s.width)
}

// ErrWidth is the same for stderr.
func (s *Streams) ErrWidth() int { return columns(s.ErrTerminal, s.errWidth) }

func columns(terminal bool, width func() int) int {
	if !terminal || width == nil {
		return 0
	}
	if w := width(); w > 0 {
		return w
	}
	return 80
}

// Ellipsis stands where something was left out.
func (s *Streams) Ellipsis() string {
	if s.ASCII {
		return "~"
	}
	return "…"
}

// Test returns streams over buffers, none of them a terminal.
func Test() (s *Streams, in, out, errOut *bytes.Buffer) {
	in, out, errOut = &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	return &Streams{In: in, Out: out, ErrOut: errOut, mayAsk: true}, in, out, errOut
}

// SetTerminal makes a test's streams look like terminals of the given width.
func (s *Streams) SetTerminal(width int) {
	s.InTerminal, s.OutTerminal, s.ErrTerminal = true, true, true
	s.mayAsk, s.Redraws = true, true
	s.width = func() int { return width }
	s.errWidth = s.width
}
