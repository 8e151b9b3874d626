package catalogtest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
)

// passwordRequests are the requests about passwords that change nothing, in the
// order of the collection, with the rules that the passwords in them break. No
// answer was recorded; a password that does not do is documented as a 400 with
// the message id below.
var passwordRequests = []struct {
	id     string
	status int
	broken []any
}{
	{"users/password/validate-password-against-password-policy", http.StatusBadRequest, []any{"minLength", "minNumerals", "minSpecialChars", "firstNameDisallowed"}},
	{"users/password/validate-password-against-password-policy-specific-user", http.StatusBadRequest, []any{"minLength", "minNumerals", "minSpecialChars", "minUpperCase", "firstNameDisallowed"}},
	{"users/password/generate-a-password-suggestion-for-specific-user", http.StatusOK, nil},
}

// TestReplayPasswords replays them for a user of that first name.
func TestReplayPasswords(t *testing.T) {
	dir := reference(t)
	srv := idtest.New(t)
	ids, err := srv.Seed(t.Context(), idtest.Document{Type: "User", Attrs: map[string]any{
		"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "ada@example.com",
		"name":   map[string]any{"givenName": "Clarence", "familyName": "Lovelace"},
		"emails": []any{map[string]any{"value": "ada@example.com", "type": "work", "primary": true}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := &replayer{srv: srv, vars: variables{"HOST": srv.URL, "userid": ids[0]}}
	all := catalogue(t, dir, "users.json")
	ran := map[string]bool{}
	for _, c := range passwordRequests {
		ran[c.id] = true
		t.Run(c.id, func(t *testing.T) {
			e := find(t, all, c.id)
			a := r.send(t, e)
			if a.status != c.status {
				t.Fatalf("status %d, want %d: %v", a.status, c.status, a.doc)
			}
			if c.status == http.StatusOK {
				password, _ := a.doc["password"].(string)
				if len(password) < 12 || a.doc["id"] != ids[0] {
					t.Errorf("the answer is %v", a.doc)
				}
				return
			}
			checkError(t, a)
			ext, _ := a.doc["urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error"].(map[string]any)
			data, _ := ext["additionalData"].(map[string]any)
			broken, _ := data["brokenRules"].([]any)
			slices.SortFunc(broken, compareText)
			want := slices.SortedFunc(slices.Values(c.broken), compareText)
			if ext["messageId"] != "error.identity.passwordmgmt.pwdpolicyViolation" || !slices.Equal(broken, want) {
				t.Errorf("the error is %v", ext)
			}
		})
	}
	wantReplayed(t, "TestReplayPasswords", ran)
}

func compareText(a, b any) int {
	x, _ := a.(string)
	y, _ := b.(string)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
