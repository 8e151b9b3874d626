package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Errors of signing in, to be tested with errors.Is.
var (
	// ErrBadCredentials: the user is not known, the password is wrong, or the
	// user is locked and the settings do not let one say so. These are not
	// told apart.
	ErrBadCredentials = errors.New("user name or password is wrong")
	// ErrLocked: the user is locked, and the settings let one say so.
	ErrLocked = errors.New("the user is locked")
	// ErrBlocked: the password is right, but the user is deactivated.
	ErrBlocked = errors.New("the user is deactivated")
	// ErrNotActivated: the user has not set a password yet.
	ErrNotActivated = errors.New("the user is not activated yet")
	// ErrPasswordMustChange: the password is right, but a new one has to be set
	// first, because somebody else set it or because it is too old.
	ErrPasswordMustChange = errors.New("the password has to be changed")
)

// msgBadCredentials is the message id of a failed sign-in: a guess. Its detail
// is recorded.
const (
	msgBadCredentials    = "error.identity.passwordmgmt.invalidCredentials"
	detailBadCredentials = "INVALID_CREDENTIALS" //nolint:gosec // a message
)

// SignInResult is the user who signed in.
type SignInResult struct {
	UserID      string
	OCID        string
	UserName    string
	DisplayName string
	// Language is that of the user, as in Mail.
	Language string
	// Expired says, beside ErrPasswordMustChange, that the password is too old.
	Expired bool
}

// SignIn checks a password as a sign-in does: it counts failures, locks after
// too many of them, unlocks when the time of a lock is over, and remembers the
// last success and failure. The result is filled in as well beside ErrBlocked
// and ErrPasswordMustChange, which are only answered for a right password.
func (e *Engine) SignIn(ctx context.Context, userName, password string) (SignInResult, error) {
	return e.signIn(ctx, callOf(ctx), userName, password, func(tx *Tx) (string, error) { return tx.userNamed(userName) })
}

// Usable answers a user who may act: neither unknown nor deactivated, locked or
// not activated, which the errors of SignIn tell apart. It checks no password
// and records nothing; a refresh token and an assertion ask it.
func (e *Engine) Usable(ctx context.Context, userName string) (SignInResult, error) {
	var user SignInResult
	err := e.View(ctx, Call{}, func(tx *Tx) error {
		id, err := tx.userNamed(userName)
		if err != nil {
			return err
		}
		if id == "" {
			return refuseWith(ErrBadCredentials, stateForbids, msgBadCredentials)
		}
		_, doc, err := tx.loadUser(id)
		if err != nil {
			return err
		}
		state, err := tx.stateOf(id, doc)
		if err != nil {
			return err
		}
		switch state {
		case StateActive:
		case StateBlocked:
			return refuseWith(ErrBlocked, stateForbids, msgDeactivated)
		case StateNotInvited, StatePending, StateExpired:
			return refuseWith(ErrNotActivated, stateForbids, msgBadCredentials)
		default:
			return refuseWith(ErrLocked, stateForbids, msgUserLocked)
		}
		a := actorOfUser(id, doc)
		user = SignInResult{UserID: id, OCID: a.OCID, UserName: a.Name, DisplayName: a.Display, Language: languageOf(doc)}
		return nil
	})
	return user, err
}

// userNamed finds a user by name, without regard to case; "" is nobody.
func (tx *Tx) userNamed(name string) (string, error) {
	id, err := tx.st.Claimed("User", "userName", fold(name))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return id, err
}

// signInTries bounds how often a sign-in starts anew because somebody changed
// the password at the same time.
const signInTries = 3

// signIn is SignIn for the user that find finds. The password is compared
// outside of any transaction, since that takes its time; whether it was the
// one that counts is checked when the outcome is written.
func (e *Engine) signIn(ctx context.Context, call Call, name, password string, find func(*Tx) (string, error)) (SignInResult, error) {
	ctx = apart{ctx}
	for range signInTries {
		var id, hashed string
		err := e.View(ctx, call, func(tx *Tx) error {
			var err error
			if id, err = find(tx); err != nil || id == "" {
				return err
			}
			_, doc, err := tx.loadUser(id)
			hashed, _ = doc["password"].(string)
			return err
		})
		if err != nil {
			return SignInResult{}, err
		}
		right, err := e.passwordFits(hashed, password)
		if err != nil {
			return SignInResult{}, fmt.Errorf("user %s: %w", id, err)
		}
		var res SignInResult
		var outcome error
		again := false
		err = e.Do(ctx, call, func(tx *Tx) error {
			if id == "" {
				outcome = ErrBadCredentials
				return tx.signInFailed("", name, "no such user")
			}
			rec, doc, err := tx.loadUser(id)
			if err != nil {
				return err
			}
			if now, _ := doc["password"].(string); now != hashed {
				again = true
				return nil
			}
			res, outcome, err = tx.signedIn(rec, doc, right)
			return err
		})
		switch {
		case goneMeanwhile(err) || err == nil && again:
		case err != nil:
			return SignInResult{}, err
		default:
			return res, outcome
		}
	}
	return SignInResult{}, ErrBadCredentials
}

