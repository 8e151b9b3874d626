package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

func (tx *Tx) create(ti *typeInfo, in Document, p Params) (*Result, error) {
	if in == nil {
		return nil, bad(msgBody, "The request has no document.")
	}
	if ti.hooks.Twin != "" {
		return tx.createOwn(ti, in, p)
	}
	if ti.hooks.Virtual != nil || ti.hooks.Action != nil && ti.hooks.Post == nil {
		return nil, noVerb(ti, schema.VerbCreate)
	}
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	doc, err := ti.normalise(in)
	if err != nil {
		return nil, err
	}
	if ti.hooks.Post != nil {
		res, err := ti.hooks.Post(tx, ti, doc, p)
		if err != nil {
			return nil, err
		}
		res.Created = true
		return res, nil
	}
	if err := tx.seed(ti); err != nil {
		return nil, err
	}
	ti.dropReadOnly(doc)
	c := tx.newChange(ti, tx.e.opts.NewID(), nil, doc)
	if c.ti.hooks.Same != nil {
		c.ti.setDefaults(c.New)
		same, err := c.ti.hooks.Same(c)
		if err != nil {
			return nil, err
		}
		if same != "" {
			return tx.repeated(ti, same, pr)
		}
	}
	if err := tx.insert(c.ti, c); err != nil {
		return nil, err
	}
	if err := tx.audit(c, "create", nil, c.New); err != nil {
		return nil, err
	}
	var res *Result
	if p.Into != nil && ti.hooks.ShowsStored && !c.Changed {
		res, err = tx.encoded(ti, c.stored, c.New, p)
	} else {
		res, err = tx.render(ti, c.ID, c.New, pr)
	}
	if err != nil {
		return nil, err
	}
	ti.showOnce(c, res, pr)
	res.Created = true
	return res, nil
}

// repeated answers a create that would repeat a record.
func (tx *Tx) repeated(ti *typeInfo, id string, pr *projection) (*Result, error) {
	rec, doc, err := tx.load(ti, id)
	if err != nil {
		return nil, err
	}
	res, err := tx.render(ti, rec.ID, doc, pr)
	if err == nil {
		res.Created = true
	}
	return res, err
}

// insert completes, checks and stores a new document.
func (tx *Tx) insert(ti *typeInfo, c *Change) error {
	ti.setDefaults(c.New)
	if err := run(ti.hooks.BeforeCreate, c); err != nil {
		return err
	}
	if err := tx.check(ti, c); err != nil {
		return err
	}
	if ignoreClientOCID || c.New["ocid"] == nil {
		c.New["ocid"] = ocidFor(ti.rt.Name, c.ID)
	}
	c.New["id"] = c.ID
	actor := tx.actor()
	tx.stamp(ti, c.New, actor, clone(actor))
	version := tx.e.opts.NewID()
	setMeta(c.New, ti, tx.now, tx.now, version)
	rec, err := ti.record(c.ID, c.New, version, tx.now, tx.now)
	if err != nil {
		return err
	}
	if err := tx.st.Insert(rec); err != nil {
		return tx.storeError(ti, c.ID, err)
	}
	c.stored = rec
	return run(ti.hooks.AfterCreate, c)
}

// check validates c.New, resolves its references and makes its stored form.
func (tx *Tx) check(ti *typeInfo, c *Change) error {
	if err := c.schema().validateChange(c.Old, c.New); err != nil {
		return err
	}
	if err := run(ti.hooks.Split, c); err != nil {
		return err
	}
	if err := tx.resolveReferences(ti, c.Old, c.New); err != nil {
		return err
	}
	if err := tx.hashSecrets(ti, c); err != nil {
		return err
	}
	ti.completeSchemas(c.New)
	return nil
}

func run(hook func(*Change) error, c *Change) error {
	if hook == nil {
		return nil
	}
	return hook(c)
}

