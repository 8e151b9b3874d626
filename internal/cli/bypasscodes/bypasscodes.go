// Package bypasscodes holds the commands on bypass codes: what the help desk
// gives to somebody who has lost a second factor. A code is a secret. It is
// handed out once, when it is made; what lists and shows codes leaves the
// digits out unless they are asked for.
package bypasscodes

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/acting"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// New makes the command bypass-codes.
func New(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "bypass-codes", Aliases: []string{"bypass-code"}, Short: "Manage bypass codes, which stand in for a second factor",
		Long: "Manage bypass codes, which stand in for a second factor that is lost or not at hand. A code is made\n" +
			"for a user who has a second factor, and works once or a few times, for a limited time.",
		Example: "  idctl bypass-codes generate ada@example.com\n" +
			"  idctl bypass-codes list ada@example.com\n" +
			"  idctl bypass-codes delete 2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d --yes",
	})
	s := &shown{}
	list := directory.NewOwnedList(d, kind(s), provider.BypassCodes, true, directory.RunOwnedList)
	get := directory.NewGet(d, kind(s), directory.RunGet)
	for _, c := range []*cobra.Command{list, get} {
		c.Flags().BoolVar(&s.on, "show", false, "show the codes themselves, too")
	}
	cmd.AddCommand(
		acting.New(d, generateVerb(d), acting.Run),
		list,
		get,
		directory.NewDelete(d, kind(nil), directory.RunDelete),
		acting.New(d, notifyVerb(), acting.Run),
	)
	return cmd
}

// shown says whether digits are shown.
type shown struct{ on bool }

// hidden stands in place of the digits of a code.
const hidden = "************"

func (s *shown) hide(doc scim.Document) scim.Document {
	if s != nil && s.on || doc.String("code") == "" {
		return doc
	}
	out := doc.Clone()
	out["code"] = hidden
	return out
}

// kind is that of bypass codes.
func kind(s *shown) directory.Kind {
	return directory.Owned(directory.Kind{
		Noun: "bypass code", Plural: "bypass codes", Command: "bypass-codes", Example: "2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d",
		Columns: columns, Card: card,
	}, provider.BypassCodes, s.hide)
}

func user(d scim.Document) string {
	for _, path := range []string{"user.name", "user.display", "user.value"} {
		if s := d.String(path); s != "" {
			return s
		}
	}
	return ""
}

// uses is "1 of 5".
func uses(d scim.Document) string {
	used, known := d.Int("actualUsageCount")
	limit, bounded := d.Int("maxUsageCount")
	switch {
	case known && bounded:
		return strconv.FormatInt(used, 10) + " of " + strconv.FormatInt(limit, 10)
	case bounded:
		return "at most " + strconv.FormatInt(limit, 10)
	case known:
		return strconv.FormatInt(used, 10)
	}
	return ""
}

func columns(d *cmdutil.Deps) []output.Column[scim.Document] {
	text := func(path string) func(*scim.Document) string {
		return func(c *scim.Document) string { return c.String(path) }
	}
	return []output.Column[scim.Document]{
		{Name: "ID", Path: "id", Get: text("id")},
		{Name: "User", Get: func(c *scim.Document) string { return user(*c) }},
		{Name: "Code", Path: "code", Get: text("code")},
		{Name: "Uses", Get: func(c *scim.Document) string { return uses(*c) }},
		{Name: "Expires", Path: "expiresOn", Get: directory.DateOf(d, "expiresOn")},
		{Name: "Created", Path: "meta.created", Get: directory.DateOf(d, "meta.created")},
		{Name: "User ID", Path: "user.value", Wide: true, Get: text("user.value")},
		{Name: "Made by", Path: "idcsCreatedBy.display", Wide: true, Get: text("idcsCreatedBy.display")},
	}
}

func card(d *cmdutil.Deps) []directory.Line {
	date := func(path string) func(scim.Document) string {
		f := directory.DateOf(d, path)
		return func(doc scim.Document) string { return f(&doc) }
	}
	return []directory.Line{
		{Name: "ID", Path: "id"},
		{Name: "User", Get: user, Paths: []string{"user.name", "user.display", "user.value"}},
		{Name: "Code", Path: "code"},
		{Name: "Uses", Get: uses, Paths: []string{"actualUsageCount", "maxUsageCount"}},
		{Name: "Expires", Get: date("expiresOn"), Paths: []string{"expiresOn"}},
		{Name: "Created", Get: date("meta.created"), Paths: []string{"meta.created"}},
		{Name: "Made by", Path: "idcsCreatedBy.display"},
	}
}

// plural is "1 bypass code" or "3 bypass codes".
func plural(n int) string {
	if n == 1 {
		return "1 bypass code"
	}
	return strings.Join([]string{strconv.Itoa(n), "bypass codes"}, " ")
}
