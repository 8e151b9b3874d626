package catalogtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	return &replayer{
		srv:  srv,
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

// checkWritten looks at what a write answers beside its status: where the
// resource is, its version, and in it what was sent; a read gives the same.
func (r *replayer) checkWritten(t *testing.T, e *entry, a answer, schema resourceSchema) {
	t.Helper()
	meta, _ := a.doc["meta"].(map[string]any)
	id, _ := a.doc["id"].(string)
	segments := strings.Split(strings.TrimPrefix(e.Endpoint, "/admin/v1/"), "/")
	location := r.srv.URL + "/admin/v1/" + segments[0] + "/" + id
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("id %q, want 32 hexadecimal digits", id)
	}
	if meta["location"] != location {
		t.Errorf("meta.location %v, want %s", meta["location"], location)
	}
	if got := a.header.Get("Location"); e.class() == "create" && got != location {
		t.Errorf("Location %q, want %s", got, location)
	}
	if got := a.header.Get("ETag"); got == "" || got != meta["version"] {
		t.Errorf("ETag %q, want the version %v", got, meta["version"])
	}
	text, err := r.vars.fill(string(e.Body.JSON))
	if err != nil {
		t.Fatal(err)
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		t.Fatal(err)
	}
	delete(sent, "schemas")
	if e.class() == "update" {
		sent = patched(sent)
	}
	for name, want := range sent {
		if path := schema[strings.ToLower(name)]; path != nil && path.Returned == "request" {
			continue
		}
		if urn := schema[strings.ToLower(name)]; urn != nil && urn.Returned == "container" {
			want = withoutRequested(urn, want)
		}
		if !holds(a.doc[name], want) {
			t.Errorf("%s is %v, want in it what was sent: %v", name, a.doc[name], want)
		}
	}
	read := r.do(t, http.MethodGet, location, "", nil)
	if d := cmp.Diff(a.doc, read.doc); read.status != http.StatusOK || d != "" {
		t.Errorf("a read after it: status %d (-write +read):\n%s", read.status, d)
	}
}

// withoutRequested takes away what is only returned on request.
func withoutRequested(urn *attribute, value any) any {
	out := map[string]any{}
	m, _ := value.(map[string]any)
	for _, sub := range urn.Sub {
		if v, ok := m[sub.Name]; ok && sub.Returned != "request" {
			out[sub.Name] = v
		}
	}
	return out
}

// patched is what the operations of a PATCH leave behind, as far as it can be
// told from them alone.
func patched(body map[string]any) map[string]any {
	out := map[string]any{}
	ops, _ := body["Operations"].([]any)
	for _, o := range ops {
		m, _ := o.(map[string]any)
		path, _ := m["path"].(string)
		if m["op"] == "remove" {
			continue
		}
		path, _, _ = strings.Cut(path, "[")
		if i := strings.LastIndex(path, ":"); i >= 0 {
			out[path[:i]] = map[string]any{path[i+1:]: m["value"]}
			continue
		}
		out[path] = m["value"]
	}
	return out
}

// holds tells whether a value has everything that another one has.
func holds(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for k, v := range w {
			ok = ok && holds(g[k], v)
		}
		return ok
	case []any:
		g, ok := got.([]any)
		for _, v := range w {
			ok = ok && slices.ContainsFunc(g, func(e any) bool { return holds(e, v) })
		}
		return ok
	}
	return cmp.Equal(got, want)
}

// checkError looks at an error body (idcs-behaviour 2.6).
func checkError(t *testing.T, a answer) {
	t.Helper()
	const extension = "urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error"
	if a.doc["status"] != fmt.Sprint(a.status) {
		t.Errorf("status in the body %v, want the string %d", a.doc["status"], a.status)
	}
	if s, _ := a.doc["detail"].(string); s == "" {
		t.Errorf("detail %v", a.doc["detail"])
	}
	want := "[urn:ietf:params:scim:api:messages:2.0:Error " + extension + "]"
	if got := fmt.Sprint(a.doc["schemas"]); got != want {
		t.Errorf("schemas %s, want %s", got, want)
	}
	ext, _ := a.doc[extension].(map[string]any)
	if s, _ := ext["messageId"].(string); !strings.HasPrefix(s, "error.") {
		t.Errorf("messageId %v", ext["messageId"])
	}
}

// checkDiscovery: the documents were never recorded, so they are held against
// the domain itself.
func (r *replayer) checkDiscovery(t *testing.T, e *entry, a answer) {
	t.Helper()
	if e.Method == http.MethodOptions {
		for _, h := range []string{"Allow", "Access-Control-Allow-Methods"} {
			if got := a.header.Get(h); !strings.Contains(got, "GET") || !strings.Contains(got, "OPTIONS") {
				t.Errorf("%s is %q, want GET and OPTIONS in it", h, got)
			}
		}
		return
	}
	doc := a.doc
	if inner, ok := doc["openid-configuration"].(map[string]any); ok {
		doc = inner
	}
	for _, name := range []string{"issuer", "token_endpoint", "jwks_uri", "grant_types_supported"} {
		if doc[name] == nil {
			t.Errorf("%s is not there: %v", name, a.doc)
		}
	}
	if got := doc["token_endpoint"]; got != r.srv.URL+"/oauth2/v1/token" {
		t.Errorf("token_endpoint %v", got)
	}
}

// checkBulk compares the frame with the recorded ones: each operation has
// location, method and status, and bulkId when it was sent.
func (r *replayer) checkBulk(t *testing.T, e *entry, a answer) {
	t.Helper()
	if got := fmt.Sprint(a.doc["schemas"]); got != "[urn:ietf:params:scim:api:messages:2.0:BulkResponse]" {
		t.Errorf("schemas %s", got)
	}
	var sent struct {
		Operations []struct{ Method, Path, BulkID string }
	}
	if err := json.Unmarshal(e.Body.JSON, &sent); err != nil {
		t.Fatal(err)
	}
	ops, _ := a.doc["Operations"].([]any)
	if len(ops) != len(sent.Operations) {
		t.Fatalf("%d operations, want %d: %v", len(ops), len(sent.Operations), a.doc)
	}
	statuses := map[string]string{"POST": "201", "PUT": "200", "PATCH": "200", "DELETE": "204"}
	for i, o := range ops {
		got, _ := o.(map[string]any)
		want := sent.Operations[i]
		keys := map[string]bool{"location": true, "method": true, "status": true}
		if want.BulkID != "" {
			keys["bulkId"] = true
		}
		has := maps.Collect(maps.All(got))
		delete(has, "response") // in no recording, and allowed
		if d := cmp.Diff(slices.Sorted(maps.Keys(keys)), slices.Sorted(maps.Keys(has))); d != "" {
			t.Errorf("operation %d: keys (-want +got):\n%s", i, d)
		}
		if got["method"] != want.Method || got["status"] != statuses[want.Method] {
			t.Errorf("operation %d: %v", i, got)
		}
		location, _ := got["location"].(string)
		if !strings.HasPrefix(location, r.srv.URL+"/admin/v1/") {
			t.Errorf("operation %d: location %q", i, location)
		}
		if want.Method != http.MethodPost {
			continue
		}
		switch id := location[strings.LastIndex(location, "/")+1:]; want.Path {
		case "/Users":
			r.vars["userid"] = id
		case "/Groups":
			r.vars["groupid"] = id
		}
	}
}
