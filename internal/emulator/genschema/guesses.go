package main

import (
	"slices"
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// This file holds what the reference does not state. Everything in it is a
// guess, kept in tables so that the documentation can list them.

// guessedURNPrefix starts the core URN of a type for which none was found.
const guessedURNPrefix = "urn:ietf:params:scim:schemas:oracle:idcs:"

func guessedURN(typ string) string { return guessedURNPrefix + typ }

// Length bounds. The reference has none except, from one public log, that an
// OCID does not fit into the value of a reference (40) and fits into ocid
// (255). The bound of ordinary strings is that of the searchable custom
// attributes of identity domains (4 K).
const (
	guessedStringLength    = 4000
	guessedReferenceLength = 40
	guessedOCIDLength      = 255
)

// unbounded are parts of attribute names whose values are texts, keys or
// documents that ordinarily exceed guessedStringLength, in lower case.
var unbounded = []string{
	"cert", "metadata", "json", "icon", "thumbnail", "groovy", "nginx", "configuration", "css", "html",
	"translation", "key", "token", "adminvalues", "ruleset", "condition", "statement", "image", "wallet",
	"script", "cas", "regexp", "claimmapping",
}

func guessedLength(a *attribute, reference bool) int {
	switch {
	case a.Type != string(schema.TypeString) || len(a.CanonicalValues) > 0,
		a.Mutability == string(schema.ReadOnly):
		return 0 // nobody sends it, or it is bounded by its values
	case a.Name == "ocid":
		return guessedOCIDLength
	case a.Name == "value" && reference:
		return guessedReferenceLength
	case slices.ContainsFunc(unbounded, func(part string) bool {
		return strings.Contains(strings.ToLower(a.Name), part)
	}):
		return 0
	}
	return guessedStringLength
}

// referenced names the resource types that a complex attribute with a $ref
// points to, by the attribute's name. Names that are missing are not resolved:
// their targets are types that the reference does not describe.
var referenced = map[string][]string{
	"accounts":                         {"AccountMgmtInfo"},
	"aliasApps":                        {"App"},
	"apiKeys":                          {"ApiKey"},
	"app":                              {"App"},
	"appRole":                          {"AppRole"},
	"appRoles":                         {"AppRole"},
	"appSignonPolicy":                  {"Policy"},
	"applicablePasswordPolicy":         {"PasswordPolicy"},
	"approvalWorkflow":                 {"ApprovalWorkflow"},
	"approvalWorkflowSteps":            {"ApprovalWorkflowStep"},
	"appsNetworkPerimeters":            {"NetworkPerimeter"},
	"authTokens":                       {"AuthToken"},
	"basedOnTemplate":                  nil, // templates are no resource type of the reference
	"bypassCode":                       {"BypassCode"},
	"bypassCodes":                      {"BypassCode"},
	"cloudGate":                        {"CloudGate"},
	"conditionGroup":                   {"Condition"},
	"correlationPolicy":                {"Policy"},
	"customerSecretKeys":               {"CustomerSecretKey"},
	"dbCredentials":                    {"UserDbCredential"},
	"defaultGroups":                    {"Group"},
	"delegatedAuthenticationTargetApp": {"App"},
	"devices":                          {"Device"},
	"domainApp":                        {"App"},
	"dynamicResourceGroup":             {"DynamicResourceGroup"},
	"gatewayApp":                       {"App"},
	"grantedAppRoles":                  {"AppRole"},
	"grantee":                          {"User", "Group", "App", "DynamicResourceGroup"},
	"grantor":                          {"User", "App", "Group"},
	"grants":                           {"Grant"},
	"groups":                           {"Group"},
	"idcsCreatedBy":                    {"User", "App"},
	"idcsLastModifiedBy":               {"User", "App"},
	"identityProviders":                {"IdentityProvider"},
	"idpPolicy":                        {"Policy"},
	"impersonationServiceUsers":        {"User"},
	"jitProvAssignedGroups":            {"Group"},
	"jitUserProvAssignedGroups":        {"Group"},
	"jitUserProvGroupMappings":         {"Group"},
	"manager":                          {"User"},
	"members":                          {"User", "Group", "DynamicResourceGroup"},
	"oAuth2ClientCredentials":          {"OAuth2ClientCredential"},
	"owner":                            {"User"},
	"owners":                           {"User", "App"},
	"passwordPolicy":                   {"PasswordPolicy"},
	"preferredDevice":                  {"Device"},
	"requesting":                       {"Group", "App"},
	"requestor":                        {"User"},
	"riskScores":                       nil,
	"rules":                            {"Rule"},
	"secQuestions":                     {"SecurityQuestion"},
	"selfRegistrationProfile":          {"SelfRegistrationProfile"},
	"server":                           {"CloudGateServer"},
	"signonPolicy":                     {"Policy"},
	"smtpCredentials":                  {"SmtpCredential"},
	"syncedFromApp":                    {"App"},
	"trustedUserAgents":                {"TrustedUserAgent"},
	"user":                             {"User"},
	"users":                            {"User"},
}

// madeSecret is the secret of a credential that a user makes for oneself. The
// reference declares it for the type of the administrators only, and without it
// the credential would be of no use.
func madeSecret(name string) *attribute {
	return &attribute{Name: name, Type: "string", CaseExact: true, Mutability: "readOnly", Sensitive: "hash_sc"}
}

// added are attributes that answers have though the reference does not declare
// them for the type: the id of a schema, by which schemas are filtered, and the
// CSV columns of an attribute, both shown by vendor samples; and the secrets of
// one's own credentials.
var added = map[string][]*attribute{
	"MyAuthToken":              {madeSecret("token")},
	"MyCustomerSecretKey":      {madeSecret("secretKey")},
	"MyOAuth2ClientCredential": {madeSecret("secret")},
	"MySmtpCredential":         {madeSecret("password")},
	"Schema": {
		{Name: "id", Type: "string", Mutability: "readOnly", Returned: "always", Uniqueness: "global", Searchable: true},
		{Name: "meta", Type: "complex", Mutability: "readOnly", SubAttributes: []*attribute{
			{Name: "resourceType", Type: "string", Mutability: "readOnly"},
			{Name: "location", Type: "string", Mutability: "readOnly"},
		}},
	},
	"ResourceTypeSchemaAttribute": {
		{Name: "idcsCsvAttributeName", Type: "string", Mutability: "readOnly", Searchable: true},
		{
			Name: "idcsCsvAttributeNameMappings", Type: "complex", MultiValued: true, Mutability: "readOnly",
			SubAttributes: []*attribute{
				{Name: "columnHeaderName", Type: "string", Mutability: "readOnly", Searchable: true},
				{Name: "deprecatedColumnHeaderName", Type: "string", Mutability: "readOnly", Searchable: true},
				{Name: "mapsTo", Type: "string", Mutability: "readOnly", Searchable: true},
				{Name: "multiValueDelimiter", Type: "string", Mutability: "readOnly"},
				{Name: "defaultValue", Type: "string", Mutability: "readOnly"},
			},
		},
		{Name: "idcsPii", Type: "boolean", Mutability: "readOnly", Searchable: true},
		{Name: "idcsPaginateResponse", Type: "boolean", Mutability: "readOnly", Searchable: true},
	},
}