func (tx *Tx) replace(ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	if in == nil {
		return nil, bad(msgBody, "The request has no document.")
	}
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	doc, err := ti.normalise(in)
	if err != nil {
		return nil, err
	}
	if ti.hooks.Virtual != nil {
		return tx.writeVirtual(ti, id, pr, func(old Document) (Document, error) {
			ti.dropReadOnly(doc)
			ti.keepServerOwned(old, doc)
			return doc, nil
		})
	}
	if ti.hooks.Action != nil {
		return ti.hooks.Action(tx, ti, id, doc, p)
	}
	rec, old, err := tx.load(ti, id)
	if err != nil {
		return nil, err
	}
	if err := p.precondition(rec.Version); err != nil {
		return nil, err
	}
	if err := prevented(ti, old, "replace"); err != nil {
		return nil, err
	}
	if ti.plain() {
		ti.dropReadOnly(doc)
		c := tx.newChange(ti, rec.ID, old, ti.replacePlain(old, doc))
		c.Replace = true
		return tx.write(ti, rec, c, pr)
	}
	if hasReadOnly(ti, doc) {
		shown, err := tx.shown(ti, rec.ID, old)
		if err != nil {
			return nil, err
		}
		if err := ti.checkReadOnly(doc, shown); err != nil {
			return nil, err
		}
	}
	ti.dropReadOnly(doc)
	ti.keepServerOwned(old, doc)
	ti.setDefaults(doc)
	c := tx.newChange(ti, rec.ID, old, doc)
	c.Replace = true
	return tx.write(ti, rec, c, pr)
}

func hasReadOnly(ti *typeInfo, doc Document) bool {
	found := false
	_ = ti.each(doc, func(a *attr, _ any) error {
		found = found || a.readOnly() && a.Name != "meta"
		return nil
	})
	return found
}

// shown is a resource as a client reads it with everything in it, in the form
// of normalise, to compare a replacement with.
func (tx *Tx) shown(ti *typeInfo, id string, doc Document) (Document, error) {
	pr, err := ti.projection(Params{AttributeSets: []string{"all"}})
	if err != nil {
		return nil, err
	}
	res, err := tx.render(ti, id, doc, pr)
	if err != nil {
		return nil, err
	}
	return ti.normalise(res.Doc)
}

func (tx *Tx) patch(ti *typeInfo, id string, ops []PatchOp, p Params) (*Result, error) {
	if len(ops) == 0 {
		return nil, fail(http.StatusBadRequest, scimInvalidSyntax, msgPatch, "The request has no operations.")
	}
	if ti.hooks.Twin != "" {
		return tx.patchOwn(ti, id, ops, p)
	}
	pr, err := ti.projection(p)
	if err != nil {
		return nil, err
	}
	steps, err := ti.steps(ops)
	if err != nil {
		return nil, err
	}
	if ti.hooks.Virtual != nil {
		return tx.writeVirtual(ti, id, pr, func(doc Document) (Document, error) {
			for _, s := range steps {
				if err := ti.apply(doc, s); err != nil {
					return nil, err
				}
			}
			return doc, nil
		})
	}
	rec, old, err := tx.load(ti, id)
	if err != nil {
		return nil, err
	}
	if err := p.precondition(rec.Version); err != nil {
		return nil, err
	}
	if err := prevented(ti, old, "update"); err != nil {
		return nil, err
	}
	c := tx.newChange(ti, rec.ID, old, cloneDoc(old))
	for i := range steps {
		if ti.hooks.PatchStep != nil {
			done, err := ti.hooks.PatchStep(c, &steps[i])
			if err != nil {
				return nil, err
			}
			if done {
				continue
			}
		}
		if err := ti.apply(c.New, steps[i]); err != nil {
			return nil, err
		}
	}
	return tx.write(ti, rec, c, pr)
}

