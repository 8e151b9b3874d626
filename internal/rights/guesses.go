package rights

import (
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// What the documents leave out of the table, and how we read it: all of it is
// guesses.

// guessed are the endpoints that the documents leave out. An Identity Domain
// Administrator may do everything, a Security Administrator everything with
// settings, branding, notifications, identity providers and certificates, and
// nobody else anything.
var guessed = [...]Row{
	{"AccountRecoverySettings", "A A - - - - -", guess},
	{"AllowedValues", "A - - - - - -", guess},
	{"ApiKeys", "A - - - - - -", guess},
	{"ApprovalWorkflowAssignments", "A - - - - - -", guess},
	{"ApprovalWorkflowSteps", "A - - - - - -", guess},
	{"ApprovalWorkflows", "A - - - - - -", guess},
	{"AuthTokens", "A - - - - - -", guess},
	{"BrandingSettings", "A A - - - - -", guess},
	{"CloudGateMappings", "A - - - - - -", guess},
	{"CloudGateServers", "A - - - - - -", guess},
	{"CloudGates", "A - - - - - -", guess},
	{"Conditions", "A - - - - - -", guess},
	{"CustomerSecretKeys", "A - - - - - -", guess},
	{"DynamicResourceGroups", "A - - - - - -", guess},
	{"IdentityProofingProviderTemplates", "A - - - - - -", guess},
	{"IdentityProofingProviders", "A - - - - - -", guess},
	{"IdentityPropagationTrusts", "A - - - - - -", guess},
	{"IdentityProviders", "A A - - - - -", guess},
	{"KmsiSettings", "A A - - - - -", guess},
	{"MappedAttributes", "A - - - - - -", guess},
	{"NetworkPerimeters", "A - - - - - -", guess},
	{"NotificationSettings", "A A - - - - -", guess},
	{"OAuth2ClientCredentials", "A - - - - - -", guess},
	{"OAuthClientCertificates", "A A - - - - -", guess},
	{"OAuthPartnerCertificates", "A A - - - - -", guess},
	{"OciConsoleSignOnPolicyConsents", "A - - - - - -", guess},
	{"Policies", "A - - - - - -", guess},
	{"ResourceTypeSchemaAttributes", "A - - - - - -", guess},
	{"ResourceTypes", "A - - - - - -", guess},
	{"RestoreOciConsolePolicy", "A - - - - - -", guess},
	{"Rules", "A - - - - - -", guess},
	{"Schemas", "A - - - - - -", guess},
	{"SecurityQuestionSettings", "A A - - - - -", guess},
	{"SecurityQuestions", "A - - - - - -", guess},
	{"SelfRegistrationProfiles", "A - - - - - -", guess},
	{"ServiceProviderConfig", "A - - - - - -", guess},
	{"SmtpCredentials", "A - - - - - -", guess},
	{"SocialIdentityProviders", "A A - - - - -", guess},
	{"UserAttributesSettings", "A A - - - - -", guess},
	{"UserCapabilitiesChanger", "A - - - - - -", guess},
	{"UserDbCredentials", "A - - - - - -", guess},
	{"VerificationClaims", "A - - - - - -", guess},
}

// OwnAccount says that an endpoint is for the signed-in user's own account: Me
// and what begins with Me or My. Every user may use it, and no client but an
// Identity Domain Administrator, to whom nothing there belongs; which roles the
// real service asks for is not published.
func OwnAccount(endpoint string) bool {
	for _, prefix := range [...]string{"Me", "My"} {
		if rest, ok := strings.CutPrefix(endpoint, prefix); ok && (rest == "" || rest[0] >= 'A' && rest[0] <= 'Z') {
			return true
		}
	}
	return false
}

// LimitedReach says whether a role that is limited to groups opens an endpoint
// at all: users, groups and what is done to users, but nothing by which other
// people could be seen, and no creation, since nobody is a member before.
func LimitedReach(endpoint string, verb schema.Verb) bool {
	switch endpoint {
	case "Users":
		return verb != schema.VerbCreate
	case "Groups", "Bulk", "BypassCodes", "BypassCodeNotifications", "AuthenticationFactorsRemover", "UserStatusChanger",
		"UserLockedStateChanger", "UserStateChanger", "UserPasswordChanger", "UserPasswordResetter", "BulkUserPasswordChanger",
		"BulkUserPasswordResetter", "UserActivationInitiator", "UserPasswordGenerator", "UserPasswordValidator":
		return true
	}
	return false
}
