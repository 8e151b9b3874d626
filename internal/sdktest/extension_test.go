package sdktest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

const enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// TestExtension: attributes of an extension are written, selected, filtered
// and sorted by their full names.
func TestExtension(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	boss := createUser(t, c, person("grace.hopper@example.com"))
	departments := map[string]string{"ada.one@example.com": "Zoology", "bob.two@example.com": "Astronomy", "cyd.three@example.com": "Mathematics"}
	for name, dep := range departments {
		u := person(name)
		u.Schemas = append(u.Schemas, enterpriseURN)
		u.UrnIetfParamsScimSchemasExtensionEnterprise2_0User = &identitydomains.ExtensionEnterprise20User{
			Department: common.String(dep),
			Manager:    &identitydomains.UserExtManager{Value: boss.Id},
		}
		created := createUser(t, c, u)
		ext := created.UrnIetfParamsScimSchemasExtensionEnterprise2_0User
		if ext == nil || value(ext.Department) != dep || ext.Manager == nil || value(ext.Manager.Value) != *boss.Id ||
			value(ext.Manager.DisplayName) == "" {
			t.Errorf("enterprise extension of %s: %v", name, ext)
		}
	}
	list := func(req identitydomains.ListUsersRequest) []identitydomains.User {
		t.Helper()
		got, err := c.ListUsers(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		return got.Resources
	}
	got := list(identitydomains.ListUsersRequest{
		Filter: common.String(enterpriseURN + `:manager.value eq "` + *boss.Id + `"`),
		SortBy: common.String(enterpriseURN + ":department"), Attributes: common.String(enterpriseURN + ":department"),
	})
	if d := cmp.Diff([]string{"bob.two@example.com", "cyd.three@example.com", "ada.one@example.com"}, names(got)); d != "" {
		t.Errorf("sorted by department (-want +got):\n%s", d)
	}
	for _, u := range got {
		ext := u.UrnIetfParamsScimSchemasExtensionEnterprise2_0User
		if ext == nil || value(ext.Department) != departments[*u.UserName] || ext.Manager != nil || u.Name != nil {
			t.Errorf("asked for the department alone, got %v", u)
		}
	}
	id := got[0].Id
	patched, err := c.PatchUser(ctx, identitydomains.PatchUserRequest{UserId: id, PatchOp: patch(
		op(identitydomains.OperationsOpReplace, enterpriseURN+":department", "Physics"),
		op(identitydomains.OperationsOpRemove, enterpriseURN+":manager", nil),
		op(identitydomains.OperationsOpAdd, enterpriseURN+":costCenter", "4711"),
	)})
	if err != nil {
		t.Fatal(err)
	}
	ext := patched.UrnIetfParamsScimSchemasExtensionEnterprise2_0User
	if ext == nil || value(ext.Department) != "Physics" || ext.Manager != nil || value(ext.CostCenter) != "4711" {
		t.Errorf("after the patch: %v", ext)
	}
	if left := list(identitydomains.ListUsersRequest{Filter: common.String(enterpriseURN + `:manager.value eq "` + *boss.Id + `"`)}); len(left) != 2 {
		t.Errorf("reports %v, want two", names(left))
	}
}

// TestReferencesByOCID: a reference may name an OCID in its own member, and not
// in value, which is too short for one.
func TestReferencesByOCID(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	u := createUser(t, c, person("ada.lovelace@example.com"))
	g, err := c.CreateGroup(ctx, identitydomains.CreateGroupRequest{Group: identitydomains.Group{
		Schemas: []string{groupURN}, DisplayName: common.String("Analysts"),
		Members: []identitydomains.GroupMembers{{Ocid: u.Ocid, Type: identitydomains.GroupMembersTypeUser}},
	}, Attributes: common.String("members")})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{*u.Id}, memberIDs(g.Group)); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	_, err = c.PatchGroup(ctx, identitydomains.PatchGroupRequest{GroupId: g.Id, PatchOp: patch(
		op(identitydomains.OperationsOpAdd, "members", []any{map[string]any{"value": *u.Ocid, "type": "User"}}),
	)})
	wantStatus(t, "an OCID as value", err, http.StatusBadRequest)
}

// TestPagesOfMembers: members are paged inside of the attributes parameter, and
// filtered there.
func TestPagesOfMembers(t *testing.T) {
	c, srv := newClient(t)
	ctx := t.Context()
	ids, err := srv.SeedPeople(ctx, 3, 7, 0)
	if err != nil {
		t.Fatal(err)
	}
	g := createGroup(t, c, "Everybody", ids...)
	seen := []string{}
	for start := 1; start <= 7; start += 3 {
		got, err := c.GetGroup(ctx, identitydomains.GetGroupRequest{
			GroupId: g.Id, Attributes: common.String(fmt.Sprintf("members[startIndex=%d&count=3]", start)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Members) > 3 {
			t.Errorf("%d members from %d, want at most 3", len(got.Members), start)
		}
		seen = append(seen, memberIDs(got.Group)...)
	}
	slices.Sort(seen)
	slices.Sort(ids)
	if d := cmp.Diff(ids, seen); d != "" {
		t.Errorf("members of all pages (-want +got):\n%s", d)
	}
	got, err := c.GetGroup(ctx, identitydomains.GetGroupRequest{
		GroupId: g.Id, Attributes: common.String(`members[value eq "` + ids[2] + `"]`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ids[2:3], memberIDs(got.Group)); d != "" {
		t.Errorf("one member by filter (-want +got):\n%s", d)
	}
}
