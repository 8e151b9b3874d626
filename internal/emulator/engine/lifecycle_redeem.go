package engine

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

type callKey struct{}

// WithCall lets the functions that take no Call know what surrounds them, for
// audit events: the address of the client and the id of the request.
func WithCall(ctx context.Context, call Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

func callOf(ctx context.Context) Call {
	call, _ := ctx.Value(callKey{}).(Call)
	return call
}

// loadUser reads a user's record, whatever face the call comes by.
func (tx *Tx) loadUser(id string) (store.Record, Document, error) {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return store.Record{}, nil, err
	}
	return tx.load(ti, id)
}

// permitRedeem asks the table whether a link that is alive may be used.
func (tx *Tx) permitRedeem(l *link, id string, doc Document) error {
	if l.Kind == LinkEmailVerification {
		return nil
	}
	state, err := tx.stateOf(id, doc)
	if err != nil {
		return err
	}
	act := ActRedeemReset
	if l.Kind == LinkCreateUser {
		act = ActRedeemInvite
	}
	err = permit(state, act)
	if errors.Is(err, ErrLinkUsed) {
		// The link is alive: an administrator locked somebody who has not
		// redeemed the invitation yet.
		return deadLink(ErrLinkState)
	}
	return err
}

// Redeem uses a link, once: it sets the password (kinds createUser and
// passwordReset) or verifies the address (emailVerification, for which
// newPassword is empty). All of it happens or nothing. A password against the
// policy is a *PasswordError and leaves the link usable; ErrBlocked says that
// the user was deactivated.
func (e *Engine) Redeem(ctx context.Context, token, newPassword string) error {
	call := callOf(ctx)
	check := func(tx *Tx) (*link, error) {
		l, err := tx.findLink(token)
		if err != nil {
			return nil, err
		}
		rec, doc, err := tx.loadUser(l.UserID)
		if err != nil {
			return nil, err
		}
		if err := tx.permitRedeem(l, rec.ID, doc); err != nil || l.Kind == LinkEmailVerification {
			return l, err
		}
		if newPassword == "" {
			return nil, bad(msgMissingAttributes, "Missing required attribute(s): password.")
		}
		return l, tx.checkPassword(doc, rec.ID, newPassword)
	}
	// Hashing takes its time, so it is not done in a transaction that keeps
	// others waiting, nor for a link that is dead.
	var kind string
	err := e.View(ctx, call, func(tx *Tx) error {
		l, err := check(tx)
		if err == nil {
			kind = l.Kind
		}
		return err
	})
	if err != nil {
		return err
	}
	if kind != LinkEmailVerification {
		if call.hashes, err = e.hashAhead(newPassword); err != nil {
			return err
		}
	}
	return e.Do(ctx, call, func(tx *Tx) error {
		l, err := check(tx)
		if err != nil {
			return err
		}
		return tx.redeem(l, newPassword)
	})
}

// redeem does what a link is for.
func (tx *Tx) redeem(l *link, password string) error {
	if err := tx.actAs(l.UserID); err != nil {
		return err
	}
	if err := tx.markLink(l, linkUsed); err != nil {
		return err
	}
	switch l.Kind {
	case LinkEmailVerification:
		return tx.verifyEmail(l)
	case LinkCreateUser:
		c, err := tx.changeUser(l.UserID, Params{}, func(c *Change) error { return tx.setPassword(c, password) })
		if err != nil {
			return err
		}
		return tx.userEvent("admin.user.activated.success", c.ID, c.New)
	default:
		c, err := tx.changeUser(l.UserID, Params{}, func(c *Change) error { return tx.setPassword(c, password) })
		if err != nil {
			return err
		}
		if err := tx.mailUser(c.ID, c.New, Mail{Template: MailPasswordReset}); err != nil {
			return err
		}
		return tx.userEvent("admin.me.password.reset.success", c.ID, c.New)
	}
}

