package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
)

// takeMails is an SMTP server that hands on the messages it takes.
func takeMails(t *testing.T) (addr string, got <-chan string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	messages, done := make(chan string, 10), make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			takeFrom(conn, messages)
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return ln.Addr().String(), messages
}

// takeFrom is one conversation.
func takeFrom(conn net.Conn, messages chan<- string) {
	defer func() { _ = conn.Close() }()
	say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
	say("220 ready")
	var text strings.Builder
	data, in := false, bufio.NewScanner(conn)
	for in.Scan() {
		switch line := in.Text(); {
		case data && line == ".":
			data = false
			messages <- text.String()
			text.Reset()
			say("250 taken")
		case data:
			text.WriteString(line + "\n")
		case line == "DATA":
			data = true
			say("354 go on")
		case line == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// TestServeSMTP: the server sends what its commands cause, says so, and ends
// when it is asked to.
func TestServeSMTP(t *testing.T) {
	addr, got := takeMails(t)
	dir := t.TempDir()
	env := map[string]string{"IDCTL_HOME": filepath.Join(dir, "home")}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	d, _, said := deps(t, env)
	d.Clock = time.Now // the pages and leases go by it
	done := cmdutil.Go(func() error {
		return runServe(ctx, &serveOptions{Deps: d, Addr: "127.0.0.1:0", Store: inMemory, SMTP: addr, SMTPFrom: "domain@example.com"})
	})
	path, err := readyPath(d, "")
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var r *ready
	for r == nil {
		select {
		case err := <-done:
			t.Fatalf("the server ended: %v", err)
		case <-t.Context().Done():
			t.Fatal("no ready file")
		case <-tick.C:
			r, _ = loadReady(path)
		}
	}
	user, out, _ := deps(t, env)
	if err := runSeed(ctx, &seedOptions{Deps: user, Users: 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case message := <-got:
		text := strings.ReplaceAll(message, "=\n", "")
		for _, want := range []string{"From: <domain@example.com>", "Subject: ", r.URL + "/ui/v1/link?token=3D"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in the message:\n%s", want, text)
			}
		}
	case err := <-done:
		t.Fatalf("the server ended: %v", err)
	}

	out.Reset()
	user.Output = &output.Options{Format: output.Table}
	if err := runMail(ctx, &mailOptions{Deps: user, ID: newestMail, Language: "es"}); err != nil || !strings.Contains(out.String(), "Subject: Active su cuenta\n") || !strings.Contains(out.String(), r.URL+"/ui/v1/link?token=") {
		t.Errorf("outbox show: %v\n%s", err, out)
	}
	if err := runMail(ctx, &mailOptions{Deps: user, ID: "none"}); cmdutil.ExitCode(err) != cmdutil.ExitNotFound {
		t.Errorf("a mail that is not there: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if !strings.Contains(said.String(), "outbox: "+r.URL+"/ui/v1/outbox") || !strings.Contains(said.String(), "mails are sent to: "+addr) {
		t.Errorf("the server said:\n%s", said)
	}
}
