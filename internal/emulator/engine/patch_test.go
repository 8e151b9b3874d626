package engine

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/schemas"
)

// base is a user in normal form to be patched.
const base = `{"userName":"ada","active":true,"name":{"givenName":"Ada","familyName":"Lovelace"},
	"emails":[{"value":"a@example.com","type":"work","primary":true},{"value":"b@example.com","type":"home"}],
	"phoneNumbers":[{"value":"1","type":"home"}],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Engines"}}`

func userInfo(tb testing.TB) *typeInfo {
	tb.Helper()
	rt, ok := schemas.Default().Lookup("User")
	if !ok {
		tb.Fatal("no User")
	}
	return newTypeInfo(rt, Hooks{})
}

// applyAll patches a copy of a document.
func applyAll(ti *typeInfo, in Document, ops ...PatchOp) (Document, error) {
	steps, err := ti.steps(ops)
	if err != nil {
		return nil, err
	}
	out := cloneDoc(in)
	for _, s := range steps {
		if err := ti.apply(out, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func TestPatch(t *testing.T) {
	ti := userInfo(t)
	for name, c := range map[string]struct{ op, path, value, attr, want string }{
		"add simple":                  {"add", "title", `"Countess"`, "title", `"Countess"`},
		"any case":                    {"Replace", "USERNAME", `"x"`, "userName", `"x"`},
		"remove simple":               {"remove", "active", ``, "active", `null`},
		"replace with null":           {"replace", "active", `null`, "active", `null`},
		"sub":                         {"replace", "name.familyName", `"King"`, "name", `{"givenName":"Ada","familyName":"King"}`},
		"sub of absent":               {"add", "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User:locked.on", `true`, userStateURN, `{"locked":{"on":true}}`},
		"remove sub":                  {"remove", "name.givenName", ``, "name", `{"familyName":"Lovelace"}`},
		"complex is merged":           {"replace", "name", `{"middleName":"K"}`, "name", `{"givenName":"Ada","familyName":"Lovelace","middleName":"K"}`},
		"complex with null":           {"replace", "name", `{"givenName":null,"middleName":"K"}`, "name", `{"familyName":"Lovelace","middleName":"K"}`},
		"add to list":                 {"add", "phoneNumbers", `[{"value":"2","type":"home"}]`, "phoneNumbers", `[{"value":"1","type":"home"},{"value":"2","type":"home"}]`},
		"add the same":                {"add", "phoneNumbers", `[{"value":"1","type":"home"}]`, "phoneNumbers", `[{"value":"1","type":"home"}]`},
		"add merges by key":           {"add", "emails", `{"value":"A@example.com","type":"WORK","verified":true}`, "emails", `[{"value":"A@example.com","type":"WORK","primary":true,"verified":true},{"value":"b@example.com","type":"home"}]`},
		"replace list":                {"replace", "phoneNumbers", `[{"value":"2","type":"work"}]`, "phoneNumbers", `[{"value":"2","type":"work"}]`},
		"replace list with none":      {"replace", "phoneNumbers", `[]`, "phoneNumbers", `null`},
		"replace list with twins":     {"replace", "phoneNumbers", `[{"value":"2","type":"work"},{"value":"2","type":"work","primary":true}]`, "phoneNumbers", `[{"value":"2","type":"work","primary":true}]`},
		"remove list":                 {"remove", "phoneNumbers", ``, "phoneNumbers", `null`},
		"remove by value":             {"remove", "emails", `[{"value":"b@example.com"}]`, "emails", `[{"value":"a@example.com","type":"work","primary":true}]`},
		"filtered element":            {"replace", `emails[type eq "home"]`, `{"value":"c@example.com","type":"home"}`, "emails", `[{"value":"a@example.com","type":"work","primary":true},{"value":"c@example.com","type":"home"}]`},
		"filtered sub":                {"replace", `emails[type eq "home"].value`, `"c@example.com"`, "emails", `[{"value":"a@example.com","type":"work","primary":true},{"value":"c@example.com","type":"home"}]`},
		"primary moves":               {"replace", `emails[type eq "home"].primary`, `true`, "emails", `[{"value":"a@example.com","type":"work","primary":false},{"value":"b@example.com","type":"home","primary":true}]`},
		"primary added moves":         {"add", `emails`, `[{"value":"c@example.com","type":"other","primary":true}]`, "emails", `[{"value":"a@example.com","type":"work","primary":false},{"value":"b@example.com","type":"home"},{"value":"c@example.com","type":"other","primary":true}]`},
		"filtered remove":             {"remove", `emails[value co "b@" and type eq "home"]`, ``, "emails", `[{"value":"a@example.com","type":"work","primary":true}]`},
		"filtered remove of none":     {"remove", `ims[type eq "xmpp" and value ew "gmail.com"]`, ``, "ims", `null`},
		"filtered remove of a sub":    {"remove", `emails[type eq "work"].primary`, ``, "emails", `[{"value":"a@example.com","type":"work"},{"value":"b@example.com","type":"home"}]`},
		"recorded":                    {"replace", `addresses[type eq "other"]`, `[{"type":"other","locality":"Hollywood"}]`, "addresses", `[{"type":"other","locality":"Hollywood"}]`},
		"created from filter":         {"add", `addresses[type eq "work"].region`, `"CA"`, "addresses", `[{"type":"work","region":"CA"}]`},
		"extension attribute":         {"replace", enterpriseURN + ":department", `"Poetry"`, enterpriseURN, `{"department":"Poetry"}`},
		"extension":                   {"add", enterpriseURN, `{"Division":"North"}`, enterpriseURN, `{"department":"Engines","division":"North"}`},
		"extension sub":               {"add", enterpriseURN + ":manager.value", `"x"`, enterpriseURN, `{"department":"Engines","manager":{"value":"x"}}`},
		"remove extension":            {"remove", enterpriseURN, ``, enterpriseURN, `null`},
		"last of extension":           {"remove", enterpriseURN + ":department", ``, enterpriseURN, `null`},
		"no path":                     {"replace", "", `{"title":"x","name.familyName":"King"}`, "name", `{"givenName":"Ada","familyName":"King"}`},
		"no path, extension":          {"add", "", `{"` + enterpriseURN + `":{"division":"North"}}`, enterpriseURN, `{"department":"Engines","division":"North"}`},
		"no path, flat":               {"add", "", `{"` + enterpriseURN + `:division":"North"}`, enterpriseURN, `{"department":"Engines","division":"North"}`},
		"no path, unchanged readOnly": {"add", "", `{"groups":[]}`, "groups", `null`},
		"readOnly sub is dropped":     {"replace", "phoneNumbers", `[{"value":"2","type":"work","display":"two"}]`, "phoneNumbers", `[{"value":"2","type":"work"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := applyAll(ti, doc(t, base), patchOp(t, c.op, c.path, c.value))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(parse(t, c.want), got[c.attr]); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPatchRefuses(t *testing.T) {
	ti := userInfo(t)
	for name, c := range map[string]struct{ op, path, value, scimType, messageID string }{
		"op":                  {"move", "title", `"x"`, scimInvalidSyntax, msgPatch},
		"remove without path": {"remove", "", ``, scimNoTarget, msgNoTarget},
		"no path, no object":  {"add", "", `"x"`, scimInvalidSyntax, msgPatch},
		"path syntax":         {"add", "emails[", `"x"`, scimInvalidPath, msgPath},
		"unknown":             {"add", "colour", `"x"`, scimInvalidPath, msgPath},
		"unknown sub":         {"add", "name.nick", `"x"`, scimInvalidPath, msgPath},
		"unknown in filter":   {"add", `emails[colour eq "x"].value`, `"x"`, scimInvalidPath, msgPath},
		"readOnly":            {"replace", "id", `"x"`, scimMutability, msgReadOnly},
		"readOnly sub":        {"replace", "phoneNumbers.display", `"x"`, scimMutability, msgReadOnly},
		"readOnly, no path":   {"replace", "", `{"meta":{"version":"x"}}`, scimMutability, msgReadOnly},
		"remove readOnly":     {"remove", "groups", ``, scimMutability, msgReadOnly},
		"type":                {"replace", "active", `"yes"`, scimInvalidValue, msgType},
		"no target":           {"replace", `addresses[type sw "o"].region`, `"x"`, scimNoTarget, msgNoTarget},
		"no element":          {"replace", `addresses.region`, `"x"`, scimNoTarget, msgNoTarget},
		"several elements":    {"replace", `emails[type eq "home"]`, `[{"value":"x"},{"value":"y"}]`, scimInvalidValue, msgPatch},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := applyAll(ti, doc(t, base), patchOp(t, c.op, c.path, c.value))
			wantError(t, err, 400, c.messageID)
			if e := err.(*Error); e.ScimType != c.scimType { //nolint:errorlint // wantError checked it
				t.Errorf("scimType is %s, want %s", e.ScimType, c.scimType)
			}
		})
	}
}

func TestPatchRecordedRequest(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	got, err := b.patch("User", id, `[{"op":"replace","path":"addresses[type eq \"other\"]","value":[{"type":"other",
		"streetAddress":"911 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US"}]},
		{"op":"remove","path":"ims[type eq \"xmpp\" and value ew \"gmail.com\"]"},
		{"op":"add","path":"phoneNumbers","value":[{"value":"555-555-1111","type":"home"}]}]`)
	if err != nil {
		t.Fatal(err)
	}
	if len(elements(got["addresses"])) != 1 || len(elements(got["phoneNumbers"])) != 1 {
		t.Errorf("the user is %s", mustJSON(t, got))
	}
}

func TestPatchIsAllOrNothing(t *testing.T) {
	b := newBench(t)
	id := b.user("ada")
	before := b.get("User", id)
	_, err := b.patch("User", id, `[{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"userType","value":"Alien"}]`)
	wantError(t, err, 400, msgCanonical)
	_, err = b.patch("User", id, `[{"op":"remove","path":"emails"}]`)
	wantError(t, err, 400, msgNoPrimaryEmail)
	_, err = b.patch("User", id, `[{"op":"remove","path":"userName"}]`)
	wantError(t, err, 400, msgMissingAttributes)
	_, err = b.patch("User", id, `[{"op":"replace","path":"`+userURN+`:creationMechanism","value":"import"}]`)
	wantError(t, err, 400, msgImmutable)
	_, err = b.patch("User", id, `[]`)
	wantError(t, err, 400, msgPatch)
	if d := cmp.Diff(before, b.get("User", id)); d != "" {
		t.Error(d)
	}
}

func patchOp(tb testing.TB, op, path, value string) PatchOp {
	tb.Helper()
	o := PatchOp{Op: op, Path: path}
	if value != "" {
		o.Value = parse(tb, value)
	}
	return o
}

func parse(tb testing.TB, text string) any {
	tb.Helper()
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return v
}

// FuzzPatch patches with anything: no panic, the document that was given stays
// as it was, the result is in normal form, and a replace without a filter does
// the same when it is done again.
func FuzzPatch(f *testing.F) {
	for _, c := range [][3]string{
		{"add", "title", `"x"`},
		{"replace", "emails", `[{"value":"x","type":"work","primary":true}]`},
		{"replace", `emails[type eq "work"].value`, `"x"`},
		{"remove", `emails[value co "b"]`, `null`},
		{"add", enterpriseURN + ":manager", `{"value":"x"}`},
		{"replace", "", `{"name":{"familyName":"y"},"emails":[],"` + enterpriseURN + `:division":"z"}`},
		{"replace", enterpriseURN, `{"department":null,"costCenter":"1"}`},
		{"replace", "x509Certificates", `[{"value":"YWJj"}]`},
		{"add", "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User:mfaIgnoredApps", `["a","b"]`},
		{"replace", "emails.primary", `true`},
	} {
		f.Add(c[0], c[1], []byte(c[2]))
	}
	ti := userInfo(f)
	start := doc(f, base)
	want := mustJSON(f, start)
	f.Fuzz(func(t *testing.T, op, path string, value []byte) {
		o := PatchOp{Op: op, Path: path}
		dec := json.NewDecoder(bytes.NewReader(value))
		dec.UseNumber()
		if dec.Decode(&o.Value) != nil {
			return
		}
		got, err := applyAll(ti, start, o)
		if !bytes.Equal(mustJSON(t, start), want) {
			t.Fatal("the document that was given was changed")
		}
		if err != nil {
			return
		}
		again, err := ti.normalise(got)
		if err != nil {
			t.Fatalf("the result is not valid: %v: %s", err, mustJSON(t, got))
		}
		if !equal(any(again), any(got)) {
			t.Fatalf("the result is not in normal form: %s became %s", mustJSON(t, got), mustJSON(t, again))
		}
		if !strings.EqualFold(op, "replace") || strings.Contains(path, "[") || strings.Contains(string(value), "[") && path == "" {
			return
		}
		twice, err := applyAll(ti, got, o)
		if err != nil {
			t.Fatalf("a replace that went well once is refused when it is done again: %v", err)
		}
		if !equal(any(twice), any(got)) {
			t.Fatalf("replace is not idempotent: %s became %s", mustJSON(t, got), mustJSON(t, twice))
		}
	})
}
