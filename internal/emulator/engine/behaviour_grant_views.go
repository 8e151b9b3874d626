package engine

import (
	"encoding/json"
	"errors"

	"github.com/idctl/idctl/internal/emulator/store"
)

// What users and groups show of what they were granted. It is read from the
// grants and the links that go with them, and stored nowhere else, so that it
// cannot disagree with them.

const groupURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:group:Group"

// accessPaths are the attributes that deriveAccess adds to an extension.
func accessPaths(urn string) []string {
	return []string{urn + ":grants", urn + ":appRoles", urn + ":accounts"}
}

// deriveAccess adds the grants, app roles and accounts of a user or group.
func (tx *Tx) deriveAccess(urn, id string, doc Document, w *wanted) error {
	set := w.ti.set(urn)
	if set == nil {
		return nil
	}
	for _, v := range []struct {
		name string
		list func(urn, id string, a *attr, w *wanted) ([]any, error)
	}{{"grants", tx.grantsOf}, {"appRoles", tx.rolesOf}, {"accounts", tx.accountsOf}} {
		a := set.get(v.name)
		if a == nil || !w.has(a) {
			continue
		}
		list, err := v.list(urn, id, a, w)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			ext := maps1(asMap(doc[urn]))
			ext[a.Name] = list
			doc[urn] = ext
		}
	}
	return nil
}

// slice restricts a query to the one page of an attribute that is asked for; it
// answers false where that page is empty.
func (w *wanted) slice(a *attr, offset, limit *int) bool {
	start, count, ok := w.page(a)
	if !ok {
		return true
	}
	*offset, *limit = start-1, count
	w.paged[a] = true
	return count > 0
}

// eachGrant walks over the grants with a reference.
func (tx *Tx) eachGrant(q store.Query, f func(id string, doc Document, g granted) error) error {
	q.Type, q.Lend, q.NoCursor = "Grant", true, true
	for row, err := range tx.st.Query(q) {
		if err != nil {
			return err
		}
		doc, err := decode(row.Data)
		if err != nil {
			return errors.Join(store.ErrCorrupt, err)
		}
		if err := f(row.ID, doc, grantedBy(doc)); err != nil {
			return err
		}
	}
	return nil
}

func where(path, value string) []store.Cond {
	return []store.Cond{{Path: path, Rel: store.Eq, Value: value}}
}

// grantsOf lists the grants of a user or group.
func (tx *Tx) grantsOf(_, id string, a *attr, w *wanted) ([]any, error) {
	q := store.Query{Conds: where("grantee.value", id)}
	if !w.slice(a, &q.Offset, &q.Limit) {
		return nil, nil
	}
	var list []any
	err := tx.eachGrant(q, func(grant string, doc Document, g granted) error {
		m := map[string]any{"value": grant, "grantMechanism": g.mechanism}
		setText(m, "appId", g.app)
		if a.sub("grantorId") != nil {
			grantor, _ := asMap(doc["grantor"])["value"].(string)
			setText(m, "grantorId", grantor)
		}
		list = append(list, m)
		return nil
	})
	return list, err
}

