package adminroles

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/rights"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// answer is what can says.
type answer struct {
	Verb     string `json:"verb"`
	Endpoint string `json:"endpoint"`
	May      bool   `json:"may"`
	// By are the roles that permit it, held by the credentials; Needed are all
	// that would.
	By     []string `json:"by,omitempty"`
	Needed []string `json:"needed"`
	Source string   `json:"source"`
}

// canOptions are what can needs.
type canOptions struct {
	Deps       *cmdutil.Deps
	Print      output.Printer[answer]
	Verb, Noun string
}

// NewCan makes the command can.
func NewCan(d *cmdutil.Deps) *cobra.Command { return newCanCmd(d, runCan) }

func newCanCmd(d *cmdutil.Deps, run func(context.Context, *canOptions) error) *cobra.Command {
	o := &canOptions{Deps: d, Print: output.New(d.Output, output.Spec[answer]{
		Columns: []output.Column[answer]{
			{Name: "Verb", Path: "verb", Get: func(a *answer) string { return a.Verb }},
			{Name: "Endpoint", Path: "endpoint", Get: func(a *answer) string { return a.Endpoint }},
			{Name: "May", Path: "may", Get: func(a *answer) string {
				if a.May {
					return "yes"
				}
				return "no"
			}},
			{Name: "By", Path: "by", Get: func(a *answer) string { return strings.Join(a.By, ", ") }},
			{Name: "Needed", Path: "needed", Wide: true, Get: func(a *answer) string { return strings.Join(a.Needed, ", ") }},
			{Name: "Source", Path: "source", Wide: true, Get: func(a *answer) string { return a.Source }},
		},
		Key: func(a *answer) string { return a.Verb + " " + a.Endpoint },
	})}
	return &cobra.Command{
		Use: "can <verb> <noun>", Short: "Tell whether the credentials of the profile may do something",
		Long: "Tell whether the credentials of the profile may do something, before row one of an import: by the\n" +
			"administrator roles that the access token carries and the vendor's table of rights, see admin-roles\n" +
			"matrix. Verbs are list, get, search, create, replace, update and delete; nouns are those of commands,\n" +
			"or endpoints.\n\n" +
			"The exit code is 0 for yes and 4 for no, with the roles that would do. A token that does not say its\n" +
			"roles is an error of its own (1). That a role is limited to groups does not show in a token.",
		Example: "  idctl can create users\n  idctl can update groups -o json\n  idctl can create grants && idctl grants add Payroll --to ada@example.com",
		Args:    cmdutil.Two("verb", "noun"), Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Verb, o.Noun = args[0], args[1]
			return run(cmd.Context(), o)
		},
	}
}

// verbOf is the verb of the table for a word.
func verbOf(word string) (schema.Verb, error) {
	switch strings.ToLower(word) {
	case "list", "read":
		return schema.VerbList, nil
	case "get", "show":
		return schema.VerbGet, nil
	case "search":
		return schema.VerbSearch, nil
	case "create", "add", "post":
		return schema.VerbCreate, nil
	case "replace", "put":
		return schema.VerbPut, nil
	case "update", "change", "patch":
		return schema.VerbPatch, nil
	case "delete", "remove":
		return schema.VerbDelete, nil
	}
	return 0, cmdutil.Usagef("there is no verb %q", word).WithHint("verbs are list, get, search, create, replace, update and delete")
}

// errRoles: nobody can tell what the credentials may do.
var errRoles = errors.New("the access token does not say which roles count")

// deniedError is the answer no.
type deniedError struct {
	what   string
	needed rights.Set
}

func (e *deniedError) Error() string { return "not permitted: " + e.what }

// ExitCode implements cmdutil.ExitCoder.
func (e *deniedError) ExitCode() int { return cmdutil.ExitDenied }

// Hint implements cmdutil.Hinter.
func (e *deniedError) Hint() string {
	if names := rights.Names(e.needed); names != "" {
		return "it needs " + names
	}
	return "no administrator role permits it"
}

func runCan(ctx context.Context, o *canOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	verb, err := verbOf(o.Verb)
	if err != nil {
		return err
	}
	row, err := endpoint(o.Noun)
	if err != nil {
		return err
	}
	held, alone, err := holds(ctx, o.Deps)
	if err != nil {
		return err
	}
	needed := new(rights.Table).Who(row.Endpoint, verb)
	if needed&held == 0 && needed&alone != 0 {
		return fmt.Errorf("%w: the user may %s %s, its client may not, and whether the client acts on behalf of its users is not told",
			errRoles, o.Verb, row.Endpoint)
	}
	out := answer{Verb: o.Verb, Endpoint: row.Endpoint, Needed: names(needed), By: names(needed & held), Source: row.Source}
	out.May = len(out.By) > 0
	if out.Needed == nil {
		out.Needed = []string{} // programs get a list in any case
	}
	if err := o.Print.One(o.Deps.IO, &out); err != nil {
		return err
	}
	if out.May {
		return nil
	}
	return &deniedError{fmt.Sprintf("%s %s", o.Verb, row.Endpoint), needed}
}

func names(s rights.Set) []string {
	var out []string
	for _, r := range rights.Roles() {
		if s.Has(r) {
			out = append(out, r.Name)
		}
	}
	return out
}

// holds are the roles of the access token. One that speaks for a user has
// those that user and client share; alone are those of the user, which count
// where the client acts on behalf of its users.
func holds(ctx context.Context, d *cmdutil.Deps) (held, alone rights.Set, err error) {
	profile, err := d.Profile()
	if err != nil {
		return 0, 0, err
	}
	source, err := d.Tokens(ctx, profile)
	if err != nil {
		return 0, 0, err
	}
	token, err := source.Token(ctx)
	if err != nil {
		return 0, 0, err
	}
	c := cmdutil.ReadClaims(token)
	if c.Roles == nil {
		return 0, 0, errRoles
	}
	client, user := set(c.ClientRoles), set(c.UserRoles)
	if c.SubjectType == "user" {
		return client & user, user, nil
	}
	return client, 0, nil
}

func set(names []string) rights.Set {
	var s rights.Set
	for _, r := range rights.Roles() {
		if slices.Contains(names, r.Name) {
			s |= r.Bit()
		}
	}
	return s
}
