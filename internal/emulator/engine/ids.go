package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// randomID is 32 lower-case hex digits, as the service's ids are.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// An OCID carries the id, so that it needs no index of its own: a marker that
// tells hex ids from other ones, then the id in base 32.
const (
	ocidRealm  = ".oc1.."
	markHex    = "aaaaaaaa"
	markString = "aaaaaaab"
)

var base32lower = base32.StdEncoding.WithPadding(base32.NoPadding)

// ocidFor is the OCID of a resource: ocid1.user.oc1..<unique>.
func ocidFor(typ, id string) string {
	prefix := "ocid1." + strings.ToLower(typ) + ocidRealm
	if raw, err := hex.DecodeString(id); err == nil && len(raw) == 16 && strings.ToLower(id) == id {
		return prefix + markHex + strings.ToLower(base32lower.EncodeToString(raw))
	}
	return prefix + markString + strings.ToLower(base32lower.EncodeToString([]byte(id)))
}

// idOf answers the id that a path or reference names, which may be an OCID of
// the type. An OCID that is none of ours is answered as it is: no resource has
// it for its id.
func idOf(typ, idOrOCID string) string {
	unique, ok := strings.CutPrefix(idOrOCID, "ocid1."+strings.ToLower(typ)+ocidRealm)
	if !ok {
		return idOrOCID
	}
	if text, ok := strings.CutPrefix(unique, markHex); ok {
		if raw, err := base32lower.DecodeString(strings.ToUpper(text)); err == nil && len(raw) == 16 {
			return hex.EncodeToString(raw)
		}
	}
	if text, ok := strings.CutPrefix(unique, markString); ok {
		if raw, err := base32lower.DecodeString(strings.ToUpper(text)); err == nil {
			return string(raw)
		}
	}
	return idOrOCID
}

// membershipOCID names the membership of one member in one group.
func membershipOCID(group, member string) string {
	sum := sha256.Sum256([]byte(group + "\x00" + member))
	return "ocid1.groupmembership.oc1.." + markHex + strings.ToLower(base32lower.EncodeToString(sum[:16]))
}
