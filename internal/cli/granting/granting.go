// Package granting is what all commands on access share: how an app or one of
// its roles is named, who it is granted to, how grants are given and taken
// away, listed and explained. The commands of nouns say which of it they are.
//
// A grant is a resource of its own and nearly immutable. One that is there is
// never made twice, one that is gone is no error: to run a command again after
// it was interrupted does the rest, so that no journal is kept.
package granting

import (
	"context"
	"errors"
	"strings"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// Thing is what is granted: an app, or one of its roles.
type Thing struct {
	App  string        // the id of the app
	Role scim.Document // nil for the app itself
	Name string        // Payroll, Payroll/Approver
}

// RoleID is the id of the role, empty for an app.
func (t *Thing) RoleID() string { return t.Role.ID() }

// Word says what sort of thing it is.
func (t *Thing) Word() string {
	if t.Role == nil {
		return "app"
	}
	return "app role"
}

// Find finds what a person calls App or App/Role, or by an id.
func Find(ctx context.Context, d *cmdutil.Deps, a provider.Access, key string) (*Thing, error) {
	apps := &directory.Base{Deps: d, Kind: directory.Apps()}
	roles := &directory.Base{Deps: d, Kind: directory.AppRoles()}
	if strings.Contains(key, "/") {
		role, err := roles.FindOne(ctx, a.Roles(), key, scim.ListOptions{})
		if err == nil {
			return roleThing(ctx, a, role)
		}
		// The name of an app may hold a slash.
		if !errors.Is(err, scim.ErrNotFound) {
			return nil, err
		}
		app, aerr := apps.FindOne(ctx, a.Apps(), key, scim.ListOptions{})
		if aerr != nil {
			return nil, err
		}
		return appThing(app), nil
	}
	app, err := apps.FindOne(ctx, a.Apps(), key, scim.ListOptions{})
	if err == nil {
		return appThing(app), nil
	}
	if errors.Is(err, scim.ErrNotFound) && (provider.IsID(key) || provider.IsOCID(key)) {
		role, rerr := a.Roles().Get(ctx, key, scim.ListOptions{})
		if rerr == nil {
			return roleThing(ctx, a, role)
		}
	}
	return nil, err
}

func appThing(app scim.Document) *Thing {
	return &Thing{App: app.ID(), Name: app.String("displayName")}
}

// RoleOf is the thing that a role is.
func RoleOf(role scim.Document) *Thing {
	return &Thing{App: role.String("app.value"), Role: role, Name: directory.RoleName(role)}
}

func roleThing(ctx context.Context, a provider.Access, role scim.Document) (*Thing, error) {
	t := RoleOf(role)
	if role.String("app.display") == "" {
		app, err := a.Apps().Get(ctx, t.App, scim.ListOptions{Attributes: []string{"displayName"}})
		if err != nil {
			return nil, err
		}
		t.Name = app.String("displayName") + "/" + role.String("displayName")
	}
	return t, nil
}

// refusal says that a role cannot be granted to a kind of grantees.
func (t *Thing) refusal(to provider.GranteeType) error {
	if t.Role == nil {
		return nil
	}
	attr := map[provider.GranteeType]string{
		provider.ToUser: "availableToUsers", provider.ToGroup: "availableToGroups", provider.ToApp: "availableToClients",
	}[to]
	can, said := t.Role.Bool(attr)
	if !said || can {
		return nil // where the service does not say, it decides
	}
	help := ""
	if whom := directory.ForWhom(t.Role); whom != "" {
		help = "it is for " + whom
	}
	return &cmdutil.RefusedError{Reason: "role " + t.Name + " is not for " + Word(to) + "s", Help: help}
}

// Word is what a person calls a kind of grantees.
func Word(to provider.GranteeType) string {
	switch to {
	case provider.ToUser:
		return "user"
	case provider.ToGroup:
		return "group"
	case provider.ToApp:
		return "app"
	}
	return string(to)
}

// Access connects to the service of the profile.
func Access(ctx context.Context, d *cmdutil.Deps) (provider.Provider, provider.Access, error) {
	p, err := d.Provider(ctx)
	if err != nil {
		return nil, nil, err
	}
	a, err := provider.AccessOf(p)
	return p, a, err
}
