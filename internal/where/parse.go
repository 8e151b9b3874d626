package where

import (
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// Bounds of what is read: far above what a person types, and below what would
// make the recursion of filters deep.
const (
	maxDepth = 50
	maxTerms = 500
)

// Attr is what a name means.
type Attr struct {
	// Path is the attribute, possibly of certain elements of a list:
	// emails[type eq "work"].value.
	Path filter.Path
	// Type is the RFC 7643 data type, empty where it is not known.
	Type string
	// Parts are the names of the parts of a complex attribute that has no
	// value of its own and cannot be compared.
	Parts []string
	// Secret attributes are never given out, so that nothing can be said of
	// them: to take them for absent would choose everyone.
	Secret bool
	// Values are the conditions that the values of a computed attribute stand
	// for, by the value in lower case. Path is then without meaning.
	Values map[string]filter.Expr
}

// Names tells what the words of a condition mean.
type Names interface {
	// Attr is the attribute that a name stands for.
	Attr(name string) (Attr, bool)
	// Word is the condition that a word stands for by itself: locked.
	Word(name string) (filter.Expr, bool)
	// Similar are the names that were probably meant.
	Similar(name string) []string
}

// Parse compiles a condition. Durations count back from now, and days are
// those of its zone. An error is a *SyntaxError.
func Parse(text string, names Names, now time.Time) (filter.Expr, error) {
	p := &parser{scanner: scanner{in: text}, names: names, now: now}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokEnd {
		return nil, p.fail(p.tok.pos, "the condition is empty")
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		err := p.fail(p.tok.pos, "%s is not expected here, use and, or, or the end", p.tok)
		if p.tok.kind == tokWord {
			err.Help = "a value with blanks stands in quotes"
		}
		return nil, err
	}
	return e, nil
}

type parser struct {
	scanner
	names Names
	now   time.Time
	tok   token // the next token, read as a name
	depth int
	terms int
}

func (p *parser) advance() error {
	var err error
	p.tok, err = p.name()
	return err
}

func (p *parser) or() (filter.Expr, error) {
	return p.chain("or", p.and, func(l, r filter.Expr) filter.Expr { return &filter.Or{Left: l, Right: r} })
}

func (p *parser) and() (filter.Expr, error) {
	return p.chain("and", p.term, func(l, r filter.Expr) filter.Expr { return &filter.And{Left: l, Right: r} })
}

func (p *parser) chain(word string, operand func() (filter.Expr, error), join func(l, r filter.Expr) filter.Expr) (filter.Expr, error) {
	left, err := operand()
	for err == nil && p.tok.is(word) {
		if err = p.advance(); err != nil {
			break
		}
		var right filter.Expr
		if right, err = operand(); err == nil {
			left = join(left, right)
		}
	}
	return left, err
}

func (p *parser) term() (filter.Expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(p.tok.pos, "the condition is nested too deep")
	}
	defer func() { p.depth-- }()
	if p.terms++; p.terms > maxTerms {
		return nil, p.fail(p.tok.pos, "the condition has more than %d parts", maxTerms)
	}
	t := p.tok
	switch {
	case t.is("not"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := p.term()
		return filter.Negate(e), err
	case t.mark("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.tok.mark(")") {
			return nil, p.fail(p.tok.pos, "the bracket of column %d is not closed", p.column(t.pos))
		}
		return e, p.advance()
	case t.kind == tokEnd:
		return nil, p.fail(t.pos, "a condition is missing at the end")
	case t.kind == tokOp || t.kind == tokMark, t.is("and"), t.is("or"), t.is("in"):
		return nil, p.fail(t.pos, "an attribute is expected here, not %s", t)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if t.is("has") && p.startsName() {
		return p.has()
	}
	return p.condition(t)
}

func (p *parser) column(pos int) int { return len([]rune(p.in[:pos])) + 1 }

// startsName says whether the next token is a name, so that has is the keyword.
func (p *parser) startsName() bool {
	return p.tok.kind == tokQuoted || p.tok.kind == tokWord && !p.tok.is("and") && !p.tok.is("or") && !p.tok.is("in")
}

func (p *parser) has() (filter.Expr, error) {
	a, err := p.attr(p.tok)
	if err != nil {
		return nil, err
	}
	if a.Values != nil {
		return nil, p.fail(p.tok.pos, "everyone has a %s", p.tok.text)
	}
	return a.present(), p.advance()
}

// condition reads what follows a name: an operator and a value, a list, or
// nothing.
func (p *parser) condition(name token) (filter.Expr, error) {
	switch {
	case p.tok.kind == tokOp:
		return p.comparison(name)
	case p.tok.is("in"):
		return p.list(name)
	case p.tok.is("not"):
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.tok.is("in") {
			return nil, p.fail(p.tok.pos, "in is expected behind %s not", name.text)
		}
		e, err := p.list(name)
		return filter.Negate(e), err
	}
	if e, ok := p.names.Word(name.text); ok {
		return e, nil
	}
	a, err := p.attr(name)
	switch {
	case err != nil:
		return nil, err
	case a.Type == typeBoolean && a.Values == nil:
		return a.compare(filter.OpEqual, true), nil
	case p.tok.kind == tokWord && p.tok.pos > 0 && !p.tok.is("and") && !p.tok.is("or"):
		return nil, p.fail(p.tok.pos, "an operator is expected behind %s, not %s", name.text, p.tok)
	}
	bad := p.fail(name.pos, "%s is no yes or no by itself, compare it with a value", name.text)
	bad.Help = "has " + name.text + " asks whether there is one"
	return nil, bad
}

func (p *parser) attr(name token) (Attr, error) {
	a, ok := p.names.Attr(name.text)
	switch {
	case ok && a.Secret:
		return a, p.fail(name.pos, "%s is never given out, nothing can be compared with it", name.text)
	case ok:
		return a, nil
	}
	err := p.fail(name.pos, "there is no attribute %q", name.text)
	if similar := p.names.Similar(name.text); len(similar) > 0 {
		err.Help = "did you mean " + strings.Join(similar[:min(len(similar), 5)], " or ") + "?"
	}
	return a, err
}

func (p *parser) comparison(name token) (filter.Expr, error) {
	a, err := p.attr(name)
	if err != nil {
		return nil, err
	}
	op := p.tok
	v, err := p.operand(op)
	if err != nil {
		return nil, err
	}
	e, err := p.compare(name, a, op, v)
	if err != nil {
		return nil, err
	}
	return e, p.advance()
}

// operand reads the value behind an operator.
func (p *parser) operand(behind token) (token, error) {
	v, err := p.value()
	if err != nil {
		return v, err
	}
	if v.kind == tokWord && strings.ContainsRune("=<>~!", rune(v.text[0])) {
		return v, p.fail(v.pos, "%s%s is no operator; a value that begins like that stands in quotes", behind, v.text[:1])
	}
	if v.kind != tokWord && v.kind != tokQuoted {
		err := p.fail(v.pos, "a value is expected behind %s, not %s", behind, v)
		err.Help = `an empty value is "", an attribute without a value is null`
		return v, err
	}
	return v, nil
}

// list reads in (a, b, c).
func (p *parser) list(name token) (filter.Expr, error) {
	a, err := p.attr(name)
	if err != nil {
		return nil, err
	}
	in := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if !p.tok.mark("(") {
		return nil, p.fail(p.tok.pos, "in takes values in brackets, as in (IT, Sales)")
	}
	var all []filter.Expr
	for before := p.tok; ; {
		v, err := p.operand(before)
		if err != nil {
			return nil, err
		}
		if p.terms++; p.terms > maxTerms {
			return nil, p.fail(v.pos, "the condition has more than %d parts", maxTerms)
		}
		e, err := p.compare(name, a, token{tokOp, "=", in.pos}, v)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.mark(")") {
			return filter.AnyOf(all...), p.advance()
		}
		if !p.tok.mark(",") {
			return nil, p.fail(p.tok.pos, "a comma or the closing bracket is expected, not %s", p.tok)
		}
		before = p.tok
	}
}
