package cli_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// Secrets that TestNoMadeSecretShows plants beside those the service makes.
const (
	hushUserDB = "Pass-hush-Db-90!"
	hushSeed   = "NB2XG2DTMVSWIMJS" // of a device, in base 32
	hushTrust  = "trust-hush-91f2"
)

// handedOut are calls by which the service makes secrets, and the columns of
// the file in which the command hands them out; without a heading the file is
// the secret.
var handedOut = []struct{ call, file, column string }{
	{"users set-password bob@example.com --generate", "one.txt", ""},
	{"users set-password ada@example.com bob@example.com --generate", "passwords.csv", "password"},
	{"users generate-password bob@example.com", "suggestion.txt", ""},
	{"bypass-codes generate ada@example.com --count 2", "codes.csv", "code"},
	{"bypass-codes generate --where family-name=F --yes", "all-codes.csv", "code"},
	{"users tokens create bob@example.com --kind auth-token --description CI", "auth-token.csv", "secret"},
	{"users tokens create bob@example.com --kind customer-secret-key --name store", "store.csv", "secret"},
	{"users tokens create bob@example.com --kind smtp", "smtp.csv", "secret"},
	{"users tokens create bob@example.com --kind oauth2-client --name nightly --audience https://payroll.example.com --scope /read", "client.csv", "secret"},
}

// callsBefore and callsAfter are calls that hand nothing out, before and after the secrets are
// there.
var callsBefore = []string{
	"server seed people.json",
	"users create cy@example.com --family-name Cy --invite", "users invite cy@example.com --yes",
	"users create dee@example.com --family-name Dee --password-file password.txt",
	"users set-password dee@example.com --password-file password2.txt",
	"users reset-password dee@example.com --yes",
	"users tokens create bob@example.com --kind db --password-file db.txt",
}

var callsAfter = []string{
	"bypass-codes notify ada@example.com --yes", "bypass-codes list", "bypass-codes list -o json", "bypass-codes list -o yaml",
	"users get ada@example.com bob@example.com dee@example.com --all-attributes -o json", "users list --all-attributes -o jsonl",
	"users get ada@example.com -o wide", "export users -o json --all-attributes", "export users",
	"users factors list ada@example.com -o json", "users devices list ada@example.com -o json", "users trusted-agents list ada@example.com -o json",
	"users tokens list bob@example.com -o json", "users tokens list bob@example.com -o wide", "users history bob@example.com -o json",
	"users why dee@example.com -o json", "users security-questions list ada@example.com -o json",
	"resources list Device -o json --all-attributes", "resources list AuthToken -o json --all-attributes",
	"resources list CustomerSecretKey -o json --all-attributes", "resources list SmtpCredential -o json --all-attributes",
	"resources list OAuth2ClientCredential -o json --all-attributes", "resources list UserDbCredential -o json --all-attributes",
	"server outbox", "server outbox -o json", "server outbox -o wide", "server log", "server log -o json", "server status -o json",
	"runs list", "runs list -o json", "users recovery-codes revoke ada@example.com --yes", "users tokens revoke bob@example.com --yes",
	"users reset-factors ada@example.com --type all --yes", "users delete dee@example.com --yes",
}

// TestNoMadeSecretShows: passwords, codes, tokens of links and credentials,
// planted or made by the service, are in the files in which they are handed
// out and nowhere else: not in what other commands print, at the highest level
// of the log, in journals, in the log of requests, in the list of mails, in the
// log of the service, or in its database.
//
// resources and api print documents as the service gives them, a bypass code
// and the secret of an app included: that is what they are for.
func TestNoMadeSecretShows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files are looked at")
	}
	s := startMaking(t)
	s.known(hushClient, hushFile, hushNext, hushUserDB, hushSeed, hushTrust)
	for _, call := range callsBefore {
		s.call(call)
	}
	for _, h := range handedOut {
		s.call(h.call + " --out " + h.file)
		s.known(s.column(h.file, h.column)...)
	}
	for _, call := range callsAfter {
		s.call(call)
	}
	links := s.links()
	if len(links) < 3 {
		t.Errorf("%d links were mailed, want an invitation, its replacement and a reset", len(links))
	}
	s.known(links...)
	s.look()
}

