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
