package browsertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/idctl/idctl/pkg/idtest"
)

const (
	userURN   = "urn:ietf:params:scim:schemas:core:2.0:User"
	statusURN = "urn:ietf:params:scim:schemas:oracle:idcs:UserStatusChanger"
	resetURN  = "urn:ietf:params:scim:schemas:oracle:idcs:UserPasswordResetter"
)

// hostile would run if a page showed it as it is.
const hostile = `<script>window.owned=1</script><img src=x onerror=window.owned=2>`

// words are what a page says in the language of the journey.
type words struct {
	language, outbox, activate, signIn, welcome, activated, wrong, problem, rules, blocked, replaced, used, reset, newSet string
}

func english() words {
	return words{
		language: "en", outbox: "Outbox", activate: "Activate your account", signIn: "Sign in", welcome: "Welcome",
		activated: "Your account is active. You can now sign in.", wrong: "The user name or the password is wrong.",
		problem: "There is a problem", rules: "Minimum number of characters", blocked: "Your account is blocked",
		replaced: "This link is no longer valid", used: "This link was used already", reset: "Choose a new password",
		newSet: "Your new password is set. You can now sign in.",
	}
}

func german() words {
	return words{
		language: "de", outbox: "Postausgang", activate: "Konto aktivieren", signIn: "Anmelden", welcome: "Willkommen",
		activated: "Ihr Konto ist aktiv. Sie können sich jetzt anmelden.", wrong: "Benutzername oder Passwort ist falsch.",
		problem: "Es gibt ein Problem", rules: "Mindestanzahl Zeichen", blocked: "Ihr Konto ist blockiert",
		replaced: "Dieser Link ist nicht mehr gültig", used: "Dieser Link wurde bereits verwendet", reset: "Neues Passwort wählen",
		newSet: "Ihr neues Passwort ist gesetzt. Sie können sich jetzt anmelden.",
	}
}

// journey is a person, an administrator and their domain.
type journey struct {
	*browser
	words
	srv    *idtest.Server
	id     string
	user   string
	binary string // idctl, for a journey in which the administrator uses the commands
}

// TestJourney goes the whole way on a wide screen, with an administrator who
// calls the API, and on a phone with dark colours, with one who types commands.
func TestJourney(t *testing.T) {
	tests := map[string]struct {
		width, height int64
		dark          bool
		words         words
	}{
		"wide":  {1280, 900, false, english()},
		"phone": {320, 640, true, german()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &journey{words: tt.words, srv: idtest.New(t), user: "ada@example.com"}
			if tt.dark {
				j.binary = os.Getenv("IDCTL_BINARY")
				switch {
				case j.binary == "" && os.Getenv("CI") == "true":
					t.Fatal("IDCTL_BINARY must name the built idctl in CI")
				case j.binary == "":
					t.Log("IDCTL_BINARY does not name a built idctl: the API is called in place of its commands")
				}
			}
			j.browser = openBrowser(t, tt.width, tt.height, tt.dark, tt.words.language)
			j.walk()
		})
	}
}

// call is the administrator's call of the API.
func (j *journey) call(method, path string, body map[string]any) map[string]any {
	j.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		j.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(j.t.Context(), method, j.srv.URL+path, bytes.NewReader(data))
	if err != nil {
		j.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/scim+json")
	resp, err := j.srv.Client().Do(req)
	if err != nil {
		j.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		j.t.Fatal(err)
	}
	if resp.StatusCode/100 != 2 {
		j.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	var doc map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &doc); err != nil {
			j.t.Fatal(err)
		}
	}
	return doc
}

const (
	weak  = "ada"
	first = "Quiet-Harbour-1851!"
	next  = "Brass-Engine-1837?"
)

