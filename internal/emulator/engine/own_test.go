package engine

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestOwnGroups(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	b.create("Group", `{"displayName":"mine","members":[{"value":"`+ada+`"}]}`)
	b.create("Group", `{"displayName":"other","`+requestableURN+`":{"requestable":true}}`)
	me := admin
	me.Actor = Actor{Type: "User", ID: ada, Name: "ada"}
	for typ, want := range map[string]string{"MyGroup": "mine", "MyRequestableGroup": "other"} {
		ti, err := b.e.info(typ)
		if err != nil {
			t.Fatal(err)
		}
		l, err := b.e.List(b.ctx(), me, typ, Params{Filter: `displayName sw "` + want[:1] + `"`})
		if err != nil {
			t.Fatal(err)
		}
		if l.Total != 1 || l.Resources[0]["displayName"] != want || asMap(l.Resources[0]["meta"])["resourceType"] != typ {
			t.Errorf("%s: %+v", typ, l)
		}
		for _, d := range l.Resources {
			checkDeclared(t, ti, d)
		}
	}
	if got := b.names("MyGroup", "displayName", ""); got != nil {
		t.Errorf("an app is in %v", got)
	}
}

func TestBypassCode(t *testing.T) {
	b := newBench(t)
	d := b.create("BypassCode", `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:BypassCode"],"code":"mine","user":{"value":"`+b.user("ada")+`"}}`)
	code, _ := d["code"].(string)
	if !regexp.MustCompile(`^\d{12}$`).MatchString(code) {
		t.Errorf("the code is %q", code)
	}
	events := b.names(auditType, "adminValuesAdded", `eventId eq "sso.bypasscode.create.success"`)
	if len(events) != 1 || slices.ContainsFunc(events, func(s string) bool { return strings.Contains(s, code) }) {
		t.Errorf("the events are %v", events)
	}
}
