package oauth

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/idctl/idctl/internal/emulator/store"
)

const (
	signingKeyValue = "oauth.signingKey"
	signingKeyBits  = 2048
)

// signingKey is the key in the store with what is derived from it once.
type signingKey struct {
	raw    []byte // as stored, to notice that it was replaced
	kid    string
	priv   *rsa.PrivateKey
	signer jose.Signer
}

// storedKey is the stored form. The private key is kept as it is: the store's
// file is as secret as the key, and the emulator guards nothing else.
type storedKey struct {
	KID   string `json:"kid"`
	PKCS8 []byte `json:"pkcs8"`
}

func parseKey(raw []byte) (*signingKey, error) {
	var sk storedKey
	if err := json.Unmarshal(raw, &sk); err != nil {
		return nil, fmt.Errorf("oauth: stored signing key: %w", err)
	}
	k, err := x509.ParsePKCS8PrivateKey(sk.PKCS8)
	if err != nil {
		return nil, fmt.Errorf("oauth: stored signing key: %w", err)
	}
	priv, ok := k.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("oauth: stored signing key is not an RSA key")
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: priv, KeyID: sk.KID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("oauth: signer: %w", err)
	}
	return &signingKey{raw: bytes.Clone(raw), kid: sk.KID, priv: priv, signer: signer}, nil
}

// loadKey answers the key that is in the store now, or store.ErrNotFound. The
// parsed form is kept as long as the stored bytes stay the same.
func (s *Server) loadKey(ctx context.Context) (*signingKey, error) {
	var raw []byte
	err := s.cfg.Store.View(ctx, func(tx store.Tx) error {
		var err error
		raw, err = tx.Value(signingKeyValue)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.adoptKey(raw)
}

func (s *Server) adoptKey(raw []byte) (*signingKey, error) {
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	if s.key != nil && bytes.Equal(s.key.raw, raw) {
		return s.key, nil
	}
	k, err := parseKey(raw)
	if err != nil {
		return nil, err
	}
	s.key = k
	return k, nil
}

// ensureKey answers the key in the store and makes one if there is none. When
// two processes make one at the same time, the first to commit wins.
func (s *Server) ensureKey(ctx context.Context) (*signingKey, error) {
	k, err := s.loadKey(ctx)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return k, err
	}
	raw, err := s.generateKey(ctx)
	if err != nil {
		return nil, err
	}
	return s.adoptKey(raw)
}

// generateKey works outside of any transaction, because it takes about 100 ms
// and would hold up every writer.
func (s *Server) generateKey(ctx context.Context) ([]byte, error) {
	priv, err := s.cfg.NewKey()
	if err != nil {
		return nil, fmt.Errorf("oauth: make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, fmt.Errorf("oauth: make signing key: %w", err)
	}
	raw, err := json.Marshal(storedKey{KID: randomHex(16), PKCS8: der})
	if err != nil {
		return nil, fmt.Errorf("oauth: make signing key: %w", err)
	}
	err = s.cfg.Store.Update(ctx, func(tx store.Tx) error {
		have, err := tx.Value(signingKeyValue)
		switch {
		case err == nil:
			raw = have
			return nil
		case errors.Is(err, store.ErrNotFound):
			return tx.SetValue(signingKeyValue, raw)
		default:
			return err
		}
	})
	if err != nil {
		return nil, fmt.Errorf("oauth: keep signing key: %w", err)
	}
	return raw, nil
}

// JWKS answers the public form of the signing key (RFC 7517). Whether the
// caller may see it without a token is the caller's matter.
func (s *Server) JWKS(w http.ResponseWriter, r *http.Request) {
	k, err := s.ensureKey(r.Context())
	if err != nil {
		s.internal(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: k.priv.Public(), KeyID: k.kid, Algorithm: string(jose.RS256), Use: "sig",
	}}})
}
