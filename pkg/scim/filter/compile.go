package filter

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// CoreURNPrefix begins the URNs of the schemas of RFC 7643 section 8.7, whose
// attributes stand at the root of a document.
const CoreURNPrefix = "urn:ietf:params:scim:schemas:core:2.0:"

// RFC 7643 data types as Rule.Type has them.
const (
	typeString    = "string"
	typeBoolean   = "boolean"
	typeDecimal   = "decimal"
	typeInteger   = "integer"
	typeDateTime  = "dateTime"
	typeReference = "reference"
	typeBinary    = "binary"
	typeComplex   = "complex"
)

// CoreRules is what Rules may implement as well, to say which URN names the
// core schema. Documents may list their schemas in any order, so the document
// alone does not tell.
type CoreRules interface {
	Rules
	// IsCore reports whether the attributes of the schema stand at the root.
	IsCore(urn string) bool
}

// Matcher is a filter made ready for many documents. It is safe for
// concurrent use.
type Matcher struct{ root node }

// Compile makes a filter ready to be matched. A nil e matches every document;
// r may be nil.
//
// An operator that does not fit the type which r names is refused with
// ErrType: gt, ge, lt, le on boolean and on complex attributes; co, sw, ew on
// boolean and number attributes or with a literal that is no string. A literal
// that cannot be read as the type of its attribute is refused with ErrValue,
// as is null with any operator but eq and ne. A string is taken for a number
// or boolean where the attribute is one, and a number for a string where the
// attribute is a string. An attribute that r does not know is compared by the
// types found in the document.
func Compile(e Expr, r Rules) (*Matcher, error) {
	return compileRoot(e, compiler{rules: r})
}

// CompileElement makes the filter of a value path ready to be matched against
// single elements of the attribute parent, as PATCH needs it: attribute names
// in e are relative to the element. Where an element is a simple value, the
// attribute value means the element itself.
func CompileElement(e Expr, r Rules, parent AttrPath) (*Matcher, error) {
	return compileRoot(e, compiler{rules: r, parent: &parent})
}

func compileRoot(e Expr, c compiler) (*Matcher, error) {
	if e == nil {
		return &Matcher{allNode(nil)}, nil
	}
	if err := check(e, c.parent != nil); err != nil {
		return nil, err
	}
	n, err := c.node(e)
	if err != nil {
		return nil, err
	}
	return &Matcher{n}, nil
}

type compiler struct {
	rules  Rules
	parent *AttrPath // of the value path around, if any
}

func (c compiler) node(e Expr) (node, error) {
	switch e := e.(type) {
	case *And:
		ns, err := c.spine(e, func(e Expr) (Expr, Expr, bool) {
			if e, ok := e.(*And); ok {
				return e.Left, e.Right, true
			}
			return nil, nil, false
		})
		return allNode(ns), err
	case *Or:
		ns, err := c.spine(e, func(e Expr) (Expr, Expr, bool) {
			if e, ok := e.(*Or); ok {
				return e.Left, e.Right, true
			}
			return nil, nil, false
		})
		return anyNode(ns), err
	case *Not:
		n, err := c.node(e.X)
		return notNode{n}, err
	case *Compare:
		return c.compare(e)
	case *Present:
		s, err := c.selector(e.Attr)
		return presentNode{s}, err
	case *ValuePath:
		s, err := c.selector(e.Attr)
		if err != nil {
			return nil, err
		}
		n, err := compiler{c.rules, &e.Attr}.node(e.Filter)
		return valueNode{s, n}, err
	}
	return nil, fmt.Errorf("filter: node of type %T: %w", e, ErrTree)
}

// spine compiles a chain of one operator into a list, left to right.
func (c compiler) spine(e Expr, split func(Expr) (Expr, Expr, bool)) ([]node, error) {
	l, r, ok := split(e)
	if !ok {
		n, err := c.node(e)
		return []node{n}, err
	}
	left, err := c.spine(l, split)
	if err != nil {
		return nil, err
	}
	right, err := c.spine(r, split)
	return append(left, right...), err
}

// absolute returns a as seen from the root, the form that Rules know. There
// is none for what lies deeper than a sub-attribute.
func (c compiler) absolute(a AttrPath) (AttrPath, bool) {
	if c.parent == nil {
		return a, true
	}
	return c.parent.Child(a.Name), c.parent.Sub == "" && a.Sub == ""
}

func (c compiler) selector(a AttrPath) (selector, error) {
	s := selector{name: a.Name, sub: a.Sub, selfSub: strings.EqualFold(a.Sub, "value")}
	if c.parent != nil {
		if a.URN != "" && !strings.EqualFold(a.URN, c.parent.URN) {
			return s, fmt.Errorf("filter: %s inside %s[...] belongs to another schema: %w", a, c.parent, ErrType)
		}
		s.selfName = strings.EqualFold(a.Name, "value")
		return s, nil
	}
	if a.URN != "" && !hasPrefixFold(a.URN, CoreURNPrefix) && !c.isCore(a.URN) {
		s.urn, s.flat = a.URN, a.URN+":"+a.Name
	}
	return s, nil
}

