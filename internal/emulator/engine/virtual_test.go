package engine

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/scim/schema"
)

func TestVirtualCollections(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		typ, filter, attr string
		want              []string
	}{
		{"Schema", `id ew "core:2.0:User"`, "id", []string{"urn:ietf:params:scim:schemas:core:2.0:User"}},
		{"ResourceType", `name eq "user"`, "endpoint", []string{"/Users"}},
		{"ResourceTypeSchemaAttribute", `resourceType eq "User" and name eq "userName"`, "idcsDisplayName", []string{"User Name"}},
		{"ResourceTypeSchemaAttribute", `resourceType eq "Group" and idcsFullyQualifiedName ew ":members.value"`, "name", []string{"value"}},
		{"ServiceProviderConfig", ``, "id", []string{"ServiceProviderConfig"}},
		{"AllowedValue", `attrName eq "supportedLocales"`, "id", []string{"supportedLocales"}},
	} {
		if got := b.names(c.typ, c.attr, c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %v, want %v", c.typ, c.filter, got, c.want)
		}
	}
	// The recorded request for the columns of import files.
	l, err := b.e.List(b.ctx(), admin, "ResourceTypeSchemaAttribute", Params{
		Filter: `resourceType eq "User" and idcsCsvAttributeName pr`, SortBy: "name",
		Attributes: strings.Split("idcsCsvAttributeName,idcsDisplayName,description,type,required,canonicalValues,mutability", ","),
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.Total == 0 {
		t.Fatal("no attribute has a column")
	}
	for _, d := range l.Resources {
		if d["idcsCsvAttributeName"] == nil || d["type"] == nil || d["mutability"] == nil || d["name"] != nil {
			t.Errorf("a row is %v", d)
		}
	}
	l, err = b.e.List(b.ctx(), admin, "ResourceTypeSchemaAttribute", Params{
		Filter: `resourceType eq "User" and name eq "userName"`,
	})
	if err != nil || len(l.Resources) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
	row := l.Resources[0]
	if elements(row["idcsCsvAttributeNameMappings"]) == nil || row["idcsMaxLength"] == nil || row["uniqueness"] != "global" {
		t.Errorf("userName is %v", row)
	}
	row["name"] = "changed"
	if got := b.names("ResourceTypeSchemaAttribute", "name", `resourceType eq "User" and name eq "userName"`); got[0] != "userName" {
		t.Error("an answer is part of the catalogue")
	}
	res, err := b.e.Get(b.ctx(), admin, "Schema", "urn:ietf:params:scim:schemas:core:2.0:Group", Params{})
	if err != nil {
		t.Fatal(err)
	}
	if len(elements(res.Doc["attributes"])) < 10 || !strings.HasSuffix(res.Location, "/admin/v1/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group") {
		t.Errorf("%s: %d attributes", res.Location, len(elements(res.Doc["attributes"])))
	}
	_, err = b.e.Get(b.ctx(), admin, "Schema", "urn:x", Params{})
	wantError(t, err, http.StatusNotFound, msgNotFound)
	_, err = b.patch("Schema", "urn:ietf:params:scim:schemas:core:2.0:Group", `[{"op":"replace","path":"description","value":"x"}]`)
	wantError(t, err, http.StatusNotImplemented, msgNotImplemented)
}

func TestAuthorizeComesFirst(t *testing.T) {
	type asked struct {
		typ  string
		verb schema.Verb
		id   string
	}
	var got []asked
	refusal := &Error{Status: http.StatusForbidden, Detail: "no"}
	b := newBench(t, func(o *Options) {
		o.Authorize = func(_ context.Context, _ Call, typ string, verb schema.Verb, id string) error {
			got = append(got, asked{typ, verb, id})
			return refusal
		}
	})
	for _, call := range operations(b, "Grant", "x") {
		if err := call(); !errors.Is(err, refusal) {
			t.Errorf("got %v", err)
		}
	}
	if len(got) != 6 {
		t.Errorf("it was asked %d times", len(got))
	}
	got = nil
	id := ocidFor("User", strings.Repeat("0", 32))
	if _, err := b.e.Get(b.ctx(), admin, "users", id, Params{}); !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
	if want := (asked{"User", schema.VerbGet, strings.Repeat("0", 32)}); got[0] != want {
		t.Errorf("it was asked for %v, want %v", got[0], want)
	}
}

func TestDoIsOneTransaction(t *testing.T) {
	b := newBench(t)
	broken := errors.New("broken")
	err := b.e.Do(b.ctx(), admin, func(tx *Tx) error {
		if _, err := tx.Create("Group", doc(t, `{"displayName":"a"}`), Params{}); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got := b.names("Group", "displayName", ""); got != nil {
		t.Errorf("there is %v", got)
	}
	if got := b.names(auditType, "eventId", ""); got != nil {
		t.Errorf("there are events %v", got)
	}
}

func TestUnknownType(t *testing.T) {
	b := newBench(t)
	_, err := b.e.Get(b.ctx(), admin, "Unicorns", "x", Params{})
	wantError(t, err, http.StatusNotFound, msgNotFound)
}

func TestOCIDs(t *testing.T) {
	for _, id := range []string{strings.Repeat("0", 32), "0123456789abcdef0123456789abcdef", "IdentitySettings", "", "Ä"} {
		o := ocidFor("User", id)
		if got := idOf("User", o); got != id {
			t.Errorf("%s became %s", id, got)
		}
		if got := idOf("Group", o); got != o {
			t.Errorf("the OCID of a user is taken for a group's")
		}
	}
	for _, o := range []string{"", "x", "ocid1.user.oc1..", "ocid1.user.oc1..aaaaaaaa", "ocid1.user.oc1..aaaaaaaa!!"} {
		if got := idOf("User", o); got != o {
			t.Errorf("%q became %q", o, got)
		}
	}
}
