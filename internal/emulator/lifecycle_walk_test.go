package emulator

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
)

// What every act does in every state, written down from the facts and the
// guesses, not from the engine's table: the column is the act, the cell a state
// that the user is in afterwards, "=" for the same, a status for an act that is
// refused, an error for a link that cannot be used, and "-" for what cannot
// happen. A cell like "400 =" names both.
const lifecycleWalk = `
state     | invite  | activate | block   | lock    | unlock | reset  | set    | redeem invite | redeem reset | sign in | fail | too many | invite expires | lock expires | delete
none      | Pending | =        | Blocked | Admin   | =      | Active | Active | -             | -            | 400     | 400  | 400      | -              | -            | Gone
Pending   | =       | =        | Blocked | Admin   | =      | Active | Active | Active        | -            | 400     | 400  | 400      | Expired        | -            | Gone
Expired   | Pending | =        | Blocked | Admin   | =      | Active | Active | expired       | -            | 400     | 400  | 400      | -              | -            | Gone
Active    | 409     | =        | Blocked | Admin   | =      | =      | =      | used          | =            | =       | 400  | Password | -              | -            | Gone
Blocked   | 409     | Active   | =       | =       | =      | 400    | =      | blocked       | blocked      | 400     | 400  | 400      | -              | -            | Gone
Password  | 409     | =        | Blocked | =       | Active | Active | Active | used          | Active       | 400     | 400  | 400      | -              | Active       | Gone
Admin     | 409     | =        | Blocked | =       | Active | Active | Active | used          | state        | 400     | 400  | 400      | -              | -            | Gone
Reset     | 409     | =        | Blocked | =       | Active | Active | Active | used          | Active       | 400     | 400  | 400      | -              | Active       | Gone
Factor    | 409     | =        | Blocked | =       | Active | Active | Active | used          | Active       | 400     | 400  | 400      | -              | Active       | Gone
Federated | 409     | =        | Blocked | =       | Active | Active | Active | used          | Active       | 400     | 400  | 400      | -              | Active       | Gone
Database  | 409     | =        | Blocked | =       | Active | Active | Active | used          | Active       | 400     | 400  | 400      | -              | Active       | Gone
`

// walkStates are the names of the rows; those of locks are in the order of
// locked.reason.
var walkStates = map[string]engine.State{
	"none": engine.StateNotInvited, "Pending": engine.StatePending, "Expired": engine.StateExpired,
	"Active": engine.StateActive, "Blocked": engine.StateBlocked, "Gone": engine.StateNone,
	"Password": engine.StateLockedPassword, "Admin": engine.StateLockedAdmin, "Reset": engine.StateLockedReset,
	"Factor": engine.StateLockedFactor, "Federated": engine.StateLockedFederated, "Database": engine.StateLockedDatabase,
}

var walkLocks = []string{"Password", "Admin", "Reset", "Factor", "Federated", "Database"}

var walkActs = map[string]engine.Act{
	"invite": engine.ActInvite, "activate": engine.ActUnblock, "block": engine.ActBlock, "lock": engine.ActLock,
	"unlock": engine.ActUnlock, "reset": engine.ActReset, "set": engine.ActSetPassword,
	"redeem invite": engine.ActRedeemInvite, "redeem reset": engine.ActRedeemReset, "sign in": engine.ActSignIn,
	"fail": engine.ActSignInFailed, "too many": engine.ActTooMany, "invite expires": engine.ActInviteExpires,
	"lock expires": engine.ActLockExpires, "delete": engine.ActDelete,
}

var walkErrors = map[string]error{
	"expired": engine.ErrLinkExpired, "used": engine.ErrLinkUsed, "blocked": engine.ErrBlocked, "state": engine.ErrLinkState,
}

const (
	walkPassword = "Walk-Example-Passw0rd-1"
	userStateURN = "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User"
	passwordURN  = "urn:ietf:params:scim:schemas:oracle:idcs:extension:passwordState:User"
)

// walker is one user on the way through a cell of the table.
type walker struct {
	*fixture
	id, name, password string
	invite, reset      string // tokens
}

// wait moves the service's clock; the administrator gets a new token, because
// the old one may be too old then.
func (w *walker) wait(duration string) {
	w.t.Helper()
	w.want(w.controlDo(http.MethodPut, "/clock", `{"advance":"`+duration+`"}`), 200)
	var err error
	w.token, _, err = w.OAuth().IssueClientToken(w.t.Context(), w.http.URL, w.Credentials().ClientID, oauth.ScopeMyScopes)
	if err != nil {
		w.t.Fatal(err)
	}
}

