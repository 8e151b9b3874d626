package settings

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/pkg/scim"
)

// lowestPriority is the last of the priorities that a domain has.
const lowestPriority = 10

// NewPasswordPolicies makes the command password-policies.
func NewPasswordPolicies(d *cmdutil.Deps) *cobra.Command {
	k := policyKind()
	cmd := cmdutil.Group(&cobra.Command{
		Use: "password-policies", Aliases: []string{"password-policy"}, Short: "Manage password policies",
		Long: "Manage password policies. A user has the policy with the highest priority, which is 1, among those of\n" +
			"the user's groups, else the default one. A policy counts when a password is set: passwords that are\n" +
			"there stay valid.",
		Example: "  idctl password-policies list\n" +
			"  idctl password-policies create Strict --group Administrators --set minLength=16\n" +
			"  idctl password-policies priority Strict 1",
	})
	cmd.AddCommand(
		directory.NewList(d, k, directory.RunList),
		directory.NewGet(d, k, directory.RunGet),
		newPolicyCreateCmd(d, runPolicyCreate),
		newPolicyUpdateCmd(d, runPolicyUpdate),
		directory.NewDelete(d, k, directory.RunDelete),
		newPriorityCmd(d, runPriority),
	)
	return cmd
}

func policyKind() directory.Kind {
	text := func(path string) func(*scim.Document) string {
		return func(p *scim.Document) string { return strings.Join(p.Strings(path), ", ") }
	}
	return directory.Kind{
		Noun: "password policy", Plural: "password policies", Command: "password-policies", Example: "Strict",
		Open: directory.OfType("PasswordPolicy", "tell password policies"),
		Key:  func(p *scim.Document) string { return p.String("name") }, KeyAttribute: "name", SortBy: "priority",
		Columns: func(d *cmdutil.Deps) []output.Column[scim.Document] {
			return []output.Column[scim.Document]{
				{Name: "Name", Path: "name", Get: text("name")},
				{Name: "Priority", Path: "priority", Get: text("priority")},
				{Name: "Strength", Path: "passwordStrength", Get: text("passwordStrength")},
				{Name: "Min length", Path: "minLength", Get: text("minLength")},
				{Name: "Expires after days", Path: "passwordExpiresAfter", Get: text("passwordExpiresAfter")},
				{Name: "Locks after", Path: "maxIncorrectAttempts", Get: text("maxIncorrectAttempts")},
				{Name: "Groups", Path: "groups.display", Get: func(p *scim.Document) string {
					if s := strings.Join(p.Strings("groups.display"), ", "); s != "" {
						return s
					}
					return strings.Join(p.Strings("groups.value"), ", ")
				}},
				{Name: "ID", Path: "id", Wide: true, Get: text("id")},
				{Name: "Description", Path: "description", Wide: true, Get: text("description")},
				{Name: "Last modified", Path: "meta.lastModified", Wide: true, Get: directory.DateOf(d, "meta.lastModified")},
			}
		},
	}
}

// policyFlags are the flags that create and update share.
type policyFlags struct {
	fs          *pflag.FlagSet
	Description string
	Priority    int
	Groups      []string
}

func (f *policyFlags) addFlags(fs *pflag.FlagSet) {
	f.fs = fs
	fs.SortFlags = false
	fs.StringVar(&f.Description, "description", "", "what the policy is for")
	fs.IntVar(&f.Priority, "priority", 0, "1, the highest, to 10; the others move down where it is taken")
	fs.StringArrayVar(&f.Groups, "group", nil, "`group` that the policy is for; may be given several times")
}

func (f *policyFlags) changes(ctx context.Context, d *cmdutil.Deps) ([]directory.Change, error) {
	var out []directory.Change
	if f.fs.Changed("description") {
		out = append(out, directory.SetTo("description", f.Description))
	}
	if f.fs.Changed("priority") {
		if err := checkPriority(f.Priority); err != nil {
			return nil, err
		}
		out = append(out, directory.Change{Op: directory.OpSet, Path: "priority", Value: f.Priority})
	}
	if len(f.Groups) > 0 {
		groups := &directory.Base{Deps: d, Kind: directory.Groups()}
		r, err := groups.Resources(ctx)
		if err != nil {
			return nil, err
		}
		found, err := groups.FindEach(ctx, r, f.Groups, scim.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("--group: %w", err)
		}
		var list []any
		for _, g := range found {
			list = append(list, map[string]any{"value": g.ID()})
		}
		out = append(out, directory.Change{Op: directory.OpSet, Path: "groups", Value: list})
	}
	return out, nil
}

func checkPriority(n int) error {
	if n < 1 || n > lowestPriority {
		return cmdutil.Usagef("the priority must be from 1 to %d, not %d", lowestPriority, n)
	}
	return nil
}

type policyCreateOptions struct {
	directory.CreateOptions
	policyFlags
	Name     string
	Strength string
}

