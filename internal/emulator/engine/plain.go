package engine

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/rfc7643"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Plain SCIM: the same records seen through the schemas of RFC 7643 and
// changed by the rules of RFC 7644. A type has a view for it, which knows the
// standard attributes only; what a record has beside them stays as it is, also
// in a PUT. The tenant's bounds hold in both faces: canonical values, lengths,
// keys of list elements and unique names.

// PlainBase is the path under which Call.Plain is served.
const PlainBase = "/scim/v2"

// plainTypes are the types that have a view.
func plainTypes(name string) (core *schema.Schema, exts []*schema.Schema) {
	switch name {
	case "User":
		return rfc7643.User(), []*schema.Schema{rfc7643.Enterprise()}
	case "Group":
		return rfc7643.Group(), nil
	}
	return nil, nil
}

// PlainTypes answers the resource types of plain SCIM, with the attributes of
// RFC 7643 section 3.1 among those of their core schemas.
func (e *Engine) PlainTypes() ([]*schema.ResourceType, error) {
	var list []*schema.ResourceType
	for _, name := range []string{"User", "Group"} {
		ti, err := e.info(name)
		if err != nil {
			return nil, err
		}
		list = append(list, ti.plainView().rt)
	}
	return list, nil
}

// plainView answers the type as plain SCIM shows it; a type without a view is
// its own.
func (ti *typeInfo) plainView() *typeInfo {
	ti.viewOnce.Do(func() {
		ti.view = ti
		core, exts := plainTypes(ti.rt.Name)
		if core == nil {
			return
		}
		core.Attributes = append(rfc7643.Common(), core.Attributes...)
		for _, s := range append([]*schema.Schema{core}, exts...) {
			urn := s.ID
			if s == core {
				urn = ""
			}
			adopt(s.Attributes, ti.set(urn))
		}
		ti.view = newTypeInfo(&schema.ResourceType{
			Name: ti.rt.Name, Endpoint: ti.rt.Endpoint, Core: core, Extensions: exts,
			Verbs: schema.VerbList | schema.VerbGet | schema.VerbCreate | schema.VerbPut | schema.VerbPatch |
				schema.VerbDelete | schema.VerbSearch,
		}, ti.hooks)
		ti.view.full = ti
		ti.view.index = viewIndex(ti.view)
	})
	return ti.view
}

// adopt gives standard attributes the bounds that the tenant has for them.
// Attributes that the tenant does not declare are kept with the record and
// shown in plain SCIM only.
func adopt(attrs []*schema.Attribute, set *attrSet) {
	for _, a := range attrs {
		// What is never returned must not be found out by filters, and what is
		// made for an answer is not there to be searched.
		a.Searchable = a.Returned != schema.ReturnedNever && a.Name != "$ref" && a.Name != "location" && a.Name != "version"
		if set == nil {
			continue
		}
		own := set.get(a.Name)
		if own == nil {
			continue
		}
		a.MinLength, a.MaxLength, a.Sensitive = own.MinLength, own.MaxLength, own.Sensitive
		a.CompositeKey = own.CompositeKey
		if len(own.CanonicalValues) > 0 {
			a.CanonicalValues = own.CanonicalValues
		}
		if a.Uniqueness == schema.UniqueNone && own.Uniqueness == schema.UniqueGlobal {
			a.Uniqueness = schema.UniqueServer
		}
		if own.subs != nil {
			adopt(a.SubAttributes, own.subs)
		}
		if a.Name == "members" {
			// Groups inside groups are not something the tenant has.
			for _, sub := range a.SubAttributes {
				if sub.Name == "$ref" {
					sub.ReferenceTypes = []string{"User"}
				}
			}
		}
	}
}

// viewIndex keeps those indexes that the full type writes.
func viewIndex(view *typeInfo) []indexPath {
	var list []indexPath
	for _, ip := range view.index {
		for _, own := range view.full.index {
			if own.path == ip.path {
				ip.folded = ip.attr.CaseExact && !own.attr.CaseExact
				list = append(list, ip)
			}
		}
	}
	return list
}

// stored is the type as its records are kept.
func (ti *typeInfo) stored() *typeInfo {
	if ti.full != nil {
		return ti.full
	}
	return ti
}

// ignores lets an extension repeat its schemas inside, as a widespread client
// library writes it.
func (ti *typeInfo) ignores(name string) bool {
	return ti.plain() && strings.EqualFold(name, "schemas")
}

// plain says that the type is a view of plain SCIM.
func (ti *typeInfo) plain() bool { return ti.full != nil }

// schema is the type by which the caller of a change names attributes.
func (c *Change) schema() *typeInfo {
	if c.view != nil {
		return c.view
	}
	return c.ti
}

// plain says that the change comes by plain SCIM: what identity domains ask of
// a user, or add to one, beyond what was sent is left out.
func (c *Change) plain() bool { return c.view != nil }

