package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// decode reads a stored document. Lists over many records spend most of their
// time here, and what the store holds was written by json.Marshal, so this is
// a small decoder of its own: strings without escapes are parts of one copy of
// the text, which makes it several times as fast as encoding/json. It accepts
// the JSON that encoding/json writes; anything else is damage.
func decode(data []byte) (Document, error) {
	d := decoder{s: string(data)}
	d.blanks()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.blanks()
	doc, ok := v.(map[string]any)
	if !ok || d.pos != len(d.s) {
		return nil, errJSON
	}
	return doc, nil
}

// maxDepth bounds the nesting of a stored document.
const maxDepth = 100

var errJSON = errors.New("document is not a JSON object")

type decoder struct {
	s   string
	pos int
}

func (d *decoder) fail() error { return fmt.Errorf("%w: byte %d", errJSON, d.pos) }

func (d *decoder) blanks() {
	for d.pos < len(d.s) {
		switch d.s[d.pos] {
		case ' ', '\n', '\t', '\r':
			d.pos++
		default:
			return
		}
	}
}

// next skips blanks and answers the byte there, 0 at the end.
func (d *decoder) next() byte {
	d.blanks()
	if d.pos == len(d.s) {
		return 0
	}
	return d.s[d.pos]
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, d.fail()
	}
	switch c := d.next(); c {
	case '{':
		return d.object(depth)
	case '[':
		return d.array(depth)
	case '"':
		return d.text()
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	default:
		return d.number()
	}
}

func (d *decoder) word(w string) error {
	if !strings.HasPrefix(d.s[d.pos:], w) {
		return d.fail()
	}
	d.pos += len(w)
	return nil
}

func (d *decoder) object(depth int) (any, error) {
	d.pos++
	m := make(map[string]any, 8)
	if d.next() == '}' {
		d.pos++
		return m, nil
	}
	for {
		if d.next() != '"' {
			return nil, d.fail()
		}
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if d.next() != ':' {
			return nil, d.fail()
		}
		d.pos++
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m[key] = v
		switch d.next() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return m, nil
		default:
			return nil, d.fail()
		}
	}
}

func (d *decoder) array(depth int) (any, error) {
	d.pos++
	list := []any{}
	if d.next() == ']' {
		d.pos++
		return list, nil
	}
	for {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch d.next() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			return list, nil
		default:
			return nil, d.fail()
		}
	}
}

func (d *decoder) text() (string, error) {
	from := d.pos + 1
	for i := from; i < len(d.s); i++ {
		switch c := d.s[i]; {
		case c == '"':
			d.pos = i + 1
			return d.s[from:i], nil
		case c == '\\':
			return d.escaped(from)
		case c < ' ':
			return "", d.fail()
		}
	}
	return "", d.fail()
}

// escaped leaves a string with escapes to encoding/json.
func (d *decoder) escaped(from int) (string, error) {
	for i := from; i < len(d.s); i++ {
		switch d.s[i] {
		case '\\':
			i++
		case '"':
			var s string
			if err := json.Unmarshal([]byte(d.s[from-1:i+1]), &s); err != nil {
				return "", d.fail()
			}
			d.pos = i + 1
			return s, nil
		}
	}
	return "", d.fail()
}

func (d *decoder) number() (any, error) {
	from := d.pos
	for d.pos < len(d.s) && strings.IndexByte("+-.0123456789eE", d.s[d.pos]) >= 0 {
		d.pos++
	}
	n := json.Number(d.s[from:d.pos])
	if !json.Valid([]byte(n)) {
		return nil, d.fail()
	}
	return n, nil
}
