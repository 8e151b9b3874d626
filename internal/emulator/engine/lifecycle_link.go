package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
)

// The kinds of link (idcs-behaviour 3.5), which are the types of
// IdentitySettings.tokens.
const (
	LinkCreateUser        = "createUser"
	LinkPasswordReset     = "passwordReset"
	LinkEmailVerification = "emailVerification"
)

// LinkPath is the path of the page that a link leads to; the token follows.
// That the pages of all kinds share one is a guess.
const LinkPath = "/ui/v1/link?token="

// Errors of links, to be tested with errors.Is. None of them holds the token.
var (
	// ErrLinkUnknown: no link has this token.
	ErrLinkUnknown = errors.New("the link is not known")
	// ErrLinkUsed: the link was redeemed.
	ErrLinkUsed = errors.New("the link was used already")
	// ErrLinkReplaced: a newer link, or a password that was set in another
	// way, made this one void.
	ErrLinkReplaced = errors.New("the link was replaced by a newer one")
	// ErrLinkExpired: the time of the link is over.
	ErrLinkExpired = errors.New("the link has expired")
)

// tokenType is the resource type under which links are kept and can be read.
const tokenType = "UserToken"

// digestPath is the claim by which a link is found; sealedMember holds the
// token encrypted. Neither can be the name of an attribute.
const (
	digestPath   = "~digest"
	sealedMember = "~sealed"
)

// What has become of a link. A recorded token that can be used has status 0;
// the other numbers are guesses.
const (
	linkLive     = 0
	linkUsed     = 1
	linkReplaced = 2
)

// deadLinksKept is how many dead links of one user are remembered, to tell a
// visitor why a link is dead.
const deadLinksKept = 20

// tokenBytes is the length of a token before it is written as text.
const tokenBytes = 32

// link is a stored link.
type link struct {
	ID      string
	UserID  string
	Kind    string
	Expires time.Time
	Data    string
	Status  int

	rec store.Record
	doc Document
}

func (l *link) expired(now time.Time) bool { return !now.Before(l.Expires) }

func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func readLink(rec store.Record) (*link, error) {
	doc, err := decode(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", tokenType, rec.ID, store.ErrCorrupt, err)
	}
	l := &link{ID: rec.ID, rec: rec, doc: doc}
	l.UserID, _ = doc["userId"].(string)
	l.Kind, _ = doc["tokenType"].(string)
	l.Data, _ = doc["data"].(string)
	text, _ := doc["expiryTime"].(string)
	if l.Expires, err = time.Parse(timeLayout, text); err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", tokenType, rec.ID, store.ErrCorrupt, err)
	}
	n, _ := doc["status"].(json.Number)
	l.Status, _ = strconv.Atoi(n.String())
	return l, nil
}

