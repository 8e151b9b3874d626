//go:build linux

package exporter_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/idctl/idctl/internal/measure"
)

var memory = flag.Bool("memory", false, "measure the memory of large exports, which takes some seconds")

// serveEnv makes this program, run once more, the service: its memory must not
// count.
const serveEnv = "IDCTL_TEST_SERVE_USERS"

// TestMemory says how much more memory an export of 1,000,000 users takes than
// one of 50,000: peak resident size of the command itself.
func TestMemory(t *testing.T) {
	if users := os.Getenv(serveEnv); users != "" {
		serve(t, users)
		return
	}
	if !*memory {
		t.Skip("-memory is not set")
	}
	idctl := filepath.Join(t.TempDir(), "idctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", idctl, "github.com/idctl/idctl/cmd/idctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, format := range []string{"csv", "jsonl"} {
		var peak [2]int64
		for i, users := range []int{50_000, 1_000_000} {
			url, stop := serveApart(t, users)
			cmd := exec.CommandContext(t.Context(), idctl, "export", "users", "-o", format, "--quiet")
			cmd.Env = append(os.Environ(), "IDCTL_HOME="+t.TempDir(), "IDCTL_URL="+url, "IDCTL_TOKEN=example", "IDCTL_RATE=100000")
			lines := &lineCounter{}
			cmd.Stdout, cmd.Stderr = lines, os.Stderr
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			stop()
			if lines.n < users {
				t.Fatalf("%d lines for %d users", lines.n, users)
			}
			usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if !ok {
				t.Fatal("the system does not say how much memory a process took")
			}
			peak[i] = usage.Maxrss
		}
		ratio := float64(peak[1]) / float64(peak[0])
		t.Logf("%s: %d kB for 50,000 users, %d kB for 1,000,000: %.2f times", format, peak[0], peak[1], ratio)
		if ratio > 1.15 {
			t.Errorf("%s: %.2f times the memory, want at most 1.15", format, ratio)
		}
	}
}

// lineCounter counts lines and keeps none.
type lineCounter struct{ n int }

func (l *lineCounter) Write(p []byte) (int, error) {
	l.n += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

func serveApart(t *testing.T, users int) (url string, stop func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestMemory$")
	cmd.Env = append(os.Environ(), serveEnv+"="+strconv.Itoa(users))
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
	return strings.TrimSpace(line), func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// serve is the service, until the other process closes its input.
func serve(t *testing.T, users string) {
	t.Helper()
	n, err := strconv.Atoi(users)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(measure.Serve(t, measure.Options{Users: n}).URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
