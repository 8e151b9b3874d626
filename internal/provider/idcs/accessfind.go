package idcs

import (
	"context"
	"fmt"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// maxNear is how many names are offered for one that nothing has.
const maxNear = 5

// apps are the apps of the domain, which offer names that resemble one.
type apps struct{ *resources }

// FindKey implements provider.Finder.
func (a apps) FindKey(ctx context.Context, key string) (scim.Document, error) {
	doc, err := provider.Find(ctx, a.resources, key)
	if !notThere(err) {
		return doc, err
	}
	return nil, &provider.NearError{What: "app", Key: key, Candidates: provider.Similar(key, namesOf(ctx, a.resources, nil), maxNear)}
}

// roles are the app roles of the domain, which are called App/Role.
type roles struct {
	*resources
	apps apps
}

// Keys are what names a role; FindKey looks for it.
func (r roles) Keys() []string { return []string{"displayName", "app.display"} }

// FindKey implements provider.Finder. Names of apps and of roles may hold
// slashes: the first way to split the key that gives an app decides.
func (r roles) FindKey(ctx context.Context, key string) (scim.Document, error) {
	if !strings.Contains(key, "/") {
		doc, err := provider.Find(ctx, r.resources, key)
		if !notThere(err) {
			return doc, err
		}
		return nil, &provider.NearError{
			What: "app role", Key: key, Candidates: provider.Similar(key, namesOf(ctx, r.resources, nil), maxNear),
			Others: "an app role is called App/Role",
		}
	}
	var first error
	for i := range len(key) {
		if key[i] != '/' {
			continue
		}
		app, role := strings.TrimSpace(key[:i]), strings.TrimSpace(key[i+1:])
		if app == "" || role == "" {
			continue
		}
		doc, err := provider.Find(ctx, r.apps.resources, app)
		switch {
		case err == nil:
			return r.of(ctx, doc, role)
		case !notThere(err):
			return nil, err
		case first == nil:
			first = err
		}
	}
	if first == nil {
		return nil, &provider.NearError{What: "app role", Key: key, Others: "an app role is called App/Role"}
	}
	app, _, _ := strings.Cut(key, "/")
	_, err := r.apps.FindKey(ctx, strings.TrimSpace(app)) // for the names that resemble it
	return nil, err
}

// of finds a role of an app by its name or id.
func (r roles) of(ctx context.Context, app scim.Document, key string) (scim.Document, error) {
	in := filter.Eq(attr("app", "value"), app.ID())
	page, err := r.Page(ctx, scim.ListOptions{Filter: filter.AllOf(in, filter.Eq(attr("displayName", ""), key)), Count: 2})
	if err != nil {
		return nil, fmt.Errorf("look up a role of app %q: %w", app.String("displayName"), err)
	}
	switch len(page.Resources) {
	case 1:
		return page.Resources[0], nil
	case 0:
	default:
		return nil, &provider.AmbiguousError{
			Type: r.Type(), Key: key, Total: max(page.Total, len(page.Resources)),
			Candidates: []provider.Candidate{
				{ID: page.Resources[0].ID(), Name: page.Resources[0].String("displayName")},
				{ID: page.Resources[1].ID(), Name: page.Resources[1].String("displayName")},
			},
		}
	}
	if provider.IsID(key) {
		doc, err := r.Get(ctx, key, scim.ListOptions{})
		if err == nil && doc.String("app.value") == app.ID() {
			return doc, nil
		}
		if err != nil && !notThere(err) {
			return nil, err
		}
	}
	name := app.String("displayName")
	near := &provider.NearError{What: "role", Key: key, In: "app " + name}
	for _, n := range provider.Similar(key, namesOf(ctx, r.resources, in), maxNear) {
		near.Candidates = append(near.Candidates, name+"/"+n)
	}
	near.Others = r.elsewhere(ctx, key)
	return nil, near
}

// elsewhere tells which other apps have a role of a name.
func (r roles) elsewhere(ctx context.Context, key string) string {
	page, err := r.Page(ctx, scim.ListOptions{Filter: filter.Eq(attr("displayName", ""), key), Count: maxNear})
	if err != nil || len(page.Resources) == 0 {
		return "" // a hint is not worth an error
	}
	var names []string
	for _, doc := range page.Resources {
		app := doc.String("app.display")
		if app == "" {
			app = doc.String("app.value")
		}
		names = append(names, app+"/"+doc.String("displayName"))
	}
	return "other apps have a role of that name: " + strings.Join(names, ", ")
}

var _, _ provider.Finder = apps{}, roles{}
