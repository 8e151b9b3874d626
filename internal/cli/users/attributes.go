package users

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/text/language"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// plainFlag is a flag for an attribute with one text.
type plainFlag struct{ flag, path, what string }

// refuse checks what can be known without asking the service. Its lengths are
// its own: those differ from service to service.
func (f plainFlag) refuse(value string) error {
	if f.flag != "language" || value == "" {
		return nil
	}
	if _, err := language.Parse(value); err != nil {
		return cmdutil.Usagef("--language %q is no language tag", value).WithHint("tags are such as en, de-CH or pt-BR")
	}
	return nil
}

// plainFlags are in the order of the help.
var plainFlags = [...]plainFlag{
	{"user-name", "userName", "login"},
	{"given-name", "name.givenName", "given name"},
	{"family-name", "name.familyName", "family name"},
	{"display-name", "displayName", "name to show"},
	{"title", "title", "job title"},
	{"user-type", "userType", "Employee, Contractor, Intern, Temp, External, Service or Generic"},
	{"language", "preferredLanguage", "preferred language, such as en or de-CH"},
	{"timezone", "timezone", "time zone, such as Europe/Zurich"},
	{"external-id", "externalId", "id in the system that users come from"},
	{"department", directory.EnterpriseURN + ":department", "department"},
	{"organization", directory.EnterpriseURN + ":organization", "organization"},
	{"employee-number", directory.EnterpriseURN + ":employeeNumber", "employee number"},
	{"cost-center", directory.EnterpriseURN + ":costCenter", "cost center"},
}

var (
	emailTypes = []string{"work", "home", "other", "recovery"}
	phoneTypes = []string{"work", "mobile", "home", "fax", "pager", "other", "recovery"}
)

// EmailTypes are the types that --email takes.
func EmailTypes() []string { return slices.Clone(emailTypes) }

// PhoneTypes are the types that --phone takes.
func PhoneTypes() []string { return slices.Clone(phoneTypes) }

// attributes are the flags for the attributes of a user.
type attributes struct {
	fs      *pflag.FlagSet
	plain   [len(plainFlags)]string
	Emails  []string
	Phones  []string
	Manager string
	Active  bool
	Idle    bool // --inactive
}

func (a *attributes) addFlags(fs *pflag.FlagSet) {
	a.fs = fs
	for i, f := range plainFlags {
		fs.StringVar(&a.plain[i], f.flag, "", f.what)
	}
	fs.StringArrayVar(&a.Emails, "email", nil, "e-mail address, `TYPE=ADDRESS`, of type "+strings.Join(emailTypes, ", ")+"; may be given several times")
	fs.StringArrayVar(&a.Phones, "phone", nil, "phone number, `TYPE=NUMBER`, of type "+strings.Join(phoneTypes, ", ")+"; may be given several times")
	fs.StringVar(&a.Manager, "manager", "", "`user` who is the manager")
	fs.BoolVar(&a.Active, "active", false, "may sign in")
	fs.BoolVar(&a.Idle, "inactive", false, "may not sign in")
}

// entry is a value with a type, an e-mail address or a phone number.
type entry struct{ kind, value string }

func parseEntries(flag string, texts, kinds []string) ([]entry, error) {
	var out []entry
	for _, t := range texts {
		kind, value, typed := strings.Cut(t, "=")
		if !typed {
			kind, value = "work", t
		}
		kind = strings.ToLower(strings.TrimSpace(kind))
		if !slices.Contains(kinds, kind) {
			return nil, cmdutil.Usagef("--%s %q: there is no type %q", flag, t, kind).
				WithHint("types are %s", strings.Join(kinds, ", "))
		}
		if slices.ContainsFunc(out, func(e entry) bool { return e.kind == kind }) {
			return nil, cmdutil.Usagef("--%s: type %s is given twice", flag, kind)
		}
		out = append(out, entry{kind, strings.TrimSpace(value)})
	}
	return out, nil
}

// changes are what the flags that were given ask for. An empty value empties
// the attribute.
func (a *attributes) changes() ([]directory.Change, error) {
	var out []directory.Change
	for i, f := range plainFlags {
		if a.fs.Changed(f.flag) {
			if err := f.refuse(a.plain[i]); err != nil {
				return nil, err
			}
			out = append(out, directory.SetTo(f.path, a.plain[i]))
		}
	}
	for _, multi := range []struct {
		flag, attr   string
		texts, kinds []string
	}{{"email", "emails", a.Emails, emailTypes}, {"phone", "phoneNumbers", a.Phones, phoneTypes}} {
		entries, err := parseEntries(multi.flag, multi.texts, multi.kinds)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if multi.flag == "email" && e.value != "" {
				if err := checkEmail(e.value); err != nil {
					return nil, cmdutil.Usagef("--email: %w", err)
				}
			}
			element := multi.attr + `[type eq "` + e.kind + `"]`
			if e.value == "" {
				out = append(out, directory.Change{Op: directory.OpUnset, Path: element})
			} else {
				out = append(out, directory.Change{Op: directory.OpSet, Path: element + ".value", Value: e.value})
			}
		}
	}
	switch {
	case a.Active && a.Idle:
		return nil, cmdutil.Usagef("--active and --inactive exclude each other")
	case a.fs.Changed("active"):
		out = append(out, directory.Change{Op: directory.OpSet, Path: "active", Value: a.Active})
	case a.fs.Changed("inactive"):
		out = append(out, directory.Change{Op: directory.OpSet, Path: "active", Value: !a.Idle})
	}
	if a.fs.Changed("manager") && a.Manager == "" {
		out = append(out, directory.Change{Op: directory.OpUnset, Path: managerPath})
	}
	return out, nil
}

const managerPath = directory.EnterpriseURN + ":manager"

// managerChange looks the manager up, nil when none was named.
func (a *attributes) managerChange(ctx context.Context, b *directory.Base) ([]directory.Change, error) {
	if a.Manager == "" {
		return nil, nil
	}
	r, err := b.Resources(ctx)
	if err != nil {
		return nil, err
	}
	boss, err := b.FindOne(ctx, r, a.Manager, scim.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("--manager: %w", err)
	}
	return []directory.Change{{Op: directory.OpSet, Path: managerPath, Value: map[string]any{"value": boss.ID()}}}, nil
}

// findGroups looks up all groups before anything is written.
func findGroups(ctx context.Context, d *cmdutil.Deps, keys []string) (provider.Resources, []scim.Document, error) {
	b := &directory.Base{Deps: d, Kind: directory.Groups()}
	r, err := b.Resources(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := make([]scim.Document, len(keys))
	for i, k := range keys {
		if out[i], err = b.FindOne(ctx, r, k, scim.ListOptions{}); err != nil {
			return nil, nil, fmt.Errorf("--group: %w", err)
		}
	}
	return r, out, nil
}
