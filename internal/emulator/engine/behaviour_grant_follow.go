package engine

import (
	"encoding/json"
	"errors"

	"github.com/idctl/idctl/internal/emulator/store"
)

// A managed app that is granted to a group is granted to each of its members:
// one grant and one account per member, which come and go with the membership
// in the transaction that changes it (idcs-behaviour 4.1).

const (
	// expandedKind is the kind of the links from groups to the managed apps
	// that are granted to them.
	expandedKind = "expanded"
	// accountKind is the kind of the links from users to the apps in which they
	// have an account.
	accountKind = "account"
	accountType = "AccountMgmtInfo"
)

// accountLink is what such a link keeps: the account with its name, and how
// many grants it rests on.
type accountLink struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Grants int    `json:"n"`
}

// expand grants a managed app to the members of a group.
func (tx *Tx) expand(id string, g *granted) error {
	managed, err := tx.isManaged(g.app)
	if err != nil || !managed {
		return err
	}
	if _, err := tx.st.PutLink(store.Link{Kind: expandedKind, From: g.grantee, To: g.app, Value: []byte(id)}); err != nil {
		return err
	}
	members, err := memberIDs(tx, g.grantee)
	if err != nil {
		return err
	}
	for _, user := range members {
		if err := tx.follow(g.app, g.grantee, user); err != nil {
			return err
		}
	}
	return nil
}

