package engine

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// credentialBody is a request for a credential of a type.
func credentialBody(b *bench, typ, user string, n int) Document {
	b.Helper()
	d := Document{"user": map[string]any{"value": user}}
	switch typ {
	case "ApiKey":
		d["key"] = publicKey(b, []string{"pub1.pem", "pub2.pem", "pub3.pem", "pub4.pem"}[n%4])
	case "OAuth2ClientCredential":
		d["name"] = "a client"
		d["scopes"] = []any{map[string]any{"audience": "https://example.com", "scope": "/read"}}
	case "UserDbCredential":
		d["dbPassword"] = "Planted-Db-Passw0rd"
	}
	return d
}

func TestCredentials(t *testing.T) {
	all := Params{AttributeSets: []string{"all"}}
	lists := map[string]string{
		"ApiKey": "apiKeys", "AuthToken": "authTokens", "CustomerSecretKey": "customerSecretKeys", "SmtpCredential": "smtpCredentials",
		"OAuth2ClientCredential": "oAuth2ClientCredentials", "UserDbCredential": "dbCredentials",
	}
	for typ, k := range credentialTypes() {
		t.Run(typ, func(t *testing.T) {
			b := newBench(t, func(o *Options) { o.NewID = randomID })
			ada := b.user("ada")
			res, err := b.e.Create(b.ctx(), admin, typ, credentialBody(b, typ, ada, 0), Params{})
			if err != nil {
				t.Fatal(err)
			}
			id := res.Doc["id"].(string)
			secrets := []string{}
			for _, name := range k.once {
				s, _ := res.Doc[name].(string)
				if len(s) < 20 {
					t.Errorf("%s is %q", name, s)
				}
				secrets = append(secrets, s)
			}
			if typ == "UserDbCredential" {
				secrets = append(secrets, "Planted-Db-Passw0rd")
			}
			again, err := b.e.Get(b.ctx(), admin, typ, id, all)
			if err != nil {
				t.Fatal(err)
			}
			mine, err := b.e.List(b.ctx(), b.by(ada), "My"+typ, all)
			if err != nil || mine.Total != 1 {
				t.Fatalf("own ones: %v, %v", mine, err)
			}
			seen := b.stored() + string(mustJSON(t, again.Doc)) + string(mustJSON(t, mine.Resources))
			for _, s := range secrets {
				if strings.Contains(seen, s) {
					t.Errorf("%q is stored or shown again", s)
				}
			}
			if strings.Contains(string(mustJSON(t, again.Doc))+string(mustJSON(t, mine.Resources)), "PBKDF2") {
				t.Errorf("a digest is shown: %s", mustJSON(t, again.Doc))
			}
			for _, text := range b.names(auditType, "adminValuesAdded", `adminResourceId eq "`+id+`"`) {
				if strings.Contains(text, "PBKDF2") {
					t.Errorf("a digest is in the audit event: %s", text)
				}
			}
			listed, _ := asMap(b.get("User", ada, userCredentialsURN+":"+lists[typ])[userCredentialsURN])[lists[typ]].([]any)
			if len(listed) != 1 || asMap(listed[0])["value"] != any(id) {
				t.Errorf("the user lists %v", listed)
			}
			for n := 1; n < k.max; n++ {
				if _, err := b.e.Create(b.ctx(), admin, typ, credentialBody(b, typ, ada, n), Params{}); err != nil {
					t.Fatal(err)
				}
			}
			_, err = b.e.Create(b.ctx(), admin, typ, credentialBody(b, typ, ada, k.max), Params{})
			wantError(t, err, http.StatusBadRequest, msgMaximum)
			if err := b.e.Delete(b.ctx(), admin, typ, id, Params{}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.e.Create(b.ctx(), admin, typ, credentialBody(b, typ, ada, 0), Params{}); err != nil {
				t.Errorf("after deleting one: %v", err)
			}

			bob := b.user("bob")
			if _, err := b.patch("User", bob, `[{"op":"replace","path":"`+capabilitiesURN+":"+k.capability+`","value":false}]`); err != nil {
				t.Fatal(err)
			}
			_, err = b.e.Create(b.ctx(), admin, typ, credentialBody(b, typ, bob, 0), Params{})
			wantError(t, err, capabilityStatus, msgCapability)
			if typ != "ApiKey" {
				late := credentialBody(b, typ, ada, 0)
				late["user"], late["expiresOn"] = map[string]any{"value": b.user("eve")}, "2001-01-01T00:00:00Z"
				_, err = b.e.Create(b.ctx(), admin, typ, late, Params{})
				wantError(t, err, http.StatusBadRequest, msgExpired)
			}
			_, err = b.e.Create(b.ctx(), admin, typ, credentialBody(b, typ, "nobody", 0), Params{})
			wantError(t, err, http.StatusBadRequest, msgReference)
			noUser := credentialBody(b, typ, ada, 0)
			delete(noUser, "user")
			_, err = b.e.Create(b.ctx(), admin, typ, noUser, Params{})
			wantError(t, err, http.StatusBadRequest, msgMissingAttributes)
			if err := b.e.Delete(b.ctx(), admin, "User", ada, Params{}); err != nil {
				t.Fatal(err)
			}
			if got := b.names(typ, "id", ""); got != nil {
				t.Errorf("left after the user: %v", got)
			}
		})
	}
}

func TestOwnCredential(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	res, err := b.e.Create(b.ctx(), b.by(ada), "MyAuthToken", Document{"description": "mine"}, Params{})
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := res.Doc["token"].(string); len(s) != authTokenLength {
		t.Errorf("the token is %q", s)
	}
	id := res.Doc["id"].(string)
	res, err = b.e.Patch(b.ctx(), b.by(ada), "MyAuthToken", id, []PatchOp{{Op: "replace", Path: "description", Value: "still mine"}}, Params{})
	if err != nil || res.Doc["description"] != "still mine" || res.Doc["token"] != nil {
		t.Errorf("%v, %v", res, err)
	}
	_, err = b.e.Patch(b.ctx(), b.by(b.user("bob")), "MyAuthToken", id, []PatchOp{{Op: "replace", Path: "description", Value: "x"}}, Params{})
	wantError(t, err, http.StatusNotFound, msgNotFound)
}

// TestOwnCredentialByAdministrator: a credential for oneself by the call for
// administrators has to say that it is meant.
func TestOwnCredentialByAdministrator(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	body := Document{"user": map[string]any{"value": ada}}
	_, err := b.e.Create(b.ctx(), b.by(ada), "AuthToken", cloneDoc(body), Params{})
	wantError(t, err, selfChangeStatus, msgSelfChange)
	body[selfChangeURN] = map[string]any{"allowSelfChange": true}
	if _, err := b.e.Create(b.ctx(), b.by(ada), "AuthToken", body, Params{}); err != nil {
		t.Error(err)
	}
}

func TestCredentialChanges(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	key := b.create("CustomerSecretKey", `{"user":{"value":"`+ada+`"},"displayName":"k","expiresOn":"2030-01-01T00:00:00Z"}`)
	if s, _ := key["accessKey"].(string); !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(s) {
		t.Errorf("accessKey %q", s)
	}
	id := key["id"].(string)
	_, err := b.patch("CustomerSecretKey", id, `[{"op":"replace","path":"expiresOn","value":"2031-01-01T00:00:00Z"}]`)
	wantError(t, err, http.StatusBadRequest, msgImmutable)
	_, err = b.patch("CustomerSecretKey", id, `[{"op":"replace","path":"status","value":"GONE"}]`)
	wantError(t, err, http.StatusBadRequest, msgCanonical)
	if _, err := b.patch("CustomerSecretKey", id, `[{"op":"replace","path":"status","value":"INACTIVE"}]`); err != nil {
		t.Error(err)
	}
	if got := b.names(auditType, "adminValuesAdded", `eventId eq "admin.customersecretkey.update.success"`); len(got) != 1 || !strings.Contains(got[0], `"status"`) {
		t.Errorf("events %v", got)
	}

	oauth := b.create("OAuth2ClientCredential", string(mustJSON(t, credentialBody(b, "OAuth2ClientCredential", ada, 0))))
	changed, err := b.patch("OAuth2ClientCredential", oauth["id"].(string), `[{"op":"replace","path":"isResetSecret","value":true}]`)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := changed["secret"].(string); !strings.HasPrefix(s, clientSecretPrefix) || changed["secret"] == oauth["secret"] {
		t.Errorf("the secret was %v, and is %v", oauth["secret"], changed["secret"])
	}
	changed, err = b.patch("OAuth2ClientCredential", oauth["id"].(string), `[{"op":"replace","path":"description","value":"x"}]`)
	if err != nil || changed["secret"] != nil {
		t.Errorf("a later change shows %v, %v", changed, err)
	}
}

func TestAPIKeys(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	key := func(user, text string) (Document, error) {
		res, err := b.e.Create(b.ctx(), admin, "ApiKey", Document{"user": map[string]any{"value": user}, "key": text}, Params{})
		if err != nil {
			return nil, err
		}
		return res.Doc, nil
	}
	private := strings.ReplaceAll(publicKey(t, "pub1.pem"), "PUBLIC", "PRIVATE")
	for name, text := range map[string]string{
		"no PEM": "ssh-rsa AAAA", "private": private, "short": publicKey(t, "pubshort.pem"), "elliptic": publicKey(t, "pubec.pem"),
		"two":    publicKey(t, "pub1.pem") + publicKey(t, "pub2.pem"),
		"broken": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := key(ada, text)
			wantError(t, err, http.StatusBadRequest, msgKey)
		})
	}
	d, err := key(ada, publicKey(t, "pub1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	// As openssl says: openssl rsa -pubin -outform DER | openssl md5 -c.
	if diff := cmp.Diff("8f:70:f1:34:5a:5c:da:36:29:65:44:03:ba:c3:c1:b5", d["fingerprint"]); diff != "" {
		t.Error(diff)
	}
	_, err = key(ada, publicKey(t, "pub1pkcs1.pem")) // the same key in another form
	wantError(t, err, http.StatusConflict, msgDuplicate)
	if _, err := key(b.user("bob"), publicKey(t, "pub1pkcs1.pem")); err != nil {
		t.Errorf("for another user: %v", err)
	}
}
