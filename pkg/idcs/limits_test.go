package idcs

import "testing"

func TestGroupOf(t *testing.T) {
	tests := []struct{ method, path, want string }{
		{"GET", "/admin/v1/Users", GroupOther},
		{"GET", "/admin/v1/Users/123", GroupOther},
		{"POST", "/admin/v1/Bulk", GroupBulk},
		{"POST", "/admin/v1/bulk/", GroupBulk},
		{"POST", "/admin/v1/BypassCodes", GroupAuthN},
		{"DELETE", "/admin/v1/Devices/1", GroupAuthN},
		{"GET", "/admin/v1/TrustedUserAgents", GroupAuthN},
		{"PUT", "/admin/v1/UserPasswordChanger/1", GroupAuthN},
		{"PUT", "/admin/v1/UserPasswordResetter/1", GroupOther},
		{"POST", "/admin/v1/UserLockedStateChanger", GroupAuthN},
		{"POST", "/admin/v1/AuthenticationFactorsRemover", GroupAuthN},
		{"GET", "/admin/v1/SigningCert/jwk", GroupAuthN},
		{"POST", "/admin/v1/PasswordAuthenticator", GroupBasicAuthN},
		{"POST", "/admin/v1/HTTPAuthenticator", GroupBasicAuthN},
		{"POST", "/oauth2/v1/token", GroupToken},
		{"POST", "/sso/v1/sdk/authenticate", GroupAuthN},
		{"POST", "/mfa/v1/requests", GroupAuthN},
		{"POST", "/job/v1/JobSchedules", GroupJobs},
		{"GET", "/job/v1/JobSchedules", GroupOther},
		{"POST", "/job/v1/JobSchedules/.search", GroupOther},
		{"GET", "/job/v1/JobHistories/1", GroupOther},
		{"POST", "/storage/v1/Files", GroupOther},
		{"GET", "", GroupOther},
	}
	for _, tt := range tests {
		if got := GroupOf(tt.method, tt.path); got != tt.want {
			t.Errorf("GroupOf(%s, %s) = %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		domain DomainType
		group  string
		want   Limit
	}{
		{Free, GroupOther, Limit{20, 150, 0}},
		{"", GroupOther, Limit{20, 150, 0}},
		{"unheard-of", GroupOther, Limit{20, 150, 0}},
		{OracleApps, GroupToken, Limit{40, 1000, 0}},
		{OracleAppsPremium, GroupBasicAuthN, Limit{160, 4000, 0}},
		{Premium, GroupAuthN, Limit{95, 4500, 0}},
		{ExternalUser, GroupOther, Limit{80, 4000, 0}},
		{Premium, GroupBulk, Limit{5, 200, 0}},
		{OracleApps, GroupJobs, Limit{0, 0, 8}},
	}
	for _, tt := range tests {
		if got := Limits(tt.domain)[tt.group]; got != tt.want {
			t.Errorf("Limits(%s)[%s] = %v, want %v", tt.domain, tt.group, got, tt.want)
		}
	}
	if r := Rates(Premium)[GroupJobs]; r.PerSecond != 90 || r.PerMinute != 5000 {
		t.Errorf("a job start has rate %v, want that of other calls", r)
	}
	if o := Objects(ExternalUser); o.Users != 100_000_000 || o.APIKeys != 0 || o.DynamicGroups != 0 {
		t.Errorf("Objects(ExternalUser) = %+v", o)
	}
	if o := Objects(Free); o.Users != 2000 || o.GroupsPerUser != 250 || o.APIKeys != 3 {
		t.Errorf("Objects(Free) = %+v", o)
	}
}

func TestParseDomainType(t *testing.T) {
	for in, want := range map[string]DomainType{"Premium": Premium, "external_user": ExternalUser, " Oracle Apps Premium ": OracleAppsPremium} {
		if got, ok := ParseDomainType(in); !ok || got != want {
			t.Errorf("ParseDomainType(%q) = %q, %v", in, got, ok)
		}
	}
	if got, ok := ParseDomainType("gold"); ok {
		t.Errorf("ParseDomainType(gold) = %q", got)
	}
}
