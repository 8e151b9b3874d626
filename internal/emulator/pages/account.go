package pages

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/store"
)

// invalid is the status of a form that has to be filled in again.
const invalid = http.StatusUnprocessableEntity

// notices are what a page may say after a redirect; the address names one, so
// that it cannot be made to say something else.
func notice(name string) string {
	return map[string]string{
		"activated": "noticeActivated", "password": "noticePassword", "email": "noticeEmail", "signedout": "noticeSignedOut",
	}[name]
}

// account is what the forms about an account show again.
type account struct {
	UserName string
	Token    string
	Text     string
	Expires  string
	Button   string
	NoLogin  bool // the form asks for no password
}

func showSignIn(r *request) error {
	return r.signInPage(http.StatusOK, "", notice(r.URL.Query().Get("notice")))
}

// signInPage shows the form of signing in, with what went wrong.
func (r *request) signInPage(status int, userName, said string, problems ...problem) error {
	p, err := r.page("signin")
	if err != nil {
		return err
	}
	if said != "" {
		if p.Notice, err = p.T(said); err != nil {
			return err
		}
	}
	p.Errors, p.Data = problems, account{UserName: userName}
	if r.Method != http.MethodPost {
		if err := r.offerLanguages(p); err != nil {
			return err
		}
	}
	return r.show(status, "signin", p)
}

// problem is a text as an entry of the summary of errors.
func (r *request) problem(key, field string, pairs ...string) problem {
	words, err := r.p.texts.language(r.lang)
	if err != nil {
		return problem{Text: key, Field: field}
	}
	s, err := (&page{Lang: r.lang, words: words}).T(key, pairs...)
	if err != nil {
		return problem{Text: key, Field: field}
	}
	return problem{Text: s, Field: field}
}

// missing lists the fields that were left empty; each is given as the id of
// the input and the text of its label.
func (r *request) missing(fields ...[2]string) []problem {
	var list []problem
	for _, f := range fields {
		if r.PostForm.Get(f[0]) == "" {
			list = append(list, r.problem("required", f[0], "field", r.problem(f[1], "").Text))
		}
	}
	return list
}

func signIn(r *request) error {
	name := strings.TrimSpace(r.PostForm.Get("userName"))
	fits, err := r.formFits()
	if err != nil {
		return err
	}
	if !fits {
		return r.signInPage(http.StatusForbidden, name, "", r.problem("formExpired", ""))
	}
	if list := r.missing([2]string{"userName", "userName"}, [2]string{"password", "password"}); len(list) > 0 {
		return r.signInPage(invalid, name, "", list...)
	}
	got, err := r.p.cfg.Accounts.SignIn(r.Context(), name, r.PostForm.Get("password"))
	if done, err := r.signInFailed(name, got, err); done || err != nil {
		return err
	}
	// A new session for each sign-in: one that was there before is of no use to
	// whoever knew it.
	if err := r.forget(sessionCookie); err != nil {
		return err
	}
	secret, err := r.p.begin(r.Context(), session{UserID: got.UserID}, sessionLife)
	if err != nil {
		return err
	}
	r.setCookie(sessionCookie, secret)
	return r.redirect(Base + "/home")
}

// signInFailed shows why a password is not taken; done says that it did.
func (r *request) signInFailed(name string, got engine.SignInResult, err error) (done bool, _ error) {
	again := func(key, field string) (bool, error) {
		return true, r.signInPage(invalid, name, "", r.problem(key, field))
	}
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, engine.ErrBadCredentials):
		return again("badCredentials", "userName")
	case errors.Is(err, engine.ErrLocked):
		return again("locked", "")
	case errors.Is(err, engine.ErrNotActivated):
		return again("notActivated", "")
	case errors.Is(err, engine.ErrBlocked):
		r.lang = r.language(got.Language)
		return true, r.blocked(got.UserName)
	case errors.Is(err, engine.ErrPasswordMustChange):
		r.lang = r.language(got.Language)
		text := "mustChange"
		if got.Expired {
			text = "mustChangeExpired"
		}
		return true, r.changePage(http.StatusOK, name, text)
	}
	return true, err
}

// blocked is the screen of those who may not sign in any more.
func (r *request) blocked(userName string) error {
	p, err := r.page("blockedTitle")
	if err != nil {
		return err
	}
	p.Data = account{UserName: userName}
	return r.show(http.StatusForbidden, "blocked", p)
}

