package cli_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/pkg/idtest"
)

// Secrets that TestNoSecretShows hands to idctl in every permitted way.
const (
	hushClient   = "client-hush-5e1c"
	hushRow      = "Pass-hush-Row-81!"
	hushBad      = "Pass-hush-Bad-82!"
	hushFile     = "Pass-hush-File-83!"
	hushDocument = "Pass-hush-Doc-84!"
	hushToken    = "token-hush-85c4"
	hushPhrase   = "phrase-hush-86d5"
	hushNext     = "Pass-hush-Next-87!"
	hushWeak     = "hush-weak-88"
	hushAnswer   = "answer-hush-89"
)

// verbs is a call of every verb there is, in an order in which each finds what
// it works on. $ID is the id of the user new@example.com. A blank separates
// arguments; a call that begins with ! is expected to fail.
var verbs = []string{
	"profile add prod --client-id admin --url $URL --secret-file secret.txt --use",
	"profile add spare --client-id admin --url $URL",
	"profile list", "profile show prod", "profile set spare timeout=20s", "profile use prod",
	"login --secret-file secret.txt", "profile move-secret prod --to age", "profile show prod", "login --secret-file secret.txt", "whoami", "version", "completion bash",
	"import template users", "import template groups",
	"!import check users.csv", "!import users users.csv --rejects rejects.csv --summary s.json --junit j.xml --verify --on-existing update",
	"import users good.csv --dry-run --plan-out p.plan", "import apply p.plan --summary s2.json --journal apply.journal",
	"import users good.csv --set-passwords --restart --route bulk", "import groups groups.csv",
	"<good.csv import users - --set-passwords",
	"export users --out users-out.csv", "export users -o json --all-attributes", "export groups --out groups-out.csv",
	"runs list", "runs show $RUN", "runs show $RUN --before -o jsonl", "runs prune --days 90 --yes",
	"users create new@example.com --family-name New --password-file password.txt", "users create --from user.json",
	"!users create new@example.com --family-name New --password-file password.txt",
	"users list", "users search new", "users get new@example.com --all-attributes -o json", "users groups new@example.com",
	"users update new@example.com --title Clerk", "users update new@example.com --title Boss --dry-run",
	"users replace doc@example.com --from user.json --yes",
	"groups create Temps --member new@example.com", "groups list", "groups search Temp", "groups get Temps",
	"groups update Temps --description x", "groups members add Temps doc@example.com", "groups members list Temps",
	"groups members set Temps new@example.com --yes", "groups members remove Temps new@example.com --yes",
	"groups replace Temps --from group.json --yes", "groups delete Temps --yes",
	"resources types", "resources schema User", "resources list User", "resources search User new", "resources get User $ID --all-attributes",
	"resources update User $ID --set title=Chief", "resources create Group --from group2.json", "resources replace Group $GROUP --from group2.json --yes",
	"resources delete Group $GROUP --yes",
	"api POST /admin/v1/Users --data @user2.json", "!api POST /admin/v1/Users --data @user2.json",
	"!api GET /admin/v1/Nothing?client_secret=" + hushClient,
	"!api GET /admin/v1/Users --header Authorization:" + hushToken,
	"!users invite new@example.com --yes", "users deactivate new@example.com", "users activate new@example.com",
	"users block new@example.com", "users unblock new@example.com", "users unlock new@example.com",
	"users reset-password new@example.com --yes", "users set-password new@example.com --password-file password2.txt",
	"users set-password new@example.com doc@example.com --generate --out passwords.csv", "users generate-password new@example.com --out suggestion.txt",
	"!users check-password new@example.com --password-file password3.txt", "users generate-username new@example.com",
	"users assert new@example.com -o json", "users why new@example.com", "users history new@example.com -o json",
	"mfa settings get", "mfa settings update --set securityQuestionsEnabled=true", "security-questions list", "security-questions get FirstPet",
	"security-questions update FirstPet --set active=true", "security-questions settings get", "security-questions settings update --set numQuestionsToSetup=1",
	"users update doc@example.com --set $ANSWER", "users security-questions list doc@example.com", "users factors list doc@example.com -o json",
	"bypass-codes generate doc@example.com --uses 1 --out codes.csv", "bypass-codes list -o json", "bypass-codes get $CODE", "bypass-codes notify doc@example.com --yes",
	"bypass-codes delete $CODE --yes", "users recovery-codes revoke doc@example.com --yes", "users devices list doc@example.com",
	"!users devices remove doc@example.com --device x --yes", "users trusted-agents list doc@example.com", "users trusted-agents remove doc@example.com --yes",
	"users social list doc@example.com", "users social remove doc@example.com --yes", "users factors remove doc@example.com --factor SMS --yes",
	"users security-questions remove doc@example.com --yes", "users reset-factors doc@example.com --yes",
	"users tokens create doc@example.com --kind db --password-file password.txt", "users tokens list doc@example.com -o json",
	"users tokens revoke doc@example.com --yes", "users capabilities doc@example.com --set canUseConsole=false",
	"password-policies list", "password-policies get PasswordPolicy", "password-policies create Strict --set minLength=9",
	"password-policies update Strict --set minLength=10", "password-policies priority Strict 2", "password-policies delete Strict --yes",
	"attributes define badge --max-length 4", "attributes list", "attributes check attributes.yaml", "attributes remove badge --yes",
	"mail-templates list --built-in", "mail-templates show welcome --built-in",
	"apps create Payroll --type confidential --grant client_credentials --out payroll.secret",
	"apps create Ledger --type resource --audience https://ledger.example.com --scope /read", "apps list -o json", "apps search Pay",
	"apps get Payroll --all-attributes -o json", "apps update Payroll --description Wages", "apps replace Payroll --from app.json --yes",
	"apps deactivate Ledger", "apps activate Ledger", "apps regenerate-secret Payroll --out payroll2.secret --yes",
	"app-roles create Ledger/Reader", "app-roles list --app Ledger", "app-roles search Reader", "app-roles get Ledger/Reader",
	"app-roles update Ledger/Reader --description x", "grants add Ledger/Reader --to new@example.com --to-app Payroll", "grants list Ledger",
	"grants explain new@example.com", "app-roles members Ledger/Reader", "apps access new@example.com", "grants revoke Ledger/Reader --from new@example.com --yes",
	"groups create Clerks", "groups assign Clerks --role Ledger/Reader", "users assign new@example.com --role Ledger/Reader --group Clerks",
	"users unassign new@example.com --role Ledger/Reader --group Clerks --yes", "groups unassign Clerks --role Ledger/Reader --yes",
	"admin-roles list", "admin-roles show $ROLE", "admin-roles grant $ROLE --to new@example.com",
	"admin-roles members", "admin-roles revoke $ROLE --from new@example.com --yes", "admin-roles matrix Users",
	"app-roles delete Ledger/Reader --yes", "apps deactivate Payroll", "apps delete Payroll --yes",
	"can create users",
	"dynamic-groups create Builders --rule x", "dynamic-groups list", "dynamic-groups search Build", "dynamic-groups get Builders",
	"dynamic-groups update Builders --description x", "dynamic-groups replace Builders --from dynamic.json --yes", "dynamic-groups delete Builders --yes",
	"users delete new@example.com --yes",
	"!users browse", "docs", "docs import", "help users", "help exit-codes", "exit-codes", "environment",
	"doctor", "doctor -o json", "logout --forget", "profile remove spare --yes",
}

