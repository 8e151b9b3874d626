package where

import (
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Plan is a condition in two parts. Server is what the service is asked for,
// nil for everything; Here is what is still to be matched on each answer, nil
// for nothing. A resource meets the condition exactly when it meets both.
type Plan struct {
	Server filter.Expr
	Here   filter.Expr
	// Unsearchable are the attributes for which Here is needed.
	Unsearchable []filter.AttrPath
}

// Split divides a condition by which attributes the service can search.
func Split(e filter.Expr, searchable func(filter.AttrPath) bool) Plan {
	s := splitter{searchable}
	var plan Plan
	for _, part := range conjuncts(e, nil) {
		plan.Server = filter.AllOf(plan.Server, s.superset(part, false))
		if !s.pure(part) {
			plan.Here = filter.AllOf(plan.Here, part)
		}
	}
	for _, a := range filter.Attrs(plan.Here) {
		if !searchable(a) {
			plan.Unsearchable = append(plan.Unsearchable, a)
		}
	}
	return plan
}

// conjuncts are the parts of which all must hold.
func conjuncts(e filter.Expr, to []filter.Expr) []filter.Expr {
	switch and := e.(type) {
	case nil:
		return to
	case *filter.And:
		return conjuncts(and.Right, conjuncts(and.Left, to))
	}
	return append(to, e)
}

type splitter struct{ searchable func(filter.AttrPath) bool }

// pure says whether the service can search all of e.
func (s splitter) pure(e filter.Expr) bool {
	for _, a := range filter.Attrs(e) {
		if !s.searchable(a) {
			return false
		}
	}
	return true
}

// superset is a condition that the service can search and that holds wherever
// e does (or, negated, wherever e does not); nil where that is everything.
func (s splitter) superset(e filter.Expr, negated bool) filter.Expr {
	if s.pure(e) {
		if negated {
			return filter.Negate(e)
		}
		return e
	}
	both := func(l, r filter.Expr, all bool) filter.Expr {
		l, r = s.superset(l, negated), s.superset(r, negated)
		if all {
			return filter.AllOf(l, r)
		}
		return filter.AnyOf(l, r)
	}
	switch e := e.(type) {
	case *filter.And:
		return both(e.Left, e.Right, !negated)
	case *filter.Or:
		return both(e.Left, e.Right, negated)
	case *filter.Not:
		return s.superset(e.X, !negated)
	}
	return nil
}