func (c compiler) isCore(urn string) bool {
	r, ok := c.rules.(CoreRules)
	return ok && r.IsCore(urn)
}

func (c compiler) rule(a AttrPath) (Rule, bool) {
	abs, ok := c.absolute(a)
	if c.rules == nil || !ok {
		return Rule{}, false
	}
	r, ok := c.rules.Rule(abs)
	if ok && r.Type == typeComplex && abs.Sub == "" {
		if v, ok := c.rules.Rule(abs.Child("value")); ok {
			return v, true
		}
	}
	return r, ok
}

func (c compiler) compare(e *Compare) (node, error) {
	s, err := c.selector(e.Attr)
	if err != nil {
		return nil, err
	}
	n := &compareNode{selector: s, op: e.Op}
	r, known := c.rule(e.Attr)
	n.exact = known && r.CaseExact
	fail := func(err error) (node, error) {
		if known {
			return nil, fmt.Errorf("filter: %s on %s, type %s: %w", e.Op, e.Attr, r.Type, err)
		}
		return nil, fmt.Errorf("filter: %s on %s: %w", e.Op, e.Attr, err)
	}
	if known && !opFits(e.Op, r.Type) {
		return fail(ErrType)
	}
	if err := n.literal(e.Value, r.Type); err != nil {
		return fail(err)
	}
	ordered, textual := isOrder(e.Op), isTextual(e.Op)
	switch n.kind {
	case kindNull:
		if ordered || textual {
			return fail(ErrValue)
		}
	case kindBool:
		if ordered || textual {
			return fail(ErrType)
		}
	case kindNumber:
		if textual {
			return fail(ErrType)
		}
	case kindTime:
		if textual { // 2024- is a fair prefix of a time
			n.kind = kindText
		}
	}
	if !n.exact {
		n.text = fold(n.text)
	}
	return n, nil
}

func isOrder(op Op) bool {
	return op == OpGreater || op == OpGreaterOrEqual || op == OpLess || op == OpLessOrEqual
}

func isTextual(op Op) bool { return op == OpContains || op == OpStartsWith || op == OpEndsWith }

func opFits(op Op, typ string) bool {
	switch typ {
	case typeBoolean:
		return !isOrder(op) && !isTextual(op)
	case typeComplex:
		return !isOrder(op)
	case typeDecimal, typeInteger:
		return !isTextual(op)
	}
	return true
}

// literal sets the literal by its own type and that of the attribute, which is
// empty where it is not known.
func (n *compareNode) literal(v any, typ string) error {
	switch v := v.(type) {
	case nil:
		n.kind = kindNull
	case bool:
		n.kind, n.truth, n.text = kindBool, v, fmt.Sprint(v)
		n.lenient = typ == typeBoolean || typ == "" || typ == typeComplex
		if typ == typeInteger || typ == typeDecimal || typ == typeDateTime {
			return ErrValue
		}
	case json.Number:
		n.text = string(v)
		switch typ {
		case typeString, typeReference, typeBinary:
			n.kind = kindText
			return nil
		case typeBoolean, typeDateTime:
			return ErrValue
		}
		return n.number(string(v))
	case string:
		n.text = v
		return n.textLiteral(v, typ)
	default:
		return ErrTree
	}
	return nil
}

func (n *compareNode) textLiteral(v, typ string) error {
	n.kind = kindText
	switch typ {
	case typeBoolean:
		n.kind, n.lenient = kindBool, true
		if n.truth = strings.EqualFold(v, "true"); !n.truth && !strings.EqualFold(v, "false") {
			return ErrValue
		}
	case typeDecimal, typeInteger:
		return n.number(v)
	case typeDateTime:
		if isTextual(n.op) {
			return nil
		}
		return n.time(v)
	case "", typeComplex:
		n.lenient = strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
		n.truth = strings.EqualFold(v, "true")
		if looksLikeTime(v) && n.time(v) != nil {
			n.kind = kindText
		}
	}
	return nil
}

func (n *compareNode) number(s string) error {
	d, ok := parseDecimal(s)
	if !ok || !isJSONNumber(s) {
		return ErrValue
	}
	n.kind, n.num = kindNumber, d
	return nil
}

func (n *compareNode) time(s string) error {
	t, err := ParseTime(s)
	if err != nil {
		return ErrValue
	}
	n.kind, n.when = kindTime, t
	return nil
}

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindText
	kindTime
)

// compareNode is one comparison with its literal read and folded.
type compareNode struct {
	selector
	op      Op
	kind    kind
	exact   bool
	lenient bool // "true" and true are the same
	truth   bool
	text    string
	num     decimal[string]
	when    time.Time
}
