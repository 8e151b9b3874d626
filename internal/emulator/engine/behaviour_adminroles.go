package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/rights"
)

// A fresh domain has the app IDCSAppId with its roles (idcs-behaviour 4.3).
// They are resources like others: who holds one is a Grant, and nothing else
// says so.

// addAdminRoles puts them into the table of hooks, on top of what the types do
// by themselves.
func addAdminRoles(table map[string]Hooks) {
	app := table["App"]
	app.Seed = seedBoth(seedAdminApp, app.Seed)
	show := app.Derive
	app.Derive = func(tx *Tx, id string, doc Document, w *wanted) error {
		if doc["clientSecret"] == any(registeredSecret) {
			delete(doc, "clientSecret") // nobody here can say it
		}
		if show == nil {
			return nil
		}
		return show(tx, id, doc, w)
	}
	table["App"] = app
	role := table["AppRole"]
	role.Seed = seedBoth(seedAdminRoles, role.Seed)
	table["AppRole"] = role
	grant := table["Grant"]
	grant.BeforeCreate = inTurn(grant.BeforeCreate, checkDelegation)
	grant.BeforeWrite = inTurn(grant.BeforeWrite, checkDelegation)
	table["Grant"] = grant
	user := table["User"]
	derive := user.Derive
	user.Derives = append(user.Derives, limitedPath)
	user.Derive = func(tx *Tx, id string, doc Document, w *wanted) error {
		if derive != nil {
			if err := derive(tx, id, doc, w); err != nil {
				return err
			}
		}
		return deriveLimited(tx, id, doc, w)
	}
	table["User"] = user
}

func seedBoth(a, b func(*Tx) error) func(*Tx) error {
	if b == nil {
		return a
	}
	return func(tx *Tx) error {
		if err := a(tx); err != nil {
			return err
		}
		return b(tx)
	}
}

func inTurn(a, b func(*Change) error) func(*Change) error {
	return func(c *Change) error {
		if err := run(a, c); err != nil {
			return err
		}
		return b(c)
	}
}

// adminAppTemplate is the template of the app that a domain brings along.
const adminAppTemplate = "CustomWebAppTemplateId"

// seedAdminApp makes the app whose roles they are.
func seedAdminApp(tx *Tx) error {
	return tx.plant("App", rights.AppID, withAppFlags(Document{
		"schemas": []any{appURN}, "name": rights.AppName, "displayName": rights.AppDisplay,
		"description": "The domain's own application. Its roles are those of administrators.",
		"active":      true, "isOPCService": true, "isOAuthResource": true, "isUnmanagedApp": true,
		"basedOnTemplate": map[string]any{"value": adminAppTemplate},
	}))
}

const (
	appURN     = "urn:ietf:params:scim:schemas:oracle:idcs:App"
	appRoleURN = "urn:ietf:params:scim:schemas:oracle:idcs:AppRole"
	grantURN   = "urn:ietf:params:scim:schemas:oracle:idcs:Grant"
)

