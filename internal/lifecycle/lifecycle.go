// Package lifecycle says in which state a user is, from what a service returns
// of them. It is the one place that does.
//
// Identity domains have no attribute for it: whether somebody was invited, has
// finished their registration, is blocked or locked follows from several
// attributes and from the link that was mailed. What a service does not tell
// is not guessed; the state is Unknown then, shown as a dash.
package lifecycle

import (
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/scim"
)

// State is the state of a user, as people call it.
type State string

// The states. The first three come before a registration is finished.
const (
	NotInvited State = "Not invited"
	Pending    State = "Pending invitation"
	Expired    State = "Expired invitation"
	Active     State = "Active"
	Blocked    State = "Blocked"
	Locked     State = "Locked"
	// Unknown: the service does not say enough.
	Unknown State = "-"
)

// words are the states as scripts write them.
var words = [...]struct {
	word  string
	state State
}{
	{"notInvited", NotInvited},
	{"pendingInvitation", Pending},
	{"expiredInvitation", Expired},
	{"active", Active},
	{"blocked", Blocked},
	{"locked", Locked},
}

// Words lists what Parse takes: the states and the two groups.
func Words() []string {
	out := make([]string, 0, len(words)+2)
	for _, w := range words {
		out = append(out, w.word)
	}
	return append(out, "pending", "completed")
}

// Word is the state in the form that scripts write; empty for Unknown.
func (s State) Word() string {
	for _, w := range words {
		if w.state == s {
			return w.word
		}
	}
	return ""
}

// Registered says whether the registration is finished: the user chose a
// password, or comes from elsewhere. False for Unknown.
func (s State) Registered() bool { return s == Active || s == Blocked || s == Locked }

// Unregistered says whether the registration is known not to be finished.
func (s State) Unregistered() bool { return s == NotInvited || s == Pending || s == Expired }

// Parse reads a state, a group of states (pending, completed), or the beginning
// of a state such as expired; case, blanks and hyphens do not count. It answers
// nil for what is none of them.
func Parse(text string) []State {
	plain := func(s string) string {
		return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(s))
	}
	t := plain(text)
	switch t {
	case "":
		return nil
	case "pending":
		return []State{NotInvited, Pending, Expired}
	case "completed":
		return []State{Active, Blocked, Locked}
	}
	for _, w := range words {
		if plain(w.word) == t || plain(string(w.state)) == t || t == "expired" && w.state == Expired {
			return []State{w.state}
		}
	}
	return nil
}

// URNs of the extensions that a state is read from.
const (
	userURN          = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	userStateURN     = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	passwordStateURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:passwordState:User" //nolint:gosec // a schema
)

// Attributes that states are read from.
const (
	AttrActive       = "active"
	AttrStatus       = userURN + ":status"
	AttrFederated    = userURN + ":isFederatedUser"
	AttrLocked       = userStateURN + ":locked"
	AttrLastLogin    = userStateURN + ":lastSuccessfulLoginDate"
	AttrPasswordSet  = passwordStateURN + ":lastSuccessfulSetDate"
	AttrMustChange   = passwordStateURN + ":mustChange"
	AttrPwdExpired   = passwordStateURN + ":expired"
	AttrPwdPolicy    = passwordStateURN + ":applicablePasswordPolicy"
	AttrLastFailure  = userStateURN + ":lastFailedLoginDate"
	AttrLoginTries   = userStateURN + ":loginAttempts"
	lockedOn         = AttrLocked + ".on"
	lockedReason     = AttrLocked + ".reason"
	lockedDate       = AttrLocked + ".lockDate"
	lockedOver       = AttrLocked + ".expired"
	pendingVerifying = "pendingVerification"
)

// Attributes lists what Of must see of a user.
func Attributes() []string {
	return []string{AttrActive, AttrStatus, AttrFederated, AttrLocked, AttrLastLogin, AttrPasswordSet, AttrMustChange}
}

