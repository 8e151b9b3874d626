//go:build !windows

package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// importer drives one import through any number of deaths.
type importer struct {
	*machine
	file  string
	args  []string
	kills int
}

func (i *importer) command(resume bool) []string {
	args := append([]string{"import", "users", i.file, "--summary", "summary.json", "-q"}, i.args...)
	if resume {
		args = append(args, "--resume")
	}
	return args
}

// begun says whether there is a journal to go on with.
func (i *importer) begun() bool {
	i.tb.Helper()
	found, err := filepath.Glob(i.path("home", "state", "runs", "*.journal"))
	if err != nil {
		i.tb.Fatal(err)
	}
	return len(found) > 0
}

// try starts or continues the import and kills it after a while; 0 lets it be.
func (i *importer) try(after time.Duration) *ended {
	i.tb.Helper()
	p := i.start(i.command(i.begun())...)
	if after == 0 {
		return p.wait()
	}
	e := p.kill(after)
	if e.code == -1 {
		i.kills++
	}
	return e
}

// finish continues until a run comes to its end. Only faults of the service
// may make it stop before, and they end.
func (i *importer) finish(tries int) {
	i.tb.Helper()
	for range tries {
		e := i.try(0)
		switch e.code {
		case 0:
			return
		case 64: // it had come to its end when the kill came, or had not begun
			if strings.Contains(e.errOut, "nothing to resume") {
				i.must(i.command(false)...)
				return
			}
			i.tb.Fatalf("not resumed: %s", e)
		case 7, 3:
			if tries > 1 {
				continue
			}
			fallthrough
		default:
			i.tb.Fatalf("not resumed: %s", e)
		}
	}
	i.tb.Fatalf("not finished after %d resumes", tries)
}

// again runs the file once more: there is nothing left to write.
func (i *importer) again(rows int) {
	i.tb.Helper()
	i.must(i.command(false)...)
	if s := i.summary(); s.Unchanged != rows || s.Rows != rows || s.Writes != 0 {
		i.tb.Errorf("a further run of the file: %+v", s)
	}
}

func routes() []string { return []string{"single", "bulk"} }

// TestCampaignKill kills imports into the profile local at any instant, and
// the resumed ones too.
func TestCampaignKill(t *testing.T) {
	all := people("kill", 300)
	for _, route := range routes() {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			whole := newMachine(t)
			e := whole.must("import", "users", whole.write("users.csv", csvOf(all)), "--route", route)
			kills, deaths := 0, [4]int{}
			for run := range runs() {
				rnd := dice(run)
				m := newMachine(t)
				i := &importer{machine: m, file: m.write("users.csv", csvOf(all)), args: []string{"--route", route}}
				for range 1 + rnd.IntN(3) {
					if i.try(time.Duration(rnd.Float64()*e.seconds*float64(time.Second))+1).code != -1 {
						break // it was faster than the kill
					}
				}
				deaths[i.kills]++
				kills += i.kills
				i.finish(1)
				i.summary().complete(t, len(all))
				i.settled(all)
				i.again(len(all))
				if t.Failed() {
					t.Fatalf("run %d with -campaign-seed %d", run, *campaignSeed)
				}
			}
			t.Logf("%d runs, %d kills; runs by number of kills %v", runs(), kills, deaths)
		})
	}
}

// TestCampaignFaults imports over the network from a service that throttles,
// fails, hangs up and dies, while the import itself is killed.
func TestCampaignFaults(t *testing.T) {
	all := people("fault", 150)
	for _, route := range routes() {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			kills, crashes := 0, 0
			for run := range runs() {
				rnd := dice(1000 + run)
				m := newMachine(t)
				args := []string{"--store", m.path("domain.db"), "--fault-seed", fmt.Sprint(1 + rnd.IntN(1000))}
				for _, f := range []string{
					"429:probability=0.03,retry-after=1,times=3", "429:probability=0.02,times=5", "503:probability=0.02,times=10",
					"500:probability=0.01,times=5", "drop:probability=0.02,times=10", "cut:probability=0.02,times=10",
					"latency:delay=20ms,probability=0.1",
				} {
					args = append(args, "--fault", f)
				}
				s := m.serve(args...)
				i := &importer{machine: m, file: m.write("users.csv", csvOf(all)), args: []string{"--route", route, "--rate", "1000", "--retries", "8"}}
				i.try(time.Duration(rnd.Float64() * float64(time.Second)))
				if run%3 != 1 {
					// The server dies under an import that is not killed.
					p := i.start(i.command(i.begun())...)
					timer := time.NewTimer(time.Duration(rnd.Float64() * float64(500*time.Millisecond)))
					<-timer.C
					s.crash()
					crashes++
					if e := p.wait(); e.code != 0 && e.code != 3 && e.code != 7 && (e.code != 64 || !strings.Contains(e.errOut, "nothing to resume")) {
						t.Errorf("the service died: %s", e)
					}
				}
				i.finish(6)
				kills += i.kills
				i.summary().complete(t, len(all))
				m.must("server", "faults", "--clear", "--ready-file", s.ready)
				i.settled(all)
				i.again(len(all))
				s.down()
				if t.Failed() {
					t.Fatalf("run %d with -campaign-seed %d", run, *campaignSeed)
				}
			}
			t.Logf("%d runs, %d kills of the import, %d of the server", runs(), kills, crashes)
		})
	}
}

