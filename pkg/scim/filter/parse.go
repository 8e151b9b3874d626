package filter

import (
	"fmt"
	"strings"
)

const (
	// MaxLength is the longest input in bytes that the parser takes.
	MaxLength = 64 << 10
	// MaxDepth is how deep parentheses, not and value paths may nest. Chains
	// of and or or do not nest. A tree that was built deeper prints, but does
	// not parse.
	MaxDepth = 100
)

// ParseOptions choose departures from RFC 7644. The zero value has none.
type ParseOptions struct {
	// UnquotedValues takes a word without quotes for a text where it is not
	// true, false, null or a number: appRoles.value eq abc. One of the samples
	// that Oracle published for identity domains writes ids so.
	UnquotedValues bool
}

// Parse reads a filter by the grammar of RFC 7644 figure 1 with its errata.
// Operators, and, or, not and the literals are read in any case. A failure is
// a *SyntaxError.
func Parse(s string) (Expr, error) { return ParseOptions{}.Parse(s) }

// ParseDialect is Parse with every departure that ParseOptions knows.
func ParseDialect(s string) (Expr, error) {
	return ParseOptions{UnquotedValues: true}.Parse(s)
}

// ParsePath reads the target of a PATCH operation or an entry of an attributes
// parameter: RFC 7644 figure 7, and a schema URN alone, which names a whole
// extension.
//
// The grammar does not tell urn:...:User from urn:...:title. The rule here: a
// URN whose last segment begins with an upper-case letter, without a
// sub-attribute and without a filter, is a schema (User, OCITags), any other
// ends with an attribute. Who has the schemas at hand can do better, as
// ResourceType.Resolve of package schema does.
func ParsePath(s string) (Path, error) { return ParseOptions{}.ParsePath(s) }

// Parse is the function of that name with options.
func (o ParseOptions) Parse(s string) (Expr, error) {
	p, err := newParser(s, o)
	if err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if !p.eof() {
		return nil, p.unexpected("the end of the filter")
	}
	return e, nil
}

// ParsePath is the function of that name with options.
func (o ParseOptions) ParsePath(s string) (Path, error) {
	p, err := newParser(s, o)
	if err != nil {
		return Path{}, err
	}
	w := p.word()
	a, err := p.attr(w, 0, p.eof())
	if err != nil {
		return Path{}, err
	}
	path := Path{Attr: a}
	if p.at('[') {
		if path.Filter, err = p.brackets(); err != nil {
			return Path{}, err
		}
		if p.at('.') {
			p.pos++
			from := p.pos
			if path.Sub = p.word(); !isName(path.Sub) {
				return Path{}, p.fail(from, "expected the name of one sub-attribute")
			}
		}
	}
	if !p.eof() {
		return Path{}, p.fail(p.pos, "expected the end of the path")
	}
	return path, nil
}

// ParseAttr reads an attribute path: an optional schema URN, a name and an
// optional sub-attribute.
func ParseAttr(s string) (AttrPath, error) {
	p, err := newParser(s, ParseOptions{})
	if err != nil {
		return AttrPath{}, err
	}
	w := p.word()
	if !p.eof() {
		return AttrPath{}, p.fail(p.pos, "expected the end of the attribute")
	}
	return p.attr(w, 0, false)
}

// parser is the recursive descent over a scanner.
type parser struct {
	scanner
	depth   int
	inValue bool // inside the brackets of a value path
}

func newParser(s string, o ParseOptions) (*parser, error) {
	p := &parser{scanner: scanner{in: s, opts: o}}
	if len(s) > MaxLength {
		return nil, p.fail(MaxLength, fmt.Sprintf("longer than %d bytes", MaxLength))
	}
	return p, nil
}

// unexpected explains why the input does not go on after an expression.
func (p *parser) unexpected(end string) error {
	switch {
	case p.at(')'):
		return p.fail(p.pos, "a closing parenthesis without an opening one")
	case p.at('.') && p.pos > 0 && p.in[p.pos-1] == ']':
		return p.fail(p.pos, "a sub-attribute after a value path belongs to paths, not filters")
	}
	return p.fail(p.pos, "expected and, or, or "+end)
}

