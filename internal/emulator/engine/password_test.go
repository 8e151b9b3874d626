package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPasswordsAreChecked(t *testing.T) {
	b := newBench(t)
	body := `{` + core + `"userName":"ada@example.com","name":{"givenName":"Augusta","familyName":"Lovelace"},
		"emails":[{"value":"ada@example.com","type":"work","primary":true}],"password":%q}`
	for name, c := range map[string]struct {
		password string
		want     []string
	}{
		"meets it":      {"Engine-1843-Note", nil},
		"breaks it":     {"lovelace", []string{"minLength", "minNumerals", "minSpecialChars", "minUpperCase", "lastNameDisallowed"}},
		"hash":          {"{SSHA256}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", nil},
		"unknown hash":  {"{MD5}lovelace", []string{"minUpperCase"}},
		"the user name": {"Ada@example.com1", []string{"userNameDisallowed"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			_, err := b.e.Create(b.ctx(), admin, "User", doc(t, fmt.Sprintf(body, c.password)), Params{})
			if name == "unknown hash" {
				if got := broken(t, err); !slices.Contains(got, "lastNameDisallowed") {
					t.Errorf("a text that is no hash breaks %v", got)
				}
				return
			}
			if diff := cmp.Diff(c.want, broken(t, err)); diff != "" {
				t.Error(diff)
			}
			if err != nil && strings.Contains(err.Error(), c.password) {
				t.Errorf("the password is in %q", err)
			}
			if got := b.names("User", "userName", ""); (len(got) > 0) != (c.want == nil) {
				t.Errorf("there are %v", got)
			}
		})
	}
	ada := b.user("ada")
	for name, try := range map[string]func(password string) error{
		"patch": func(p string) error { return b.setPassword(ada, p) },
		"put": func(p string) error {
			res, err := b.e.Get(b.ctx(), admin, "User", ada, Params{})
			if err != nil {
				return err
			}
			res.Doc["password"] = p
			_, err = b.e.Replace(b.ctx(), admin, "User", ada, res.Doc, Params{})
			return err
		},
		"changer": func(p string) error {
			_, err := b.e.Replace(b.ctx(), admin, "UserPasswordChanger", ada, doc(t, `{"password":"`+p+`"}`), Params{})
			return err
		},
		"plain": func(p string) error {
			call := admin
			call.Plain = true
			_, err := b.e.Patch(b.ctx(), call, "User", ada, []PatchOp{{Op: "replace", Path: "password", Value: p}}, Params{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]string{"minLength"}, broken(t, try("Sh0rt-"+name[:1]))); diff != "" {
				t.Error(diff)
			}
			if err := try("Long-Enough-1-" + name); err != nil {
				t.Error(err)
			}
		})
	}
	// What is there stays valid, and other changes are not held up by it.
	if _, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"minLength","value":100}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.patch("User", ada, `[{"op":"replace","path":"title","value":"Countess"}]`); err != nil {
		t.Errorf("another change is refused: %v", err)
	}
}

func TestPasswordHistory(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	history := func(n int) {
		t.Helper()
		if _, err := b.patch(policyType, defaultPolicyID, fmt.Sprintf(`[{"op":"replace","path":"numPasswordsInHistory","value":%d}]`, n)); err != nil {
			t.Fatal(err)
		}
	}
	set := func(n int) []string {
		t.Helper()
		_, err := b.e.Replace(b.ctx(), admin, "UserPasswordChanger", ada, doc(t, fmt.Sprintf(`{"password":"Example-Passw0rd-%d"}`, n)), Params{})
		return broken(t, err)
	}
	history(2)
	used := []string{"numPasswordsInHistory"}
	for _, step := range []struct {
		n    int
		want []string
	}{{1, nil}, {1, used}, {2, nil}, {1, used}, {2, used}, {3, nil}, {2, used}, {1, nil}, {2, nil}} {
		if diff := cmp.Diff(step.want, set(step.n)); diff != "" {
			t.Errorf("password %d: %s", step.n, diff)
		}
	}
	// A PATCH with the present one is no change, and with a former one it is.
	before := b.get("User", ada)
	if err := b.setPassword(ada, "Example-Passw0rd-2"); err != nil {
		t.Errorf("a PATCH with the present one is refused: %v", err)
	}
	if diff := cmp.Diff(before, b.get("User", ada)); diff != "" {
		t.Errorf("a PATCH with the present one changes the user: %s", diff)
	}
	if diff := cmp.Diff(used, broken(t, b.setPassword(ada, "Example-Passw0rd-1"))); diff != "" {
		t.Errorf("a PATCH with a former one: %s", diff)
	}
	history(0)
	if got := set(2); got != nil {
		t.Errorf("without a history the same one breaks %v", got)
	}
	history(4)
	if diff := cmp.Diff(used, set(3)); diff != "" {
		t.Errorf("the history was lost: %s", diff)
	}
	// Nothing of it is in clear, and it goes with the user.
	rec, err := record(b, historyType, ada)
	if err != nil || strings.Contains(string(rec), "Passw0rd") || !strings.Contains(string(rec), hashPrefix) {
		t.Errorf("the history is %s, %v", rec, err)
	}
	if err := b.e.Delete(b.ctx(), admin, "User", ada, Params{}); err != nil {
		t.Fatal(err)
	}
	if rec, err := record(b, historyType, ada); err == nil {
		t.Errorf("the history of a deleted user is %s", rec)
	}
}

