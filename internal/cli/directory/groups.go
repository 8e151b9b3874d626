package directory

import (
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
)

// GroupSearch are the attributes that groups search looks into.
func GroupSearch() []string {
	return []string{"displayName", GroupURN + ":description", "nonUniqueDisplayName", "externalId"}
}

// Groups is the kind of groups.
func Groups() Kind {
	return Kind{
		Noun: "group", Plural: "groups", Command: "groups", Example: "Engineering",
		Open:    func(p provider.Provider, _ string) (provider.Resources, error) { return p.Groups(), nil },
		Columns: groupColumns,
		TableAttributes: []string{
			"displayName", "externalId", "meta", GroupURN + ":description", GroupURN + ":creationMechanism",
		},
		Key:          func(d *scim.Document) string { return d.String("displayName") },
		KeyAttribute: "displayName",
		Names:        namesOf[idcs.Group](),
		SortBy:       "displayName",
		Search:       GroupSearch(),
		Card:         groupCard,
	}
}

func groupColumns(d *cmdutil.Deps) []output.Column[scim.Document] {
	text := func(path string) func(*scim.Document) string {
		return func(g *scim.Document) string { return g.String(path) }
	}
	return []output.Column[scim.Document]{
		{Name: "Name", Path: "displayName", Get: text("displayName")},
		{Name: "Description", Path: GroupURN + ":description", Get: text(GroupURN + ":description")},
		{Name: "ID", Path: "id", Wide: true, Get: text("id")},
		{Name: "Origin", Path: GroupURN + ":creationMechanism", Wide: true, Get: text(GroupURN + ":creationMechanism")},
		{Name: "Created", Path: "meta.created", Wide: true, Get: DateOf(d, "meta.created")},
		{Name: "Last modified", Path: "meta.lastModified", Wide: true, Get: DateOf(d, "meta.lastModified")},
	}
}

func groupCard(d *cmdutil.Deps) []Line {
	return []Line{
		{Name: "Name", Path: "displayName"},
		{Name: "Description", Path: GroupURN + ":description"},
		{Name: "Origin", Path: GroupURN + ":creationMechanism"},
		{Name: "External ID", Path: "externalId"},
		{Name: "ID", Path: "id"},
		{Name: "OCID", Path: "ocid"},
		{Name: "Created", Get: dateIn(d, "meta.created"), Paths: []string{"meta.created"}},
		{Name: "Last modified", Get: dateIn(d, "meta.lastModified"), Paths: []string{"meta.lastModified"}},
	}
}

// Any is the kind of the resources that have no commands of their own; the
// type is the first argument.
func Any() Kind {
	return Kind{
		Noun: "resource", Plural: "resources", Command: "resources", Example: "2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d",
		Typed: true,
		Open: func(p provider.Provider, typ string) (provider.Resources, error) {
			return p.Resource(typ)
		},
		Columns:      anyColumns,
		Key:          func(d *scim.Document) string { return d.ID() },
		KeyAttribute: "id",
	}
}

// Label is what a person calls a resource of any type.
func Label(doc scim.Document) string {
	for _, path := range []string{"displayName", "name", "userName", "name.formatted", "title", "description", "value", "id"} {
		if s := doc.String(path); s != "" {
			return s
		}
	}
	return ""
}

func anyColumns(d *cmdutil.Deps) []output.Column[scim.Document] {
	return []output.Column[scim.Document]{
		{Name: "ID", Path: "id", Get: func(r *scim.Document) string { return r.ID() }},
		{Name: "Name", Get: func(r *scim.Document) string { return Label(*r) }},
		{Name: "Last modified", Path: "meta.lastModified", Get: DateOf(d, "meta.lastModified")},
		{Name: "Created", Path: "meta.created", Wide: true, Get: DateOf(d, "meta.created")},
		{Name: "OCID", Path: "ocid", Wide: true, Get: func(r *scim.Document) string { return r.String("ocid") }},
	}
}

// DynamicGroups is the kind of groups of cloud resources.
func DynamicGroups() Kind {
	return Kind{
		Noun: "dynamic group", Plural: "dynamic groups", Command: "dynamic-groups", Example: "Builders",
		Open: OfType("DynamicResourceGroup", "work with dynamic groups"),
		Columns: func(d *cmdutil.Deps) []output.Column[scim.Document] {
			text := func(path string) func(*scim.Document) string {
				return func(g *scim.Document) string { return g.String(path) }
			}
			return []output.Column[scim.Document]{
				{Name: "Name", Path: "displayName", Get: text("displayName")},
				{Name: "Rule", Path: "matchingRule", Get: text("matchingRule")},
				{Name: "Description", Path: "description", Get: text("description")},
				{Name: "ID", Path: "id", Wide: true, Get: text("id")},
				{Name: "Created", Path: "meta.created", Wide: true, Get: DateOf(d, "meta.created")},
			}
		},
		TableAttributes: []string{"displayName", "matchingRule", "description", "meta"},
		CardExtra:       []string{"matchingRule"}, // sent on request only
		Key:             func(d *scim.Document) string { return d.String("displayName") },
		KeyAttribute:    "displayName",
		SortBy:          "displayName",
		Search:          []string{"displayName"}, // the description is not searchable
		Card: func(d *cmdutil.Deps) []Line {
			return []Line{
				{Name: "Name", Path: "displayName"},
				{Name: "Rule", Path: "matchingRule"},
				{Name: "Description", Path: "description"},
				{Name: "ID", Path: "id"},
				{Name: "OCID", Path: "ocid"},
				{Name: "Created", Get: dateIn(d, "meta.created"), Paths: []string{"meta.created"}},
				{Name: "Last modified", Get: dateIn(d, "meta.lastModified"), Paths: []string{"meta.lastModified"}},
			}
		},
	}
}
