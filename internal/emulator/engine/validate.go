package engine

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// dropReadOnly removes what only the server sets from a document that a client
// creates: a create ignores it silently.
func (ti *typeInfo) dropReadOnly(doc Document) {
	_ = ti.each(doc, func(a *attr, v any) error {
		switch {
		case a.readOnly():
			setValue(doc, a, nil)
		case a.partly:
			setValue(doc, a, a.stripReadOnly(v))
		}
		return nil
	})
}

// setDefaults gives attributes that a create leaves out their declared value,
// also inside the elements that are there.
func (ti *typeInfo) setDefaults(doc Document) {
	for _, set := range ti.sets() {
		// An extension comes into being by being sent, not by a default.
		if set.urn != "" && container(doc, set.urn) == nil {
			continue
		}
		for _, a := range set.defaults {
			if value(doc, a) != nil {
				continue
			}
			if d, err := a.normalise(a.Default); err == nil && d != nil {
				setValue(doc, a, d)
			}
		}
	}
	ti.setElementDefaults(doc)
}

// setElementDefaults does so for the sub-attributes of what is there.
func (ti *typeInfo) setElementDefaults(doc Document) {
	_ = ti.each(doc, func(a *attr, v any) error {
		if a.readOnly() {
			return nil
		}
		for _, sub := range a.defaults {
			for _, x := range elements(v) {
				m, ok := x.(map[string]any)
				if !ok || m[sub.Name] != nil {
					continue
				}
				if d, err := sub.normalise(sub.Default); err == nil && d != nil {
					m[sub.Name] = d
				}
			}
		}
		return nil
	})
}

// validate checks a complete document by its schema.
func (ti *typeInfo) validate(doc Document) error { return ti.validateChange(nil, doc) }

// validateChange is validate for a document that was stored before. Custom
// attributes that stay as they are may be of a time before their definition
// was changed: they are not looked at again.
func (ti *typeInfo) validateChange(old, doc Document) error {
	if missing := ti.missing(doc); len(missing) > 0 {
		return bad(msgMissingAttributes, "Missing required attribute(s): %s.", strings.Join(missing, ", "))
	}
	return ti.each(doc, func(a *attr, v any) error {
		if a.urn == customURN && equal(v, value(old, a)) {
			return nil
		}
		return a.check(v)
	})
}

// missing lists required attributes without a value. What the server sets is
// not asked for; sub-attributes only where their parent is there.
func (ti *typeInfo) missing(doc Document) []string {
	var list []string
	for _, set := range ti.sets() {
		m := container(doc, set.urn)
		if m == nil && set.urn != "" {
			continue
		}
		for _, a := range set.needed {
			v := m[a.Name]
			if v == nil {
				if a.Required {
					list = append(list, a.path)
				}
				continue
			}
			if a.subs == nil {
				continue
			}
			for _, x := range elements(v) {
				for _, sub := range a.subs.list {
					if sub.Required && !sub.readOnly() && asMap(x)[sub.Name] == nil && !givenByOCID(a, sub, x) &&
						!slices.Contains(list, sub.path) {
						list = append(list, sub.path)
					}
				}
			}
		}
	}
	return list
}

// givenByOCID says that an element names its target by ocid in place of value;
// the value is filled in when the reference is resolved.
func givenByOCID(a, sub *attr, x any) bool {
	return sub.Name == "value" && a.sub("ocid") != nil && asMap(x)["ocid"] != nil
}

// check tests the values of one attribute: bounds, canonical values, keys.
func (a *attr) check(v any) error {
	if a.readOnly() {
		return nil
	}
	list := elements(v)
	for _, x := range list {
		if err := a.checkOne(x); err != nil {
			return err
		}
	}
	if !a.MultiValued || !a.complex() || a.subs == nil {
		return nil
	}
	primaries := 0
	for _, x := range list {
		if p, _ := asMap(x)["primary"].(bool); p {
			primaries++
		}
	}
	if primaries > 1 {
		return bad(msgBody, "Attribute %s has more than one primary value.", a.path)
	}
	if len(a.CompositeKey) > 0 && len(list) > 1 && len(list) <= 1000 {
		for i, x := range list {
			if slices.ContainsFunc(list[i+1:], func(y any) bool { return sameElement(a, x, y) }) {
				return fail(http.StatusBadRequest, scimUniqueness, msgDuplicate,
					"Attribute %s has two elements with the same %s.", a.path, strings.Join(a.CompositeKey, ", "))
			}
		}
	}
	return nil
}

