package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// errNoSchema: the service does not describe the type.
var errNoSchema = errors.New("the service does not describe this type")

// Attribute is an attribute as the service itself describes it.
type Attribute struct {
	// Path names it as --set and --fields do: "emails.value", "<URN>:manager".
	Path        string   `json:"path"`
	Type        string   `json:"type"`
	MultiValued bool     `json:"multiValued"`
	Required    bool     `json:"required"`
	CaseExact   bool     `json:"caseExact"`
	Searchable  bool     `json:"searchable"`
	Mutability  string   `json:"mutability,omitempty"`
	Returned    string   `json:"returned,omitempty"`
	Uniqueness  string   `json:"uniqueness,omitempty"`
	Values      []string `json:"canonicalValues,omitempty"`
	Description string   `json:"description,omitempty"`
}

// Schema are the attributes of one resource type.
type Schema struct {
	Type       string
	Attributes []Attribute
	byPath     map[string]int
}

// find looks an attribute up by its path, without regard to case and to the
// URN of the core schema; nil when there is none.
func (s *Schema) find(path string) *Attribute {
	if s == nil {
		return nil
	}
	if i, ok := s.byPath[strings.ToLower(corePath(path))]; ok {
		return &s.Attributes[i]
	}
	return nil
}

func (s *Schema) paths() []string {
	out := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		out[i] = a.Path
	}
	return out
}

// ReadSchema asks the service for the attributes of a type. Identity domains
// have a resource for them; other services describe themselves by /Schemas.
func (b *Base) ReadSchema(ctx context.Context, typ string) (*Schema, error) {
	return b.schema(ctx, typ)
}

func (b *Base) schema(ctx context.Context, typ string) (*Schema, error) {
	p, err := b.Deps.Provider(ctx)
	if err != nil {
		return nil, err
	}
	s, err := schemaOfAttributes(ctx, p, typ)
	if err == nil || Fatal(err) {
		return s, err
	}
	if other, oerr := schemaOfSchemas(ctx, p, typ); oerr == nil {
		return other, nil
	}
	return nil, err
}

func schemaOfAttributes(ctx context.Context, p provider.Provider, typ string) (*Schema, error) {
	r, err := p.Resource("ResourceTypeSchemaAttribute")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSchema, err)
	}
	s := &Schema{Type: typ, byPath: map[string]int{}}
	where := filter.Eq(filter.AttrPath{Name: "resourceType"}, typ)
	for doc, err := range r.All(ctx, scim.ListOptions{Filter: where}) {
		if err != nil {
			return nil, fmt.Errorf("read the attributes of %s: %w", typ, err)
		}
		s.add(described(doc))
	}
	if len(s.Attributes) == 0 {
		return nil, fmt.Errorf("%s: %w", typ, errNoSchema)
	}
	return s, nil
}

// schemaOfSchemas reads what RFC 7644 section 4 describes: the resource type
// names its schemas, and those hold the attributes.
func schemaOfSchemas(ctx context.Context, p provider.Provider, typ string) (*Schema, error) {
	types, err := p.Resource("ResourceType")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSchema, err)
	}
	schemas, err := p.Resource("Schema")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSchema, err)
	}
	var urns []string
	for doc, err := range types.All(ctx, scim.ListOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("read the resource types: %w", err)
		}
		if strings.EqualFold(doc.String("name"), typ) {
			urns = append(doc.Strings("schema"), doc.Strings("schemaExtensions.schema")...)
		}
	}
	s := &Schema{Type: typ, byPath: map[string]int{}}
	for doc, err := range schemas.All(ctx, scim.ListOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("read the schemas: %w", err)
		}
		if slices.ContainsFunc(urns, func(u string) bool { return strings.EqualFold(u, doc.ID()) }) {
			s.addAll(doc.ID()+":", elements(doc, "attributes"))
		}
	}
	if len(s.Attributes) == 0 {
		return nil, fmt.Errorf("%s: %w", typ, errNoSchema)
	}
	return s, nil
}

// addAll adds attributes and, behind each, its sub-attributes.
func (s *Schema) addAll(prefix string, attrs []scim.Document) {
	for _, a := range attrs {
		d := described(a)
		d.Path = corePath(prefix + a.String("name"))
		s.add(d)
		s.addAll(prefix+a.String("name")+".", elements(a, "subAttributes"))
	}
}

