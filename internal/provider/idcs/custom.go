package idcs

import (
	"context"
	"fmt"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

var _ provider.CustomProvider = (*Provider)(nil)

// customURN is the schema of attributes that an administrator defined.
const customURN = "urn:ietf:params:scim:schemas:idcs:extension:custom:User"

// CustomAttributes are the attributes of the custom schema.
func (p *Provider) CustomAttributes() provider.CustomAttributes { return custom{p} }

type custom struct{ p *Provider }

// List reads the custom schema.
func (c custom) List(ctx context.Context) ([]provider.CustomAttribute, string, error) {
	doc, err := c.p.must("Schema").Get(ctx, customURN, scim.ListOptions{})
	if err != nil {
		return nil, "", fmt.Errorf("read the schema of custom attributes: %w", err)
	}
	var out []provider.CustomAttribute
	for _, x := range objects(doc, "attributes") {
		whole := func(name string) int { n, _ := x.Int(name); return int(n) }
		multi, _ := x.Bool("multiValued")
		a := provider.CustomAttribute{
			Name: x.String("name"), Label: first(x, "idcsDisplayName", "localizedDisplayName"), Description: x.String("description"),
			Type: x.String("type"), MultiValued: multi, MinLength: whole("idcsMinLength"), MaxLength: whole("idcsMaxLength"),
			Pattern: x.String("idcsuiRegexp"), Path: customURN + ":" + x.String("name"),
		}
		if on, told := x.Bool("idcsSearchable"); told {
			a.Searchable = &on
		}
		out = append(out, a)
	}
	return out, doc.Version(), nil
}

// Define patches the custom schema.
func (c custom) Define(ctx context.Context, add, change []provider.CustomAttribute, version string) error {
	var ops []scim.PatchOp
	if len(add) > 0 {
		var defs []any
		for _, a := range add {
			defs = append(defs, definition(a))
		}
		ops = append(ops, scim.PatchOp{Op: "add", Path: "attributes", Value: defs})
	}
	for _, a := range change {
		for name, v := range definition(a) {
			if name == "name" || name == "type" || name == "multiValued" {
				continue
			}
			ops = append(ops, scim.PatchOp{Op: "replace", Path: which(a.Name) + "." + name, Value: v})
		}
	}
	_, err := c.p.must("Schema").Patch(ctx, customURN, ops, scim.WriteOptions{IfMatch: version})
	return err
}

// Remove patches the custom schema.
func (c custom) Remove(ctx context.Context, names []string, version string) error {
	ops := make([]scim.PatchOp, len(names))
	for i, name := range names {
		ops[i] = scim.PatchOp{Op: "remove", Path: which(name)}
	}
	_, err := c.p.must("Schema").Patch(ctx, customURN, ops, scim.WriteOptions{IfMatch: version})
	return err
}

func which(name string) string {
	return "attributes[" + filter.Eq(filter.AttrPath{Name: "name"}, name).String() + "]"
}

// definition is an attribute as the schema holds it, without what is left to
// the service.
func definition(a provider.CustomAttribute) map[string]any {
	m := map[string]any{"name": a.Name, "type": "string", "multiValued": a.MultiValued}
	if a.Type != "" {
		m["type"] = a.Type
	}
	for name, v := range map[string]string{"idcsDisplayName": a.Label, "description": a.Description, "idcsuiRegexp": a.Pattern} {
		if v != "" {
			m[name] = v
		}
	}
	for name, n := range map[string]int{"idcsMinLength": a.MinLength, "idcsMaxLength": a.MaxLength} {
		if n > 0 {
			m[name] = n
		}
	}
	if a.Searchable != nil {
		m["idcsSearchable"] = *a.Searchable
	}
	return m
}
