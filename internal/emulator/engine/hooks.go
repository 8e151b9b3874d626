package engine

import (
	"context"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Hooks are what a resource type does beyond its schema. Each is optional.
// They run inside the transaction of the operation, so that what they write
// happens with it or not at all.
type Hooks struct {
	// BeforeCreate fills in or refuses a new document, before it is checked.
	BeforeCreate func(*Change) error
	// BeforeWrite does the same for the outcome of a PUT or PATCH.
	BeforeWrite func(*Change) error
	// Split takes parts out of the checked document that are kept elsewhere,
	// such as links. What it puts into Change.Split is for AfterCreate and
	// AfterWrite.
	Split func(*Change) error
	// AfterCreate and AfterWrite run when the record is stored. AfterWrite
	// runs before it is decided whether anything changed.
	AfterCreate func(*Change) error
	AfterWrite  func(*Change) error
	// BeforeDelete may refuse, AfterDelete cleans up.
	BeforeDelete func(*Change) error
	AfterDelete  func(*Change) error
	// PatchStep may carry out one step of a PATCH by itself; it answers false
	// for a step that the document takes.
	PatchStep func(*Change, *step) (bool, error)
	// Derive adds what is not stored in the document, as far as asked for.
	Derive func(tx *Tx, id string, doc Document, w *wanted) error
	// Derives names all that Derive adds: attributes of the core schema, for
	// which it must not read the document, URNs of extensions, and paths of
	// attributes in these or of sub-attributes that are shown on request.
	// Answers that show none of it are made of the stored text; for those that
	// show one of the core schema Derive is called with an empty document.
	// Without this list the document is decoded for every answer.
	Derives []string
	// ShowsStored says that AfterCreate leaves New as it was stored, so that
	// the answer of a create may be made of the stored text.
	ShowsStored bool
	// Narrow answers the ids of all records for which a condition on a
	// derived attribute holds; ok is false where it cannot tell.
	Narrow func(tx *Tx, cond narrow) (ids []string, ok bool, err error)
	// Action replaces PUT for types that act on another resource.
	Action func(tx *Tx, ti *typeInfo, id string, in Document, p Params) (*Result, error)
	// Post replaces POST for types that do something and store nothing of
	// their own.
	Post func(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error)
	// Outside replaces PUT and POST for types whose act is more than one
	// transaction: one that compares a password, which takes its time, or one
	// that has to count a failure although it answers an error. id is empty for
	// a POST.
	Outside func(ctx context.Context, e *Engine, call Call, ti *typeInfo, id string, in Document, p Params) (*Result, error)
	// Fetch replaces GET for types whose GET does something.
	Fetch func(tx *Tx, ti *typeInfo, id string, p Params) (*Result, error)
	// Same answers the id of the record that a create would repeat, and the
	// create answers that record instead; "" lets it go on.
	Same func(*Change) (string, error)
	// Seed makes the resources that a fresh domain has of this type. It runs
	// once, before the first operation on the type.
	Seed func(*Tx) error
	// Initial is the document of a singleton before anybody changed it.
	Initial func() Document
	// Virtual lists resources that are made of the catalogue and not stored.
	Virtual func(*Tx) ([]Document, error)
	// Own says that Virtual answers what belongs to the caller.
	Own bool
	// Twin is the type whose records a type of the caller's own shows.
	Twin string
	// Once names secrets of which only a digest is kept. The answer of the
	// write that made one shows it, and no other does.
	Once []string
	// Masked names secrets beside them that no answer shows.
	Masked []string
	// Sealed names secrets that are kept encrypted and shown again; audit events
	// do not have them.
	Sealed []string
	// ChangeVirtual stores the outcome of a PUT or PATCH on one of them.
	ChangeVirtual func(tx *Tx, id string, old, doc Document) error
}

// narrow is a condition that one element of a derived attribute must meet: all
// the comparisons, which are equalities.
type narrow struct {
	attr *attr
	eq   map[string]string // sub-attribute -> value
}

// Change is one write as hooks see it.
type Change struct {
	Tx   *Tx
	Type string
	ID   string
	// Old is the stored document before; nil for a create. New is the
	// document to be stored; nil for a delete. Hooks may change New.
	Old, New Document
	// Replace says that the operation is a PUT.
	Replace bool
	// Force is forceDelete.
	Force bool
	// Split is what Split took out of New.
	Split map[string]any
	// Changed is set by a hook that changed something outside of New.
	Changed bool
	// Secrets are clear-text values of New before they were hashed.
	Secrets map[string]string

	// act says that the change is an act of the life cycle, which sets by
	// itself what follows from it.
	act bool

	ti *typeInfo
	// stored is the record of a create.
	stored store.Record
	// view is set for a change that comes by plain SCIM.
	view *typeInfo
}

// wanted tells Derive what an answer or a filter needs.
type wanted struct {
	ti *typeInfo
	// proj is what an answer needs; nil where a filter asks.
	proj *projection
	// attrs are the attributes that a filter or sort needs, by path.
	attrs map[string]bool
	// paged is set by Derive for attributes of which it made one page only.
	paged map[*attr]bool
}

// has says whether a top-level attribute is needed.
func (w *wanted) has(a *attr) bool {
	if a == nil {
		return false
	}
	if w.proj == nil {
		return w.attrs[a.path]
	}
	return w.proj.wants(a)
}

// needs says whether one of the named sub-attributes of an attribute is needed.
func (w *wanted) needs(a *attr, names ...string) bool {
	for _, name := range names {
		sub := a.sub(name)
		if sub == nil {
			continue
		}
		if w.proj == nil {
			if w.attrs[sub.path] {
				return true
			}
			continue
		}
		if w.proj.whole(a) {
			return true
		}
		for _, k := range w.proj.picks[a] {
			if k.sub == nil || k.sub == sub || filterNames(k.filter, name) {
				return true
			}
		}
	}
	return false
}

func filterNames(e filter.Expr, name string) bool {
	for _, p := range filter.Attrs(e) {
		if fold(p.Name) == fold(name) {
			return true
		}
	}
	return false
}

// page answers the one page of an attribute that an answer shows, if that is
// all it shows of it.
func (w *wanted) page(a *attr) (start, count int, ok bool) {
	k := w.only(a)
	if k == nil || k.match != nil || k.start == 0 {
		return 0, 0, false
	}
	return k.start, k.count, true
}

// element answers the value that a filter inside the attributes parameter asks
// for with value eq "x", if that is all an answer shows of the attribute.
func (w *wanted) element(a *attr) (string, bool) {
	k := w.only(a)
	if k == nil || k.match == nil {
		return "", false
	}
	eq := map[string]string{}
	if !equalities(k.filter, eq) {
		return "", false
	}
	v, ok := eq["value"]
	return v, ok
}

// only is the single pick of an attribute that is not shown as a whole.
func (w *wanted) only(a *attr) *pick {
	if w.proj == nil || w.proj.whole(a) || len(w.proj.picks[a]) != 1 {
		return nil
	}
	return w.proj.picks[a][0]
}

// equalities reads a conjunction of eq comparisons of texts; names are in
// lower case. It answers false for anything else.
func equalities(e filter.Expr, into map[string]string) bool {
	switch e := e.(type) {
	case *filter.And:
		return equalities(e.Left, into) && equalities(e.Right, into)
	case *filter.Compare:
		s, ok := e.Value.(string)
		name := foldName(e.Attr)
		if _, twice := into[name]; !ok || twice || e.Op != filter.OpEqual {
			return false
		}
		into[name] = s
		return true
	}
	return false
}

func foldName(a filter.AttrPath) string {
	if a.Sub != "" {
		return fold(a.Sub)
	}
	return fold(a.Name)
}
