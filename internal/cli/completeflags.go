package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/apps"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/complete"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
)

// fixedFlags are the flags whose values are a closed list, or nearly so.
func fixedFlags() map[string][]string {
	fixed := map[string][]string{
		"output":       output.Formats(),
		"on-existing":  {string(runner.Update), string(runner.Skip), string(runner.Fail)},
		"route":        {string(runner.RouteAuto), string(runner.RouteSingle), string(runner.RouteBulk)},
		"multi-valued": {mapping.Merge, mapping.Replace},
		"delimiter":    {"comma", "semicolon", "tab", "bar"},
		"encoding":     {"utf-8", "utf-16", "windows-1252"},
		"shell":        {"sh", "fish", "powershell"},
		"page":         {"first", "last"},
		"state":        lifecycle.Words(),
		"limits":       emulator.LimitNames(),
		"kind":         users.TokenKinds(),
		"grant":        apps.Grants(),
		"for":          {"users", "groups", "apps"},
		"factor":       users.FactorMethods(),
		"user-type":    {"Employee", "Contractor", "Intern", "Temp", "External", "Service", "Generic"},
	}
	for _, s := range config.Settings() {
		if s.Values == nil {
			continue
		}
		name := s.Flag
		if name == "" {
			name = kebab(s.Key) // profile add and set have a flag for each
		}
		fixed[name] = s.Values
	}
	return fixed
}

// kebab turns a setting's key into a flag: secretStore, secret-store.
func kebab(key string) string {
	var b strings.Builder
	for _, r := range key {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// flag says how the values of a flag are completed; nil leaves them to the
// shell, which knows files.
func (c *completer) flag(f *pflag.Flag) cobra.CompletionFunc {
	const (
		none = cobra.ShellCompDirectiveNoFileComp
		open = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	)
	type matcher func(cmd *cobra.Command, args []string, typed string) []string
	with := func(d cobra.ShellCompDirective, m matcher) cobra.CompletionFunc {
		return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return m(cmd, args, typed), d
		}
	}
	among := func(names []complete.Name) cobra.CompletionFunc {
		return with(none, func(_ *cobra.Command, _ []string, typed string) []string { return complete.Match(names, typed, nil) })
	}
	service := func(kind string) cobra.CompletionFunc {
		return with(none, func(cmd *cobra.Command, _ []string, typed string) []string {
			return complete.Match(c.names(cmd.Context(), complete.Query{Kind: kind}), typed, nil)
		})
	}
	attributes := func(d cobra.ShellCompDirective, m func([]complete.Name, string) []string) cobra.CompletionFunc {
		return with(d, func(cmd *cobra.Command, args []string, typed string) []string {
			return m(c.attributes(cmd, args), typed)
		})
	}
	assignment := func(keys []string) cobra.CompletionFunc {
		return with(open, func(_ *cobra.Command, _ []string, typed string) []string {
			return complete.MatchAssignment(complete.Plain(keys), typed)
		})
	}
	one := func(names []complete.Name, typed string) []string { return complete.Match(names, typed, nil) }
	if values, ok := fixedFlags()[f.Name]; ok {
		return among(complete.Plain(values))
	}
	switch f.Name {
	case "profile":
		return with(none, func(_ *cobra.Command, _ []string, typed string) []string {
			return complete.Match(c.profiles(true), typed, nil)
		})
	case "fields":
		return with(open, func(cmd *cobra.Command, args []string, typed string) []string {
			return complete.MatchList(c.columns(cmd, args), typed)
		})
	case "attributes":
		return attributes(open, complete.MatchList)
	case "filter":
		return attributes(open, complete.MatchFilter)
	case "where":
		return attributes(open, complete.MatchWhere)
	case "set", "add":
		return attributes(open, complete.MatchAssignment)
	case "unset", "in", "sort":
		return attributes(none, one)
	case "manager", "member", "to", "from":
		return service(complete.Users)
	case "group", "groups", "to-group", "from-group":
		return service(complete.Groups)
	case "app", "to-app", "from-app", "of":
		return with(none, func(cmd *cobra.Command, _ []string, typed string) []string {
			return complete.Match(c.names(cmd.Context(), ofType("App")), typed, nil)
		})
	case "email":
		return assignment(users.EmailTypes())
	case "phone":
		return assignment(users.PhoneTypes())
	}
	// A placeholder that speaks of a file gets files, all others nothing.
	if value, _ := pflag.UnquoteUsage(f); strings.Contains(strings.ToLower(value), "file") || strings.Contains(f.Name, "file") {
		return nil
	}
	return with(none, func(*cobra.Command, []string, string) []string { return nil })
}
