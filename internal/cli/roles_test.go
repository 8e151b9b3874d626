package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
)

// The seven administrator roles, in the order of the letters below.
var sevenRoles = []string{
	"Identity Domain Administrator", "Security Administrator", "Application Administrator", "User Administrator",
	"User Manager", "Help Desk Administrator", "Audit Administrator",
}

// roleCommands are commands with the roles that may: D for the Identity
// Domain Administrator, S security, A application, U user, M user manager, H
// help desk, R audit (reports). It was written from the vendor's table, not
// from the one in the program. $ADA is the id of a user, $N differs from role
// to role.
var roleCommands = []struct{ command, may string }{
	{"users list", "DSAUMR"},
	{"users get $ADA", "DSAUMHR"},
	{"users create $N@example.com --family-name New --no-invite", "DUM"},
	{"users update $ADA --title $N", "DUM"},
	{"users reset-password $ADA --yes", "DUMH"},
	{"groups list", "DSAUMR"},
	{"groups create $N", "DU"},
	{"apps list", "DSAU"},
	{"apps create $N --type resource --audience https://$N.example.com", "DSA"},
	{"apps activate Payroll", "DSAU"}, // active already: nothing but a look
	{"apps deactivate $R", "DA"},
	{"apps regenerate-secret Payroll --yes --out $N.secret", "DSA"},
	{"app-roles list", "DAU"},
	{"app-roles create Payroll/$N", "DA"},
	{"grants list", "DAU"},
	{"grants add Payroll/Approver --to-app $R", "DAU"},
	{"password-policies list", "DS"},
	{"resources list AuditEvent --limit 1", "DSAUR"},
}

// TestRolesThroughCommands walks the seven roles through commands: what a role
// may not do ends with exit code 4 and a sentence that names a role that may.
func TestRolesThroughCommands(t *testing.T) {
	srv := idtest.New(t)
	dir := t.TempDir()
	master := []string{"IDCTL_HOME=" + filepath.Join(dir, "master"), "IDCTL_URL=" + srv.URL, "IDCTL_CLIENT_ID=" + srv.ClientID, "IDCTL_CLIENT_SECRET=" + srv.ClientSecret}
	t.Chdir(dir)
	must := func(args ...string) string {
		t.Helper()
		code, out, stderr := unattended(t, "null", master, args...)
		if code != 0 {
			t.Fatalf("idctl %q: exit code %d\n%s", args, code, stderr)
		}
		return strings.TrimSpace(out)
	}
	must("users", "create", "ada@example.com", "--family-name", "Lovelace", "--no-invite")
	ada := must("users", "get", "ada@example.com", "--fields", "id", "-o", "csv", "--no-headers")
	must("apps", "create", "Payroll", "--type", "confidential", "--grant", "client_credentials", "--no-secret")
	must("app-roles", "create", "Payroll/Approver")
	for i, role := range sevenRoles {
		letter := string("DSAUMHR"[i])
		t.Run(role, func(t *testing.T) {
			name := "role-" + strings.ToLower(letter)
			must("apps", "create", name, "--type", "confidential", "--grant", "client_credentials", "--out", name+".key")
			must("apps", "create", name+"-off", "--type", "confidential", "--grant", "client_credentials", "--no-secret")
			must("admin-roles", "grant", role, "--to-app", name)
			secret, err := os.ReadFile(filepath.Join(dir, name+".key"))
			if err != nil {
				t.Fatal(err)
			}
			env := []string{
				"IDCTL_HOME=" + filepath.Join(dir, name), "IDCTL_URL=" + srv.URL, "IDCTL_CLIENT_SECRET=" + strings.TrimSpace(string(secret)),
				"IDCTL_CLIENT_ID=" + must("apps", "get", name, "--fields", "clientid", "-o", "csv", "--no-headers"),
			}
			places := strings.NewReplacer("$ADA", ada, "$N", name+"-new", "$R", name+"-off")
			for _, c := range roleCommands {
				args := strings.Fields(places.Replace(c.command))
				code, _, stderr := unattended(t, "null", env, args...)
				if strings.Contains(c.may, letter) {
					if code != 0 {
						t.Errorf("idctl %q: exit code %d, want 0\n%s", args, code, stderr)
					}
					continue
				}
				named := slices.ContainsFunc(sevenRoles, func(r string) bool {
					return strings.Contains(c.may, string("DSAUMHR"[slices.Index(sevenRoles, r)])) && strings.Contains(stderr, r)
				})
				if code != 4 || !named {
					t.Errorf("idctl %q: exit code %d, a role is named: %t; want 4 and true\n%s", args, code, named, stderr)
				}
			}
			for question, may := range map[string]string{"create users": "DUM", "update groups": "DUM", "create grants": "DAU", "list audit-events": "DSAUR"} {
				want := 4
				if strings.Contains(may, letter) {
					want = 0
				}
				args := append([]string{"can"}, strings.Fields(question)...)
				if code, _, stderr := unattended(t, "null", env, args...); code != want {
					t.Errorf("idctl %q: exit code %d, want %d\n%s", args, code, want, stderr)
				}
			}
		})
	}
}
