package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

type whyOptions struct {
	directory.Base
	Print output.Printer[diagnosis]
	User  string
}

// diagnosis is why a person cannot sign in, or that nothing speaks against it.
type diagnosis struct {
	User      string `json:"user"`
	ID        string `json:"id"`
	State     string `json:"state,omitempty"`
	CanSignIn bool   `json:"canSignIn"`
	// Reasons keep the user out, each with what helps; Remarks are worth
	// knowing.
	Reasons []finding `json:"reasons"`
	Remarks []string  `json:"remarks,omitempty"`
}

type finding struct {
	Reason string `json:"reason"`
	Help   string `json:"help,omitempty"`
}

func newWhyCmd(d *cmdutil.Deps, run func(context.Context, *whyOptions) error) *cobra.Command {
	o := &whyOptions{Base: directory.Base{Deps: d, Kind: directory.Users()}, Print: output.New(d.Output, output.Spec[diagnosis]{
		Columns: []output.Column[diagnosis]{
			{Name: "User", Path: "user", Get: func(x *diagnosis) string { return x.User }},
			{Name: "State", Path: "state", Get: func(x *diagnosis) string { return x.State }},
			{Name: "Can sign in", Path: "canSignIn", Get: func(x *diagnosis) string { return fmt.Sprint(x.CanSignIn) }},
			{Name: "Reasons", Get: func(x *diagnosis) string {
				var out []string
				for _, f := range x.Reasons {
					out = append(out, f.Reason)
				}
				return strings.Join(out, " ")
			}},
		},
		Key: func(x *diagnosis) string { return x.User },
	})}
	return &cobra.Command{
		Use: "why <user>", Short: "Say why a person cannot sign in",
		Long: "Say in sentences why a person cannot sign in, and what would help: blocked, locked and why, the\n" +
			"registration not finished, the invitation expired, the password expired, no second factor, the last\n" +
			"failures. It takes three calls at most and changes nothing.",
		Example: "  idctl users why ada@example.com\n  idctl users why ada@example.com -o json", Args: cmdutil.One("user"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.User = args[0]
			return run(cmd.Context(), o)
		},
	}
}

const (
	mfaURN    = "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User"
	mfaStatus = mfaURN + ":mfaStatus"
	mfaTries  = mfaURN + ":loginAttempts"
	recLocked = directory.UserStateURN + ":recoveryLocked.on"
	lastLogin = lifecycle.AttrLastLogin
)

func whyAttributes() []string {
	return append(lifecycle.Attributes(), "userName", "displayName", lifecycle.AttrPwdExpired, lifecycle.AttrPwdPolicy,
		lifecycle.AttrLastFailure, lifecycle.AttrLoginTries, directory.UserStateURN+":recoveryLocked", mfaStatus, mfaTries)
}

// runWhy makes at most three calls: one or two to find the user, and one for
// the invitation, or for the failed sign-ins of those who have finished their
// registration.
func runWhy(ctx context.Context, o *whyOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	p, err := o.Provider(ctx)
	if err != nil {
		return err
	}
	l, err := provider.LifeCycleOf(p)
	if err != nil {
		return err
	}
	u, err := o.FindOne(ctx, p.Users(), o.User, scim.ListOptions{Attributes: whyAttributes()})
	if err != nil {
		return fmt.Errorf("why %w", err)
	}
	x := &examination{options: o, user: u, now: o.Deps.Clock()}
	if lifecycle.NeedsInvitation(u) {
		links, err := provider.ReadInvitations(ctx, l, []string{u.ID()})
		if err != nil {
			return fmt.Errorf("why user %q: %w", o.User, err)
		}
		x.link = links[u.ID()]
	} else {
		for e, err := range l.History(ctx, u, provider.HistoryOptions{Limit: maxFailures, Failures: true}) {
			if err != nil {
				if errors.Is(err, provider.ErrUnsupported) || errors.Is(err, scim.ErrForbidden) || errors.Is(err, scim.ErrInvalid) {
					break // the service does not tell; the rest still helps
				}
				return fmt.Errorf("why user %q: %w", o.User, err)
			}
			x.failures = append(x.failures, e)
		}
	}
	return o.tell(x.examine())
}

// maxFailures is how many failed sign-ins are told.
const maxFailures = 3

type examination struct {
	options  *whyOptions
	user     scim.Document
	link     lifecycle.Invitation
	failures []scim.Document
	now      time.Time
	out      diagnosis
}

func (x *examination) because(help, format string, args ...any) {
	x.out.Reasons = append(x.out.Reasons, finding{Reason: fmt.Sprintf(format, args...), Help: help})
}

func (x *examination) remark(format string, args ...any) {
	x.out.Remarks = append(x.out.Remarks, fmt.Sprintf(format, args...))
}

func (x *examination) when(t time.Time) string {
	return t.In(x.now.Location()).Format("2006-01-02 15:04 MST")
}

