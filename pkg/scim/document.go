package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// ErrPath is a path that Document cannot follow, or a value it cannot be set to.
var ErrPath = errors.New("bad attribute path")

// DecodeDocument reads exactly one JSON object, numbers as json.Number.
func DecodeDocument(data []byte) (Document, error) {
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, fmt.Errorf("%w: null in place of a resource", ErrBadResponse)
	}
	return d, nil
}

// UnmarshalJSON reads a JSON object, numbers as json.Number.
func (d *Document) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the resource")
	}
	*d = m
	return nil
}

// ID is the resource's id, empty when it has none.
func (d Document) ID() string { return d.String("id") }

// Version is meta.version, the entity tag, empty when the server sent none.
func (d Document) Version() string { return d.String("meta.version") }

// Schemas are the URNs that the document declares.
func (d Document) Schemas() []string { return d.Strings("schemas") }

// LogValue shows which resource it is and nothing of what it holds: documents
// carry personal data and, on the way to a service, passwords.
func (d Document) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", d.String("meta.resourceType")), slog.String("id", d.ID()))
}

// Get answers the value at a path: "userName", "name.familyName",
// "<URN>:attr.sub", "emails.value", `emails[type eq "work"].value` or a bare
// extension URN. Names compare without regard to case; an extension is found
// nested under its URN or flat as "<URN>:attr". Through a multi-valued
// attribute the result is a list of what its elements hold. The value is the
// document's own: Clone before changing it.
func (d Document) Get(path string) (any, bool) {
	p, err := parseDocPath(path)
	if err != nil {
		return nil, false
	}
	holder, key, ok := d.home(p)
	if !ok {
		return nil, false
	}
	v := holder[key]
	if p.selector != nil {
		hits := p.selector.pick(v)
		if len(hits) == 0 {
			return nil, false
		}
		v = hits
	}
	return walk(v, p.rest(key))
}

// String answers the string at a path; numbers and booleans as they are
// written in JSON. Of a list it takes the element marked primary, else the
// first. It is empty when there is nothing.
func (d Document) String(path string) string {
	v, ok := d.Get(path)
	if !ok {
		return ""
	}
	if list, isList := asList(v); isList {
		if len(list) == 0 {
			return ""
		}
		v = list[0]
		if attr, sub, has := cutLast(path, '.'); has {
			if whole, ok := d.Get(attr); ok {
				if elems, ok := asList(whole); ok {
					if e := primary(elems); e != nil {
						if pv, ok := walk(e, sub); ok {
							v = pv
						}
					}
				}
			}
		}
	}
	return text(v)
}

