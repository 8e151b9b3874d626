package engine

import (
	"crypto/md5" //nolint:gosec // what fingerprints of API keys are made with
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"strings"
)

// API keys are RSA public keys in PEM. They are no secret, and are shown.

// What no source settles of API keys: guesses.
const (
	// apiKeyBits is the least length of a key; the cloud's own documents ask
	// for as many.
	apiKeyBits = 2048
	// apiKeyOnce refuses a key that the same user has already.
	apiKeyOnce = true
	// msgKey refuses what is no such key.
	msgKey = "error.identity.credential.invalidPublicKey"
)

// fillAPIKey checks the key and makes its fingerprint.
func fillAPIKey(c *Change, user string, _ Document) error {
	text, _ := c.New["key"].(string)
	if strings.TrimSpace(text) == "" {
		return bad(msgMissingAttributes, "Missing required attribute(s): key.")
	}
	digest, err := fingerprint(text)
	if err != nil {
		return err
	}
	c.New["fingerprint"] = digest
	if !apiKeyOnce {
		return nil
	}
	recs, err := c.Tx.ownedRecords(user, c.Type)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		doc, err := decode(rec.Data)
		if err != nil {
			return err
		}
		if doc["fingerprint"] == any(digest) {
			return fail(http.StatusConflict, scimUniqueness, msgDuplicate, "The user has this key already, with the fingerprint %s.", digest)
		}
	}
	return nil
}

// fingerprint checks a key and answers its fingerprint as the cloud shows it:
// the MD5 digest of the DER form, in pairs of hex digits with colons.
func fingerprint(text string) (string, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return "", bad(msgKey, "Attribute key is no public key in PEM form.")
	case strings.Contains(block.Type, "PRIVATE"):
		return "", bad(msgKey, "Attribute key holds a private key. Only the public one may leave its owner: send that, and make a new pair.")
	case strings.TrimSpace(string(rest)) != "" && strings.Contains(string(rest), "-----BEGIN"):
		return "", bad(msgKey, "Attribute key holds more than one key.")
	}
	key, err := parsePublicKey(block)
	if err != nil {
		return "", err
	}
	if n := key.N.BitLen(); n < apiKeyBits {
		return "", bad(msgKey, "Attribute key is an RSA key of %d bits; at least %d are needed.", n, apiKeyBits)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", bad(msgKey, "Attribute key is no RSA public key.")
	}
	sum := md5.Sum(der) //nolint:gosec // no security rests on it
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(pairs, ":"), nil
}

func parsePublicKey(block *pem.Block) (*rsa.PublicKey, error) {
	if block.Type == "RSA PUBLIC KEY" {
		key, err := x509.ParsePKCS1PublicKey(block.Bytes)
		if err != nil {
			return nil, bad(msgKey, "Attribute key is no RSA public key.")
		}
		return key, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, bad(msgKey, "Attribute key is no public key in PEM form.")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, bad(msgKey, "Attribute key is no RSA public key.")
	}
	return key, nil
}
