package engine

import (
	"errors"
	"net/http"
)

// State is where a user stands in the life cycle. Nothing stores it: it
// follows from the user's document, the invitation and the time.
type State string

// The states. A blocked user may be locked as well; being blocked wins.
const (
	StateNotInvited State = "Not invited"
	StatePending    State = "Pending invitation"
	StateExpired    State = "Expired invitation"
	StateActive     State = "Active"
	StateBlocked    State = "Blocked"

	StateLockedPassword  State = "Locked: failed sign-ins"
	StateLockedAdmin     State = "Locked: by an administrator"
	StateLockedReset     State = "Locked: failed password resets"
	StateLockedFactor    State = "Locked: failed second factor"
	StateLockedFederated State = "Locked: failed second factor of a federated user"
	StateLockedDatabase  State = "Locked: failed database sign-ins"

	// StateNone is before the creation and after the deletion.
	StateNone State = "No user"
)

// lockStates are the states of a locked user by locked.reason
// (idcs-behaviour 3.3).
var lockStates = [...]State{
	StateLockedPassword, StateLockedAdmin, StateLockedReset, StateLockedFactor, StateLockedFederated, StateLockedDatabase,
}

// The reasons of a lock that the engine itself gives.
const (
	lockPassword = 0
	lockAdmin    = 1
	lockReset    = 2
)

// States lists the states that a user can have.
func States() []State {
	return append([]State{StateNotInvited, StatePending, StateExpired, StateActive, StateBlocked}, lockStates[:]...)
}

// Act is something that happens to a user.
type Act string

// The acts. On identity domains activating is the same as unblocking, and
// deactivating the same as blocking.
const (
	ActCreate        Act = "create"
	ActCreateInvited Act = "create and invite"
	ActCreateReady   Act = "create with a password"
	ActInvite        Act = "invite"
	ActUnblock       Act = "activate (unblock)"
	ActBlock         Act = "deactivate (block)"
	ActLock          Act = "lock"
	ActUnlock        Act = "unlock"
	ActReset         Act = "reset the password"
	ActSetPassword   Act = "set a password"
	ActRedeemInvite  Act = "redeem the invitation"
	ActRedeemReset   Act = "redeem a reset link"
	ActSignIn        Act = "sign in"
	ActSignInFailed  Act = "fail to sign in"
	ActTooMany       Act = "fail once too often"
	ActInviteExpires Act = "the invitation expires"
	ActLockExpires   Act = "the lock expires"
	ActDelete        Act = "delete"
)

// Acts lists the acts.
func Acts() []Act {
	return []Act{
		ActCreate, ActCreateInvited, ActCreateReady, ActInvite, ActUnblock, ActBlock, ActLock, ActUnlock, ActReset,
		ActSetPassword, ActRedeemInvite, ActRedeemReset, ActSignIn, ActSignInFailed, ActTooMany, ActInviteExpires,
		ActLockExpires, ActDelete,
	}
}

// Outcome is what an act does to a user in a state: where it leads, or why it
// is refused. Void says that the act cannot happen there at all, such as
// creating a user who exists or the expiry of an invitation that nobody sent.
type Outcome struct {
	To      State
	Refused *Refusal
	Void    bool
}

// Refusal is why an act is refused. Acts of administrators have a status and a
// message id, those of the user an error to be tested with errors.Is.
type Refusal struct {
	Status    int
	MessageID string
	Text      string
	Err       error
}

// Message ids of refused acts. That of a dead link is recorded
// (idcs-behaviour 2.6); the others are guesses in its style.
const (
	msgInvalidToken     = "error.identity.passwordmgmt.invalidToken"
	msgAlreadyActivated = "error.identity.user.activation.alreadyActivated"
	msgDeactivated      = "error.identity.user.deactivated"
	msgUserLocked       = "error.identity.user.locked"
)

// invitationConflict is the status of an invitation that the state forbids:
// a client is known to expect it (idcs-behaviour 3.2). stateForbids, that of
// the other acts, is a guess.
const (
	invitationConflict = http.StatusConflict
	stateForbids       = http.StatusBadRequest
)

// ErrLinkState says that the state of the user does not allow the link to be
// redeemed.
var ErrLinkState = errors.New("the state of the user does not allow this link to be used")

func refusedAs(status int, id, text string) Outcome {
	return Outcome{Refused: &Refusal{Status: status, MessageID: id, Text: text}}
}

func refusedWith(err error) Outcome {
	id := msgInvalidToken
	switch {
	case errors.Is(err, ErrBadCredentials), errors.Is(err, ErrNotActivated):
		id = msgBadCredentials
	case errors.Is(err, ErrBlocked):
		id = msgDeactivated
	}
	return Outcome{Refused: &Refusal{Status: stateForbids, MessageID: id, Text: err.Error(), Err: err}}
}

