package engine

import (
	"net/http"
	"slices"
)

// The acts of administrators on one user (idcs-behaviour 3.2). Each asks the
// table of the life cycle first. They store nothing of their own: what they do
// is a change of the user, with its audit event.

// msgFederated is the message id of an act that needs a password which this
// service does not keep: a guess.
const msgFederated = "error.identity.user.federated"

// actOn begins an act: it finds the user, refuses what the caller may not do
// to the own account, and asks the table.
func (tx *Tx) actOn(id string, in Document, p Params, act Act) (key string, user Document, err error) {
	rec, doc, err := tx.loadUser(id)
	if err != nil {
		return "", nil, err
	}
	if err := tx.ownChange(rec.ID, in, p); err != nil {
		return "", nil, err
	}
	tx.selfAllowed = true
	state, err := tx.stateOf(rec.ID, doc)
	if err != nil {
		return "", nil, err
	}
	return rec.ID, doc, permit(state, act)
}

// answerAct answers an act as the resource it is.
func (tx *Tx) answerAct(ti *typeInfo, id string, user, in Document, p Params) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	ti.completeSchemas(in)
	in["id"] = id
	if meta := maps1(user["meta"]); len(meta) > 0 {
		meta["resourceType"] = ti.rt.Name
		in["meta"] = meta
	}
	return tx.render(ti, id, in, pr)
}

// inviteUser sends an invitation; the former one becomes void.
func inviteUser(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	key, doc, err := tx.actOn(id, in, p, ActInvite)
	if err != nil {
		return nil, err
	}
	if primaryEmail(doc) == "" {
		return nil, bad(msgNoPrimaryEmail, "The user has no primary email address to which an invitation could be sent.")
	}
	template := MailWelcomeResend
	if last, err := tx.lastLink(key, LinkCreateUser); err != nil {
		return nil, err
	} else if last == nil {
		template = MailWelcome
	}
	if asMap(doc[userURN])["isAuthenticationDelegated"] == true {
		template = MailDelegatedWelcomeResend
	}
	if err := tx.mailLink(key, doc, template, LinkCreateUser, false); err != nil {
		return nil, err
	}
	// Nothing of the user changes, so this is the only trace of it.
	if err := tx.userEvent(invitedEvent, key, doc); err != nil {
		return nil, err
	}
	return tx.answerAct(ti, key, doc, in, p)
}

// invitedEvent is the event of an invitation: a guess, in the form of the
// known ones.
const invitedEvent = "admin.user.activation.initiate.success"

