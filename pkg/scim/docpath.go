package scim

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// docPath is a parsed path, not yet matched with a document: whether the last
// part of a URN is an attribute or belongs to the URN is told by the document.
type docPath struct {
	head     string // all before a selector
	urn      string
	name     string
	sub      string // after the first dot behind name, or behind the selector
	selector *selector
}

const maxDocPath = 4096

func parseDocPath(path string) (docPath, error) {
	bad := func(why string) (docPath, error) {
		return docPath{}, fmt.Errorf("%w %q: %s", ErrPath, clean(path, 80), why)
	}
	if path == "" || len(path) > maxDocPath {
		return bad("empty or too long")
	}
	var p docPath
	p.head = path
	tail := ""
	if open := strings.IndexByte(path, '['); open >= 0 {
		end := closing(path, open)
		if end < 0 {
			return bad("bracket is not closed")
		}
		p.head, tail = path[:open], path[end+1:]
		if tail != "" && (tail[0] != '.' || len(tail) == 1) {
			return bad("a dot and a name must follow the bracket")
		}
		sel, err := newSelector(path[open+1 : end])
		if err != nil {
			return bad(err.Error())
		}
		p.selector = sel
	}
	p.name = p.head
	if len(p.head) > 4 && strings.EqualFold(p.head[:4], "urn:") {
		if i := strings.LastIndexByte(p.head, ':'); i > 3 {
			p.urn, p.name = p.head[:i], p.head[i+1:]
		}
	}
	if i := strings.IndexByte(p.name, '.'); i >= 0 {
		if p.selector != nil {
			return bad("a selector belongs to the attribute, before the dot")
		}
		p.name, p.sub = p.name[:i], p.name[i+1:]
	}
	if tail != "" {
		p.sub = tail[1:]
	}
	if p.name == "" || strings.HasSuffix(path, ".") || strings.Contains(p.sub, "..") || strings.HasPrefix(p.sub, ".") {
		return bad("a name is missing")
	}
	if strings.ContainsAny(p.sub, "[]") || strings.ContainsAny(p.head, "]\"") {
		return bad("unexpected bracket or quote")
	}
	return p, nil
}

