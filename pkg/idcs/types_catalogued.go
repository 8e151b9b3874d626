package idcs

import "github.com/idctl/idctl/pkg/scim"

const idcsURN = "urn:ietf:params:scim:schemas:oracle:idcs:"

const readOps = scim.List | scim.Get | scim.Search

// cataloguedTypes are in use by the vendor's request collections or guides but
// not in its SDK. Operations are those seen there and no others. The last
// group is named in the guides without a request; its operations follow from
// the kind of resource and are marked.
var cataloguedTypes = [...]TypeInfo{
	{Name: "AllowedValue", Endpoint: "/AllowedValues", Ops: scim.Get, Core: idcsURN + "AllowedValue", Catalogued: true},
	{Name: "AppClientSecretRegenerator", Endpoint: "/AppClientSecretRegenerator", Ops: scim.Get, Catalogued: true},
	{Name: "Asserter", Endpoint: "/Asserter", Ops: scim.Create, Core: idcsURN + "Asserter", Catalogued: true},
	{Name: "AuditEvent", Endpoint: "/AuditEvents", Ops: scim.List | scim.Search, Core: idcsURN + "AuditEvent", Catalogued: true},
	{Name: "BulkUserPasswordChanger", Endpoint: "/BulkUserPasswordChanger", Ops: scim.Create, Core: idcsURN + "BulkUserPasswordChanger", Catalogued: true},
	{Name: "BulkUserPasswordResetter", Endpoint: "/BulkUserPasswordResetter", Ops: scim.Create, Core: idcsURN + "BulkUserPasswordResetter", Catalogued: true},
	{Name: "BypassCode", Endpoint: "/BypassCodes", Ops: readOps | scim.Create | scim.Delete, Core: idcsURN + "BypassCode", Catalogued: true},
	{Name: "ConditionGroup", Endpoint: "/ConditionGroups", Ops: scim.AllOps, Core: idcsURN + "ConditionGroup", Catalogued: true},
	{Name: "ConditionGroupTemplate", Endpoint: "/ConditionGroupTemplates", Ops: readOps, Core: idcsURN + "ConditionGroupTemplate", Catalogued: true},
	{Name: "ConditionTemplate", Endpoint: "/ConditionTemplates", Ops: readOps, Core: idcsURN + "ConditionTemplate", Catalogued: true},
	{Name: "EncryptionKey", Endpoint: "/EncryptionKeys", Ops: scim.List, Catalogued: true},
	{Name: "MeEmailVerified", Endpoint: "/MeEmailVerified", Ops: scim.Create, Core: idcsURN + "MeEmailVerified", Catalogued: true},
	{Name: "MeEmailVerifier", Endpoint: "/MeEmailVerifier", Ops: scim.Replace, Core: idcsURN + "MeEmailVerifier", Bare: true, Catalogued: true},
	{Name: "MePasswordRecoveryOptionRetriever", Endpoint: "/MePasswordRecoveryOptionRetriever", Ops: scim.Create, Core: idcsURN + "MePasswordRecoveryOptionRetriever", Catalogued: true},
	{Name: "MePasswordResetRequestor", Endpoint: "/MePasswordResetRequestor", Ops: scim.Create, Core: idcsURN + "MePasswordResetRequestor", Catalogued: true},
	{Name: "MePasswordResetter", Endpoint: "/MePasswordResetter", Ops: scim.Create, Core: idcsURN + "MePasswordResetter", Catalogued: true},
	{Name: "MeSecurityQuestionAnswerValidator", Endpoint: "/MeSecurityQuestionAnswerValidator", Ops: scim.Create, Core: idcsURN + "MeSecurityQuestionAnswerValidator", Catalogued: true},
	{Name: "MeSecurityQuestionsRetriever", Endpoint: "/MeSecurityQuestionsRetriever", Ops: scim.Create, Core: idcsURN + "MeSecurityQuestionsRetriever", Catalogued: true},
	{Name: "MyAccess", Endpoint: "/MyAccesses", Ops: scim.List, Catalogued: true},
	{Name: "MyAppFavoriteSetter", Endpoint: "/MyAppFavoriteSetter", Ops: scim.Replace, Core: idcsURN + "MyAppFavoriteSetter", Catalogued: true},
	{Name: "MyAuthenticationFactorEnroller", Endpoint: "/MyAuthenticationFactorEnroller", Ops: scim.Create, Core: idcsURN + "AuthenticationFactorEnroller", Catalogued: true},
	{Name: "MyBypassCode", Endpoint: "/MyBypassCodes", Ops: readOps | scim.Create | scim.Delete, Core: idcsURN + "BypassCode", Catalogued: true},
	{Name: "OAuthConfig", Endpoint: "/OAuthConfig", Ops: readOps | scim.Replace | scim.Patch, Core: idcsURN + "OAuthConfig", SingletonID: "OAuthConfig", Catalogued: true},
	{Name: "PasswordAuthenticator", Endpoint: "/PasswordAuthenticator", Ops: scim.Create, Core: idcsURN + "PasswordAuthenticator", Catalogued: true},
	{Name: "PolicyTemplate", Endpoint: "/PolicyTemplates", Ops: readOps, Core: idcsURN + "PolicyTemplate", Catalogued: true},
	{Name: "PolicyType", Endpoint: "/PolicyTypes", Ops: readOps, Core: idcsURN + "PolicyType", Catalogued: true},
	{Name: "RadiusProxy", Endpoint: "/RadiusProxies", Ops: scim.AllOps, Core: idcsURN + "RadiusProxy", Catalogued: true},
	{Name: "RadiusProxyListener", Endpoint: "/RadiusProxyListeners", Ops: scim.AllOps, Core: idcsURN + "RadiusProxyListener", Catalogued: true},
	{Name: "RadiusProxyMapping", Endpoint: "/RadiusProxyMappings", Ops: scim.AllOps, Core: idcsURN + "RadiusProxyMapping", Catalogued: true},
	{Name: "RuleTemplate", Endpoint: "/RuleTemplates", Ops: scim.List | scim.Get, Core: idcsURN + "RuleTemplate", Catalogued: true},
	{Name: "ServiceProvider", Endpoint: "/ServiceProviders", Ops: scim.List | scim.Create, Core: idcsURN + "ServiceProvider", Catalogued: true},
	{Name: "TermsOfUse", Endpoint: "/TermsOfUses", Ops: scim.AllOps, Core: idcsURN + "TermsOfUse", Catalogued: true},
	{Name: "TermsOfUseStatement", Endpoint: "/TermsOfUseStatements", Ops: scim.AllOps, Core: idcsURN + "TermsOfUseStatement", Catalogued: true},
	{Name: "UserActivationInitiator", Endpoint: "/UserActivationInitiator", Ops: scim.Replace, Core: idcsURN + "UserActivationInitiator", Catalogued: true},
	{Name: "UserNameGenerator", Endpoint: "/UserNameGenerator", Ops: scim.Create, Core: idcsURN + "UserNameGenerator", Catalogued: true},
	{Name: "UserPasswordGenerator", Endpoint: "/UserPasswordGenerator", Ops: scim.Replace, Core: idcsURN + "UserPasswordGenerator", Catalogued: true},
	{Name: "UserPasswordValidator", Endpoint: "/UserPasswordValidator", Ops: scim.Create | scim.Replace, Core: idcsURN + "UserPasswordValidator", Catalogued: true},
	{Name: "UserToken", Endpoint: "/UserTokens", Ops: scim.List, Catalogued: true},

	// Named in guides, operations by analogy with the self-service twin.
	{Name: "BypassCodeNotification", Endpoint: "/BypassCodeNotifications", Ops: scim.Create, Core: idcsURN + "BypassCodeNotification", Catalogued: true},
	{Name: "Device", Endpoint: "/Devices", Ops: readOps | scim.Patch | scim.Delete, Catalogued: true},
	{Name: "SupportAccount", Endpoint: "/SupportAccounts", Ops: scim.List | scim.Get | scim.Create | scim.Delete, Core: idcsURN + "supportAccount", Catalogued: true},
	{Name: "TrustedUserAgent", Endpoint: "/TrustedUserAgents", Ops: scim.List | scim.Get | scim.Delete, Catalogued: true},
	{Name: "UserLockedStateChanger", Endpoint: "/UserLockedStateChanger", Ops: scim.Create, Core: idcsURN + "UserLockedStateChanger", Catalogued: true},
	// RFC 7644 section 4.
	{Name: "ResourceType", Endpoint: "/ResourceTypes", Ops: scim.List | scim.Get, Core: "urn:ietf:params:scim:schemas:core:2.0:ResourceType", Catalogued: true},
}
