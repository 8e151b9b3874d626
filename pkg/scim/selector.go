package scim

import (
	"fmt"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// selector picks elements of a multi-valued attribute by a filter.
type selector struct {
	expr  filter.Expr
	match *filter.Matcher
}

func newSelector(text string) (*selector, error) {
	e, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	m, err := filter.CompileElement(e, nil, filter.AttrPath{})
	if err != nil {
		return nil, err
	}
	return &selector{e, m}, nil
}

func (s *selector) hit(elem any) bool {
	if m, ok := asMap(elem); ok {
		elem = m
	}
	return s.match.MatchElement(elem)
}

// pick answers the elements that match; a single value counts as one element.
func (s *selector) pick(v any) []any {
	list, ok := asList(v)
	if !ok {
		list = []any{v}
	}
	var out []any
	for _, e := range list {
		if s.hit(e) {
			out = append(out, e)
		}
	}
	return out
}

// set changes the elements that match, or adds one made from the eq terms.
func (s *selector) set(holder map[string]any, key, rest string, v any) error {
	list, ok := asList(holder[key])
	if !ok && holder[key] != nil {
		return fmt.Errorf("%w: %s is not multi-valued", ErrPath, key)
	}
	list = append([]any(nil), list...)
	hits := 0
	for i, e := range list {
		if !s.hit(e) {
			continue
		}
		hits++
		if rest == "" {
			list[i] = cloneValue(v)
			continue
		}
		if err := setIn(map[string]any{key: e}, key, rest, v); err != nil {
			return err
		}
	}
	if hits == 0 {
		elem := map[string]any{}
		if err := s.seed(elem); err != nil {
			return err
		}
		switch {
		case rest != "":
			if err := setIn(map[string]any{key: elem}, key, rest, v); err != nil {
				return err
			}
		default:
			m, ok := asMap(v)
			if !ok {
				return fmt.Errorf("%w: an element of %s must be an object", ErrPath, key)
			}
			for k, x := range m {
				elem[k] = cloneValue(x)
			}
		}
		list = append(list, elem)
	}
	holder[key] = list
	return nil
}

// seed makes a new element satisfy the selector. Only eq terms joined by and
// say what a new element has to be.
func (s *selector) seed(elem map[string]any) error {
	var walk func(filter.Expr) error
	walk = func(e filter.Expr) error {
		switch e := e.(type) {
		case *filter.And:
			if err := walk(e.Left); err != nil {
				return err
			}
			return walk(e.Right)
		case *filter.Compare:
			if e.Op == filter.OpEqual && e.Attr.URN == "" && e.Attr.Sub == "" {
				elem[e.Attr.Name] = e.Value
				return nil
			}
		}
		return fmt.Errorf("%w: no element matches, and one cannot be made from %s", ErrPath, clean(s.expr.String(), 80))
	}
	return walk(s.expr)
}

// remove takes out the elements that match, or a member of each.
func (s *selector) remove(holder map[string]any, key, rest string) bool {
	list, ok := asList(holder[key])
	if !ok {
		return false
	}
	removed := false
	var left []any
	for _, e := range list {
		switch {
		case !s.hit(e):
			left = append(left, e)
		case rest == "":
			removed = true
		default:
			removed = deleteIn(e, rest) || removed
			left = append(left, e)
		}
	}
	if !removed || rest != "" {
		return removed
	}
	if len(left) == 0 {
		delete(holder, key)
	} else {
		holder[key] = left
	}
	return true
}
