package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// passwordInput is where a password comes from.
type passwordInput struct {
	File string
	read auth.Secret
}

func (p *passwordInput) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&p.File, "password-file", "", "`file` with the password, - for standard input; it is asked for without")
}

// get reads the password, once. twice asks for it again, since nobody sees
// what is typed.
func (p *passwordInput) get(ctx context.Context, d *cmdutil.Deps, twice bool) (auth.Secret, error) {
	if p.read != "" {
		return p.read, nil
	}
	if p.File != "" {
		secret, err := d.ReadSecret(ctx, p.File)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		p.read = secret
		return secret, nil
	}
	q := prompt.Question{Text: "Password", Flag: "--password-file", Check: notEmpty("password")}
	text, err := d.Prompt.Secret(ctx, q)
	if err != nil {
		return "", err
	}
	if twice {
		again, err := d.Prompt.Secret(ctx, prompt.Question{Text: "Password again", Flag: "--password-file"})
		if err != nil {
			return "", err
		}
		if again != text {
			return "", cmdutil.Usagef("the two passwords differ, nothing was changed")
		}
	}
	p.read = auth.Secret(text)
	return p.read, nil
}

func setPasswordVerb(d *cmdutil.Deps) acting.Verb {
	in := &passwordInput{}
	hand := &acting.Handout{What: "password", Columns: []string{"password"}}
	s := &self{}
	var generate, noMail bool
	return acting.Verb{
		Kind: directory.Users(), Name: "set-password", Say: "set the password of", Told: "set the password of", Short: "Set a known password",
		Long: "Set a known password, from a file, standard input or a question on the terminal. With --generate the\n" +
			"service suggests one to each user that their policy allows; it is handed out once, to the terminal,\n" +
			"a private file or encrypted, and cannot be read again.\n\n" +
			"Where a mail with a link will do, use users reset-password: nobody but the user then knows the\n" +
			"password.",
		Examples: []string{
			"ada@example.com", "ada@example.com --password-file - < password.txt", "ada@example.com --generate",
			"- --generate --recipient age1... --out passwords.age --yes < users.txt",
		},
		AddFlags: func(fs *pflag.FlagSet) {
			in.addFlags(fs)
			fs.BoolVar(&generate, "generate", false, "let the service suggest a password, and hand it out")
			hand.AddFlags(fs)
			fs.BoolVar(&noMail, "no-mail", false, "do not tell the user by mail")
			s.addFlags(fs)
		},
		Confirm: false,
		Variant: func() string { return fmt.Sprintf("generate=%t no-mail=%t %s", generate, noMail, s.variant()) },
		Check: func(o *acting.Options) error {
			switch {
			case generate && in.File != "":
				return cmdutil.Usagef("--generate and --password-file exclude each other")
			case !generate && (hand.Out != "" || len(hand.Recipients) > 0):
				return cmdutil.Usagef("--out and --recipient need --generate")
			case in.File == "-" && has(o.Keys, "-"):
				return cmdutil.Usagef("names and the password cannot both come from standard input")
			case generate && !o.DryRun && !o.Explain:
				return hand.Check(d)
			}
			return nil
		},
		Open: func(_ context.Context, _ *acting.Options, many bool) (acting.Outlet, error) {
			if !generate {
				return nil, nil //nolint:nilnil // there is nothing to hand out
			}
			return hand.Open(d, many)
		},
		Make: func(ctx context.Context, p provider.Provider, o *acting.Options) (acts.Act, error) {
			l, err := provider.LifeCycleOf(p)
			if err == nil && generate {
				err = provider.Refusal(l, "generate-password")
			}
			if err != nil {
				return acts.Act{}, err
			}
			if !generate && !o.DryRun {
				if _, err := in.get(ctx, d, true); err != nil {
					return acts.Act{}, err
				}
			}
			return acts.Act{
				Name: "set-password", Past: "set", Repeat: journal.Repeatable, Needs: lifecycle.Attributes(),
				Do: func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
					password := in.read
					if generate {
						var err error
						if password, err = l.GeneratePassword(ctx, t.ID()); err != nil {
							return nil, err
						}
					}
					err := l.SetPassword(ctx, t.ID(), password, provider.ResetOptions{ActOptions: provider.ActOptions{Self: s.On}, Quiet: noMail})
					if err != nil || !generate {
						return nil, s.explain(err)
					}
					return acting.Secrets{password}, nil
				},
			}, nil
		},
	}
}

