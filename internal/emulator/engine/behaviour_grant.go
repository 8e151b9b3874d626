package engine

import (
	"errors"
	"net/http"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/rights"
)

// Grants (idcs-behaviour 4.1): what may be granted to whom by whom, and what
// follows from it.

// appRolesName is the entitlement.attributeName of a grant of an app role.
const appRolesName = "appRoles"

// byMembership is the mechanism of grants that follow from a grant to a group.
const byMembership = "GROUP_MEMBERSHIP"

// clientMechanisms are those that clients may write, with the kind of grantee
// that each is for; import jobs grant to any kind.
var clientMechanisms = map[string]string{
	"ADMINISTRATOR_TO_USER":                   "User",
	delegatedMechanism:                        "User",
	"ADMINISTRATOR_TO_GROUP":                  "Group",
	"ADMINISTRATOR_TO_APP":                    "App",
	"ADMINISTRATOR_TO_DYNAMIC_RESOURCE_GROUP": "DynamicResourceGroup",
	"IMPORT_APPROLE_MEMBERS":                  "",
	"IMPORT_GRANTS":                           "",
}

// serverMechanisms are those that only the server writes.
var serverMechanisms = map[string]bool{
	byMembership: true, "SYNC_TO_USER": true, "ACCESS_REQUEST": true, "APP_ENTITLEMENT_COLLECTION": true,
	"SERVICE_MANAGER_TO_USER": true, "SERVICE_MANAGER_TO_APP": true, "OPC_INFRA_TO_APP": true,
}

// What no source settles about grants: guesses.
const (
	// repeatedGroupRole lets a role be granted to a group again: the answer is
	// the grant that exists. Other repetitions are duplicates.
	repeatedGroupRole = true
	// derivedGrantStatus answers an attempt to delete a grant that follows a
	// membership.
	derivedGrantStatus = http.StatusForbidden

	msgMechanism    = "error.identity.grant.invalidGrantMechanism"
	msgEntitlement  = "error.identity.grant.invalidEntitlement"
	msgNotAvailable = "error.identity.grant.appRoleNotAvailable"
	msgDerived      = "error.identity.grant.cannotDeleteGroupMembershipGrant"
)

func grantHooks() Hooks {
	return Hooks{
		BeforeCreate: newGrant,
		Same:         sameGrant,
		AfterCreate:  grantMade,
		BeforeDelete: mayRevoke,
		AfterDelete:  grantGone,
	}
}

// granted is what a grant says: to whom, of what app, and of what role.
type granted struct {
	app, role     string
	kind, grantee string
	mechanism     string
	group         string // that the grant follows from
}

func grantedBy(doc Document) granted {
	var g granted
	g.app, _ = asMap(doc["app"])["value"].(string)
	g.kind, _ = asMap(doc["grantee"])["type"].(string)
	g.grantee, _ = asMap(doc["grantee"])["value"].(string)
	g.mechanism, _ = doc["grantMechanism"].(string)
	if e := asMap(doc["entitlement"]); e["attributeName"] == any(appRolesName) {
		g.role, _ = e["attributeValue"].(string)
	}
	if g.mechanism == byMembership {
		g.group, _ = asMap(doc["grantor"])["value"].(string)
	}
	return g
}

// key is the compositeKey: two grants with the same one would be the same. A
// role that is limited to groups is another thing than the role, and what
// follows from one group another thing than what follows from another.
func (g *granted) key() string {
	key := g.app
	if g.role != "" {
		key += ":" + appRolesName + ":" + g.role
	}
	key += ":" + g.grantee
	switch {
	case g.group != "":
		key += ":" + g.group
	case g.mechanism == delegatedMechanism:
		key += ":" + delegatedMechanism
	}
	return key
}

