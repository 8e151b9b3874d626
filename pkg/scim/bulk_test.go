package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func op(method, path, id, data string) BulkOperation {
	o := BulkOperation{Method: method, Path: path, BulkID: id}
	if data != "" {
		o.Data = json.RawMessage(data)
	}
	return o
}

func TestBulk(t *testing.T) {
	ops := []BulkOperation{
		op("post", "/Users", "u1", `{"userName":"ada"}`),
		op("DELETE", "/Users/0b", "", ""),
		op("PATCH", "/Groups/0c", "g", `{}`),
	}
	c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 201, fixture(t, "bulk_idcs.json")) }))
	got, err := c.Bulk(context.Background(), ops, BulkOptions{RetryToken: "tok", FailOnErrors: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := call{
		Method: "POST", Path: "/base/Bulk", ContentType: MediaType,
		Body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":2,"Operations":[` +
			`{"method":"POST","path":"/Users","bulkId":"u1","data":{"userName":"ada"}},` +
			`{"method":"DELETE","path":"/Users/0b"},` +
			`{"method":"PATCH","path":"/Groups/0c","bulkId":"g","data":{}}]}`,
	}
	if d := cmp.Diff([]call{want}, rec.calls); d != "" {
		t.Errorf("request: -want +got\n%s", d)
	}
	if rec.reqs[0].RetryToken != "tok" {
		t.Errorf("retry token %q", rec.reqs[0].RetryToken)
	}
	if len(got) != 3 || got[0].Status != 201 || got[1].Status != 204 || got[2].Status != 404 {
		t.Fatalf("results %+v", got)
	}
	if got[0].Err != nil || got[1].Err != nil || !errors.Is(got[2].Err, ErrNotFound) {
		t.Errorf("errors: %v, %v, %v", got[0].Err, got[1].Err, got[2].Err)
	}
	if got[0].Location != "https://idcs.example.com/admin/v1/Users/0a" || string(got[0].Response) != `{"id":"0a"}` || got[2].BulkID != "g" {
		t.Errorf("results %+v", got)
	}
	if want := "PATCH /Groups/0c: 404 not found: Group 0c not found. (request req-1)"; got[2].Err.Error() != want {
		t.Errorf("error %q, want %q", got[2].Err, want)
	}
	if ops[0].Method != "post" {
		t.Error("Bulk changed its arguments")
	}
}

func TestParseBulk(t *testing.T) {
	three := []BulkOperation{op("POST", "/Users", "a", "{}"), op("POST", "/Users", "b", "{}"), op("PUT", "/Users/3", "c", "{}")}
	tests := []struct {
		name   string
		ops    []BulkOperation
		body   string
		status []int
		errs   []error
	}{
		{"by bulkId, one not mentioned", three, string(fixture(t, "bulk_rfc7644.json")), []int{201, 0, 412}, []error{nil, ErrUnsettled, ErrPrecondition}},
		{"none mentioned", three, `{"Operations":[]}`, []int{0, 0, 0}, []error{ErrUnsettled, ErrUnsettled, ErrUnsettled}},
		{"two of three without ids", three, `{"Operations":[{"method":"POST","status":"201"},{"method":"POST","status":"201"}]}`, []int{0, 0, 0}, []error{ErrUnsettled, ErrUnsettled, ErrUnsettled}},
		{"methods do not fit", three, `{"Operations":[{"method":"PUT","status":"200"},{"method":"POST","status":"201"},{"method":"POST","status":"201"}]}`, []int{0, 0, 0}, []error{ErrUnsettled, ErrUnsettled, ErrUnsettled}},
		{"foreign id", three[:1], `{"Operations":[{"bulkId":"zzz","status":"201"}]}`, []int{0}, []error{ErrUnsettled}},
		{"no status", three[:1], `{"Operations":[{"bulkId":"a"}]}`, []int{0}, []error{ErrUnsettled}},
		{"doubled result", three[:2], `{"Operations":[{"bulkId":"a","status":201},{"bulkId":"a","status":409}]}`, []int{201, 0}, []error{nil, ErrUnsettled}},
		{"error without body", three[:1], `{"Operations":[{"bulkId":"a","status":"429"}]}`, []int{429}, []error{ErrThrottled}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseBulk(tt.ops, []byte(tt.body), "")
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range got {
				if r.Status != tt.status[i] || !errors.Is(r.Err, tt.errs[i]) {
					t.Errorf("result %d = %d, %v; want %d, %v", i, r.Status, r.Err, tt.status[i], tt.errs[i])
				}
			}
			if len(got) != len(tt.ops) {
				t.Errorf("%d results for %d operations", len(got), len(tt.ops))
			}
		})
	}
	for _, bad := range []string{"", "{}", "[]", `{"Operations":{}}`, `{"Operations":[{"status":"x"}]}`} {
		if got, err := ParseBulk(three, []byte(bad), ""); err == nil {
			t.Errorf("ParseBulk(%q) = %v, want an error", bad, got)
		}
	}
}

