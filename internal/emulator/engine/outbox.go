package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// outboxType is the store's type for mails. It is no resource type: the name
// cannot be one.
const outboxType = "~mail"

// The kinds of notification (idcs-behaviour 3.5), by which a mail finds its
// template.
const (
	MailWelcome                = "welcome"
	MailWelcomeResend          = "welcome-resend"
	MailFederatedWelcome       = "federated-welcome"
	MailDelegatedWelcome       = "delegated-welcome"
	MailDelegatedWelcomeResend = "delegated-welcome-resend"
	MailVerifyPrimary          = "verify-primary-email"
	MailVerifyRecovery         = "verify-recovery-email"
	MailVerifySecondary        = "verify-secondary-email"
	MailEmailUpdated           = "email-updated"
	MailPasswordRecovery       = "password-recovery"
	MailPasswordChanged        = "password-changed"
	MailPasswordReset          = "password-reset"
	MailPasswordSetByAdmin     = "password-set-by-admin"
	MailPasswordResetByAdmin   = "password-reset-by-admin"
	MailActivated              = "activated"
	MailDeactivated            = "deactivated"
	MailLocked                 = "locked"
	MailUnlocked               = "unlocked"
	MailProfileUpdated         = "profile-updated-by-admin"
	MailProfileReplaced        = "profile-replaced-by-admin"
	MailBypassCode             = "bypass-code"
)

// MailKinds lists the kinds of notification to users, in the order of
// idcs-behaviour 3.5. The spelling of the names is a guess: no source has one.
func MailKinds() []string {
	return []string{
		MailWelcome, MailWelcomeResend, MailFederatedWelcome, MailDelegatedWelcome, MailDelegatedWelcomeResend,
		MailVerifyPrimary, MailVerifyRecovery, MailVerifySecondary, MailEmailUpdated,
		MailPasswordRecovery, MailPasswordChanged, MailPasswordReset, MailPasswordSetByAdmin, MailPasswordResetByAdmin,
		MailActivated, MailDeactivated, MailLocked, MailUnlocked, MailProfileUpdated, MailProfileReplaced, MailBypassCode,
	}
}

// Mail is a message that the service would send. It is kept in the outbox with
// the change that caused it; sending it is somebody else's work.
type Mail struct {
	ID       string    `json:"id"`
	To       []string  `json:"to"`
	Template string    `json:"template"` // one of MailKinds
	UserID   string    `json:"userId,omitempty"`
	Created  time.Time `json:"created"`
	// Language is the preferredLanguage or else the locale of the user, as it
	// is written there.
	Language string `json:"language,omitempty"`
	// Data are the values that the template shows.
	Data map[string]string `json:"data,omitempty"`
	// Link is the path, with the token, that the mail leads to; scheme and
	// host are put in front when it is rendered. Secrets are values such as a
	// bypass code. Both lie in the store encrypted, and a listing shows them
	// masked.
	Link    string            `json:"link,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"`
}

// storedMail is a mail as the store has it: the secret parts in Sealed.
type storedMail struct {
	Mail
	Sealed []byte `json:"sealed,omitempty"`
}

// mailSecrets is what Sealed holds.
type mailSecrets struct {
	Link    string            `json:"link,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"`
}

// Send puts a mail into the outbox, unless NotificationSettings say that mails
// of its kind do not go out.
func (tx *Tx) Send(m Mail) error {
	if len(m.To) == 0 {
		return errors.New("outbox: mail without a recipient")
	}
	if on, err := tx.notify(m.Template); err != nil || !on {
		return err
	}
	m.ID, m.Created = tx.e.opts.NewID(), tx.now
	rest := storedMail{Mail: m}
	if m.Link != "" || len(m.Secrets) > 0 {
		text, err := json.Marshal(mailSecrets{Link: m.Link, Secrets: m.Secrets})
		if err != nil {
			return err
		}
		if rest.Sealed, err = tx.seal(m.ID, text); err != nil {
			return err
		}
		rest.Mail = m.masked()
	}
	return tx.st.Insert(store.Record{
		Type: outboxType, ID: m.ID, Created: tx.now, Modified: tx.now, Data: rest.appendJSON(make([]byte, 0, mailSize)), Given: true,
	})
}

