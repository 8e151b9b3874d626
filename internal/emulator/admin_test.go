package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResourceCalls(t *testing.T) {
	f := start(t, nil)
	made := f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ada")), 201)
	id, _ := made.doc["id"].(string)
	meta, _ := made.doc["meta"].(map[string]any)
	if got, want := made.header.Get("Location"), f.http.URL+"/admin/v1/Users/"+id; got != want || meta["location"] != want {
		t.Errorf("Location %q, meta.location %v, want %q", got, meta["location"], want)
	}
	if got := made.header.Get("ETag"); got == "" || got != meta["version"] {
		t.Errorf("ETag %q, meta.version %v", got, meta["version"])
	}
	if got := made.header.Get("Content-Type"); got != "application/json;charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if !strings.Contains(string(made.raw), "O'Brien & <Söhne>") {
		t.Errorf("characters were escaped for HTML: %s", made.raw)
	}

	got := f.want(f.do(http.MethodGet, "/admin/v1/Users/"+id, nil), 200)
	if got.header.Get("ETag") != made.header.Get("ETag") {
		t.Errorf("ETag of a get %q", got.header.Get("ETag"))
	}
	head := f.want(f.do(http.MethodHead, "/admin/v1/Users/"+id, nil), 200)
	if len(head.raw) != 0 || head.header.Get("Content-Length") != got.header.Get("Content-Length") {
		t.Errorf("HEAD: %d bytes, Content-Length %s", len(head.raw), head.header.Get("Content-Length"))
	}

	patch := map[string]any{"schemas": []any{urnPatch}, "Operations": []any{map[string]any{"op": "REPLACE", "path": "title", "value": "Countess"}}}
	old := made.header.Get("ETag")
	patched := f.want(f.do(http.MethodPatch, "/admin/v1/Users/"+id, patch, "If-Match", `"`+old+`"`), 200)
	if patched.doc["title"] != "Countess" || patched.header.Get("ETag") == old {
		t.Errorf("patched: title %v, ETag %s", patched.doc["title"], patched.header.Get("ETag"))
	}
	f.want(f.do(http.MethodPatch, "/admin/v1/Users/"+id, patch, "If-Match", old), 412)

	put := user("ada")
	put["title"] = "Lady"
	if got := f.want(f.do(http.MethodPut, "/admin/v1/Users/"+id, put), 200); got.doc["title"] != "Lady" || got.header.Get("ETag") == "" {
		t.Errorf("replaced: %v", got.doc["title"])
	}
	gone := f.want(f.do(http.MethodDelete, "/admin/v1/Users/"+id, nil), 204)
	if len(gone.raw) != 0 {
		t.Errorf("a 204 with a body: %s", gone.raw)
	}
	f.want(f.do(http.MethodGet, "/admin/v1/Users/"+id, nil), 404)
}

