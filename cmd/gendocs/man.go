package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// manDate stands at the foot of every page. It is fixed: a page changes when
// the command does, not with the day on which it was made.
func manDate() *time.Time {
	d := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	return &d
}

// manPages renders the manual page of every command below root. The tree is
// changed on the way and of no other use afterwards.
func manPages(root *cobra.Command, files map[string][]byte) error {
	escape(root)
	return eachManPage(root, files)
}

// escape turns the plain texts of a tree into the Markdown that Cobra makes
// pages of.
func escape(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	cmd.Short, cmd.Long = literal(cmd.Short), paragraphs(cmd.Long)
	word, rest, _ := strings.Cut(cmd.Use, " ")
	cmd.Use = strings.TrimSpace(word + " " + literal(rest))
	usage := func(f *pflag.Flag) {
		parts := strings.Split(f.Usage, "`")
		for i, part := range parts {
			parts[i] = literal(part)
			if i%2 == 1 {
				parts[i] = "*" + parts[i] + "*"
			}
		}
		f.Usage = strings.Join(parts, "")
	}
	cmd.LocalNonPersistentFlags().VisitAll(usage)
	cmd.PersistentFlags().VisitAll(usage)
	for _, sub := range cmd.Commands() {
		escape(sub)
	}
}

func eachManPage(cmd *cobra.Command, files map[string][]byte) error {
	if cmd.Parent() != nil && (!cmd.IsAvailableCommand() || cmd.IsAdditionalHelpTopicCommand()) {
		return nil
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	header := &doc.GenManHeader{
		Title: strings.ToUpper(name), Section: "1", Date: manDate(), Source: "idctl", Manual: "idctl manual",
	}
	var buf bytes.Buffer
	if err := doc.GenMan(cmd, header, &buf); err != nil {
		return fmt.Errorf("manual page of %s: %w", cmd.CommandPath(), err)
	}
	files["docs/man/"+name+".1"] = buf.Bytes()
	for _, sub := range cmd.Commands() {
		if err := eachManPage(sub, files); err != nil {
			return err
		}
	}
	return nil
}

// literal is a text in Markdown that is shown as it is: <user> is no HTML and
// --a_b_c holds no emphasis.
func literal(s string) string {
	return strings.NewReplacer(`\`, `\\`, "<", `\<`, ">", `\>`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`).Replace(s)
}

// paragraphs keeps the lines of tables, which help texts indent, and lets the
// others flow.
func paragraphs(long string) string {
	var b strings.Builder
	inside := false
	for line := range strings.SplitSeq(long, "\n") {
		if table := strings.HasPrefix(line, "  "); table != inside {
			if !inside {
				b.WriteString("\n")
			}
			b.WriteString("```\n")
			inside = table
		}
		if !inside {
			line = literal(line)
		}
		b.WriteString(line + "\n")
	}
	if inside {
		b.WriteString("```\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