// seedAdminRoles makes its roles. Users and groups may hold the seven that
// administer, clients may hold all of them.
func seedAdminRoles(tx *Tx) error {
	for _, r := range rights.Roles() {
		err := tx.plant("AppRole", r.ID(), Document{
			"schemas": []any{appRoleURN}, "displayName": r.Name, "description": r.Description,
			"app":        map[string]any{"value": rights.AppID, "display": rights.AppDisplay, "name": rights.AppName},
			"uniqueName": r.UniqueName(), "adminRole": true, "public": false,
			"availableToUsers": r.Admin, "availableToGroups": r.Admin, "availableToClients": true,
			"limitedToOneOrMoreGroups": r.Limited,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// FirstClient is a client that a domain has without anybody having made it.
type FirstClient struct {
	// ClientID is the name of its App, AppID the id.
	ClientID, AppID, Display, Type string
	Grants, Operations             []string
	// Roles are granted to it.
	Roles []string
}

// registeredSecret stands for a secret of which only the authorisation server has
// a digest, so that the App does not count as one without a secret.
const registeredSecret = "registered"

// clientPlanted is the store's value that says that a client got its App: one
// that was deleted does not come back.
func clientPlanted(app string) string { return "planted:client:" + app }

// PlantClient makes the App of a client with its grants, unless that was done
// before.
func (e *Engine) PlantClient(ctx context.Context, c FirstClient) error {
	return e.Do(ctx, Call{}, func(tx *Tx) error {
		_, err := tx.st.Value(clientPlanted(c.AppID))
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.st.SetValue(clientPlanted(c.AppID), []byte("1")); err != nil {
			return err
		}
		for _, typ := range []string{"App", "AppRole", "Grant"} {
			ti, err := tx.info(typ)
			if err != nil {
				return err
			}
			if err := tx.seed(ti); err != nil {
				return err
			}
		}
		return tx.plantClient(c)
	})
}

func (tx *Tx) plantClient(c FirstClient) error {
	doc := Document{
		"schemas": []any{appURN}, "name": c.ClientID, "displayName": strings.TrimSpace(c.Display + " " + c.ClientID),
		"clientSecret": registeredSecret,
		"active":       true, "isOAuthClient": true, "clientType": c.Type, "isUnmanagedApp": true,
		"allowedGrants": anyOf(c.Grants), "allowedOperations": anyOf(c.Operations),
		"basedOnTemplate": map[string]any{"value": adminAppTemplate},
	}
	err := tx.plant("App", c.AppID, withAppFlags(doc))
	if errors.Is(err, store.ErrUnique) {
		// Somebody gave an App these names in an older store.
		doc["name"], doc["displayName"] = c.AppID, c.AppID
		err = tx.plant("App", c.AppID, doc)
	}
	if err != nil {
		return err
	}
	for _, name := range c.Roles {
		r, ok := rights.ByName(name)
		if !ok {
			continue
		}
		key := rights.AppID + ":appRoles:" + r.ID() + ":" + c.AppID
		err := tx.plant("Grant", tx.e.opts.NewID(), Document{
			"schemas": []any{grantURN}, "grantMechanism": "ADMINISTRATOR_TO_APP", "isFulfilled": true,
			"app":     map[string]any{"value": rights.AppID, "display": rights.AppDisplay},
			"grantee": map[string]any{"value": c.AppID, "type": "App", "display": doc["displayName"]},
			"entitlement": map[string]any{
				"attributeName": "appRoles", "attributeValue": r.ID(),
			},
			"compositeKey": key,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// A role that is limited to groups is a grant of a mechanism of its own whose
// grantedAttributeValuesJson names the groups, as in {"groups":["<id>"]}. How
// the real service takes the limit is not published: guesses.
const (
	// delegatedMechanism is the mechanism of such a grant. It is listed, its
	// meaning is not described.
	delegatedMechanism = "ADMINISTRATOR_TO_DELEGATED_USER"
	// limitMember is the member that names the groups.
	limitMember = "groups"
	// msgDelegation refuses one that limits nothing.
	msgDelegation = "error.identity.grant.invalidDelegation"
)

// maxLimitGroups bounds the groups of one limited role.
const maxLimitGroups = 1000

// delegation reads the groups that a grant limits its role to; ok is false
// where that cannot be told, and then the grant gives nothing.
func delegation(doc Document) (groups []string, ok bool) {
	text, _ := doc["grantedAttributeValuesJson"].(string)
	var v map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &v) != nil || json.Unmarshal(v[limitMember], &groups) != nil {
		return nil, false
	}
	return groups, len(groups) > 0 && len(groups) <= maxLimitGroups
}

// checkDelegation refuses a limited grant that does not say its groups, names
// one that does not exist or is of a role that cannot be limited.
func checkDelegation(c *Change) error {
	if mechanism, _ := c.New["grantMechanism"].(string); fold(mechanism) != fold(delegatedMechanism) {
		return nil
	}
	if kind, _ := asMap(c.New["grantee"])["type"].(string); fold(kind) != "user" {
		return bad(msgDelegation, "A role that is limited to groups is granted to a user.")
	}
	entitlement := asMap(c.New["entitlement"])
	id, _ := entitlement["attributeValue"].(string)
	role, known := roleOfGrant(c.New)
	if !known || !role.Limited {
		return bad(msgDelegation, "The role %q cannot be limited to groups.", id)
	}
	groups, ok := delegation(c.New)
	if !ok {
		return bad(msgDelegation,
			"grantedAttributeValuesJson must name 1 to %d groups that the role is limited to, as in {%q:[\"<id>\"]}.", maxLimitGroups, limitMember)
	}
	for _, g := range groups {
		s, err := c.Tx.summary("Group", g)
		if err != nil {
			return err
		}
		if !s.found {
			e := bad(msgReference, "The role is limited to Group %q, which does not exist.", g)
			e.Data = map[string]any{"attribute": "grantedAttributeValuesJson", "value": g}
			return e
		}
	}
	return nil
}

// limitedPath is the attribute that shows the limits of a user's roles.
const limitedPath = userURN + ":idcsAppRolesLimitedToGroups"

// deriveLimited shows them (idcs-behaviour 4.3).
func deriveLimited(tx *Tx, id string, doc Document, w *wanted) error {
	set := w.ti.set(userURN)
	if set == nil {
		return nil
	}
	a := set.get("idcsAppRolesLimitedToGroups")
	if !w.has(a) {
		return nil
	}
	held, err := tx.grantedRoles(id, "User")
	if err != nil {
		return err
	}
	var list []any
	for _, l := range held.Limited {
		for _, g := range l.Groups {
			m := map[string]any{"idcsAppRoleId": l.Role.ID(), "value": g, "ocid": ocidFor("Group", g)}
			if w.needs(a, "display") {
				s, err := tx.summary("Group", g)
				if err != nil {
					return err
				}
				setText(m, "display", s.display)
			}
			list = append(list, m)
		}
	}
	if len(list) == 0 {
		return nil
	}
	ext := maps1(asMap(doc[userURN]))
	ext[a.Name] = list
	doc[userURN] = ext
	return nil
}
