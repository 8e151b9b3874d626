package jsonscan

import "strings"

// Picker checks objects and picks members out of them. Those of a list are much
// alike: the same members come in the same order, and many have the value that
// they had in the object before. Picker remembers both, and compares the text
// with what it expects before it reads it. It is not safe for concurrent use.
type Picker struct {
	root    *shape
	paths   int
	learned int
	rest    member // stands for members that are not remembered

	data   []byte
	out    []Span
	odd    bool
	serial uint64 // of the object at hand
}

const (
	// maxLearned bounds the names that a Picker remembers: a service could
	// send new ones for ever.
	maxLearned = 4096
	// maxDepth bounds how deep objects and lists may be nested. encoding/json
	// goes deeper, so that what is refused here is decoded there.
	maxDepth = 200
	// maxValue bounds the values that are remembered.
	maxValue = 2048
	// maxLuck and noLuck bound member.luck: at noLuck a value is not compared
	// any more.
	maxLuck, noLuck = 16, -8
)

// shape is what is known of the objects at one place.
type shape struct {
	wants []*want
	names map[string]*member
	first *member // that came first in the last object
}

// want is a member that leads to a path.
type want struct {
	name  string
	slots []int
	inner *shape
	last  uint64 // serial of the last object that had it
}

// member is one spelling of a name at one place.
type member struct {
	literal []byte // the name in quotes, with the colon
	next    *member
	want    *want
	inner   *shape // of an object that is its value
	element *shape // of the objects in a list that is its value
	kept    bool
	value   []byte // its value in the object before, as it was checked
	luck    int    // how often the value was the same, less how often not
}

// NewPicker picks the members at paths. A path is the names from the outermost
// object on, compared without regard to case.
func NewPicker(paths ...[]string) *Picker {
	p := &Picker{root: newShape(), paths: len(paths)}
	p.rest.inner, p.rest.element, p.rest.luck = newShape(), newShape(), noLuck
	for slot, path := range paths {
		at := p.root
		for i, name := range path {
			w := at.want(name)
			if w == nil {
				w = &want{name: name, inner: newShape()}
				at.wants = append(at.wants, w)
			}
			if i == len(path)-1 {
				w.slots = append(w.slots, slot)
			}
			at = w.inner
		}
	}
	return p
}

func newShape() *shape { return &shape{} }

func (s *shape) want(name string) *want {
	for _, w := range s.wants {
		if len(w.name) == len(name) && strings.EqualFold(w.name, name) {
			return w
		}
	}
	return nil
}

// Span is where a value stands in a text; the zero Span is none.
type Span struct{ Start, End int }

// Of is the value in the text, nil if there is none.
func (s Span) Of(data []byte) []byte {
	if s.End == 0 {
		return nil
	}
	return data[s.Start:s.End:s.End]
}

// Pick checks the object that begins at data[i] and puts the places of the
// members into out, one for each path, the zero Span for those that are not
// there.
//
// end is the index behind the object. It is -1 when there is no object, when
// it is not JSON, or when it is nested deeper than a Picker goes: encoding/json
// knows what is wrong, if anything is. odd says that out does not count: a
// member is there twice, or in two spellings, or a name is written with
// escapes, or the object is not UTF-8.
func (p *Picker) Pick(data []byte, i int, out []Span) (end int, odd bool) {
	clear(out)
	if i >= len(data) || data[i] != '{' || len(out) != p.paths {
		return -1, false
	}
	p.data, p.out, p.odd = data, out, false
	end = p.object(p.root, i, 0)
	p.data, p.out = nil, nil
	return end, p.odd
}

// Value checks any value that begins at data[i] and answers the index behind
// it, or -1 as Pick does. odd says that it is not UTF-8 or that a name is
// written with escapes.
func (p *Picker) Value(data []byte, i int) (end int, odd bool) {
	p.data, p.out, p.odd = data, nil, false
	end = p.value(&p.rest, i, 0)
	p.data = nil
	return end, p.odd
}

