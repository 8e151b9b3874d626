package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/cli/api"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
)

func TestAnswers(t *testing.T) {
	e := dirtest.New(t)
	e.Seed(t, dirtest.User("a+b@example.com", "A", "B"))
	const query = "attributes=count(*)"
	compact := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"Resources":[{"count":1}],"startIndex":1,"itemsPerPage":50}` + "\n"
	if got := e.OK(t, api.New, "get", "/admin/v1/Users?"+query); got != compact {
		t.Errorf("off a terminal: %q, want the bytes of the service", got)
	}
	if got := e.OK(t, api.New, "admin/v1/Users", "--param", `filter=userName eq "a+b@example.com"`, "--param", "attributes=userName"); !strings.Contains(got, `"totalResults":1`) {
		t.Errorf("--param escapes wrongly: %s", got)
	}
	if got := e.OK(t, api.New, "GET", e.Server.URL+`/admin/v1/Users?filter=userName sw "a"&attributes=userName`); !strings.Contains(got, `"totalResults":1`) {
		t.Errorf("a whole URL with blanks: %s", got)
	}
	if got := e.OK(t, api.New, "/admin/v1/Users?"+query, "-o", "json"); !strings.Contains(got, "{\n  \"schemas\": [\n") {
		t.Errorf("-o json: %q", got)
	}
	if got := e.OK(t, api.New, "-i", "/admin/v1/Users?"+query); !strings.HasPrefix(got, "200 OK\n") || !strings.Contains(got, "\nOpc-Request-Id: ") || !strings.HasSuffix(got, "\n\n"+compact) {
		t.Errorf("--include: %q", got)
	}
	e.Terminal = true
	if got := e.OK(t, api.New, "/admin/v1/Users?"+query); !strings.HasSuffix(got, "\n}\n") {
		t.Errorf("on a terminal: %q", got)
	}
	if got := e.OK(t, api.New, "--raw", "/admin/v1/Users?"+query); got != compact {
		t.Errorf("--raw on a terminal: %q", got)
	}
}

func TestBody(t *testing.T) {
	e := dirtest.New(t)
	const group = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`
	file := filepath.Join(t.TempDir(), "g.json")
	if err := os.WriteFile(file, []byte(group+`two"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	e.OK(t, api.New, "/admin/v1/Groups", "--data", group+`one"}`)
	e.OK(t, api.New, "POST", "/admin/v1/Groups", "--data", "@"+file)
	if r := e.Run(t, api.New, group+`three"}`, "POST", "/admin/v1/Groups", "--data", "-"); r.Failure != nil {
		t.Error(r.Failure)
	}
	if got := e.OK(t, api.New, "/admin/v1/Groups?attributes=count(*)"); !strings.Contains(got, `"count":3`) {
		t.Errorf("three groups were made, and there are %s", got)
	}
}

func TestExitCodes(t *testing.T) {
	e := dirtest.New(t)
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"not found", []string{"/admin/v1/Users/0123456789abcdef0123456789abcdef"}, 5, "404 not found"},
		{"conflict", []string{"POST", "/admin/v1/Groups", "--data", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g"}`}, 6, "409"},
		{"refused", []string{"POST", "/admin/v1/Groups", "--data", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`}, 1, "400"},
		{"another service", []string{"https://other.example.com/admin/v1/Users"}, 64, "https://other.example.com/admin/v1/Users is not on "},
		{"another scheme", []string{"//other.example.com/x"}, 64, "is not on "},
		{"method", []string{"GTE", "/x"}, 64, `unknown method "GTE"`},
		{"no path", []string{"GET"}, 64, "needs <path>"},
		{"nothing", nil, 64, "needs <method>"},
		{"too much", []string{"GET", "/x", "/y"}, 64, "takes no argument after <path>"},
		{"body of GET", []string{"GET", "/x", "--data", "{}"}, 64, "takes no --data"},
		{"no JSON", []string{"POST", "/x", "--data", "{"}, 64, "not valid JSON"},
		{"header", []string{"/x", "-H", "nonsense"}, 64, "is not NAME:VALUE"},
		{"credentials", []string{"/x", "-H", "authorization: Bearer x"}, 64, "Authorization comes from the profile"},
		{"parameter", []string{"/x", "--param", "nonsense"}, 64, "is not NAME=VALUE"},
		{"fragment", []string{"/x#y"}, 64, "holds a #"},
		{"no file", []string{"POST", "/x", "--data", "@" + filepath.Join(t.TempDir(), "none.json")}, 64, "--data: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "conflict" {
				e.OK(t, api.New, tc.args...)
			}
			r := e.Run(t, api.New, "", tc.args...)
			if r.Code != tc.code || !strings.Contains(r.Failure.Error(), tc.want) {
				t.Errorf("exit code %d, error %v; want %d and %q", r.Code, r.Failure, tc.code, tc.want)
			}
			if answered := tc.code != 64; answered != strings.Contains(r.Out, `"status":"`) {
				t.Errorf("printed %q", r.Out)
			}
		})
	}
}

// TestQueryStaysOut: an error names the path, not the query, which may hold
// personal data.
func TestQueryStaysOut(t *testing.T) {
	e := dirtest.New(t)
	r := e.Run(t, api.New, "", `/admin/v1/Nothing?filter=userName eq "ada@example.com"`)
	if r.Failure == nil || strings.Contains(r.Failure.Error(), "ada@example.com") {
		t.Errorf("%v", r.Failure)
	}
}