// silentVerbs have no call above, each for a reason.
var silentVerbs = map[string]string{
	"token":  "printing the access token is what it is for",
	"server": "it hands out the credentials of its own service; server_test and its scripts look after them",
}

// TestNoSecretShows runs every verb as talkative as it can be and looks for the
// secrets that it knows in whatever comes out: stdout, stderr, journals, plans,
// summaries, reports, caches and the database. Permitted are the stores for
// secrets, which are private, and the rejects, which repeat their input and are
// private too.
func TestNoSecretShows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files are looked at")
	}
	t.Setenv("IDCTL_AGE_PASSPHRASE", hushPhrase)
	srv := idtest.New(t, idtest.WithCredentials("admin", hushClient))
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	inputs := secretInputs(t, dir)
	secret := hushed()
	places := map[string]string{"$URL": srv.URL, "$ROLE": "Audit Administrator"}
	seen := map[string]bool{}
	for _, local := range []bool{false, true} {
		for _, verb := range verbs {
			if local && (!strings.Contains(verb, "users") || strings.Contains(verb, "$")) {
				continue // the database is what is new there
			}
			run(t, dir, home, verb, local, places, secret)
			words := strings.Fields(strings.TrimLeft(verb, "!"))
			if strings.HasPrefix(words[0], "<") {
				words = words[1:]
			}
			for n := 1; n <= len(words); n++ {
				seen[strings.Join(words[:n], " ")] = true
			}
		}
	}
	for _, verb := range leaves() {
		noun, _, _ := strings.Cut(verb, " ")
		if !seen[verb] && silentVerbs[noun] == "" {
			t.Errorf("no call of %q: add one to verbs", verb)
		}
	}
	lookAtFiles(t, dir, home, inputs, secret)
}

// hushed matches every secret, in the forms in which one could get out.
func hushed() *regexp.Regexp {
	texts := []string{
		hushClient, hushRow, hushBad, hushFile, hushDocument, hushToken, hushPhrase, hushNext, hushWeak, hushAnswer,
		base64.StdEncoding.EncodeToString([]byte("admin:" + hushClient)),
	}
	for i, s := range texts {
		texts[i] = regexp.QuoteMeta(s)
	}
	return regexp.MustCompile(strings.Join(append(texts, `eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.`), "|"))
}

