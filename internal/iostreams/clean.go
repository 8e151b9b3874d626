package iostreams

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a text that a server sent safe to show on a terminal: escape
// sequences and control characters are taken out, line breaks and tabs become
// blanks, marks that turn the direction of writing are dropped and bytes that
// are not UTF-8 become U+FFFD. A display name must not be able to move the
// cursor, set the window's title or hide the text after it.
func Clean(s string) string {
	if !needsCleaning(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == 0x1b:
			i += escapeLength(s[i:])
			continue
		case r == 0x9b: // CSI as one character
			i += n + csiLength(s[i+n:])
			continue
		case r == 0x9d || r == 0x90 || r == 0x98 || r == 0x9e || r == 0x9f:
			i += n + stringLength(s[i+n:])
			continue
		case r == '\n' || r == '\t' || r == '\v' || r == '\f' || r == 0x2028 || r == 0x2029 || r == 0x85:
			b.WriteByte(' ')
		case r == '\r':
			if !strings.HasPrefix(s[i+n:], "\n") {
				b.WriteByte(' ')
			}
		case unicode.IsControl(r) || turnsDirection(r):
			// dropped
		default:
			b.WriteRune(r) // RuneError writes U+FFFD
		}
		i += n
	}
	return b.String()
}

func needsCleaning(s string) bool {
	for i, r := range s {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || turnsDirection(r) {
			return true
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return true
			}
		}
	}
	return false
}

func turnsDirection(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// escapeLength is the length of the escape sequence s begins with (ECMA-48).
func escapeLength(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch c := s[1]; {
	case c == '[':
		return 2 + csiLength(s[2:])
	case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
		return 2 + stringLength(s[2:])
	case c >= 0x20 && c <= 0x2f: // intermediates, then a final byte
		i := 2
		for i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f {
			i++
		}
		return min(i+1, len(s))
	case c >= 0x30 && c <= 0x7e:
		return 2
	}
	return 1 // a lone escape: only it is dropped
}

// csiLength covers parameters, intermediates and the final byte. A byte that
// does not belong ends the sequence before it.
func csiLength(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0x40 && c <= 0x7e:
			return i + 1
		case c < 0x20 || c > 0x3f:
			return i
		}
	}
	return len(s)
}

// stringLength covers a command string up to BEL or ST. Without an end only
// the introducer goes, so that an attacker cannot hide the text that follows.
func stringLength(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == 0x07:
			return i + 1
		case s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\':
			return i + 2
		case s[i] == 0xc2 && i+1 < len(s) && s[i+1] == 0x9c:
			return i + 2
		}
	}
	return 0
}