// closing finds the bracket that closes the one at open, past quoted strings.
func closing(s string, open int) int {
	depth, quoted := 0, false
	for i := open; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// rest is what remains to be walked below the member that home found: nothing
// when the member's name took up the whole path.
func (p docPath) rest(key string) string {
	if p.selector == nil && p.sub != "" && strings.EqualFold(key, p.head) {
		return ""
	}
	return p.sub
}

// home finds the object that holds the attribute and the member's name.
func (d Document) home(p docPath) (map[string]any, string, bool) {
	if k := findKey(d, p.head); k != "" { // plain attribute, bare URN, flat member
		return d, k, true
	}
	if p.urn == "" {
		k := findKey(d, p.name)
		return d, k, k != ""
	}
	if ext := findKey(d, p.urn); ext != "" {
		if m, ok := asMap(d[ext]); ok {
			if k := findKey(m, p.name); k != "" {
				return m, k, true
			}
		}
	}
	if k := findKey(d, p.urn+":"+p.name); k != "" {
		return d, k, true
	}
	if isCore(p.urn) {
		k := findKey(d, p.name)
		return d, k, k != ""
	}
	return nil, "", false
}

// isCore says whether a URN names a main schema, whose attributes sit at the
// top: every extension that RFC 7643 or a known vendor defines says so in its
// name.
func isCore(urn string) bool {
	return !strings.Contains(strings.ToLower(urn), ":extension:")
}

// makeHome is home for an attribute that is not there yet.
func (d Document) makeHome(p docPath) (map[string]any, string, error) {
	if d == nil {
		return nil, "", fmt.Errorf("%w: document is nil", ErrPath)
	}
	if p.urn == "" || isCore(p.urn) {
		return d, p.name, nil
	}
	ext := findKey(d, p.urn)
	if ext == "" || d[ext] == nil {
		if ext == "" {
			ext = p.urn
		}
		d[ext] = map[string]any{}
	}
	m, ok := asMap(d[ext])
	if !ok {
		return nil, "", fmt.Errorf("%w: %s is not an object", ErrPath, ext)
	}
	d.declare(ext)
	return m, p.name, nil
}

// declare adds a URN to schemas where the document has that member.
func (d Document) declare(urn string) {
	key := findKey(d, "schemas")
	if key == "" {
		return
	}
	list, ok := asList(d[key])
	if !ok {
		return
	}
	for _, s := range list {
		if t, ok := s.(string); ok && strings.EqualFold(t, urn) {
			return
		}
	}
	d[key] = append(list[:len(list):len(list)], urn)
}

// findKey finds a member without regard to case, the exact name first.
func findKey(m map[string]any, name string) string {
	if _, ok := m[name]; ok {
		return name
	}
	found := ""
	for k := range m {
		// The smallest spelling, so that doubles give one answer.
		if len(k) == len(name) && strings.EqualFold(k, name) && (found == "" || k < found) {
			found = k
		}
	}
	return found
}

// walk follows dotted names below v; through a list it collects.
func walk(v any, path string) (any, bool) {
	if path == "" {
		return v, true
	}
	if list, ok := asList(v); ok {
		var out []any
		for _, e := range list {
			x, ok := walk(e, path)
			if !ok {
				continue
			}
			if inner, isList := asList(x); isList {
				out = append(out, inner...)
			} else {
				out = append(out, x)
			}
		}
		return out, len(out) > 0
	}
	m, ok := asMap(v)
	if !ok {
		return nil, false
	}
	name, rest, _ := strings.Cut(path, ".")
	k := findKey(m, name)
	if k == "" {
		return nil, false
	}
	return walk(m[k], rest)
}

func setIn(holder map[string]any, key, rest string, v any) error {
	if rest == "" {
		holder[key] = v
		return nil
	}
	if list, ok := asList(holder[key]); ok {
		return fmt.Errorf("%w: %s has %d elements, select one with brackets", ErrPath, key, len(list))
	}
	if holder[key] == nil {
		holder[key] = map[string]any{}
	}
	m, ok := asMap(holder[key])
	if !ok {
		return fmt.Errorf("%w: %s is not an object", ErrPath, key)
	}
	name, below, _ := strings.Cut(rest, ".")
	k := findKey(m, name)
	if k == "" {
		k = name
	}
	return setIn(m, k, below, v)
}

func deleteIn(v any, path string) bool {
	if list, ok := asList(v); ok {
		removed := false
		for _, e := range list {
			removed = deleteIn(e, path) || removed
		}
		return removed
	}
	m, ok := asMap(v)
	if !ok {
		return false
	}
	name, rest, _ := strings.Cut(path, ".")
	k := findKey(m, name)
	if k == "" {
		return false
	}
	if rest == "" {
		delete(m, k)
		return true
	}
	return deleteIn(m[k], rest)
}

func asMap(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, m != nil
	case Document:
		return m, m != nil
	}
	return nil, false
}

// asList sees any of the slices that a caller may have put into a document.
func asList(v any) ([]any, bool) {
	switch l := v.(type) {
	case []any:
		return l, true
	case []string:
		return toAny(l), true
	case []map[string]any:
		return toAny(l), true
	case []Document:
		return toAny(l), true
	}
	return nil, false
}

func toAny[T any](l []T) []any {
	out := make([]any, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

func primary(list []any) any {
	for _, e := range list {
		if m, ok := asMap(e); ok {
			switch p := m[findKey(m, "primary")].(type) {
			case bool:
				if p {
					return e
				}
			case string:
				if strings.EqualFold(p, "true") {
					return e
				}
			}
		}
	}
	return nil
}

// text is a scalar as a string; anything else is empty.
func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	if n, ok := number(v); ok {
		return n
	}
	return ""
}

// number prints a number of any type so that equal values print alike.
func number(v any) (string, bool) {
	var s string
	switch x := v.(type) {
	case json.Number:
		s = x.String()
	case float64:
		s = strconv.FormatFloat(x, 'g', -1, 64)
	case int:
		return strconv.Itoa(x), true
	case int64:
		return strconv.FormatInt(x, 10), true
	case Int:
		return strconv.FormatInt(int64(x), 10), true
	default:
		return "", false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return strconv.FormatInt(n, 10), true
	}
	// Exponents could ask for a number of any length: bound them.
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp > 400 || exp < -400 {
			return s, true
		}
	}
	if r, ok := new(big.Rat).SetString(s); ok {
		if r.IsInt() {
			return r.Num().String(), true
		}
		return r.RatString(), true
	}
	return s, true
}

func cutLast(s string, c byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, c); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