func has(list []string, word string) bool {
	for _, s := range list {
		if s == word {
			return true
		}
	}
	return false
}

func generatePasswordVerb(d *cmdutil.Deps) acting.Verb {
	hand := &acting.Handout{What: "password", Columns: []string{"password"}}
	return acting.Verb{
		Kind: directory.Users(), Name: "generate-password", Say: "suggest a password for", Told: "suggested a password for", Short: "Suggest a password that a user's policy allows",
		Long: "Suggest a password that a user's policy allows. Nothing is set; users set-password --generate\n" +
			"suggests and sets one.",
		AddFlags: hand.AddFlags,
		Check: func(o *acting.Options) error {
			if o.DryRun || o.Explain {
				return nil
			}
			return hand.Check(d)
		},
		Open: func(_ context.Context, _ *acting.Options, many bool) (acting.Outlet, error) {
			return hand.Open(d, many)
		},
		Make: func(_ context.Context, p provider.Provider, _ *acting.Options) (acts.Act, error) {
			l, err := provider.LifeCycleOf(p)
			if err == nil {
				err = provider.Refusal(l, "generate-password")
			}
			if err != nil {
				return acts.Act{}, err
			}
			return acts.Act{
				Name: "generate-password", Past: "suggested", Repeat: journal.Repeatable,
				Do: func(ctx context.Context, t *acts.Target, _ string) (acts.Product, error) {
					password, err := l.GeneratePassword(ctx, t.ID())
					if err != nil {
						return nil, err
					}
					return acting.Secrets{password}, nil
				},
			}, nil
		},
	}
}

type checkOptions struct {
	*cmdutil.Deps
	User     string
	Password passwordInput
	Names    provider.PasswordCheck
}

func newCheckPasswordCmd(d *cmdutil.Deps, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "check-password [<user>]", Short: "Hold a password against the policy",
		Long: "Hold a password against the policy of a user, or of a user to be who has the names that are given.\n" +
			"Nothing is set. Every rule that the password breaks is named; the exit code is then 1.",
		Example: "  idctl users check-password ada@example.com\n" +
			"  idctl users check-password ada@example.com --password-file - < password.txt\n" +
			"  idctl users check-password --user-name bob --family-name Bauer --password-file password.txt",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cmdutil.Usagef("%s takes one user, got %q too", cmd.CommandPath(), args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.User = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	o.Password.addFlags(fs)
	fs.StringVar(&o.Names.UserName, "user-name", "", "login of a user to be")
	fs.StringVar(&o.Names.GivenName, "given-name", "", "given name of a user to be")
	fs.StringVar(&o.Names.FamilyName, "family-name", "", "family name of a user to be")
	return cmd
}

func runCheckPassword(ctx context.Context, o *checkOptions) error {
	check := o.Names
	if o.User != "" && (check.UserName != "" || check.GivenName != "" || check.FamilyName != "") {
		return cmdutil.Usagef("name a user, or give the names of a user to be, not both")
	}
	password, err := o.Password.get(ctx, o.Deps, false)
	if err != nil {
		return err
	}
	check.Password = password
	p, err := o.Provider(ctx)
	if err != nil {
		return err
	}
	l, err := provider.LifeCycleOf(p)
	if err != nil {
		return err
	}
	if o.User != "" {
		b := &directory.Base{Deps: o.Deps, Kind: directory.Users()}
		u, err := b.FindOne(ctx, p.Users(), o.User, scim.ListOptions{})
		if err != nil {
			return fmt.Errorf("check a password for %w", err)
		}
		check.ID = u.ID()
	}
	err = l.CheckPassword(ctx, check)
	var broken *provider.PasswordError
	if errors.As(err, &broken) {
		for _, r := range broken.Rules {
			text := r.Text
			switch {
			case text == "":
				text = r.Name
			case r.Name != "":
				text += " (" + r.Name + ")"
			}
			if err := directory.Note(o.Deps, "%s", text); err != nil {
				return err
			}
		}
		return broken
	}
	if err != nil {
		return fmt.Errorf("check a password: %w", err)
	}
	return o.Note("the password is allowed")
}