// newGrant checks and completes a grant. What is missing or of the wrong form
// is left to the checks of the schema.
func newGrant(c *Change) error {
	core := c.ti.core
	grantee, app := maps1(c.New["grantee"]), maps1(c.New["app"])
	kind, _ := grantee["type"].(string)
	mechanism, _ := c.New["grantMechanism"].(string)
	if mechanism == "" || kind == "" || core.get("grantee").sub("value") == nil {
		return nil
	}
	if err := checkMechanism(mechanism, kind); err != nil {
		return err
	}
	if _, known := c.Tx.e.cat.Entry(kind); !known {
		return nil
	}
	if doc, err := c.Tx.refer(core.get("grantee"), kind, grantee); err != nil || doc == nil {
		return err
	}
	c.New["grantee"] = grantee
	if len(app) == 0 {
		return bad(msgMissingAttributes, "Missing required attribute(s): app.value.")
	}
	appDoc, err := c.Tx.refer(core.get("app"), "App", app)
	if err != nil || appDoc == nil {
		return err
	}
	c.New["app"] = app
	if err := checkEntitlement(c, kind); err != nil {
		return err
	}
	c.New["isFulfilled"] = true
	if a := c.Tx.call.Actor; a.ID != "" && a.Type != "" {
		c.New["grantor"] = map[string]any{"type": a.Type, "value": a.ID}
	}
	g := grantedBy(c.New)
	c.New["compositeKey"] = g.key()
	return nil
}

func checkMechanism(mechanism, kind string) error {
	if serverMechanisms[mechanism] {
		return bad(msgMechanism, "Grants with the mechanism %s are made by the service.", mechanism)
	}
	if want := clientMechanisms[mechanism]; want != "" && want != kind {
		return bad(msgMechanism, "The mechanism %s is for a grantee of type %s, not %s.", mechanism, want, kind)
	}
	return nil
}

// checkEntitlement checks that a role is one of the app and may be granted to
// such a grantee.
func checkEntitlement(c *Change, kind string) error {
	if c.New["entitlement"] == nil {
		if kind == "App" {
			return bad(msgMissingAttributes, "Missing required attribute(s): entitlement. An app is granted a role of another one.")
		}
		return nil
	}
	e := maps1(c.New["entitlement"])
	name, _ := e["attributeName"].(string)
	id, _ := e["attributeValue"].(string)
	if name == "" || id == "" {
		return nil
	}
	if fold(name) != fold(appRolesName) {
		return bad(msgEntitlement, "entitlement.attributeName must be %s, not %q.", appRolesName, name)
	}
	ti, err := c.Tx.info("AppRole")
	if err != nil {
		return err
	}
	if err := c.Tx.seed(ti); err != nil {
		return err
	}
	id = idOf("AppRole", id)
	rec, err := store.Lend(c.Tx.st, "AppRole", id)
	if errors.Is(err, store.ErrNotFound) {
		refused := bad(msgReference, "Attribute entitlement.attributeValue refers to AppRole %q, which does not exist.", id)
		refused.Data = map[string]any{"attribute": "entitlement.attributeValue", "value": id}
		return refused
	}
	if err != nil {
		return err
	}
	role, err := decodeRecord(ti, rec)
	if err != nil {
		return err
	}
	display, _ := role["displayName"].(string)
	if app := asMap(c.New["app"])["value"]; asMap(role["app"])["value"] != app {
		return bad(msgEntitlement, "The app role %q is not one of the app %q.", display, app)
	}
	if flag := availability[kind]; flag != "" && role[flag] != true {
		return bad(msgNotAvailable, "The app role %q cannot be granted to a grantee of type %s: its %s is not true.", display, kind, flag)
	}
	e["attributeName"], e["attributeValue"] = appRolesName, id
	c.New["entitlement"] = e
	return nil
}

// availability names the flag of a role that lets it be granted to a kind of
// grantee.
var availability = map[string]string{"User": "availableToUsers", "Group": "availableToGroups", "App": "availableToClients"}

// sameGrant finds the grant that a repeated one would be.
func sameGrant(c *Change) (string, error) {
	g := grantedBy(c.New)
	if !repeatedGroupRole || g.kind != "Group" || g.role == "" {
		return "", nil
	}
	id, err := c.Tx.st.Claimed("Grant", "compositeKey", g.key())
	return id, ignoreGone(err)
}

