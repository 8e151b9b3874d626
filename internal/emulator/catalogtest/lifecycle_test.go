package catalogtest

import (
	"net/http"
	"strings"
	"testing"
)

// TestReplayLifecycle replays, in the order of a life, the recorded requests
// that act on users and store nothing that could be read by their own name.
// None of them was recorded with an answer: the status is that of an action
// (idcs-behaviour 2.6), and what happened is read from the user.
func TestReplayLifecycle(t *testing.T) {
	dir := reference(t)
	r := newReplayer(t, dir)
	entries := append(catalogue(t, dir, "users.json"), catalogue(t, dir, "bulk.json")...)
	ran := map[string]bool{}
	run := func(id string, status int, key string) answer {
		t.Helper()
		ran[id] = true
		e := find(t, entries, id)
		if leftOut[id] == "" && e.stage() != 0 {
			t.Errorf("%s is replayed twice", id)
		}
		a := r.send(t, e)
		if a.status != status {
			t.Fatalf("%s: status %d, want %d: %v", id, a.status, status, a.doc)
		}
		for _, name := range []string{"schemas", key} {
			if name != "" && a.doc[name] == nil {
				t.Errorf("%s: the answer has no %s: %v", id, name, a.doc)
			}
		}
		if a.doc["password"] != nil {
			t.Errorf("%s: the answer has a password", id)
		}
		return a
	}
	user := func(attribute string) any {
		t.Helper()
		return r.do(t, http.MethodGet, r.vars["HOST"]+"/admin/v1/Users/"+r.vars["userid"]+"?attributes="+attribute, "", nil).doc[attribute]
	}
	r.vars["userid"], _ = run("users/create/create-a-user", 201, "id").doc["id"].(string)
	name, _ := user("userName").(string)
	if got := run("users/create/generate-a-unique-username", 201, "userName").doc["userName"]; got == name {
		t.Errorf("the generated name %v is taken", got)
	}
	run("users/lifecycle/start-user-activation-invite-user", 200, "id")
	run("users/password/reset-users-password-known-value", 200, "id")
	e := find(t, entries, "users/lifecycle/start-user-activation-invite-user")
	if a := r.send(t, e); a.status != http.StatusConflict {
		t.Errorf("an invitation of an activated user: status %d", a.status)
	}
	if got := run("users/password/check-user-password", 201, "displayName").doc["userName"]; got != name {
		t.Errorf("the password is that of %v, want %s", got, name)
	}
	run("users/lifecycle/assert-user", 201, "displayName")
	run("users/lifecycle/deactivate-user", 200, "id")
	if user("active") != false {
		t.Error("the user is active still")
	}
	if a := r.send(t, find(t, entries, "users/password/reset-users-password-random-value")); a.status != http.StatusBadRequest {
		t.Errorf("the reset of a deactivated user: status %d", a.status)
	}
	run("users/lifecycle/activate-user", 200, "id")
	if user("active") != true {
		t.Error("the user is not active again")
	}
	run("users/password/reset-users-password-random-value", 200, "id")
	if a := r.send(t, find(t, entries, "users/password/check-user-password")); a.status != http.StatusBadRequest || a.doc["detail"] != "INVALID_CREDENTIALS" {
		t.Errorf("the old password after a reset: %d %v", a.status, a.doc)
	}

	// The bulk requests come with two more users, whom this one makes.
	a := run("bulk/create-users-and-reset-passwords-in-bulk", 201, "Operations")
	rows, _ := a.doc["Operations"].([]any)
	var made []string
	for _, x := range rows {
		row, _ := x.(map[string]any)
		if s, _ := row["status"].(string); s != "200" && s != "201" {
			t.Fatalf("a row of the bulk answer: %v", row)
		}
		location, _ := row["location"].(string)
		if _, id, ok := strings.Cut(location, "/admin/v1/Users/"); ok {
			made = append(made, id)
		}
	}
	if len(rows) != 3 || len(made) != 2 {
		t.Fatalf("the bulk answer has %d rows and made %d users", len(rows), len(made))
	}
	r.vars["userid"], r.vars["userid2"] = made[0], made[1]
	run("bulk/reset-users-password-in-bulk-random-value", 201, "userIds")
	// Those two had the password of the next request before.
	for _, name := range []string{"userid", "userid2"} {
		body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `@example.com","name":{"familyName":"Lovelace"},` +
			`"emails":[{"value":"` + name + `@example.com","type":"work","primary":true}]}`
		r.vars[name], _ = r.do(t, http.MethodPost, r.vars["HOST"]+"/admin/v1/Users", body, nil).doc["id"].(string)
	}
	run("bulk/reset-users-password-in-bulk-known-value", 201, "userIds")
	delete(ran, "users/create/create-a-user") // by TestReplay, too
	wantReplayed(t, "TestReplayLifecycle", ran)
}
