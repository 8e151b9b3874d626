package mapping

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim"
)

// element is one element of a multi-valued attribute on its way from what it
// is to what the row wants.
type element struct {
	cur   map[string]any // as the service has it; nil for a new one
	next  map[string]any // as it shall be; nil for one that goes
	slot  *slotPlan      // the slot it was matched with
	diffs []string       // sub-attributes that change, in order
}

func (e *element) typ() string {
	for _, m := range []map[string]any{e.next, e.cur} {
		if t, ok := m["type"].(string); ok {
			return t
		}
	}
	return ""
}

func (e *element) is(typ string) bool { return strings.EqualFold(e.typ(), typ) }

func primaryIn(m map[string]any) bool {
	v, _ := member(m, "primary")
	b, _ := v.(bool)
	return b
}

// changeList makes the elements of a list what the row wants: first in memory,
// then as operations.
func (s *spec) changeList(l *list, before scim.Document) []scim.PatchOp {
	var elems []*element
	for _, m := range (target{name: l.name}).elements(before) {
		elems = append(elems, &element{cur: m, next: cloneFlat(m)})
	}
	touched := false
	for _, sl := range l.slots {
		elems = s.fillSlot(l, sl, elems, &touched)
	}
	if touched && s.plan.opts.MultiValued == Replace {
		s.dropOthers(l, elems)
	}
	s.choosePrimary(l, elems, touched)
	if s.plan.opts.MultiValued == Replace {
		return replaceList(l.name, elems)
	}
	return patchList(l.name, elems)
}

