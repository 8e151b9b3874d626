package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/adminroles"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/complete"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/output"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/pkg/idcs"
)

// patience is how long a completion waits for names that were never fetched.
// With the start of the program it stays below a tenth of a second, which is
// as long as a key press may take.
const patience = 60 * time.Millisecond

// completer answers shells. It is attached to the tree only when a shell asks,
// so that no other command pays for it. Placeholders in the usage lines,
// <user> and <group> and so on, say what an argument is; the names of flags
// say what their values are. So a new command is completed without a word.
type completer struct {
	deps  *cmdutil.Deps
	spawn func(args []string) (<-chan error, error)
	// exists says whether the service of a profile can be asked without making
	// anything.
	exists func(*config.Resolved) bool
}

// completing says whether a shell asks for what could stand on a command line.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// attach gives every command below cmd its completions.
func (c *completer) attach(cmd *cobra.Command) {
	if len(cmd.ValidArgs) == 0 && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = c.safely(c.argument)
	}
	register := func(f *pflag.Flag) {
		if f.NoOptDefVal != "" { // a switch
			return
		}
		if complete := c.flag(f); complete != nil {
			// One that a command registered for itself stays.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c.safely(complete))
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(register)
	cmd.PersistentFlags().VisitAll(register)
	for _, sub := range cmd.Commands() {
		c.attach(sub)
	}
}

// root attaches to the whole tree. Cobra adds the command help later, and
// would do so without completions.
func (c *completer) root(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	c.attach(root)
}

// safely makes a fault of ours an answer without names: a stack in the middle
// of a command line helps nobody.
func (c *completer) safely(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) (out []cobra.Completion, d cobra.ShellCompDirective) {
		err := cmdutil.Safe(func() error {
			out, d = f(cmd, args, typed)
			return nil
		})()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return out, d
	}
}

// placeholders are the words of a usage line behind the command's name,
// without brackets; the last may repeat.
func placeholders(use string) (words []string, repeats bool) {
	for _, w := range strings.Fields(use)[1:] {
		rest, more := strings.CutSuffix(w, "...")
		repeats = more
		words = append(words, strings.NewReplacer("<", "", ">", "", "[", "", "]", "", "...", "").Replace(rest))
		if strings.HasSuffix(w, "...]") {
			repeats = true
		}
	}
	return words, repeats
}

// argument completes a positional argument by its placeholder.
func (c *completer) argument(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if cmd.Name() == "help" && cmd.Parent() == cmd.Root() {
		return helpTopics(cmd.Root(), args, typed), none
	}
	words, repeats := placeholders(cmd.Use)
	i := len(args)
	if i >= len(words) {
		if !repeats || len(words) == 0 {
			return nil, none
		}
		i = len(words) - 1
	}
	before := args[min(i, len(args)):]
	names := func(q complete.Query) ([]cobra.Completion, cobra.ShellCompDirective) {
		return complete.Match(c.names(cmd.Context(), q), typed, before), none
	}
	switch word := words[i]; {
	case word == "user" && i > 0 && words[0] == "group" && cmd.Name() == "remove":
		return names(complete.Query{Kind: complete.Members, Of: args[0]})
	case word == "user":
		return names(complete.Query{Kind: complete.Users})
	case word == "group":
		return names(complete.Query{Kind: complete.Groups})
	case word == "app" || word == "app-or-role":
		return names(ofType("App"))
	case word == "admin-role":
		return complete.Match(adminroles.Names(), typed, before), none
	case word == "policy" || word == "password-policy":
		return names(ofType("PasswordPolicy"))
	case word == "type":
		return complete.Match(c.types(cmd.Context()), typed, nil), none
	case (word == "resource" || word == "id") && i > 0 && words[0] == "type":
		return names(ofType(args[0]))
	case word == "name" && cmd.Parent() != nil && cmd.Parent().Name() == "profile" && cmd.Name() != "add":
		return complete.Match(c.profiles(cmd.Name() == "show" || cmd.Name() == "use"), typed, nil), none
	case word == "setting=value":
		return settings(typed)
	case word == "method":
		return complete.Match(complete.Plain([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}), typed, nil), none
	case word == "file" || word == "plan":
		return nil, cobra.ShellCompDirectiveDefault
	case strings.Contains(word, "|") && !strings.ContainsAny(word, "+=:"):
		return complete.Match(complete.Plain(strings.Split(word, "|")), typed, nil), none
	}
	return nil, none
}

