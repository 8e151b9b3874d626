package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/rights"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Who may do what: a token carries the rights of its client and of its user,
// which are what grants of the roles of IDCSAppId give them at the time of the
// request (idcs-behaviour 4.3). Package rights has the table.

// keeper remembers what callers hold. What it knows is good for one version of
// the store; what depends on grants only, until a grant, a role or an app
// changes in whichever process.
type keeper struct {
	s     *Service
	table rights.Table

	mu   sync.RWMutex
	held map[party]known
}

// party is whose rights a token carries.
type party struct{ app, user string }

type known struct {
	version uint64 // of the store
	holding engine.Holding
}

// maxKnown bounds what is remembered; beyond it all is forgotten.
const maxKnown = 4096

func newKeeper(s *Service) *keeper {
	return &keeper{s: s, held: map[party]known{}}
}

// of answers what a client and its user hold. version is that of the store, or
// 0 where it is not known.
func (k *keeper) of(ctx context.Context, clientID string, p party, version uint64) (engine.Holding, error) {
	k.mu.RLock()
	have, ok := k.held[p]
	k.mu.RUnlock()
	if ok {
		if version == 0 {
			var err error
			if version, err = k.s.store.Version(ctx); err != nil {
				return engine.Holding{}, fmt.Errorf("emulator: look up rights: %w", err)
			}
		}
		if have.version == version {
			return have.holding, nil
		}
		if p.user == "" { // what a user holds depends on memberships, too
			epoch, err := k.epoch(ctx)
			if err != nil {
				return engine.Holding{}, err
			}
			if epoch != "" && epoch == have.holding.Epoch {
				k.remember(p, known{version, have.holding})
				return have.holding, nil
			}
		}
	}
	holding, err := k.lookUp(ctx, clientID, p)
	if errors.Is(err, store.ErrFull) {
		return k.unplanted(ctx, clientID, p)
	}
	if err != nil {
		return engine.Holding{}, err
	}
	// The older of two versions: a change that came between makes another one.
	if version == 0 {
		version = holding.Version
	}
	k.remember(p, known{version, holding})
	return holding, nil
}

func (k *keeper) remember(p party, what known) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.held) >= maxKnown {
		clear(k.held)
	}
	k.held[p] = what
}

func (k *keeper) lookUp(ctx context.Context, clientID string, p party) (engine.Holding, error) {
	h, err := k.s.engine.Holding(ctx, p.app, p.user)
	if err != nil || h.State != engine.AppAbsent {
		return h, err
	}
	if err := k.plant(ctx, clientID, p.app); err != nil {
		return h, err
	}
	return k.s.engine.Holding(ctx, p.app, p.user)
}

// unplanted is what a client is to get by its grants, while there is no room to
// write them: whoever has to clear a full disk must be able to look.
func (k *keeper) unplanted(ctx context.Context, clientID string, p party) (engine.Holding, error) {
	c, err := k.s.oauth.FindClient(ctx, clientID)
	if err != nil || c.AppID != p.app {
		return engine.Holding{}, err
	}
	return engine.Holding{
		State: engine.AppActive, OnBehalf: slices.Contains(c.Operations, oauth.OperationOnBehalf), App: engine.Held{All: setOf(c.Roles)},
	}, nil
}

// plant gives a registered client the App and the grants that it is to have. A
// fresh domain gets them with the first request, not with the start, which then
// need not write.
func (k *keeper) plant(ctx context.Context, clientID, app string) error {
	c, err := k.s.oauth.FindClient(ctx, clientID)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.AppID != app {
		return nil
	}
	if err != nil {
		return fmt.Errorf("emulator: look up client: %w", err)
	}
	return k.s.engine.PlantClient(ctx, engine.FirstClient{
		ClientID: c.ID, AppID: c.AppID, Display: c.Name, Type: c.Type, Grants: c.Grants, Operations: c.Operations, Roles: c.Roles,
	})
}

