package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkStartup runs whole processes and reports the processor time, of user
// and system as getrusage has it, by that of a program which does nothing but
// say hello with the same command line library. Both run in turn.
//
// profile reads a configuration with one profile and prints it; list makes the
// first request too, to the service inside the program, and opens its file.
func BenchmarkStartup(b *testing.B) {
	dir := b.TempDir()
	hello, tool := filepath.Join(dir, "hello"), filepath.Join(dir, "idctl")
	build(b, hello, "./testdata/hello")
	build(b, tool, "../../cmd/idctl", "-trimpath", "-ldflags", "-s -w")
	home := "IDCTL_HOME=" + filepath.Join(dir, "home")
	cpuOf(b, home, tool, "profile", "add", "bench", "--url", "https://idcs.example.com", "--client-id", "bench",
		"--secret-store", "env", "--secret-env", "BENCH_SECRET")
	for _, c := range []struct {
		name string
		args []string
	}{
		{"version", []string{"--version"}},
		{"profile", []string{"profile", "show", "bench"}},
		{"list", []string{"users", "list", "--profile", "local"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var ours, least time.Duration
			for b.Loop() {
				least += cpuOf(b, home, hello, "--version")
				ours += cpuOf(b, home, tool, c.args...)
			}
			b.ReportMetric(float64(ours)/float64(least), "x-hello")
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "cpu-us")
		})
	}
}

func build(b *testing.B, out, pkg string, flags ...string) {
	b.Helper()
	args := append([]string{"build", "-o", out}, flags...)
	cmd := exec.CommandContext(b.Context(), "go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are built: without the system's loader
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
}

// cpuOf runs a program and answers the processor time that it took.
func cpuOf(b *testing.B, env, program string, args ...string) time.Duration {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program, args...)
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s %v: %v\n%s", filepath.Base(program), args, err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