// ofType are the resources of a type; those with commands of their own are
// kept once.
func ofType(typ string) complete.Query {
	switch strings.ToLower(typ) {
	case "user", "users":
		return complete.Query{Kind: complete.Users}
	case "group", "groups":
		return complete.Query{Kind: complete.Groups}
	}
	return complete.Query{Kind: complete.Resources, Of: typ}
}

// helpTopics are the commands and topics that help explains.
func helpTopics(root *cobra.Command, args []string, typed string) []cobra.Completion {
	target, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return nil
	}
	var names []complete.Name
	for _, sub := range target.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			names = append(names, complete.Name{Name: sub.Name(), Note: sub.Short})
		}
	}
	return complete.Match(names, typed, nil)
}

// settings completes a profile's setting, and its value where it is one of a
// closed list.
func settings(typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	key, _, chosen := strings.Cut(typed, "=")
	var keys, values []complete.Name
	for _, s := range config.Settings() {
		keys = append(keys, complete.Name{Name: s.Key, Note: s.Help})
		if strings.EqualFold(s.Key, key) {
			for _, v := range s.Values {
				values = append(values, complete.Name{Name: key + "=" + v})
			}
		}
	}
	if chosen {
		return complete.Match(values, typed, nil), cobra.ShellCompDirectiveNoFileComp
	}
	return complete.MatchAssignment(keys, typed), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// profiles are the names of profiles.
func (c *completer) profiles(local bool) []complete.Name {
	var names []complete.Name
	if local {
		names = append(names, complete.Name{Name: config.LocalProfile, Note: "the domain inside the program"})
	}
	if cfg, err := c.deps.Config(); err == nil {
		for _, p := range cfg.Profiles {
			names = append(names, complete.Name{Name: p.Name, Note: p.Values["url"]})
		}
	}
	return names
}

// types are the resource types. Those of identity domains are known here.
func (c *completer) types(ctx context.Context) []complete.Name {
	if r, err := c.deps.Profile(); err == nil && r.Provider != provideridcs.Name {
		return c.names(ctx, complete.Query{Kind: complete.Types})
	}
	var names []complete.Name
	for _, t := range idcs.Types() {
		names = append(names, complete.Name{Name: t.Name})
	}
	return names
}

// kind is what a command's columns and attributes are of: users, groups, or
// the type that is its first argument.
func kind(cmd *cobra.Command, args []string) (k directory.Kind, typ string, ok bool) {
	for ; cmd != nil; cmd = cmd.Parent() {
		switch cmd.Name() {
		case "users":
			return directory.Users(), "User", true
		case "groups":
			return directory.Groups(), "Group", true
		case "resources":
			if len(args) == 0 {
				return directory.Any(), "", true
			}
			switch q := ofType(args[0]); q.Kind {
			case complete.Users:
				return directory.Users(), "User", true
			case complete.Groups:
				return directory.Groups(), "Group", true
			default:
				return directory.Any(), args[0], true
			}
		}
	}
	return directory.Kind{}, "", false
}

// attributes are the attributes of what a command is about: the published
// ones, and those that only the service knows.
func (c *completer) attributes(cmd *cobra.Command, args []string) []complete.Name {
	k, typ, ok := kind(cmd, args)
	if !ok || typ == "" {
		return nil
	}
	names := complete.Plain(k.AttributeNames())
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[strings.ToLower(k.Expand(n.Name))] = true
	}
	for _, n := range c.names(cmd.Context(), complete.Query{Kind: complete.Attributes, Of: typ}) {
		if !known[strings.ToLower(n.Name)] {
			names = append(names, n)
		}
	}
	return names
}

// columns are what --fields takes: the command's columns, then attributes
// where those are allowed.
func (c *completer) columns(cmd *cobra.Command, args []string) []complete.Name {
	if own := cmdutil.ColumnsOf(cmd); own != nil {
		return complete.Plain(own)
	}
	k, _, ok := kind(cmd, args)
	if !ok || !slices.Contains([]string{"list", "search", "get", "create", "update", "replace"}, cmd.Name()) {
		return nil
	}
	return append(complete.Plain(output.FieldNames(k.Columns(c.deps))), c.attributes(cmd, args)...)
}
