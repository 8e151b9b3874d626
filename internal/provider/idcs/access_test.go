package idcs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// TestAccessRequests: what is sent has the form of the vendor's recorded
// requests (catalogue grants, apps).
func TestAccessRequests(t *testing.T) {
	list := func(q provider.GrantQuery) func(context.Context, provider.Access) error {
		return func(ctx context.Context, a provider.Access) error {
			for _, err := range a.Grants(ctx, q) {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	give := func(g provider.Grant) func(context.Context, provider.Access) error {
		return func(ctx context.Context, a provider.Access) error {
			_, err := a.Grant(ctx, g, "")
			return err
		}
	}
	const none = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"itemsPerPage":50,"startIndex":1,"Resources":[]}`
	for _, tc := range []struct {
		name string
		do   func(context.Context, provider.Access) error
		want string
	}{
		{"of an app", list(provider.GrantQuery{App: "a"}), `GET /admin/v1/Grants app.value eq "a"`},
		{"of an app to users", list(provider.GrantQuery{App: "a", To: provider.ToUser}), `GET /admin/v1/Grants grantee.type eq "User" and app.value eq "a"`},
		{
			"of a role to one",
			list(provider.GrantQuery{Role: "r", To: provider.ToApp, Grantees: []string{"c"}}),
			`GET /admin/v1/Grants grantee[value eq "c" and type eq "App"] and entitlement[attributeName eq "appRoles" and attributeValue eq "r"]`,
		},
		{
			"role to user", give(provider.Grant{App: "a", Role: "r", To: provider.ToUser, Grantee: "u"}),
			`POST /admin/v1/Grants {"app":{"value":"a"},"entitlement":{"attributeName":"appRoles","attributeValue":"r"},` +
				`"grantMechanism":"ADMINISTRATOR_TO_USER","grantee":{"type":"User","value":"u"}}`,
		},
		{
			"app to group", give(provider.Grant{App: "a", To: provider.ToGroup, Grantee: "g"}),
			`POST /admin/v1/Grants {"app":{"value":"a"},"grantMechanism":"ADMINISTRATOR_TO_GROUP","grantee":{"type":"Group","value":"g"}}`,
		},
		{
			"limited role", give(provider.Grant{App: "IDCSAppId", Role: "r", To: provider.ToUser, Grantee: "u", Groups: []string{"g"}}),
			`POST /admin/v1/Grants {"app":{"value":"IDCSAppId"},"entitlement":{"attributeName":"appRoles","attributeValue":"r"},` +
				`"grantMechanism":"ADMINISTRATOR_TO_DELEGATED_USER","grantedAttributeValuesJson":"{\"groups\":[\"g\"]}","grantee":{"type":"User","value":"u"}}`,
		},
		{
			"deactivate", func(ctx context.Context, a provider.Access) error { return a.SetAppActive(ctx, "a", false) },
			`PUT /admin/v1/AppStatusChanger/a {"active":false}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &wire{answer: none}
			if err := tc.do(t.Context(), connect(t, w).Access()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.want}, w.asked); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRegenerateSecret: the secret is taken from the answer, else asked for;
// one that is told nowhere is an error.
func TestRegenerateSecret(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		asked        int
		err          error
	}{
		{"answered", `{"id":"a","clientSecret":"hush"}`, 1, nil},
		{"nowhere", `{"id":"a"}`, 2, scim.ErrBadResponse},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &wire{answer: tc.answer}
			secret, err := connect(t, w).Access().RegenerateSecret(t.Context(), "a")
			if !errors.Is(err, tc.err) || tc.err == nil && secret.Reveal() != "hush" {
				t.Errorf("%v", err)
			}
			if len(w.asked) != tc.asked || w.asked[0] != "GET /admin/v1/AppClientSecretRegenerator/a" {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
}
