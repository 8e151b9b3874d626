package pages

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

const (
	theKey   = "the-control-key"
	theToken = "the-token-of-a-link"
	hostile  = `<script>alert(1)</script>`
)

var errStore = errors.New("the disk is gone")

// people is what the pages see of the engine: one user with one link.
type people struct {
	mu       sync.Mutex
	info     engine.LinkInfo
	linkErr  error
	redeem   error
	signIn   error
	change   error
	user     User
	userErr  error
	redeemed []string
}

func (p *people) Link(_ context.Context, token string) (engine.LinkInfo, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token != theToken {
		return engine.LinkInfo{}, engine.ErrLinkUnknown
	}
	return p.info, p.linkErr
}

func (p *people) Redeem(_ context.Context, _, password string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.redeem == nil {
		p.redeemed = append(p.redeemed, password)
		p.linkErr = engine.ErrLinkUsed
	}
	return p.redeem
}

func (p *people) SignIn(_ context.Context, _, _ string) (engine.SignInResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return engine.SignInResult{UserID: "1", UserName: p.user.UserName, Language: p.user.Language}, p.signIn
}

func (p *people) ChangeOwnPassword(_ context.Context, _, _, password string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.change == nil {
		p.redeemed = append(p.redeemed, password)
	}
	return p.change
}

// letters is an outbox with one message.
type letters struct{ base string }

func (l *letters) List(_ context.Context, skip, limit int) ([]Mail, bool, error) {
	if skip < 0 || limit <= 0 {
		return nil, false, errStore
	}
	return []Mail{{ID: "m1", To: []string{hostile + "@example.com"}, Kind: "welcome", Subject: hostile, Language: "en", Created: noon}}, skip == 0, nil
}

