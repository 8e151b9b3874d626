package scim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// spoolInMemory is a Spool that may fail.
type spoolInMemory struct {
	bytes.Buffer
	writes, failFrom int // writes from this one on fail; 0 is never
	unreadable       bool
	closed           bool
}

func (s *spoolInMemory) Write(p []byte) (int, error) {
	if s.writes++; s.failFrom > 0 && s.writes >= s.failFrom {
		return s.Buffer.Write(p[:len(p)/2]) // the disk is full
	}
	return s.Buffer.Write(p)
}

func (s *spoolInMemory) ReadAt(p []byte, off int64) (int, error) {
	if s.unreadable {
		return 0, errors.New("input/output error")
	}
	return bytes.NewReader(s.Bytes()).ReadAt(p, off)
}

func (s *spoolInMemory) Close() error {
	s.closed = true
	return nil
}

func key(i int) (k [16]byte) {
	binary.BigEndian.PutUint64(k[8:], uint64(i))
	return k
}

// Every row is new once and known ever after, in memory, in runs, and where
// the Spool cannot be opened or fills up.
func TestSeen(t *testing.T) {
	const n = 6*runRows + 100
	full := &spoolInMemory{failFrom: 3}
	good := &spoolInMemory{}
	for _, tt := range []struct {
		name string
		open func() (Spool, error)
		runs int
	}{
		{"no spool", nil, 0},
		{"spool", func() (Spool, error) { return good, nil }, 6},
		{"full", func() (Spool, error) { return full, nil }, 2},
		{"cannot be opened", func() (Spool, error) { return nil, errors.New("read-only file system") }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSeen(tt.open)
			for i := range n {
				if !s.add(key(i)) {
					t.Fatalf("row %d was taken for an earlier one", i)
				}
			}
			for i := range n {
				if s.add(key(i)) {
					t.Fatalf("row %d was not known again", i)
				}
			}
			if len(s.runs) != tt.runs || len(s.recent) != n-tt.runs*runRows {
				t.Errorf("%d runs and %d rows in memory, want %d runs", len(s.runs), len(s.recent), tt.runs)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
		})
	}
	if !good.closed || !full.closed {
		t.Error("a spool was not closed")
	}
}

// What cannot be read makes the list fail: it may have been cut, or hold rows
// twice.
func TestSeenUnreadable(t *testing.T) {
	spool := &spoolInMemory{}
	w := newWalker(ListOptions{}, Options{PageSize: 10, Spool: func() (Spool, error) { return spool, nil }})
	for i := range runRows {
		w.take(key(i), true, nil)
	}
	spool.unreadable = true
	w.take(key(1), true, nil)
	if err := w.complete(); err == nil {
		t.Error("the list is whole although rows could not be told apart")
	}
	w.close()
	if !spool.closed {
		t.Error("the spool was not closed")
	}
}
