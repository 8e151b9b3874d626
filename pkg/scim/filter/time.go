package filter

import (
	"fmt"
	"strings"
	"time"
)

// ParseTime reads a dateTime of RFC 7643 section 2.3.5 with the offset that
// RFC 3339 asks for, and any number of fractional digits, of which nine count.
// It is stricter than time.Parse, which takes one-digit hours and a comma.
func ParseTime(s string) (time.Time, error) {
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) {
		return time.Time{}, errTime(s)
	}
	lower := false
	for i := range len(shape) {
		switch c := s[i]; {
		case shape[i] == '0' && isDigit(c), shape[i] == c:
		case shape[i] == 'T' && c == 't':
			lower = true
		default:
			return time.Time{}, errTime(s)
		}
	}
	if lower || s[len(s)-1] == 'z' {
		s = strings.ToUpper(s)
	}
	if s[len(shape)] == ',' {
		return time.Time{}, errTime(s)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errTime(s)
	}
	return t, nil
}

func errTime(s string) error {
	return fmt.Errorf("filter: %d characters that are no RFC 3339 time with an offset: %w", len(s), ErrValue)
}

// looksLikeTime is a cheap test that spares most strings the parsing.
func looksLikeTime(s string) bool {
	return len(s) >= 20 && s[4] == '-' && s[7] == '-' && s[10]|0x20 == 't'
}
