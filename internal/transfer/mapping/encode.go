package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/jsonenc"
	"github.com/idctl/idctl/internal/transfer"
)

// shape is the body of a create as a tree of its members in the order in which
// encoding/json writes a map. It is made once for a file; a row then needs no
// map to be written.
type shape struct {
	root  *node
	lists map[*node][]slotShape
}

// node is a member of an object.
type node struct {
	name     string
	label    string // `"name":`
	children []*node

	bind    int // of a value; -1 otherwise
	list    *list
	manager bool
	members bool
	schemas bool
	text    string // a constant
}

// slotShape is an element of a list: its members but the type and the primary
// flag stand in keys.
type slotShape struct {
	slot *slotPlan
	keys []slotKey
}

type slotKey struct {
	label string
	bind  int // -1 for the type, -2 for the primary flag
}

const (
	typeKey    = -1
	primaryKey = -2
)

// newShape lays out what spec.Create makes. It is nil where two columns are so
// mixed up that only a map says what comes of them.
func newShape(p *plan) *shape {
	sh := &shape{root: &node{bind: -1}, lists: map[*node][]slotShape{}}
	ok := true
	leaf := func(path ...string) *node {
		n := sh.root
		for _, name := range path {
			i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == name })
			if i < 0 {
				n.children = append(n.children, &node{name: name, label: label(name), bind: -1})
				i = len(n.children) - 1
			}
			n = n.children[i]
		}
		ok = ok && len(n.children) == 0 && n.bind < 0 && n.list == nil && n.text == "" && !n.members && !n.manager && !n.schemas
		return n
	}
	place := func(t target) *node {
		var path []string
		for _, part := range []string{t.urn, t.name, t.sub} {
			if part != "" {
				path = append(path, part)
			}
		}
		return leaf(path...)
	}
	if p.key >= 0 {
		place(p.binds[p.key].target).bind = p.key
	}
	for _, i := range p.singles {
		place(p.binds[i].target).bind = i
	}
	for _, l := range p.lists {
		n := leaf(l.name)
		n.list = l
		for _, sl := range l.slots {
			s, good := newSlotShape(p, sl)
			ok = ok && good
			sh.lists[n] = append(sh.lists[n], s)
		}
	}
	if p.manager >= 0 {
		n := place(p.binds[p.manager].target)
		n.bind, n.manager = p.manager, true
	}
	if p.members >= 0 {
		n := leaf("members")
		n.bind, n.members = p.members, true
	}
	if !p.opts.Plain {
		ext := UserExtURN
		if p.typ == Group {
			ext = GroupExtURN
		}
		leaf(ext, "creationMechanism").text = `"import"`
	}
	leaf("schemas").schemas = true
	if !ok || !sh.root.settle() {
		return nil
	}
	return sh
}

func newSlotShape(p *plan, sl *slotPlan) (s slotShape, ok bool) {
	s = slotShape{slot: sl, keys: []slotKey{{label("type"), typeKey}, {label("primary"), primaryKey}}}
	for _, i := range sl.binds {
		k := slotKey{label(p.binds[i].target.sub), i}
		if slices.ContainsFunc(s.keys, func(o slotKey) bool { return o.label == k.label }) {
			return s, false
		}
		s.keys = append(s.keys, k)
	}
	slices.SortFunc(s.keys, func(a, b slotKey) int { return strings.Compare(unlabel(a.label), unlabel(b.label)) })
	return s, true
}

// settle sorts the members and says whether each is either a value or an
// object.
func (n *node) settle() bool {
	slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	for _, c := range n.children {
		if len(c.children) > 0 && (c.bind >= 0 || c.list != nil || c.text != "" || c.schemas) || !c.settle() {
			return false
		}
	}
	return true
}

func label(name string) string { return string(jsonenc.AppendString(nil, name)) + ":" }

func unlabel(label string) string { return label[1 : len(label)-2] }

// AppendCreate appends what Create makes as JSON, to the byte as encoding/json
// would write it.
func (s *spec) AppendCreate(dst []byte, r transfer.Resolved) ([]byte, error) {
	sh := s.plan.layout()
	if sh == nil {
		body, err := json.Marshal(s.Create(r))
		if err != nil {
			return dst, fmt.Errorf("encode a row: %w", err)
		}
		return append(dst, body...), nil
	}
	e := encoder{spec: s, shape: sh, resolved: r, out: dst}
	e.object(sh.root)
	return e.out, e.err
}

