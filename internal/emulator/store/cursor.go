package store

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
)

// Position is a place in the order of a query, behind a record. Records that
// have no entry at SortPath, and all records when there is no SortPath, form
// the tail of the order, where Value is empty and only Seq counts.
type Position struct {
	Tail  bool
	Value string
	Seq   uint64
}

// Compare orders positions as the query orders records.
func (q Query) Compare(a, b Position) int {
	if a.Tail != b.Tail {
		if b.Tail {
			return -1
		}
		return 1
	}
	c := strings.Compare(a.Value, b.Value)
	if c == 0 && a.Seq != b.Seq {
		c = 1
		if a.Seq < b.Seq {
			c = -1
		}
	}
	if q.Desc {
		return -c
	}
	return c
}

// Position is where a record with this Seq and these entries stands.
func (q Query) Position(seq uint64, index []Entry) Position {
	if q.SortPath != "" {
		if v, ok := SortValue(index, q.SortPath); ok {
			return Position{Value: v, Seq: seq}
		}
	}
	return Position{Tail: true, Seq: seq}
}

const (
	cursorHead = 'h'
	cursorTail = 't'
	cursorSize = 1 + 8 + 8 // kind, fingerprint of the query, Seq; then Value
)

// Cursors answers the function that writes positions as the opaque texts of
// Row.Cursor. They carry a fingerprint of the query, so that they cannot
// continue another one.
func (q Query) Cursors() func(Position) string {
	mark := q.fingerprint() // once: a query may list thousands of values
	return func(p Position) string {
		b := make([]byte, 0, cursorSize+len(p.Value))
		if p.Tail {
			b = append(b, cursorTail)
		} else {
			b = append(b, cursorHead)
		}
		b = binary.BigEndian.AppendUint64(b, mark)
		b = binary.BigEndian.AppendUint64(b, p.Seq)
		b = append(b, p.Value...)
		return base64.RawURLEncoding.EncodeToString(b)
	}
}

// Start reads Query.After: nil at the beginning, or ErrCursor.
func (q Query) Start() (*Position, error) {
	if q.After == "" {
		return nil, nil //nolint:nilnil // no position is not an error
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.After)
	// The decoder skips line ends, which we never write.
	if err != nil || len(b) < cursorSize || strings.ContainsAny(q.After, "\r\n") {
		return nil, fmt.Errorf("%w: not written by this service", ErrCursor)
	}
	p := Position{
		Tail:  b[0] == cursorTail,
		Seq:   binary.BigEndian.Uint64(b[9:17]),
		Value: string(b[cursorSize:]),
	}
	switch {
	case b[0] != cursorTail && b[0] != cursorHead,
		p.Tail && p.Value != "",
		!p.Tail && q.SortPath == "",
		p.Seq > math.MaxInt64: // databases count with signed numbers
		return nil, fmt.Errorf("%w: not written by this service", ErrCursor)
	case binary.BigEndian.Uint64(b[1:9]) != q.fingerprint():
		return nil, fmt.Errorf("%w: it belongs to another query", ErrCursor)
	}
	return &p, nil
}

func (q Query) fingerprint() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(q.FilterKey())) // a hash never fails
	_, _ = h.Write([]byte(strconv.Quote(q.SortPath) + strconv.FormatBool(q.Desc)))
	return h.Sum64()
}

// FilterKey is a text that is equal for queries that select the same records
// in whatever order; caches of counts use it.
func (q Query) FilterKey() string {
	var b strings.Builder
	put := func(s string) { b.WriteString(strconv.Itoa(len(s))); b.WriteByte(':'); b.WriteString(s) }
	put(q.Type)
	for _, c := range q.Conds {
		fmt.Fprintf(&b, "c%d,%d;", c.Rel, c.Group)
		put(c.Path)
		put(c.Value)
	}
	if q.In != nil {
		b.WriteByte('i')
		put(q.In.Path)
		for _, v := range q.In.Values {
			put(v)
		}
	}
	return b.String()
}
