package engine

import (
	"errors"

	"github.com/idctl/idctl/internal/emulator/store"
)

// What an app shows that is not kept in it.

// deriveApp adds what is known of an app elsewhere, and shows its secret.
func deriveApp(tx *Tx, id string, doc Document, w *wanted) error {
	core := w.ti.core
	if a := core.get("basedOnTemplate"); w.has(a) && doc[a.Name] != nil {
		m := maps1(doc[a.Name])
		m["lastModified"] = templateModified
		if name, _ := m["value"].(string); name != "" && w.proj != nil {
			m["$ref"] = tx.location("/AppTemplates", name)
		}
		doc[a.Name] = m
	}
	if a := core.get(secretName); doc[secretName] != nil && w.has(a) {
		plain, err := tx.unsealed("App", id, secretName, doc)
		if err != nil {
			return err
		}
		doc[secretName] = plain
	}
	if a := core.get("allowedScopes"); doc[a.Name] != nil && w.has(a) && w.needs(a, "idOfDefiningApp") {
		if err := tx.nameScopeOwners(doc); err != nil {
			return err
		}
	}
	for _, v := range []struct {
		name string
		list func(id string, a *attr, w *wanted) ([]any, error)
	}{
		{"grantedAppRoles", tx.rolesOfApp},
		{"grants", tx.grantsOfApp},
		{"accounts", tx.accountsOfApp},
		{"adminRoles", tx.definedRoles(true)},
		{"userRoles", tx.definedRoles(false)},
	} {
		a := core.get(v.name)
		if !w.has(a) {
			continue
		}
		list, err := v.list(id, a, w)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			doc[a.Name] = list
		}
	}
	return nil
}

// rolesOfApp lists the roles that a client was granted.
func (tx *Tx) rolesOfApp(id string, a *attr, w *wanted) ([]any, error) {
	var list []any
	seen := map[string]bool{}
	err := tx.eachGrant(store.Query{Conds: where("grantee.value", id)}, func(_ string, _ Document, g granted) error {
		if g.role == "" || seen[g.role] {
			return nil
		}
		seen[g.role] = true
		m, err := tx.heldRole(g.role, "direct", a, w)
		list = append(list, m)
		return err
	})
	return list, err
}

// grantsOfApp lists the grants of an app to others.
func (tx *Tx) grantsOfApp(id string, a *attr, w *wanted) ([]any, error) {
	q := store.Query{Conds: where("app.value", tx.indexed("Grant", "app.value", id))}
	if !w.slice(a, &q.Offset, &q.Limit) {
		return nil, nil
	}
	var list []any
	err := tx.eachGrant(q, func(grant string, _ Document, g granted) error {
		list = append(list, map[string]any{
			"value": grant, "granteeId": g.grantee, "granteeType": g.kind, "grantMechanism": g.mechanism,
		})
		return nil
	})
	return list, err
}

// accountsOfApp lists the accounts in an app.
func (tx *Tx) accountsOfApp(id string, a *attr, w *wanted) ([]any, error) {
	return tx.accounts(store.LinkQuery{Kind: accountKind, To: id}, a, w, func(m map[string]any, link store.Link) { m["ownerId"] = link.From })
}

// definedRoles lists the roles that an app defines.
func (tx *Tx) definedRoles(admin bool) func(id string, a *attr, w *wanted) ([]any, error) {
	return func(id string, a *attr, _ *wanted) ([]any, error) {
		var list []any
		q := store.Query{Type: "AppRole", Conds: where("app.value", tx.indexed("AppRole", "app.value", id)), Lend: true, NoCursor: true}
		for row, err := range tx.st.Query(q) {
			if err != nil {
				return nil, err
			}
			doc, err := decode(row.Data)
			if err != nil {
				return nil, errors.Join(store.ErrCorrupt, err)
			}
			if (doc["adminRole"] == true) != admin {
				continue
			}
			m := map[string]any{"value": row.ID}
			for name, from := range map[string]string{"display": "displayName", "description": "description"} {
				if s, _ := doc[from].(string); a.sub(name) != nil {
					setText(m, name, s)
				}
			}
			list = append(list, m)
		}
		return list, nil
	}
}

// nameScopeOwners says of the scopes that a client may ask for which app
// defines them.
func (tx *Tx) nameScopeOwners(doc Document) error {
	owners, err := tx.scopeOwners()
	if err != nil {
		return err
	}
	scopes := elements(doc["allowedScopes"])
	out := make([]any, len(scopes))
	for i, x := range scopes {
		m := maps1(x)
		if fqs, _ := m["fqs"].(string); owners[fqs] != "" {
			m["idOfDefiningApp"] = owners[fqs]
		}
		out[i] = m
	}
	doc["allowedScopes"] = out
	return nil
}

// scopeOwners are the apps that define scopes, by the full name of the scope.
// A reading transaction looks for them once.
func (tx *Tx) scopeOwners() (map[string]string, error) {
	if tx.scopes != nil {
		return tx.scopes, nil
	}
	owners := map[string]string{}
	for row, err := range tx.st.Query(store.Query{Type: "App", Lend: true, NoCursor: true}) {
		if err != nil {
			return nil, err
		}
		app, err := decode(row.Data)
		if err != nil {
			return nil, errors.Join(store.ErrCorrupt, err)
		}
		for _, x := range elements(app["scopes"]) {
			if fqs, _ := asMap(x)["fqs"].(string); fqs != "" && owners[fqs] == "" {
				owners[fqs] = row.ID
			}
		}
	}
	if tx.ro {
		tx.scopes = owners
	}
	return owners, nil
}

// narrowApp answers the clients that were granted a certain role.
func narrowApp(tx *Tx, n narrow) ([]string, bool, error) {
	role := n.eq["value"]
	if n.attr.path != "grantedAppRoles" || role == "" || len(n.eq) != 1 {
		return nil, false, nil
	}
	q := store.Query{Type: "Grant", Conds: where("entitlement.attributeValue", role)}
	count, err := tx.st.Count(q)
	if err != nil || count > maxUnion {
		return nil, false, err
	}
	var ids []string
	err = tx.eachGrant(q, func(_ string, _ Document, g granted) error {
		if g.kind == "App" && g.role == role {
			ids = append(ids, g.grantee)
		}
		return nil
	})
	return ids, true, err
}

// indexed is a value as an index has it.
func (tx *Tx) indexed(typ, path, value string) string {
	ti, err := tx.info(typ)
	if err != nil {
		return value
	}
	for _, ip := range ti.index {
		if ip.path == path && !ip.attr.CaseExact {
			return fold(value)
		}
	}
	return value
}