func signOut(r *request) error {
	fits, err := r.formFits()
	if err != nil {
		return err
	}
	if !fits {
		return r.signInPage(http.StatusForbidden, "", "", r.problem("formExpired", ""))
	}
	if err := r.end(sessionCookie); err != nil {
		return err
	}
	return r.redirect(SignInPath + "?notice=signedout&lang=" + r.lang)
}

// home is the page of somebody who is signed in. Nobody stays signed in who
// has been blocked or deleted, or whose password was set anew.
func home(r *request) error {
	s, err := r.session(sessionCookie)
	if err != nil {
		return err
	}
	if s == nil || s.UserID == "" { // that of the outbox is nobody's
		return r.redirect(SignInPath)
	}
	u, err := r.p.cfg.User(r.Context(), s.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && u.PasswordSet.After(s.Created):
		if err := r.end(sessionCookie); err != nil {
			return err
		}
		return r.redirect(SignInPath)
	case err != nil:
		return err
	}
	r.lang = r.language(u.Language)
	if !u.Active {
		if err := r.end(sessionCookie); err != nil {
			return err
		}
		return r.blocked(u.UserName)
	}
	p, err := r.page("welcome")
	if err != nil {
		return err
	}
	p.Data = u
	return r.show(http.StatusOK, "home", p)
}

// changePage asks for a new password of somebody who must not go on without.
func (r *request) changePage(status int, userName, text string, problems ...problem) error {
	p, err := r.page("mustChangeTitle")
	if err != nil {
		return err
	}
	a := account{UserName: userName}
	if a.Text, err = p.T(text); err != nil {
		return err
	}
	p.Errors, p.Data = problems, a
	return r.show(status, "change", p)
}

func changePassword(r *request) error {
	name := strings.TrimSpace(r.PostForm.Get("userName"))
	fits, err := r.formFits()
	if err != nil {
		return err
	}
	if !fits {
		return r.changePage(http.StatusForbidden, name, "mustChange", r.problem("formExpired", ""))
	}
	list := r.missing([2]string{"userName", "userName"}, [2]string{"oldPassword", "oldPassword"})
	if list = append(list, r.newPassword()...); len(list) > 0 {
		return r.changePage(invalid, name, "mustChange", list...)
	}
	err = r.p.cfg.Accounts.ChangeOwnPassword(r.Context(), name, r.PostForm.Get("oldPassword"), r.PostForm.Get("newPassword"))
	if broken, ok := r.broken(err); ok {
		return r.changePage(invalid, name, "mustChange", broken)
	}
	if errors.Is(err, engine.ErrBadCredentials) {
		return r.changePage(invalid, name, "mustChange", r.problem("badCredentials", "oldPassword"))
	}
	if done, err := r.signInFailed(name, engine.SignInResult{UserName: name}, err); done || err != nil {
		return err
	}
	return r.redirect(SignInPath + "?notice=password&lang=" + r.lang)
}

// newPassword checks the two fields of a new password against each other.
func (r *request) newPassword() []problem {
	if list := r.missing([2]string{"newPassword", "newPassword"}); len(list) > 0 {
		return list
	}
	if r.PostForm.Get("newPassword") != r.PostForm.Get("repeatPassword") {
		return []problem{r.problem("passwordsDiffer", "repeatPassword")}
	}
	return nil
}

// broken puts the rules that a password breaks into the language of the page.
func (r *request) broken(err error) (problem, bool) {
	var pe *engine.PasswordError
	if !errors.As(err, &pe) {
		return problem{}, false
	}
	out := r.problem("brokenRules", "newPassword")
	words, _ := r.p.texts.language(r.lang) // read already, by problem
	for _, b := range pe.Broken {
		text := words["rule."+b.Code]
		if text == "" {
			text = b.Sentence
		} else if strings.Contains(text, "{value}") {
			value := ruleValue(b)
			if value == "" {
				text = b.Sentence
			}
			text = strings.ReplaceAll(text, "{value}", value)
		}
		out.Rules = append(out.Rules, mail.Clean(text))
	}
	return out, true
}

// ruleValue finds what a rule asks for in its English sentence: a number, or
// the characters or words behind the last words that are always there.
func ruleValue(b engine.BrokenRule) string {
	textual := []string{"requiredChars", "allowedChars", "disallowedChars", "disallowedSubstrings", "disallowedUserAttributeValues"}
	if !slices.Contains(textual, b.Code) {
		return regexp.MustCompile(`[0-9]+`).FindString(b.Sentence)
	}
	for _, before := range []string{" characters than ", " the characters ", " any of: ", " the value of "} {
		if _, value, ok := strings.Cut(b.Sentence, before); ok {
			if strings.HasSuffix(before, "of: ") || strings.HasSuffix(before, "of ") {
				value = strings.TrimSuffix(value, ".")
			}
			return value
		}
	}
	return ""
}

