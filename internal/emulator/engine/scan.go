package engine

// scanner steps over stored JSON without decoding it. It knows the compact form
// that AppendJSON writes: without blanks, names without escapes. Whatever else
// it meets makes it answer false, and its caller decodes the document instead.
type scanner struct {
	b   []byte
	pos int
}

// at says whether the next byte is c.
func (s *scanner) at(c byte) bool { return s.pos < len(s.b) && s.b[s.pos] == c }

// eat steps over c, if it is next.
func (s *scanner) eat(c byte) bool {
	if !s.at(c) {
		return false
	}
	s.pos++
	return true
}

// name steps over a member's name and its colon, and answers what is between
// the quotes.
func (s *scanner) name() ([]byte, bool) {
	if !s.eat('"') {
		return nil, false
	}
	from := s.pos
	for i := from; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.pos = i + 1
			return s.b[from:i], s.eat(':')
		case c == '\\' || c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// value steps over a value of any kind.
func (s *scanner) value(depth int) bool {
	if s.pos >= len(s.b) || depth > maxDepth-4 {
		return false
	}
	switch s.b[s.pos] {
	case '"':
		return s.text()
	case '{':
		s.pos++
		if s.eat('}') {
			return true
		}
		for {
			if _, ok := s.name(); !ok || !s.value(depth+1) {
				return false
			}
			if s.eat('}') {
				return true
			}
			if !s.eat(',') {
				return false
			}
		}
	case '[':
		s.pos++
		if s.eat(']') {
			return true
		}
		for {
			if !s.value(depth + 1) {
				return false
			}
			if s.eat(']') {
				return true
			}
			if !s.eat(',') {
				return false
			}
		}
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	end := numberEnd(s.b, s.pos)
	if end < 0 {
		return false
	}
	s.pos = end
	return true
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.pos < len(w) || string(s.b[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// text steps over a string.
func (s *scanner) text() bool {
	b := s.b
	for i := s.pos + 1; i < len(b); i++ {
		c := b[i]
		if c == '"' {
			s.pos = i + 1
			return true
		}
		if c < ' ' {
			return false
		}
		if c != '\\' {
			continue
		}
		if i++; i == len(b) {
			return false
		}
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			for range 4 {
				if i++; i == len(b) || !isHexDigit(b[i]) {
					return false
				}
			}
		default:
			return false
		}
	}
	return false
}

func isHexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
