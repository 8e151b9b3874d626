package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// never is a time before every link ends; no state that acts turn on depends
// on it.
var never time.Time

// self is the flag that permits to act on the own account.
type self struct{ On bool }

func (s *self) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&s.On, "self", false, "permit it on the account you work with, too (allowSelfChange)")
}

func (s *self) options(token string) provider.ActOptions {
	return provider.ActOptions{Self: s.On, RetryToken: token}
}

func (s *self) variant() string {
	if s.On {
		return "self"
	}
	return ""
}

// explain tells of a refusal to act on the own account which flag permits it.
func (s *self) explain(err error) error {
	var e *scim.Error
	if err == nil || s.On || !errors.As(err, &e) || !strings.Contains(strings.ToLower(e.MessageID+" "+e.Detail), "selfchange") {
		return err
	}
	return &selfError{err}
}

type selfError struct{ error }

func (e *selfError) Unwrap() error { return e.error }

// Hint implements cmdutil.Hinter.
func (e *selfError) Hint() string { return "--self permits it on the account you work with" }

// call is an act of the life cycle on one user.
type call func(ctx context.Context, l provider.LifeCycle, id string, o provider.ActOptions) error

// simple makes a verb of an act that takes nothing but the user.
func simple(v acting.Verb, act acts.Act, do call) acting.Verb {
	s := &self{}
	v.Kind = directory.Users()
	v.AddFlags, v.Variant = s.addFlags, s.variant
	v.Make = func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
		l, err := provider.LifeCycleOf(p)
		if err != nil {
			return act, err
		}
		if err := provider.Refusal(l, v.Name); err != nil {
			return act, err
		}
		act.Name = v.Name
		act.Needs = lifecycle.Attributes()
		act.Do = func(ctx context.Context, t *acts.Target, token string) (acts.Product, error) {
			return nil, s.explain(do(ctx, l, t.ID(), s.options(token)))
		}
		return act, nil
	}
	return v
}

// refused says which state forbids an act, and what helps. What comes in place
// of the state is for a registration that is not finished, whose exact state
// turns on the link.
func refused(u scim.Document, act, help string) acts.Verdict {
	s := lifecycle.Of(u, lifecycle.Invitation{}, never)
	state := "is " + strings.ToLower(s.String())
	switch {
	case s.State != lifecycle.Blocked && s.State != lifecycle.Locked && lifecycle.Unfinished(u):
		state = "has not finished the registration"
	case s.State == lifecycle.Unknown:
		state = "is in a state that the service does not tell"
	}
	return acts.Verdict{Refused: &cmdutil.RefusedError{Reason: "the user " + state + " and cannot be " + act, Help: help}}
}

func stateOf(u scim.Document) lifecycle.State {
	return lifecycle.Of(u, lifecycle.Invitation{}, never).State
}

func locked(u scim.Document) bool {
	on, _ := u.Bool(lifecycle.AttrLocked + ".on")
	return on
}

// lifeCycleVerbs are the acts on the state of a user.
func lifeCycleVerbs() []acting.Verb {
	setActive := func(active bool) call {
		return func(ctx context.Context, l provider.LifeCycle, id string, o provider.ActOptions) error {
			return l.SetActive(ctx, id, active, o)
		}
	}
	return []acting.Verb{
		inviteVerb(),
		simple(acting.Verb{
			Name: "activate", Short: "Let users sign in again",
			Long: "Let users sign in again who were deactivated or blocked. The service sends a mail by itself. Who\n" +
				"is active already stays as they are; a lock is not lifted, see users unlock.",
			WhereExample: "department=IT and not active",
		}, acts.Act{Past: "activated", Repeat: journal.Readable, Check: func(t *acts.Target) acts.Verdict {
			if stateOf(t.Doc) != lifecycle.Blocked {
				return acts.Verdict{Already: "is activated already"}
			}
			return acts.Verdict{}
		}}, setActive(true)),
		simple(acting.Verb{
			Name: "deactivate", Short: "Keep users from signing in, whatever state they are in",
			Long: "Keep users from signing in, whatever state they are in (active: false). Their data, groups and\n" +
				"factors stay. Sessions and access tokens that were issued live until they end by themselves; keep\n" +
				"the lifetime of tokens short. Refresh tokens no longer work. users activate takes it back.",
			Examples:     []string{"ada@example.com", "- --yes < leavers.txt"},
			WhereExample: "userType=Contractor and recent-activity>90d",
		}, acts.Act{Past: "deactivated", Repeat: journal.Readable, Check: func(t *acts.Target) acts.Verdict {
			if stateOf(t.Doc) == lifecycle.Blocked {
				return acts.Verdict{Already: "is deactivated already"}
			}
			return acts.Verdict{}
		}}, setActive(false)),
		simple(acting.Verb{
			Name: "block", Short: "Block active users",
			Long: "Block active users (active: false). Only who is active can be blocked; users deactivate works in\n" +
				"every state. Sessions and access tokens that were issued live until they end by themselves.",
			WhereExample: "department=IT",
			Note:         "sessions and access tokens live on until they end; keep the lifetime of tokens short",
		}, acts.Act{Past: "blocked", Repeat: journal.Readable, Check: checkBlock}, setActive(false)),
		simple(acting.Verb{
			Name: "unblock", Short: "Unblock blocked users",
			Long: "Unblock blocked users: they are active again, with all attributes, groups and factors. Who is\n" +
				"active stays as they are.",
		}, acts.Act{Past: "unblocked", Repeat: journal.Readable, Check: checkUnblock}, setActive(true)),
		simple(acting.Verb{
			Name: "unlock", Short: "Unlock users, whatever locked them",
			Long: "Unlock users, whatever locked them: failed sign-ins, failed resets, failed second factors or an\n" +
				"administrator. The password stays as it is. Who is not locked stays as they are.",
			WhereExample: "department=IT",
		}, acts.Act{Past: "unlocked", Repeat: journal.Readable, Check: func(t *acts.Target) acts.Verdict {
			if !locked(t.Doc) {
				return acts.Verdict{Already: "is not locked"}
			}
			return acts.Verdict{}
		}}, func(ctx context.Context, l provider.LifeCycle, id string, o provider.ActOptions) error {
			return l.Unlock(ctx, id, o)
		}),
		resetVerb(),
		deleteVerb(),
	}
}

