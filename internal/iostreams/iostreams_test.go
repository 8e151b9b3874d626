package iostreams

import (
	"maps"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func env(pairs map[string]string) LookupEnv {
	return func(name string) (string, bool) { v, ok := pairs[name]; return v, ok }
}

func TestFacts(t *testing.T) {
	tests := []struct {
		name                string
		env                 map[string]string
		in, out, err, quiet bool
		ask, outColour      bool
	}{
		{name: "Terminal", in: true, out: true, err: true, ask: true, outColour: true},
		{name: "OutRedirected", in: true, err: true, ask: true},
		{name: "InRedirected", out: true, err: true, outColour: true},
		{name: "ErrRedirected", in: true, out: true, outColour: true},
		{name: "NoInput", in: true, out: true, err: true, quiet: true, outColour: true},
		{name: "CI", env: map[string]string{"CI": "true"}, in: true, out: true, err: true, outColour: true},
		{name: "CIFalse", env: map[string]string{"CI": "false"}, in: true, out: true, err: true, ask: true, outColour: true},
		{name: "Dumb", env: map[string]string{"TERM": "dumb"}, in: true, out: true, err: true},
		{name: "NoTerm", env: map[string]string{"TERM": ""}, in: true, out: true, err: true},
		{name: "NoColor", env: map[string]string{"NO_COLOR": "1"}, in: true, out: true, err: true, ask: true},
		{name: "NoColorEmpty", env: map[string]string{"NO_COLOR": ""}, in: true, out: true, err: true, ask: true, outColour: true},
		{name: "Forced", env: map[string]string{"CLICOLOR_FORCE": "1"}, outColour: true},
		{name: "ForcedAndForbidden", env: map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Streams{InTerminal: tt.in, OutTerminal: tt.out, ErrTerminal: tt.err, NoInput: tt.quiet}
			vars := map[string]string{"TERM": "xterm"}
			maps.Copy(vars, tt.env)
			s.settle(env(vars), true)
			if got := s.CanPrompt(); got != tt.ask {
				t.Errorf("CanPrompt() = %t, want %t", got, tt.ask)
			}
			if s.OutColour != tt.outColour {
				t.Errorf("OutColour = %t, want %t", s.OutColour, tt.outColour)
			}
		})
	}
}

func TestWidth(t *testing.T) {
	s, _, _, _ := Test()
	if got := s.Width(); got != 0 {
		t.Errorf("off a terminal Width() = %d, want 0", got)
	}
	s.SetTerminal(40)
	if got := s.Width(); got != 40 {
		t.Errorf("Width() = %d, want 40", got)
	}
	s.settle(env(map[string]string{"COLUMNS": "132"}), false)
	if got := s.Width(); got != 132 {
		t.Errorf("with COLUMNS Width() = %d, want 132", got)
	}
}

func TestASCII(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"nothing said", nil, false},
		{"C", map[string]string{"LANG": "C"}, true},
		{"latin", map[string]string{"LANG": "de_CH.ISO-8859-1"}, true},
		{"UTF-8", map[string]string{"LANG": "de_CH.UTF-8"}, false},
		{"other spelling", map[string]string{"LANG": "C.utf8"}, false},
		{"LC_ALL wins", map[string]string{"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, true},
		{"LC_CTYPE before LANG", map[string]string{"LC_CTYPE": "en_GB.UTF-8", "LANG": "C"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Streams{}
			s.settle(env(c.env), false)
			if s.ASCII != c.want {
				t.Errorf("ASCII = %t, want %t", s.ASCII, c.want)
			}
		})
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"Plain", "Ada Lovelace", "Ada Lovelace"},
		{"Unicode", "Žofie 日本 é", "Žofie 日本 é"},
		{"Colour", "a\x1b[31mred\x1b[0m", "ared"},
		{"Title", "a\x1b]0;evil\x07b", "ab"},
		{"TitleST", "a\x1b]0;evil\x1b\\b", "ab"},
		{"TitleOpen", "a\x1b]0;evil", "a0;evil"},
		{"CSI8bit", "a\u009b31mb", "ab"},
		{"CSIBroken", "a\x1b[3\x01mb", "amb"},
		{"Lines", "a\r\nb\tc\rd", "a b c d"},
		{"Bell", "a\x07b\x00c", "abc"},
		{"Direction", "a\u202egpj.exe", "agpj.exe"},
		{"NotUTF8", "a\xffb", "a\ufffdb"},
		{"LoneEscape", "a\x1b", "a"},
		{"Charset", "a\x1b(Bb", "ab"},
		{"Replacement", "a\ufffdb", "a\ufffdb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[31mx", "\x1b]0;t\x07", "\u009b1m", "\xff\xfe", "a\r\nb", "\x1b(B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := Clean(in)
		if !utf8.ValidString(got) {
			t.Errorf("Clean(%q) = %q is not UTF-8", in, got)
		}
		if i := strings.IndexFunc(got, unicode.IsControl); i >= 0 {
			t.Errorf("Clean(%q) = %q holds a control character at %d", in, got, i)
		}
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) is not stable: %q, then %q", in, got, again)
		}
	})
}
