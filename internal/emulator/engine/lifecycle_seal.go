package engine

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/idctl/idctl/internal/emulator/store"
)

// What the service must be able to show again (the link of a mail that is not
// delivered yet, a token that a client fetches) lies in the store encrypted
// with a key of the service. The key is in the same store, as the signing key
// is, because several processes share it: this keeps secrets out of backups of
// single tables, dumps, logs and searches, not from whoever holds the whole
// database.

// sealKeyName is the store's value that holds the key.
const sealKeyName = "engine.sealKey"

const sealKeyBytes = 32

var errSealed = errors.New("sealed value cannot be opened")

// sealer answers the cipher, and makes the key when it is first needed.
func (tx *Tx) sealer() (cipher.AEAD, error) {
	if tx.aead != nil {
		return tx.aead, nil
	}
	key, err := tx.st.Value(sealKeyName)
	switch {
	case err == nil:
	case errors.Is(err, store.ErrNotFound) && !tx.ro:
		key = make([]byte, sealKeyBytes)
		_, _ = rand.Read(key) // never fails since Go 1.24
		if err := tx.st.SetValue(sealKeyName, key); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	if s := tx.e.sealed.Load(); s != nil && bytes.Equal(s.key, key) {
		tx.aead = s.aead
		return tx.aead, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	if tx.aead, err = cipher.NewGCM(block); err == nil {
		tx.e.sealed.Store(&sealing{key: key, aead: tx.aead})
	}
	return tx.aead, err
}

// sealing is a key and its cipher, which is safe for concurrent use.
type sealing struct {
	key  []byte
	aead cipher.AEAD
}

// seal encrypts a text. The name of what it belongs to is authenticated with
// it, so that it cannot be moved elsewhere.
func (tx *Tx) seal(name string, text []byte) ([]byte, error) {
	aead, err := tx.sealer()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, text, []byte(name)), nil
}

// open decrypts what seal made under the same name.
func (tx *Tx) open(name string, sealed []byte) ([]byte, error) {
	aead, err := tx.sealer()
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errSealed
	}
	n := aead.NonceSize()
	text, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(name))
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}