func checkBlock(t *acts.Target) acts.Verdict {
	switch stateOf(t.Doc) {
	case lifecycle.Blocked:
		return acts.Verdict{Already: "is blocked already"}
	case lifecycle.Active:
		return acts.Verdict{}
	case lifecycle.Locked:
		return refused(t.Doc, "blocked", "idctl users deactivate works in every state")
	case lifecycle.NotInvited, lifecycle.Pending, lifecycle.Expired, lifecycle.Unknown:
	}
	if lifecycle.Unfinished(t.Doc) {
		return refused(t.Doc, "blocked", "idctl users deactivate works in every state, so does users delete")
	}
	return acts.Verdict{} // only the service knows
}

func checkUnblock(t *acts.Target) acts.Verdict {
	switch stateOf(t.Doc) {
	case lifecycle.Blocked:
		return acts.Verdict{}
	case lifecycle.Locked:
		return refused(t.Doc, "unblocked", "idctl users unlock lifts a lock")
	case lifecycle.Active:
		return acts.Verdict{Already: "is active already"}
	case lifecycle.NotInvited, lifecycle.Pending, lifecycle.Expired, lifecycle.Unknown:
	}
	if lifecycle.Unfinished(t.Doc) {
		return refused(t.Doc, "unblocked", "idctl users invite sends a new link")
	}
	return acts.Verdict{Already: "is active already"}
}

func inviteVerb() acting.Verb {
	invitations := &invitationsOf{}
	v := simple(acting.Verb{
		Name: "invite", Say: "send an invitation to", Short: "Invite users: mail them a link to finish their registration",
		Long: "Invite users: mail them a link to finish their registration. A new link replaces an older one, which\n" +
			"no longer works. Only users whose registration is not finished can be invited.\n\n" +
			"A mail cannot be taken back, nor seen to be sent: when the answer of the service is lost, the\n" +
			"outcome is reported as unknown (exit code 3) and the invitation is not sent again by itself.",
		Examples: []string{"ada@example.com", "", "- --yes < new.txt"}, WhereExample: "created>7d",
		Confirm: true, Tick: true, Label: invitations.label, Ticking: invitations.read,
	}, acts.Act{Past: "invited", Repeat: journal.Once, Check: checkInvite},
		func(ctx context.Context, l provider.LifeCycle, id string, o provider.ActOptions) error {
			return l.Invite(ctx, id, o)
		})
	return v
}

func checkInvite(t *acts.Target) acts.Verdict {
	switch stateOf(t.Doc) {
	case lifecycle.Blocked:
		return refused(t.Doc, "invited", "idctl users activate first")
	case lifecycle.Locked:
		return refused(t.Doc, "invited", "idctl users unlock first")
	case lifecycle.Active:
		return refused(t.Doc, "invited", "idctl users reset-password mails a link to choose a new password")
	case lifecycle.NotInvited, lifecycle.Pending, lifecycle.Expired, lifecycle.Unknown:
	}
	return acts.Verdict{} // where the state is not told, only the service knows
}

// invitationsOf shows in a list to tick how the invitations stand.
type invitationsOf struct {
	known map[string]lifecycle.Invitation
}

