package tokens

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is the SHA-1 of a certificate by RFC 7515; it names a key and secures nothing
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/idctl/idctl/pkg/transport"
)

// Signer makes RS256 assertions, of clients and of users.
type Signer struct {
	Key *rsa.PrivateKey
	// KeyID is the alias under which the certificate was uploaded (kid).
	KeyID string
	// Certificate gives the thumbprint (x5t). Either it or KeyID is needed.
	Certificate *x509.Certificate
	// Audience is who shall accept the assertion. Empty: the origin of the
	// token endpoint with a final slash, which is what domains want.
	Audience string
	// Life is how long an assertion is good for. Default 5 minutes.
	Life time.Duration
}

// Sign returns a JWT in which issuer says that it speaks for subject.
func (s *Signer) Sign(now time.Time, issuer, subject, endpoint string) (transport.Secret, error) {
	if s == nil || s.Key == nil {
		return "", errors.New("no private key to sign with")
	}
	if s.KeyID == "" && s.Certificate == nil {
		return "", errors.New("neither a key id nor a certificate is given: the service could not find the key")
	}
	audience := s.Audience
	if audience == "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("%w: the token endpoint is not a URL", transport.ErrBadRequest)
		}
		audience = u.Scheme + "://" + u.Host + "/"
	}
	life := s.Life
	if life <= 0 {
		life = 5 * time.Minute
	}
	var id [16]byte
	// crypto/rand.Read never fails since Go 1.24: it ends the program instead.
	_, _ = rand.Read(id[:])
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "sub": subject, "aud": []string{audience},
		"iat": now.Unix(), "exp": now.Add(life).Unix(), "jti": hex.EncodeToString(id[:]),
	})
	if err != nil {
		return "", fmt.Errorf("encode the claims: %w", err)
	}
	opts := (&jose.SignerOptions{}).WithType("JWT")
	if s.KeyID != "" {
		opts = opts.WithHeader("kid", s.KeyID)
	}
	if s.Certificate != nil {
		sum := sha1.Sum(s.Certificate.Raw) //nolint:gosec // see the import
		opts = opts.WithHeader("x5t", base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: s.Key}, opts)
	if err != nil {
		return "", fmt.Errorf("use the private key: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	jwt, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("serialise: %w", err)
	}
	return transport.Secret(jwt), nil
}

// ParseKey reads an RSA private key in PEM form, PKCS #1 or PKCS #8, without a
// passphrase.
func ParseKey(data []byte) (*rsa.PrivateKey, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errors.New("no RSA private key in PEM form found")
		}
		data = rest
		switch block.Type {
		case "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, errors.New("the private key has a passphrase: store it without one, readable only by you")
			}
			key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("the RSA private key is damaged")
			}
			return key, nil
		case "PRIVATE KEY":
			parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("the private key is damaged")
			}
			key, ok := parsed.(*rsa.PrivateKey)
			if !ok {
				return nil, fmt.Errorf("the private key is of type %T, want RSA", parsed)
			}
			return key, nil
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key has a passphrase: store it without one, readable only by you")
		}
	}
}
