package engine

import (
	"strings"
)

// Types that are one PUT whose id is that of a user. They store nothing of
// their own: what they do is a change of the user, with its audit event.

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

// actOnUser changes a user and answers the action as the resource it is.
func (tx *Tx) actOnUser(ti *typeInfo, id string, in Document, p Params, ops ...PatchOp) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	rec, _, err := tx.loadUser(id)
	if err != nil {
		return nil, err
	}
	if err := tx.ownChange(rec.ID, in, p); err != nil {
		return nil, err
	}
	tx.selfAllowed = true
	user, err := tx.Patch("User", id, ops, Params{IfMatch: p.IfMatch})
	if err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	return tx.answerAct(ti, rec.ID, user.Doc, in, p)
}
