package sdktest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

const (
	userURN   = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchURN  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	searchURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	listURN   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// bearerSigner stands in for the vendor's request signature: the same client,
// authorised with an access token of the domain's own token endpoint.
type bearerSigner struct{ token string }

// Sign implements common.HTTPRequestSigner.
func (s bearerSigner) Sign(r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+s.token)
	return nil
}

// newClient starts an empty domain and the vendor's client for it.
func newClient(t *testing.T) (identitydomains.IdentityDomainsClient, *idtest.Server) {
	t.Helper()
	srv := idtest.New(t)
	token, err := srv.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The constructor wants a signing key although none of its signatures is
	// ever sent.
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	provider := common.NewRawConfigurationProvider("ocid1.tenancy.oc1..example", "ocid1.user.oc1..example",
		"us-ashburn-1", "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00", string(pemKey), nil)
	client, err := identitydomains.NewIdentityDomainsClientWithConfigurationProvider(provider, srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	client.Signer = bearerSigner{token}
	client.HTTPClient = &http.Client{}
	return client, srv
}

// person is a user as the vendor's client describes one.
func person(name string) identitydomains.User {
	given, family, _ := strings.Cut(strings.TrimSuffix(name, "@example.com"), ".")
	return identitydomains.User{
		Schemas:  []string{userURN},
		UserName: common.String(name),
		Name:     &identitydomains.UserName{GivenName: common.String(given), FamilyName: common.String(family)},
		Emails: []identitydomains.UserEmails{{
			Value: common.String(name), Type: identitydomains.UserEmailsTypeWork, Primary: common.Bool(true),
		}},
	}
}

func createUser(t *testing.T, c identitydomains.IdentityDomainsClient, u identitydomains.User) identitydomains.User {
	t.Helper()
	resp, err := c.CreateUser(t.Context(), identitydomains.CreateUserRequest{User: u})
	if err != nil {
		t.Fatalf("create user %s: %v", *u.UserName, err)
	}
	if resp.Id == nil || *resp.Id == "" {
		t.Fatalf("create user %s: no id in %v", *u.UserName, resp.User)
	}
	return resp.User
}

func createGroup(t *testing.T, c identitydomains.IdentityDomainsClient, name string, members ...string) identitydomains.Group {
	t.Helper()
	g := identitydomains.Group{Schemas: []string{groupURN}, DisplayName: common.String(name)}
	for _, id := range members {
		g.Members = append(g.Members, identitydomains.GroupMembers{
			Value: common.String(id), Type: identitydomains.GroupMembersTypeUser,
		})
	}
	resp, err := c.CreateGroup(t.Context(), identitydomains.CreateGroupRequest{Group: g})
	if err != nil {
		t.Fatalf("create group %s: %v", name, err)
	}
	return resp.Group
}

// op is an operation of a PATCH; the client wants values as *interface{}.
func op(kind identitydomains.OperationsOpEnum, path string, value any) identitydomains.Operations {
	o := identitydomains.Operations{Op: kind, Path: common.String(path)}
	if value != nil {
		o.Value = &value
	}
	return o
}

func patch(ops ...identitydomains.Operations) identitydomains.PatchOp {
	return identitydomains.PatchOp{Schemas: []string{patchURN}, Operations: ops}
}

// wantStatus checks that the client reports an error of the service with this
// status. The client cannot read SCIM error bodies, so there is no code of
// its own to look at.
func wantStatus(t *testing.T, what string, err error, want int) {
	t.Helper()
	var failure common.ServiceError
	switch {
	case err == nil:
		t.Errorf("%s: no error, want status %d", what, want)
	case !errors.As(err, &failure):
		t.Errorf("%s: %v is not an error of the service, want status %d", what, err, want)
	case failure.GetHTTPStatusCode() != want:
		t.Errorf("%s: status %d, want %d: %v", what, failure.GetHTTPStatusCode(), want, err)
	}
}

func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func names(users []identitydomains.User) []string {
	out := []string{}
	for _, u := range users {
		out = append(out, value(u.UserName))
	}
	return out
}

// crowd creates n users crowd.00@example.com and so on, and answers the names.
func crowd(ctx context.Context, t *testing.T, srv *idtest.Server, n int) []string {
	t.Helper()
	var docs []idtest.Document
	var all []string
	for i := range n {
		name := fmt.Sprintf("crowd.%02d@example.com", i)
		all = append(all, name)
		docs = append(docs, idtest.Document{Type: "User", Attrs: map[string]any{
			"schemas": []any{userURN}, "userName": name,
			"name":   map[string]any{"givenName": "Crowd", "familyName": fmt.Sprintf("%02d", i)},
			"emails": []any{map[string]any{"value": name, "type": "work", "primary": true}},
		}})
	}
	slices.Reverse(docs) // so that the order of creation is not the order of names
	if _, err := srv.Seed(ctx, docs...); err != nil {
		t.Fatal(err)
	}
	return all
}
