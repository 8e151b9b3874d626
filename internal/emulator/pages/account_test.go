package pages

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/store"
)

func TestRedeem(t *testing.T) {
	s := newSite(t)
	a := s.want(s.do(http.MethodGet, link, nil), http.StatusOK, "Activate your account", `autocomplete="new-password"`, `value="ada@example.com"`)
	if strings.Contains(a.body, "?lang=") {
		t.Error("a page whose address holds a token has links that lose it")
	}
	send := func(password, repeat string) answer {
		return s.do(http.MethodPost, Base+"/link", s.form(link, "token", theToken, "newPassword", password, "repeatPassword", repeat))
	}
	s.want(send("", ""), invalid, "Please fill in: New password.", `role="alert"`, `href="#newPassword"`, `aria-invalid="true"`)
	s.want(send("one", "two"), invalid, "are not the same", `href="#repeatPassword"`)
	s.redeem = &engine.PasswordError{Policy: "p", Broken: []engine.BrokenRule{
		{Code: "minLength", Sentence: "The password must have at least 8 characters."},
		{Code: "minUpperCase", Sentence: "The password must have at least 1 upper-case letter."},
		{Code: "disallowedChars", Sentence: "The password must contain none of the characters <>."},
		{Code: "ofLater", Sentence: "The password must sing."},
	}}
	a = s.want(send("weak-password", "weak-password"), invalid, "Minimum number of characters: 8", "upper-case letters: 1", "none of these characters: &lt;&gt;.", "The password must sing.")
	if strings.Contains(a.body, "weak-password") {
		t.Error("the page repeats a password")
	}
	s.redeem = engine.ErrBlocked
	s.want(send("good", "good"), http.StatusForbidden, "Your account is blocked")
	s.redeem = nil
	form := s.form(link, "token", theToken, "newPassword", "good", "repeatPassword", "good")
	s.wantRedirect(s.do(http.MethodPost, Base+"/link", form), SignInPath+"?lang=en&notice=activated")
	s.want(s.do(http.MethodGet, SignInPath+"?lang=en&notice=activated", nil), http.StatusOK, "Your account is active. You can now sign in.")
	// The same form once more.
	s.want(s.do(http.MethodPost, Base+"/link", form), http.StatusGone, "This link was used already")
	if d := cmp.Diff([]string{"good"}, s.redeemed); d != "" {
		t.Errorf("passwords set (-want +got):\n%s", d)
	}
}

func TestRedeemKinds(t *testing.T) {
	s := newSite(t)
	s.info.Kind = engine.LinkPasswordReset
	s.want(s.do(http.MethodGet, link, nil), http.StatusOK, "Choose a new password")
	s.wantRedirect(s.do(http.MethodPost, Base+"/link", s.form(link, "token", theToken, "newPassword", "a", "repeatPassword", "a")), SignInPath+"?lang=en&notice=password")
	s = newSite(t)
	s.info.Kind, s.info.Email = engine.LinkEmailVerification, hostile+"@example.com"
	a := s.want(s.do(http.MethodGet, link, nil), http.StatusOK, "Confirm your e-mail address", "&lt;script&gt;")
	if strings.Contains(a.body, `type="password"`) {
		t.Error("the confirmation of an address asks for a password")
	}
	s.wantRedirect(s.do(http.MethodPost, Base+"/link", s.form(link, "token", theToken)), SignInPath+"?lang=en&notice=email")
	s = newSite(t)
	s.info.Kind = "another"
	s.want(s.do(http.MethodGet, link, nil), http.StatusNotFound)
}