// TestTwoProcesses: processes that work on the profile local at the same time
// are in nobody's way, except two imports of the same file.
func TestTwoProcesses(t *testing.T) {
	t.Run("list into delete", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		m.must("import", "users", m.write("users.csv", csvOf(people("pipe", 1000))), "--route", "bulk", "-q")
		e := m.launch("sh", "-c", "idctl users list -o name | idctl users delete - --yes -q").wait()
		if e.code != 0 {
			t.Fatal(e)
		}
		m.settled(nil)
	})
	t.Run("one file twice", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		all := people("twice", 60)
		s := m.serve("--store", m.path("domain.db"), "--fault", "latency:delay=500ms,method=POST,path=/admin/v1/Users")
		i := &importer{machine: m, file: m.write("users.csv", csvOf(all)), args: []string{"--concurrency", "2", "--route", "single", "--rate", "1000"}}
		first := i.start(i.command(false)...)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; !i.begun() && n < 4000; n++ {
			<-tick.C
		}
		for _, resume := range []bool{false, true} {
			if e := i.run(append(i.command(resume), "--summary", "second.json")...); e.code != 7 || !strings.Contains(e.errOut, ".journal") {
				t.Errorf("an import of a file that is being imported, resume %v: %s", resume, e)
			}
		}
		m.must("server", "faults", "--clear", "--ready-file", s.ready)
		if e := first.wait(); e.code != 0 {
			t.Error(e)
		}
		m.settled(all)
		s.down()
	})
	t.Run("two files", func(t *testing.T) {
		t.Parallel()
		m := newMachine(t)
		one, two := people("left", 300), people("right", 300)
		a := m.start("import", "users", m.write("left.csv", csvOf(one)), "-q")
		b := m.start("import", "users", m.write("right.csv", csvOf(two)), "-q", "--route", "bulk")
		for _, e := range []*ended{a.wait(), b.wait()} {
			if e.code != 0 {
				t.Error(e)
			}
		}
		m.settled(append(one, two...))
	})
}

// TestFullJournal: when the journal cannot grow nothing more is sent, and what
// was sent is known when there is room again.
func TestFullJournal(t *testing.T) {
	t.Parallel()
	all := people("full", 300)
	m := newMachine(t)
	s := m.serve("--store", m.path("domain.db"))
	i := &importer{machine: m, file: m.write("users.csv", csvOf(all)), args: []string{"--rate", "1000", "--route", "single"}}
	// ulimit counts blocks of 512 bytes in sh, of 1024 in bash.
	e := m.launch("sh", "-c", "ulimit -f 64; exec idctl "+strings.Join(i.command(false), " ")).wait()
	if e.code != 1 || !strings.Contains(e.errOut, ".journal") || !strings.Contains(e.errOut, "nothing more was sent") {
		t.Errorf("a full disk: %s", e)
	}
	i.finish(1)
	i.summary().complete(t, len(all))
	i.settled(all)
	i.again(len(all))
	s.down()
}

