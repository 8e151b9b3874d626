package where

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Column is a heading of a list with the attribute that it shows.
type Column struct{ Name, Path string }

// Described is what the service itself says of an attribute.
type Described struct {
	Type       string
	Searchable bool
}

// Catalogue are the names of one resource type: short words, headings of
// lists, columns of CSV files, bare names of extension attributes, and paths.
type Catalogue struct {
	typ     *schema.ResourceType
	aliases map[string]string // folded name -> attribute path
	names   []string          // of aliases as a person types them
	users   bool
	similar func(word string, names []string) []string

	// Service is asked for attributes that are not published, such as a
	// company's own. Nil knows none.
	Service func(path string) (Described, bool)
}

var _ Names = (*Catalogue)(nil)

// NewCatalogue makes the names of a type. typ may be nil for a type that is
// not published, of which every path is taken. similar finds what was probably
// meant.
func NewCatalogue(typ *schema.ResourceType, columns []Column, similar func(string, []string) []string) *Catalogue {
	c := &Catalogue{typ: typ, aliases: map[string]string{}, similar: similar}
	name := ""
	if typ != nil {
		name = typ.Name
	}
	c.users = name == mapping.User
	for _, a := range shortNames(name) {
		c.add(a.Name, a.Path)
	}
	for _, col := range columns {
		if col.Path != "" {
			c.add(col.Name, col.Path)
		}
	}
	for _, col := range mapping.Columns(name) {
		if !col.WriteOnly {
			c.add(col.Name, col.Path)
			c.add(col.OldName, col.Path)
		}
	}
	return c
}

func (c *Catalogue) add(name, path string) {
	if _, double := c.aliases[fold(name)]; double || name == "" {
		return
	}
	c.aliases[fold(name)] = path
	c.names = append(c.names, strings.ReplaceAll(strings.ToLower(name), " ", "-"))
}

// fold makes "Work Email", work-email and workEmail one name.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(name))
}

// shortNames are the words of the language itself, the strongest names.
func shortNames(typ string) []Column {
	every := []Column{
		{"created", "meta.created"},
		{"modified", "meta.lastModified"},
		{"last-modified", "meta.lastModified"},
		{"created-by", "idcsCreatedBy.display"},
		{"modified-by", "idcsLastModifiedBy.display"},
	}
	switch typ {
	case mapping.User:
		return append(every, []Column{
			{"name", "displayName"},
			{"login", "userName"},
			{"email", "emails.value"},
			{"phone", "phoneNumbers.value"},
			{"given-name", "name.givenName"},
			{"family-name", "name.familyName"},
			{"recent-activity", mapping.UserStateURN + ":lastSuccessfulLoginDate"},
			{"last-login", mapping.UserStateURN + ":lastSuccessfulLoginDate"},
			{"locked", mapping.UserStateURN + ":locked.on"},
			{"federated", mapping.UserExtURN + ":isFederatedUser"},
			{"manager", mapping.EnterpriseURN + ":manager.value"},
			{"group", "groups.display"},
			{"group-id", "groups.value"},
			{"city", "addresses.locality"},
			{"country", "addresses.country"},
		}...)
	case mapping.Group:
		return append(every, []Column{
			{"name", "displayName"},
			{"description", mapping.GroupExtURN + ":description"},
			{"origin", mapping.GroupExtURN + ":creationMechanism"},
			{"member", "members.value"},
		}...)
	}
	return every
}

// userStates are the words for the states of a user, as the column Status
// shows them: one holds at a time.
func userStates() (states, words map[string]filter.Expr) {
	is := func(path string, v any) filter.Expr { return filter.Eq(filter.MustAttr(path), v) }
	active := is("active", true)
	inactive := is("active", false)
	locked := is(mapping.UserStateURN+":locked.on", true)
	pending := is(mapping.UserExtURN+":status", "pendingVerification")
	states = map[string]filter.Expr{
		"inactive": inactive,
		"locked":   filter.AllOf(filter.Negate(inactive), locked),
		"pending":  filter.AllOf(filter.Negate(inactive), filter.Negate(locked), pending),
		"active":   filter.AllOf(filter.Negate(inactive), filter.Negate(locked), filter.Negate(pending)),
	}
	return states, map[string]filter.Expr{"active": active, "inactive": inactive, "pending": pending}
}

// Word is the condition that a word stands for.
func (c *Catalogue) Word(name string) (filter.Expr, bool) {
	if !c.users {
		return nil, false
	}
	_, words := userStates()
	e, ok := words[fold(name)]
	return e, ok
}

