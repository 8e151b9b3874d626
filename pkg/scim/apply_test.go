package scim

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestApply(t *testing.T) {
	const ext = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	tests := []struct {
		name string
		doc  string
		ops  string
		want string
	}{
		{"replace a single value", `{"title":"a"}`, `[{"op":"replace","path":"title","value":"b"}]`, `{"title":"b"}`},
		{"add a single value", `{}`, `[{"op":"Add","path":"title","value":"b"}]`, `{"title":"b"}`},
		{"the spelling that is there stays", `{"Title":"a"}`, `[{"op":"replace","path":"title","value":"b"}]`, `{"Title":"b"}`},
		{"replace by nothing", `{"title":"a"}`, `[{"op":"replace","path":"title"}]`, `{}`},
		{"remove", `{"title":"a","x":1}`, `[{"op":"remove","path":"title"}]`, `{"x":1}`},
		{"remove what is not there", `{"x":1}`, `[{"op":"remove","path":"title"}]`, `{"x":1}`},
		{
			"no path sets each attribute", `{"title":"a"}`,
			`[{"op":"replace","value":{"title":"b","name.givenName":"Ada","` + ext + `":{"department":"IT"}}}]`,
			`{"title":"b","name":{"givenName":"Ada"},"` + ext + `":{"department":"IT"}}`,
		},
		{
			"an attribute with its URN, without a path", `{"` + ext + `":{"department":"IT","division":"x"}}`,
			`[{"op":"replace","value":{"` + ext + `:department":"HR"}}]`, `{"` + ext + `":{"department":"HR","division":"x"}}`,
		},
		{
			"a complex value leaves others", `{"name":{"givenName":"Ada","familyName":"L"}}`,
			`[{"op":"replace","path":"name","value":{"givenName":"Eve"}}]`, `{"name":{"givenName":"Eve","familyName":"L"}}`,
		},
		{
			"add to a list, doubles once", `{"members":[{"value":"1","display":"One"}]}`,
			`[{"op":"add","path":"members","value":[{"value":"1"},{"value":"2"}]}]`,
			`{"members":[{"value":"1","display":"One"},{"value":"2"}]}`,
		},
		{"add the first member as an object", `{}`, `[{"op":"add","path":"members","value":{"value":"1"}}]`, `{"members":[{"value":"1"}]}`},
		{"replace a list", `{"members":[{"value":"1"}]}`, `[{"op":"replace","path":"members","value":[{"value":"2"}]}]`, `{"members":[{"value":"2"}]}`},
		{"remove a selected member", `{"members":[{"value":"1"},{"value":"2"}]}`, `[{"op":"remove","path":"members[value eq \"1\"]"}]`, `{"members":[{"value":"2"}]}`},
		{"remove members by value", `{"members":[{"value":"1","$ref":"x"},{"value":"2"}]}`, `[{"op":"remove","path":"members","value":[{"value":"1"}]}]`, `{"members":[{"value":"2"}]}`},
		{"remove the last member", `{"members":[{"value":"1"}]}`, `[{"op":"remove","path":"members[value eq \"1\"]"}]`, `{}`},
		{
			"a selected element's value", `{"emails":[{"type":"work","value":"a@example.com"},{"type":"home","value":"h@example.com"}]}`,
			`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@example.com"}]`,
			`{"emails":[{"type":"work","value":"b@example.com"},{"type":"home","value":"h@example.com"}]}`,
		},
		{
			"an element that is not there is made", `{}`, `[{"op":"add","path":"emails[type eq \"work\"].value","value":"b@example.com"}]`,
			`{"emails":[{"type":"work","value":"b@example.com"}]}`,
		},
		{
			"one primary", `{"emails":[{"type":"work","value":"a@example.com","primary":true}]}`,
			`[{"op":"add","path":"emails","value":[{"type":"home","value":"b@example.com","primary":true}]}]`,
			`{"emails":[{"type":"work","value":"a@example.com","primary":false},{"type":"home","value":"b@example.com","primary":true}]}`,
		},
		{
			"one primary, by selector", `{"emails":[{"type":"work","primary":true},{"type":"home"}]}`,
			`[{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}]`,
			`{"emails":[{"type":"work","primary":false},{"type":"home","primary":true}]}`,
		},
		{
			"in order", `{"title":"a"}`, `[{"op":"remove","path":"title"},{"op":"add","path":"title","value":"c"}]`, `{"title":"c"}`,
		},
		{"an extension is declared", `{"schemas":["core"]}`, `[{"op":"add","path":"` + ext + `:department","value":"IT"}]`, `{"schemas":["core","` + ext + `"],"` + ext + `":{"department":"IT"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, want := parsed(t, tt.doc), parsed(t, tt.want)
			var ops []PatchOp
			if err := json.Unmarshal([]byte(tt.ops), &ops); err != nil {
				t.Fatal(err)
			}
			got, err := doc.Apply(ops)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(plainJSON(t, want), plainJSON(t, got)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if d := cmp.Diff(plainJSON(t, parsed(t, tt.doc)), plainJSON(t, doc)); d != "" {
				t.Errorf("the document itself changed: -before +after\n%s", d)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	tests := []struct {
		name string
		op   PatchOp
		want error
	}{
		{"an unknown operation", PatchOp{Op: "move", Path: "title"}, ErrInvalid},
		{"remove without a path", PatchOp{Op: "remove"}, ErrInvalid},
		{"no path and no object", PatchOp{Op: "add", Value: "x"}, ErrInvalid},
		{"a path that is none", PatchOp{Op: "add", Path: "a[", Value: "x"}, ErrPath},
		{"several values where there is one", PatchOp{Op: "add", Path: "title", Value: []any{"x"}}, ErrPath},
		{"into a text", PatchOp{Op: "add", Path: "title.sub", Value: "x"}, ErrPath},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := (Document{"title": "a"}).Apply([]PatchOp{tt.op}); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func parsed(t *testing.T, s string) Document {
	t.Helper()
	doc, err := DecodeDocument([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func plainJSON(t *testing.T, d Document) string {
	t.Helper()
	out, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