func record(b *bench, typ, id string) ([]byte, error) {
	var data []byte
	err := b.e.View(b.ctx(), admin, func(tx *Tx) error {
		rec, err := tx.st.Get(typ, id)
		data = rec.Data
		return err
	})
	return data, err
}

func TestPasswordAge(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	clock := b.e.opts.Clock.(*tick)
	state := func() map[string]any {
		t.Helper()
		return asMap(b.get("User", ada, passwordStateURN+":expired", passwordStateURN+":mustChange")[passwordStateURN])
	}
	if s := state(); s["expired"] != false || s["mustChange"] != true {
		t.Errorf("without a password it is %v", s)
	}
	if err := b.setPassword(ada, "Example-Passw0rd"); err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.AddDate(0, 0, 119)
	if s := state(); s["expired"] != false {
		t.Errorf("after 119 days it is %v", s)
	}
	clock.t = clock.t.AddDate(0, 0, 1)
	if s := state(); s["expired"] != true {
		t.Errorf("after 120 days it is %v", s)
	}
	inTx(b, func(tx *Tx, user Document) {
		if !tx.passwordExpired(user) {
			t.Error("a sign-in does not see it")
		}
	}, ada)
	if err := b.setPassword(ada, "Example-Passw0rd-2"); err != nil {
		t.Fatal(err)
	}
	if s := state(); s["expired"] != false {
		t.Errorf("with a new one it is %v", s)
	}
	if _, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"passwordExpiresAfter","value":0}]`); err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.AddDate(9, 0, 0)
	if s := state(); s["expired"] != false {
		t.Errorf("it expires although the policy says never: %v", s)
	}
}

// inTx hands the stored document of a user to f.
func inTx(b *bench, f func(tx *Tx, user Document), id string) {
	b.Helper()
	err := b.e.Do(b.ctx(), admin, func(tx *Tx) error {
		ti, err := tx.info("User")
		if err != nil {
			return err
		}
		_, user, err := tx.load(ti, id)
		if err == nil {
			f(tx, user)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

func TestMinimumAge(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	if _, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"minPasswordAge","value":2},
		{"op":"replace","path":"distinctCharacters","value":3}]`); err != nil {
		t.Fatal(err)
	}
	if err := b.setPassword(ada, "Example-Passw0rd"); err != nil {
		t.Fatal(err)
	}
	clock := b.e.opts.Clock.(*tick)
	check := func(actor, old string) []string {
		t.Helper()
		var got []string
		inTx(b, func(tx *Tx, user Document) {
			tx.call.Actor = Actor{Type: "User", ID: actor}
			got = broken(t, tx.checkPasswordChange(user, ada, old, "Example-Passw0rd-23"))
		}, ada)
		return got
	}
	if diff := cmp.Diff([]string{"minPasswordAge"}, check(ada, "")); diff != "" {
		t.Error(diff)
	}
	if got := check("somebody", ""); got != nil {
		t.Errorf("for an administrator it breaks %v", got)
	}
	clock.t = clock.t.AddDate(0, 0, 2)
	if got := check(ada, ""); got != nil {
		t.Errorf("two days later it breaks %v", got)
	}
	if got := check(ada, "Example-Passw0rd"); !slices.Equal(got, []string{"distinctCharacters"}) {
		t.Errorf("with two new characters it breaks %v", got)
	}
	if got := check(ada, "Example-Passw0rd"[:8]); got != nil {
		t.Errorf("with many new characters it breaks %v", got)
	}
}

