package users_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/prompt"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares with testdata/NAME.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func people(t *testing.T) *dirtest.Env {
	t.Helper()
	e := dirtest.New(t)
	bob := dirtest.User("bob@example.com", "Bob", "Bauer")
	bob.Attrs["active"] = false
	bob.Attrs["title"] = "Cook"
	zoe := dirtest.User("zoe@example.com", "Zoë", "Ünal, \"Z\"")
	zoe.Attrs["urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"] = map[string]any{"locked": map[string]any{"on": true}}
	e.Seed(t, zoe, dirtest.User("ada@example.com", "Ada", "Lovelace"), bob, dirtest.Group("Engineering", "ada@example.com", "bob@example.com"))
	return e
}

func TestList(t *testing.T) {
	e := people(t)
	for _, tc := range []struct {
		name string
		args []string
		err  string
	}{
		{name: "table", args: []string{"list"}},
		{name: "csv", args: []string{"list", "--fields", "name,email,status,title,department", "-o", "csv"}},
		{name: "names", args: []string{"ls", "-o", "name"}},
		{name: "sorted", args: []string{"list", "--sort", "displayName:desc", "-o", "name"}},
		{name: "filtered", args: []string{"list", "--filter", `active eq false`, "-o", "name"}},
		{name: "none", args: []string{"list", "--filter", `userName eq "x"`, "-o", "json"}},
		{name: "fields_json", args: []string{"list", "--fields", "userName,name.familyName", "-o", "jsonl"}},
		{name: "page", args: []string{"list", "--page", "1", "--page-size", "2", "-o", "name"}, err: "1-2 of 3 users, page 1 of 2\n"},
		{name: "last", args: []string{"list", "--page", "last", "--page-size", "2", "-o", "name"}, err: "3-3 of 3 users, page 2 of 2\n"},
		{name: "limit", args: []string{"list", "--limit", "1", "-o", "name"}, err: "1 of 3 users\n"},
		{name: "whole_page", args: []string{"list", "--page", "first", "-o", "name"}},
		{name: "quiet", args: []string{"list", "--limit", "1", "-q", "-o", "name"}},
		{name: "search", args: []string{"search", "LOVE", "-o", "name"}},
		{name: "search_in", args: []string{"search", "coo", "--in", "title", "--only", "-o", "name"}},
		{name: "groups", args: []string{"groups", "ada@example.com"}},
		{name: "no_groups", args: []string{"groups", "zoe@example.com", "-o", "json"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := e.Run(t, users.New, "", tc.args...)
			if r.Failure != nil {
				t.Fatal(r.Failure)
			}
			golden(t, "list_"+tc.name, r.Out)
			if diff := cmp.Diff(tc.err, r.Err); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListOnTerminal(t *testing.T) {
	e := people(t)
	if r := e.Run(t, users.New, "", "list", "--page", "9", "--page-size", "2", "-o", "json"); r.Code != 64 || r.Out != "" ||
		!strings.Contains(r.Failure.Error(), "there is no page 9, the last of 3 users is page 2") {
		t.Errorf("behind the last page: exit code %d, %v, %q", r.Code, r.Failure, r.Out)
	}
	e.Terminal = true
	golden(t, "terminal_list", e.OK(t, users.New, "list"))
	for line := range strings.Lines(e.OK(t, users.New, "list", "--fields", "name,id,email,login,created,ocid")) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("line of %d characters on a terminal of 80: %q", n, line)
		}
	}
}

// TestLists all reads pages until the end.
func TestListAll(t *testing.T) {
	e := dirtest.New(t)
	if _, err := e.Server.SeedPeople(t.Context(), 1, 1234, 0); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(e.OK(t, users.New, "list", "-o", "name"))
	slices.Sort(names)
	if got := len(slices.Compact(names)); got != 1234 {
		t.Errorf("%d distinct users, want 1234", got)
	}
	r := e.Run(t, users.New, "", "list", "--limit", "1100", "-o", "name")
	if n := strings.Count(r.Out, "\n"); n != 1100 || r.Err != "1100 of 1234 users\n" {
		t.Errorf("--limit 1100: %d rows, stderr %q", n, r.Err)
	}
}

// TestUsage: what is wrong with a command line is told before anything is sent.
func TestUsage(t *testing.T) {
	e := dirtest.New(t)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"list", "extra"}, `takes no more arguments, got "extra"`},
		{[]string{"list", "--filter", `userName xx "a"`}, "column 10"},
		{[]string{"list", "--filter", " "}, "--filter is empty"},
		{[]string{"list", "--page", "0"}, `--page "0"`},
		{[]string{"list", "--page-size", "1001"}, "--page-size must be from 1 to 1000"},
		{[]string{"list", "--page", "1", "--limit", "2"}, "exclude each other"},
		{[]string{"list", "--sort", "nonsense"}, `no attribute "nonsense"`},
		{[]string{"list", "--sort", "a b"}, "not an attribute"},
		{[]string{"list", "--fields", "nme"}, `unknown field "nme"`},
		{[]string{"list", "--attributes", "title", "--all-attributes"}, "exclude each other"},
		{[]string{"search", "a"}, "2 characters or more"},
		{[]string{"search", "é"}, "2 characters or more"},
		{[]string{"search"}, "needs <text>"},
		{[]string{"search", "ada", "--only"}, "--only needs --in"},
		{[]string{"get"}, "needs <user>"},
		{[]string{"get", ""}, "cannot be empty"},
		{[]string{"create"}, "an e-mail address, as argument or --email, is required"},
		{[]string{"create", "ada@example.com"}, "--family-name is required"},
		{[]string{"create", "ada@example.com", "--group", "g"}, "--family-name is required"},
		{[]string{"create", "not an address"}, "is not an e-mail address"},
		{[]string{"create", "a@example.com", "b@example.com"}, "takes one e-mail address"},
		{[]string{"create", "a@example.com", "--phone", "moble=1"}, `there is no type "moble"`},
		{[]string{"create", "a@example.com", "--email", "home=1", "--email", "home=2"}, "type home is given twice"},
		{[]string{"create", "a@example.com", "--active", "--inactive"}, "exclude each other"},
		{[]string{"create", "--from", "-", "--password-file", "-"}, "cannot both read standard input"},
		{[]string{"create", "--from", "/nonexistent.json"}, "--from: "},
		{[]string{"update", "ada"}, "there is nothing to change"},
		{[]string{"update", "ada", "--set", "title"}, "use PATH=VALUE"},
		{[]string{"update", "ada", "--set", "=x"}, "use PATH=VALUE"},
		{[]string{"update", "ada", "--set", "tittle=x"}, `no attribute "tittle"`},
		{[]string{"update", "ada", "--set", "id=1"}, "kept by the service"},
		{[]string{"update", "ada", "--unset", "meta.created"}, "kept by the service"},
		{[]string{"update", "ada", "--email", "work=ada"}, `"ada" is not an e-mail address`},
		{[]string{"update", "ada", "--set", `emails[type eq ].value=x`}, "not an attribute path"},
		{[]string{"update", "ada", "--set", `emails=[{`}, "neither text nor JSON"},
		{[]string{"update", "ada", "--set", "active=maybe", "--set", "active=null"}, "use --unset"},
		{[]string{"update", "ada", "--set", "password=Sesame"}, "does not belong on a command line"},
		{[]string{"create", "a@example.com", "--set", `password="Sesame"`}, "does not belong on a command line"},
		{[]string{"replace", "ada"}, "needs --from"},
		{[]string{"delete", "ada"}, "--yes is required"},
		{[]string{"delete", "-"}, "delete - needs --yes"},
		{[]string{"lst"}, `unknown command "lst"`},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			r := e.Run(t, users.New, "", tc.args...)
			if r.Code != 64 || r.Failure == nil || !strings.Contains(r.Failure.Error(), tc.want) {
				t.Errorf("exit code %d, error %v; want 64 and %q", r.Code, r.Failure, tc.want)
			}
			if r.Out != "" {
				t.Errorf("printed %q", r.Out)
			}
		})
	}
	if calls := e.Calls(); len(calls) > 0 {
		t.Errorf("requests were sent: %q", calls)
	}
}

