package rights

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim/schema"
)

var update = flag.Bool("update", false, "write docs/roles.md")

// TestRolesDocument: the documentation shows the table of the code.
func TestRolesDocument(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "roles.md")
	want := rolesDocument()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("docs/roles.md is not what the table says (%v): run go test ./internal/rights -run RolesDocument -update", err)
	}
}

func rolesDocument() string {
	var b strings.Builder
	b.WriteString("# Administrator roles and their rights in the emulator\n\n" +
		"This page is made from the table in the code (`internal/rights`) by the test `TestRolesDocument` with `-update`; the\n" +
		"emulator asks the same table at every request.\n\n" +
		"The roles are those of the app `" + AppID + "` (" + AppDisplay + "), which a fresh domain has. Who holds one is settled by Grants\n" +
		"at the time of the request: a role that was revoked a moment ago counts no more. The token of a client carries the client's\n" +
		"roles; that of a user what user and client both hold, or all that the user holds where the client has the operation\n" +
		"`onBehalfOfUser`. A user holds roles directly or by group, and none while deactivated. The scope `urn:opc:idm:role.<Name>`\n" +
		"narrows a token to one role. Who lacks a right gets 403 before anything is looked up, in Bulk for each operation, and at\n" +
		"`/scim/v2` as at `/admin/v1`. The client with which the emulator starts holds " + IdentityDomainAdministrator + " by a grant.\n\n" +
		"## Roles\n\n| Role | For | Held by | May be limited to groups |\n| --- | --- | --- | --- |\n")
	for _, r := range Roles() {
		by, limited := "clients", ""
		if r.Admin {
			by = "users, groups, clients"
		}
		if r.Limited {
			limited = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Name, r.Description, by, limited)
	}
	b.WriteString("\nThose for clients alone are named by the documents and have no row of their own: here they open nothing.\n\n" +
		"## Rights\n\n" +
		"A: everything. r: read. r1: read by id only. P: POST only. A dash: nothing. The sources: the vendor's page\n" +
		"RequiredRolePerEndpointExt, or nobody, and then it is a guess. Endpoints with a blank in their name, and others that the\n" +
		"emulator does not serve, are here for completeness.\n\n| Endpoint |")
	short := []string{"IDA", "Security", "Application", "User", "Manager", "Help Desk", "Audit"}
	for _, s := range short {
		b.WriteString(" " + s + " |")
	}
	b.WriteString(" Source |\n| --- |" + strings.Repeat(" --- |", len(short)+1) + "\n")
	for _, row := range Rows() {
		source := row.Source
		if source == documented {
			source = "documented"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.Endpoint, strings.ReplaceAll(strings.ReplaceAll(row.Marks, " ", " | "), "+", ", "), source)
	}
	b.WriteString("\nWhat begins with `Me` or `My` is every user's own, whatever roles the user has; of clients, only an " + IdentityDomainAdministrator + "\n" +
		"may ask, and owns nothing there.\n\n" +
		"## Roles limited to groups\n\n" +
		UserManager + " and " + HelpDeskAdministrator + " may be limited to the members of some groups. How the real service takes the\n" +
		"limit is not published. Here it is a Grant to a user with `grantMechanism` `ADMINISTRATOR_TO_DELEGATED_USER` and\n" +
		"`grantedAttributeValuesJson` `{\"groups\":[\"<id>\"]}`; one that limits nothing is refused. The user then sees and changes these\n" +
		"groups and their members, and nothing else: lists show no more, and what is out of reach answers 403 whether it exists or not.\n" +
		"Creating users, drawing others into a group, apps and audit events are out of reach. The limits are shown in the user's\n" +
		"`idcsAppRolesLimitedToGroups`, on request.\n")
	return b.String()
}

func TestMarks(t *testing.T) {
	for mark, want := range map[string]schema.Verb{
		"A": All, "r": Read, "r1": schema.VerbGet, "P": schema.VerbCreate, "PUT": schema.VerbPut, "-": 0,
		"r+PATCH": Read | schema.VerbPatch,
	} {
		if got, err := parseMark(mark); err != nil || got != want {
			t.Errorf("%s: %v, %v", mark, got, err)
		}
	}
	for _, mark := range []string{"", "a", "r2", "A+", "rA"} {
		if _, err := parseMark(mark); err == nil {
			t.Errorf("%q is taken", mark)
		}
	}
}

// TestRows: every row can be read, and no endpoint has two.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Rows() {
		if _, err := parseRow(row); err != nil || seen[row.Endpoint] {
			t.Errorf("%s: %v, seen before %t", row.Endpoint, err, seen[row.Endpoint])
		}
		seen[row.Endpoint] = true
	}
	if _, err := parseRow(Row{"Users", "A A", documented}); err == nil {
		t.Error("a row of two columns is taken")
	}
	if _, err := parseRow(Row{"Users", "A A A A A A x", documented}); err == nil {
		t.Error("an unknown mark is taken")
	}
	var table Table
	if got := table.Who("None", schema.VerbGet); got != 0 {
		t.Errorf("an endpoint without a row is open to %b", got)
	}
}

func TestRoles(t *testing.T) {
	var admins, limited []string
	for _, r := range Roles() {
		if found, ok := ByName(r.Name); !ok || found != r {
			t.Errorf("%s is not found", r.Name)
		}
		if len(r.ID()) != 32 || r.UniqueName() != "IDCSAppId_"+r.Name {
			t.Errorf("%s: id %s, uniqueName %s", r.Name, r.ID(), r.UniqueName())
		}
		if r.Limited {
			limited = append(limited, r.Name)
		}
	}
	for _, r := range Admins() {
		admins = append(admins, r.Name)
	}
	if diff := cmp.Diff([]string{
		"Identity Domain Administrator", "Security Administrator", "Application Administrator", "User Administrator",
		"User Manager", "Help Desk Administrator", "Audit Administrator",
	}, admins); diff != "" {
		t.Errorf("administrators (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{UserManager, HelpDeskAdministrator}, limited); diff != "" {
		t.Errorf("limited (-want +got):\n%s", diff)
	}
	if _, ok := ByName("user manager"); ok {
		t.Error("names are exact")
	}
	if got := Names(Admins()[0].Bit() | Admins()[4].Bit()); got != "Identity Domain Administrator or User Manager" {
		t.Error(got)
	}
}
