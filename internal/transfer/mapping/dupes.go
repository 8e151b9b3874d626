package mapping

import (
	"crypto/sha256"
	"strings"
)

// Dupes finds keys that occur twice in a file. It keeps 128 bits of a digest
// and a line for each key, so that memory grows by some tens of bytes a row and
// a false alarm is out of the question.
type Dupes struct {
	first map[[16]byte]int32
}

// NewDupes returns an empty set.
func NewDupes() *Dupes { return &Dupes{first: map[[16]byte]int32{}} }

// Add notes a key and answers the line where it stood first, if it did.
func (d *Dupes) Add(key string, line int) (first int, dup bool) {
	sum := sha256.Sum256([]byte(FoldKey(key)))
	h := [16]byte(sum[:16])
	if at, ok := d.first[h]; ok {
		return int(at), true
	}
	d.first[h] = int32(min(line, 1<<31-1)) //nolint:gosec // bounded
	return 0, false
}

// FoldKey makes user names and group names comparable, as the service compares
// them: without regard to case.
func FoldKey(key string) string { return strings.ToLower(strings.TrimSpace(key)) }
