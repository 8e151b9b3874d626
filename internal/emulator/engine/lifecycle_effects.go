package engine

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

// What follows from a change of a user, whichever way it came: by an act of
// the life cycle, by PUT or PATCH of the user, by plain SCIM or by a sign-in.

// Message ids of refused changes of one's own account and of refused
// deletions: guesses. The status is one, too.
const (
	msgSelfChange    = "error.identity.user.selfChangeNotAllowed"
	msgDeleteSelf    = "error.identity.user.cannotDeleteSelf"
	msgLastAdmin     = "error.identity.user.cannotDeleteLastAdministrator"
	selfChangeStatus = http.StatusForbidden
)

// adminRole is the role of which somebody has to stay.
const adminRole = "Identity Domain Administrator"

// ownChange refuses that a caller changes the own account by a call for
// administrators which does not say so (idcs-behaviour 3.2).
func (tx *Tx) ownChange(id string, in Document, p Params) error {
	a := tx.call.Actor
	if a.Type != "User" || a.ID != id || tx.selfAllowed || p.AllowSelfChange ||
		asMap(in[selfChangeURN])["allowSelfChange"] == true {
		return nil
	}
	return fail(selfChangeStatus, "", msgSelfChange,
		"This would change your own account. Say %s:allowSelfChange if that is meant.", selfChangeURN)
}

// settleLock completes a lock that was set by a change of the document: the
// time is the service's to say, and one without a reason is an
// administrator's.
func (c *Change) settleLock() {
	old, now := asMap(asMap(c.Old[userStateURN])["locked"]), asMap(asMap(c.New[userStateURN])["locked"])
	switch {
	case c.act:
		return
	case old["on"] == now["on"]:
		if old["on"] == true { // reason and time stay what they were
			extension(c.New, userStateURN)["locked"] = clone(old)
		}
		return
	}
	if now["on"] != true {
		c.Tx.setLock(c.New, false, 0)
		return
	}
	reason, _ := lockReason(c.New)
	c.Tx.setLock(c.New, true, reason)
}

// settlePassword says of a password that somebody else set that it has to be
// changed, as a recorded event of a new user does. That it holds for a PUT or
// PATCH, too, is a guess.
func (c *Change) settlePassword() {
	if c.act || c.New["password"] == nil || c.New["password"] == c.Old["password"] {
		return
	}
	extension(c.New, passwordStateURN)["mustChange"] = c.Tx.call.Actor.Type != "User" || c.Tx.call.Actor.ID != c.ID
}

// userChanged tells the user and the audit log what a change means.
func userChanged(c *Change) error {
	wasActive, isActive := c.Old["active"] != false, c.New["active"] != false
	if wasActive != isActive {
		template, event := MailDeactivated, "admin.user.deactivated.success"
		if isActive {
			template, event = MailActivated, "admin.user.activated.success"
		}
		if err := c.notify(template, event); err != nil {
			return err
		}
	}
	_, wasLocked := lockReason(c.Old)
	reason, isLocked := lockReason(c.New)
	switch {
	case isLocked && !sameLock(c.Old, c.New):
		if err := c.tellLocked(reason); err != nil {
			return err
		}
	case wasLocked && !isLocked:
		if err := c.notify(MailUnlocked, unlockedEvent); err != nil {
			return err
		}
	}
	if !c.act && c.New["password"] != nil && c.New["password"] != c.Old["password"] {
		return c.Tx.voidLinks(c.ID, LinkCreateUser, LinkPasswordReset)
	}
	return nil
}

// sameLock says that two documents have the same lock. One whose time is over
// may be followed by another without having been lifted.
func sameLock(a, b Document) bool {
	return equal(asMap(asMap(a[userStateURN])["locked"]), asMap(asMap(b[userStateURN])["locked"]))
}

// unlockedEvent is spelled as in the recorded requests.
const unlockedEvent = "admin.me.unocked.success"

func (c *Change) notify(template, event string) error {
	if err := c.Tx.mailUser(c.ID, c.New, Mail{Template: template}); err != nil {
		return err
	}
	return c.Tx.userEvent(event, c.ID, c.New)
}

// tellLocked mails a locked user a link that lifts the lock, unless an
// administrator locked or the user is deactivated (idcs-behaviour 3.3).
func (c *Change) tellLocked(reason int) error {
	var err error
	if reason == lockAdmin || c.New["active"] == false || !activated(c.New) {
		err = c.Tx.mailUser(c.ID, c.New, Mail{Template: MailLocked})
	} else {
		err = c.Tx.mailLink(c.ID, c.New, MailLocked, LinkPasswordReset, false)
	}
	if err != nil {
		return err
	}
	return c.Tx.userEvent("admin.me.locked.success", c.ID, c.New)
}

