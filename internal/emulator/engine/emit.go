package engine

import (
	"net/url"

	"github.com/idctl/idctl/internal/emulator/store"
)

// emitter appends the answers of one request.
type emitter struct {
	tx     *Tx
	ti     *typeInfo
	sh     *shape
	w      *wanted
	prefix string // of locations
	memo   map[string]string
	out    []byte
	seen   []bool // extensions that the present record has, in plain SCIM
	// others says that the present answer shows something of other records,
	// which version, of the store, fixes.
	others  bool
	version uint64
}

func (tx *Tx) newEmitter(ti *typeInfo, sh *shape, out []byte) *emitter {
	e := &emitter{tx: tx, ti: ti, sh: sh, out: out, prefix: tx.location(ti.rt.Endpoint, "")}
	if sh == nil {
		return e
	}
	e.w = &wanted{ti: ti, proj: sh.proj, paged: map[*attr]bool{}}
	if tx.ro {
		e.version = store.TxVersion(tx.st)
	}
	if sh.schemas != nil {
		e.seen = make([]bool, len(ti.exts))
	}
	return e
}

func (e *emitter) location(id string) string { return e.prefix + url.PathEscape(id) }

// record appends the answer that a record makes, and answers false, without
// having appended anything, where the record has to be decoded.
func (e *emitter) record(rec store.Record) (bool, error) {
	if e.sh == nil {
		return false, nil
	}
	start := len(e.out)
	var key uint64
	if e.tx.ro { // what is written was not shown before
		key = e.tx.e.answers.key(e.sh, rec)
		var ok bool
		if e.out, ok = e.tx.e.answers.get(e.out, key, e.sh, e.prefix, rec.ID, e.version); ok {
			return true, nil
		}
	}
	e.others = len(e.sh.derived) > 0
	ok, err := e.try(rec)
	if !ok || err != nil {
		e.out = e.out[:start]
		return false, err
	}
	a := answer{shape: e.sh, prefix: e.prefix, id: rec.ID}
	if e.others {
		a.at = e.version
	}
	if e.tx.ro && (!e.others || e.version != 0) {
		e.tx.e.answers.offer(key, a, e.out[start:])
	}
	return true, nil
}

func (e *emitter) try(rec store.Record) (bool, error) {
	clear(e.seen)
	s := scanner{b: rec.Data}
	e.out = append(e.out, '{')
	first := len(e.out)
	ok, err := e.members(&s, e.sh.core, rec.ID, true)
	if !ok || err != nil || s.pos != len(s.b) {
		return false, err
	}
	if len(e.sh.derived) > 0 {
		doc := Document{}
		if err := e.ti.hooks.Derive(e.tx, rec.ID, doc, e.w); err != nil {
			return false, err
		}
		for _, d := range e.sh.derived {
			if v := doc[d.attr.Name]; v != nil {
				if err := e.show(d, v); err != nil {
					return false, err
				}
			}
		}
	}
	if e.sh.schemas != nil {
		list := []any{e.ti.rt.Core.ID}
		for i, x := range e.ti.exts {
			if e.seen[i] {
				list = append(list, x.urn)
			}
		}
		if err := e.append(e.sh.schemas, list); err != nil {
			return false, err
		}
	}
	if len(e.out) > first {
		e.out = e.out[:len(e.out)-1] // the last comma
	}
	e.out = append(e.out, '}')
	return true, nil
}

// members copies what is shown of an object, each member with a comma behind.
func (e *emitter) members(s *scanner, set map[string]*slot, id string, top bool) (bool, error) {
	if !s.eat('{') {
		return false, nil
	}
	if s.eat('}') {
		return true, nil
	}
	for {
		name, ok := s.name()
		if !ok {
			return false, nil
		}
		if x := set[string(name)]; x != nil {
			if ok, err := e.member(s, x, id); !ok || err != nil {
				return false, err
			}
		} else if ext, isExt := e.sh.exts[string(name)]; top && isExt {
			if ok, err := e.extension(s, name, ext, id); !ok || err != nil {
				return false, err
			}
		} else if !s.value(0) {
			return false, nil
		}
		if s.eat('}') {
			return true, nil
		}
		if !s.eat(',') {
			return false, nil
		}
	}
}

func (e *emitter) extension(s *scanner, name []byte, set map[string]*slot, id string) (bool, error) {
	start, from := len(e.out), s.pos
	e.out = append(append(append(e.out, '"'), name...), `":{`...)
	inside := len(e.out)
	ok, err := e.members(s, set, id, false)
	if !ok || err != nil {
		return false, err
	}
	for i := range e.seen {
		e.seen[i] = e.seen[i] || e.ti.exts[i].urn == string(name) && s.pos > from+len("{}")
	}
	if len(e.out) == inside {
		e.out = e.out[:start]
		return true, nil
	}
	e.out[len(e.out)-1] = '}' // in place of the last comma
	e.out = append(e.out, ',')
	return true, nil
}