func (j *journey) walk() {
	j.create()

	// The outbox wants the control key.
	j.open(j.srv.URL+"/ui/v1/outbox", http.StatusOK)
	j.want("outbox-key", j.outbox)
	j.send(422, [2]string{"key", "a wrong key"})
	j.want("outbox-wrong-key", j.outbox, j.problem)
	j.send(http.StatusOK, [2]string{"key", j.srv.ControlKey})
	j.want("outbox", j.outbox, j.user, "welcome")

	// The mail leads to the page that activates the account.
	j.lead(http.StatusOK, chromedp.Click(chromedp.CSS(".mails li:first-child h2 a")))
	j.want("mail", j.outbox, "Ada <script>")
	html := j.attribute("main > p:last-child a", "href")
	invitation := j.attribute("article .button", "href")
	j.open(j.srv.URL+html, http.StatusOK)
	if !j.eval(`window.owned === undefined && document.querySelectorAll("script, img").length === 0 && getComputedStyle(document.querySelector(".button")).display === "inline-block"`) {
		j.t.Error("the HTML part: a script, or no style")
	}
	j.shot("mail-html")
	j.lead(http.StatusOK, chromedp.Click(chromedp.CSS("a.button")))
	j.want("activate", j.activate)
	j.accountIs(j.user)

	j.send(422, [2]string{"newPassword", first}, [2]string{"repeatPassword", next})
	j.want("passwords-differ", j.activate, j.problem)
	j.send(422, [2]string{"newPassword", weak}, [2]string{"repeatPassword", weak})
	j.want("weak-password", j.activate, j.problem, j.rules)
	if !j.eval(`document.querySelectorAll(".errors li li").length >= 3`) {
		j.t.Errorf("not every broken rule is shown:\n%s", j.text(".errors"))
	}
	j.send(http.StatusOK, [2]string{"newPassword", first}, [2]string{"repeatPassword", first})
	j.want("activated", j.signIn, j.activated)

	j.send(422, [2]string{"userName", j.user}, [2]string{"password", next})
	j.want("wrong-password", j.signIn, j.wrong)
	j.send(http.StatusOK, [2]string{"password", first})
	j.want("home", j.welcome, j.user, "Ada <script>")

	// The link has done its work.
	j.open(invitation, http.StatusGone)
	j.want("used-link", j.used)

	// Blocked: the session ends, and the next sign-in ends at the screen.
	j.setActive(false)
	j.open(j.srv.URL+"/ui/v1/home", http.StatusForbidden)
	j.want("blocked", j.blocked, j.user)
	j.lead(http.StatusOK, chromedp.Click(chromedp.CSS("main a")))
	j.send(http.StatusForbidden, [2]string{"userName", j.user}, [2]string{"password", first})
	j.want("blocked-sign-in", j.blocked, j.user)
	j.setActive(true)

	// A second reset replaces the link of the first one.
	old := j.resetLink()
	link := j.resetLink()
	if old == link {
		j.t.Fatal("the second reset has the link of the first one")
	}
	j.open(old, http.StatusGone)
	j.want("replaced-link", j.replaced)
	j.open(link, http.StatusOK)
	j.want("reset", j.reset)
	j.accountIs(j.user)
	j.send(http.StatusOK, [2]string{"newPassword", next}, [2]string{"repeatPassword", next})
	j.want("password-set", j.signIn, j.newSet)
	j.send(422, [2]string{"userName", j.user}, [2]string{"password", first})
	j.want("old-password", j.signIn, j.wrong)
	j.send(http.StatusOK, [2]string{"password", next})
	j.want("home-again", j.welcome, j.user)
	j.open(link, http.StatusGone)
	j.want("used-reset-link", j.used)

	// A link that is too old.
	late := j.resetLink()
	if err := j.srv.AdvanceClock(j.t.Context(), 60*24*time.Hour); err != nil {
		j.t.Fatal(err)
	}
	j.open(late, http.StatusGone)
	j.shot("expired-link")
	j.open(j.srv.URL+"/ui/v1/nothing", http.StatusNotFound)
	j.shot("not-found")

	for _, r := range j.srv.Requests() {
		if strings.Contains(r.Path+strings.Join(r.Query, " "), strings.TrimPrefix(link[strings.Index(link, "=")+1:], "=")) {
			j.t.Errorf("the request log holds the token: %+v", r.Path)
		}
	}
}

// create makes the user and invites them, with names that would run if a page
// showed them as they are.
func (j *journey) create() {
	j.t.Helper()
	if j.binary != "" {
		j.idctl("users", "create", j.user, "--invite", "--given-name", hostile, "--family-name", "Lovelace",
			"--display-name", "Ada "+hostile, "--language", j.language+"-CH")
		return
	}
	doc := j.call(http.MethodPost, "/admin/v1/Users", map[string]any{
		"schemas": []string{userURN}, "userName": j.user, "displayName": "Ada " + hostile, "preferredLanguage": j.language + "-CH",
		"name":   map[string]any{"givenName": hostile, "familyName": "Lovelace"},
		"emails": []any{map[string]any{"value": j.user, "type": "work", "primary": true}},
	})
	j.id, _ = doc["id"].(string)
}

// idctl runs a command of the administrator.
func (j *journey) idctl(args ...string) {
	j.t.Helper()
	cmd := exec.CommandContext(j.t.Context(), j.binary, args...)
	cmd.Env = append(os.Environ(), "IDCTL_HOME="+j.t.TempDir(), "IDCTL_URL="+j.srv.URL,
		"IDCTL_CLIENT_ID="+j.srv.ClientID, "IDCTL_CLIENT_SECRET="+j.srv.ClientSecret)
	if out, err := cmd.CombinedOutput(); err != nil {
		j.t.Fatalf("idctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// accountIs checks whose password a form sets; a password manager reads it, too.
func (j *journey) accountIs(user string) {
	j.t.Helper()
	if got := j.attribute("#userName", "value"); got != user {
		j.t.Errorf("the form is about %q, want %q", got, user)
	}
}

func (j *journey) setActive(active bool) {
	j.t.Helper()
	if j.binary != "" {
		verb := map[bool]string{true: "unblock", false: "block"}[active]
		j.idctl("users", verb, j.user, "--yes")
		return
	}
	j.call(http.MethodPut, "/admin/v1/UserStatusChanger/"+j.id, map[string]any{"schemas": []string{statusURN}, "active": active})
}

// resetLink lets the administrator reset the password and answers the link of
// the mail, as its reader sees it in the outbox.
func (j *journey) resetLink() string {
	j.t.Helper()
	if j.binary != "" {
		j.idctl("users", "reset-password", j.user, "--yes")
	} else {
		j.call(http.MethodPut, "/admin/v1/UserPasswordResetter/"+j.id, map[string]any{"schemas": []string{resetURN}})
	}
	j.open(j.srv.URL+"/ui/v1/outbox", http.StatusOK)
	j.lead(http.StatusOK, chromedp.Click(chromedp.CSS(".mails li:first-child h2 a")))
	return j.attribute("article .button", "href")
}
