// Package jsonenc writes JSON without reflection, for lines and bodies that are
// written by the thousand. It writes what encoding/json would, to the byte, so
// that either can be used.
package jsonenc

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// AppendString appends s as a JSON string, as json.Marshal does: with <, >, &,
// U+2028 and U+2029 escaped and bytes that are no UTF-8 replaced.
func AppendString(dst []byte, s string) []byte {
	if !simple(s) {
		text, err := json.Marshal(s)
		if err != nil { // a string always encodes
			return append(dst, `""`...)
		}
		return append(dst, text...)
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// special are the ASCII bytes that stand in JSON otherwise than as they are.
var special = [256]bool{
	0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true, 11: true, 12: true,
	13: true, 14: true, 15: true, 16: true, 17: true, 18: true, 19: true, 20: true, 21: true, 22: true, 23: true, 24: true,
	25: true, 26: true, 27: true, 28: true, 29: true, 30: true, 31: true,
	'"': true, '\\': true, '<': true, '>': true, '&': true,
}

// simple says that a string stands in JSON as it is.
func simple(s string) bool {
	beyond := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		beyond |= c
		if special[c] {
			return false
		}
	}
	return beyond < utf8.RuneSelf || utf8.ValidString(s) && !strings.Contains(s, "\u2028") && !strings.Contains(s, "\u2029")
}
