package engine

import (
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// AdminBase is the path under which the resources of this engine are served;
// locations and references have it between Call.BaseURL and the endpoint.
const AdminBase = "/admin/v1"

// Options set up an Engine. Clock is needed; the zero value of everything else
// is a sensible default.
type Options struct {
	// Clock tells the time of everything the engine writes.
	Clock Clock
	// NewID makes ids and versions: 32 lower-case hex digits from
	// crypto/rand unless set. It must be safe for concurrent use.
	NewID func() string
	// PasswordCost is the number of PBKDF2 iterations.
	PasswordCost int
	// MaxMembersReturned bounds a list inside an attribute that is not paged;
	// the service refuses more than 10,000 members in one answer.
	MaxMembersReturned int
	// MaxMerged is how many resources of a sorted query over several types are
	// put in order; 10,000 unless set.
	MaxMerged int
	// Authorize may refuse an operation before anything is read; id is empty
	// for create, list and search. Its error should be an *Error.
	Authorize func(ctx context.Context, call Call, typ string, verb schema.Verb, id string) error
	// UserGone removes, in the transaction that deletes a user, what others
	// keep of the user in the same store: refresh tokens.
	UserGone func(tx store.Tx, id string) error
	// DomainOCID, CompartmentOCID and TenancyOCID are shown in every resource.
	DomainOCID, CompartmentOCID, TenancyOCID string
	// Log takes what an administrator of the emulator should know; nil
	// discards it.
	Log *slog.Logger
}

// Engine is the resource engine. It is safe for concurrent use.
type Engine struct {
	st    store.Store
	cat   *schemas.Catalog
	opts  Options
	infos sync.Map // type name -> *typeInfo
	// answers are what was made of records lately.
	answers *answers
	made    sync.Map // type name -> virtualList
	// custom is the type with custom attributes, as last seen.
	custom atomic.Pointer[withCustom]
	// sealed is the cipher of sealed values, as last used.
	sealed atomic.Pointer[sealing]
	// inside says that the store is none in which work is done ahead.
	inside atomic.Bool
}

// virtualList is what a virtual type has with certain custom attributes.
type virtualList struct {
	custom []byte
	docs   []Document
}

// New makes an engine on a store and a catalogue. The store stays the
// caller's to close.
func New(st store.Store, cat *schemas.Catalog, opts Options) *Engine {
	if opts.NewID == nil {
		opts.NewID = randomID
	}
	if opts.PasswordCost <= 0 {
		opts.PasswordCost = defaultPasswordCost
	}
	if opts.MaxMembersReturned <= 0 {
		opts.MaxMembersReturned = maxMembersReturned
	}
	if opts.MaxMerged <= 0 {
		opts.MaxMerged = defaultMaxMerged
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		p *string
		v string
	}{{&opts.DomainOCID, domainOCID}, {&opts.CompartmentOCID, compartmentOCID}, {&opts.TenancyOCID, tenancyOCID}} {
		if *d.p == "" {
			*d.p = d.v
		}
	}
	return &Engine{st: st, cat: cat, opts: opts, answers: newAnswers()}
}

// Catalog is the catalogue the engine serves.
func (e *Engine) Catalog() *schemas.Catalog { return e.cat }

// Store is the store the engine works on.
func (e *Engine) Store() store.Store { return e.st }

func (e *Engine) info(typ string) (*typeInfo, error) {
	if ti, ok := e.infos.Load(typ); ok {
		return ti.(*typeInfo), nil
	}
	rt, ok := e.cat.Lookup(typ)
	if !ok {
		return nil, fail(http.StatusNotFound, "", msgNotFound, "There is no resource type %q.", typ)
	}
	if ti, ok := e.infos.Load(rt.Name); ok {
		return ti.(*typeInfo), nil
	}
	ti, _ := e.infos.LoadOrStore(rt.Name, newTypeInfo(rt, behaviours()[rt.Name]))
	return ti.(*typeInfo), nil
}

// virtual answers the resources of a type that is made of the catalogue. They
// are shared: answers are copies.
func (tx *Tx) virtual(ti *typeInfo) ([]Document, error) {
	if ti.hooks.Own {
		docs, err := ti.hooks.Virtual(tx)
		return append([]Document{}, docs...), err
	}
	data, err := tx.customData()
	if err != nil {
		return nil, err
	}
	if v, ok := tx.e.made.Load(ti.rt.Name); ok && bytes.Equal(v.(virtualList).custom, data) {
		return v.(virtualList).docs, nil
	}
	docs, err := ti.hooks.Virtual(tx)
	if err != nil {
		return nil, err
	}
	if docs == nil {
		docs = []Document{}
	}
	tx.e.made.Store(ti.rt.Name, virtualList{custom: data, docs: docs})
	return docs, nil
}

// Tx is one transaction: several operations that happen together or not at
// all. It must not be used after the function it was given to has returned.
type Tx struct {
	e    *Engine
	st   store.Tx
	call Call
	now  time.Time
	ro   bool
	// self says that a user acts on what is the user's own, removing that all
	// factors of a user are being taken away.
	self, removing bool
	// known are resources that references pointed to, in a reading transaction.
	known map[string]summary
	// custom is the type with custom attributes in this transaction.
	custom *typeInfo
	// policies are the password policies as far as they were read.
	policies []*policy
	// made is a password that was made at random, compared what is known of
	// another one.
	made     string
	compared compared
	// aead is the cipher of sealed values, once one was needed.
	aead cipher.AEAD
	// shownApp is the app that an event named last.
	shownApp struct{ id, display string }
	// scopes are the apps that define scopes, in a reading transaction.
	scopes map[string]string
	// selfAllowed lets the caller change the own account in this transaction.
	selfAllowed bool
}

// Do runs f in one transaction that may write. f may be called once only; it
// must not do anything that cannot be undone, since the commit may fail.
func (e *Engine) Do(ctx context.Context, call Call, f func(*Tx) error) error {
	err := e.st.Update(ctx, func(st store.Tx) error { return f(e.tx(st, call, false)) })
	return e.settle(ctx, call, err)
}

// View runs f in one transaction that only reads.
func (e *Engine) View(ctx context.Context, call Call, f func(*Tx) error) error {
	err := e.st.View(ctx, func(st store.Tx) error { return f(e.tx(st, call, true)) })
	return e.settle(ctx, call, err)
}

func (e *Engine) tx(st store.Tx, call Call, ro bool) *Tx {
	return &Tx{e: e, st: st, call: call, now: e.opts.Clock.Now().UTC().Truncate(time.Millisecond), ro: ro, known: map[string]summary{}}
}

// Store is the store's transaction, for behaviours that keep records of their
// own.
func (tx *Tx) Store() store.Tx { return tx.st }

// Now is the time of the transaction.
func (tx *Tx) Now() time.Time { return tx.now }

// Call is what the transaction is made for.
func (tx *Tx) Call() Call { return tx.call }

// settle tells refusals of the service from the emulator's own trouble, which
// is logged and handed on.
func (e *Engine) settle(ctx context.Context, call Call, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, store.ErrCursor) {
		return bad(msgCursor, "page is not a cursor that this query gave out.")
	}
	e.opts.Log.ErrorContext(ctx, "resource engine", "requestId", call.RequestID, "error", err)
	if errors.Is(err, store.ErrFull) {
		return fmt.Errorf("the emulator's database is full: %w", err)
	}
	return err
}