// making is a service with its database, and what was said meanwhile.
type making struct {
	t       *testing.T
	dir     string
	env     []string
	service *emulator.Service
	url     string
	log     *lockedBuffer
	stop    func()
	said    map[string]string // by call
	secrets []string
	allowed []string // files that hold secrets
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func startMaking(t *testing.T) *making {
	t.Helper()
	s := &making{t: t, dir: t.TempDir(), log: &lockedBuffer{}, said: map[string]string{}}
	user := func(name, id string) string {
		return `{"type":"User","bulkId":"` + id + `","document":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `",
			"name":{"familyName":"F"},"emails":[{"value":"` + name + `","type":"work","primary":true}]}}`
	}
	device := func(of string) string {
		return `{"type":"Device","document":{"user":{"value":"bulkId:` + of + `"},"displayName":"a phone","seed":"` + hushSeed + `",
			"authenticationFactors":[{"type":"TOTP"}]}}`
	}
	for name, text := range map[string]string{
		"password.txt": hushFile, "password2.txt": hushNext, "db.txt": hushUserDB,
		"people.json": "[" + user("ada@example.com", "ada") + "," + user("bob@example.com", "bob") + "," + device("ada") + "," + device("bob") + `,
			{"type":"TrustedUserAgent","document":{"user":{"value":"bulkId:ada"},"name":"a browser","tokenType":"TRUSTED","trustToken":"` + hushTrust + `"}}]`,
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.allowed = append(s.allowed, name)
	}
	st, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "domain.db"))
	if err != nil {
		t.Fatal(err)
	}
	s.service, err = emulator.New(t.Context(), emulator.Options{
		Store: st, Clock: wallClock{}, ClientID: "admin", ClientSecret: hushClient, PasswordCost: 1,
		Log: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug - 8})),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.service.Handler())
	s.url = srv.URL
	s.stop = sync.OnceFunc(func() {
		srv.Close()
		if err := errors.Join(s.service.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	key := s.service.Credentials().ControlKey
	s.env = append(os.Environ(), "IDCTL_HOME="+filepath.Join(s.dir, "home"), "IDCTL_URL="+srv.URL, "IDCTL_CLIENT_ID=admin",
		"IDCTL_CLIENT_SECRET="+hushClient, "IDCTL_CONTROL_KEY="+key)
	s.known(key)
	return s
}

// call runs idctl as talkative as it can be and keeps what it says.
func (s *making) call(line string) {
	s.t.Helper()
	args := append(strings.Fields(line), "-vv", "--trace-bodies", "--as-curl")
	cmd := exec.CommandContext(s.t.Context(), "idctl", args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	s.said[line] = string(out)
	if err != nil {
		s.t.Errorf("idctl %s: %v\n%s", line, err, out)
	}
}

func (s *making) known(secrets ...string) {
	s.t.Helper()
	for _, secret := range secrets {
		if len(secret) < 8 {
			s.t.Errorf("a secret of %d characters says nothing", len(secret))
		}
		s.secrets = append(s.secrets, secret)
	}
}

// column reads what was handed out.
func (s *making) column(file, name string) []string {
	s.t.Helper()
	s.allowed = append(s.allowed, file)
	data, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	if name == "" {
		return []string{strings.TrimSpace(string(data))}
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(rows) < 2 {
		s.t.Fatalf("%s has %d rows: %v", file, len(rows), err)
	}
	at := slices.Index(rows[0], name)
	if at < 0 {
		s.t.Fatalf("%s has the columns %q", file, rows[0])
	}
	var out []string
	for _, r := range rows[1:] {
		out = append(out, r[at])
	}
	return out
}

// links are the tokens of all links in the mails, as their readers get them.
func (s *making) links() []string {
	s.t.Helper()
	mails, _, err := s.service.Outbox(s.t.Context(), "", 0)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, m := range mails {
		full, err := s.service.Mail(s.t.Context(), s.url, m.ID, "")
		if err != nil {
			s.t.Fatal(err)
		}
		u, err := url.Parse(full.Link)
		if err != nil {
			s.t.Fatal(err)
		}
		if token := u.Query().Get("token"); token != "" {
			out = append(out, token)
		}
	}
	return out
}

// look looks for all secrets in all places.
func (s *making) look() {
	s.t.Helper()
	s.stop() // what the database keeps in memory is in its files now
	var forms []string
	for _, secret := range s.secrets {
		quoted, err := json.Marshal(secret)
		if err != nil {
			s.t.Fatal(err)
		}
		forms = append(forms, regexp.QuoteMeta(secret), regexp.QuoteMeta(strings.Trim(string(quoted), `"`)), regexp.QuoteMeta(url.QueryEscape(secret)))
	}
	secret := regexp.MustCompile(strings.Join(forms, "|") + `|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.`)
	for call, out := range s.said {
		if at := secret.FindStringIndex(out); at != nil {
			s.t.Errorf("idctl %s shows a secret:\n...%s...", call, around([]byte(out), at))
		}
	}
	if at := secret.FindIndex(s.log.Bytes()); at != nil {
		s.t.Errorf("the service's log holds a secret: ...%s...", around(s.log.Bytes(), at))
	}
	seen := map[string]bool{}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[filepath.ToSlash(filepath.Dir(name))], seen[name] = true, true
		if name == "domain.db" && !bytes.Contains(data, []byte("ada@example.com")) {
			s.t.Errorf("%s holds nobody, so it is not the database", name)
		}
		at := secret.FindIndex(data)
		switch allowed := slices.Contains(s.allowed, name) || strings.Contains(name, "tokens"); {
		case allowed && info.Mode().Perm()&0o077 != 0:
			s.t.Errorf("%s has mode %o: nobody else may read it", name, info.Mode().Perm())
		case !allowed && at != nil:
			s.t.Errorf("%s holds a secret: ...%q...", name, around(data, at))
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, place := range []string{"domain.db", "home/state/runs"} {
		if !seen[place] {
			s.t.Errorf("%s is not there, so it was not looked at: %v", place, seen)
		}
	}
}
