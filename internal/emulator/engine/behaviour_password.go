package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/idctl/idctl/internal/emulator/store"
)

// ErrPassword says that a password breaks the policy of its user.
var ErrPassword = errors.New("password against the policy")

// BrokenRule is one rule of a policy that a password does not keep.
type BrokenRule struct {
	// Code is the criterion of the policy, "minLength" for example.
	Code string
	// Sentence says what the rule asks for.
	Sentence string
}

// PasswordError lists every rule that a password breaks. It is an ErrPassword,
// and, for an answer, an *Error of status 400. The password is not in it.
type PasswordError struct {
	// Policy is the name of the policy.
	Policy string
	// Broken are the rules in the order of the policy's criteria.
	Broken []BrokenRule
}

// Error says all broken rules in one text.
func (e *PasswordError) Error() string {
	sentences := make([]string, len(e.Broken))
	for i, b := range e.Broken {
		sentences[i] = b.Sentence
	}
	return "The password does not meet the password policy " + e.Policy + ". " + strings.Join(sentences, " ")
}

// Unwrap answers what the error is to a program and to a client.
func (e *PasswordError) Unwrap() []error {
	refusal := bad(msgPasswordPolicy, "%s", e.Error())
	refusal.Data = e.brokenRules()
	return []error{ErrPassword, refusal}
}

// brokenRules is what the answer says for programs. The names are guesses.
func (e *PasswordError) brokenRules() map[string]any {
	codes := make([]any, len(e.Broken))
	for i, b := range e.Broken {
		codes[i] = b.Code
	}
	return map[string]any{"passwordPolicy": e.Policy, "brokenRules": codes}
}

// msgPasswordPolicy is the message of a password that breaks its policy
// (idcs-behaviour 2.6).
const msgPasswordPolicy = "error.identity.passwordmgmt.pwdpolicyViolation"

// checkPassword compares a new password with the policy of a user: the
// document as it will be, and the id by which groups and the history know it.
// The error is a *PasswordError where a rule is broken.
func (tx *Tx) checkPassword(user Document, id, password string) error {
	return tx.checkPasswordChange(user, id, "", password)
}

// checkPasswordChange is checkPassword for a user who gave the old password,
// which allows for the rule on how much both have to differ.
func (tx *Tx) checkPasswordChange(user Document, id, old, password string) error {
	p, err := tx.policyOf(id)
	if err != nil {
		return err
	}
	ti, err := tx.fullInfo("User")
	if err != nil {
		return err
	}
	broken := p.broken(p.subjectOf(ti, user), password)
	if old != "" && p.DistinctFromOld > 0 {
		if distinct(old, password) < p.DistinctFromOld {
			broken = append(broken, BrokenRule{"distinctCharacters", fmt.Sprintf(
				"The password must have at least %s that the old one does not have.", plural(p.DistinctFromOld, "character"))})
		}
	}
	used, err := tx.used(p, id, password)
	if err != nil {
		return err
	}
	if used {
		broken = append(broken, BrokenRule{"numPasswordsInHistory", fmt.Sprintf(
			"The password must not be one of the last %s.", plural(p.InHistory, "password"))})
	}
	if tx.tooYoung(p, user, id) {
		broken = append(broken, BrokenRule{"minPasswordAge", fmt.Sprintf(
			"The password cannot be changed again before it is %s old.", plural(p.MinAge, "day"))})
	}
	if len(broken) == 0 {
		return nil
	}
	return &PasswordError{Policy: p.Name, Broken: broken}
}

// distinct counts the characters of one text that the other does not have.
func distinct(old, text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		if !strings.ContainsRune(old, r) {
			seen[r] = true
		}
	}
	return len(seen)
}

// tooYoung says that the present password may not be replaced yet. That the
// age counts in days, and only for users who change their own password, is a
// guess: an administrator's reset must always be possible.
func (tx *Tx) tooYoung(p *policy, user Document, id string) bool {
	if p.MinAge == 0 || tx.call.Actor.ID != id || user["password"] == nil {
		return false
	}
	set, ok := passwordSetAt(user)
	return ok && tx.now.Before(set.AddDate(0, 0, p.MinAge))
}

// makePassword makes a random password that meets the policy of a user.
func (tx *Tx) makePassword(user Document, id string) (string, error) {
	p, err := tx.policyOf(id)
	if err != nil {
		return "", err
	}
	ti, err := tx.fullInfo("User")
	if err != nil {
		return "", err
	}
	password, err := p.makePassword(p.subjectOf(ti, user))
	if utf8.RuneCountInString(password) >= madeUnique {
		tx.made = password
	}
	if errors.Is(err, errNoPassword) {
		return "", bad(msgPasswordPolicy, "No password was found that meets the password policy %s for this user.", p.Name)
	}
	return password, err
}

// lockRules answers after how many failures in a row a user is locked (0:
// never), and for how long (0: until somebody unlocks).
func (tx *Tx) lockRules(_ Document, id string) (attempts int, duration time.Duration, err error) {
	p, err := tx.policyOf(id)
	if err != nil {
		return 0, 0, err
	}
	return p.MaxIncorrect, time.Duration(p.LockoutDuration) * time.Minute, nil
}

