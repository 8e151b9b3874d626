//go:build !windows

package cli_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestBrowseOnTerminal is a person in front of a real terminal.
func TestBrowseOnTerminal(t *testing.T) {
	m := newMachine(t)
	for _, name := range []string{"Ada", "Grace", "Katherine"} {
		m.must("users", "create", strings.ToLower(name)+"@example.com", "--given-name", name, "--family-name", "Example")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit) // what never comes must not be waited for
	defer cancel()
	cmd := exec.CommandContext(ctx, "idctl", "users", "browse", "--page-size", "2", "--sort", "userName")
	cmd.Dir = m.dir
	for _, v := range m.env {
		if !strings.HasPrefix(v, "CI=") && !strings.HasPrefix(v, "TERM=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TERM=xterm", "COLUMNS=80", "NO_COLOR=1")
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	r := bufio.NewReader(terminal)
	var shown strings.Builder
	await := func(text string) {
		t.Helper()
		var since strings.Builder
		for !strings.Contains(since.String(), text) {
			b, err := r.ReadByte()
			if err != nil {
				t.Fatalf("waiting for %q: %v, the terminal shows:\n%s", text, err, shown.String())
			}
			since.WriteByte(b)
			shown.WriteByte(b)
		}
	}
	for _, step := range []struct{ await, keys string }{
		{"1-2 of 3 users [n l s r d q ?]: ", "\n"},
		{"3-3 of 3 users [p f s r d q ?]: ", "3\n"},
		{"Login            katherine@example.com", ""},
		{"3-3 of 3 users [p f s r d q ?]: ", "s gra\n"},
		{`1-1 of 1 users that begin with "gra" [s r d q ?]: `, "q\n"},
	} {
		await(step.await)
		if _, err := terminal.WriteString(step.keys); err != nil {
			t.Fatal(err)
		}
	}
	for { // to the end, so that the program can write all of it
		if _, err := r.ReadByte(); err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v, the terminal shows:\n%s", err, shown.String())
	}
}
