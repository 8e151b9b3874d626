//go:build !windows

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The campaigns are end-to-end: real processes, real files, real signals. By
// default each makes a few runs, with -campaign many, with other seeds.
var (
	campaign     = flag.Bool("campaign", false, "run the long form of the campaigns")
	campaignSeed = flag.Uint64("campaign-seed", 1, "what the campaigns' accidents are drawn from")
)

// runs is how often a campaign repeats itself.
func runs() int {
	if *campaign {
		return 50
	}
	return 3
}

// limit bounds a process of a campaign: one that hangs is a failure.
const limit = 2 * time.Minute

// machine is a home of its own, in which processes run.
type machine struct {
	tb  testing.TB
	dir string
	env []string
}

// newMachine makes a home whose profile is local.
func newMachine(tb testing.TB) *machine {
	tb.Helper()
	dir := tb.TempDir()
	env := []string{}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "IDCTL_") {
			env = append(env, v)
		}
	}
	return &machine{tb: tb, dir: dir, env: append(env, "IDCTL_HOME="+filepath.Join(dir, "home"), "IDCTL_PROFILE=local")}
}

func (m *machine) path(elem ...string) string {
	return filepath.Join(append([]string{m.dir}, elem...)...)
}

func (m *machine) write(name, text string) string {
	m.tb.Helper()
	path := m.path(name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.tb.Fatal(err)
	}
	return path
}

// ended is what came of a process. A code of -1 means that a signal ended it.
type ended struct {
	args        []string
	code        int
	out, errOut string
	seconds     float64
	maxRSS      int64
}

func (e *ended) String() string {
	return fmt.Sprintf("idctl %s: exit code %d\n%s%s", strings.Join(e.args, " "), e.code, e.out, e.errOut)
}

// process is one on its way.
type process struct {
	m           *machine
	cmd         *exec.Cmd
	cancel      context.CancelFunc
	out, errOut bytes.Buffer
	began       time.Time
	args        []string
}

func (m *machine) start(args ...string) *process {
	m.tb.Helper()
	return m.launch(append([]string{"idctl"}, args...)...)
}

// launch starts any program. The machine's own folder is the working one.
func (m *machine) launch(argv ...string) *process {
	m.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	p := &process{m: m, cancel: cancel, args: argv[1:]}
	p.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	p.cmd.Dir, p.cmd.Env = m.dir, m.env
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errOut
	p.began = time.Now() // how long a run takes decides when the next is killed
	if err := p.cmd.Start(); err != nil {
		m.tb.Fatal(err)
	}
	return p
}

func (p *process) wait() *ended {
	p.m.tb.Helper()
	defer p.cancel()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.m.tb.Fatal(err)
	}
	return &ended{
		args: p.args, code: p.cmd.ProcessState.ExitCode(), out: p.out.String(), errOut: p.errOut.String(),
		seconds: time.Since(p.began).Seconds(), maxRSS: maxRSS(p.cmd.ProcessState),
	}
}

// kill ends the process with SIGKILL after a delay, if it still runs then.
func (p *process) kill(after time.Duration) *ended {
	p.m.tb.Helper()
	timer := time.AfterFunc(after, func() { _ = p.cmd.Process.Kill() }) // it may have ended
	defer timer.Stop()
	return p.wait()
}

func (m *machine) run(args ...string) *ended {
	m.tb.Helper()
	return m.start(args...).wait()
}

// must runs a command that has to succeed.
func (m *machine) must(args ...string) *ended {
	m.tb.Helper()
	e := m.run(args...)
	if e.code != 0 {
		m.tb.Fatalf("want exit code 0: %s", e)
	}
	return e
}

// person is a row of the campaigns' files, and what must be in the service.
type person struct{ name, given, family, title, department, manager string }

// people invents n users; every other one of the first half has a manager
// further down the file. The prefix keeps files apart.
func people(prefix string, n int) []person {
	all := make([]person, n)
	for i := range all {
		all[i] = person{
			name:  fmt.Sprintf("%s%05d@example.com", prefix, i),
			given: fmt.Sprintf("Given %d", i), family: fmt.Sprintf("O'Neill-%d", i),
			title: fmt.Sprintf("Title, %d", i%7), department: fmt.Sprintf("Dept %d", i%5),
		}
		if i < n/2 && i%2 == 0 {
			all[i].manager = fmt.Sprintf("%s%05d@example.com", prefix, i+n/2)
		}
	}
	return all
}

func csvOf(all []person) string {
	var b strings.Builder
	b.WriteString("User Name,First Name,Last Name,Title,Department,Work Email,Manager\n")
	for _, p := range all {
		fmt.Fprintf(&b, "%s,%s,%s,\"%s\",%s,%s,%s\n", p.name, p.given, p.family, p.title, p.department, p.name, p.manager)
	}
	return b.String()
}

// summary is the part of --summary that the campaigns look at.
type summary struct {
	Rows, Created, Updated, Unchanged, Skipped, Rejected, Failed, Unknown, Remaining, Writes int
}

