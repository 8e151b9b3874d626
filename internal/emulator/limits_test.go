package emulator

import (
	"net/http"
	"testing"
	"time"
)

func TestLimitGroups(t *testing.T) {
	for path, want := range map[string]string{
		"/admin/v1/Bulk":                  "Bulk",
		"/admin/v1/BulkUserPasswordReset": "Other",
		"/admin/v1/Users":                 "Other",
		"/admin/v1/Users/1":               "Other",
		"/oauth2/v1/token":                "Token",
		"/admin/v1/SigningCert/jwk":       "AuthN",
		"/admin/v1/Devices/1":             "AuthN",
		"/admin/v1/DevicesOfMine":         "Other",
		"/sso/v1/sdk/authenticate":        "AuthN",
		"/admin/v1/PasswordAuthenticator": "BasicAuthN",
		"/":                               "Other",
		"":                                "Other",
	} {
		if got := limitGroups[limitGroup(path)].name; got != want {
			t.Errorf("%q is in %s, want %s", path, got, want)
		}
	}
	for _, g := range limitGroups {
		for _, n := range LimitNames() {
			if r := g.rates[n]; r.perSecond == 0 || r.perMinute < r.perSecond {
				t.Errorf("%s %s: %+v", g.name, n, r)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	f := start(t, func(o *Options) { o.Limits = "free" })
	get := func() int { return f.do(http.MethodGet, "/admin/v1/Users?count=0", nil).status }
	burst := func() int {
		n := 0
		for get() == 200 {
			n++
		}
		return n
	}
	if n := burst(); n != 20 {
		t.Errorf("%d in the first second, want 20", n)
	}
	if a := f.do(http.MethodGet, "/admin/v1/Users", nil); a.status != 429 || a.header.Get("Retry-After") != "" || a.doc["status"] != "429" {
		t.Errorf("refusal %d %v", a.status, a.header)
	}
	if a := f.do(http.MethodGet, "/admin/v1/SigningCert/jwk", nil); a.status != 200 {
		t.Errorf("another group: %d", a.status)
	}
	total := 20
	for range 20 {
		f.clock.advance(time.Second)
		total += burst()
	}
	// 150 a minute: the bucket, and what flowed in within 20 s.
	if total < 199 || total > 201 {
		t.Errorf("%d in 20 seconds, want 150 and a third of 150", total)
	}
	f.clock.advance(time.Hour)
	f.refreshToken()
	if n := burst(); n != 20 {
		t.Errorf("%d after an hour", n)
	}
}

func TestNoLimits(t *testing.T) {
	f := start(t, nil)
	for range 100 {
		f.want(f.do(http.MethodGet, "/.well-known/openid-configuration", nil), 200)
	}
}