func (k *keeper) epoch(ctx context.Context) (string, error) {
	var raw []byte
	err := k.s.store.View(ctx, func(tx store.Tx) error {
		var err error
		raw, err = tx.Value(engine.RightsEpoch)
		if errors.Is(err, store.ErrNotFound) {
			return nil // a fresh store
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("emulator: look up rights: %w", err)
	}
	return string(raw), nil
}

// epochTx notices changes on which rights depend.
type epochTx struct {
	store.Tx
	changed bool
}

func (t *epochTx) note(typ string, err error) error {
	if err == nil && (typ == "Grant" || typ == "App" || typ == "AppRole") {
		t.changed = true
	}
	return err
}

// Insert implements store.Tx.
func (t *epochTx) Insert(rec store.Record) error { return t.note(rec.Type, t.Tx.Insert(rec)) }

// Put implements store.Tx.
func (t *epochTx) Put(rec store.Record) error { return t.note(rec.Type, t.Tx.Put(rec)) }

// Delete implements store.Tx.
func (t *epochTx) Delete(typ, id string) error { return t.note(typ, t.Tx.Delete(typ, id)) }

// Lend implements store.Lender.
func (t *epochTx) Lend(typ, id string) (store.Record, error) { return store.Lend(t.Tx, typ, id) }

// StoreVersion is what store.TxVersion asks for.
func (t *epochTx) StoreVersion() uint64 { return store.TxVersion(t.Tx) }

// LendsForGood is what store.LendsForGood asks for.
func (t *epochTx) LendsForGood() bool { return store.LendsForGood(t.Tx) }

// withEpoch runs f in a transaction and starts a new epoch when it changed what
// rights depend on.
func withEpoch(tx store.Tx, f func(store.Tx) error) error {
	t := &epochTx{Tx: tx}
	if err := f(t); err != nil || !t.changed {
		return err
	}
	return tx.SetValue(engine.RightsEpoch, []byte(randomHex(16)))
}

// held is what a caller may use: roles without a limit, and limited ones.
func (who *caller) held(h engine.Holding) engine.Held {
	if h.State != engine.AppActive {
		return engine.Held{}
	}
	mask := scopeMask(who.scope)
	if who.party.user == "" {
		return engine.Held{All: h.App.All & mask}
	}
	if !h.OnBehalf {
		mask &= h.App.All
	}
	out := engine.Held{All: h.User.All & mask}
	for _, l := range h.User.Limited {
		if mask.Has(l.Role) {
			out.Limited = append(out.Limited, l)
		}
	}
	return out
}

// scopeMask are the roles that a scope lets a token carry.
func scopeMask(scope string) rights.Set {
	names, all := oauth.ScopeRoles(scope)
	if all {
		return rights.Everything()
	}
	return setOf(names)
}

func setOf(names []string) (set rights.Set) {
	for _, name := range names {
		if r, ok := rights.ByName(name); ok {
			set |= r.Bit()
		}
	}
	return set
}

// bulkEndpoint is the row of the table for Bulk.
const bulkEndpoint = "Bulk"

// mayDo says whether the caller has the right to use a verb on an endpoint, and
// narrows the call where a role is limited to groups. own says that the resource
// is the caller's.
func (s *Service) mayDo(ctx context.Context, who *caller, endpoint string, verb schema.Verb, own bool) error {
	h, err := s.keeper.of(ctx, who.clientID, who.party, who.version)
	if err != nil {
		return err
	}
	who.call.Within = nil
	allowed := s.keeper.table.Who(endpoint, verb)
	if rights.OwnAccount(endpoint) {
		own = true
		admin, _ := rights.ByName(rights.IdentityDomainAdministrator)
		allowed = admin.Bit()
	}
	if own && h.State == engine.AppActive && who.party.user != "" {
		return nil
	}
	held := who.held(h)
	if held.All&allowed != 0 {
		return nil
	}
	limit := &engine.Limit{}
	for _, l := range held.Limited {
		if allowed.Has(l.Role) && rights.LimitedReach(endpoint, verb) {
			limit.Groups = append(limit.Groups, l.Groups...)
		}
	}
	if len(limit.Groups) > 0 {
		slices.Sort(limit.Groups)
		limit.Groups = slices.Compact(limit.Groups)
		who.call.Within = limit
		return nil
	}
	if allowed == 0 {
		return forbidden("No role opens this.")
	}
	return forbidden("This needs the role " + rights.Names(allowed) + ".")
}

func forbidden(detail string) *engine.Error {
	return refusal(http.StatusForbidden, "", msgForbidden, detail)
}

// authorize says whether the caller may do an operation. It is asked before
// anything is looked up, so that nobody learns what exists.
func (s *Service) authorize(ctx context.Context, who *caller, op *operation) error {
	if op.allowed {
		return nil
	}
	// The own account in plain SCIM may be read without a role; changing it
	// there is changing a user.
	own := op.own && op.verb == schema.VerbGet
	if err := s.mayDo(ctx, who, strings.TrimPrefix(op.rt.Endpoint, "/"), op.verb, own); err != nil {
		return err
	}
	if s.opts.Authorizer != nil {
		err := s.opts.Authorizer.Authorize(ctx, Access{
			Actor: who.call.Actor, Scope: who.scope, Verb: op.verb, Type: op.rt.Name, ID: op.id,
		})
		if err != nil {
			return err
		}
	}
	op.allowed = true
	return nil
}

// clients answers the authorisation server's questions about Apps.
type clients struct{ s *Service }

// Client implements oauth.Apps.
func (c clients) Client(ctx context.Context, id string, registered *oauth.Client) (oauth.Client, error) {
	if registered != nil {
		// So that its App is there.
		if _, err := c.s.keeper.of(ctx, id, party{app: registered.AppID}, 0); err != nil {
			return oauth.Client{}, err
		}
	}
	app, err := c.s.engine.ClientApp(ctx, id)
	if err != nil {
		return oauth.Client{}, err
	}
	out := oauth.Client{
		ID: app.ClientID, AppID: app.ID, Name: app.Name, Type: app.Type, Grants: app.Grants, Operations: app.Operations,
	}
	if app.ClientID != id {
		return oauth.Client{}, store.ErrNotFound
	}
	if app.Has {
		out.SetCheck(app.Check)
	}
	if registered != nil && registered.AppID == app.ID {
		out.Keys, out.Name = registered.Keys, registered.Name
		if !app.Has {
			out.Salt, out.Digest = registered.Salt, registered.Digest
		}
	}
	h, err := c.s.keeper.of(ctx, id, party{app: app.ID}, 0)
	if err != nil {
		return oauth.Client{}, err
	}
	out.Roles = roleNames(h.App.All)
	return out, nil
}

// UserRoles implements oauth.Apps.
func (c clients) UserRoles(ctx context.Context, app, user string) ([]string, error) {
	h, err := c.s.keeper.of(ctx, "", party{app: app, user: user}, 0)
	if err != nil {
		return nil, err
	}
	set := h.User.All
	for _, l := range h.User.Limited {
		set |= l.Role.Bit()
	}
	return roleNames(set), nil
}

func roleNames(set rights.Set) []string {
	var names []string
	for _, r := range rights.Roles() {
		if set.Has(r) {
			names = append(names, r.Name)
		}
	}
	return names
}
