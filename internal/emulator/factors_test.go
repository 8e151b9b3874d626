package emulator

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// documentedSeed is the seed that docs/emulator.md shows.
func documentedSeed(t *testing.T) SeedRequest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "emulator.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n## Factors and credentials\n")
	_, text, _ = strings.Cut(text, "```json\n")
	text, _, ok := strings.Cut(text, "```")
	req, err := ParseSeed([]byte(text))
	if !ok || err != nil {
		t.Fatalf("the seed in the documentation: %v", err)
	}
	return req
}

// TestSeedFactors: the documented seed makes a user with factors, and what
// fault rules make of bypass codes.
func TestSeedFactors(t *testing.T) {
	f := start(t, nil)
	rep, err := f.Seed(t.Context(), documentedSeed(t))
	if err != nil {
		t.Fatal(err)
	}
	const mfa = "urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User"
	a := f.do(http.MethodGet, "/admin/v1/Users/"+rep.IDs[0]+"?attributeSets=all", nil)
	ext, _ := a.doc[mfa].(map[string]any)
	if ext["mfaStatus"] != "ENROLLED" || ext["preferredAuthenticationFactor"] != "TOTP" || len(ext["devices"].([]any)) != 1 || len(ext["trustedUserAgents"].([]any)) != 1 {
		t.Errorf("the user's extension is %v", ext)
	}
	a = f.do(http.MethodGet, "/admin/v1/Devices/"+rep.IDs[1]+"?attributeSets=all", nil)
	if a.status != http.StatusOK || strings.Contains(string(a.raw), "GEZDGNBVGY3TQOJQ") {
		t.Errorf("%d: %s", a.status, a.raw)
	}
	if a = f.do(http.MethodPost, "/admin/v1/Devices", map[string]any{}); a.status != http.StatusMethodNotAllowed {
		t.Errorf("POST of a device: status %d", a.status)
	}

	body := map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:BypassCode"}, "user": map[string]any{"value": rep.IDs[0]},
		"maxUsageCount": 2, "expiresOn": "2031-01-01T00:00:00.000Z",
	}
	post := func() answer {
		a := f.do(http.MethodPost, "/admin/v1/BypassCodes", body)
		if a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.raw)
		}
		return a
	}
	if a = post(); a.doc["maxUsageCount"] != 2.0 || a.doc["expiresOn"] != body["expiresOn"] {
		t.Errorf("as asked for: %s", a.raw)
	}
	f.faultsAre("ignore-terms:path=/admin/v1/BypassCodes", "hide-codes:method=GET")
	if a = post(); a.doc["maxUsageCount"] != 5.0 || a.doc["expiresOn"] == body["expiresOn"] || a.doc["code"] == nil {
		t.Errorf("ignored: %s", a.raw)
	}
	f.faultsAre("hide-codes:method=GET")
	a = f.do(http.MethodGet, "/admin/v1/BypassCodes", nil)
	list, _ := a.doc["Resources"].([]any)
	if len(list) != 2 || strings.Contains(string(a.raw), `"code"`) {
		t.Errorf("hidden: %s", a.raw)
	}
	f.faultsAre()
	if a = f.do(http.MethodGet, "/admin/v1/BypassCodes", nil); strings.Count(string(a.raw), `"code"`) != 2 {
		t.Errorf("shown: %s", a.raw)
	}
}

// faultsAre replaces the rules in force.
func (f *fixture) faultsAre(rules ...string) {
	f.t.Helper()
	list := []FaultRule{}
	for _, text := range rules {
		r, err := ParseFault(text)
		if err != nil {
			f.t.Fatal(err)
		}
		list = append(list, r)
	}
	if err := f.faults.set(list); err != nil {
		f.t.Fatal(err)
	}
}

// TestBulkRemover: the documented way to reset the factors of many users.
func TestBulkRemover(t *testing.T) {
	f := start(t, nil)
	rep, err := f.Seed(t.Context(), documentedSeed(t))
	if err != nil {
		t.Fatal(err)
	}
	a := f.want(f.do(http.MethodPost, "/admin/v1/Bulk", map[string]any{
		"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"},
		"Operations": []any{map[string]any{
			"method": "POST", "path": "/AuthenticationFactorsRemover", "bulkId": "one",
			"data": map[string]any{
				"schemas": []any{"urn:ietf:params:scim:schemas:oracle:idcs:AuthenticationFactorsRemover"},
				"user":    map[string]any{"value": rep.IDs[0]}, "type": "MFA",
			},
		}},
	}), http.StatusCreated)
	row, _ := a.doc["Operations"].([]any)[0].(map[string]any)
	if row["status"] != "201" || row["location"] != f.http.URL+"/admin/v1/AuthenticationFactorsRemover" {
		t.Errorf("the row is %v", row)
	}
	f.want(f.do(http.MethodGet, "/admin/v1/Devices/"+rep.IDs[1], nil), http.StatusNotFound)
}
