package sqlite

import (
	"slices"
	"sync"
)

// anchors remember where pages of all records of a type ended: the row before a
// given offset. The page that follows starts there instead of counting its way
// from an end of the table, so that reading a table page by page costs what its
// rows cost. They count for one version of the store.
type anchors struct {
	mu      sync.Mutex
	version uint64
	known   []anchor // the latest last
}

// maxAnchors is enough for some readers at a time.
const maxAnchors = 64

type anchor struct {
	typ    int64
	offset int    // so many rows come before
	seq    uint64 // of the last of them
}

// near answers the last known anchor at or before an offset.
func (a *anchors) near(version uint64, typ int64, offset int) (anchor, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var best anchor
	if version != a.version {
		return best, false
	}
	for _, k := range a.known {
		if k.typ == typ && k.offset <= offset && k.offset > best.offset {
			best = k
		}
	}
	return best, best.offset > 0
}

// note remembers the end of a page that began at an offset. Readers ask for one
// row more than they show, to learn whether there is one: so the place before
// the last row counts as well.
func (a *anchors) note(version uint64, typ int64, offset int, keys []uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if version < a.version {
		return
	}
	if version > a.version {
		a.version, a.known = version, nil
	}
	for n := max(len(keys)-1, 1); n <= len(keys); n++ {
		k := anchor{typ, offset + n, keys[n-1]}
		if i := slices.Index(a.known, k); i >= 0 {
			a.known = slices.Delete(a.known, i, i+1)
		}
		a.known = append(a.known, k)
	}
	if extra := len(a.known) - maxAnchors; extra > 0 {
		a.known = slices.Delete(a.known, 0, extra)
	}
}
