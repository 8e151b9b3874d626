package progress

import (
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/iostreams"
)

func TestBar(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	for name, c := range map[string]struct {
		terminal bool
		after    []time.Duration
		want     string
	}{
		"short work shows nothing":       {true, []time.Duration{100 * time.Millisecond, 500 * time.Millisecond}, ""},
		"terminal":                       {true, []time.Duration{2 * time.Second}, clearLine + "100 of 1000 rows, 2 not done, 50/s, 18s left" + clearLine},
		"terminal, redrawn at most 10/s": {true, []time.Duration{2 * time.Second, 2*time.Second + time.Millisecond}, clearLine + "100 of 1000 rows, 2 not done, 50/s, 18s left" + clearLine},
		"narrow terminal":                {true, []time.Duration{2 * time.Second}, clearLine + "100 of 1000 rows, 2" + clearLine},
		"log":                            {false, []time.Duration{2 * time.Second, 3 * time.Second}, "100 of 1000 rows, 2 not done, 50/s, 18s left\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _, errOut := iostreams.Test()
			if c.terminal {
				width := 80
				if name == "narrow terminal" {
					width = 20
				}
				s.SetTerminal(width)
			}
			start := now
			defer func() { now = start }()
			b := New(s, false, "rows", clock)
			b.Set(1, 1000, 0)
			for _, d := range c.after {
				now = start.Add(d)
				b.Set(100, 1000, 2)
			}
			b.Close()
			b.Set(200, 1000, 2)
			b.Close()
			if got := errOut.String(); got != c.want {
				t.Errorf("stderr = %q, want %q", got, c.want)
			}
		})
	}
}

func TestQuietShowsNothing(t *testing.T) {
	s, _, _, errOut := iostreams.Test()
	b := New(s, true, "rows", time.Now)
	b.Set(1, 2, 0)
	b.Close()
	if strings.TrimSpace(errOut.String()) != "" {
		t.Errorf("stderr = %q", errOut)
	}
}
