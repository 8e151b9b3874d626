package users

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// newFactorCmds are the commands on what users sign in with beside a password.
func newFactorCmds(d *cmdutil.Deps) []*cobra.Command {
	return []*cobra.Command{
		factors().group(d),
		acting.New(d, resetFactorsVerb(), acting.Run),
		recoveryCodes().group(d),
		devices().group(d, directory.NewOwnedList(d, deviceKind(), provider.Devices, false, directory.RunOwnedList)),
		agents().group(d, directory.NewOwnedList(d, agentKind(), provider.TrustedAgents, false, directory.RunOwnedList)),
		socialAccounts().group(d),
		questions().group(d),
		newTokensCmd(d),
		newCapabilitiesCmd(d),
	}
}

// factorRow is a factor in a list.
type factorRow struct {
	User      string `json:"user"`
	UserID    string `json:"userId"`
	Method    string `json:"method"`
	Detail    string `json:"detail,omitempty"`
	State     string `json:"state,omitempty"`
	Enabled   *bool  `json:"enabled,omitempty"`
	Preferred bool   `json:"preferred"`
	Created   string `json:"created,omitempty"`
	ID        string `json:"id,omitempty"`

	factor provider.Factor
}

func rfc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func factors() belongs[factorRow] {
	type col = output.Column[factorRow]
	return belongs[factorRow]{
		noun: "factors", thing: "factor", things: "factors",
		short: "List and remove second factors of users",
		long: "List and remove second factors of users: every one that is registered, also where the settings\n" +
			"have switched its method off since.",
		list: func(ctx context.Context, f provider.Factors, users []string) iter.Seq2[factorRow, error] {
			return func(yield func(factorRow, error) bool) {
				for x, err := range f.Factors(ctx, users) {
					row := factorRow{
						UserID: x.UserID, Method: x.Method, Detail: x.Detail, State: x.State, Enabled: x.Enabled,
						Preferred: x.Preferred, Created: rfc(x.Created), ID: x.ID, factor: x,
					}
					if !yield(row, err) {
						return
					}
				}
			}
		},
		owner: func(r factorRow) string { return r.UserID },
		login: func(r *factorRow, login string) { r.User = login },
		named: func(r factorRow, word string) bool {
			return strings.EqualFold(r.Method, word) || r.ID != "" && r.ID == word
		},
		key: func(r *factorRow) string { return r.Method },
		columns: func(*cmdutil.Deps) []col {
			return []col{
				{Name: "User", Path: "user", Get: func(r *factorRow) string { return r.User }},
				{Name: "Method", Path: "method", Get: func(r *factorRow) string { return r.Method }},
				{Name: "Detail", Path: "detail", Get: func(r *factorRow) string { return r.Detail }},
				{Name: "Created", Path: "created", Get: func(r *factorRow) string { return r.Created }},
				{Name: "State", Path: "state", Get: func(r *factorRow) string { return r.State }},
				{Name: "Enabled", Path: "enabled", Get: func(r *factorRow) string {
					if r.Enabled == nil {
						return ""
					}
					return output.YesNo(*r.Enabled)
				}},
				{Name: "Preferred", Path: "preferred", Wide: true, Get: func(r *factorRow) string { return output.YesNo(r.Preferred) }},
				{Name: "ID", Path: "id", Wide: true, Get: func(r *factorRow) string { return r.ID }},
				{Name: "User ID", Path: "userId", Wide: true, Get: func(r *factorRow) string { return r.UserID }},
			}
		},
		remove: func(ctx context.Context, f provider.Factors, r factorRow) error { return f.RemoveFactor(ctx, r.factor) },
		kinds:  isMethod, verb: "remove", past: "removed", which: "factor", needed: true,
		whichHelp: "a method, such as TOTP or SMS, or the `id` of a device; may be given several times",
		rmShort:   "Remove single second factors of users",
		rmLong: "Remove single second factors of users. A device goes with all its methods: an app that shows codes\n" +
			"and asks by push is one device. The service keeps the last factor of a user while 2-step\n" +
			"verification is on (exit code 10); users reset-factors takes all away.",
		rmArgs: []string{"ada@example.com --factor SMS", "- --factor SMS < users.txt"},
	}
}

// resetType is what a word of --type means, empty for others.
func resetType(word string) provider.FactorReset {
	switch word {
	case "mfa":
		return provider.ResetMFA
	case "account-recovery":
		return provider.ResetRecovery
	case "keep-me-signed-in":
		return provider.ResetKeepIn
	case "all":
		return provider.ResetAll
	}
	return ""
}

