package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixture is a reference of one type.
var fixture = map[string]string{
	"common.json":     `{"common":[{"name":"id","type":"string","mutability":"readOnly","returned":"always","uniqueness":"global","idcsSearchable":true}]}`,
	"operations.json": `{"operations":[{"verb":"list","resourceType":"Thing"},{"verb":"get","resourceType":"Thing"}]}`,
	"schemas/Thing.json": `{"resourceType":"Thing","endpoint":"/admin/v1/Things","verbs":["list","get"],"coreSchema":null,
		"extensionSchemas":["urn:x:extension:owner:Thing"],"common":["id"],
		"attributes":[{"name":"title","type":"string","required":true,"returned":"default","mutability":"readWrite","uniqueness":"none","proseDefault":"a<b"}],
		"extensions":{"urn:x:extension:owner:Thing":{"attributes":[{"name":"owner","type":"complex","subAttributes":[
			{"name":"value","type":"string","mutability":"readWrite"},{"name":"$ref","type":"reference","mutability":"readOnly"}]}]}}}`,
}

// write lays out the fixture with changes and answers its folder.
func write(t *testing.T, changes map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range fixture {
		if other, ok := changes[name]; ok {
			text = other
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestConvert(t *testing.T) {
	out := t.TempDir()
	if err := run([]string{"-ref", write(t, nil), "-out", out, "-extra", t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(out, "Thing.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"Thing","endpoint":"/Things","verbs":["list","get"],
"core":{"id":"urn:ietf:params:scim:schemas:oracle:idcs:Thing","name":"Thing","attributes":[
 {"name":"id","type":"string","mutability":"readOnly","returned":"always","uniqueness":"global","idcsSearchable":true},
 {"name":"title","type":"string","required":true,"idcsMaxLength":4000,"idcsDefaultValue":"a<b"}]},
"extensions":[
{"id":"urn:x:extension:owner:Thing","name":"owner:Thing","attributes":[
 {"name":"owner","type":"complex","subAttributes":[
  {"name":"value","type":"string","idcsMaxLength":40},
  {"name":"$ref","type":"reference","mutability":"readOnly","referenceTypes":["User"]}]}]}]}
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
	index, err := os.ReadFile(filepath.Join(out, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(index) || strings.Count(string(index), `"name"`) != 1 {
		t.Errorf("the index is %s", index)
	}
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]string
		says    string
	}{
		"verbs that differ":   {map[string]string{"operations.json": `{"operations":[{"verb":"get","resourceType":"Thing"}]}`}, "verbs"},
		"no JSON":             {map[string]string{"common.json": `{`}, "common.json"},
		"unknown common name": {map[string]string{"common.json": `{"common":[]}`}, "common attribute"},
		"missing extension":   {map[string]string{"schemas/Thing.json": strings.Replace(fixture["schemas/Thing.json"], `"extensions":{"urn:x`, `"extensions":{"urn:y`, 1)}, "extension"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run([]string{"-ref", write(t, c.changes), "-out", t.TempDir(), "-extra", t.TempDir()})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want something about %q", err, c.says)
			}
		})
	}
	if err := run(nil); err == nil {
		t.Error("it runs without -ref")
	}
}
