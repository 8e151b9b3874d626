package directory

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Projection is what a person says about the attributes of an answer.
type Projection struct {
	Attributes    []string
	AllAttributes bool
}

// AddFlags adds --attributes and --all-attributes.
func (p *Projection) AddFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&p.Attributes, "attributes", nil, "ask the service for these `attributes`, separated by commas")
	fs.BoolVar(&p.AllAttributes, "all-attributes", false, "ask for all attributes, also those sent on request only")
}

// apply asks for no more than what is printed. out is the command's printer,
// whose --fields count.
func (p *Projection) apply(k *Kind, d *cmdutil.Deps, out output.Printer[scim.Document], single bool, opts *scim.ListOptions) error {
	if err := k.check(d, out); err != nil {
		return err
	}
	named := splitAttributes(p.Attributes)
	if p.AllAttributes && len(named) > 0 {
		return cmdutil.Usagef("--attributes and --all-attributes exclude each other")
	}
	for i, a := range named {
		named[i] = k.Expand(a)
	}
	fields := splitAttributes(d.Output.Fields)
	switch {
	case p.AllAttributes:
		opts.AttributeSets = []string{"all"}
	case len(named) > 0:
		opts.Attributes = named
	case len(fields) > 0 && out.Paths() != nil:
		opts.Attributes = out.Paths()
	case len(fields) > 0:
		// A column among them is made of several attributes.
		opts.AttributeSets = []string{"default"}
		opts.Attributes = slices.Clone(k.Extra)
		for _, f := range fields {
			if output.AnyPath(f) {
				opts.Attributes = append(opts.Attributes, f)
			}
			if k.States && plain(f) == "status" && !Documents(d.Output.Format) {
				opts.Attributes = append(opts.Attributes, lifecycle.Attributes()...)
			}
		}
	case d.Output.Format == output.Name && k.KeyAttribute != "":
		opts.Attributes = []string{k.KeyAttribute}
	case Documents(d.Output.Format) || single:
		if len(k.Extra) > 0 {
			opts.AttributeSets = []string{"default"}
			opts.Attributes = slices.Clone(k.Extra)
		}
		if Tabular(d.Output.Format) {
			opts.Attributes = append(opts.Attributes, k.CardExtra...)
		}
	default:
		opts.Attributes = slices.Clone(k.TableAttributes)
	}
	return nil
}

// check refuses fields that name nothing. Bare names of attributes that are
// clear get their URN, as everywhere.
func (k *Kind) check(d *cmdutil.Deps, out output.Printer[scim.Document]) error {
	fields := splitAttributes(d.Output.Fields)
	columns := k.Columns(d)
	for i, f := range fields {
		if !slices.ContainsFunc(columns, func(c output.Column[scim.Document]) bool { return plain(c.Name) == plain(f) }) {
			fields[i] = k.Expand(f)
		}
	}
	d.Output.Fields = fields
	return out.Check()
}

func plain(heading string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(heading))
}

// splitAttributes splits lists at commas outside of brackets and quotes, since
// an attribute may carry a filter.
func splitAttributes(lists []string) []string {
	var out []string
	for _, list := range lists {
		depth, quoted, start := 0, false, 0
		for i := 0; i <= len(list); i++ {
			if i == len(list) || list[i] == ',' && depth == 0 && !quoted {
				if s := strings.TrimSpace(list[start:i]); s != "" {
					out = append(out, s)
				}
				start = i + 1
				continue
			}
			switch c := list[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '[':
				depth++
			case c == ']':
				depth--
			}
		}
	}
	return out
}

// sorting reads --sort: an attribute, and :desc or :asc behind it.
func (k *Kind) sorting(text string, opts *scim.ListOptions) error {
	if text == "" {
		opts.SortBy = k.SortBy
		return nil
	}
	attr := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		switch strings.ToLower(text[i+1:]) {
		case "desc", "descending":
			attr, opts.Descending = text[:i], true
		case "asc", "ascending":
			attr = text[:i]
		}
	}
	opts.SortBy = k.Expand(attr)
	for _, s := range sortWords {
		if strings.EqualFold(attr, s.word) {
			opts.SortBy = k.Expand(s.attr)
		}
	}
	if a, err := filter.ParseAttr(opts.SortBy); err != nil || a.Name == "" {
		return cmdutil.Usagef("--sort %q is not an attribute", text).WithHint("use an attribute such as displayName, or displayName:desc")
	}
	if k.Names != nil && !k.Names.known(opts.SortBy) {
		return cmdutil.Usagef("--sort: %s have no attribute %q", k.Plural, attr)
	}
	return nil
}

// sortWords are headings of columns that a person may sort by.
var sortWords = []struct{ word, attr string }{
	{"email", "emails.value"},
	{"login", "userName"},
	{"created", "meta.created"},
	{"last-modified", "meta.lastModified"},
	{"modified", "meta.lastModified"},
	{"recent-activity", lastLogin},
}

// pageNumber reads --page: 0 for none, -1 for the last.
func pageNumber(text string) (int, error) {
	switch strings.ToLower(text) {
	case "":
		return 0, nil
	case "first":
		return 1, nil
	case "last":
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, cmdutil.Usagef("--page %q is not a number from 1, first or last", text)
	}
	return n, nil
}
