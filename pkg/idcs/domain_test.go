package idcs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

// tokens takes access tokens from the embedded server.
type tokens struct{ srv *idtest.Server }

func (s tokens) Token(ctx context.Context) (transport.Token, error) {
	v, err := s.srv.Token(ctx)
	return transport.Token{Value: transport.Secret(v)}, err
}

func newDomain(t *testing.T) *idcs.Client {
	t.Helper()
	srv := idtest.New(t)
	c, err := idcs.NewClient(idcs.Options{
		BaseURL: srv.URL, Tokens: tokens{srv}, Clock: transport.NewClock(time.Now), Unlimited: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newUser(n int) idcs.User {
	login := fmt.Sprintf("user%02d@example.com", n)
	return idcs.User{
		UserName: login, Name: &idcs.UserName{GivenName: "User", FamilyName: fmt.Sprintf("No%02d", n)},
		Emails:        []idcs.UserEmail{{Value: login, Type: "work", Primary: new(true)}},
		EnterpriseExt: &idcs.UserEnterpriseExt{Department: "IT"},
	}
}

// TestDomain drives the typed client against the embedded server from the
// first create to the last delete.
func TestDomain(t *testing.T) {
	ctx := context.Background()
	c := newDomain(t)

	ada, err := c.Users.Create(ctx, newUser(1), scim.WriteOptions{RetryToken: "t-1"})
	if err != nil {
		t.Fatal(err)
	}
	if ada.ID == "" || ada.Meta == nil || ada.Meta.Version == "" || ada.EnterpriseExt.Department != "IT" {
		t.Fatalf("created %+v", ada)
	}
	if _, err := c.Users.Create(ctx, newUser(1), scim.WriteOptions{}); !errors.Is(err, scim.ErrConflict) {
		t.Errorf("second create: %v, want ErrConflict", err)
	}

	// Bulk: more users than a page of the list below, and a failing operation.
	var ops []scim.BulkOperation
	for n := 2; n <= 12; n++ {
		ops = append(ops, scim.BulkOperation{Method: "POST", Path: "/Users", BulkID: fmt.Sprintf("u%d", n), Data: encode(t, newUser(n))})
	}
	ops = append(ops, scim.BulkOperation{Method: "DELETE", Path: "/Users/00000000000000000000000000000000"})
	results, err := c.Bulk(ctx, ops, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results[:11] {
		if r.Err != nil || r.Status != 201 {
			t.Errorf("bulk result %d: %d, %v", i, r.Status, r.Err)
		}
	}
	if last := results[11]; !errors.Is(last.Err, scim.ErrNotFound) {
		t.Errorf("bulk delete of nobody: %d, %v", last.Status, last.Err)
	}

	mine := filter.Sw(filter.MustAttr("userName"), "user")
	for name, opts := range map[string]scim.ListOptions{
		"by url":    {Filter: mine, Count: 5, SortBy: "userName"},
		"by search": {Filter: mine, Count: 5, SortBy: "userName", Post: true},
	} {
		var got []string
		for u, err := range c.Users.All(ctx, opts) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, u.UserName)
		}
		if len(got) != 12 || !slices.IsSorted(got) {
			t.Errorf("%s: %v", name, got)
		}
	}
	n := 0
	for _, err := range c.Users.AllByCursor(ctx, scim.ListOptions{Filter: mine, Count: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 12 {
		t.Errorf("by cursor: %d users, want 12", n)
	}

	found, err := c.Users.Find(ctx, "USER01@example.com")
	if err != nil || found.ID != ada.ID {
		t.Fatalf("Find: %s, %v", found.ID, err)
	}

	change, err := scim.NewPatch().
		Replace("title", "Dr").
		Replace(scim.Path("emails.value", filter.Eq(filter.MustAttr("type"), "work")), "ada@example.com").
		Ops()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Users.Patch(ctx, ada.ID, change, scim.WriteOptions{IfMatch: "ffffffffffffffffffffffffffffffff"}); !errors.Is(err, scim.ErrConflict) {
		t.Errorf("patch of an old version: %v, want ErrConflict", err)
	}
	patched, err := c.Users.Patch(ctx, ada.ID, change, scim.WriteOptions{IfMatch: ada.Meta.Version})
	if err != nil || patched.Title != "Dr" || patched.Emails[0].Value != "ada@example.com" {
		t.Fatalf("patch: %+v, %v", patched, err)
	}

	group, err := c.Groups.Create(ctx, idcs.Group{DisplayName: "Staff", Members: []idcs.GroupMember{{Value: ada.ID, Type: "User"}}}, scim.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	group, err = c.Groups.Get(ctx, group.ID, scim.ListOptions{Attributes: []string{"displayName", "members"}})
	if err != nil || len(group.Members) != 1 || group.Members[0].Value != ada.ID {
		t.Errorf("group: %+v, %v", group, err)
	}
	group.DisplayName = "All staff"
	if group, err = c.Groups.Replace(ctx, group.ID, group, scim.WriteOptions{}); err != nil || group.DisplayName != "All staff" {
		t.Errorf("replace: %+v, %v", group, err)
	}

	if err := c.Groups.Delete(ctx, group.ID, scim.WriteOptions{Force: true}); err != nil {
		t.Errorf("delete group: %v", err)
	}
	if err := c.Users.Delete(ctx, ada.ID, scim.WriteOptions{Force: true}); err != nil {
		t.Errorf("delete user: %v", err)
	}
	if _, err := c.Users.Get(ctx, ada.ID, scim.ListOptions{}); !errors.Is(err, scim.ErrNotFound) {
		t.Errorf("get after delete: %v, want ErrNotFound", err)
	}
}
