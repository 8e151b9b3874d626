package emulator

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
)

// TestRedeemAtOnceInTwoProcesses: of two processes that redeem one link at the
// same time one wins, and its password is the one that counts.
func TestRedeemAtOnceInTwoProcesses(t *testing.T) {
	a, b := twoProcesses(t)
	w := &walker{fixture: a}
	w.prepare("ada", "Pending", "")
	both := []*fixture{a, b}
	errs := make([]error, len(both))
	password := func(i int) string { return walkPassword + "-of-" + strconv.Itoa(i) }
	var wg sync.WaitGroup
	for i, f := range both {
		wg.Go(func() { errs[i] = f.engine.Redeem(t.Context(), w.invite, password(i)) })
	}
	wg.Wait()
	winner := 0
	if errs[0] != nil {
		winner = 1
	}
	if errs[winner] != nil || !errors.Is(errs[1-winner], engine.ErrLinkUsed) {
		t.Fatalf("the two got %v", errs)
	}
	for i, f := range both {
		w.fixture = f
		w.want(w.signIn(password(winner)), 200)
		w.want(w.signIn(password(1-winner)), 400)
		if _, err := f.engine.Link(t.Context(), w.invite); !errors.Is(err, engine.ErrLinkUsed) {
			t.Errorf("process %d says of the link %v", i, err)
		}
	}
}

// TestTokensOfBlockedUsers: access tokens live until they expire, but the roles
// of somebody who is not active open nothing; refresh tokens fail while the user
// may not sign in, and go with the user.
func TestTokensOfBlockedUsers(t *testing.T) {
	f := start(t, nil)
	w := &walker{fixture: f}
	w.prepare("ada", "Active", "")
	w.grantRole("User", w.id, "User Administrator")
	a := w.want(w.tokenCall(oauth.TokenPath, "grant_type", "password", "username", "ada", "password", w.password, "scope", oauth.ScopeMyScopes+" offline_access"), 200)
	access, _ := a.doc["access_token"].(string)
	refresh, _ := a.doc["refresh_token"].(string)
	renew := func() int {
		return w.tokenCall(oauth.TokenPath, "grant_type", "refresh_token", "refresh_token", refresh).status
	}
	introspected := func() any {
		return w.want(w.tokenCall(oauth.IntrospectPath, "token", access), 200).doc["active"]
	}
	use := func() int {
		return w.do(http.MethodGet, "/admin/v1/Users?count=0", nil, "Authorization", "Bearer "+access).status
	}
	for _, step := range []struct {
		name     string
		do       func() answer
		renewals int
		uses     int
	}{
		{"active", func() answer { return w.act("UserStatusChanger", `{"active":true}`) }, 200, 200},
		{"blocked", func() answer { return w.act("UserStatusChanger", `{"active":false}`) }, 400, 403},
		{"unblocked", func() answer { return w.act("UserStatusChanger", `{"active":true}`) }, 200, 200},
		{"locked", func() answer { return w.lock(true) }, 400, 200},
		{"unlocked", func() answer { return w.lock(false) }, 200, 200},
		{"deleted", func() answer { return w.do(http.MethodDelete, "/admin/v1/Users/"+w.id, nil) }, 400, 403},
	} {
		if got := step.do().status; got > 299 {
			t.Fatalf("%s: %d", step.name, got)
		}
		if got := renew(); got != step.renewals {
			t.Errorf("%s: the refresh token answers %d", step.name, got)
		}
		if introspected() != true || use() != step.uses {
			t.Errorf("%s: the access token answers %d, want %d", step.name, use(), step.uses)
		}
	}
	// The address and the name can be used again, and the old token is not
	// the new user's.
	w.prepare("ada", "Active", "")
	if got := renew(); got != 400 {
		t.Errorf("the refresh token of a deleted user: %d", got)
	}
	err := f.store.View(t.Context(), func(tx store.Tx) error {
		n, err := tx.Count(store.Query{Type: "oauth.refreshToken"})
		if n != 0 {
			t.Errorf("%d refresh tokens are left", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRefusedGrants: what the token endpoint says to those who may not sign in.
func TestRefusedGrants(t *testing.T) {
	f := start(t, nil)
	for name, c := range map[string]struct{ state, password, says string }{
		"wrong":     {"Active", "wrong", "user name or password is wrong"},
		"blocked":   {"Blocked", walkPassword, "the user is deactivated"},
		"blind":     {"Blocked", "wrong", "user name or password is wrong"},
		"locked":    {"Admin", walkPassword, "user name or password is wrong"},
		"pending":   {"Pending", walkPassword, "the user is not activated yet"},
		"uninvited": {"none", walkPassword, "the user is not activated yet"},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			w := &walker{fixture: f}
			w.prepare(name, c.state, "")
			a := w.want(w.signIn(c.password), 400)
			if a.doc["error"] != "invalid_grant" || a.doc["error_description"] != c.says {
				t.Errorf("%s", a.raw)
			}
		})
	}
}

// TestOwnAccountOverHTTP: how a caller says that a change of the own account is
// meant, and the resource that needs no such word.
func TestOwnAccountOverHTTP(t *testing.T) {
	f := start(t, nil)
	w := &walker{fixture: f}
	w.prepare("ada", "Active", "")
	w.grantRole("User", w.id, "User Administrator")
	token, _ := w.want(w.signIn(w.password), 200).doc["access_token"].(string)
	own := func(method, path, body string) answer {
		return w.do(method, "/admin/v1/"+path, body, "Authorization", "Bearer "+token)
	}
	const (
		self  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:selfChange:User"
		title = `"Operations":[{"op":"replace","path":"title","value":"Countess"}]`
	)
	patch := func(more string) string { return `{"schemas":["` + urnPatch + `"],` + more + title + `}` }
	users := "Users/" + w.id
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"patch", http.MethodPatch, users, patch(""), 403},
		{"patch that says so", http.MethodPatch, users, patch(`"` + self + `":{"allowSelfChange":true},`), 200},
		{"patch that says so in short", http.MethodPatch, users, patch(`"` + self + `:allowSelfChange":true,`), 200},
		{"patch that denies it", http.MethodPatch, users, patch(`"` + self + `:allowSelfChange":false,`), 403},
		{"parameter", http.MethodPatch, users + "?allowSelfChange=true", patch(""), 200},
		{"parameter that is none", http.MethodPatch, users + "?allowSelfChange=perhaps", patch(""), 400},
		{"Me", http.MethodPatch, "Me", patch(""), 200},
		{"an act", http.MethodPut, "UserPasswordResetter/" + w.id, `{}`, 403},
		{"delete", http.MethodDelete, users + "?allowSelfChange=true", "", 403},
		{"old password", http.MethodPut, "MePasswordChanger", `{"oldPassword":"wrong","password":"` + walkPassword + `-2"}`, 400},
		{"own password", http.MethodPut, "MePasswordChanger", `{"oldPassword":"` + walkPassword + `","password":"` + walkPassword + `-2"}`, 200},
		{"register", http.MethodPost, "Me", `{"userName":"x"}`, 501},
	} {
		if a := own(c.method, c.path, c.body); a.status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, a.status, c.want, a.raw)
		}
	}
	w.want(w.signIn(walkPassword+"-2"), 200)
	me := own(http.MethodPatch, "Me", patch(""))
	if at(me.doc, "meta", "resourceType") != "Me" || me.doc["title"] != "Countess" || me.doc["id"] != w.id {
		t.Errorf("Me answers %s", me.raw)
	}
}

