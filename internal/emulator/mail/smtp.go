package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// sendTimeout bounds one delivery, from the connection to the last answer. The
// lease of a delivery is longer.
const sendTimeout = time.Minute

// Server is an SMTP server that takes messages.
type Server struct {
	Addr string // host:port
	// TLS is used when the server offers STARTTLS; nil asks for a certificate
	// that fits the host. On loopback any is taken: nobody is in between, and
	// servers for tests make their own.
	TLS *tls.Config
	// Hello is the name that this side gives itself; empty means localhost.
	Hello string
}

// outcome says what became of the recipients of one attempt.
type outcome struct {
	accepted []string
	refused  map[string]string // for good, with the server's reason
	later    []string          // may be tried again
	err      error             // why, for later
}

// permanent tells a refusal for good (5xx) from one that may pass.
func permanent(err error) bool {
	var t *textproto.Error
	return errors.As(err, &t) && t.Code >= 500 && t.Code < 600
}

// reason is an error as it is kept in the store and shown: one line, not long.
func reason(err error) string {
	var t *textproto.Error
	if errors.As(err, &t) {
		return Clean(strconv.Itoa(t.Code) + " " + t.Msg)
	}
	return Clean(err.Error())
}

// send hands a message to the server for all recipients at once, and says of
// each what became of it.
func (s *Server) send(ctx context.Context, from string, to []string, message []byte) outcome {
	out := outcome{refused: map[string]string{}}
	later := func(step string, err error) outcome {
		return outcome{later: to, refused: map[string]string{}, err: fmt.Errorf("smtp %s: %s: %w", s.Addr, step, err)}
	}
	fail := func(step string, err error) outcome {
		if permanent(err) {
			for _, a := range to {
				out.refused[a] = reason(err)
			}
			out.accepted, out.later, out.err = nil, nil, nil
			return out
		}
		return later(step, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return later("connect", err)
	}
	// Whatever blocks below ends when ctx does.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := s.greet(conn)
	if err != nil {
		_ = conn.Close() // of no use any more
		// What the server says before it knows the message is not about it.
		return later("greeting", err)
	}
	defer func() { _ = c.Close() }() // the outcome is known before
	if err := c.Mail(from); err != nil {
		return fail("sender", err)
	}
	utf8, _ := c.Extension("SMTPUTF8")
	for _, a := range to {
		if !utf8 && !ascii(a) {
			out.refused[a] = "the server does not take addresses with letters beyond ASCII"
			continue
		}
		switch err := c.Rcpt(a); {
		case err == nil:
			out.accepted = append(out.accepted, a)
		case permanent(err):
			out.refused[a] = reason(err)
		default:
			out.later, out.err = append(out.later, a), fmt.Errorf("smtp %s: recipient: %w", s.Addr, err)
		}
	}
	if len(out.accepted) == 0 {
		_ = c.Quit() // nothing was sent, nothing can be lost
		return out
	}
	w, err := c.Data()
	if err == nil {
		if _, err = w.Write(message); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		return fail("message", err)
	}
	_ = c.Quit() // the server has taken the message
	return out
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0
}

// greet opens the conversation and encrypts it when the server can.
func (s *Server) greet(conn net.Conn) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	hello := s.Hello
	if hello == "" {
		hello = "localhost"
	}
	if err := c.Hello(hello); err != nil {
		return nil, err
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		if err := c.StartTLS(s.tlsConfig(host)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *Server) tlsConfig(host string) *tls.Config {
	cfg := s.TLS.Clone()
	if cfg == nil {
		ip := net.ParseIP(host)
		local := strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
		cfg = &tls.Config{InsecureSkipVerify: local, MinVersion: tls.VersionTLS12} //nolint:gosec // loopback only, see TLS
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg
}