func (s *Schema) add(a Attribute) {
	if a.Path == "" {
		return
	}
	if _, double := s.byPath[strings.ToLower(a.Path)]; double {
		return
	}
	s.byPath[strings.ToLower(a.Path)] = len(s.Attributes)
	s.Attributes = append(s.Attributes, a)
}

func described(doc scim.Document) Attribute {
	is := func(name string) bool { b, _ := doc.Bool(name); return b }
	path := doc.String("idcsFullyQualifiedName")
	if path == "" {
		path = doc.String("name")
		if urn := doc.String("idcsSchemaUrn"); urn != "" && path != "" {
			path = urn + ":" + path
		}
	}
	return Attribute{
		Path: corePath(path), Type: doc.String("type"), MultiValued: is("multiValued"), Required: is("required"),
		CaseExact: is("caseExact"), Searchable: is("idcsSearchable"), Mutability: doc.String("mutability"),
		Returned: doc.String("returned"), Uniqueness: doc.String("uniqueness"), Values: doc.Strings("canonicalValues"), Description: doc.String("description"),
	}
}

// corePath takes the URN off an attribute that is no extension's: in a
// document it stands at the top.
func corePath(path string) string {
	i := strings.LastIndexByte(path, ':')
	if i < 0 {
		return path
	}
	urn := strings.ToLower(path[:i])
	switch {
	case strings.HasPrefix(urn, "urn:ietf:params:scim:schemas:core:"):
		return path[i+1:]
	case strings.HasPrefix(urn, "urn:ietf:params:scim:schemas:oracle:idcs:") && !strings.Contains(urn, ":extension:"):
		return path[i+1:]
	}
	return path
}

// fixed says whether only the service sets an attribute of this path. It knows
// the attributes that all resources share without a schema.
func (s *Schema) fixed(path string) bool {
	if a := s.find(path); a != nil {
		return strings.EqualFold(a.Mutability, "readOnly")
	}
	switch strings.ToLower(path) {
	case "id", "ocid", "meta", "idcscreatedby", "idcslastmodifiedby", "idcspreventedoperations", "idcslastupgradedinrelease",
		"deleteinprogress", "domainocid", "compartmentocid", "tenancyocid", "groups":
		return true
	}
	return false
}

// withoutFixed is the document without what only the service sets, and the
// paths that were left out. schemas stays: it is the sender's.
func (s *Schema) withoutFixed(doc scim.Document) (scim.Document, []string) {
	out := doc.Clone()
	var dropped []string
	// An identity domain lists its OCID as immutable, yet sets it itself.
	immutable := func(path string) bool { return strings.EqualFold(path, "ocid") }
	var prune func(m map[string]any, prefix string)
	prune = func(m map[string]any, prefix string) {
		for name, v := range m {
			path := prefix + name
			if strings.EqualFold(path, "schemas") {
				continue
			}
			if s.fixed(path) || immutable(path) {
				delete(m, name)
				dropped = append(dropped, path)
				continue
			}
			sep := "."
			if prefix == "" && strings.Contains(name, ":") {
				sep = ":"
			}
			switch v := v.(type) {
			case map[string]any:
				prune(v, path+sep)
				if len(v) == 0 {
					delete(m, name)
				}
			case []any:
				for _, e := range v {
					if x, ok := e.(map[string]any); ok {
						prune(x, path+".")
					}
				}
			}
		}
	}
	prune(out, "")
	return out, distinctSorted(dropped)
}

// writable is the schema of a type where the service tells it, else nil, whose
// methods know only what all resources share.
func (b *Base) writable(ctx context.Context, r provider.Resources) *Schema {
	s, err := b.schema(ctx, r.Type())
	if err != nil {
		b.Deps.Log.InfoContext(ctx, "the service's schema cannot be read", "type", r.Type(), "error", err)
		return nil
	}
	return s
}

// hidden are the writable attributes with several values that answers carry on
// request only.
func (s *Schema) hidden() []string {
	if s == nil {
		return nil
	}
	var out []string
	for _, a := range s.Attributes {
		name := a.Path[strings.LastIndexByte(a.Path, ':')+1:]
		if a.MultiValued && !strings.Contains(name, ".") && strings.EqualFold(a.Returned, "request") &&
			strings.EqualFold(a.Mutability, "readWrite") {
			out = append(out, a.Path)
		}
	}
	return out
}
