package mapping

import (
	"bytes"
	"slices"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/jsonscan"
)

// RawExporter writes rows out of the texts of members, without decoding the
// resources they belong to. It is not safe for concurrent use.
type RawExporter struct {
	names Names
	paths [][]string
	cols  []rawColumn
	lists []*rawList
	text  []byte // of the row at hand
	ends  []int
}

// rawColumn is where a cell comes from: a member, or the elements of a list.
type rawColumn struct {
	slot int
	user bool // a user whose name is written
	list *rawList
	cell int // of the list's
}

// rawList is a list whose elements are told apart by their type.
type rawList struct {
	slot   int
	picker *jsonscan.Picker
	cells  []rawElement
	subs   []string
	picked []jsonscan.Span
	text   []byte
}

// rawElement is what a column takes of a list.
type rawElement struct {
	typ      []byte // nil asks for the type of the primary element
	sub      int
	value    []byte
	found    bool
	primary  bool
	selector bool
}

// The first members of an element that are picked; those of columns follow.
const (
	elementType = iota
	elementPrimary
)

// Raw is an exporter that does not need documents. ok is false where a column
// is made of what no single member holds: the members of a group.
func (e *Exporter) Raw() (raw *RawExporter, ok bool) {
	x := &RawExporter{names: e.names}
	lists := map[string]*rawList{}
	for i, c := range e.cols {
		t := e.targets[i]
		var path []string
		if t.urn != "" {
			path = append(path, t.urn)
		}
		path = append(path, t.name)
		switch {
		case c.Kind == Members:
			return nil, false
		case t.selector || t.typ != "":
			l := lists[fold(t.name)]
			if l == nil {
				l = &rawList{slot: x.slot(path), subs: []string{"type", "primary"}}
				lists[fold(t.name)] = l
				x.lists = append(x.lists, l)
			}
			x.cols = append(x.cols, rawColumn{list: l, cell: len(l.cells)})
			l.cells = append(l.cells, rawElement{typ: []byte(t.typ), sub: l.sub(t.sub), selector: t.selector})
		default:
			if t.sub != "" {
				path = append(path, t.sub)
			}
			x.cols = append(x.cols, rawColumn{slot: x.slot(path), user: c.Kind == UserRef})
		}
	}
	for _, l := range x.lists {
		paths := make([][]string, len(l.subs))
		for i, s := range l.subs {
			paths[i] = []string{s}
		}
		l.picker, l.picked = jsonscan.NewPicker(paths...), make([]jsonscan.Span, len(paths))
	}
	x.ends = make([]int, len(x.cols))
	return x, true
}

// slot is the place of a path among those that are picked.
func (x *RawExporter) slot(path []string) int {
	if i := slices.IndexFunc(x.paths, func(p []string) bool { return slices.Equal(p, path) }); i >= 0 {
		return i
	}
	x.paths = append(x.paths, path)
	return len(x.paths) - 1
}

// sub is the place of a member of the elements.
func (l *rawList) sub(name string) int {
	if name == "" {
		return 0
	}
	if i := slices.Index(l.subs, name); i >= 0 {
		return i
	}
	l.subs = append(l.subs, name)
	return len(l.subs) - 1
}

// Paths are the members that Row needs, in the order in which it takes them.
func (x *RawExporter) Paths() [][]string { return x.paths }

// Users calls f with the id of each user whom a row names.
func (x *RawExporter) Users(r scim.RawDocument, f func(id string)) {
	for _, c := range x.cols {
		if c.user {
			if id, ok := appendValue(nil, r.Member(c.slot)); ok && len(id) > 0 {
				f(string(id))
			}
		}
	}
}

// Row writes one resource: the texts of the cells one behind the other, and
// where each of them ends. ok is false where members are not of the form that a
// schema gives them, so that the document has to be asked. The row is valid
// until the next one.
func (x *RawExporter) Row(r scim.RawDocument) (text []byte, ends []int, ok bool) {
	for _, l := range x.lists {
		if !l.read(r.Member(l.slot)) {
			return nil, nil, false
		}
	}
	x.text = x.text[:0]
	for i, c := range x.cols {
		var value []byte
		if c.list != nil {
			value = c.list.cells[c.cell].value
		} else {
			value = r.Member(c.slot)
		}
		if value != nil {
			start := len(x.text)
			if x.text, ok = appendValue(x.text, value); !ok {
				return nil, nil, false
			}
			if c.user {
				if name, known := x.nameOf(string(x.text[start:])); known {
					x.text = append(x.text[:start], name...)
				}
			}
			x.text = csvio.GuardFrom(x.text, start)
		}
		x.ends[i] = len(x.text)
	}
	return x.text, x.ends, true
}

func (x *RawExporter) nameOf(id string) (string, bool) {
	if x.names == nil {
		return "", false
	}
	return x.names(transfer.Ref{Type: User, Key: id})
}

// read finds what columns take of a list. It answers false where only the
// decoded list tells.
func (l *rawList) read(list []byte) bool {
	for i := range l.cells {
		c := &l.cells[i]
		c.value, c.found, c.primary = nil, false, false
	}
	if len(list) == 0 || list[0] != '[' {
		return true // no list has no elements
	}
	i, more := 1, false
	for first := true; ; first = false {
		if i, more = jsonscan.Next(list, i, first, ']'); !more {
			return i >= 0
		}
		var odd bool
		if list[i] != '{' {
			if i, _ = l.picker.Value(list, i); i < 0 {
				return false
			}
			continue
		}
		if i, odd = l.picker.Pick(list, i, l.picked); i < 0 || odd {
			return false
		}
		l.take(list)
	}
}

// take looks at the element that was picked.
func (l *rawList) take(list []byte) {
	primary := string(l.picked[elementPrimary].Of(list)) == "true"
	typ := l.picked[elementType].Of(list)
	name, plain := jsonscan.Plain(typ)
	if !plain && len(typ) > 0 && typ[0] == '"' {
		name, _ = jsonscan.AppendText(l.text[:0], typ)
		l.text = name
	}
	for i := range l.cells {
		c := &l.cells[i]
		if c.selector {
			if primary && !c.found {
				c.found, c.value = true, typ
			}
			continue
		}
		// The primary element of a type, or else the first: see bestElement.
		if c.primary || c.found && !primary || len(typ) == 0 || typ[0] != '"' || !bytes.EqualFold(name, c.typ) {
			continue
		}
		c.found, c.primary, c.value = true, primary, l.picked[c.sub].Of(list)
	}
}

// appendValue appends a value as textOf prints it. Of an object or a list it
// answers false.
func appendValue(dst, value []byte) (out []byte, ok bool) {
	if len(value) == 0 {
		return dst, true
	}
	switch value[0] {
	case '"':
		if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
			return append(dst, inner...), true // it was checked already
		}
		return jsonscan.AppendText(dst, value)
	case 'n':
		return dst, true
	case '{', '[':
		return dst, false
	}
	return append(dst, value...), true
}
