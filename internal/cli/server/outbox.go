package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/output"
)

func newOutboxCmd(d *cmdutil.Deps, run func(context.Context, *controlOptions) error) *cobra.Command {
	cmd, o := controlCmd(d, &cobra.Command{
		Use: "outbox", Short: "List the mails of the running server, oldest first",
		Long: `List the mails that the server made, oldest first. Links and codes in them are
masked; idctl server outbox show prints one mail as its reader sees it.`,
		Example: "  idctl server outbox\n  idctl server outbox show 9c1f0d5a4b7e4f0c8d2e6a1b3c5d7e9f",
	}, run)
	limitFlag(cmd, o)
	cmd.AddCommand(newMailCmd(d, runMail))
	return cmd
}

func runOutbox(ctx context.Context, o *controlOptions) error {
	var answer struct {
		Mails []emulator.ListedMail `json:"mails"`
	}
	if err := o.fetch(ctx, "/outbox", &answer); err != nil {
		return err
	}
	return output.New(o.Output, output.Spec[emulator.ListedMail]{
		Columns: []output.Column[emulator.ListedMail]{
			{Name: "Id", Get: func(m *emulator.ListedMail) string { return m.ID }},
			{Name: "Created", Get: func(m *emulator.ListedMail) string { return m.Created.Format(time.RFC3339) }},
			{Name: "To", Get: func(m *emulator.ListedMail) string { return strings.Join(m.To, ", ") }},
			{Name: "Template", Get: func(m *emulator.ListedMail) string { return m.Template }},
			{Name: "Delivery", Get: (*emulator.ListedMail).DeliveryState},
			{Name: "Language", Wide: true, Get: func(m *emulator.ListedMail) string { return m.Language }},
		},
		Key: func(m *emulator.ListedMail) string { return m.ID },
	}).List(o.IO, answer.Mails)
}

type mailOptions struct {
	*cmdutil.Deps
	ReadyFile string
	ID        string
	Language  string
}

func newMailCmd(d *cmdutil.Deps, run func(context.Context, *mailOptions) error) *cobra.Command {
	o := &mailOptions{Deps: d}
	cmd := &cobra.Command{
		Use: "show <id>", Short: "Print one mail of the running server", Args: cmdutil.One("id"),
		Long: `Print one mail as its reader sees it, with the links and codes that it holds, in
the language of the user or in another one. The id is in idctl server outbox;
last is the newest mail.`,
		Example: "  idctl server outbox show last\n  idctl server outbox show 9c1f0d5a4b7e4f0c8d2e6a1b3c5d7e9f --language de",
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Language != "" && mail.Match(o.Language) == "" {
				return cmdutil.Usagef("--language must be one of %s, not %q", strings.Join(mail.Languages(), ", "), o.Language)
			}
			o.ID = args[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Language, "language", "", "show the mail in `LANGUAGE` ("+strings.Join(mail.Languages(), ", ")+") instead of the user's")
	readyFlag(cmd.Flags(), &o.ReadyFile)
	return cmd
}

// newestMail is the word for the last mail.
const newestMail = "last"

func runMail(ctx context.Context, o *mailOptions) error {
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	id := o.ID
	if id == newestMail {
		if id, err = c.lastMail(ctx); err != nil {
			return err
		}
	}
	path := "/outbox/" + url.PathEscape(id)
	if o.Language != "" {
		path += "?" + url.Values{"language": {o.Language}}.Encode()
	}
	var m emulator.RenderedMail
	if err := c.do(ctx, http.MethodGet, path, nil, &m); err != nil {
		return err
	}
	if (o.Output.Format == output.Table || o.Output.Format == "") && !o.Output.Structured() && len(o.Output.Fields) == 0 {
		text := fmt.Sprintf("To: %s\nSubject: %s\nDate: %s\n\n%s", strings.Join(m.To, ", "), m.Subject, m.Created.Format(time.RFC1123Z), m.Text)
		if _, err := io.WriteString(o.IO.Out, text); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return nil
	}
	return output.New(o.Output, output.Spec[emulator.RenderedMail]{
		Columns: []output.Column[emulator.RenderedMail]{
			{Name: "Id", Get: func(m *emulator.RenderedMail) string { return m.ID }},
			{Name: "To", Get: func(m *emulator.RenderedMail) string { return strings.Join(m.To, ", ") }},
			{Name: "Template", Get: func(m *emulator.RenderedMail) string { return m.Template }},
			{Name: "Language", Get: func(m *emulator.RenderedMail) string { return m.Language }},
			{Name: "Subject", Get: func(m *emulator.RenderedMail) string { return m.Subject }},
			{Name: "Link", Wide: true, Get: func(m *emulator.RenderedMail) string { return m.Link }},
		},
		Key: func(m *emulator.RenderedMail) string { return m.ID },
	}).One(o.IO, &m)
}

// lastMail finds the newest mail.
func (c *control) lastMail(ctx context.Context) (string, error) {
	var answer struct {
		Mails []engine.Mail `json:"mails"`
	}
	if err := c.do(ctx, http.MethodGet, "/outbox", nil, &answer); err != nil {
		return "", err
	}
	if len(answer.Mails) == 0 {
		return "", fmt.Errorf("the outbox of the server at %s is empty", c.ready.URL)
	}
	return answer.Mails[len(answer.Mails)-1].ID, nil
}