// actAs makes the user the actor of the rest of the transaction: what a link
// or a password proves, its owner does.
func (tx *Tx) actAs(id string) error {
	_, doc, err := tx.loadUser(id)
	if err != nil {
		return err
	}
	tx.call.Actor = actorOfUser(id, doc)
	tx.selfAllowed = true
	return nil
}

func actorOfUser(id string, doc Document) Actor {
	a := Actor{Type: "User", ID: id}
	a.OCID, _ = doc["ocid"].(string)
	a.Name, _ = doc["userName"].(string)
	a.Display, _ = doc["displayName"].(string)
	return a
}

// verifyEmail marks the address of a link as verified.
func (tx *Tx) verifyEmail(l *link) error {
	found := false
	c, err := tx.changeUser(l.UserID, Params{}, func(c *Change) error {
		for _, x := range elements(c.New["emails"]) {
			m := asMap(x)
			if v, _ := m["value"].(string); strings.EqualFold(v, l.Data) {
				m["verified"], found = true, true
				delete(m, "pendingVerificationData")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return fail(http.StatusBadRequest, "", msgInvalidToken, "The user does not have this address any more.")
	}
	return tx.userEvent("admin.me.email.verify.primary.success", c.ID, c.New)
}

// setPassword sets a password that its owner, or whoever the owner trusts,
// chose: a password that need not be changed.
func (tx *Tx) setPassword(c *Change, password string) error {
	return tx.putPassword(c, password, false)
}

func (tx *Tx) putPassword(c *Change, password string, mustChange bool) error {
	c.New["password"] = password
	extension(c.New, passwordStateURN)["mustChange"] = mustChange
	if _, locked := lockReason(c.New); locked {
		tx.setLock(c.New, false, 0)
	}
	delete(extension(c.New, userStateURN), "loginAttempts")
	return tx.voidLinks(c.ID, LinkCreateUser, LinkPasswordReset)
}

// userEvent records an act on a user beside the change that it made.
func (tx *Tx) userEvent(eventID, id string, doc Document) error {
	ev := Document{"eventId": eventID, "adminResourceType": "User", "adminResourceId": id}
	if name, _ := doc["userName"].(string); name != "" {
		ev["adminResourceName"] = name
	}
	return tx.Event(ev)
}

// mailUser sends a mail to a user's primary address, if there is one.
func (tx *Tx) mailUser(id string, doc Document, m Mail) error {
	to := primaryEmail(doc)
	if to == "" {
		return nil
	}
	m.To, m.UserID, m.Language = []string{to}, id, languageOf(doc)
	data := map[string]string{}
	set := func(name string, v any) {
		if s, _ := v.(string); s != "" {
			data[name] = s
		}
	}
	set("userName", doc["userName"])
	set("displayName", doc["displayName"])
	set("givenName", asMap(doc["name"])["givenName"])
	set("familyName", asMap(doc["name"])["familyName"])
	for name, v := range m.Data {
		data[name] = v
	}
	m.Data = data
	return tx.Send(m)
}

// mailLink makes a link and mails it.
func (tx *Tx) mailLink(id string, doc Document, template, kind string, fresh bool) error {
	if primaryEmail(doc) == "" {
		return nil
	}
	l, token, err := tx.newLink(id, kind, "", fresh)
	if err != nil {
		return err
	}
	return tx.mailUser(id, doc, Mail{
		Template: template, Link: LinkPath + token, Data: map[string]string{"expires": formatTime(l.Expires)},
	})
}

func primaryEmail(doc Document) string {
	for _, x := range elements(doc["emails"]) {
		m := asMap(x)
		if to, _ := m["value"].(string); m["primary"] == true && to != "" {
			return to
		}
	}
	return ""
}

// languageOf is the language in which a user is written to.
func languageOf(doc Document) string {
	for _, name := range []string{"preferredLanguage", "locale"} {
		if s, _ := doc[name].(string); s != "" {
			return s
		}
	}
	return ""
}
