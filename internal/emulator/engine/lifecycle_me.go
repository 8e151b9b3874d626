package engine

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Me is the user who calls, who may change the own account here without saying
// so. What is stored is the user; the HTTP side shows it as Me.

const (
	meType = "Me"
	meURN  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:me:User"
	meCore = "urn:ietf:params:scim:schemas:oracle:idcs:Me"
)

// msgCurrentPassword is the message id of a wrong old password (idcs-behaviour
// 2.6).
const msgCurrentPassword = "error.identity.passwordmgmt.invalidCurrentPassword"

// msgOwnPassword is that of a change of the own password that the settings do
// not allow: a guess.
const msgOwnPassword = "error.identity.passwordmgmt.changeNotAllowed"

// Apart says that the acts of a type are more than one transaction.
func (e *Engine) Apart(typ string) bool {
	ti, err := e.info(typ)
	return err == nil && ti.hooks.Outside != nil
}

// changeMyPassword is MePasswordChanger.
func changeMyPassword(ctx context.Context, e *Engine, call Call, ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	in, err := ti.normalise(in)
	if err != nil {
		return nil, err
	}
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	password, _ := in["password"].(string)
	old, _ := in["oldPassword"].(string)
	delete(in, "password")
	delete(in, "oldPassword")
	if err := e.mayChangeOwn(ctx, call); err != nil {
		return nil, err
	}
	if err := e.provePassword(ctx, call, id, old); err != nil {
		return nil, err
	}
	if err := e.changeOwn(ctx, call, id, password); err != nil {
		return nil, err
	}
	var res *Result
	err = e.View(ctx, call, func(tx *Tx) error {
		rec, doc, err := tx.loadUser(id)
		if err == nil {
			res, err = tx.answerAct(ti, rec.ID, doc, in, p)
		}
		return err
	})
	return res, err
}

// mayChangeOwn asks the settings.
func (e *Engine) mayChangeOwn(ctx context.Context, call Call) error {
	return e.View(ctx, call, func(tx *Tx) error {
		profile, err := tx.setting("IdentitySetting", "myProfile")
		if err != nil {
			return err
		}
		if asMap(profile)["allowEndUsersToChangeTheirPassword"] == false {
			return fail(http.StatusForbidden, "", msgOwnPassword, "The settings do not let users change their passwords.")
		}
		return nil
	})
}

// provePassword checks the present password of a caller. A wrong one counts as
// a failed sign-in does (guess), so that a stolen token does not help to find
// it out.
func (e *Engine) provePassword(ctx context.Context, call Call, id, password string) error {
	var name string
	err := e.View(ctx, call, func(tx *Tx) error {
		_, doc, err := tx.loadUser(id)
		name, _ = doc["userName"].(string)
		return err
	})
	if err != nil {
		return err
	}
	_, err = e.signIn(ctx, call, name, password, func(*Tx) (string, error) { return id, nil })
	switch {
	case err == nil, errors.Is(err, ErrPasswordMustChange):
		return nil
	case errors.Is(err, ErrBadCredentials), errors.Is(err, ErrLocked):
		return bad(msgCurrentPassword, "The current password is wrong.")
	}
	return refusedSignIn(err)
}

// replaceMe is PUT of Me; POST, registering oneself, is not built.
func replaceMe(ctx context.Context, e *Engine, call Call, _ *typeInfo, id string, in Document, p Params) (*Result, error) {
	if id == "" {
		return nil, fail(http.StatusNotImplemented, "", msgNotImplemented,
			"Me is not implemented by the emulator for POST: registering oneself has effects that it does not have yet.")
	}
	doc, current, given := withoutMe(in)
	_, sets := doc["password"]
	if err := e.checkCurrent(ctx, call, id, current, given, sets); err != nil {
		return nil, err
	}
	return e.changeMe(ctx, call, doc, func(tx *Tx) (*Result, error) { return tx.Replace("User", id, doc, p) })
}

// patchMe is PATCH of Me.
func (e *Engine) patchMe(ctx context.Context, call Call, id string, ops []PatchOp, p Params) (*Result, error) {
	var rest []PatchOp
	var current string
	var given, sets bool
	flat := Document{}
	for _, op := range ops {
		if strings.EqualFold(op.Path, meURN+":currentPassword") || strings.EqualFold(op.Path, meURN) {
			doc, text, ok := withoutMe(Document{op.Path: op.Value})
			if ok && len(doc) == 0 {
				current, given = text, true
				continue
			}
		}
		if m, ok := op.Value.(Document); ok && op.Path == "" {
			doc, text, ok := withoutMe(m)
			if ok {
				current, given = text, true
			}
			_, has := doc["password"]
			sets = sets || has
			if op.Value = doc; len(doc) == 0 {
				continue
			}
		}
		if strings.EqualFold(op.Path, "password") {
			sets = true
			flat["password"] = op.Value
		}
		rest = append(rest, op)
	}
	if err := e.checkCurrent(ctx, call, id, current, given, sets); err != nil {
		return nil, err
	}
	return e.changeMe(ctx, call, flat, func(tx *Tx) (*Result, error) { return tx.Patch("User", id, rest, p) })
}

// changeMe runs a change of the caller's own account.
func (e *Engine) changeMe(ctx context.Context, call Call, doc Document, f func(*Tx) (*Result, error)) (*Result, error) {
	ti, err := e.info("User")
	if err != nil {
		return nil, err
	}
	if call.hashes, err = e.hashAheadOf(ti, doc); err != nil {
		return nil, err
	}
	return e.do(ctx, call, func(tx *Tx) (*Result, error) {
		tx.selfAllowed = true
		return f(tx)
	})
}

// checkCurrent checks currentPassword, which has to be there where a new
// password is set (guess) and has to be right wherever it is.
func (e *Engine) checkCurrent(ctx context.Context, call Call, id, current string, given, sets bool) error {
	if sets {
		if err := e.mayChangeOwn(ctx, call); err != nil {
			return err
		}
	}
	if !given && !sets {
		return nil
	}
	return e.provePassword(ctx, call, id, current)
}

// withoutMe takes what only Me has out of a document.
func withoutMe(in Document) (out Document, current string, given bool) {
	out = Document{}
	for name, v := range in {
		switch {
		case strings.EqualFold(name, meURN):
			for sub, w := range asMap(v) {
				if strings.EqualFold(sub, "currentPassword") {
					current, given = text(w), true
				}
			}
		case strings.EqualFold(name, meURN+":currentPassword"):
			current, given = text(v), true
		case strings.EqualFold(name, "schemas"):
			var list []any
			for _, x := range elements(v) {
				if s := text(x); !strings.EqualFold(s, meURN) && !strings.EqualFold(s, meCore) {
					list = append(list, x)
				}
			}
			if list != nil {
				out[name] = list
			}
		case strings.EqualFold(name, "password"):
			out["password"] = v
		default:
			out[name] = v
		}
	}
	return out, current, given
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