// Attr finds what a name means.
func (c *Catalogue) Attr(name string) (Attr, bool) {
	if c.users && fold(name) == "status" {
		states, _ := userStates()
		return Attr{Values: states}, true
	}
	text, alias := c.aliases[fold(name)]
	if !alias {
		text = c.expand(name)
	}
	path, err := filter.ParsePath(text)
	if err != nil || path.Attr.Name == "" && c.typ == nil {
		return Attr{}, false
	}
	if c.typ == nil {
		return c.unpublished(path)
	}
	t, err := c.typ.Resolve(path)
	if err != nil {
		if path.Attr.URN != "" && !c.typ.IsCore(path.Attr.URN) && c.typ.Extension(path.Attr.URN) == nil && path.Attr.Name != "" {
			return c.unpublished(path)
		}
		return Attr{}, false
	}
	if t.Attr == nil { // a schema, no attribute
		return Attr{}, false
	}
	return describe(t), true
}

func describe(t schema.Target) Attr {
	a, at := Attr{Path: t.Path}, t.Attr
	if t.Sub != nil {
		at = t.Sub
	}
	if a.Type = string(at.Type); at.Type == "" {
		a.Type = string(schema.TypeString)
	}
	a.Secret = at.Returned == schema.ReturnedNever && !at.Searchable
	if at.Type != schema.TypeComplex || t.Sub != nil {
		return a
	}
	if value := at.SubAttribute("value"); value != nil {
		if a.Path.Filter != nil {
			a.Path.Sub = value.Name
		} else {
			a.Path.Attr.Sub = value.Name
		}
		a.Type = string(value.Type)
		return a
	}
	base := t.Path.Attr.String()
	for _, sub := range at.SubAttributes {
		a.Parts = append(a.Parts, base+"."+sub.Name)
	}
	return a
}

// unpublished is an attribute of which only the service knows more.
func (c *Catalogue) unpublished(path filter.Path) (Attr, bool) {
	a := Attr{Path: path}
	if c.Service != nil && path.Filter == nil {
		d, ok := c.Service(path.String())
		if !ok {
			return a, false
		}
		if a.Type = d.Type; d.Type == string(schema.TypeComplex) && path.Attr.Sub == "" {
			if v, ok := c.Service(path.Attr.Child("value").String()); ok {
				a.Path.Attr.Sub, a.Type = "value", v.Type
			}
		}
	}
	return a, true
}

// expand writes the URN in front of the bare name of an attribute that only
// one extension has, as the other commands do.
func (c *Catalogue) expand(name string) string {
	bare := name
	if i := strings.IndexAny(bare, ".["); i >= 0 {
		bare = bare[:i]
	}
	if c.typ == nil || bare == "" || strings.Contains(bare, ":") || c.typ.Core != nil && c.typ.Core.Attribute(bare) != nil {
		return name
	}
	found := ""
	for _, ext := range c.typ.Extensions {
		if ext.Attribute(bare) != nil {
			if found != "" {
				return name
			}
			found = ext.ID
		}
	}
	if found == "" {
		return name
	}
	return found + ":" + name
}

// Similar are names that a word was probably meant to be.
func (c *Catalogue) Similar(name string) []string {
	if c.similar == nil {
		return nil
	}
	names := slices.Clone(c.names)
	if c.users {
		names = append(names, "status", "inactive", "pending")
	}
	if c.typ != nil {
		add := func(s *schema.Schema) {
			if s == nil {
				return
			}
			for _, a := range s.Attributes {
				if _, ok := c.Attr(a.Name); ok {
					names = append(names, a.Name)
				}
			}
		}
		add(c.typ.Core)
		for _, ext := range c.typ.Extensions {
			add(ext)
		}
	}
	found := c.similar(name, names)
	var out []string
	seen := map[string]bool{}
	for _, n := range found {
		if !seen[fold(n)] {
			seen[fold(n)] = true
			out = append(out, n)
		}
	}
	return out
}

// Searchable says whether the published description allows an attribute in a
// filter; known is false for one that is not published.
func (c *Catalogue) Searchable(a filter.AttrPath) (searchable, known bool) {
	if c.typ == nil {
		return false, false
	}
	at, _, _ := c.typ.Attribute(a)
	if at == nil {
		return false, false
	}
	return at.Searchable, true
}

// Rules say how values compare that are matched here.
func (c *Catalogue) Rules() filter.Rules {
	if c.typ == nil {
		return nil
	}
	return c.typ
}

// Alias is a name with what it stands for.
type Alias struct{ Name, Meaning string }

// Aliases lists the short names of a type, for the documentation.
func (c *Catalogue) Aliases() []Alias {
	typ := ""
	if c.typ != nil {
		typ = c.typ.Name
	}
	var out []Alias
	for _, a := range shortNames(typ) {
		out = append(out, Alias{a.Name, a.Path})
	}
	if c.users {
		_, words := userStates()
		for _, w := range []string{"active", "inactive", "pending"} {
			out = append(out, Alias{w, words[w].String()})
		}
	}
	return out
}
