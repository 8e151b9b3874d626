package auth

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// TestMain runs this binary a second time as "another idctl".
func TestMain(m *testing.M) {
	if dir := os.Getenv("AUTH_TEST_DIR"); dir != "" {
		os.Exit(child(dir, os.Getenv("AUTH_TEST_URL"), os.Getenv("AUTH_TEST_NAME")))
	}
	os.Exit(m.Run())
}

// child says that it has started, does its one thing and prints the outcome.
func child(dir, url, name string) int {
	ctx := context.Background()
	fmt.Println("started")
	if url == "" {
		f := &FileSecrets{Path: filepath.Join(dir, "secrets.json")}
		for i := range 20 {
			if err := f.Set(ctx, name, "https://idcs.example.com", fmt.Sprintf("s%d", i), "value"); err != nil {
				fmt.Println(err)
				return 1
			}
		}
		fmt.Println("done")
		return 0
	}
	clock := transport.NewClock(time.Now)
	src, err := newChildSource(clock, url)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	tok, err := (&Cache{Dir: dir, Clock: clock}).Source(key, src).Token(ctx)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(tok.Value.Reveal())
	return 0
}

func newChildSource(clock transport.Clock, url string) (transport.TokenSource, error) {
	tr, err := transport.New(transport.Options{Clock: clock})
	if err != nil {
		return nil, err
	}
	return tokens.ClientCredentials(tokens.Config{URL: url, HTTP: tr, Clock: clock, Client: tokens.Basic{ID: "app", Secret: "s"}}), nil
}

type process struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func start(t *testing.T, dir, url, name string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "AUTH_TEST_DIR="+dir, "AUTH_TEST_URL="+url, "AUTH_TEST_NAME="+name)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, out: bufio.NewScanner(out)}
	p.expect(t, "started")
	return p
}

func (p *process) expect(t *testing.T, line string) {
	t.Helper()
	if !p.out.Scan() || p.out.Text() != line {
		t.Fatalf("child said %q, want %q (%v)", p.out.Text(), line, p.out.Err())
	}
}

func (p *process) finish(t *testing.T, line string) {
	t.Helper()
	p.expect(t, line)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
}

// tokenServer gives out numbered tokens. It holds back the first answer until
// release is closed, and says on entered that somebody asks.
func tokenServer(t *testing.T) (url string, asked *atomic.Int32, entered chan struct{}, release chan struct{}) {
	t.Helper()
	asked, entered, release = new(atomic.Int32), make(chan struct{}, 16), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if err := r.ParseForm(); err != nil { // the server notices a lost client only when the body was read
			t.Error(err)
		}
		entered <- struct{}{}
		if n == 1 {
			select {
			case <-release:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":3600}`, n)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, asked, entered, release
}

func TestProcessesRenewOnce(t *testing.T) {
	url, asked, entered, release := tokenServer(t)
	dir := filepath.Join(t.TempDir(), "tokens")
	first := start(t, dir, url, "")
	<-entered // it holds the lock now
	others := []*process{start(t, dir, url, ""), start(t, dir, url, ""), start(t, dir, url, "")}
	close(release)
	first.finish(t, "token-1")
	for _, p := range others {
		p.finish(t, "token-1")
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d token requests by 4 processes, want 1", n)
	}
}

func TestKilledProcessLeavesNoLock(t *testing.T) {
	url, asked, entered, _ := tokenServer(t)
	dir := filepath.Join(t.TempDir(), "tokens")
	first := start(t, dir, url, "")
	<-entered
	second := start(t, dir, url, "")
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait() // it was killed
	second.finish(t, "token-2")
	if n := asked.Load(); n != 2 {
		t.Errorf("%d token requests, want 2", n)
	}
}

func TestProcessesKeepEachOthersSecrets(t *testing.T) {
	dir := t.TempDir()
	a, b := start(t, dir, "", "a"), start(t, dir, "", "b")
	a.finish(t, "done")
	b.finish(t, "done")
	f := &FileSecrets{Path: filepath.Join(dir, "secrets.json")}
	for _, profile := range []string{"a", "b"} {
		names, err := f.List(t.Context(), profile)
		if err != nil || len(names) != 20 {
			t.Errorf("profile %s has %d secrets, %v; want 20", profile, len(names), err)
		}
	}
}
