package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// readyAct completes the document of an act with whom it is about.
func (b *bench) readyAct(typ string, out Document) {
	b.Helper()
	switch typ {
	case "Asserter", "PasswordAuthenticator":
		b.create("User", `{`+core+`"userName":"ada","password":"Example-Passw0rd","emails":[{"value":"ada@example.com","type":"work","primary":true}]}`)
		out["mappingAttribute"], out["mappingAttributeValue"] = "userName", "ada"
	case "BulkUserPasswordChanger", "BulkUserPasswordResetter":
		out["userIds"] = []any{b.user("ada"), b.user("bob")}
	case "UserLockedStateChanger":
		out["userId"] = b.user("ada")
	case "UserNameGenerator":
		out["email"] = "ada@example.com"
	}
}

// token is the token of the last mail with a link.
func (b *bench) token() string {
	b.Helper()
	mails, _, err := b.e.OpenOutbox(b.ctx(), "", 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range slices.Backward(mails) {
		if token, ok := strings.CutPrefix(m.Link, LinkPath); ok {
			return token
		}
	}
	b.Fatal("no mail with a link")
	return ""
}

func (b *bench) put(typ, id, body string) error {
	b.Helper()
	_, err := b.e.Replace(b.ctx(), admin, typ, id, doc(b, body), Params{})
	return err
}

const goodPassword = "Good-Example-Passw0rd-7"

// still is a clock for tests with several goroutines.
type still struct{}

func (still) Now() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// together makes a bench safe for several goroutines.
func together(o *Options) { o.Clock, o.NewID = still{}, nil }

func TestRedeemOnce(t *testing.T) {
	b := newBench(t, together)
	id := b.user("ada")
	token := b.token()
	info, err := b.e.Link(b.ctx(), token)
	if err != nil || info.Kind != LinkCreateUser || info.UserID != id || info.UserName != "ada" {
		t.Fatalf("%+v, %v", info, err)
	}
	if err := b.e.Redeem(b.ctx(), token, "short"); !errors.Is(err, ErrPassword) {
		t.Fatalf("a weak password: %v", err)
	}
	if _, err := b.e.Link(b.ctx(), token); err != nil {
		t.Fatalf("after a weak password the link is dead: %v", err)
	}
	const racers = 8
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() { errs[i] = b.e.Redeem(context.Background(), token, fmt.Sprintf("%s-%d", goodPassword, i)) })
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			t.Error("two of them redeemed the link")
		case !errors.Is(err, ErrLinkUsed):
			t.Errorf("a loser got %v", err)
		}
	}
	if won < 0 {
		t.Fatal("nobody redeemed the link")
	}
	if _, err := b.e.SignIn(b.ctx(), "ADA", fmt.Sprintf("%s-%d", goodPassword, won)); err != nil {
		t.Errorf("the winner's password: %v", err)
	}
	if info, err := b.e.Link(b.ctx(), token); !errors.Is(err, ErrLinkUsed) || info.UserName != "ada" {
		t.Errorf("the used link is %+v, %v", info, err)
	}
	if _, err := b.e.Link(b.ctx(), "nonsense"); !errors.Is(err, ErrLinkUnknown) {
		t.Errorf("an unknown link: %v", err)
	}
}

