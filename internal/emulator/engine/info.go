package engine

import (
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// typeInfo is a resource type with what the engine looks up again and again.
// It is read-only once built.
type typeInfo struct {
	rt    *schema.ResourceType
	core  *attrSet
	exts  []*attrSet
	all   []*attrSet          // both
	byURN map[string]*attrSet // lower-case URN, the core one included
	hooks Hooks

	index  []indexPath
	unique []*attr
	refs   []*attr // complex attributes whose elements have value and $ref
	hashed []*attr // top-level attributes kept as a hash only

	shapes shapes

	// untouched is what initial answers, for those who only read it.
	untouchedOnce sync.Once
	untouched     Document

	// view is the type as plain SCIM shows it; full is set in a view only.
	viewOnce sync.Once
	view     *typeInfo
	full     *typeInfo
}

// attrSet is the attributes of one schema or of one complex attribute.
type attrSet struct {
	urn    string // empty for the core schema and inside a complex attribute
	list   []*attr
	byName map[string]*attr // as declared and in lower case
	// needed are the attributes that may be missing, or parts of them;
	// defaults those that a create fills in.
	needed   []*attr
	defaults []*attr
}

// attr is an attribute with its place in the type.
type attr struct {
	*schema.Attribute
	urn    string // of the extension; empty in the core schema
	parent *attr
	subs   *attrSet
	// digest says that the value is kept as a digest, whatever the schema says.
	digest bool
	// sealed says that it is kept encrypted and shown again.
	sealed bool
	// path is the declared spelling, "emails.value" or "<URN>:manager.value".
	path string
	// pattern is what strings must match; nil where there is none.
	pattern *regexp.Regexp
	// reference says that answers describe what its elements point to.
	reference bool
	place     int     // in the list of its set
	defaults  []*attr // sub-attributes that are filled in
	hashes    []*attr // sub-attributes kept as a hash only
	partly    bool    // some sub-attributes are only the server's to set
}

func newTypeInfo(rt *schema.ResourceType, hooks Hooks) *typeInfo {
	ti := &typeInfo{rt: rt, byURN: map[string]*attrSet{}, hooks: hooks}
	ti.core = ti.newSet(rt.Core.Attributes, "", nil)
	ti.byURN[strings.ToLower(rt.Core.ID)] = ti.core
	for _, x := range rt.Extensions {
		set := ti.newSet(x.Attributes, x.ID, nil)
		ti.exts = append(ti.exts, set)
		ti.byURN[strings.ToLower(x.ID)] = set
	}
	ti.all = append([]*attrSet{ti.core}, ti.exts...)
	for _, name := range slices.Concat(hooks.Once, hooks.Masked) {
		if a := ti.core.get(name); a != nil {
			a.digest = true
		}
	}
	for _, name := range hooks.Sealed {
		if a := ti.core.get(name); a != nil {
			a.sealed = true
		}
	}
	ti.index = indexPaths(ti)
	return ti
}

func (ti *typeInfo) newSet(attrs []*schema.Attribute, urn string, parent *attr) *attrSet {
	set := &attrSet{urn: urn, byName: map[string]*attr{}}
	for _, a := range attrs {
		x := &attr{Attribute: a, urn: urn, parent: parent}
		x.pattern, _ = compilePattern(a.Pattern) // checked when it was defined
		switch {
		case parent != nil:
			x.path = parent.path + "." + a.Name
		case urn != "":
			x.path = urn + ":" + a.Name
		default:
			x.path = a.Name
		}
		if len(a.SubAttributes) > 0 {
			x.subs = ti.newSet(a.SubAttributes, urn, x)
			if x.sub("value") != nil && x.sub("$ref") != nil {
				ti.refs = append(ti.refs, x)
				x.reference = parent == nil
				x.reference = parent == nil
			}
		}
		if a.Uniqueness == schema.UniqueServer || a.Uniqueness == schema.UniqueGlobal {
			if a.Name != "id" && a.Name != "ocid" { // both are the server's and unique by construction
				ti.unique = append(ti.unique, x)
			}
		}
		if parent == nil && a.Type == schema.TypeString && strings.HasPrefix(a.Sensitive, "hash") {
			ti.hashed = append(ti.hashed, x)
		}
		x.place = len(set.list)
		set.list = append(set.list, x)
		set.byName[strings.ToLower(a.Name)] = x
		set.byName[a.Name] = x
		x.sort(set)
	}
	return set
}

// sort puts an attribute on the lists of those that have something to be done.
func (a *attr) sort(set *attrSet) {
	if a.subs != nil {
		for _, sub := range a.subs.list {
			if sub.Default != nil && !sub.readOnly() {
				a.defaults = append(a.defaults, sub)
			}
			a.partly = a.partly || sub.readOnly()
			if sub.Mutability == schema.WriteOnly && strings.HasPrefix(sub.Sensitive, "hash") {
				a.hashes = append(a.hashes, sub)
			}
		}
	}
	if a.readOnly() {
		return
	}
	if a.Default != nil {
		set.defaults = append(set.defaults, a)
	}
	if a.Name != "schemas" && (a.Required || a.subs != nil &&
		slices.ContainsFunc(a.subs.list, func(s *attr) bool { return s.Required && !s.readOnly() })) {
		set.needed = append(set.needed, a)
	}
}

// get finds an attribute of the set without regard to case.
func (s *attrSet) get(name string) *attr {
	if a, ok := s.byName[name]; ok {
		return a
	}
	return s.byName[strings.ToLower(name)]
}

func (a *attr) sub(name string) *attr {
	if a.subs == nil {
		return nil
	}
	return a.subs.get(name)
}

func (a *attr) complex() bool { return a.Type == schema.TypeComplex }

func (a *attr) returned() schema.Returned {
	if a.Returned == "" {
		return schema.ReturnedDefault
	}
	return a.Returned
}

// readOnly says that only the server sets the attribute.
func (a *attr) readOnly() bool { return a.Mutability == schema.ReadOnly }

// top is the attribute of the schema that a belongs to.
func (a *attr) top() *attr {
	if a.parent != nil {
		return a.parent
	}
	return a
}

// set answers the attributes of a schema by URN; the empty one is the core.
func (ti *typeInfo) set(urn string) *attrSet {
	if urn == "" {
		return ti.core
	}
	return ti.byURN[strings.ToLower(urn)]
}

// named answers the attributes of the schema that a member of a document names,
// the core schema included.
func (ti *typeInfo) named(urn string) *attrSet {
	for _, x := range ti.exts {
		if x.urn == urn {
			return x
		}
	}
	if strings.IndexByte(urn, ':') < 0 {
		return nil // a plain name, as most are
	}
	return ti.byURN[strings.ToLower(urn)]
}

// schemaOf recognises a path that names a whole schema.
func (ti *typeInfo) schemaOf(p filter.AttrPath) *attrSet {
	if p.URN == "" {
		return nil
	}
	urn := p.URN
	if p.Name != "" {
		urn += ":" + p.Name
	}
	if p.Sub != "" {
		urn += "." + p.Sub
	}
	return ti.byURN[strings.ToLower(urn)]
}

// lookup finds the attribute a path names, sub-attribute included.
func (ti *typeInfo) lookup(p filter.AttrPath) *attr {
	set := ti.set(p.URN)
	if set == nil || p.Name == "" {
		return nil
	}
	a := set.get(p.Name)
	if a == nil || p.Sub == "" {
		return a
	}
	return a.sub(p.Sub)
}

// Rule makes a type the rules by which filters compare.
func (ti *typeInfo) Rule(p filter.AttrPath) (filter.Rule, bool) {
	a := ti.lookup(p)
	if a == nil {
		return filter.Rule{}, false
	}
	return filter.Rule{Type: string(a.Type), CaseExact: a.CaseExact}, true
}

// container is the map of doc that holds the attribute: doc itself or the
// member of the extension. It is nil where the extension is absent.
func container(doc Document, urn string) map[string]any {
	if urn == "" {
		return doc
	}
	m, _ := doc[urn].(map[string]any)
	return m
}

// value is what doc has for a top-level attribute, or nil.
func value(doc Document, a *attr) any {
	m := container(doc, a.urn)
	if m == nil {
		return nil
	}
	return m[a.Name]
}

// setValue stores a top-level attribute; nil removes it, and with it an
// extension that became empty.
func setValue(doc Document, a *attr, v any) {
	if v == nil {
		m := container(doc, a.urn)
		if m == nil {
			return
		}
		delete(m, a.Name)
		if a.urn != "" && len(m) == 0 {
			delete(doc, a.urn)
		}
		return
	}
	m := container(doc, a.urn)
	if m == nil {
		m = map[string]any{}
		doc[a.urn] = m
	}
	m[a.Name] = v
}

// elements are the values of an attribute one by one: those of a list, or the
// single one.
func elements(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// each calls f for every top-level attribute that doc has a value for.
func (ti *typeInfo) each(doc Document, f func(*attr, any) error) error {
	for _, set := range ti.sets() {
		m := container(doc, set.urn)
		if len(m) == 0 {
			continue
		}
		var present [maxPlaces / 64]uint64 // those that are there, by place
		if len(set.list) > maxPlaces {
			for _, a := range set.list {
				if v, ok := m[a.Name]; ok {
					if err := f(a, v); err != nil {
						return err
					}
				}
			}
			continue
		}
		for name := range m {
			if a := set.byName[name]; a != nil && a.Name == name {
				present[a.place/64] |= 1 << (a.place % 64)
			}
		}
		for i, left := range present {
			for ; left != 0; left &= left - 1 {
				a := set.list[i*64+bits.TrailingZeros64(left)]
				if v, ok := m[a.Name]; ok {
					if err := f(a, v); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// maxPlaces is how many attributes of a schema are walked by their places.
const maxPlaces = 256

// sets are the schemas of the type, the core one first.
func (ti *typeInfo) sets() []*attrSet { return ti.all }

// clone copies a JSON value deeply.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = clone(x)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = clone(x)
		}
		return l
	}
	return v
}

func cloneDoc(d Document) Document { return clone(d).(map[string]any) }

// equal compares JSON values; numbers are equal when written the same way.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, ok := y[k]
			if !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}
