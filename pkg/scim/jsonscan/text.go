package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Plain is the content of a string literal without escapes, as a part of it.
// ok is false for every other value, and for strings that have to be decoded
// first.
func Plain(literal []byte) (content []byte, ok bool) {
	if len(literal) < 2 || literal[0] != '"' {
		return nil, false
	}
	end, escaped, valid := text(literal, 1)
	if end != len(literal)-1 || escaped || !valid {
		return nil, false
	}
	return literal[1:end], true
}

// AppendText appends what a string literal says, as encoding/json decodes it:
// lone halves of surrogate pairs and bytes that are not UTF-8 become U+FFFD.
// ok is false where literal is not a string; dst is then as it was.
func AppendText(dst, literal []byte) (out []byte, ok bool) {
	if len(literal) < 2 || literal[0] != '"' {
		return dst, false
	}
	end, escaped, valid := text(literal, 1)
	if end != len(literal)-1 {
		return dst, false
	}
	s := literal[1:end]
	if !escaped && valid {
		return append(dst, s...), true
	}
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		switch c := s[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s[i:])
			i += 6
			if utf16.IsSurrogate(r) {
				low, _ := hex4(s[i:])
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		default:
			dst = append(dst, c)
		}
		i += 2
	}
	return dst, true
}