// grantMade does what follows from a new grant.
func grantMade(c *Change) error {
	g := grantedBy(c.New)
	switch {
	case g.app == "":
		return nil
	case g.role != "":
		if g.kind != "App" {
			link := store.Link{Kind: roleKind, From: g.role, To: g.grantee, Value: []byte(g.kind)}
			if _, err := c.Tx.st.PutLink(link); err != nil {
				return err
			}
		}
		return c.Tx.roleEvent("add", &g)
	case g.kind == "User":
		return c.Tx.addAccount(g.app, g.grantee)
	case g.kind == "Group":
		return c.Tx.expand(c.ID, &g)
	}
	return nil
}

// mayRevoke refuses what would leave a follower without its leader.
func mayRevoke(c *Change) error {
	g := grantedBy(c.Old)
	if g.mechanism == byMembership {
		return fail(derivedGrantStatus, "", msgDerived,
			"The grant follows the membership in group %q; revoke the grant to the group, or remove the member.", g.group)
	}
	if g.app != rights.AppID || g.kind != "User" || g.role == "" || g.mechanism == delegatedMechanism {
		return nil
	}
	return c.Tx.notLast(g.grantee, g.role)
}

// notLast refuses to take the last direct Identity Domain Administrator away.
func (tx *Tx) notLast(user, role string) error {
	roles, err := tx.adminRolesOf(user)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r != role {
			continue
		}
		others, err := tx.holders(r, user)
		if err != nil {
			return err
		}
		if !others {
			return fail(selfChangeStatus, "", msgLastAdmin,
				"The user is the last one with the role %s; grant it to somebody else first.", adminRole)
		}
	}
	return nil
}

// grantGone does what follows when a grant is gone.
func grantGone(c *Change) error {
	g := grantedBy(c.Old)
	switch {
	case g.app == "":
		return nil
	case g.role != "":
		still, err := c.Tx.holdsStill(g)
		if err != nil || still {
			return err
		}
		if _, err := c.Tx.st.DeleteLink(roleKind, g.role, g.grantee); err != nil {
			return err
		}
		return c.Tx.roleEvent("remove", &g)
	case g.kind == "User":
		return c.Tx.dropAccount(g.app, g.grantee)
	case g.kind == "Group":
		return c.Tx.collapse(&g)
	}
	return nil
}

// holdsStill says that another grant gives the same grantee the same role: one
// that is limited beside one that is not.
func (tx *Tx) holdsStill(g granted) (bool, error) {
	if g.mechanism == delegatedMechanism {
		g.mechanism = ""
	} else {
		g.mechanism = delegatedMechanism
	}
	_, err := tx.st.Claimed("Grant", "compositeKey", g.key())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// roleEvent records that a role got or lost a member.
func (tx *Tx) roleEvent(verb string, g *granted) error {
	role, err := tx.summary("AppRole", g.role)
	if err != nil {
		return err
	}
	app, err := tx.summary("App", g.app)
	if err != nil {
		return err
	}
	who, err := tx.summary(g.kind, g.grantee)
	if err != nil {
		return err
	}
	ev := Document{
		"eventId":              eventArea("AppRole") + "." + verb + ".member.success",
		"adminResourceType":    "AppRole",
		"adminResourceId":      g.role,
		"adminRefResourceType": g.kind,
		"adminRefResourceId":   g.grantee,
	}
	setText(ev, "adminResourceName", role.display)
	setText(ev, "adminAppRoleAppName", app.display)
	setText(ev, "adminRefResourceName", who.name)
	return tx.Event(ev)
}

// dropGrants removes the grants of a resource that is gone.
func dropGrants(c *Change) error {
	if !deleteGrantsOf {
		return nil
	}
	for _, path := range []string{"grantee.value", "app.value"} {
		if path == "app.value" && c.Type != "App" {
			continue
		}
		ids, err := c.Tx.find("Grant", path, c.ID)
		if err != nil {
			return err
		}
		if err := c.Tx.eraseGrants(ids); err != nil {
			return err
		}
	}
	return nil
}

// eraseGrants removes grants with what follows from them. One may have gone
// with another already.
func (tx *Tx) eraseGrants(ids []string) error {
	ti, err := tx.info("Grant")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := tx.erase(ti, id); err != nil {
			return err
		}
	}
	return nil
}
