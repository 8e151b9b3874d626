package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/oauth"
)

func TestControlIsGuarded(t *testing.T) {
	f := start(t, nil)
	f.want(f.controlDo(http.MethodGet, "/status", nil), 200)
	for _, tc := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"no key", []string{"X-Emulator-Key", ""}, 401},
		{"wrong key", []string{"X-Emulator-Key", "x"}, 401},
		{"a token instead of the key", []string{"X-Emulator-Key", "", "Authorization", "Bearer " + f.token}, 401},
		{"other origin", []string{"Origin", "http://evil.example.net"}, 403},
		{"opaque origin", []string{"Origin", "null"}, 403},
		{"own origin", []string{"Origin", f.http.URL}, 200},
	} {
		if a := f.controlDo(http.MethodGet, "/status", nil, tc.headers...); a.status != tc.status {
			t.Errorf("%s: %d", tc.name, a.status)
		}
	}
	for addr, want := range map[string]int{"192.0.2.7:4000": 404, "[2001:db8::1]:4000": 404, "nonsense": 404, "127.0.0.2:4000": 200, "[::1]:4000": 200} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, f.http.URL+"/emulator/v1/status", nil)
		req.RemoteAddr = addr
		req.Header.Set("X-Emulator-Key", f.Credentials().ControlKey)
		rec := httptest.NewRecorder()
		f.Handler().ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("from %s: %d", addr, rec.Code)
		}
	}
	if a := f.controlDo(http.MethodGet, "/nothing", nil); a.status != 404 {
		t.Errorf("unknown path: %d", a.status)
	}
	if a := f.controlDo(http.MethodDelete, "/clock", nil); a.status != 405 || a.header.Get("Allow") != "GET,PUT" {
		t.Errorf("wrong method: %d %q", a.status, a.header.Get("Allow"))
	}
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d control requests are in the log", n)
	}
}

