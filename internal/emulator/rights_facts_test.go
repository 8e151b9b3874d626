package emulator

import (
	"slices"
	"strings"
)

// What the reference says of who may do what (idcs-behaviour 4.3), read role by
// role where the code's table has it endpoint by endpoint. It was written from
// the reference and shares nothing with package rights.

// fact is what one role may do: endpoints by how far it may go.
type fact struct {
	role string
	// everything, reads (list, search and by id), one (by id only), posts, puts
	// and patches are endpoints, separated by blanks.
	everything, reads, one, posts, puts, patches string
}

// settled are endpoints of which the reference says that an Identity Domain
// Administrator may do everything.
const settled = `Users Groups Grants AppRoles Apps AppStatusChanger AppClientSecretRegenerator Bulk BypassCodes UserStateChanger
	UserPasswordChanger UserPasswordResetter BulkUserPasswordChanger BulkUserPasswordResetter UserActivationInitiator
	UserPasswordGenerator UserPasswordValidator UserNameGenerator UserTokens Asserter PasswordAuthenticator Devices
	TrustedUserAgents AccountMgmtInfos AccountOwnerLinker AccountStatusChanger AccountPasswordResetter
	ManagedAppConnectionTester SyncEvents PasswordPolicies AuthenticationFactorSettings Settings IdentitySettings`

// open are endpoints that the reference leaves out. What we say of them is ours:
// an Identity Domain Administrator may do everything.
const open = `AllowedValues ApiKeys ApprovalWorkflowAssignments ApprovalWorkflowSteps ApprovalWorkflows AuthTokens
	CloudGateMappings CloudGateServers CloudGates Conditions CustomerSecretKeys DynamicResourceGroups
	IdentityProofingProviderTemplates IdentityProofingProviders IdentityPropagationTrusts MappedAttributes NetworkPerimeters
	OAuth2ClientCredentials OciConsoleSignOnPolicyConsents Policies ResourceTypeSchemaAttributes ResourceTypes
	RestoreOciConsolePolicy Rules Schemas SecurityQuestions SelfRegistrationProfiles ServiceProviderConfig SmtpCredentials
	UserCapabilitiesChanger UserDbCredentials VerificationClaims ` + openToSecurity

// openToSecurity are those among them that a Security Administrator shares.
const openToSecurity = `AccountRecoverySettings BrandingSettings KmsiSettings NotificationSettings SecurityQuestionSettings
	UserAttributesSettings IdentityProviders SocialIdentityProviders OAuthClientCertificates OAuthPartnerCertificates`

// passwordWork is what three roles have in full.
const passwordWork = `UserStateChanger UserPasswordChanger UserPasswordResetter BulkUserPasswordChanger BulkUserPasswordResetter
	UserActivationInitiator UserPasswordGenerator UserPasswordValidator`

var facts = []fact{
	{
		role: "Identity Domain Administrator", everything: settled + " " + open, reads: "AuditEvents",
		posts: "BypassCodeNotifications AuthenticationFactorsRemover UserLockedStateChanger Reports", puts: "UserStatusChanger",
	},
	{
		role:       "Security Administrator",
		everything: "Apps AppClientSecretRegenerator Bulk PasswordPolicies AuthenticationFactorSettings Settings IdentitySettings " + openToSecurity,
		reads:      "Users Groups BypassCodes AuthenticationFactorsRemover Devices TrustedUserAgents AuditEvents",
		posts:      "Reports",
	},
	{
		role: "Application Administrator",
		everything: `Grants AppRoles Apps AppStatusChanger AppClientSecretRegenerator Bulk AccountMgmtInfos AccountOwnerLinker
			AccountStatusChanger AccountPasswordResetter ManagedAppConnectionTester SyncEvents`,
		reads: "Users Groups AuditEvents", posts: "Reports",
	},
	{
		role:       "User Administrator",
		everything: "Users Groups Grants Bulk UserNameGenerator AccountMgmtInfos " + passwordWork,
		reads:      "AppRoles Apps AppStatusChanger UserTokens AuditEvents",
		posts:      "BypassCodes BypassCodeNotifications AuthenticationFactorsRemover UserLockedStateChanger Reports",
	},
	{
		role:       "User Manager",
		everything: "Users Bulk UserStatusChanger UserLockedStateChanger " + passwordWork,
		reads:      "Groups", one: "Apps AuditEvents", patches: "Groups",
		posts: "BypassCodes BypassCodeNotifications AuthenticationFactorsRemover",
	},
	{
		role:       "Help Desk Administrator",
		everything: "Bulk UserLockedStateChanger " + passwordWork,
		one:        "Users Groups Apps AuditEvents",
		posts:      "BypassCodes BypassCodeNotifications AuthenticationFactorsRemover",
	},
	{role: "Audit Administrator", reads: "Users Groups AuditEvents", posts: "Reports"},
}

