package filter

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// invalid is printed in place of a name or value that the grammar has no form
// for. No parser takes it: a tree put together from unchecked parts is refused
// by the server rather than read as another filter.
const invalid = "!invalid"

// String prints the condition; see Expr.
func (e *And) String() string { return print1(e) }

// String prints the condition; see Expr.
func (e *Or) String() string { return print1(e) }

// String prints the condition; see Expr.
func (e *Not) String() string { return print1(e) }

// String prints the condition; see Expr.
func (e *Compare) String() string { return print1(e) }

// String prints the condition; see Expr.
func (e *Present) String() string { return print1(e) }

// String prints the condition; see Expr.
func (e *ValuePath) String() string { return print1(e) }

// String prints the path in the form that ParseAttr reads. A path without a
// name prints its URN alone.
func (a AttrPath) String() string {
	var b strings.Builder
	b.WriteString(a.URN)
	if a.Name != "" {
		if a.URN != "" {
			b.WriteByte(':')
		}
		b.WriteString(a.Name)
	}
	if a.Sub != "" {
		b.WriteByte('.')
		b.WriteString(a.Sub)
	}
	return b.String()
}

// String prints the path in the form that ParsePath reads.
func (p Path) String() string {
	var b strings.Builder
	if p.Attr.Name == "" && p.Attr.Sub == "" && isURN(p.Attr.URN) {
		b.WriteString(p.Attr.URN)
	} else {
		writeAttr(&b, p.Attr)
	}
	if p.Filter != nil {
		b.WriteByte('[')
		write(&b, p.Filter)
		b.WriteByte(']')
	}
	if p.Sub != "" {
		b.WriteByte('.')
		if isName(p.Sub) {
			b.WriteString(p.Sub)
		} else {
			b.WriteString(invalid)
		}
	}
	return b.String()
}

func print1(e Expr) string {
	var b strings.Builder
	write(&b, e)
	return b.String()
}

func write(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case *And:
		writeOperand(b, e.Left, isOr(e.Left))
		b.WriteString(" and ")
		writeOperand(b, e.Right, isOr(e.Right) || isAnd(e.Right))
	case *Or:
		write(b, e.Left)
		b.WriteString(" or ")
		writeOperand(b, e.Right, isOr(e.Right))
	case *Not:
		b.WriteString("not ")
		writeOperand(b, e.X, true)
	case *Compare:
		writeAttr(b, e.Attr)
		b.WriteByte(' ')
		if e.Op.valid() {
			b.WriteString(string(e.Op))
		} else {
			b.WriteString(invalid)
		}
		b.WriteByte(' ')
		writeValue(b, e.Value)
	case *Present:
		writeAttr(b, e.Attr)
		b.WriteString(" pr")
	case *ValuePath:
		writeAttr(b, e.Attr)
		b.WriteByte('[')
		write(b, e.Filter)
		b.WriteByte(']')
	default:
		b.WriteString(invalid)
	}
}

func isAnd(e Expr) bool { _, ok := e.(*And); return ok }

func isOr(e Expr) bool { _, ok := e.(*Or); return ok }

// writeOperand keeps the shape of the tree: a right operand of the same kind
// gets parentheses too, although the result would not differ without them.
func writeOperand(b *strings.Builder, e Expr, parens bool) {
	if parens {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	write(b, e)
}

func writeAttr(b *strings.Builder, a AttrPath) {
	if a.valid() {
		b.WriteString(a.String())
	} else {
		b.WriteString(invalid)
	}
}

// valid reports whether ParseAttr would read back the same path.
func (a AttrPath) valid() bool {
	return isName(a.Name) && (a.Sub == "" || isName(a.Sub)) && (a.URN == "" || isURN(a.URN)) &&
		(a.URN != "" || a.Sub != "" || !isReserved(a.Name))
}

func writeValue(b *strings.Builder, v any) {
	if !validValue(v) {
		b.WriteString(invalid)
		return
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		if v {
			b.WriteString("true")
		} else {
			b.WriteString("false")
		}
	case json.Number:
		b.WriteString(string(v))
	case string:
		writeText(b, v)
	}
}

func validValue(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return true
	case json.Number:
		return isJSONNumber(string(v))
	case string:
		return utf8.ValidString(v)
	}
	return false
}

// writeText quotes as JSON does, escaping no more than it must: encoding/json
// would also escape U+2028 and U+2029, for the sake of JavaScript.
func writeText(b *strings.Builder, s string) {
	const hex = "0123456789abcdef"
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= 0x20:
			b.WriteByte(c)
		case c == '\b':
			b.WriteString(`\b`)
		case c == '\f':
			b.WriteString(`\f`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		default:
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	b.WriteByte('"')
}