// Strings answers the strings at a path: of a list every element, of one value
// a list of one. Elements that are objects count with their value member.
func (d Document) Strings(path string) []string {
	v, ok := d.Get(path)
	if !ok {
		return nil
	}
	list, isList := asList(v)
	if !isList {
		list = []any{v}
	}
	var out []string
	for _, e := range list {
		if m, ok := asMap(e); ok {
			e = m[findKey(m, "value")]
		}
		if s := text(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Bool answers the boolean at a path, also one that came as a string. The
// second result is false when there is none.
func (d Document) Bool(path string) (value, ok bool) {
	v, found := d.Get(path)
	if !found {
		return false, false
	}
	switch x := v.(type) {
	case bool:
		return x, true
	case string:
		switch {
		case strings.EqualFold(x, "true"):
			return true, true
		case strings.EqualFold(x, "false"):
			return false, true
		}
	}
	return false, false
}

// Int answers the integer at a path, also one that came as a string.
func (d Document) Int(path string) (int64, bool) {
	v, ok := d.Get(path)
	if !ok {
		return 0, false
	}
	if _, isBool := v.(bool); isBool {
		return 0, false
	}
	return parseInt(text(v))
}

// Time answers the dateTime at a path (RFC 7643 section 2.3.5).
func (d Document) Time(path string) (time.Time, bool) {
	t, err := ParseTime(d.String(path))
	return t, err == nil
}

// ParseTime reads a dateTime. A time without a zone, which some older
// attributes carry, counts as UTC.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err == nil {
		return t, nil
	}
	if u, uerr := time.Parse("2006-01-02T15:04:05.999999999", s); uerr == nil {
		return u, nil
	}
	return time.Time{}, err
}

// Set puts a value at a path, making the objects on the way and keeping the
// spelling of members that are there. Setting into an extension adds its URN
// to schemas. A path with a selector changes the elements that it selects; if
// none does and the selector is made of eq terms, an element is added that
// satisfies it. It answers ErrPath when the path leads through a value that is
// not an object.
func (d Document) Set(path string, v any) error {
	p, err := parseDocPath(path)
	if err != nil {
		return err
	}
	holder, key, ok := d.home(p)
	if !ok {
		holder, key, err = d.makeHome(p)
		if err != nil {
			return err
		}
	}
	rest := p.rest(key)
	if p.selector != nil {
		return p.selector.set(holder, key, rest, v)
	}
	return setIn(holder, key, rest, v)
}

// Delete removes the value at a path and says whether there was one. Through a
// multi-valued attribute it removes the member from every element. An
// extension that is left empty goes as well.
func (d Document) Delete(path string) bool {
	p, err := parseDocPath(path)
	if err != nil {
		return false
	}
	holder, key, ok := d.home(p)
	if !ok {
		return false
	}
	rest := p.rest(key)
	var removed bool
	switch {
	case p.selector != nil:
		removed = p.selector.remove(holder, key, rest)
	case rest == "":
		delete(holder, key)
		removed = true
	default:
		removed = deleteIn(holder[key], rest)
	}
	if removed && p.urn != "" {
		if ext := findKey(d, p.urn); ext != "" {
			if m, ok := asMap(d[ext]); ok && len(m) == 0 {
				delete(d, ext)
			}
		}
	}
	return removed
}

// Clone is a deep copy.
func (d Document) Clone() Document {
	if d == nil {
		return nil
	}
	out := make(Document, len(d))
	for k, v := range d {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v any) any {
	if m, ok := asMap(v); ok {
		out := make(map[string]any, len(m))
		for k, e := range m {
			out[k] = cloneValue(e)
		}
		return out
	}
	if l, ok := asList(v); ok {
		out := make([]any, len(l))
		for i, e := range l {
			out[i] = cloneValue(e)
		}
		return out
	}
	return v
}

// Equal says whether two documents mean the same: names without regard to
// case, numbers by value, the order of multi-valued attributes not counting,
// and null, an empty list and an absent attribute all unassigned (RFC 7643
// section 2.5).
func (d Document) Equal(other Document) bool {
	return bytes.Equal(d.Canonical(), other.Canonical())
}

// EqualValues compares two values as Equal compares documents.
func EqualValues(a, b any) bool {
	return bytes.Equal(canonical(a), canonical(b))
}

// Canonical is a JSON text that is the same for documents that are Equal. It
// is made for hashing, not for sending.
func (d Document) Canonical() []byte { return canonical(map[string]any(d)) }

// canonical is nil for a value that is unassigned.
func canonical(v any) []byte {
	var out []byte
	if m, ok := asMap(v); ok {
		type entry struct {
			name  string
			value []byte
		}
		var list []entry
		for k, e := range m {
			if c := canonical(e); c != nil {
				list = append(list, entry{strings.ToLower(k), c})
			}
		}
		if len(list) == 0 {
			return nil
		}
		slices.SortFunc(list, func(a, b entry) int {
			if c := strings.Compare(a.name, b.name); c != 0 {
				return c
			}
			return bytes.Compare(a.value, b.value)
		})
		for i, e := range list {
			out = append(out, "{,"[min(i, 1)])
			out = appendJSON(out, e.name)
			out = append(append(out, ':'), e.value...)
		}
		return append(out, '}')
	}
	if l, ok := asList(v); ok {
		var list [][]byte
		for _, e := range l {
			if c := canonical(e); c != nil {
				list = append(list, c)
			}
		}
		if len(list) == 0 {
			return nil
		}
		slices.SortFunc(list, bytes.Compare)
		for i, e := range list {
			out = append(out, "[,"[min(i, 1)])
			out = append(out, e...)
		}
		return append(out, ']')
	}
	if v == nil {
		return nil
	}
	if n, ok := number(v); ok {
		return []byte(n)
	}
	return appendJSON(nil, v)
}

func appendJSON(out []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		// Only values that did not come from JSON can get here; their Go
		// syntax is as good a text as any.
		b, _ = json.Marshal(fmt.Sprintf("%#v", v))
	}
	return append(out, b...)
}
