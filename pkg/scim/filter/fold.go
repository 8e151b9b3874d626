package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldRune maps all runes that strings.EqualFold holds for equal to one of
// them, the lower-case one for ASCII, so that order by folded runes agrees
// with equality and with what people expect of _ against letters.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for n := unicode.SimpleFold(r); n != r; n = unicode.SimpleFold(n) {
		least = min(least, n)
	}
	if least < utf8.RuneSelf { // the Kelvin sign and the long s
		return foldRune(least)
	}
	return least
}

func fold(s string) string { return strings.Map(foldRune, s) }

// Fold makes one spelling of all those that a comparison without regard to case
// holds for equal. The byte order of folded strings is the order of gt and lt,
// so that an index over them agrees with a Matcher.
func Fold(s string) string { return fold(s) }

// compareFold orders s, folded, against a string that is folded already.
func compareFold(s, folded string) int {
	for s != "" && folded != "" {
		r, n := utf8.DecodeRuneInString(s)
		q, m := utf8.DecodeRuneInString(folded)
		if r = foldRune(r); r != q {
			if r < q {
				return -1
			}
			return 1
		}
		s, folded = s[n:], folded[m:]
	}
	switch {
	case s != "":
		return 1
	case folded != "":
		return -1
	}
	return 0
}

func hasPrefixFold(s, folded string) bool {
	for folded != "" {
		if s == "" {
			return false
		}
		r, n := utf8.DecodeRuneInString(s)
		q, m := utf8.DecodeRuneInString(folded)
		if foldRune(r) != q {
			return false
		}
		s, folded = s[n:], folded[m:]
	}
	return true
}

func hasSuffixFold(s, folded string) bool {
	for folded != "" {
		if s == "" {
			return false
		}
		r, n := utf8.DecodeLastRuneInString(s)
		q, m := utf8.DecodeLastRuneInString(folded)
		if foldRune(r) != q {
			return false
		}
		s, folded = s[:len(s)-n], folded[:len(folded)-m]
	}
	return true
}

func containsFold(s, folded string) bool {
	for {
		if hasPrefixFold(s, folded) {
			return true
		}
		if s == "" {
			return false
		}
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
}

// lookup finds a member of a document by name, exactly or else without regard
// to case. Names are ASCII, so other lengths need not be looked at.
func lookup(m map[string]any, name string) (any, bool) {
	if v, ok := m[name]; ok {
		return v, true
	}
	for k, v := range m {
		if len(k) == len(name) && strings.EqualFold(k, name) {
			return v, true
		}
	}
	return nil, false
}
