//go:build !windows

package cli_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSignalToProcess sends a real signal to a real process that waits for a
// service: it ends by itself, with the code of the signal and one line.
func TestSignalToProcess(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(sig.String(), func(t *testing.T) {
			waiting := make(chan struct{}, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				// The server notices that a client went only after the body.
				_, _ = io.Copy(io.Discard, r.Body)
				waiting <- struct{}{}
				<-r.Context().Done()
			}))
			defer srv.Close()
			cmd := exec.CommandContext(t.Context(), "idctl", "token")
			cmd.Env = append(os.Environ(), "IDCTL_HOME="+t.TempDir(), "IDCTL_URL="+srv.URL, "IDCTL_CLIENT_ID=a", "IDCTL_CLIENT_SECRET=b")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-waiting:
			case <-t.Context().Done():
				t.Fatal("the process sent no request")
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
				t.Errorf("after %v: %v, want exit code %d\n%s", sig, err, want, &stderr)
			}
			if n := strings.Count(stderr.String(), "\n"); n != 1 {
				t.Errorf("%d lines on stderr, want 1:\n%s", n, &stderr)
			}
		})
	}
}

// TestFullDisk: output that cannot be written is a failure, whatever the format.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer func() { _ = full.Close() }()
	for _, args := range []string{"version", "version -o json", "version -o csv", "help version", "completion bash", "--help"} {
		cmd := exec.CommandContext(t.Context(), "idctl", strings.Fields(args)...)
		cmd.Env = append(os.Environ(), "IDCTL_HOME="+filepath.Join(t.TempDir(), "home"))
		cmd.Stdout = full
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("idctl %s on a full disk: %v, want exit code 1", args, err)
		}
	}
}
