package idcs

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim"
)

// BasePath is the path of the SCIM family of an identity domain.
const BasePath = "/admin/v1"

// TypeInfo describes a resource type of the admin API.
type TypeInfo struct {
	// Name is the resource type, "User"; Endpoint its path below BasePath,
	// "/Users".
	Name     string
	Endpoint string
	Ops      scim.Ops
	// Core is the main schema's URN, empty where none is published.
	Core string
	// Extensions are the URNs of the extension schemas, in the order of the
	// published SDK.
	Extensions []string
	// Keys are the searchable attributes by which a person may name a resource
	// of this type, best first. They need not be unique.
	Keys []string
	// SingletonID is the id of the one resource of the type, where there is
	// only one.
	SingletonID string
	// Paged types can be listed by cursor (page, limit, opc-next-page).
	Paged bool
	// Bare types have no id in their path: /Me.
	Bare bool
	// Catalogued types are not in the published SDK. They, and the operations
	// given for them, come from the vendor's request collections and guides,
	// so more operations may exist than are listed.
	Catalogued bool
}

// Types lists every type that the package knows, sorted by name. The result is
// the caller's.
func Types() []TypeInfo {
	out := make([]TypeInfo, 0, len(generatedTypes)+len(cataloguedTypes))
	for i := range generatedTypes {
		out = append(out, generatedTypes[i].clone())
	}
	for i := range cataloguedTypes {
		out = append(out, cataloguedTypes[i].clone())
	}
	slices.SortFunc(out, func(a, b TypeInfo) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (t *TypeInfo) clone() TypeInfo {
	out := *t
	out.Extensions = slices.Clone(t.Extensions)
	out.Keys = slices.Clone(t.Keys)
	return out
}

// LookupType finds a type by its name or endpoint, without regard to case and
// with or without a leading slash: User, users, /Users.
func LookupType(name string) (TypeInfo, bool) {
	name = strings.Trim(name, "/")
	for _, list := range [][]TypeInfo{generatedTypes[:], cataloguedTypes[:]} {
		for i := range list {
			if strings.EqualFold(list[i].Name, name) || strings.EqualFold(list[i].Endpoint[1:], name) {
				return list[i].clone(), true
			}
		}
	}
	return TypeInfo{}, false
}

// Schemas are the URNs that a create of this type may declare: the core schema
// first. Empty where no core schema is published.
func (t *TypeInfo) Schemas() []string {
	if t.Core == "" {
		return nil
	}
	return append([]string{t.Core}, t.Extensions...)
}

// scimType describes the type to a service of T.
func scimType[T any](t TypeInfo, key string) scim.Type[T] {
	return scim.Type[T]{Name: t.Name, Path: t.Endpoint, Schemas: t.Schemas(), Key: key, Ops: t.Ops, Bare: t.Bare}
}

// mustType is for the names of the generated table that this package's own
// code uses; a test looks each of them up.
func mustType(name string) TypeInfo {
	t, _ := LookupType(name)
	return t
}
