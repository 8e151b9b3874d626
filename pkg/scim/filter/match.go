package filter

import (
	"encoding/json"
	"strings"
)

// Match reports whether the document meets the filter. Values in doc are those
// that encoding/json makes; json.Number, the int types and []string are
// understood as well. Match does not change doc.
//
// RFC 7644 leaves several cases open. The choices here:
//   - A multi-valued attribute meets a condition when one of its elements
//     does, with ne too. An attribute that is absent, null, an empty array or
//     an empty object counts as one null value.
//   - Null equals null alone, so ne with a literal other than null holds for
//     an absent attribute, and every other operator fails on it.
//   - pr needs a value that is none of these and not the empty string. The
//     empty string is not null, so that x eq null and x pr both fail for it.
//   - A complex value without a sub-attribute is compared by its value.
//   - Values of different types are not equal and have no order.
//   - The attributes of a schema stand at the root where its URN begins with
//     CoreURNPrefix, where CoreRules say so, or where it is no member of the
//     document but the first of its schemas. Others are looked for in the
//     member named by the URN, and as a member named URN:attribute.
func (m *Matcher) Match(doc map[string]any) bool { return m.root.match(scope{doc: doc}) }

// MatchElement reports whether one element of a multi-valued attribute, or the
// value of a single one, meets a filter that CompileElement made.
func (m *Matcher) MatchElement(elem any) bool { return m.root.match(element(elem)) }

// scope is what attribute names are relative to: a document, or an element of
// a multi-valued attribute, which may be a simple value.
type scope struct {
	doc    map[string]any
	simple any
}

func element(v any) scope {
	if m, ok := v.(map[string]any); ok {
		return scope{doc: m}
	}
	return scope{simple: v}
}

type node interface{ match(scope) bool }

type (
	allNode     []node
	anyNode     []node
	notNode     struct{ x node }
	presentNode struct{ selector }
	valueNode   struct {
		selector
		filter node
	}
)

func (n allNode) match(s scope) bool {
	for _, x := range n {
		if !x.match(s) {
			return false
		}
	}
	return true
}

func (n anyNode) match(s scope) bool {
	for _, x := range n {
		if x.match(s) {
			return true
		}
	}
	return false
}

func (n notNode) match(s scope) bool { return !n.x.match(s) }

func (n presentNode) match(s scope) bool { return n.some(s, nonEmpty) }

func (n valueNode) match(s scope) bool {
	return n.elements(s, func(v any) bool { return v != nil && n.filter.match(element(v)) })
}

func (n *compareNode) match(s scope) bool { return n.some(s, n.test) }

// selector finds the values of an attribute.
type selector struct {
	name, sub string
	// urn is set for extensions only, and flat with it: the member in which
	// some servers keep an extension attribute.
	urn, flat string
	// selfName and selfSub say that name or sub is value, which means the
	// element itself where the element is not complex.
	selfName, selfSub bool
}

// find returns the value of the attribute without its sub-attribute.
func (a *selector) find(s scope) any {
	if s.doc == nil {
		if a.selfName {
			return s.simple
		}
		return nil
	}
	if a.urn == "" {
		v, _ := lookup(s.doc, a.name)
		return v
	}
	ext, isMember := lookup(s.doc, a.urn)
	if m, ok := ext.(map[string]any); ok {
		if v, ok := lookup(m, a.name); ok {
			return v
		}
	}
	if v, ok := lookup(s.doc, a.flat); ok {
		return v
	}
	if !isMember && strings.EqualFold(firstSchema(s.doc), a.urn) {
		v, _ := lookup(s.doc, a.name)
		return v
	}
	return nil
}

func firstSchema(doc map[string]any) string {
	v, _ := lookup(doc, "schemas")
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			s, _ := v[0].(string)
			return s
		}
	case []string:
		if len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// elements calls f for each element of the attribute until f returns true; a
// single value counts as one, an absent or empty attribute as one nil.
func (a *selector) elements(s scope, f func(any) bool) bool {
	v := a.find(s)
	if a.sub == "" {
		return each(v, f)
	}
	return each(v, func(v any) bool {
		m, ok := v.(map[string]any)
		if !ok {
			return f(nil)
		}
		sub, _ := lookup(m, a.sub)
		return each(sub, f)
	})
}

