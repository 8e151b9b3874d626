package engine

// Behaviour that no source states. Each constant is one decision, so that a
// finding about the real service changes one line; the documentation lists
// them as guesses.
const (
	// rejectUnknown refuses attributes that no schema declares with 400
	// instead of dropping them.
	rejectUnknown = true
	// acceptCustomSchemas lets schemas name a custom extension that is not
	// defined, as a recorded request does; other unknown URNs are refused.
	acceptCustomSchemas = true
	// acceptUnchangedReadOnly lets a PUT repeat a readOnly value, since
	// clients send back what they read.
	acceptUnchangedReadOnly = true
	// keepVersionWhenUnchanged leaves version and lastModified alone when a
	// write changes nothing.
	keepVersionWhenUnchanged = true
	// keepUnreadable makes a PUT keep what a client cannot read (returned
	// never, such as the password) when the body leaves it out.
	keepUnreadable = true
	// createFromFilter makes a replace with a filter that selects nothing add
	// an element, as a recorded request needs; otherwise it is noTarget.
	createFromFilter = true
	// clearReports makes deleting a manager with forceDelete empty the
	// manager of the reports; without force the reference dangles.
	clearReports = true
	// deleteGrantsOf removes the grants of a deleted user, group or app.
	deleteGrantsOf = true

	// ignoreClientOCID keeps the server's OCID where a create names another.
	ignoreClientOCID = true

	// upgradedInRelease is what idcsLastUpgradedInRelease says.
	upgradedInRelease = "24.4.1"
	// serviceName is the serviceName of audit events of this API.
	serviceName = "Admin"
	// maskedValue stands for secrets in audit events; recordings show nine
	// asterisks for old passwords.
	maskedValue = "*********"
	// domainOCID, compartmentOCID and tenancyOCID are used unless Options
	// says otherwise.
	domainOCID      = "ocid1.domain.oc1..aaaaaaaaemulator"
	compartmentOCID = "ocid1.tenancy.oc1..aaaaaaaaemulator"
	tenancyOCID     = "ocid1.tenancy.oc1..aaaaaaaaemulator"
)

// Paging limits of the service (idcs-behaviour 2.2).
const (
	defaultCount       = 50
	maxCount           = MaxCount
	maxMembersReturned = 10000
)

// defaultPasswordCost is the number of PBKDF2 iterations of the one
// documented hash.
const defaultPasswordCost = 10000

// unimplemented are types whose operations would have effects that this stage
// does not have. They answer 501 instead of pretending; each names what is
// missing.
var unimplemented = map[string]string{
	"MeFactorEnroller":                "enrolling factors",
	"MyAuthenticationFactorInitiator": "starting a factor challenge",
	"MyAuthenticationFactorValidator": "validating a factor challenge",
	"RestoreOciConsolePolicy":         "restoring the console policy",
	"VerificationClaim":               "identity proofing",
}
