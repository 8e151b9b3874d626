package engine

import (
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// PatchOp is one operation of a PATCH (RFC 7644 section 3.5.2): add, remove
// or replace in any case. Path may be empty for add and replace with an
// object.
type PatchOp struct {
	Op    string
	Path  string
	Value any
}

// step is an operation on one target.
type step struct {
	op string // add, remove or replace
	target
	match *filter.Matcher
	value any
	named bool // the operation named the attribute in its path
	// strict says that a filter which selects nothing is an error, as RFC 7644
	// section 3.5.2.3 has it.
	strict bool
}

// steps resolves operations. One without path becomes one for each member of
// its value.
func (ti *typeInfo) steps(ops []PatchOp) ([]step, error) {
	var list []step
	for i, op := range ops {
		kind := strings.ToLower(op.Op)
		if kind != "add" && kind != "remove" && kind != "replace" {
			return nil, fail(http.StatusBadRequest, scimInvalidSyntax, msgPatch, "Operation %d: op must be add, remove or replace.", i+1)
		}
		if op.Path != "" {
			s, err := ti.step(kind, op.Path, op.Value)
			if err != nil {
				return nil, err
			}
			s.named = true
			if list, err = ti.expand(list, s); err != nil {
				return nil, err
			}
			continue
		}
		if kind == "remove" {
			return nil, fail(http.StatusBadRequest, scimNoTarget, msgNoTarget, "Operation %d: remove needs a path.", i+1)
		}
		m, ok := op.Value.(map[string]any)
		if !ok {
			return nil, fail(http.StatusBadRequest, scimInvalidSyntax, msgPatch, "Operation %d: without a path the value must be an object.", i+1)
		}
		for _, key := range sortedKeys(m) {
			if strings.EqualFold(key, "schemas") {
				continue // completed by the server from what is there
			}
			s, err := ti.step(kind, key, m[key])
			if err != nil {
				return nil, err
			}
			if list, err = ti.expand(list, s); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

func (ti *typeInfo) step(kind, path string, v any) (step, error) {
	t, err := ti.resolve(path)
	if err != nil {
		return step{}, err
	}
	if t == nil {
		return step{}, fail(http.StatusBadRequest, scimInvalidPath, msgPath, "Attribute %s is not defined.", path)
	}
	s := step{op: kind, target: *t, value: v, strict: ti.plain()}
	if t.attr != nil {
		s.match, err = ti.matcher(t)
	}
	return s, err
}

// expand turns a step on a whole schema into one for each attribute.
func (ti *typeInfo) expand(list []step, s step) ([]step, error) {
	if s.set == nil {
		return append(list, s), nil
	}
	if s.op == "remove" {
		for _, a := range s.set.list {
			if !a.readOnly() && s.set != ti.core {
				list = append(list, step{op: "remove", target: target{attr: a}})
			}
		}
		return list, nil
	}
	m, ok := s.value.(map[string]any)
	if !ok {
		return nil, bad(msgType, "Attribute %s must be an object.", s.set.urn)
	}
	for _, name := range sortedKeys(m) {
		a := s.set.get(name)
		if a == nil && ti.ignores(name) {
			continue
		}
		if a == nil {
			return nil, bad(msgUnknown, "Attribute %s:%s is not defined.", s.set.urn, name)
		}
		list = append(list, step{op: s.op, target: target{attr: a}, value: m[name]})
	}
	return list, nil
}

// apply changes doc. On an error doc is in between and must be thrown away.
func (ti *typeInfo) apply(doc Document, s step) error {
	if ti.plain() && s.op == "remove" && s.sub == nil && s.filter == nil && s.attr.Required {
		// RFC 7644 section 3.5.2.2.
		return fail(http.StatusBadRequest, scimMutability, msgMissingAttributes, "Attribute %s is required and cannot be removed.", s.attr.path)
	}
	if s.readOnly() {
		if !s.named && acceptUnchangedReadOnly {
			if v, err := s.attr.normalise(s.value); err == nil && equal(v, value(doc, s.attr)) {
				return nil
			}
		}
		return readOnlyError(s.attr, s.sub)
	}
	before := elements(value(doc, s.attr))
	if s.sub != nil && s.filter == nil {
		before = nil // every element is set: the last one stays the primary one
	}
	if err := s.apply(doc); err != nil {
		return err
	}
	if s.attr.MultiValued && s.attr.complex() {
		if list := dedupe(s.attr, before, elements(value(doc, s.attr))); len(list) > 0 {
			setValue(doc, s.attr, list)
		} else {
			setValue(doc, s.attr, nil)
		}
	}
	return nil
}

func (s *step) readOnly() bool {
	return s.attr.readOnly() || s.sub != nil && s.sub.readOnly()
}

func readOnlyError(a, sub *attr) error {
	if sub != nil {
		a = sub
	}
	return fail(http.StatusBadRequest, scimMutability, msgReadOnly, "Attribute %s is read-only.", a.path)
}

func (s *step) apply(doc Document) error {
	switch {
	case s.filter != nil:
		return s.applyFiltered(doc)
	case s.sub != nil:
		return s.applySub(doc)
	case s.op == "remove":
		return s.applyRemove(doc)
	}
	v, err := s.attr.writable(s.value)
	if err != nil {
		return err
	}
	old := value(doc, s.attr)
	switch {
	case v == nil:
		if s.op == "replace" {
			setValue(doc, s.attr, nil)
		}
	case s.attr.MultiValued && s.op == "add":
		setValue(doc, s.attr, merge(s.attr, elements(old), v.([]any)))
	case !s.attr.MultiValued && s.attr.complex() && old != nil:
		// RFC 7644 3.5.2.3: the sub-attributes given are replaced or added.
		m, _ := clone(old).(map[string]any)
		for k, x := range v.(map[string]any) {
			m[k] = x
		}
		for k, x := range asMap(s.value) {
			if sub := s.attr.sub(k); x == nil && sub != nil && !sub.readOnly() {
				delete(m, sub.Name)
			}
		}
		setValue(doc, s.attr, orNil(m))
	default:
		setValue(doc, s.attr, v)
	}
	return nil
}

// applyRemove removes an attribute, or, as some clients ask for, those of its
// elements that the value lists.
func (s *step) applyRemove(doc Document) error {
	if s.value == nil || !s.attr.MultiValued {
		setValue(doc, s.attr, nil)
		return nil
	}
	v, err := s.attr.writable(s.value)
	if err != nil {
		return err
	}
	gone := elements(v)
	left := slices.DeleteFunc(slices.Clone(elements(value(doc, s.attr))), func(x any) bool {
		return slices.ContainsFunc(gone, func(g any) bool { return covers(g, x) })
	})
	setValue(doc, s.attr, listOrNil(left))
	return nil
}

// covers says that every member of the pattern is in the element.
func covers(pattern, x any) bool {
	p, ok := pattern.(map[string]any)
	m, isMap := x.(map[string]any)
	if !ok || !isMap {
		return equal(pattern, x)
	}
	for k, v := range p {
		if !equal(v, m[k]) {
			return false
		}
	}
	return len(p) > 0
}

func (s *step) applySub(doc Document) error {
	var v any
	if s.op != "remove" {
		var err error
		if v, err = s.sub.writable(s.value); err != nil {
			return err
		}
	}
	old := elements(value(doc, s.attr))
	if len(old) == 0 {
		switch {
		case v == nil:
			return nil
		case s.attr.MultiValued:
			return fail(http.StatusBadRequest, scimNoTarget, msgNoTarget, "Attribute %s has no element.", s.attr.path)
		}
		setValue(doc, s.attr, map[string]any{s.sub.Name: v})
		return nil
	}
	list := make([]any, 0, len(old))
	for _, x := range old {
		m := maps1(x)
		s.setSub(m, v)
		if len(m) > 0 {
			list = append(list, m)
		}
	}
	s.store(doc, list)
	return nil
}

// setSub sets the sub-attribute of one element; a list is added to with add.
func (s *step) setSub(m map[string]any, v any) {
	switch {
	case v == nil:
		if s.op != "add" {
			delete(m, s.sub.Name)
		}
	case s.sub.MultiValued && s.op == "add":
		m[s.sub.Name] = merge(s.sub, elements(m[s.sub.Name]), v.([]any))
	default:
		m[s.sub.Name] = v
	}
}

// store writes back the elements of the attribute.
func (s *step) store(doc Document, list []any) {
	switch {
	case len(list) == 0:
		setValue(doc, s.attr, nil)
	case s.attr.MultiValued:
		setValue(doc, s.attr, list)
	default:
		setValue(doc, s.attr, list[0])
	}
}

func (s *step) applyFiltered(doc Document) error {
	if !s.attr.complex() && s.sub != nil {
		return fail(http.StatusBadRequest, scimInvalidPath, msgPath, "Attribute %s has no sub-attributes.", s.attr.path)
	}
	old := elements(value(doc, s.attr))
	hit := make([]bool, len(old))
	hits := 0
	for i, x := range old {
		if hit[i] = s.match.MatchElement(x); hit[i] {
			hits++
		}
	}
	if s.op == "remove" {
		list := make([]any, 0, len(old))
		for i, x := range old {
			switch {
			case !hit[i]:
				list = append(list, x)
			case s.sub != nil:
				m := maps1(x)
				delete(m, s.sub.Name)
				if len(m) > 0 {
					list = append(list, m)
				}
			}
		}
		s.store(doc, list)
		return nil
	}
	if hits == 0 {
		if s.strict {
			return fail(http.StatusBadRequest, scimNoTarget, msgNoTarget, "The filter selects no element of %s.", s.attr.path)
		}
		return s.addFromFilter(doc, old)
	}
	list := make([]any, 0, len(old))
	for i, x := range old {
		if hit[i] {
			var err error
			if x, err = s.changed(x); err != nil {
				return err
			}
		}
		if x != nil {
			list = append(list, x)
		}
	}
	s.store(doc, list)
	return nil
}

// changed is a selected element after the operation, or nil where nothing is
// left of it.
func (s *step) changed(x any) (any, error) {
	if s.sub != nil {
		v, err := s.sub.writable(s.value)
		if err != nil {
			return nil, err
		}
		m := maps1(x)
		s.setSub(m, v)
		return orNil(m), nil
	}
	v, err := s.element()
	if err != nil {
		return nil, err
	}
	if m, ok := v.(map[string]any); ok && s.op == "add" {
		merged := maps1(x)
		for k, w := range m {
			merged[k] = w
		}
		return merged, nil
	}
	return v, nil
}

// element reads the value of an operation on selected elements: an element, or
// a list of one, as a recorded request has it.
func (s *step) element() (any, error) {
	v := s.value
	if l, ok := v.([]any); ok {
		if len(l) != 1 {
			return nil, fail(http.StatusBadRequest, scimInvalidValue, msgPatch,
				"The value for the selected elements of %s must be one element.", s.attr.path)
		}
		v = l[0]
	}
	w, err := s.attr.normaliseOne(v)
	if err != nil {
		return nil, err
	}
	return s.attr.stripReadOnly(w), nil
}

// addFromFilter adds the element that the filter describes where it selected
// none.
func (s *step) addFromFilter(doc Document, old []any) error {
	given := map[string]any{}
	if !createFromFilter || !s.attr.complex() || !s.attr.MultiValued || !describes(s.filter, s.attr, given) {
		return fail(http.StatusBadRequest, scimNoTarget, msgNoTarget, "The filter selects no element of %s.", s.attr.path)
	}
	if s.sub != nil {
		v, err := s.sub.writable(s.value)
		if err != nil {
			return err
		}
		if v == nil {
			return nil
		}
		given[s.sub.Name] = v
	} else {
		v, err := s.element()
		if err != nil {
			return err
		}
		for k, x := range asMap(v) {
			given[k] = x
		}
	}
	setValue(doc, s.attr, append(slices.Clone(old), given))
	return nil
}

// describes reads the element that a conjunction of eq comparisons means.
func describes(e filter.Expr, a *attr, into map[string]any) bool {
	switch e := e.(type) {
	case *filter.And:
		return describes(e.Left, a, into) && describes(e.Right, a, into)
	case *filter.Compare:
		sub := a.sub(e.Attr.Name)
		if e.Op != filter.OpEqual || sub == nil || sub.readOnly() || e.Value == nil {
			return false
		}
		v, err := sub.normalise(e.Value)
		if err != nil || v == nil {
			return false
		}
		into[sub.Name] = v
		return true
	}
	return false
}
