package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// target is a path taken apart.
type target struct {
	urn, name string // name as written in the schema
	typ       string // type of the element of a multi-valued attribute
	sub       string
	selector  bool // the type of the primary element
}

// elementPath prints the path of the elements of one type, with a value where
// the type alone does not tell them apart.
func elementPath(attr, typ, value, sub string) string {
	e := filter.Eq(filter.AttrPath{Name: "type"}, typ)
	if value != "" {
		e = filter.AllOf(e, filter.Eq(filter.AttrPath{Name: "value"}, value))
	}
	return filter.Path{Attr: filter.AttrPath{Name: attr}, Filter: e, Sub: sub}.String()
}

// multiValued are the attributes with elements told apart by their type.
func multiValued() []string {
	return []string{"emails", "phoneNumbers", "addresses", "ims", "photos", "entitlements", "roles", "x509Certificates"}
}

// readOnly are the attributes that no row can set.
func readOnly() []string {
	return []string{
		"id", "ocid", "meta", "schemas", "groups", "domainOcid", "compartmentOcid", "tenancyOcid", "deleteInProgress",
		"idcsCreatedBy", "idcsLastModifiedBy", "idcsPreventedOperations", "idcsLastUpgradedInRelease",
	}
}

// parseTarget takes apart the path of a column or of --map.
func parseTarget(typ, path string) (target, error) {
	p, err := filter.ParsePath(path)
	if err != nil {
		return target{}, err
	}
	t := target{urn: p.Attr.URN, name: p.Attr.Name, sub: p.Attr.Sub}
	if strings.EqualFold(t.urn, coreURN(typ)) {
		t.urn = ""
	}
	if t.name == "" {
		return target{}, fmt.Errorf("%s names a whole schema, not an attribute", path)
	}
	if p.Filter == nil {
		if t.urn == "" && slices.ContainsFunc(multiValued(), func(m string) bool { return strings.EqualFold(m, t.name) }) {
			return target{}, fmt.Errorf(`%s has several elements; say which, as in %s`, t.name, slot(t.name, "work", "value"))
		}
		return t, nil
	}
	eq, ok := p.Filter.(*filter.Compare)
	value, text := any(nil), false
	if ok {
		value = eq.Value
		_, text = eq.Value.(string)
	}
	switch {
	case t.urn != "" || t.sub != "" || !ok || eq.Op != filter.OpEqual:
		return target{}, fmt.Errorf(`%s is too general; elements are chosen as in %s`, path, slot(t.name, "work", "value"))
	case strings.EqualFold(eq.Attr.Name, "primary") && value == true && strings.EqualFold(p.Sub, "type"):
		t.selector = true
	case strings.EqualFold(eq.Attr.Name, "type") && text && value != "":
		t.typ, _ = value.(string)
		t.sub = p.Sub
		if t.sub == "" {
			t.sub = "value"
		}
	default:
		return target{}, fmt.Errorf(`%s is too general; elements are chosen as in %s`, path, slot(t.name, "work", "value"))
	}
	return t, nil
}

// path prints the target's attribute without the element, for PATCH.
func (t target) path() string {
	return filter.AttrPath{URN: t.urn, Name: t.name, Sub: t.sub}.String()
}

// member finds a key of an object without regard to case, as RFC 7643 has
// attribute names.
func member(obj map[string]any, key string) (any, bool) {
	if v, ok := obj[key]; ok {
		return v, v != nil
	}
	for k, v := range obj {
		if len(k) == len(key) && strings.EqualFold(k, key) { // names are ASCII
			return v, v != nil
		}
	}
	return nil, false
}

// value reads the target out of a document; a list answers as it is.
func (t target) value(doc scim.Document) (any, bool) {
	obj := map[string]any(doc)
	if t.urn != "" {
		ext, ok := member(obj, t.urn)
		if !ok {
			return nil, false
		}
		if obj, ok = ext.(map[string]any); !ok {
			return nil, false
		}
	}
	v, ok := member(obj, t.name)
	if !ok || t.sub == "" || t.typ != "" {
		return v, ok
	}
	sub, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	return member(sub, t.sub)
}

// elements reads a multi-valued complex attribute.
func (t target) elements(doc scim.Document) []map[string]any {
	v, _ := target{urn: t.urn, name: t.name}.value(doc)
	switch l := v.(type) {
	case []map[string]any:
		return l
	case []any:
		out := make([]map[string]any, 0, len(l))
		for _, e := range l {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return out
	}
	return nil
}

// put sets a single-valued target in a document under construction.
func (t target) put(doc scim.Document, v any) {
	obj := map[string]any(doc)
	if t.urn != "" {
		obj = child(obj, t.urn)
	}
	if t.sub != "" {
		child(obj, t.name)[t.sub] = v
		return
	}
	obj[t.name] = v
}

func child(obj map[string]any, key string) map[string]any {
	if c, ok := obj[key].(map[string]any); ok {
		return c
	}
	c := map[string]any{}
	obj[key] = c
	return c
}