// noRights are the roles that the reference names without saying what they open.
var noRights = []string{
	"Authenticator Client", "Authenticated Client", "Change Password", "Cloud Gate", "DB Administrator", "Forgot Password",
	"Kerberos Administrator", "Me", "MFA Client", "POSIX Viewer", "Reset Password", "Self Registration", "Signin", "Verify Email",
}

// what a request does, as the reference tells verbs apart.
const (
	doList   = "list"
	doGet    = "get"
	doSearch = "search"
	doPost   = "POST"
	doPut    = "PUT"
	doPatch  = "PATCH"
	doDelete = "DELETE"
)

// factSays whether a role opens an endpoint for what a request does.
func factSays(role, endpoint, does string) bool {
	in := func(list string) bool { return slices.Contains(strings.Fields(list), endpoint) }
	for _, f := range facts {
		if f.role != role {
			continue
		}
		switch {
		case in(f.everything):
			return true
		case does == doList || does == doSearch:
			return in(f.reads)
		case does == doGet:
			return in(f.reads) || in(f.one)
		case does == doPost:
			return in(f.posts)
		case does == doPut:
			return in(f.puts)
		case does == doPatch:
			return in(f.patches)
		}
	}
	return false
}

// elsewhere is what the reference says of endpoints that are not resources of
// this family: who may do everything, read, read by id, and post.
var elsewhere = map[string][4][]string{
	"storage Files":                      {{"Identity Domain", "Application", "User Admin"}, {"Security", "Audit"}, nil, nil},
	"JobSchedules UserImport":            {{"Identity Domain", "User Admin"}, nil, nil, nil},
	"JobSchedules GroupImport":           {{"Identity Domain", "User Admin"}, nil, nil, nil},
	"JobSchedules UserExport":            {{"Identity Domain", "User Admin"}, nil, nil, nil},
	"JobSchedules GroupExport":           {{"Identity Domain", "User Admin"}, nil, nil, nil},
	"JobSchedules AppRoleImport":         {{"Identity Domain", "Application"}, nil, nil, nil},
	"JobSchedules AppRoleExport":         {{"Identity Domain", "Application"}, nil, nil, nil},
	"JobSchedules Import":                {{"Identity Domain"}, nil, nil, nil},
	"JobSchedules Export":                {{"Identity Domain"}, nil, nil, nil},
	"JobSchedules BulkUserPasswordReset": {{"Identity Domain", "User Admin", "User Manager"}, nil, nil, nil},
	"JobSchedules ManagedObjectSync":     {{"Identity Domain", "Application"}, nil, nil, nil},
	"JobSchedules":                       {nil, {"Identity Domain", "Application", "User Admin"}, {"User Manager"}, nil},
	"JobHistories":                       {nil, {"Identity Domain", "Application", "User Admin"}, {"User Manager"}, nil},
	"JobReports":                         {nil, {"Identity Domain", "Application", "User Admin"}, {"User Manager"}, nil},
	"Reports":                            {nil, nil, nil, {"Identity Domain", "Security", "Application", "User Admin", "Audit"}},
	"UserStateChanger":                   {{"Identity Domain", "User Admin", "User Manager", "Help Desk"}, nil, nil, nil},
	"AccountOwnerLinker":                 {{"Identity Domain", "Application"}, nil, nil, nil},
	"AccountStatusChanger":               {{"Identity Domain", "Application"}, nil, nil, nil},
	"AccountPasswordResetter":            {{"Identity Domain", "Application"}, nil, nil, nil},
	"AppClientSecretRegenerator":         {{"Identity Domain", "Application", "Security"}, nil, nil, nil},
	"ManagedAppConnectionTester":         {{"Identity Domain", "Application"}, nil, nil, nil},
	"SyncEvents":                         {{"Identity Domain", "Application"}, nil, nil, nil},
}
