package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// FieldError is a --fields value that names no column and no attribute.
type FieldError struct {
	Field string
	Valid []string
}

func (e *FieldError) Error() string { return fmt.Sprintf("unknown field %q", e.Field) }

// Hint lists the fields there are.
func (e *FieldError) Hint() string { return "fields are " + strings.Join(e.Valid, ", ") }

// ExitCode is the code of a usage error.
func (e *FieldError) ExitCode() int { return 64 }

// field is a chosen column, or an attribute path in place of one.
type field[T any] struct {
	Column[T]
	path string // empty for a column that stands for no single attribute
}

// isPath says whether s is attribute names joined by dots, behind a schema URN
// or not. The URN's own characters are not looked at closely.
func isPath(s string) bool {
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		if len(s) < 5 || !strings.EqualFold(s[:4], "urn:") || strings.ContainsAny(s, " \t\"[]()") {
			return false
		}
		s = s[i+1:]
		// The version in a bare extension URN is no name: "...:2.0:User" ends
		// with one, and that is what is left here.
	}
	for name := range strings.SplitSeq(s, ".") {
		for i, r := range name {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '$'
			if !letter && (i == 0 || r != '-' && r != '_' && (r < '0' || r > '9')) {
				return false
			}
		}
		if name == "" {
			return false
		}
	}
	return true
}

func (p Printer[T]) choose() ([]field[T], error) {
	wanted := splitFields(p.opts.Fields)
	if len(wanted) == 0 {
		var all []field[T]
		for _, c := range p.spec.Columns {
			if c.Wide && (p.opts.Format == Table || p.opts.Format == "") {
				continue
			}
			all = append(all, field[T]{Column: c, path: c.Path})
		}
		return all, nil
	}
	chosen := make([]field[T], 0, len(wanted))
	for _, w := range wanted {
		f, ok := p.find(w)
		if !ok {
			return nil, &FieldError{Field: w, Valid: FieldNames(p.spec.Columns)}
		}
		chosen = append(chosen, f)
	}
	return chosen, nil
}

func (p Printer[T]) find(name string) (field[T], bool) {
	for _, c := range p.spec.Columns {
		if normal(c.Name) == normal(name) || c.Path != "" && strings.EqualFold(c.Path, name) {
			return field[T]{Column: c, path: c.Path}, true
		}
	}
	if p.spec.KnownPath == nil || !p.spec.KnownPath(name) {
		return field[T]{}, false
	}
	get := func(v *T) string {
		doc, err := decoded(v)
		if err != nil {
			return ""
		}
		return Text(Lookup(doc, name))
	}
	return field[T]{Column: Column[T]{Name: name, Path: name, Get: get}, path: name}, true
}

// fieldName is how a person types a heading: "Recent activity" as
// recent-activity.
func fieldName(heading string) string {
	return strings.ReplaceAll(strings.ToLower(heading), " ", "-")
}

// FieldNames are the columns as --fields takes them.
func FieldNames[T any](columns []Column[T]) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = fieldName(c.Name)
	}
	return names
}

// FieldNames are the columns as --fields takes them.
func (p Printer[T]) FieldNames() []string { return FieldNames(p.spec.Columns) }

func normal(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(name))
}

func splitFields(typed []string) []string {
	var out []string
	for _, t := range typed {
		for part := range strings.SplitSeq(t, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// decoded is v as a generic document with exact numbers. Documents are maps
// already and are not copied.
func decoded(v any) (any, error) {
	b, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return decodeBytes(b)
}

func decodeBytes(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	return doc, nil
}

func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// Lookup returns what a decoded JSON document holds at an attribute path; nil
// when there is nothing. Names are compared without regard to case, as SCIM
// compares them; a list of objects answers the list of their values.
func Lookup(doc any, path string) any {
	obj, ok := doc.(map[string]any)
	if !ok || path == "" {
		return doc
	}
	// Extensions have whole URNs as keys; of two that fit the longer one is it.
	urn := ""
	for key := range obj {
		fits := strings.Contains(key, ":") && len(path) >= len(key) && strings.EqualFold(key, path[:len(key)]) &&
			(len(path) == len(key) || path[len(key)] == ':')
		if fits && len(key) > len(urn) {
			urn = key
		}
	}
	if urn != "" {
		if len(path) == len(urn) {
			return obj[urn]
		}
		return Lookup(obj[urn], path[len(urn)+1:])
	}
	if i := strings.LastIndexByte(path, ':'); i >= 0 { // the core schema's URN
		path = path[i+1:]
	}
	name, rest, nested := strings.Cut(path, ".")
	v := member(obj, name)
	if !nested {
		return v
	}
	if list, ok := v.([]any); ok {
		var out []any
		for _, e := range list {
			if got := Lookup(e, rest); got != nil {
				out = append(out, got)
			}
		}
		if out == nil {
			return nil
		}
		return out
	}
	if _, ok := v.(map[string]any); !ok {
		return nil
	}
	return Lookup(v, rest)
}

func member(obj map[string]any, name string) any {
	if v, ok := obj[name]; ok {
		return v
	}
	for k, v := range obj {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// Text is a JSON value as a cell: a string as it is, a list with commas
// between its elements, an object as compact JSON, null as nothing.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = Text(e)
		}
		return strings.Join(parts, ", ")
	}
	b, err := marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
