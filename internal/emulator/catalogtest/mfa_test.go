package catalogtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
)

// mfaLeftOut are requests of the folder mfa that are not replayed: those that a
// person makes for the own account, which need that person's token.
func mfaLeftOut(id string) string {
	switch {
	case strings.HasPrefix(id, "mfa/self-service/"):
		return "the folder of the signed-in user; sign-in comes later"
	case slices.Contains([]string{
		"mfa/obtain-me-access-token", "mfa/get-my-information", "mfa/change-my-default-method",
		"mfa/remove-all-of-my-authentication-factors",
	}, id):
		return "a copy of a request of the folder of the signed-in user"
	}
	return ""
}

// mfaStage puts what creates first and what deletes last.
func (e *entry) mfaStage() int {
	switch {
	case strings.Contains(e.ID, "/create/"):
		return 0
	case strings.Contains(e.ID, "/delete/"):
		return 2
	}
	return 1
}

// mfaFound is how many resources the searches find, so that an empty answer is
// no success: fifteen questions of every domain and two own ones, of which both
// are not active; one bypass code; and the one resource of settings.
var mfaFound = map[string]int{
	"mfa/security-questions/search/search-all-security-questions":                                            17,
	"mfa/security-questions/search/search-all-security-question-settings":                                    1,
	"mfa/security-questions/search/search-all-security-questions-with-result-pagination":                     5,
	"mfa/security-questions/search/search-all-security-questions-with-a-specific-type":                       15,
	"mfa/security-questions/search/search-all-security-questions-with-a-specific-id":                         1,
	"mfa/security-questions/search/search-all-security-questions-with-search-criteria":                       1,
	"mfa/security-questions/search/search-all-security-questions-with-a-specific-id-system-generated-id":     1,
	"mfa/security-questions/search/search-all-security-questions-with-filter-of-active-questions":            15,
	"mfa/bypass-codes/search/search-bypass-codes-using-post":                                                 1,
	"mfa/bypass-codes/search/search-bypass-codes":                                                            1,
	"mfa/authentication-factor-settings/search/search-authentication-factor-settings-using-post":             1,
	"mfa/authentication-factor-settings/search/search-authentication-factor-settings":                        1,
	"mfa/authentication-factor-settings/search/search-authentication-factor-settings-using-email-attributes": 1,
}

// recordersQuestion is the id that a question had in the domain of those who
// made the collection.
const recordersQuestion = "92bab3dd8d454fadb132b5513b22d6de"

// bypassKeys are the top-level keys of the recorded answers with a bypass code.
var bypassKeys = []string{
	"code", "actualUsageCount", "schemas", "id", "user", "maxUsageCount", "meta", "idcsCreatedBy", "idcsLastModifiedBy",
}

