package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestActsAreAudited: each act leaves its event, and beside it the change with
// the values before and after; no value is a secret.
func TestActsAreAudited(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	post := func(typ, body string) error {
		_, err := b.e.Create(b.ctx(), admin, typ, doc(t, body), Params{})
		return err
	}
	const update = "admin.user.update.success"
	seen := 0
	for _, step := range []struct {
		name   string
		do     func() error
		events []string
	}{
		{"invite", func() error { return b.put("UserActivationInitiator", id, `{}`) }, []string{invitedEvent}},
		{
			"redeem", func() error { return b.e.Redeem(b.ctx(), b.token(), goodPassword) },
			[]string{update, "admin.user.activated.success"},
		},
		{
			"sign in", func() error { _, err := b.e.SignIn(b.ctx(), "ada", goodPassword); return err },
			[]string{"sso.session.create.success"},
		},
		{
			"fail", func() error { _, _ = b.e.SignIn(b.ctx(), "ada", "wrong"); return nil },
			[]string{"sso.authentication.failure"},
		},
		{
			"lock", func() error { return post("UserLockedStateChanger", `{"userId":"`+id+`","locked":true}`) },
			[]string{"admin.me.locked.success", update},
		},
		{
			"unlock", func() error { return post("UserLockedStateChanger", `{"userId":"`+id+`","locked":false}`) },
			[]string{unlockedEvent, update},
		},
		{
			"block", func() error { return b.put("UserStatusChanger", id, `{"active":false}`) },
			[]string{"admin.user.deactivated.success", update},
		},
		{
			"unblock", func() error { return b.put("UserStatusChanger", id, `{"active":true}`) },
			[]string{"admin.user.activated.success", update},
		},
		{
			"set", func() error { return b.put("UserPasswordChanger", id, `{"password":"`+goodPassword+`-set"}`) },
			[]string{update, "admin.user.password.reset.success"},
		},
		{
			"reset", func() error { return b.put("UserPasswordResetter", id, `{}`) },
			[]string{update, "admin.user.password.reset.success"},
		},
		{
			"redeem the reset", func() error { return b.e.Redeem(b.ctx(), b.token(), goodPassword+"-2") },
			[]string{update, "admin.me.password.reset.success"},
		},
		{
			"change one's own", func() error { return b.e.ChangeOwnPassword(b.ctx(), "ada", goodPassword+"-2", goodPassword+"-3") },
			[]string{"sso.session.create.success", update, "admin.me.password.change.success"},
		},
		{
			"fail to", func() error { _ = b.e.ChangeOwnPassword(b.ctx(), "ada", goodPassword+"-3", "weak"); return nil },
			[]string{"sso.session.create.success", "admin.me.password.change.failure"},
		},
		{"refused", func() error { _ = b.put("UserActivationInitiator", id, `{}`); return nil }, nil},
		{"delete", func() error { return b.e.Delete(b.ctx(), admin, "User", id, Params{}) }, []string{"admin.user.delete.success"}},
	} {
		if seen == 0 {
			seen = len(b.names(auditType, "eventId", ""))
		}
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		all := b.names(auditType, "eventId", "")
		if diff := cmp.Diff(step.events, slices.Clone(all[seen:])); diff != "" && len(step.events)+len(all)-seen > 0 {
			t.Errorf("%s leaves (-want +got)\n%s", step.name, diff)
		}
		seen = len(all)
	}
	for _, name := range []string{"adminValuesAdded", "adminValuesRemoved"} {
		for _, text := range b.names(auditType, name, "") {
			if strings.Contains(text, goodPassword) || strings.Contains(text, hashPrefix) {
				t.Errorf("an event has a secret: %s", text)
			}
		}
	}
	locked := slices.DeleteFunc(b.names(auditType, "adminValuesAdded", `eventId eq "`+update+`"`),
		func(text string) bool { return !strings.Contains(text, "lockDate") })
	if len(locked) != 1 || !strings.Contains(locked[0], `"reason":"1"`) {
		t.Errorf("the lock is told as %v", locked)
	}
	// The actor of what a link or a password proves is the user.
	if got := b.names(auditType, "actorName", `eventId eq "admin.me.password.reset.success"`); !slices.Equal(got, []string{"ada"}) {
		t.Errorf("the reset was done by %v", got)
	}
}

// TestHashingIsDoneBefore: the hash of a password that a call carries is made
// before its transaction and used in it.
func TestHashingIsDoneBefore(t *testing.T) {
	b := newBench(t)
	hashes := func(typ, body string) int {
		ti, err := b.e.info(typ)
		if err != nil {
			t.Fatal(err)
		}
		made, err := b.e.hashAheadOf(ti, doc(t, body))
		if err != nil {
			t.Fatal(err)
		}
		return len(made)
	}
	for _, c := range []struct {
		typ, body string
		want      int
	}{
		{"User", `{"userName":"a"}`, 0},
		{"User", `{"PassWord":"Example-Passw0rd"}`, 1},
		{"User", `{"password":"{SSHA}abcd"}`, 0},
		{"User", `{"password":""}`, 0},
		{"UserPasswordChanger", `{"password":"Example-Passw0rd"}`, 1},
		{"Group", `{"password":"Example-Passw0rd"}`, 0},
	} {
		if got := hashes(c.typ, c.body); got != c.want {
			t.Errorf("%s %s: %d hashes, want %d", c.typ, c.body, got, c.want)
		}
	}
	const made = hashPrefix + "1$YWJj ZGVm"
	call := admin
	call.hashes = map[string]string{goodPassword: made}
	err := b.e.Do(b.ctx(), call, func(tx *Tx) error {
		res, err := tx.Create("User", doc(t, `{`+core+`"userName":"ada","password":"`+goodPassword+`","emails":[{"value":"ada@example.com","type":"work","primary":true}]}`), Params{})
		if err != nil {
			return err
		}
		_, stored, err := tx.loadUser(res.Doc["id"].(string))
		if stored["password"] != made {
			t.Error("the password was hashed once more inside the transaction")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
