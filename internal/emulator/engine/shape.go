package engine

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
)

// A shape makes answers of stored text. Most answers show most of a record as it
// is stored, so that decoding it into maps, copying those and encoding them
// again is nearly all of their cost. A shape walks over the text once, copies
// the members that a projection shows, leaves the others out, and fills in what
// is not stored: locations and what references say of their target. It gives
// what render and project give, in another order of members; a test compares
// both. Where it cannot, because a projection selects elements of lists or
// because the text is not as AppendJSON writes it, the document is decoded.
type shape struct {
	proj *projection
	core map[string]*slot
	exts map[string]map[string]*slot // by URN
	// derived are the attributes that the hook of the type adds.
	derived []*slot
	schemas *slot // made for the answer, in plain SCIM
	// salt tells apart what several shapes make of one record.
	salt uint64
}

// slot is an attribute that an answer shows.
type slot struct {
	attr  *attr
	key   string // name as JSON, with the colon
	treat treatment
	subs  []*slot // those shown, where treat is inParts
}

type treatment uint8

const (
	asIs     treatment = iota // the stored text
	inParts                   // element by element, member by member
	decoded                   // as render and project do it
	asMeta                    // with the location
	computed                  // made anew: what is stored is left out
)

// shapes are the projections of a type that were asked for lately.
type shapes struct {
	mu    sync.Mutex
	known map[string]*shaped
}

// shaped is a projection with its shape, nil where it has none.
type shaped struct {
	proj  *projection
	shape *shape
}

const maxShapes = 200

// shaped answers the projection of a request and its shape.
func (ti *typeInfo) shaped(p Params) (*shaped, error) {
	key := p.projectionKey()
	ti.shapes.mu.Lock()
	s := ti.shapes.known[key]
	ti.shapes.mu.Unlock()
	if s != nil {
		return s, nil
	}
	pr, err := ti.readProjection(p)
	if err != nil {
		return nil, err
	}
	s = &shaped{proj: pr, shape: ti.newShape(pr)}
	ti.shapes.mu.Lock()
	defer ti.shapes.mu.Unlock()
	if ti.shapes.known == nil || len(ti.shapes.known) >= maxShapes {
		ti.shapes.known = map[string]*shaped{}
	}
	if len(key) <= maxShapeKey {
		ti.shapes.known[key] = s
	}
	return s, nil
}

// maxShapeKey bounds what a caller can make us remember.
const maxShapeKey = 1 << 10

// projectionKey is a text that is equal for requests that show the same.
func (p Params) projectionKey() string {
	if len(p.Attributes)+len(p.AttributeSets)+len(p.Excluded) == 0 {
		return ""
	}
	var b strings.Builder
	for _, list := range [][]string{p.Attributes, p.AttributeSets, p.Excluded} {
		for _, s := range list {
			b.WriteString(strconv.Itoa(len(s)))
			b.WriteByte(':')
			b.WriteString(s)
		}
		b.WriteByte(';')
	}
	return b.String()
}

// newShape prepares a projection; nil where it needs the document.
func (ti *typeInfo) newShape(pr *projection) *shape {
	if pr.count || ti.hooks.Derive != nil && ti.hooks.Derives == nil {
		return nil
	}
	sh := &shape{proj: pr, core: map[string]*slot{}, exts: map[string]map[string]*slot{}, salt: rand.Uint64()} //nolint:gosec // no secret
	for _, set := range ti.sets() {
		into := sh.core
		if set.urn != "" {
			into = map[string]*slot{}
			sh.exts[set.urn] = into
		}
		for _, a := range set.list {
			if !pr.wants(a) {
				continue
			}
			s, ok := pr.slot(a)
			if !ok {
				return nil
			}
			into[a.Name] = s
		}
	}
	for _, name := range ti.hooks.Derives {
		if t, err := ti.resolve(name); err == nil && t != nil && t.attr != nil && (t.sub != nil || t.attr.urn != "") {
			if t.sub == nil && pr.wants(t.attr) || t.sub != nil && pr.showsSub(t.attr, t.sub) {
				return nil
			}
			continue
		}
		if t, err := ti.resolve(name); err == nil && t != nil && t.attr != nil && t.attr.urn != "" {
			if pr.wants(t.attr) {
				return nil
			}
			continue
		}
		if ext := sh.exts[name]; ext != nil {
			if len(ext) > 0 {
				return nil
			}
			continue
		}
		a := ti.core.get(name)
		if a == nil {
			continue // not declared in this view of the type
		}
		if s := sh.core[a.Name]; s != nil {
			sh.derived = append(sh.derived, &slot{attr: a, key: s.key, treat: decoded})
			s.treat = computed
		}
	}
	if ti.plain() {
		if sh.schemas = sh.core["schemas"]; sh.schemas != nil {
			sh.schemas.treat = computed
		}
	}
	return sh
}

// slot prepares one attribute; false where elements are to be selected.
func (pr *projection) slot(a *attr) (*slot, bool) {
	s := &slot{attr: a, key: string(appendString(nil, a.Name)) + ":"}
	whole := pr.whole(a)
	subs := map[*attr]bool{}
	for _, k := range pr.picks[a] {
		switch {
		case k.match != nil || k.start > 0:
			return nil, false
		case k.sub == nil:
			whole = true
		default:
			subs[k.sub] = true
		}
	}
	switch {
	case a.Name == "meta" && a.urn == "":
		s.treat = asMeta
		for _, name := range []string{"resourceType", "created", "lastModified", "version", "location"} {
			if a.sub(name) == nil {
				s.treat = decoded
				return s, true
			}
		}
	case a.reference:
		s.treat = decoded
		return s, true
	case !a.complex() || a.subs == nil:
		return s, true
	default:
		s.treat = inParts
	}
	for _, sub := range a.subs.list {
		if !pr.shows(sub, whole, subs) {
			if s.treat == asMeta {
				s.treat = decoded
				return s, true
			}
			continue
		}
		if sub.subs != nil { // deeper than the usual two levels
			s.treat = decoded
			return s, true
		}
		s.subs = append(s.subs, &slot{attr: sub, key: string(appendString(nil, sub.Name)) + ":"})
	}
	return s, true
}
