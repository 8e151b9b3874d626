package idcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

var (
	_ provider.AccessProvider = (*Provider)(nil)
	_ provider.Access         = access{}
)

// Words of the domain's grants.
const (
	appRolesAttr    = "appRoles" // entitlement.attributeName of a role
	groupMembership = "GROUP_MEMBERSHIP"
	// delegated is the mechanism of a role that is limited to groups, and
	// limitMember the member of grantedAttributeValuesJson that names them.
	// The mechanism is listed without a description; see the guesses in the
	// documentation of the emulator. Who limits a role reads back what became
	// of it.
	delegated   = "ADMINISTRATOR_TO_DELEGATED_USER"
	limitMember = "groups"
	// adminApp is the fixed id of the app whose roles administer the domain.
	adminApp = "IDCSAppId"
	// limitedTo is where a user shows the groups of a limited role.
	limitedTo = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User:idcsAppRolesLimitedToGroups"
)

// Access is what a domain does with apps, app roles and grants.
func (p *Provider) Access() provider.Access { return access{p} }

type access struct{ p *Provider }

// Apps reads and writes apps.
func (a access) Apps() provider.Resources { return apps{a.p.must("App").(*resources)} }

// Roles reads and writes app roles.
func (a access) Roles() provider.Resources {
	return roles{a.p.must("AppRole").(*resources), apps{a.p.must("App").(*resources)}}
}

// Grants lists Grants. Filters have the forms of the vendor's own requests.
func (a access) Grants(ctx context.Context, q provider.GrantQuery) iter.Seq2[provider.Grant, error] {
	return func(yield func(provider.Grant, error) bool) {
		if len(q.Grantees) == 0 {
			a.grants(ctx, q, nil, yield)
			return
		}
		for batch := range slices.Chunk(q.Grantees, provider.FindBatch) {
			if !a.grants(ctx, q, batch, yield) {
				return
			}
		}
	}
}

func attr(name, sub string) filter.AttrPath { return filter.AttrPath{Name: name, Sub: sub} }

func (a access) grants(ctx context.Context, q provider.GrantQuery, grantees []string, yield func(provider.Grant, error) bool) bool {
	var terms []filter.Expr
	switch {
	case len(grantees) == 1:
		terms = append(terms, filter.Where(attr("grantee", ""), filter.AllOf(
			filter.Eq(attr("value", ""), grantees[0]), filter.Eq(attr("type", ""), string(q.To)))))
	case q.To != "":
		terms = append(terms, filter.Eq(attr("grantee", "type"), string(q.To)))
		anyOf := make([]filter.Expr, len(grantees))
		for i, id := range grantees {
			anyOf[i] = filter.Eq(attr("grantee", "value"), id)
		}
		if len(anyOf) > 0 {
			terms = append(terms, filter.AnyOf(anyOf...))
		}
	}
	if q.App != "" {
		terms = append(terms, filter.Eq(attr("app", "value"), q.App))
	}
	if q.Role != "" {
		terms = append(terms, filter.Where(attr("entitlement", ""), filter.AllOf(
			filter.Eq(attr("attributeName", ""), appRolesAttr), filter.Eq(attr("attributeValue", ""), q.Role))))
	}
	opts := scim.ListOptions{Filter: filter.AllOf(terms...), Post: len(grantees) > 1}
	for doc, err := range a.p.must("Grant").All(ctx, opts) {
		if err != nil {
			yield(provider.Grant{}, fmt.Errorf("read grants: %w", err))
			return false
		}
		g := grantOf(doc)
		if q.AppOnly && g.Role != "" {
			continue
		}
		if !yield(g, nil) {
			return false
		}
	}
	return true
}

func grantOf(doc scim.Document) provider.Grant {
	g := provider.Grant{
		ID: doc.ID(), App: doc.String("app.value"), To: provider.GranteeType(doc.String("grantee.type")),
		Grantee: doc.String("grantee.value"), Mechanism: doc.String("grantMechanism"), Doc: doc,
	}
	if doc.String("entitlement.attributeName") == appRolesAttr {
		g.Role = doc.String("entitlement.attributeValue")
	}
	if g.Mechanism == delegated {
		var limit map[string][]string
		// A domain may keep other things there: then no groups are known.
		if json.Unmarshal([]byte(doc.String("grantedAttributeValuesJson")), &limit) == nil {
			g.Groups = limit[limitMember]
		}
	}
	if g.Mechanism == groupMembership {
		g.Derived = true
		if doc.String("grantor.type") == string(provider.ToGroup) {
			g.From = doc.String("grantor.value")
		}
	}
	return g
}

