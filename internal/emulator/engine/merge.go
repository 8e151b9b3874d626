package engine

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// writable normalises a value for the attribute and drops what only the server
// sets.
func (a *attr) writable(v any) (any, error) {
	w, err := a.normalise(v)
	if err != nil {
		return nil, err
	}
	return a.stripReadOnly(w), nil
}

// stripReadOnly removes readOnly sub-attributes: the server computes them, and
// clients send back what they read.
func (a *attr) stripReadOnly(v any) any {
	if a.subs == nil {
		return v
	}
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, x := range v {
			if x = a.stripReadOnly(x); x != nil {
				list = append(list, x)
			}
		}
		return listOrNil(list)
	case map[string]any:
		for k := range v {
			if sub := a.subs.get(k); sub != nil && sub.readOnly() {
				delete(v, k)
			}
		}
		return orNil(v)
	}
	return v
}

// merge appends elements, replacing those that have the same key.
func merge(a *attr, old, more []any) []any {
	list := slices.Clone(old)
	for _, x := range more {
		i := slices.IndexFunc(list, func(y any) bool { return sameElement(a, x, y) })
		m, isMap := x.(map[string]any)
		switch {
		case i < 0:
			list = append(list, x)
		case isMap:
			merged := maps1(list[i])
			for k, v := range m {
				merged[k] = v
			}
			list[i] = merged
		}
	}
	return list
}

// sameElement says that two elements have the same composite key; without a
// declared one the whole element is the key.
func sameElement(a *attr, x, y any) bool {
	p, ok := x.(map[string]any)
	q, ok2 := y.(map[string]any)
	if !ok || !ok2 || len(a.CompositeKey) == 0 {
		return equal(x, y)
	}
	for _, name := range a.CompositeKey {
		sub := a.sub(name)
		if sub == nil {
			return equal(x, y)
		}
		if !sameValue(sub, p[sub.Name], q[sub.Name]) {
			return false
		}
	}
	return true
}

func sameValue(a *attr, x, y any) bool {
	s, ok := x.(string)
	t, ok2 := y.(string)
	if ok && ok2 && !a.CaseExact && a.Type == schema.TypeString {
		return strings.EqualFold(s, t)
	}
	return equal(x, y)
}

// dedupe removes elements that repeat the key of a later one, and makes
// primary unique: where an operation made another element the primary one, the
// former gives it up.
func dedupe(a *attr, before, list []any) []any {
	if len(a.CompositeKey) > 0 {
		kept := list[:0:0]
		for i, x := range list {
			if !slices.ContainsFunc(list[i+1:], func(y any) bool { return sameElement(a, x, y) }) {
				kept = append(kept, x)
			}
		}
		list = kept
	}
	primary := func(x any) bool { p, _ := asMap(x)["primary"].(bool); return p }
	fresh := func(x any) bool {
		return primary(x) && !slices.ContainsFunc(before, func(y any) bool { return primary(y) && sameElement(a, x, y) })
	}
	last := -1
	for i, x := range list {
		if fresh(x) {
			last = i
		}
	}
	if last < 0 {
		return list
	}
	list = slices.Clone(list)
	for i, x := range list {
		if i != last && primary(x) {
			m := maps1(x)
			m["primary"] = false
			list[i] = m
		}
	}
	return list
}

// maps1 copies an element one level deep.
func maps1(x any) map[string]any {
	m := map[string]any{}
	for k, v := range asMap(x) {
		m[k] = v
	}
	return m
}

func asMap(x any) map[string]any {
	m, _ := x.(map[string]any)
	return m
}

func orNil(m map[string]any) any {
	if len(m) == 0 {
		return nil
	}
	return m
}

func listOrNil(l []any) any {
	if len(l) == 0 {
		return nil
	}
	return l
}
