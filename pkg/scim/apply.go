package scim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Apply carries out PATCH operations on a copy of the document, as RFC 7644
// section 3.5.2 describes it, and answers the copy. It is for servers without
// PATCH, to which the result then goes by PUT.
//
// It knows no schema, so the document and the value tell what is multi-valued;
// of an attribute that is not there yet, the names of RFC 7643 do. To remove,
// or to replace by nothing, what is not there is no error, and a replace whose
// selector matches no element adds one, as most servers do in place of
// noTarget. An operation that cannot be understood is ErrInvalid or ErrPath.
func (d Document) Apply(ops []PatchOp) (Document, error) {
	out := d.Clone()
	if out == nil {
		out = Document{}
	}
	for i, op := range ops {
		if err := out.apply(op); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i+1, err)
		}
	}
	return out, nil
}

func (d Document) apply(op PatchOp) error {
	name := strings.ToLower(op.Op)
	switch name {
	case "remove":
		if op.Path == "" {
			return fmt.Errorf("%w: remove needs a path", ErrInvalid)
		}
		return d.remove(op.Path, op.Value)
	case "add", "replace":
	default:
		return fmt.Errorf("%w: %q is not add, remove or replace", ErrInvalid, clean(op.Op, 40))
	}
	if op.Path != "" {
		return d.put(name, op.Path, op.Value)
	}
	attrs, ok := asMap(op.Value)
	if !ok {
		return fmt.Errorf("%w: %s without a path needs an object of attributes", ErrInvalid, name)
	}
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		v := attrs[key]
		inner, isMap := asMap(v)
		if !isMap || !isExtension(key) {
			if err := d.put(name, key, v); err != nil {
				return err
			}
			continue
		}
		for _, sub := range slices.Sorted(maps.Keys(inner)) {
			if err := d.put(name, key+":"+sub, inner[sub]); err != nil {
				return err
			}
		}
	}
	return nil
}

// isExtension says whether a member's name is the URN of an extension rather
// than an attribute with its URN in front: the latter ends with a word in
// lower case, as names of attributes do.
func isExtension(name string) bool {
	if len(name) < 4 || !strings.EqualFold(name[:4], "urn:") {
		return false
	}
	_, last, _ := cutLast(name, ':')
	return last != "" && last[0] >= 'A' && last[0] <= 'Z'
}

// put adds or replaces what is at a path.
func (d Document) put(op, path string, v any) error {
	p, err := parseDocPath(path)
	if err != nil {
		return err
	}
	if v == nil { // to replace by nothing is to unassign (RFC 7643 section 2.5)
		if op == "replace" {
			d.Delete(path)
		}
		return nil
	}
	v = cloneValue(v)
	if p.selector != nil {
		if err := d.Set(path, v); err != nil {
			return err
		}
		d.keepOnePrimary(p, func(e any) bool { return p.selector.hit(e) })
		return nil
	}
	now, there := d.Get(path)
	list, isList := asList(now)
	more, manyNew := asList(v)
	single, isMap := asMap(v)
	switch {
	case op == "add" && (isList || manyNew || !there && isMap && isPlural(p)):
		if !manyNew {
			more = []any{v}
		}
		merged, added := union(list, more)
		if there && !isList && now != nil {
			return fmt.Errorf("%w: %s has one value, not several", ErrPath, clean(path, 80))
		}
		if err := d.Set(path, merged); err != nil {
			return err
		}
		d.keepOnePrimary(p, func(e any) bool { return containsValue(added, e) })
		return nil
	case isMap && isPlural(p) && op == "replace" && !manyNew:
		return d.Set(path, []any{v})
	case isMap:
		// Sub-attributes that are not named stay (RFC 7644 section 3.5.2.3).
		if have, ok := asMap(now); ok {
			for _, k := range slices.Sorted(maps.Keys(single)) {
				at := findKey(have, k)
				if at == "" {
					at = k
				}
				have[at] = single[k]
			}
			return nil
		}
	}
	return d.Set(path, v)
}

// remove takes out what is at a path. A value, which RFC 7644 does not foresee
// but some clients send, names the elements to take out.
func (d Document) remove(path string, v any) error {
	p, err := parseDocPath(path)
	if err != nil {
		return err
	}
	gone, ok := asList(v)
	if !ok && v != nil {
		gone = []any{v}
	}
	now, _ := d.Get(path)
	list, isList := asList(now)
	if len(gone) == 0 || !isList || p.selector != nil {
		d.Delete(path)
		return nil
	}
	left := make([]any, 0, len(list))
	for _, e := range list {
		if !slices.ContainsFunc(gone, func(g any) bool { return sameElement(e, g) }) {
			left = append(left, e)
		}
	}
	if len(left) == 0 {
		d.Delete(path)
		return nil
	}
	return d.Set(path, left)
}

// sameElement compares two elements: by their value where both have one, since
// the server adds display and $ref on its own.
func sameElement(a, b any) bool {
	x, ok1 := asMap(a)
	y, ok2 := asMap(b)
	if ok1 && ok2 {
		v, w := text(x[findKey(x, "value")]), text(y[findKey(y, "value")])
		if v != "" && w != "" {
			t, u := text(x[findKey(x, "type")]), text(y[findKey(y, "type")])
			return v == w && (t == "" || u == "" || strings.EqualFold(t, u))
		}
	}
	return EqualValues(a, b)
}

// union is have with those of more that it lacks, and those that were added.
func union(have, more []any) (all, added []any) {
	all = append(all, have...)
	for _, e := range more {
		if !slices.ContainsFunc(all, func(x any) bool { return sameElement(x, e) }) {
			all, added = append(all, e), append(added, e)
		}
	}
	return all, added
}

func containsValue(list []any, v any) bool {
	return slices.ContainsFunc(list, func(e any) bool { return EqualValues(e, v) })
}

// keepOnePrimary takes the mark off all others when a new element is the
// primary one (RFC 7644 section 3.5.2).
func (d Document) keepOnePrimary(p docPath, fresh func(any) bool) {
	holder, key, ok := d.home(p)
	if !ok {
		return
	}
	list, ok := asList(holder[key])
	if !ok {
		return
	}
	var chosen []any
	for _, e := range list {
		if m, ok := asMap(e); ok && text(m[findKey(m, "primary")]) == "true" && fresh(e) {
			chosen = append(chosen, e)
		}
	}
	if len(chosen) == 0 {
		return
	}
	for _, e := range list {
		if m, ok := asMap(e); ok && !containsValue(chosen, e) && text(m[findKey(m, "primary")]) == "true" {
			m[findKey(m, "primary")] = false
		}
	}
}

// isPlural says whether the schemas of RFC 7643 make an attribute multi-valued.
func isPlural(p docPath) bool {
	if p.sub != "" || p.urn != "" && !isCore(p.urn) {
		return false
	}
	switch strings.ToLower(p.name) {
	case "emails", "phonenumbers", "ims", "photos", "addresses", "groups", "entitlements", "roles", "x509certificates", "members":
		return true
	}
	return false
}
