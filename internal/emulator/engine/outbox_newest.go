package engine

import (
	"context"

	"github.com/idctl/idctl/internal/emulator/store"
)

// NewestMails lists the mails with the newest first, behind those skipped, and
// says whether there are older ones. Links and other secrets are masked.
func (e *Engine) NewestMails(ctx context.Context, skip, limit int) (mails []Mail, more bool, err error) {
	err = e.st.View(ctx, func(st store.Tx) error {
		tx := e.tx(st, Call{}, true)
		for row, err := range st.Query(store.Query{Type: outboxType, Desc: true, Offset: skip, Limit: limit + 1}) {
			if err != nil {
				return err
			}
			if len(mails) == limit {
				more = true
				return nil
			}
			m, err := tx.mailOf(row.Record, false)
			if err != nil {
				return err
			}
			mails = append(mails, m)
		}
		return nil
	})
	return mails, more, err
}
