package emulator

import (
	"context"
	"fmt"
	"net/http"

	"github.com/idctl/idctl/internal/emulator/engine"
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
	writeBody(w, http.StatusOK, contentJSON, struct {
		Mails []engine.Mail `json:"mails"`
		Next  string        `json:"next"`
	}{mails, next})
	return nil
}
