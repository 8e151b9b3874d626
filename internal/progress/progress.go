// Package progress shows on stderr how far long work has come: one line that
// is redrawn on a terminal, a line from time to time elsewhere, so that the log
// of a CI job shows life. Work that is over within a second shows nothing.
//
// It is sixty lines of its own because it must never wait, never own a
// goroutine and never touch stdout; the libraries for it draw from goroutines
// that have to be joined on every way out.
package progress

import (
	"fmt"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/iostreams"
)

const (
	patience   = time.Second      // before the first line
	redraw     = time.Second / 10 // between lines on a terminal
	heartbeat  = 10 * time.Second // between lines elsewhere
	clearLine  = "\r\x1b[K"
	minForRate = 10 // rows before a rate means anything
)

// Bar is one line of progress. The nil Bar shows nothing. It is safe for
// concurrent use.
type Bar struct {
	streams  *iostreams.Streams
	unit     string
	clock    func() time.Time
	terminal bool

	mu     sync.Mutex
	began  time.Time
	next   time.Time
	start  int // what was done already when the bar began, as after a resume
	drawn  bool
	first  bool
	closed bool
}

// New begins to watch. With quiet it answers the nil Bar.
func New(s *iostreams.Streams, quiet bool, unit string, clock func() time.Time) *Bar {
	if quiet {
		return nil
	}
	now := clock()
	return &Bar{streams: s, unit: unit, clock: clock, terminal: s.Redraws, began: now, next: now.Add(patience), first: true}
}

// Set tells how much is done, of how much, and how much of it went wrong.
func (b *Bar) Set(done, total, bad int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first {
		b.first, b.start = false, done-1
	}
	now := b.clock()
	if b.closed || now.Before(b.next) {
		return
	}
	text := fmt.Sprintf("%d of %d %s", done, total, b.unit)
	if total < 0 {
		text = fmt.Sprintf("%d %s", done, b.unit)
	}
	if bad > 0 {
		text += fmt.Sprintf(", %d not done", bad)
	}
	if passed, n := now.Sub(b.began).Seconds(), done-b.start; total >= 0 && passed > 0 && n >= minForRate {
		rate := float64(n) / passed
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.0f/s, %s left", rate, left.Round(time.Second))
	}
	if b.terminal {
		b.next = now.Add(redraw)
		// A line that wraps cannot be wiped. The last column stays free: some
		// terminals wrap when it is written.
		if w := b.streams.ErrWidth(); len(text) >= w {
			text = text[:max(w-1, 0)]
		}
		_, _ = fmt.Fprint(b.streams.ErrOut, clearLine+text) // progress that cannot be shown is no reason to stop
		b.drawn = true
		return
	}
	b.next = now.Add(heartbeat)
	_, _ = fmt.Fprintln(b.streams.ErrOut, text) // as above
}

// Wipe takes the line away, so that another can be printed; it comes back with
// the next Set.
func (b *Bar) Wipe() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn && !b.closed {
		_, _ = fmt.Fprint(b.streams.ErrOut, clearLine) // as above
		b.drawn = false
	}
}

// Close wipes the line; nothing is shown afterwards. It may be called again.
func (b *Bar) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn && !b.closed {
		_, _ = fmt.Fprint(b.streams.ErrOut, clearLine) // as above
	}
	b.closed = true
}
