package catalogtest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
)

// files are replayed whole, but for leftOut.
var files = []string{"well-known.json", "users.json", "groups.json", "bulk.json"}

// expected is the documented status of a class of requests (idcs-behaviour 2.5,
// 2.6 and 2.8).
var expected = map[string]int{
	"options": http.StatusOK, "list": http.StatusOK, "read": http.StatusOK, "search": http.StatusOK,
	"create": http.StatusCreated, "replace": http.StatusOK, "update": http.StatusOK,
	"delete": http.StatusNoContent, "bulk": http.StatusCreated,
}

// exceptions are requests that are answered otherwise than their class.
var exceptions = map[string]struct {
	status int
	why    string
}{
	"groups/search/get-a-specific-group-returning-that-groups-memberships-in-approles-defined-by-a-specific-app": {
		http.StatusBadRequest, "the collection forgot the closing bracket",
	},
}

// notRecordable are recorded keys that the emulator cannot have.
var notRecordable = map[string]map[string]string{
	"bulk/get-a-list-of-allowed-csv-column-names": {
		"Resources > description": "the reference holds no prose",
	},
}

func (e *entry) class() string {
	switch {
	case e.Method == http.MethodOptions:
		return "options"
	case e.Method == http.MethodGet && (strings.HasSuffix(e.Endpoint, "{id}") || strings.HasPrefix(e.Endpoint, "/.well-known/")):
		return "read"
	case e.Method == http.MethodGet:
		return "list"
	case e.Method == http.MethodPut:
		return "replace"
	case e.Method == http.MethodPatch:
		return "update"
	case e.Method == http.MethodDelete:
		return "delete"
	case strings.HasSuffix(e.Endpoint, "/.search"):
		return "search"
	case strings.HasSuffix(e.Endpoint, "/Bulk"):
		return "bulk"
	}
	return "create"
}

// stage puts what creates before what needs it and what deletes at the end,
// which the folders of the collection do not; within a stage its order stays.
func (e *entry) stage() int {
	switch {
	case strings.HasPrefix(e.ID, "users/create/"):
		return 0
	case strings.HasPrefix(e.ID, "groups/create/"):
		return 1
	case strings.HasPrefix(e.ID, "groups/delete/"):
		return 3
	case strings.HasPrefix(e.ID, "users/delete/"):
		return 4
	case e.ID == "bulk/create-users-and-groups-in-bulk":
		return 5
	case e.ID == "bulk/modify-users-and-groups-in-bulk":
		return 6
	case e.ID == "bulk/delete-users-and-groups-in-bulk":
		return 7
	case e.ID == "bulk/create-users-groups-and-apps-in-bulk":
		return 8
	}
	return 2
}

// remembered says which answers set a variable to the id in them. The person
// who uses the collection copies them by hand.
var remembered = map[string]string{
	"users/create/create-a-user":                "userid",
	"groups/create/create-a-group-with-members": "groupid",
}

// replayer is a fresh domain with what was learnt from its answers.
type replayer struct {
	srv     *idtest.Server
	bulk    map[string]any // a recorded answer to a bulk request
	vars    variables
	schemas map[string]resourceSchema // by the last segment of the endpoint
}

type answer struct {
	status int
	header http.Header
	doc    map[string]any // nil without a body
}

