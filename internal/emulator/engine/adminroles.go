package engine

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/rights"
)

// Held are the administrator roles that somebody holds.
type Held struct {
	// All are held without a limit.
	All rights.Set
	// Limited are held for the members of some groups.
	Limited []LimitedRole
}

// LimitedRole is a role for the members of some groups.
type LimitedRole struct {
	Role   rights.Role
	Groups []string
}

// Limit narrows a call to some groups and their members. Everything else is as
// if it were not allowed, whether it exists or not.
type Limit struct {
	Groups []string
}

// AppState is what is known of the App behind a client.
type AppState uint8

// The states of an App.
const (
	AppAbsent  AppState = iota // there never was one
	AppGone                    // it was deleted
	AppBlocked                 // it is not active
	AppActive
)

// Holding is what a client and, perhaps, its user hold.
type Holding struct {
	State AppState
	// OnBehalf says that the user's roles count alone (idcs-behaviour 1.2).
	OnBehalf  bool
	App, User Held
	// Epoch is the value RightsEpoch and Version that of the store when this
	// was so, or 0.
	Epoch   string
	Version uint64
}

// RightsEpoch names the value that whoever owns the store changes with every
// grant, role and app.
const RightsEpoch = "rights.epoch"

// Holding looks up what grants give a client, by the id of its App, and a
// user; the id may be empty.
func (e *Engine) Holding(ctx context.Context, app, user string) (Holding, error) {
	var h Holding
	err := e.View(ctx, Call{}, func(tx *Tx) error {
		h.Version = store.TxVersion(tx.st)
		epoch, err := tx.st.Value(RightsEpoch)
		if err != nil && !errors.Is(err, store.ErrNotFound) { // a fresh store has none
			return err
		}
		h.Epoch = string(epoch)
		doc, err := tx.clientDoc(app, &h.State)
		if err != nil || h.State != AppActive {
			return err
		}
		h.OnBehalf = slices.Contains(elements(doc["allowedOperations"]), any("onBehalfOfUser"))
		if h.App, err = tx.grantedRoles(app, "App"); err != nil || user == "" {
			return err
		}
		h.User, err = tx.userRoles(user)
		return err
	})
	return h, err
}

// clientDoc reads the App of a client.
func (tx *Tx) clientDoc(app string, state *AppState) (Document, error) {
	*state = AppAbsent
	rec, err := store.Lend(tx.st, "App", app)
	if errors.Is(err, store.ErrNotFound) {
		_, err = tx.st.Value(clientPlanted(app))
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		*state = AppGone
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, errors.Join(store.ErrCorrupt, err)
	}
	*state = AppBlocked
	if doc["active"] == true {
		*state = AppActive
	}
	return doc, nil
}

// userRoles are those that a user holds, directly and by groups. A user who is
// not active holds none.
func (tx *Tx) userRoles(user string) (Held, error) {
	rec, err := store.Lend(tx.st, "User", user)
	if errors.Is(err, store.ErrNotFound) {
		return Held{}, nil
	}
	if err != nil {
		return Held{}, err
	}
	doc, err := decode(rec.Data)
	if err != nil {
		return Held{}, errors.Join(store.ErrCorrupt, err)
	}
	if doc["active"] == false {
		return Held{}, nil
	}
	held, err := tx.grantedRoles(user, "User")
	if err != nil {
		return Held{}, err
	}
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: user}) {
		if err != nil {
			return Held{}, err
		}
		by, err := tx.grantedRoles(link.From, "Group")
		if err != nil {
			return Held{}, err
		}
		held.All |= by.All
	}
	return held, nil
}

// grantedRoles are the roles that grants give one user, group or app directly.
func (tx *Tx) grantedRoles(grantee, kind string) (Held, error) {
	var held Held
	// The index is asked without the schema of grants, which a program that
	// lists users would have to read for nothing else; ids have no case.
	q := store.Query{
		Type: "Grant", Conds: []store.Cond{{Path: "grantee.value", Rel: store.Eq, Value: grantee}}, Lend: true, NoCursor: true,
	}
	for row, err := range tx.st.Query(q) {
		if err != nil {
			return held, err
		}
		doc, err := decode(row.Data)
		if err != nil {
			return held, errors.Join(store.ErrCorrupt, err)
		}
		role, ok := roleOfGrant(doc)
		if typ, _ := asMap(doc["grantee"])["type"].(string); !ok || fold(typ) != fold(kind) {
			continue
		}
		if mechanism, _ := doc["grantMechanism"].(string); fold(mechanism) != fold(delegatedMechanism) {
			held.All |= role.Bit()
			continue
		}
		if groups, ok := delegation(doc); ok && role.Limited && kind == "User" {
			held.Limited = append(held.Limited, LimitedRole{Role: role, Groups: groups})
		}
	}
	return held, nil
}

