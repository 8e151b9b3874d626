package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/store"
)

// keyHeader carries the control key of a caller that is no browser.
const keyHeader = "X-Emulator-Key"

// mailsPerPage is how many messages one page of the outbox has.
const mailsPerPage = 25

// mayRead says whether the outbox may be shown: to callers of this machine who
// hold the control key, in a header or by a session that it opened. known says
// that the page was answered already.
func (r *request) mayRead() (may, answered bool, err error) {
	if !r.p.cfg.Local(r.Request) {
		return false, true, r.refuse(http.StatusNotFound, "notFound")
	}
	if key := r.Header.Get(keyHeader); key != "" && r.p.cfg.KeyFits(key) {
		return true, false, nil
	}
	s, err := r.session(outboxCookie)
	if err != nil {
		return false, false, err
	}
	return s != nil && s.KeyID == r.p.cfg.KeyID, false, nil
}

// keyPage asks for the control key.
func (r *request) keyPage(status int, problems ...problem) error {
	p, err := r.page("outboxTitle")
	if err != nil {
		return err
	}
	p.Errors = problems
	if r.Method != http.MethodPost {
		if err := r.offerLanguages(p); err != nil {
			return err
		}
	}
	return r.show(status, "key", p)
}

func openOutbox(r *request) error {
	if !r.p.cfg.Local(r.Request) {
		return r.refuse(http.StatusNotFound, "notFound")
	}
	fits, err := r.formFits()
	if err != nil {
		return err
	}
	if !fits {
		return r.keyPage(http.StatusForbidden, r.problem("formExpired", ""))
	}
	if !r.p.cfg.KeyFits(strings.TrimSpace(r.PostForm.Get("key"))) {
		return r.keyPage(invalid, r.problem("wrongKey", "key"))
	}
	if err := r.forget(outboxCookie); err != nil {
		return err
	}
	secret, err := r.p.begin(r.Context(), session{KeyID: r.p.cfg.KeyID}, outboxLife)
	if err != nil {
		return err
	}
	r.setCookie(outboxCookie, secret)
	return r.redirect(OutboxPath)
}

func closeOutbox(r *request) error {
	fits, err := r.formFits()
	if err != nil {
		return err
	}
	if !fits {
		return r.keyPage(http.StatusForbidden, r.problem("formExpired", ""))
	}
	if err := r.end(outboxCookie); err != nil {
		return err
	}
	return r.redirect(OutboxPath)
}

// outboxRow is a message as the list shows it.
type outboxRow struct {
	Mail

	URL   string
	When  string
	State string
}

// outboxPage is the list of messages.
type outboxPage struct {
	Rows          []outboxRow
	Older, Newest string
}

func outbox(r *request) error {
	may, answered, err := r.mayRead()
	if err != nil || answered {
		return err
	}
	if !may {
		return r.keyPage(http.StatusOK)
	}
	skip, err := strconv.Atoi(r.URL.Query().Get("skip"))
	if err != nil || skip < 0 {
		skip = 0
	}
	mails, more, err := r.p.cfg.Mails.List(r.Context(), skip, mailsPerPage)
	if err != nil {
		return err
	}
	p, err := r.page("outboxTitle")
	if err != nil {
		return err
	}
	var list outboxPage
	for _, m := range mails {
		row := outboxRow{Mail: m, URL: OutboxPath + "/" + url.PathEscape(m.ID)}
		if row.When, err = r.p.cfg.Templates.Time(r.lang, m.Created); err != nil {
			return err
		}
		if row.State, err = p.T(stateKey(m.Delivery)); err != nil {
			return err
		}
		list.Rows = append(list.Rows, row)
	}
	if more {
		list.Older = OutboxPath + "?skip=" + strconv.Itoa(skip+len(mails))
	}
	if skip > 0 {
		list.Newest = OutboxPath
	}
	p.Wide, p.Data = true, list
	if err := r.offerLanguages(p); err != nil {
		return err
	}
	return r.show(http.StatusOK, "outbox", p)
}

// stateKey is the text of how the sending of a message stands.
func stateKey(d *mail.Delivery) string {
	switch {
	case d == nil:
		return "stateKept"
	case d.State == mail.StateDelivered:
		return "stateDelivered"
	case d.State == mail.StateFailed:
		return "stateFailed"
	}
	return "stateWaiting"
}

// mailPage is one message.
type mailPage struct {
	outboxRow
	*mail.Rendered

	Plain   string
	HTMLURL string
	In      []choice
}

// openMail answers a message that may be read; nil when the page was answered.
func (r *request) openMail(id string) (*Mail, *mail.Rendered, error) {
	may, answered, err := r.mayRead()
	if err != nil || answered {
		return nil, nil, err
	}
	if !may {
		return nil, nil, r.redirect(OutboxPath)
	}
	m, rendered, err := r.p.cfg.Mails.Open(r.Context(), r.p.cfg.BaseURL(r.Request), id, mail.Match(r.URL.Query().Get("language")))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, r.refuse(http.StatusNotFound, "notFound")
	}
	return &m, rendered, err
}

func outboxMail(r *request, id string) error {
	m, rendered, err := r.openMail(id)
	if err != nil || rendered == nil {
		return err
	}
	p, err := r.page("outboxTitle")
	if err != nil {
		return err
	}
	at := OutboxPath + "/" + url.PathEscape(id)
	data := mailPage{outboxRow: outboxRow{Mail: *m, URL: at}, Rendered: rendered, Plain: rendered.Plain()}
	data.HTMLURL = at + "/html?language=" + rendered.Language
	if data.When, err = r.p.cfg.Templates.Time(r.lang, m.Created); err != nil {
		return err
	}
	if data.State, err = p.T(stateKey(m.Delivery)); err != nil {
		return err
	}
	for _, l := range mail.Languages() {
		words, err := r.p.texts.language(l)
		if err != nil {
			return err
		}
		data.In = append(data.In, choice{Lang: l, Name: words["name"], URL: at + "?language=" + l + "&lang=" + r.lang, Current: l == rendered.Language})
	}
	p.Wide, p.Data = true, data
	return r.show(http.StatusOK, "mail", p)
}

// outboxHTML answers the HTML part as a mail program would show it. Its one
// style element is allowed by its digest.
func outboxHTML(r *request, id string) error {
	_, rendered, err := r.openMail(id)
	if err != nil || rendered == nil {
		return err
	}
	html, err := rendered.HTML()
	if err != nil {
		return err
	}
	style := "'none'"
	if _, rest, ok := strings.Cut(html, "<style>"); ok {
		css, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(css))
		style = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	h := r.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+style+"; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", rendered.Language)
	r.w.WriteHeader(http.StatusOK)
	_, _ = r.w.Write([]byte(html)) // a browser that has gone needs nothing
	return nil
}
