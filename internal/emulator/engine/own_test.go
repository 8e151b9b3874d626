package engine

import (
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
