package rights

import (
	"crypto/sha256"
	"encoding/hex"
)

// The app whose roles these are (idcs-behaviour 4.3).
const (
	AppID      = "IDCSAppId"
	AppName    = "IDCSApp"
	AppDisplay = "IDCS Application"
)

// Role is a role of the app IDCSAppId.
type Role struct {
	// Name is its displayName, Description what it is for.
	Name        string
	Description string
	// Admin says that it is one of the seven with rights of their own.
	Admin bool
	// Limited says that it may be granted for the members of some groups only.
	Limited bool

	index int
}

// Names of the administrator roles that this program has to name.
const (
	IdentityDomainAdministrator = "Identity Domain Administrator"
	UserManager                 = "User Manager"
	HelpDeskAdministrator       = "Help Desk Administrator"
)

// roles are in the order of the table's columns, then the others.
var roles = [...]Role{
	{Name: IdentityDomainAdministrator, Admin: true, Description: "Everything in the domain, delegation included."},
	{Name: "Security Administrator", Admin: true, Description: "Settings, security, password policies, identity providers and certificates."},
	{Name: "Application Administrator", Admin: true, Description: "Applications, and who has access to them."},
	{Name: "User Administrator", Admin: true, Description: "Users, groups and memberships."},
	{Name: UserManager, Admin: true, Limited: true, Description: "All users, or those of selected groups."},
	{Name: HelpDeskAdministrator, Admin: true, Limited: true, Description: "Views all users, or those of selected groups, unlocks them and resets passwords and factors."},
	{Name: "Audit Administrator", Admin: true, Description: "Reports."},
	{Name: "Authenticator Client", Description: "For clients that authenticate users."},
	{Name: "Authenticated Client", Description: "For clients that have authenticated."},
	{Name: "Change Password", Description: "For clients through which users change their password."},
	{Name: "Cloud Gate", Description: "For app gateways."},
	{Name: "DB Administrator", Description: "For administrators of databases."},
	{Name: "Forgot Password", Description: "For clients through which users ask for a new password."},
	{Name: "Kerberos Administrator", Description: "For administrators of Kerberos realms."},
	{Name: "Me", Description: "For clients through which users manage their own account."},
	{Name: "MFA Client", Description: "For clients that ask for a second factor."},
	{Name: "POSIX Viewer", Description: "For hosts that look up POSIX accounts."},
	{Name: "Reset Password", Description: "For clients through which users reset their password."},
	{Name: "Self Registration", Description: "For clients through which people register."},
	{Name: "Signin", Description: "For clients with a sign-in page of their own."},
	{Name: "Verify Email", Description: "For clients through which users verify their address."},
}

// Roles answers the roles of the app: the seven administrator roles in the
// order of the table's columns, then those meant for clients.
func Roles() []Role {
	out := make([]Role, len(roles))
	for i, r := range roles {
		r.index = i
		out[i] = r
	}
	return out
}

// Admins answers the seven administrator roles.
func Admins() []Role {
	out := Roles()
	n := 0
	for n < len(out) && out[n].Admin {
		n++
	}
	return out[:n]
}

// ByName finds a role by its exact name.
func ByName(name string) (Role, bool) {
	for i := range roles {
		if roles[i].Name == name {
			r := roles[i]
			r.index = i
			return r, true
		}
	}
	return Role{}, false
}

// Bit is the role as a set of one.
func (r Role) Bit() Set { return 1 << r.index }

// UniqueName is the uniqueName of the role.
func (r Role) UniqueName() string { return AppID + "_" + r.Name }

// ID is the id of the role: 32 hex digits, made of its name so that a domain
// needs no table of them. Clients look it up, as they have to at a real one.
func (r Role) ID() string {
	sum := sha256.Sum256([]byte(r.UniqueName()))
	return hex.EncodeToString(sum[:16])
}

// Everything is the set of all roles.
func Everything() Set { return 1<<len(roles) - 1 }