// TestExternalFlow: a client that sends its own mails gets a reference to the
// token, once, and the user no mail.
func TestExternalFlow(t *testing.T) {
	f := start(t, nil)
	u := user("ada")
	const ext = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	u[ext] = map[string]any{"userFlowControlledByExternalClient": true}
	a := f.want(f.do(http.MethodPost, "/admin/v1/Users", u), 201)
	id, _ := a.doc["id"].(string)
	key, _ := at(a.doc, ext, "userToken", "value").(string)
	if got := at(f.do(http.MethodGet, "/admin/v1/Users/"+id, nil).doc, ext, "userToken"); got != nil {
		t.Errorf("a later answer has %v", got)
	}
	token := f.want(f.do(http.MethodGet, "/admin/v1/UserTokens/"+key, nil), 200)
	if token.doc["userId"] != id || token.doc["tokenType"] != engine.LinkCreateUser || token.doc["status"] != 0.0 || token.doc["expiryTime"] == nil {
		t.Errorf("the token is %v", token.doc["tokenType"])
	}
	secret, _ := token.doc["token"].(string)
	if err := f.engine.Redeem(t.Context(), secret, walkPassword); err != nil {
		t.Fatal(err)
	}
	if mails, _, err := f.Outbox(t.Context(), "", 0); err != nil || len(mails) != 0 {
		t.Errorf("mails %v, %v", mails, err)
	}
	if again := f.do(http.MethodGet, "/admin/v1/UserTokens/"+key, nil); again.doc["token"] != nil || again.doc["status"] != 1.0 {
		t.Errorf("after its use the token is still shown")
	}
	f.want(f.do(http.MethodDelete, "/admin/v1/Users/"+id, nil), 204)
	f.want(f.do(http.MethodGet, "/admin/v1/UserTokens/"+key, nil), 404)
}

// TestRepeatedPasswordChange: a repeated request is done once, and a refused
// one is not taken for done because a failure was counted on the way.
func TestRepeatedPasswordChange(t *testing.T) {
	f := start(t, nil)
	w := &walker{fixture: f}
	w.prepare("ada", "Active", "")
	token, _ := w.want(w.signIn(w.password), 200).doc["access_token"].(string)
	change := func(old, next, retry string) answer {
		return w.do(http.MethodPut, "/admin/v1/MePasswordChanger", `{"oldPassword":"`+old+`","password":"`+next+`"}`,
			"Authorization", "Bearer "+token, "opc-retry-token", retry)
	}
	const second = walkPassword + "-second"
	for range 2 {
		w.want(change("wrong", second, "refused"), 400)
		w.want(change(walkPassword, "weak", "weak"), 400)
	}
	w.want(w.signIn(walkPassword), 200)
	for range 2 {
		w.want(change(walkPassword, second, "done"), 200)
	}
	w.want(w.signIn(second), 200)
	w.want(w.signIn(walkPassword), 400)
}