func TestFilterCaret(t *testing.T) {
	e := dirtest.New(t)
	r := e.Run(t, users.New, "", "list", "--filter", `userName xx "a"`)
	want := "  userName xx \"a\"\n           ^\n"
	if diff := cmp.Diff(want, r.Err); diff != "" {
		t.Errorf("stderr (-want +got):\n%s", diff)
	}
	// A program reads JSON on stderr, and only that.
	if r := e.Run(t, users.New, "", "list", "--filter", `userName xx "a"`, "-o", "json"); r.Err != "" || r.Code != 64 {
		t.Errorf("with -o json: stderr %q, exit code %d", r.Err, r.Code)
	}
}

func TestGet(t *testing.T) {
	e := people(t)
	strip := func(s string) string { // ids are random
		var out strings.Builder
		for line := range strings.Lines(s) {
			if !strings.HasPrefix(line, "ID ") && !strings.HasPrefix(line, "OCID ") {
				out.WriteString(line)
			}
		}
		return out.String()
	}
	golden(t, "get_card", strip(e.OK(t, users.New, "get", "BOB@example.com")))
	golden(t, "get_two", strip(e.OK(t, users.New, "show", "zoe@example.com", "ada@example.com")))
	if got := e.OK(t, users.New, "get", "ada@example.com", "--fields", "displayName", "-o", "json"); got != "{\n  \"displayName\": \"Ada Lovelace\"\n}\n" {
		t.Errorf("one user is %s", got)
	}
	id := strings.TrimSpace(e.OK(t, users.New, "get", "ada@example.com", "--fields", "id", "-o", "csv", "--no-headers"))
	if got := e.OK(t, users.New, "get", id, "-o", "name"); got != "ada@example.com\n" {
		t.Errorf("by id %q: %q", id, got)
	}
	if got := e.OK(t, users.New, "get", "ada@example.com", "--all-attributes", "-o", "json"); !strings.Contains(got, "creationMechanism") {
		t.Error("--all-attributes lacks creationMechanism, which is sent on request")
	}
	r := e.Run(t, users.New, "ada@example.com\n\nnobody\nbob@example.com\n", "get", "-", "-o", "name")
	if r.Code != 3 || r.Out != "ada@example.com\nbob@example.com\n" || !strings.Contains(r.Err, `error: get user "nobody": not found`) {
		t.Errorf("from stdin: exit code %d, %q, %q", r.Code, r.Out, r.Err)
	}
	if r := e.Run(t, users.New, "", "get", "nobody"); r.Code != 5 || r.Failure.Error() != `get user "nobody": not found` || r.Err != "" {
		t.Errorf("exit code %d, %v, %q", r.Code, r.Failure, r.Err)
	}
}

func TestAmbiguous(t *testing.T) {
	e := dirtest.New(t)
	one, two := dirtest.User("one", "A", "One"), dirtest.User("two", "B", "Two")
	for _, u := range []map[string]any{one.Attrs, two.Attrs} {
		u["emails"] = []any{map[string]any{"value": "shared@example.com", "type": "work", "primary": true}}
	}
	ids := e.Seed(t, one, two)
	r := e.Run(t, users.New, "", "get", "shared@example.com")
	if r.Code != 64 || !strings.Contains(r.Failure.Error(), ids[0]) || !strings.Contains(r.Failure.Error(), ids[1]) {
		t.Errorf("exit code %d, %v: want both candidates", r.Code, r.Failure)
	}
	e.Terminal = true
	e.Answers = []prompt.Answer{{Question: `which user "shared@example.com"`, Reply: "two (" + ids[1] + ")"}}
	if got := e.OK(t, users.New, "get", "shared@example.com", "-o", "name"); got != "two\n" {
		t.Errorf("chosen: %q", got)
	}
}
