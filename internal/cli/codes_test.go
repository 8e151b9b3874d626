package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/idctl/idctl/internal/cli/cmdutil"
)

// unscripted are the exit codes that no command of a script ends with, and why.
var unscripted = map[int]string{
	cmdutil.ExitDifferent:   "no command of this version compares without changing",
	cmdutil.ExitPanic:       "no call makes idctl panic; TestPanic has one injected",
	cmdutil.ExitInterrupted: "TestSignalToProcess sends SIGINT to a process",
	cmdutil.ExitTerminated:  "TestSignalToProcess sends SIGTERM to a process",
}

// TestEveryExitCodeHasAScript: each code of the table stands behind exits in
// exit-codes.txtar, and no other does.
func TestEveryExitCodeHasAScript(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("testdata", "script", "exit-codes.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	scripted := map[int]bool{}
	for _, m := range regexp.MustCompile(`(?m)^exits ([0-9]+) `).FindAllSubmatch(bytes.ReplaceAll(script, []byte("\r"), nil), -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		scripted[n] = true
	}
	known := map[int]bool{}
	for _, c := range cmdutil.Codes() {
		known[c.Code] = true
		switch reason := unscripted[c.Code]; {
		case scripted[c.Code] && reason != "":
			t.Errorf("code %d has a script, yet a reason to have none: %s", c.Code, reason)
		case !scripted[c.Code] && reason == "":
			t.Errorf("code %d (%s) has no line %q in exit-codes.txtar", c.Code, c.Meaning, "exits "+strconv.Itoa(c.Code))
		}
	}
	for n := range scripted {
		if !known[n] {
			t.Errorf("exit-codes.txtar wants code %d, which the table does not have", n)
		}
	}
	for n := range unscripted {
		if !known[n] {
			t.Errorf("code %d has a reason to have no script, yet is no code", n)
		}
	}
}