// mailed is the token of the last mail to the user with a link.
func (w *walker) mailed() string {
	w.t.Helper()
	mails, _, err := w.engine.OpenOutbox(w.t.Context(), "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	token := ""
	for _, m := range mails {
		if t, ok := strings.CutPrefix(m.Link, engine.LinkPath); ok && m.UserID == w.id {
			token = t
		}
	}
	return token
}

func (w *walker) redeem(token, password string) error {
	w.t.Helper()
	err := w.engine.Redeem(w.t.Context(), token, password)
	if err == nil {
		w.password = password
	}
	return err
}

func (w *walker) act(endpoint string, body string) answer {
	w.t.Helper()
	return w.do(http.MethodPut, "/admin/v1/"+endpoint+"/"+w.id, body)
}

func (w *walker) lock(on bool) answer {
	w.t.Helper()
	return w.do(http.MethodPost, "/admin/v1/UserLockedStateChanger", `{"userId":"`+w.id+`","locked":`+strconv.FormatBool(on)+`}`)
}

func (w *walker) patch(path, value string) answer {
	w.t.Helper()
	return w.do(http.MethodPatch, "/admin/v1/Users/"+w.id, `{"schemas":["`+urnPatch+`"],"Operations":[{"op":"replace","path":"`+path+`","value":`+value+`}]}`)
}

func (w *walker) signIn(password string) answer {
	w.t.Helper()
	return w.tokenCall(oauth.TokenPath, "grant_type", "password", "username", w.name, "password", password, "scope", oauth.ScopeMyScopes)
}

// prepare makes a user in a state, with what the act needs.
func (w *walker) prepare(name, state, act string) {
	w.t.Helper()
	w.name = name
	bypass := ""
	if state == "none" {
		bypass = `,"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User":{"bypassNotification":true}`
	}
	a := w.want(w.do(http.MethodPost, "/admin/v1/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`",
		"name":{"familyName":"Lovelace"},"emails":[{"value":"`+name+`@example.com","type":"work","primary":true}]`+bypass+`}`), 201)
	w.id, _ = a.doc["id"].(string)
	if state == "none" {
		return
	}
	w.invite = w.mailed()
	switch {
	case state == "Pending":
		return
	case state == "Expired":
		w.wait("169h")
		return
	case state == "Blocked" && act == "redeem invite":
		w.want(w.act("UserStatusChanger", `{"active":false}`), 200)
		return
	}
	if err := w.redeem(w.invite, walkPassword); err != nil {
		w.t.Fatal(err)
	}
	if act == "redeem reset" {
		w.want(w.act("UserPasswordResetter", `{}`), 200)
		w.reset = w.mailed()
	}
	if state == "Blocked" {
		w.want(w.act("UserStatusChanger", `{"active":false}`), 200)
	}
	for reason, lock := range walkLocks {
		if lock != state {
			continue
		}
		switch lock {
		case "Password":
			for range 5 {
				w.want(w.signIn("wrong"), 400)
			}
			w.reset = w.mailed() // which voids the former one
		case "Admin":
			w.want(w.lock(true), 201)
		default:
			w.want(w.patch(userStateURN+":locked", `{"on":true,"reason":`+strconv.Itoa(reason)+`}`), 200)
			w.reset = w.mailed()
		}
	}
}

// perform does an act and answers a status, or the error of a link.
func (w *walker) perform(act string) (int, error) {
	w.t.Helper()
	status := func(a answer) (int, error) { return a.status, nil }
	switch act {
	case "invite":
		return status(w.act("UserActivationInitiator", `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:UserActivationInitiator"]}`))
	case "activate":
		return status(w.act("UserStatusChanger", `{"active":true}`))
	case "block":
		return status(w.act("UserStatusChanger", `{"active":false}`))
	case "lock":
		return status(w.lock(true))
	case "unlock":
		return status(w.lock(false))
	case "reset":
		return status(w.act("UserPasswordResetter", `{}`))
	case "set":
		return status(w.act("UserPasswordChanger", `{"password":"`+walkPassword+`-set"}`))
	case "redeem invite":
		return 0, w.redeem(w.invite, walkPassword+"-invite")
	case "redeem reset":
		return 0, w.redeem(w.reset, walkPassword+"-reset")
	case "sign in":
		return status(w.signIn(walkPassword))
	case "fail":
		return status(w.signIn("wrong"))
	case "too many":
		for range 4 {
			w.signIn("wrong")
		}
		return status(w.signIn("wrong"))
	case "invite expires":
		w.wait("169h")
	case "lock expires":
		w.wait("31m")
	case "delete":
		return status(w.do(http.MethodDelete, "/admin/v1/Users/"+w.id, nil))
	}
	return 0, nil
}

// state is where the user stands, as a client makes it out.
func (w *walker) state() string {
	w.t.Helper()
	a := w.do(http.MethodGet, "/admin/v1/Users/"+w.id+"?attributes=active,"+userStateURN+":locked,"+userStateURN+":locked.expired,"+passwordURN+":lastSuccessfulSetDate", nil)
	if a.status == http.StatusNotFound {
		return "Gone"
	}
	w.want(a, 200)
	locked, _ := at(a.doc, userStateURN, "locked").(map[string]any)
	switch {
	case a.doc["active"] == false:
		return "Blocked"
	case locked["on"] == true && locked["expired"] != true:
		reason, _ := locked["reason"].(float64)
		return walkLocks[int(reason)]
	case at(a.doc, passwordURN, "lastSuccessfulSetDate") != nil:
		return "Active"
	}
	links := w.want(w.do(http.MethodGet, "/admin/v1/UserTokens?filter="+url.QueryEscape(`userId eq "`+w.id+`"`), nil), 200)
	list, _ := links.doc["Resources"].([]any)
	if len(list) == 0 {
		return "none"
	}
	last, _ := list[len(list)-1].(map[string]any)
	if expiry, _ := last["expiryTime"].(string); expiry <= w.Service.clock.Now().UTC().Format("2006-01-02T15:04:05.000Z") {
		return "Expired"
	}
	return "Pending"
}

func TestLifecycleWalk(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(lifecycleWalk), "\n")
	cells := func(row string) []string {
		list := strings.Split(row, "|")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
		return list
	}
	acts := cells(rows[0])[1:]
	if len(rows)-1 != len(engine.States()) || len(acts) != len(engine.Acts())-3 {
		t.Fatalf("the walk has %d states and %d acts, the engine %d and %d with three creations", len(rows)-1, len(acts), len(engine.States()), len(engine.Acts()))
	}
	f := start(t, nil)
	n := 0
	for _, row := range rows[1:] {
		cells := cells(row)
		for i, want := range cells[1:] {
			state, act := cells[0], acts[i]
			outcome := engine.Lifecycle(walkStates[state], walkActs[act])
			if outcome.Void != (want == "-") {
				t.Errorf("%s, %s: the engine's table has %+v, the walk %q", state, act, outcome, want)
			}
			if want == "-" {
				continue
			}
			n++
			t.Run(state+"/"+act, func(t *testing.T) {
				f.t = t
				w := &walker{fixture: f}
				w.prepare("stroller"+strconv.Itoa(n), state, act)
				if got := w.state(); got != state {
					t.Fatalf("prepared as %s", got)
				}
				w.check(state, act, want, outcome)
			})
		}
	}
	t.Logf("%d cells walked", n)
}

