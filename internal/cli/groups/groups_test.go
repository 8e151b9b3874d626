package groups_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/groups"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/pkg/idtest"
)

func team(t *testing.T) *dirtest.Env {
	t.Helper()
	e := dirtest.New(t)
	e.Seed(t,
		dirtest.User("ada@example.com", "Ada", "Lovelace"), dirtest.User("bob@example.com", "Bob", "Bauer"),
		dirtest.User("zoe@example.com", "Zoë", "Ünal"), dirtest.Group("Engineering", "ada@example.com", "bob@example.com"), dirtest.Group("Empty"))
	return e
}

func members(t *testing.T, e *dirtest.Env, group string) []string {
	t.Helper()
	list := strings.Fields(e.OK(t, groups.New, "members", "list", group, "-o", "name"))
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	return list
}

func TestListGroups(t *testing.T) {
	e := team(t)
	want := "Name         Description\nEmpty\nEngineering\n"
	if diff := cmp.Diff(want, e.OK(t, groups.New, "list")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := e.OK(t, groups.New, "search", "eng", "-o", "name"); got != "Engineering\n" {
		t.Errorf("search: %q", got)
	}
}

func TestCreateAndUpdate(t *testing.T) {
	e := team(t)
	if got := e.OK(t, groups.New, "create", "Ops", "--description", "Who run it", "--member", "ada@example.com", "--member", "ADA@example.com"); got != "Ops\n" {
		t.Errorf("printed %q", got)
	}
	if diff := cmp.Diff([]string{"ada@example.com"}, members(t, e, "Ops")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if r := e.Run(t, groups.New, "", "create", "ops"); r.Code != 6 {
		t.Errorf("taken name: exit code %d, want 6: %v", r.Code, r.Failure)
	}
	if r := e.Run(t, groups.New, "", "create", "X", "--member", "nobody"); r.Code != 5 {
		t.Errorf("unknown member: exit code %d, want 5: %v", r.Code, r.Failure)
	}
	if r := e.Run(t, groups.New, "", "get", "X"); r.Code != 5 {
		t.Errorf("the group was made although a member does not exist: %v", r.Failure)
	}
	r := e.Run(t, groups.New, "", "update", "Ops", "--name", "Operations", "--description", "")
	if r.Failure != nil || r.Err != "updated group Operations: remove description, replace displayName\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	if diff := cmp.Diff([]string{"ada@example.com"}, members(t, e, "operations")); diff != "" {
		t.Errorf("members after a new name (-want +got):\n%s", diff)
	}
	// A document without members would empty the group: get prints none.
	doc := "displayName: Operations\nexternalId: e1\n"
	if r = e.Run(t, groups.New, doc, "replace", "Operations", "--from", "-"); r.Code != 10 {
		t.Errorf("replace without members: exit code %d, want 10: %v", r.Code, r.Failure)
	}
	if diff := cmp.Diff([]string{"ada@example.com"}, members(t, e, "operations")); diff != "" {
		t.Errorf("members after a refusal (-want +got):\n%s", diff)
	}
	if r = e.Run(t, groups.New, doc+"members: []\n", "replace", "Operations", "--from", "-"); r.Failure != nil {
		t.Errorf("replace that says so: %v", r.Failure)
	}
	if got := members(t, e, "operations"); len(got) > 0 {
		t.Errorf("members left: %q", got)
	}
}

func TestMembers(t *testing.T) {
	e := team(t)
	want := "Name,Login\nAda Lovelace,ada@example.com\nBob Bauer,bob@example.com\n"
	if diff := cmp.Diff(want, e.OK(t, groups.New, "members", "list", "Engineering", "-o", "csv", "--fields", "name,login")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	steps := []struct {
		name, in string
		args     []string
		code     int
		err      string
		members  []string
	}{
		{
			name: "add", args: []string{"add", "Engineering", "zoe@example.com", "ada@example.com", "zoe@example.com"},
			err: "group Engineering: 1 added, 2 unchanged\n", members: []string{"ada@example.com", "bob@example.com", "zoe@example.com"},
		},
		{
			name: "add some", args: []string{"add", "Empty", "-"}, in: "nobody\nbob@example.com\n", code: 3,
			err:     "error: user \"nobody\": not found\ngroup Empty: 1 added, 1 failed\n",
			members: []string{"bob@example.com"},
		},
		{name: "remove without yes", args: []string{"remove", "Empty", "bob@example.com"}, code: 64, members: []string{"bob@example.com"}},
		{name: "remove stdin without yes", args: []string{"remove", "Empty", "-"}, in: "bob@example.com\n", code: 64, members: []string{"bob@example.com"}},
		{
			name: "remove", args: []string{"remove", "Empty", "bob@example.com", "ada@example.com", "--yes"},
			err: "group Empty: 1 removed, 1 unchanged\n",
		},
		{name: "unknown group", args: []string{"add", "Nothing", "ada@example.com"}, code: 5},
		{name: "only an unknown user", args: []string{"add", "Empty", "nobody"}, code: 5, err: "error: user \"nobody\": not found\ngroup Empty: 1 failed\n"},
		{
			name: "set with an unknown user", args: []string{"set", "Engineering", "ada@example.com", "nobody", "--yes"}, code: 5,
			members: []string{"ada@example.com", "bob@example.com", "zoe@example.com"},
		},
		{
			name: "set with nobody", args: []string{"set", "Engineering", "-", "--yes"}, code: 10,
			members: []string{"ada@example.com", "bob@example.com", "zoe@example.com"},
		},
		{
			name: "set without yes", args: []string{"set", "Engineering", "ada@example.com"}, code: 64,
			members: []string{"ada@example.com", "bob@example.com", "zoe@example.com"},
		},
		{
			name: "set", args: []string{"set", "Engineering", "-", "--yes"}, in: "zoe@example.com\nada@example.com\n",
			err: "group Engineering: 1 removed, 2 unchanged\n", members: []string{"ada@example.com", "zoe@example.com"},
		},
		{
			name: "set needs no yes to add", args: []string{"set", "Empty", "bob@example.com"},
			err: "group Empty: 1 added\n", members: []string{"bob@example.com"},
		},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			r := e.Run(t, groups.New, s.in, append([]string{"members"}, s.args...)...)
			if r.Code != s.code {
				t.Errorf("exit code %d, want %d: %v", r.Code, s.code, r.Failure)
			}
			if diff := cmp.Diff(s.err, r.Err); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if s.args[1] == "Nothing" {
				return
			}
			if diff := cmp.Diff(s.members, members(t, e, s.args[1])); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetAsks(t *testing.T) {
	e := team(t)
	e.Terminal = true
	e.Answers = []prompt.Answer{{Question: "Remove 1 member from group Engineering?", Reply: "n"}}
	if r := e.Run(t, groups.New, "", "members", "set", "Engineering", "ada@example.com"); r.Code == 0 {
		t.Error("declined and yet a success")
	}
	e.Answers = []prompt.Answer{{Question: "Remove ada@example.com from group Engineering?", Reply: "y"}}
	e.OK(t, groups.New, "members", "rm", "Engineering", "ada@example.com")
	e.Terminal = false
	if diff := cmp.Diff([]string{"bob@example.com"}, members(t, e, "Engineering")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

func crowd(t *testing.T, n int) (*dirtest.Env, []string) {
	t.Helper()
	e := dirtest.New(t)
	docs := make([]idtest.Document, 0, n+1)
	list := make([]string, 0, n)
	for i := range n {
		login := fmt.Sprintf("u%05d@example.com", i)
		docs, list = append(docs, dirtest.User(login, "U", fmt.Sprint(i))), append(list, login)
	}
	e.Seed(t, append(docs, dirtest.Group("All", list...))...)
	return e, list
}

// TestLargeGroup: more members than a page holds.
func TestLargeGroup(t *testing.T) {
	e, list := crowd(t, 2_100)
	if got := members(t, e, "All"); !slices.Equal(got, list) {
		t.Errorf("%d members came, want %d", len(got), len(list))
	}
}

// TestChunks: many changes go in several calls.
func TestChunks(t *testing.T) {
	e, list := crowd(t, 330)
	r := e.Run(t, groups.New, strings.Join(list[:80], "\n"), "members", "set", "All", "-", "--yes")
	if r.Failure != nil || r.Err != "group All: 250 removed, 80 unchanged\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	r = e.Run(t, groups.New, strings.Join(list, "\n"), "members", "add", "All", "-")
	if r.Failure != nil || r.Err != "group All: 250 added, 80 unchanged\n" {
		t.Errorf("%v, %q", r.Failure, r.Err)
	}
	if got := members(t, e, "All"); !slices.Equal(got, list) {
		t.Errorf("%d members, want %d", len(got), len(list))
	}
}

func TestUsage(t *testing.T) {
	e := dirtest.New(t)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"create"}, "needs <name> or --from"},
		{[]string{"create", ""}, "cannot be empty"},
		{[]string{"create", "a", "b"}, "put a name with blanks in quotes"},
		{[]string{"update", "a", "b", "--name", "c"}, "--name is for one group"},
		{[]string{"update", "a", "--name", ""}, "cannot be empty"},
		{[]string{"update", "a"}, "nothing to change"},
		{[]string{"members", "add"}, "needs <group>"},
		{[]string{"members", "add", "g"}, "at least 1 <user>"},
		{[]string{"members", "ad"}, `unknown command "ad"`},
		{[]string{"members", "list"}, "needs <group>"},
		{[]string{"delete", "g"}, "--yes is required"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			r := e.Run(t, groups.New, "", tc.args...)
			if r.Code != 64 || !strings.Contains(r.Failure.Error(), tc.want) {
				t.Errorf("exit code %d, error %v; want 64 and %q", r.Code, r.Failure, tc.want)
			}
		})
	}
	if calls := e.Calls(); len(calls) > 0 {
		t.Errorf("requests were sent: %q", calls)
	}
}
