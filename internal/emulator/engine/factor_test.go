package engine

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ready makes a minimal document one that the rules of its type take.
func (b *bench) ready(typ string, out Document) {
	b.Helper()
	switch typ {
	case "ApiKey", "MyApiKey":
		out["key"] = publicKey(b, "pub1.pem")
	case "BypassCode", "MyBypassCode":
		b.enrol(asMap(out["user"])["value"].(string), "EMAIL")
	case "BypassCodeNotification":
		out["user"] = clone(b.get("BypassCode", asMap(out["bypassCode"])["value"].(string))["user"])
	}
	b.readyAct(typ, out)
	if _, ok := credentialTypes()[typ]; ok {
		out["user"] = map[string]any{"value": b.user("owner of " + typ)}
	}
}

// as is a call of the user that a document names, or of a new one.
func (b *bench) as(doc Document) Call {
	b.Helper()
	id, _ := asMap(doc["user"])["value"].(string)
	if id == "" {
		id = b.user("caller")
	}
	return b.by(id)
}

func (b *bench) by(user string) Call {
	c := admin
	c.Actor = Actor{Type: "User", ID: user, Name: "caller"}
	return c
}

// enrol gives a user a device with factors, and answers its id.
func (b *bench) enrol(user string, factors ...string) string {
	b.Helper()
	var list []any
	for _, f := range factors {
		list = append(list, map[string]any{"type": f})
	}
	res, err := b.e.Enrol(b.ctx(), admin, "Device", Document{
		"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:Device"},
		"user":    map[string]any{"value": user}, "displayName": "a device", "authenticationFactors": list,
	}, Params{})
	if err != nil {
		b.Fatal(err)
	}
	return res.Doc["id"].(string)
}