// changeStatus activates or deactivates a user.
func changeStatus(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	active, ok := in["active"].(bool)
	if !ok {
		return nil, bad(msgMissingAttributes, "Missing required attribute(s): active.")
	}
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	act := ActBlock
	if active {
		act = ActUnblock
	}
	key, _, err := tx.actOn(id, in, p, act)
	if err != nil {
		return nil, err
	}
	c, err := tx.changeUser(key, p, func(c *Change) error {
		c.New["active"] = active
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tx.answerAct(ti, key, c.New, in, p)
}

// changeLock locks or unlocks a user.
func changeLock(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	id, _ := in["userId"].(string)
	lock := in["locked"] == true
	act := ActUnlock
	if lock {
		act = ActLock
	}
	key, doc, err := tx.actOn(id, in, p, act)
	if err != nil {
		return nil, err
	}
	_, is := lockReason(doc)
	over, err := tx.lockOver(key, doc)
	if err != nil {
		return nil, err
	}
	if is && lock && !over {
		return tx.answerAct(ti, key, doc, in, p) // it keeps its reason and time
	}
	c, err := tx.changeUser(key, Params{}, func(c *Change) error {
		if is || lock {
			tx.setLock(c.New, lock, lockAdmin)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tx.answerAct(ti, key, c.New, in, p)
}

// changePassword sets a known password.
func changePassword(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	password, _ := in["password"].(string)
	if password == "" {
		return nil, bad(msgMissingAttributes, "Missing required attribute(s): password.")
	}
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	c, err := tx.setKnown(id, password, in, p)
	if err != nil {
		return nil, err
	}
	delete(in, "password")
	return tx.answerAct(ti, c.ID, c.New, in, p)
}

func (tx *Tx) setKnown(id, password string, in Document, p Params) (*Change, error) {
	key, doc, err := tx.actOn(id, in, p, ActSetPassword)
	if err != nil {
		return nil, err
	}
	if err := ownPassword(doc); err != nil {
		return nil, err
	}
	c, err := tx.changeUser(key, p, func(c *Change) error { return tx.setPassword(c, password) })
	if err != nil {
		return nil, err
	}
	if in["bypassNotification"] != true {
		if err := tx.mailUser(key, c.New, Mail{Template: MailPasswordSetByAdmin}); err != nil {
			return nil, err
		}
	}
	return c, tx.userEvent("admin.user.password.reset.success", key, c.New)
}

// ownPassword refuses to give a password to a user whose password lies
// elsewhere.
func ownPassword(doc Document) error {
	if asMap(doc[userURN])["isFederatedUser"] == true {
		return fail(stateForbids, "", msgFederated, "The user is federated: the password lies with the identity provider.")
	}
	return nil
}

// resetPassword replaces the password by a random one at once, and mails a
// link with which the user sets a new one.
func resetPassword(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	c, l, once, err := tx.setRandom(id, in, p)
	if err != nil {
		return nil, err
	}
	if l != nil {
		in["userToken"] = tx.tokenRef(l)
	}
	if once != "" {
		in["oneTimePassword"] = once
	}
	return tx.answerAct(ti, c.ID, c.New, in, p)
}

// setRandom is a reset. The link is answered where the caller looks after it,
// the password where nobody could be told in another way.
func (tx *Tx) setRandom(id string, in Document, p Params) (c *Change, l *link, once string, err error) {
	key, doc, err := tx.actOn(id, in, p, ActReset)
	if err != nil {
		return nil, nil, "", err
	}
	if err := ownPassword(doc); err != nil {
		return nil, nil, "", err
	}
	password, err := tx.makePassword(doc, key)
	if err != nil {
		return nil, nil, "", err
	}
	if c, err = tx.changeUser(key, p, func(c *Change) error { return tx.putPassword(c, password, true) }); err != nil {
		return nil, nil, "", err
	}
	switch {
	case in["userFlowControlledByExternalClient"] == true:
		l, _, err = tx.newLink(key, LinkPasswordReset, "", false)
	case primaryEmail(c.New) == "":
		once = password
	case in["bypassNotification"] != true:
		err = tx.mailLink(key, c.New, MailPasswordResetByAdmin, LinkPasswordReset, false)
	}
	if err == nil {
		err = tx.userEvent("admin.user.password.reset.success", key, c.New)
	}
	return c, l, once, err
}

// bulkUsers are the users of one of the two bulk types.
func bulkUsers(ti *typeInfo, in Document) ([]string, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	var ids []string
	for _, x := range elements(in["userIds"]) {
		id, _ := x.(string)
		id = idOf("User", id)
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > bulkPasswordUsers {
		return nil, fail(http.StatusRequestEntityTooLarge, scimTooMany, msgTooMany,
			"At most %d users are possible in one call, not %d.", bulkPasswordUsers, len(ids))
	}
	return ids, nil
}

// bulkPasswordUsers is how many users one of the bulk types takes: that of the
// factor resets (idcs-behaviour 2.8), rounded to that of Bulk. A guess, as it
// is that one user who is refused refuses them all.
const bulkPasswordUsers = 50

// resetPasswords is resetPassword for several users.
func resetPasswords(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	ids, err := bulkUsers(ti, in)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		tx.selfAllowed = false
		if _, _, _, err := tx.setRandom(id, in, Params{AllowSelfChange: p.AllowSelfChange}); err != nil {
			return nil, err
		}
	}
	return tx.answerMany(ti, in, p)
}

// changePasswords is changePassword for several users.
func changePasswords(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	password, _ := in["password"].(string)
	ids, err := bulkUsers(ti, in)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		tx.selfAllowed = false
		if _, err := tx.setKnown(id, password, in, Params{AllowSelfChange: p.AllowSelfChange}); err != nil {
			return nil, err
		}
	}
	delete(in, "password")
	return tx.answerMany(ti, in, p)
}

func (tx *Tx) answerMany(ti *typeInfo, in Document, p Params) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	ti.completeSchemas(in)
	id := tx.e.opts.NewID()
	in["id"] = id
	return tx.render(ti, id, in, pr)
}
