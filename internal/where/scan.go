package where

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrSyntax is what every *SyntaxError is to errors.Is.
var ErrSyntax = errors.New("syntax error in a condition")

// SyntaxError says where and why a text is no condition.
type SyntaxError struct {
	Input string
	// Pos is the offset in bytes of what does not fit, len(Input) at the end.
	Pos int
	Msg string
	// Help is what helps, a line of its own; it may be empty.
	Help string
}

// Error returns the column, counted from 1 in characters, and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("column %d: %s", utf8.RuneCountInString(e.Input[:e.Pos])+1, e.Msg)
}

// Is makes errors.Is(err, ErrSyntax) hold.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// Hint is what helps.
func (e *SyntaxError) Hint() string { return e.Help }

// Caret returns the input, a line break and a caret under the place.
func (e *SyntaxError) Caret() string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, e.Input)
	return line + "\n" + strings.Repeat(" ", utf8.RuneCountInString(e.Input[:e.Pos])) + "^"
}

// kind of a token.
type kind uint8

const (
	tokEnd    kind = iota
	tokWord        // bare text
	tokQuoted      // text in quotes
	tokOp          // an operator
	tokMark        // ( ) ,
)

type token struct {
	kind kind
	text string
	pos  int
}

// is says whether the token is this keyword, in any case and without quotes.
func (t token) is(word string) bool { return t.kind == tokWord && strings.EqualFold(t.text, word) }

func (t token) mark(c string) bool { return t.kind == tokMark && t.text == c }

func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "the end"
	case tokQuoted:
		return fmt.Sprintf("%q", t.text)
	case tokWord, tokOp, tokMark:
	}
	return t.text
}

// operators, the longer ones first.
var operators = [...]string{"!=", "==", "^=", "$=", ">=", "<=", "!~", "=~", "=", "~", ">", "<"}

// scanner cuts the text into tokens. Whether a name or a value comes next is
// the parser's knowledge: the same characters are cut in different ways.
type scanner struct {
	in  string
	pos int
}

func (s *scanner) fail(pos int, format string, args ...any) *SyntaxError {
	return &SyntaxError{Input: s.in, Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

func (s *scanner) blanks() {
	for s.pos < len(s.in) {
		r, n := utf8.DecodeRuneInString(s.in[s.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		s.pos += n
	}
}

// name reads a token where a name, a keyword, an operator or a mark may stand.
func (s *scanner) name() (token, error) {
	return s.next(func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-.:", r)
	})
}

// value reads a token where a value is wanted: everything up to a blank, a
// bracket or a comma.
func (s *scanner) value() (token, error) {
	s.blanks()
	if s.pos < len(s.in) && !strings.ContainsRune(`(),"'`, rune(s.in[s.pos])) {
		return s.bare(func(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune(`(),"'`, r) })
	}
	return s.name()
}

func (s *scanner) next(inWord func(rune) bool) (token, error) {
	s.blanks()
	if s.pos >= len(s.in) {
		return token{tokEnd, "", len(s.in)}, nil
	}
	from := s.pos
	switch c := s.in[from]; c {
	case '(', ')', ',':
		s.pos++
		return token{tokMark, s.in[from:s.pos], from}, nil
	case '"', '\'':
		return s.quoted(c)
	}
	for _, op := range operators {
		if strings.HasPrefix(s.in[from:], op) {
			s.pos += len(op)
			return token{tokOp, op, from}, nil
		}
	}
	return s.bare(inWord)
}

func (s *scanner) bare(inWord func(rune) bool) (token, error) {
	from := s.pos
	for s.pos < len(s.in) {
		r, n := utf8.DecodeRuneInString(s.in[s.pos:])
		if r == utf8.RuneError && n == 1 {
			return token{}, s.fail(s.pos, "a byte that is not UTF-8")
		}
		if !inWord(r) {
			break
		}
		s.pos += n
	}
	if s.pos == from {
		r, _ := utf8.DecodeRuneInString(s.in[from:])
		err := s.fail(from, "%q is not expected here", r)
		err.Help = "a value with such characters stands in quotes"
		return token{}, err
	}
	return token{tokWord, s.in[from:s.pos], from}, nil
}

// quoted reads text in single or double quotes. A backslash takes the next
// character as it is.
func (s *scanner) quoted(quote byte) (token, error) {
	from := s.pos
	var b strings.Builder
	for i := from + 1; i < len(s.in); {
		r, n := utf8.DecodeRuneInString(s.in[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return token{}, s.fail(i, "a byte that is not UTF-8")
		case s.in[i] == quote:
			s.pos = i + 1
			return token{tokQuoted, b.String(), from}, nil
		case s.in[i] == '\\' && i+1 < len(s.in):
			i++
			if r, n = utf8.DecodeRuneInString(s.in[i:]); r == utf8.RuneError && n == 1 {
				return token{}, s.fail(i, "a byte that is not UTF-8")
			}
		}
		b.WriteRune(r)
		i += n
	}
	return token{}, s.fail(from, "the quote is not closed")
}
