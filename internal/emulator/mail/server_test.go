package mail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// received is a message as the server of the test took it.
type received struct {
	from string
	to   []string
	data string
	tls  bool
}

// smtpServer is an SMTP server (RFC 5321, 3207, 6531) that keeps what it takes.
// answer may give another answer than the usual one to a command.
type smtpServer struct {
	addr   string
	tls    *tls.Config
	utf8   bool
	answer func(command string) string

	ln    net.Listener
	mu    sync.Mutex
	mails []received
}

func startSMTP(t *testing.T, change func(*smtpServer)) *smtpServer {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smtpServer{ln: ln, addr: ln.Addr().String(), answer: func(string) string { return "" }}
	if change != nil {
		change(s)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.talk(t.Context(), c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return s
}

func (s *smtpServer) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

// talk is one conversation.
func (s *smtpServer) talk(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in, secure := bufio.NewReader(conn), false
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 mx.example.com ESMTP")
	var m received
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch other := s.answer(line); {
		case other == "close":
			return
		case other != "":
			say(other)
			continue
		}
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-mx.example.com")
			if s.tls != nil && !secure {
				say("250-STARTTLS")
			}
			if s.utf8 {
				say("250-SMTPUTF8")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			c := tls.Server(conn, s.tls)
			if c.HandshakeContext(ctx) != nil {
				return
			}
			conn, in, secure = c, bufio.NewReader(c), true
		case "MAIL":
			m = received{from: rest, tls: secure}
			say("250 ok")
		case "RCPT":
			m.to = append(m.to, strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>"))
			say("250 ok")
		case "DATA":
			say("354 go on")
			data, err := textproto.NewReader(in).ReadDotBytes()
			if err != nil {
				return
			}
			m.data = string(data)
			answer := s.answer(".")
			if answer == "close" {
				return
			}
			if answer != "" && answer != "close after" {
				say(answer)
				continue
			}
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			if answer == "close after" {
				return
			}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what")
		}
	}
}

// certificate is one that the server made for itself.
func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestSend(t *testing.T) {
	cert, pool := certificate(t, "mx.example.com")
	both := []string{"ada@example.com", "grace@example.com"}
	tests := map[string]struct {
		server func(*smtpServer)
		client Server
		to     []string
		// what is expected
		accepted, later int
		refused         int
		err             string
		tls             bool
	}{
		"plain":          {to: both, accepted: 2},
		"STARTTLS":       {server: func(s *smtpServer) { s.tls = &tls.Config{Certificates: []tls.Certificate{cert}} }, to: both, accepted: 2, tls: true},
		"certificate":    {server: func(s *smtpServer) { s.tls = &tls.Config{Certificates: []tls.Certificate{cert}} }, client: Server{TLS: &tls.Config{RootCAs: pool, ServerName: "mx.example.com"}}, to: both, accepted: 2, tls: true},
		"another host":   {server: func(s *smtpServer) { s.tls = &tls.Config{Certificates: []tls.Certificate{cert}} }, client: Server{TLS: &tls.Config{RootCAs: pool, ServerName: "other.example.com"}}, to: both, later: 2, err: "certificate"},
		"one refused":    {server: answers("RCPT TO:<ada@", "550 no such user"), to: both, accepted: 1, refused: 1},
		"one later":      {server: answers("RCPT TO:<ada@", "451 try later"), to: both, accepted: 1, later: 1, err: "451"},
		"all refused":    {server: answers("RCPT", "550 no such user"), to: both, refused: 2},
		"sender refused": {server: answers("MAIL", "553 not you"), to: both, refused: 2},
		"busy":           {server: answers("EHLO", "421 busy"), to: both, later: 2, err: "greeting"},
		"text refused":   {server: answers(".", "554 spam"), to: both, refused: 2},
		"text later":     {server: answers(".", "452 full"), to: both, later: 2, err: "452"},
		"cut":            {server: answers(".", "close"), to: both, later: 2, err: "message"},
		"utf8":           {server: func(s *smtpServer) { s.utf8 = true }, to: []string{"jörg@example.com"}, accepted: 1},
		"no utf8":        {to: []string{"jörg@example.com", "ada@example.com"}, accepted: 1, refused: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := startSMTP(t, tt.server)
			tt.client.Addr = s.addr
			out := tt.client.send(t.Context(), "no-reply@example.com", tt.to, []byte("Subject: x\r\n\r\n.dot\r\n"))
			if len(out.accepted) != tt.accepted || len(out.later) != tt.later || len(out.refused) != tt.refused {
				t.Errorf("accepted %v, later %v, refused %v; want %d, %d, %d", out.accepted, out.later, out.refused, tt.accepted, tt.later, tt.refused)
			}
			if (tt.err == "") != (out.err == nil) || out.err != nil && !strings.Contains(out.err.Error(), tt.err) {
				t.Errorf("error %v, want one with %q", out.err, tt.err)
			}
			got := s.got()
			if (tt.accepted > 0) != (len(got) == 1) {
				t.Fatalf("the server took %d messages", len(got))
			}
			if tt.accepted > 0 && (got[0].tls != tt.tls || len(got[0].to) != tt.accepted || got[0].data != "Subject: x\n\n.dot\n") {
				t.Errorf("the server took %+v", got[0])
			}
		})
	}
}

// answers gives one answer to the commands that begin with a text.
func answers(begin, answer string) func(*smtpServer) {
	return func(s *smtpServer) {
		s.answer = func(command string) string {
			if strings.HasPrefix(command, begin) {
				return answer
			}
			return ""
		}
	}
}

func TestSendNobodyThere(t *testing.T) {
	s := startSMTP(t, nil)
	_ = s.ln.Close()
	out := (&Server{Addr: s.addr}).send(t.Context(), "a@example.com", []string{"ada@example.com"}, nil)
	if len(out.later) != 1 || out.err == nil || !strings.Contains(out.err.Error(), s.addr) {
		t.Errorf("nobody there: %+v", out)
	}
}

// TestTLSConfig: a certificate that proves nothing is taken on loopback only.
func TestTLSConfig(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true, "mx.example.com": false, "10.0.0.1": false} {
		if got := (&Server{}).tlsConfig(host); got.InsecureSkipVerify != want || got.ServerName != host {
			t.Errorf("%s: InsecureSkipVerify %v, want %v", host, got.InsecureSkipVerify, want)
		}
	}
	own := &tls.Config{ServerName: "mx.example.com"}
	if got := (&Server{TLS: own}).tlsConfig("127.0.0.1"); got.InsecureSkipVerify || got.ServerName != "mx.example.com" || got == own {
		t.Errorf("a configuration of the caller: %+v", got)
	}
}

var errStop = errors.New("stop")