func (e *Engine) authorize(ctx context.Context, call Call, ti *typeInfo, verb schema.Verb, id string) error {
	if e.opts.Authorize == nil {
		return nil
	}
	return e.opts.Authorize(ctx, call, ti.rt.Name, verb, id)
}

// begin checks what can be checked before the transaction.
func (e *Engine) begin(ctx context.Context, call Call, typ string, verb schema.Verb, id string) (*typeInfo, error) {
	ti, err := e.info(typ)
	if err != nil {
		return nil, err
	}
	// Authorisation comes first, so that nobody learns what exists.
	if err := e.authorize(ctx, call, ti, verb, idOf(ti.rt.Name, id)); err != nil {
		return nil, err
	}
	if ti.rt.Verbs&verb == 0 {
		return nil, noVerb(ti, verb)
	}
	if what, ok := unimplemented[ti.rt.Name]; ok {
		return nil, fail(http.StatusNotImplemented, "", msgNotImplemented,
			"%s is not implemented by the emulator: %s has effects that it does not have yet.", ti.rt.Name, what)
	}
	return ti, nil
}

// Create makes a resource.
func (e *Engine) Create(ctx context.Context, call Call, typ string, doc Document, p Params) (*Result, error) {
	ti, err := e.begin(ctx, call, typ, schema.VerbCreate, "")
	if err != nil {
		return nil, err
	}
	if ti.hooks.Outside != nil {
		return ti.hooks.Outside(ctx, e, call, ti, "", doc, p)
	}
	if call.hashes, err = e.hashAheadOf(ti, doc); err != nil {
		return nil, err
	}
	done := e.createAhead(ctx, call, ti, doc, p)
	return e.do(ctx, call, func(tx *Tx) (*Result, error) {
		if done != nil {
			if ok, err := done.commit(tx, ti); ok || err != nil {
				return done.res, err
			}
		}
		return tx.Create(ti.rt.Name, doc, p)
	})
}

// Replace is PUT. For an action type it is the action on the resource id.
func (e *Engine) Replace(ctx context.Context, call Call, typ, id string, doc Document, p Params) (*Result, error) {
	ti, err := e.begin(ctx, call, typ, schema.VerbPut, id)
	if err != nil {
		return nil, err
	}
	if ti.hooks.Outside != nil {
		return ti.hooks.Outside(ctx, e, call, ti, id, doc, p)
	}
	if call.hashes, err = e.hashAheadOf(ti, doc); err != nil {
		return nil, err
	}
	return e.do(ctx, call, func(tx *Tx) (*Result, error) { return tx.Replace(ti.rt.Name, id, doc, p) })
}

