package provider

import (
	"context"
	"iter"
	"strings"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// GranteeType is a kind of those whom access is granted to, as grants name it.
type GranteeType string

// The kinds of grantees.
const (
	ToUser  GranteeType = "User"
	ToGroup GranteeType = "Group"
	ToApp   GranteeType = "App"
)

// GrantQuery selects grants. Empty members select all.
type GrantQuery struct {
	// To is the kind of grantees; Grantees are some of that kind, by id.
	To       GranteeType
	Grantees []string
	// App and Role are ids. AppOnly leaves out grants of roles.
	App, Role string
	AppOnly   bool
}

// Grant is access that is given: to an app, or to one of its roles.
type Grant struct {
	ID        string
	App, Role string // ids; Role is empty where the app itself is granted
	To        GranteeType
	Grantee   string
	// Mechanism is the service's own word for how it came about.
	Mechanism string
	// Derived grants follow from another one, such as that to a group whose
	// member the grantee is; they come and go with it. From is the id of what
	// it follows from, where the service says so.
	Derived bool
	From    string
	// Groups limits an administrator role of a user to the members of groups,
	// by id. Whether a service took the limit is for Limits to tell.
	Groups []string
	Doc    scim.Document
}

// GroupLimit says that a user holds an administrator role for one group only.
type GroupLimit struct{ Role, Group string }

// Access is what a service does with apps, their roles and grants of them. A
// method that the service does not have answers *UnsupportedError.
type Access interface {
	// Apps and Roles read and write apps and roles of apps. Both are Finders:
	// a role is found by App/Role.
	Apps() Resources
	Roles() Resources
	// Grants yields grants.
	Grants(ctx context.Context, q GrantQuery) iter.Seq2[Grant, error]
	// Grant gives access. token is the same each time the same grant is sent.
	// scim.ErrConflict says that it was given before.
	Grant(ctx context.Context, g Grant, token string) (Grant, error)
	// Revoke takes a grant away; scim.ErrNotFound when it is gone.
	Revoke(ctx context.Context, id string) error
	// SetAppActive lets an app be used, or not any more.
	SetAppActive(ctx context.Context, id string, active bool) error
	// RegenerateSecret gives a client a new secret; the old one is void.
	RegenerateSecret(ctx context.Context, id string) (transport.Secret, error)
	// AdminRoles are the roles by which the service itself is administered.
	AdminRoles(ctx context.Context) ([]scim.Document, error)
	// Limits answers for which groups alone users hold administrator roles, by
	// the ids of the users. A role that is not named there is not limited.
	Limits(ctx context.Context, users []string) (map[string][]GroupLimit, error)
}

// AccessProvider is what a Provider implements that has Access.
type AccessProvider interface {
	Access() Access
}

// AccessOf is the access of a provider. One without any answers
// *UnsupportedError.
func AccessOf(p Provider) (Access, error) {
	if a, ok := p.(AccessProvider); ok {
		return a.Access(), nil
	}
	return nil, &UnsupportedError{
		Provider: p.Name(), What: "tell or change applications, their roles and grants",
		Instead: "idctl groups members adds users to groups",
	}
}

// Finder is what Resources implement that are called by more than the values
// of attributes. Find asks it. An answer of nil without an error leaves the
// key to the attributes.
type Finder interface {
	FindKey(ctx context.Context, key string) (scim.Document, error)
}

// NearError is a name that nothing has, with names that may have been meant. It
// is scim.ErrNotFound.
type NearError struct {
	// What and Key say what was looked for, In where: "app role", "Approver",
	// "app Payroll". In may be empty.
	What, Key, In string
	// Candidates are names that resemble the key, best first; Others is a
	// remark on where such a thing is.
	Candidates []string
	Others     string
}

// Error names what was looked for.
func (e *NearError) Error() string {
	s := e.What + " " + quoteWord(e.Key)
	if e.In != "" {
		s += " in " + e.In
	}
	return s + ": " + scim.ErrNotFound.Error()
}

// Is matches scim.ErrNotFound.
func (e *NearError) Is(target error) bool { return target == scim.ErrNotFound }

// Hint asks whether one of the candidates was meant.
func (e *NearError) Hint() string {
	var lines []string
	if len(e.Candidates) > 0 {
		lines = append(lines, "did you mean "+strings.Join(e.Candidates, ", ")+"?")
	}
	if e.Others != "" {
		lines = append(lines, e.Others)
	}
	return strings.Join(lines, "\n")
}
