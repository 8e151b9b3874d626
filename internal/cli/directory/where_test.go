package directory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/groups"
	"github.com/idctl/idctl/internal/cli/resources"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/pkg/idtest"
)

// staff are four users, of which two are in a group.
func staff(t *testing.T) *dirtest.Env {
	t.Helper()
	e := dirtest.New(t)
	docs := []idtest.Document{
		dirtest.User("ada@example.com", "Ada", "Lovelace"), dirtest.User("bob@example.com", "Bob", "Bauer"),
		dirtest.User("cy@example.com", "Cy", "Cyan"), dirtest.User("dee@example.com", "Dee", "Dunn"),
	}
	docs[0].Attrs["title"] = "Boss"
	docs[2].Attrs["active"] = false
	e.Seed(t, append(docs, dirtest.Group("Sales, EMEA", "ada@example.com", "cy@example.com"))...)
	return e
}

const readHere = "the service does not search by groups.display, "

func TestWhere(t *testing.T) {
	e := staff(t)
	for _, tc := range []struct {
		name   string
		args   []string
		want   string
		errOut string
	}{
		{"service", []string{"list", "--where", "title=boss or inactive"}, "ada@example.com cy@example.com", ""},
		{"here", []string{"list", "--where", "group='sales, emea'"}, "ada@example.com cy@example.com", readHere + "all users are read and matched here\n"},
		{"not here", []string{"list", "--where", "not group ^= Sales"}, "bob@example.com dee@example.com", readHere + "all users are read and matched here\n"},
		{"both", []string{"list", "--where", "active and group ~ emea"}, "ada@example.com", readHere + "the users it answers are read and matched here\n"},
		{"with a filter", []string{"list", "--filter", `userName sw "c"`, "--where", "has group"}, "cy@example.com", readHere + "the users it answers are read and matched here\n"},
		{"with a search", []string{"search", "Cy", "--where", "inactive"}, "cy@example.com", ""},
		{"limit", []string{"list", "--where", "group ~ sales", "--limit", "1"}, "ada@example.com", readHere + "all users are read and matched here\n1 of 2 users\n"},
		{"page", []string{"list", "--where", "group ~ sales", "--page", "last", "--page-size", "1"}, "cy@example.com", readHere + "all users are read and matched here\n2-2 of 2 users, page 2 of 2\n"},
		{"nobody", []string{"list", "--where", "group = nobody"}, "", readHere + "all users are read and matched here\n"},
		{"of today", []string{"list", "--where", "created < 1d and name ^= D"}, "dee@example.com", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := e.Run(t, users.New, "", append(tc.args, "-o", "name")...)
			if r.Failure != nil {
				t.Fatalf("%v\n%s", r.Failure, r.Err)
			}
			if diff := cmp.Diff([]string{tc.want, tc.errOut}, []string{strings.Join(strings.Fields(r.Out), " "), r.Err}); diff != "" {
				t.Errorf("stdout, stderr (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhereAsksForWhatItNeeds: the attribute that is matched here comes along,
// whatever is printed.
func TestWhereAsksForWhatItNeeds(t *testing.T) {
	e := staff(t)
	for _, format := range []string{"table", "wide", "csv", "json", "jsonl", "yaml"} {
		out := e.OK(t, users.New, "list", "--where", "group ~ emea and title = Boss", "-o", format)
		if !strings.Contains(out, "Lovelace") || strings.Contains(out, "Bauer") {
			t.Errorf("-o %s:\n%s", format, out)
		}
	}
	if got := e.OK(t, users.New, "list", "--where", "group ~ emea", "--fields", "title", "--no-headers", "-o", "csv"); got != "Boss\n\"\"\n" && got != "Boss\n\n" {
		t.Errorf("with --fields: %q", got)
	}
}

func TestExplain(t *testing.T) {
	e := staff(t)
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"service", []string{"list", "--where", "title=Boss", "--explain"}, "filter        title eq \"Boss\"\n"},
		{
			"both",
			[]string{"list", "--where", "title=Boss and group=A", "--filter", "active eq true", "--explain"},
			"filter        active eq true and title eq \"Boss\"\nmatched here  groups.display eq \"A\"\n",
		},
		{"here", []string{"list", "--where", "group=A", "--explain"}, "filter        none, everything is read\nmatched here  groups.display eq \"A\"\n"},
		{
			"own attribute",
			[]string{"list", "--where", "urn:ietf:params:scim:schemas:idcs:extension:custom:User:code=1", "--explain", "-o", "jsonl"},
			`{"filter":"urn:ietf:params:scim:schemas:idcs:extension:custom:User:code eq \"1\"","unsure":["urn:ietf:params:scim:schemas:idcs:extension:custom:User:code"]}` + "\n",
		},
		{"name", []string{"delete", "--where", "not has title", "--explain", "-o", "name"}, "not (title pr)\n"},
		{"filter alone", []string{"list", "--filter", `title  eq "a"`, "--explain"}, "filter        title eq \"a\"\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := e.Run(t, users.New, "", tc.args...)
			if r.Failure != nil || r.Err != "" {
				t.Fatalf("%v, stderr %q", r.Failure, r.Err)
			}
			if diff := cmp.Diff(tc.want, r.Out); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if calls := e.Calls(); len(calls) > 0 {
		t.Errorf("--explain sent %v", calls)
	}
}

func TestWhereMistakes(t *testing.T) {
	e := staff(t)
	for _, tc := range []struct {
		name   string
		args   []string
		want   string
		errOut string
	}{
		{"syntax", []string{"list", "--where", "title ="}, "--where: column 8: a value is expected", "  title =\n         ^\n"},
		{"json", []string{"list", "--where", "title =", "-o", "json"}, "--where: column 8", ""},
		{"unknown", []string{"search", "ada", "--where", "titel=a"}, `no attribute "titel"`, "  titel=a\n  ^\n"},
		{"empty", []string{"list", "--where", " "}, "the condition is empty", ""},
		{"name and condition", []string{"delete", "ada@example.com", "--where", "active", "--yes"}, "takes no more arguments", ""},
		{"neither", []string{"delete", "--yes"}, "needs <user>", ""},
		{"explain alone", []string{"delete", "a", "--explain"}, "--explain needs --where", ""},
		{"no terminal", []string{"delete", "--where", "active"}, "--yes is required", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := e.Run(t, users.New, "", tc.args...)
			if r.Code != cmdutil.ExitUsage || !strings.Contains(r.Failure.Error(), tc.want) || r.Err != tc.errOut {
				t.Errorf("code %d, %v, stderr %q", r.Code, r.Failure, r.Err)
			}
		})
	}
	if calls := e.Calls(); len(calls) > 0 {
		t.Errorf("sent %v", calls)
	}
}

func TestDeleteWhere(t *testing.T) {
	e := staff(t)
	all := func() string { return strings.Join(strings.Fields(e.OK(t, users.New, "list", "-o", "name")), " ") }

	e.Terminal, e.Answers = true, []prompt.Answer{{Question: "Delete 2 users?", Reply: "no"}}
	r := e.Run(t, users.New, "", "delete", "--where", "group ~ sales")
	if r.Failure == nil || len(r.Asked) != 1 || !strings.Contains(r.Asked[0], "Delete 2 users?") {
		t.Errorf("asked %v, %v", r.Asked, r.Failure)
	}
	if got, want := all(), "ada@example.com bob@example.com cy@example.com dee@example.com"; got != want {
		t.Errorf("after no: %s", got)
	}
	e.Answers = []prompt.Answer{{Question: "Delete 2 users?", Reply: "yes"}}
	if r = e.Run(t, users.New, "", "delete", "--where", "group ~ sales"); r.Failure != nil || !strings.Contains(r.Err, "deleted user Ada Lovelace") {
		t.Errorf("%v, stderr %q", r.Failure, r.Err)
	}
	if got, want := all(), "bob@example.com dee@example.com"; got != want {
		t.Errorf("after yes: %s", got)
	}
	e.Terminal = false
	r = e.Run(t, users.New, "", "delete", "--where", "name ^= Z", "--yes")
	if r.Failure != nil || r.Err != "no users meet the condition, nothing to delete\n" {
		t.Errorf("nobody: %v, stderr %q", r.Failure, r.Err)
	}
	r = e.Run(t, users.New, "", "delete", "--where", "name ^= B", "--yes", "-o", "name")
	if r.Failure != nil || r.Out != "bob@example.com\n" || r.Err != "1 user to delete\n" {
		t.Errorf("%v, stdout %q, stderr %q", r.Failure, r.Out, r.Err)
	}
	// Above the threshold the number itself has to be typed.
	for i := range prompt.TypedAbove + 1 {
		e.Seed(t, dirtest.User(strings.Repeat("x", i+1)+"@example.com", "X", "Many"))
	}
	e.Terminal, e.Answers = true, []prompt.Answer{{Question: "About to delete 21 users. Type 21 to go on", Reply: "20"}}
	r = e.Run(t, users.New, "", "delete", "--where", "family-name = many")
	if r.Failure == nil || !strings.Contains(r.Asked[0], "About to delete 21 users. Type 21") {
		t.Errorf("asked %v, %v", r.Asked, r.Failure)
	}
	e.Answers = []prompt.Answer{{Question: "About to delete 21 users. Type 21 to go on", Reply: "21"}}
	if r = e.Run(t, users.New, "", "delete", "--where", "family-name = many"); r.Failure != nil {
		t.Error(r.Failure)
	}
	if got, want := all(), "dee@example.com"; got != want {
		t.Errorf("left: %s", got)
	}
}

func TestWhereOnOtherTypes(t *testing.T) {
	e := staff(t)
	if got := e.OK(t, groups.New, "list", "--where", "has member and description = null", "-o", "name"); got != "Sales, EMEA\n" {
		t.Errorf("groups: %q", got)
	}
	if got := e.OK(t, resources.New, "list", "User", "--where", "title = Boss", "-o", "csv", "--fields", "name", "--no-headers"); got != "Ada Lovelace\n" {
		t.Errorf("resources: %q", got)
	}
}