// rolesOf lists the app roles of a user or group: those held directly, then
// those that a user holds by groups.
func (tx *Tx) rolesOf(urn, id string, a *attr, w *wanted) ([]any, error) {
	var list []any
	seen := map[string]bool{}
	add := func(holder, typ string) error {
		for link, err := range tx.st.Links(store.LinkQuery{Kind: roleKind, To: holder}) {
			if err != nil {
				return err
			}
			if seen[link.From] {
				continue
			}
			seen[link.From] = true
			m, err := tx.heldRole(link.From, typ, a, w)
			if err != nil {
				return err
			}
			list = append(list, m)
		}
		return nil
	}
	if err := add(id, "direct"); err != nil || urn != userURN {
		return list, err
	}
	var groups []string
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: id}) {
		if err != nil {
			return nil, err
		}
		groups = append(groups, link.From)
	}
	for _, group := range groups {
		if err := add(group, "indirect"); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// heldRole is a role as its holder shows it.
func (tx *Tx) heldRole(role, typ string, a *attr, w *wanted) (map[string]any, error) {
	m := map[string]any{"value": role}
	if a.sub("type") != nil {
		m["type"] = typ
	}
	if !w.needs(a, "display", "appId", "appName", "adminRole", "legacyGroupName") {
		return m, nil
	}
	rec, err := store.Lend(tx.st, "AppRole", role)
	if err != nil {
		return m, ignoreGone(err)
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, errors.Join(store.ErrCorrupt, err)
	}
	for name, v := range map[string]any{
		"display": doc["displayName"], "appId": asMap(doc["app"])["value"], "appName": asMap(doc["app"])["name"],
		"adminRole": doc["adminRole"], "legacyGroupName": doc["legacyGroupName"],
	} {
		if v != nil && a.sub(name) != nil {
			m[name] = v
		}
	}
	return m, nil
}

// accountsOf lists the accounts of a user.
func (tx *Tx) accountsOf(_, id string, a *attr, w *wanted) ([]any, error) {
	return tx.accounts(store.LinkQuery{Kind: accountKind, From: id}, a, w, func(m map[string]any, link store.Link) { m["appId"] = link.To })
}

// accounts lists accounts by their links.
func (tx *Tx) accounts(q store.LinkQuery, a *attr, w *wanted, name func(map[string]any, store.Link)) ([]any, error) {
	if !w.slice(a, &q.Offset, &q.Limit) {
		return nil, nil
	}
	var list []any
	for link, err := range tx.st.Links(q) {
		if err != nil {
			return nil, err
		}
		var kept accountLink
		if err := json.Unmarshal(link.Value, &kept); err != nil {
			return nil, errors.Join(store.ErrCorrupt, err)
		}
		m := map[string]any{"value": kept.ID}
		name(m, link)
		if w.needs(a, "name", "active") {
			rec, err := store.Lend(tx.st, accountType, kept.ID)
			if err != nil {
				return nil, err
			}
			doc, err := decode(rec.Data)
			if err != nil {
				return nil, errors.Join(store.ErrCorrupt, err)
			}
			for _, sub := range []string{"name", "active"} {
				if doc[sub] != nil {
					m[sub] = doc[sub]
				}
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// narrowAccess answers the users or groups that have a certain grant, role or
// account.
func narrowAccess(tx *Tx, urn, kind string, n narrow) ([]string, bool, error) {
	switch n.attr.path {
	case urn + ":appRoles":
		return tx.narrowRoles(kind, n)
	case urn + ":accounts":
		app, ok := n.eq["appid"]
		if !ok || len(n.eq) != 1 {
			return nil, false, nil
		}
		return tx.linked(store.LinkQuery{Kind: accountKind, To: app}, func(l store.Link) string { return l.From })
	case urn + ":grants":
		return tx.narrowGrants(kind, n)
	}
	return nil, false, nil
}

// linked lists one end of links, unless they are too many.
func (tx *Tx) linked(q store.LinkQuery, end func(store.Link) string) ([]string, bool, error) {
	count, err := tx.st.CountLinks(q)
	if err != nil || count > maxNarrow {
		return nil, false, err
	}
	var ids []string
	for link, err := range tx.st.Links(q) {
		if err != nil {
			return nil, false, err
		}
		if id := end(link); id != "" {
			ids = append(ids, id)
		}
	}
	return ids, true, nil
}

func (tx *Tx) narrowRoles(kind string, n narrow) ([]string, bool, error) {
	role, ok := n.eq["value"]
	typ, byType := n.eq["type"]
	if !ok || len(n.eq) > 2 || len(n.eq) == 2 && !byType {
		return nil, false, nil
	}
	of := func(want string) ([]string, bool, error) {
		return tx.linked(store.LinkQuery{Kind: roleKind, From: role}, func(l store.Link) string {
			if string(l.Value) == want {
				return l.To
			}
			return ""
		})
	}
	direct, ok, err := of(kind)
	if !ok || err != nil || kind != "User" || byType && typ == "direct" {
		return direct, ok, err
	}
	if byType && typ != "indirect" {
		return nil, true, nil
	}
	groups, ok, err := of("Group")
	if !ok || err != nil {
		return nil, ok, err
	}
	seen := map[string]bool{}
	for _, id := range direct {
		seen[id] = true
	}
	var indirect []string
	for _, group := range groups {
		members, err := memberIDs(tx, group)
		if err != nil {
			return nil, false, err
		}
		for _, id := range members {
			if !seen[id] {
				seen[id] = true
				indirect = append(indirect, id)
			}
		}
		if len(indirect) > maxNarrow {
			return nil, false, nil
		}
	}
	if byType {
		return indirect, true, nil
	}
	return append(direct, indirect...), true, nil
}

func (tx *Tx) narrowGrants(kind string, n narrow) ([]string, bool, error) {
	q := store.Query{}
	switch app, byApp := n.eq["appid"]; {
	case len(n.eq) != 1:
		return nil, false, nil
	case byApp:
		q.Conds = where("app.value", app)
	case n.eq["value"] != "":
		q.In = &store.In{Path: "id", Values: []string{n.eq["value"]}}
	default:
		return nil, false, nil
	}
	q.Type = "Grant"
	count, err := tx.st.Count(q)
	if err != nil || count > maxUnion {
		return nil, false, err
	}
	seen := map[string]bool{}
	var ids []string
	err = tx.eachGrant(q, func(_ string, _ Document, g granted) error {
		if g.kind == kind && !seen[g.grantee] {
			seen[g.grantee] = true
			ids = append(ids, g.grantee)
		}
		return nil
	})
	return ids, true, err
}