// Grant makes a grant as an administrator does.
func (a access) Grant(ctx context.Context, g provider.Grant, token string) (provider.Grant, error) {
	if g.Mechanism == "" {
		g.Mechanism = map[provider.GranteeType]string{
			provider.ToUser: "ADMINISTRATOR_TO_USER", provider.ToGroup: "ADMINISTRATOR_TO_GROUP", provider.ToApp: "ADMINISTRATOR_TO_APP",
		}[g.To]
	}
	doc := scim.Document{
		"grantMechanism": g.Mechanism,
		"grantee":        map[string]any{"type": string(g.To), "value": g.Grantee},
		"app":            map[string]any{"value": g.App},
	}
	if len(g.Groups) > 0 {
		data, err := json.Marshal(map[string][]string{limitMember: g.Groups})
		if err != nil {
			return provider.Grant{}, fmt.Errorf("groups of a limited role: %w", err)
		}
		doc["grantMechanism"], doc["grantedAttributeValuesJson"] = delegated, string(data)
	}
	if g.Role != "" {
		doc["entitlement"] = map[string]any{"attributeName": appRolesAttr, "attributeValue": g.Role}
	}
	if token == "" {
		token = newToken()
	}
	made, err := a.p.must("Grant").Create(ctx, doc, scim.WriteOptions{RetryToken: token})
	if err != nil {
		return provider.Grant{}, err
	}
	return grantOf(made), nil
}

// Revoke deletes a grant.
func (a access) Revoke(ctx context.Context, id string) error {
	return a.p.must("Grant").Delete(ctx, id, scim.WriteOptions{})
}

// SetAppActive calls AppStatusChanger.
func (a access) SetAppActive(ctx context.Context, id string, active bool) error {
	_, err := a.p.must("AppStatusChanger").Replace(ctx, id, scim.Document{"active": active}, scim.WriteOptions{})
	return err
}

// RegenerateSecret calls AppClientSecretRegenerator in the form that is
// recorded, a GET with the id of the app.
func (a access) RegenerateSecret(ctx context.Context, id string) (transport.Secret, error) {
	doc, err := a.p.must("AppClientSecretRegenerator").Get(ctx, id, scim.ListOptions{})
	if err != nil {
		return "", err
	}
	if s := doc.String("clientSecret"); s != "" {
		return transport.Secret(s), nil
	}
	// The answer is not recorded; the app tells the secret in any case.
	app, err := a.p.must("App").Get(ctx, id, scim.ListOptions{Attributes: []string{"clientSecret"}})
	if err != nil {
		return "", fmt.Errorf("the secret was made, and reading it failed: %w", err)
	}
	if s := app.String("clientSecret"); s != "" {
		return transport.Secret(s), nil
	}
	return "", fmt.Errorf("%w: the service tells no client secret", scim.ErrBadResponse)
}

// AdminRoles are the roles of IDCSAppId that are marked so.
func (a access) AdminRoles(ctx context.Context) ([]scim.Document, error) {
	var out []scim.Document
	for doc, err := range a.p.must("AppRole").All(ctx, scim.ListOptions{Filter: filter.Eq(attr("app", "value"), adminApp)}) {
		if err != nil {
			return nil, fmt.Errorf("read the administrator roles: %w", err)
		}
		if admin, _ := doc.Bool("adminRole"); admin {
			out = append(out, doc)
		}
	}
	return out, nil
}

// Limits reads what users show of limited roles.
func (a access) Limits(ctx context.Context, users []string) (map[string][]provider.GroupLimit, error) {
	out := map[string][]provider.GroupLimit{}
	found, err := provider.FindMany(ctx, a.p.Users(), "id", users, scim.ListOptions{Attributes: []string{limitedTo}})
	if err != nil {
		return nil, err
	}
	for _, doc := range found {
		v, _ := doc.Get(limitedTo)
		list, _ := v.([]any)
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				d := scim.Document(m)
				out[doc.ID()] = append(out[doc.ID()], provider.GroupLimit{Role: d.String("idcsAppRoleId"), Group: d.String("value")})
			}
		}
	}
	return out, nil
}

// maxNames bounds the names that are read to offer those that resemble one.
const maxNames = 2000

// namesOf reads the names of resources for a hint. A hint is not worth an
// error.
func namesOf(ctx context.Context, r *resources, which filter.Expr) []string {
	var out []string
	for doc, err := range r.All(ctx, scim.ListOptions{Filter: which, Attributes: []string{"displayName"}}) {
		if err != nil || len(out) == maxNames {
			break
		}
		out = append(out, doc.String("displayName"))
	}
	return out
}

// notThere says whether an error means that there is no such thing.
func notThere(err error) bool { return errors.Is(err, scim.ErrNotFound) }
