package engine

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

func (tx *Tx) get(ti *typeInfo, id string, p Params) (*Result, error) {
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	if ti.hooks.Virtual != nil {
		name, doc, err := tx.loadVirtual(ti, id)
		if err != nil {
			return nil, err
		}
		return tx.render(ti, name, doc, pr)
	}
	if p.Into != nil {
		rec, err := tx.lend(ti, id)
		if err != nil {
			return nil, err
		}
		return tx.encoded(ti, rec, nil, p)
	}
	rec, doc, err := tx.load(ti, id)
	if err != nil {
		return nil, err
	}
	return tx.render(ti, rec.ID, doc, pr)
}

// encoded makes an answer as text: of the stored text where that is possible,
// otherwise of the document, which is decoded unless it is given.
func (tx *Tx) encoded(ti *typeInfo, rec store.Record, doc Document, p Params) (*Result, error) {
	s, err := ti.shaped(p)
	if err != nil {
		return nil, err
	}
	e := tx.newEmitter(ti, s.shape, p.Into)
	if ok, err := e.record(rec); ok || err != nil {
		res := &Result{JSON: e.out, Location: e.location(rec.ID)}
		if ti.core.get("meta") != nil {
			res.Version = rec.Version
		}
		return res, err
	}
	if doc == nil {
		if doc, err = decodeRecord(ti, rec); err != nil {
			return nil, err
		}
	}
	return tx.render(ti, rec.ID, doc, s.proj)
}

// loadVirtual copies one resource of a virtual type.
func (tx *Tx) loadVirtual(ti *typeInfo, id string) (string, Document, error) {
	docs, err := tx.virtual(ti)
	if err != nil {
		return "", nil, err
	}
	for _, doc := range docs {
		if name, _ := doc["id"].(string); strings.EqualFold(name, id) {
			return name, cloneDoc(doc), nil
		}
	}
	return "", nil, notFound(ti.rt.Name, id)
}

// writeVirtual stores the outcome of a change of a virtual resource, which
// change makes of a copy.
func (tx *Tx) writeVirtual(ti *typeInfo, id string, pr *projection, change func(Document) (Document, error)) (*Result, error) {
	if ti.hooks.ChangeVirtual == nil {
		return nil, fail(http.StatusNotImplemented, "", msgNotImplemented, "%s cannot be changed in the emulator.", ti.rt.Name)
	}
	name, old, err := tx.loadVirtual(ti, id)
	if err != nil {
		return nil, err
	}
	doc, err := change(cloneDoc(old))
	if err != nil {
		return nil, err
	}
	if err := ti.validate(doc); err != nil {
		return nil, err
	}
	if err := ti.hooks.ChangeVirtual(tx, name, old, doc); err != nil {
		return nil, err
	}
	if _, doc, err = tx.loadVirtual(ti, name); err != nil {
		return nil, err
	}
	return tx.render(ti, name, doc, pr)
}

// render makes an answer of a stored document.
func (tx *Tx) render(ti *typeInfo, id string, doc Document, pr *projection) (*Result, error) {
	res := &Result{Location: tx.location(ti.rt.Endpoint, id)}
	doc = shallow(doc)
	if meta := maps1(doc["meta"]); len(meta) > 0 {
		res.Version = tx.completeMeta(ti, meta, res.Location)
		doc["meta"] = meta
	}
	w := &wanted{ti: ti, proj: pr, paged: map[*attr]bool{}}
	if err := tx.derive(ti, id, doc, w); err != nil {
		return nil, err
	}
	if ti.plain() {
		doc["schemas"] = ti.presentSchemas(doc)
	}
	res.Doc = ti.project(doc, pr, w.paged)
	return res, nil
}

// derive adds what is not stored: what the hook of the type knows, and what is
// known of the resources that references point to.
func (tx *Tx) derive(ti *typeInfo, id string, doc Document, w *wanted) error {
	if ti.hooks.Derive != nil {
		if err := ti.hooks.Derive(tx, id, doc, w); err != nil {
			return err
		}
	}
	for _, a := range ti.refs {
		if a.parent != nil || !w.has(a) {
			continue
		}
		v := value(doc, a)
		if v == nil {
			continue
		}
		v, err := tx.describeAll(a, v, w)
		if err != nil {
			return err
		}
		setValue(doc, a, v)
	}
	return nil
}

