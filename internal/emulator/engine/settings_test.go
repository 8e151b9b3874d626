package engine

import (
	"fmt"
	"testing"
	"time"
)

func TestTokenLife(t *testing.T) {
	b := newBench(t)
	life := func(kind string) time.Duration {
		t.Helper()
		var d time.Duration
		if err := b.e.View(b.ctx(), admin, func(tx *Tx) error {
			var err error
			d, err = tx.linkValidity(kind)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, kind := range tokenKinds() {
		if got := life(kind); got != 7*24*time.Hour {
			t.Errorf("%s lives for %v", kind, got)
		}
	}
	set := func(kind string, minutes int) error {
		_, err := b.patch("IdentitySetting", "IdentitySettings",
			fmt.Sprintf(`[{"op":"replace","path":"tokens[type eq \"%s\"].expiresAfter","value":%d}]`, kind, minutes))
		return err
	}
	if err := set(LinkPasswordReset, 60); err != nil {
		t.Fatal(err)
	}
	if got := life(LinkPasswordReset); got != time.Hour {
		t.Errorf("after the change it lives for %v", got)
	}
	if got := life(LinkCreateUser); got != 7*24*time.Hour {
		t.Errorf("the other kind lives for %v", got)
	}
	for name, minutes := range map[string]int{"nothing": 0, "more than 30 days": 43201, "negative": -1} {
		t.Run(name, func(t *testing.T) { wantError(t, set(LinkCreateUser, minutes), 400, msgRange) })
	}
	if _, err := b.patch("IdentitySetting", "IdentitySettings", `[{"op":"remove","path":"tokens"}]`); err != nil {
		t.Fatal(err)
	}
	if got := life(LinkPasswordReset); got != 7*24*time.Hour {
		t.Errorf("without a setting it lives for %v", got)
	}
}

func TestFreshIdentitySettings(t *testing.T) {
	b := newBench(t)
	d := b.get("IdentitySetting", "IdentitySettings")
	for name, want := range map[string]any{
		"primaryEmailRequired": true, "emitLockedMessageWhenUserIsLocked": false, "returnInactiveOverLockedMessage": false,
	} {
		if d[name] != want {
			t.Errorf("%s is %v", name, d[name])
		}
	}
	if n := len(elements(d["tokens"])); n != len(tokenKinds()) {
		t.Errorf("there are %d kinds of tokens", n)
	}
}

func TestNotificationsCanBeSwitchedOff(t *testing.T) {
	b := newBench(t)
	on := func(kind string) bool {
		t.Helper()
		var yes bool
		if err := b.e.View(b.ctx(), admin, func(tx *Tx) error {
			var err error
			yes, err = tx.notify(kind)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return yes
	}
	for _, kind := range MailKinds() {
		if !on(kind) {
			t.Errorf("%s is off in a fresh domain", kind)
		}
	}
	const id = "NotificationSettings"
	put := func(change func(Document)) error {
		t.Helper()
		res, err := b.e.Get(b.ctx(), admin, "NotificationSetting", id, Params{})
		if err != nil {
			t.Fatal(err)
		}
		change(res.Doc)
		_, err = b.e.Replace(b.ctx(), admin, "NotificationSetting", id, res.Doc, Params{})
		return err
	}
	if err := put(func(d Document) {
		for _, x := range elements(d["eventSettings"]) {
			if m := asMap(x); m["eventId"] == MailLocked {
				m["enabled"] = false
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if on(MailLocked) || !on(MailUnlocked) {
		t.Errorf("locked is %v, unlocked %v", on(MailLocked), on(MailUnlocked))
	}
	wantError(t, put(func(d Document) {
		d["eventSettings"] = []any{map[string]any{"eventId": "no-such-mail", "enabled": true}}
	}), 400, msgCanonical)
	from := func() map[string]any {
		t.Helper()
		return asMap(b.get("NotificationSetting", id)["fromEmailAddress"])
	}
	if m := from(); m["validationStatus"] != "VERIFIED" {
		t.Errorf("the sender is %v", m)
	}
	// No mail of the kind lies in the outbox, and one of another kind does.
	before := len(outbox(b))
	for _, kind := range []string{MailLocked, MailUnlocked} {
		if err := b.e.Do(b.ctx(), admin, func(tx *Tx) error { return tx.Send(Mail{To: []string{"a@example.com"}, Template: kind}) }); err != nil {
			t.Fatal(err)
		}
	}
	if mails := outbox(b)[before:]; len(mails) != 1 || mails[0].Template != MailUnlocked {
		t.Errorf("the outbox has %v", mails)
	}
	if err := put(func(d Document) {
		d["fromEmailAddress"] = map[string]any{"value": "it@example.com", "validate": "email"}
		d["notificationEnabled"] = false
	}); err != nil {
		t.Fatal(err)
	}
	if m := from(); m["validationStatus"] != "PENDING" || m["value"] != "it@example.com" {
		t.Errorf("a new sender is %v", m)
	}
	for _, kind := range MailKinds() {
		if on(kind) {
			t.Errorf("%s is on although all are off", kind)
		}
	}
}

func outbox(b *bench) []Mail {
	b.Helper()
	mails, _, err := b.e.Outbox(b.ctx(), "", 0)
	if err != nil {
		b.Fatal(err)
	}
	return mails
}
