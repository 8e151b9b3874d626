package store

import (
	"cmp"
	"slices"
	"time"
)

func compareEntry(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Elem, b.Elem), cmp.Compare(a.Value, b.Value))
}

func compareClaim(a, b Claim) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Value, b.Value))
}

// Normal answers a copy of the record in the form in which back ends keep it:
// entries and claims sorted and without doubles, times in UTC and whole
// microseconds, Data of its own. So back ends cannot differ in such details.
func (r Record) Normal() Record {
	if !r.Given || r.Data == nil {
		r.Data = Clone(r.Data)
	}
	r.Created, r.Modified = normalTime(r.Created), normalTime(r.Modified)
	if r.Given {
		r.Given = false
		if slices.IsSortedFunc(r.Index, compareEntry) && slices.IsSortedFunc(r.Unique, compareClaim) {
			r.Index, r.Unique = slices.Compact(r.Index), slices.Compact(r.Unique)
			return r
		}
	}
	r.Index = slices.Clone(r.Index)
	slices.SortFunc(r.Index, compareEntry)
	r.Index = slices.Compact(r.Index)
	r.Unique = slices.Clone(r.Unique)
	slices.SortFunc(r.Unique, compareClaim)
	r.Unique = slices.Compact(r.Unique)
	return r
}

func normalTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Clone copies bytes; the result is never nil, because a database does not
// tell nil from empty either.
func Clone(b []byte) []byte { return append([]byte{}, b...) }
