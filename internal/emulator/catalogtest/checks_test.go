package catalogtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
	checkRecorded(t, r.bulk, a.doc, nil)
	if d := cmp.Diff(r.bulk["schemas"], a.doc["schemas"]); d != "" {
		t.Errorf("schemas (-recorded +got):\n%s", d)
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
		keys := map[string]bool{}
		keyPaths("", r.bulk["Operations"], keys)
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
