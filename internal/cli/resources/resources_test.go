package resources_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/resources"
)

func TestTypes(t *testing.T) {
	e := dirtest.New(t)
	names := strings.Fields(e.OK(t, resources.New, "types", "-o", "name"))
	if len(names) < 74 {
		t.Errorf("%d types, want all of the published ones, 74 or more", len(names))
	}
	var rows []struct {
		Name, Endpoint string
		Keys           []string
	}
	if err := json.Unmarshal([]byte(e.OK(t, resources.New, "types", "-o", "json")), &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Name == "User" && (r.Endpoint != "/Users" || r.Keys[0] != "userName") {
			t.Errorf("User is %+v", r)
		}
	}
}

func TestSchema(t *testing.T) {
	e := dirtest.New(t)
	paths := e.OK(t, resources.New, "schema", "users", "-o", "name")
	for _, want := range []string{"userName", "emails.value", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"} {
		if !strings.Contains("\n"+paths, "\n"+want+"\n") {
			t.Errorf("schema of users lacks %s", want)
		}
	}
	table := e.OK(t, resources.New, "schema", "Group", "--fields", "attribute,type,extension,searchable", "-o", "csv")
	for _, want := range []string{"members.value,string,,yes\n", "description,string,group:Group,yes\n", "members,complex[],,yes\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("no line %q in\n%s", want, table)
		}
	}
}

// TestVerbs takes a resource of a type without commands from its creation to
// its end.
func TestVerbs(t *testing.T) {
	e := dirtest.New(t)
	r := e.Run(t, resources.New, `{"name":"Zurich","ipAddresses":[{"type":"CIDR","value":"192.0.2.0/24","version":"IPV4"}]}`,
		"create", "network-perimeters", "--from", "-")
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	id := strings.TrimSpace(r.Out)
	if got := e.OK(t, resources.New, "list", "NetworkPerimeter", "-o", "name"); got != id+"\n" {
		t.Errorf("list: %q, want %q", got, id)
	}
	if got := e.OK(t, resources.New, "get", "NetworkPerimeters", "zurich", "--fields", "name", "-o", "csv", "--no-headers"); got != "Zurich\n" {
		t.Errorf("get by name: %q", got)
	}
	if got := e.OK(t, resources.New, "search", "NetworkPerimeter", "zur", "-o", "name"); got != id+"\n" {
		t.Errorf("search: %q", got)
	}
	e.OK(t, resources.New, "update", "NetworkPerimeter", id, "--set", "description=the office")
	r = e.Run(t, resources.New, "name: Bern\nipAddresses: [{type: CIDR, value: 198.51.100.0/24, version: IPV4}]\n",
		"replace", "NetworkPerimeter", id, "--from", "-", "-o", "jsonl", "--fields", "ipAddresses.value,description")
	if r.Failure != nil || r.Out != `{"ipAddresses.value":["198.51.100.0/24"],"description":null}`+"\n" {
		t.Errorf("replace: %v, %s", r.Failure, r.Out)
	}
	e.OK(t, resources.New, "delete", "NetworkPerimeter", id, "--yes")
	if got := e.OK(t, resources.New, "list", "NetworkPerimeter", "-o", "json"); got != "[]\n" {
		t.Errorf("left: %s", got)
	}
}

func TestSingleton(t *testing.T) {
	e := dirtest.New(t)
	if got := e.OK(t, resources.New, "get", "IdentitySettings", "-o", "csv", "--fields", "primaryEmailRequired", "--no-headers"); got != "true\n" {
		t.Errorf("got %q", got)
	}
	r := e.Run(t, resources.New, "", "update", "IdentitySettings", "--set", "primaryEmailRequired=false")
	if r.Failure != nil {
		t.Fatal(r.Failure)
	}
	if got := e.OK(t, resources.New, "get", "IdentitySettings", "-o", "csv", "--fields", "primaryEmailRequired", "--no-headers"); got != "false\n" {
		t.Errorf("after update: %q", got)
	}
}

func TestUsage(t *testing.T) {
	e := dirtest.New(t)
	for _, tc := range []struct {
		args       []string
		code       int
		want, hint string
	}{
		{[]string{"list"}, 64, "needs <type>", ""},
		{[]string{"list", "AppRoel"}, 64, `no resource type "AppRoel"`, ""},
		{[]string{"get", "User"}, 64, "are named by an id", ""},
		{[]string{"search", "Grant", "xx"}, 64, "no names to search by", ""},
		{[]string{"schema"}, 64, "needs <type>", ""},
		{[]string{"create", "AppRole"}, 64, "needs --from or --set", ""},
		{[]string{"delete", "AuditEvent", "0123456789abcdef0123456789abcdef", "--yes"}, 9, "cannot", ""},
		{[]string{"create", "Schema", "--set", "name=x"}, 9, "cannot create", ""},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			r := e.Run(t, resources.New, "", tc.args...)
			if r.Code != tc.code || !strings.Contains(r.Failure.Error(), tc.want) {
				t.Errorf("exit code %d, error %v; want %d and %q", r.Code, r.Failure, tc.code, tc.want)
			}
		})
	}
}