// collapse takes it away from them.
func (tx *Tx) collapse(g *granted) error {
	removed, err := tx.st.DeleteLink(expandedKind, g.grantee, g.app)
	if err != nil || !removed {
		return err
	}
	members, err := memberIDs(tx, g.grantee)
	if err != nil {
		return err
	}
	for _, user := range members {
		if err := tx.unfollow(g.app, g.grantee, user); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) isManaged(app string) (bool, error) {
	rec, err := store.Lend(tx.st, "App", app)
	if err != nil {
		return false, ignoreGone(err)
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return false, errors.Join(store.ErrCorrupt, err)
	}
	return doc["isManagedApp"] == true, nil
}

// joined and left make the grants of a user follow a membership.
func (tx *Tx) joined(group, user string) error {
	return tx.eachExpanded(group, func(app string) error { return tx.follow(app, group, user) })
}

func (tx *Tx) left(group, user string) error {
	return tx.eachExpanded(group, func(app string) error { return tx.unfollow(app, group, user) })
}

func (tx *Tx) eachExpanded(group string, f func(app string) error) error {
	var apps []string
	for link, err := range tx.st.Links(store.LinkQuery{Kind: expandedKind, From: group}) {
		if err != nil {
			return err
		}
		apps = append(apps, link.To)
	}
	for _, app := range apps {
		if err := f(app); err != nil {
			return err
		}
	}
	return nil
}

// follow makes the grant of one member.
func (tx *Tx) follow(app, group, user string) error {
	ti, err := tx.info("Grant")
	if err != nil {
		return err
	}
	g := granted{app: app, kind: "User", grantee: user, mechanism: byMembership, group: group}
	_, err = tx.put(ti, Document{
		"schemas": []any{grantURN}, "grantMechanism": byMembership, "isFulfilled": true,
		"app":          map[string]any{"value": app},
		"grantee":      map[string]any{"type": "User", "value": user},
		"grantor":      map[string]any{"type": "Group", "value": group},
		"compositeKey": g.key(),
	})
	if err != nil {
		return err
	}
	return tx.addAccount(app, user)
}

// put stores a resource that the server makes, and answers its id.
func (tx *Tx) put(ti *typeInfo, doc Document) (string, error) {
	id := tx.e.opts.NewID()
	if ti.core.get("ocid") != nil {
		doc["ocid"] = ocidFor(ti.rt.Name, id)
	}
	doc["id"] = id
	actor := tx.actor()
	tx.stamp(ti, doc, actor, actor)
	version := tx.e.opts.NewID()
	setMeta(doc, ti, tx.now, tx.now, version)
	rec, err := ti.record(id, doc, version, tx.now, tx.now)
	if err != nil {
		return "", err
	}
	return id, tx.st.Insert(rec)
}

// unfollow removes it.
func (tx *Tx) unfollow(app, group, user string) error {
	g := granted{app: app, grantee: user, mechanism: byMembership, group: group}
	id, err := tx.st.Claimed("Grant", "compositeKey", g.key())
	if err != nil {
		return ignoreGone(err)
	}
	if err := tx.st.Delete("Grant", id); err != nil {
		return err
	}
	return tx.dropAccount(app, user)
}

// addAccount gives a user an account in an app, or notes that one more grant
// is a reason for it.
func (tx *Tx) addAccount(app, user string) error {
	link, err := tx.st.GetLink(accountKind, user, app)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var kept accountLink
	if err == nil {
		if err := json.Unmarshal(link.Value, &kept); err != nil {
			return errors.Join(store.ErrCorrupt, err)
		}
	} else if kept, err = tx.newAccount(app, user); err != nil {
		return err
	}
	kept.Grants++
	return tx.putAccountLink(app, user, kept)
}

func (tx *Tx) putAccountLink(app, user string, kept accountLink) error {
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	_, err = tx.st.PutLink(store.Link{Kind: accountKind, From: user, To: app, Value: data})
	return err
}

// newAccount makes the account. It is named like the user at that time.
func (tx *Tx) newAccount(app, user string) (accountLink, error) {
	ti, err := tx.info(accountType)
	if err != nil {
		return accountLink{}, err
	}
	name, err := tx.userName(user)
	if err != nil {
		return accountLink{}, err
	}
	doc := Document{
		"schemas": []any{ti.rt.Core.ID}, "active": true, "isAccount": true, "compositeKey": app + ":" + user,
		"app": map[string]any{"value": app}, "owner": map[string]any{"value": user},
	}
	setText(doc, "name", name)
	setText(doc, "uid", name)
	id, err := tx.put(ti, doc)
	if err != nil {
		return accountLink{}, err
	}
	return accountLink{ID: id, Name: name}, tx.accountEvent("create", id, name, app, user)
}

// userName reads the name of a user out of the stored text: a group has many
// members, and decoding all of each would be most of the work.
func (tx *Tx) userName(id string) (string, error) {
	rec, err := store.Lend(tx.st, "User", id)
	if err != nil {
		return "", err
	}
	s := scanner{b: rec.Data}
	for first := true; first && s.eat('{') || s.eat(','); first = false {
		name, ok := s.name()
		from := s.pos
		if !ok || !s.value(1) {
			break
		}
		if string(name) == "userName" {
			v, _ := decodeValue(s.b[from:s.pos])
			text, _ := v.(string)
			return text, nil
		}
	}
	user, err := tx.summary("User", id)
	return user.name, err
}

func (tx *Tx) dropAccount(app, user string) error {
	link, err := tx.st.GetLink(accountKind, user, app)
	if err != nil {
		return ignoreGone(err)
	}
	var kept accountLink
	if err := json.Unmarshal(link.Value, &kept); err != nil {
		return errors.Join(store.ErrCorrupt, err)
	}
	if kept.Grants--; kept.Grants > 0 {
		return tx.putAccountLink(app, user, kept)
	}
	if _, err := tx.st.DeleteLink(accountKind, user, app); err != nil {
		return err
	}
	if err := tx.st.Delete(accountType, kept.ID); err != nil {
		return err
	}
	return tx.accountEvent("delete", kept.ID, kept.Name, app, user)
}

// accountEvent records that an account was created or deleted.
func (tx *Tx) accountEvent(verb, id, name, app, user string) error {
	ev := Document{
		"eventId":              "admin.account." + verb + ".success",
		"adminResourceType":    "Account",
		"adminResourceId":      id,
		"adminRefResourceType": "User",
		"adminRefResourceId":   user,
	}
	setText(ev, "adminResourceName", name)
	setText(ev, "adminRefResourceName", name)
	shown, err := tx.appDisplay(app)
	if err != nil {
		return err
	}
	setText(ev, "adminAppRoleAppName", shown)
	return tx.Event(ev)
}

// appDisplay is what audit events call an app. It is looked up once for the
// many events of one expansion.
func (tx *Tx) appDisplay(app string) (string, error) {
	if tx.shownApp.id != app {
		s, err := tx.summary("App", app)
		if err != nil {
			return "", err
		}
		tx.shownApp.id, tx.shownApp.display = app, s.display
	}
	return tx.shownApp.display, nil
}