func cloneFlat(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// fillSlot brings one slot of the row into the elements. Touched becomes true
// when the row has anything to say.
func (s *spec) fillSlot(l *list, sl *slotPlan, elems []*element, touched *bool) []*element {
	var mine []*element
	for _, e := range elems {
		if e.is(sl.typ) {
			mine = append(mine, e)
		}
	}
	for _, i := range sl.binds {
		// Without its value an element is nothing: it goes, and all others
		// of its type, so that the slot is empty indeed.
		if s.vals[i].state == cleared && s.plan.binds[i].target.sub == "value" {
			*touched = true
			for _, e := range mine {
				e.next = nil
			}
			return elems
		}
	}
	content := s.hasContent(sl)
	if content {
		*touched = true
	}
	if len(mine) == 0 {
		if !content {
			return elems
		}
		e := &element{next: map[string]any{"type": sl.typ}, slot: sl}
		for _, i := range sl.binds {
			if s.vals[i].state == set {
				e.next[s.plan.binds[i].target.sub] = s.vals[i].any(s.plan.binds[i].col.Kind)
			}
		}
		return append(elems, e)
	}
	e := s.match(sl, mine)
	e.slot = sl
	for _, i := range sl.binds {
		// A flag beside an empty value would speak of an element that the row
		// does not name, such as the recovery address added by the service.
		if !content && sl.named(s.plan) && s.plan.binds[i].col.Kind == Bool {
			continue
		}
		s.fillSub(e, i, touched)
	}
	if len(e.diffs) > 0 && hollow(l.name, e.next) {
		e.next, e.diffs = nil, nil
	}
	return elems
}

// named says whether the file has a column for the element's value, not only
// for its flags.
func (sl *slotPlan) named(p *plan) bool {
	return slices.ContainsFunc(sl.binds, func(i int) bool { return p.binds[i].col.Kind != Bool })
}

// fillSub sets one part of an element.
func (s *spec) fillSub(e *element, i int, touched *bool) {
	b, v := &s.plan.binds[i], s.vals[i]
	sub := b.target.sub
	have, ok := e.next[sub]
	switch v.state {
	case cleared:
		if ok && !isEmpty(have) {
			delete(e.next, sub)
			e.diffs = append(e.diffs, sub)
			*touched = true
		}
	case set:
		if !ok && b.col.Kind == Bool && !v.flag || ok && equal(b.col.Kind, have, v) {
			return
		}
		e.next[sub] = like(have, v, b.col.Kind)
		e.diffs = append(e.diffs, sub)
	}
}

// match finds the element that a slot means: the one that has its value
// already, or else the first of the type.
func (s *spec) match(sl *slotPlan, mine []*element) *element {
	for _, i := range sl.binds {
		b := &s.plan.binds[i]
		if b.target.sub != "value" || s.vals[i].state != set {
			continue
		}
		for _, e := range mine {
			if equal(b.col.Kind, e.cur["value"], s.vals[i]) {
				return e
			}
		}
	}
	return mine[0]
}

// hollow says that nothing but the type is left of an address.
func hollow(attr string, m map[string]any) bool {
	if attr != "addresses" {
		return false
	}
	for k, v := range m {
		if k != "type" && k != "primary" && !isEmpty(v) {
			return false
		}
	}
	return true
}

// dropOthers removes what the row does not name. A recovery address stays when
// the file has no column for it: the service adds one by itself, and would
// again.
func (s *spec) dropOthers(l *list, elems []*element) {
	recovery := slices.ContainsFunc(l.slots, func(sl *slotPlan) bool { return strings.EqualFold(sl.typ, "recovery") })
	for _, e := range elems {
		if e.next == nil || e.is("recovery") && !recovery {
			continue
		}
		if e.slot == nil || e.cur != nil && !s.hasContent(e.slot) && !e.is("recovery") {
			e.next = nil
		}
	}
}

// choosePrimary marks the element that the row calls primary. A list of
// addresses that would be left without one gets the default.
func (s *spec) choosePrimary(l *list, elems []*element, touched bool) {
	var now, chosen *element
	pick := func(typ string) *element {
		var first *element
		for _, e := range elems {
			if e.next == nil || !e.is(typ) {
				continue
			}
			if primaryIn(e.next) {
				return e
			}
			if first == nil || first.slot == nil && e.slot != nil {
				first = e
			}
		}
		return first
	}
	for _, e := range elems {
		if e.next != nil && primaryIn(e.next) {
			now = e
		}
	}
	if want := s.selected(l); want != "" {
		chosen = pick(want)
	}
	if chosen == nil && now == nil && touched && l.name == "emails" {
		for _, typ := range []string{"work", "home", "other"} {
			if chosen = pick(typ); chosen != nil {
				break
			}
		}
	}
	if chosen == nil {
		return
	}
	for _, e := range elems {
		switch {
		case e.next == nil:
		case e == chosen && !primaryIn(e.next):
			e.next["primary"] = true
			e.diffs = append(e.diffs, "primary")
		case e != chosen && primaryIn(e.next):
			e.next["primary"] = false
			e.diffs = append(e.diffs, "primary")
		}
	}
}

// replaceList writes the list whole, if anything in it changes.
func replaceList(attr string, elems []*element) []scim.PatchOp {
	changed := false
	list := []any{}
	for _, e := range elems {
		changed = changed || e.next == nil || e.cur == nil || len(e.diffs) > 0
		if e.next != nil {
			// The server's own parts are refused in a write.
			m := cloneFlat(e.next)
			for _, k := range []string{"display", "$ref", "pendingVerificationData"} {
				delete(m, k)
			}
			if attr == "phoneNumbers" {
				delete(m, "verified")
			}
			list = append(list, m)
		}
	}
	switch {
	case !changed:
		return nil
	case len(list) == 0:
		return []scim.PatchOp{{Op: opRemove, Path: attr}}
	}
	return []scim.PatchOp{{Op: opReplace, Path: attr, Value: list}}
}

// patchList writes what changes, element by element. The order keeps every
// path meaning one element: what stops being primary, parts with the value
// last, removals, new elements, what becomes primary.
func patchList(attr string, elems []*element) []scim.PatchOp {
	var ops, last []scim.PatchOp
	state := make([]map[string]any, len(elems)) // as the server has it so far
	for i, e := range elems {
		if e.cur != nil {
			state[i] = cloneFlat(e.cur)
		}
	}
	path := func(i int, sub string) string {
		typ, value := textOf(state[i]["type"]), ""
		same := 0
		for _, m := range state {
			if m != nil && strings.EqualFold(textOf(m["type"]), typ) {
				same++
			}
		}
		if same > 1 {
			value = textOf(state[i]["value"])
		}
		return elementPath(attr, typ, value, sub)
	}
	write := func(i int, sub string) scim.PatchOp {
		op := scim.PatchOp{Op: opRemove, Path: path(i, sub)}
		if want, ok := elems[i].next[sub]; ok {
			// The element exists, so that replace is right even where this
			// part of it is new (RFC 7644 section 3.5.2.3).
			op.Op, op.Value = opReplace, want
			state[i][sub] = want
		} else {
			delete(state[i], sub)
		}
		return op
	}
	for i, e := range elems {
		if e.cur != nil && e.next != nil && slices.Contains(e.diffs, "primary") && !primaryIn(e.next) {
			ops = append(ops, write(i, "primary"))
		}
	}
	for i, e := range elems {
		if e.cur == nil || e.next == nil {
			continue
		}
		for _, sub := range e.diffs {
			if sub != "primary" {
				ops = append(ops, write(i, sub))
			}
		}
	}
	gone := map[string]bool{}
	for i, e := range elems {
		if e.cur != nil && e.next == nil {
			if p := path(i, ""); !gone[p] {
				gone[p] = true
				ops = append(ops, scim.PatchOp{Op: opRemove, Path: p})
			}
			state[i] = nil
		}
	}
	var fresh []any
	for i, e := range elems {
		if e.cur == nil && e.next != nil {
			fresh = append(fresh, e.next)
			state[i] = cloneFlat(e.next)
		}
	}
	if len(fresh) > 0 {
		last = append(last, scim.PatchOp{Op: opAdd, Path: attr, Value: fresh})
	}
	for i, e := range elems {
		if e.cur != nil && e.next != nil && slices.Contains(e.diffs, "primary") && primaryIn(e.next) {
			last = append(last, write(i, "primary"))
		}
	}
	return append(ops, last...)
}
