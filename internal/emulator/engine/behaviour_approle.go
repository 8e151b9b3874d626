package engine

import (
	"errors"
	"net/http"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/rights"
)

// roleKind is the kind of the links from app roles to the users, groups and
// dynamic groups that hold them directly; the value of a link is the type of
// the holder. Apps hold roles by grants alone: they are no members.
const roleKind = "rolemember"

// availableByDefault is whom a new app role can be granted to unless the
// request says so: a guess. The recorded request to create one says nothing of
// it, and the collection grants roles to users, groups and clients.
const availableByDefault = true

func appRoleHooks() Hooks {
	return Hooks{
		BeforeCreate: newAppRole,
		BeforeDelete: mayDeleteRole,
		AfterDelete:  roleGone,
		Derive:       deriveRoleMembers,
		Derives:      []string{"members"},
		Narrow:       narrowRoleMembers,
	}
}

// newAppRole completes a new app role. Its unique name is made of the app's id
// and its own name, as those of the administrator roles are.
func newAppRole(c *Change) error {
	ref := maps1(c.New["app"])
	if len(ref) > 0 {
		app, err := c.Tx.refer(c.ti.core.get("app"), "App", ref)
		if err != nil {
			return err
		}
		c.New["app"] = ref
		if name, _ := app["name"].(string); name != "" {
			ref["name"] = name
		}
	}
	id, _ := ref["value"].(string)
	if name, _ := c.New["displayName"].(string); name != "" && id != "" {
		c.New["uniqueName"] = id + "_" + name
	}
	for _, name := range []string{"availableToUsers", "availableToGroups", "availableToClients"} {
		setIfAbsent(c.New, name, availableByDefault)
	}
	for _, name := range []string{"adminRole", "public"} {
		setIfAbsent(c.New, name, false)
	}
	c.New["limitedToOneOrMoreGroups"] = false
	return nil
}

// refer completes a reference and answers what it points to. A reference that
// has no id yet, or one of the wrong form, is left to the checks of the schema.
func (tx *Tx) refer(a *attr, typ string, m map[string]any) (Document, error) {
	id, err := tx.reference(a, typ, m)
	if err != nil || id == "" {
		return nil, err
	}
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	if err := tx.seed(ti); err != nil {
		return nil, err
	}
	if err := tx.within(typ, id); err != nil {
		return nil, err
	}
	rec, err := store.Lend(tx.st, typ, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, badReference(a, typ, id)
	}
	if err != nil {
		return nil, err
	}
	return decodeRecord(ti, rec)
}

// mayDeleteRole keeps the roles that administer the domain.
func mayDeleteRole(c *Change) error {
	if asMap(c.Old["app"])["value"] == any(rights.AppID) {
		return fail(http.StatusForbidden, "", msgPrevented, "The roles of %s belong to the service and cannot be deleted.", rights.AppName)
	}
	return nil
}

// roleGone revokes the role from all who hold it.
func roleGone(c *Change) error {
	ids, err := c.Tx.find("Grant", "entitlement.attributeValue", c.ID)
	if err != nil {
		return err
	}
	return c.Tx.eraseGrants(ids)
}

// deriveRoleMembers adds the members of an app role, as far as they are asked
// for.
func deriveRoleMembers(tx *Tx, id string, doc Document, w *wanted) error {
	return tx.deriveLinked(linked{kind: roleKind, noun: "app role", show: tx.roleMember}, id, doc, w)
}

func (tx *Tx) roleMember(a *attr, link store.Link, w *wanted) (map[string]any, error) {
	m := map[string]any{"value": link.To, "type": string(link.Value)}
	if !w.needs(a, "display") {
		return m, nil
	}
	s, err := tx.summary(string(link.Value), link.To)
	if err != nil {
		return nil, err
	}
	setText(m, "display", s.display)
	return m, nil
}

// narrowRoleMembers answers the roles that somebody holds directly.
func narrowRoleMembers(tx *Tx, n narrow) ([]string, bool, error) {
	id, ok := n.eq["value"]
	typ, byType := n.eq["type"]
	if n.attr.path != "members" || !ok || len(n.eq) > 2 || len(n.eq) == 2 && !byType {
		return nil, false, nil
	}
	var roles []string
	for link, err := range tx.st.Links(store.LinkQuery{Kind: roleKind, To: id}) {
		if err != nil {
			return nil, false, err
		}
		if !byType || string(link.Value) == typ {
			roles = append(roles, link.From)
		}
	}
	return roles, true, nil
}

// ignoreGone passes over that a record or link is not there.
func ignoreGone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
