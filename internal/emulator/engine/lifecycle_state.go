package engine

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// stateOf says where a user stands.
func (tx *Tx) stateOf(id string, doc Document) (State, error) {
	if doc["active"] == false {
		return StateBlocked, nil
	}
	return tx.openState(id, doc)
}

// openState is the state of a user but for being blocked.
func (tx *Tx) openState(id string, doc Document) (State, error) {
	if reason, ok := lockReason(doc); ok {
		over, err := tx.lockOver(id, doc)
		if err != nil {
			return "", err
		}
		if !over {
			return lockStates[reason], nil
		}
	}
	if activated(doc) {
		return StateActive, nil
	}
	last, err := tx.lastLink(id, LinkCreateUser)
	switch {
	case err != nil:
		return "", err
	case last == nil || last.Status != linkLive:
		return StateNotInvited, nil
	case last.expired(tx.now):
		return StateExpired, nil
	}
	return StatePending, nil
}

// activated says that the user has, or had, a way to sign in: a password, or
// an identity provider elsewhere.
func activated(doc Document) bool {
	return doc["password"] != nil || asMap(doc[userURN])["isFederatedUser"] == true
}

// lockReason is locked.reason of a user whose lock is on. One without a reason
// was set by somebody (guess).
func lockReason(doc Document) (int, bool) {
	lock := asMap(asMap(doc[userStateURN])["locked"])
	if lock["on"] != true {
		return 0, false
	}
	n, ok := lock["reason"].(json.Number)
	if !ok {
		return lockAdmin, true
	}
	reason, err := strconv.Atoi(n.String())
	if err != nil || reason < 0 || reason >= len(lockStates) {
		return lockAdmin, true
	}
	return reason, true
}

// lockOver says that the time of a lock is over. That of an administrator
// stays until somebody lifts it (guess).
func (tx *Tx) lockOver(id string, doc Document) (bool, error) {
	reason, on := lockReason(doc)
	if !on || reason == lockAdmin {
		return false, nil
	}
	_, duration, err := tx.lockRules(doc, id)
	if err != nil || duration <= 0 {
		return false, err
	}
	text, _ := asMap(asMap(doc[userStateURN])["locked"])["lockDate"].(string)
	since, err := time.Parse(time.RFC3339Nano, text)
	// One that nobody knows since when has no end.
	return err == nil && !tx.now.Before(since.Add(duration)), nil
}

// deriveLock says of a lock, on request, whether its time is over. The next
// sign-in lifts such a lock; until then it is on, as a filter finds it.
func deriveLock(tx *Tx, id string, doc Document, w *wanted) error {
	set := w.ti.set(userStateURN)
	if set == nil || w.proj == nil {
		return nil
	}
	locked := set.get("locked")
	if !w.proj.showsSub(locked, locked.sub("expired")) {
		return nil
	}
	if _, on := lockReason(doc); !on {
		return nil
	}
	over, err := tx.lockOver(id, doc)
	if err != nil {
		return err
	}
	lock := maps1(value(doc, locked))
	lock["expired"] = over
	state := maps1(doc[userStateURN])
	state["locked"] = lock
	doc[userStateURN] = state
	return nil
}

// setLock locks or unlocks a document.
func (tx *Tx) setLock(doc Document, on bool, reason int) {
	lock := map[string]any{"on": on}
	if on {
		lock["reason"] = json.Number(strconv.Itoa(reason))
		lock["lockDate"] = formatTime(tx.now)
	}
	state := extension(doc, userStateURN)
	state["locked"] = lock
	if !on {
		delete(state, "loginAttempts")
		delete(state, "recoveryAttempts")
	}
}

// State answers where the user with an id stands in the life cycle.
func (tx *Tx) State(id string) (State, error) {
	rec, doc, err := tx.loadUser(id)
	if err != nil {
		return "", err
	}
	return tx.stateOf(rec.ID, doc)
}

// changeUser changes a stored user as an act of the life cycle does: f may set
// what clients cannot. It runs the same hooks, checks and audit as a PATCH.
func (tx *Tx) changeUser(id string, p Params, f func(c *Change) error) (*Change, error) {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return nil, err
	}
	rec, old, err := tx.load(ti, id)
	if err != nil {
		return nil, err
	}
	if err := p.precondition(rec.Version); err != nil {
		return nil, err
	}
	if err := prevented(ti, old, "update"); err != nil {
		return nil, err
	}
	c := tx.newChange(ti, rec.ID, old, cloneDoc(old))
	c.act = true
	if err := f(c); err != nil {
		return nil, err
	}
	return c, tx.settleChange(rec, c)
}

// settleChange checks and stores a change that did not come by a PATCH.
func (tx *Tx) settleChange(rec store.Record, c *Change) error {
	ti := c.ti
	if err := run(ti.hooks.BeforeWrite, c); err != nil {
		return err
	}
	if err := tx.check(ti, c); err != nil {
		return err
	}
	if err := run(ti.hooks.AfterWrite, c); err != nil {
		return err
	}
	return tx.save(ti, rec, c)
}

// keepQuietly stores what a sign-in changes: neither the version nor the time
// of the last change follow it, so that nobody's If-Match fails because a user
// signed in (guess).
func (tx *Tx) keepQuietly(rec store.Record, doc Document) error {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return err
	}
	next, err := ti.record(rec.ID, doc, rec.Version, rec.Created, rec.Modified)
	if err != nil {
		return err
	}
	return tx.st.Put(next)
}