// secretInputs writes the files that the calls read.
func secretInputs(t *testing.T, dir string) []string {
	t.Helper()
	user := func(name string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `","name":{"familyName":"Doc"},` +
			`"emails":[{"value":"` + name + `","type":"work","primary":true}],"password":"` + hushDocument + `"}`
	}
	files := map[string]string{
		"secret.txt":    hushClient + "\n",
		"password.txt":  hushFile + "\n",
		"password2.txt": hushNext + "\n",
		"password3.txt": hushWeak + "\n",
		"users.csv": "User Name,Last Name,Work Email,Password\na@example.com,A,a@example.com," + hushRow + "\n" +
			"b@example.com,B,nope," + hushBad + "\nc@example.com,C,c@example.com," + hushRow + "\n",
		"good.csv": "User Name,Last Name,Work Email,Password\na@example.com,A,a@example.com," + hushRow + "\n" +
			"d@example.com,D,d@example.com," + hushRow + "\n",
		"groups.csv":      "Display Name,User Members\nAll,a@example.com\n",
		"user.json":       user("doc@example.com"),
		"user2.json":      user("doc2@example.com"),
		"attributes.yaml": "attributes: [{name: floor, type: integer}]\n",
		"dynamic.json":    `{"displayName":"Builders","matchingRule":"y"}`,
		"app.json": `{"displayName":"Payroll","basedOnTemplate":{"value":"CustomWebAppTemplateId"},"isOAuthClient":true,` +
			`"clientType":"confidential","allowedGrants":["client_credentials"],"active":true}`,
		"group.json":  `{"displayName":"Temps","members":[]}`,
		"group2.json": `{"displayName":"Others","members":[]}`,
	}
	var names []string
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// run makes one call and looks at what it says.
func run(t *testing.T, dir, home, verb string, local bool, places map[string]string, secret *regexp.Regexp) {
	t.Helper()
	text, fails := strings.CutPrefix(verb, "!")
	words := strings.Fields(text)
	stdin, piped := strings.CutPrefix(words[0], "<")
	if piped {
		words = words[1:]
	}
	for i, w := range words {
		switch w {
		case "$ID":
			w = ask(t, dir, home, "users", "get", "new@example.com", "--fields", "id", "-o", "csv", "--no-headers")
		case "$GROUP":
			w = ask(t, dir, home, "groups", "get", "Others", "--fields", "id", "-o", "csv", "--no-headers")
		case "$CODE":
			w = ask(t, dir, home, "bypass-codes", "list", "doc@example.com", "-o", "name")
		case "$ANSWER":
			w = `urn:ietf:params:scim:schemas:oracle:idcs:extension:securityQuestions:User:secQuestions=[{"value":"FirstPet","answer":"` + hushAnswer + `"}]`
		case "$RUN":
			w = strings.Fields(ask(t, dir, home, "runs", "list", "-o", "name"))[0]
		default:
			if v, ok := places[w]; ok {
				w = v
			}
		}
		words[i] = w
	}
	words = append(words, "-vv", "--trace-bodies", "--as-curl")
	env := os.Environ()
	if local {
		env = append(env, "IDCTL_PROFILE=local")
	}
	cmd := exec.CommandContext(t.Context(), "idctl", words...)
	cmd.Dir, cmd.Env = dir, append(env, "IDCTL_HOME="+home)
	if piped {
		in, err := os.Open(filepath.Join(dir, stdin))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = in.Close() }() // only read
		cmd.Stdin = in
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Fatal(err)
	case !local && (err != nil) != fails:
		t.Errorf("idctl %q (local %t): %v, want failure %t\n%s", words, local, err, fails, &out)
	}
	if at := secret.FindIndex(out.Bytes()); at != nil {
		t.Errorf("idctl %q (local %t) shows a secret:\n...%s...", words, local, around(out.Bytes(), at))
	}
}

// ask is a call whose answer is needed.
func ask(t *testing.T, dir, home string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "idctl", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "IDCTL_HOME="+home)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("idctl %q: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// lookAtFiles looks into everything that was written.
func lookAtFiles(t *testing.T, dir, home string, inputs []string, secret *regexp.Regexp) {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || slices.Contains(inputs, name) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		found[name] = true
		inHome := strings.HasPrefix(path, home)
		if inHome && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o: nobody else may read it", name, info.Mode().Perm())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		at := secret.FindIndex(data)
		switch {
		case name == "rejects.csv":
			if !bytes.Contains(data, []byte(hushBad)) || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o and repeats its input: %t; want 600 and true", name, info.Mode().Perm(), bytes.Contains(data, []byte(hushBad)))
			}
		case at == nil:
		case inHome && (strings.HasSuffix(name, "secrets.json") || strings.Contains(name, "tokens")):
		default:
			t.Errorf("%s holds a secret: ...%s...", name, around(data, at))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rejects.csv", "s.json", "s2.json", "j.xml", "p.plan", "apply.journal", "users-out.csv"} {
		if !found[name] {
			t.Errorf("%s was not written, so it was not looked at", name)
		}
	}
}

func around(b []byte, at []int) []byte { return b[max(0, at[0]-200):min(len(b), at[1]+40)] }

// leaves are the verbs of the command tree, such as "groups members add".
func leaves() []string {
	s, _, _, _ := iostreams.Test()
	root := cli.Tree(cli.Process{IO: s, GOOS: runtime.GOOS, Clock: time.Now, Env: func(string) (string, bool) { return "", false }})
	var out []string
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if !c.HasSubCommands() && c.Name() != "help" {
			out = append(out, strings.TrimPrefix(c.CommandPath(), "idctl "))
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return out
}