// FactorMethods are the methods that services have.
func FactorMethods() []string {
	return []string{
		"EMAIL", "SMS", "TOTP", "PUSH", "OFFLINETOTP", "VOICE", "PHONE_CALL", "THIRDPARTY", "FIDO_AUTHENTICATOR", "YUBICO_OTP",
		"SECURITY_QUESTIONS",
	}
}

// isMethod says whether a word is a method that services have.
func isMethod(word string) bool {
	return slices.ContainsFunc(FactorMethods(), func(m string) bool { return strings.EqualFold(m, word) })
}

func resetFactorsVerb() acting.Verb {
	const status = "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User:mfaStatus"
	var kind string
	s := &self{}
	return acting.Verb{
		Kind: directory.Users(), Name: "reset-factors", Say: "reset the factors of", Told: "reset the factors of",
		Short: "Reset second factors: take all away, and let users register anew",
		Long: "Reset second factors: take all of a user's factors away, with their bypass codes and trusted\n" +
			"browsers. The user registers anew at the next sign-in. --type says what is taken away: mfa, the\n" +
			"factors for 2-step verification; account-recovery; keep-me-signed-in, which ends the sessions\n" +
			"that browsers were told to keep; or all. Passwords stay.",
		Examples:     []string{"ada@example.com", "ada@example.com --type all --yes", "- --yes < users.txt"},
		WhereExample: "department=IT", Confirm: true, Tick: true,
		Label: func(_ *acting.Options, t *acts.Target) string {
			if strings.EqualFold(t.Doc.String(status), "ENROLLED") {
				return "has a second factor"
			}
			return ""
		},
		AddFlags: func(fs *pflag.FlagSet) {
			fs.StringVar(&kind, "type", "mfa", "what is taken away: mfa, account-recovery, keep-me-signed-in or all")
			s.addFlags(fs)
		},
		Variant: func() string { return kind + " " + s.variant() },
		Check: func(*acting.Options) error {
			if resetType(kind) == "" {
				return cmdutil.Usagef("--type must be mfa, account-recovery, keep-me-signed-in or all, not %q", kind)
			}
			return nil
		},
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			f, err := provider.FactorsOf(p)
			if err != nil {
				return acts.Act{}, err
			}
			return acts.Act{
				Name: "reset-factors", Past: "reset", Repeat: journal.Repeatable, Needs: []string{status},
				Do: func(ctx context.Context, t *acts.Target, token string) (acts.Product, error) {
					return nil, f.ResetFactors(ctx, t.ID(), resetType(kind), s.options(token))
				},
			}, nil
		},
	}
}

// thingRow is a thing that is nothing but removed.
type thingRow struct {
	doc   scim.Document
	owner string
}

// ofKind describes what is removed of a kind of belonging; the list is another
// command's.
func ofKind(what provider.Belonging, noun, thing, things string) belongs[thingRow] {
	return belongs[thingRow]{
		noun: noun, thing: thing, things: things,
		list: func(ctx context.Context, f provider.Factors, users []string) iter.Seq2[thingRow, error] {
			return func(yield func(thingRow, error) bool) {
				r, err := f.Owned(what)
				if err != nil {
					yield(thingRow{}, err)
					return
				}
				for doc, err := range r.All(ctx, scim.ListOptions{Filter: r.Of(users...)}) {
					if !yield(thingRow{doc, r.Owner(doc)}, err) || err != nil {
						return
					}
				}
			}
		},
		owner: func(t thingRow) string { return t.owner },
		named: func(t thingRow, word string) bool { return t.doc.ID() == word },
		remove: func(ctx context.Context, f provider.Factors, t thingRow) error {
			if what == provider.Devices {
				return f.RemoveFactor(ctx, provider.Factor{ID: t.doc.ID(), UserID: t.owner})
			}
			r, err := f.Owned(what)
			if err != nil {
				return err
			}
			return provider.DeleteOwned(ctx, r, t.doc.ID())
		},
		verb: "remove", past: "removed",
	}
}

func recoveryCodes() belongs[thingRow] {
	b := ofKind(provider.BypassCodes, "recovery-codes", "bypass code", "bypass codes")
	b.short = "Revoke the bypass codes of users"
	b.long = "Revoke the bypass codes of users, which stand in for a lost second factor.\nThe commands of idctl bypass-codes make and list them."
	b.verb, b.past = "revoke", "revoked"
	b.rmShort = "Revoke all bypass codes of users"
	b.rmLong = "Revoke all bypass codes of users. Somebody who has none stays as they are, which is no error."
	b.rmArgs = []string{"ada@example.com"}
	return b
}

