package users_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/groups"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/prompt"
)

// user reads attributes of a user as JSON.
func user(t *testing.T, e *dirtest.Env, key, fields string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(e.OK(t, users.New, "get", key, "--fields", fields, "-o", "json")), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

const department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"

func TestCreate(t *testing.T) {
	e := people(t)
	out := e.OK(t, users.New, "create", "eve@example.com", "--user-name", "eve", "--given-name", "Eve", "--family-name", "Ng",
		"--department", "Labs", "--employee-number", "007", "--phone", "mobile=+41791234567", "--email", "home=eve@home.example.com",
		"--manager", "ada@example.com", "--group", "Engineering", "--inactive", "--no-invite", "--set", "costCenter=42", "--set", "nickName=true")
	if out != "eve\n" {
		t.Errorf("printed %q, want the login", out)
	}
	got := user(t, e, "eve@example.com", "userName,active,nickName,department,emails,phoneNumbers.value,costCenter,"+
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName,"+
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber")
	for _, m := range got["emails"].([]any) {
		if m := m.(map[string]any); (m["primary"] == true) != (m["type"] == "work") {
			t.Errorf("primary of %v", m)
		}
	}
	delete(got, "emails")
	want := map[string]any{
		"userName": "eve", "active": false, "nickName": "true", department: "Labs", "phoneNumbers.value": []any{"+41791234567"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName": "Ada Lovelace",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":      "007", // text, though it looks like a number
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter":          "42",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := e.OK(t, users.New, "groups", "eve", "-o", "name"); got != "Engineering\n" {
		t.Errorf("groups %q", got)
	}

	r := e.Run(t, users.New, "", "create", "eve@example.com", "--user-name", "EVE", "--family-name", "X")
	if r.Code != 6 || !strings.Contains(r.Failure.Error(), `create user`) {
		t.Errorf("taken login: exit code %d, %v", r.Code, r.Failure)
	}
	before := len(e.Writes())
	for _, args := range [][]string{{"--manager", "nobody"}, {"--group", "nothing"}} {
		r := e.Run(t, users.New, "", append([]string{"create", "f@example.com", "--family-name", "F"}, args...)...)
		if r.Code != 5 {
			t.Errorf("%v: exit code %d, %v", args, r.Code, r.Failure)
		}
	}
	if after := e.Writes(); len(after) != before {
		t.Errorf("written although a reference does not exist: %q", after[before:])
	}
}

func TestCreateFromDocument(t *testing.T) {
	e := dirtest.New(t)
	yaml := `
userName: ada
name: {familyName: Lovelace}
emails:
  - {value: ada@example.com, type: work, primary: true}
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:
  employeeNumber: "0815"
`
	r := e.Run(t, users.New, yaml, "create", "--from", "-", "--title", "Analyst", "-o", "json", "--fields", "userName,title")
	if r.Failure != nil || r.Out != "{\n  \"userName\": \"ada\",\n  \"title\": \"Analyst\"\n}\n" {
		t.Errorf("%v, %s", r.Failure, r.Out)
	}
	for _, tc := range []struct{ in, want string }{
		{"", "there is nothing in it"},
		{"{\n \"a\": }", "not JSON at line 2"},
		{"[1]", "want one object"},
		{"- a", "neither a JSON object nor a YAML mapping"},
		{"a: 1\na: 2", "stands there twice"},
		{"a: &x 1\nb: *x", "aliases are not supported"},
		{"a: 1\n---\nb: 1", "several YAML documents"},
	} {
		if r := e.Run(t, users.New, tc.in, "create", "--from", "-"); r.Code != 64 || !strings.Contains(r.Failure.Error(), tc.want) {
			t.Errorf("%q: exit code %d, %v; want %q", tc.in, r.Code, r.Failure, tc.want)
		}
	}
}

func TestCreateAsks(t *testing.T) {
	e := dirtest.New(t)
	e.Terminal = true
	e.Answers = []prompt.Answer{
		{Question: "E-mail address", Reply: "ada@example.com"},
		{Question: "Family name", Reply: "Lovelace"},
		{Question: "Given name (may be empty)", Reply: ""},
	}
	if got := e.OK(t, users.New, "create"); got != "ada@example.com\n" {
		t.Errorf("printed %q", got)
	}
}

func TestCreatePasswordStaysSecret(t *testing.T) {
	e := dirtest.New(t)
	r := e.Run(t, users.New, "Sesame-0pen-99\n", "create", "ada@example.com", "--family-name", "L", "--password-file", "-", "-o", "json")
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	if strings.Contains(r.Out+r.Err, "Sesame") {
		t.Errorf("the password shows: %s %s", r.Out, r.Err)
	}
}

func TestUpdate(t *testing.T) {
	e := people(t)
	r := e.Run(t, users.New, "", "update", "ada@example.com", "--title", "Analyst", "--department", "Labs",
		"--set", `emails[type eq "home"].value=ada@home.example.com`, "--set", "active=false")
	if r.Failure != nil || !strings.HasPrefix(r.Err, "updated user Ada Lovelace (ada@example.com): replace title, replace department, ") || r.Out != "" {
		t.Fatalf("%v, stdout %q, stderr %q", r.Failure, r.Out, r.Err)
	}
	got := user(t, e, "ada@home.example.com", "title,active,"+department)
	if diff := cmp.Diff(map[string]any{"title": "Analyst", "active": false, department: "Labs"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	before := len(e.Writes())
	r = e.Run(t, users.New, "", "update", "ada@example.com", "--title", "Analyst", "--department", "Labs", "--inactive",
		"--email", "home=ada@home.example.com", "--unset", "nickName", "--add", `emails={"type":"home","value":"ada@home.example.com"}`)
	if r.Failure != nil || r.Err != "user Ada Lovelace (ada@example.com) is unchanged\n" {
		t.Errorf("%v, stderr %q", r.Failure, r.Err)
	}
	r = e.Run(t, users.New, "", "update", "ada@example.com", "--title", "", "--set", "nickName=A", "--dry-run")
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "PATCH /Users/") || lines[1] != "  remove title" || lines[2] != `  replace nickName "A"` {
		t.Errorf("--dry-run: %q", r.Out)
	}
	if after := e.Writes(); len(after) != before {
		t.Errorf("an update without a change, or a dry run, wrote %q", after[before:])
	}

	r = e.Run(t, users.New, "zoe@example.com\nnobody\nbob@example.com\n", "update", "-", "--title", "Chef", "-o", "jsonl", "--fields", "userName,title")
	if r.Code != 3 || r.Out != `{"userName":"zoe@example.com","title":"Chef"}`+"\n"+`{"userName":"bob@example.com","title":"Chef"}`+"\n" {
		t.Errorf("several: exit code %d, %s", r.Code, r.Out)
	}
	if r := e.Run(t, users.New, "", "update", "nobody", "--title", "x"); r.Code != 5 {
		t.Errorf("exit code %d, want 5: %v", r.Code, r.Failure)
	}
	if r := e.Run(t, users.New, "", "update", "bob@example.com", "--title", "x", "--if-match", "0000"); r.Code != 6 {
		t.Errorf("--if-match of another version: exit code %d, want 6: %v", r.Code, r.Failure)
	}
}

func TestReplace(t *testing.T) {
	e := people(t)
	file := filepath.Join(t.TempDir(), "bob.yaml")
	text := e.OK(t, users.New, "get", "bob@example.com", "-o", "yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(text, "title: Cook", "title: Baker", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := e.OK(t, users.New, "replace", "bob@example.com", "--from", file, "-o", "csv", "--fields", "title", "--no-headers"); out != "Baker\n" {
		t.Errorf("replaced: %q", out)
	}
	// The file is of a version that is gone.
	if r := e.Run(t, users.New, "", "replace", "bob@example.com", "--from", file); r.Code != 6 {
		t.Errorf("exit code %d, want 6: %v", r.Code, r.Failure)
	}
	if r := e.Run(t, users.New, "", "replace", "bob@example.com", "--from", file, "--if-match", "*"); r.Code != 0 {
		t.Errorf("--if-match '*': %v", r.Failure)
	}
	if r := e.Run(t, users.New, "", "replace", "ada@example.com", "--from", file); r.Code != 10 {
		t.Errorf("document of another user: exit code %d, want 10: %v", r.Code, r.Failure)
	}
}

func TestDelete(t *testing.T) {
	e := people(t)
	e.Seed(t, dirtest.User("eve@example.com", "Eve", "Ng"))
	r := e.Run(t, users.New, "", "delete", "nobody", "--yes")
	if r.Code != 5 {
		t.Errorf("exit code %d, want 5: %v", r.Code, r.Failure)
	}
	if r := e.Run(t, users.New, "", "delete", "nobody", "--yes", "--ignore-missing"); r.Failure != nil || r.Err != "there was no user nobody\n" {
		t.Errorf("--ignore-missing: %v, %q", r.Failure, r.Err)
	}
	if r := e.Run(t, users.New, "\n", "delete", "-", "--yes"); r.Failure != nil || r.Err != "no users named, nothing to delete\n" {
		t.Errorf("empty input: %v, %q", r.Failure, r.Err)
	}
	r = e.Run(t, users.New, "zoe@example.com\nnobody\n", "delete", "-", "--yes", "-o", "jsonl", "--fields", "key,result")
	if r.Code != 3 || r.Out != `{"key":"zoe@example.com","result":"deleted"}`+"\n"+`{"key":"nobody","result":"failed"}`+"\n" {
		t.Errorf("exit code %d, %s", r.Code, r.Out)
	}
	r = e.Run(t, users.New, "", "delete", "eve@example.com", "EVE@example.com", "--yes", "-o", "name")
	if r.Failure != nil || r.Out != "eve@example.com\nEVE@example.com\n" {
		t.Errorf("named twice: %v, %q", r.Failure, r.Out)
	}
	if got := e.OK(t, users.New, "list", "-o", "name"); got != "ada@example.com\nbob@example.com\n" {
		t.Errorf("left: %q", got)
	}

	e.Terminal = true
	e.Answers = []prompt.Answer{{Question: "Delete user Ada Lovelace (ada@example.com)?", Reply: "no"}}
	if r := e.Run(t, users.New, "", "delete", "ada@example.com"); r.Code == 0 {
		t.Error("declined and yet a success")
	}
	e.Answers = []prompt.Answer{{Question: "Delete 2 users?", Reply: "yes"}}
	e.OK(t, users.New, "rm", "ada@example.com", "bob@example.com")
	if got := e.OK(t, users.New, "list", "-o", "json"); got != "[]\n" {
		t.Errorf("left: %s", got)
	}
	if got := e.OK(t, groups.New, "members", "list", "Engineering", "-o", "json"); got != "[]\n" {
		t.Errorf("members left: %s", got)
	}
}

// TestDeleteMany deletes in batches what another command lists.
func TestDeleteMany(t *testing.T) {
	e := dirtest.New(t)
	if _, err := e.Server.SeedPeople(t.Context(), 7, 130, 0); err != nil {
		t.Fatal(err)
	}
	names := e.OK(t, users.New, "list", "-o", "name")
	r := e.Run(t, users.New, names, "delete", "-", "--yes", "-q")
	if r.Failure != nil || r.Err != "" {
		t.Fatalf("%v %s", r.Failure, r.Err)
	}
	lookups, deletes := 0, 0
	for _, call := range e.Calls() {
		switch {
		case strings.HasPrefix(call, "DELETE "):
			deletes++
		case call == "POST /admin/v1/Users/.search":
			lookups++
		}
	}
	if lookups != 3 || deletes != 130 {
		t.Errorf("%d lookups and %d deletes for 130 users, want 3 and 130", lookups, deletes)
	}
	if got := e.OK(t, users.New, "list", "-o", "name"); got != "" {
		t.Errorf("left: %q", got)
	}
}

// TestStops: what would fail for every user ends the work.
func TestStops(t *testing.T) {
	e := people(t)
	if err := e.Server.Close(); err != nil {
		t.Fatal(err)
	}
	r := e.Run(t, users.New, "a@example.com\nb@example.com\n", "delete", "-", "--yes")
	if r.Code != 7 || strings.Count(r.Err, "error:") > 0 {
		t.Errorf("service gone: exit code %d, want 7; %v; stderr %q", r.Code, r.Failure, r.Err)
	}
}
