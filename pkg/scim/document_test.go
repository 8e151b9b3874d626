package scim

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

const userDoc = `{
 "schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:x:extension:mfa:User"],
 "id":"1","userName":"Ada","active":"true","age":9007199254740993,
 "name":{"familyName":"Lovelace","givenName":"Ada"},
 "emails":[{"type":"home","value":"h@example.com"},{"type":"work","value":"w@example.com","primary":true}],
 "nickNames":["a","b"],
 "meta":{"version":"v1","created":"2024-02-03T04:05:06.789Z"},
 "urn:x:extension:mfa:User":{"mfaStatus":"ENROLLED","preferredDevice":{"value":"d1"},"loginAttempts":"3"},
 "urn:x:extension:flat:User:color":"red",
 "urn:x:extension:flat:User:box":{"size":"L"}
}`

func TestDocumentGet(t *testing.T) {
	tests := []struct{ path, want string }{
		{"userName", `"Ada"`},
		{"USERNAME", `"Ada"`},
		{"urn:ietf:params:scim:schemas:core:2.0:User:userName", `"Ada"`},
		{"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", `"Lovelace"`},
		{"name.familyName", `"Lovelace"`},
		{"Name.FamilyName", `"Lovelace"`},
		{"age", "9007199254740993"},
		{"emails.value", `["h@example.com","w@example.com"]`},
		{`emails[type eq "work"].value`, `["w@example.com"]`},
		{`emails[type eq "WORK" and primary eq true].value`, `["w@example.com"]`},
		{`emails[type eq "home"]`, `[{"type":"home","value":"h@example.com"}]`},
		{`emails[value eq "a]b"]`, ""},
		{`nickNames[value eq "b"]`, `["b"]`},
		{"urn:x:extension:mfa:User:mfaStatus", `"ENROLLED"`},
		{"URN:X:Extension:MFA:user:MFASTATUS", `"ENROLLED"`},
		{"urn:x:extension:mfa:User:preferredDevice.value", `"d1"`},
		{"urn:x:extension:mfa:User", `{"loginAttempts":"3","mfaStatus":"ENROLLED","preferredDevice":{"value":"d1"}}`},
		{"urn:x:extension:flat:User:color", `"red"`},
		{"urn:x:extension:flat:User:box.size", `"L"`},
		{"urn:x:extension:mfa:User:userName", ""}, // not the top level's
		{"missing", ""},
		{"userName.sub", ""},
		{"name.missing", ""},
		{"emails.missing", ""},
		{"", ""},
		{".", ""},
		{"name.", ""},
		{"name..x", ""},
		{"emails[type eq", ""},
		{`emails[type eq "work"]value`, ""},
		{`emails[type zz "work"]`, ""},
		{`emails.value[type eq "work"]`, ""},
	}
	d := doc(t, userDoc)
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			v, ok := d.Get(tt.path)
			got := ""
			if ok {
				b, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				got = string(b)
			}
			if got != tt.want {
				t.Errorf("Get(%q) = %s, want %s", tt.path, got, tt.want)
			}
		})
	}
}

func TestDocumentTypedGetters(t *testing.T) {
	d := doc(t, userDoc)
	if got := d.String("emails.value"); got != "w@example.com" {
		t.Errorf("String(emails.value) = %q, want the primary one", got)
	}
	if got := d.String("nickNames"); got != "a" {
		t.Errorf("String(nickNames) = %q, want the first", got)
	}
	if got := d.String("age"); got != "9007199254740993" {
		t.Errorf("String(age) = %q", got)
	}
	if got := d.String("name"); got != "" {
		t.Errorf("String(name) = %q, want empty for an object", got)
	}
	if d := cmp.Diff([]string{"h@example.com", "w@example.com"}, d.Strings("emails")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Ada"}, d.Strings("userName")); d != "" {
		t.Error(d)
	}
	if v, ok := d.Bool("active"); !v || !ok {
		t.Errorf("Bool(active) = %v, %v", v, ok)
	}
	if _, ok := d.Bool("userName"); ok {
		t.Error("Bool(userName) found a boolean")
	}
	if n, ok := d.Int("urn:x:extension:mfa:User:loginAttempts"); n != 3 || !ok {
		t.Errorf("Int(loginAttempts) = %d, %v", n, ok)
	}
	want := time.Date(2024, 2, 3, 4, 5, 6, 789e6, time.UTC)
	if at, ok := d.Time("meta.created"); !ok || !at.Equal(want) {
		t.Errorf("Time(meta.created) = %v, %v", at, ok)
	}
	if _, ok := d.Time("userName"); ok {
		t.Error("Time(userName) found a time")
	}
	if d.ID() != "1" || d.Version() != "v1" || len(d.Schemas()) != 2 {
		t.Errorf("ID %q, Version %q, Schemas %v", d.ID(), d.Version(), d.Schemas())
	}
}