func newReplayer(t *testing.T, dir string) *replayer {
	t.Helper()
	srv := idtest.New(t)
	// Some requests look for what an app and a role of it were granted to.
	ids, err := srv.Seed(t.Context(),
		idtest.Document{Type: "App", BulkID: "app", Attrs: map[string]any{
			"schemas":     []any{"urn:ietf:params:scim:schemas:oracle:idcs:App"},
			"displayName": "Test Application", "basedOnTemplate": map[string]any{"value": "CustomWebAppTemplateId"},
		}},
		idtest.Document{Type: "AppRole", Attrs: map[string]any{
			"schemas":     []any{"urn:ietf:params:scim:schemas:oracle:idcs:AppRole"},
			"displayName": "AR Admin Role", "app": map[string]any{"value": "bulkId:app"},
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	bulk := find(t, catalogue(t, dir, "terms-of-use.json"), "terms-of-use/terms-of-uses-tou/add-a-tou-to-an-application-using-post-bulk")
	return &replayer{
		srv:  srv,
		bulk: bulk.Examples[0].Body,
		vars: variables{"HOST": srv.URL, "appid": ids[0], "approleid": ids[1]},
		schemas: map[string]resourceSchema{
			"Users": loadSchema(t, dir, "User"), "Groups": loadSchema(t, dir, "Group"),
		},
	}
}

// send sends a request of the catalogue as the collection's client would.
func (r *replayer) send(t *testing.T, e *entry) answer {
	t.Helper()
	target, err := r.vars.fill(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	var body string
	if e.Body != nil {
		if body, err = r.vars.fill(string(e.Body.JSON)); err != nil {
			t.Fatal(err)
		}
	}
	return r.do(t, e.Method, encodeURL(target), body, e.Headers)
}

func (r *replayer) do(t *testing.T, method, target, body string, headers map[string]string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := r.srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.doc); err != nil {
			t.Fatalf("%s %s: the answer is no JSON object: %v", method, target, err)
		}
	}
	return a
}

// TestReplay replays the requests one after the other on one fresh domain.
func TestReplay(t *testing.T) {
	dir := reference(t)
	r := newReplayer(t, dir)
	var all []entry
	known := map[string]bool{}
	for _, name := range files {
		for _, e := range catalogue(t, dir, name) {
			known[e.ID] = true
			if leftOut[e.ID] == "" {
				all = append(all, e)
			}
		}
	}
	for id := range leftOut {
		if !known[id] {
			t.Errorf("leftOut names %s, which the catalogue does not have", id)
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.stage() - b.stage() })
	replayed := 0
	for i := range all {
		e := &all[i]
		if t.Run(e.ID, func(t *testing.T) { r.step(t, e) }) {
			replayed++
		}
	}
	for id := range maps.Keys(exceptions) {
		if !known[id] || leftOut[id] != "" {
			t.Errorf("exceptions names %s, which is not replayed", id)
		}
	}
	for id := range found {
		if !known[id] || leftOut[id] != "" {
			t.Errorf("found names %s, which is not replayed", id)
		}
	}
	t.Logf("%d requests answered as recorded or documented, %d left out", replayed, len(leftOut))
}

func (r *replayer) step(t *testing.T, e *entry) {
	t.Helper()
	if e.ID == "bulk/create-users-groups-and-apps-in-bulk" {
		// It creates the same users as the other bulk request.
		if err := r.srv.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a := r.send(t, e)
	want := expected[e.class()]
	if x, ok := exceptions[e.ID]; ok {
		want = x.status
		t.Logf("expected %d: %s", x.status, x.why)
	}
	if len(e.Examples) > 0 {
		want = e.Examples[0].Status
	}
	if a.status != want {
		t.Fatalf("status %d, want %d: %v", a.status, want, a.doc)
	}
	if a.header.Get("Opc-Request-Id") == "" && strings.HasPrefix(e.Endpoint, "/admin/") {
		t.Error("no opc-request-id")
	}
	if want >= http.StatusBadRequest {
		checkError(t, a)
		return
	}
	if strings.HasPrefix(e.Endpoint, "/.well-known/") {
		r.checkDiscovery(t, e, a)
		return
	}
	r.checkByClass(t, e, a)
	if len(e.Examples) > 0 {
		checkRecorded(t, e.Examples[0].Body, a.doc, notRecordable[e.ID])
	}
	if name := remembered[e.ID]; name != "" {
		r.vars[name], _ = a.doc["id"].(string)
	}
}

// checkByClass compares the keys with what is documented for such a request.
func (r *replayer) checkByClass(t *testing.T, e *entry, a answer) {
	t.Helper()
	if got := a.header.Get("Content-Type"); a.doc != nil && !strings.HasPrefix(got, "application/json") && !strings.HasPrefix(got, "application/scim+json") {
		t.Errorf("Content-Type %q", got)
	}
	segments := strings.Split(strings.TrimPrefix(e.Endpoint, "/admin/v1/"), "/")
	schema := r.schemas[segments[0]]
	sel := e.selection(t)
	switch e.class() {
	case "list", "search":
		r.checkPage(t, e, a, schema, sel)
	case "read":
		report(t, schema.checkResource(a.doc, sel))
	case "create", "replace", "update":
		report(t, schema.checkResource(a.doc, sel))
		r.checkWritten(t, e, a, schema)
	case "delete":
		if a.doc != nil {
			t.Errorf("a body: %v", a.doc)
		}
		target, _ := r.vars.fill(e.URL)
		gone := r.do(t, http.MethodGet, target, "", nil)
		if gone.status != http.StatusNotFound {
			t.Errorf("read after delete: status %d, want 404", gone.status)
		}
		checkError(t, gone)
	case "bulk":
		r.checkBulk(t, e, a)
	}
}

func report(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}

// selection is what the request asks for in its URL or its body.
func (e *entry) selection(t *testing.T) selection {
	t.Helper()
	if e.class() == "search" {
		var body struct {
			Attributes []string `json:"attributes"`
		}
		if err := json.Unmarshal(e.Body.JSON, &body); err != nil {
			t.Fatal(err)
		}
		return body.Attributes
	}
	_, query, _ := strings.Cut(encodeURL(e.URL), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	if values.Get("attributes") == "" {
		return nil
	}
	return parseSelection(values.Get("attributes"))
}

// checkPage looks at the frame of a list and at everything in it.
func (r *replayer) checkPage(t *testing.T, e *entry, a answer, schema resourceSchema, sel selection) {
	t.Helper()
	size := 50.0
	if strings.Contains(e.URL, "count=5") {
		size = 5
	}
	if e.class() == "search" {
		size = 10 // both bodies say so
	}
	report(t, checkList(a.doc, 1, size))
	resources, _ := a.doc["Resources"].([]any)
	if want, ok := found[e.ID]; ok && len(resources) != want {
		t.Errorf("%d resources, want %d", len(resources), want)
	}
	if schema == nil {
		return // compared with a recording
	}
	for _, res := range resources {
		doc, ok := res.(map[string]any)
		if !ok {
			t.Fatalf("a resource that is no object: %v", res)
		}
		report(t, schema.checkResource(doc, sel))
	}
}

// found is how many resources a search must find at its place in the order, so
// that an empty answer is no success. Searches for what was granted find
// nothing, because nothing is granted.
var found = map[string]int{
	"users/search/list-all-users":                                                         1,
	"users/search/list-all-users-with-result-pagination":                                  1,
	"users/search/search-all-users-return-specific-attributes":                            1,
	"users/search/search-all-users-with-search-criteria":                                  1,
	"users/search/search-for-users-via-post":                                              1,
	"users/membership/search-all-users-who-are-members-of-a-specific-group":               1,
	"users/membership/search-all-users-who-have-been-granted-a-specific-approle":          0,
	"users/membership/search-all-users-who-have-been-directly-granted-a-specific-approle": 0,
	"groups/membership/search-all-groups-membership":                                      2,
	"groups/membership/search-for-group-membership-for-a-specific-user":                   1,
	"groups/membership/search-for-groups-and-request-the-display-name-of-each-member":     0,
	"groups/membership/search-for-groups-of-which-a-specific-user-is-a-member":            1,
	"groups/membership/search-for-groups-that-are-members-of-a-specific-approle":          0,
	"groups/search/list-all-groups":                                                       2,
	"groups/search/list-all-groups-with-result-pagination":                                2,
	"groups/search/list-all-groups-returning-specific-attributes":                         2,
}