func (m *machine) summary() summary {
	m.tb.Helper()
	data, err := os.ReadFile(m.path("summary.json"))
	if err != nil {
		m.tb.Fatal(err)
	}
	var s summary
	if err := json.Unmarshal(data, &s); err != nil {
		m.tb.Fatal(err)
	}
	return s
}

// complete checks a summary of a run that came to its end.
func (s summary) complete(tb testing.TB, rows int) {
	tb.Helper()
	if s.Rows != rows || s.Created+s.Updated+s.Unchanged != rows || s.Rejected+s.Failed+s.Unknown+s.Skipped+s.Remaining != 0 {
		tb.Errorf("summary does not add up to %d rows, all done: %+v", rows, s)
	}
}

// settled checks that the service has each person once, exactly as the file
// says, and nobody else.
func (m *machine) settled(want []person) {
	m.tb.Helper()
	type user struct {
		ID       string
		UserName string
		Title    string
		Name     struct{ GivenName, FamilyName string }
		Emails   []struct{ Value, Type string }
		Ext      struct {
			Department string
			Manager    struct{ Value string }
		} `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	}
	list := m.must("users", "list", "-o", "jsonl", "--rate", "1000")
	found := map[string]user{}
	names := map[string]string{} // by id
	dec := json.NewDecoder(strings.NewReader(list.out))
	for dec.More() {
		var u user
		if err := dec.Decode(&u); err != nil {
			m.tb.Fatal(err)
		}
		if _, twice := found[u.UserName]; twice {
			m.tb.Errorf("%s exists twice", u.UserName)
		}
		found[u.UserName], names[u.ID] = u, u.UserName
	}
	wrong := 0
	for _, p := range want {
		u, ok := found[p.name]
		got := person{u.UserName, u.Name.GivenName, u.Name.FamilyName, u.Title, u.Ext.Department, names[u.Ext.Manager.Value]}
		mails := 0
		for _, e := range u.Emails {
			if e.Type == "work" && e.Value == p.name {
				mails++
			}
		}
		if !ok || got != p || mails != 1 {
			if wrong++; wrong <= 3 {
				m.tb.Errorf("user %s: got %+v with %d work addresses, want %+v", p.name, got, mails, p)
			}
		}
	}
	if wrong > 0 || len(found) != len(want) {
		m.tb.Errorf("%d of %d users are not as in the file; the service has %d", wrong, len(want), len(found))
	}
}

// dice makes the accidents of one run repeatable.
func dice(run int) *rand.Rand {
	return rand.New(rand.NewPCG(*campaignSeed, uint64(run)))
}

// servers are started on a free port and found by their ready file.
type testServer struct {
	m     *machine
	p     *process
	args  []string
	ready string
}

func (m *machine) serve(args ...string) *testServer {
	m.tb.Helper()
	s := &testServer{m: m, ready: m.path("ready.json"), args: args}
	s.up("127.0.0.1:0")
	m.tb.Cleanup(func() {
		if s.p != nil {
			s.down()
		}
	})
	return s
}

// up starts the process and waits for its ready file, which says that it
// serves.
func (s *testServer) up(addr string) {
	s.m.tb.Helper()
	// A server that was killed leaves its file.
	if err := os.Remove(s.ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.m.tb.Fatal(err)
	}
	s.p = s.m.start(append([]string{"server", "--addr", addr, "--ready-file", s.ready}, s.args...)...)
	data, tick := []byte(nil), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for range limit / (5 * time.Millisecond) {
		var err error
		if data, err = os.ReadFile(s.ready); err == nil {
			break
		}
		<-tick.C
	}
	var r struct {
		URL          string `json:"url"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		s.m.tb.Fatalf("no server: %v\n%s", err, s.p.errOut.String())
	}
	s.m.env = append(s.m.env, "IDCTL_PROFILE=", "IDCTL_URL="+r.URL, "IDCTL_CLIENT_ID="+r.ClientID, "IDCTL_CLIENT_SECRET="+r.ClientSecret)
}

// down asks the server to stop: that is no error, and its ready file goes.
func (s *testServer) down() {
	s.m.tb.Helper()
	_ = s.p.cmd.Process.Signal(os.Interrupt) // it may have been killed
	if e := s.p.wait(); e.code != 0 {
		s.m.tb.Errorf("a server that was interrupted: %s", e)
	}
	if _, err := os.Stat(s.ready); !errors.Is(err, fs.ErrNotExist) {
		s.m.tb.Errorf("the ready file is still there: %v", err)
	}
	s.p = nil
}

// addr is where the server listens.
func (s *testServer) addr() string {
	for i := len(s.m.env) - 1; i >= 0; i-- {
		if a, ok := strings.CutPrefix(s.m.env[i], "IDCTL_URL=http://"); ok {
			return a
		}
	}
	s.m.tb.Fatal("no server was started")
	return ""
}

// crash kills the server and starts it again on the same port.
func (s *testServer) crash() {
	s.m.tb.Helper()
	addr := s.addr()
	_ = s.p.cmd.Process.Kill()
	s.p.wait()
	s.up(addr)
}