// roleOfGrant is the role of IDCSAppId that a grant gives.
func roleOfGrant(doc Document) (rights.Role, bool) {
	if asMap(doc["app"])["value"] != any(rights.AppID) {
		return rights.Role{}, false
	}
	entitlement := asMap(doc["entitlement"])
	if name, _ := entitlement["attributeName"].(string); fold(name) != "approles" {
		return rights.Role{}, false
	}
	for _, r := range rights.Roles() {
		if entitlement["attributeValue"] == any(r.ID()) {
			return r, true
		}
	}
	return rights.Role{}, false
}

// outOfReach refuses what a limited role does not reach. It says the same of
// what exists and of what does not.
func outOfReach() *Error {
	return fail(http.StatusForbidden, "", msgForbidden, "The role of the caller is limited to groups, and this is not one of them nor one of their members.")
}

// msgForbidden is the message of a refused call; no source names it, so it is a
// guess.
const msgForbidden = "error.common.common.notAuthorized"

// within checks that a limited call reaches a user or group, before it is looked
// up.
func (tx *Tx) within(typ, id string) error {
	if tx.call.Within == nil {
		return nil
	}
	ok, err := tx.reaches(typ, id)
	if err == nil && !ok {
		return outOfReach()
	}
	return err
}

func (tx *Tx) reaches(typ, id string) (bool, error) {
	switch typ {
	case "Group":
		return slices.Contains(tx.call.Within.Groups, id), nil
	case "User":
		for _, g := range tx.call.Within.Groups {
			_, err := tx.st.GetLink(memberKind, g, id)
			if err == nil {
				return true, nil
			}
			if !errors.Is(err, store.ErrNotFound) {
				return false, err
			}
		}
		return false, nil
	}
	return true, nil
}

// narrowToLimit says that a limited call lists some of the records only. Where
// nothing else narrows the query it names them, so that it does not walk over
// all of a large domain.
func (tx *Tx) narrowToLimit(ti *typeInfo, pl *plan) (bool, error) {
	typ := ti.rt.Name
	if tx.call.Within == nil || typ != "User" && typ != "Group" {
		return false, nil
	}
	if pl.in != nil {
		return true, nil
	}
	ids := tx.call.Within.Groups
	if typ == "User" {
		ids = nil
		for _, g := range tx.call.Within.Groups {
			members, err := memberIDs(tx, g)
			if err != nil {
				return false, err
			}
			if ids = append(ids, members...); len(ids) > maxNarrow {
				return true, nil
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	pl.in = &store.In{Path: "id", Values: ids}
	return true, nil
}

// ClientApp is what an App says of itself as an OAuth client.
type ClientApp struct {
	ID, ClientID, Name, Type string
	Grants, Operations       []string
	// Has says that it has a secret of its own; Check compares one with it.
	Has   bool
	Check func(secret string) bool
}

// ClientApp finds the active App that is an OAuth client of this name;
// store.ErrNotFound when there is none.
func (e *Engine) ClientApp(ctx context.Context, clientID string) (*ClientApp, error) {
	var out *ClientApp
	err := e.View(ctx, Call{}, func(tx *Tx) error {
		id, err := tx.appNamed(clientID)
		if err != nil {
			return err
		}
		var state AppState
		doc, err := tx.clientDoc(id, &state)
		if err != nil {
			return err
		}
		if state != AppActive || doc["isOAuthClient"] != true {
			return store.ErrNotFound
		}
		out = &ClientApp{ID: id, Grants: textList(doc["allowedGrants"]), Operations: textList(doc["allowedOperations"])}
		out.ClientID, _ = doc["name"].(string)
		out.Name, _ = doc["displayName"].(string)
		out.Type, _ = doc["clientType"].(string)
		out.Has, out.Check, err = tx.clientSecret(id, doc)
		return err
	})
	return out, err
}

// appNamed is the id of the App with this name.
func (tx *Tx) appNamed(name string) (string, error) {
	ti, err := tx.info("App")
	if err != nil {
		return "", err
	}
	a := ti.core.get("name")
	key, ok := a.indexValue(name)
	if !ok {
		return "", store.ErrNotFound
	}
	return tx.st.Claimed("App", a.path, key)
}

func textList(v any) []string {
	var out []string
	for _, x := range elements(v) {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// clientSecret answers whether an App has a secret, and what compares one with
// it. A secret is kept sealed, since the service shows it again, or as a hash.
func (tx *Tx) clientSecret(id string, doc Document) (bool, func(string) bool, error) {
	stored, _ := doc["clientSecret"].(string)
	if stored == "" || stored == registeredSecret {
		return false, func(string) bool { return false }, nil
	}
	if strings.HasPrefix(stored, hashPrefix) {
		return true, func(secret string) bool {
			ok, err := CheckPassword(stored, secret)
			return ok && err == nil
		}, nil
	}
	plain, err := tx.unsealed("App", id, "clientSecret", doc)
	if err != nil {
		return false, nil, err
	}
	want := sha256.Sum256([]byte(plain))
	return true, func(secret string) bool {
		got := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}, nil
}