func devices() belongs[thingRow] {
	b := ofKind(provider.Devices, "devices", "device", "devices")
	b.short = "List and remove the devices that users registered"
	b.long = "List and remove the devices that users registered for 2-step verification. A telephone number and an\n" +
		"e-mail address are devices, too."
	b.which, b.needed = "device", true
	b.whichHelp = "the `id` of a device, as list shows it; may be given several times"
	b.rmShort = "Remove single devices of users"
	b.rmLong = "Remove single devices of users, with all methods of each. The service keeps the last device of a user\n" +
		"while 2-step verification is on (exit code 10); users reset-factors takes all away."
	b.rmArgs = []string{"ada@example.com --device 2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d"}
	return b
}

func agents() belongs[thingRow] {
	b := ofKind(provider.TrustedAgents, "trusted-agents", "trusted browser", "trusted browsers")
	b.short = "List and remove the browsers that users trust"
	b.long = "List and remove the browsers that users told the service to trust: they are not asked there for a\n" +
		"second factor for some days, or are kept signed in (KMSI)."
	b.which = "agent"
	b.whichHelp = "only the one with this `id`, as list shows it; may be given several times"
	b.rmShort = "Remove the browsers that users trust"
	b.rmLong = "Remove the browsers that users trust: all of them, or those that --agent names. The user is asked for\n" +
		"a second factor there the next time."
	b.rmArgs = []string{"ada@example.com", "ada@example.com --agent 2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d"}
	return b
}

// ownedBy is the cell that says whose a resource is.
func ownedBy(doc *scim.Document) string {
	for _, path := range []string{"user.name", "user.display", "user.value"} {
		if s := doc.String(path); s != "" {
			return s
		}
	}
	return ""
}

func textOf(path string) func(*scim.Document) string {
	return func(doc *scim.Document) string { return strings.Join(doc.Strings(path), ", ") }
}

func deviceKind() directory.Kind {
	return directory.Owned(directory.Kind{
		Noun: "device", Plural: "devices", Command: "users devices", Example: "2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d",
		Columns: func(d *cmdutil.Deps) []output.Column[scim.Document] {
			return []output.Column[scim.Document]{
				{Name: "ID", Path: "id", Get: textOf("id")},
				{Name: "User", Get: ownedBy},
				{Name: "Name", Path: "displayName", Get: textOf("displayName")},
				{Name: "Platform", Path: "platform", Get: textOf("platform")},
				{Name: "Methods", Path: "authenticationFactors.type", Get: textOf("authenticationFactors.type")},
				{Name: "State", Path: "status", Get: textOf("status")},
				{Name: "Last used", Path: "lastSyncTime", Get: directory.DateOf(d, "lastSyncTime")},
				{Name: "Created", Path: "meta.created", Wide: true, Get: directory.DateOf(d, "meta.created")},
				{Name: "Compliant", Path: "isCompliant", Wide: true, Get: textOf("isCompliant")},
				{Name: "App version", Path: "appVersion", Wide: true, Get: textOf("appVersion")},
			}
		},
	}, provider.Devices, nil)
}

func agentKind() directory.Kind {
	return directory.Owned(directory.Kind{
		Noun: "trusted browser", Plural: "trusted browsers", Command: "users trusted-agents", Example: "2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d",
		Columns: func(d *cmdutil.Deps) []output.Column[scim.Document] {
			return []output.Column[scim.Document]{
				{Name: "ID", Path: "id", Get: textOf("id")},
				{Name: "User", Get: ownedBy},
				{Name: "Name", Path: "name", Get: textOf("name")},
				{Name: "Kind", Path: "tokenType", Get: textOf("tokenType")},
				{Name: "Location", Path: "location", Get: textOf("location")},
				{Name: "Expires", Path: "expiryTime", Get: directory.DateOf(d, "expiryTime")},
				{Name: "Platform", Path: "platform", Wide: true, Get: textOf("platform")},
				{Name: "Created", Path: "meta.created", Wide: true, Get: directory.DateOf(d, "meta.created")},
			}
		},
	}, provider.TrustedAgents, hideTrust)
}

// hideTrust takes out what a browser shows to be trusted: whoever has it needs
// no second factor.
func hideTrust(doc scim.Document) scim.Document {
	if doc.String("trustToken") == "" {
		return doc
	}
	out := doc.Clone()
	delete(out, "trustToken")
	return out
}

// socialRow is an account elsewhere.
type socialRow struct {
	User    string `json:"user"`
	UserID  string `json:"userId"`
	Account string `json:"account"`
	ID      string `json:"id"`

	account provider.SocialAccount
}