func TestDocumentSet(t *testing.T) {
	tests := []struct {
		name, doc, path string
		value           any
		want            string
		wantErr         bool
	}{
		{"new", `{}`, "title", "Dr", `{"title":"Dr"}`, false},
		{"keeps spelling", `{"Title":"x"}`, "title", "Dr", `{"Title":"Dr"}`, false},
		{"nested", `{}`, "name.familyName", "L", `{"name":{"familyName":"L"}}`, false},
		{"null on the way", `{"name":null}`, "name.familyName", "L", `{"name":{"familyName":"L"}}`, false},
		{"extension declared", `{"schemas":["urn:a"]}`, "urn:x:extension:e:User:a.b", true, `{"schemas":["urn:a","urn:x:extension:e:User"],"urn:x:extension:e:User":{"a":{"b":true}}}`, false},
		{"extension not declared twice", `{"schemas":["URN:x:extension:e:User"]}`, "urn:x:extension:e:User:a", 1, `{"schemas":["URN:x:extension:e:User"],"urn:x:extension:e:User":{"a":1}}`, false},
		{"core urn", `{}`, "urn:ietf:params:scim:schemas:core:2.0:User:title", "Dr", `{"title":"Dr"}`, false},
		{"flat member", `{"urn:x:extension:e:User:a":1}`, "urn:x:extension:e:User:a", 2, `{"urn:x:extension:e:User:a":2}`, false},
		{"selected element", `{"emails":[{"type":"work","value":"a"},{"type":"home","value":"b"}]}`, `emails[type eq "work"].value`, "c", `{"emails":[{"type":"work","value":"c"},{"type":"home","value":"b"}]}`, false},
		{"selector adds", `{"emails":[{"type":"home","value":"b"}]}`, `emails[type eq "work"].value`, "c", `{"emails":[{"type":"home","value":"b"},{"type":"work","value":"c"}]}`, false},
		{"selector makes list", `{}`, `emails[type eq "work" and primary eq true].value`, "c", `{"emails":[{"type":"work","primary":true,"value":"c"}]}`, false},
		{"selector cannot seed", `{}`, `emails[type sw "work"].value`, "c", `{}`, true},
		{"through a list", `{"emails":[{}]}`, "emails.value", "c", `{"emails":[{}]}`, true},
		{"through a string", `{"name":"x"}`, "name.familyName", "c", `{"name":"x"}`, true},
		{"bad path", `{}`, "a[", "c", `{}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := doc(t, tt.doc)
			err := d.Set(tt.path, tt.value)
			if (err != nil) != tt.wantErr {
				t.Fatalf("Set(%q) = %v, want error: %v", tt.path, err, tt.wantErr)
			}
			if err != nil && !errors.Is(err, ErrPath) {
				t.Errorf("Set(%q) = %v, want ErrPath", tt.path, err)
			}
			if got := doc(t, string(mustJSON(t, d))); !exactly(t, got, tt.want) {
				t.Errorf("Set(%q, %v) made %s, want %s", tt.path, tt.value, mustJSON(t, d), tt.want)
			}
		})
	}
}

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func exactly(tb testing.TB, d Document, want string) bool {
	tb.Helper()
	return cmp.Equal(d, doc(tb, want))
}

func TestDocumentDelete(t *testing.T) {
	tests := []struct {
		name, doc, path string
		removed         bool
		want            string
	}{
		{"plain", `{"Title":"x","a":1}`, "title", true, `{"a":1}`},
		{"sub", `{"name":{"a":1,"b":2}}`, "name.a", true, `{"name":{"b":2}}`},
		{"through list", `{"emails":[{"a":1,"b":2},{"b":3}]}`, "emails.a", true, `{"emails":[{"b":2},{"b":3}]}`},
		{"selected", `{"emails":[{"type":"work"},{"type":"home"}]}`, `emails[type eq "work"]`, true, `{"emails":[{"type":"home"}]}`},
		{"last selected", `{"emails":[{"type":"work"}]}`, `emails[type eq "work"]`, true, `{}`},
		{"selected sub", `{"emails":[{"type":"work","x":1}]}`, `emails[type eq "work"].x`, true, `{"emails":[{"type":"work"}]}`},
		{"last of an extension", `{"urn:x:extension:e:User":{"a":1}}`, "urn:x:extension:e:User:a", true, `{}`},
		{"whole extension", `{"urn:x:extension:e:User":{"a":1},"b":1}`, "urn:x:extension:e:User", true, `{"b":1}`},
		{"missing", `{"a":1}`, "b", false, `{"a":1}`},
		{"bad", `{"a":1}`, "a[", false, `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := doc(t, tt.doc)
			if got := d.Delete(tt.path); got != tt.removed {
				t.Errorf("Delete(%q) = %v, want %v", tt.path, got, tt.removed)
			}
			if !exactly(t, d, tt.want) {
				t.Errorf("Delete(%q) left %s, want %s", tt.path, mustJSON(t, d), tt.want)
			}
		})
	}
}

