package engine

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldRune maps all runes that strings.EqualFold takes for equal to one of
// them, in the same way as package filter, so that the order of folded bytes
// is the order of filters. A test compares both.
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
