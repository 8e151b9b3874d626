package emulator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// A write that carries opc-retry-token is done once within 24 hours, however
// often it is sent, by whichever process. What is kept is which resource the
// token's write touched, and it is written in the same transaction as the
// write itself: a process killed at any instant leaves both or neither. The
// answer is rendered again from the resource, so nothing of it, and no secret
// that only a create shows, is kept. Refusals are not kept; a repeated request
// meets them anew.
const (
	retryType     = "emulator.retryToken"
	retryLifetime = 24 * time.Hour
	maxRetryToken = 255
	retryPrune    = 32
	expiresPath   = "expires"
)

// retry is the token of one write on its way.
type retry struct {
	id     string // digest of caller and token
	digest string // of the request
	found  *retryRecord
	stale  bool   // a record of this very token is left from more than a day ago
	made   string // id of the resource that was created
}

// retryRecord is what the store keeps under the digest of a token.
type retryRecord struct {
	Request string `json:"request"`
	Type    string `json:"type"`
	ID      string `json:"id"`
}

// newRetry reads the header; without it there is nothing to do.
func newRetry(r *http.Request, who *caller, body []byte) (*retry, error) {
	token := r.Header.Get("opc-retry-token")
	if token == "" {
		return nil, nil
	}
	if len(token) > maxRetryToken {
		return nil, badParameter("Header opc-retry-token must have at most %d characters.", maxRetryToken)
	}
	return &retry{
		id:     sum(who.key, token),
		digest: sum(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("If-Match"), string(body)),
	}, nil
}

// part is the token of one operation of a Bulk.
func (t *retry) part(i int) *retry {
	if t == nil {
		return nil
	}
	n := strconv.Itoa(i)
	return &retry{id: sum(t.id, n), digest: sum(t.digest, n)}
}

// sum digests parts so that no two lists of parts look alike.
func sum(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

type retryKey struct{}

// repeated stops a transaction whose write was done before. It has the form of
// a refusal, so that the engine does not log it as trouble of its own; no
// caller sees it.
func repeated() error {
	return refusal(http.StatusConflict, "", msgRetryToken, "The request was done before.")
}

// doOnce does a write unless its token did it already.
func (s *Service) doOnce(ctx context.Context, who *caller, op *operation) (*engine.Result, error) {
	t := op.retry
	if s.engine.Apart(op.rt.Name) {
		// What comes before its transaction would be refused the second time,
		// such as the old password.
		err := s.store.View(ctx, func(tx store.Tx) error { return t.look(tx, s.clock.Now()) })
		if err != nil {
			return nil, err
		}
	}
	if t.found == nil {
		// The token is looked up in the transaction of the write only: that it
		// was used before is the rare case.
		res, err := s.do(context.WithValue(ctx, retryKey{}, &pendingRetry{retry: t, typ: op.rt.Name, id: op.id}), who, op)
		if t.found == nil {
			return res, err
		}
	}
	if t.found.Request != t.digest {
		// That a token may not be used for two requests is known of the
		// vendor's other services; the status here is a guess.
		return nil, refusal(http.StatusConflict, "", msgRetryToken, "The opc-retry-token was used for another request.")
	}
	return s.repeat(ctx, who, op)
}

// repeat renders the answer of a write that was done before.
func (s *Service) repeat(ctx context.Context, who *caller, op *operation) (*engine.Result, error) {
	if op.verb == schema.VerbDelete {
		return &engine.Result{}, nil
	}
	id := op.retry.found.ID
	if op.rt.Name == meType {
		return s.get(ctx, who, op)
	}
	p := engine.Params{Attributes: op.params.Attributes, AttributeSets: op.params.AttributeSets}
	if op.rt.Verbs&schema.VerbGet != 0 && id != "" {
		res, err := s.resources.Get(ctx, who.call, op.rt.Name, id, p)
		var refused *engine.Error
		if err == nil || !errors.As(err, &refused) {
			return res, err
		}
	}
	// It cannot be read, or is gone again: say what is known.
	doc := engine.Document{"schemas": []any{op.rt.Core.ID}}
	res := &engine.Result{Doc: doc}
	if id != "" {
		doc["id"] = id
		res.Location = who.call.BaseURL + adminBase + op.rt.Endpoint + "/" + id
	}
	return res, nil
}

// look finds the token's record, if there is one that is still in force.
func (t *retry) look(tx store.Tx, now time.Time) error {
	rec, err := tx.Get(retryType, t.id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if t.stale = now.Sub(rec.Created) >= retryLifetime; t.stale {
		return nil
	}
	var found retryRecord
	if err := json.Unmarshal(rec.Data, &found); err != nil {
		return fmt.Errorf("stored retry token: %w", err)
	}
	t.found = &found
	return nil
}

// pendingRetry travels in the context from the HTTP side to retryStore.
type pendingRetry struct {
	*retry
	typ  string
	id   string
	done bool
}

// retryStore is the store as the engine sees it. It starts a new epoch of rights
// where they change. An Update for a request with
// a retry token first looks whether it was done, and notes the token in the
// same transaction when not.
type retryStore struct {
	store.Store
	now func() time.Time
}

// Update implements store.Store.
func (s retryStore) Update(ctx context.Context, f func(store.Tx) error) error {
	p, ok := ctx.Value(retryKey{}).(*pendingRetry)
	if !ok || p.done {
		return s.Store.Update(ctx, func(tx store.Tx) error { return withEpoch(tx, f) })
	}
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		now := s.now()
		if err := p.look(tx, now); err != nil {
			return err
		}
		if p.found != nil {
			return repeated()
		}
		if err := withEpoch(tx, func(tx store.Tx) error { return f(watchedTx{Tx: tx, pending: p}) }); err != nil {
			return err
		}
		return p.note(tx, now)
	})
	p.done = err == nil
	return err
}

// watchedTx learns the id that a create gives its resource.
type watchedTx struct {
	store.Tx
	pending *pendingRetry
}

// Insert implements store.Tx.
func (t watchedTx) Insert(rec store.Record) error {
	err := t.Tx.Insert(rec)
	if err == nil && rec.Type == t.pending.typ && t.pending.made == "" {
		t.pending.made = rec.ID
	}
	return err
}

// note keeps the token, and now and then lets old ones go.
func (p *pendingRetry) note(tx store.Tx, now time.Time) error {
	id := p.id
	if id == "" {
		id = p.made
	}
	data, err := json.Marshal(retryRecord{Request: p.digest, Type: p.typ, ID: id})
	if err != nil {
		return err
	}
	old := []string{}
	if p.stale {
		old = append(old, p.retry.id)
	}
	// Looking for old records costs as much as all the rest, so that one token
	// in sixteen does it, and then for more than its share. The id is a digest.
	if strings.HasSuffix(p.retry.id, "0") {
		for row, err := range tx.Query(store.Query{
			Type: retryType, Limit: retryPrune,
			Conds: []store.Cond{{Path: expiresPath, Rel: store.Lt, Value: sortableTime(now)}},
		}) {
			if err != nil {
				return err
			}
			old = append(old, row.ID)
		}
	}
	for _, o := range old {
		if err := tx.Delete(retryType, o); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return tx.Insert(store.Record{
		Type: retryType, ID: p.retry.id, Created: now, Modified: now, Data: data,
		Index: []store.Entry{{Path: expiresPath, Value: sortableTime(now.Add(retryLifetime))}},
	})
}

// sortableTime writes a time so that byte order is the order of time.
func sortableTime(t time.Time) string {
	n := strconv.FormatInt(max(t.Unix(), 0), 10)
	return strings.Repeat("0", max(20-len(n), 0)) + n
}
