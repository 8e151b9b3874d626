package directory

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Owned is the kind of what belongs to users. Columns and words are the
// caller's. hide, unless nil, takes out of a document what is not shown.
func Owned(k Kind, what provider.Belonging, hide func(scim.Document) scim.Document) Kind {
	k.Open = func(p provider.Provider, _ string) (provider.Resources, error) {
		r, err := OwnedOf(p, what)
		if err != nil || hide == nil {
			return r, err
		}
		return masked{r, hide}, nil
	}
	if k.Key == nil {
		k.Key = func(d *scim.Document) string { return d.ID() }
	}
	k.KeyAttribute = "id"
	return k
}

// OwnedOf picks what belongs to users from a provider.
func OwnedOf(p provider.Provider, what provider.Belonging) (provider.Owned, error) {
	f, err := provider.FactorsOf(p)
	if err != nil {
		return nil, err
	}
	return f.Owned(what)
}

// masked are resources with documents of which something is not shown.
type masked struct {
	provider.Resources
	hide func(scim.Document) scim.Document
}

func (m masked) Get(ctx context.Context, id string, opts scim.ListOptions) (scim.Document, error) {
	doc, err := m.Resources.Get(ctx, id, opts)
	if doc != nil {
		doc = m.hide(doc)
	}
	return doc, err
}

func (m masked) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	page, err := m.Resources.Page(ctx, opts)
	if page != nil {
		for i, doc := range page.Resources {
			page.Resources[i] = m.hide(doc)
		}
	}
	return page, err
}

func (m masked) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		for doc, err := range m.Resources.All(ctx, opts) {
			if doc != nil {
				doc = m.hide(doc)
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

// OwnedListOptions are what a list of what belongs to users needs.
type OwnedListOptions struct {
	ListOptions
	What  provider.Belonging
	Users []string
	// Optional lists those of all users where none is named.
	Optional bool
}

// NewOwnedList makes a command that lists what belongs to some users.
func NewOwnedList(d *cmdutil.Deps, k Kind, what provider.Belonging, optional bool, run func(context.Context, *OwnedListOptions) error) *cobra.Command {
	o := &OwnedListOptions{
		ListOptions: ListOptions{Base: Base{Deps: d, Kind: k}, Print: k.Printer(d)}, What: what, Optional: optional,
	}
	arg, args, long := " <user>...", cmdutil.AtLeast(1, "user"), "List the "+k.Plural+" of a user, or of several."
	if optional {
		arg, args, long = " [<user>...]", cobra.ArbitraryArgs, "List the "+k.Plural+" of a user, of several, or of all."
	}
	command := "  idctl " + k.Command + " list"
	cmd := &cobra.Command{
		Use: "list" + arg, Aliases: []string{"ls"}, Short: "List the " + k.Plural + " of users", Long: long,
		Example: command + " ada@example.com\n" + command + " ada@example.com -o json",
		Args:    args, Annotations: cmdutil.Columns(o.Print.FieldNames()),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Users = args
			return run(cmd.Context(), o)
		},
	}
	o.AddFlags(cmd)
	return cmd
}

// RunOwnedList lists what belongs to users.
func RunOwnedList(ctx context.Context, o *OwnedListOptions) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	p, err := o.Provider(ctx)
	if err != nil {
		return err
	}
	r, err := OwnedOf(p, o.What)
	if err != nil {
		return err
	}
	var which filter.Expr
	if len(o.Users) > 0 {
		ids, err := UserIDs(ctx, o.Deps, o.Users)
		if err != nil {
			return fmt.Errorf("%s of %w", o.Kind.Plural, err)
		}
		which = r.Of(ids...)
	}
	return ListWhere(ctx, &o.ListOptions, which)
}

// UserIDs are the ids of some users, all of whom must be there.
func UserIDs(ctx context.Context, d *cmdutil.Deps, keys []string) ([]string, error) {
	users := &Base{Deps: d, Kind: Users()}
	r, err := users.Resources(ctx)
	if err != nil {
		return nil, err
	}
	docs, err := users.FindEach(ctx, r, keys, scim.ListOptions{})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(docs))
	for i, doc := range docs {
		ids[i] = doc.ID()
	}
	return ids, nil
}
