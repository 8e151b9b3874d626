package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// ErrUnknown says that a path names no attribute of the resource type.
var ErrUnknown = errors.New("unknown attribute")

// index finds attributes by name. It is built at the first look-up, once, so
// that schemas nobody asks for cost nothing.
type index struct {
	once  sync.Once
	names map[string]*entry
}

type entry struct {
	attr *Attribute
	subs map[string]*Attribute
}

// get looks a name up as it was declared first, which is how it nearly always
// comes, and in lower case then.
func get[T any](m map[string]T, name string) (T, bool) {
	v, ok := m[name]
	if !ok {
		v, ok = m[strings.ToLower(name)]
	}
	return v, ok
}

// put keeps the first of two attributes whose names differ in case only.
func put[T any](m map[string]T, name string, v T) {
	for _, key := range []string{name, strings.ToLower(name)} {
		if _, ok := m[key]; !ok {
			m[key] = v
		}
	}
}

func (s *Schema) entry(name string) *entry {
	s.index.once.Do(func() {
		s.index.names = make(map[string]*entry, 2*len(s.Attributes))
		for _, a := range s.Attributes {
			e := &entry{attr: a, subs: make(map[string]*Attribute, 2*len(a.SubAttributes))}
			for _, sub := range a.SubAttributes {
				put(e.subs, sub.Name, sub)
			}
			put(s.index.names, a.Name, e)
		}
	})
	e, _ := get(s.index.names, name)
	return e
}

// SubAttribute returns the sub-attribute of that name, in any case, or nil.
func (a *Attribute) SubAttribute(name string) *Attribute {
	for _, sub := range a.SubAttributes {
		if strings.EqualFold(sub.Name, name) {
			return sub
		}
	}
	return nil
}

// Attribute returns the attribute of that name, in any case, or nil. It is
// safe for concurrent use.
func (s *Schema) Attribute(name string) *Attribute {
	if e := s.entry(name); e != nil {
		return e.attr
	}
	return nil
}

// Equal reports whether both schemas declare the same; what a schema keeps to
// look attributes up does not count.
func (s *Schema) Equal(o *Schema) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.ID == o.ID && s.Name == o.Name && s.Description == o.Description && reflect.DeepEqual(s.Attributes, o.Attributes)
}

// Equal reports whether both resource types declare the same.
func (t *ResourceType) Equal(o *ResourceType) bool {
	if t == nil || o == nil {
		return t == o
	}
	if t.Name != o.Name || t.Endpoint != o.Endpoint || t.Verbs != o.Verbs || t.SingletonID != o.SingletonID ||
		!t.Core.Equal(o.Core) || len(t.Extensions) != len(o.Extensions) {
		return false
	}
	for i, e := range t.Extensions {
		if !e.Equal(o.Extensions[i]) {
			return false
		}
	}
	return true
}

// Extension returns the extension schema of that URN, in any case, or nil.
func (t *ResourceType) Extension(urn string) *Schema {
	t.extensions.once.Do(func() {
		t.extensions.byURN = make(map[string]*Schema, 2*len(t.Extensions))
		for _, s := range t.Extensions {
			put(t.extensions.byURN, s.ID, s)
		}
	})
	s, _ := get(t.extensions.byURN, urn)
	return s
}

type extensions struct {
	once  sync.Once
	byURN map[string]*Schema
}

// IsCore reports whether urn, in any case, is that of the core schema; it
// makes a *ResourceType a filter.CoreRules.
func (t *ResourceType) IsCore(urn string) bool {
	return t.Core != nil && urn != "" && strings.EqualFold(urn, t.Core.ID)
}

// schema returns the schema that a path with this URN means; ext is nil for
// the core schema.
func (t *ResourceType) schema(urn string) (s, ext *Schema) {
	if urn == "" || t.IsCore(urn) {
		return t.Core, nil
	}
	ext = t.Extension(urn)
	return ext, ext
}

// Attribute returns the attribute that p names, or nil. For a sub-attribute,
// parent is the attribute around it. ext is the extension in which the
// attribute lives, nil for the core schema; a path that is a URN alone yields
// ext only. Names without a URN are those of the core schema.
//
// The sub-attribute value of an attribute that is not complex is the attribute
// itself, as filters use it (RFC 7644 section 3.4.2.2).
func (t *ResourceType) Attribute(p filter.AttrPath) (attr, parent *Attribute, ext *Schema) {
	s, ext := t.schema(p.URN)
	if s == nil || p.Name == "" {
		return nil, nil, ext
	}
	e := s.entry(p.Name)
	switch {
	case e == nil:
		return nil, nil, nil
	case p.Sub == "":
		return e.attr, nil, ext
	case e.attr.Type != TypeComplex && strings.EqualFold(p.Sub, "value"):
		return e.attr, nil, ext
	}
	sub, ok := get(e.subs, p.Sub)
	if !ok {
		return nil, nil, nil
	}
	return sub, e.attr, ext
}