func (a *attr) checkOne(x any) error {
	if m, ok := x.(map[string]any); ok {
		if a.subs == nil {
			return nil
		}
		for _, sub := range a.subs.list {
			if v, ok := m[sub.Name]; ok {
				if err := sub.check(v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	switch v := x.(type) {
	case string:
		return a.checkString(v)
	case json.Number:
		return a.checkNumber(v)
	}
	return nil
}

func (a *attr) checkString(s string) error {
	if a.MaxLength > 0 || a.MinLength > 0 {
		n := utf8.RuneCountInString(s)
		if a.MaxLength > 0 && n > a.MaxLength {
			return bad(msgTooLong, "Attribute %s has %d characters, more than its limit of %d.", a.path, n, a.MaxLength)
		}
		if n < a.MinLength {
			return bad(msgTooShort, "Attribute %s has %d characters, fewer than its minimum of %d.", a.path, n, a.MinLength)
		}
	}
	if s == "" && a.Required {
		return bad(msgMissingAttributes, "Missing required attribute(s): %s.", a.path)
	}
	if a.pattern != nil && s != "" && !a.pattern.MatchString(s) {
		return bad(msgPattern, "Attribute %s does not match its regular expression %s.", a.path, a.Pattern)
	}
	if len(a.CanonicalValues) == 0 || slices.Contains(a.CanonicalValues, s) {
		return nil
	}
	if !a.CaseExact && slices.ContainsFunc(a.CanonicalValues, func(c string) bool { return strings.EqualFold(c, s) }) {
		return nil
	}
	return bad(msgCanonical, "Attribute %s must be one of %s.", a.path, strings.Join(a.CanonicalValues, ", "))
}

func (a *attr) checkNumber(n json.Number) error {
	i, err := n.Int64() // a decimal has no bounds
	if err == nil && (a.MinValue != nil && i < *a.MinValue || a.MaxValue != nil && i > *a.MaxValue) {
		return bad(msgRange, "Attribute %s must lie between %s and %s.", a.path, bound(a.MinValue), bound(a.MaxValue))
	}
	return nil
}

func bound(n *int64) string {
	if n == nil {
		return "any value"
	}
	return json.Number(formatInt(*n)).String()
}

// checkImmutable refuses a change of an immutable attribute that has a value,
// the sub-attributes of a single complex one included.
func (ti *typeInfo) checkImmutable(old, doc Document) error {
	refuse := func(a *attr) error {
		return fail(http.StatusBadRequest, scimMutability, msgImmutable, "Attribute %s has a value and cannot be changed.", a.path)
	}
	return ti.each(old, func(a *attr, was any) error {
		now := value(doc, a)
		if a.Mutability == schema.Immutable {
			if !equal(a.stripReadOnly(clone(was)), a.stripReadOnly(clone(now))) {
				return refuse(a)
			}
			return nil
		}
		if a.subs == nil || a.MultiValued || a.readOnly() || now == nil {
			return nil
		}
		for _, sub := range a.subs.list {
			if sub.Mutability != schema.Immutable {
				continue
			}
			if v := asMap(was)[sub.Name]; v != nil && !equal(v, asMap(now)[sub.Name]) {
				return refuse(sub)
			}
		}
		return nil
	})
}

// keepServerOwned carries over to a replacement what a client may not or
// cannot send: readOnly attributes, immutable ones it leaves out, and those
// that are never returned.
func (ti *typeInfo) keepServerOwned(old, doc Document) {
	_ = ti.each(old, func(a *attr, was any) error {
		switch {
		case a.readOnly():
			setValue(doc, a, clone(was))
		case value(doc, a) != nil:
		case a.Mutability == schema.Immutable,
			keepUnreadable && a.returned() == schema.ReturnedNever:
			setValue(doc, a, clone(was))
		}
		return nil
	})
}

// checkReadOnly refuses a replacement that changes what only the server sets.
// shown is the present resource as a client reads it. What changes with every
// write is not compared: a client that sends back an older copy without
// If-Match has asked for that.
func (ti *typeInfo) checkReadOnly(doc, shown Document) error {
	return ti.each(doc, func(a *attr, v any) error {
		if !a.readOnly() || a.Name == "meta" || a.Name == "idcsLastModifiedBy" {
			return nil
		}
		if acceptUnchangedReadOnly && equal(v, value(shown, a)) {
			return nil
		}
		return readOnlyError(a, nil)
	})
}
