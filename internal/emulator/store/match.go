package store

import (
	"fmt"
	"slices"
)

// Interval is the half-open range of index values that a condition accepts:
// Low <= value, and value < High unless Open. All comparisons of Cond are such
// ranges, because the successor of a string in byte order is the string
// followed by a zero byte.
type Interval struct {
	Low, High string
	Open      bool // no upper end
}

// Interval answers the values that satisfy the condition.
func (c Cond) Interval() Interval {
	switch c.Rel {
	case Eq:
		return Interval{Low: c.Value, High: c.Value + "\x00"}
	case Prefix:
		high, ok := prefixEnd(c.Value)
		return Interval{Low: c.Value, High: high, Open: !ok}
	case Lt:
		return Interval{High: c.Value}
	case Le:
		return Interval{High: c.Value + "\x00"}
	case Gt:
		return Interval{Low: c.Value + "\x00", Open: true}
	case Ge:
		return Interval{Low: c.Value, Open: true}
	default:
		return Interval{Open: true}
	}
}

// Contains says whether a value lies in the interval.
func (i Interval) Contains(value string) bool {
	return i.Low <= value && (i.Open || value < i.High)
}

// prefixEnd is the smallest string above all strings with this prefix; there
// is none when the prefix consists of 0xff only.
func prefixEnd(p string) (string, bool) {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			return p[:i] + string([]byte{p[i] + 1}), true
		}
	}
	return "", false
}

// Check answers ErrQuery for a query that no back end can run.
func (q Query) Check() error {
	if q.Offset < 0 || q.Limit < 0 {
		return fmt.Errorf("%w: offset %d, limit %d", ErrQuery, q.Offset, q.Limit)
	}
	for _, c := range q.Conds {
		if c.Rel > Any {
			return fmt.Errorf("%w: unknown comparison %d of %s", ErrQuery, c.Rel, c.Path)
		}
	}
	return nil
}

// Filtered says whether the query has any condition.
func (q Query) Filtered() bool { return len(q.Conds) > 0 || q.In != nil }

// Check answers ErrQuery unless exactly one of From and To is set.
func (q LinkQuery) Check() error {
	if (q.From == "") == (q.To == "") {
		return fmt.Errorf("%w: links of kind %s need either from or to", ErrQuery, q.Kind)
	}
	if q.Offset < 0 || q.Limit < 0 {
		return fmt.Errorf("%w: offset %d, limit %d", ErrQuery, q.Offset, q.Limit)
	}
	return nil
}

// Match says whether a record with this id and these entries satisfies the
// conditions of the query; its type is not looked at.
func (q Query) Match(id string, index []Entry) bool {
	if q.In != nil && !q.In.match(id, index) {
		return false
	}
	for i, c := range q.Conds {
		switch {
		case c.Group == 0:
			if !slices.ContainsFunc(index, c.accepts) {
				return false
			}
		case firstOfGroup(q.Conds, i) && !q.matchGroup(c.Group, index):
			return false
		}
	}
	return true
}

func (in *In) match(id string, index []Entry) bool {
	if in.Path == "id" {
		return slices.Contains(in.Values, id)
	}
	return slices.ContainsFunc(index, func(e Entry) bool {
		return e.Path == in.Path && slices.Contains(in.Values, e.Value)
	})
}

func (c Cond) accepts(e Entry) bool {
	return e.Path == c.Path && c.Interval().Contains(e.Value)
}

func firstOfGroup(conds []Cond, i int) bool {
	return !slices.ContainsFunc(conds[:i], func(c Cond) bool { return c.Group == conds[i].Group })
}

// matchGroup looks for one element for which all conditions of a group hold.
func (q Query) matchGroup(group int, index []Entry) bool {
	holds := func(elem int) bool {
		for _, c := range q.Conds {
			if c.Group == group && !slices.ContainsFunc(index, func(e Entry) bool { return e.Elem == elem && c.accepts(e) }) {
				return false
			}
		}
		return true
	}
	return slices.ContainsFunc(index, func(e Entry) bool { return holds(e.Elem) })
}

// SortValue is the value by which a record is sorted at a path: that of its
// lowest element, and of several there the smallest. It answers false for a
// record that has no entry at the path.
func SortValue(index []Entry, path string) (string, bool) {
	best := -1
	for i, e := range index {
		if e.Path == path && (best < 0 || compareEntry(e, index[best]) < 0) {
			best = i
		}
	}
	if best < 0 {
		return "", false
	}
	return index[best].Value, true
}