func TestForcedReset(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	g := b.groupOf("g", bob)
	strict := b.policy("strict", `,"groups":[{"value":"`+g+`"}]`)
	settled := func(id, password string) {
		t.Helper()
		if err := b.setPassword(id, password); err != nil {
			t.Fatal(err)
		}
		// As it is after the user has set the password.
		err := b.e.Do(b.ctx(), admin, func(tx *Tx) error {
			ti, err := tx.info("User")
			if err != nil {
				return err
			}
			rec, user, err := tx.load(ti, id)
			if err != nil {
				return err
			}
			extension(user, passwordStateURN)["mustChange"] = false
			next, err := ti.record(id, user, rec.Version, rec.Created, rec.Modified)
			if err != nil {
				return err
			}
			return tx.st.Put(next)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	must := func(id string) any {
		t.Helper()
		return asMap(b.get("User", id, passwordStateURN+":mustChange")[passwordStateURN])["mustChange"]
	}
	settled(ada, "Example-Passw0rd")
	settled(bob, "Example-Passw0rd")
	if must(ada) != false || must(bob) != false {
		t.Fatal("they must change it already")
	}
	before := b.get(policyType, defaultPolicyID)
	after, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"forcePasswordReset","value":true}]`)
	if err != nil {
		t.Fatal(err)
	}
	if asMap(before["meta"])["version"] == asMap(after["meta"])["version"] {
		t.Error("the policy has its old version")
	}
	if must(ada) != true || must(bob) != false {
		t.Errorf("ada must change it: %v; bob, of another policy: %v", must(ada), must(bob))
	}
	inTx(b, func(tx *Tx, user Document) {
		if got, err := tx.mustChange(user); err != nil || !got {
			t.Errorf("a sign-in sees %v, %v", got, err)
		}
	}, ada)
	if rec, err := record(b, policyType, defaultPolicyID); err != nil || strings.Contains(string(rec), "forcePasswordReset") {
		t.Errorf("the policy is stored as %s, %v", rec, err)
	}
	settled(ada, "Example-Passw0rd-2")
	if must(ada) != false {
		t.Error("after setting a new one ada must change it still")
	}
	if _, err := b.patch(policyType, strict, `[{"op":"replace","path":"forcePasswordReset","value":true}]`); err != nil {
		t.Fatal(err)
	}
	if must(bob) != true {
		t.Error("bob need not change it")
	}
}

func TestLockRules(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	rules := func() string {
		t.Helper()
		var text string
		inTx(b, func(tx *Tx, user Document) {
			n, d, err := tx.lockRules(user, ada)
			text = fmt.Sprint(n, " ", d, " ", err)
		}, ada)
		return text
	}
	if got := rules(); got != fmt.Sprint(5, " ", 30*time.Minute, " ", nil) {
		t.Errorf("the default is %s", got)
	}
	if _, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"maxIncorrectAttempts","value":0},{"op":"remove","path":"lockoutDuration"}]`); err != nil {
		t.Fatal(err)
	}
	if got := rules(); got != fmt.Sprint(0, " ", time.Duration(0), " ", nil) {
		t.Errorf("then it is %s", got)
	}
}

func TestPasswordTools(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	res, err := b.e.Replace(b.ctx(), admin, "UserPasswordGenerator", ada, doc(t, `{}`), Params{})
	if err != nil {
		t.Fatal(err)
	}
	password, _ := res.Doc["password"].(string)
	validate := func(p string) error {
		_, err := b.e.Replace(b.ctx(), admin, "UserPasswordValidator", ada, Document{"password": p}, Params{})
		return err
	}
	if err := validate(password); err != nil {
		t.Errorf("the suggestion is refused: %v", err)
	}
	if got := broken(t, validate("Sh0rt-")); !slices.Equal(got, []string{"minLength"}) {
		t.Errorf("a short one breaks %v", got)
	}
	_, err = b.e.Replace(b.ctx(), admin, "UserPasswordValidator", ada, doc(t, `{}`), Params{})
	wantError(t, err, 400, msgMissingAttributes)
	_, err = b.e.Replace(b.ctx(), admin, "UserPasswordGenerator", "nobody", doc(t, `{}`), Params{})
	wantError(t, err, 404, msgNotFound)
	if b.get("User", ada, passwordStateURN)["password"] != nil {
		t.Error("a password was set")
	}
	create := func(text string) (*Result, error) {
		return b.e.Create(b.ctx(), admin, "UserPasswordValidator", doc(t, text), Params{})
	}
	_, err = create(`{"userName":"jdoe@example.com","givenName":"John","familyName":"Doe","password":"John"}`)
	if diff := cmp.Diff([]string{"minLength", "minNumerals", "minSpecialChars", "firstNameDisallowed"}, broken(t, err)); diff != "" {
		t.Error(diff)
	}
	res, err = create(`{"userName":"jdoe@example.com","password":"Example-Passw0rd"}`)
	if err != nil {
		t.Fatal(err)
	}
	if !res.Created || res.Doc["password"] != nil || res.Doc["userName"] != "jdoe@example.com" {
		t.Errorf("the answer is %v", res.Doc)
	}
}
