package provider

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold makes one spelling of all those that a directory holds for equal:
// Unicode case folding and canonical composition. It is for comparing and for
// map keys, not for showing or sending.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			// Composed before and after: folding can leave a pair that composes.
			return norm.NFC.String(cases.Fold().String(norm.NFC.String(s)))
		}
	}
	return strings.ToLower(s)
}