// links are those of a user, oldest first.
func (tx *Tx) links(userID string) ([]*link, error) {
	q := store.Query{Type: tokenType, Conds: []store.Cond{{Path: "userId", Rel: store.Eq, Value: userID}}}
	var list []*link
	for row, err := range tx.st.Query(q) {
		if err != nil {
			return nil, err
		}
		l, err := readLink(row.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// lastLink is the newest link of a kind; nil where there is none.
func (tx *Tx) lastLink(userID, kind string) (*link, error) {
	list, err := tx.links(userID)
	for _, l := range slices.Backward(list) {
		if l.Kind == kind {
			return l, err
		}
	}
	return nil, err
}

// voidLinks makes those links of a user void that can still be redeemed and
// are of one of the kinds, and forgets the oldest of the dead ones.
func (tx *Tx) voidLinks(userID string, kinds ...string) error {
	list, err := tx.links(userID)
	if err != nil {
		return err
	}
	dead := 0
	for _, l := range slices.Backward(list) {
		if l.Status == linkLive && slices.Contains(kinds, l.Kind) {
			if err := tx.markLink(l, linkReplaced); err != nil {
				return err
			}
		}
		if l.Status == linkLive {
			continue
		}
		if dead++; dead > deadLinksKept {
			if err := tx.st.Delete(tokenType, l.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// markLink says that a link cannot be redeemed any more. Its token is
// forgotten but for the digest.
func (tx *Tx) markLink(l *link, status int) error {
	l.Status = status
	l.doc["status"] = json.Number(strconv.Itoa(status))
	delete(l.doc, sealedMember)
	return tx.storeLink(l, tx.st.Put)
}

func (tx *Tx) storeLink(l *link, put func(store.Record) error) error {
	ti, err := tx.fullInfo(tokenType)
	if err != nil {
		return err
	}
	created := tx.now
	if !l.rec.Created.IsZero() {
		created = l.rec.Created
	}
	version := tx.e.opts.NewID()
	setMeta(l.doc, ti, created, tx.now, version)
	rec, err := ti.record(l.ID, l.doc, version, created, tx.now)
	if err != nil {
		return err
	}
	digest, _ := l.doc[digestPath].(string)
	rec.Unique = append(rec.Unique, store.Claim{Path: digestPath, Value: digest})
	return put(rec)
}

// newLink makes a link, which voids the former ones of its kind. fresh says
// that the user cannot have any.
func (tx *Tx) newLink(userID, kind, data string, fresh bool) (l *link, token string, err error) {
	if !fresh {
		if err := tx.voidLinks(userID, kind); err != nil {
			return nil, "", err
		}
	}
	valid, err := tx.linkValidity(kind)
	if err != nil {
		return nil, "", err
	}
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	token = base64.RawURLEncoding.EncodeToString(raw)
	l = &link{ID: tx.e.opts.NewID(), UserID: userID, Kind: kind, Data: data, Expires: tx.now.Add(valid)}
	sealed, err := tx.seal(l.ID, []byte(token))
	if err != nil {
		return nil, "", err
	}
	ti, err := tx.fullInfo(tokenType)
	if err != nil {
		return nil, "", err
	}
	l.doc = Document{
		"schemas": []any{ti.rt.Core.ID}, "id": l.ID, "userId": userID, "tokenType": kind,
		"expiryTime": formatTime(l.Expires), "status": json.Number("0"),
		digestPath: tokenDigest(token), sealedMember: base64.StdEncoding.EncodeToString(sealed),
	}
	if data != "" {
		l.doc["data"] = data
	}
	return l, token, tx.storeLink(l, tx.st.Insert)
}

// linkValidity is what IdentitySettings.tokens says.
func (tx *Tx) linkValidity(kind string) (time.Duration, error) {
	minutes := int64(defaultTokenLife)
	tokens, err := tx.setting("IdentitySetting", "tokens")
	for _, x := range elements(tokens) {
		m := asMap(x)
		n, ok := m["expiresAfter"].(json.Number)
		if m["type"] == any(kind) && ok {
			if v, err := n.Int64(); err == nil && v > 0 {
				minutes = v
			}
		}
	}
	return time.Duration(minutes) * time.Minute, err
}

// findLink finds the link of a token. Its error says why it cannot be used;
// the link is answered beside it as far as it is known.
func (tx *Tx) findLink(token string) (*link, error) {
	id, err := tx.st.Claimed(tokenType, digestPath, tokenDigest(token))
	if errors.Is(err, store.ErrNotFound) {
		return nil, deadLink(ErrLinkUnknown)
	}
	if err != nil {
		return nil, err
	}
	rec, err := tx.st.Get(tokenType, id)
	if err != nil {
		return nil, err
	}
	l, err := readLink(rec)
	switch {
	case err != nil:
		return nil, err
	case l.Status == linkUsed:
		return l, deadLink(ErrLinkUsed)
	case l.Status != linkLive:
		return l, deadLink(ErrLinkReplaced)
	case l.expired(tx.now):
		return l, deadLink(ErrLinkExpired)
	}
	return l, nil
}

// deadLink is the error of a link as an API answers it.
func deadLink(err error) error { return refuseWith(err, stateForbids, msgInvalidToken) }

// refusedError is a refusal that a program tells by its error and a client by
// its answer.
type refusedError struct {
	err    error
	answer *Error
}

func (e *refusedError) Error() string   { return e.err.Error() }
func (e *refusedError) Unwrap() []error { return []error{e.err, e.answer} }

func refuseWith(err error, status int, id string) error {
	text := err.Error()
	answer := fail(status, "", id, "%s", string(text[0]-'a'+'A')+text[1:]+".")
	return &refusedError{err: err, answer: answer}
}

// Link answers what a link is for, without using it. The error says why it
// cannot be redeemed; the LinkInfo is filled in beside it as far as the link is
// known, so that the page of a dead link can be in the user's language.
func (e *Engine) Link(ctx context.Context, token string) (LinkInfo, error) {
	var info LinkInfo
	err := e.View(ctx, callOf(ctx), func(tx *Tx) error {
		l, err := tx.findLink(token)
		if l == nil {
			return err
		}
		info = LinkInfo{Kind: l.Kind, UserID: l.UserID, Expires: l.Expires}
		if l.Kind == LinkEmailVerification {
			info.Email = l.Data
		}
		rec, doc, err2 := tx.loadUser(l.UserID)
		if err2 != nil {
			return errors.Join(err, err2)
		}
		info.UserName, _ = doc["userName"].(string)
		info.Language = languageOf(doc)
		if err != nil {
			return err
		}
		return tx.permitRedeem(l, rec.ID, doc)
	})
	return info, err
}

// LinkInfo is what a page may know of a link.
type LinkInfo struct {
	Kind     string // LinkCreateUser, ...
	UserID   string
	UserName string
	// Language is that of the user, as in Mail.
	Language string
	Expires  time.Time
	// Email is the address that an emailVerification verifies.
	Email string
}

// deriveToken shows the token of a link that can still be redeemed, as the
// recorded resource does.
func deriveToken(tx *Tx, id string, doc Document, w *wanted) error {
	text, _ := doc[sealedMember].(string)
	delete(doc, sealedMember)
	delete(doc, digestPath)
	if text == "" || !w.has(w.ti.core.get("token")) {
		return nil
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%s %s: %w: %w", tokenType, id, store.ErrCorrupt, err)
	}
	token, err := tx.open(id, sealed)
	if err != nil {
		return fmt.Errorf("%s %s: %w", tokenType, id, err)
	}
	doc["token"] = string(token)
	return nil
}
