package filter

import (
	"fmt"
	"strings"
)

// Equal reports whether two paths name the same attribute; case does not
// matter, neither in the URN nor in the names.
func (a AttrPath) Equal(b AttrPath) bool {
	return strings.EqualFold(a.Name, b.Name) && strings.EqualFold(a.Sub, b.Sub) && strings.EqualFold(a.URN, b.URN)
}

// Equal reports whether two paths have the same parts, filters included.
func (p Path) Equal(q Path) bool {
	return p.Attr.Equal(q.Attr) && strings.EqualFold(p.Sub, q.Sub) && Equal(p.Filter, q.Filter)
}

// Equal reports whether two trees have the same shape, attributes that are
// Equal and the same values. Numbers are the same when written the same way.
func Equal(a, b Expr) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case *And:
		y, ok := b.(*And)
		return ok && Equal(x.Left, y.Left) && Equal(x.Right, y.Right)
	case *Or:
		y, ok := b.(*Or)
		return ok && Equal(x.Left, y.Left) && Equal(x.Right, y.Right)
	case *Not:
		y, ok := b.(*Not)
		return ok && Equal(x.X, y.X)
	case *Compare:
		y, ok := b.(*Compare)
		return ok && x.Attr.Equal(y.Attr) && x.Op == y.Op && validValue(x.Value) && validValue(y.Value) && x.Value == y.Value
	case *Present:
		y, ok := b.(*Present)
		return ok && x.Attr.Equal(y.Attr)
	case *ValuePath:
		y, ok := b.(*ValuePath)
		return ok && x.Attr.Equal(y.Attr) && Equal(x.Filter, y.Filter)
	}
	return false
}

// Walk calls f for e and the nodes below it, parents first and from left to
// right, those inside of value paths included. Where f returns false, the
// nodes below are left out.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	switch e := e.(type) {
	case *And:
		Walk(e.Left, f)
		Walk(e.Right, f)
	case *Or:
		Walk(e.Left, f)
		Walk(e.Right, f)
	case *Not:
		Walk(e.X, f)
	case *ValuePath:
		Walk(e.Filter, f)
	}
}

// Attrs returns the attributes that e compares or asks for presence, each
// once, in the order in which they appear. Those inside of a value path come
// with its attribute in front: emails[type eq "work"] yields emails.type. The
// attribute of a value path is not listed by itself.
func Attrs(e Expr) []AttrPath {
	var list []AttrPath
	add := func(a AttrPath) {
		for _, b := range list {
			if b.Equal(a) {
				return
			}
		}
		list = append(list, a)
	}
	var visit func(Expr, func(AttrPath) AttrPath)
	visit = func(e Expr, resolve func(AttrPath) AttrPath) {
		Walk(e, func(n Expr) bool {
			switch n := n.(type) {
			case *Compare:
				add(resolve(n.Attr))
			case *Present:
				add(resolve(n.Attr))
			case *ValuePath:
				visit(n.Filter, func(a AttrPath) AttrPath {
					if n.Attr.Sub != "" {
						return n.Attr // a path has no room for a third name
					}
					return n.Attr.Child(a.Name)
				})
				return false
			}
			return true
		})
	}
	visit(e, func(a AttrPath) AttrPath { return a })
	return list
}

// Child returns the path of a sub-attribute of a.
func (a AttrPath) Child(sub string) AttrPath { return AttrPath{URN: a.URN, Name: a.Name, Sub: sub} }

// Check reports whether e can be written as a filter; it returns an error that
// is ErrTree where it cannot. Trees that Parse made always can.
func Check(e Expr) error { return check(e, false) }

func check(e Expr, inValue bool) error {
	switch e := e.(type) {
	case *And:
		if err := check(e.Left, inValue); err != nil {
			return err
		}
		return check(e.Right, inValue)
	case *Or:
		if err := check(e.Left, inValue); err != nil {
			return err
		}
		return check(e.Right, inValue)
	case *Not:
		return check(e.X, inValue)
	case *Compare:
		switch {
		case !e.Attr.valid():
			return fmt.Errorf("filter: attribute %q: %w", e.Attr, ErrTree)
		case !e.Op.valid():
			return fmt.Errorf("filter: operator %q on %s: %w", string(e.Op), e.Attr, ErrTree)
		case !validValue(e.Value):
			return fmt.Errorf("filter: value of type %T for %s: %w", e.Value, e.Attr, ErrTree)
		}
		return nil
	case *Present:
		if !e.Attr.valid() {
			return fmt.Errorf("filter: attribute %q: %w", e.Attr, ErrTree)
		}
		return nil
	case *ValuePath:
		if !e.Attr.valid() {
			return fmt.Errorf("filter: attribute %q: %w", e.Attr, ErrTree)
		}
		if inValue {
			return fmt.Errorf("filter: %s: value path inside a value path: %w", e.Attr, ErrTree)
		}
		return check(e.Filter, true)
	}
	return fmt.Errorf("filter: node of type %T: %w", e, ErrTree)
}
