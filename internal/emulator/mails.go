package emulator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/pages"
	"github.com/idctl/idctl/internal/emulator/store"
)

// RenderedMail is a mail of the outbox in words.
type RenderedMail struct {
	engine.Mail

	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	// Delivery says how its sending stands; nil when it was never to be sent.
	Delivery *mail.Delivery `json:"delivery,omitempty"`
}

// MailTemplates answers the templates of mails, for those who show them.
func (s *Service) MailTemplates() *mail.Templates { return s.templates }

// Mail renders one mail of the outbox with its secrets, in its own language
// unless another one is named. Base is scheme and host of its links. The error
// is store.ErrNotFound when there is none, or mail.ErrLanguage.
func (s *Service) Mail(ctx context.Context, base, id, language string) (*RenderedMail, error) {
	m, r, err := s.openMail(ctx, base, id, language)
	if err != nil {
		return nil, fmt.Errorf("emulator: mail: %w", err)
	}
	out := &RenderedMail{Mail: m, Subject: r.Subject, Text: r.Plain()}
	out.Language = r.Language
	if out.Link != "" {
		out.Link = base + out.Link
	}
	if out.HTML, err = r.HTML(); err != nil {
		return nil, err
	}
	found, err := s.deliveries(ctx, []engine.Mail{m})
	if err != nil {
		return nil, err
	}
	out.Delivery = found[id]
	return out, nil
}

func (s *Service) openMail(ctx context.Context, base, id, language string) (engine.Mail, *mail.Rendered, error) {
	if language != "" && mail.Match(language) == "" {
		return engine.Mail{}, nil, fmt.Errorf("%w: %q", mail.ErrLanguage, language)
	}
	m, err := s.engine.OpenMail(ctx, id)
	if err != nil {
		return engine.Mail{}, nil, err
	}
	r, err := s.templates.Render(messageOf(m, base, language))
	return m, r, err
}

// messageOf is a mail as its template needs it. Scheme and host come in here:
// the store has neither.
func messageOf(m engine.Mail, base, language string) mail.Message {
	if language == "" {
		language = m.Language
	}
	out := mail.Message{
		ID: m.ID, To: m.To, Template: m.Template, Language: language, Created: m.Created,
		Data: m.Data, Secrets: m.Secrets, SignIn: base + pages.SignInPath,
	}
	if m.Link != "" {
		out.Link = base + m.Link
	}
	return out
}

