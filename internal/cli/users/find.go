package users

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

type userNameOptions struct {
	*cmdutil.Deps
	Email string
}

func newUserNameCmd(d *cmdutil.Deps, run func(context.Context, *userNameOptions) error) *cobra.Command {
	o := &userNameOptions{Deps: d}
	return &cobra.Command{
		Use: "generate-username <email>", Aliases: []string{"generate-user-name"}, Short: "Suggest a login that is free",
		Long:    "Suggest a login that is free, made of an e-mail address. It is not reserved.",
		Example: "  idctl users generate-username ada@example.com", Args: cmdutil.One("email"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Email = args[0]
			return run(cmd.Context(), o)
		},
	}
}

func runUserName(ctx context.Context, o *userNameOptions) error {
	if err := checkEmail(o.Email); err != nil {
		return cmdutil.Usagef("%w", err)
	}
	l, err := lifeCycle(ctx, o.Deps)
	if err != nil {
		return err
	}
	name, err := l.SuggestUserName(ctx, o.Email)
	if err != nil {
		return fmt.Errorf("suggest a login: %w", err)
	}
	type suggestion struct {
		UserName string `json:"userName"`
	}
	return output.New(o.Output, output.Spec[suggestion]{
		Columns: []output.Column[suggestion]{{Name: "Login", Path: "userName", Get: func(s *suggestion) string { return s.UserName }}},
		Key:     func(s *suggestion) string { return s.UserName },
	}).One(o.IO, &suggestion{name})
}

func lifeCycle(ctx context.Context, d *cmdutil.Deps) (provider.LifeCycle, error) {
	p, err := d.Provider(ctx)
	if err != nil {
		return nil, err
	}
	return provider.LifeCycleOf(p)
}

type assertOptions struct {
	directory.Base
	Print       output.Printer[scim.Document]
	Value       string
	Attribute   string
	Memberships bool
}

func newAssertCmd(d *cmdutil.Deps, run func(context.Context, *assertOptions) error) *cobra.Command {
	k := directory.Users()
	o := &assertOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	cmd := &cobra.Command{
		Use: "assert <value>", Short: "Find the user whom an identity provider's assertion means",
		Long: "Find the one user whom an assertion of an identity provider means: the service looks an attribute up\n" +
			"as it does at a sign-in, and says whether that user may come in.",
		Example: "  idctl users assert ada@example.com\n  idctl users assert ada@example.com --attribute emails.value --memberships -o json",
		Args:    cmdutil.One("value"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Value = args[0]
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Attribute, "attribute", "userName", "`attribute` that the value is of")
	fs.BoolVar(&o.Memberships, "memberships", false, "ask for groups and roles, too")
	return cmd
}

func runAssert(ctx context.Context, o *assertOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	l, err := lifeCycle(ctx, o.Deps)
	if err != nil {
		return err
	}
	doc, err := l.Assert(ctx, o.Kind.Expand(o.Attribute), o.Value, o.Memberships)
	if err != nil {
		return fmt.Errorf("assert %s %q: %w", o.Attribute, o.Value, err)
	}
	return o.PrintDocument(o.Print, doc)
}