// write checks and stores the outcome of a PUT or PATCH, and answers it as the
// caller sees it.
func (tx *Tx) write(seen *typeInfo, rec store.Record, c *Change, pr *projection) (*Result, error) {
	ti := c.ti
	if seen.plain() {
		seen.keepHidden(c.Old, c.New)
	}
	ti.setElementDefaults(c.New)
	if err := run(ti.hooks.BeforeWrite, c); err != nil {
		return nil, err
	}
	if err := ti.checkImmutable(c.Old, c.New); err != nil {
		return nil, err
	}
	if err := tx.check(ti, c); err != nil {
		return nil, err
	}
	if err := run(ti.hooks.AfterWrite, c); err != nil {
		return nil, err
	}
	if err := tx.save(ti, rec, c); err != nil {
		return nil, err
	}
	res, err := tx.render(seen, c.ID, c.New, pr)
	if err != nil {
		return nil, err
	}
	ti.showOnce(c, res, pr)
	return res, nil
}

// save stores a changed document with a new version and an audit event.
func (tx *Tx) save(ti *typeInfo, rec store.Record, c *Change) error {
	for _, name := range []string{"id", "ocid", "meta"} {
		if v, ok := c.Old[name]; ok {
			c.New[name] = clone(v)
		}
	}
	if keepVersionWhenUnchanged && !c.Changed && sameJSON(c.Old, c.New) {
		return nil
	}
	tx.stamp(ti, c.New, c.Old["idcsCreatedBy"], tx.actor())
	version := tx.e.opts.NewID()
	setMeta(c.New, ti, rec.Created, tx.now, version)
	next, err := ti.record(c.ID, c.New, version, rec.Created, tx.now)
	if err != nil {
		return err
	}
	if err := tx.st.Put(next); err != nil {
		return tx.storeError(ti, c.ID, err)
	}
	return tx.audit(c, "update", c.Old, c.New)
}

func sameJSON(a, b Document) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

func (tx *Tx) remove(ti *typeInfo, id string, p Params) error {
	if ti.hooks.Twin != "" {
		return tx.deleteOwn(ti, id, p)
	}
	rec, old, err := tx.load(ti, id)
	if err != nil {
		return err
	}
	if err := p.precondition(rec.Version); err != nil {
		return err
	}
	if err := prevented(ti, old, "delete"); err != nil {
		return err
	}
	c := tx.newChange(ti, rec.ID, old, nil)
	c.Force = p.Force
	if err := run(ti.hooks.BeforeDelete, c); err != nil {
		return err
	}
	if err := tx.st.Delete(ti.rt.Name, rec.ID); err != nil {
		return tx.storeError(ti, rec.ID, err)
	}
	if err := run(ti.hooks.AfterDelete, c); err != nil {
		return err
	}
	return tx.audit(c, "delete", old, nil)
}

// load reads a stored document by id or OCID.
func (tx *Tx) load(ti *typeInfo, id string) (store.Record, Document, error) {
	rec, err := tx.lend(ti, id)
	if err != nil {
		return rec, nil, err
	}
	doc, err := decodeRecord(ti, rec)
	return rec, doc, err
}

func decodeRecord(ti *typeInfo, rec store.Record) (Document, error) {
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", ti.rt.Name, rec.ID, errors.Join(store.ErrCorrupt, err))
	}
	return doc, nil
}

// lend reads a record by id or OCID. Its text is the store's: it is only read,
// and only in this transaction.
func (tx *Tx) lend(ti *typeInfo, id string) (store.Record, error) {
	key := idOf(ti.rt.Name, id)
	if err := tx.within(ti.rt.Name, key); err != nil {
		return store.Record{}, err
	}
	if !tx.ro {
		if err := tx.seed(ti); err != nil {
			return store.Record{}, err
		}
	}
	if ti.rt.SingletonID != "" && strings.EqualFold(key, ti.rt.SingletonID) {
		key = ti.rt.SingletonID
		if !tx.ro {
			if err := tx.makeSingleton(ti); err != nil {
				return store.Record{}, err
			}
		}
	}
	rec, err := store.Lend(tx.st, ti.rt.Name, key)
	if errors.Is(err, store.ErrNotFound) {
		return rec, notFound(ti.rt.Name, id)
	}
	return rec, err
}