// passwordExpired says that a user has to set a new password because the old
// one is too old. Where the policy cannot be read it says so, too: a sign-in
// that goes on after an error must not be easier for it.
func (tx *Tx) passwordExpired(user Document) bool {
	expired, err := tx.expiredByPolicy(user)
	return expired || err != nil
}

// historyType is the store's type for former passwords. It is no resource
// type: the name cannot be one.
const historyType = "~passwords"

// history are the hashes of a user's former passwords, the latest first.
type history struct {
	Hashes []string `json:"hashes"`
}

func (tx *Tx) history(id string) (history, error) {
	var h history
	rec, err := tx.st.Get(historyType, id)
	if errors.Is(err, store.ErrNotFound) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(rec.Data, &h); err != nil {
		return h, fmt.Errorf("former passwords of user %s: %w: %w", id, store.ErrCorrupt, err)
	}
	return h, nil
}

// used says that a password is the present one or one of the former ones that
// the policy remembers.
func (tx *Tx) used(p *policy, id, password string) (bool, error) {
	if p.InHistory == 0 || password == tx.made {
		return false, nil
	}
	hashes, err := tx.formerHashes(id)
	if err != nil {
		return false, err
	}
	for i, hashed := range hashes {
		if i == p.InHistory {
			break
		}
		if tx.sameAs(hashed, password) {
			return true, nil
		}
	}
	return false, nil
}

// madeUnique is from which length on a random password is taken to be a new one
// without comparing it, since each comparison costs as much as the hash does.
const madeUnique = 12

// compared is what is known of a password: the hashes that it was compared
// with, since a comparison is slow on purpose.
type compared struct {
	password string
	same     map[string]bool
}

// sameAs compares a password with a hash. One that cannot be read was made
// elsewhere and tells nothing.
func (tx *Tx) sameAs(hashed, password string) bool {
	if tx.compared.password != password || tx.compared.same == nil {
		tx.compared = compared{password: password, same: map[string]bool{}}
	}
	same, known := tx.compared.same[hashed]
	if !known {
		ok, err := CheckPassword(hashed, password)
		same = ok && err == nil
		tx.compared.same[hashed] = same
	}
	return same
}

// formerHashes are the hashes of the present password and of former ones.
func (tx *Tx) formerHashes(id string) ([]string, error) {
	rec, err := tx.st.Get("User", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var present struct {
		Password string `json:"password"`
	}
	if err := json.Unmarshal(rec.Data, &present); err != nil {
		return nil, fmt.Errorf("user %s: %w: %w", id, store.ErrCorrupt, err)
	}
	h, err := tx.history(id)
	if err != nil || present.Password == "" {
		return h.Hashes, err
	}
	return append([]string{present.Password}, h.Hashes...), nil
}

// remember puts the password that a user had into the history, as long as the
// longest that a policy can ask for. It is kept whatever the policy says now:
// a stricter one holds for the past, too.
func (tx *Tx) remember(id, hashed string) error {
	h, err := tx.history(id)
	if err != nil {
		return err
	}
	fresh := h.Hashes == nil
	h.Hashes = append([]string{hashed}, h.Hashes...)
	h.Hashes = h.Hashes[:min(len(h.Hashes), maxHistory)]
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	rec := store.Record{Type: historyType, ID: id, Created: tx.now, Modified: tx.now, Data: data}
	if fresh {
		return tx.st.Insert(rec)
	}
	return tx.st.Put(rec)
}

// forgetPasswords removes the history of a deleted user.
func (tx *Tx) forgetPasswords(id string) error {
	err := tx.st.Delete(historyType, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// keepPassword makes a PUT or PATCH with the password that the user has change
// nothing of it, so that a client may repeat a request, or import the same file
// again. That the service does so is a guess; a password that is set by an act
// of its own, or by its owner, is compared with the history.
func (c *Change) keepPassword() {
	password, ok := c.New["password"].(string)
	was, had := c.Old["password"].(string)
	if !ok || !had || c.act || password == was || c.Tx.call.Actor.ID == c.ID {
		return
	}
	if _, made := prefixOf(password); made {
		return
	}
	if c.Tx.sameAs(was, password) {
		c.New["password"] = was
	}
}

// newPassword checks the password of a document that is about to be stored,
// where it is a new one, and notes what follows from it. A hash that was made
// elsewhere cannot be checked.
func newPassword(c *Change) error {
	password, ok := c.New["password"].(string)
	if !ok || any(password) == c.Old["password"] {
		return nil
	}
	if _, made := prefixOf(password); !made {
		if err := c.Tx.checkPassword(c.New, c.ID, password); err != nil {
			return err
		}
	}
	if was, ok := c.Old["password"].(string); ok {
		if err := c.Tx.remember(c.ID, was); err != nil {
			return err
		}
	}
	state := extension(c.New, passwordStateURN)
	state["lastSuccessfulSetDate"] = formatTime(c.Tx.now)
	state["expired"] = false
	return nil
}