func (x *examination) examine() *diagnosis {
	s := lifecycle.Of(x.user, x.link, x.now)
	x.out = diagnosis{User: x.user.String("userName"), ID: x.user.ID(), State: s.State.Word(), Reasons: []finding{}}
	name := x.out.User
	switch s.State {
	case lifecycle.Blocked:
		x.because("idctl users activate "+name, "The user is blocked (deactivated).")
	case lifecycle.Locked:
		text := "The user is locked"
		if s.Reason != "" {
			text += ": " + s.Reason
		}
		if !s.Since.IsZero() {
			text += ", since " + x.when(s.Since)
		}
		x.because("idctl users unlock "+name, "%s.", text)
	case lifecycle.NotInvited:
		x.because("idctl users invite "+name, "The registration is not finished, and no invitation was sent.")
	case lifecycle.Pending:
		x.because("the user opens the link in the mail, or idctl users invite "+name+" sends a new one",
			"The registration is not finished. The invitation holds until %s.", x.when(s.Expires))
	case lifecycle.Expired:
		x.because("idctl users invite "+name, "The registration is not finished, and the invitation expired %s.", x.when(s.Expires))
	case lifecycle.Unknown:
		if lifecycle.Unfinished(x.user) {
			x.because("idctl users invite "+name+" sends a new link", "The registration is not finished.")
		} else {
			x.remark("The service does not tell whether the registration is finished.")
		}
	case lifecycle.Active:
	}
	if s.State == lifecycle.Blocked && locked(x.user) {
		x.because("idctl users unlock "+name, "The user is locked as well: %s.", orUnsaid(lifecycle.LockReason(x.user)))
	}
	x.password(name)
	x.factors()
	x.lastFailures()
	x.out.CanSignIn = len(x.out.Reasons) == 0 && s.State != lifecycle.Unknown
	return &x.out
}

func orUnsaid(reason string) string {
	if reason == "" {
		return "the service does not say why"
	}
	return reason
}

func (x *examination) password(name string) {
	u := x.user
	if federated, _ := u.Bool(lifecycle.AttrFederated); federated {
		x.remark("The user signs in at another identity provider; the domain keeps no password. Look there, too.")
		return
	}
	if expired, _ := u.Bool(lifecycle.AttrPwdExpired); expired {
		x.because("idctl users reset-password "+name, "The password has expired.")
	} else if must, _ := u.Bool(lifecycle.AttrMustChange); must && !lifecycle.Unfinished(u) {
		x.remark("The password must be changed at the next sign-in.")
	}
	if on, _ := u.Bool(recLocked); on {
		x.remark("Resetting the forgotten password is locked after too many attempts; idctl users reset-password %s sends a link.", name)
	}
	if policy := u.String(lifecycle.AttrPwdPolicy + ".display"); policy != "" {
		x.remark("The password policy is %s.", policy)
	}
}

func (x *examination) factors() {
	switch strings.ToUpper(x.user.String(mfaStatus)) {
	case "UN_ENROLLED":
		x.remark("The user has no second factor: where a sign-on policy asks for one, they enrol it at the next sign-in.")
	case "IGNORED":
		x.remark("The user has put off enrolling a second factor.")
	case "DISABLED":
		x.remark("Second factors are disabled for the user.")
	}
	if n, ok := x.user.Int(mfaTries); ok && n > 0 {
		x.remark("The second factor was wrong %s since it was right.", times(n))
	}
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (x *examination) lastFailures() {
	if n, ok := x.user.Int(lifecycle.AttrLoginTries); ok && n > 0 {
		x.remark("The password was wrong %s since it was right.", times(n))
	}
	if len(x.failures) == 0 {
		if t, ok := x.user.Time(lifecycle.AttrLastFailure); ok {
			x.remark("The last sign-in that failed was %s.", x.when(t))
		}
	}
	for _, e := range x.failures {
		text := e.String("message")
		if text == "" {
			text = e.String("eventId")
		}
		at := "at an unknown time"
		if t, ok := e.Time("timestamp"); ok {
			at = x.when(t)
		}
		x.remark("A sign-in failed %s: %s", at, strings.TrimSuffix(text, ".")+".")
	}
	if t, ok := x.user.Time(lastLogin); ok {
		x.remark("The last sign-in that succeeded was %s.", x.when(t))
	}
}

func (o *whyOptions) tell(d *diagnosis) error {
	if !directory.Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0 {
		return o.Print.One(o.Deps.IO, d)
	}
	var b strings.Builder
	line := func(s string) { b.WriteString(iostreams.Clean(s) + "\n") }
	switch {
	case d.CanSignIn:
		line("Nothing keeps " + d.User + " from signing in, as far as the service tells.")
	case len(d.Reasons) > 0:
		line(d.User + " cannot sign in:")
	}
	for _, f := range d.Reasons {
		line("- " + f.Reason)
		if f.Help != "" {
			line("  What helps: " + f.Help)
		}
	}
	for _, r := range d.Remarks {
		line(r)
	}
	if _, err := o.Deps.IO.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