func (p *Picker) object(s *shape, i, depth int) int {
	data := p.data
	p.serial++
	serial := p.serial
	if i++; i < len(data) && data[i] <= ' ' {
		i = Space(data, i)
	}
	if i < len(data) && data[i] == '}' {
		return i + 1
	}
	guess, before := s.first, &s.first
	for {
		if i < len(data) && data[i] <= ' ' {
			i = Space(data, i)
		}
		m := guess
		if m != nil && len(data)-i >= len(m.literal) && string(data[i:i+len(m.literal)]) == string(m.literal) {
			i += len(m.literal)
		} else {
			if m, i = p.name(s, i); m == nil {
				return -1
			}
			if m.kept && before != nil {
				*before = m
			}
		}
		guess, before = m.next, &m.next
		if !m.kept {
			guess, before = nil, nil
		}
		if i < len(data) && data[i] <= ' ' {
			i = Space(data, i)
		}
		start := i
		if n := len(m.value); n > 0 && len(data)-i > n && string(data[i:i+n]) == string(m.value) {
			i += n
			m.luck = min(m.luck+1, maxLuck)
		} else {
			odd := p.odd
			if i = p.value(m, i, depth); i < 0 {
				return -1
			}
			if m.luck > noLuck {
				m.remember(data[start:i], !odd && !p.odd)
			}
		}
		if w := m.want; w != nil {
			p.odd = p.odd || w.last == serial
			w.last = serial
			for _, slot := range w.slots {
				p.out[slot] = Span{start, i}
			}
		}
		if i < len(data) && data[i] <= ' ' {
			i = Space(data, i)
		}
		if i >= len(data) {
			return -1
		}
		switch data[i] {
		case ',':
			i++
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// remember keeps a value that another one may be compared with. A number is
// none: it may be the beginning of a longer one.
func (m *member) remember(value []byte, clean bool) {
	m.luck--
	m.value = m.value[:0]
	if clean && m.luck > noLuck && len(value) <= maxValue && (value[0] > '9' || value[0] == '"') {
		m.value = append(m.value, value...)
	}
}

// name reads a name and its colon, and answers what is known of it.
func (p *Picker) name(s *shape, i int) (*member, int) {
	data := p.data
	if i >= len(data) || data[i] != '"' {
		return nil, -1
	}
	end, escaped, valid := text(data, i+1)
	if end < 0 {
		return nil, -1
	}
	p.odd = p.odd || escaped || !valid
	colon := Space(data, end+1)
	if colon >= len(data) || data[colon] != ':' {
		return nil, -1
	}
	m := s.names[string(data[i+1:end])]
	if m == nil {
		m = p.learn(s, string(data[i+1:end]), !escaped && valid)
	}
	return m, colon + 1
}

func (p *Picker) learn(s *shape, name string, plain bool) *member {
	w := s.want(name)
	keep := plain && p.learned < maxLearned
	if w == nil && !keep {
		return &p.rest
	}
	m := &member{want: w, element: newShape(), kept: keep}
	if w != nil {
		m.inner = w.inner
	} else {
		m.inner = newShape()
	}
	if !keep || len(m.inner.wants) > 0 { // what is in it has to be found
		m.luck = noLuck
	}
	if keep {
		m.literal = []byte(`"` + name + `":`)
		if s.names == nil {
			s.names = map[string]*member{}
		}
		s.names[name] = m
		p.learned++
	}
	return m
}

func (p *Picker) value(m *member, i, depth int) int {
	data := p.data
	if i >= len(data) {
		return -1
	}
	switch c := data[i]; c {
	case '"':
		end, ascii := quote(data, i+1)
		if ascii && end < len(data) && data[end] == '"' {
			return end + 1
		}
		end, _, valid := text(data, i+1)
		p.odd = p.odd || !valid
		if end < 0 {
			return -1
		}
		return end + 1
	case '{':
		if depth == maxDepth {
			return -1
		}
		return p.object(m.inner, i, depth+1)
	case '[':
		if depth == maxDepth {
			return -1
		}
		return p.list(m, i, depth+1)
	case 't':
		return word(data, i, "true")
	case 'f':
		return word(data, i, "false")
	case 'n':
		return word(data, i, "null")
	default:
		return number(data, i)
	}
}

// list checks a list. The objects in it are alike among themselves, not like
// an object in its place: paths do not lead through lists.
func (p *Picker) list(m *member, i, depth int) int {
	data := p.data
	i = Space(data, i+1)
	if i < len(data) && data[i] == ']' {
		return i + 1
	}
	for {
		if i < len(data) && data[i] <= ' ' {
			i = Space(data, i)
		}
		if i < len(data) && data[i] == '{' {
			if depth == maxDepth {
				return -1
			}
			i = p.object(m.element, i, depth+1)
		} else {
			i = p.value(&p.rest, i, depth)
		}
		if i < 0 {
			return -1
		}
		if i < len(data) && data[i] <= ' ' {
			i = Space(data, i)
		}
		if i >= len(data) {
			return -1
		}
		switch data[i] {
		case ',':
			i++
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

// Next finds the next member of an object or element of a list in a text that
// may end anywhere, for a caller that walks through it by itself. i is behind
// the opening bracket or behind the last value, first says which. more is false
// at the closing bracket, at which i then is; i is -1 where there is neither.
func Next(data []byte, i int, first bool, closing byte) (at int, more bool) {
	i = Space(data, i)
	if i < len(data) && data[i] == closing {
		return i, false
	}
	if !first {
		if i >= len(data) || data[i] != ',' {
			return -1, false
		}
		i = Space(data, i+1)
	}
	if i >= len(data) {
		return -1, false
	}
	return i, true
}

// Name reads the name of a member and its colon and answers where its value
// begins. ok is false where there is no name, or one written with escapes.
func Name(data []byte, i int) (name []byte, value int, ok bool) {
	if i >= len(data) || data[i] != '"' {
		return nil, 0, false
	}
	end, escaped, valid := text(data, i+1)
	if end < 0 || escaped || !valid {
		return nil, 0, false
	}
	colon := Space(data, end+1)
	if colon >= len(data) || data[colon] != ':' {
		return nil, 0, false
	}
	return data[i+1 : end], Space(data, colon+1), true
}
