package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrSyntax is what every *SyntaxError is to errors.Is.
	ErrSyntax = errors.New("filter syntax error")
	// ErrType says that an operator does not fit the type of its attribute.
	// RFC 7644 section 3.4.2.2 answers it with 400 invalidFilter.
	ErrType = errors.New("operator does not fit the type of the attribute")
	// ErrValue says that a literal does not fit its operator or attribute.
	ErrValue = errors.New("value does not fit the attribute")
	// ErrTree says that a tree was put together by hand in a way that no
	// filter can be written.
	ErrTree = errors.New("malformed filter tree")
)

// SyntaxError says where and why an input is no filter or path. Its text does
// not repeat the input, which may hold personal data; Caret does.
type SyntaxError struct {
	Input string
	// Pos is the offset in bytes of the first character that does not fit;
	// it is len(Input) where the input ends too early.
	Pos int
	Msg string
}

// Error returns the column, counted from 1 in characters, and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter: column %d: %s", utf8.RuneCountInString(e.Input[:e.clamp()])+1, e.Msg)
}

// Is makes errors.Is(err, ErrSyntax) hold.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// Caret returns the input, a line break and a caret under the position.
// Characters are counted, not bytes; control characters show as blanks, so
// that a line break or tab inside the input does not move the caret.
func (e *SyntaxError) Caret() string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, e.Input)
	return line + "\n" + strings.Repeat(" ", utf8.RuneCountInString(e.Input[:e.clamp()])) + "^"
}

func (e *SyntaxError) clamp() int { return max(0, min(e.Pos, len(e.Input))) }
