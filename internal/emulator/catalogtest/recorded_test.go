package catalogtest

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// checkRecorded: every key that was recorded is in the answer, at any depth.
// Keys that newer services added are no mistake. absent holds keys that the
// answer may lack, with the reason.
func checkRecorded(t *testing.T, recorded, got map[string]any, absent map[string]string) {
	t.Helper()
	want, has := map[string]bool{}, map[string]bool{}
	keyPaths("", recorded, want)
	keyPaths("", got, has)
	if len(want) == 0 {
		t.Fatal("the recording is empty")
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if has[k] || slices.ContainsFunc(slices.Collect(maps.Keys(absent)), func(a string) bool { return k == a || strings.HasPrefix(k, a+" > ") }) {
			continue
		}
		t.Errorf("the recording has %s, the answer does not", k)
	}
}

// find is the entry with an id.
func find(t *testing.T, entries []entry, id string) *entry {
	t.Helper()
	for i := range entries {
		if entries[i].ID == id {
			return &entries[i]
		}
	}
	t.Fatalf("no request %s in the catalogue", id)
	return nil
}

// TestRecordedUsers: users.json has no recording of a user; the requests for
// the user behind a token, which answer the same attributes, have.
func TestRecordedUsers(t *testing.T) {
	dir := reference(t)
	r := newReplayer(t, dir)
	create := find(t, catalogue(t, dir, "users.json"), "users/create/create-a-user")
	user := r.send(t, create)
	location, _ := user.doc["meta"].(map[string]any)["location"].(string)
	r.vars["userid"], _ = user.doc["id"].(string)
	phone := find(t, catalogue(t, dir, "self-service.json"), "self-service/update-account-information/update-me-add-a-single-attribute")

	absent := map[string]string{
		"nickName": "the recorded user had one",
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:mfa:User":                      "the recorded user had a second factor",
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User > creationMechanism": "the schema of User returns it on request, and Me differs",
	}
	for _, src := range []struct{ file, id string }{
		{"generate-access-token.json", "generate-access-token/step-4-obtain-user-information"},
		{"mfa.json", "mfa/get-my-information"},
		{"mfa.json", "mfa/self-service/get-my-information"},
	} {
		t.Run(src.id, func(t *testing.T) {
			recording := find(t, catalogue(t, dir, src.file), src.id)
			checkRecorded(t, recording.Examples[0].Body, r.do(t, "GET", location, "", nil).doc, absent)
		})
	}
	t.Run(phone.ID, func(t *testing.T) {
		got := r.do(t, phone.Method, location, string(phone.Body.JSON), nil)
		if got.status != phone.Examples[0].Status {
			t.Fatalf("status %d, want %d: %v", got.status, phone.Examples[0].Status, got.doc)
		}
		checkRecorded(t, phone.Examples[0].Body, got.doc, absent)
	})
}

// TestRecordedAuditEvents: what creating and deleting users and groups leaves
// in the audit log has the recorded keys.
func TestRecordedAuditEvents(t *testing.T) {
	dir := reference(t)
	r := newReplayer(t, dir)
	users, groups := catalogue(t, dir, "users.json"), catalogue(t, dir, "groups.json")
	a := r.send(t, find(t, users, "users/create/create-a-user"))
	r.vars["userid"], _ = a.doc["id"].(string)
	a = r.send(t, find(t, groups, "groups/create/create-a-group-with-members"))
	r.vars["groupid"], _ = a.doc["id"].(string)
	r.send(t, find(t, groups, "groups/delete/delete-group"))
	r.send(t, find(t, users, "users/delete/delete-user"))

	events := catalogue(t, dir, "audit-events.json")
	for _, id := range []string{
		"audit-events/search-for-user-events/successful-events/search-all-events-for-successful-user-creation",
		"audit-events/search-for-user-events/successful-events/search-all-events-for-successful-user-deletions",
		"audit-events/search-for-group-events/search-all-events-for-successful-group-creation",
		"audit-events/search-for-app-events/search-all-events-for-successful-application-creation",
	} {
		t.Run(id, func(t *testing.T) {
			e := find(t, events, id)
			got := r.send(t, e)
			if got.status != e.Examples[0].Status {
				t.Fatalf("status %d, want %d: %v", got.status, e.Examples[0].Status, got.doc)
			}
			if resources, _ := got.doc["Resources"].([]any); len(resources) == 0 {
				t.Fatalf("no event for %s", url.QueryEscape(e.URL))
			}
			checkRecorded(t, e.Examples[0].Body, got.doc, map[string]string{
				"Resources > ssoSessionId": "the recorded deletion was done by somebody in a browser",
			})
		})
	}
}
