package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// attempts is how often a row is looked at anew when the resource moved under
// it, before it counts as a conflict.
const attempts = 4

// send brings one row to the service and settles it. Its error stops the run;
// what only concerns the row is an outcome.
func (r *run) send(ctx context.Context, t *task) error {
	for range attempts {
		again, err := r.try(ctx, t)
		if err != nil || !again {
			return err
		}
	}
	return r.fail(t, journal.Outcome{
		Status: http.StatusConflict, Code: "conflict", Transient: true, Reason: "somebody else keeps changing it",
	})
}

// try sends one row's operation once. It answers true when what is there is
// not what the task assumed, and the task now knows better.
func (r *run) try(ctx context.Context, t *task) (again bool, err error) {
	later, missing := r.pending(t.item)
	if len(missing) > 0 {
		return false, r.fail(t, journal.Outcome{Code: "unknown-reference", Reason: "a resource it refers to was deleted meanwhile"})
	}
	intent, ops, err := r.intent(t)
	if err != nil {
		return false, err
	}
	if t.before != nil && len(ops) == 0 {
		return false, r.settle(t, journal.Outcome{Result: r.settled(t), ID: t.id()}, later)
	}
	if err := r.opts.Journal.Intend(intent); err != nil {
		return false, fmt.Errorf("row %d: %w", t.item.Row, err)
	}
	r.called(1)
	var doc scim.Document
	if t.before == nil {
		doc, err = r.resources.Create(ctx, t.item.Spec.Create(r.references.id), scim.WriteOptions{
			RetryToken: r.opts.Journal.RetryToken(t.phase, t.item.Row),
		})
	} else {
		doc, err = r.resources.Patch(ctx, t.id(), ops, scim.WriteOptions{IfMatch: t.before.String("meta.version")})
	}
	if err == nil {
		return false, r.succeed(t, intent.Op, doc, later)
	}
	return r.failed(ctx, t, err)
}

// intent is what the journal is told before a row is sent.
func (r *run) intent(t *task) (journal.Intent, []scim.PatchOp, error) {
	in := journal.Intent{Row: t.item.Row, Phase: t.phase, Op: "create", Repeat: journal.Readable}
	if t.before == nil {
		return in, nil, nil
	}
	ops := t.item.Spec.Changes(t.before, r.references.id)
	before, err := json.Marshal(t.before)
	if err != nil {
		return in, nil, fmt.Errorf("row %d: before-image: %w", t.item.Row, err)
	}
	in.Op, in.ID, in.Before = "update", t.id(), before
	if t.open != nil && t.open.Op == "create" {
		in.Op = "create" // the change completes a create whose answer was lost
	}
	for _, op := range ops {
		if IsSecret(op.Path) {
			in.Repeat = journal.Repeatable // a password cannot be read back
		}
	}
	return in, ops, nil
}

// operation is the word for what a task would send.
func operation(t *task) string {
	if t.before == nil {
		return "create"
	}
	return "update"
}

// settled is what a row became that needs no further call.
func (r *run) settled(t *task) journal.Result {
	switch {
	case t.open == nil:
		return journal.Unchanged
	case t.open.Op == "create":
		return journal.Created
	}
	return journal.Updated
}

func (r *run) succeed(t *task, op string, doc scim.Document, later bool) error {
	o := journal.Outcome{Result: journal.Updated, ID: doc.String("id"), ETag: doc.String("meta.version"), Status: http.StatusOK}
	if op == "create" {
		o.Result, o.Status = journal.Created, http.StatusCreated
	}
	r.references.learn(r.source.Type(), t.item.Key, o.ID)
	return r.settle(t, o, later)
}

// failed decides what an error means for a row: a refusal, something to look
// at again, or not known.
func (r *run) failed(ctx context.Context, t *task, err error) (again bool, fatal error) {
	o := outcomeOf(err)
	if o.Transient {
		defer func() {
			if fatal == nil && r.down() {
				again, fatal = false, fmt.Errorf("the service answers no row any more: %w", err)
			}
		}()
	}
	switch {
	case notSent(err):
		return false, r.fail(t, o)
	case errors.Is(err, scim.ErrUnauthorized):
		// The credential is gone: no row after this one can do better.
		if err2 := r.fail(t, o); err2 != nil {
			return false, err2
		}
		return false, err
	case errors.Is(err, scim.ErrConflict), t.before != nil && errors.Is(err, scim.ErrNotFound):
		return r.lookAgain(ctx, t, o)
	case definite(o.Status):
		return false, r.fail(t, o)
	}
	// It may have happened: reading the service tells.
	if t.open == nil {
		t.open = &journal.Intent{Row: t.item.Row, Op: operation(t)}
	}
	return r.lookAgain(ctx, t, o)
}

// notSent says that a request certainly did not reach the service.
func notSent(err error) bool {
	var e interface{ Sent() bool }
	return errors.As(err, &e) && !e.Sent()
}

// definite says that a status means the operation did not happen.
func definite(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout || status == http.StatusNotImplemented ||
		status == http.StatusServiceUnavailable
}

// lookAgain reads what is there now and puts it into the task. It answers true
// when another try makes sense.
func (r *run) lookAgain(ctx context.Context, t *task, o journal.Outcome) (again bool, fatal error) {
	found, double, err := r.lookup(ctx, []string{t.item.Key}, t.item.Spec.NeedsAttributes())
	if err != nil {
		o.Code, o.Reason = "unknown", o.Reason+"; reading it back failed as well: "+err.Error()
		o.Result, o.Transient = journal.Unknown, true
		return false, r.settle(t, o, false)
	}
	if e := double[provider.Fold(t.item.Key)]; e != nil {
		return false, r.fail(t, ambiguous(e))
	}
	now, ok := found[provider.Fold(t.item.Key)]
	conflict := o.Status == http.StatusConflict
	switch {
	case !ok && t.before != nil:
		return false, r.fail(t, journal.Outcome{Status: http.StatusNotFound, Code: "vanished", Reason: "it was deleted meanwhile"})
	case !ok:
		// A create that left nothing behind. A conflict is about another
		// unique attribute; anything else may go through on another day.
		o.Transient = !conflict
		return false, r.fail(t, o)
	}
	created := t.before == nil && t.open == nil
	t.before = now
	if created && t.phase == journal.Rows {
		switch r.opts.OnExisting {
		case Skip:
			return false, r.settle(t, journal.Outcome{Result: journal.Skipped, ID: t.id(), Code: "exists", Reason: "it exists already"}, false)
		case Fail:
			return false, r.fail(t, o)
		case Update:
		}
	}
	return true, nil
}

func (r *run) fail(t *task, o journal.Outcome) error {
	o.Result = journal.Failed
	return r.settle(t, o, false)
}

// outcomeOf tells of an error what the report needs.
func outcomeOf(err error) journal.Outcome {
	o := journal.Outcome{Reason: err.Error(), Code: "failed", Transient: true}
	var e *scim.Error
	if errors.As(err, &e) {
		o.Status = e.Status
		o.Code, o.Transient = "refused", false
		if e.MessageID != "" {
			o.Code = e.MessageID
		}
	}
	switch {
	case errors.Is(err, scim.ErrConflict):
		o.Code = "conflict"
	case errors.Is(err, scim.ErrUnauthorized):
		o.Code, o.Transient = "unauthorized", true
	case errors.Is(err, scim.ErrUnavailable):
		o.Code, o.Transient = "unavailable", true
	}
	return o
}