func TestErrorBody(t *testing.T) {
	f := start(t, nil)
	f.create("ada")
	a := f.want(f.do(http.MethodPost, "/admin/v1/Users", user("ADA")), 409)
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	ext, _ := a.doc[urnErrorIDCS].(map[string]any)
	if a.doc["status"] != "409" || a.doc["detail"] == "" || ext["messageId"] == nil {
		t.Errorf("body %s", a.raw)
	}
	if diff := cmp.Diff([]any{urnError, urnErrorIDCS}, a.doc["schemas"]); diff != "" {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
}

func TestRouting(t *testing.T) {
	f := start(t, nil)
	id := f.create("ada")
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/admin/v1/Users", 200, ""},
		{"GET", "/admin/v1/users", 404, ""},
		{"GET", "/admin/v1/User", 404, ""},
		{"GET", "/admin/v1/Nothing", 404, ""},
		{"GET", "/admin/v1/Users/", 404, ""},
		{"GET", "/admin/v1//Users", 404, ""},
		{"GET", "/admin/v1/Users/" + id + "/emails", 404, ""},
		{"GET", "/admin/v1", 404, ""},
		{"GET", "/admin/v1/Users%2F" + id, 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "/job/v1/JobSchedules", 404, ""},
		{"GET", "/.well-known/nothing", 404, ""},
		{"DELETE", "/admin/v1/Users", 405, "GET,HEAD,POST,OPTIONS"},
		{"POST", "/admin/v1/Users/" + id, 405, "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"},
		{"GET", "/admin/v1/Users/.search", 405, "POST,OPTIONS"},
		{"PUT", "/admin/v1/Grants/x", 405, "GET,HEAD,PATCH,DELETE,OPTIONS"},
		{"GET", "/admin/v1/Bulk", 405, "POST,OPTIONS"},
		{"DELETE", "/admin/v1/SigningCert/jwk", 405, "GET,HEAD,OPTIONS"},
		{"TRACE", "/admin/v1/Users", 405, "GET,HEAD,POST,OPTIONS"},
		{"GET", "/admin/v1/ServiceProviderConfig", 200, ""},
		{"GET", "/admin/v1/Me", 403, ""},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			a := f.do(tc.method, tc.path, nil)
			if a.status != tc.status || a.header.Get("Allow") != tc.allow {
				t.Errorf("got %d, Allow %q: %s", a.status, a.header.Get("Allow"), a.raw)
			}
			if a.status >= 400 && a.doc["status"] == nil {
				t.Errorf("no error body: %s", a.raw)
			}
		})
	}
}

func TestEveryTypeIsServed(t *testing.T) {
	f := start(t, nil)
	for _, name := range f.catalog.Names() {
		rt, _ := f.catalog.Lookup(name)
		a := f.do(http.MethodOptions, "/admin/v1"+rt.Endpoint, nil, "Authorization", "")
		if a.status != 200 || !strings.HasSuffix(a.header.Get("Allow"), "OPTIONS") {
			t.Errorf("OPTIONS %s: %d, Allow %q", rt.Endpoint, a.status, a.header.Get("Allow"))
		}
		if g := f.do(http.MethodGet, "/admin/v1"+rt.Endpoint, nil); g.status >= 500 && g.status != 501 || g.status == 404 {
			t.Errorf("GET %s: %d %s", rt.Endpoint, g.status, g.raw)
		}
	}
}

func TestOptions(t *testing.T) {
	f := start(t, nil)
	for path, want := range map[string]string{
		"/admin/v1/Apps":                    "PATCH,GET,PUT,POST,DELETE,OPTIONS", // as recorded
		"/admin/v1/Apps/x":                  "PATCH,GET,PUT,POST,DELETE,OPTIONS",
		"/admin/v1/Grants":                  "PATCH,GET,POST,DELETE,OPTIONS",
		"/admin/v1/Bulk":                    "POST,OPTIONS",
		"/admin/v1/SigningCert/jwk":         "GET,OPTIONS",
		"/.well-known/openid-configuration": "GET,HEAD,OPTIONS",
		"/.well-known/idcs-configuration":   "GET,HEAD,OPTIONS",
		"/oauth2/v1/token":                  "POST,OPTIONS",
	} {
		a := f.do(http.MethodOptions, path, nil, "Authorization", "")
		if a.status != 200 || a.header.Get("Allow") != want || a.header.Get("Access-Control-Allow-Methods") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, a.status, a.header.Get("Allow"), want)
		}
	}
	if a := f.do(http.MethodOptions, "/admin/v1/Nothing", nil); a.status != 404 {
		t.Errorf("unknown type: %d", a.status)
	}
}