func (i *invitationsOf) read(ctx context.Context, p provider.Provider, list []*acts.Target) error {
	l, err := provider.LifeCycleOf(p)
	if err != nil {
		return err
	}
	ids := make([]string, len(list))
	for n, t := range list {
		ids[n] = t.ID()
	}
	found, err := provider.ReadInvitations(ctx, l, ids)
	if i.known == nil {
		i.known = map[string]lifecycle.Invitation{}
	}
	for id, inv := range found {
		i.known[id] = inv
	}
	return err
}

func (i *invitationsOf) label(o *acting.Options, t *acts.Target) string {
	s := lifecycle.Of(t.Doc, i.known[t.ID()], o.Deps.Clock())
	if s.State == lifecycle.Unknown {
		return ""
	}
	return s.String()
}

func resetVerb() acting.Verb {
	var noMail bool
	s := &self{}
	return acting.Verb{
		Kind: directory.Users(), Name: "reset-password", Say: "reset the password of", Told: "reset the password of",
		Short: "Reset passwords: mail a link to choose a new one",
		Long: "Reset passwords. The password is replaced at once by one that nobody knows, and a link to choose a\n" +
			"new one is mailed, in the user's language. A lock is lifted. An earlier link no longer works. Users\n" +
			"who are deactivated are refused.\n\n" +
			"When the answer of the service is lost, the outcome is reported as unknown (exit code 3) and the\n" +
			"password is not reset again by itself.",
		Examples: []string{"ada@example.com", "", "- --yes < users.txt"}, WhereExample: "department=IT",
		Confirm: true, Tick: true,
		Label: func(_ *acting.Options, t *acts.Target) string {
			if st := lifecycle.Of(t.Doc, lifecycle.Invitation{}, never); st.State == lifecycle.Locked {
				return st.String()
			}
			return ""
		},
		AddFlags: func(fs *pflag.FlagSet) {
			fs.BoolVar(&noMail, "no-mail", false, "send no mail; the user then needs another way to a new password")
			s.addFlags(fs)
		},
		Variant: func() string { return fmt.Sprintf("no-mail=%t %s", noMail, s.variant()) },
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			l, err := provider.LifeCycleOf(p)
			if err == nil {
				err = provider.Refusal(l, "reset-password")
			}
			if err != nil {
				return acts.Act{}, err
			}
			return acts.Act{
				Name: "reset-password", Past: "reset", Repeat: journal.Once, Needs: lifecycle.Attributes(),
				Check: func(t *acts.Target) acts.Verdict {
					if stateOf(t.Doc) == lifecycle.Blocked {
						return refused(t.Doc, "given a new password by mail", "idctl users activate first")
					}
					return acts.Verdict{}
				},
				Do: func(ctx context.Context, t *acts.Target, token string) (acts.Product, error) {
					return nil, s.explain(l.ResetPassword(ctx, t.ID(), provider.ResetOptions{ActOptions: s.options(token), Quiet: noMail}))
				},
			}, nil
		},
	}
}

func deleteVerb() acting.Verb {
	var force bool
	s := &self{}
	return acting.Verb{
		Kind: directory.Users(), Name: "delete", Aliases: []string{"rm"}, Short: "Delete users",
		Long: "Delete users, with their factors, grants and memberships. The e-mail address can be used again. It\n" +
			"cannot be undone. The service refuses to delete the account you work with, and the last\n" +
			"administrator of the domain.\n\n" +
			"What was deleted is told on stderr, or as a list of results with -o json, csv and others.",
		Examples:     []string{"ada@example.com", "- --yes < leavers.txt"},
		WhereExample: "created>2w and not has externalId",
		Confirm:      true, IgnoreMissing: true,
		AddFlags: func(fs *pflag.FlagSet) {
			fs.BoolVar(&force, "force", false, "delete references to them as well (forceDelete)")
			s.addFlags(fs)
		},
		Variant: func() string { return fmt.Sprintf("force=%t %s", force, s.variant()) },
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			users := p.Users()
			return acts.Act{
				Name: "delete", Past: "deleted", Repeat: journal.Readable, Gone: true,
				Do: func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
					return nil, s.explain(users.Delete(ctx, t.ID(), scim.WriteOptions{Force: force, Self: s.On}))
				},
			}, nil
		},
	}
}

// newActCmds makes the commands of all acts.
func newActCmds(d *cmdutil.Deps) []*cobra.Command {
	verbs := append(lifeCycleVerbs(), setPasswordVerb(d), generatePasswordVerb(d))
	out := make([]*cobra.Command, len(verbs))
	for i, v := range verbs {
		out[i] = acting.New(d, v, acting.Run)
	}
	return out
}