// check performs the act and compares with the cell, and the cell with the
// table of the engine.
func (w *walker) check(state, act, want string, outcome engine.Outcome) {
	w.t.Helper()
	after := want
	status, err := w.perform(act)
	refused := false
	switch {
	case walkErrors[want] != nil:
		refused, after = true, state
		if !errors.Is(err, walkErrors[want]) {
			w.t.Errorf("got %v, want %v", err, walkErrors[want])
		}
		if state == "Blocked" && act == "redeem invite" {
			after = "Blocked"
		}
	case want == "400" || want == "409":
		refused, after = true, state
		if strconv.Itoa(status) != want {
			w.t.Errorf("status %d, want %s", status, want)
		}
		if r := outcome.Refused; r != nil && strconv.Itoa(r.Status) != want {
			w.t.Errorf("the engine's table has status %d", r.Status)
		}
	default:
		ok := status == 0 || status == 200 || status == 201 || status == 204 || act == "too many" && status == 400
		if err != nil || !ok {
			w.t.Errorf("status %d, error %v", status, err)
		}
	}
	if after == "=" {
		after = state
	}
	if got := w.state(); got != after {
		w.t.Errorf("afterwards the user is %s, want %s", got, after)
	}
	// A failed sign-in of an active user is refused and changes no state.
	if refused != (outcome.Refused != nil) && act != "fail" {
		w.t.Errorf("the engine's table has %+v", outcome)
	}
	if outcome.Refused == nil && outcome.To != walkStates[after] {
		w.t.Errorf("the engine's table leads to %s", outcome.To)
	}
}