// Lifecycle answers what an act does to a user in a state. It is the one table
// of the life cycle: the engine asks it before it acts, and the documentation
// is made from it. What no source states is marked with (guess).
func Lifecycle(from State, act Act) Outcome {
	if from == StateNone {
		return creation(act)
	}
	switch act {
	case ActDelete:
		return Outcome{To: StateNone}
	case ActBlock:
		// Deactivating twice changes nothing (guess), nor does activating.
		return Outcome{To: StateBlocked}
	case ActCreate, ActCreateInvited, ActCreateReady:
		return Outcome{Void: true}
	}
	switch from {
	case StateNotInvited, StatePending, StateExpired:
		return notActivated(from, act)
	case StateActive:
		return active(act)
	case StateBlocked:
		return blocked(act)
	default:
		return locked(from, act)
	}
}

func creation(act Act) Outcome {
	switch act {
	case ActCreate:
		return Outcome{To: StateNotInvited}
	case ActCreateInvited:
		return Outcome{To: StatePending}
	case ActCreateReady:
		return Outcome{To: StateActive}
	}
	return Outcome{Void: true}
}

func notActivated(from State, act Act) Outcome {
	switch act {
	case ActInvite:
		return Outcome{To: StatePending}
	case ActLock:
		return Outcome{To: StateLockedAdmin}
	case ActReset, ActSetPassword:
		// Either makes a password, and with it the user is activated (guess).
		return Outcome{To: StateActive}
	case ActRedeemInvite:
		switch from {
		case StatePending:
			return Outcome{To: StateActive}
		case StateExpired:
			return refusedWith(ErrLinkExpired)
		}
		return Outcome{Void: true}
	case ActSignIn, ActSignInFailed, ActTooMany:
		return refusedWith(ErrNotActivated)
	case ActInviteExpires:
		if from == StatePending {
			return Outcome{To: StateExpired}
		}
		return Outcome{Void: true}
	case ActRedeemReset, ActLockExpires:
		return Outcome{Void: true}
	}
	return Outcome{To: from} // unlock and activate change nothing
}

func active(act Act) Outcome {
	switch act {
	case ActInvite:
		return refusedAs(invitationConflict, msgAlreadyActivated, "The user is activated already; reset the password instead.")
	case ActLock:
		return Outcome{To: StateLockedAdmin}
	case ActRedeemInvite:
		return refusedWith(ErrLinkUsed)
	case ActTooMany:
		return Outcome{To: StateLockedPassword}
	case ActInviteExpires, ActLockExpires:
		return Outcome{Void: true}
	}
	return Outcome{To: StateActive}
}

func blocked(act Act) Outcome {
	switch act {
	case ActUnblock:
		return Outcome{To: StateActive} // or what it was before, see stateOf
	case ActInvite:
		return refusedAs(invitationConflict, msgDeactivated, "The user is deactivated; activate the user first.")
	case ActReset:
		return refusedAs(stateForbids, msgDeactivated, "The user is deactivated; activate the user first.")
	case ActRedeemInvite, ActRedeemReset, ActSignIn:
		return refusedWith(ErrBlocked)
	case ActSignInFailed, ActTooMany:
		return refusedWith(ErrBadCredentials)
	case ActInviteExpires, ActLockExpires:
		return Outcome{Void: true}
	}
	// A password may be set, and a lock set or lifted, without lifting the
	// block (guess).
	return Outcome{To: StateBlocked}
}

func locked(from State, act Act) Outcome {
	byAdmin := from == StateLockedAdmin
	switch act {
	case ActUnlock, ActReset, ActSetPassword:
		// That acts of an administrator lift every lock is a guess; that a
		// reset does is stated.
		return Outcome{To: StateActive}
	case ActInvite:
		return refusedAs(invitationConflict, msgUserLocked, "The user is locked; unlock the user first.")
	case ActRedeemInvite:
		return refusedWith(ErrLinkUsed)
	case ActRedeemReset:
		// The user cannot lift what an administrator locked (guess).
		if byAdmin {
			return refusedWith(ErrLinkState)
		}
		return Outcome{To: StateActive}
	case ActSignIn, ActSignInFailed, ActTooMany:
		return refusedWith(ErrBadCredentials)
	case ActLockExpires:
		if byAdmin {
			return Outcome{Void: true} // only the others have an end (guess)
		}
		return Outcome{To: StateActive}
	case ActInviteExpires:
		return Outcome{Void: true}
	}
	return Outcome{To: from}
}

// permit asks the table. The answer for an act that it does not allow says
// which state it is and what would help.
func permit(from State, act Act) error {
	r := Lifecycle(from, act).Refused
	if r == nil {
		return nil
	}
	if r.Err != nil {
		return refuseWith(r.Err, r.Status, r.MessageID)
	}
	e := fail(r.Status, "", r.MessageID, "%s", r.Text)
	e.Data = map[string]any{"state": string(from)}
	return e
}
