package sdktest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

func TestUserLifeCycle(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()

	created, err := c.CreateUser(ctx, identitydomains.CreateUserRequest{User: person("ada.lovelace@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if created.RawResponse.StatusCode != http.StatusCreated {
		t.Errorf("create: status %d, want 201", created.RawResponse.StatusCode)
	}
	if value(created.OpcRequestId) == "" {
		t.Error("create: no opc-request-id")
	}
	u := created.User
	if value(created.Etag) == "" || u.Meta == nil || *created.Etag != value(u.Meta.Version) {
		t.Errorf("create: etag %q, meta %v; want the version", value(created.Etag), u.Meta)
	}
	if value(u.Ocid) == "" || u.IdcsCreatedBy == nil || value(u.IdcsCreatedBy.Value) == "" {
		t.Errorf("create: ocid %q, idcsCreatedBy %v; want both", value(u.Ocid), u.IdcsCreatedBy)
	}
	if !value(u.Active) {
		t.Error("create: the user is not active")
	}
	kinds := map[identitydomains.UserEmailsTypeEnum]string{}
	for _, e := range u.Emails {
		kinds[e.Type] = value(e.Value)
	}
	want := map[identitydomains.UserEmailsTypeEnum]string{
		identitydomains.UserEmailsTypeWork:     "ada.lovelace@example.com",
		identitydomains.UserEmailsTypeRecovery: "ada.lovelace@example.com",
	}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Errorf("create: e-mails (-want +got):\n%s", d)
	}

	for name, id := range map[string]*string{"id": u.Id, "ocid": u.Ocid} {
		got, err := c.GetUser(ctx, identitydomains.GetUserRequest{UserId: id})
		if err != nil {
			t.Fatalf("get by %s: %v", name, err)
		}
		if d := cmp.Diff(u, got.User); d != "" {
			t.Errorf("get by %s differs from create (-create +get):\n%s", name, d)
		}
	}

	t.Run("attributes", func(t *testing.T) {
		got, err := c.GetUser(ctx, identitydomains.GetUserRequest{UserId: u.Id, Attributes: common.String("title,name.familyName")})
		if err != nil {
			t.Fatal(err)
		}
		if got.Name == nil || value(got.Name.FamilyName) != "lovelace" || got.Name.GivenName != nil {
			t.Errorf("name %v, want the family name only", got.Name)
		}
		if got.Emails != nil || value(got.UserName) == "" {
			t.Errorf("e-mails %v, user name %q; want always attributes and no others", got.Emails, value(got.UserName))
		}
	})
	t.Run("attribute sets", func(t *testing.T) {
		got, err := c.GetUser(ctx, identitydomains.GetUserRequest{
			UserId: u.Id, AttributeSets: []identitydomains.AttributeSetsEnum{identitydomains.AttributeSetsAlways, identitydomains.AttributeSetsRequest},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got.Emails != nil || got.Active != nil {
			t.Errorf("e-mails %v, active %v; want no default attributes", got.Emails, got.Active)
		}
		if got.UrnIetfParamsScimSchemasOracleIdcsExtensionUserUser == nil {
			t.Error("no user extension, want its attributes that are returned on request")
		}
	})

	patched, err := c.PatchUser(ctx, identitydomains.PatchUserRequest{UserId: u.Id, PatchOp: patch(
		op(identitydomains.OperationsOpReplace, "title", "Countess"),
		op(identitydomains.OperationsOpAdd, "phoneNumbers", []any{
			map[string]any{"value": "+44 20 7946 0001", "type": "work"},
			map[string]any{"value": "+44 20 7946 0002", "type": "home"},
		}),
		op(identitydomains.OperationsOpReplace, "name.middleName", "King"),
	)})
	if err != nil {
		t.Fatalf("patch: %v", err)
	}
	if value(patched.Title) != "Countess" || len(patched.PhoneNumbers) != 2 || value(patched.Name.MiddleName) != "King" ||
		value(patched.Name.FamilyName) != "lovelace" {
		t.Errorf("patch: %v", patched.User)
	}
	if value(patched.Etag) == "" || *patched.Etag == *created.Etag {
		t.Errorf("patch: etag %q, want another than %q", value(patched.Etag), *created.Etag)
	}
	patched, err = c.PatchUser(ctx, identitydomains.PatchUserRequest{UserId: u.Id, IfMatch: patched.Etag, PatchOp: patch(
		op(identitydomains.OperationsOpRemove, `phoneNumbers[type eq "home"]`, nil),
		op(identitydomains.OperationsOpRemove, "title", nil),
	)})
	if err != nil {
		t.Fatalf("patch with If-Match: %v", err)
	}
	if patched.Title != nil || len(patched.PhoneNumbers) != 1 || value(patched.PhoneNumbers[0].Value) != "+44 20 7946 0001" {
		t.Errorf("patch: title %q, phones %v; want the work phone only", value(patched.Title), patched.PhoneNumbers)
	}

	next := patched.User
	next.DisplayName = common.String("The Enchantress of Numbers")
	next.PhoneNumbers = nil
	put, err := c.PutUser(ctx, identitydomains.PutUserRequest{UserId: u.Id, User: next, IfMatch: patched.Etag})
	if err != nil {
		t.Fatalf("put what was read: %v", err)
	}
	if value(put.DisplayName) != "The Enchantress of Numbers" || put.PhoneNumbers != nil {
		t.Errorf("put: displayName %q, phones %v", value(put.DisplayName), put.PhoneNumbers)
	}
	_, err = c.PutUser(ctx, identitydomains.PutUserRequest{UserId: u.Id, User: next, IfMatch: created.Etag})
	wantStatus(t, "put with a stale etag", err, http.StatusPreconditionFailed)
	_, err = c.PatchUser(ctx, identitydomains.PatchUserRequest{
		UserId: u.Id, IfMatch: created.Etag, PatchOp: patch(op(identitydomains.OperationsOpReplace, "title", "Ms")),
	})
	wantStatus(t, "patch with a stale etag", err, http.StatusPreconditionFailed)
	_, err = c.DeleteUser(ctx, identitydomains.DeleteUserRequest{UserId: u.Id, IfMatch: created.Etag})
	wantStatus(t, "delete with a stale etag", err, http.StatusPreconditionFailed)

	deleted, err := c.DeleteUser(ctx, identitydomains.DeleteUserRequest{UserId: u.Id, IfMatch: put.Etag})
	if err != nil {
		t.Fatalf("delete: %v", err)
	}
	if deleted.RawResponse.StatusCode != http.StatusNoContent {
		t.Errorf("delete: status %d, want 204", deleted.RawResponse.StatusCode)
	}
	_, err = c.GetUser(ctx, identitydomains.GetUserRequest{UserId: u.Id})
	wantStatus(t, "get after delete", err, http.StatusNotFound)
}

func TestListUsers(t *testing.T) {
	c, srv := newClient(t)
	ctx := t.Context()
	all := crowd(ctx, t, srv, 7)
	createUser(t, c, person("zoe.other@example.com"))

	t.Run("filter, sort and attributes", func(t *testing.T) {
		got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{
			Filter: common.String(`userName sw "CROWD." and not (name.familyName eq "03")`),
			SortBy: common.String("userName"), SortOrder: identitydomains.ListUsersSortOrderDescending,
			Attributes: common.String("userName"),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(all)
		want = slices.Delete(want, 3, 4)
		slices.Reverse(want)
		if d := cmp.Diff(want, names(got.Resources)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if value(got.TotalResults) != 6 || !slices.Contains(got.Schemas, listURN) {
			t.Errorf("total %d, schemas %v; want 6 in a list response", value(got.TotalResults), got.Schemas)
		}
		for _, u := range got.Resources {
			if u.Emails != nil || u.Name != nil || value(u.Id) == "" {
				t.Fatalf("attributes=userName gave %v", u)
			}
		}
	})
	t.Run("attribute sets", func(t *testing.T) {
		got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{
			Filter:        common.String(`userName eq "zoe.other@example.com"`),
			AttributeSets: []identitydomains.AttributeSetsEnum{identitydomains.AttributeSetsAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Resources) != 1 || len(got.Resources[0].Emails) == 0 || got.Resources[0].Password != nil {
			t.Errorf("%v, want one user with everything but the password", got.Resources)
		}
	})
	t.Run("startIndex and count", func(t *testing.T) {
		seen := []string{}
		for start := 1; start <= 8; start += 3 {
			got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{
				StartIndex: common.Int(start), Count: common.Int(3), SortBy: common.String("userName"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if value(got.StartIndex) != start || value(got.ItemsPerPage) != 3 || value(got.TotalResults) != 8 {
				t.Errorf("start %d: startIndex %d, itemsPerPage %d, total %d", start,
					value(got.StartIndex), value(got.ItemsPerPage), value(got.TotalResults))
			}
			seen = append(seen, names(got.Resources)...)
		}
		if d := cmp.Diff(append(slices.Clone(all), "zoe.other@example.com"), seen); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	t.Run("limit and page", func(t *testing.T) {
		seen := []string{}
		var page *string
		calls := 0
		for {
			got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{Limit: common.Int(3), Page: page})
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, names(got.Resources)...)
			if calls++; calls > 10 {
				t.Fatal("the pages have no end")
			}
			if page = got.OpcNextPage; page == nil {
				break
			}
		}
		slices.Sort(seen)
		if d := cmp.Diff(append(slices.Clone(all), "zoe.other@example.com"), seen); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if calls != 3 {
			t.Errorf("%d calls for 8 users at 3 a page, want 3", calls)
		}
	})
	t.Run("search", func(t *testing.T) {
		got, err := c.SearchUsers(ctx, identitydomains.SearchUsersRequest{UserSearchRequest: identitydomains.UserSearchRequest{
			Schemas: []string{searchURN}, Attributes: []string{"userName", "displayName"},
			Filter: common.String(`emails.value co "crowd"`), SortBy: common.String("userName"),
			SortOrder: identitydomains.SortOrderAscending, StartIndex: common.Int(2), Count: common.Int(4),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all[1:5], names(got.Resources)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if value(got.TotalResults) != 7 || got.Resources[0].DisplayName == nil || got.Resources[0].Emails != nil {
			t.Errorf("total %d, first %v", value(got.TotalResults), got.Resources[0])
		}
	})
	t.Run("bad filter", func(t *testing.T) {
		_, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{Filter: common.String(`userName eq`)})
		wantStatus(t, "list", err, http.StatusBadRequest)
	})
}

func TestUserErrors(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	u := createUser(t, c, person("ada.lovelace@example.com"))
	unknown := common.String("0123456789abcdef0123456789abcdef")

	nameless := person("no.mail@example.com")
	nameless.Emails = nil
	wrongRef := person("bad.manager@example.com")
	wrongRef.UrnIetfParamsScimSchemasExtensionEnterprise2_0User = &identitydomains.ExtensionEnterprise20User{
		Manager: &identitydomains.UserExtManager{Value: unknown},
	}
	tests := []struct {
		name   string
		status int
		call   func() error
	}{
		{"get unknown", http.StatusNotFound, func() error {
			_, err := c.GetUser(ctx, identitydomains.GetUserRequest{UserId: unknown})
			return err
		}},
		{"patch unknown", http.StatusNotFound, func() error {
			_, err := c.PatchUser(ctx, identitydomains.PatchUserRequest{
				UserId: unknown, PatchOp: patch(op(identitydomains.OperationsOpReplace, "title", "x")),
			})
			return err
		}},
		{"put unknown", http.StatusNotFound, func() error {
			_, err := c.PutUser(ctx, identitydomains.PutUserRequest{UserId: unknown, User: person("not.there@example.com")})
			return err
		}},
		{"delete unknown", http.StatusNotFound, func() error {
			_, err := c.DeleteUser(ctx, identitydomains.DeleteUserRequest{UserId: unknown})
			return err
		}},
		{"duplicate, other case", http.StatusConflict, func() error {
			_, err := c.CreateUser(ctx, identitydomains.CreateUserRequest{User: person("ADA.Lovelace@example.com")})
			return err
		}},
		{"no primary e-mail", http.StatusBadRequest, func() error {
			_, err := c.CreateUser(ctx, identitydomains.CreateUserRequest{User: nameless})
			return err
		}},
		{"unknown manager", http.StatusBadRequest, func() error {
			_, err := c.CreateUser(ctx, identitydomains.CreateUserRequest{User: wrongRef})
			return err
		}},
		{"patch of a read-only attribute", http.StatusBadRequest, func() error {
			_, err := c.PatchUser(ctx, identitydomains.PatchUserRequest{
				UserId: u.Id, PatchOp: patch(op(identitydomains.OperationsOpReplace, "meta.created", "2020-01-01T00:00:00Z")),
			})
			return err
		}},
		{"patch of an unknown attribute", http.StatusBadRequest, func() error {
			_, err := c.PatchUser(ctx, identitydomains.PatchUserRequest{
				UserId: u.Id, PatchOp: patch(op(identitydomains.OperationsOpReplace, "shoeSize", "42")),
			})
			return err
		}},
		{"patch that takes the user name away", http.StatusBadRequest, func() error {
			_, err := c.PatchUser(ctx, identitydomains.PatchUserRequest{
				UserId: u.Id, PatchOp: patch(op(identitydomains.OperationsOpRemove, "userName", nil)),
			})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantStatus(t, tt.name, tt.call(), tt.status) })
	}
	t.Run("wrong token", func(t *testing.T) {
		bad := c
		bad.Signer = bearerSigner{"not-a-token"}
		_, err := bad.GetUser(ctx, identitydomains.GetUserRequest{UserId: u.Id})
		wantStatus(t, "get", err, http.StatusUnauthorized)
	})
	got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"ada.lovelace@example.com"}, names(got.Resources)); d != "" {
		t.Errorf("refused requests left something behind (-want +got):\n%s", d)
	}
}

// TestRetryToken: a create that is sent again with its token is the same create.
func TestRetryToken(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	req := identitydomains.CreateUserRequest{User: person("ada.lovelace@example.com"), OpcRetryToken: common.String("token-1")}
	first, err := c.CreateUser(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.CreateUser(ctx, req)
	if err != nil {
		t.Fatalf("same token, same request: %v", err)
	}
	if *first.Id != *second.Id || second.RawResponse.StatusCode != http.StatusCreated {
		t.Errorf("second create: id %s, status %d; want %s and 201", *second.Id, second.RawResponse.StatusCode, *first.Id)
	}
	req.OpcRetryToken = common.String("token-2")
	_, err = c.CreateUser(ctx, req)
	wantStatus(t, "another token", err, http.StatusConflict)
	req = identitydomains.CreateUserRequest{User: person("bob.other@example.com"), OpcRetryToken: common.String("token-1")}
	_, err = c.CreateUser(ctx, req)
	wantStatus(t, "the same token for another user", err, http.StatusConflict)
}

// TestClientRetries: the client's own retry policy gets a create through
// failures of the service, once.
func TestClientRetries(t *testing.T) {
	c, srv := newClient(t)
	ctx := t.Context()
	if err := srv.Faults("503:path=/admin/v1/Users,method=POST,times=2", "cut:path=/admin/v1/Users,method=POST,every=3,times=1"); err != nil {
		t.Fatal(err)
	}
	policy := common.NewRetryPolicy(6,
		func(r common.OCIOperationResponse) bool { return r.Error != nil },
		func(common.OCIOperationResponse) time.Duration { return time.Millisecond })
	resp, err := c.CreateUser(ctx, identitydomains.CreateUserRequest{
		User: person("ada.lovelace@example.com"), RequestMetadata: common.RequestMetadata{RetryPolicy: &policy},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{Attributes: common.String("userName")})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Resources) != 1 || value(got.Resources[0].Id) != *resp.Id {
		t.Errorf("users %v, want exactly %s", names(got.Resources), *resp.Id)
	}
	var posts []int
	for _, r := range srv.Requests() {
		if r.Method == http.MethodPost && r.Path == "/admin/v1/Users" {
			posts = append(posts, r.Status)
		}
	}
	if len(posts) != 4 {
		t.Errorf("statuses of the create: %v, want two refused, one cut and one answered", posts)
	}
}

func TestForceDelete(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	u := createUser(t, c, person("ada.lovelace@example.com"))
	g := createGroup(t, c, "Analysts", *u.Id)
	if _, err := c.DeleteUser(ctx, identitydomains.DeleteUserRequest{UserId: u.Id, ForceDelete: common.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetGroup(ctx, identitydomains.GetGroupRequest{GroupId: g.Id, Attributes: common.String("members")})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Members) != 0 {
		t.Errorf("members %v of a deleted user", got.Members)
	}
	if _, err := c.DeleteGroup(ctx, identitydomains.DeleteGroupRequest{GroupId: g.Id, ForceDelete: common.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetGroup(ctx, identitydomains.GetGroupRequest{GroupId: g.Id})
	wantStatus(t, "get after delete", err, http.StatusNotFound)
}

// TestSpecialCharacters: what the client encodes comes back as it was.
func TestSpecialCharacters(t *testing.T) {
	c, _ := newClient(t)
	ctx := t.Context()
	for i, s := range []string{`O"Neill`, `back\slash`, "Zoë & Søn, +50 %", "日本 語", "a'b;c=d?e#f/g"} {
		u := person(fmt.Sprintf("special.%d@example.com", i))
		u.DisplayName = common.String(s)
		created := createUser(t, c, u)
		quoted := fmt.Sprintf("%q", s)
		if s == "日本 語" || s == "Zoë & Søn, +50 %" {
			quoted = `"` + s + `"`
		}
		got, err := c.ListUsers(ctx, identitydomains.ListUsersRequest{Filter: common.String("displayName eq " + quoted)})
		if err != nil {
			t.Errorf("filter for %s: %v", quoted, err)
			continue
		}
		if len(got.Resources) != 1 || *got.Resources[0].Id != *created.Id || value(got.Resources[0].DisplayName) != s {
			t.Errorf("filter for %s: %v", quoted, names(got.Resources))
		}
	}
}
