package engine

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/pkg/scim/schema"
)

func TestCustomAttributes(t *testing.T) {
	b := newBench(t)
	body := `{` + core + `"userName":"ada","emails":[{"value":"a@example.com","type":"work","primary":true}],
		"` + customURN + `":{"BADGE":"A7","level":3}}`
	_, err := b.e.Create(b.ctx(), admin, "User", doc(t, body), Params{})
	wantError(t, err, http.StatusBadRequest, msgUnknown)
	define := `[{"op":"add","path":"attributes","value":[{"name":"badge","type":"string","idcsMaxLength":5,"idcsDisplayName":"Badge"},
		{"name":"level","type":"integer","idcsSearchable":true}]}]`
	if _, err := b.patch("Schema", customURN, define); err != nil {
		t.Fatal(err)
	}
	created := b.create("User", body)
	id := created["id"].(string)
	if got := asMap(created[customURN]); got["badge"] != "A7" || !slices.Contains(elements(created["schemas"]), any(customURN)) {
		t.Errorf("created %v with schemas %v", got, created["schemas"])
	}
	// Another process on the same store knows them as well.
	b.e = New(b.e.Store(), schemas.Default(), Options{Clock: &tick{time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, PasswordCost: 1})
	if got := b.names("User", "id", customURN+`:badge sw "a" and `+customURN+`:level ge 3`); !slices.Equal(got, []string{id}) {
		t.Errorf("the filter selects %v", got)
	}
	if got := b.names("ResourceTypeSchemaAttribute", "name", `resourceType eq "User" and idcsCustomAttribute eq true`); !slices.Equal(got, []string{"badge", "level"}) {
		t.Errorf("the custom attributes are %v", got)
	}
	if got := b.names("Schema", "id", `id ew ":custom:User"`); !slices.Equal(got, []string{customURN}) {
		t.Errorf("the schema is %v", got)
	}
	_, err = b.patch("User", id, `[{"op":"replace","path":"`+customURN+`:badge","value":"too long"}]`)
	wantError(t, err, http.StatusBadRequest, msgTooLong)
	if _, err := b.patch("Schema", customURN, `[{"op":"remove","path":"attributes[name eq \"level\"]"}]`); err != nil {
		t.Fatal(err)
	}
	if got := asMap(b.get("User", id, customURN)[customURN]); got["level"] != nil || got["badge"] != "A7" {
		t.Errorf("after one was removed the user has %v", got)
	}
	for name, c := range map[string]struct {
		schema, ops string
		status      int
		messageID   string
	}{
		"other schema": {"urn:ietf:params:scim:schemas:core:2.0:User", define, http.StatusNotImplemented, msgNotImplemented},
		"no schema":    {"urn:x", define, http.StatusNotFound, msgNotFound},
		"twice":        {customURN, `[{"op":"add","path":"attributes","value":[{"name":"Badge","type":"string"}]}]`, http.StatusConflict, msgDuplicate},
		"complex":      {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","type":"complex"}]}]`, 400, msgBody},
		"name":         {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x y","type":"string"}]}]`, 400, msgBody},
		"dash":         {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x-y","type":"string"}]}]`, 400, msgBody},
		"digit first":  {customURN, `[{"op":"add","path":"attributes","value":[{"name":"1x","type":"string"}]}]`, 400, msgBody},
		"no name":      {customURN, `[{"op":"add","path":"attributes","value":[{"type":"string"}]}]`, 400, msgBody},
		"31 letters":   {customURN, `[{"op":"add","path":"attributes","value":[{"name":"` + strings.Repeat("x", 31) + `"}]}]`, 400, msgBody},
		"long label":   {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsDisplayName":"` + strings.Repeat("ä", 121) + `"}]}]`, 400, msgTooLong},
		"length 0":     {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsMaxLength":0}]}]`, 400, msgRange},
		"length 4001":  {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsMaxLength":4001}]}]`, 400, msgRange},
		"min over max": {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsMaxLength":3,"idcsMinLength":4}]}]`, 400, msgRange},
		"no pattern":   {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsuiRegexp":"("}]}]`, 400, msgBody},
		"open quote":   {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsuiRegexp":"\\Qx"}]}]`, 400, msgBody},
		"long pattern": {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","idcsuiRegexp":"` + strings.Repeat("x", 1001) + `"}]}]`, 400, msgTooLong},
		"of a number":  {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","type":"integer","idcsuiRegexp":"1"}]}]`, 400, msgBody},
		"other type":   {customURN, `[{"op":"replace","path":"attributes[name eq \"badge\"].type","value":"integer"}]`, 400, msgImmutable},
		"type":         {customURN, `[{"op":"add","path":"attributes","value":[{"name":"x","type":"colour"}]}]`, 400, msgCanonical},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.patch("Schema", c.schema, c.ops)
			wantError(t, err, c.status, c.messageID)
		})
	}
	res, err := b.e.Get(b.ctx(), admin, "Schema", customURN, Params{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.e.Replace(b.ctx(), admin, "Schema", customURN, res.Doc, Params{}); err != nil {
		t.Errorf("a schema that was read is refused: %v", err)
	}
}

// define changes the custom schema; it must succeed.
func (b *bench) define(ops string) {
	b.Helper()
	if _, err := b.patch("Schema", customURN, ops); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) setCustom(id, name, v string) error {
	b.Helper()
	_, err := b.patch("User", id, `[{"op":"replace","path":"`+customURN+`:`+name+`","value":`+v+`}]`)
	return err
}

func TestCustomPatterns(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	b.define(`[{"op":"add","path":"attributes","value":[{"name":"plate","idcsDisplayName":"Number plate","idcsMaxLength":8,"idcsMinLength":2,
		"idcsuiRegexp":"[A-Z]{1,2}|x+","idcsuiOrder":7,"idcsuiVisible":true,"idcsuiWidget":"inputtext",
		"idcsCsvAttributeNameMappings":[{"columnHeaderName":"Plate"}]}]}]`)
	for name, c := range map[string]struct{ value, messageID string }{
		"matches":          {`"AB"`, ""},
		"other branch":     {`"xxx"`, ""},
		"prefix only":      {`"ABC"`, msgPattern},
		"suffix only":      {`"1x"`, msgPattern},
		"line break after": {`"AB\n"`, msgPattern},
		"too short":        {`"A"`, msgTooShort},
		"too long":         {`"xxxxxxxxx"`, msgTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.setCustom(ada, "plate", c.value)
			if c.messageID == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, 400, c.messageID)
			if !strings.Contains(err.Error(), customURN+":plate") {
				t.Errorf("%q does not name the attribute", err)
			}
		})
	}
	want := map[string]string{
		"idcsDisplayName": "Number plate", "idcsuiRegexp": "[A-Z]{1,2}|x+", "idcsuiOrder": "7", "idcsuiVisible": "true", "idcsuiWidget": "inputtext",
	}
	got := asMap(elements(b.get("Schema", customURN)["attributes"])[0])
	for name, v := range want {
		if fmt.Sprint(got[name]) != v {
			t.Errorf("the schema has %s %v, want %s", name, got[name], v)
		}
	}
	list, err := b.e.List(b.ctx(), admin, "ResourceTypeSchemaAttribute", Params{Filter: `resourceType eq "User" and idcsCustomAttribute eq true`})
	if err != nil || len(list.Resources) != 1 {
		t.Fatalf("%d custom attributes, %v", len(list.Resources), err)
	}
	if got := list.Resources[0]["idcsDisplayName"]; got != "Number plate" {
		t.Errorf("the attribute has the label %v", got)
	}
	if list.Resources[0]["idcsCsvColumnHeaderName"] != "Plate" {
		t.Errorf("the column is %v", list.Resources[0]["idcsCsvColumnHeaderName"])
	}
}

// TestNarrowedDefinition: a value that was good when it was set does not hold
// up other changes, and cannot be set again.
func TestNarrowedDefinition(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	b.define(`[{"op":"add","path":"attributes","value":[{"name":"badge"}]}]`)
	if err := b.setCustom(ada, "badge", `"A-1234"`); err != nil {
		t.Fatal(err)
	}
	b.define(`[{"op":"replace","path":"attributes[name eq \"badge\"].idcsMaxLength","value":3},
		{"op":"add","path":"attributes","value":[{"name":"floor","type":"integer"}]}]`)
	if err := b.setCustom(ada, "floor", "3"); err != nil {
		t.Errorf("another change is refused: %v", err)
	}
	wantError(t, b.setCustom(ada, "badge", `"A-1235"`), 400, msgTooLong)
	if got := asMap(b.get("User", ada, customURN)[customURN]); got["badge"] != "A-1234" {
		t.Errorf("the user has %v", got)
	}
}

// TestRemovedDefinition: values go with the definition, and do not come back.
func TestRemovedDefinition(t *testing.T) {
	b := newBench(t)
	ada, bob := b.user("ada"), b.user("bob")
	b.define(`[{"op":"add","path":"attributes","value":[{"name":"badge"},{"name":"floor"}]}]`)
	for _, name := range []string{"badge", "floor"} {
		if err := b.setCustom(ada, name, `"1"`); err != nil {
			t.Fatal(err)
		}
	}
	version := func(id string) any { return asMap(b.get("User", id, "meta")["meta"])["version"] }
	wasAda, wasBob := version(ada), version(bob)
	b.define(`[{"op":"remove","path":"attributes[name eq \"badge\"]"}]`)
	if data, err := record(b, "User", ada); err != nil || strings.Contains(string(data), "badge") || !strings.Contains(string(data), "floor") {
		t.Errorf("ada is stored as %s, %v", data, err)
	}
	if version(ada) == wasAda || version(bob) != wasBob {
		t.Error("the versions are not those of what changed")
	}
	b.define(`[{"op":"remove","path":"attributes"}]`)
	if data, err := record(b, "User", ada); err != nil || strings.Contains(string(data), customURN) {
		t.Errorf("ada is stored as %s, %v", data, err)
	}
	b.define(`[{"op":"add","path":"attributes","value":[{"name":"badge","type":"integer"}]}]`)
	if got := b.get("User", ada, customURN)[customURN]; got != nil {
		t.Errorf("ada has %v again", got)
	}
	if got := b.names("User", "userName", customURN+":badge pr"); len(got) != 0 {
		t.Errorf("%v have a badge", got)
	}
}

func TestRoomForCustomAttributes(t *testing.T) {
	for name, c := range map[string]struct {
		n    int
		rest string
	}{
		"searchable texts": {customLong, ""},
		"short texts":      {customLong + customShort, `,"idcsMaxLength":40`},
		"other texts":      {customPlain, `,"idcsSearchable":false`},
		"integers":         {customIntegers, `,"type":"integer"`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var list []string
			for i := range c.n {
				list = append(list, fmt.Sprintf(`{"name":"a%d"%s}`, i, c.rest))
			}
			b.define(`[{"op":"add","path":"attributes","value":[` + strings.Join(list, ",") + `]}]`)
			_, err := b.patch("Schema", customURN, `[{"op":"add","path":"attributes","value":[{"name":"more"`+c.rest+`}]}]`)
			wantError(t, err, 400, msgBody)
		})
	}
}

// FuzzPattern: no regular expression makes trouble, and one that is accepted
// decides on whole values.
func FuzzPattern(f *testing.F) {
	for _, s := range [][2]string{
		{"[A-Z]{2}", "AB"},
		{"a|b", "ab"},
		{"a)|(b", "b"},
		{`\Qa`, "a"},
		{"(?i)x", "X"},
		{"(?m)^a$", "b\na"},
		{"", "x"},
		{"(((((a{1,9}){1,9}){1,9}){1,9}){1,9})", "a"},
		{"\xff", "\xff"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(pattern) > maxPattern {
			return
		}
		err := checkPattern(&schema.Attribute{Name: "x", Type: schema.TypeString, Pattern: pattern})
		re, err2 := compilePattern(pattern)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("checked: %v; compiled: %v", err, err2)
		}
		if re == nil {
			return
		}
		got := re.MatchString(value)
		// The longest match of the pattern from the beginning tells as much,
		// by another way, for patterns without alternatives of their own.
		alone := regexp.MustCompile(pattern)
		alone.Longest()
		if loc := alone.FindStringIndex(value); got && loc == nil {
			t.Fatalf("%q is matched as a whole by %q, which is found nowhere in it", value, pattern)
		} else if loc != nil && loc[0] == 0 && loc[1] == len(value) && !got {
			t.Fatalf("%q is not matched by %q although it is as a whole", value, pattern)
		}
	})
}
