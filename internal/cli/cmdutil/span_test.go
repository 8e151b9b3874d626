package cmdutil_test

import (
	"testing"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
)

func TestParseSpan(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
	}{
		{"90m", 90 * time.Minute},
		{"12h", 12 * time.Hour},
		{"3d", 72 * time.Hour},
		{"2W", 14 * 24 * time.Hour},
		{" 1h30m ", 90 * time.Minute},
		{"", 0},
		{"5", 0},
		{"h", 0},
		{"-1h", 0},
		{"1.5h", 0},
		{"0m", 0},
		{"10s", 0},
		{"99999999999999999999m", 0},
		{"100000w", 0},
		{"5000w5000w", 0},
		{"1é", 0},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := cmdutil.ParseSpan(tt.in)
			if got != tt.want || (err != nil) != (tt.want == 0) {
				t.Errorf("ParseSpan(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
			}
		})
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, s := range []string{"90m", "1h30m", "3d", "2w", "", "-1h", "99999999999m", "5300w1m", "1.5h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := cmdutil.ParseSpan(text)
		switch {
		case err == nil && (d <= 0 || d%time.Minute != 0 || d > 100*366*24*time.Hour):
			t.Errorf("ParseSpan(%q) = %v", text, d)
		case err != nil && d != 0:
			t.Errorf("ParseSpan(%q) = %v with %v", text, d, err)
		}
	})
}
