package engine

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Acts that find a user by an attribute: PasswordAuthenticator, Asserter and
// UserNameGenerator. What their answers hold beside what was sent is a guess,
// made of the data that a failure of the first is known to carry
// (idcs-behaviour 2.6).

// Message ids of these acts: guesses. So is the status of a wrong password: a
// client would take 401 for trouble with its own token.
const (
	msgNotAsserted       = "error.identity.asserter.userNotFound"
	msgMapping           = "error.common.validation.invalidMappingAttribute"
	badCredentialsStatus = http.StatusBadRequest
)

// maxUserNames is how many names are tried before one is random.
const maxUserNames = 1000

// mapped finds the one user whose attribute has a value; "" is nobody.
func (tx *Tx) mapped(attribute, value string) (string, error) {
	ti, err := tx.fullInfo("User")
	if err != nil {
		return "", err
	}
	path, err := filter.ParsePath(attribute)
	if err != nil || path.Filter != nil || path.Sub != "" || ti.lookup(path.Attr) == nil {
		return "", bad(msgMapping, "Attribute %q of mappingAttribute is not one of a user.", attribute)
	}
	if strings.EqualFold(attribute, "userName") {
		return tx.userNamed(value)
	}
	two := 2
	e := filter.Compare{Attr: path.Attr, Op: filter.OpEqual, Value: value}
	list, err := tx.list(context.Background(), ti, Params{Filter: e.String(), Attributes: []string{"id"}, Count: &two})
	if err != nil || len(list.Resources) != 1 {
		return "", err
	}
	id, _ := list.Resources[0]["id"].(string)
	return id, nil
}

// authenticate is PasswordAuthenticator: a sign-in without a session.
func authenticate(ctx context.Context, e *Engine, call Call, ti *typeInfo, _ string, in Document, p Params) (*Result, error) {
	in, err := ti.normalise(in)
	if err != nil {
		return nil, err
	}
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	attribute, _ := in["mappingAttribute"].(string)
	value, _ := in["mappingAttributeValue"].(string)
	password, _ := in["password"].(string)
	delete(in, "password")
	res, err := e.signIn(ctx, call, value, password, func(tx *Tx) (string, error) { return tx.mapped(attribute, value) })
	if err != nil && !errors.Is(err, ErrPasswordMustChange) {
		return nil, refusedSignIn(err)
	}
	var out *Result
	err = e.View(ctx, call, func(tx *Tx) error {
		var err error
		if out, err = tx.asserted(ti, res.UserID, in, p); err == nil {
			out.Created = true
		}
		return err
	})
	return out, err
}

// refusedSignIn is the answer to a failed sign-in. The detail is recorded for
// wrong credentials.
func refusedSignIn(err error) error {
	switch {
	case errors.Is(err, ErrBadCredentials):
		return fail(badCredentialsStatus, "", msgBadCredentials, detailBadCredentials)
	case errors.Is(err, ErrNotActivated):
		return refuseWith(ErrNotActivated, badCredentialsStatus, msgBadCredentials)
	case errors.Is(err, ErrBlocked):
		return refuseWith(ErrBlocked, badCredentialsStatus, msgDeactivated)
	case errors.Is(err, ErrLocked):
		return refuseWith(ErrLocked, badCredentialsStatus, msgUserLocked)
	}
	return err
}

// assert is Asserter: it says that a user exists and may act. That it refuses
// users who are deactivated or locked is a guess.
func assert(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	attribute, _ := in["mappingAttribute"].(string)
	value, _ := in["mappingAttributeValue"].(string)
	id, err := tx.mapped(attribute, value)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, fail(http.StatusNotFound, "", msgNotAsserted, "No user has this value of %s.", attribute)
	}
	_, doc, err := tx.loadUser(id)
	if err != nil {
		return nil, err
	}
	state, err := tx.stateOf(id, doc)
	if err != nil {
		return nil, err
	}
	if state == StateBlocked {
		return nil, fail(stateForbids, "", msgDeactivated, "The user is deactivated.")
	}
	if _, is := lockReason(doc); is && state != StateActive {
		return nil, fail(stateForbids, "", msgUserLocked, "The user is locked.")
	}
	return tx.asserted(ti, id, in, p)
}

// asserted completes an answer with what is known of the user.
func (tx *Tx) asserted(ti *typeInfo, id string, in Document, p Params) (*Result, error) {
	_, doc, err := tx.loadUser(id)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"userName", "displayName", "locale", "preferredLanguage", "timezone"} {
		setIfAbsent(in, name, doc[name])
	}
	if in["includeMemberships"] == true {
		var groups []any
		for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: id}) {
			if err != nil {
				return nil, err
			}
			rec, err := tx.st.Get("Group", link.From)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			group, err := decode(rec.Data)
			if err != nil {
				return nil, errors.Join(store.ErrCorrupt, err)
			}
			groups = append(groups, map[string]any{
				"value": link.From, "display": group["displayName"], "$ref": tx.location("/Groups", link.From),
			})
		}
		setIfAbsent(in, "groups", orNilList(groups))
	}
	return tx.answerAct(ti, id, doc, in, p)
}

func orNilList(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// generateUserName is UserNameGenerator: a name that nobody has. That it is
// the address, and then the address with a number, is a guess.
func generateUserName(tx *Tx, ti *typeInfo, in Document, p Params) (*Result, error) {
	if err := ti.validate(in); err != nil {
		return nil, err
	}
	ti.dropReadOnly(in)
	email, _ := in["email"].(string)
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || domain == "" || strings.ContainsAny(email, " \t\r\n") {
		return nil, bad(msgCanonical, "Attribute email must be an email address.")
	}
	name := email
	for n := 1; ; n++ {
		id, err := tx.userNamed(name)
		if err != nil {
			return nil, err
		}
		if id == "" {
			break
		}
		suffix := strconv.Itoa(n)
		if n > maxUserNames {
			suffix = tx.e.opts.NewID()
		}
		name = local + suffix + "@" + domain
	}
	in["userName"] = name
	return tx.answerMany(ti, in, p)
}
