// Package docs holds the command that shows the documentation inside the
// program. The texts are the embedding package's; here they are chosen, made
// readable on a terminal and handed to a pager.
package docs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"
	"github.com/spf13/cobra"

	pages "github.com/idctl/idctl/docs"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
)

// The forms of a page.
const (
	asText     = "text"
	asMarkdown = "md"
	asMan      = "man"
)

type options struct {
	Deps   *cmdutil.Deps
	Print  output.Printer[pages.Topic]
	Words  []string
	Format string
}

// New makes the command docs.
func New(d *cmdutil.Deps) *cobra.Command { return newCmd(d, run) }

func newCmd(d *cmdutil.Deps, run func(context.Context, *options) error) *cobra.Command {
	o := &options{Deps: d, Print: output.New(d.Output, output.Spec[pages.Topic]{
		Columns: []output.Column[pages.Topic]{
			{Name: "Topic", Path: "topic", Get: func(t *pages.Topic) string { return t.Name }},
			{Name: "Title", Path: "title", Get: func(t *pages.Topic) string { return t.Title }},
		},
		Key: func(t *pages.Topic) string { return t.Name },
	})}
	cmd := &cobra.Command{
		Use: "docs [topic]...", Aliases: []string{"doc"}, Short: "Read the guides and the pages of commands",
		Long: "Show a guide, or the page of a command, from inside the program; without a topic list what\n" +
			"there is. On a terminal the text goes through the program that PAGER names. A word that is\n" +
			"both, such as import, is the guide: idctl docs idctl import is the command.",
		Example:           "  idctl docs\n  idctl docs import\n  idctl docs users list\n  idctl docs users list --format man | man -l -",
		Args:              cobra.ArbitraryArgs,
		Annotations:       cmdutil.Columns(o.Print.FieldNames()),
		ValidArgsFunction: completeTopic,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Words = args
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Format, "format", asText, "`form` of the page: text, md or man")
	err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{asText, asMarkdown, asMan}, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag was made two lines above
	}
	return cmd
}

func run(ctx context.Context, o *options) error {
	topics, err := pages.Topics()
	if err != nil {
		return err
	}
	if len(o.Words) == 0 {
		return o.Print.List(o.Deps.IO, topics)
	}
	topic, err := find(topics, o.Words)
	if err != nil {
		return err
	}
	var text string
	switch o.Format {
	case asText:
		if text, err = pages.Markdown(topic); err == nil {
			text = plain(text)
		}
	case asMarkdown:
		text, err = pages.Markdown(topic)
	case asMan:
		text, err = pages.Man(topic)
	default:
		return cmdutil.Usagef("--format %q is not text, md or man", o.Format)
	}
	if errors.Is(err, pages.ErrNoPage) {
		return cmdutil.Usagef("%s is a guide and has no manual page", topic).WithHint("use --format md")
	}
	if err != nil {
		return err
	}
	if o.Deps.IO.OutTerminal && o.Format == asText {
		return page(ctx, o.Deps, text)
	}
	return show(o.Deps, text)
}

func show(d *cmdutil.Deps, text string) error {
	if _, err := io.WriteString(d.IO.Out, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// find is the topic that words mean: a guide, else a command with or without
// the program's name in front.
func find(topics []pages.Topic, words []string) (string, error) {
	name := strings.ToLower(strings.Join(words, " "))
	has := func(name string) bool {
		return slices.ContainsFunc(topics, func(t pages.Topic) bool { return t.Name == name })
	}
	for _, candidate := range []string{name, strings.TrimSuffix(name, ".md"), "idctl " + name} {
		if has(candidate) {
			return candidate, nil
		}
	}
	var names []string
	for _, t := range topics {
		if n := strings.TrimPrefix(t.Name, "idctl "); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	err := cmdutil.Usagef("there is no page about %q", strings.Join(words, " "))
	if similar := cmdutil.Similar(name, names); len(similar) > 0 {
		return "", err.WithHint("did you mean %s?", strings.Join(similar, " or "))
	}
	return "", err.WithHint("idctl docs lists them")
}

// page shows a text with the person's pager, or as it is where there is none.
func page(ctx context.Context, d *cmdutil.Deps, text string) error {
	argv := pager(d)
	if len(argv) == 0 {
		return show(d, text)
	}
	// Ctrl-C is the pager's: less stops a search with it and goes on.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...) //nolint:gosec // the person's own choice
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), d.IO.Out, d.IO.ErrOut
	if err := cmd.Start(); err != nil {
		d.Log.InfoContext(ctx, "the pager cannot be started", "pager", argv[0], "error", err)
		return show(d, text)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("show with %s: %w", argv[0], err)
	}
	return nil // how a pager ends says nothing
}

// pager is the command that shows long texts; empty for none.
func pager(d *cmdutil.Deps) []string {
	value, _ := d.Env("PAGER")
	if value == "" {
		if _, err := exec.LookPath("less"); err != nil {
			return nil
		}
		return []string{"less", "-FRX"}
	}
	argv, err := shellquote.Split(value)
	if err != nil || len(argv) == 0 || argv[0] == "cat" {
		return nil
	}
	return argv
}

// completeTopic completes the next word of a topic.
func completeTopic(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	topics, err := pages.Topics()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, t := range topics {
		words := strings.Fields(strings.TrimPrefix(t.Name, "idctl "))
		if len(words) <= len(args) || !slices.Equal(words[:len(args)], args) {
			continue
		}
		word := words[len(args)]
		if strings.HasPrefix(word, strings.ToLower(typed)) && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
