// Package filter reads, prints, builds and evaluates SCIM filters and
// attribute paths (RFC 7644 sections 3.4.2.2 and 3.5.2).
//
// It knows the grammar and how values compare; it does not know any schema.
// What a schema says of an attribute reaches Compile through Rules. Trees are
// values: nothing in this package changes a tree it was given, so one may be
// shared between goroutines.
//
// Parsing and printing are inverse: Parse(e.String()) yields a tree equal to
// e, for every tree that Parse or the builders made.
package filter

import "encoding/json"

// Op is a comparison operator in lower case, as RFC 7644 table 3 names it.
type Op string

// The comparison operators of RFC 7644 table 3. Presence has a node of its
// own, Present, since it takes no value.
const (
	OpEqual          Op = "eq"
	OpNotEqual       Op = "ne"
	OpContains       Op = "co"
	OpStartsWith     Op = "sw"
	OpEndsWith       Op = "ew"
	OpGreater        Op = "gt"
	OpGreaterOrEqual Op = "ge"
	OpLess           Op = "lt"
	OpLessOrEqual    Op = "le"
)

// AttrPath names an attribute: an optional schema URN, the attribute and an
// optional sub-attribute, spelled as written. Names compare without regard to
// case (RFC 7643 section 2.1); use Equal. Name is never empty in a parsed
// filter; a Path may name a bare schema URN, with Name empty.
type AttrPath struct {
	URN  string
	Name string
	Sub  string
}

// Expr is a node of a filter: *And, *Or, *Not, *Compare, *Present or
// *ValuePath. String prints it in canonical form: operators in lower case,
// one blank between tokens, parentheses only where they are needed.
type Expr interface {
	String() string
	expr()
}

// And holds when both sides hold. It binds tighter than Or.
type And struct{ Left, Right Expr }

// Or holds when one side holds.
type Or struct{ Left, Right Expr }

// Not holds when X does not.
type Not struct{ X Expr }

// Compare tests one attribute against a literal. Value is a string, a bool,
// nil (null) or a json.Number, whose digits are kept as written.
type Compare struct {
	Attr  AttrPath
	Op    Op
	Value any
}

// Present is the pr operator: the attribute has a non-empty value.
type Present struct{ Attr AttrPath }

// ValuePath tests the elements of a complex multi-valued attribute one by one:
// emails[type eq "work" and value co "@example.com"]. Attribute names inside
// Filter are relative to the element.
type ValuePath struct {
	Attr   AttrPath
	Filter Expr
}

func (*And) expr()       {}
func (*Or) expr()        {}
func (*Not) expr()       {}
func (*Compare) expr()   {}
func (*Present) expr()   {}
func (*ValuePath) expr() {}

var _ = json.Number("")

// Path is the target of a PATCH operation or an entry of an attributes
// parameter (RFC 7644 figure 7): an attribute, optionally the elements of it
// that Filter selects, optionally one sub-attribute of those. For
// addresses[type eq "work"].region, Attr is addresses and Sub is region;
// without a filter the sub-attribute is Attr.Sub and Sub is empty.
type Path struct {
	Attr   AttrPath
	Filter Expr
	Sub    string
}

// Rules tells Compile what a schema says of an attribute. The boolean is
// false for an attribute it does not know; Compile then compares strings
// without regard to case, the default of RFC 7643 section 2.2.
// Implementations must be safe for concurrent use.
type Rules interface {
	Rule(AttrPath) (Rule, bool)
}

// Rule is what evaluation needs to know of an attribute.
type Rule struct {
	// Type is the RFC 7643 data type: "string", "boolean", "decimal",
	// "integer", "dateTime", "reference", "binary" or "complex".
	Type string
	// CaseExact says that strings compare with regard to case.
	CaseExact bool
}
