package cmdutil

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// errSpan: the text is no length of time.
var errSpan = errors.New("is no length of time; write 90m, 12h, 3d or 2w")

// maxSpan bounds the lengths of time that ParseSpan reads.
const maxSpan = 100 * 366 * 24 * time.Hour

// ParseSpan reads a length of time that is more than nothing, as a person
// writes it: a whole number with m, h, d or w behind it, or several of these,
// 1h30m.
func ParseSpan(text string) (time.Duration, error) {
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	rest, sum := strings.ToLower(strings.TrimSpace(text)), time.Duration(0)
	if rest == "" {
		return 0, fmt.Errorf("%q %w", text, errSpan)
	}
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i < 1 || units[rest[i]] == 0 {
			return 0, fmt.Errorf("%q %w", text, errSpan)
		}
		n, err := strconv.ParseInt(rest[:i], 10, 64)
		if err != nil || n > int64(maxSpan/units[rest[i]]) {
			return 0, fmt.Errorf("%q is too long a time", text)
		}
		sum += time.Duration(n) * units[rest[i]]
		rest = rest[i+1:]
	}
	switch {
	case sum == 0:
		return 0, fmt.Errorf("%q is no time at all", text)
	case sum > maxSpan:
		return 0, fmt.Errorf("%q is too long a time", text)
	}
	return sum, nil
}