func (l *letters) Open(_ context.Context, base, id, language string) (Mail, *mail.Rendered, error) {
	if id != "m1" {
		return Mail{}, nil, store.ErrNotFound
	}
	l.base = base
	r, err := mail.New().Render(mail.Message{
		ID: id, Template: "welcome", Language: language, Link: base + "/ui/v1/link?token=" + theToken,
		Data: map[string]string{"userName": hostile, "displayName": hostile},
	})
	return Mail{ID: id, To: []string{"ada@example.com"}, Kind: "welcome", Created: noon}, r, err
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site is the pages behind a listener, and a browser.
type site struct {
	*people
	t      *testing.T
	pages  *Pages
	server *httptest.Server
	client *http.Client
	now    time.Time
	local  bool
	log    strings.Builder
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, now: noon, local: true, people: &people{
		user: User{UserName: "ada@example.com", DisplayName: "Ada " + hostile, Active: true},
		info: engine.LinkInfo{Kind: engine.LinkCreateUser, UserID: "1", UserName: "ada@example.com", Expires: noon.Add(time.Hour)},
	}}
	s.pages = New(Config{
		Store: memory.New(), Accounts: s.people, Mails: &letters{}, Templates: mail.New(),
		User:    func(context.Context, string) (User, error) { return s.user, s.userErr },
		KeyFits: func(key string) bool { return key == theKey }, KeyID: "k1",
		Now:     func() time.Time { return s.now },
		BaseURL: func(r *http.Request) string { return "http://" + r.Host },
		Local:   func(*http.Request) bool { return s.local },
		SameOrigin: func(r *http.Request) bool {
			o := r.Header.Get("Origin")
			return o == "" || o == "http://"+r.Host
		},
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	s.server = httptest.NewServer(s.pages)
	t.Cleanup(s.server.Close)
	s.client = s.browser()
	return s
}

// browser is another browser, with cookies of its own. It follows nothing by
// itself.
func (s *site) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(method, path string, form url.Values, headers ...string) answer {
	s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.Contains(string(data), hostile) {
		s.t.Errorf("%s %s shows markup that is data:\n%s", method, path, data)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

var formField = regexp.MustCompile(`name="form" value="([0-9a-f]{64})"`)

// form fills in the form of a page, with its token.
func (s *site) form(path string, pairs ...string) url.Values {
	s.t.Helper()
	a := s.do(http.MethodGet, path, nil)
	m := formField.FindStringSubmatch(a.body)
	if m == nil {
		s.t.Fatalf("%s has no form: %d\n%s", path, a.status, a.body)
	}
	v := url.Values{"form": {m[1]}}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func (s *site) want(a answer, status int, texts ...string) answer {
	s.t.Helper()
	if a.status != status {
		s.t.Fatalf("status %d, want %d\n%s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			s.t.Errorf("%q is missing:\n%s", text, a.body)
		}
	}
	return a
}

func (s *site) wantRedirect(a answer, to string) {
	s.t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		s.t.Fatalf("status %d to %q, want 303 to %q\n%s", a.status, a.header.Get("Location"), to, a.body)
	}
}

const link = Base + "/link?token=" + theToken

// posts are all forms, filled in rightly but for the token.
func posts() map[string]struct {
	from   string
	fields []string
} {
	type post = struct {
		from   string
		fields []string
	}
	return map[string]post{
		SignInPath:            {SignInPath, []string{"userName", "ada@example.com", "password", "right"}},
		Base + "/signout":     {SignInPath, nil},
		Base + "/password":    {SignInPath, []string{"userName", "ada@example.com", "oldPassword", "old", "newPassword", "new", "repeatPassword", "new"}},
		Base + "/link":        {link, []string{"token", theToken, "newPassword", "new", "repeatPassword", "new"}},
		OutboxPath:            {OutboxPath, []string{"key", theKey}},
		OutboxPath + "/close": {OutboxPath, nil},
	}
}

// TestFormsRefuse: every form refuses what does not come from its page, and
// does nothing then.
func TestFormsRefuse(t *testing.T) {
	for path, p := range posts() {
		t.Run(strings.TrimPrefix(path, Base), func(t *testing.T) {
			s := newSite(t)
			good := func() url.Values { return s.form(p.from, p.fields...) }
			s.want(s.do(http.MethodPost, path, good(), "Origin", "http://evil.example.com"), http.StatusForbidden, "came from another site")
			s.want(s.do(http.MethodPost, path, good(), "Origin", "null"), http.StatusForbidden)
			s.want(s.do(http.MethodPost, path, good(), "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
			s.want(s.do(http.MethodPost, path, good(), "Sec-Fetch-Site", "same-site"), http.StatusForbidden)
			without := good()
			without.Del("form")
			s.want(s.do(http.MethodPost, path, without), http.StatusForbidden, "sent from elsewhere")
			other := newSite(t).form(p.from, p.fields...) // of another server and browser
			s.want(s.do(http.MethodPost, path, other), http.StatusForbidden, "sent from elsewhere")
			stolen := good()
			s.client = s.browser() // a token without its cookie
			s.want(s.do(http.MethodPost, path, stolen), http.StatusForbidden, "sent from elsewhere")
			huge := good()
			huge.Set("password", strings.Repeat("x", maxForm))
			s.want(s.do(http.MethodPost, path, huge), http.StatusRequestEntityTooLarge)
			s.want(s.do(http.MethodPost, path, good(), "Content-Type", "text/plain"), http.StatusUnsupportedMediaType)
			s.want(s.do(http.MethodPost, path, good(), "Content-Type", "multipart/form-data; boundary=x"), http.StatusUnsupportedMediaType)
			for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace} {
				a := s.want(s.do(method, path, nil), http.StatusMethodNotAllowed)
				if !strings.Contains(a.header.Get("Allow"), http.MethodPost) {
					t.Errorf("%s: Allow is %q", method, a.header.Get("Allow"))
				}
			}
			if len(s.redeemed) > 0 {
				t.Errorf("a refused form did its work: %q", s.redeemed)
			}
			for _, c := range s.client.Jar.Cookies(mustURL(t, s.server.URL+Base)) {
				if c.Name != formCookie {
					t.Errorf("a refused form left the cookie %s", c.Name)
				}
			}
			// And the right one is taken.
			s.client = s.browser()
			if a := s.do(http.MethodPost, path, good(), "Origin", s.server.URL, "Sec-Fetch-Site", "same-origin"); a.status != http.StatusSeeOther {
				t.Errorf("the right form: %d\n%s", a.status, a.body)
			}
		})
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestHeaders: what every answer says to the browser, errors too.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	paths := []string{SignInPath, link, Base + "/link?token=none", OutboxPath, Base + "/nothing", Base, Base + "/home", Base + "/password", Base + "/style.css"}
	for _, path := range paths {
		a := s.do(http.MethodGet, path, nil)
		csp := a.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy %q lacks %q", path, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "<script") {
			t.Errorf("%s: policy %q, or style or script in the page", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" && !strings.HasSuffix(path, ".css") {
			t.Errorf("%s: Cache-Control is %q", path, got)
		}
		for _, c := range a.header.Values("Set-Cookie") {
			if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Strict") || !strings.Contains(c, "Path="+Base) {
				t.Errorf("%s: cookie %q", path, c)
			}
		}
	}
	if a := s.do(http.MethodHead, SignInPath, nil); a.status != http.StatusOK || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
}

// TestLanguage: what the page and its errors are written in.
func TestLanguage(t *testing.T) {
	s := newSite(t)
	for name, tt := range map[string]struct {
		path, accept, want string
	}{
		"none":    {SignInPath, "", `<html lang="en">`},
		"browser": {SignInPath, "fr-CH, en;q=0.5", `<html lang="fr">`},
		"asked":   {SignInPath + "?lang=it", "fr", `<html lang="it">`},
		"unknown": {SignInPath + "?lang=%22%3E%3Cscript%3E", "", `<html lang="en">`},
		"refused": {Base + "/nothing", "es", "No hay ninguna página"},
	} {
		if a := s.do(http.MethodGet, tt.path, nil, "Accept-Language", tt.accept); !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: %q is missing in\n%s", name, tt.want, a.body)
		}
	}
	s.info.Language = "de-AT"
	s.want(s.do(http.MethodGet, link, nil, "Accept-Language", "fr"), http.StatusOK, `<html lang="de">`, "Konto aktivieren", "1. März 2026, 13:00 UTC")
	s.linkErr = engine.ErrLinkExpired
	s.want(s.do(http.MethodGet, link, nil), http.StatusGone, "abgelaufen")
	// Whoever signs in is known then, and has a language unless one was chosen.
	s.signIn, s.user.Language = engine.ErrBlocked, "de-AT"
	for path, want := range map[string]string{SignInPath: `<html lang="de">`, SignInPath + "?lang=it": `<html lang="it">`} {
		form := s.form(path, "userName", "ada@example.com", "password", "right")
		for _, m := range regexp.MustCompile(`name="lang" value="([a-z]*)"`).FindAllStringSubmatch(s.do(http.MethodGet, path, nil).body, -1) {
			form.Set("lang", m[1])
		}
		s.want(s.do(http.MethodPost, SignInPath, form), http.StatusForbidden, want)
	}
}

// TestFailure: a store that fails gives a page and a line in the log, without
// what is secret.
func TestFailure(t *testing.T) {
	s := newSite(t)
	s.linkErr = errStore
	s.want(s.do(http.MethodGet, link, nil), http.StatusInternalServerError, "Something went wrong")
	if got := s.log.String(); !strings.Contains(got, "the disk is gone") || strings.Contains(got, theToken) {
		t.Errorf("the log: %s", got)
	}
	if err := s.pages.cfg.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if a := s.do(http.MethodGet, SignInPath, nil); a.status != http.StatusInternalServerError || !strings.Contains(a.body, "Internal Server Error") {
		t.Errorf("with a closed store: %d %s", a.status, a.body)
	}
}
