package engine

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator/schemas"
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
