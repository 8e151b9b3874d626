package idcs

import (
	"net/http"
	"strings"

	"github.com/idctl/idctl/pkg/transport"
)

// DomainType is the kind of an identity domain, which its limits depend on.
type DomainType string

// The domain types. The empty type counts as Free, the one with the lowest
// limits.
const (
	Free              DomainType = "free"
	OracleApps        DomainType = "oracle-apps"
	OracleAppsPremium DomainType = "oracle-apps-premium"
	Premium           DomainType = "premium"
	ExternalUser      DomainType = "external-user"
)

// DomainTypes lists the domain types.
func DomainTypes() []DomainType {
	return []DomainType{Free, OracleApps, OracleAppsPremium, Premium, ExternalUser}
}

// ParseDomainType reads a domain type without regard to case; underscores and
// blanks count as hyphens. False for one that does not exist.
func ParseDomainType(s string) (DomainType, bool) {
	s = strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(strings.TrimSpace(s)))
	for _, t := range DomainTypes() {
		if string(t) == s {
			return t, true
		}
	}
	return "", false
}

func (t DomainType) column() int {
	for i, known := range DomainTypes() {
		if known == t {
			return i
		}
	}
	return 0
}

// The API groups that share a rate limit.
const (
	GroupAuthN      = "authn"
	GroupBasicAuthN = "basicauthn"
	GroupToken      = "token"
	GroupBulk       = "bulk"
	GroupJobs       = "jobs"
	GroupOther      = "other"
)

// Limit is what the service allows within one API group. A zero field is no
// limit.
type Limit struct {
	PerSecond, PerMinute, PerDay int
}

// limitTable is the vendor's page "API rate limiting", one column per domain
// type in the order of DomainTypes. Where its older page knows no group of its
// own for basicauthn, the newer page's numbers stand here.
var limitTable = map[string][5]Limit{
	GroupAuthN:      {{10, 150, 0}, {50, 1000, 0}, {80, 2100, 0}, {95, 4500, 0}, {90, 3100, 0}},
	GroupBasicAuthN: {{10, 150, 0}, {100, 3000, 0}, {160, 4000, 0}, {95, 4500, 0}, {90, 3100, 0}},
	GroupToken:      {{10, 150, 0}, {40, 1000, 0}, {50, 1700, 0}, {65, 3400, 0}, {60, 2300, 0}},
	GroupOther:      {{20, 150, 0}, {50, 1500, 0}, {55, 1750, 0}, {90, 5000, 0}, {80, 4000, 0}},
	GroupBulk:       {{5, 200, 0}, {5, 200, 0}, {5, 200, 0}, {5, 200, 0}, {5, 200, 0}},
	GroupJobs:       {{0, 0, 4}, {0, 0, 8}, {0, 0, 10}, {0, 0, 10}, {0, 0, 10}},
}

// Limits are the published rate limits of a domain type by API group. A start
// of a job counts against GroupJobs a day and, as a request, against
// GroupOther.
func Limits(t DomainType) map[string]Limit {
	out := make(map[string]Limit, len(limitTable))
	for group, row := range limitTable {
		out[group] = row[t.column()]
	}
	return out
}

// Rates are Limits as the transport's limiter takes them. Job starts run at
// the rate of other calls: the number a day is for the planner to keep.
func Rates(t DomainType) map[string]transport.Rate {
	out := make(map[string]transport.Rate, len(limitTable))
	for group, l := range Limits(t) {
		if group == GroupJobs {
			l = limitTable[GroupOther][t.column()]
		}
		out[group] = transport.Rate{PerSecond: float64(l.PerSecond), PerMinute: float64(l.PerMinute)}
	}
	return out
}

// Published limits that are the same for every domain type.
const (
	// MaxPageSize is the largest count that a list answers.
	MaxPageSize = 1000
	// DefaultPage is the count of a list that asks for none.
	DefaultPage = 50
	// MaxRequestBytes bounds the body of any request.
	MaxRequestBytes = 1 << 20
	// BulkOperations is the number of operations in one Bulk call. The vendor's
	// pages disagree (40 for factor resets, 50, and 1000); 50 is the number on
	// the page of rate limits.
	BulkOperations = 50
	// BulkBytes is the size of a Bulk body that leaves room for what the
	// transport and proxies add to it.
	BulkBytes = 1_000_000
	// ImportRows, ImportBytes and ExportRows bound one job.
	ImportRows  = 100_000
	ImportBytes = 10 << 20
	ExportRows  = 100_000
	// MembersPerAnswer is the number of group members above which a request
	// for them all fails.
	MembersPerAnswer = 10_000
)

// ObjectLimits say how many objects a domain of a type may hold. 0 means that
// no limit is published.
type ObjectLimits struct {
	Users, Groups, UsersPerGroup, GroupsPerUser             int
	PasswordPolicies, IdentityProviders, SignOnPolicies     int
	DynamicGroups, SelfRegistrationProfiles                 int
	APIKeys, AuthTokens, OAuth2ClientCredentials            int // per user
	SMTPCredentials, CustomerSecretKeys, DatabaseCredential int // per user
}

// Objects are the published object limits of a domain type.
func Objects(t DomainType) ObjectLimits {
	const k, m = 1000, 1_000_000
	c := t.column()
	pick := func(v ...int) int { return v[c] }
	return ObjectLimits{
		Users:                    pick(2*k, m, m, m, 100*m),
		Groups:                   pick(250, 10*k, 100*k, 100*k, 100*k),
		UsersPerGroup:            pick(2*k, 10*k, 100*k, 100*k, 100*k),
		GroupsPerUser:            pick(250, 500, 5*k, 5*k, 5*k),
		PasswordPolicies:         10,
		IdentityProviders:        pick(5, 5, 30, 30, 30),
		SignOnPolicies:           pick(5, 50, 200, 200, 200),
		DynamicGroups:            pick(50, 50, 50, 50, 0),
		SelfRegistrationProfiles: pick(0, 50, 50, 50, 50),
		APIKeys:                  pick(3, 3, 3, 3, 0),
		AuthTokens:               pick(2, 2, 2, 2, 0),
		OAuth2ClientCredentials:  pick(10, 10, 10, 10, 0),
		SMTPCredentials:          pick(2, 2, 2, 2, 0),
		CustomerSecretKeys:       pick(2, 2, 2, 2, 0),
		DatabaseCredential:       pick(2, 2, 2, 2, 0),
	}
}

// GroupOf names the API group of a request by its method and its path on the
// service's origin.
func GroupOf(method, path string) string {
	parts := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch at(0) {
	case "oauth2":
		return GroupToken
	case "sso", "mfa":
		return GroupAuthN
	case "job":
		if method == http.MethodPost && at(2) == "jobschedules" && at(3) == "" {
			return GroupJobs
		}
	case "admin":
		switch at(2) {
		case "bulk":
			return GroupBulk
		case "httpauthenticator", "passwordauthenticator":
			return GroupBasicAuthN
		case "bypasscodes", "devices", "trusteduseragents", "userpasswordchanger",
			"userlockedstatechanger", "authenticationfactorsremover", "signingcert":
			return GroupAuthN
		}
	}
	return GroupOther
}
