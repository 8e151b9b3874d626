package mapping

import (
	"context"
	"crypto/sha256"
	"hash/maphash"
	"strings"
)

// Dupes finds keys that occur twice in a file. It keeps 128 bits of a digest
// and a line for each key it is to remember, so that a false alarm is out of the
// question.
type Dupes struct {
	first map[[16]byte]int32
	// suspects, if set, are all the keys that may occur twice; the others need
	// not be remembered.
	suspects *suspects
}

// NewDupes returns an empty set.
func NewDupes() *Dupes { return &Dupes{first: map[[16]byte]int32{}} }

// Add notes a key and answers the line where it stood first, if it did.
func (d *Dupes) Add(key string, line int) (first int, dup bool) {
	key = FoldKey(key)
	if d.suspects != nil && !d.suspects.has(key) {
		return 0, false
	}
	sum := sha256.Sum256([]byte(key))
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

// rememberAll is up to how many rows every key is simply remembered, which takes
// a few megabytes and saves a pass over the file. Beyond, a pass of its own
// finds the few that may occur twice: to remember the keys of a million rows
// would take more memory than all the rest of an import.
const rememberAll = 1 << 16

// suspects are keys that may occur twice: all that do, and some others.
type suspects struct {
	seed maphash.Seed
	keys map[uint64]struct{}
}

func (s *suspects) has(folded string) bool {
	_, ok := s.keys[maphash.String(s.seed, folded)]
	return ok
}

// sieve sets a few bits for each key: where all of a key's bits are set before,
// the key may have been there, and where not, it was not (a Bloom filter).
type sieve struct {
	bits []uint64
	suspects
}

const (
	// bitsPerKey and bitsSet make less than one key in a hundred a false suspect.
	bitsPerKey = 12
	bitsSet    = 4
)

// newSieve is a sieve for at most so many keys.
func newSieve(keys int64) *sieve {
	const word = 64
	return &sieve{
		bits:     make([]uint64, keys*bitsPerKey/word+1),
		suspects: suspects{seed: maphash.MakeSeed(), keys: map[uint64]struct{}{}},
	}
}

func (s *sieve) add(folded string) {
	h := maphash.String(s.seed, folded)
	step := h>>32 | 1
	seen := true
	for i := range uint64(bitsSet) {
		at := (h + i*step) % uint64(len(s.bits)*64)
		word, bit := &s.bits[at/64], uint64(1)<<(at%64)
		seen = seen && *word&bit != 0
		*word |= bit
	}
	if seen {
		s.keys[h] = struct{}{}
	}
}

// dupes is what finds doubles in one pass over the rows.
func (s *Source) dupes(ctx context.Context) (*Dupes, error) {
	d := NewDupes()
	if s.file.Lines <= rememberAll || s.plan.key < 0 {
		return d, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		sv := newSieve(s.file.Lines + 1)
		b := &s.plan.binds[s.plan.key]
		for row, err := range s.rows(ctx) {
			if err != nil {
				return nil, err
			}
			if row.Err != nil {
				continue
			}
			if v, _ := s.plan.parseCell(b, row.cells[b.cell]); v.state == set {
				sv.add(FoldKey(v.text))
			}
		}
		s.found = &suspects{seed: sv.seed, keys: sv.keys}
	}
	d.suspects = s.found
	return d, nil
}
