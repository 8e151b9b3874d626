package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// code asks for a bypass code for a user; more are members of the request.
func (b *bench) code(call Call, typ, user, more string) (Document, error) {
	b.Helper()
	res, err := b.e.Create(b.ctx(), call, typ, doc(b, `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:BypassCode"],
		"user":{"value":"`+user+`"}`+more+`}`), Params{})
	if err != nil {
		return nil, err
	}
	return res.Doc, nil
}

func TestBypassCode(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	_, err := b.code(admin, "BypassCode", ada, "")
	wantError(t, err, http.StatusBadRequest, msgNotEnrolled)
	b.enrol(ada, "EMAIL")
	d, err := b.code(admin, "BypassCode", ada, `,"code":"mine"`)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := d["code"].(string)
	if !regexp.MustCompile(`^\d{12}$`).MatchString(code) {
		t.Errorf("the code is %q", code)
	}
	id := d["id"].(string)
	if got := b.get("BypassCode", id); got["code"] != any(code) || got["actualUsageCount"] != json.Number("0") || got["maxUsageCount"] != json.Number("5") {
		t.Errorf("read again: %v", got)
	}
	if got := lifetime(t, d); got != 61*time.Minute {
		t.Errorf("it lasts %v", got)
	}
	listed := asMap(b.get("User", ada, mfaURN+":bypassCodes")[mfaURN])["bypassCodes"].([]any)
	if len(listed) != 1 || asMap(listed[0])["value"] != any(id) {
		t.Errorf("the user lists %v", listed)
	}
	hidden := admin
	hidden.HideCodes = true
	res, err := b.e.Get(b.ctx(), hidden, "BypassCode", id, Params{})
	if err != nil || res.Doc["code"] != nil {
		t.Errorf("hidden: %v, %v", res, err)
	}
	if err := b.e.Delete(b.ctx(), admin, "BypassCode", id, Params{}); err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"create", "delete"} {
		for _, values := range []string{"adminValuesAdded", "adminValuesRemoved"} {
			for _, text := range b.names(auditType, values, `eventId eq "sso.bypasscode.`+event+`.success"`) {
				if strings.Contains(text, code) || !strings.Contains(text, maskedValue) && text != "" {
					t.Errorf("%s of %s: %s", values, event, text)
				}
			}
		}
		if got := b.names(auditType, "eventId", `eventId eq "sso.bypasscode.`+event+`.success"`); len(got) != 1 {
			t.Errorf("%s: %v", event, got)
		}
	}
}

func lifetime(tb testing.TB, d Document) time.Duration {
	tb.Helper()
	made, err := time.Parse(time.RFC3339, asMap(d["meta"])["created"].(string))
	if err != nil {
		tb.Fatal(err)
	}
	end, err := time.Parse(time.RFC3339, d["expiresOn"].(string))
	if err != nil {
		tb.Fatal(err)
	}
	return end.Sub(made)
}

