package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
)

// templateOptions are what the commands on templates need.
type templateOptions struct {
	Deps     *cmdutil.Deps
	Print    output.Printer[mail.Template]
	Kinds    []string
	Language string
	BuiltIn  bool
}

// NewMailTemplates makes the command mail-templates.
func NewMailTemplates(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "mail-templates", Aliases: []string{"mail-template"}, Short: "Show the templates of mails to users",
		Long: "Show the templates of the mails that the built-in domain sends, by language. Identity domains have no\n" +
			"published resource for theirs: they are in the console, under Notifications. --built-in shows those\n" +
			"of the built-in domain whatever the profile is.",
		Example: "  idctl mail-templates list --profile local\n  idctl mail-templates show welcome --language de --built-in",
	})
	cmd.AddCommand(newTemplatesListCmd(d, runTemplatesList), newTemplatesShowCmd(d, runTemplatesShow))
	return cmd
}

func newTemplateOptions(d *cmdutil.Deps) *templateOptions {
	return &templateOptions{Deps: d, Print: output.New(d.Output, output.Spec[mail.Template]{
		Columns: []output.Column[mail.Template]{
			{Name: "Kind", Path: "kind", Get: func(t *mail.Template) string { return t.Kind }},
			{Name: "Language", Path: "language", Get: func(t *mail.Template) string { return t.Language }},
			{Name: "Subject", Path: "subject", Get: func(t *mail.Template) string { return t.Subject }},
			{Name: "Text", Path: "text", Wide: true, Get: func(t *mail.Template) string { return strings.Join(t.Text, " ") }},
		},
		Key: func(t *mail.Template) string { return t.Kind },
	})}
}

func (o *templateOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.Language, "language", "", "language `tag`, such as de; one of "+strings.Join(mail.Languages(), ", "))
	cmd.Flags().BoolVar(&o.BuiltIn, "built-in", false, "those of the built-in domain, whatever the profile is")
}

func newTemplatesListCmd(d *cmdutil.Deps, run func(context.Context, *templateOptions) error) *cobra.Command {
	o := newTemplateOptions(d)
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the templates",
		Example: "  idctl mail-templates list --built-in\n  idctl mail-templates list --built-in --language fr -o csv",
		Args:    cmdutil.NoArgs, Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	o.flags(cmd)
	return cmd
}

func newTemplatesShowCmd(d *cmdutil.Deps, run func(context.Context, *templateOptions) error) *cobra.Command {
	o := newTemplateOptions(d)
	cmd := &cobra.Command{
		Use: "show <kind>...", Aliases: []string{"get"}, Short: "Show templates in words",
		Long:    "Show templates in words, with the placeholders that a mail fills in.",
		Example: "  idctl mail-templates show welcome --built-in\n  idctl mail-templates show bypass-code --language it --built-in -o yaml",
		Args:    cmdutil.AtLeast(1, "kind"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Kinds = args
			return run(cmd.Context(), o)
		},
	}
	o.flags(cmd)
	return cmd
}

// templates are those of the built-in domain, where that is meant.
func (o *templateOptions) templates(ctx context.Context) (*mail.Templates, error) {
	if o.Language != "" && mail.Match(o.Language) == "" {
		return nil, cmdutil.Usagef("--language: there are no templates in %q", o.Language).
			WithHint("there are %s", strings.Join(mail.Languages(), ", "))
	}
	if o.BuiltIn {
		return mail.New(), nil
	}
	profile, err := o.Deps.Profile()
	if err != nil {
		return nil, err
	}
	if profile.URL == "" { // the built-in domain has none
		return mail.New(), nil
	}
	p, err := o.Deps.Provider(ctx)
	if err != nil {
		return nil, err
	}
	return nil, &provider.UnsupportedError{
		Provider: p.Name(), What: "show the templates of mails: no resource for them is published",
		Instead: "the console has them, under Notifications\n" +
			"idctl resources get NotificationSetting shows which mails go out; --built-in shows those of the built-in domain",
	}
}

func runTemplatesList(ctx context.Context, o *templateOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	t, err := o.templates(ctx)
	if err != nil {
		return err
	}
	kinds, err := t.Kinds()
	if err != nil {
		return err
	}
	var list []mail.Template
	for _, kind := range kinds {
		one, err := t.Show(kind, o.Language)
		if err != nil {
			return err
		}
		list = append(list, one)
	}
	return o.Print.List(o.Deps.IO, list)
}

func runTemplatesShow(ctx context.Context, o *templateOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	t, err := o.templates(ctx)
	if err != nil {
		return err
	}
	var list []mail.Template
	for _, kind := range o.Kinds {
		one, err := t.Show(kind, o.Language)
		if errors.Is(err, mail.ErrKind) {
			return &cmdutil.NotFoundError{What: "template", Name: kind, Help: "idctl mail-templates list shows them"}
		}
		if err != nil {
			return err
		}
		list = append(list, one)
	}
	if !directory.Tabular(o.Deps.Output.Format) || len(o.Deps.Output.Fields) > 0 {
		if len(list) == 1 {
			return o.Print.One(o.Deps.IO, &list[0])
		}
		return o.Print.List(o.Deps.IO, list)
	}
	var b strings.Builder
	for i, m := range list {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s (%s)\n\n%s\n\n%s\n", m.Kind, m.Language, m.Subject, m.Greeting)
		for _, p := range slices.Concat(m.Text, []string{m.Action}, m.After, []string{m.Closing}) {
			if p != "" {
				b.WriteString(p + "\n")
			}
		}
	}
	if _, err := o.Deps.IO.Out.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