// welcomeUser invites a user who has no password yet.
func welcomeUser(c *Change) error {
	ext := asMap(c.New[userURN])
	external := ext["userFlowControlledByExternalClient"] == true
	switch {
	case c.New["active"] == false, ext["bypassNotification"] == true && !external:
		return nil
	case ext["isFederatedUser"] == true:
		if external {
			return nil
		}
		return c.Tx.mailUser(c.ID, c.New, Mail{Template: MailFederatedWelcome})
	case c.New["password"] != nil:
		return nil
	case external:
		l, _, err := c.Tx.newLink(c.ID, LinkCreateUser, "", true)
		if err != nil {
			return err
		}
		// Part of this answer, not of the user.
		ext = maps1(c.New[userURN])
		ext["userToken"] = c.Tx.tokenRef(l)
		c.New[userURN] = ext
		c.Changed = true
		return nil
	}
	template := MailWelcome
	if ext["isAuthenticationDelegated"] == true {
		template = MailDelegatedWelcome
	}
	return c.Tx.mailLink(c.ID, c.New, template, LinkCreateUser, true)
}

// tokenRef is a link as answers refer to it.
func (tx *Tx) tokenRef(l *link) map[string]any {
	return map[string]any{"value": l.ID, "$ref": tx.location("/UserTokens", l.ID)}
}

// mayDelete keeps a caller from deleting oneself (which RFC 7644 section 3.11
// gives plain SCIM), and the last administrator
// from being deleted (idcs-behaviour 3.2).
func mayDelete(c *Change) error {
	a := c.Tx.call.Actor
	if a.Type == "User" && a.ID == c.ID && !c.plain() {
		return fail(selfChangeStatus, "", msgDeleteSelf, "You cannot delete your own account.")
	}
	roles, err := c.Tx.adminRolesOf(c.ID)
	if err != nil {
		return err
	}
	for _, role := range roles {
		others, err := c.Tx.holders(role, c.ID)
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

// grantOf is what the rules of deletion need of a grant.
type grantOf struct {
	Grantee struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"grantee"`
	Entitlement struct {
		Name  string `json:"attributeName"`
		Value string `json:"attributeValue"`
	} `json:"entitlement"`
}

func (tx *Tx) grant(id string) (grantOf, error) {
	var g grantOf
	rec, err := tx.st.Get("Grant", id)
	if err == nil {
		err = json.Unmarshal(rec.Data, &g)
	}
	return g, err
}

// adminRolesOf are the ids of the administrator roles that were granted to a
// user directly.
func (tx *Tx) adminRolesOf(id string) ([]string, error) {
	ids, err := tx.find("Grant", "grantee.value", id)
	if err != nil {
		return nil, err
	}
	var roles []string
	for _, id := range ids {
		g, err := tx.grant(id)
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(g.Entitlement.Name, "appRoles") || slices.Contains(roles, g.Entitlement.Value) {
			continue
		}
		rec, err := tx.st.Get("AppRole", g.Entitlement.Value)
		if err != nil {
			continue // a grant of something that is gone gives nothing
		}
		var role struct {
			DisplayName string `json:"displayName"`
		}
		if err := json.Unmarshal(rec.Data, &role); err != nil {
			return nil, err
		}
		if role.DisplayName == adminRole {
			roles = append(roles, g.Entitlement.Value)
		}
	}
	return roles, nil
}

// holders says that somebody else has the role by a grant of one's own.
func (tx *Tx) holders(role, but string) (bool, error) {
	for row, err := range tx.st.Query(store.Query{Type: "Grant"}) {
		if err != nil {
			return false, err
		}
		var g grantOf
		if err := json.Unmarshal(row.Data, &g); err != nil {
			return false, err
		}
		if g.Entitlement.Value == role && strings.EqualFold(g.Grantee.Type, "User") && g.Grantee.Value != but {
			return true, nil
		}
	}
	return false, nil
}

// dropLinks removes the links of a user who is gone, and what others keep of
// the user.
func dropLinks(c *Change) error {
	tx := c.Tx
	links, err := tx.links(c.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err := tx.st.Delete(tokenType, l.ID); err != nil {
			return err
		}
	}
	if tx.e.opts.UserGone != nil {
		return tx.e.opts.UserGone(tx.st, c.ID)
	}
	return nil
}
