package engine

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Types whose name begins with My show the caller's own records of another
// type: MyApiKeys those of ApiKeys whose user is the caller. They store
// nothing; what they write is a write of the other type, with its rules and
// its audit event.

// ownedLink is the kind of the links that lead from a user to what belongs to
// the user; the value of a link is the type of the record.
const ownedLink = "owned"

// msgOnlyUsers is the message of a call that only a signed-in user can make; no
// source names it, so it is a guess.
const msgOnlyUsers = "error.common.common.onlyForUsers"

// ownRecords are the hooks of such a type; base is the type that it shows.
func ownRecords(name, base string, derive func(tx *Tx, id string, doc Document, w *wanted) error) Hooks {
	return Hooks{
		Twin: base,
		Own:  true,
		Virtual: func(tx *Tx) ([]Document, error) {
			if tx.call.Actor.Type != "User" {
				return nil, nil
			}
			recs, err := tx.ownedRecords(tx.call.Actor.ID, base)
			if err != nil {
				return nil, err
			}
			var list []Document
			for _, rec := range recs {
				doc, err := tx.viewOf(name, rec)
				if err != nil {
					return nil, err
				}
				list = append(list, doc)
			}
			return list, nil
		},
		Derive: derive,
	}
}

// caller answers the id of the user who makes the call.
func (tx *Tx) caller() (string, error) {
	if tx.call.Actor.Type != "User" || tx.call.Actor.ID == "" {
		return "", fail(http.StatusForbidden, "", msgOnlyUsers, "Only a signed-in user can do this, and the token is that of an app.")
	}
	return tx.call.Actor.ID, nil
}

// createOwn makes a record of the caller's.
func (tx *Tx) createOwn(ti *typeInfo, in Document, p Params) (*Result, error) {
	user, err := tx.caller()
	if err != nil {
		return nil, err
	}
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	doc, err := ti.normalise(in)
	if err != nil {
		return nil, err
	}
	if named, _ := asMap(doc["user"])["value"].(string); named != "" && named != user {
		return nil, fail(http.StatusForbidden, "", msgOnlyUsers, "%s is for one's own account only.", ti.rt.Name)
	}
	base, err := tx.info(ti.hooks.Twin)
	if err != nil {
		return nil, err
	}
	doc["user"] = map[string]any{"value": user}
	doc["schemas"] = []any{base.rt.Core.ID}
	tx.self = true
	res, err := tx.create(base, doc, Params{})
	tx.self = false
	if err != nil {
		return nil, err
	}
	out, err := tx.showOwn(ti, base, res, pr)
	if err != nil {
		return nil, err
	}
	out.Created = true
	return out, nil
}

// patchOwn changes a record of the caller's.
func (tx *Tx) patchOwn(ti *typeInfo, id string, ops []PatchOp, p Params) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	base, key, err := tx.own(ti, id)
	if err != nil {
		return nil, err
	}
	res, err := tx.patch(base, key, ops, Params{IfMatch: p.IfMatch, IfNoneMatch: p.IfNoneMatch})
	if err != nil {
		return nil, err
	}
	return tx.showOwn(ti, base, res, pr)
}

// deleteOwn removes a record of the caller's.
func (tx *Tx) deleteOwn(ti *typeInfo, id string, p Params) error {
	base, key, err := tx.own(ti, id)
	if err != nil {
		return err
	}
	return tx.remove(base, key, p)
}

// own finds a record that the caller names by the id it has as a resource of
// either type; what belongs to others does not exist.
func (tx *Tx) own(ti *typeInfo, id string) (*typeInfo, string, error) {
	user, err := tx.caller()
	if err != nil {
		return nil, "", err
	}
	base, err := tx.info(ti.hooks.Twin)
	if err != nil {
		return nil, "", err
	}
	rec, doc, err := tx.load(base, idOf(ti.rt.Name, id))
	if _, refused := errors.AsType[*Error](err); refused || err == nil && asMap(doc["user"])["value"] != any(user) {
		return nil, "", notFound(ti.rt.Name, id)
	}
	return base, rec.ID, err
}

// showOwn answers what a write of the base type did as a resource of the own
// type, with what only this answer shows.
func (tx *Tx) showOwn(ti, base *typeInfo, res *Result, pr *projection) (*Result, error) {
	id, _ := res.Doc["id"].(string)
	rec, err := tx.st.Get(base.rt.Name, id)
	if err != nil {
		return nil, err
	}
	doc, err := tx.viewOf(ti.rt.Name, rec)
	if err != nil {
		return nil, err
	}
	out, err := tx.render(ti, id, doc, pr)
	if err != nil {
		return nil, err
	}
	for _, name := range base.hooks.Once {
		if v, ok := res.Doc[name]; ok && pr.wants(ti.core.get(name)) {
			out.Doc[name] = v
		}
	}
	return out, nil
}

