package engine

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const core = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],`

func TestCreateRefuses(t *testing.T) {
	mail := `"emails":[{"value":"a@example.com","type":"work","primary":true}]`
	long := strings.Repeat("x", 4001)
	for name, c := range map[string]struct {
		typ, body string
		status    int
		messageID string
	}{
		"required":             {"User", `{` + core + mail + `}`, 400, msgMissingAttributes},
		"required empty":       {"User", `{` + core + `"userName":"",` + mail + `}`, 400, msgMissingAttributes},
		"required sub":         {"User", `{` + core + `"userName":"a","emails":[{"value":"a@example.com","primary":true}]}`, 400, msgMissingAttributes},
		"no primary email":     {"User", `{` + core + `"userName":"a"}`, 400, msgNoPrimaryEmail},
		"unknown":              {"User", `{` + core + `"userName":"a","colour":"red",` + mail + `}`, 400, msgUnknown},
		"unknown sub":          {"User", `{` + core + `"userName":"a","name":{"nick":"x"},` + mail + `}`, 400, msgUnknown},
		"unknown in extension": {"User", `{` + core + `"userName":"a","` + enterpriseURN + `":{"nick":"x"},` + mail + `}`, 400, msgUnknown},
		"unknown schema":       {"User", `{"schemas":["urn:x:y"],"userName":"a",` + mail + `}`, 400, msgSchema},
		"type":                 {"User", `{` + core + `"userName":7,` + mail + `}`, 400, msgType},
		"boolean as text":      {"User", `{` + core + `"userName":"a","active":"true",` + mail + `}`, 400, msgType},
		"list for one":         {"User", `{` + core + `"userName":["a"],` + mail + `}`, 400, msgType},
		"canonical":            {"User", `{` + core + `"userName":"a","userType":"Alien",` + mail + `}`, 400, msgCanonical},
		"too long":             {"User", `{` + core + `"userName":"a","title":"` + long + `",` + mail + `}`, 400, msgTooLong},
		"two primaries":        {"User", `{` + core + `"userName":"a","emails":[{"value":"a@example.com","type":"work","primary":true},{"value":"b@example.com","type":"home","primary":true}]}`, 400, msgBody},
		"same key twice":       {"User", `{` + core + `"userName":"a","emails":[{"value":"a@example.com","type":"work","primary":true},{"value":"A@example.com","type":"work"}]}`, 400, msgDuplicate},
		"unknown manager":      {"User", `{` + core + `"userName":"a","` + enterpriseURN + `":{"manager":{"value":"ff"}},` + mail + `}`, 400, msgReference},
		"unknown member":       {"Group", `{"displayName":"g","members":[{"value":"ff","type":"User"}]}`, 400, msgReference},
		"ocid in value":        {"Group", `{"displayName":"g","members":[{"value":"` + ocidFor("User", strings.Repeat("0", 32)) + `"}]}`, 400, msgTooLong},
		"below minimum":        {"PasswordPolicy", `{"name":"p","priority":0}`, 400, msgRange},
		"unknown grantee":      {"Grant", `{"grantMechanism":"ADMINISTRATOR_TO_USER","grantee":{"type":"User","value":"ff"}}`, 400, msgReference},
		"given twice":          {"User", `{` + core + `"userName":"a","username":"b",` + mail + `}`, 400, msgBody},
		"bad time":             {"User", `{` + core + `"userName":"a","` + userStateURN + `":{"locked":{"lockDate":"yesterday"}},` + mail + `}`, 400, msgType},
		"bad base64":           {"User", `{` + core + `"userName":"a","x509Certificates":[{"value":"?"}],` + mail + `}`, 400, msgType},
		"extension no object":  {"User", `{` + core + `"userName":"a","` + enterpriseURN + `":"x",` + mail + `}`, 400, msgType},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			fresh := len(b.names(c.typ, "id", ""))
			_, err := b.e.Create(b.ctx(), admin, c.typ, doc(t, c.body), Params{})
			wantError(t, err, c.status, c.messageID)
			if l, err := b.e.List(b.ctx(), admin, c.typ, Params{}); err != nil || l.Total != fresh {
				t.Errorf("after a refusal the list has %v, %v", l, err)
			}
			if l, err := b.e.List(b.ctx(), admin, auditType, Params{}); err != nil || l.Total != 0 {
				t.Errorf("after a refusal there are audit events: %v, %v", l, err)
			}
		})
	}
}

func TestUserNameIsUniqueWithoutRegardToCase(t *testing.T) {
	b := newBench(t)
	first := b.user("straße.ΣΊΣΥΦΟΣ")
	_, err := b.e.Create(b.ctx(), admin, "User", doc(t, `{`+core+`"userName":"STRAßE.σίσυφος",
		"emails":[{"value":"a@example.com","type":"work","primary":true}]}`), Params{})
	wantError(t, err, http.StatusConflict, msgDuplicate)
	if e := err.(*Error); e.Data["id"] != first { //nolint:errorlint // wantError checked it
		t.Errorf("holder is %v, want %s", e.Data["id"], first)
	}
	second := b.user("other")
	_, err = b.patch("User", second, `[{"op":"replace","path":"userName","value":"Straße.ΣΊΣΥΦΟΣ"}]`)
	wantError(t, err, http.StatusConflict, msgDuplicate)
	if err := b.e.Delete(b.ctx(), admin, "User", first, Params{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.patch("User", second, `[{"op":"replace","path":"userName","value":"Straße.ΣΊΣΥΦΟΣ"}]`); err != nil {
		t.Errorf("a name that was freed: %v", err)
	}
}

func TestPrimaryEmailSetting(t *testing.T) {
	b := newBench(t)
	body := `{` + core + `"userName":"a"}`
	_, err := b.e.Create(b.ctx(), admin, "User", doc(t, body), Params{})
	wantError(t, err, 400, msgNoPrimaryEmail)
	if _, err := b.patch("IdentitySetting", "IdentitySettings", `[{"op":"replace","path":"primaryEmailRequired","value":false}]`); err != nil {
		t.Fatal(err)
	}
	b.create("User", body)
}

func TestSingletonExistsFromTheStart(t *testing.T) {
	b := newBench(t)
	for _, name := range b.e.Singletons() {
		entry, _ := b.e.Catalog().Entry(name)
		got := b.get(name, entry.SingletonID)
		if got["id"] != entry.SingletonID {
			t.Errorf("%s: id is %v", name, got["id"])
		}
	}
	if got := b.get("IdentitySetting", "identitysettings", "primaryEmailRequired"); got["primaryEmailRequired"] != true {
		t.Errorf("primaryEmailRequired is %v", got["primaryEmailRequired"])
	}
}

func TestReplace(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	full, err := b.e.Get(b.ctx(), admin, "User", id, Params{})
	if err != nil {
		t.Fatal(err)
	}
	body := func(change func(Document)) Document {
		d := cloneDoc(full.Doc)
		change(d)
		return d
	}
	for name, c := range map[string]struct {
		body      Document
		ifMatch   string
		status    int
		messageID string
	}{
		"other id":       {body(func(d Document) { d["id"] = "x" }), "", 400, msgReadOnly},
		"other ocid":     {body(func(d Document) { d["ocid"] = "ocid1.user.oc1..x" }), "", 400, msgImmutable},
		"other readOnly": {body(func(d Document) { d["idcsCreatedBy"] = map[string]any{"value": "x"} }), "", 400, msgReadOnly},
		"groups":         {body(func(d Document) { d["groups"] = []any{map[string]any{"value": "x"}} }), "", 400, msgReadOnly},
		"other version":  {body(func(Document) {}), `"0123"`, 412, msgVersion},
		"no userName":    {body(func(d Document) { delete(d, "userName") }), "", 400, msgMissingAttributes},
		"immutable ext":  {body(func(d Document) { d[userURN] = map[string]any{"creationMechanism": "import"} }), "", 400, msgImmutable},
		"no such user":   {nil, "", 400, msgBody},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.e.Replace(b.ctx(), admin, "User", id, c.body, Params{IfMatch: c.ifMatch})
			wantError(t, err, c.status, c.messageID)
		})
	}
	for _, tag := range []string{full.Version, `"` + full.Version + `"`, `W/"` + full.Version + `"`, "*", `"x", "` + full.Version + `"`} {
		if _, err := b.e.Replace(b.ctx(), admin, "User", id, full.Doc, Params{IfMatch: tag}); err != nil {
			t.Errorf("If-Match %s: %v", tag, err)
		}
	}
	title := body(func(d Document) { d["title"] = "Countess" })
	res, err := b.e.Replace(b.ctx(), admin, "User", id, title, Params{})
	if err != nil || res.Version == full.Version || res.Doc["title"] != "Countess" {
		t.Fatalf("replace: %v, %v", res, err)
	}
	// The recorded request of the catalogue: only some attributes.
	res, err = b.e.Replace(b.ctx(), admin, "User", id, doc(t, `{`+core+`"name":{"givenName":"Barbara","familyName":"Jensen"},
		"userName":"bjensen@example.com","active":true,"emails":[
		{"value":"bjensen@example.com","primary":true,"type":"home","verified":true},{"value":"bjensen@example.org","type":"work"}]}`), Params{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Doc["title"] != nil {
		t.Errorf("title was left out and is still %v", res.Doc["title"])
	}
	if res.Doc["id"] != id || res.Doc["ocid"] != ocidFor("User", id) {
		t.Errorf("id %v, ocid %v", res.Doc["id"], res.Doc["ocid"])
	}
}

func TestIfMatch(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	op := []PatchOp{{Op: "replace", Path: "title", Value: "x"}}
	stale := Params{IfMatch: `"stale"`}
	_, err := b.e.Patch(b.ctx(), admin, "User", id, op, stale)
	wantError(t, err, http.StatusPreconditionFailed, msgVersion)
	err = b.e.Delete(b.ctx(), admin, "User", id, stale)
	wantError(t, err, http.StatusPreconditionFailed, msgVersion)
	res, err := b.e.Get(b.ctx(), admin, "User", id, Params{})
	if err != nil || res.Doc["title"] != nil {
		t.Fatalf("%v, %v", res, err)
	}
	changed, err := b.e.Patch(b.ctx(), admin, "User", id, op, Params{IfMatch: res.Version})
	if err != nil || changed.Version == res.Version {
		t.Fatalf("%v, %v", changed, err)
	}
	if err := b.e.Delete(b.ctx(), admin, "User", id, Params{IfMatch: changed.Version}); err != nil {
		t.Fatal(err)
	}
}

func TestPasswordIsHashedAndNeverReturned(t *testing.T) {
	b := newBench(t)
	made := "{PBKDF2-HMAC-SHA256}1000$c2FsdA== aGFzaA=="
	id := b.create("User", `{`+core+`"userName":"a","password":"Example-Passw0rd","emails":[{"value":"a@example.com","type":"work","primary":true}]}`)["id"].(string)
	stored := func() string {
		t.Helper()
		s := ""
		err := b.e.View(b.ctx(), admin, func(tx *Tx) error {
			rec, err := tx.Store().Get("User", id)
			if err != nil {
				return err
			}
			if strings.Contains(string(rec.Data), "Example-Passw0rd") {
				t.Error("the clear text is stored")
			}
			s, _ = doc(t, string(rec.Data))["password"].(string)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if ok, err := CheckPassword(stored(), "Example-Passw0rd"); !ok || err != nil {
		t.Errorf("the right password: %v, %v", ok, err)
	}
	if ok, err := CheckPassword(stored(), "secret-123"); ok || err != nil {
		t.Errorf("a wrong password: %v, %v", ok, err)
	}
	before := stored()
	full, err := b.e.Get(b.ctx(), admin, "User", id, Params{AttributeSets: []string{"all", "never"}, Attributes: []string{"password"}})
	if err != nil {
		t.Fatal(err)
	}
	if full.Doc["password"] != nil {
		t.Error("the password was returned")
	}
	delete(full.Doc, "groups")
	if _, err := b.e.Replace(b.ctx(), admin, "User", id, full.Doc, Params{}); err != nil {
		t.Fatal(err)
	}
	if stored() != before {
		t.Error("a PUT without a password changed it")
	}
	if _, err := b.patch("User", id, `[{"op":"replace","path":"password","value":"`+made+`"}]`); err != nil {
		t.Fatal(err)
	}
	if stored() != made {
		t.Errorf("a hash made elsewhere became %s", stored())
	}
	l, err := b.e.List(b.ctx(), admin, auditType, Params{AttributeSets: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range l.Resources {
		text := string(mustJSON(t, ev))
		if strings.Contains(text, "Example-Passw0rd") || strings.Contains(text, "PBKDF2") {
			t.Errorf("an audit event has the secret: %s", text)
		}
	}
	if !slices.ContainsFunc(l.Resources, func(d Document) bool {
		s, _ := d["adminValuesAdded"].(string)
		return strings.Contains(s, `"password":"`+maskedValue+`"`)
	}) {
		t.Error("no audit event has the masked password")
	}
}

func TestCheckPasswordFormats(t *testing.T) {
	for name, c := range map[string]struct {
		hash string
		ok   bool
		err  bool
	}{
		"ssha":           {"{SSHA}4FVIiCw1yTVlG2nTCf6NXkqlCNNzYWx0", false, false},
		"no prefix":      {"secret", false, true},
		"unknown prefix": {"{MD5}abc", false, true},
		"no parts":       {"{PBKDF2-HMAC-SHA1}abc", false, true},
		"huge cost":      {"{PBKDF2-HMAC-SHA1}99999999999$YQ== YQ==", false, true},
		"no cost":        {"{PBKDF2-HMAC-SHA1}0$YQ== YQ==", false, true},
		"short ssha":     {"{SSHA512}YWJj", false, true},
		"dollar":         {"{PBKDF2-HMAC-SHA512}1$c2FsdA==$aGFzaA==", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			ok, err := CheckPassword(c.hash, "secret")
			if ok != c.ok || (err != nil) != c.err {
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
}

func TestDeleteAndReferences(t *testing.T) {
	for _, force := range []bool{false, true} {
		b := newBench(t)
		boss := b.user("boss")
		report := b.create("User", `{`+core+`"userName":"r","emails":[{"value":"r@example.com","type":"work","primary":true}],
			"`+enterpriseURN+`":{"manager":{"value":"`+boss+`","displayName":"ignored"}}}`)
		manager := asMap(asMap(report[enterpriseURN])["manager"])
		want := map[string]any{"value": boss, "$ref": "https://idcs.example.com/admin/v1/Users/" + boss, "displayName": "Given boss"}
		if d := cmp.Diff(want, manager); d != "" {
			t.Error(d)
		}
		id := report["id"].(string)
		if got := b.names("User", "id", enterpriseURN+`:manager.value eq "`+boss+`"`); !slices.Equal(got, []string{id}) {
			t.Errorf("reports are %v", got)
		}
		app := b.create("App", string(mustJSON(t, b.minimal("App", 0))))["id"].(string)
		grant := b.create("Grant", `{"grantMechanism":"ADMINISTRATOR_TO_USER","grantee":{"type":"User","value":"`+boss+`"},"app":{"value":"`+app+`"}}`)
		if err := b.e.Delete(b.ctx(), admin, "User", ocidFor("User", boss), Params{Force: force}); err != nil {
			t.Fatal(err)
		}
		got := asMap(b.get("User", id)[enterpriseURN])["manager"]
		if force && got != nil || !force && asMap(got)["value"] != boss {
			t.Errorf("force %v: manager is %v", force, got)
		}
		_, err := b.e.Get(b.ctx(), admin, "Grant", grant["id"].(string), Params{})
		wantError(t, err, 404, msgNotFound)
		// A dangling reference does not stand in the way of other changes.
		if _, err := b.patch("User", id, `[{"op":"replace","path":"title","value":"x"}]`); err != nil {
			t.Error(err)
		}
	}
}

func TestAuditEvents(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	if _, err := b.patch("User", id, `[{"op":"replace","path":"title","value":"Countess"},{"op":"replace","path":"active","value":false}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.patch("User", id, `[{"op":"replace","path":"title","value":"Countess"}]`); err != nil {
		t.Fatal(err) // changes nothing, leaves no event
	}
	if err := b.e.Delete(b.ctx(), admin, "User", id, Params{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"admin.user.create.success", "admin.user.deactivated.success", "admin.user.update.success", "admin.user.delete.success"}
	if got := b.names(auditType, "eventId", ""); !slices.Equal(got, want) {
		t.Errorf("events are %v", got)
	}
	l, err := b.e.List(b.ctx(), admin, auditType, Params{Filter: `eventId eq "admin.user.update.success" and timestamp ge "2026-01-01T00:00:00Z" and actorName sw "adm"`})
	if err != nil || len(l.Resources) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
	ev := l.Resources[0]
	for k, v := range map[string]any{
		"adminResourceType": "User", "adminResourceId": id, "adminResourceName": "ada", "actorId": admin.Actor.ID,
		"actorName": "admin-client", "actorDisplayName": "Admin client", "actorType": "App", "clientIp": "192.0.2.1",
		"serviceName": "Admin", "ecId": "req-1", "quotaCount": json.Number("0"), "ssoAuthnLevel": json.Number("0"),
		"adminValuesAdded": `{"active":"false","title":"Countess"}`, "adminValuesRemoved": `{"active":"true"}`,
	} {
		if ev[k] != v {
			t.Errorf("%s is %v, want %v", k, ev[k], v)
		}
	}
}

func TestActions(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	res, err := b.e.Replace(b.ctx(), admin, "UserStatusChanger", id, doc(t, `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:UserStatusChanger"],"active":false}`), Params{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Doc["id"] != id || res.Doc["active"] != false {
		t.Errorf("answer is %v", res.Doc)
	}
	if got := b.get("User", id); got["active"] != false {
		t.Errorf("the user is %v", got["active"])
	}
	if _, err := b.e.Replace(b.ctx(), admin, "UserStatusChanger", id, doc(t, `{"active":true}`), Params{}); err != nil {
		t.Fatal(err)
	}
	if got := b.names(auditType, "adminResourceId", `eventId eq "admin.user.activated.success"`); !slices.Equal(got, []string{id}) {
		t.Errorf("activation events are of %v", got)
	}
	_, err = b.e.Replace(b.ctx(), admin, "UserStatusChanger", "ff", doc(t, `{"active":true}`), Params{})
	wantError(t, err, 404, msgNotFound)
	_, err = b.e.Replace(b.ctx(), admin, "UserStatusChanger", id, doc(t, `{}`), Params{})
	wantError(t, err, 400, msgMissingAttributes)
	if _, err := b.e.Replace(b.ctx(), admin, "UserCapabilitiesChanger", id, doc(t, `{"canUseApiKeys":false}`), Params{}); err != nil {
		t.Fatal(err)
	}
	caps := asMap(b.get("User", id)[capabilitiesURN])
	if caps["canUseApiKeys"] != false || caps["canUseConsole"] != true {
		t.Errorf("capabilities are %v", caps)
	}
	if _, err := b.e.Replace(b.ctx(), admin, "UserPasswordChanger", id, doc(t, `{"password":"New-Example-Passw0rd"}`), Params{}); err != nil {
		t.Fatal(err)
	}
}

func TestWelcomeMail(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	b.create("User", `{`+core+`"userName":"b","password":"Example-Passw0rd","emails":[{"value":"b@example.com","type":"work","primary":true}]}`)
	b.create("User", `{`+core+`"userName":"c","`+userURN+`":{"bypassNotification":true},"emails":[{"value":"c@example.com","type":"work","primary":true}]}`)
	mails, next, err := b.e.Outbox(b.ctx(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(mails) != 1 || mails[0].UserID != id || !slices.Equal(mails[0].To, []string{"ada@example.com"}) || mails[0].Template != "welcome" {
		t.Errorf("mails are %+v", mails)
	}
	if more, _, err := b.e.Outbox(b.ctx(), next, 0); err != nil || len(more) != 0 {
		t.Errorf("after the last there are %v, %v", more, err)
	}
}

func TestNamesFollow(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	got, err := b.patch("User", id, `[{"op":"replace","path":"name.familyName","value":"King"}]`)
	if err != nil {
		t.Fatal(err)
	}
	if got["displayName"] != "Given King" || asMap(got["name"])["formatted"] != "Given King" {
		t.Errorf("displayName %v, name %v", got["displayName"], got["name"])
	}
	got, err = b.patch("User", id, `[{"op":"replace","value":{"displayName":"The Countess","name":{"givenName":"Ada"}}}]`)
	if err != nil {
		t.Fatal(err)
	}
	if got["displayName"] != "The Countess" || asMap(got["name"])["formatted"] != "Ada King" {
		t.Errorf("displayName %v, name %v", got["displayName"], got["name"])
	}
}

func TestInputIsNotChanged(t *testing.T) {
	b := newBench(t)
	body := `{` + core + `"userName":"a","emails":[{"value":"a@example.com","type":"work","primary":true}]}`
	in := doc(t, body)
	res, err := b.e.Create(b.ctx(), admin, "User", in, Params{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(doc(t, body), in); d != "" {
		t.Error(d)
	}
	asMap(elements(res.Doc["emails"])[0])["value"] = "changed"
	if got := b.get("User", res.Doc["id"].(string)); asMap(elements(got["emails"])[0])["value"] != "a@example.com" {
		t.Error("an answer is part of the store")
	}
}

// TestContactsAreComplete: addresses and numbers carry what recorded answers
// have for each of them, whoever wrote them and how.
func TestContactsAreComplete(t *testing.T) {
	b := newBench(t)
	id := b.create("User", `{"userName":"ada","name":{"familyName":"Lovelace"},
		"emails":[{"value":"ada@example.com","type":"work","primary":true,"verified":true}],
		"phoneNumbers":[{"value":"1","type":"home"}]}`)["id"].(string)
	read := func() string {
		t.Helper()
		res, err := b.e.Get(b.ctx(), admin, "User", id, Params{Attributes: []string{"emails", "phoneNumbers"}})
		if err != nil {
			t.Fatal(err)
		}
		return string(mustJSON(t, []any{res.Doc["emails"], res.Doc["phoneNumbers"]}))
	}
	const emails = `[{"primary":true,"secondary":false,"type":"work","value":"ada@example.com","verified":true},` +
		`{"primary":false,"secondary":false,"type":"recovery","value":"ada@example.com","verified":false}]`
	phone := func(number, typ string) string {
		return `{"display":"` + number + `","primary":false,"type":"` + typ + `","value":"` + number + `","verified":false}`
	}
	for _, c := range []struct{ name, ops, want string }{
		{"create", ``, phone("1", "home")},
		{"a number changes", `[{"op":"replace","path":"phoneNumbers[type eq \"home\"].value","value":"2"}]`, phone("2", "home")},
		{"a number is added", `[{"op":"add","path":"phoneNumbers","value":[{"value":"3","type":"work"}]}]`, phone("2", "home") + "," + phone("3", "work")},
		{
			"a client sends back what it read", `[{"op":"replace","path":"phoneNumbers","value":[` + phone("3", "work") + `]}]`,
			phone("3", "work"),
		},
	} {
		if c.ops != "" {
			if _, err := b.patch("User", id, c.ops); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if d := cmp.Diff("["+emails+",["+c.want+"]]", read()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}
