package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Space is the index of the first byte of data from i on that is no white
// space; it may be len(data).
func Space(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// quote finds the end of the run of plain characters that begins at i: the
// first quote, backslash or control character, or the end of data. ascii says
// that the characters before it are.
//
// It looks at eight bytes at a time. Each of the three terms sets the high bit
// of a byte that is a quote, a backslash or a control character. A borrow can
// set bits above such a byte too, never below, and only the lowest counts.
func quote(data []byte, i int) (end int, ascii bool) {
	var high uint64
	for ; i+8 <= len(data); i += 8 {
		x := binary.LittleEndian.Uint64(data[i:])
		q, b := x^(ones*'"'), x^(ones*'\\')
		if stop := ((q-ones)&^q | (b-ones)&^b | (x-ones*' ')&^x) & highs; stop != 0 {
			n := bits.TrailingZeros64(stop) &^ 7
			high |= x & (1<<n - 1)
			return i + n>>3, high&highs == 0
		}
		high |= x
	}
	for i < len(data) && data[i] != '"' && data[i] != '\\' && data[i] >= ' ' {
		high |= uint64(data[i])
		i++
	}
	return i, high&highs == 0
}

// text finds the quote that ends the string whose content begins at i, -1 if
// the string is not one. escaped says that it holds a backslash; valid, that
// it is UTF-8.
func text(data []byte, i int) (end int, escaped, valid bool) {
	start, ascii := i, true
	for {
		at, a := quote(data, i)
		ascii = ascii && a
		if at >= len(data) {
			return -1, escaped, false
		}
		switch data[at] {
		case '"':
			return at, escaped, ascii || utf8.Valid(data[start:at])
		case '\\':
			escaped = true
			n := escape(data[at:])
			if n == 0 {
				return -1, escaped, false
			}
			i = at + n
		default:
			return -1, escaped, false
		}
	}
}

// escape is the length of the escape sequence that s begins with, 0 if it is none.
func escape(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(s); ok {
			return 6
		}
	}
	return 0
}

// hex4 is the number in the escape sequence \uXXXX that s begins with.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number is the index behind the number that begins at i, -1 if there is none.
func number(data []byte, i int) int {
	if i < len(data) && data[i] == '-' {
		i++
	}
	switch {
	case i >= len(data):
		return -1
	case data[i] == '0':
		i++
	case data[i] >= '1' && data[i] <= '9':
		i = digits(data, i)
	default:
		return -1
	}
	if i < len(data) && data[i] == '.' {
		n := digits(data, i+1)
		if n == i+1 {
			return -1
		}
		i = n
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		n := digits(data, i)
		if n == i {
			return -1
		}
		i = n
	}
	return i
}

func digits(data []byte, i int) int {
	for i < len(data) && data[i] >= '0' && data[i] <= '9' {
		i++
	}
	return i
}

// word is the index behind the word at i, -1 if it is another.
func word(data []byte, i int, w string) int {
	if len(data)-i < len(w) || string(data[i:i+len(w)]) != w {
		return -1
	}
	return i + len(w)
}