func publicKey(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "keys", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// mfa is what a user says of factors, without the times.
func (b *bench) mfa(user string) map[string]any {
	b.Helper()
	ext := maps1(b.get("User", user)[mfaURN])
	if m := maps1(ext["preferredDevice"]); len(m) > 0 {
		ext["preferredDevice"] = m["value"]
	}
	return ext
}

func TestDevices(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	if got := b.mfa(ada); len(got) > 0 {
		t.Errorf("a new user has %v", got)
	}
	phone := b.enrol(ada, "SMS")
	app := b.enrol(ada, "TOTP", "PUSH")
	want := map[string]any{
		"mfaStatus": "ENROLLED", "preferredDevice": phone, "preferredAuthenticationFactor": "SMS", "loginAttempts": json.Number("0"),
	}
	if diff := cmp.Diff(want, b.mfa(ada)); diff != "" {
		t.Errorf("after two devices (-want +got):\n%s", diff)
	}
	listed := asMap(b.get("User", ada, mfaURN+":devices")[mfaURN])["devices"].([]any)
	if len(listed) != 2 {
		t.Fatalf("devices %v", listed)
	}
	first := asMap(listed[0])
	for name, want := range map[string]any{
		"value": phone, "display": "a device", "status": "ENROLLED", "factorType": "SMS", "factorStatus": "ENROLLED",
		"$ref": "https://idcs.example.com/admin/v1/Devices/" + phone,
	} {
		if first[name] != want {
			t.Errorf("devices[0].%s is %v, want %v", name, first[name], want)
		}
	}
	if got := b.names("User", "userName", mfaURN+`:devices.value eq "`+app+`"`); len(got) != 1 {
		t.Errorf("by the id of a device: %v", got)
	}
	if got := b.names("User", "userName", mfaURN+`:mfaStatus eq "ENROLLED"`); len(got) != 1 {
		t.Errorf("by mfaStatus: %v", got)
	}

	// Blocking the preferred device makes the other one preferred.
	if _, err := b.patch("Device", phone, `[{"op":"replace","path":"status","value":"BLOCKED"}]`); err != nil {
		t.Fatal(err)
	}
	if got := b.mfa(ada); got["preferredDevice"] != app || got["preferredAuthenticationFactor"] != "TOTP" {
		t.Errorf("after blocking: %v", got)
	}
	// The one that is left cannot be deleted, the blocked one can.
	err := b.e.Delete(b.ctx(), admin, "Device", app, Params{Force: true})
	wantError(t, err, http.StatusBadRequest, msgOnlyDevice)
	if err := b.e.Delete(b.ctx(), admin, "Device", phone, Params{}); err != nil {
		t.Error(err)
	}
	if got := len(asMap(b.get("User", ada, mfaURN+":devices")[mfaURN])["devices"].([]any)); got != 1 {
		t.Errorf("%d devices are left", got)
	}
	// An administrator has no create for devices.
	_, err = b.e.Create(b.ctx(), admin, "Device", Document{}, Params{})
	wantError(t, err, http.StatusMethodNotAllowed, msgVerb)
}

func TestPreferredFactor(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	mail, app := b.enrol(ada, "EMAIL"), b.enrol(ada, "TOTP")
	other := b.enrol(b.user("bob"), "SMS")
	set := func(name, value string) string {
		return `[{"op":"replace","path":"` + mfaURN + ":" + name + `","value":` + value + `}]`
	}
	for _, tt := range []struct {
		name, ops    string
		device, kind string
		refused      bool
	}{
		{"the factor alone", set("preferredAuthenticationFactor", `"TOTP"`), app, "TOTP", false},
		{"the device alone", set("preferredDevice", `{"value":"`+mail+`"}`), mail, "EMAIL", false},
		{"a factor that is not enrolled", set("preferredAuthenticationFactor", `"PUSH"`), mail, "EMAIL", true},
		{"somebody else's device", set("preferredDevice", `{"value":"`+other+`"}`), mail, "EMAIL", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.patch("User", ada, tt.ops)
			if tt.refused {
				wantError(t, err, http.StatusBadRequest, msgFactorPreference)
			} else if err != nil {
				t.Fatal(err)
			}
			if got := b.mfa(ada); got["preferredDevice"] != tt.device || got["preferredAuthenticationFactor"] != tt.kind {
				t.Errorf("%v, want %s with %s", got, tt.kind, tt.device)
			}
		})
	}
	// A PUT of what an ordinary read shows, without the extension, keeps it.
	doc := b.get("User", ada)
	delete(doc, mfaURN)
	if _, err := b.e.Replace(b.ctx(), admin, "User", ada, doc, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := b.mfa(ada); got["mfaStatus"] != "ENROLLED" || got["preferredDevice"] != mail {
		t.Errorf("after the put: %v", got)
	}
}

func TestTooManyDevices(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	for range 5 {
		b.enrol(ada, "SMS")
	}
	_, err := b.e.Enrol(b.ctx(), admin, "Device", Document{
		"user": map[string]any{"value": ada}, "authenticationFactors": []any{map[string]any{"type": "SMS"}},
	}, Params{})
	wantError(t, err, http.StatusBadRequest, msgTooManyFactors)
}

func TestTrustedUserAgents(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	agent := func(kind string) (Document, error) {
		res, err := b.e.Enrol(b.ctx(), admin, "TrustedUserAgent", Document{
			"user": map[string]any{"value": ada}, "name": "a browser", "platform": "an OS", "location": "192.0.2.1", "tokenType": kind,
		}, Params{})
		if err != nil {
			return nil, err
		}
		return res.Doc, nil
	}
	first, err := agent("TRUSTED")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := agent("KMSI")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		doc  Document
		days int
	}{{first, 15}, {kept, defaultKmsiDays}} {
		made, err := time.Parse(time.RFC3339, asMap(tt.doc["meta"])["created"].(string))
		if err != nil {
			t.Fatal(err)
		}
		end, err := time.Parse(time.RFC3339, tt.doc["expiryTime"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if got := end.Sub(made); got != time.Duration(tt.days)*24*time.Hour {
			t.Errorf("%s lasts %v, want %d days", tt.doc["tokenType"], got, tt.days)
		}
	}
	token, _ := b.get("TrustedUserAgent", first["id"].(string))["trustToken"].(string)
	if token == "" || token != first["trustToken"] {
		t.Errorf("the token is %q, and was %q", token, first["trustToken"])
	}
	for range 4 {
		if _, err := agent("TRUSTED"); err != nil {
			t.Fatal(err)
		}
	}
	_, err = agent("TRUSTED")
	wantError(t, err, http.StatusBadRequest, msgTooManyFactors)
	l, err := b.e.List(b.ctx(), b.by(ada), "MyTrustedUserAgent", Params{})
	if err != nil || l.Total != 6 {
		t.Errorf("%v, %v", l, err)
	}
}

func TestSecurityQuestions(t *testing.T) {
	b := newBench(t)
	if got := b.names("SecurityQuestion", "id", `type eq "default" and active eq true`); len(got) != 15 {
		t.Errorf("%d questions: %v", len(got), got)
	}
	texts := b.get("SecurityQuestion", "FavoriteBook")["questionText"].([]any)
	if len(texts) != 11 {
		t.Errorf("%d languages of FavoriteBook", len(texts))
	}
	own := b.create("SecurityQuestion", `{"type":"custom","active":true,"id":"FavDog",
		"questionText":[{"locale":"en","default":true,"value":"What is your favorite dog breed?"}]}`)["id"].(string)
	if !isHexID(own) {
		t.Errorf("the id of an own question is %q", own)
	}
	off := b.create("SecurityQuestion", `{"type":"custom","active":false,"questionText":[{"locale":"en","value":"Off?"}]}`)["id"].(string)
	if err := b.e.Delete(b.ctx(), admin, "SecurityQuestion", "FavoriteToy", Params{}); err != nil {
		t.Fatal(err)
	}
	if got := b.names("SecurityQuestion", "id", `id eq "FavoriteToy"`); got != nil {
		t.Errorf("a deleted question came back: %v", got)
	}

	ada := b.user("ada")
	set := func(answers ...string) string {
		var list []string
		for _, a := range answers {
			id, text, _ := strings.Cut(a, "=")
			list = append(list, `{"value":"`+id+`","answer":"`+text+`","hintText":"hint"}`)
		}
		return `[{"op":"replace","path":"` + questionsURN + `:secQuestions","value":[` + strings.Join(list, ",") + `]}]`
	}
	for _, tt := range []struct {
		name, ops, message string
	}{
		{"too few", set("FirstPet=pet answer", "FirstCar=car answer"), msgQuestions},
		{"short answer", set("FirstPet=pet answer", "FirstCar=car answer", "DreamJob=short"), msgQuestions},
		{"a question twice", set("FirstPet=pet answer", "FirstPet=pet answer", "DreamJob=job answer"), msgQuestions},
		{"a question that is off", set("FirstPet=pet answer", "FirstCar=car answer", off+"=an answer"), msgQuestions},
		{"no such question", set("FirstPet=pet answer", "FirstCar=car answer", "Nothing=an answer"), msgReference},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.patch("User", ada, tt.ops)
			wantError(t, err, http.StatusBadRequest, tt.message)
		})
	}
	ops := set("FirstPet=pet answer", "FirstCar=car answer", own+"=dog answer")
	if _, err := b.patch("User", ada, ops); err != nil {
		t.Fatal(err)
	}
	if got := b.mfa(ada); got["mfaStatus"] != nil {
		t.Errorf("questions are no factor while the settings do not say so: %v", got)
	}
	settings := b.get("AuthenticationFactorSetting", "AuthenticationFactorSettings")
	settings["securityQuestionsEnabled"] = true
	if _, err := b.e.Replace(b.ctx(), admin, "AuthenticationFactorSetting", "AuthenticationFactorSettings", settings, Params{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.patch("User", ada, set("FirstPet=pet answer", "FirstCar=car answer", own+"=other answer")); err != nil {
		t.Fatal(err)
	}
	if got := b.mfa(ada); got["mfaStatus"] != "ENROLLED" || got["preferredAuthenticationFactor"] != factorQuestions {
		t.Errorf("with questions: %v", got)
	}
	for _, x := range asMap(b.get("User", ada, questionsURN+":secQuestions")[questionsURN])["secQuestions"].([]any) {
		if asMap(x)["answer"] != nil {
			t.Errorf("an answer is shown: %v", x)
		}
	}
}

func TestRemoveFactors(t *testing.T) {
	for _, tt := range []struct {
		kind                       string
		devices, codes, agents     int
		kmsi, questions, recovered int
		status                     any
	}{
		{"", 0, 0, 0, 1, 0, 0, "UN_ENROLLED"},
		{"MFA", 0, 0, 0, 1, 0, 0, "UN_ENROLLED"},
		{"ACCOUNTRECOVERY", 2, 1, 1, 1, 0, 0, "ENROLLED"},
		{"KMSI", 2, 1, 1, 0, 3, 1, "ENROLLED"},
		{"ALL", 0, 0, 0, 0, 0, 0, "UN_ENROLLED"},
	} {
		t.Run("type "+tt.kind, func(t *testing.T) {
			b := newBench(t)
			ada := b.user("ada")
			b.enrol(ada, "EMAIL")
			if _, err := b.patch("Device", b.enrol(ada, "SMS"), `[{"op":"add","path":"isAccRecEnabled","value":true}]`); err != nil {
				t.Fatal(err)
			}
			b.create("BypassCode", `{"user":{"value":"`+ada+`"}}`)
			for _, kind := range []string{"TRUSTED", "KMSI"} {
				if _, err := b.e.Enrol(b.ctx(), admin, "TrustedUserAgent", Document{
					"user": map[string]any{"value": ada}, "name": "x", "tokenType": kind,
				}, Params{}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.patch("User", ada, `[{"op":"add","path":"`+questionsURN+`:secQuestions","value":[
				{"value":"FirstPet","answer":"an answer"},{"value":"FirstCar","answer":"an answer"},{"value":"DreamJob","answer":"an answer"}]}]`); err != nil {
				t.Fatal(err)
			}
			body := Document{"user": map[string]any{"value": ada}}
			if tt.kind != "" {
				body["type"] = tt.kind
			}
			res, err := b.e.Create(b.ctx(), admin, "AuthenticationFactorsRemover", body, Params{})
			if err != nil {
				t.Fatal(err)
			}
			if want := "https://idcs.example.com/admin/v1/AuthenticationFactorsRemover"; res.Location != want || asMap(res.Doc["meta"])["location"] != want {
				t.Errorf("the answer is at %q: %v", res.Location, res.Doc)
			}
			count := func(typ, filter string) int { return len(b.names(typ, "id", filter)) }
			questions, _ := asMap(b.get("User", ada, questionsURN+":secQuestions")[questionsURN])["secQuestions"].([]any)
			got := []int{
				count("Device", ""), count("BypassCode", ""), count("TrustedUserAgent", `tokenType eq "TRUSTED"`),
				count("TrustedUserAgent", `tokenType eq "KMSI"`), len(questions), count("Device", "isAccRecEnabled eq true"),
			}
			if diff := cmp.Diff([]int{tt.devices, tt.codes, tt.agents, tt.kmsi, tt.questions, tt.recovered}, got); diff != "" {
				t.Errorf("devices, codes, agents, kmsi, questions, recovery (-want +got):\n%s", diff)
			}
			if got := b.mfa(ada)["mfaStatus"]; got != tt.status {
				t.Errorf("mfaStatus %v, want %v", got, tt.status)
			}
			if got := b.names(auditType, "adminResourceId", `eventId eq "admin.authenticationfactorsremover.create.success"`); len(got) != 1 || got[0] != ada {
				t.Errorf("events %v", got)
			}
		})
	}
}

func TestRemoverRefuses(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	remove := func(call Call, typ, user, kind string) error {
		_, err := b.e.Create(b.ctx(), call, typ, Document{"user": map[string]any{"value": user}, "type": kind}, Params{})
		return err
	}
	wantError(t, remove(admin, "AuthenticationFactorsRemover", ada, "SOME"), http.StatusBadRequest, msgCanonical)
	wantError(t, remove(admin, "AuthenticationFactorsRemover", "nobody", "MFA"), http.StatusBadRequest, msgReference)
	wantError(t, remove(b.by(ada), "MyAuthenticationFactorsRemover", bob, "MFA"), http.StatusForbidden, msgOnlyUsers)
	wantError(t, remove(admin, "MyAuthenticationFactorsRemover", ada, "MFA"), http.StatusForbidden, msgOnlyUsers)
	b.enrol(ada, "EMAIL")
	if err := remove(b.by(ada), "MyAuthenticationFactorsRemover", ada, "MFA"); err != nil {
		t.Error(err)
	}
	if got := b.mfa(ada)["mfaStatus"]; got != "UN_ENROLLED" {
		t.Errorf("mfaStatus %v", got)
	}
}

func TestFactorSettings(t *testing.T) {
	b := newBench(t)
	const typ, id = "AuthenticationFactorSetting", "AuthenticationFactorSettings"
	read := b.get(typ, id)
	codes := asMap(read["bypassCodeSettings"])
	for name, want := range map[string]json.Number{"length": "12", "maxActive": "5", "helpDeskCodeExpiryInMins": "61", "helpDeskMaxUsage": "5"} {
		if codes[name] != want {
			t.Errorf("%s is %v, want %s", name, codes[name], want)
		}
	}
	for _, tt := range []struct {
		name, body, message string
	}{
		{"a group without a part", `{"bypassCodeSettings":{"length":8}}`, ""},
		{"too short", `{"bypassCodeSettings":{"length":7}}`, msgRange},
		{"too many", `{"bypassCodeSettings":{"maxActive":7}}`, msgRange},
		{"trust too long", `{"endpointRestrictions":{"maxEndpointTrustDurationInDays":181}}`, msgRange},
		{"locks", `{"clientAppSettings":{"initialLockoutPeriodInSecs":80000,"maxLockoutIntervalInSecs":60}}`, msgSettings},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := b.e.Replace(b.ctx(), admin, typ, id, doc(t, tt.body), Params{})
			if tt.message != "" {
				wantError(t, err, http.StatusBadRequest, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := asMap(res.Doc["bypassCodeSettings"]); got["length"] != json.Number("8") || got["maxActive"] != json.Number("5") {
				t.Errorf("%v", got)
			}
		})
	}
	if _, err := b.patch("KmsiSetting", "KmsiSettings", `[{"op":"replace","path":"kmsiFeatureEnabled","value":true}]`); err != nil {
		t.Fatal(err)
	}
	if b.get("KmsiSetting", "KmsiSettings")["lastEnabledOn"] == nil {
		t.Error("lastEnabledOn is not set")
	}
	if got := b.get("AccountRecoverySetting", "AccountRecoverySettings")["lockoutDuration"]; got != json.Number("30") {
		t.Errorf("lockoutDuration %v", got)
	}
}

// TestUserTakesAllAlong: nothing of what belongs to a user outlives the user,
// the last device included.
func TestUserTakesAllAlong(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	for _, user := range []string{ada, bob} {
		b.enrol(user, "EMAIL")
		b.create("BypassCode", `{"user":{"value":"`+user+`"}}`)
		b.create("AuthToken", `{"user":{"value":"`+user+`"}}`)
		if _, err := b.e.Enrol(b.ctx(), admin, "TrustedUserAgent", Document{"user": map[string]any{"value": user}, "name": "x"}, Params{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.e.Delete(b.ctx(), admin, "User", ada, Params{}); err != nil {
		t.Fatal(err)
	}
	for _, typ := range []string{"Device", "BypassCode", "AuthToken", "TrustedUserAgent"} {
		l, err := b.e.List(b.ctx(), admin, typ, Params{})
		if err != nil || l.Total != 1 || ownerID(l.Resources[0]) != bob {
			t.Errorf("%s: %+v, %v", typ, l, err)
		}
	}
	if got := b.names(auditType, "eventId", `eventId eq "sso.bypasscode.delete.success"`); len(got) != 1 {
		t.Errorf("events %v", got)
	}
	b.user("ada") // the name is free again
}