// encoder writes one row.
type encoder struct {
	*spec
	shape    *shape
	resolved transfer.Resolved
	out      []byte
	err      error
}

// object writes an object and says whether it has members.
func (e *encoder) object(n *node) bool {
	e.out = append(e.out, '{')
	empty := true
	for _, c := range n.children {
		before := len(e.out)
		if !empty {
			e.out = append(e.out, ',')
		}
		e.out = append(e.out, c.label...)
		if e.value(c) {
			empty = false
		} else {
			e.out = e.out[:before]
		}
	}
	e.out = append(e.out, '}')
	return !empty
}

// value writes the value of a member, if the row has one.
func (e *encoder) value(n *node) bool {
	switch {
	case n.text != "":
		e.out = append(e.out, n.text...)
		return true
	case n.schemas:
		e.schemas()
		return true
	case n.list != nil:
		return e.list(n)
	case n.members:
		ms := membersOf(e.names, e.resolved, nil)
		return len(ms) > 0 && e.marshal(ms)
	case n.manager:
		if e.vals[n.bind].state != set {
			return false
		}
		id, ok := e.resolved(transfer.Ref{Type: User, Key: e.vals[n.bind].text})
		if ok {
			e.out = jsonenc.AppendString(e.out, id)
		}
		return ok
	case n.bind >= 0:
		return e.cell(n.bind)
	}
	return e.object(n)
}

func (e *encoder) cell(bind int) bool {
	v := &e.vals[bind]
	if v.state != set {
		return false
	}
	if e.plan.binds[bind].col.Kind == Bool {
		e.out = strconv.AppendBool(e.out, v.flag)
	} else {
		e.out = jsonenc.AppendString(e.out, v.text)
	}
	return true
}

func (e *encoder) marshal(v any) bool {
	text, err := json.Marshal(v)
	if err != nil {
		e.err = fmt.Errorf("encode a row: %w", err)
		return false
	}
	e.out = append(e.out, text...)
	return true
}

func (e *encoder) list(n *node) bool {
	primary := e.primarySlot(n.list)
	empty := true
	for i := range e.shape.lists[n] {
		sl := &e.shape.lists[n][i]
		if !e.hasContent(sl.slot) {
			continue
		}
		if empty {
			e.out = append(e.out, '[')
		} else {
			e.out = append(e.out, ',')
		}
		empty = false
		e.element(sl, sl.slot == primary)
	}
	if !empty {
		e.out = append(e.out, ']')
	}
	return !empty
}

func (e *encoder) element(sl *slotShape, primary bool) {
	e.out = append(e.out, '{')
	for _, k := range sl.keys {
		before := len(e.out)
		if e.out[before-1] != '{' {
			e.out = append(e.out, ',')
		}
		e.out = append(e.out, k.label...)
		there := true
		switch k.bind {
		case typeKey:
			e.out = jsonenc.AppendString(e.out, sl.slot.typ)
		case primaryKey:
			there = primary
			e.out = append(e.out, "true"...)
		default:
			there = e.cell(k.bind)
		}
		if !there {
			e.out = e.out[:before]
		}
	}
	e.out = append(e.out, '}')
}

// schemas writes the core schema and those of the extensions that have members.
func (e *encoder) schemas() {
	e.out = append(e.out, '[')
	e.out = jsonenc.AppendString(e.out, coreURN(e.plan.typ))
	for _, c := range e.shape.root.children {
		if strings.HasPrefix(c.name, "urn:") && e.filled(c) {
			e.out = append(e.out, ',')
			e.out = jsonenc.AppendString(e.out, c.name)
		}
	}
	e.out = append(e.out, ']')
}

// filled says whether the row has a value for a member or one below it.
func (e *encoder) filled(n *node) bool {
	switch {
	case n.text != "":
		return true
	case n.manager:
		if e.vals[n.bind].state != set {
			return false
		}
		_, ok := e.resolved(transfer.Ref{Type: User, Key: e.vals[n.bind].text})
		return ok
	case n.bind >= 0:
		return e.vals[n.bind].state == set
	}
	return slices.ContainsFunc(n.children, e.filled)
}
