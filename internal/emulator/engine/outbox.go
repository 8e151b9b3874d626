package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// outboxType is the store's type for mails. It is no resource type: the name
// cannot be one.
const outboxType = "~mail"

// Mail is a message that the service would send. It is kept in the outbox with
// the change that caused it; sending it is somebody else's work.
type Mail struct {
	ID       string    `json:"id"`
	To       []string  `json:"to"`
	Template string    `json:"template"` // "welcome", ...
	UserID   string    `json:"userId,omitempty"`
	Created  time.Time `json:"created"`
	// Data are the values that the template shows.
	Data map[string]string `json:"data,omitempty"`
}

// Send puts a mail into the outbox.
func (tx *Tx) Send(m Mail) error {
	if len(m.To) == 0 {
		return errors.New("outbox: mail without a recipient")
	}
	m.ID, m.Created = tx.e.opts.NewID(), tx.now
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.st.Insert(store.Record{Type: outboxType, ID: m.ID, Created: tx.now, Modified: tx.now, Data: data})
}

// Outbox lists the mails after a cursor, oldest first, and the cursor that
// continues behind them. Limit 0 means all.
func (e *Engine) Outbox(ctx context.Context, after string, limit int) ([]Mail, string, error) {
	var mails []Mail
	next := after
	err := e.st.View(ctx, func(tx store.Tx) error {
		for row, err := range tx.Query(store.Query{Type: outboxType, After: after, Limit: limit}) {
			if err != nil {
				return err
			}
			var m Mail
			if err := json.Unmarshal(row.Data, &m); err != nil {
				return fmt.Errorf("outbox: mail %s: %w: %w", row.ID, store.ErrCorrupt, err)
			}
			mails = append(mails, m)
			next = row.Cursor
		}
		return nil
	})
	return mails, next, err
}
