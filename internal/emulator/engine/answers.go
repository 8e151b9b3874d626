package engine

import (
	"hash/maphash"
	"math/bits"
	"sync"

	"github.com/idctl/idctl/internal/emulator/store"
)

// answers remembers what shapes made of records. An entry is found by what it
// was made of, the stored text itself, so that it cannot be out of date; one
// that also shows other records, such as the name of a manager, counts for one
// version of the store. A record gets in when it is asked for again: reading a
// million users once leaves nothing here.
type answers struct {
	seed   maphash.Seed
	shards [answerShards]answerShard
}

const (
	answerShards = 16
	// answerBytes is how large one half of a shard grows.
	answerBytes = 1 << 20
	// answerMarks is how many records a shard remembers to have met once.
	answerMarks = 1 << 12
)

// answerShard keeps two generations: what nobody asked for while the younger
// one filled is forgotten with the older.
type answerShard struct {
	mu         sync.Mutex
	young, old map[uint64]answer
	size       int
	met        [answerMarks]uint32
}

type answer struct {
	shape  *shape
	prefix string
	id     string
	at     uint64 // version of the store; 0 where it does not matter
	text   string
}

func newAnswers() *answers { return &answers{seed: maphash.MakeSeed()} }

func (c *answers) key(sh *shape, rec store.Record) uint64 {
	return maphash.Bytes(c.seed, rec.Data) ^ bits.RotateLeft64(maphash.String(c.seed, rec.ID), 1) ^ sh.salt
}

// get appends the answer, if it is there.
func (c *answers) get(out []byte, key uint64, sh *shape, prefix, id string, version uint64) ([]byte, bool) {
	s := &c.shards[key%answerShards]
	s.mu.Lock()
	a, ok := s.young[key]
	if !ok {
		if a, ok = s.old[key]; ok {
			s.put(key, a)
		}
	}
	s.mu.Unlock()
	if !ok || a.shape != sh || a.prefix != prefix || a.id != id || a.at != 0 && (a.at != version || version == 0) {
		return out, false
	}
	return append(out, a.text...), true
}

// offer keeps an answer whose record was met before.
func (c *answers) offer(key uint64, a answer, text []byte) {
	s := &c.shards[key%answerShards]
	mark := uint32(key>>32) | 1
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := &s.met[key/answerShards%answerMarks]; *m != mark {
		*m = mark
		return
	}
	a.text = string(text)
	s.put(key, a)
}

func (s *answerShard) put(key uint64, a answer) {
	if s.young == nil || s.size > answerBytes {
		s.old, s.young, s.size = s.young, map[uint64]answer{}, 0
	}
	s.young[key] = a
	s.size += len(a.text)
}
