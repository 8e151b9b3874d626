package emulator

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/pages"
)

// lastMail answers the newest mail with its secrets.
func (f *fixture) lastMail() engine.Mail {
	f.t.Helper()
	mails, _, err := f.engine.OpenOutbox(f.t.Context(), "", 0)
	if err != nil || len(mails) == 0 {
		f.t.Fatalf("outbox: %d mails, %v", len(mails), err)
	}
	return mails[len(mails)-1]
}

func TestMailKinds(t *testing.T) {
	f := start(t, nil)
	for _, kind := range append(engine.MailKinds(), mail.AdminKinds()...) {
		for _, l := range mail.Languages() {
			if _, err := f.MailTemplates().Show(kind, l); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestControlMail(t *testing.T) {
	f := start(t, nil)
	f.create("ada")
	m := f.lastMail()
	token := strings.TrimPrefix(m.Link, engine.LinkPath)
	if token == "" || token == m.Link {
		t.Fatalf("link %q", m.Link)
	}
	list := f.want(f.controlDo(http.MethodGet, "/outbox", nil), 200)
	if strings.Contains(string(list.raw), token) {
		t.Error("the listing shows the link")
	}
	a := f.want(f.controlDo(http.MethodGet, "/outbox/"+m.ID, nil), 200)
	text, _ := a.doc["text"].(string)
	if a.doc["subject"] != "Activate your account" || a.doc["link"] != f.http.URL+m.Link || !strings.Contains(text, f.http.URL+m.Link) || a.doc["delivery"] != nil {
		t.Errorf("one mail: %s", a.raw)
	}
	if a := f.want(f.controlDo(http.MethodGet, "/outbox/"+m.ID+"?language=fr", nil), 200); a.doc["subject"] != "Activez votre compte" || a.doc["language"] != "fr" {
		t.Errorf("in French: %s", a.raw)
	}
	f.want(f.controlDo(http.MethodGet, "/outbox/"+m.ID+"?language=xx", nil), 400)
	f.want(f.controlDo(http.MethodGet, "/outbox/none", nil), 404)
	f.want(f.controlDo(http.MethodDelete, "/outbox/"+m.ID, nil), 405)
	f.want(f.do(http.MethodGet, controlBase+"/outbox/"+m.ID, nil), 401)
}

func TestControlTemplates(t *testing.T) {
	f := start(t, nil)
	a := f.want(f.controlDo(http.MethodGet, "/templates?language=it", nil), 200)
	if list, _ := a.doc["templates"].([]any); len(list) != len(engine.MailKinds())+len(mail.AdminKinds()) || !strings.Contains(string(a.raw), "Attivi il Suo account") {
		t.Errorf("templates: %s", a.raw)
	}
	a = f.want(f.controlDo(http.MethodGet, "/templates?kind=unlocked", nil), 200)
	if list, _ := a.doc["templates"].([]any); len(list) != 1 {
		t.Errorf("one template: %s", a.raw)
	}
	f.want(f.controlDo(http.MethodGet, "/templates?kind=none", nil), 404)
	f.want(f.controlDo(http.MethodGet, "/templates?language=xx", nil), 400)
}

// shown is what a browser gets.
type shown struct {
	StatusCode int
	cookies    []*http.Cookie
}

// page calls a page as a browser that has no cookies but these.
func (f *fixture) page(method, path string, form url.Values, cookies []*http.Cookie, headers ...string) (shown, string) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.http.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return shown{resp.StatusCode, resp.Cookies()}, string(body)
}

var formField = regexp.MustCompile(`name="form" value="([0-9a-f]+)"`)

// TestPages walks from the mail to a sign-in with the engine behind the pages;
// the browser of internal/browsertest does it at length.
func TestPages(t *testing.T) {
	f := start(t, nil)
	f.create("ada")
	m := f.lastMail()
	token := strings.TrimPrefix(m.Link, engine.LinkPath)

	resp, body := f.page(http.MethodGet, m.Link, nil, nil)
	found := formField.FindStringSubmatch(body)
	if resp.StatusCode != 200 || found == nil {
		t.Fatalf("the page of the link: %d\n%s", resp.StatusCode, body)
	}
	cookies := resp.cookies
	send := func(path string, pairs ...string) (shown, string) {
		form := url.Values{"form": {found[1]}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return f.page(http.MethodPost, path, form, cookies)
	}
	resp, body = send("/ui/v1/link", "token", token, "newPassword", "abc", "repeatPassword", "abc")
	if resp.StatusCode != 422 || strings.Count(body, "<li>") < 4 || strings.Contains(body, "{value}") {
		t.Errorf("a weak password: %d\n%s", resp.StatusCode, body)
	}
	const password = "Quiet-Harbour-1851!"
	if resp, body = send("/ui/v1/link", "token", token, "newPassword", password, "repeatPassword", password); resp.StatusCode != 303 {
		t.Fatalf("a good password: %d\n%s", resp.StatusCode, body)
	}
	if resp, _ := send("/ui/v1/link", "token", token, "newPassword", password, "repeatPassword", password); resp.StatusCode != 410 {
		t.Errorf("the form once more: %d", resp.StatusCode)
	}
	if resp, _ = send("/ui/v1/signin", "userName", "ada", "password", "wrong"); resp.StatusCode != 422 {
		t.Errorf("a wrong password: %d", resp.StatusCode)
	}
	resp, body = send("/ui/v1/signin", "userName", m.Data["userName"], "password", password)
	if resp.StatusCode != 303 {
		t.Fatalf("sign in: %d\n%s", resp.StatusCode, body)
	}
	if resp, body := f.page(http.MethodGet, "/ui/v1/home", nil, resp.cookies); resp.StatusCode != 200 || !strings.Contains(body, m.Data["userName"]) {
		t.Errorf("home: %d\n%s", resp.StatusCode, body)
	}

	// What the service keeps and shows of it has no secret.
	for _, r := range f.Requests() {
		if strings.Contains(r.Path+strings.Join(r.Query, ""), token) {
			t.Errorf("the request log has the token: %+v", r)
		}
	}
	if resp, _ := f.page(http.MethodGet, pages.SignInPath, nil, nil, "Host", "evil.example.com"); resp.StatusCode != 403 {
		t.Errorf("another host: %d", resp.StatusCode)
	}
	if resp, _ := f.page(http.MethodPost, pages.SignInPath, url.Values{"form": {found[1]}}, cookies, "Origin", "http://evil.example.com"); resp.StatusCode != 403 {
		t.Errorf("another origin: %d", resp.StatusCode)
	}
	if resp, body := f.page(http.MethodGet, OutboxPath, nil, nil); resp.StatusCode != 200 || strings.Contains(body, "welcome") {
		t.Errorf("the outbox without the key: %d\n%s", resp.StatusCode, body)
	}
	if resp, body := f.page(http.MethodGet, OutboxPath, nil, nil, controlKey, f.Credentials().ControlKey); resp.StatusCode != 200 || !strings.Contains(body, "Activate your account") || strings.Contains(body, token) {
		t.Errorf("the outbox: %d\n%s", resp.StatusCode, body)
	}
}

// takeMail is an SMTP server for one message.
func takeMail(t *testing.T) (addr string, got <-chan string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	messages := make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		in := bufio.NewScanner(conn)
		say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
		say("220 ready")
		var text strings.Builder
		for data := false; in.Scan(); {
			switch line := in.Text(); {
			case data && line == ".":
				data = false
				messages <- text.String()
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
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return ln.Addr().String(), messages
}

func TestDeliver(t *testing.T) {
	f := start(t, nil)
	f.create("before")
	addr, got := takeMail(t)
	q, err := f.deliveryQueue(Delivery{SMTP: addr, From: "domain@example.com", BaseURL: "http://127.0.0.1:8910"})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.create("ada")
	m := f.lastMail()
	if n, err := q.Flush(t.Context()); err != nil || n != 1 {
		t.Fatalf("Flush: %d, %v", n, err)
	}
	text := strings.ReplaceAll(<-got, "=\n", "")
	if !strings.Contains(text, "From: <domain@example.com>") || !strings.Contains(text, "http://127.0.0.1:8910"+strings.ReplaceAll(m.Link, "=", "=3D")) {
		t.Errorf("the message:\n%s", text)
	}
	a := f.want(f.controlDo(http.MethodGet, "/outbox/"+m.ID, nil), 200)
	if d, _ := a.doc["delivery"].(map[string]any); d["state"] != mail.StateDelivered {
		t.Errorf("delivery: %s", a.raw)
	}
	if list := f.want(f.controlDo(http.MethodGet, "/outbox", nil), 200); strings.Count(string(list.raw), `"state":"delivered"`) != 1 {
		t.Errorf("the listing: %s", list.raw)
	}
	if _, body := f.page(http.MethodGet, OutboxPath, nil, nil, controlKey, f.Credentials().ControlKey); !strings.Contains(body, "delivered") || !strings.Contains(body, "kept here") {
		t.Errorf("the outbox:\n%s", body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Deliver(ctx, Delivery{SMTP: addr}); err != nil && ctx.Err() == nil {
		t.Errorf("Deliver that is to end: %v", err)
	}
	if err := f.Deliver(t.Context(), Delivery{SMTP: addr, From: "me"}); err == nil {
		t.Error("Deliver from me: no error")
	}
}
