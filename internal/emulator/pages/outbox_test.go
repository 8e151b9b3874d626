package pages

import (
	"net/http"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/mail"
)

func TestOutboxWantsTheKey(t *testing.T) {
	s := newSite(t)
	secret := func(a answer) {
		t.Helper()
		if strings.Contains(a.body, theToken) || strings.Contains(a.body, "welcome") {
			t.Errorf("shown without the key:\n%s", a.body)
		}
	}
	secret(s.want(s.do(http.MethodGet, OutboxPath, nil), http.StatusOK, "Control key"))
	secret(s.want(s.do(http.MethodGet, OutboxPath, nil, keyHeader, "wrong"), http.StatusOK, "Control key"))
	s.wantRedirect(s.do(http.MethodGet, OutboxPath+"/m1", nil), OutboxPath)
	s.wantRedirect(s.do(http.MethodGet, OutboxPath+"/m1/html", nil), OutboxPath)
	secret(s.want(s.do(http.MethodPost, OutboxPath, s.form(OutboxPath, "key", "wrong")), invalid, "not the control key"))
	// The key is no parameter of an address.
	secret(s.want(s.do(http.MethodGet, OutboxPath+"?key="+theKey, nil), http.StatusOK, "Control key"))

	s.wantRedirect(s.do(http.MethodPost, OutboxPath, s.form(OutboxPath, "key", " "+theKey+"\n")), OutboxPath)
	s.want(s.do(http.MethodGet, OutboxPath, nil), http.StatusOK, "&lt;script&gt;", `href="/ui/v1/outbox/m1"`, "?skip=1", "kept here")
	s.want(s.do(http.MethodGet, OutboxPath+"?skip=25", nil), http.StatusOK, "Newest messages")
	s.want(s.do(http.MethodGet, OutboxPath+"?skip=-1", nil), http.StatusOK)
	s.want(s.do(http.MethodGet, OutboxPath+"/m1?language=de", nil), http.StatusOK, "Konto aktivieren", s.server.URL+"/ui/v1/link?token="+theToken)
	s.want(s.do(http.MethodGet, OutboxPath+"/m2", nil), http.StatusNotFound)
	s.want(s.do(http.MethodGet, OutboxPath+"/m1/more", nil), http.StatusNotFound)

	html := s.want(s.do(http.MethodGet, OutboxPath+"/m1/html", nil), http.StatusOK, "Activate account")
	if csp := html.header.Get("Content-Security-Policy"); !strings.Contains(csp, "style-src 'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy of the HTML part: %q", csp)
	}

	// A session of a key that is no more, as after a restart, opens nothing.
	s.pages.cfg.KeyID = "k2"
	secret(s.want(s.do(http.MethodGet, OutboxPath, nil), http.StatusOK, "Control key"))
	s.pages.cfg.KeyID = "k1"
	s.now = s.now.Add(outboxLife)
	secret(s.want(s.do(http.MethodGet, OutboxPath, nil), http.StatusOK, "Control key"))
	s.now = noon
	s.wantRedirect(s.do(http.MethodPost, OutboxPath+"/close", s.form(OutboxPath)), OutboxPath)
	secret(s.want(s.do(http.MethodGet, OutboxPath, nil), http.StatusOK, "Control key"))
	s.want(s.do(http.MethodGet, OutboxPath, nil, keyHeader, theKey), http.StatusOK, "welcome")
}

// TestOutboxRemote: from another machine there is no outbox, key or not.
func TestOutboxRemote(t *testing.T) {
	s := newSite(t)
	form := s.form(OutboxPath, "key", theKey)
	s.local = false
	s.want(s.do(http.MethodGet, OutboxPath, nil, keyHeader, theKey), http.StatusNotFound)
	s.want(s.do(http.MethodGet, OutboxPath+"/m1", nil, keyHeader, theKey), http.StatusNotFound)
	s.want(s.do(http.MethodPost, OutboxPath, form), http.StatusNotFound)
}

// TestUserIsNoAdministrator: the session of a user does not open the outbox,
// and that of the outbox is nobody's.
func TestUserIsNoAdministrator(t *testing.T) {
	s := newSite(t)
	s.wantRedirect(s.do(http.MethodPost, SignInPath, s.form(SignInPath, "userName", "a", "password", "b")), Base+"/home")
	at := mustURL(t, s.server.URL+Base+"/x")
	for _, c := range s.client.Jar.Cookies(at) {
		if c.Name == sessionCookie {
			c.Name, c.Path = outboxCookie, Base
			s.client.Jar.SetCookies(at, []*http.Cookie{c})
		}
	}
	s.want(s.do(http.MethodGet, OutboxPath, nil), http.StatusOK, "Control key")

	s = newSite(t)
	s.wantRedirect(s.do(http.MethodPost, OutboxPath, s.form(OutboxPath, "key", theKey)), OutboxPath)
	for _, c := range s.client.Jar.Cookies(at) {
		if c.Name == outboxCookie {
			c.Name, c.Path = sessionCookie, Base
			s.client.Jar.SetCookies(at, []*http.Cookie{c})
		}
	}
	s.wantRedirect(s.do(http.MethodGet, Base+"/home", nil), SignInPath)
}

func TestStateKey(t *testing.T) {
	for want, d := range map[string]*mail.Delivery{
		"stateKept": nil, "stateWaiting": {State: mail.StateWaiting}, "stateDelivered": {State: mail.StateDelivered}, "stateFailed": {State: mail.StateFailed},
	} {
		if got := stateKey(d); got != want {
			t.Errorf("%+v: %s, want %s", d, got, want)
		}
	}
}