func TestBypassTerms(t *testing.T) {
	for _, tt := range []struct {
		name, more string
		ignore     bool
		message    string
		uses       string
		end        string
	}{
		{"none", "", false, "", "5", ""},
		{"uses", `,"maxUsageCount":2`, false, "", "2", ""},
		{"end", `,"expiresOn":"2026-02-01T00:00:00Z"`, false, "", "5", "2026-02-01T00:00:00.000Z"},
		{"both", `,"maxUsageCount":1,"expiresOn":"2030-01-01T00:00:00.000Z"`, false, "", "1", "2030-01-01T00:00:00.000Z"},
		{"ignored", `,"maxUsageCount":2,"expiresOn":"2030-01-01T00:00:00.000Z"`, true, "", "5", ""},
		{"too many uses", `,"maxUsageCount":1000`, false, msgBypassTerms, "", ""},
		{"no use", `,"maxUsageCount":0`, false, msgBypassTerms, "", ""},
		{"over", `,"expiresOn":"2020-01-01T00:00:00Z"`, false, msgBypassTerms, "", ""},
		{"no time", `,"expiresOn":"tomorrow"`, false, msgType, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			ada := b.user("ada")
			b.enrol(ada, "EMAIL")
			call := admin
			call.IgnoreTerms = tt.ignore
			d, err := b.code(call, "BypassCode", ada, tt.more)
			if tt.message != "" {
				wantError(t, err, http.StatusBadRequest, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := b.get("BypassCode", d["id"].(string))
			if got["maxUsageCount"] != json.Number(tt.uses) || tt.end != "" && got["expiresOn"] != any(tt.end) {
				t.Errorf("%v uses until %v, want %s until %s", got["maxUsageCount"], got["expiresOn"], tt.uses, tt.end)
			}
			if tt.end == "" && lifetime(t, got) != 61*time.Minute {
				t.Errorf("it lasts %v", lifetime(t, got))
			}
		})
	}
}

// use tries a code as a sign-in does.
func (b *bench) use(user, code string) bool {
	b.Helper()
	var ok bool
	err := b.e.Do(b.ctx(), Call{}, func(tx *Tx) error {
		var err error
		ok, err = tx.useBypassCode(user, code)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return ok
}

func TestUseBypassCode(t *testing.T) {
	clock := &stopped{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b := newBench(t, func(o *Options) { o.Clock = clock })
	ada, bob := b.user("ada"), b.user("bob")
	b.enrol(ada, "EMAIL")
	d, err := b.code(admin, "BypassCode", ada, `,"maxUsageCount":2`)
	if err != nil {
		t.Fatal(err)
	}
	code := d["code"].(string)
	for i, want := range []bool{true, true, false} {
		if got := b.use(ada, code); got != want {
			t.Errorf("use %d: %v", i+1, got)
		}
	}
	if got := b.get("BypassCode", d["id"].(string))["actualUsageCount"]; got != json.Number("2") {
		t.Errorf("used %v times", got)
	}
	if d, err = b.code(admin, "BypassCode", ada, ""); err != nil {
		t.Fatal(err)
	}
	code = d["code"].(string)
	if b.use(bob, code) || b.use(ada, code+"0") || b.use(ada, "") {
		t.Error("a code that is not the user's was taken")
	}
	clock.t = clock.t.Add(61*time.Minute - time.Second)
	if !b.use(ada, code) {
		t.Error("refused before its end")
	}
	clock.t = clock.t.Add(time.Second)
	if b.use(ada, code) {
		t.Error("taken at its end")
	}
}

// stopped is a clock that somebody else moves.
type stopped struct{ t time.Time }

func (c *stopped) Now() time.Time { return c.t }

func TestBypassLimits(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	b.enrol(ada, "EMAIL")
	set := func(body string) {
		if _, err := b.e.Replace(b.ctx(), admin, "AuthenticationFactorSetting", "AuthenticationFactorSettings", doc(t, body), Params{}); err != nil {
			t.Fatal(err)
		}
	}
	set(`{"bypassCodeSettings":{"maxActive":1,"length":8,"helpDeskMaxUsage":1}}`)
	first, err := b.code(admin, "BypassCode", ada, "")
	if err != nil || len(first["code"].(string)) != 8 {
		t.Fatalf("%v, %v", first, err)
	}
	_, err = b.code(admin, "BypassCode", ada, "")
	wantError(t, err, http.StatusBadRequest, msgTooManyCodes)
	if !b.use(ada, first["code"].(string)) {
		t.Fatal("the code was refused")
	}
	if _, err := b.code(admin, "BypassCode", ada, ""); err != nil {
		t.Errorf("a spent code counts: %v", err)
	}
	set(`{"bypassCodeSettings":{"helpDeskGenerationEnabled":false}}`)
	_, err = b.code(admin, "BypassCode", ada, "")
	wantError(t, err, http.StatusBadRequest, msgBypassOff)
	set(`{"bypassCodeEnabled":false,"bypassCodeSettings":{"maxActive":6}}`)
	_, err = b.code(b.by(ada), "MyBypassCode", ada, "")
	wantError(t, err, http.StatusBadRequest, msgBypassOff)
}

func TestMyBypassCodes(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	b.enrol(ada, "EMAIL")
	d, err := b.code(b.by(ada), "MyBypassCode", ada, "")
	if err != nil {
		t.Fatal(err)
	}
	if d["maxUsageCount"] != json.Number("1") || d["expiresOn"] != nil || asMap(d["meta"])["resourceType"] != "MyBypassCode" {
		t.Errorf("made: %v", d)
	}
	id := d["id"].(string)
	res, err := b.e.Get(b.ctx(), b.by(ada), "MyBypassCode", id, Params{})
	if err != nil || res.Doc["code"] != d["code"] || res.Location != "https://idcs.example.com/admin/v1/MyBypassCodes/"+id {
		t.Errorf("%v, %v", res, err)
	}
	if got := b.get("BypassCode", id); got["code"] != d["code"] {
		t.Errorf("for an administrator: %v", got)
	}
	l, err := b.e.List(b.ctx(), b.by(bob), "MyBypassCode", Params{})
	if err != nil || l.Total != 0 {
		t.Errorf("bob's: %v, %v", l, err)
	}
	_, err = b.e.Get(b.ctx(), b.by(bob), "MyBypassCode", id, Params{})
	wantError(t, err, http.StatusNotFound, msgNotFound)
	wantError(t, b.e.Delete(b.ctx(), b.by(bob), "MyBypassCode", id, Params{}), http.StatusNotFound, msgNotFound)
	_, err = b.code(admin, "MyBypassCode", ada, "")
	wantError(t, err, http.StatusForbidden, msgOnlyUsers)
	_, err = b.code(b.by(bob), "MyBypassCode", ada, "")
	wantError(t, err, http.StatusForbidden, msgOnlyUsers)
	if err := b.e.Delete(b.ctx(), b.by(ada), "MyBypassCode", id, Params{}); err != nil {
		t.Error(err)
	}
	if got := b.names("BypassCode", "id", ""); got != nil {
		t.Errorf("left: %v", got)
	}
}

func TestBypassNotification(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	b.enrol(ada, "EMAIL")
	d, err := b.code(admin, "BypassCode", ada, "")
	if err != nil {
		t.Fatal(err)
	}
	notify := func(user, code string) error {
		_, err := b.e.Create(b.ctx(), admin, "BypassCodeNotification", doc(t,
			`{"user":{"value":"`+user+`"},"bypassCode":{"value":"`+code+`"}}`), Params{})
		return err
	}
	wantError(t, notify(b.user("bob"), d["id"].(string)), http.StatusBadRequest, msgReference)
	wantError(t, notify(ada, "nothing"), http.StatusBadRequest, msgReference)
	if err := notify(ada, d["id"].(string)); err != nil {
		t.Fatal(err)
	}
	code := d["code"].(string)
	listed, _, err := b.e.Outbox(b.ctx(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(mustJSON(t, listed)); strings.Contains(text, code) {
		t.Errorf("the outbox shows the code: %s", text)
	}
	open, _, err := b.e.OpenOutbox(b.ctx(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	m := open[len(open)-1]
	if m.Template != MailBypassCode || m.Secrets["code"] != code || m.Data["uses"] != "5" || m.Data["minutes"] != "60" || m.To[0] != "ada@example.com" {
		t.Errorf("the mail is %+v", m)
	}
}

// TestConcurrentCodes: two requests at once do not make more codes than the
// settings allow.
func TestConcurrentCodes(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.NewID = randomID
		o.Clock = &stopped{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	})
	ada := b.user("ada")
	b.enrol(ada, "EMAIL")
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wg.Go(func() { _, errs[i] = b.code(admin, "BypassCode", ada, "") })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.MessageID != msgTooManyCodes {
			t.Error(err)
		}
	}
	if got := len(b.names("BypassCode", "id", "")); made != 5 || got != 5 {
		t.Errorf("%d made, %d there, want 5", made, got)
	}
}

// stored is everything in the store, as one text.
func (b *bench) stored() string {
	b.Helper()
	var all strings.Builder
	err := b.e.st.View(b.ctx(), func(tx store.Tx) error {
		for _, typ := range append(b.e.Catalog().Names(), outboxType) {
			for row, err := range tx.Query(store.Query{Type: typ}) {
				if err != nil {
					return err
				}
				fmt.Fprintf(&all, "%s %s %v %v\n", row.Data, row.ID, row.Index, row.Unique)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return all.String()
}

// TestCodesAreNotInTheStore: codes and tokens that are shown again are stored
// encrypted, the secrets of factors too.
func TestCodesAreNotInTheStore(t *testing.T) {
	b := newBench(t, func(o *Options) { o.NewID = randomID })
	ada := b.user("ada")
	b.enrol(ada, "EMAIL")
	d, err := b.code(admin, "BypassCode", ada, "")
	if err != nil {
		t.Fatal(err)
	}
	const seed = "PLANTEDSEEDOFONETIMECODES"
	if _, err := b.e.Enrol(b.ctx(), admin, "Device", doc(t, `{"user":{"value":"`+ada+`"},"seed":"`+seed+`",
		"authenticationFactors":[{"type":"TOTP"}]}`), Params{}); err != nil {
		t.Fatal(err)
	}
	agent, err := b.e.Enrol(b.ctx(), admin, "TrustedUserAgent", doc(t, `{"user":{"value":"`+ada+`"},"name":"x"}`), Params{})
	if err != nil {
		t.Fatal(err)
	}
	text := b.stored()
	for what, secret := range map[string]any{"code": d["code"], "seed": seed, "trust token": agent.Doc["trustToken"]} {
		if s, _ := secret.(string); s == "" || strings.Contains(text, s) {
			t.Errorf("the %s is %q, and in the store in clear", what, s)
		}
	}
	l, err := b.e.List(b.ctx(), b.by(ada), "MyDevice", Params{AttributeSets: []string{"all"}})
	if err != nil || l.Total != 2 || strings.Contains(string(mustJSON(t, l.Resources)), "seed\"") {
		t.Errorf("own devices: %v, %v", l, err)
	}
}
