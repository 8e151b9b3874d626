//go:build !windows

package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// initiated counts by user how often an invitation was sent by command, as the
// service's audit tells.
func (m *machine) initiated() map[string]int {
	m.tb.Helper()
	e := m.must("resources", "list", "AuditEvent", "--filter", `eventId eq "admin.user.activation.initiate.success"`, "-o", "jsonl")
	sent := map[string]int{}
	for line := range strings.Lines(e.out) {
		var ev struct {
			ID string `json:"adminResourceId"`
		}
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			m.tb.Fatal(err)
		}
		sent[ev.ID]++
	}
	return sent
}

// TestCampaignKillActs kills runs of an act that must not be done twice, at any
// instant, and continues them: nobody gets two invitations, and whoever got
// none is reported as unknown.
func TestCampaignKillActs(t *testing.T) {
	const users = 120
	all := people("act", users)
	act := []string{"users", "invite", "--where", "userName ^= act", "--yes", "-q", "-o", "jsonl"}
	kills := 0
	for run := range runs() {
		rnd := dice(run)
		m := newMachine(t)
		m.must("import", "users", m.write("users.csv", csvOf(all)), "-q")
		p := m.start(act...)
		// A whole run takes about a second; most kills are in the middle.
		if e := p.kill(time.Duration((0.1 + 0.6*rnd.Float64()) * float64(time.Second))); e.code == -1 {
			kills++
		}
		begun := len(m.initiated()) > 0
		e := m.run(append(act, "--resume")...)
		if e.code == 64 { // it had not begun, or had come to its end
			if e = m.run(act...); e.code == 0 && begun {
				continue // the first run was faster than the kill: this is a second one
			}
		}
		if e.code != 0 && e.code != 3 {
			t.Fatalf("run %d: %s", run, e)
		}
		unknown, told := map[string]bool{}, 0
		for line := range strings.Lines(e.out) {
			var o struct{ ID, Result string }
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			told++
			unknown[o.ID] = o.Result == "unknown"
		}
		sent := m.initiated()
		for id, isUnknown := range unknown {
			if n := sent[id]; n > 1 || n == 0 && !isUnknown {
				t.Errorf("run %d: %s got %d invitations, unknown %t", run, id, n, isUnknown)
			}
		}
		if told != users || len(sent) > users {
			t.Errorf("run %d: %d users told, %d invited, of %d", run, told, len(sent), users)
		}
		if t.Failed() {
			t.Fatalf("%s", e)
		}
	}
	t.Logf("%d kills in %d runs", kills, runs())
}