// goneMeanwhile says that a user was deleted between two transactions.
func goneMeanwhile(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound
}

// apart is the context of a transaction that is not the one which a request
// is about: what the values of a context attach to that, such as the note that
// a repeated request is to be done once, does not belong to it.
type apart struct{ context.Context } //nolint:containedctx // a context that hides values

// Value implements context.Context.
func (apart) Value(any) any { return nil }

// passwordFits compares a password. Where there is no hash to compare with it
// takes as long, so that the time does not tell who exists.
func (e *Engine) passwordFits(hashed, password string) (bool, error) {
	if hashed == "" {
		_, err := hashPassword(password, e.opts.PasswordCost)
		return false, err
	}
	return CheckPassword(hashed, password)
}

// signedIn decides about a sign-in and records it. What it answers as outcome
// is not an error of the transaction: failures have to be counted.
func (tx *Tx) signedIn(rec store.Record, doc Document, right bool) (res SignInResult, outcome, err error) {
	id := rec.ID
	user := SignInResult{UserID: id, Language: languageOf(doc)}
	a := actorOfUser(id, doc)
	user.OCID, user.UserName, user.DisplayName = a.OCID, a.Name, a.Display
	tx.call.Actor = a
	c, err := tx.userChange(rec, doc)
	if err != nil {
		return res, nil, err
	}
	if over, err := tx.lockOver(id, doc); err != nil {
		return res, nil, err
	} else if over {
		tx.setLock(c.New, false, 0)
	}
	reason, err := tx.refusesSignIn(c.New, right)
	if err != nil {
		return res, nil, err
	}
	if reason != nil {
		if errors.Is(reason, ErrBlocked) {
			res = user
		}
		if err := tx.keepSignIn(rec, c); err != nil {
			return res, nil, err
		}
		return res, reason, tx.signInFailed(id, a.Name, reason.Error())
	}
	state := extension(c.New, userStateURN)
	if !right {
		return res, ErrBadCredentials, tx.countFailure(rec, c, state)
	}
	setLater(state, "previousSuccessfulLoginDate", state["lastSuccessfulLoginDate"])
	state["lastSuccessfulLoginDate"] = formatTime(tx.now)
	state["loginAttempts"] = json.Number("0")
	if err := tx.keepSignIn(rec, c); err != nil {
		return res, nil, err
	}
	user.Expired = tx.passwordExpired(c.New)
	must, err := tx.mustChange(c.New)
	if err != nil {
		return res, nil, err
	}
	if user.Expired || must {
		return user, ErrPasswordMustChange, tx.signInEvent("sso.session.create.success", id, a.Name, "password has to be changed")
	}
	return user, nil, tx.signInEvent("sso.session.create.success", id, a.Name, "")
}

// refusesSignIn says why a user may not sign in, whatever the password, or for
// a deactivated one why not with the right one.
func (tx *Tx) refusesSignIn(doc Document, right bool) (error, error) {
	if doc["password"] == nil {
		if activated(doc) {
			return ErrBadCredentials, nil // the password lies elsewhere
		}
		return ErrNotActivated, nil
	}
	_, lock := lockReason(doc)
	blocked := doc["active"] == false
	if lock && blocked {
		first, err := tx.setting("IdentitySetting", "returnInactiveOverLockedMessage")
		if err != nil {
			return nil, err
		}
		lock = first != true
	}
	switch {
	case lock:
		tell, err := tx.setting("IdentitySetting", "emitLockedMessageWhenUserIsLocked")
		if tell == true {
			return ErrLocked, err
		}
		return ErrBadCredentials, err
	case blocked && right:
		return ErrBlocked, nil
	case blocked:
		return ErrBadCredentials, nil
	}
	return nil, nil
}

