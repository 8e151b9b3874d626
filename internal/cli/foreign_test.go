package cli_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// serversEnv names the folder into which .ci/scim-servers installed the servers
// that others wrote.
const serversEnv = "IDCTL_SCIM_SERVERS"

// foreignServers are SCIM servers that others wrote, each with the command
// that starts it and the environment in which idctl finds its way in.
func foreignServers(dir string) map[string]struct {
	argv       []string
	env, login map[string]string
} {
	here := filepath.Join("..", "provider", "scim", "testdata", "servers")
	type entry = struct {
		argv       []string
		env, login map[string]string
	}
	return map[string]entry{
		"scimmy": {
			argv:  []string{"node", filepath.Join(here, "scimmy", "server.mjs"), filepath.Join(dir, "scimmy")},
			env:   map[string]string{"TEST_USER": "admin@example.com", "TEST_PASSWORD": "hush-5c1e"},
			login: map[string]string{"IDCTL_AUTH": "basic", "IDCTL_USER": "admin@example.com", "IDCTL_PASSWORD": "hush-5c1e"},
		},
		"scim2-server": {
			argv:  []string{"python3", filepath.Join(here, "scim2-server", "server.py"), filepath.Join(dir, "scim2-server")},
			env:   map[string]string{"TEST_TOKEN": "hush-77d0"},
			login: map[string]string{"IDCTL_TOKEN": "hush-77d0"},
		},
	}
}

// TestForeignServers runs every file of testdata/foreign against each server,
// each time a fresh one. docs/scim.md tells how they differ.
func TestForeignServers(t *testing.T) {
	dir := os.Getenv(serversEnv)
	if dir == "" {
		const why = "the servers that others wrote are not here: .ci/scim-servers DIR installs them, then set " + serversEnv + "=DIR"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	for name, server := range foreignServers(dir) {
		t.Run(name, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: "testdata/foreign", RequireExplicitExec: true, RequireUniqueNames: true,
				Setup: func(e *testscript.Env) error {
					e.Setenv("IDCTL_HOME", e.WorkDir+"/home")
					e.Setenv("IDCTL_PROVIDER", "scim")
					for k, v := range server.login {
						e.Setenv(k, v)
					}
					url, err := startForeign(e, server.argv, server.env)
					if err != nil {
						return err
					}
					e.Setenv("IDCTL_URL", url)
					return peopleOf(e.WorkDir)
				},
				Condition: func(cond string) (bool, error) { return cond == name, nil },
				Cmds:      map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
			})
		})
	}
}

// startForeign starts a server and answers the address that it prints. It ends
// when its standard input does.
func startForeign(e *testscript.Env, argv []string, env map[string]string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // it ends with its standard input
	cmd.Env = os.Environ()
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewReader(out)
	url, err := lines.ReadString('\n')
	e.Defer(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait() // how it ends says nothing
	})
	if err != nil {
		return "", errors.New(argv[1] + " did not start: " + stderr.String())
	}
	return strings.TrimSpace(url), nil
}

// peopleOf writes users.csv, fifty rows of docs/examples/users.csv with their
// managers among them, and changed.csv, five of them with another title.
func peopleOf(dir string) error {
	f, err := os.Open(filepath.Join(repository, "docs", "examples", "users.csv"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	head, rows := rows[0], rows[1:]
	name, title, boss := slices.Index(head, "User Name"), slices.Index(head, "Title"), slices.Index(head, "Manager")
	byName := map[string][]string{}
	for _, r := range rows {
		byName[r[name]] = r
	}
	chosen := map[string]bool{}
	for _, r := range rows {
		var chain []string
		for r != nil && !chosen[r[name]] && !slices.Contains(chain, r[name]) {
			chain = append(chain, r[name])
			r = byName[r[boss]]
		}
		if len(chosen)+len(chain) <= 50 {
			for _, n := range chain {
				chosen[n] = true
			}
		}
	}
	all, changed := [][]string{head}, [][]string{head}
	for _, r := range rows {
		if !chosen[r[name]] {
			continue
		}
		all = append(all, r)
		if len(changed) <= 5 {
			other := slices.Clone(r)
			other[title] = "Chief of " + r[name]
			changed = append(changed, other)
		}
	}
	return errors.Join(writeCSV(filepath.Join(dir, "users.csv"), all), writeCSV(filepath.Join(dir, "changed.csv"), changed))
}

func writeCSV(name string, rows [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o600)
}