func socialAccounts() belongs[socialRow] {
	type col = output.Column[socialRow]
	return belongs[socialRow]{
		noun: "social", thing: "social account", things: "social accounts",
		short: "List and remove the social accounts of users",
		long: "List and remove the social accounts of users: accounts elsewhere by which they can sign in. Removing\n" +
			"one here does not end what the other side keeps: a person who signed in with Apple finds a record\n" +
			"of its own in the settings of the Apple account, and removes it there.",
		list: func(ctx context.Context, f provider.Factors, users []string) iter.Seq2[socialRow, error] {
			return func(yield func(socialRow, error) bool) {
				for a, err := range f.SocialAccounts(ctx, users) {
					if !yield(socialRow{UserID: a.UserID, Account: a.Name, ID: a.ID, account: a}, err) {
						return
					}
				}
			}
		},
		owner: func(r socialRow) string { return r.UserID },
		login: func(r *socialRow, login string) { r.User = login },
		named: func(r socialRow, word string) bool { return r.ID == word || strings.EqualFold(r.Account, word) },
		key:   func(r *socialRow) string { return r.ID },
		columns: func(*cmdutil.Deps) []col {
			return []col{
				{Name: "User", Path: "user", Get: func(r *socialRow) string { return r.User }},
				{Name: "Account", Path: "account", Get: func(r *socialRow) string { return r.Account }},
				{Name: "ID", Path: "id", Get: func(r *socialRow) string { return r.ID }},
				{Name: "User ID", Path: "userId", Wide: true, Get: func(r *socialRow) string { return r.UserID }},
			}
		},
		refuse: func(p provider.Provider, r socialRow) error {
			if r.account.Link() != "" {
				return nil
			}
			return &provider.UnsupportedError{
				Provider: p.Name(), What: "remove the social account " + r.ID + ": it does not say where it is kept",
				Instead: "the user removes it in the console, under My profile, Linked accounts",
			}
		},
		remove: func(ctx context.Context, f provider.Factors, r socialRow) error {
			return f.RemoveSocialAccount(ctx, r.account)
		},
		verb: "remove", past: "removed", which: "account",
		whichHelp: "only the one with this `name` or id; may be given several times",
		note:      "Apple keeps a link of its own: the user removes it in the settings of the Apple account, under Sign in with Apple",
		noted:     func(r socialRow) bool { return strings.Contains(strings.ToLower(r.Account), "apple") },
		rmShort:   "Remove social accounts of users",
		rmLong: "Remove the social accounts of users: all of them, or those that --account names. The user can no\n" +
			"longer sign in by them. Apple keeps a link of its own, which the user removes in the settings of the\n" +
			"Apple account.",
		rmArgs: []string{"ada@example.com", "ada@example.com --account Apple"},
	}
}

// questionRow is a security question that a user answered.
type questionRow struct {
	User     string `json:"user"`
	UserID   string `json:"userId"`
	ID       string `json:"id"`
	Question string `json:"question,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

func questions() belongs[questionRow] {
	type col = output.Column[questionRow]
	return belongs[questionRow]{
		noun: "security-questions", thing: "security question", things: "security questions",
		short: "List and remove the security questions of users",
		long: "List the security questions that users answered, and make the service forget the answers. Answers are\n" +
			"never shown. The questions themselves are idctl security-questions.",
		list: func(ctx context.Context, f provider.Factors, users []string) iter.Seq2[questionRow, error] {
			return func(yield func(questionRow, error) bool) {
				for q, err := range f.Questions(ctx, users) {
					if !yield(questionRow{UserID: q.UserID, ID: q.ID, Question: q.Text, Hint: q.Hint}, err) {
						return
					}
				}
			}
		},
		owner: func(r questionRow) string { return r.UserID },
		login: func(r *questionRow, login string) { r.User = login },
		key:   func(r *questionRow) string { return r.ID },
		columns: func(*cmdutil.Deps) []col {
			return []col{
				{Name: "User", Path: "user", Get: func(r *questionRow) string { return r.User }},
				{Name: "ID", Path: "id", Get: func(r *questionRow) string { return r.ID }},
				{Name: "Question", Path: "question", Get: func(r *questionRow) string { return r.Question }},
				{Name: "Hint", Path: "hint", Wide: true, Get: func(r *questionRow) string { return r.Hint }},
				{Name: "User ID", Path: "userId", Wide: true, Get: func(r *questionRow) string { return r.UserID }},
			}
		},
		remove: func(ctx context.Context, f provider.Factors, r questionRow) error {
			err := f.RemoveQuestions(ctx, r.UserID)
			if errors.Is(err, scim.ErrNotFound) {
				return nil
			}
			return err
		},
		verb: "remove", past: "removed", whole: true,
		rmShort: "Make the service forget users' answers to security questions",
		rmLong: "Make the service forget all answers of users to security questions. They are asked to choose and\n" +
			"answer anew when the settings want it.",
		rmArgs: []string{"ada@example.com"},
	}
}
