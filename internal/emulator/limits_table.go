package emulator

import "strings"

// limitRate is a published limit; the sum of a group's endpoints counts.
type limitRate struct{ perSecond, perMinute int }

// limitGroups are the groups of idcs-behaviour 2.7, from the narrowest to the
// widest: the first one that names a path has it.
var limitGroups = []struct {
	name  string
	paths []string // prefixes; an admin endpoint also matches what is below it
	rates map[string]limitRate
}{
	{
		name:  "Bulk",
		paths: []string{"/admin/v1/Bulk", "/scim/v2/Bulk"},
		rates: map[string]limitRate{
			"free": {5, 200}, "oracle-apps": {5, 200}, "oracle-apps-premium": {5, 200}, "premium": {5, 200}, "external-user": {5, 200},
		},
	},
	{
		name:  "BasicAuthN",
		paths: []string{"/admin/v1/HTTPAuthenticator", "/admin/v1/PasswordAuthenticator"},
		rates: map[string]limitRate{
			"free": {10, 150}, "oracle-apps": {100, 3000}, "oracle-apps-premium": {160, 4000}, "premium": {95, 4500}, "external-user": {90, 3100},
		},
	},
	{
		name: "AuthN",
		paths: []string{
			"/sso/v1/", "/mfa/v1/", "/admin/v1/BypassCodes", "/admin/v1/Devices", "/admin/v1/TrustedUserAgents",
			"/admin/v1/UserPasswordChanger", "/admin/v1/UserLockedStateChanger", "/admin/v1/AuthenticationFactorsRemover",
			"/admin/v1/SigningCert/jwk",
		},
		rates: map[string]limitRate{
			"free": {10, 150}, "oracle-apps": {50, 1000}, "oracle-apps-premium": {80, 2100}, "premium": {95, 4500}, "external-user": {90, 3100},
		},
	},
	{
		name:  "Token",
		paths: []string{"/oauth2/v1/"},
		rates: map[string]limitRate{
			"free": {10, 150}, "oracle-apps": {40, 1000}, "oracle-apps-premium": {50, 1700}, "premium": {65, 3400}, "external-user": {60, 2300},
		},
	},
	{
		name:  "Other",
		paths: []string{"/"},
		rates: map[string]limitRate{
			"free": {20, 150}, "oracle-apps": {50, 1500}, "oracle-apps-premium": {55, 1750}, "premium": {90, 5000}, "external-user": {80, 4000},
		},
	},
}

// LimitNames are the values of Options.Limits.
func LimitNames() []string {
	return []string{"free", "oracle-apps", "oracle-apps-premium", "premium", "external-user"}
}

// limitGroup answers the index of the group that a path belongs to.
func limitGroup(path string) int {
	for i, g := range limitGroups {
		for _, p := range g.paths {
			if path == p || strings.HasPrefix(path, p) && (strings.HasSuffix(p, "/") || path[len(p)] == '/') {
				return i
			}
		}
	}
	return len(limitGroups) - 1
}
