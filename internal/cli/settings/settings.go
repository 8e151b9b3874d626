// Package settings holds the commands on settings of a domain that decide how
// users sign in: password policies, second factors, security questions, and
// the templates of mails.
package settings

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/pkg/scim"
)

// NewMFA makes the command mfa.
func NewMFA(d *cmdutil.Deps) *cobra.Command {
	cmd := cmdutil.Group(&cobra.Command{
		Use: "mfa", Short: "Show and change the settings of second factors",
		Long: "Show and change the settings of second factors: which methods users may register, how long bypass\n" +
			"codes work, how many devices a user may have. The factors of users are idctl users factors.",
		Example: "  idctl mfa settings get\n  idctl mfa settings update --set smsEnabled=true",
	})
	cmd.AddCommand(directory.NewSettings(d, directory.Kind{
		Noun: "settings of second factors", Plural: "settings of second factors", Command: "mfa settings",
		Open: directory.OfType("AuthenticationFactorSetting", "tell the settings of second factors"),
	}, "Show and change the settings of second factors", "smsEnabled=true"))
	return cmd
}

// NewSecurityQuestions makes the command security-questions.
func NewSecurityQuestions(d *cmdutil.Deps) *cobra.Command {
	k := questionKind()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "security-questions", Aliases: []string{"security-question"}, Short: "Manage the security questions that users can choose",
		Long: "Manage the security questions that users can choose, and the settings of them. What a user chose is\n" +
			"idctl users security-questions.",
		Example: "  idctl security-questions list\n" +
			"  idctl security-questions update FirstPet --set active=false\n" +
			"  idctl security-questions settings update --set numQuestionsToSetup=2",
	})
	cmd.AddCommand(
		directory.NewList(d, k, directory.RunList),
		directory.NewGet(d, k, directory.RunGet),
		directory.NewUpdate(d, k, directory.RunUpdate),
		directory.NewSettings(d, directory.Kind{
			Noun: "settings of security questions", Plural: "settings of security questions", Command: "security-questions settings",
			Open: directory.OfType("SecurityQuestionSetting", "tell the settings of security questions"),
		}, "Show and change the settings of security questions", "numQuestionsToSetup=2"),
	)
	return cmd
}

func questionKind() directory.Kind {
	return directory.Kind{
		Noun: "security question", Plural: "security questions", Command: "security-questions", Example: "FirstPet",
		Open: directory.OfType("SecurityQuestion", "tell the security questions"),
		Key:  func(q *scim.Document) string { return q.ID() }, KeyAttribute: "id",
		Columns: func(*cmdutil.Deps) []output.Column[scim.Document] {
			return []output.Column[scim.Document]{
				{Name: "ID", Path: "id", Get: func(q *scim.Document) string { return q.ID() }},
				{Name: "Question", Get: questionText},
				{Name: "Active", Path: "active", Get: func(q *scim.Document) string { return flag(*q, "active") }},
				{Name: "Type", Path: "type", Get: func(q *scim.Document) string { return q.String("type") }},
				{Name: "Languages", Wide: true, Get: func(q *scim.Document) string { return strings.Join(q.Strings("questionText.locale"), ", ") }},
			}
		},
	}
}

// questionText is the text in English, else the first one.
func questionText(q *scim.Document) string {
	if s := q.String(`questionText[locale eq "en"].value`); s != "" {
		return s
	}
	return q.String("questionText.value")
}

func flag(doc scim.Document, path string) string {
	on, told := doc.Bool(path)
	if !told {
		return ""
	}
	return output.YesNo(on)
}
