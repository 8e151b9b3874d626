package rfc7643

import (
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// TestSchemas checks what section 7 demands of a schema.
func TestSchemas(t *testing.T) {
	for _, s := range []*schema.Schema{User(), Group(), Enterprise(), ServiceProviderConfig(), ResourceType(), Schema(), {ID: "common", Attributes: Common()}} {
		t.Run(s.ID, func(t *testing.T) { checkAttributes(t, s.Attributes) })
	}
}

func checkAttributes(t *testing.T, attrs []*schema.Attribute) {
	t.Helper()
	seen := map[string]bool{}
	for _, a := range attrs {
		if key := strings.ToLower(a.Name); seen[key] {
			t.Errorf("%s is there twice", a.Name)
		} else {
			seen[key] = true
		}
		if a.Name == "" || a.Description == "" || a.Mutability == "" || a.Returned == "" || a.Uniqueness == "" {
			t.Errorf("%+v is not complete", a)
		}
		if (a.Type == schema.TypeComplex) != (len(a.SubAttributes) > 0) {
			t.Errorf("%s is %s with %d sub-attributes", a.Name, a.Type, len(a.SubAttributes))
		}
		if (a.Type == schema.TypeReference) != (len(a.ReferenceTypes) > 0) {
			t.Errorf("%s is %s with reference types %v", a.Name, a.Type, a.ReferenceTypes)
		}
		if a.Mutability == schema.WriteOnly && a.Returned != schema.ReturnedNever {
			t.Errorf("%s is writeOnly and returned %s", a.Name, a.Returned)
		}
		if a.Mutability == schema.ReadOnly {
			for _, sub := range a.SubAttributes {
				if sub.Mutability != schema.ReadOnly {
					t.Errorf("%s.%s is %s inside of what is readOnly", a.Name, sub.Name, sub.Mutability)
				}
			}
		}
		checkAttributes(t, a.SubAttributes)
	}
}

// TestAnewEachTime: a caller may change what it got.
func TestAnewEachTime(t *testing.T) {
	User().Attributes[0].Name = "changed"
	if got := User().Attributes[0].Name; got != "userName" {
		t.Errorf("the first attribute is %s", got)
	}
}
