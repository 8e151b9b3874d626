package users_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/cli/users"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/pkg/idtest"
)

const (
	userExt  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User"
	stateExt = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
)

// start is a state to start from, and how a user gets there.
type start struct {
	name string // in logins
	want string // what users get shows
	attr func(map[string]any)
}

func starts() []start {
	password := func(m map[string]any) { m["password"] = "Sesame-0pen-99" }
	list := []start{
		{"expired", "Expired invitation", func(map[string]any) {}}, // made before the others
		{"uninvited", "Not invited", func(m map[string]any) { m[userExt] = map[string]any{"bypassNotification": true} }},
		{"pending", "Pending invitation", func(map[string]any) {}},
		{"active", "Active", password},
		{"blocked", "Blocked", func(m map[string]any) { password(m); m["active"] = false }},
	}
	for reason, words := range []string{
		"failed sign-ins", "by an administrator", "failed password resets", "failed second factors",
		"failed second factors of a federated user", "failed database sign-ins",
	} {
		list = append(list, start{fmt.Sprintf("locked%d", reason), "Locked (" + words + ")", func(m map[string]any) {
			password(m)
			m[stateExt] = map[string]any{"locked": map[string]any{"on": true, "reason": reason, "lockDate": later().Format(time.RFC3339)}}
		}})
	}
	return list
}

// later is when everything but the expired invitations is made.
func later() time.Time { return dirtest.Now().Add(8 * 24 * time.Hour) }

// outcome is what an act comes to: the exit code, whether a request was sent,
// and the state afterwards, "" for gone and "=" for the one before.
type outcome struct {
	code  int
	sent  bool
	state string
}

// expected is the table of the client's side: states by acts.
func expected(state, act string) outcome {
	unregistered := state == "expired" || state == "uninvited" || state == "pending"
	locked := strings.HasPrefix(state, "locked")
	refused, already := outcome{10, false, "="}, outcome{0, false, "="}
	switch act {
	case "invite":
		if unregistered {
			return outcome{0, true, "Pending invitation"}
		}
		return refused
	case "activate":
		if state == "blocked" {
			return outcome{0, true, "Active"}
		}
		return already
	case "deactivate":
		if state == "blocked" {
			return already
		}
		return outcome{0, true, "Blocked"}
	case "block":
		switch state {
		case "active":
			return outcome{0, true, "Blocked"}
		case "blocked":
			return already
		}
		return refused
	case "unblock":
		switch state {
		case "blocked":
			return outcome{0, true, "Active"}
		case "active":
			return already
		}
		return refused
	case "unlock":
		if locked {
			return outcome{0, true, "Active"}
		}
		return already
	case "reset-password", "set-password":
		if state == "blocked" {
			if act == "set-password" {
				return outcome{0, true, "Blocked"}
			}
			return refused
		}
		return outcome{0, true, "Active"}
	}
	return outcome{0, true, ""} // delete
}

// TestStatesTimesActs walks all states times all acts through the commands, and
// looks at every state and both groups of them in lists (behaviour 43,
// behaviour 66, behaviour 68).
func TestStatesTimesActs(t *testing.T) {
	acts := []string{"invite", "activate", "deactivate", "block", "unblock", "unlock", "reset-password", "set-password", "delete"}
	var mu sync.Mutex
	now := dirtest.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	e := dirtest.New(t, idtest.WithClock(clock))
	e.Clock = clock
	seed := func(list []start) {
		var docs []idtest.Document
		for _, s := range list {
			for _, act := range acts {
				doc := dirtest.User(s.name+"."+act+"@example.com", "A", "B")
				s.attr(doc.Attrs)
				docs = append(docs, doc)
			}
		}
		e.Seed(t, docs...)
	}
	all := starts()
	seed(all[:1])
	mu.Lock()
	now = later()
	mu.Unlock()
	seed(all[1:])
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("Kx7-plum-Tr33-99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, act := range acts {
			t.Run(s.name+"/"+act, func(t *testing.T) {
				login := s.name + "." + act + "@example.com"
				if got := shownState(t, e, login); got != s.want {
					t.Fatalf("begins as %q, want %q", got, s.want)
				}
				args := []string{act, login, "--yes"}
				if act == "set-password" {
					args = append(args, "--password-file", file)
				}
				before := len(e.Writes())
				dry := e.Run(t, users.New, "", append(args, "--dry-run")...)
				if sent := len(e.Writes()) - before; sent > 0 {
					t.Errorf("the dry run sent %d requests", sent)
				}
				r := e.Run(t, users.New, "", args...)
				want := expected(s.name, act)
				sent := len(e.Writes()) - before
				if r.Code != want.code || (sent > 0) != want.sent || sent > 1 {
					t.Errorf("exit code %d, %d requests, want %+v; %v %s", r.Code, sent, want, r.Failure, r.Err)
				}
				if dry.Code != want.code {
					t.Errorf("the dry run ends with %d, want %d: %v", dry.Code, want.code, dry.Failure)
				}
				if would := strings.Contains(dry.Out, "would be"); would != want.sent {
					t.Errorf("the dry run says %q", dry.Out)
				}
				if want.state == "" {
					if r := e.Run(t, users.New, "", "get", login); r.Code != 5 {
						t.Errorf("is not gone: %v", r.Failure)
					}
					return
				}
				if want.state == "=" {
					want.state = s.want
				}
				if got := shownState(t, e, login); got != want.state {
					t.Errorf("ends as %q, want %q", got, want.state)
				}
				if want.code == 10 && !strings.Contains(fmt.Sprint(r.Failure), "the user ") {
					t.Errorf("the refusal %v does not say which state", r.Failure)
				}
			})
		}
	}
	// What lists show and select by is the same.
	for _, state := range lifecycle.Words() {
		got := strings.Fields(e.OK(t, users.New, "list", "--state", state, "-o", "name"))
		if len(got) == 0 {
			t.Errorf("--state %s lists nobody", state)
		}
		for _, login := range got {
			shown, ok := shownState(t, e, login), false
			for _, s := range lifecycle.Parse(state) {
				ok = ok || strings.HasPrefix(shown, string(s))
			}
			if !ok {
				t.Errorf("--state %s lists %s, who is %s", state, login, shown)
			}
		}
	}
	whole := len(strings.Fields(e.OK(t, users.New, "list", "-o", "name")))
	parts := len(strings.Fields(e.OK(t, users.New, "list", "--state", "pending,completed", "-o", "name")))
	if whole != parts {
		t.Errorf("%d users, %d of them in some state", whole, parts)
	}
}

// shownState is what users get shows.
func shownState(t *testing.T, e *dirtest.Env, login string) string {
	t.Helper()
	for line := range strings.Lines(e.OK(t, users.New, "get", login)) {
		if rest, ok := strings.CutPrefix(line, "Status "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "(not shown)"
}