func TestBodies(t *testing.T) {
	f := start(t, func(o *Options) { o.MaxPayload = 4096 })
	good, _ := json.Marshal(user("grace"))
	big, _ := json.Marshal(map[string]any{"schemas": []any{urnUser}, "userName": strings.Repeat("x", 5000)})
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		detail                  string
	}{
		{"scim+json", "application/scim+json", string(good), 201, ""},
		{"charset", "application/json; charset=UTF-8", strings.Replace(string(good), "grace", "g2", 2), 201, ""},
		{"no type", "", strings.Replace(string(good), "grace", "g3", 2), 201, ""},
		{"text", "text/plain", string(good), 415, ""},
		{"other charset", "application/json; charset=latin1", string(good), 415, ""},
		{"broken type", "application/", string(good), 415, ""},
		{"empty", "application/json", "", 400, "it is empty"},
		{"not JSON", "application/json", "{\"a\":1,\n  \"b\": x}", 400, "line 2, column 8"},
		{"cut off", "application/json", `{"userName":"a`, 400, "line 1, column 15"},
		{"two values", "application/json", `{} {}`, 400, "column 4"},
		{"array", "application/json", `[]`, 400, "object"},
		{"null", "application/json", `null`, 400, "object"},
		{"duplicate", "application/json", `{"userName":"a","username":"b"}`, 400, "occurs twice"},
		{"invalid UTF-8", "application/json", "{\"userName\":\"\xff\"}", 400, "invalid UTF-8 at line 1, column 14"},
		{"half a pair", "application/json", `{"userName":"\ud800"}`, 400, "surrogate"},
		{"too deep", "application/json", strings.Repeat("[", 100), 400, "deeper"},
		{"too large", "application/json", string(big), 413, "4096"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := f.do(http.MethodPost, "/admin/v1/Users", tc.body, "Content-Type", tc.contentType)
			if detail, _ := a.doc["detail"].(string); a.status != tc.status || !strings.Contains(detail, tc.detail) {
				t.Errorf("got %d %s, want %d with %q", a.status, a.raw, tc.status, tc.detail)
			}
		})
	}
	t.Run("too large without a length", func(t *testing.T) {
		req := f.request(http.MethodPost, "/admin/v1/Users", string(big))
		req.ContentLength = -1
		if a := f.send(req); a.status != 413 {
			t.Errorf("got %d %s", a.status, a.raw)
		}
	})
}

