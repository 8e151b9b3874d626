package scim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// walker decides how a list is walked by startIndex, and when it is whole.
//
// Index paging has no snapshot: a row deleted before the current position
// moves the later ones forward, so that the next page would skip some; a row
// inserted there moves them back, so that some come again. Hence
//
//   - rows are told apart by id, and none is yielded twice: see seen;
//   - the next page begins behind the rows that came, not behind those asked
//     for, so that a server may shorten pages;
//   - when totalResults falls, the page at hand is read again from that much
//     earlier on, where the rows it may have skipped are now (they then come
//     out of order);
//   - a page that brings only known rows although nothing was inserted means
//     that the server ignores startIndex: the list ends with an error;
//   - at the end, fewer rows than the last totalResults are an error, unless
//     the total was seen to grow by as many: rows inserted before the position
//     belong to a list that began before them.
//
// A row inserted and another deleted between two pages, which leaves the total
// as it was, cannot be seen by any client of this protocol.
type walker struct {
	opts ListOptions
	done bool

	first int // where the caller began, 1-based
	total int // of the last page, -1 when unknown
	drift int // rows by which the total was seen to grow
	low   int // the least total of pages thrown away since the last one, -1 for none
	seen  *seen

	rows    int      // yielded
	fresh   int      // of the page at hand
	loose   int      // of those, rows without an id
	digest  [32]byte // of the loose rows of the page at hand
	digests map[[32]byte]struct{}
	barren  int // pages in a row without a new row
	pages   int
	stepped bool
}

// maxBarren bounds how often a page may bring nothing new while totals move.
const maxBarren = 10

func newWalker(opts ListOptions, client Options) *walker {
	if opts.Count <= 0 {
		opts.Count = client.PageSize
	}
	opts.StartIndex = max(opts.StartIndex, 1)
	return &walker{opts: opts, first: opts.StartIndex, total: -1, low: -1, seen: newSeen(client.Spool), digests: make(map[[32]byte]struct{})}
}

// rowKey is the id of a row as 16 bytes: the bytes themselves where it is 32
// hex digits, else a digest of it. rest is the row's text where it has no id.
func rowKey(v any, raw json.RawMessage) (key [16]byte, hasID bool, rest json.RawMessage) {
	var id string
	if d, ok := v.(Document); ok {
		if id = d.ID(); id == "" {
			raw = d.Canonical()
		}
	} else {
		var x struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &x) == nil {
			id = x.ID
		}
	}
	if id == "" {
		return key, false, raw
	}
	return idKey([]byte(id)), true, nil
}

// idKey is an id as 16 bytes.
func idKey(id []byte) (key [16]byte) {
	if len(id) == 32 {
		if _, err := hex.Decode(key[:], id); err == nil {
			return key
		}
	}
	sum := sha256.Sum256(id)
	copy(key[:], sum[:])
	return key
}

func (w *walker) begin() {
	w.fresh, w.loose, w.digest = 0, 0, [32]byte{}
}

// take says whether the row is new.
func (w *walker) take(key [16]byte, hasID bool, rest json.RawMessage) bool {
	if hasID {
		if !w.seen.add(key) {
			return false
		}
	} else {
		// Rows without an id may be alike; only whole pages are compared.
		w.loose++
		w.digest = sha256.Sum256(append(w.digest[:], rest...))
	}
	w.fresh++
	w.rows++
	return true
}

// note takes in a page's head and answers by how much the total moved.
func (w *walker) note(head listHead) (moved int) {
	if head.total >= 0 {
		if w.total >= 0 {
			moved = head.total - w.total
			from := w.total
			if w.low >= 0 {
				from = min(from, w.low)
			}
			w.drift += max(head.total-from, 0)
		}
		w.total = head.total
	}
	w.low = -1
	w.pages++
	if w.fresh == 0 {
		w.barren++
	} else {
		w.barren = 0
	}
	return moved
}

// saw takes in the total of a page that was thrown away.
func (w *walker) saw(total int) {
	if total >= 0 && (w.low < 0 || total < w.low) {
		w.low = total
	}
}

// end decides what follows a page.
func (w *walker) end(head listHead) error {
	moved := w.note(head)
	if w.repeated() {
		return fmt.Errorf("%w: the server sent the same page twice (startIndex %d)", ErrTruncatedList, w.opts.StartIndex)
	}
	next := w.opts.StartIndex + head.rows
	end := w.total
	switch {
	case head.rows == 0 && moved >= 0:
		// Nothing here: the end, or a server that stops early.
		w.done = true
		return w.complete()
	case w.total < 0 && w.fresh == 0:
		// No total, and nothing but known rows: behind the last page some
		// servers repeat it.
		w.done = true
		return nil
	case w.fresh == 0 && !w.stepped && moved <= 0 && w.rows < w.expected():
		return fmt.Errorf("%w: the server repeats rows already sent (%d of %d, startIndex %d)",
			ErrTruncatedList, w.rows, w.expected(), w.opts.StartIndex)
	case w.barren > maxBarren:
		// Totals that never settle: the count decides.
		w.done = true
		return w.complete()
	}
	w.stepped = false
	if moved < 0 {
		next = max(w.opts.StartIndex+moved, w.first)
		w.stepped = true
	}
	if end >= 0 && next > end {
		w.done = true
		return w.complete()
	}
	w.opts.StartIndex = next
	return nil
}

// close gives back what the walk needed. What could not be read there has made
// the list fail before.
func (w *walker) close() { _ = w.seen.close() }

// repeated says whether the page brought nothing but rows without an id, all
// of them alike to those of an earlier page.
func (w *walker) repeated() bool {
	if w.loose == 0 {
		return false
	}
	_, known := w.digests[w.digest]
	w.digests[w.digest] = struct{}{}
	return known && w.loose == w.fresh
}

// expected is how many rows the last total promises from the first index on.
func (w *walker) expected() int { return max(w.total-w.first+1, 0) }

// complete checks the whole list against its total.
func (w *walker) complete() error {
	if w.seen.err != nil {
		return w.seen.err
	}
	if w.total < 0 {
		return nil
	}
	if missing := w.expected() - w.rows; missing > w.drift {
		return fmt.Errorf("%w: %d of %d came", ErrTruncatedList, w.rows, w.expected())
	}
	return nil
}