// some is elements, going down to the sub-attribute, or to value in a complex
// element where none is named.
func (a *selector) some(s scope, f func(any) bool) bool {
	return each(a.find(s), func(v any) bool {
		m, ok := v.(map[string]any)
		switch {
		case ok && a.sub != "":
			v, _ = lookup(m, a.sub)
			return each(v, f)
		case ok:
			if value, ok := lookup(m, "value"); ok && !isNull(value) {
				return each(value, f)
			}
			return f(v)
		case a.sub != "" && !a.selfSub:
			return f(nil)
		}
		return f(v)
	})
}

func each(v any, f func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			if f(x) {
				return true
			}
		}
		return len(v) == 0 && f(nil)
	case []string:
		for _, x := range v {
			if f(x) {
				return true
			}
		}
		return len(v) == 0 && f(nil)
	case []map[string]any:
		for _, x := range v {
			if f(x) {
				return true
			}
		}
		return len(v) == 0 && f(nil)
	}
	return f(v)
}

func isNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, x := range v {
			if !isNull(x) {
				return false
			}
		}
		return true
	case []any:
		for _, x := range v {
			if !isNull(x) {
				return false
			}
		}
		return true
	case []string:
		return len(v) == 0
	case []map[string]any:
		return len(v) == 0
	}
	return false
}

func nonEmpty(v any) bool {
	switch v := v.(type) {
	case string:
		return v != ""
	case map[string]any:
		for _, x := range v {
			if nonEmpty(x) {
				return true
			}
		}
		return false
	case []any:
		for _, x := range v {
			if nonEmpty(x) {
				return true
			}
		}
		return false
	}
	return !isNull(v)
}

// test compares one value of a document with the literal.
func (n *compareNode) test(v any) bool {
	if isNull(v) || n.kind == kindNull {
		same := isNull(v) && n.kind == kindNull
		return n.op == OpEqual && same || n.op == OpNotEqual && !same
	}
	switch n.op {
	case OpEqual:
		c, ok := n.compare(v)
		return ok && c == 0
	case OpNotEqual:
		c, ok := n.compare(v)
		return !ok || c != 0
	case OpGreater:
		c, ok := n.compare(v)
		return ok && c > 0
	case OpGreaterOrEqual:
		c, ok := n.compare(v)
		return ok && c >= 0
	case OpLess:
		c, ok := n.compare(v)
		return ok && c < 0
	case OpLessOrEqual:
		c, ok := n.compare(v)
		return ok && c <= 0
	}
	s, ok := v.(string)
	if !ok {
		return false
	}
	switch n.op {
	case OpContains:
		return n.exact && strings.Contains(s, n.text) || !n.exact && containsFold(s, n.text)
	case OpStartsWith:
		return n.exact && strings.HasPrefix(s, n.text) || !n.exact && hasPrefixFold(s, n.text)
	case OpEndsWith:
		return n.exact && strings.HasSuffix(s, n.text) || !n.exact && hasSuffixFold(s, n.text)
	}
	return false
}

// compare orders v against the literal; ok is false where they have no order.
// Booleans only tell equal from different.
func (n *compareNode) compare(v any) (c int, ok bool) {
	switch v := v.(type) {
	case string:
		return n.compareText(v)
	case bool:
		if n.kind != kindBool && !n.lenient || isOrder(n.op) {
			return 0, false
		}
		if v == n.truth {
			return 0, true
		}
		return 1, true
	}
	if n.kind == kindNumber {
		return compareNumber(v, n.num)
	}
	return 0, false
}

func (n *compareNode) compareText(s string) (int, bool) {
	switch n.kind {
	case kindTime:
		if looksLikeTime(s) {
			if t, err := ParseTime(s); err == nil {
				return t.Compare(n.when), true
			}
		}
	case kindBool:
		if !n.lenient || !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
			return 0, false
		}
		if strings.EqualFold(s, "true") == n.truth {
			return 0, true
		}
		return 1, true
	case kindNumber:
		return 0, false
	}
	if n.exact {
		return strings.Compare(s, n.text), true
	}
	return compareFold(s, n.text), true
}

// numberText returns the digits of a number that is kept as text.
func numberText(v any) (string, bool) {
	n, ok := v.(json.Number)
	return string(n), ok
}