func TestPatchBodies(t *testing.T) {
	f := start(t, nil)
	id := f.create("ada")
	for name, body := range map[string]string{
		"no operations":    `{"schemas":["` + urnPatch + `"]}`,
		"none":             `{"Operations":[]}`,
		"not an array":     `{"Operations":{}}`,
		"not an object":    `{"Operations":[1]}`,
		"unknown op":       `{"Operations":[{"op":"move","path":"title"}]}`,
		"path no string":   `{"Operations":[{"op":"add","path":1,"value":1}]}`,
		"other schema":     `{"schemas":["` + urnUser + `"],"Operations":[{"op":"add","path":"title","value":"x"}]}`,
		"remove sans path": `{"Operations":[{"op":"remove"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if a := f.do(http.MethodPatch, "/admin/v1/Users/"+id, body); a.status != 400 {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
	}
}

func TestListAnswers(t *testing.T) {
	f := start(t, nil)
	for _, n := range []string{"a", "b", "c"} {
		f.create(n)
	}
	a := f.want(f.do(http.MethodGet, "/admin/v1/Users?sortBy=userName&count=2&attributes=userName", nil), 200)
	var names []any
	for _, r := range a.doc["Resources"].([]any) {
		names = append(names, r.(map[string]any)["userName"])
	}
	got := map[string]any{"schemas": a.doc["schemas"], "totalResults": a.doc["totalResults"], "startIndex": a.doc["startIndex"], "itemsPerPage": a.doc["itemsPerPage"], "names": names}
	want := map[string]any{"schemas": []any{urnList}, "totalResults": 3.0, "startIndex": 1.0, "itemsPerPage": 2.0, "names": []any{"a", "b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a := f.want(f.do(http.MethodGet, "/admin/v1/Users?filter=userName+eq+%22zzz%22", nil), 200); !strings.Contains(string(a.raw), `"Resources":[]`) {
		t.Errorf("an empty list: %s", a.raw)
	}
	// Cursor paging ends, and gives every user once.
	seen := map[any]int{}
	page := ""
	for range 10 {
		a := f.want(f.do(http.MethodGet, "/admin/v1/Users?limit=1"+page, nil), 200)
		for _, r := range a.doc["Resources"].([]any) {
			seen[r.(map[string]any)["userName"]]++
		}
		next := a.header.Get("opc-next-page")
		if next == "" {
			break
		}
		page = "&page=" + url.QueryEscape(next)
	}
	if diff := cmp.Diff(map[any]int{"a": 1, "b": 1, "c": 1}, seen); diff != "" {
		t.Errorf("by cursor (-want +got):\n%s", diff)
	}
}

func TestSearch(t *testing.T) {
	f := start(t, nil)
	for _, n := range []string{"a", "b", "c"} {
		f.create(n)
	}
	for name, body := range map[string]string{
		"present names":   `{"schemas":["` + urnSearch + `"],"filter":"userName pr","sortBy":"userName","sortOrder":"DESCENDING","startIndex":1,"count":2,"attributes":["userName"]}`,
		"old names":       `{"filter":"userName pr","sortedBy":"userName","sortorder":"Descending","pagingStartIndex":1,"pagingCount":2,"attributes":"userName"}`,
		"numbers as text": `{"filter":"userName pr","sortBy":"userName","sortOrder":"descending","startIndex":"1","count":"2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			a := f.want(f.do(http.MethodPost, "/admin/v1/Users/.search", body), 200)
			list, _ := a.doc["Resources"].([]any)
			if len(list) != 2 || list[0].(map[string]any)["userName"] != "c" || a.doc["totalResults"] != 3.0 {
				t.Errorf("got %s", a.raw)
			}
		})
	}
	for name, body := range map[string]string{
		"other schema": `{"schemas":["` + urnPatch + `"]}`,
		"wrong type":   `{"filter":["x"]}`,
		"bad filter":   `{"filter":"userName eq"}`,
		"bad order":    `{"sortOrder":"up"}`,
		"attributes":   `{"attributes":[1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if a := f.do(http.MethodPost, "/admin/v1/Users/.search", body); a.status != 400 {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	f := start(t, nil)
	f.create("ada b")
	for _, q := range []string{
		"filter=userName+eq+%22ada+b%22", "filter=userName%20eq%20%22ada%20b%22", "filter=userName+eq%20%22ada%20b%22",
	} {
		if n := f.count("&" + q); n != 1 {
			t.Errorf("%s finds %d", q, n)
		}
	}
	// A raw blank cannot pass net/http's server, but it can be sent in process.
	req := f.request(http.MethodGet, "/admin/v1/Users", nil)
	req.URL.RawQuery = `filter=userName eq "ada b"&count=0`
	if a := read(t, f.Transport(), req); a.doc["totalResults"] != 1.0 {
		t.Errorf("raw blanks: %s", a.raw)
	}
	for _, q := range []string{
		"count=x", "startIndex=1.5", "limit=", "sortOrder=up", "filter=%zz", "%zz=1", "count=1&count=2", "filter=userName+eq",
	} {
		if a := f.do(http.MethodGet, "/admin/v1/Users?"+q, nil); a.status != 400 {
			t.Errorf("%s: %d %s", q, a.status, a.raw)
		}
	}
	if a := f.do(http.MethodDelete, "/admin/v1/Users/x?forceDelete=maybe", nil); a.status != 400 {
		t.Errorf("forceDelete: %d", a.status)
	}
	if a := f.do(http.MethodGet, "/admin/v1/Users?unknown=1&excludedAttributes=x", nil); a.status != 200 {
		t.Errorf("unknown parameters: %d", a.status)
	}
}

func TestServiceProviderConfig(t *testing.T) {
	f := start(t, func(o *Options) { o.BulkMaxOperations, o.MaxPayload = 40, 2000 })
	bulk, _ := f.want(f.do(http.MethodGet, "/admin/v1/ServiceProviderConfig", nil), 200).doc["bulk"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"supported": true, "maxOperations": 40.0, "maxPayloadSize": 2000.0}, bulk); diff != "" {
		t.Errorf("bulk (-want +got):\n%s", diff)
	}
}