// mailSize is what a mail takes as JSON, roughly.
const mailSize = 768

// appendJSON writes what json.Unmarshal reads, without reflection: every new
// user gets a mail.
func (m storedMail) appendJSON(b []byte) []byte {
	text := func(name, s string) {
		if s != "" {
			b = append(append(append(b, ",\""...), name...), "\":"...)
			b = appendString(b, s)
		}
	}
	texts := func(name string, values map[string]string) {
		if len(values) == 0 {
			return
		}
		b = append(append(append(b, ",\""...), name...), "\":{"...)
		var few [16]string
		names := few[:0]
		for n := range values {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			b = append(appendString(b, n), ':')
			b = append(appendString(b, values[n]), ',')
		}
		b[len(b)-1] = '}'
	}
	b = appendString(append(b, `{"id":`...), m.ID)
	b = append(b, `,"to":[`...)
	for i, to := range m.To {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, to)
	}
	b = append(b, ']')
	text("template", m.Template)
	text("userId", m.UserID)
	b = append(b, `,"created":"`...)
	b = append(m.Created.AppendFormat(b, time.RFC3339Nano), '"')
	text("language", m.Language)
	texts("data", m.Data)
	text("link", m.Link)
	texts("secrets", m.Secrets)
	if len(m.Sealed) > 0 {
		b = append(b, `,"sealed":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, m.Sealed), '"')
	}
	return append(b, '}')
}

// masked is the mail without its secrets, but with what shows that there are
// some.
func (m Mail) masked() Mail {
	if path, _, ok := strings.Cut(m.Link, "="); ok {
		m.Link = path + "=" + maskedValue
	}
	secrets := m.Secrets
	m.Secrets = nil
	for name := range secrets {
		if m.Secrets == nil {
			m.Secrets = map[string]string{}
		}
		m.Secrets[name] = maskedValue
	}
	return m
}

// mailOf reads a stored mail, with its secrets if open is set.
func (tx *Tx) mailOf(rec store.Record, open bool) (Mail, error) {
	var m storedMail
	err := json.Unmarshal(rec.Data, &m)
	if err == nil && open && len(m.Sealed) > 0 {
		var text []byte
		var s mailSecrets
		if text, err = tx.open(m.ID, m.Sealed); err == nil {
			err = json.Unmarshal(text, &s)
		}
		m.Link, m.Secrets = s.Link, s.Secrets
	}
	if err != nil {
		return Mail{}, fmt.Errorf("outbox: mail %s: %w: %w", rec.ID, store.ErrCorrupt, err)
	}
	return m.Mail, nil
}

// Outbox lists the mails after a cursor, oldest first, and the cursor that
// continues behind them. Limit 0 means all. Links and other secrets are
// masked.
func (e *Engine) Outbox(ctx context.Context, after string, limit int) ([]Mail, string, error) {
	return e.mails(ctx, after, limit, false)
}

// OpenOutbox is Outbox with links and other secrets as they are: for those who
// deliver the mails, and for holders of the control key.
func (e *Engine) OpenOutbox(ctx context.Context, after string, limit int) ([]Mail, string, error) {
	return e.mails(ctx, after, limit, true)
}

// OpenMail answers one mail with its secrets, or store.ErrNotFound.
func (e *Engine) OpenMail(ctx context.Context, id string) (Mail, error) {
	var m Mail
	err := e.st.View(ctx, func(st store.Tx) error {
		rec, err := st.Get(outboxType, id)
		if err == nil {
			m, err = e.tx(st, Call{}, true).mailOf(rec, true)
		}
		return err
	})
	return m, err
}

func (e *Engine) mails(ctx context.Context, after string, limit int, open bool) ([]Mail, string, error) {
	var mails []Mail
	next := after
	err := e.st.View(ctx, func(st store.Tx) error {
		tx := e.tx(st, Call{}, true)
		for row, err := range st.Query(store.Query{Type: outboxType, After: after, Limit: limit}) {
			if err != nil {
				return err
			}
			m, err := tx.mailOf(row.Record, open)
			if err != nil {
				return err
			}
			mails = append(mails, m)
			next = row.Cursor
		}
		return nil
	})
	return mails, next, err
}
