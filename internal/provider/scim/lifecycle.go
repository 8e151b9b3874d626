package scim

import (
	"context"
	"iter"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

var (
	_ provider.LifeCycler = (*Provider)(nil)
	_ provider.LifeCycle  = (*lifeCycle)(nil)
	_ provider.Refuser    = (*lifeCycle)(nil)
)

// LifeCycle is what plain SCIM knows of it: the attribute active and the
// attribute password. All else is refused with the way that exists.
func (p *Provider) LifeCycle() provider.LifeCycle { return &lifeCycle{p} }

type lifeCycle struct{ p *Provider }

func (l *lifeCycle) cannot(what, instead string) error {
	return &provider.UnsupportedError{Provider: Name, What: what, Instead: instead}
}

// refusals are the acts that SCIM does not have, and what there is in their
// place.
var refusals = map[string][2]string{
	"invite":            {"send invitations", "SCIM has no mails: the service invites by itself, or in its console"},
	"unlock":            {"unlock users", "SCIM knows active and not active only: idctl users unblock, or the service's console"},
	"reset-password":    {"reset passwords by mail", "idctl users set-password sets a known one"},
	"generate-password": {"suggest passwords", "idctl users set-password sets one of your own"},
}

// Refuses implements provider.Refuser.
func (l *lifeCycle) Refuses(act string) error {
	if r, ok := refusals[act]; ok {
		return l.cannot(r[0], r[1])
	}
	return nil
}

// Invite is refused.
func (l *lifeCycle) Invite(context.Context, string, provider.ActOptions) error {
	return l.Refuses("invite")
}

// SetActive changes the attribute active.
func (l *lifeCycle) SetActive(ctx context.Context, id string, active bool, _ provider.ActOptions) error {
	_, err := l.p.Users().Patch(ctx, id, []scim.PatchOp{{Op: "replace", Path: "active", Value: active}}, scim.WriteOptions{})
	return err
}

// Unlock is refused.
func (l *lifeCycle) Unlock(context.Context, string, provider.ActOptions) error {
	return l.Refuses("unlock")
}

// ResetPassword is refused: nothing is done silently in its place.
func (l *lifeCycle) ResetPassword(context.Context, string, provider.ResetOptions) error {
	return l.Refuses("reset-password")
}

// SetPassword changes the attribute password.
func (l *lifeCycle) SetPassword(ctx context.Context, id string, password transport.Secret, o provider.ResetOptions) error {
	if o.Quiet {
		return l.cannot("say whether a mail is sent", "leave out --no-mail")
	}
	_, err := l.p.Users().Patch(ctx, id, []scim.PatchOp{{Op: "replace", Path: "password", Value: password.Reveal()}}, scim.WriteOptions{})
	return err
}

// GeneratePassword is refused.
func (l *lifeCycle) GeneratePassword(context.Context, string) (transport.Secret, error) {
	return "", l.Refuses("generate-password")
}

// CheckPassword is refused.
func (l *lifeCycle) CheckPassword(context.Context, provider.PasswordCheck) error {
	return l.cannot("check passwords against its policy", "set it: the service refuses one that breaks its policy")
}

// SuggestUserName is refused.
func (l *lifeCycle) SuggestUserName(context.Context, string) (string, error) {
	return "", l.cannot("suggest user names", "idctl users get tells whether a name is taken")
}

// Assert is refused.
func (l *lifeCycle) Assert(context.Context, string, string, bool) (scim.Document, error) {
	return nil, l.cannot("assert users", "idctl users get finds one by name, address or id")
}

// Invitations is refused: there are none.
func (l *lifeCycle) Invitations(context.Context, []string) iter.Seq2[provider.Link, error] {
	return func(yield func(provider.Link, error) bool) {
		yield(provider.Link{}, l.cannot("tell invitations", ""))
	}
}

// History is refused.
func (l *lifeCycle) History(context.Context, scim.Document, provider.HistoryOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		yield(nil, l.cannot("tell what happened to a user", "look into the service's own audit log"))
	}
}
