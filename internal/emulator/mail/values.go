package mail

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxValue is how many characters of a value are shown; longer ones end with
// an ellipsis. A display name of a megabyte is no name.
const maxValue = 200

// expiresValue is the value that is a time in RFC 3339.
const expiresValue = "expires"

// values are those that the sentences show, cleaned.
type values map[string]string

func valuesOf(l *language, m Message) values {
	v := values{}
	for _, from := range []map[string]string{m.Data, m.Secrets} {
		for name, value := range from {
			if t, err := time.Parse(time.RFC3339Nano, value); name == expiresValue && err == nil {
				value = l.time(t)
			}
			if value = Clean(value); value != "" {
				v[name] = value
			}
		}
	}
	for _, other := range []string{"displayName", "userName"} {
		if v["name"] == "" && v[other] != "" {
			v["name"] = v[other]
		}
	}
	return v
}

// placeholder is a value in a sentence. It is compiled with each use, which is
// rare, rather than at each start of the program.
func placeholder() *regexp.Regexp { return regexp.MustCompile(`\{[a-zA-Z]+\}`) }

// fill puts the values into a sentence, once: a value that looks like a
// placeholder stays as it is. ok is false when a value is missing.
func (v values) fill(sentence string) (filled string, ok bool) {
	if !strings.Contains(sentence, "{") {
		return sentence, true
	}
	ok = true
	filled = placeholder().ReplaceAllStringFunc(sentence, func(p string) string {
		value, there := v[p[1:len(p)-1]]
		ok = ok && there
		return value
	})
	return filled, ok
}

// fillAll leaves out the sentences whose value is missing.
func (v values) fillAll(sentences []string) []string {
	var out []string
	for _, s := range sentences {
		if filled, ok := v.fill(s); ok {
			out = append(out, filled)
		}
	}
	return out
}

func (l *language) time(t time.Time) string {
	t = t.UTC()
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 && l.First != "" {
		day = l.First
	}
	return strings.NewReplacer(
		"{day}", day, "{month}", l.Months[t.Month()-1], "{year}", strconv.Itoa(t.Year()), "{time}", t.Format("15:04"),
	).Replace(l.Date)
}

// Clean makes one harmless line of a value: no line ends, no control
// characters, nothing that turns the direction of writing, no broken UTF-8, and
// not too long.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u200c':
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > maxValue {
		s = string([]rune(s)[:maxValue-1]) + "…"
	}
	return s
}

// Match answers the best of Languages for a tag such as de_CH or a list such as
// "fr-CH, fr;q=0.9, en;q=0.8", or "" when there is none.
func Match(list string) string {
	best, bestQ := "", 0.0
	for i, part := range strings.SplitN(list, ",", maxTags+1) {
		if i == maxTags {
			break
		}
		tag, params, _ := strings.Cut(part, ";")
		q := 1.0
		if name, value, ok := strings.Cut(strings.TrimSpace(params), "="); ok && strings.TrimSpace(name) == "q" {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || f < 0 || f > 1 {
				continue
			}
			q = f
		}
		tag = strings.ToLower(strings.TrimSpace(tag))
		if i := strings.IndexAny(tag, "-_"); i >= 0 {
			tag = tag[:i]
		}
		if q > bestQ && slices.Contains(Languages(), tag) {
			best, bestQ = tag, q
		}
	}
	return best
}

// maxTags is how many languages of a list are looked at.
const maxTags = 20

// Time writes a time in the words of a language, in UTC.
func (t *Templates) Time(name string, at time.Time) (string, error) {
	l, _, err := t.load(name)
	if err != nil {
		return "", err
	}
	return l.time(at), nil
}
