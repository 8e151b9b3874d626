package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/store"
)

// Outbox answers the messages that the service would have sent, oldest first,
// and the cursor that continues behind them. Limit 0 means all.
func (s *Service) Outbox(ctx context.Context, after string, limit int) ([]engine.Mail, string, error) {
	mails, next, err := s.outbox(ctx, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("emulator: outbox: %w", err)
	}
	if mails == nil {
		mails = []engine.Mail{}
	}
	return mails, next, nil
}

// controlOutbox answers a page; the parameters after and limit select it.
func (s *Service) controlOutbox(w http.ResponseWriter, r *http.Request) error {
	limit, err := positiveParam(r, "limit")
	if err != nil {
		return err
	}
	mails, next, err := s.Outbox(r.Context(), r.URL.Query().Get("after"), limit)
	if err != nil {
		return err
	}
	found, err := s.deliveries(r.Context(), mails)
	if err != nil {
		return err
	}
	list := make([]ListedMail, 0, len(mails))
	for _, m := range mails {
		list = append(list, ListedMail{Mail: m, Delivery: found[m.ID]})
	}
	writeBody(w, http.StatusOK, contentJSON, struct {
		Mails []ListedMail `json:"mails"`
		Next  string       `json:"next"`
	}{list, next})
	return nil
}

// ListedMail is a mail as a listing shows it, its secrets masked.
type ListedMail struct {
	engine.Mail

	// Delivery says how its sending stands; nil when it was never to be sent.
	Delivery *mail.Delivery `json:"delivery,omitempty"`
}

// DeliveryState is how the sending of the mail stands in a word; empty when it
// was never to be sent.
func (m *ListedMail) DeliveryState() string {
	if m.Delivery == nil {
		return ""
	}
	return m.Delivery.State
}

// controlMail answers one mail in words, with its secrets; the parameter
// language asks for another language than that of the user.
func (s *Service) controlMail(w http.ResponseWriter, r *http.Request, id string) error {
	m, err := s.Mail(r.Context(), s.baseURL(r), id, r.URL.Query().Get("language"))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refusal(http.StatusNotFound, "", msgParameter, "There is no such mail.")
	case errors.Is(err, mail.ErrLanguage):
		return badParameter("Parameter language must be one of en, de, fr, it and es.")
	case err != nil:
		return err
	}
	writeBody(w, http.StatusOK, contentJSON, m)
	return nil
}

// controlTemplates answers the templates of mails in the language that the
// parameter names, all kinds or the one that the parameter kind names.
func (s *Service) controlTemplates(w http.ResponseWriter, r *http.Request) error {
	kinds, err := s.templates.Kinds()
	if err != nil {
		return err
	}
	if kind := r.URL.Query().Get("kind"); kind != "" {
		kinds = []string{kind}
	}
	list := make([]mail.Template, 0, len(kinds))
	for _, kind := range kinds {
		t, err := s.templates.Show(kind, r.URL.Query().Get("language"))
		switch {
		case errors.Is(err, mail.ErrKind):
			return refusal(http.StatusNotFound, "", msgParameter, "There is no such kind of mail.")
		case errors.Is(err, mail.ErrLanguage):
			return badParameter("Parameter language must be one of en, de, fr, it and es.")
		case err != nil:
			return err
		}
		list = append(list, t)
	}
	writeBody(w, http.StatusOK, contentJSON, struct {
		Templates []mail.Template `json:"templates"`
	}{list})
	return nil
}
