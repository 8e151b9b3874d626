package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bulkCall sends operations and answers the rows.
func (f *fixture) bulkCall(ops []any, more ...string) []map[string]any {
	f.t.Helper()
	body := map[string]any{"schemas": []any{urnBulkRequest}, "Operations": ops}
	headers := []string{}
	for i := 0; i < len(more); i += 2 {
		if more[i] == "failOnErrors" {
			body[more[i]] = json.Number(more[i+1])
		} else {
			headers = append(headers, more[i], more[i+1])
		}
	}
	a := f.want(f.do(http.MethodPost, "/admin/v1/Bulk", body, headers...), http.StatusCreated)
	if diff := cmp.Diff([]any{urnBulkResponse}, a.doc["schemas"]); diff != "" {
		f.t.Errorf("schemas (-want +got):\n%s", diff)
	}
	var rows []map[string]any
	for _, r := range a.doc["Operations"].([]any) {
		rows = append(rows, r.(map[string]any))
	}
	return rows
}

func op(method, path, bulkID string, data any) map[string]any {
	m := map[string]any{"method": method, "path": path}
	if bulkID != "" {
		m["bulkId"] = bulkID
	}
	if data != nil {
		m["data"] = data
	}
	return m
}

func group(name string, members ...string) map[string]any {
	list := []any{}
	for _, m := range members {
		list = append(list, map[string]any{"value": m, "type": "User"})
	}
	doc := map[string]any{"schemas": []any{urnGroup}, "displayName": name}
	if len(list) > 0 {
		doc["members"] = list
	}
	return doc
}

func statuses(rows []map[string]any) string {
	var s []string
	for _, r := range rows {
		s = append(s, fmt.Sprint(r["status"]))
	}
	return strings.Join(s, " ")
}

func patchOp(path string, value any) map[string]any {
	return map[string]any{"schemas": []any{urnPatch}, "Operations": []any{map[string]any{"op": "replace", "path": path, "value": value}}}
}

func TestBulk(t *testing.T) {
	f := start(t, nil)
	rows := f.bulkCall([]any{
		op("POST", "/Users", "u1", user("ada")),
		op("POST", "/Groups", "g1", group("Mathematicians", "bulkId:u1", "bulkId:u2")), // u2 comes later
		op("POST", "/Users", "u2", user("grace")),
		op("PATCH", "/Users/bulkId:u1", "", patchOp("title", "Countess")),
		op("PUT", "/Users/bulkId:u2", "", user("hopper")),
	})
	if got := statuses(rows); got != "201 201 201 200 200" {
		t.Fatalf("statuses %s: %v", got, rows)
	}
	for i, want := range []string{"u1", "g1", "u2", "", ""} {
		if got, _ := rows[i]["bulkId"].(string); got != want {
			t.Errorf("row %d has bulkId %q, want %q", i, got, want)
		}
		if _, has := rows[i]["response"]; has {
			t.Errorf("row %d of a success carries a response", i)
		}
	}
	loc := func(i int) string { s, _ := rows[i]["location"].(string); return strings.TrimPrefix(s, f.http.URL) }
	if got := f.want(f.do(http.MethodGet, loc(0), nil), 200); got.doc["title"] != "Countess" {
		t.Errorf("patched: %s", got.raw)
	}
	if got := f.want(f.do(http.MethodGet, loc(2), nil), 200); got.doc["userName"] != "hopper" {
		t.Errorf("replaced: %s", got.raw)
	}
	if loc(3) != loc(0) {
		t.Errorf("location of a patch %q", loc(3))
	}
	g := f.want(f.do(http.MethodGet, loc(1)+"?attributes=members", nil), 200)
	if members, _ := g.doc["members"].([]any); len(members) != 2 {
		t.Errorf("group %s", g.raw)
	}
	gone := f.bulkCall([]any{
		op("DELETE", strings.TrimPrefix(loc(1), "/admin/v1"), "", nil),
		op("DELETE", strings.TrimPrefix(loc(0), "/admin/v1")+"?forceDelete=true", "", nil),
	})
	if got := statuses(gone); got != "204 204" {
		t.Errorf("deletes %s: %v", got, gone)
	}
	if n := f.count(""); n != 1 {
		t.Errorf("%d users are left", n)
	}
}