// TestReplayMFA replays the administrator's part of the folder mfa on a fresh
// domain in which one user has a factor.
func TestReplayMFA(t *testing.T) {
	dir := reference(t)
	srv := idtest.New(t)
	r := &replayer{srv: srv, vars: variables{
		"HOST": srv.URL, "securityquestionsettingsId": "SecurityQuestionSettings",
		"AuthenticationFactorSettingsId": "AuthenticationFactorSettings",
	}, schemas: map[string]resourceSchema{
		"SecurityQuestions": loadSchema(t, dir, "SecurityQuestion"), "SecurityQuestionSettings": loadSchema(t, dir, "SecurityQuestionSetting"),
		"AuthenticationFactorSettings": loadSchema(t, dir, "AuthenticationFactorSetting"),
	}}
	ids, err := srv.Seed(t.Context(),
		idtest.Document{Type: "User", BulkID: "user", Attrs: map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "ada@example.com",
			"name":   map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
			"emails": []any{map[string]any{"value": "ada@example.com", "type": "work", "primary": true}},
		}},
		idtest.Document{Type: "Device", Attrs: map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:Device"}, "user": map[string]any{"value": "bulkId:user"},
			"authenticationFactors": []any{map[string]any{"type": "EMAIL"}},
		}},
		idtest.Document{Type: "SecurityQuestion", Attrs: map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:SecurityQuestion"}, "type": "custom", "active": false,
			"questionText": []any{map[string]any{"locale": "en", "default": true, "value": "What is your favorite number?"}},
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	left := 0
	for _, e := range catalogue(t, dir, "mfa.json") {
		if mfaLeftOut(e.ID) != "" {
			left++
			continue
		}
		e.URL = strings.ReplaceAll(e.URL, recordersQuestion, ids[2])
		if e.Body != nil {
			e.Body.JSON = []byte(strings.ReplaceAll(string(e.Body.JSON), "<user ID>", ids[0]))
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.mfaStage() - b.mfaStage() })
	if len(all) < 29 {
		t.Fatalf("%d requests, want the whole administrator's part", len(all))
	}
	searches := 0
	for i := range all {
		e := &all[i]
		t.Run(e.ID, func(t *testing.T) { r.mfaStep(t, e) })
		if _, ok := mfaFound[e.ID]; ok {
			searches++
		}
	}
	if searches != len(mfaFound) {
		t.Errorf("%d searches, and mfaFound has %d", searches, len(mfaFound))
	}
	t.Logf("%d requests answered as documented, %d left out", len(all), left)
}

func (r *replayer) mfaStep(t *testing.T, e *entry) {
	t.Helper()
	a := r.send(t, e)
	class := e.class()
	if want := expected[class]; a.status != want {
		t.Fatalf("status %d, want %d: %v", a.status, want, a.doc)
	}
	segment, _, _ := strings.Cut(strings.TrimPrefix(e.Endpoint, "/admin/v1/"), "/")
	schema := r.schemas[segment]
	switch class {
	case "list", "search":
		r.mfaPage(t, e, a, schema)
	case "delete":
		target, _ := r.vars.fill(e.URL)
		if gone := r.do(t, http.MethodGet, target, "", nil); gone.status != http.StatusNotFound {
			t.Errorf("read after delete: status %d", gone.status)
		}
	default:
		if schema != nil {
			report(t, schema.checkResource(a.doc, e.mfaSelection(t)))
		} else {
			checkBypassKeys(t, a.doc)
		}
	}
	switch id, _ := a.doc["id"].(string); e.ID {
	case "mfa/security-questions/create/create-a-security-question":
		r.vars["securityquestionId"] = id
	case "mfa/bypass-codes/create/generate-a-bypass-code-for-a-user":
		r.vars["bypasscodeId"] = id
	}
}

func (r *replayer) mfaPage(t *testing.T, e *entry, a answer, schema resourceSchema) {
	t.Helper()
	size := 50.0
	switch {
	case strings.Contains(e.URL, "count=5"):
		size = 5
	case e.class() == "search":
		size = 20 // both bodies say so
	}
	report(t, checkList(a.doc, 1, size))
	resources, _ := a.doc["Resources"].([]any)
	if want, ok := mfaFound[e.ID]; !ok || len(resources) != want {
		t.Errorf("%d resources, want %d", len(resources), want)
	}
	for _, x := range resources {
		doc, _ := x.(map[string]any)
		if schema != nil {
			report(t, schema.checkResource(doc, e.mfaSelection(t)))
		} else {
			checkBypassKeys(t, doc)
		}
	}
}

// mfaSelection is the selection with the texts of a question in it: they are
// always returned, and what is in them by default with them.
func (e *entry) mfaSelection(t *testing.T) selection {
	t.Helper()
	sel := e.selection(t)
	if sel == nil {
		return nil
	}
	return append(sel, "questionText")
}

func checkBypassKeys(t *testing.T, doc map[string]any) {
	t.Helper()
	for _, name := range bypassKeys {
		if doc[name] == nil {
			t.Errorf("the recorded key %s is not there: %v", name, doc)
		}
	}
	if code, _ := doc["code"].(string); len(code) != 12 {
		t.Errorf("the code has %d characters", len(code))
	}
}
