package users

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

type historyOptions struct {
	directory.Base
	Print output.Printer[scim.Document]
	User  string
	Limit int
}

func newHistoryCmd(d *cmdutil.Deps, run func(context.Context, *historyOptions) error) *cobra.Command {
	columns := historyColumns(d)
	o := &historyOptions{Base: directory.Base{Deps: d, Kind: directory.Users()}, Print: output.New(d.Output, output.Spec[scim.Document]{
		Columns: columns, Key: func(e *scim.Document) string { return e.ID() }, KnownPath: output.AnyPath,
	})}
	cmd := &cobra.Command{
		Use: "history <user>", Short: "Show what happened to a user, newest first",
		Long: "Show what happened to a user, newest first, as the service's audit events tell it: what was done to\n" +
			"them, and what they did themselves. Services keep these for a limited time, and identity domains may\n" +
			"have moved newer ones to the audit service of the cloud.",
		Example: "  idctl users history ada@example.com\n  idctl users history ada@example.com --limit 0 -o jsonl > ada.jsonl",
		Args:    cmdutil.One("user"), Annotations: cmdutil.Columns(output.FieldNames(columns)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.User = args[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.Limit, "limit", 50, "at most this many events, 0 for all")
	return cmd
}

func historyColumns(d *cmdutil.Deps) []output.Column[scim.Document] {
	text := func(path string) func(*scim.Document) string {
		return func(e *scim.Document) string { return e.String(path) }
	}
	return []output.Column[scim.Document]{
		{Name: "Time", Path: "timestamp", Get: directory.DateOf(d, "timestamp")},
		{
			Name: "Event", Path: "eventId", Get: text("eventId"),
			Paint: func(e *scim.Document) output.Colour {
				if strings.HasSuffix(e.String("eventId"), ".failure") {
					return output.Red
				}
				return output.Plain
			},
		},
		{Name: "By", Path: "actorName", Get: func(e *scim.Document) string {
			if s := e.String("actorDisplayName"); s != "" {
				return s
			}
			return e.String("actorName")
		}},
		{Name: "Message", Path: "message", Get: text("message")},
		{Name: "On", Path: "adminResourceName", Wide: true, Get: text("adminResourceName")},
		{Name: "Added", Path: "adminValuesAdded", Wide: true, Get: text("adminValuesAdded")},
		{Name: "Removed", Path: "adminValuesRemoved", Wide: true, Get: text("adminValuesRemoved")},
		{Name: "Client IP", Path: "clientIp", Wide: true, Get: text("clientIp")},
		{Name: "ID", Path: "id", Wide: true, Get: text("id")},
	}
}

func runHistory(ctx context.Context, o *historyOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	if o.Limit < 0 || o.Limit > maxEvents {
		return cmdutil.Usagef("--limit must be from 0 to %d", maxEvents)
	}
	l, err := lifeCycle(ctx, o.Deps)
	if err != nil {
		return err
	}
	r, err := o.Resources(ctx)
	if err != nil {
		return err
	}
	u, err := o.FindOne(ctx, r, o.User, scim.ListOptions{})
	if err != nil {
		return fmt.Errorf("history of %w", err)
	}
	more := o.Limit
	if more > 0 {
		more++ // one more says whether the list is cut
	}
	cut := false
	_, err = o.Print.Stream(o.Deps.IO, func(yield func(scim.Document, error) bool) {
		n := 0
		for e, err := range l.History(ctx, u, provider.HistoryOptions{Limit: more}) {
			if n++; err == nil && o.Limit > 0 && n > o.Limit {
				cut = true
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("history of user %q: %w", o.User, err)
	}
	if cut {
		return o.Deps.Note("the newest %d events, --limit 0 shows all", o.Limit)
	}
	return nil
}

// maxEvents is the largest page of the service, less the one that tells
// whether there are more.
const maxEvents = 999