func TestBulkErrors(t *testing.T) {
	f := start(t, nil)
	id := f.create("ada")
	for _, tc := range []struct {
		name   string
		ops    []any
		want   string
		detail string
	}{
		{"one fails, the rest goes on", []any{op("POST", "/Users", "a", user("ada")), op("POST", "/Users", "b", user("bob"))}, "409 201", ""},
		{"depends on one that failed", []any{op("POST", "/Users", "a", user("ada")), op("POST", "/Groups", "g", group("G", "bulkId:a"))}, "409 400", ""},
		{"unknown reference", []any{op("POST", "/Groups", "g", group("G", "bulkId:nope"))}, "400", "nope"},
		{"circle", []any{op("POST", "/Groups", "g", group("G1", "bulkId:h")), op("POST", "/Groups", "h", group("G2", "bulkId:g"))}, "400 409", ""},
		{"itself", []any{op("POST", "/Groups", "g", group("G1", "bulkId:g"))}, "409", ""},
		{"unknown type", []any{op("POST", "/Nothing", "", user("x"))}, "404", ""},
		{"GET", []any{op("GET", "/Users/"+id, "", nil)}, "400", ""},
		{"search", []any{op("POST", "/Users/.search", "", map[string]any{})}, "400", ""},
		{"nested", []any{op("POST", "/Bulk", "", map[string]any{})}, "404", ""},
		{"wrong verb", []any{op("PUT", "/Grants/x", "", map[string]any{})}, "405", ""},
		{"no data", []any{op("POST", "/Users", "", nil)}, "400", "needs data"},
		{"no object", []any{"x"}, "400", ""},
		{"path is a number", []any{map[string]any{"method": "POST", "path": 1, "data": user("x")}}, "400", "path"},
		{"data is an array", []any{map[string]any{"method": "POST", "path": "/Users", "data": []any{}}}, "400", "data"},
		{"version", []any{map[string]any{"method": "DELETE", "path": "/Users/" + id, "version": "0123"}}, "412", ""},
		{"not found", []any{op("DELETE", "/Users/0123", "", nil)}, "404", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rows := f.bulkCall(tc.ops)
			if got := statuses(rows); got != tc.want {
				t.Fatalf("statuses %s, want %s: %v", got, tc.want, rows)
			}
			for _, r := range rows {
				body, _ := r["response"].(map[string]any)
				if r["status"].(string) >= "400" && body["status"] != r["status"] {
					t.Errorf("row without its error body: %v", r)
				}
			}
			body, _ := rows[len(rows)-1]["response"].(map[string]any)
			if d, _ := body["detail"].(string); !strings.Contains(d, tc.detail) {
				t.Errorf("detail %q", d)
			}
		})
	}
}

func TestBulkWhole(t *testing.T) {
	f := start(t, func(o *Options) { o.BulkMaxOperations, o.MaxPayload = 3, 3000 })
	many := []any{}
	for i := range 4 {
		many = append(many, op("POST", "/Users", "", user(fmt.Sprint("u", i))))
	}
	for _, tc := range []struct {
		name   string
		body   any
		status int
	}{
		{"too many operations", map[string]any{"Operations": many}, 413},
		{"too large", map[string]any{"Operations": many[:1], "x": strings.Repeat("x", 3000)}, 413},
		{"no operations", map[string]any{"schemas": []any{urnBulkRequest}}, 400},
		{"empty", map[string]any{"Operations": []any{}}, 400},
		{"other schema", map[string]any{"schemas": []any{urnUser}, "Operations": many[:1]}, 400},
		{"same bulkId twice", map[string]any{"Operations": []any{op("POST", "/Users", "a", user("x")), op("POST", "/Users", "a", user("y"))}}, 400},
		{"failOnErrors", map[string]any{"Operations": many[:1], "failOnErrors": "x"}, 400},
		{"not JSON", "{", 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := f.do(http.MethodPost, "/admin/v1/Bulk", tc.body); a.status != tc.status {
				t.Errorf("got %d %s", a.status, a.raw)
			}
		})
	}
	if n := f.count(""); n != 0 {
		t.Errorf("a refused call made %d users", n)
	}
	if a := f.do(http.MethodPost, "/admin/v1/Bulk", map[string]any{"Operations": many[:1]}, "Authorization", ""); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
}

func TestBulkFailOnErrors(t *testing.T) {
	f := start(t, nil)
	f.create("a")
	ops := []any{
		op("POST", "/Users", "", user("a")), op("POST", "/Users", "", user("b")),
		op("POST", "/Users", "", user("a")), op("POST", "/Users", "", user("c")),
	}
	if got := statuses(f.bulkCall(ops, "failOnErrors", "2")); got != "409 201 409" {
		t.Errorf("statuses %s", got)
	}
	if n := f.count(""); n != 2 {
		t.Errorf("%d users: the one after the second error must not be made", n)
	}
}
