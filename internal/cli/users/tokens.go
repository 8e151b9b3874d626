package users

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
	"github.com/idctl/idctl/pkg/transport"
)

// maxTokenMinutes is the longest life of a token that the service documents.
const maxTokenMinutes = 527_040

// personal is the kind that only its owner can make.
const personal = "personal"

// tokenKind is a kind of credential.
type tokenKind struct {
	word string
	what provider.Belonging
	// detail is the attribute that tells one from another.
	detail string
	secret bool // the service makes it up
	fixed  bool // has no end of its own
}

// tokenKinds are the kinds in the order of the help.
func tokenKinds() []tokenKind {
	return []tokenKind{
		{word: "api-key", what: provider.APIKeys, detail: "fingerprint", fixed: true},
		{word: "auth-token", what: provider.AuthTokens, secret: true},
		{word: "customer-secret-key", what: provider.CustomerSecretKeys, detail: "accessKey", secret: true},
		{word: "smtp", what: provider.SMTPCredentials, detail: "userName", secret: true},
		{word: "oauth2-client", what: provider.OAuth2ClientCredentials, detail: "scopes.scope", secret: true},
		{word: "db", what: provider.DBCredentials, detail: "name"},
	}
}

// TokenKinds are the words for the kinds of credentials.
func TokenKinds() []string {
	var words []string
	for _, k := range tokenKinds() {
		words = append(words, k.word)
	}
	return words
}

func tokenWords() string { return strings.Join(TokenKinds(), ", ") }

func findTokenKind(word string) (tokenKind, error) {
	for _, k := range tokenKinds() {
		if k.word == word {
			return k, nil
		}
	}
	return tokenKind{}, cmdutil.Usagef("--kind must be one of %s, not %q", tokenWords(), word)
}

