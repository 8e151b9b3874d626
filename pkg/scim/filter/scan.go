package filter

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the tokens of one input. What a word means depends on where it
// stands (and, true and pr are legal names of attributes elsewhere), so the
// parser asks for the token it expects instead of being handed the next one.
type scanner struct {
	in   string
	pos  int
	opts ParseOptions
}

func (s *scanner) fail(pos int, msg string) error {
	return &SyntaxError{Input: s.in, Pos: pos, Msg: msg}
}

func (s *scanner) eof() bool { return s.pos >= len(s.in) }

// at reports whether the next byte is c.
func (s *scanner) at(c byte) bool { return s.pos < len(s.in) && s.in[s.pos] == c }

// blanks skips blanks and reports whether there were any.
func (s *scanner) blanks() bool {
	from := s.pos
	for s.at(' ') {
		s.pos++
	}
	return s.pos > from
}

// word reads a run of the characters of attribute paths; it may be empty.
func (s *scanner) word() string {
	from := s.pos
	isURN := hasURNPrefix(s.in[s.pos:])
	for s.pos < len(s.in) {
		c := s.in[s.pos]
		if !isNameChar(c) && c != '$' && c != '.' && c != ':' && (!isURN || !isURNChar(c)) {
			break
		}
		s.pos++
	}
	return s.in[from:s.pos]
}

// value reads a literal.
func (s *scanner) value() (any, error) {
	if s.eof() {
		return nil, s.fail(s.pos, "expected a value")
	}
	if s.at('"') {
		return s.text()
	}
	from := s.pos
	for s.pos < len(s.in) && !strings.ContainsRune(` ()[]"`, rune(s.in[s.pos])) {
		s.pos++
	}
	w := s.in[from:s.pos]
	switch {
	case strings.EqualFold(w, "true"):
		return true, nil
	case strings.EqualFold(w, "false"):
		return false, nil
	case strings.EqualFold(w, "null"):
		return nil, nil
	case isJSONNumber(w):
		return json.Number(w), nil
	case w == "":
		return nil, s.fail(from, "expected a value")
	case s.opts.UnquotedValues && utf8.ValidString(w) && strings.IndexFunc(w, isControl) < 0:
		return w, nil
	case w[0] == '-' || w[0] == '+' || w[0] == '.' || isDigit(w[0]):
		return nil, s.fail(from, "not a JSON number; a text needs double quotes")
	default:
		return nil, s.fail(from, "a text needs double quotes")
	}
}

func isControl(r rune) bool { return r < 0x20 }

// text reads a JSON string. It is stricter than encoding/json in one point: half
// a surrogate pair is refused instead of being replaced, since a filter that
// silently looks for something else is worse than none.
func (s *scanner) text() (string, error) {
	open := s.pos
	s.pos++
	var b strings.Builder
	for s.pos < len(s.in) {
		switch c := s.in[s.pos]; {
		case c == '"':
			s.pos++
			return b.String(), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		case c < 0x20:
			return "", s.fail(s.pos, "a control character in a text must be escaped")
		default:
			r, n := utf8.DecodeRuneInString(s.in[s.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", s.fail(s.pos, "not UTF-8")
			}
			b.WriteString(s.in[s.pos : s.pos+n])
			s.pos += n
		}
	}
	return "", s.fail(open, "the closing double quote is missing")
}

func (s *scanner) escape() (rune, error) {
	from := s.pos
	if from+1 >= len(s.in) {
		return 0, s.fail(from, "the input ends inside an escape")
	}
	s.pos += 2
	switch s.in[from+1] {
	case '"', '\\', '/':
		return rune(s.in[from+1]), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		s.pos = from
		r, ok := s.unit()
		if !ok {
			return 0, s.fail(from, `\u needs four hexadecimal digits`)
		}
		if !utf16.IsSurrogate(r) {
			return r, nil
		}
		low, ok := s.unit()
		if full := utf16.DecodeRune(r, low); ok && full != utf8.RuneError {
			return full, nil
		}
		return 0, s.fail(from, "half of a surrogate pair")
	}
	return 0, s.fail(from, "unknown escape; a backslash is written twice")
}

// unit reads one \uXXXX.
func (s *scanner) unit() (rune, bool) {
	rest := s.in[s.pos:]
	if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(rest[2:6]) { // ParseUint alone would take a sign or an underscore
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(rest[2:6], 16, 16)
	if err != nil {
		return 0, false
	}
	s.pos += 6
	return rune(n), true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isNameChar(c byte) bool { return isAlpha(c) || isDigit(c) || c == '-' || c == '_' }

// isURNChar holds for what RFC 8141 allows in a URN beyond names, dots and
// colons; quotes, brackets, commas and semicolons are left out, because they
// delimit in filters and in attribute lists.
func isURNChar(c byte) bool { return strings.IndexByte("%+/~@=", c) >= 0 }

func hasURNPrefix(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "urn:") }

// isName reports whether s is an attribute name: ATTRNAME of RFC 7644 figure
// 1, or such a name after a dollar sign, which figure 1 forgot for $ref.
func isName(s string) bool {
	s = strings.TrimPrefix(s, "$")
	if s == "" || !isAlpha(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isNameChar(s[i]) {
			return false
		}
	}
	return true
}

// isURN reports whether s can stand before the colon of an attribute: urn, a
// namespace and more segments, none of them empty.
func isURN(s string) bool {
	if !hasURNPrefix(s) {
		return false
	}
	for seg := range strings.SplitSeq(s, ":") {
		if seg == "" {
			return false
		}
		for i := range len(seg) {
			if c := seg[i]; !isNameChar(c) && c != '.' && c != '$' && !isURNChar(c) {
				return false
			}
		}
	}
	return true
}

func isReserved(s string) bool {
	return strings.EqualFold(s, "and") || strings.EqualFold(s, "or") || strings.EqualFold(s, "not")
}

// attr splits the word that begins at offset from. bare allows a schema URN
// without an attribute.
func (s *scanner) attr(w string, from int, bare bool) (AttrPath, error) {
	var p AttrPath
	colon := strings.LastIndexByte(w, ':')
	last := w[colon+1:]
	if bare && last != "" && last[0] >= 'A' && last[0] <= 'Z' && !strings.Contains(last, ".") && isURN(w) {
		return AttrPath{URN: w}, nil
	}
	if colon >= 0 {
		p.URN = w[:colon]
		if !isURN(p.URN) {
			return AttrPath{}, s.fail(from, "a prefix with a colon must be a schema URN, urn:...")
		}
	}
	name, sub, hasSub := strings.Cut(last, ".")
	p.Name, p.Sub = name, sub
	at := from + colon + 1
	switch {
	case !isName(name):
		return AttrPath{}, s.fail(at, "expected the name of an attribute, beginning with a letter")
	case hasSub && !isName(sub):
		return AttrPath{}, s.fail(at+len(name)+1, "expected the name of one sub-attribute")
	case p.URN == "" && p.Sub == "" && isReserved(name):
		return AttrPath{}, s.fail(at, "expected an attribute, found the word "+strings.ToLower(name))
	}
	return p, nil
}

// isJSONNumber reports whether s is a number of RFC 8259 section 6.
func isJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if strings.HasPrefix(s, "0") {
		s = s[1:]
	} else if n := digits(s); n > 0 {
		s = s[n:]
	} else {
		return false
	}
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}
