package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth bounds nesting. The deepest SCIM message, a PATCH inside a
// Bulk, needs about ten levels.
const maxJSONDepth = 64

// parseJSON decodes a JSON text strictly: it refuses what encoding/json lets
// pass in silence, namely names that occur twice in an object (also when they
// differ only in case, as SCIM names are case-insensitive), invalid UTF-8 and
// unpaired surrogates, and it says where the text is wrong. Numbers become
// json.Number, so that no digit is lost.
func parseJSON(b []byte) (any, error) {
	p := jsonParser{b: b}
	if !utf8.Valid(b) {
		p.seekInvalidUTF8()
		return nil, p.errorf("invalid UTF-8")
	}
	p.space()
	if p.i == len(p.b) {
		return nil, errors.New("it is empty")
	}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(p.b) {
		return nil, p.errorf("more text after the value")
	}
	return v, nil
}

type jsonParser struct {
	b []byte
	i int
}

// errorf names the position as line and column, both from 1; columns count
// characters.
func (p *jsonParser) errorf(format string, args ...any) error {
	text := string(p.b[:min(p.i, len(p.b))])
	line := 1 + strings.Count(text, "\n")
	col := 1 + utf8.RuneCountInString(text[strings.LastIndexByte(text, '\n')+1:])
	return fmt.Errorf("%s at line %d, column %d", fmt.Sprintf(format, args...), line, col)
}

func (p *jsonParser) seekInvalidUTF8() {
	for p.i < len(p.b) {
		r, n := utf8.DecodeRune(p.b[p.i:])
		if r == utf8.RuneError && n == 1 {
			return
		}
		p.i += n
	}
}

func (p *jsonParser) space() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// peek answers the next byte after white space, or 0 at the end.
func (p *jsonParser) peek() byte {
	p.space()
	if p.i == len(p.b) {
		return 0
	}
	return p.b[p.i]
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, p.errorf("nesting deeper than %d", maxJSONDepth)
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	case c == 'n':
		return nil, p.word("null")
	case p.i == len(p.b):
		return nil, p.errorf("unexpected end")
	}
	return nil, p.errorf("a value was expected")
}

func (p *jsonParser) word(w string) error {
	if !strings.HasPrefix(string(p.b[p.i:min(p.i+len(w), len(p.b))]), w) {
		return p.errorf("a value was expected")
	}
	p.i += len(w)
	return nil
}

func (p *jsonParser) object(depth int) (map[string]any, error) {
	p.i++
	m := map[string]any{}
	var names nameSet
	if p.peek() == '}' {
		p.i++
		return m, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.errorf("a member name in quotes was expected")
		}
		at := p.i
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		if names.add(name) {
			p.i = at
			return nil, p.errorf("member %q occurs twice", name)
		}
		if p.peek() != ':' {
			return nil, p.errorf("a colon was expected")
		}
		p.i++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m[name] = v
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			p.i++
			return m, nil
		default:
			return nil, p.errorf("a comma or a closing brace was expected")
		}
	}
}

// nameSet finds names that differ at most in case. Objects are small as a
// rule, so it starts as a list; a hostile one must not cost the square of its
// size.
type nameSet struct {
	few  [fewNames]string
	n    int
	many map[string]struct{}
}

const fewNames = 16

// add says whether the name was there before.
func (s *nameSet) add(name string) bool {
	if s.many == nil {
		for _, n := range s.few[:s.n] {
			if strings.EqualFold(n, name) {
				return true
			}
		}
		if s.n < fewNames {
			s.few[s.n] = name
			s.n++
			return false
		}
		s.many = make(map[string]struct{}, 2*fewNames)
		for _, n := range s.few {
			s.many[strings.ToLower(n)] = struct{}{}
		}
	}
	key := strings.ToLower(name)
	_, dup := s.many[key]
	s.many[key] = struct{}{}
	return dup
}

func (p *jsonParser) array(depth int) ([]any, error) {
	p.i++
	list := []any{}
	if p.peek() == ']' {
		p.i++
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			return list, nil
		default:
			return nil, p.errorf("a comma or a closing bracket was expected")
		}
	}
}

func (p *jsonParser) str() (string, error) {
	start := p.i
	p.i++
	escaped := false
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			p.i++
			if !escaped {
				return string(p.b[start+1 : p.i-1]), nil
			}
			return p.unescape(start)
		case c == '\\':
			escaped = true
			p.i += 2
		case c < 0x20:
			return "", p.errorf("a control character must be escaped inside a string")
		default:
			p.i++
		}
	}
	p.i = len(p.b)
	return "", p.errorf("a string is not closed")
}

// unescape leaves the escapes to encoding/json, but refuses an unpaired
// surrogate, which it would replace in silence.
func (p *jsonParser) unescape(start int) (string, error) {
	lit := p.b[start:p.i]
	end := p.i
	for i := 1; i < len(lit)-1; i++ {
		if lit[i] != '\\' {
			continue
		}
		i++
		if lit[i] != 'u' {
			continue
		}
		r := hex4(lit, i+1)
		switch {
		case r < 0:
			p.i = start + i - 1
			return "", p.errorf("a malformed escape")
		case r >= 0xd800 && r < 0xdc00:
			low := -1
			if i+6 < len(lit)-1 && lit[i+5] == '\\' && lit[i+6] == 'u' {
				low = hex4(lit, i+7)
			}
			if low < 0xdc00 || low > 0xdfff {
				p.i = start + i - 1
				return "", p.errorf("half of a surrogate pair")
			}
			i += 10
		case r >= 0xdc00 && r < 0xe000:
			p.i = start + i - 1
			return "", p.errorf("half of a surrogate pair")
		default:
			i += 4
		}
	}
	var s string
	if err := json.Unmarshal(lit, &s); err != nil {
		p.i = start
		return "", p.errorf("a malformed string")
	}
	p.i = end
	return s, nil
}

// hex4 reads four hex digits at i, or answers -1.
func hex4(b []byte, i int) int {
	if i+4 > len(b) {
		return -1
	}
	n := 0
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | int(c-'A'+10)
		default:
			return -1
		}
	}
	return n
}

// number reads the grammar of RFC 8259 section 6.
func (p *jsonParser) number() (json.Number, error) {
	start := p.i
	digits := func() bool {
		from := p.i
		for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
			p.i++
		}
		return p.i > from
	}
	has := func(set string) bool {
		if p.i < len(p.b) && strings.IndexByte(set, p.b[p.i]) >= 0 {
			p.i++
			return true
		}
		return false
	}
	has("-")
	if !has("0") && !digits() {
		return "", p.errorf("a digit was expected")
	}
	if has(".") && !digits() {
		return "", p.errorf("a digit was expected")
	}
	if has("eE") {
		has("+-")
		if !digits() {
			return "", p.errorf("a digit was expected")
		}
	}
	return json.Number(p.b[start:p.i]), nil
}
