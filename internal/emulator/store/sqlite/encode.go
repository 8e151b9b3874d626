package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/idctl/idctl/internal/emulator/store"
)

// entry is a row of the entries table, without its seq.
type entry struct {
	path  int64
	elem  int
	head  bool
	value string
}

// claim is a row of the claims table, without its seq.
type claim struct {
	path  int64
	value string
}

// errEntries: the entries column of a record cannot be read.
var errEntries = errors.New("entries of a record cannot be read")

// encode writes the entries column: the number of entries, the entries, then
// the claims; numbers as varints, texts with their length in front. Entries of
// one path stand together, the head first.
func encode(entries []entry, claims []claim) []byte {
	b := binary.AppendUvarint(nil, uint64(len(entries)))
	for _, e := range entries {
		b = binary.AppendVarint(b, e.path)
		b = binary.AppendVarint(b, int64(e.elem))
		b = appendText(b, e.value)
	}
	for _, c := range claims {
		b = binary.AppendVarint(b, c.path)
		b = appendText(b, c.value)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder reads what encode wrote; after a failure everything is zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	return take(d, v, n)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	return take(d, v, n)
}

func take[T int64 | uint64](d *decoder, v T, n int) T {
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	s := d.b[:n]
	d.b = d.b[n:]
	return s
}

// decode reads an entries column.
func decode(b []byte) ([]entry, []claim, error) {
	d := decoder{b: b}
	var entries []entry
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		e := entry{path: d.varint(), elem: int(d.varint()), value: string(d.text())}
		e.head = len(entries) == 0 || entries[len(entries)-1].path != e.path
		entries = append(entries, e)
	}
	var claims []claim
	for len(d.b) > 0 {
		claims = append(claims, claim{path: d.varint(), value: string(d.text())})
	}
	if d.bad {
		return nil, nil, errEntries
	}
	return entries, claims, nil
}

// decodeAt reads those entries whose paths are asked for, under their names.
func decodeAt(b []byte, paths map[int64]string) ([]store.Entry, error) {
	d := decoder{b: b}
	var entries []store.Entry
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		path, elem, value := d.varint(), d.varint(), d.text()
		if name, ok := paths[path]; ok {
			entries = append(entries, store.Entry{Path: name, Elem: int(elem), Value: string(value)})
		}
	}
	if d.bad {
		return nil, errEntries
	}
	return entries, nil
}