func TestBulkBody(t *testing.T) {
	_, sent, err := BulkBody([]BulkOperation{op("POST", "/Users", "", "{}"), op("POST", "/Users", "op-1", "{}"), op("DELETE", "/Users/1", "", "")}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if sent[0].BulkID != "op-1-0" || sent[1].BulkID != "op-1" || sent[2].BulkID != "" {
		t.Errorf("bulkIds %q, %q, %q", sent[0].BulkID, sent[1].BulkID, sent[2].BulkID)
	}
	for name, ops := range map[string][]BulkOperation{
		"same id":  {op("POST", "/Users", "x", "{}"), op("PUT", "/Users/1", "x", "{}")},
		"method":   {op("GET", "/Users", "", "")},
		"relative": {op("POST", "Users", "", "{}")},
	} {
		if _, _, err := BulkBody(ops, 0); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error = %v, want ErrInvalid", name, err)
		}
	}
	if _, _, err := BulkBody([]BulkOperation{op("POST", "/Users", "", "{bad")}, 0); err == nil {
		t.Error("broken data was encoded")
	}
}

func TestBulkFailsWhole(t *testing.T) {
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 413, `{"detail":"too much"}`) }))
	got, err := c.Bulk(context.Background(), []BulkOperation{op("DELETE", "/Users/1", "", "")}, BulkOptions{})
	if !errors.Is(err, ErrTooLarge) || got != nil {
		t.Errorf("Bulk = %v, %v", got, err)
	}
	if got, err := c.Bulk(context.Background(), nil, BulkOptions{}); got != nil || err != nil {
		t.Errorf("Bulk of nothing = %v, %v", got, err)
	}
}

func TestSplitBulk(t *testing.T) {
	plain := func(n int) (ops []BulkOperation) {
		for i := range n {
			ops = append(ops, op("POST", "/Users", fmt.Sprintf("u%d", i), `{"a":1}`))
		}
		return ops
	}
	linked := plain(6)
	linked[3].Data = json.RawMessage(`{"members":[{"value":"bulkId:u2"}]}`)
	linked[4].Path = "/Groups/bulkId:u3"
	forward := plain(4)
	forward[1].Data = json.RawMessage(`{"manager":"bulkId:u2"}`)
	huge := plain(2)
	huge[1].Data = json.RawMessage(`"` + strings.Repeat("x", 2000) + `"`)
	tests := []struct {
		name            string
		ops             []BulkOperation
		maxOps, maxSize int
		want            []int
		err             error
	}{
		{"nothing", nil, 50, 1000, nil, nil},
		{"exactly full", plain(50), 50, 0, []int{50}, nil},
		{"one over", plain(51), 50, 0, []int{50, 1}, nil},
		{"by size", plain(4), 0, 400, []int{2, 2}, nil},
		{"no bound", plain(4), 0, 0, []int{4}, nil},
		{"references stay together", linked, 3, 0, []int{2, 3, 1}, nil},
		{"forward references too", forward, 2, 0, []int{1, 2, 1}, nil},
		{"a group that fits nowhere", linked, 2, 0, nil, ErrTooLarge},
		{"an operation that fits nowhere", huge, 50, 1000, nil, ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := SplitBulk(tt.ops, tt.maxOps, tt.maxSize)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error = %v, want %v", err, tt.err)
			}
			var sizes []int
			var all []BulkOperation
			for _, part := range got {
				sizes = append(sizes, len(part))
				all = append(all, part...)
				body, _, err := BulkBody(part, 0)
				if err != nil {
					t.Fatal(err)
				}
				if tt.maxSize > 0 && len(body) > tt.maxSize {
					t.Errorf("a part has %d bytes, more than %d", len(body), tt.maxSize)
				}
			}
			if d := cmp.Diff(tt.want, sizes); d != "" {
				t.Errorf("sizes: -want +got\n%s", d)
			}
			if err == nil && !cmp.Equal(tt.ops, all) {
				t.Error("operations were lost or moved")
			}
		})
	}
}