func TestDocumentEqual(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"case of names", `{"userName":"a"}`, `{"USERNAME":"a"}`, true},
		{"case of values", `{"userName":"a"}`, `{"userName":"A"}`, false},
		{"numbers", `{"n":1.0,"m":100}`, `{"n":1,"m":1e2}`, true},
		{"large numbers", `{"n":9007199254740993}`, `{"n":9007199254740992}`, false},
		{"huge exponent", `{"n":1e999999999}`, `{"n":1e999999999}`, true},
		{"number and string", `{"n":1}`, `{"n":"1"}`, false},
		{"null is absent", `{"a":1,"b":null}`, `{"a":1}`, true},
		{"empty list is absent", `{"a":1,"b":[]}`, `{"a":1}`, true},
		{"empty object is absent", `{"a":1,"b":{"c":null}}`, `{"a":1}`, true},
		{"empty string is a value", `{"a":""}`, `{}`, false},
		{"false is a value", `{"a":false}`, `{}`, false},
		{"order of lists", `{"l":[{"v":1},{"v":2}]}`, `{"l":[{"v":2},{"v":1}]}`, true},
		{"doubles in lists", `{"l":[1,1,2]}`, `{"l":[1,2,2]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := doc(t, tt.a), doc(t, tt.b)
			if got := a.Equal(b); got != tt.want {
				t.Errorf("Equal = %v, want %v (%s, %s)", got, tt.want, a.Canonical(), b.Canonical())
			}
		})
	}
	plain := Document{"n": 1, "l": []string{"b", "a"}, "m": Document{"x": int64(2)}}
	if want := doc(t, `{"n":1,"l":["a","b"],"m":{"x":2}}`); !plain.Equal(want) {
		t.Errorf("Go values: %s, want %s", plain.Canonical(), want.Canonical())
	}
}

func TestDocumentClone(t *testing.T) {
	d := doc(t, userDoc)
	before := string(mustJSON(t, d))
	c := d.Clone()
	for _, path := range []string{"name.familyName", `emails[type eq "work"].value`, "urn:x:extension:mfa:User:mfaStatus", "nickNames"} {
		if err := c.Set(path, "changed"); err != nil {
			t.Fatal(err)
		}
	}
	c.Delete("meta")
	if after := string(mustJSON(t, d)); after != before {
		t.Errorf("changing a clone changed the document:\n%s\n%s", before, after)
	}
	if Document(nil).Clone() != nil {
		t.Error("clone of nil is not nil")
	}
}

func TestDocumentInLogs(t *testing.T) {
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "doc", Document{"id": "7", "password": "open-sesame", "userName": "ada"})
	if got := log.String(); !strings.Contains(got, "doc.id=7") || strings.Contains(got, "sesame") || strings.Contains(got, "ada") {
		t.Errorf("log line %s", got)
	}
}

func TestDecodeDocument(t *testing.T) {
	for _, bad := range []string{"", "null", "[]", `"x"`, `{} {}`, `{`, `{"a":1}x`} {
		if d, err := DecodeDocument([]byte(bad)); err == nil {
			t.Errorf("DecodeDocument(%q) = %v, want an error", bad, d)
		}
	}
}

// FuzzDocumentPath: no path panics, what was set can be read back and removed,
// and reading changes nothing.
func FuzzDocumentPath(f *testing.F) {
	for _, p := range []string{
		"userName", "name.familyName", `emails[type eq "work"].value`, "urn:x:extension:mfa:User:mfaStatus", "a.b.c",
		"urn:", "urn::", "urn:a", "a[b eq \"]\"]", "[", "a[]", "a[b pr]", "x[value eq \"b\"].y.z", "a.", "", "\xff",
	} {
		f.Add(userDoc, p)
		f.Add(`{"a":{"b":[{"c":1}]},"urn":null,"x":[1,"b"]}`, p)
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		d, err := DecodeDocument([]byte(text))
		if err != nil {
			return
		}
		before := string(mustJSON(t, d))
		d.Get(path)
		_ = d.String(path)
		d.Strings(path)
		d.Bool(path)
		d.Time(path)
		if after := string(mustJSON(t, d)); after != before {
			t.Fatalf("reading %q changed the document", path)
		}
		c := d.Clone()
		if err := c.Set(path, "set"); err == nil && !strings.Contains(path, "[") {
			if got, ok := c.Get(path); !ok || got != "set" {
				t.Fatalf("after Set(%q): Get = %v, %v in %s", path, got, ok, mustJSON(t, c))
			}
			if !c.Delete(path) {
				t.Fatalf("Delete(%q) found nothing in %s", path, mustJSON(t, c))
			}
		}
		if after := string(mustJSON(t, d)); after != before {
			t.Fatalf("changing a clone by %q changed the document", path)
		}
	})
}
