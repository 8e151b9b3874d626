package scim

import (
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// Ops are the operations that a resource type offers; values combine by OR.
type Ops = schema.Verb

// The operations of a resource type. Search is POST .search; All and Find need
// List or Search.
const (
	List    = schema.VerbList
	Get     = schema.VerbGet
	Create  = schema.VerbCreate
	Replace = schema.VerbPut
	Patch   = schema.VerbPatch
	Delete  = schema.VerbDelete
	Search  = schema.VerbSearch

	// AllOps are the operations of a full RFC 7644 resource type.
	AllOps = List | Get | Create | Replace | Patch | Delete | Search
)

// Type describes one resource type to a Service. T is the struct that its
// resources decode into, or Document.
type Type[T any] struct {
	// Name is the resource type, "User".
	Name string
	// Path is the endpoint below the client's base path, "/Users".
	Path string
	// Schemas are sent with a create or replace whose resource declares none:
	// the main schema first.
	Schemas []string
	// Key is the attribute that Find looks for, "userName"; "id" or empty
	// makes Find a Get.
	Key string
	Ops Ops
	// Bare types have no id in the path: /Me. Calls ignore the id.
	Bare bool
}

// VerbError says that a type does not have an operation. It is ErrVerb.
// Nothing was sent.
type VerbError struct {
	Type string
	Verb Ops
	Has  Ops
}

// Error names the type, the operation and what the type has instead.
func (e *VerbError) Error() string {
	has := "it has none"
	if e.Has != 0 {
		has = "it has " + OpNames(e.Has)
	}
	return "resource type " + e.Type + " has no " + OpNames(e.Verb) + ": " + has
}

// Is matches ErrVerb.
func (e *VerbError) Is(target error) bool { return target == ErrVerb }

// OpNames lists operations in words: "list, get, replace".
func OpNames(ops Ops) string {
	var names []string
	for _, o := range []struct {
		op   Ops
		name string
	}{
		{List, "list"},
		{Get, "get"},
		{Create, "create"},
		{Replace, "replace"},
		{Patch, "patch"},
		{Delete, "delete"},
		{Search, "search"},
	} {
		if ops&o.op != 0 {
			names = append(names, o.name)
		}
	}
	return strings.Join(names, ", ")
}