func (p *parser) or() (Expr, error) {
	return p.chain("or", p.and, func(l, r Expr) Expr { return &Or{l, r} })
}

func (p *parser) and() (Expr, error) {
	return p.chain("and", p.factor, func(l, r Expr) Expr { return &And{l, r} })
}

// chain reads operands joined by one word, leaning left.
func (p *parser) chain(word string, operand func() (Expr, error), join func(l, r Expr) Expr) (Expr, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		ok, err := p.keyword(word)
		if err != nil {
			return nil, err
		}
		if !ok {
			return left, nil
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = join(left, right)
	}
}

// keyword consumes word with the blanks around it, if it comes next.
func (p *parser) keyword(word string) (bool, error) {
	from := p.pos
	if !p.blanks() || !strings.EqualFold(p.word(), word) {
		p.pos = from
		return false, nil
	}
	if !p.eof() && !p.at(' ') {
		return false, p.fail(p.pos, "expected a blank after "+word)
	}
	return true, nil
}

func (p *parser) factor() (Expr, error) {
	p.blanks()
	if p.at('(') {
		return p.group('(', ')')
	}
	from := p.pos
	w := p.word()
	if w == "" {
		return nil, p.fail(p.pos, "expected an attribute, not or an opening parenthesis")
	}
	if strings.EqualFold(w, "not") {
		p.blanks()
		if !p.at('(') {
			return nil, p.fail(p.pos, "expected an opening parenthesis after not")
		}
		x, err := p.group('(', ')')
		if err != nil {
			return nil, err
		}
		return &Not{x}, nil
	}
	a, err := p.attr(w, from, false)
	if err != nil {
		return nil, err
	}
	if p.at('[') {
		if p.inValue {
			return nil, p.fail(p.pos, "a value path cannot stand inside a value path")
		}
		f, err := p.brackets()
		if err != nil {
			return nil, err
		}
		return &ValuePath{a, f}, nil
	}
	return p.comparison(a)
}

func (p *parser) comparison(a AttrPath) (Expr, error) {
	if !p.blanks() || p.eof() {
		return nil, p.fail(p.pos, "expected a blank and an operator after the attribute")
	}
	from := p.pos
	w := p.word()
	if strings.EqualFold(w, "pr") {
		return &Present{a}, nil
	}
	op := Op(strings.ToLower(w))
	if !op.valid() {
		return nil, p.fail(from, "expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr")
	}
	if !p.blanks() {
		return nil, p.fail(p.pos, "expected a blank and a value after "+string(op))
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	return &Compare{a, op, v}, nil
}

func (o Op) valid() bool {
	switch o {
	case OpEqual, OpNotEqual, OpContains, OpStartsWith, OpEndsWith,
		OpGreater, OpGreaterOrEqual, OpLess, OpLessOrEqual:
		return true
	}
	return false
}

// brackets reads the filter of a value path.
func (p *parser) brackets() (Expr, error) {
	p.inValue = true
	defer func() { p.inValue = false }()
	return p.group('[', ']')
}

func (p *parser) group(opening, closing byte) (Expr, error) {
	if p.depth >= MaxDepth {
		return nil, p.fail(p.pos, fmt.Sprintf("nested deeper than %d", MaxDepth))
	}
	p.depth++
	from := p.pos
	p.pos++
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	p.blanks()
	switch {
	case p.at(closing):
		p.pos++
		p.depth--
		return e, nil
	case p.eof():
		return nil, p.fail(p.pos, fmt.Sprintf("the %c of column %d is not closed", opening, from+1))
	case p.at(')'):
		return nil, p.fail(p.pos, "a closing parenthesis inside a value path without an opening one")
	}
	return nil, p.unexpected(string(rune(closing)))
}
