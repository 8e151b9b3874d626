package users

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// createOptions are what users create needs.
type createOptions struct {
	directory.CreateOptions
	attributes   attributes
	Email        string
	PasswordFile string
	Invite       bool
	NoInvite     bool
	Groups       []string
}

func newCreateCmd(d *cmdutil.Deps, run func(context.Context, *createOptions) error) *cobra.Command {
	k := directory.Users()
	o := &createOptions{CreateOptions: directory.CreateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "create [<email>]", Aliases: []string{"add", "new"}, Short: "Create a user",
		Long: `Create a user. The e-mail address is the login too, unless --user-name says
otherwise. What is missing is asked for on a terminal. Attributes without a flag
are set with --set, or come from a JSON or YAML document with --from; flags are
stronger than the document.

The service invites the user by mail, in their --language, unless --no-invite is
given or a password is set; users invite does it later, or once more. --invite
insists on it: it fails where no mail would be sent.

Processing the data of a person needs their permission, or another ground that
the law of your place gives. Make sure of it before you create them.

The e-mail address is what the person signs in with, unless --user-name says
otherwise, and where links to choose a new password go. A mobile number may be
used for a second factor.

Prints the login of the new user, or the whole document with -o json and yaml.`,
		Example: `  idctl users create ada@example.com --given-name Ada --family-name Lovelace --group Engineering
  idctl users create bob@example.com --family-name Bauer --phone mobile=+41791234567 --no-invite
  idctl users create --from ada.yaml --set title=Analyst -o json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cmdutil.Usagef("%s takes one e-mail address, got %q too", cmd.CommandPath(), args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Email = args[0]
			}
			var err error
			if o.Changes, err = o.attributes.changes(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.attributes.addFlags(fs)
	fs.StringArrayVar(&o.Groups, "group", nil, "make the user a member of this `group`; may be given several times")
	fs.BoolVar(&o.Invite, "invite", false, "insist on an invitation by mail, which is the service's default")
	fs.BoolVar(&o.NoInvite, "no-invite", false, "the service sends no mail (bypassNotification)")
	fs.StringVar(&o.PasswordFile, "password-file", "", "`file` with the password, - for standard input")
	o.AddFlags(fs)
	return cmd
}

func runCreate(ctx context.Context, o *createOptions) error {
	switch {
	case o.PasswordFile == "-" && o.From == "-":
		return cmdutil.Usagef("--password-file and --from cannot both read standard input")
	case o.Invite && o.NoInvite:
		return cmdutil.Usagef("--invite and --no-invite exclude each other")
	case o.Invite && (o.PasswordFile != "" || o.attributes.Idle):
		return cmdutil.Usagef("--invite: who has a password, or is not active, is not invited")
	}
	if o.Invite {
		if err := o.mayInvite(ctx); err != nil {
			return err
		}
	}
	changes := o.Changes
	if o.Email != "" {
		if err := checkEmail(o.Email); err != nil {
			return cmdutil.Usagef("%w", err)
		}
		changes = append([]directory.Change{
			{Op: directory.OpSet, Path: `emails[type eq "work"].value`, Value: o.Email},
			{Op: directory.OpSet, Path: "userName", Value: o.Email},
		}, changes...)
	}
	if o.NoInvite {
		changes = append(changes, directory.Change{Op: directory.OpSet, Path: directory.UserURN + ":bypassNotification", Value: true})
	}
	if o.PasswordFile != "" {
		secret, err := o.Deps.ReadSecret(ctx, o.PasswordFile)
		if err != nil {
			return fmt.Errorf("--password-file: %w", err)
		}
		changes = append(changes, directory.Change{Op: directory.OpSet, Path: "password", Value: secret.Reveal()})
	}
	o.Changes = changes
	o.Complete = o.complete
	var groups provider.Resources
	var members []scim.Document
	if o.attributes.Manager != "" || len(o.Groups) > 0 {
		// Both are looked up before the user is made, but not before what is
		// wrong without asking the service was told.
		if err := o.preview(); err != nil {
			return err
		}
	}
	boss, err := o.attributes.managerChange(ctx, &o.Base)
	if err != nil {
		return err
	}
	o.Changes = append(o.Changes, boss...)
	if len(o.Groups) > 0 {
		if groups, members, err = findGroups(ctx, o.Deps, o.Groups); err != nil {
			return err
		}
		o.After = func(ctx context.Context, user scim.Document) error { return join(ctx, groups, members, user) }
	}
	return directory.RunCreate(ctx, &o.CreateOptions)
}

// mayInvite refuses where the service sends no invitations.
func (o *createOptions) mayInvite(ctx context.Context) error {
	p, err := o.Provider(ctx)
	if err != nil {
		return err
	}
	if provider.IsPlain(p) {
		return &provider.UnsupportedError{Provider: p.Name(), What: "send invitations", Instead: "create the user with --no-invite"}
	}
	return nil
}

// preview refuses a user that lacks something nobody can be asked for.
func (o *createOptions) preview() error {
	if o.Deps.IO.CanPrompt() || o.From != "" || len(o.Set) > 0 {
		return nil
	}
	doc := scim.Document{}
	for _, c := range o.Changes {
		if c.Op == directory.OpSet {
			if err := doc.Set(c.Path, c.Value); err != nil {
				return cmdutil.Usagef("%s: %w", c.Path, err)
			}
		}
	}
	for _, m := range missing(doc) {
		return &prompt.NoTerminalError{Question: m.question, Flag: m.flag}
	}
	return nil
}

// join adds the new user to its groups. The user is there already: a group
// that refuses makes the outcome a partial one.
func join(ctx context.Context, groups provider.Resources, list []scim.Document, user scim.Document) error {
	for i, g := range list {
		ops := []scim.PatchOp{{Op: "add", Path: "members", Value: []any{map[string]any{"value": user.ID(), "type": "User"}}}}
		if _, err := groups.Patch(ctx, g.ID(), ops, scim.WriteOptions{Attributes: []string{"displayName"}}); err != nil {
			return &cmdutil.PartialError{
				What: "groups", Done: i, Total: len(list),
				Err:  fmt.Errorf("user %q was created, but not added to group %q: %w", user.String("userName"), g.String("displayName"), err),
				Help: "add the rest with idctl groups members add",
			}
		}
	}
	return nil
}

// need is an attribute that a user cannot do without.
type need struct {
	question, flag, path string
	check                func(string) error
}

func missing(doc scim.Document) []need {
	var out []need
	if len(doc.Strings("emails.value")) == 0 {
		out = append(out, need{"E-mail address", "an e-mail address, as argument or --email,", `emails[type eq "work"].value`, checkEmail})
	}
	if doc.String("name.familyName") == "" {
		out = append(out, need{"Family name", "--family-name", "name.familyName", notEmpty("family name")})
	}
	return out
}

// complete asks for what the service needs and nobody said, and marks the
// primary address.
func (o *createOptions) complete(ctx context.Context, doc scim.Document) error {
	wanted := missing(doc)
	for _, m := range wanted {
		answer, err := o.Deps.Prompt.Input(ctx, prompt.Question{Text: m.question, Flag: m.flag, Check: m.check})
		if err != nil {
			return err
		}
		if err := doc.Set(m.path, strings.TrimSpace(answer)); err != nil {
			return err
		}
	}
	if len(wanted) > 0 && doc.String("name.givenName") == "" {
		answer, err := o.Deps.Prompt.Input(ctx, prompt.Question{Text: "Given name (may be empty)", Flag: "--given-name"})
		if err != nil {
			return err
		}
		if answer = strings.TrimSpace(answer); answer != "" {
			if err := doc.Set("name.givenName", answer); err != nil {
				return err
			}
		}
	}
	if doc.String("userName") == "" {
		if err := doc.Set("userName", directory.Email(doc)); err != nil {
			return err
		}
	}
	return markPrimary(doc)
}

// markPrimary makes the work address the primary one, else the home address,
// where none is marked: the service wants one, of these types.
func markPrimary(doc scim.Document) error {
	if hits, ok := doc.Get(`emails[primary eq true]`); ok && hits != nil {
		return nil
	}
	for _, kind := range []string{"work", "home"} {
		path := `emails[type eq "` + kind + `"]`
		if _, ok := doc.Get(path); ok {
			return doc.Set(path+".primary", true)
		}
	}
	return nil
}

func checkEmail(text string) error {
	text = strings.TrimSpace(text)
	if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
		return fmt.Errorf("%q is not an e-mail address", text)
	}
	return nil
}

func notEmpty(what string) func(string) error {
	return func(text string) error {
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("a %s is needed", what)
		}
		return nil
	}
}