// Invitation is what is known of the link that was mailed to a user. The zero
// value means that it was not looked for, or that the service does not tell.
type Invitation struct {
	// Known says that the service was asked and answered.
	Known bool
	// Sent says that there is a link, used or not; Expires is when it ends.
	Sent    bool
	Expires time.Time
}

// Status is a state with what belongs to it.
type Status struct {
	State State
	// Reason and Since are set for Locked: why, in words, and when.
	Reason string
	Since  time.Time
	// Expires is when the link of a Pending or Expired invitation ends.
	Expires time.Time
}

// String is the state for a table: "Locked (failed sign-ins)".
func (s Status) String() string {
	if s.Reason != "" {
		return string(s.State) + " (" + s.Reason + ")"
	}
	return string(s.State)
}

// Of derives the state of a user. A user who is not active is blocked whatever
// else holds, since nothing else matters until that is taken back.
func Of(u scim.Document, link Invitation, now time.Time) Status {
	active, said := u.Bool(AttrActive)
	if said && !active {
		return Status{State: Blocked}
	}
	if on, _ := u.Bool(lockedOn); on {
		over, _ := u.Bool(lockedOver)
		if !over {
			s := Status{State: Locked, Reason: LockReason(u)}
			s.Since, _ = u.Time(lockedDate)
			return s
		}
	}
	switch registered, known := finished(u); {
	case !known:
		return Status{State: Unknown}
	case registered:
		return Status{State: Active}
	}
	switch {
	case !link.Known:
		return Status{State: Unknown}
	case !link.Sent:
		return Status{State: NotInvited}
	case !link.Expires.IsZero() && !now.Before(link.Expires):
		return Status{State: Expired, Expires: link.Expires}
	}
	return Status{State: Pending, Expires: link.Expires}
}

// NeedsInvitation says whether the state of a user turns on the link that was
// mailed, so that it must be looked for.
func NeedsInvitation(u scim.Document) bool {
	s := Of(u, Invitation{Known: true}, time.Time{})
	return s.State == NotInvited
}

// Unfinished says whether the registration of a user is known not to be
// finished, blocked or not.
func Unfinished(u scim.Document) bool {
	done, known := finished(u)
	return known && !done
}

// finished says whether the registration is finished. A service that has none
// of the extensions of identity domains has no registration to finish.
func finished(u scim.Document) (done, known bool) {
	if plain(u) {
		return true, true
	}
	if strings.EqualFold(u.String(AttrStatus), pendingVerifying) {
		return false, true
	}
	if federated, _ := u.Bool(AttrFederated); federated {
		return true, true
	}
	if u.String(AttrPasswordSet) != "" || u.String(AttrLastLogin) != "" {
		return true, true
	}
	// The date is left out where there is none; another attribute of the same
	// extension says that the service would have told it.
	_, told := u.Get(AttrMustChange)
	return false, told
}

// plain says whether a document has nothing of identity domains in it.
func plain(u scim.Document) bool {
	const mark = "urn:ietf:params:scim:schemas:oracle:idcs:"
	for name := range u {
		if len(name) > len(mark) && strings.EqualFold(name[:len(mark)], mark) {
			return false
		}
	}
	return !slices.ContainsFunc(u.Schemas(), func(s string) bool { return strings.HasPrefix(strings.ToLower(s), mark) })
}

// lockReasons are the values of locked.reason.
var lockReasons = [...]string{
	"failed sign-ins", "by an administrator", "failed password resets", "failed second factors",
	"failed second factors of a federated user", "failed database sign-ins",
}

// LockReason is in words why a user is locked; empty where the service does
// not say, or says something that is not known.
func LockReason(u scim.Document) string {
	n, ok := u.Int(lockedReason)
	if !ok || n < 0 || int(n) >= len(lockReasons) {
		return ""
	}
	return lockReasons[n]
}