// tokenRow is a credential in a list. It holds no secret.
type tokenRow struct {
	User        string `json:"user"`
	UserID      string `json:"userId"`
	Kind        string `json:"kind"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Created     string `json:"created,omitempty"`
	Expires     string `json:"expires,omitempty"`
	ID          string `json:"id"`

	what provider.Belonging
}

// newTokensCmd makes the commands on credentials.
func newTokensCmd(d *cmdutil.Deps) *cobra.Command {
	var kind string
	cmd := tokens(&kind).group(d, acting.New(d, newToken(d).verb(), acting.Run))
	for _, c := range cmd.Commands() {
		if c.Name() != "create" {
			c.Flags().StringVar(&kind, "kind", "", "only those of this `kind`: "+tokenWords())
		}
	}
	return cmd
}

func tokens(kind *string) belongs[tokenRow] {
	type col = output.Column[tokenRow]
	return belongs[tokenRow]{
		noun: "tokens", thing: "credential", things: "credentials",
		short: "List, make and revoke credentials of users",
		long: "List, make and revoke the credentials by which users and their programs sign in elsewhere than on\n" +
			"the web: " + tokenWords() + ".",
		check: func() error {
			if *kind == "" {
				return nil
			}
			_, err := findTokenKind(*kind)
			return err
		},
		variant: func() string { return *kind },
		list: func(ctx context.Context, f provider.Factors, users []string) iter.Seq2[tokenRow, error] {
			return func(yield func(tokenRow, error) bool) {
				for _, k := range tokenKinds() {
					if *kind != "" && k.word != *kind {
						continue
					}
					r, err := f.Owned(k.what)
					if err != nil {
						yield(tokenRow{}, err)
						return
					}
					for doc, err := range r.All(ctx, scim.ListOptions{Filter: r.Of(users...)}) {
						if !yield(k.row(r, doc), err) || err != nil {
							return
						}
					}
				}
			}
		},
		owner: func(r tokenRow) string { return r.UserID },
		login: func(r *tokenRow, login string) { r.User = login },
		named: func(r tokenRow, word string) bool { return r.ID == word || r.Name != "" && r.Name == word },
		key:   func(r *tokenRow) string { return r.ID },
		columns: func(*cmdutil.Deps) []col {
			return []col{
				{Name: "User", Path: "user", Get: func(r *tokenRow) string { return r.User }},
				{Name: "Kind", Path: "kind", Get: func(r *tokenRow) string { return r.Kind }},
				{Name: "Name", Path: "name", Get: func(r *tokenRow) string { return r.Name }},
				{Name: "Description", Path: "description", Get: func(r *tokenRow) string { return r.Description }},
				{Name: "Expires", Path: "expires", Get: func(r *tokenRow) string { return r.Expires }},
				{Name: "ID", Path: "id", Get: func(r *tokenRow) string { return r.ID }},
				{Name: "Created", Path: "created", Wide: true, Get: func(r *tokenRow) string { return r.Created }},
				{Name: "User ID", Path: "userId", Wide: true, Get: func(r *tokenRow) string { return r.UserID }},
			}
		},
		remove: func(ctx context.Context, f provider.Factors, t tokenRow) error {
			r, err := f.Owned(t.what)
			if err != nil {
				return err
			}
			return provider.DeleteOwned(ctx, r, t.ID)
		},
		verb: "revoke", past: "revoked", which: "id",
		whichHelp: "only the one with this `id` or name, as list shows it; may be given several times",
		rmShort:   "Revoke credentials of users",
		rmLong: "Revoke credentials of users: all of them, those of one --kind, or those that --id names. Who has none\n" +
			"stays as they are, which is no error.",
		rmArgs: []string{"ada@example.com", "ada@example.com --kind api-key"},
	}
}

func (k tokenKind) row(r provider.Owned, doc scim.Document) tokenRow {
	row := tokenRow{
		UserID: r.Owner(doc), Kind: k.word, Description: doc.String("description"), Created: doc.String("meta.created"),
		Expires: doc.String("expiresOn"), ID: doc.ID(), what: k.what,
	}
	for _, path := range []string{"displayName", "name", k.detail} {
		if s := strings.Join(doc.Strings(path), " "); path != "" && s != "" {
			row.Name = s
			break
		}
	}
	return row
}

// tokenMaker makes credentials.
type tokenMaker struct {
	*cmdutil.Deps
	hand     *acting.Handout
	password passwordInput
	self     self
	// Flags.
	kind, name, description, expires, keyFile, app, audience string
	scopes                                                   []string
}

func newToken(d *cmdutil.Deps) *tokenMaker {
	return &tokenMaker{Deps: d, hand: &acting.Handout{
		What: "credential", Columns: []string{"secret", "key", "expires", "id"}, OfferPlaintext: true, Table: true,
	}}
}

func (m *tokenMaker) verb() acting.Verb {
	k := directory.Users()
	k.Command = "users tokens"
	return acting.Verb{
		Kind: k, Name: "create", Say: "make a credential for", Told: "made a credential for", Aliases: []string{"add"},
		Short: "Make a credential for users, and hand it out once",
		Long: "Make a credential for users. What the service makes up is handed out once, to the terminal, to a new\n" +
			"file that only you can read (a CSV with name, secret, key, expires and id), or encrypted for an age\n" +
			"key; the service never shows it again.\n\n" +
			"  api-key              a public key for the API of the cloud, from --key-file (PEM)\n" +
			"  auth-token           a token for services that know nothing better\n" +
			"  customer-secret-key  an access key and a secret for S3-compatible storage\n" +
			"  smtp                 a user name and a password for sending mail\n" +
			"  oauth2-client        a client secret for the --scope of an --app\n" +
			"  db                   the password of a database user, from --password-file or a question\n\n" +
			"Personal access tokens can only be made by their owner, in the console.",
		Examples: []string{
			"ada@example.com --kind auth-token --description CI --expires 90d",
			"ada@example.com --kind api-key --key-file ada.pem",
			"ada@example.com --kind oauth2-client --name nightly --app Payroll --scope /read --out secret.csv",
		},
		AddFlags: m.addFlags, Check: m.check, Make: m.make,
		Variant: func() string {
			return fmt.Sprintf("%s name=%s expires=%s app=%s %s scopes=%s %s", m.kind, m.name, m.expires, m.app, m.audience, strings.Join(m.scopes, ","), m.self.variant())
		},
		Open: func(_ context.Context, _ *acting.Options, many bool) (acting.Outlet, error) {
			if k, err := findTokenKind(m.kind); err != nil || !k.secret {
				return nil, err
			}
			return m.hand.Open(m.Deps, many)
		},
	}
}

func (m *tokenMaker) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&m.kind, "kind", "", "what to make: "+tokenWords())
	fs.StringVar(&m.name, "name", "", "name of a customer-secret-key or oauth2-client")
	fs.StringVar(&m.description, "description", "", "what it is for")
	fs.StringVar(&m.expires, "expires", "", "how long it is valid, such as 12h or 90d; at most 366d")
	fs.StringVar(&m.keyFile, "key-file", "", "`file` with the public key of an api-key, in PEM, - for standard input")
	fs.StringVar(&m.app, "app", "", "the `app` that an oauth2-client is for: its audience is taken")
	fs.StringVar(&m.audience, "audience", "", "the audience that an oauth2-client is for, in place of --app")
	fs.StringArrayVar(&m.scopes, "scope", nil, "`scope` of an oauth2-client; may be given several times")
	m.password.addFlags(fs)
	m.hand.AddFlags(fs)
	m.self.addFlags(fs)
}

// life is how long the credential is valid, 0 for no end of its own.
func (m *tokenMaker) life() (time.Duration, error) {
	if m.expires == "" {
		return 0, nil
	}
	d, err := cmdutil.ParseSpan(m.expires)
	if err != nil {
		return 0, cmdutil.Usagef("--expires %w", err)
	}
	if d > maxTokenMinutes*time.Minute {
		return 0, cmdutil.Usagef("--expires must be from 1 to %d minutes, 366 days", maxTokenMinutes)
	}
	return d, nil
}

func (m *tokenMaker) check(o *acting.Options) error {
	if m.kind == "" {
		return cmdutil.Usagef("--kind is required: one of %s", tokenWords())
	}
	if m.kind == personal {
		return nil // the provider says why not
	}
	k, err := findTokenKind(m.kind)
	if err != nil {
		return err
	}
	if _, err := m.life(); err != nil {
		return err
	}
	client := k.what == provider.OAuth2ClientCredentials
	switch {
	case m.expires != "" && k.fixed:
		return cmdutil.Usagef("--expires: an %s has no end of its own", k.word)
	case (k.what == provider.APIKeys) != (m.keyFile != ""):
		return cmdutil.Usagef("--key-file goes with --kind api-key, and only with it")
	case m.password.File != "" && k.what != provider.DBCredentials:
		return cmdutil.Usagef("--password-file is for --kind db")
	case !client && (m.app != "" || m.audience != "" || len(m.scopes) > 0):
		return cmdutil.Usagef("--app, --audience and --scope are for --kind oauth2-client")
	case client && (m.app == "") == (m.audience == ""):
		return cmdutil.Usagef("--kind oauth2-client needs --app or --audience, one of them")
	case client && len(m.scopes) == 0:
		return cmdutil.Usagef("--kind oauth2-client needs --scope")
	case client && m.name == "":
		return cmdutil.Usagef("--kind oauth2-client needs --name")
	case m.name != "" && !client && k.what != provider.CustomerSecretKeys:
		return cmdutil.Usagef("--name: only customer-secret-key and oauth2-client have a name, use --description")
	case !k.secret && (m.hand.Out != "" || len(m.hand.Recipients) > 0 || m.hand.Plaintext):
		return cmdutil.Usagef("of a %s nothing is handed out: --out, --recipient and --plaintext do not apply", k.word)
	case has(o.Keys, "-") && (m.keyFile == "-" || m.password.File == "-"):
		return cmdutil.Usagef("names and the credential cannot both come from standard input")
	case k.secret && !o.DryRun && !o.Explain:
		return m.hand.Check(m.Deps)
	}
	return nil
}

func (m *tokenMaker) make(ctx context.Context, p provider.Provider, o *acting.Options) (acts.Act, error) {
	if m.kind == personal {
		return acts.Act{}, &provider.UnsupportedError{
			Provider: p.Name(), What: "make a personal access token for somebody else",
			Instead: "users make one in the console, under My profile, Personal access tokens\nidctl token prints a token of the profile",
		}
	}
	f, err := provider.FactorsOf(p)
	if err != nil {
		return acts.Act{}, err
	}
	k, err := findTokenKind(m.kind)
	if err != nil {
		return acts.Act{}, err
	}
	c := provider.NewCredential{What: k.what, Name: m.name, Description: m.description, Audience: m.audience, Scopes: m.scopes}
	if m.app != "" {
		if c.Audience, err = audienceOf(ctx, p, m.app); err != nil {
			return acts.Act{}, err
		}
	}
	if m.keyFile != "" {
		key, err := directory.ReadInput(m.Deps, "key-file", m.keyFile)
		if err != nil {
			return acts.Act{}, err
		}
		if strings.Contains(string(key), "PRIVATE KEY") {
			return acts.Act{}, cmdutil.Usagef("--key-file: %s holds a private key, which never leaves this machine", m.keyFile).
				WithHint("openssl pkey -in %s -pubout makes the public one", m.keyFile)
		}
		c.Key = string(key)
	}
	if k.what == provider.DBCredentials && !o.DryRun {
		if c.Password, err = m.password.get(ctx, m.Deps, true); err != nil {
			return acts.Act{}, err
		}
	}
	life, err := m.life()
	if err != nil {
		return acts.Act{}, err
	}
	return acts.Act{
		Name: "create-" + k.word, Past: "made", Repeat: journal.Once,
		Do: func(ctx context.Context, t *acts.Target, token string) (acts.Product, error) {
			fresh := c
			if life > 0 {
				fresh.Expires = m.Clock().Add(life)
			}
			made, err := f.MakeCredential(ctx, t.ID(), fresh, m.self.options(token))
			if err != nil || !k.secret {
				return nil, err
			}
			return acting.Secrets{made.Secret, transport.Secret(made.Key), transport.Secret(rfc(made.Expires)), transport.Secret(made.ID)}, nil
		},
	}, nil
}

// audienceOf is what tokens for an app are for.
func audienceOf(ctx context.Context, p provider.Provider, app string) (string, error) {
	r, err := p.Resource("App")
	if err != nil {
		return "", err
	}
	doc, err := provider.Find(ctx, r, app)
	if errors.Is(err, scim.ErrNotFound) {
		return "", fmt.Errorf("--app %q: %w", app, scim.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("--app %q: %w", app, err)
	}
	if doc, err = r.Get(ctx, doc.ID(), scim.ListOptions{Attributes: []string{"audience"}}); err != nil {
		return "", fmt.Errorf("--app %q: %w", app, err)
	}
	audience := doc.String("audience")
	if audience == "" {
		return "", cmdutil.Usagef("--app %q has no audience: it offers nothing that a token could be for", app).
			WithHint("--audience names one without an app")
	}
	return audience, nil
}