// showOnce adds to the answer of a write the secrets that it made; no other
// answer shows them.
func (ti *typeInfo) showOnce(c *Change, res *Result, pr *projection) {
	for _, name := range ti.hooks.Once {
		if plain, ok := c.Secrets[name]; ok && pr.wants(ti.core.get(name)) {
			res.Doc[name] = plain
		}
	}
}

// keepSecret stores a secret that the service made as a hash, and keeps the
// clear text for the answer of this write.
func (c *Change) keepSecret(name, plain string) error {
	hashed, err := hashPassword(plain, c.Tx.e.opts.PasswordCost)
	if err != nil {
		return err
	}
	if c.Secrets == nil {
		c.Secrets = map[string]string{}
	}
	c.Secrets[name] = plain
	c.New[name] = hashed
	return nil
}

// owner finds the user that a new record belongs to: the one it names or, where
// it names none, the caller. The reference is completed.
func (c *Change) owner() (string, Document, error) {
	a := c.ti.core.get("user")
	m := maps1(c.New["user"])
	if len(m) == 0 {
		if c.Tx.call.Actor.Type != "User" {
			return "", nil, bad(msgMissingAttributes, "Missing required attribute(s): user.")
		}
		m["value"] = c.Tx.call.Actor.ID
	}
	id, err := c.Tx.reference(a, "User", m)
	if err != nil {
		return "", nil, err
	}
	if err := c.Tx.within("User", id); err != nil {
		return "", nil, err
	}
	ti, err := c.Tx.info("User")
	if err != nil {
		return "", nil, err
	}
	_, doc, err := c.Tx.load(ti, id)
	if _, refused := errors.AsType[*Error](err); refused {
		return "", nil, badReference(a, "User", id)
	}
	if err != nil {
		return "", nil, err
	}
	delete(m, "$ref")
	c.New["user"] = m
	return id, doc, nil
}

// linkOwner records that a new record belongs to its user.
func linkOwner(c *Change) error {
	user, _ := asMap(c.New["user"])["value"].(string)
	_, err := c.Tx.st.PutLink(store.Link{Kind: ownedLink, From: user, To: c.ID, Value: []byte(c.Type)})
	return err
}

// unlinkOwner ends that when the record is gone.
func unlinkOwner(c *Change) error {
	user, _ := asMap(c.Old["user"])["value"].(string)
	_, err := c.Tx.st.DeleteLink(ownedLink, user, c.ID)
	return err
}

// owned lists what belongs to a user, in the order in which it was made: ids by
// type.
func (tx *Tx) owned(user string) (map[string][]string, error) {
	list := map[string][]string{}
	for link, err := range tx.st.Links(store.LinkQuery{Kind: ownedLink, From: user}) {
		if err != nil {
			return nil, err
		}
		list[string(link.Value)] = append(list[string(link.Value)], link.To)
	}
	return list, nil
}

// ownedRecords are the records of one type that belong to a user.
func (tx *Tx) ownedRecords(user, typ string) ([]store.Record, error) {
	all, err := tx.owned(user)
	if err != nil {
		return nil, err
	}
	recs := make([]store.Record, 0, len(all[typ]))
	for _, id := range all[typ] {
		rec, err := tx.st.Get(typ, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// dropOwned removes what belongs to a user who is gone.
func dropOwned(c *Change) error {
	all, err := c.Tx.owned(c.ID)
	if err != nil {
		return err
	}
	for _, typ := range slices.Sorted(maps.Keys(all)) {
		for _, id := range all[typ] {
			if err := c.Tx.Delete(typ, id, Params{Force: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// sealed stores a value that must be shown again encrypted.
func (c *Change) sealed(name, plain string) error {
	raw, err := c.Tx.seal(c.Type+"/"+c.ID+"/"+name, []byte(plain))
	if err != nil {
		return err
	}
	c.New[name] = base64.StdEncoding.EncodeToString(raw)
	return nil
}

// unsealed reads a value that sealed stored in a record of the type.
func (tx *Tx) unsealed(typ, id, name string, doc Document) (string, error) {
	text, _ := doc[name].(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.Join(store.ErrCorrupt, err)
	}
	plain, err := tx.open(typ+"/"+id+"/"+name, raw)
	if err != nil {
		return "", errors.Join(store.ErrCorrupt, err)
	}
	return string(plain), nil
}

// unseal shows such a value in an answer that has it.
func unseal(typ, name string) func(*Tx, string, Document, *wanted) error {
	return func(tx *Tx, id string, doc Document, w *wanted) error {
		if doc[name] == nil || !w.has(w.ti.core.get(name)) {
			return nil
		}
		plain, err := tx.unsealed(typ, id, name, doc)
		if err == nil {
			doc[name] = plain
		}
		return err
	}
}