func TestDeadLinks(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"used":     {engine.ErrLinkUsed, http.StatusGone, "This link was used already"},
		"expired":  {engine.ErrLinkExpired, http.StatusGone, "This link has expired"},
		"replaced": {engine.ErrLinkReplaced, http.StatusGone, "This link is no longer valid"},
		"unknown":  {engine.ErrLinkUnknown, http.StatusNotFound, "This link is not valid"},
		"blocked":  {engine.ErrBlocked, http.StatusForbidden, "Your account is blocked"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			form := s.form(link, "token", theToken, "newPassword", "a", "repeatPassword", "a")
			s.linkErr = tt.err
			s.want(s.do(http.MethodGet, link, nil), tt.status, tt.text)
			s.want(s.do(http.MethodPost, Base+"/link", form), tt.status, tt.text)
			if len(s.redeemed) > 0 {
				t.Error("a dead link was redeemed")
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	s := newSite(t)
	send := func(name, password string) answer {
		return s.do(http.MethodPost, SignInPath, s.form(SignInPath, "userName", name, "password", password))
	}
	s.want(send("", ""), invalid, "Please fill in: User name.", "Please fill in: Password.")
	for name, tt := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"wrong":         {engine.ErrBadCredentials, invalid, "The user name or the password is wrong."},
		"locked":        {engine.ErrLocked, invalid, "Your account is locked."},
		"not activated": {engine.ErrNotActivated, invalid, "Please use the link in the invitation."},
		"blocked":       {engine.ErrBlocked, http.StatusForbidden, "Your account is blocked"},
		"must change":   {engine.ErrPasswordMustChange, http.StatusOK, "a password that only you know"},
		"store":         {errStore, http.StatusInternalServerError, "Something went wrong"},
	} {
		s.signIn = tt.err
		a := s.want(send(`"><script>alert(1)</script>`, "a-secret"), tt.status, tt.text)
		if strings.Contains(a.body, "a-secret") {
			t.Errorf("%s: the page repeats the password", name)
		}
		if strings.Contains(strings.Join(a.header.Values("Set-Cookie"), " "), sessionCookie+"=") {
			t.Errorf("%s: a session", name)
		}
	}
	s.signIn = nil
	s.wantRedirect(send("ada@example.com", "right"), Base+"/home")
	s.want(s.do(http.MethodGet, Base+"/home", nil), http.StatusOK, "Ada &lt;script&gt;", "You are signed in as ada@example.com.")
	s.wantRedirect(s.do(http.MethodPost, Base+"/signout", s.form(Base+"/home")), SignInPath+"?notice=signedout&lang=en")
	s.wantRedirect(s.do(http.MethodGet, Base+"/home", nil), SignInPath)
}

// TestSessionEnds: by time, with the user, with a new password, and never by
// what is in the store.
func TestSessionEnds(t *testing.T) {
	signedIn := func(t *testing.T) *site {
		t.Helper()
		s := newSite(t)
		s.wantRedirect(s.do(http.MethodPost, SignInPath, s.form(SignInPath, "userName", "a", "password", "b")), Base+"/home")
		s.want(s.do(http.MethodGet, Base+"/home", nil), http.StatusOK)
		return s
	}
	for name, change := range map[string]func(*site){
		"time":          func(s *site) { s.now = s.now.Add(sessionLife) },
		"clock back":    func(s *site) { s.now = s.now.Add(-time.Second) },
		"deleted":       func(s *site) { s.userErr = store.ErrNotFound },
		"new password":  func(s *site) { s.user.PasswordSet = noon.Add(time.Second) },
		"another store": func(s *site) { _ = s.pages.cfg.Store.Reset(s.t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			s := signedIn(t)
			change(s)
			s.wantRedirect(s.do(http.MethodGet, Base+"/home", nil), SignInPath)
		})
	}
	t.Run("blocked", func(t *testing.T) {
		s := signedIn(t)
		s.user.Active = false
		s.want(s.do(http.MethodGet, Base+"/home", nil), http.StatusForbidden, "Your account is blocked")
		s.user.Active = true // unblocked: the session is over all the same
		s.wantRedirect(s.do(http.MethodGet, Base+"/home", nil), SignInPath)
	})
	t.Run("not in the store", func(t *testing.T) {
		s := signedIn(t)
		var secret string
		for _, c := range s.client.Jar.Cookies(mustURL(t, s.server.URL+Base)) {
			if c.Name == sessionCookie {
				secret = c.Value
			}
		}
		if len(secret) != 64 {
			t.Fatalf("the session's cookie is %q", secret)
		}
		err := s.pages.cfg.Store.View(t.Context(), func(tx store.Tx) error {
			n := 0
			for row, err := range tx.Query(store.Query{Type: sessionType}) {
				if err != nil {
					return err
				}
				if n++; row.ID == secret || strings.Contains(string(row.Data), secret) || row.ID != digest(secret) {
					t.Errorf("the store has the secret of a session: %s %s", row.ID, row.Data)
				}
			}
			if n != 1 {
				t.Errorf("%d sessions", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// A new sign-in, much later, clears away what is over.
		s.now = s.now.Add(100 * time.Hour)
		s.client = s.browser()
		s.wantRedirect(s.do(http.MethodPost, SignInPath, s.form(SignInPath, "userName", "a", "password", "b")), Base+"/home")
		n := 0
		err = s.pages.cfg.Store.View(t.Context(), func(tx store.Tx) error {
			var err error
			n, err = tx.Count(store.Query{Type: sessionType})
			return err
		})
		if err != nil || n != 1 {
			t.Errorf("%d sessions in the end, %v", n, err)
		}
	})
}

func TestChangePassword(t *testing.T) {
	s := newSite(t)
	send := func(old, password, repeat string) answer {
		return s.do(http.MethodPost, Base+"/password", s.form(SignInPath, "userName", "ada@example.com", "oldPassword", old, "newPassword", password, "repeatPassword", repeat))
	}
	s.want(send("", "", ""), invalid, "Please fill in: Current password.", "Please fill in: New password.")
	s.want(send("old", "a", "b"), invalid, "are not the same")
	s.change = engine.ErrBadCredentials
	s.want(send("old", "a", "a"), invalid, "is wrong")
	s.change = &engine.PasswordError{Broken: []engine.BrokenRule{{Code: "numPasswordsInHistory", Sentence: "The password must not be one of the last 4 passwords."}}}
	s.want(send("old", "a", "a"), invalid, "one of your last passwords; their number: 4")
	s.change = engine.ErrBlocked
	s.want(send("old", "a", "a"), http.StatusForbidden, "Your account is blocked")
	s.change = nil
	s.wantRedirect(send("old", "a", "a"), SignInPath+"?notice=password&lang=en")
}

// TestNoOpenRedirect: no parameter leads elsewhere, and a notice is one of
// those that exist.
func TestNoOpenRedirect(t *testing.T) {
	s := newSite(t)
	a := s.do(http.MethodPost, SignInPath+"?next=//evil.example.com&returnTo=http://evil.example.com", s.form(SignInPath, "userName", "a", "password", "b", "next", "//evil.example.com"))
	s.wantRedirect(a, Base+"/home")
	a = s.want(s.do(http.MethodGet, SignInPath+"?notice=Call+0800+now&next=//evil.example.com", nil), http.StatusOK)
	if strings.Contains(a.body, "0800") || strings.Contains(a.body, "evil") {
		t.Error("the page repeats its address")
	}
	s.want(s.do(http.MethodGet, Base+"//evil.example.com", nil), http.StatusNotFound)
}

// TestComplete: every text in every language with the same placeholders, every
// text that the templates and the code ask for, and every rule of passwords.
func TestComplete(t *testing.T) {
	read := func(l string) map[string]string {
		data, err := files.ReadFile("languages/" + l + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var w map[string]string
		if err := json.Unmarshal(data, &w); err != nil {
			t.Fatal(err)
		}
		return w
	}
	en := read("en")
	holes := regexp.MustCompile(`\{[a-zA-Z]+\}`)
	same := regexp.MustCompile(`^(name|kind|rule\.|password$|delivery)`)
	for _, l := range mail.Languages() {
		w := read(l)
		if d := cmp.Diff(slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(w))); d != "" {
			t.Errorf("%s: texts (-en +%s):\n%s", l, l, d)
		}
		for key, text := range w {
			if strings.TrimSpace(text) == "" || !slices.Equal(holes.FindAllString(en[key], -1), holes.FindAllString(text, -1)) {
				t.Errorf("%s: %s is %q, en has %q", l, key, text, en[key])
			}
			if l != "en" && text == en[key] && !same.MatchString(key) {
				t.Errorf("%s: %s is in English: %q", l, key, text)
			}
		}
	}
	asked := regexp.MustCompile(`\.T "([a-zA-Z]+)"`)
	err := fs.WalkDir(files, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		for _, m := range asked.FindAllStringSubmatch(string(data), -1) {
			if en[m[1]] == "" {
				t.Errorf("%s asks for the text %q", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRuleValue(t *testing.T) {
	for _, tt := range []struct{ code, sentence, want string }{
		{"minLength", "The password must have at least 8 characters.", "8"},
		{"minPasswordAge", "The password cannot be changed again before it is 3 days old.", "3"},
		{"requiredChars", "The password must contain each of the characters #1", "#1"},
		{"allowedChars", "The password must contain no other characters than abc", "abc"},
		{"disallowedChars", "The password must contain none of the characters 0O", "0O"},
		{"disallowedSubstrings", "The password must not contain any of: acme, 2026.", "acme, 2026"},
		{"disallowedUserAttributeValues", "The password must not contain the value of nickName.", "nickName"},
		{"allowedChars", "Another sentence.", ""},
	} {
		if got := ruleValue(engine.BrokenRule{Code: tt.code, Sentence: tt.sentence}); got != tt.want {
			t.Errorf("%s, %q: %q, want %q", tt.code, tt.sentence, got, tt.want)
		}
	}
}