// describeAll completes the references that one attribute holds.
func (tx *Tx) describeAll(a *attr, v any, w *wanted) (any, error) {
	list := elements(v)
	out := make([]any, len(list))
	for i, x := range list {
		m, err := tx.describe(a, maps1(x), w)
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	if a.MultiValued || len(out) == 0 {
		return out, nil
	}
	return out[0], nil
}

// completeMeta adds what is not stored of meta, and answers the version.
func (tx *Tx) completeMeta(ti *typeInfo, meta map[string]any, location string) string {
	version, _ := meta["version"].(string)
	meta["location"] = location
	if ti.plain() {
		meta["version"] = WeakTag(version)
	}
	return version
}

// describe fills in $ref, display and ocid of one reference.
func (tx *Tx) describe(a *attr, m map[string]any, w *wanted) (map[string]any, error) {
	id, _ := m["value"].(string)
	typ := tx.targetType(a, m)
	if id == "" || typ == "" {
		return m, nil
	}
	if ref := a.sub("$ref"); m[ref.Name] == nil && w.proj != nil {
		if e, ok := tx.e.cat.Entry(typ); ok {
			m[ref.Name] = tx.location(e.Endpoint, id)
		}
	}
	if sub := a.sub("ocid"); sub != nil && m[sub.Name] == nil && isHexID(id) {
		m[sub.Name] = ocidFor(typ, id)
	}
	if a.ofItsTime() {
		return m, nil
	}
	for _, name := range []string{"display", "displayName"} {
		sub := a.sub(name)
		if sub == nil || !sub.readOnly() || m[sub.Name] != nil || !w.needs(a, name) {
			continue
		}
		t, err := tx.summary(typ, id)
		if err != nil {
			return nil, err
		}
		if s := tx.displayOf(t); s != "" {
			m[sub.Name] = s
		}
	}
	return m, nil
}

// ofItsTime says that a reference shows what was true when it was made, and
// nothing of what its target is now.
func (a *attr) ofItsTime() bool {
	return a.Name == "idcsCreatedBy" || a.Name == "idcsLastModifiedBy"
}

// summary is what references say of their target: display is its displayName
// or, without one, its name.
type summary struct {
	found   bool
	display string
	named   bool // display is the displayName
	name    string
}

// displayOf is what a reference shows of its target: in plain SCIM the
// displayName, and nothing in its place.
func (tx *Tx) displayOf(s summary) string {
	if tx.call.Plain && !s.named {
		return ""
	}
	return s.display
}

func (tx *Tx) summary(typ, id string) (summary, error) {
	key := typ + "/" + id
	if s, ok := tx.known[key]; ok {
		return s, nil
	}
	rec, err := tx.st.Get(typ, id)
	if errors.Is(err, store.ErrNotFound) {
		return summary{}, nil
	}
	if err != nil {
		return summary{}, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return summary{}, errors.Join(store.ErrCorrupt, err)
	}
	s := summaryOf(doc)
	// A writing transaction may change it, so that only those keep it which
	// cannot.
	if _, unchanged := tx.st.(*ahead); (tx.ro || unchanged) && len(tx.known) < 10000 {
		tx.known[key] = s
	}
	return s, nil
}

func summaryOf(doc Document) summary {
	s := summary{found: true}
	s.display, _ = doc["displayName"].(string)
	s.named = s.display != ""
	for _, key := range []string{"userName", "name", "displayName"} {
		if name, ok := doc[key].(string); ok && name != "" {
			s.name = name
			break
		}
	}
	if s.display == "" {
		s.display = s.name
	}
	return s
}

// targetType is the resource type a reference points to, or "".
func (tx *Tx) targetType(a *attr, m map[string]any) string {
	types := a.sub("$ref").ReferenceTypes
	if len(types) == 0 {
		return ""
	}
	if named, ok := m["type"].(string); ok {
		for _, t := range types {
			if strings.EqualFold(t, named) {
				return t
			}
		}
	}
	return types[0]
}

// resolveReferences completes the references of a document and refuses those
// to resources that do not exist. What was there before is not looked at
// again: it may dangle.
func (tx *Tx) resolveReferences(ti *typeInfo, old, doc Document) error {
	for _, a := range ti.refs {
		if a.parent != nil || a.readOnly() {
			continue
		}
		v := value(doc, a)
		if v == nil {
			continue
		}
		before := elements(value(old, a))
		for _, x := range elements(v) {
			m, ok := x.(map[string]any)
			if !ok {
				continue
			}
			typ := tx.targetType(a, m)
			if typ == "" {
				delete(m, "$ref")
				continue
			}
			id, err := tx.reference(a, typ, m)
			delete(m, "$ref")
			if err != nil {
				return err
			}
			if slices.ContainsFunc(before, func(y any) bool { return equal(asMap(y)["value"], id) }) {
				continue
			}
			if err := tx.within(typ, id); err != nil {
				return err
			}
			if t, err := tx.summary(typ, id); err != nil {
				return err
			} else if !t.found {
				return badReference(a, typ, id)
			}
		}
	}
	return nil
}

// reference is the id that an element names by value, ocid or, where a client
// may write it, $ref; it completes the others.
func (tx *Tx) reference(a *attr, typ string, m map[string]any) (string, error) {
	id, _ := m["value"].(string)
	ocid, _ := m["ocid"].(string)
	if ref, _ := m["$ref"].(string); id == "" && ref != "" {
		id = ref[strings.LastIndexByte(ref, '/')+1:]
		m["value"] = id
	}
	if id == "" && ocid != "" {
		if id = idOf(typ, ocid); id == ocid {
			return "", badReference(a, typ, ocid)
		}
		m["value"] = id
	}
	if ocid != "" && ocid != ocidFor(typ, id) {
		return "", badReference(a, typ, ocid)
	}
	return id, nil
}

func badReference(a *attr, typ, id string) *Error {
	e := bad(msgReference, "Attribute %s refers to %s %q, which does not exist.", a.path, typ, id)
	e.Data = map[string]any{"attribute": a.path, "value": id}
	return e
}

func (tx *Tx) location(endpoint, id string) string {
	base := AdminBase
	if tx.call.Plain {
		base = PlainBase
	}
	return tx.call.BaseURL + base + endpoint + "/" + url.PathEscape(id)
}

// WeakTag is a version as an entity tag of RFC 9110: weak, since an answer may
// show parts only.
func WeakTag(version string) string { return `W/"` + version + `"` }

// shallow copies a document and its extensions one level deep.
func shallow(doc Document) Document {
	out := make(Document, len(doc)+2)
	for k, v := range doc {
		if m, ok := v.(map[string]any); ok && strings.Contains(k, ":") {
			v = maps1(m)
		}
		out[k] = v
	}
	return out
}
