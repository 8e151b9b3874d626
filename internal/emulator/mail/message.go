package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// ErrAddress says that what should be an e-mail address is none. To be tested with
// errors.Is.
var ErrAddress = errors.New("mail: no e-mail address")

// Address reads one e-mail address and nothing beside it.
func Address(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || strings.ContainsAny(a.Address, "\r\n<>\x00") {
		return "", fmt.Errorf("%w: %q", ErrAddress, Clean(s))
	}
	return a.Address, nil
}

// MIME is the message as it crosses the network: multipart/alternative of plain
// text and HTML, the same bytes whenever it is made. Its Message-ID follows
// from the id alone, so that a receiver sees that a message came twice.
func (r *Rendered) MIME(id, from string, to []string, created time.Time) ([]byte, error) {
	html, err := r.HTML()
	if err != nil {
		return nil, err
	}
	from, err = Address(from)
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, len(to))
	for _, t := range to {
		a, err := Address(t)
		if err != nil {
			return nil, err
		}
		list = append(list, (&mail.Address{Address: a}).String())
	}
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	digest := sha256.Sum256([]byte(id))
	if err := parts.SetBoundary("=_" + hex.EncodeToString(digest[:16])); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	header := [][2]string{
		{"From", (&mail.Address{Address: from}).String()},
		{"To", strings.Join(list, ",\r\n ")},
		{"Subject", mime.QEncoding.Encode("utf-8", Clean(r.Subject))},
		{"Date", created.UTC().Format(time.RFC1123Z)},
		{"Message-ID", messageID(id, from)},
		{"Content-Language", r.Language},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", `multipart/alternative; boundary="` + parts.Boundary() + `"`},
	}
	for _, h := range header {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	for _, part := range [][2]string{{"text/plain", r.Plain()}, {"text/html", html}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {part[0] + "; charset=utf-8"},
			"Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, fmt.Errorf("mail: %w", err)
		}
		qp := quotedprintable.NewWriter(w)
		_, err = qp.Write([]byte(part[1]))
		if err := errors.Join(err, qp.Close()); err != nil {
			return nil, fmt.Errorf("mail: %w", err)
		}
	}
	if err := parts.Close(); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return b.Bytes(), nil
}

// messageID is made of the id and the domain of the sender.
func messageID(id, from string) string {
	digest := sha256.Sum256([]byte(id))
	_, domain, _ := strings.Cut(from, "@")
	for _, c := range domain {
		if c > '~' || c <= ' ' {
			domain = "localhost" // a domain in letters that the header cannot hold
			break
		}
	}
	return "<" + hex.EncodeToString(digest[:16]) + "@" + domain + ">"
}
