package cli

import (
	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/adminroles"
	"github.com/idctl/idctl/internal/cli/api"
	"github.com/idctl/idctl/internal/cli/approles"
	"github.com/idctl/idctl/internal/cli/apps"
	"github.com/idctl/idctl/internal/cli/attributes"
	"github.com/idctl/idctl/internal/cli/bypasscodes"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	docscmd "github.com/idctl/idctl/internal/cli/docs"
	"github.com/idctl/idctl/internal/cli/doctor"
	"github.com/idctl/idctl/internal/cli/dynamicgroups"
	"github.com/idctl/idctl/internal/cli/exportcmd"
	"github.com/idctl/idctl/internal/cli/grants"
	groupscmd "github.com/idctl/idctl/internal/cli/groups"
	"github.com/idctl/idctl/internal/cli/importcmd"
	"github.com/idctl/idctl/internal/cli/profile"
	"github.com/idctl/idctl/internal/cli/resources"
	"github.com/idctl/idctl/internal/cli/runs"
	servercmd "github.com/idctl/idctl/internal/cli/server"
	settingscmd "github.com/idctl/idctl/internal/cli/settings"
	"github.com/idctl/idctl/internal/cli/users"
)

// noun is a command below the root. Everything but build is known without
// building it: 300 commands take longer to make than most of them to run.
type noun struct {
	name    string
	aliases []string
	short   string
	group   string
	build   func(*cmdutil.Deps) *cobra.Command
}

const (
	groupResources = "resources"
	groupTransfer  = "transfer"
	groupAccess    = "access"
	groupTool      = "tool"
)

func groups() []*cobra.Group {
	return []*cobra.Group{
		{ID: groupResources, Title: "Resources:"},
		{ID: groupTransfer, Title: "Import and export:"},
		{ID: groupAccess, Title: "Access:"},
		{ID: groupTool, Title: "The tool itself:"},
	}
}

// nouns is the table of commands. See the package comment for adding one.
func nouns() []noun {
	return []noun{
		{"users", []string{"user"}, "Manage users", groupResources, users.New},
		{"groups", []string{"group"}, "Manage groups and their members", groupResources, groupscmd.New},
		{"apps", []string{"app"}, "Manage applications", groupResources, apps.New},
		{"dynamic-groups", []string{"dynamic-group"}, "Manage groups of cloud resources", groupResources, dynamicgroups.New},
		{"app-roles", []string{"app-role"}, "Manage the roles of applications", groupResources, approles.New},
		{"grants", []string{"grant"}, "Manage who has access to which app", groupResources, grants.New},
		{"admin-roles", []string{"admin-role"}, "Manage who administers the domain", groupResources, adminroles.New},
		{"bypass-codes", []string{"bypass-code"}, "Manage bypass codes, which stand in for a second factor", groupResources, bypasscodes.New},
		{"password-policies", []string{"password-policy"}, "Manage password policies", groupResources, settingscmd.NewPasswordPolicies},
		{"mfa", nil, "Show and change the settings of second factors", groupResources, settingscmd.NewMFA},
		{"security-questions", []string{"security-question"}, "Manage the security questions that users can choose", groupResources, settingscmd.NewSecurityQuestions},
		{"attributes", []string{"attribute"}, "Define attributes of users of your own", groupResources, attributes.New},
		{"mail-templates", []string{"mail-template"}, "Show the templates of mails to users", groupResources, settingscmd.NewMailTemplates},
		{"resources", []string{"resource", "res"}, "Manage resources of any type", groupResources, resources.New},
		{"api", nil, "Send any request with the profile's credentials", groupResources, api.New},
		{"import", nil, "Import users and groups from CSV files", groupTransfer, importcmd.New},
		{"export", nil, "Export users and groups to a file", groupTransfer, exportcmd.New},
		{"runs", []string{"run"}, "List, show and prune the journals of imports", groupTransfer, runs.New},
		{"profile", []string{"profiles"}, "Manage profiles: which service, which client", groupAccess, profile.New},
		{"login", nil, "Test and store the credential of a profile", groupAccess, profile.NewLogin},
		{"logout", nil, "Forget the access tokens of a profile", groupAccess, profile.NewLogout},
		{"whoami", nil, "Show who the access token is for", groupAccess, profile.NewWhoami},
		{"can", nil, "Tell whether the credentials of the profile may do something", groupAccess, adminroles.NewCan},
		{"token", nil, "Print an access token, for curl and scripts", groupAccess, profile.NewToken},
		{"doctor", nil, "Check everything a call to the service depends on", groupAccess, doctor.New},
		{"server", nil, "Serve an identity domain on this machine, for tests", groupTool, servercmd.New},
		{"completion", nil, "Print a completion script for a shell", groupTool, newCompletion},
		{"docs", []string{"doc"}, "Read the guides and the pages of commands", groupTool, docscmd.New},
		{"version", nil, "Show which build this is", groupTool, newVersion},
	}
}

// stub stands for a noun in the list of commands.
func (n noun) stub() *cobra.Command {
	return &cobra.Command{
		Use: n.name, Aliases: n.aliases, Short: n.short,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmdutil.Usagef("%s was not recognised in this position, put it first", cmd.Name())
		},
	}
}
