package scim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"slices"
)

// Spool is a place outside of memory for what a long list has to remember: 16
// bytes a row, which say nothing to anybody else. It is written from the
// beginning to the end, read anywhere, and closed when the list ends.
type Spool interface {
	io.ReaderAt
	io.Writer
	io.Closer
}

// seen remembers the rows of a list by their keys. Up to runRows of them are in
// a map. Where there is a Spool, they then go there, sorted, as a run, and only
// a filter of the run stays in memory: it tells most keys that are not in the
// run, so that the Spool is seldom asked. A Spool that cannot be written is not
// used any more, and the map grows instead.
//
// Keys are hashed to 128 bits under a secret of the process: nobody can make
// two rows that look alike, and runs are as good as uniform.
type seen struct {
	open   func() (Spool, error)
	seeds  [2]maphash.Seed
	recent map[rowID]struct{}
	most   int // rows of recent before they become a run
	runs   []*filterBlocks
	spool  Spool
	lost   bool // the Spool takes nothing more
	err    error
	buf    []byte  // a window of a run
	run    []rowID // becoming a run
	out    []byte
}

type rowID struct{ a, b uint64 }

const (
	// runRows is how many rows make a run.
	runRows   = 16384
	rowBytes  = 16
	filterBit = 10 // of a row
	blockBits = 512
	blocks    = runRows * filterBit / blockBits
	probes    = 4
	// window is how many rows of a run are read at once. Runs are uniform: a
	// row is nearly always within this many of where it would be on average.
	window = 512
)

// filterBlocks is a Bloom filter whose bits for one key are in one block.
type filterBlocks [blocks][blockBits / 64]uint64

func newSeen(open func() (Spool, error)) *seen {
	return &seen{open: open, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, recent: map[rowID]struct{}{}, most: runRows, lost: open == nil}
}

// add says whether the key is new.
func (s *seen) add(key [16]byte) bool {
	id := rowID{maphash.Bytes(s.seeds[0], key[:]), maphash.Bytes(s.seeds[1], key[:])}
	if _, known := s.recent[id]; known {
		return false
	}
	for i := range s.runs {
		if s.runs[i].has(id) && s.inRun(i, id) {
			return false
		}
	}
	s.recent[id] = struct{}{}
	if len(s.recent) == s.most && !s.lost {
		s.lost = !s.spill()
	}
	return true
}

// close gives the Spool back and answers the first error of reading it.
func (s *seen) close() error {
	if s.spool != nil {
		s.err = errors.Join(s.err, s.spool.Close())
		s.spool = nil
	}
	return s.err
}

// spill makes a run of what is in memory, and says whether that worked.
func (s *seen) spill() bool {
	if s.spool == nil {
		var err error
		if s.spool, err = s.open(); err != nil {
			s.spool = nil
			return false
		}
	}
	s.run = slices.Grow(s.run[:0], len(s.recent))
	for id := range s.recent {
		s.run = append(s.run, id)
	}
	slices.SortFunc(s.run, rowID.compare)
	s.out = slices.Grow(s.out[:0], len(s.run)*rowBytes)
	for _, id := range s.run {
		s.out = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(s.out, id.a), id.b)
	}
	if n, err := s.spool.Write(s.out); err != nil || n != len(s.out) {
		return false
	}
	f := &filterBlocks{}
	s.runs = append(s.runs, f)
	for _, id := range s.run {
		f.add(id)
	}
	clear(s.recent)
	return true
}

func (r rowID) compare(o rowID) int {
	switch {
	case r.a < o.a || r.a == o.a && r.b < o.b:
		return -1
	case r == o:
		return 0
	}
	return 1
}

// inRun looks a key up in the Spool: in a window around where it would be on
// average, then in the half of the run that is left, until it is nowhere else.
func (s *seen) inRun(run int, id rowID) bool {
	if s.buf == nil {
		s.buf = make([]byte, window*rowBytes)
	}
	guess, _ := bits.Mul64(id.a, runRows)
	lo, hi := 0, runRows
	for from := int(guess) - window/2; lo < hi; from = (lo + hi - window) / 2 { //nolint:gosec // below runRows
		from = min(max(from, 0), runRows-window)
		if _, err := s.spool.ReadAt(s.buf, int64(run*runRows+from)*rowBytes); err != nil {
			if s.err == nil {
				s.err = fmt.Errorf("read what was noted of earlier rows: %w", err)
			}
			return false
		}
		switch {
		case id.compare(s.at(0)) < 0:
			hi = from
		case id.compare(s.at(window-1)) > 0:
			lo = from + window
		default:
			i, j := 0, window
			for i < j {
				if mid := (i + j) / 2; s.at(mid).compare(id) < 0 {
					i = mid + 1
				} else {
					j = mid
				}
			}
			return i < window && s.at(i) == id
		}
	}
	return false
}

// at is a row of the window that was read.
func (s *seen) at(i int) rowID {
	b := s.buf[i*rowBytes:]
	return rowID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (f *filterBlocks) add(id rowID) {
	block := f.block(id)
	for h, i := id.b, 0; i < probes; i, h = i+1, h>>9 {
		block[h>>6&7] |= 1 << (h & 63)
	}
}

func (f *filterBlocks) has(id rowID) bool {
	block := f.block(id)
	for h, i := id.b, 0; i < probes; i, h = i+1, h>>9 {
		if block[h>>6&7]>>(h&63)&1 == 0 {
			return false
		}
	}
	return true
}

func (f *filterBlocks) block(id rowID) *[blockBits / 64]uint64 {
	n, _ := bits.Mul64(id.a, blocks)
	return &f[n]
}