// countFailure counts a wrong password and locks after too many.
func (tx *Tx) countFailure(rec store.Record, c *Change, state map[string]any) error {
	attempts := 0
	if n, ok := state["loginAttempts"].(json.Number); ok {
		attempts, _ = strconv.Atoi(n.String())
	}
	attempts++
	state["loginAttempts"] = json.Number(strconv.Itoa(attempts))
	state["lastFailedLoginDate"] = formatTime(tx.now)
	limit, _, err := tx.lockRules(c.New, c.ID)
	if err != nil {
		return err
	}
	name, _ := c.New["userName"].(string)
	if limit > 0 && attempts >= limit {
		tx.setLock(c.New, true, lockPassword)
	}
	if err := tx.keepSignIn(rec, c); err != nil {
		return err
	}
	return tx.signInFailed(c.ID, name, "wrong password")
}

// userChange begins a change of a stored user that is no PATCH.
func (tx *Tx) userChange(rec store.Record, doc Document) (*Change, error) {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return nil, err
	}
	c := tx.newChange(ti, rec.ID, doc, cloneDoc(doc))
	c.act = true
	tx.selfAllowed = true
	return c, nil
}

// keepSignIn stores what a sign-in changed: a lock that came or went as a
// change of the user, everything else quietly.
func (tx *Tx) keepSignIn(rec store.Record, c *Change) error {
	if !sameLock(c.Old, c.New) {
		return tx.settleChange(rec, c)
	}
	return tx.keepQuietly(rec, c.New)
}

func setLater(m map[string]any, name string, v any) {
	if v != nil {
		m[name] = v
	}
}

func (tx *Tx) signInFailed(id, name, why string) error {
	return tx.signInEvent("sso.authentication.failure", id, name, why)
}

// signInEvent records a sign-in. The service's own events name no resource.
func (tx *Tx) signInEvent(eventID, id, name, comment string) error {
	ev := Document{
		"eventId": eventID, "serviceName": "SSO", "ssoIdentityProvider": "localIDP",
		"ssoIdentityProviderType": "LOCAL", "ssoAuthFactor": "USERNAME_PASSWORD",
	}
	for name, v := range map[string]string{"actorId": id, "actorName": name, "ssoComments": comment} {
		if v != "" {
			ev[name] = v
		}
	}
	if id == "" {
		ev["actorType"] = "User"
	}
	return tx.Event(ev)
}

// ChangeOwnPassword sets a new password for whoever knows the old one. Its
// errors are those of SignIn, but for ErrPasswordMustChange, and *PasswordError.
func (e *Engine) ChangeOwnPassword(ctx context.Context, userName, oldPassword, newPassword string) error {
	call := callOf(ctx)
	res, err := e.signIn(ctx, call, userName, oldPassword, func(tx *Tx) (string, error) { return tx.userNamed(userName) })
	if err != nil && !errors.Is(err, ErrPasswordMustChange) {
		return err
	}
	return e.changeOwn(ctx, call, res.UserID, newPassword)
}

// changeOwn sets the password of a user who has proven to be one.
func (e *Engine) changeOwn(ctx context.Context, call Call, id, password string) error {
	allowed := func(tx *Tx) error {
		_, doc, err := tx.loadUser(id)
		if err != nil {
			return err
		}
		return tx.checkPassword(doc, id, password)
	}
	if err := e.View(ctx, call, allowed); err != nil {
		return errors.Join(err, e.Do(apart{ctx}, call, func(tx *Tx) error {
			_, doc, err := tx.loadUser(id)
			if err != nil {
				return err
			}
			tx.call.Actor = actorOfUser(id, doc)
			return tx.userEvent("admin.me.password.change.failure", id, doc)
		}))
	}
	var err error
	if call.hashes, err = e.hashAhead(password); err != nil {
		return err
	}
	return e.Do(ctx, call, func(tx *Tx) error {
		if err := allowed(tx); err != nil {
			return err
		}
		if err := tx.actAs(id); err != nil {
			return err
		}
		c, err := tx.changeUser(id, Params{}, func(c *Change) error { return tx.setPassword(c, password) })
		if err != nil {
			return err
		}
		if err := tx.mailUser(id, c.New, Mail{Template: MailPasswordChanged}); err != nil {
			return err
		}
		return tx.userEvent("admin.me.password.change.success", id, c.New)
	})
}
