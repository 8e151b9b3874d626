package provider

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// ErrPassword says that a password breaks the policy; see PasswordError.
var ErrPassword = errors.New("the password breaks the policy")

// LifeCycle is what a service does to one user beside changing attributes. A
// method that the service does not have answers *UnsupportedError with the way
// that exists, and sends nothing. Ids are those of users.
type LifeCycle interface {
	// Invite mails a new activation link, which replaces an older one.
	Invite(ctx context.Context, id string, o ActOptions) error
	// SetActive lets a user sign in, or not any more.
	SetActive(ctx context.Context, id string, active bool, o ActOptions) error
	// Unlock takes back a lock, whatever its reason.
	Unlock(ctx context.Context, id string, o ActOptions) error
	// ResetPassword replaces the password by one that nobody knows and mails a
	// link to choose another.
	ResetPassword(ctx context.Context, id string, o ResetOptions) error
	// SetPassword sets a known password.
	SetPassword(ctx context.Context, id string, password transport.Secret, o ResetOptions) error
	// GeneratePassword suggests a password that the user's policy allows.
	GeneratePassword(ctx context.Context, id string) (transport.Secret, error)
	// CheckPassword says which rules a password breaks: a *PasswordError, or
	// nil.
	CheckPassword(ctx context.Context, check PasswordCheck) error
	// SuggestUserName is a login that is free, made of an e-mail address.
	SuggestUserName(ctx context.Context, email string) (string, error)
	// Assert finds the one user that a service provider would sign in for the
	// value of an attribute; scim.ErrNotFound when there is none.
	Assert(ctx context.Context, attribute, value string, memberships bool) (scim.Document, error)
	// Invitations yields the links by which users finish their registration,
	// with the ids of the users; those that were used or replaced are left
	// out. It asks for those of some users, or of all where ids is nil. Where
	// the service does not tell links at all, the error is ErrUnsupported.
	Invitations(ctx context.Context, ids []string) iter.Seq2[Link, error]
	// History yields the audit events about a user, newest first.
	History(ctx context.Context, user scim.Document, o HistoryOptions) iter.Seq2[scim.Document, error]
}

// Link is a link by which a user finishes their registration.
type Link struct {
	UserID  string
	Expires time.Time
}

// ReadInvitations gathers what Invitations yields for some users. An answer of
// nil means that the service does not tell.
func ReadInvitations(ctx context.Context, l LifeCycle, ids []string) (map[string]lifecycle.Invitation, error) {
	out := make(map[string]lifecycle.Invitation, len(ids))
	for _, id := range ids {
		out[id] = lifecycle.Invitation{Known: true}
	}
	for link, err := range l.Invitations(ctx, ids) {
		if errors.Is(err, ErrUnsupported) {
			return nil, nil //nolint:nilnil // nil says that nothing is told
		}
		if err != nil {
			return nil, err
		}
		if inv, asked := out[link.UserID]; asked && (!inv.Sent || link.Expires.After(inv.Expires)) {
			out[link.UserID] = lifecycle.Invitation{Known: true, Sent: true, Expires: link.Expires}
		}
	}
	return out, nil
}

// ActOptions go with an act on a user.
type ActOptions struct {
	// Self permits the act on the own account, which services refuse
	// otherwise.
	Self bool
	// RetryToken is the same each time the same operation is sent.
	RetryToken string
}

// ResetOptions go with a change of a password.
type ResetOptions struct {
	ActOptions
	// Quiet sends no mail.
	Quiet bool
}

// PasswordCheck is a password to be held against the policy: that of the user
// ID, or of a user to be who has these names.
type PasswordCheck struct {
	Password                        transport.Secret
	ID                              string
	UserName, GivenName, FamilyName string
}

// HistoryOptions select audit events.
type HistoryOptions struct {
	// Limit is how many events are asked for at most; 0 asks for all.
	Limit int
	// Failures asks for failed sign-ins alone.
	Failures bool
}

// Rule is one rule of a password policy that a password breaks.
type Rule struct {
	// Name is the service's own word for the rule, passwordTooShort; Text says
	// it in a sentence. Either may be empty.
	Name, Text string
}

// PasswordError names every rule that a password breaks. It is ErrPassword.
// Err is the service's refusal, where it refused.
type PasswordError struct {
	Rules []Rule
	Err   error
}

// Error names the rules; it never holds the password.
func (e *PasswordError) Error() string {
	s := ErrPassword.Error()
	for i, r := range e.Rules {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		if r.Text != "" {
			s += sep + r.Text
		} else {
			s += sep + r.Name
		}
	}
	return s
}

// Unwrap answers the service's refusal.
func (e *PasswordError) Unwrap() error { return e.Err }

// Is matches ErrPassword.
func (e *PasswordError) Is(target error) bool { return target == ErrPassword }

// Refuser is what a LifeCycle implements that lacks some acts. Refuses answers
// the *UnsupportedError of an act by its word on the command line, invite or
// reset-password, and nil for one that there is.
type Refuser interface {
	Refuses(act string) error
}

// Refusal says, before anything is looked up, that a service does not have an
// act; nil when it has, or does not say.
func Refusal(l LifeCycle, act string) error {
	if r, ok := l.(Refuser); ok {
		return r.Refuses(act)
	}
	return nil
}

// LifeCycler is what a Provider implements that has a LifeCycle.
type LifeCycler interface {
	LifeCycle() LifeCycle
}

// LifeCycleOf is the life cycle of a provider. One without any answers
// *UnsupportedError.
func LifeCycleOf(p Provider) (LifeCycle, error) {
	if l, ok := p.(LifeCycler); ok {
		return l.LifeCycle(), nil
	}
	return nil, &UnsupportedError{
		Provider: p.Name(), What: "act on users beyond their attributes", Instead: "idctl users update changes attributes",
	}
}
