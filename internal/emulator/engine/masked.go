package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// appendMasked writes a document as an audit event has it: declared attributes
// only, every scalar as a string, secrets masked.
func (ti *typeInfo) appendMasked(b []byte, doc Document) []byte {
	return ti.appendMaskedSet(b, ti.core, doc)
}

func (ti *typeInfo) appendMaskedSet(b []byte, set *attrSet, m map[string]any) []byte {
	var few [48]string
	names := few[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	first := len(b)
	for _, name := range names {
		start := len(b)
		b = append(appendString(b, name), ':')
		if a := set.byName[name]; a != nil && a.Name == name {
			b = append(ti.appendMaskedAttr(b, a, m[name]), ',')
			continue
		}
		ext, isMap := m[name].(map[string]any)
		if x := ti.byURN[strings.ToLower(name)]; set == ti.core && isMap && x != nil && x != ti.core && x.urn == name {
			inside := len(b) + len("{}")
			if b = ti.appendMaskedSet(b, x, ext); len(b) > inside {
				b = append(b, ',')
				continue
			}
		}
		b = b[:start]
	}
	if len(b) > first {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

func (ti *typeInfo) appendMaskedAttr(b []byte, a *attr, v any) []byte {
	if contains(ti.hooks.Once, a.path) {
		return appendString(b, maskedValue)
	}
	return a.appendMasked(b, v)
}

func (a *attr) appendMasked(b []byte, v any) []byte {
	switch v := v.(type) {
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = a.appendMasked(b, x)
		}
		return append(b, ']')
	case map[string]any:
		var few [24]string
		names := few[:0]
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		b = append(b, '{')
		for i, name := range names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, name), ':')
			sub := a.sub(name)
			if sub == nil { // an object without declared sub-attributes
				sub = &attr{Attribute: a.Attribute}
			}
			b = sub.appendMasked(b, v[name])
		}
		return append(b, '}')
	}
	if a.secret() {
		return appendString(b, maskedValue)
	}
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return append(strconv.AppendBool(append(b, '"'), v), '"')
	case json.Number:
		return appendString(b, string(v))
	}
	return appendString(b, fmt.Sprint(v))
}

// appendMaskedText is appendMasked for a document as it is stored. It answers
// false where the text is not as AppendJSON writes it.
func (ti *typeInfo) appendMaskedText(b, data []byte) ([]byte, bool) {
	s := scanner{b: data}
	b, ok := ti.maskObject(b, &s, ti.core)
	return b, ok && s.pos == len(data)
}

func (ti *typeInfo) maskObject(b []byte, s *scanner, set *attrSet) ([]byte, bool) {
	if !s.eat('{') {
		return b, false
	}
	b = append(b, '{')
	if s.eat('}') {
		return append(b, '}'), true
	}
	first := len(b)
	for {
		name, ok := s.name()
		if !ok {
			return b, false
		}
		start := len(b)
		b = append(append(append(b, '"'), name...), "\":"...)
		if a := set.byName[string(name)]; a != nil && a.Name == string(name) {
			if contains(ti.hooks.Once, a.path) {
				b, ok = appendString(b, maskedValue), s.value(1)
			} else {
				b, ok = a.maskText(b, s, 1)
			}
			b = append(b, ',')
		} else if x := ti.extension(set, name); x != nil && s.at('{') {
			inside := len(b) + len("{}")
			if b, ok = ti.maskObject(b, s, x); len(b) > inside {
				b = append(b, ',')
			} else {
				b = b[:start]
			}
		} else {
			b, ok = b[:start], s.value(1)
		}
		if !ok {
			return b, false
		}
		if s.eat('}') {
			break
		}
		if !s.eat(',') {
			return b, false
		}
	}
	if len(b) > first {
		b = b[:len(b)-1]
	}
	return append(b, '}'), true
}

// extension is the one that a member of the core schema's object names as it is
// declared.
func (ti *typeInfo) extension(set *attrSet, name []byte) *attrSet {
	if set == ti.core {
		for _, x := range ti.exts {
			if x.urn == string(name) {
				return x
			}
		}
	}
	return nil
}

func (a *attr) maskText(b []byte, s *scanner, depth int) ([]byte, bool) {
	from := s.pos
	switch {
	case depth > maxDepth-4:
		return b, false
	case s.eat('['):
		b = append(b, '[')
		for n := 0; !s.eat(']'); n++ {
			if n > 0 {
				if !s.eat(',') {
					return b, false
				}
				b = append(b, ',')
			}
			var ok bool
			if b, ok = a.maskText(b, s, depth+1); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	case s.eat('{'):
		b = append(b, '{')
		for n := 0; !s.eat('}'); n++ {
			if n > 0 {
				if !s.eat(',') {
					return b, false
				}
				b = append(b, ',')
			}
			name, ok := s.name()
			if !ok {
				return b, false
			}
			b = append(append(append(b, '"'), name...), "\":"...)
			var sub *attr
			if a.subs != nil {
				if sub = a.subs.byName[string(name)]; sub == nil {
					sub = a.sub(string(name))
				}
			}
			if sub == nil { // an object without declared sub-attributes
				sub = &attr{Attribute: a.Attribute}
			}
			if b, ok = sub.maskText(b, s, depth+1); !ok {
				return b, false
			}
		}
		return append(b, '}'), true
	case !s.value(depth):
		return b, false
	}
	raw := s.b[from:s.pos]
	switch {
	case raw[0] == 'n':
		return b, false // nothing, which is never stored
	case a.secret():
		return appendString(b, maskedValue), true
	case raw[0] == '"':
		return append(b, raw...), true
	}
	return append(append(append(b, '"'), raw...), '"'), true
}
