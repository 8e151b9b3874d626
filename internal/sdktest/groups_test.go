package sdktest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

func memberIDs(g identitydomains.Group) []string {
	ids := []string{}
	for _, m := range g.Members {
		ids = append(ids, value(m.Value))
	}
	slices.Sort(ids)
	return ids
}

func TestGroupLifeCycle(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	ada := createUser(t, c, person("ada.lovelace@example.com"))
	bob := createUser(t, c, person("bob.other@example.com"))
	g := createGroup(t, c, "Analysts", *ada.Id)

	members := func(t *testing.T) []string {
		t.Helper()
		got, err := c.GetGroup(ctx, identitydomains.GetGroupRequest{GroupId: g.Id, Attributes: common.String("members")})
		if err != nil {
			t.Fatal(err)
		}
		return memberIDs(got.Group)
	}
	sorted := func(ids ...string) []string { slices.Sort(ids); return ids }

	plain, err := c.GetGroup(ctx, identitydomains.GetGroupRequest{GroupId: g.Ocid})
	if err != nil {
		t.Fatalf("get by ocid: %v", err)
	}
	if plain.Members != nil || value(plain.DisplayName) != "Analysts" {
		t.Errorf("get: members %v, displayName %q; members are returned on request only", plain.Members, value(plain.DisplayName))
	}
	if d := cmp.Diff(sorted(*ada.Id), members(t)); d != "" {
		t.Errorf("members after create (-want +got):\n%s", d)
	}

	add := op(identitydomains.OperationsOpAdd, "members", []any{map[string]any{"value": *bob.Id, "type": "User"}})
	if _, err := c.PatchGroup(ctx, identitydomains.PatchGroupRequest{GroupId: g.Id, PatchOp: patch(add)}); err != nil {
		t.Fatalf("add a member: %v", err)
	}
	if d := cmp.Diff(sorted(*ada.Id, *bob.Id), members(t)); d != "" {
		t.Errorf("members after add (-want +got):\n%s", d)
	}
	user, err := c.GetUser(ctx, identitydomains.GetUserRequest{UserId: bob.Id, Attributes: common.String("groups")})
	if err != nil {
		t.Fatal(err)
	}
	if len(user.Groups) != 1 || value(user.Groups[0].Value) != *g.Id || value(user.Groups[0].Display) != "Analysts" {
		t.Errorf("groups of the new member: %v", user.Groups)
	}
	of, err := c.ListGroups(ctx, identitydomains.ListGroupsRequest{Filter: common.String(`members[value eq "` + *bob.Id + `" and type eq "User"]`)})
	if err != nil {
		t.Fatal(err)
	}
	if len(of.Resources) != 1 || value(of.Resources[0].Id) != *g.Id {
		t.Errorf("groups filtered by member: %v", of.Resources)
	}
	in, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{
		Filter: common.String(`groups.value eq "` + *g.Id + `"`), SortBy: common.String("userName"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{*ada.UserName, *bob.UserName}, names(in.Resources)); d != "" {
		t.Errorf("users filtered by group (-want +got):\n%s", d)
	}

	remove := op(identitydomains.OperationsOpRemove, `members[value eq "`+*ada.Id+`"]`, nil)
	if _, err := c.PatchGroup(ctx, identitydomains.PatchGroupRequest{GroupId: g.Id, PatchOp: patch(remove)}); err != nil {
		t.Fatalf("remove a member: %v", err)
	}
	if d := cmp.Diff(sorted(*bob.Id), members(t)); d != "" {
		t.Errorf("members after remove (-want +got):\n%s", d)
	}

	put, err := c.PutGroup(ctx, identitydomains.PutGroupRequest{GroupId: g.Id, Group: identitydomains.Group{
		Schemas: []string{groupURN}, DisplayName: common.String("Engineers"),
		Members: []identitydomains.GroupMembers{{Value: ada.Id, Type: identitydomains.GroupMembersTypeUser}},
	}, Attributes: common.String("displayName,members")})
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	if d := cmp.Diff(sorted(*ada.Id), memberIDs(put.Group)); d != "" || value(put.DisplayName) != "Engineers" {
		t.Errorf("put: displayName %q, members (-want +got):\n%s", value(put.DisplayName), d)
	}
	_, err = c.PutGroup(ctx, identitydomains.PutGroupRequest{
		GroupId: g.Id, IfMatch: plain.Meta.Version,
		Group: identitydomains.Group{Schemas: []string{groupURN}, DisplayName: common.String("Late")},
	})
	wantStatus(t, "put with a stale etag", err, http.StatusPreconditionFailed)

	empty, err := c.PatchGroup(ctx, identitydomains.PatchGroupRequest{
		GroupId: g.Id, Attributes: common.String("members"), PatchOp: patch(op(identitydomains.OperationsOpRemove, "members", nil)),
	})
	if err != nil {
		t.Fatalf("remove all members: %v", err)
	}
	if len(empty.Members) != 0 {
		t.Errorf("members after removing all: %v", empty.Members)
	}

	if _, err := c.DeleteGroup(ctx, identitydomains.DeleteGroupRequest{GroupId: g.Id}); err != nil {
		t.Fatalf("delete: %v", err)
	}
	_, err = c.GetGroup(ctx, identitydomains.GetGroupRequest{GroupId: g.Id})
	wantStatus(t, "get after delete", err, http.StatusNotFound)
}

func TestGroupErrors(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	g := createGroup(t, c, "Analysts")
	unknown := "0123456789abcdef0123456789abcdef"
	_, err := c.CreateGroup(ctx, identitydomains.CreateGroupRequest{
		Group: identitydomains.Group{Schemas: []string{groupURN}, DisplayName: common.String("analysts")},
	})
	wantStatus(t, "duplicate, other case", err, http.StatusConflict)
	_, err = c.GetGroup(ctx, identitydomains.GetGroupRequest{GroupId: &unknown})
	wantStatus(t, "get unknown", err, http.StatusNotFound)
	_, err = c.PatchGroup(ctx, identitydomains.PatchGroupRequest{GroupId: g.Id, PatchOp: patch(
		op(identitydomains.OperationsOpAdd, "members", []any{map[string]any{"value": unknown, "type": "User"}}),
	)})
	wantStatus(t, "unknown member", err, http.StatusBadRequest)
	_, err = c.ListGroups(ctx, identitydomains.ListGroupsRequest{Filter: common.String(`displayName zz "x"`)})
	wantStatus(t, "bad filter", err, http.StatusBadRequest)
}

func TestListGroups(t *testing.T) {
	c, srv := newClient(t)
	ctx := t.Context()
	if _, err := srv.SeedPeople(ctx, 1, 12, 7); err != nil {
		t.Fatal(err)
	}
	all, err := c.ListGroups(ctx, identitydomains.ListGroupsRequest{SortBy: common.String("displayName")})
	if err != nil {
		t.Fatal(err)
	}
	title := func(gs []identitydomains.Group) []string {
		out := []string{}
		for _, g := range gs {
			out = append(out, value(g.DisplayName))
		}
		return out
	}
	want := title(all.Resources)
	if len(want) != 7 {
		t.Fatalf("groups %v, want 7", want)
	}
	var got []string
	var page *string
	for range 4 {
		l, err := c.ListGroups(ctx, identitydomains.ListGroupsRequest{
			Limit: common.Int(2), Page: page, SortBy: common.String("displayName"), SortOrder: identitydomains.ListGroupsSortOrderDescending,
		})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, title(l.Resources)...)
		page = l.OpcNextPage
	}
	slices.Reverse(got)
	if d := cmp.Diff(want, got); d != "" || page != nil {
		t.Errorf("next page %v after the last, groups (-want +got):\n%s", page, d)
	}
	found, err := c.SearchGroups(ctx, identitydomains.SearchGroupsRequest{GroupSearchRequest: identitydomains.GroupSearchRequest{
		Schemas: []string{searchURN}, Filter: common.String(`displayName eq "` + want[3] + `"`),
		AttributeSets: []identitydomains.AttributeSetsEnum{identitydomains.AttributeSetsRequest},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want[3:4], title(found.Resources)); d != "" {
		t.Errorf("search (-want +got):\n%s", d)
	}
}