// TestTokensAreNotInTheStore: neither a token nor a password is in any record.
func TestTokensAreNotInTheStore(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	token := b.token()
	if err := b.put("UserActivationInitiator", id, `{}`); err != nil {
		t.Fatal(err)
	}
	second := b.token()
	if second == token {
		t.Fatal("the second invitation has the link of the first")
	}
	if _, err := b.e.Link(b.ctx(), token); !errors.Is(err, ErrLinkReplaced) {
		t.Errorf("the first link: %v", err)
	}
	if err := b.e.Redeem(b.ctx(), second, goodPassword); err != nil {
		t.Fatal(err)
	}
	if err := b.put("UserPasswordResetter", id, `{}`); err != nil {
		t.Fatal(err)
	}
	third := b.token()
	for _, typ := range []string{outboxType, tokenType, "User", auditType, historyType} {
		n := 0
		err := b.e.st.View(b.ctx(), func(tx store.Tx) error {
			for row, err := range tx.Query(store.Query{Type: typ}) {
				if err != nil {
					return err
				}
				n++
				for _, secret := range []string{token, second, third, goodPassword} {
					if strings.Contains(string(row.Data), secret) {
						t.Errorf("a record of %s has a secret in clear", typ)
					}
				}
			}
			return nil
		})
		if err != nil || n == 0 && typ != historyType {
			t.Errorf("%s: %d records, %v", typ, n, err)
		}
	}
	mails, _, err := b.e.Outbox(b.ctx(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if m.Link != "" && m.Link != LinkPath+maskedValue {
			t.Error("a listing shows a link")
		}
	}
	// A client that holds the rights may fetch the token, as recorded.
	l, err := b.e.List(b.ctx(), admin, tokenType, Params{Filter: `userId co "` + id + `"`})
	if err != nil || l.Total != 3 {
		t.Fatalf("%v, %v", l, err)
	}
	for i, want := range []any{nil, nil, third} {
		if got := l.Resources[i]["token"]; got != want {
			t.Errorf("token %d is there: %v", i, got != nil)
		}
	}
}

func TestLinkExpiresBySettings(t *testing.T) {
	b := newBench(t)
	clock := b.e.opts.Clock.(*tick)
	if _, err := b.patch("IdentitySetting", "IdentitySettings", `[{"op":"replace","path":"tokens","value":[{"type":"createUser","expiresAfter":1440}]}]`); err != nil {
		t.Fatal(err)
	}
	b.user("ada")
	token := b.token()
	clock.t = clock.t.Add(24*time.Hour - time.Minute)
	if _, err := b.e.Link(b.ctx(), token); err != nil {
		t.Errorf("a minute early: %v", err)
	}
	clock.t = clock.t.Add(2 * time.Minute)
	if _, err := b.e.Link(b.ctx(), token); !errors.Is(err, ErrLinkExpired) {
		t.Errorf("a minute late: %v", err)
	}
	if err := b.e.Redeem(b.ctx(), token, goodPassword); !errors.Is(err, ErrLinkExpired) {
		t.Errorf("redeemed late: %v", err)
	}
}

// TestSignInCounts: failures are counted, lock, and are forgotten by a success;
// the time unlocks, and neither version nor lastModified follow a sign-in.
func TestSignInCounts(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	if err := b.e.Redeem(b.ctx(), b.token(), goodPassword); err != nil {
		t.Fatal(err)
	}
	before := b.get("User", id)
	state := func() map[string]any {
		return asMap(b.get("User", id, userStateURN+":loginAttempts", userStateURN+":locked", userStateURN+":lastSuccessfulLoginDate", userStateURN+":lastFailedLoginDate")[userStateURN])
	}
	wrong := func() {
		t.Helper()
		if _, err := b.e.SignIn(b.ctx(), "ada", "wrong"); !errors.Is(err, ErrBadCredentials) {
			t.Fatalf("a wrong password: %v", err)
		}
	}
	wrong()
	wrong()
	if got := state(); got["loginAttempts"] != json.Number("2") || got["lastFailedLoginDate"] == nil {
		t.Errorf("after two failures the state is %v", got)
	}
	if _, err := b.e.SignIn(b.ctx(), "ada", goodPassword); err != nil {
		t.Fatal(err)
	}
	if got := state(); got["loginAttempts"] != json.Number("0") || got["lastSuccessfulLoginDate"] == nil {
		t.Errorf("after a success the state is %v", got)
	}
	if after := b.get("User", id); !equal(after["meta"], before["meta"]) {
		t.Errorf("signing in changed meta from %v to %v", before["meta"], after["meta"])
	}
	for range 5 {
		wrong()
	}
	if got := asMap(state()["locked"]); got["on"] != true || got["reason"] != json.Number("0") || got["lockDate"] == nil {
		t.Errorf("after five failures the lock is %v", got)
	}
	if _, err := b.e.SignIn(b.ctx(), "ada", goodPassword); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("a locked user: %v", err)
	}
	if _, err := b.patch("IdentitySetting", "IdentitySettings", `[{"op":"replace","path":"emitLockedMessageWhenUserIsLocked","value":true}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.e.SignIn(b.ctx(), "ada", goodPassword); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked user who may know: %v", err)
	}
	clock := b.e.opts.Clock.(*tick)
	clock.t = clock.t.Add(31 * time.Minute)
	if got := b.get("User", id, userStateURN+":locked.expired"); asMap(asMap(got[userStateURN])["locked"])["expired"] != true {
		t.Errorf("the lock whose time is over is %v", got[userStateURN])
	}
	if _, err := b.e.SignIn(b.ctx(), "ada", goodPassword); err != nil {
		t.Errorf("half an hour later: %v", err)
	}
	if got := asMap(state()["locked"]); got["on"] != false {
		t.Errorf("the lock is still %v", got)
	}
	if _, err := b.e.SignIn(b.ctx(), "nobody", goodPassword); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("an unknown user: %v", err)
	}
}

// TestLockAfterLock: a lock whose time is over gives way to another one.
func TestLockAfterLock(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	if err := b.e.Redeem(b.ctx(), b.token(), goodPassword); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, _ = b.e.SignIn(b.ctx(), "ada", "wrong")
	}
	clock := b.e.opts.Clock.(*tick)
	clock.t = clock.t.Add(time.Hour)
	if _, err := b.e.Create(b.ctx(), admin, "UserLockedStateChanger", doc(t, `{"userId":"`+id+`","locked":true}`), Params{}); err != nil {
		t.Fatal(err)
	}
	if got := asMap(asMap(b.get("User", id)[userStateURN])["locked"]); got["reason"] != json.Number("1") {
		t.Errorf("the administrator's lock is %v", got)
	}
	if _, err := b.e.SignIn(b.ctx(), "ada", goodPassword); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("a sign-in gets %v", err)
	}
	if got := b.names(auditType, "eventId", `eventId eq "admin.me.locked.success"`); len(got) != 2 {
		t.Errorf("%d locks were recorded, want 2", len(got))
	}
}

// TestSignInsTogether: failures at the same time are all counted.
func TestSignInsTogether(t *testing.T) {
	b := newBench(t, together)
	id := b.user("ada")
	if err := b.e.Redeem(b.ctx(), b.token(), goodPassword); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _, _ = b.e.SignIn(context.Background(), "ada", "wrong") })
	}
	wg.Wait()
	if got := b.get("User", id, userStateURN+":loginAttempts"); asMap(got[userStateURN])["loginAttempts"] != json.Number("4") {
		t.Errorf("of four failures were counted: %v", got[userStateURN])
	}
}

func TestOwnAccount(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	if err := b.e.Redeem(b.ctx(), b.token(), goodPassword); err != nil {
		t.Fatal(err)
	}
	own := b.by(id)
	title := []PatchOp{{Op: "replace", Path: "title", Value: "Countess"}}
	_, err := b.e.Patch(b.ctx(), own, "User", id, title, Params{})
	wantError(t, err, selfChangeStatus, msgSelfChange)
	if _, err := b.e.Patch(b.ctx(), own, "User", id, title, Params{AllowSelfChange: true}); err != nil {
		t.Errorf("a change that says so: %v", err)
	}
	if _, err := b.e.Patch(b.ctx(), own, meType, id, title, Params{}); err != nil {
		t.Errorf("a change of Me: %v", err)
	}
	_, err = b.e.Replace(b.ctx(), own, "UserStatusChanger", id, doc(t, `{"active":false}`), Params{})
	wantError(t, err, selfChangeStatus, msgSelfChange)
	if _, err := b.e.Replace(b.ctx(), own, "UserStatusChanger", id, doc(t, `{"active":true,"`+selfChangeURN+`":{"allowSelfChange":true}}`), Params{}); err != nil {
		t.Errorf("an act that says so: %v", err)
	}
	wantError(t, b.e.Delete(b.ctx(), own, "User", id, Params{AllowSelfChange: true}), selfChangeStatus, msgDeleteSelf)

	change := func(old, next string) error {
		_, err := b.e.Replace(b.ctx(), own, "MePasswordChanger", id, doc(t, `{"oldPassword":"`+old+`","password":"`+next+`"}`), Params{})
		return err
	}
	wantError(t, change("wrong", goodPassword+"-2"), 400, msgCurrentPassword)
	wantError(t, change(goodPassword, "weak"), 400, msgPasswordPolicy)
	if err := change(goodPassword, goodPassword+"-2"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.e.SignIn(b.ctx(), "ada", goodPassword+"-2"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	put := func(password string) error {
		_, err := b.e.Replace(b.ctx(), own, meType, id, doc(t, `{`+core+`"userName":"ada","name":{"familyName":"L"},"emails":[{"value":"ada@example.com","type":"work","primary":true}],"`+meURN+`:currentPassword":"`+password+`"}`), Params{})
		return err
	}
	wantError(t, put("wrong"), 400, msgCurrentPassword)
	if err := put(goodPassword + "-2"); err != nil {
		t.Errorf("a PUT of Me: %v", err)
	}
	if _, err := b.patch("IdentitySetting", "IdentitySettings", `[{"op":"replace","path":"myProfile.allowEndUsersToChangeTheirPassword","value":false}]`); err != nil {
		t.Fatal(err)
	}
	wantError(t, change(goodPassword+"-2", goodPassword+"-3"), 403, msgOwnPassword)
}

// TestLockByDocument: a lock that comes by PATCH gets its time, keeps reason and
// time through a PUT that does not know them, and is lifted by the document.
func TestLockByDocument(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	lock := func(doc Document) map[string]any { return asMap(asMap(doc[userStateURN])["locked"]) }
	got, err := b.patch("User", id, `[{"op":"replace","path":"`+userStateURN+`:locked","value":{"on":true,"reason":3,"lockDate":"2001-01-01T00:00:00Z"}}]`)
	if err != nil || lock(got)["reason"] != json.Number("3") || !strings.HasPrefix(fmt.Sprint(lock(got)["lockDate"]), "2026-") {
		t.Fatalf("locked as %v, %v", lock(got), err)
	}
	since := lock(got)["lockDate"]
	put := func(on string) Document {
		t.Helper()
		body := `{` + core + `"userName":"ada","name":{"familyName":"L"},"emails":[{"value":"ada@example.com","type":"work","primary":true}],"` + userStateURN + `":{"locked":{"on":` + on + `}}}`
		if err := b.put("User", id, body); err != nil {
			t.Fatal(err)
		}
		return b.get("User", id)
	}
	if got := lock(put("true")); got["reason"] != json.Number("3") || got["lockDate"] != since {
		t.Errorf("after a PUT the lock is %v", got)
	}
	if got := lock(put("false")); got["on"] != false || got["reason"] != nil {
		t.Errorf("after a PUT that lifts it the lock is %v", got)
	}
	if got, err := b.patch("User", id, `[{"op":"replace","path":"`+userStateURN+`:locked.on","value":true}]`); err != nil || lock(got)["reason"] != json.Number("1") {
		t.Errorf("a lock without a reason is %v, %v", lock(got), err)
	}
	mails, _, err := b.e.Outbox(b.ctx(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, m := range mails {
		kinds = append(kinds, m.Template)
	}
	if want := []string{MailWelcome, MailLocked, MailUnlocked, MailLocked}; !slices.Equal(kinds, want) {
		t.Errorf("mails are %v, want %v", kinds, want)
	}
}

func TestLastAdministrator(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	app := b.create("App", `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:App"],"displayName":"Domain","basedOnTemplate":{"value":"CustomWebAppTemplateId"}}`)["id"].(string)
	role := b.create("AppRole", `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:AppRole"],"displayName":"`+adminRole+`","app":{"value":"`+app+`"}}`)["id"].(string)
	grant := func(user string) {
		b.create("Grant", `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:Grant"],"grantee":{"type":"User","value":"`+user+`"},"app":{"value":"`+app+`"},
			"entitlement":{"attributeName":"appRoles","attributeValue":"`+role+`"},"grantMechanism":"ADMINISTRATOR_TO_USER"}`)
	}
	grant(ada)
	wantError(t, b.e.Delete(b.ctx(), admin, "User", ada, Params{Force: true}), selfChangeStatus, msgLastAdmin)
	grant(bob)
	if err := b.e.Delete(b.ctx(), admin, "User", ada, Params{Force: true}); err != nil {
		t.Errorf("with another administrator: %v", err)
	}
	wantError(t, b.e.Delete(b.ctx(), admin, "User", bob, Params{}), selfChangeStatus, msgLastAdmin)
}

func TestResetForOthersToDeliver(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	res, err := b.e.Replace(b.ctx(), admin, "UserPasswordResetter", id, doc(t, `{"userFlowControlledByExternalClient":true}`), Params{})
	if err != nil {
		t.Fatal(err)
	}
	ref := asMap(res.Doc["userToken"])
	key, _ := ref["value"].(string)
	token, _ := b.get(tokenType, key)["token"].(string)
	if token == "" || !strings.HasSuffix(fmt.Sprint(ref["$ref"]), "/admin/v1/UserTokens/"+key) {
		t.Fatalf("userToken is %v", ref)
	}
	if err := b.e.Redeem(b.ctx(), token, goodPassword); err != nil {
		t.Error(err)
	}
	if _, err := b.patch("IdentitySetting", "IdentitySettings", `[{"op":"replace","path":"primaryEmailRequired","value":false}]`); err != nil {
		t.Fatal(err)
	}
	bob := b.create("User", `{`+core+`"userName":"bob","name":{"familyName":"B"}}`)["id"].(string)
	res, err = b.e.Replace(b.ctx(), admin, "UserPasswordResetter", bob, doc(t, `{}`), Params{Attributes: []string{"oneTimePassword"}})
	if err != nil {
		t.Fatal(err)
	}
	once, _ := res.Doc["oneTimePassword"].(string)
	if _, err := b.e.SignIn(b.ctx(), "bob", once); !errors.Is(err, ErrPasswordMustChange) {
		t.Errorf("with the one-time password: %v", err)
	}
	if err := b.e.ChangeOwnPassword(b.ctx(), "bob", once, goodPassword); err != nil {
		t.Error(err)
	}
	if _, err := b.e.SignIn(b.ctx(), "bob", goodPassword); err != nil {
		t.Error(err)
	}
}
