package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
)

// Variable is an environment variable that idctl reads.
type Variable struct {
	Name    string
	Meaning string
}

// Variables lists the environment variables, for the help topic and the
// documentation.
func Variables() []Variable {
	vars := []Variable{
		{"IDCTL_PROFILE", "profile to use, as --profile"},
	}
	for _, s := range config.Settings() {
		if s.Env != "" {
			meaning := s.Help
			if s.Flag != "" {
				meaning += ", as --" + s.Flag
			}
			vars = append(vars, Variable{s.Env, meaning})
		}
	}
	return append(vars,
		Variable{"IDCTL_CLIENT_SECRET", "the client's secret"},
		Variable{"IDCTL_PASSWORD", "the user's password, for auth password"},
		Variable{"IDCTL_TOKEN", "an access token to use as it is, in place of every other way to log in"},
		Variable{"IDCTL_AGE_PASSPHRASE", "the passphrase of the encrypted file of secrets, for secretStore age"},
		Variable{"IDCTL_CONTROL_KEY", "the key of idctl server's control interface, as idctl server env prints it"},
		Variable{"IDCTL_HOME", "folder for configuration, state and cache in place of the system's"},
		Variable{"HTTPS_PROXY", "proxy for https"},
		Variable{"HTTP_PROXY", "proxy for http"},
		Variable{"NO_PROXY", "hosts to be reached without a proxy"},
		Variable{"PAGER", "program that shows the pages of idctl docs on a terminal, less by default; cat for none"},
		Variable{"NO_COLOR", "no colour when set"},
		Variable{"CLICOLOR_FORCE", "colour even off a terminal, unless NO_COLOR is set"},
		Variable{"CI", "nothing asks when set"},
		Variable{"TERM", "with dumb: no colour, and nothing asks"},
		Variable{"COLUMNS", "width of tables on a terminal"},
	)
}

// topics are commands that cannot be run: Cobra lists them as help topics.
func topics() []*cobra.Command {
	var codes, vars strings.Builder
	codes.WriteString("idctl ends with one of these codes. A code that is not listed means failure.\n\n")
	for _, c := range cmdutil.Codes() {
		fmt.Fprintf(&codes, "  %3d  %-12s %s\n", c.Code, c.Word, c.Meaning)
	}
	codes.WriteString("\nWith -o json the error is JSON too, on stderr: {\"error\": {\"code\": 5, \"kind\": \"not-found\", ...}}.")
	vars.WriteString("A flag is stronger than a variable, a variable stronger than the profile, the\n" +
		"profile stronger than the default. An empty variable counts as unset.\n\n")
	for _, v := range Variables() {
		fmt.Fprintf(&vars, "  %-20s %s\n", v.Name, v.Meaning)
	}
	vars.WriteString("\nIDCTL_URL without a profile's name stands for itself: the current profile is left aside.\n" +
		"IDCTL_URL, IDCTL_CLIENT_ID and IDCTL_CLIENT_SECRET, or IDCTL_URL and IDCTL_TOKEN,\n" +
		"are enough: no file is needed.")
	return []*cobra.Command{
		{Use: "exit-codes", Short: "The exit codes", Long: codes.String()},
		{Use: "environment", Short: "The environment variables", Long: vars.String()},
	}
}