func (e *emitter) member(s *scanner, x *slot, id string) (bool, error) {
	from := s.pos
	if x.treat == inParts {
		return e.parts(s, x), nil
	}
	if !s.value(1) {
		return false, nil
	}
	raw := s.b[from:s.pos]
	switch x.treat {
	case asIs:
		if raw[0] == 'n' || len(raw) == len("[]") { // nothing, which is never stored
			return false, nil
		}
		e.out = append(append(append(e.out, x.key...), raw...), ',')
	case asMeta:
		if e.ti.plain() || !usualMeta(raw) {
			return e.decodedMeta(x, raw, id)
		}
		e.out = append(append(e.out, x.key...), raw[:len(raw)-1]...)
		e.out = append(e.out, `,"location":`...)
		e.out = append(appendString(e.out, e.location(id)), '}', ',')
	case decoded:
		if x.attr.Name == "meta" && x.attr.urn == "" {
			return e.decodedMeta(x, raw, id)
		}
		return e.decode(x, raw)
	case computed, inParts:
	}
	return true, nil
}

// usualMeta says that meta has what the engine stores and nothing else.
func usualMeta(raw []byte) bool {
	s := scanner{b: raw}
	for n := 0; ; n++ {
		if n == 0 && !s.eat('{') || n > 0 && !s.eat(',') {
			return n > 0 && s.eat('}') && s.pos == len(raw)
		}
		name, _ := s.name()
		switch string(name) {
		case "created", "lastModified", "resourceType", "version":
		default:
			return false
		}
		if !s.at('"') || !s.text() {
			return false
		}
	}
}

// parts copies the shown members of each element.
func (e *emitter) parts(s *scanner, x *slot) bool {
	if !x.attr.MultiValued {
		start := len(e.out)
		e.out = append(e.out, x.key...)
		ok, some := e.element(s, x)
		if !some {
			e.out = e.out[:start]
		}
		return ok
	}
	if !s.eat('[') {
		return false
	}
	start := len(e.out)
	e.out = append(append(e.out, x.key...), '[')
	inside := len(e.out)
	for !s.eat(']') {
		if ok, _ := e.element(s, x); !ok {
			return false
		}
		if !s.eat(',') && !s.at(']') {
			return false
		}
	}
	if len(e.out) == inside {
		e.out = e.out[:start]
		return true
	}
	e.out[len(e.out)-1] = ']'
	e.out = append(e.out, ',')
	return true
}

// element copies one object with a comma behind; some says whether anything of
// it is shown.
func (e *emitter) element(s *scanner, x *slot) (ok, some bool) {
	if !s.eat('{') {
		return false, false
	}
	start := len(e.out)
	e.out = append(e.out, '{')
	inside := len(e.out)
	if s.eat('}') {
		e.out = e.out[:start]
		return true, false
	}
	for {
		name, ok := s.name()
		if !ok {
			return false, false
		}
		from := s.pos
		if !s.value(2) {
			return false, false
		}
		for _, sub := range x.subs {
			if sub.attr.Name == string(name) {
				e.out = append(append(append(e.out, sub.key...), s.b[from:s.pos]...), ',')
				break
			}
		}
		if s.eat('}') {
			break
		}
		if !s.eat(',') {
			return false, false
		}
	}
	if len(e.out) == inside {
		e.out = e.out[:start]
		return true, false
	}
	e.out[len(e.out)-1] = '}'
	e.out = append(e.out, ',')
	return true, true
}

// maxMemo is how long a text may be whose answer is kept for the next record:
// who created a record is the same for many.
const (
	maxMemo     = 512
	maxMemoSize = 2000
)

// decode shows an attribute as render does. A reference shows the same wherever
// it stands, within one request.
func (e *emitter) decode(x *slot, raw []byte) (bool, error) {
	keep := x.attr.reference && len(raw) <= maxMemo && e.tx.ro
	e.others = e.others || x.attr.reference && !x.attr.ofItsTime()
	var key string
	if keep {
		b := make([]byte, 0, 2*maxMemo)
		b = append(append(append(b, x.attr.path...), ' '), raw...)
		if text, ok := e.memo[string(b)]; ok {
			e.out = append(e.out, text...)
			return true, nil
		}
		key = string(b)
	}
	v, ok := decodeValue(raw)
	if !ok {
		return false, nil
	}
	start := len(e.out)
	if err := e.show(x, v); err != nil {
		return false, err
	}
	if keep && len(e.memo) < maxMemoSize {
		if e.memo == nil {
			e.memo = map[string]string{}
		}
		e.memo[key] = string(e.out[start:])
	}
	return true, nil
}

func (e *emitter) decodedMeta(x *slot, raw []byte, id string) (bool, error) {
	v, ok := decodeValue(raw)
	m, isMap := v.(map[string]any)
	if !ok || !isMap {
		return false, nil
	}
	if len(m) > 0 {
		e.tx.completeMeta(e.ti, m, e.location(id))
	}
	return true, e.show(x, m)
}

// show appends a decoded value as far as it is shown.
func (e *emitter) show(x *slot, v any) error {
	if x.attr.reference {
		var err error
		if v, err = e.tx.describeAll(x.attr, v, e.w); err != nil {
			return err
		}
	}
	v = e.sh.proj.cut(x.attr, v, e.w.paged[x.attr])
	if v == nil {
		return nil
	}
	return e.append(x, v)
}

func (e *emitter) append(x *slot, v any) error {
	out, err := AppendJSON(append(e.out, x.key...), v)
	if err != nil {
		return err
	}
	e.out = append(out, ',')
	return nil
}

func decodeValue(raw []byte) (any, bool) {
	d := decoder{s: string(raw)}
	v, err := d.value(1)
	return v, err == nil && d.pos == len(d.s)
}