// deliveries answers how the sending of mails stands, by their ids.
func (s *Service) deliveries(ctx context.Context, mails []engine.Mail) (map[string]*mail.Delivery, error) {
	found := make(map[string]*mail.Delivery, len(mails))
	err := s.store.View(ctx, func(tx store.Tx) error {
		for _, m := range mails {
			d, err := mail.DeliveryOf(tx, m.ID)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			found[m.ID] = d
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("emulator: deliveries: %w", err)
	}
	return found, nil
}

// Delivery is how mails leave the emulator.
type Delivery struct {
	// SMTP is host and port of a server that takes mails.
	SMTP string
	// From is the sender; empty means DefaultMailFrom.
	From string
	// BaseURL is scheme and host of links; empty means that of Options.
	BaseURL string
}

// DefaultMailFrom is the sender of mails when none is named.
const DefaultMailFrom = "no-reply@example.com"

// deliveryPause is how often a process looks for new mails, which another
// process may have made.
const deliveryPause = time.Second

// Deliver sends the mails of the outbox by SMTP until ctx ends, those made from
// now on by any process, and those that an earlier start left behind. What is
// wrong with d is said at once.
func (s *Service) Deliver(ctx context.Context, d Delivery) error {
	q, err := s.deliveryQueue(d)
	if err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	q.Run(ctx, deliveryPause)
	return nil
}

func (s *Service) deliveryQueue(d Delivery) (*mail.Queue, error) {
	if d.From == "" {
		d.From = DefaultMailFrom
	}
	if d.BaseURL == "" {
		d.BaseURL = s.opts.BaseURL
	}
	q, err := mail.NewQueue(mail.Config{
		Store: s.store, Source: mailSource{s: s, base: d.BaseURL},
		Templates: s.templates, Server: mail.Server{Addr: d.SMTP}, From: d.From, Owner: randomHex(16),
		// Leases of other processes are over when the machine's time says so.
		Now: s.opts.Clock.Now, Sleep: sleep, Log: s.log,
	})
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	return q, nil
}

// mailSource is the outbox as the queue needs it.
type mailSource struct {
	s    *Service
	base string
}

// After implements mail.Source.
func (m mailSource) After(ctx context.Context, cursor string, limit int) ([]mail.Pending, string, error) {
	mails, next, err := m.s.outbox(ctx, cursor, limit)
	pending := make([]mail.Pending, 0, len(mails))
	for _, one := range mails {
		pending = append(pending, mail.Pending{ID: one.ID, To: one.To})
	}
	return pending, next, err
}

// Message implements mail.Source.
func (m mailSource) Message(ctx context.Context, id string) (mail.Message, error) {
	one, err := m.s.engine.OpenMail(ctx, id)
	if err != nil {
		return mail.Message{}, err
	}
	return messageOf(one, m.base, ""), nil
}

// newPages wires the web pages.
func (s *Service) newPages() *pages.Pages {
	key := sha256.Sum256([]byte(s.creds.ControlKey))
	return pages.New(pages.Config{
		Store: s.store, Accounts: s.engine, Mails: outboxPages{s: s},
		Templates: s.templates, User: s.pageUser, KeyFits: s.keyFits, KeyID: hex.EncodeToString(key[:]),
		Now: s.clock.Now, BaseURL: s.baseURL, Local: fromLoopback, SameOrigin: sameOrigin, Log: s.log,
	})
}

// pageUser answers what the pages need of a user.
func (s *Service) pageUser(ctx context.Context, id string) (pages.User, error) {
	var rec store.Record
	err := s.store.View(ctx, func(tx store.Tx) error {
		var err error
		rec, err = tx.Get("User", id)
		return err
	})
	if err != nil {
		return pages.User{}, fmt.Errorf("emulator: user of a session: %w", err)
	}
	var u struct {
		UserName          string `json:"userName"`
		DisplayName       string `json:"displayName"`
		Active            *bool  `json:"active"`
		PreferredLanguage string `json:"preferredLanguage"`
		Locale            string `json:"locale"`
		PasswordState     struct {
			Set time.Time `json:"lastSuccessfulSetDate"`
		} `json:"urn:ietf:params:scim:schemas:oracle:idcs:extension:passwordState:User"`
	}
	if err := json.Unmarshal(rec.Data, &u); err != nil {
		return pages.User{}, fmt.Errorf("emulator: stored user %s: %w", id, err)
	}
	out := pages.User{
		UserName: u.UserName, DisplayName: u.DisplayName, Language: u.PreferredLanguage,
		Active: u.Active == nil || *u.Active, PasswordSet: u.PasswordState.Set,
	}
	if out.Language == "" {
		out.Language = u.Locale
	}
	return out, nil
}

// outboxPages is the outbox as the pages show it.
type outboxPages struct{ s *Service }

// List implements pages.Mails.
func (o outboxPages) List(ctx context.Context, skip, limit int) ([]pages.Mail, bool, error) {
	mails, more, err := o.s.engine.NewestMails(ctx, skip, limit)
	if err != nil {
		return nil, false, fmt.Errorf("emulator: outbox: %w", err)
	}
	found, err := o.s.deliveries(ctx, mails)
	if err != nil {
		return nil, false, err
	}
	out := make([]pages.Mail, 0, len(mails))
	for _, m := range mails {
		r, err := o.s.templates.Render(messageOf(m, "", ""))
		if err != nil {
			return nil, false, err
		}
		out = append(out, o.mail(m, r, found[m.ID]))
	}
	return out, more, nil
}

func (o outboxPages) mail(m engine.Mail, r *mail.Rendered, d *mail.Delivery) pages.Mail {
	return pages.Mail{
		ID: m.ID, To: m.To, Kind: m.Template, Subject: r.Subject, Language: r.Language, Created: m.Created, Delivery: d,
	}
}

// Open implements pages.Mails.
func (o outboxPages) Open(ctx context.Context, base, id, language string) (pages.Mail, *mail.Rendered, error) {
	m, r, err := o.s.openMail(ctx, base, id, language)
	if err != nil {
		return pages.Mail{}, nil, err
	}
	found, err := o.s.deliveries(ctx, []engine.Mail{m})
	if err != nil {
		return pages.Mail{}, nil, err
	}
	return o.mail(m, r, found[id]), r, nil
}

// OutboxPath is the path of the page that shows the mails to whoever has the
// control key.
const OutboxPath = pages.OutboxPath