const criteria = "minLength, maxLength, minNumerals, minLowerCase, minUpperCase, minSpecialChars, maxRepeatedChars,\n" +
	"numPasswordsInHistory, passwordExpiresAfter (days, 0 for never), maxIncorrectAttempts (0 never locks),\n" +
	"lockoutDuration (minutes), firstNameDisallowed, lastNameDisallowed, userNameDisallowed,\n" +
	"dictionaryWordDisallowed. idctl resources schema PasswordPolicy lists all."

func newPolicyCreateCmd(d *cmdutil.Deps, run func(context.Context, *policyCreateOptions) error) *cobra.Command {
	k := policyKind()
	o := &policyCreateOptions{CreateOptions: directory.CreateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "create <name>", Aliases: []string{"add", "new"}, Short: "Create a password policy",
		Long: "Create a password policy. Its rules are set with --set:\n" + criteria,
		Example: "  idctl password-policies create Strict --group Administrators --set minLength=16 --set numPasswordsInHistory=10\n" +
			"  idctl password-policies create --from policy.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return cmdutil.Usagef("%s takes one name, got %q too", cmd.CommandPath(), args[1])
			case len(args) == 0 && o.From == "":
				return cmdutil.Usagef("%s needs <name> or --from", cmd.CommandPath())
			case len(args) == 1 && args[0] == "":
				return cmdutil.Usagef("the name of a password policy cannot be empty")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Name = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.addFlags(fs)
	fs.StringVar(&o.Strength, "strength", "Custom", "Custom; the rules of Simple and Standard cannot be chosen")
	o.AddFlags(fs)
	return cmd
}

func runPolicyCreate(ctx context.Context, o *policyCreateOptions) error {
	changes, err := o.changes(ctx, o.Deps)
	if err != nil {
		return err
	}
	if o.Name != "" {
		changes = append([]directory.Change{
			{Op: directory.OpSet, Path: "name", Value: o.Name},
			{Op: directory.OpSet, Path: "passwordStrength", Value: o.Strength},
		}, changes...)
	}
	o.Changes = changes
	return directory.RunCreate(ctx, &o.CreateOptions)
}

type policyUpdateOptions struct {
	directory.UpdateOptions
	policyFlags
	Force bool
}

func newPolicyUpdateCmd(d *cmdutil.Deps, run func(context.Context, *policyUpdateOptions) error) *cobra.Command {
	k := policyKind()
	o := &policyUpdateOptions{UpdateOptions: directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}}
	cmd := &cobra.Command{
		Use: "update <policy>...", Aliases: []string{"edit"}, Short: "Change single rules of password policies",
		Long: directory.UpdateLong + "\n\nThe rules are\n" + criteria,
		Example: "  idctl password-policies update Strict --set minLength=20\n" +
			"  idctl password-policies update Strict --force-reset --yes",
		Args: cmdutil.AtLeast(1, "policy"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Keys = args
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	o.addFlags(fs)
	fs.BoolVar(&o.Force, "force-reset", false, "every user of the policy must set a new password at the next sign-in; asks first")
	o.AddFlags(fs)
	return cmd
}

func runPolicyUpdate(ctx context.Context, o *policyUpdateOptions) error {
	if o.Force && !o.DryRun {
		if err := o.Deps.Confirm(ctx, "make every user of "+strings.Join(o.Keys, ", ")+" set a new password", 1); err != nil {
			return err
		}
	}
	changes, err := o.changes(ctx, o.Deps)
	if err != nil {
		return err
	}
	if o.Force {
		changes = append(changes, directory.Change{Op: directory.OpSet, Path: "forcePasswordReset", Value: true})
	}
	o.Changes = changes
	return directory.RunUpdate(ctx, &o.UpdateOptions)
}

func newPriorityCmd(d *cmdutil.Deps, run func(context.Context, *directory.UpdateOptions) error) *cobra.Command {
	k := policyKind()
	o := &directory.UpdateOptions{Base: directory.Base{Deps: d, Kind: k}, Print: k.Printer(d)}
	cmd := &cobra.Command{
		Use: "priority <policy> <number>", Short: "Give a password policy a priority",
		Long: "Give a password policy a priority: 1, the highest, to 10. A policy that has it already moves down by\n" +
			"one, and so do those behind it, as far as it takes.",
		Example: "  idctl password-policies priority Strict 1",
		Args:    cmdutil.Two("policy", "number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return cmdutil.Usagef("%q is no priority", args[1]).WithHint("a number from 1 to %d", lowestPriority)
			}
			if err := checkPriority(n); err != nil {
				return err
			}
			o.Keys = args[:1]
			o.Changes = []directory.Change{{Op: directory.OpSet, Path: "priority", Value: n}}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVarP(&o.DryRun, "dry-run", "n", false, "print what would be sent, and send nothing")
	return cmd
}

func runPriority(ctx context.Context, o *directory.UpdateOptions) error {
	if o.Keys[0] == "-" {
		return cmdutil.Usagef("password-policies priority takes one policy")
	}
	return directory.RunUpdate(ctx, o)
}
