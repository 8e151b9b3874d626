package directory

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// published knows the attributes that the published description of a resource
// has, from the library's struct for it. Extensions it does not have, such as
// those with a company's own attributes, may hold anything.
type published struct {
	of   reflect.Type
	core map[string]reflect.Type // lower-case name
	exts map[string]extension    // lower-case URN
}

type extension struct {
	urn   string
	attrs map[string]reflect.Type
}

func newPublished(t reflect.Type) *published {
	p := &published{of: t, core: map[string]reflect.Type{}, exts: map[string]extension{}}
	for name, sub := range members(t) {
		if !strings.Contains(name, ":") {
			p.core[strings.ToLower(name)] = sub
			continue
		}
		e := extension{urn: name, attrs: map[string]reflect.Type{}}
		for attr, sub := range members(sub) {
			e.attrs[strings.ToLower(attr)] = sub
		}
		p.exts[strings.ToLower(name)] = e
	}
	return p
}

// members are the JSON names of a struct's fields with the types behind
// pointers and slices; nil for anything but a struct.
func members(t reflect.Type) map[string]reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	out := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			out[name] = t.Field(i).Type
		}
	}
	return out
}

// known says whether path names a published attribute, or one of an extension
// that is not published.
func (p *published) known(path string) bool {
	if _, ok := p.exts[strings.ToLower(path)]; ok {
		return true
	}
	_, foreign, ok := p.lookup(path)
	return ok || foreign
}

// lookup finds the type behind a path. foreign paths are of extensions that
// only the service knows.
func (p *published) lookup(path string) (t reflect.Type, foreign, ok bool) {
	parsed, err := filter.ParsePath(path)
	if err != nil {
		return nil, false, false
	}
	a := parsed.Attr
	if parsed.Sub != "" {
		a.Sub = parsed.Sub
	}
	attrs := p.core
	if a.URN != "" && !strings.HasPrefix(strings.ToLower(a.URN), "urn:ietf:params:scim:schemas:core:") {
		e, published := p.exts[strings.ToLower(a.URN)]
		if !published {
			return nil, true, false
		}
		attrs = e.attrs
	}
	if t, ok = attrs[strings.ToLower(a.Name)]; !ok || a.Sub == "" {
		return t, false, ok
	}
	for name, sub := range members(t) {
		if strings.EqualFold(name, a.Sub) {
			return sub, false, true
		}
	}
	return nil, false, false
}

// kind is the SCIM type of a published attribute that is a text, a boolean or
// an integer; empty for all others.
func (p *published) kind(path string) string {
	t, _, ok := p.lookup(path)
	if !ok {
		return ""
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int64:
		return "integer"
	}
	return ""
}

// expand writes the URN in front of the bare name of an attribute that only
// one extension has: department.
func (p *published) expand(path string) string {
	name := path
	if i := strings.IndexAny(name, ".["); i >= 0 {
		name = name[:i]
	}
	name = strings.ToLower(name)
	if _, core := p.core[name]; core || name == "" || strings.Contains(name, ":") {
		return path
	}
	found := ""
	for _, e := range p.exts {
		if _, ok := e.attrs[name]; ok {
			if found != "" {
				return path
			}
			found = e.urn
		}
	}
	if found == "" {
		return path
	}
	return found + ":" + path
}

// all are the names of attributes and of their parts, sorted: those of an
// extension without its URN where expand would find it.
func (p *published) all() []string {
	var out []string
	add := func(prefix string, attrs map[string]reflect.Type) {
		for name, t := range attrs {
			if strings.Contains(name, ":") {
				continue
			}
			out = append(out, prefix+name)
			for part := range members(t) {
				out = append(out, prefix+name+"."+part)
			}
		}
	}
	attrs := members(p.of)
	add("", attrs)
	for urn, t := range attrs {
		if !strings.Contains(urn, ":") {
			continue
		}
		for name, sub := range members(t) {
			prefix := ""
			if p.expand(name) == name {
				prefix = urn + ":"
			}
			add(prefix, map[string]reflect.Type{name: sub})
		}
	}
	slices.Sort(out)
	return out
}

// names are the names of a type's published attributes, made when the first
// one is asked for: building a command must be cheap.
type names struct {
	load func() *published
}

func namesOf[T any]() *names {
	return &names{sync.OnceValue(func() *published { return newPublished(reflect.TypeFor[T]()) })}
}

func (n *names) known(path string) bool { return n.load().known(path) }

func (n *names) kind(path string) string { return n.load().kind(path) }

func (n *names) expand(path string) string { return n.load().expand(path) }

// AttributeNames are the published attributes and their parts, as --set and
// --fields take them; none where the service alone describes the kind.
func (k *Kind) AttributeNames() []string {
	if k.Names == nil {
		return nil
	}
	return k.Names.load().all()
}

// Expand is the attribute path that a person means, with the URN of the
// extension where the bare name is clear.
func (k *Kind) Expand(path string) string {
	if k.Names == nil {
		return path
	}
	return k.Names.expand(path)
}