// TestNoRoom: output that has no place is an error that names it.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	all := people("room", 300)
	file := m.write("users.csv", csvOf(all))
	blocked := filepath.Join(m.write("blocker", "a file, no folder"), "below")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"journal": {[]string{"import", "users", file, "--journal", blocked}, 1, m.path("blocker")},
		"export":  {[]string{"export", "users", "--out", blocked}, 1, blocked},
		"server":  {[]string{"server", "--addr", "127.0.0.1:0", "--store", blocked}, 1, blocked},
		"ready":   {[]string{"server", "--addr", "127.0.0.1:0", "--ready-file", blocked}, 1, blocked},
		"plan":    {[]string{"import", "users", file, "--dry-run", "--plan-out", blocked}, 1, blocked},
	} {
		if e := m.run(c.args...); e.code != c.code || !strings.Contains(e.errOut, c.want) {
			t.Errorf("%s: want exit code %d and %q: %s", name, c.code, c.want, e)
		}
	}
	m.settled(nil)

	// The database of the profile local has no room: the service says so, the
	// rows are not done, and they are when there is room.
	i := &importer{machine: m, file: file}
	e := m.launch("sh", "-c", "ulimit -f 600; exec idctl "+strings.Join(i.command(false), " ")).wait()
	if e.code != 7 && e.code != 1 && e.code != 3 || !strings.Contains(e.errOut, "no space left") || !strings.Contains(e.errOut, "idctl.db") {
		t.Errorf("a full database: %s", e)
	}
	i.finish(1)
	i.settled(all)

	// An export that does not fit leaves what was there.
	s := m.serve("--store", m.path("home", "state", "local", "idctl.db"))
	m.write("out.csv", "the old one")
	e = m.launch("sh", "-c", "ulimit -f 8; exec idctl export users --out out.csv").wait()
	if old, err := os.ReadFile(m.path("out.csv")); e.code != 1 || !strings.Contains(e.errOut, "out.csv") || err != nil || string(old) != "the old one" {
		t.Errorf("an export that does not fit: %s\nand the file is %q, %v", e, old, err)
	}
	if left, err := filepath.Glob(m.path("*out.csv*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	m.must("export", "users", "--out", "out.csv")
	s.down()
}

// TestDamage: damaged files are errors that say so, and are left as they are.
func TestDamage(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	all := people("damage", 150)
	i := &importer{machine: m, file: m.write("users.csv", csvOf(all))}
	m.must(i.command(false)...)
	found, _ := filepath.Glob(m.path("home", "state", "runs", "*.journal"))
	if len(found) != 1 {
		t.Fatalf("journals: %v, want one", found)
	}
	journal := found[0]
	data, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	// Without its last line, which ends the run, it is that of a run that was
	// interrupted.
	damaged := append([]byte{}, data[:bytes.LastIndexByte(data[:len(data)-1], '\n')+1]...)
	copy(damaged[len(damaged)/2:], "\x00\xff\x00\xff damage")
	if err := os.WriteFile(journal, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, resume := range []bool{true, false} {
		e := m.run(i.command(resume)...)
		if e.code != 1 && e.code != 10 || !strings.Contains(e.errOut, filepath.Base(journal)) && resume {
			t.Errorf("a damaged journal, resume %v: %s", resume, e)
		}
	}
	if now, err := os.ReadFile(journal); err != nil || string(now) != string(damaged) {
		t.Errorf("the damaged journal was touched, %v", err)
	}
	m.must(append(i.command(false), "--restart")...)
	m.settled(all)

	db := m.path("home", "state", "local", "idctl.db")
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(db + suffix) // they may not be there
	}
	wrong := []byte("this is not a database, whatever its name says, " + strings.Repeat("x", 4096))
	if err := os.WriteFile(db, wrong, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := m.run("users", "list"); e.code != 1 || !strings.Contains(e.errOut, db) {
		t.Errorf("a damaged database: %s", e)
	}
	if now, err := os.ReadFile(db); err != nil || string(now) != string(wrong) {
		t.Errorf("the damaged database was touched, %v", err)
	}
}

// TestFlatMemory: ten times the rows take little more memory.
func TestFlatMemory(t *testing.T) {
	if !*campaign {
		t.Skip("with -campaign")
	}
	for _, route := range routes() {
		var peak [2]int64
		for k, n := range []int{2000, 20000} {
			m := newMachine(t)
			s := m.serve() // the memory of the service is its own
			e := m.must("import", "users", m.write("users.csv", csvOf(people("flat", n))), "--route", route, "--rate", "100000", "-q")
			out := m.must("export", "users", "--out", "out.csv", "--rate", "100000")
			s.down()
			t.Logf("%s, %d rows: import %.1f s, peak %d MB; export %.1f s, peak %d MB", route, n, e.seconds, e.maxRSS>>20, out.seconds, out.maxRSS>>20)
			peak[k] = max(e.maxRSS, out.maxRSS)
		}
		if grown := peak[1] - peak[0]; grown > 24<<20 {
			t.Errorf("route %s: ten times the rows take %d MB more", route, grown>>20)
		}
	}
}

// maxRSS is the most memory that a process had, in bytes.
func maxRSS(s *os.ProcessState) int64 {
	usage, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	unit := int64(1) // macOS counts in bytes
	if runtime.GOOS == "linux" {
		unit = 1 << 10
	}
	return int64(usage.Maxrss) * unit //nolint:unconvert // it is narrower on other systems
}