// Rule says how the values of an attribute compare; with it a *ResourceType
// is a filter.Rules.
func (t *ResourceType) Rule(p filter.AttrPath) (filter.Rule, bool) {
	a, _, _ := t.Attribute(p)
	if a == nil {
		return filter.Rule{}, false
	}
	typ := a.Type
	if typ == "" { // RFC 7643 section 2.2: the default
		typ = TypeString
	}
	return filter.Rule{Type: string(typ), CaseExact: a.CaseExact}, true
}

var _ filter.CoreRules = (*ResourceType)(nil)

// Target is what a path means in a resource type.
type Target struct {
	// Path is the path as it was meant: where the grammar could not tell a
	// schema from an attribute, the resource type can.
	Path filter.Path
	// Ext is the extension schema, nil for the core schema.
	Ext *Schema
	// Attr is the attribute; nil where the path is a schema URN alone.
	Attr *Attribute
	// Sub is the sub-attribute, nil where the path names none.
	Sub *Attribute
}

// Resolve finds what a path means. It corrects the guess that filter.ParsePath
// makes at URNs: one that ends in lower case may be a schema
// (urn:...:idcs:apikey), one that ends in upper case an attribute. The error
// is ErrUnknown where the path leads nowhere.
func (t *ResourceType) Resolve(p filter.Path) (Target, error) {
	p = t.repair(p)
	_, ext := t.schema(p.Attr.URN)
	target := Target{Path: p, Ext: ext}
	if p.Attr.Name == "" {
		if s, _ := t.schema(p.Attr.URN); s == nil || p.Attr.URN == "" || p.Filter != nil || p.Sub != "" || p.Attr.Sub != "" {
			return Target{}, t.unknown(p.Attr.URN)
		}
		return target, nil
	}
	base := p.Attr
	base.Sub = ""
	if target.Attr, _, _ = t.Attribute(base); target.Attr == nil {
		return Target{}, t.unknown(base.String())
	}
	sub := p.Attr.Sub
	if p.Sub != "" {
		if sub != "" { // a.b[...].c: no attribute nests so deep
			return Target{}, t.unknown(p.Attr.String() + "." + p.Sub)
		}
		sub = p.Sub
	}
	if sub != "" {
		if target.Sub = target.Attr.SubAttribute(sub); target.Sub == nil {
			return Target{}, t.unknown(base.Child(sub).String())
		}
	}
	return target, nil
}

func (t *ResourceType) repair(p filter.Path) filter.Path {
	a := p.Attr
	if a.URN == "" || p.Filter != nil || p.Sub != "" || a.Sub != "" {
		return p
	}
	if a.Name == "" {
		i := strings.LastIndexByte(a.URN, ':')
		if s, _ := t.schema(a.URN); s != nil || i < 0 {
			return p
		}
		if s, _ := t.schema(a.URN[:i]); s != nil && s.Attribute(a.URN[i+1:]) != nil {
			p.Attr = filter.AttrPath{URN: a.URN[:i], Name: a.URN[i+1:]}
		}
		return p
	}
	if found, _, _ := t.Attribute(a); found == nil {
		if s, _ := t.schema(a.String()); s != nil {
			p.Attr = filter.AttrPath{URN: a.String()}
		}
	}
	return p
}

func (t *ResourceType) unknown(path string) error {
	return fmt.Errorf("schema: %s has no attribute %q: %w", t.Name, path, ErrUnknown)
}

// Walk calls f for each attribute and, after it, for its sub-attributes;
// parent is nil at the top. Where f returns false, the sub-attributes are left
// out.
func Walk(attrs []*Attribute, f func(a, parent *Attribute) bool) {
	walk(attrs, nil, f)
}

func walk(attrs []*Attribute, parent *Attribute, f func(a, parent *Attribute) bool) {
	for _, a := range attrs {
		if f(a, parent) {
			walk(a.SubAttributes, a, f)
		}
	}
}