// storeError turns a broken claim into the service's 409.
func (tx *Tx) storeError(ti *typeInfo, id string, err error) error {
	if u, ok := errors.AsType[*store.UniqueError](err); ok {
		e := fail(http.StatusConflict, scimUniqueness, msgDuplicate,
			"Another %s has the same value of %s; it must be unique.", ti.rt.Name, u.Path)
		e.Data = map[string]any{"attribute": u.Path, "id": u.Holder}
		if tx.call.Within != nil {
			delete(e.Data, "id") // the holder may be out of reach
		}
		return e
	}
	if errors.Is(err, store.ErrExists) {
		return fail(http.StatusConflict, scimUniqueness, msgDuplicate, "%s %q exists already.", ti.rt.Name, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return notFound(ti.rt.Name, id)
	}
	return err
}

// matchVersion compares If-Match with the present version. The documents give
// both 412 and 409 for it; that 412 is meant for If-Match is a guess.
func matchVersion(ifMatch, version string) error {
	if strings.TrimSpace(ifMatch) == "" || TagMatches(ifMatch, version) {
		return nil
	}
	return fail(http.StatusPreconditionFailed, "", msgVersion, "The resource was changed since it was read: its version is not the one of If-Match.")
}

// precondition checks If-Match and If-None-Match.
func (p Params) precondition(version string) error {
	if err := matchVersion(p.IfMatch, version); err != nil {
		return err
	}
	if TagMatches(p.IfNoneMatch, version) {
		return fail(http.StatusPreconditionFailed, "", msgVersion, "The version of the resource is the one of If-None-Match.")
	}
	return nil
}

// TagMatches says that a header with entity tags names the version: plain,
// quoted and weak tags, lists of them, and *.
func TagMatches(header, version string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return true
		}
		tag = strings.TrimPrefix(strings.TrimPrefix(tag, "W/"), "w/")
		if tag != "" && strings.Trim(tag, `"`) == version {
			return true
		}
	}
	return false
}

// prevented refuses what idcsPreventedOperations of a resource names.
func prevented(ti *typeInfo, doc Document, op string) error {
	if slices.Contains(elements(doc["idcsPreventedOperations"]), any(op)) {
		return fail(http.StatusForbidden, "", msgPrevented, "This %s does not allow the operation %s.", ti.rt.Name, op)
	}
	return nil
}

// actor is the caller as idcsCreatedBy has it.
func (tx *Tx) actor() any {
	a := tx.call.Actor
	m := make(map[string]any, 4)
	setText(m, "type", a.Type)
	setText(m, "value", a.ID)
	setText(m, "display", a.Display)
	setText(m, "ocid", a.OCID)
	if m["display"] == nil && a.Name != "" {
		m["display"] = a.Name
	}
	return orNil(m)
}

// stamp sets what the server says of every resource, as far as the type
// declares it.
func (tx *Tx) stamp(ti *typeInfo, doc Document, createdBy, modifiedBy any) {
	for _, x := range [...]struct {
		name string
		v    any
	}{
		{"idcsCreatedBy", createdBy},
		{"idcsLastModifiedBy", modifiedBy},
		{"domainOcid", tx.e.opts.DomainOCID},
		{"compartmentOcid", tx.e.opts.CompartmentOCID},
		{"tenancyOcid", tx.e.opts.TenancyOCID},
		{"idcsLastUpgradedInRelease", upgradedInRelease},
	} {
		a := ti.core.get(x.name)
		switch {
		case a == nil:
		case x.v == nil:
			delete(doc, a.Name)
		default:
			doc[a.Name] = x.v
		}
	}
	for _, name := range []string{"ocid", "id"} {
		if ti.core.get(name) == nil {
			delete(doc, name)
		}
	}
}

func setMeta(doc Document, ti *typeInfo, created, modified time.Time, version string) {
	if ti.core.get("meta") == nil {
		return
	}
	doc["meta"] = map[string]any{
		"resourceType": ti.rt.Name,
		"created":      formatTime(created),
		"lastModified": formatTime(modified),
		"version":      version,
	}
}