// linkState says of a link that cannot be redeemed why.
func linkState(err error) (key string, status int) {
	switch {
	case errors.Is(err, engine.ErrLinkUsed):
		return "linkUsed", http.StatusGone
	case errors.Is(err, engine.ErrLinkExpired):
		return "linkExpired", http.StatusGone
	case errors.Is(err, engine.ErrLinkReplaced):
		return "linkReplaced", http.StatusGone
	case errors.Is(err, engine.ErrLinkUnknown):
		return "linkUnknown", http.StatusNotFound
	}
	return "", 0
}

// deadLink shows why a link leads nowhere; done says that it did.
func (r *request) deadLink(info engine.LinkInfo, err error) (done bool, _ error) {
	if err == nil {
		return false, nil
	}
	key, status := linkState(err)
	switch {
	case errors.Is(err, engine.ErrBlocked):
		r.lang = r.language(info.Language)
		return true, r.blocked(info.UserName)
	case key == "":
		return true, err
	}
	r.lang = r.language(info.Language)
	p, err := r.page(key + "Title")
	if err != nil {
		return true, err
	}
	a := account{NoLogin: key != "linkUsed"}
	if a.Text, err = p.T(key); err != nil {
		return true, err
	}
	p.Data = a
	return true, r.show(status, "dead", p)
}

func showLink(r *request) error {
	token := r.URL.Query().Get("token")
	info, err := r.p.cfg.Accounts.Link(r.Context(), token)
	if done, err := r.deadLink(info, err); done || err != nil {
		return err
	}
	return r.linkPage(http.StatusOK, token, info)
}

// linkPage is the form that a link leads to: a new password, or the
// confirmation of an address.
func (r *request) linkPage(status int, token string, info engine.LinkInfo, problems ...problem) error {
	r.lang = r.language(info.Language)
	keys := map[string][3]string{
		engine.LinkCreateUser:        {"activateTitle", "activateText", "activateButton"},
		engine.LinkPasswordReset:     {"resetTitle", "resetText", "resetButton"},
		engine.LinkEmailVerification: {"emailTitle", "emailText", "emailButton"},
	}
	k, ok := keys[info.Kind]
	if !ok {
		return r.refuse(http.StatusNotFound, "notFound")
	}
	p, err := r.page(k[0])
	if err != nil {
		return err
	}
	a := account{UserName: info.UserName, Token: token, NoLogin: info.Kind == engine.LinkEmailVerification}
	if a.Text, err = p.T(k[1], "email", info.Email); err != nil {
		return err
	}
	if a.Button, err = p.T(k[2]); err != nil {
		return err
	}
	if !info.Expires.IsZero() {
		at, err := r.p.cfg.Templates.Time(r.lang, info.Expires)
		if err != nil {
			return err
		}
		if a.Expires, err = p.T("validUntil", "expires", at); err != nil {
			return err
		}
	}
	p.Errors, p.Data = problems, a
	return r.show(status, "link", p)
}

func redeem(r *request) error {
	token := r.PostForm.Get("token")
	info, err := r.p.cfg.Accounts.Link(r.Context(), token)
	if done, err := r.deadLink(info, err); done || err != nil {
		return err
	}
	r.lang = r.language(info.Language)
	fits, err := r.formFits()
	if err != nil {
		return err
	}
	if !fits {
		return r.linkPage(http.StatusForbidden, token, info, r.problem("formExpired", ""))
	}
	password := ""
	if info.Kind != engine.LinkEmailVerification {
		if list := r.newPassword(); len(list) > 0 {
			return r.linkPage(invalid, token, info, list...)
		}
		password = r.PostForm.Get("newPassword")
	}
	err = r.p.cfg.Accounts.Redeem(r.Context(), token, password)
	if broken, ok := r.broken(err); ok {
		return r.linkPage(invalid, token, info, broken)
	}
	if done, err := r.deadLink(info, err); done || err != nil {
		return err
	}
	said := map[string]string{
		engine.LinkCreateUser: "activated", engine.LinkPasswordReset: "password", engine.LinkEmailVerification: "email",
	}[info.Kind]
	return r.redirect(SignInPath + "?" + url.Values{"notice": {said}, "lang": {r.lang}}.Encode())
}
