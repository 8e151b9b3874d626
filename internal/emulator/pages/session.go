package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// sessionType is the store's type for sessions; the id of a session is the
// digest of what the browser holds. It is no resource type: the name cannot be
// one.
const sessionType = "~session"

// sessionLife is how long a session of a user lasts, and outboxLife that of a
// holder of the control key. Both are guesses: no source gives a default.
const (
	sessionLife = 8 * time.Hour
	outboxLife  = 12 * time.Hour
)

const expiresPath = "expires"

// session is what is kept of a browser that signed in.
type session struct {
	UserID  string    `json:"userId,omitempty"`
	KeyID   string    `json:"keyId,omitempty"` // the control key that opened the outbox
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// begin makes a session and answers what the browser is to hold. Sessions that
// are over go at the same time, so that they do not pile up.
func (p *Pages) begin(ctx context.Context, s session, life time.Duration) (string, error) {
	s.Created = p.cfg.Now().UTC()
	s.Expires = s.Created.Add(life)
	data, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	secret := randomHex(32)
	err = p.cfg.Store.Update(ctx, func(tx store.Tx) error {
		var over []string
		for row, err := range tx.Query(store.Query{
			Type: sessionType, Conds: []store.Cond{{Path: expiresPath, Rel: store.Le, Value: stamp(s.Created)}}, Limit: 100,
		}) {
			if err != nil {
				return err
			}
			over = append(over, row.ID)
		}
		for _, id := range over {
			if err := tx.Delete(sessionType, id); err != nil {
				return err
			}
		}
		return tx.Insert(store.Record{
			Type: sessionType, ID: digest(secret), Created: s.Created, Modified: s.Created, Data: data,
			Index: []store.Entry{{Path: expiresPath, Value: stamp(s.Expires)}},
		})
	})
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	return secret, nil
}

// session answers the session of a browser; nil when there is none.
func (r *request) session(cookie string) (*session, error) {
	secret := r.cookie(cookie)
	if secret == "" {
		return nil, nil //nolint:nilnil // no session is a usual answer
	}
	var rec store.Record
	err := r.p.cfg.Store.View(r.Context(), func(tx store.Tx) error {
		var err error
		rec, err = tx.Get(sessionType, digest(secret))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	var s session
	if err := json.Unmarshal(rec.Data, &s); err != nil {
		return nil, fmt.Errorf("session: %w: %w", store.ErrCorrupt, err)
	}
	if now := r.p.cfg.Now(); !now.Before(s.Expires) || now.Before(s.Created) {
		return nil, nil //nolint:nilnil // as above; one from the future is of a clock that was moved back
	}
	return &s, nil
}

// end ends the session of a browser and takes its cookie away.
func (r *request) end(cookie string) error {
	r.setCookie(cookie, "")
	return r.forget(cookie)
}

// forget ends the session of a browser, which is about to get another one.
func (r *request) forget(cookie string) error {
	secret := r.cookie(cookie)
	if secret == "" {
		return nil
	}
	err := r.p.cfg.Store.Update(r.Context(), func(tx store.Tx) error { return tx.Delete(sessionType, digest(secret)) })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}
