package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/idctl/idctl/internal/emulator/store"
)

const (
	verifyCacheSize = 1024
	// revocationType holds one record for each revoked token until it would
	// have expired anyway; its id is the digest of the jti.
	revocationType = "oauth.revocation"
	expiresPath    = "expires"
	pruneBatch     = 50
)

// Verify checks an access token: signature, kind, time and revocation. The
// signature of a token is checked once and then remembered; revocation is
// looked up again whenever the store has changed, in whichever process.
func (s *Server) Verify(ctx context.Context, raw string) (*Claims, error) {
	c, _, err := s.VerifyAt(ctx, raw)
	return c, err
}

// VerifyAt is Verify for callers that need to know at which version of the store
// the token was good.
func (s *Server) VerifyAt(ctx context.Context, raw string) (*Claims, uint64, error) {
	if raw == "" || len(raw) > maxTokenLength {
		return nil, 0, ErrInvalidToken
	}
	version, err := s.cfg.Store.Version(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("oauth: verify token: %w", err)
	}
	sum := sha256.Sum256([]byte(raw))
	e, ok := s.cache.get(sum)
	if !ok || e.version != version {
		if e, err = s.verifyStored(ctx, raw, e); err != nil {
			return nil, 0, err
		}
		e.version = version
		s.cache.put(sum, e)
	}
	if s.cfg.Now().Unix() >= e.claims.Expiry {
		return nil, 0, ErrExpiredToken
	}
	return e.claims, version, nil
}

// verifyStored checks what depends on the store. known is the zero value for
// a token not seen before.
func (s *Server) verifyStored(ctx context.Context, raw string, known verified) (verified, error) {
	k, err := s.loadKey(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound): // nothing was ever issued
		return verified{}, ErrInvalidToken
	case err != nil:
		return verified{}, fmt.Errorf("oauth: verify token: %w", err)
	}
	if known.claims == nil || known.kid != k.kid {
		c, err := parseAccess(raw, k)
		if err != nil {
			return verified{}, err
		}
		known = verified{claims: c, kid: k.kid}
	}
	revoked, err := s.isRevoked(ctx, known.claims.ID)
	if err != nil {
		return verified{}, fmt.Errorf("oauth: verify token: %w", err)
	}
	if revoked {
		return verified{}, ErrRevokedToken
	}
	return known, nil
}

func parseAccess(raw string, k *signingKey) (*Claims, error) {
	tok, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(tok.Headers) != 1 || tok.Headers[0].KeyID != k.kid {
		return nil, ErrInvalidToken
	}
	var c Claims
	if err := tok.Claims(k.priv.Public(), &c); err != nil {
		return nil, ErrInvalidToken
	}
	if c.TokenType != tokenAccess || c.ID == "" {
		return nil, ErrInvalidToken
	}
	return &c, nil
}

func (s *Server) isRevoked(ctx context.Context, jti string) (bool, error) {
	err := s.cfg.Store.View(ctx, func(tx store.Tx) error {
		_, err := tx.Get(revocationType, digest(jti))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// RevokeClaims revokes the access token with these claims.
func (s *Server) RevokeClaims(ctx context.Context, c *Claims) error {
	now := s.cfg.Now()
	data, err := json.Marshal(map[string]int64{"exp": c.Expiry})
	if err != nil {
		return fmt.Errorf("oauth: revoke token: %w", err)
	}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := prune(tx, revocationType, now); err != nil {
			return err
		}
		err := tx.Insert(store.Record{
			Type: revocationType, ID: digest(c.ID), Created: now, Modified: now, Data: data,
			Index: []store.Entry{{Path: expiresPath, Value: sortable(time.Unix(c.Expiry, 0))}},
		})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("oauth: revoke token: %w", err)
	}
	return nil
}

// sortable writes a time so that byte order is the order of time.
func sortable(t time.Time) string { return fmt.Sprintf("%020d", max(t.Unix(), 0)) }

// prune removes a batch of records whose time is over, so that the store does
// not grow with every token ever issued.
func prune(tx store.Tx, typ string, now time.Time) error {
	var ids []string
	for row, err := range tx.Query(store.Query{
		Type: typ, Limit: pruneBatch,
		Conds: []store.Cond{{Path: expiresPath, Rel: store.Lt, Value: sortable(now)}},
	}) {
		if err != nil {
			return err
		}
		ids = append(ids, row.ID)
	}
	for _, id := range ids {
		if err := tx.Delete(typ, id); err != nil {
			return err
		}
	}
	return nil
}

// verified is a token whose signature was checked.
type verified struct {
	claims  *Claims // never changed once here
	kid     string
	version uint64 // of the store when revocation was looked up
}

// verifyCache remembers tokens by digest. When it is full the oldest goes.
type verifyCache struct {
	mu    sync.Mutex
	byKey map[[sha256.Size]byte]verified
	order [][sha256.Size]byte // ring
	next  int
}

func newVerifyCache(size int) *verifyCache {
	return &verifyCache{byKey: make(map[[sha256.Size]byte]verified, size), order: make([][sha256.Size]byte, size)}
}

func (c *verifyCache) get(k [sha256.Size]byte) (verified, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.byKey[k]
	return v, ok
}

func (c *verifyCache) put(k [sha256.Size]byte, v verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[k]; !ok {
		delete(c.byKey, c.order[c.next])
		c.order[c.next] = k
		c.next = (c.next + 1) % len(c.order)
	}
	c.byKey[k] = v
}
