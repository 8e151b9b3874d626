package engine

import (
	"strings"
)

// Types that are one PUT whose id is that of a user. They store nothing of
// their own: what they do is a change of the user, with its audit event.

// changeStatus activates or deactivates a user.
func changeStatus(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	active, ok := in["active"].(bool)
	if !ok {
		return nil, bad(msgMissingAttributes, "Missing required attribute(s): active.")
	}
	was, err := tx.Get("User", id, Params{Attributes: []string{"active"}})
	if err != nil {
		return nil, err
	}
	res, err := tx.actOnUser(ti, id, in, p, PatchOp{Op: "replace", Path: "active", Value: active})
	if err != nil || !active || was.Doc["active"] == true {
		return res, err
	}
	return res, tx.Event(Document{
		"eventId": "admin.user.activated.success", "adminResourceType": "User", "adminResourceId": idOf("User", id),
	})
}

// changeCapabilities says what a user may do.
func changeCapabilities(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	var ops []PatchOp
	for _, name := range capabilities {
		if v, ok := in[name]; ok {
			ops = append(ops, PatchOp{Op: "replace", Path: capabilitiesURN + ":" + name, Value: v})
		}
	}
	if len(ops) == 0 {
		return nil, bad(msgMissingAttributes, "Missing required attribute(s): one of %s.", strings.Join(capabilities, ", "))
	}
	return tx.actOnUser(ti, id, in, p, ops...)
}

// changePassword sets a known password.
func changePassword(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	password, _ := in["password"].(string)
	if password == "" {
		return nil, bad(msgMissingAttributes, "Missing required attribute(s): password.")
	}
	return tx.actOnUser(ti, id, in, p, PatchOp{Op: "replace", Path: "password", Value: password})
}

// actOnUser changes a user and answers the action as the resource it is.
func (tx *Tx) actOnUser(ti *typeInfo, id string, in Document, p Params, ops ...PatchOp) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	user, err := tx.Patch("User", id, ops, Params{IfMatch: p.IfMatch})
	if err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	ti.completeSchemas(in)
	key, _ := user.Doc["id"].(string)
	in["id"] = key
	if meta := maps1(user.Doc["meta"]); len(meta) > 0 {
		meta["resourceType"] = ti.rt.Name
		in["meta"] = meta
	}
	return tx.render(ti, key, in, pr)
}
