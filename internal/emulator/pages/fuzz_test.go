package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/engine"
)

// FuzzPages: no value of a user, a link or a request adds a tag or an attribute
// to a page.
func FuzzPages(f *testing.F) {
	for _, v := range []string{
		hostile, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus=alert(1) x='`, "</title></style>", "javascript:alert(1)", "{{.}}", "{userName}", "\x00<b>", "&lt;", "`", "\u2028", "a\r\nSet-Cookie: x=y",
	} {
		f.Add(v)
	}
	tags := regexp.MustCompile(`<[^>]*>`)
	values := regexp.MustCompile(`="[^"]*"`)
	f.Fuzz(func(t *testing.T, value string) {
		shape := func(value string) []string {
			s := newSite(t)
			s.user = User{UserName: value, DisplayName: value, Active: true}
			s.info = engine.LinkInfo{Kind: engine.LinkEmailVerification, UserName: value, Email: value}
			var out []string
			ask := func(method, path string, form string, cookies []*http.Cookie) *httptest.ResponseRecorder {
				req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				for _, c := range cookies {
					req.AddCookie(c)
				}
				rec := httptest.NewRecorder()
				s.pages.ServeHTTP(rec, req)
				for _, tag := range tags.FindAllString(rec.Body.String(), -1) {
					out = append(out, values.ReplaceAllString(tag, "=…"))
				}
				return rec
			}
			ask(http.MethodGet, link, "", nil)
			s.info.Kind = engine.LinkPasswordReset
			page := ask(http.MethodGet, link, "", nil)
			cookies := page.Result().Cookies()
			token := formField.FindStringSubmatch(page.Body.String())
			if token == nil {
				t.Fatalf("no form:\n%s", page.Body)
			}
			form := "form=" + token[1] + "&userName=" + url.QueryEscape(value)
			s.redeem = &engine.PasswordError{Broken: []engine.BrokenRule{{Code: "requiredChars", Sentence: "The password must contain each of the characters " + value}, {Code: "x", Sentence: value}}}
			ask(http.MethodPost, Base+"/link", form+"&token="+theToken+"&newPassword=a&repeatPassword=a", cookies)
			ask(http.MethodPost, SignInPath, form, cookies)
			s.signIn = engine.ErrBlocked
			ask(http.MethodPost, SignInPath, form+"&password=x", cookies)
			s.signIn = engine.ErrPasswordMustChange
			ask(http.MethodPost, SignInPath, form+"&password=x", cookies)
			ask(http.MethodPost, Base+"/password", form, cookies)
			return out
		}
		if strings.TrimSpace(value) == "" {
			return // a field to fill in, of which the page tells
		}
		if plain, got := shape("a"), shape(value); strings.Join(plain, "") != strings.Join(got, "") {
			t.Errorf("the pages are built otherwise with %q", value)
		}
	})
}