// Patch changes parts of a resource.
func (e *Engine) Patch(ctx context.Context, call Call, typ, id string, ops []PatchOp, p Params) (*Result, error) {
	ti, err := e.begin(ctx, call, typ, schema.VerbPatch, id)
	if err != nil {
		return nil, err
	}
	if ti.rt.Name == meType {
		return e.patchMe(ctx, call, id, ops, p)
	}
	if call.hashes, err = e.hashAheadOfPatch(ti, ops); err != nil {
		return nil, err
	}
	return e.do(ctx, call, func(tx *Tx) (*Result, error) { return tx.Patch(ti.rt.Name, id, ops, p) })
}

// Delete removes a resource.
func (e *Engine) Delete(ctx context.Context, call Call, typ, id string, p Params) error {
	ti, err := e.begin(ctx, call, typ, schema.VerbDelete, id)
	if err != nil {
		return err
	}
	return e.Do(ctx, call, func(tx *Tx) error { return tx.Delete(ti.rt.Name, id, p) })
}

// Get reads one resource.
func (e *Engine) Get(ctx context.Context, call Call, typ, id string, p Params) (*Result, error) {
	ti, err := e.begin(ctx, call, typ, schema.VerbGet, id)
	if err != nil {
		return nil, err
	}
	if err := e.ensureSingleton(ctx, call, ti); err != nil {
		return nil, err
	}
	if err := e.ensureSeeded(ctx, call, ti); err != nil {
		return nil, err
	}
	if ti.hooks.Fetch != nil {
		return e.do(ctx, call, func(tx *Tx) (*Result, error) { return ti.hooks.Fetch(tx, ti, id, p) })
	}
	var res *Result
	err = e.View(ctx, call, func(tx *Tx) error {
		var err error
		res, err = tx.Get(ti.rt.Name, id, p)
		return err
	})
	return res, err
}

// List reads a page of resources; it serves .search as well.
func (e *Engine) List(ctx context.Context, call Call, typ string, p Params) (*List, error) {
	ti, err := e.info(typ)
	if err != nil {
		return nil, err
	}
	verb := schema.VerbList
	if ti.rt.Verbs&verb == 0 {
		verb = schema.VerbSearch
	}
	return e.list(ctx, call, typ, verb, p)
}

// Search is List for a type and caller that need the verb search.
func (e *Engine) Search(ctx context.Context, call Call, typ string, p Params) (*List, error) {
	return e.list(ctx, call, typ, schema.VerbSearch, p)
}

func (e *Engine) list(ctx context.Context, call Call, typ string, verb schema.Verb, p Params) (*List, error) {
	ti, err := e.begin(ctx, call, typ, verb, "")
	if err != nil {
		return nil, err
	}
	if err := e.ensureSingleton(ctx, call, ti); err != nil {
		return nil, err
	}
	if err := e.ensureSeeded(ctx, call, ti); err != nil {
		return nil, err
	}
	var list *List
	err = e.View(ctx, call, func(tx *Tx) error {
		ti, err := tx.info(ti.rt.Name)
		if err != nil {
			return err
		}
		list, err = tx.list(ctx, ti, p)
		return err
	})
	return list, err
}

func (e *Engine) do(ctx context.Context, call Call, f func(*Tx) (*Result, error)) (*Result, error) {
	var res *Result
	err := e.Do(ctx, call, func(tx *Tx) error {
		var err error
		res, err = f(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// Create is Engine.Create inside a transaction, without its authorisation.
func (tx *Tx) Create(typ string, doc Document, p Params) (*Result, error) {
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	return tx.create(ti, doc, p)
}

// Replace is Engine.Replace inside a transaction, without its authorisation.
func (tx *Tx) Replace(typ, id string, doc Document, p Params) (*Result, error) {
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	tx.selfAllowed = tx.selfAllowed || p.AllowSelfChange
	return tx.replace(ti, id, doc, p)
}

// Patch is Engine.Patch inside a transaction, without its authorisation.
func (tx *Tx) Patch(typ, id string, ops []PatchOp, p Params) (*Result, error) {
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	tx.selfAllowed = tx.selfAllowed || p.AllowSelfChange
	return tx.patch(ti, id, ops, p)
}

// Delete is Engine.Delete inside a transaction, without its authorisation.
func (tx *Tx) Delete(typ, id string, p Params) error {
	ti, err := tx.info(typ)
	if err != nil {
		return err
	}
	tx.selfAllowed = tx.selfAllowed || p.AllowSelfChange
	return tx.remove(ti, id, p)
}

// Get is Engine.Get inside a transaction, without its authorisation.
func (tx *Tx) Get(typ, id string, p Params) (*Result, error) {
	ti, err := tx.info(typ)
	if err != nil {
		return nil, err
	}
	return tx.get(ti, id, p)
}
