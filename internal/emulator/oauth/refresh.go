package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// refreshType holds one record for each refresh token; its id is the digest.
const refreshType = "oauth.refreshToken"

// refreshRecord is what a refresh token stands for.
type refreshRecord struct {
	ClientID string   `json:"clientId"`
	User     Subject  `json:"user"`
	Scopes   []string `json:"scopes"`
	Session  string   `json:"session"`
	Expires  int64    `json:"expires"`
	Issued   int64    `json:"issued"`
}

// keepRefresh makes a refresh token and keeps its digest. A refresh token is
// not replaced when it is used; that the service keeps it, too, is a guess.
func (s *Server) keepRefresh(ctx context.Context, q issue, now time.Time) (string, error) {
	raw := randomHex(32)
	expires := now.Add(s.cfg.RefreshTTL)
	data, err := json.Marshal(refreshRecord{
		ClientID: q.client.ID, User: *q.user, Scopes: q.scopes.names, Session: q.session,
		Expires: expires.Unix(), Issued: now.Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("oauth: keep refresh token: %w", err)
	}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := prune(tx, refreshType, now); err != nil {
			return err
		}
		return tx.Insert(store.Record{
			Type: refreshType, ID: digest(raw), Created: now, Modified: now, Data: data,
			Index: []store.Entry{{Path: expiresPath, Value: sortable(expires)}, {Path: userPath, Value: q.user.ID}},
		})
	})
	if err != nil {
		return "", fmt.Errorf("oauth: keep refresh token: %w", err)
	}
	return raw, nil
}

// findRefresh answers ErrInvalidToken for one that is unknown or expired.
func (s *Server) findRefresh(ctx context.Context, raw string) (*refreshRecord, error) {
	if raw == "" || len(raw) > maxTokenLength {
		return nil, ErrInvalidToken
	}
	var rec store.Record
	err := s.cfg.Store.View(ctx, func(tx store.Tx) error {
		var err error
		rec, err = tx.Get(refreshType, digest(raw))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrInvalidToken
	}
	if err != nil {
		return nil, fmt.Errorf("oauth: find refresh token: %w", err)
	}
	var out refreshRecord
	if err := json.Unmarshal(rec.Data, &out); err != nil {
		return nil, fmt.Errorf("oauth: stored refresh token: %w", err)
	}
	if s.cfg.Now().Unix() >= out.Expires {
		return nil, ErrInvalidToken
	}
	return &out, nil
}

// userPath is the index by which the refresh tokens of a user are found.
const userPath = "user"

// DropUser removes the refresh tokens of a user who is deleted, in the
// transaction that does it.
func DropUser(tx store.Tx, id string) error {
	q := store.Query{Type: refreshType, Conds: []store.Cond{{Path: userPath, Rel: store.Eq, Value: id}}}
	for row, err := range tx.Query(q) {
		if err == nil {
			err = tx.Delete(refreshType, row.ID)
		}
		if err != nil {
			return fmt.Errorf("oauth: remove the refresh tokens of a user: %w", err)
		}
	}
	return nil
}

func (s *Server) dropRefresh(ctx context.Context, raw string) error {
	err := s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		err := tx.Delete(refreshType, digest(raw))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("oauth: revoke refresh token: %w", err)
	}
	return nil
}