// newChange is a change of a resource whose caller sees it as ti.
func (tx *Tx) newChange(ti *typeInfo, id string, old, doc Document) *Change {
	c := &Change{Tx: tx, Type: ti.rt.Name, ID: id, Old: old, New: doc, ti: ti.stored()}
	if ti.plain() {
		c.view = ti
	}
	return c
}

// replacePlain makes the outcome of a PUT (RFC 7644 section 3.5.1): what the
// view can set is as sent or gone, all else stays.
func (ti *typeInfo) replacePlain(old, in Document) Document {
	doc := cloneDoc(old)
	for _, set := range ti.sets() {
		for _, a := range set.list {
			v := value(in, a)
			switch {
			case a.readOnly(), a.Name == "schemas":
			case v == nil && keepUnreadable && a.returned() == schema.ReturnedNever:
			default:
				setValue(doc, a, v)
			}
		}
	}
	return doc
}

// keepHidden carries over what elements of lists have beside the standard
// sub-attributes, such as that an address was verified, to those with the
// same key.
func (ti *typeInfo) keepHidden(old, doc Document) {
	for _, set := range ti.sets() {
		for _, a := range set.list {
			own := ti.full.lookup(a.asPath())
			if own == nil || own.subs == nil || !a.MultiValued || a.readOnly() {
				continue
			}
			before := elements(value(old, a))
			for _, x := range elements(value(doc, a)) {
				i := slices.IndexFunc(before, func(y any) bool { return sameElement(a, x, y) })
				m, ok := x.(map[string]any)
				if i < 0 || !ok {
					continue
				}
				for k, v := range asMap(before[i]) {
					if own.sub(k) != nil && a.sub(k) == nil {
						setIfAbsent(m, k, clone(v))
					}
				}
			}
		}
	}
}

// presentSchemas is what schemas says of a shown resource: the core schema and
// the extensions that it has values of (RFC 7643 section 3).
func (ti *typeInfo) presentSchemas(doc Document) []any {
	list := []any{ti.rt.Core.ID}
	for _, x := range ti.exts {
		if len(container(doc, x.urn)) > 0 {
			list = append(list, x.urn)
		}
	}
	return list
}

// soften makes a filter over several types one that fits this type: an
// attribute that the type does not have has no value (RFC 7644 section
// 3.4.2.1). known says whether it names any attribute that the type has.
func (ti *typeInfo) soften(e filter.Expr) (out filter.Expr, known bool) {
	id := filter.AttrPath{Name: "id"}
	constant := func(v bool) filter.Expr {
		if v {
			return &filter.Present{Attr: id}
		}
		return &filter.Not{X: &filter.Present{Attr: id}}
	}
	both := func(l, r filter.Expr) (filter.Expr, filter.Expr, bool) {
		x, a := ti.soften(l)
		y, b := ti.soften(r)
		return x, y, a || b
	}
	switch e := e.(type) {
	case *filter.And:
		l, r, known := both(e.Left, e.Right)
		return &filter.And{Left: l, Right: r}, known
	case *filter.Or:
		l, r, known := both(e.Left, e.Right)
		return &filter.Or{Left: l, Right: r}, known
	case *filter.Not:
		x, known := ti.soften(e.X)
		return &filter.Not{X: x}, known
	case *filter.Compare:
		if ti.lookup(e.Attr) == nil {
			return constant((e.Value == nil) == (e.Op == filter.OpEqual)), false
		}
	case *filter.Present:
		if ti.lookup(e.Attr) == nil {
			return constant(false), false
		}
	case *filter.ValuePath:
		if ti.lookup(e.Attr) == nil {
			return constant(false), false
		}
	}
	return e, true
}

// storeSorts says whether the order of an index is the one asked for: RFC 7644
// section 3.4.2.3 puts resources without a value last when the order ascends,
// as the store does, and first when it descends; then the store serves where
// all have one. In plain SCIM a list is sorted by its primary value.
func (tx *Tx) storeSorts(l *listing, ip indexPath) (bool, error) {
	top := ip.attr.top()
	if l.ti.plain() && (ip.folded || top.MultiValued) {
		return false, nil
	}
	if !l.desc || top.Required && ip.attr == top || strings.HasPrefix(ip.path, "meta.") {
		return true, nil
	}
	all, err := tx.st.Count(store.Query{Type: l.ti.rt.Name})
	if err != nil {
		return false, err
	}
	have, err := tx.st.Count(store.Query{Type: l.ti.rt.Name, Conds: []store.Cond{{Path: ip.path, Rel: store.Any}}})
	return have == all, err
}

// looseCond weakens a condition on an index that has no regard to case, for an
// attribute that has. What it lets through the matcher decides.
func (ip indexPath) looseCond(op filter.Op, v any) (store.Cond, bool) {
	s, ok := v.(string)
	if !ok || s == "" {
		return store.Cond{}, false
	}
	switch op {
	case filter.OpEqual:
		return store.Cond{Path: ip.path, Rel: store.Eq, Value: fold(s)}, true
	case filter.OpStartsWith:
		return store.Cond{Path: ip.path, Rel: store.Prefix, Value: fold(s)}, true
	}
	return store.Cond{}, false
}
