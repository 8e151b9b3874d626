//go:build linux

package runner_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/idctl/idctl/internal/measure"
	"github.com/idctl/idctl/internal/transfer/runner"
)

var memory = flag.Bool("memory", false, "measure the memory of large imports, which takes minutes")

// roleEnv makes this program, run once more, the service or the import whose
// memory is measured: neither of them must count for the other.
const roleEnv = "IDCTL_TEST_IMPORT_ROLE"

// memoryRows are the sizes that are compared.
func memoryRows() [2]int { return [2]int{50_000, 1_000_000} }

// TestMemory says how much more memory an import of 1,000,000 rows takes than
// one of 50,000: peak resident size of a process that does nothing else.
func TestMemory(t *testing.T) {
	if role := os.Getenv(roleEnv); role != "" {
		play(t, strings.Fields(role))
		return
	}
	if !*memory {
		t.Skip("-memory is not set")
	}
	var paths [2]string
	for i, rows := range memoryRows() {
		paths[i] = largeFile(t, rows)
	}
	url := serveApart(t)
	for _, route := range []runner.Route{runner.RouteBulk, runner.RouteSingle} {
		var peak [2]int64
		for i, path := range paths {
			cmd := apart(t, fmt.Sprintf("import %s %s %s", url, route, path))
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if !ok {
				t.Fatal("the system does not say how much memory a process took")
			}
			peak[i] = usage.Maxrss
		}
		ratio := float64(peak[1]) / float64(peak[0])
		t.Logf("%s: %d kB for %d rows, %d kB for %d: %.2f times", route, peak[0], memoryRows()[0], peak[1], memoryRows()[1], ratio)
		if ratio > 1.3 {
			t.Errorf("%s: %.2f times the memory, want at most 1.3", route, ratio)
		}
	}
}

// largeFile is a file of wide rows that is written as it is made.
func largeFile(t *testing.T, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	writeRows(w, rows)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func apart(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	// It outlives the test's context, which ends before its cleanup.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run", "^TestMemory$")
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	return cmd
}

func serveApart(t *testing.T) (url string) {
	t.Helper()
	cmd := apart(t, "serve")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return strings.TrimSpace(line)
}

// play is what the other processes do.
func play(t *testing.T, role []string) {
	t.Helper()
	if role[0] == "serve" {
		fmt.Println(measure.Serve(t, measure.Options{}).URL)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the first process is through
		return
	}
	if err := importAll(t, &measure.Service{URL: role[1]}, role[3], runner.Route(role[2])); err != nil {
		t.Fatal(err)
	}
}
