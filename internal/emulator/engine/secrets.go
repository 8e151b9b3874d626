package engine

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // hashes that are imported with it must be checked
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/idctl/idctl/pkg/scim/schema"
)

// The hash formats of the service's import (idcs-behaviour 5): a prefix, then
// for PBKDF2 the iterations, a dollar sign, the salt, a blank, the hash, both
// in base 64; for salted SHA the base 64 of hash and salt. That the blank
// is real is a guess; a dollar sign is read in its place, too.
const hashPrefix = "{PBKDF2-HMAC-SHA256}"

var (
	pbkdf2Formats = map[string]func() hash.Hash{
		"{PBKDF2-HMAC-SHA1}": sha1.New, "{PBKDF2-HMAC-SHA256}": sha256.New,
		"{PBKDF2-HMAC-SHA384}": sha512.New384, "{PBKDF2-HMAC-SHA512}": sha512.New,
	}
	saltedFormats = map[string]func() hash.Hash{
		"{SSHA}": sha1.New, "{SSHA256}": sha256.New, "{SSHA384}": sha512.New384, "{SSHA512}": sha512.New,
	}
)

// errHash says that a stored hash is of no known form.
var errHash = errors.New("password hash of unknown form")

// prefixOf answers the format prefix of a hash that was made elsewhere.
func prefixOf(s string) (string, bool) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return "", false
	}
	prefix := strings.ToUpper(s[:end+1])
	if pbkdf2Formats[prefix] == nil && saltedFormats[prefix] == nil {
		return "", false
	}
	return prefix, len(s) > end+1
}

// hashPassword hashes a clear text as the service stores it.
func hashPassword(plain string, cost int) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	key, err := pbkdf2.Key(sha256.New, plain, salt, cost, sha256.Size)
	if err != nil {
		return "", err
	}
	enc := base64.StdEncoding
	return hashPrefix + strconv.Itoa(cost) + "$" + enc.EncodeToString(salt) + " " + enc.EncodeToString(key), nil
}

// maxHashCost bounds the iterations that an imported hash may ask for.
const maxHashCost = 10_000_000

// CheckPassword compares a clear text with a stored hash. The error says that
// the hash cannot be used; neither of both is in it.
func CheckPassword(hashed, plain string) (bool, error) {
	prefix, ok := prefixOf(hashed)
	if !ok {
		return false, errHash
	}
	rest := hashed[len(prefix):]
	enc := base64.StdEncoding
	if newHash := saltedFormats[prefix]; newHash != nil {
		raw, err := enc.DecodeString(rest)
		h := newHash()
		if err != nil || len(raw) < h.Size() {
			return false, errHash
		}
		h.Write([]byte(plain))
		h.Write(raw[h.Size():])
		return subtle.ConstantTimeCompare(h.Sum(nil), raw[:h.Size()]) == 1, nil
	}
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r == '$' || r == ' ' })
	if len(parts) != 3 {
		return false, errHash
	}
	cost, err := strconv.Atoi(parts[0])
	if err != nil || cost < 1 || cost > maxHashCost {
		return false, errHash
	}
	salt, err := enc.DecodeString(parts[1])
	if err != nil {
		return false, errHash
	}
	want, err := enc.DecodeString(parts[2])
	if err != nil || len(want) == 0 {
		return false, errHash
	}
	got, err := pbkdf2.Key(pbkdf2Formats[prefix], plain, salt, cost, len(want))
	if err != nil {
		return false, fmt.Errorf("password hash: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// hashSecrets replaces clear texts that are kept as hashes only. A value that
// did not change is a hash already; one made elsewhere is kept as it is.
func (tx *Tx) hashSecrets(ti *typeInfo, c *Change) error {
	for _, a := range ti.hashed {
		plain, ok := value(c.New, a).(string)
		if !ok || value(c.Old, a) == any(plain) {
			continue
		}
		if _, made := prefixOf(plain); made {
			continue
		}
		hashed, err := tx.hash(plain)
		if err != nil {
			return err
		}
		if c.Secrets == nil {
			c.Secrets = map[string]string{}
		}
		c.Secrets[a.path] = plain
		setValue(c.New, a, hashed)
	}
	return ti.each(c.New, func(a *attr, v any) error { return tx.hashNested(a, v) })
}

// hash is hashPassword, unless it was done before the transaction.
func (tx *Tx) hash(plain string) (string, error) {
	if hashed, ok := tx.call.hashes[plain]; ok {
		return hashed, nil
	}
	return hashPassword(plain, tx.e.opts.PasswordCost)
}

// hashAhead hashes a password for a transaction that is about to begin. Hashing
// takes its time, and writers wait for each other: those who write no password
// must not wait for it.
func (e *Engine) hashAhead(plain string) (map[string]string, error) {
	hashed, err := hashPassword(plain, e.opts.PasswordCost)
	return map[string]string{plain: hashed}, err
}

// hashAheadOf does it for the password of a document as it was sent, of the
// types that have one. Where it is of no use the transaction tells.
func (e *Engine) hashAheadOf(ti *typeInfo, in Document) (map[string]string, error) {
	if !ti.setsPassword() {
		return nil, nil
	}
	for name, v := range in {
		plain, ok := v.(string)
		if !ok || !strings.EqualFold(name, "password") || plain == "" || len(plain) > maxPasswordLength {
			continue
		}
		if _, made := prefixOf(plain); !made {
			return e.hashAhead(plain)
		}
	}
	return nil, nil
}

// hashAheadOfPatch is hashAheadOf for a PATCH.
func (e *Engine) hashAheadOfPatch(ti *typeInfo, ops []PatchOp) (map[string]string, error) {
	for _, op := range ops {
		in, _ := op.Value.(Document)
		if strings.EqualFold(op.Path, "password") {
			in = Document{"password": op.Value}
		} else if op.Path != "" {
			continue
		}
		if made, err := e.hashAheadOf(ti, in); err != nil || made != nil {
			return made, err
		}
	}
	return nil, nil
}

// setsPassword says that the member password of a document becomes that of a
// user.
func (ti *typeInfo) setsPassword() bool {
	switch ti.rt.Name {
	case "User", "Me", "UserPasswordChanger", "BulkUserPasswordChanger":
		return true
	}
	return false
}

// hashNested hashes sub-attributes such as the answers to security questions.
// Hashes carry a prefix, so that those which are there already are known.
func (tx *Tx) hashNested(a *attr, v any) error {
	for _, sub := range a.hashes {
		for _, x := range elements(v) {
			m := asMap(x)
			plain, ok := m[sub.Name].(string)
			if !ok {
				continue
			}
			if _, made := prefixOf(plain); made {
				continue
			}
			hashed, err := hashPassword(plain, tx.e.opts.PasswordCost)
			if err != nil {
				return err
			}
			m[sub.Name] = hashed
		}
	}
	return nil
}

// secret says that a value must not be shown anywhere.
func (a *attr) secret() bool {
	return a.digest || a.sealed || a.Sensitive != "" || a.Type == schema.TypeString &&
		(a.Mutability == schema.WriteOnly || a.returned() == schema.ReturnedNever)
}
