// Package pages serves the web pages that people see: signing in, the page a
// link of a mail leads to, the blocked screen, and the outbox for those who
// hold the control key.
//
// The pages are plain HTML that works without scripts, in the language of the
// user. The rules of accounts and links are those of package engine; this
// package shows them, and guards its forms: a token in each, no cookie or
// address that another site could use, and nothing shown that is not escaped.
package pages

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/store"
)

// Base is the path below which all pages are.
const Base = "/ui/v1"

// The pages that others lead to.
const (
	SignInPath = Base + "/signin"
	OutboxPath = Base + "/outbox"
)

// maxForm bounds the body of a form: no field needs more.
const maxForm = 16 << 10

// Accounts is what the pages need of the resource engine; *engine.Engine has
// it.
type Accounts interface {
	Link(ctx context.Context, token string) (engine.LinkInfo, error)
	Redeem(ctx context.Context, token, newPassword string) error
	SignIn(ctx context.Context, userName, password string) (engine.SignInResult, error)
	ChangeOwnPassword(ctx context.Context, userName, oldPassword, newPassword string) error
}

// User is what the pages need to know of a user who has signed in.
type User struct {
	UserName    string
	DisplayName string
	Language    string
	Active      bool
	// PasswordSet is when the password was last set; zero when that is not
	// known.
	PasswordSet time.Time
}

// Mail is a message of the outbox.
type Mail struct {
	ID       string
	To       []string
	Kind     string
	Subject  string
	Language string
	Created  time.Time
	Delivery *mail.Delivery
}

// Mails is the outbox.
type Mails interface {
	// List answers the newest messages first, behind those skipped, and whether
	// there are more; nothing in it is secret.
	List(ctx context.Context, skip, limit int) (mails []Mail, more bool, err error)
	// Open renders one message with its secrets, in its own language if none is
	// given, or answers store.ErrNotFound.
	Open(ctx context.Context, base, id, language string) (Mail, *mail.Rendered, error)
}

// Config is what the pages work with; everything is needed.
type Config struct {
	Store     store.Store
	Accounts  Accounts
	Mails     Mails
	Templates *mail.Templates
	// User answers a user by id, or store.ErrNotFound.
	User func(ctx context.Context, id string) (User, error)
	// KeyFits says whether a control key is that of this server, and KeyID
	// names the key without telling it.
	KeyFits func(key string) bool
	KeyID   string
	// Now is the time of the emulator.
	Now func() time.Time
	// BaseURL is scheme and host of a request; Local says that it comes from
	// this machine, SameOrigin that no page of another origin made it.
	BaseURL    func(*http.Request) string
	Local      func(*http.Request) bool
	SameOrigin func(*http.Request) bool
	Log        *slog.Logger
}

// Pages is an http.Handler for everything below Base. It is safe for
// concurrent use; what it remembers is in the store.
type Pages struct {
	cfg   Config
	texts texts
}

// New makes the pages. Templates and texts are read when they are first needed.
func New(cfg Config) *Pages { return &Pages{cfg: cfg} }

// Is says whether a path is one of the pages'.
func Is(path string) bool { return path == Base || strings.HasPrefix(path, Base+"/") }

// request is one request on its way through the pages.
type request struct {
	*http.Request
	p    *Pages
	w    http.ResponseWriter
	lang string
	form string // the token of the forms of this page
}

// handler answers a request. An error is the service's own trouble.
type handler func(*request) error

// route finds what a path does, by method.
func (p *Pages) route(path string) map[string]handler {
	switch path {
	case "", "/":
		return map[string]handler{http.MethodGet: func(r *request) error { return r.redirect(SignInPath) }}
	case "/style.css":
		return map[string]handler{http.MethodGet: style}
	case "/signin":
		return map[string]handler{http.MethodGet: showSignIn, http.MethodPost: signIn}
	case "/signout":
		return map[string]handler{http.MethodPost: signOut}
	case "/home":
		return map[string]handler{http.MethodGet: home}
	case "/link":
		return map[string]handler{http.MethodGet: showLink, http.MethodPost: redeem}
	case "/password":
		return map[string]handler{http.MethodPost: changePassword}
	case "/outbox":
		return map[string]handler{http.MethodGet: outbox, http.MethodPost: openOutbox}
	case "/outbox/close":
		return map[string]handler{http.MethodPost: closeOutbox}
	}
	if rest, ok := strings.CutPrefix(path, "/outbox/"); ok {
		id, html := strings.CutSuffix(rest, "/html")
		if id == "" || strings.Contains(id, "/") {
			return nil
		}
		if html {
			return map[string]handler{http.MethodGet: func(r *request) error { return outboxHTML(r, id) }}
		}
		return map[string]handler{http.MethodGet: func(r *request) error { return outboxMail(r, id) }}
	}
	return nil
}

// ServeHTTP implements http.Handler. The caller has checked the Host header.
func (p *Pages) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	secure(w.Header())
	r := &request{Request: req, p: p, w: w}
	r.lang = r.language("")
	if err := r.serve(); err != nil {
		if req.Context().Err() == nil {
			p.cfg.Log.ErrorContext(req.Context(), "page failed", "method", req.Method, "path", req.URL.Path, "error", err)
		}
		if err := r.refuse(http.StatusInternalServerError, "failure"); err != nil {
			// Not even the page that says so can be made.
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		}
	}
}

func (r *request) serve() error {
	methods := r.p.route(strings.TrimPrefix(r.URL.Path, Base))
	if methods == nil {
		return r.refuse(http.StatusNotFound, "notFound")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	f := methods[method]
	if f == nil {
		allow := []string{}
		if methods[http.MethodGet] != nil {
			allow = append(allow, http.MethodGet, http.MethodHead)
		}
		if methods[http.MethodPost] != nil {
			allow = append(allow, http.MethodPost)
		}
		r.w.Header().Set("Allow", strings.Join(allow, ", "))
		return r.refuse(http.StatusMethodNotAllowed, "method")
	}
	if r.Method == http.MethodPost {
		if ok, err := r.readForm(); !ok || err != nil {
			return err
		}
	}
	return f(r)
}

// readForm takes a form only from a page of this server.
func (r *request) readForm() (ok bool, err error) {
	if site := r.Header.Get("Sec-Fetch-Site"); !r.p.cfg.SameOrigin(r.Request) || site != "" && site != "same-origin" && site != "none" {
		return false, r.refuse(http.StatusForbidden, "originRefused")
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return false, r.refuse(http.StatusUnsupportedMediaType, "method")
	}
	r.Body = http.MaxBytesReader(r.w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			return false, r.refuse(http.StatusRequestEntityTooLarge, "tooLarge")
		}
		return false, r.refuse(http.StatusBadRequest, "method")
	}
	r.lang = r.language("")
	return true, nil
}

// redirect leads on to another page of this server, and nowhere else: no
// address is ever taken from a request.
func (r *request) redirect(to string) error {
	http.Redirect(r.w, r.Request, to, http.StatusSeeOther)
	return nil
}

// asked is the language that the person chose, empty when none was chosen.
func (r *request) asked() string {
	if r.Method == http.MethodPost {
		return mail.Match(r.PostForm.Get("lang"))
	}
	return mail.Match(r.URL.Query().Get("lang"))
}

// language is that of the page: the one asked for, that of the user if it is
// known, or the one that the browser prefers.
func (r *request) language(user string) string {
	for _, tag := range []string{r.asked(), user, r.Header.Get("Accept-Language")} {
		if l := mail.Match(tag); l != "" {
			return l
		}
	}
	return mail.Fallback
}