func TestControlClock(t *testing.T) {
	f := start(t, nil)
	now := func(a answer) any { f.t.Helper(); return f.want(a, 200).doc["now"] }
	if got := now(f.controlDo(http.MethodGet, "/clock", nil)); got != "2026-03-01T12:00:00Z" {
		t.Errorf("at the start %v", got)
	}
	if got := now(f.controlDo(http.MethodPut, "/clock", `{"advance":"90m"}`)); got != "2026-03-01T13:30:00Z" {
		t.Errorf("advanced %v", got)
	}
	if got := now(f.controlDo(http.MethodPut, "/clock", `{"now":"2030-01-01T00:00:00Z"}`)); got != "2030-01-01T00:00:00Z" {
		t.Errorf("set %v", got)
	}
	f.clock.advance(time.Second)
	if got := now(f.controlDo(http.MethodPut, "/clock", `{"advance":"-1s"}`)); got != "2030-01-01T00:00:00Z" {
		t.Errorf("back %v", got)
	}
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil), 401) // the token of 2026 is over
	for _, bad := range []string{`{}`, `{"now":"2030-01-01T00:00:00Z","advance":"1s"}`, `{"now":"soon"}`, `{"advance":5}`, `{"x":1}`, `{"advance":"1s"}{}`, ``} {
		if a := f.controlDo(http.MethodPut, "/clock", bad); a.status != 400 {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}

func TestControlFaults(t *testing.T) {
	f := start(t, func(o *Options) { o.Faults = []FaultRule{{Action: FaultStatus, Status: 500, Every: 100}} })
	a := f.want(f.controlDo(http.MethodPut, "/faults", `["429:every=2", {"action":"status","status":503,"path":"/admin/v1/Groups","delay":"0s","retryAfter":3}]`), 200)
	var got []FaultState
	if err := json.Unmarshal(a.raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]FaultState{{Rule: "429:every=2"}, {Rule: "503:path=/admin/v1/Groups,retry-after=3"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a := f.do(http.MethodGet, "/admin/v1/Groups", nil); a.status != 503 || a.header.Get("Retry-After") != "3" {
		t.Errorf("got %d", a.status)
	}
	if a := f.controlDo(http.MethodPut, "/faults", `["boom"]`); a.status != 400 || !strings.Contains(string(a.raw), "boom") {
		t.Errorf("bad rule: %d %s", a.status, a.raw)
	}
	if n := len(f.Faults()); n != 2 {
		t.Errorf("a refused change left %d rules", n)
	}
	f.want(f.controlDo(http.MethodDelete, "/faults", nil), 200)
	if n := len(f.Faults()); n != 0 {
		t.Errorf("%d rules after DELETE", n)
	}
	f.want(f.controlDo(http.MethodPost, "/reset", nil), 204)
	if diff := cmp.Diff([]FaultState{{Rule: "500:every=100"}}, f.Faults()); diff != "" {
		t.Errorf("after reset (-want +got):\n%s", diff)
	}
}

func TestControlReset(t *testing.T) {
	f := start(t, nil)
	f.create("ada")
	f.want(f.controlDo(http.MethodPut, "/clock", `{"advance":"1m"}`), 200)
	old := f.token
	f.want(f.controlDo(http.MethodPost, "/reset", nil), 204)
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil), 401)
	f.token, _ = f.want(f.tokenCall(oauth.TokenPath, "grant_type", "client_credentials", "scope", oauth.ScopeMyScopes), 200).doc["access_token"].(string)
	if n := f.count(""); n != 0 || old == f.token {
		t.Errorf("%d users", n)
	}
	if got := f.Now(); !got.Equal(f.clock.Now()) {
		t.Errorf("clock %v", got)
	}
	// The old token was signed with the same test key; it must be over anyway
	// once a new domain begins.
	f.want(f.do(http.MethodGet, "/admin/v1/Users", nil, "Authorization", "Bearer "+old), 401)
}

func TestControlLog(t *testing.T) {
	f := start(t, func(o *Options) { o.LogSize = 3 })
	for range 5 {
		f.do(http.MethodGet, "/admin/v1/Users", nil)
	}
	f.do(http.MethodGet, "/admin/v1/Groups/x?attributes=id", nil, "opc-request-id", "last")
	a := f.want(f.controlDo(http.MethodGet, "/log?limit=2", nil), 200)
	list, _ := a.doc["requests"].([]any)
	last, _ := list[len(list)-1].(map[string]any)
	if a.doc["total"] != 6.0 || len(list) != 2 || last["path"] != "/admin/v1/Groups/x" || last["status"] != 404.0 || last["requestId"] != "last" {
		t.Errorf("log %s", a.raw)
	}
	if n := len(f.Requests()); n != 3 {
		t.Errorf("%d kept, want 3", n)
	}
	if a := f.controlDo(http.MethodGet, "/log?limit=x", nil); a.status != 400 {
		t.Errorf("limit: %d", a.status)
	}
}

func TestControlSeed(t *testing.T) {
	f := start(t, nil)
	a := f.want(f.controlDo(http.MethodPost, "/seed", map[string]any{
		"documents": []any{
			map[string]any{"type": "User", "bulkId": "a", "document": user("ada")},
			map[string]any{"type": "Group", "document": group("G", "bulkId:a")},
		},
		"users": 12, "groups": 2,
	}), 200)
	if diff := cmp.Diff(map[string]any{"User": 13.0, "Group": 3.0}, a.doc["created"]); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if n := f.count(""); n != 13 {
		t.Errorf("%d users", n)
	}
	ids, _ := a.doc["ids"].([]any)
	if n := f.count("&filter=groups.value+eq+%22" + ids[1].(string) + "%22"); n != 1 {
		t.Errorf("%d users in the group", n)
	}
	// Again: every user name is taken, which the report says one by one.
	again := f.want(f.controlDo(http.MethodPost, "/seed", `{"users":12}`), 400)
	if errs, _ := again.doc["errors"].([]any); len(errs) != 12 {
		t.Errorf("report %s", again.raw)
	}
	f.want(f.controlDo(http.MethodPost, "/seed", `{"users":3,"seed":7}`), 200)
	for _, bad := range []string{``, `3`, `{"people":1}`, `{"users":-1}`, `{"users":1.5}`, `[{"type":"User"}]`, `[{"document":{}}]`, `[{"type":"User","document":[]}]`, `{"documents":{}}`, `[1]`} {
		if a := f.controlDo(http.MethodPost, "/seed", bad); a.status != 400 {
			t.Errorf("%s: %d %s", bad, a.status, a.raw)
		}
	}
	if a := f.controlDo(http.MethodPost, "/seed", `[{"type":"Nothing","document":{}}]`); a.status != 400 {
		t.Errorf("unknown type: %d", a.status)
	}
}

func TestControlOutbox(t *testing.T) {
	f := start(t, nil)
	if a := f.want(f.controlDo(http.MethodGet, "/outbox", nil), 200); !strings.Contains(string(a.raw), `"mails":[]`) {
		t.Errorf("empty: %s", a.raw)
	}
	id := f.create("ada")
	a := f.want(f.controlDo(http.MethodGet, "/outbox", nil), 200)
	mails, _ := a.doc["mails"].([]any)
	if len(mails) != 1 || mails[0].(map[string]any)["userId"] != id {
		t.Fatalf("after a create: %s", a.raw)
	}
	next, _ := a.doc["next"].(string)
	if a := f.want(f.controlDo(http.MethodGet, "/outbox?limit=5&after="+next, nil), 200); !strings.Contains(string(a.raw), `"mails":[]`) {
		t.Errorf("behind the last: %s", a.raw)
	}
}
