package rights

import "slices"

// Row says what the seven roles may do at one endpoint.
type Row struct {
	// Endpoint is the path below /admin/v1, or a longer name where one path has
	// more than one row.
	Endpoint string
	// Marks has a cell for each of Admins(): A all verbs, r reading, r1 reading
	// by id only, P POST only, PUT and PATCH these only, - nothing; + joins.
	Marks string
	// Source is where it is written, or what it is in its place.
	Source string
}

// Sources of rows.
const (
	documented = "RequiredRolePerEndpointExt"
	guess      = "guess"
)

// Rows answers the table. The columns are the roles of Admins().
func Rows() []Row { return slices.Concat(rows[:], guessed[:]) }

// rows are those that the vendor documents (idcs-behaviour 4.3). An endpoint
// may be of a family that the emulator does not serve.
var rows = [...]Row{
	//                                          IDA Sec App UA UM HD Aud
	{"Users", "A r r A A r1 r", documented},
	{"Groups", "A r r A r+PATCH r1 r", documented},
	{"Grants", "A - A A - - -", documented},
	{"AppRoles", "A - A r - - -", documented},
	{"Apps", "A A A r r1 r1 -", documented},
	{"AppStatusChanger", "A - A r - - -", documented},
	{"AppClientSecretRegenerator", "A A A - - - -", documented},
	{"Bulk", "A A A A A A -", documented},
	{"storage Files", "A r A A - - r", documented},
	{"JobSchedules UserImport", "A - - A - - -", documented},
	{"JobSchedules GroupImport", "A - - A - - -", documented},
	{"JobSchedules UserExport", "A - - A - - -", documented},
	{"JobSchedules GroupExport", "A - - A - - -", documented},
	{"JobSchedules AppRoleImport", "A - A - - - -", documented},
	{"JobSchedules AppRoleExport", "A - A - - - -", documented},
	{"JobSchedules Import", "A - - - - - -", documented},
	{"JobSchedules Export", "A - - - - - -", documented},
	{"JobSchedules BulkUserPasswordReset", "A - - A A - -", documented},
	{"JobSchedules", "r - r r r1 - -", documented},
	{"JobHistories", "r - r r r1 - -", documented},
	{"JobReports", "r - r r r1 - -", documented},
	{"BypassCodes", "A r - P P P -", documented},
	{"BypassCodeNotifications", "P - - P P P -", documented},
	{"AuthenticationFactorsRemover", "P r - P P P -", documented},
	{"UserStatusChanger", "PUT - - - A - -", documented},
	{"UserLockedStateChanger", "P - - P A A -", documented},
	{"UserStateChanger", "A - - A A A -", documented},
	{"UserPasswordChanger", "A - - A A A -", documented},
	{"UserPasswordResetter", "A - - A A A -", documented},
	{"BulkUserPasswordChanger", "A - - A A A -", documented},
	{"BulkUserPasswordResetter", "A - - A A A -", documented},
	{"UserActivationInitiator", "A - - A A A -", documented},
	{"UserPasswordGenerator", "A - - A A A -", documented},
	{"UserPasswordValidator", "A - - A A A -", documented},
	{"UserNameGenerator", "A - - A - - -", documented},
	{"UserTokens", "A - - r - - -", documented},
	{"Asserter", "A - - - - - -", documented},
	{"PasswordAuthenticator", "A - - - - - -", documented},
	{"Devices", "A r - - - - -", documented},
	{"TrustedUserAgents", "A r - - - - -", documented},
	{"AuditEvents", "r r r r r1 r1 r", documented},
	{"Reports", "P P P P - - P", documented},
	{"AccountMgmtInfos", "A - A A - - -", documented},
	{"AccountOwnerLinker", "A - A - - - -", documented},
	{"AccountStatusChanger", "A - A - - - -", documented},
	{"AccountPasswordResetter", "A - A - - - -", documented},
	{"JobSchedules ManagedObjectSync", "A - A - - - -", documented},
	{"ManagedAppConnectionTester", "A - A - - - -", documented},
	{"SyncEvents", "A - A - - - -", documented},
	{"PasswordPolicies", "A A - - - - -", documented},
	{"AuthenticationFactorSettings", "A A - - - - -", documented},
	{"Settings", "A A - - - - -", documented},
	{"IdentitySettings", "A A - - - - -", documented},
}
