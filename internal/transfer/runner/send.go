package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/flow"
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
	receipt, err := r.write(ctx, t, ops)
	if err == nil {
		return false, r.succeed(t, intent.Op, receipt, later)
	}
	return r.failed(ctx, t, err)
}

// write sends a task's operation over the shortest way that the provider has.
func (r *run) write(ctx context.Context, t *task, ops []scim.PatchOp) (scim.Receipt, error) {
	opts := scim.WriteOptions{}
	if t.before == nil {
		opts.RetryToken = r.opts.Journal.RetryToken(t.phase, t.item.Row)
	} else {
		opts.IfMatch = t.before.Version()
	}
	quick, ok := r.resources.(provider.ReceiptWriter)
	switch {
	case ok && t.before == nil:
		body, err := r.createBody(t.item)
		if err != nil {
			return scim.Receipt{}, err
		}
		return quick.CreateReceipt(ctx, body, opts)
	case ok:
		return quick.PatchReceipt(ctx, t.id(), ops, opts)
	}
	var doc scim.Document
	var err error
	if t.before == nil {
		doc, err = r.resources.Create(ctx, t.item.Spec.Create(r.references.id), opts)
	} else {
		doc, err = r.resources.Patch(ctx, t.id(), ops, opts)
	}
	return scim.Receipt{ID: doc.ID(), Version: doc.Version()}, err
}

// createBody encodes what a row makes.
func (r *run) createBody(item *transfer.Item) ([]byte, error) {
	var body []byte
	var err error
	if e, ok := item.Spec.(transfer.Encoder); ok {
		body, err = e.AppendCreate(make([]byte, 0, r.bodySize.Load()), r.references.id)
	} else {
		body, err = json.Marshal(item.Spec.Create(r.references.id))
	}
	if err != nil {
		return nil, fmt.Errorf("row %d: %w", item.Row, err)
	}
	// A row is about as large as the one before.
	r.bodySize.Store(int64(len(body)) + bodySlack)
	return body, nil
}

// bodySlack is by how much rows of a file usually differ in length.
const bodySlack = 128

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

func (r *run) succeed(t *task, op string, receipt scim.Receipt, later bool) error {
	o := journal.Outcome{Result: journal.Updated, ID: receipt.ID, ETag: receipt.Version, Status: http.StatusOK}
	if op == "create" {
		o.Result, o.Status = journal.Created, http.StatusCreated
	}
	r.references.learn(r.source.Type(), t.item.Key, o.ID)
	return r.settle(t, o, later)
}

// failed decides what an error means for a row: a refusal, something to look
// at again, or not known.
func (r *run) failed(ctx context.Context, t *task, err error) (again bool, fatal error) {
	o := flow.OutcomeOf(err)
	if o.Transient {
		defer func() {
			if fatal == nil && r.down() {
				again, fatal = false, fmt.Errorf("the service answers no row any more: %w", err)
			}
		}()
	}
	switch {
	case flow.NotSent(err):
		return false, r.fail(t, o)
	case errors.Is(err, scim.ErrUnauthorized):
		// The credential is gone: no row after this one can do better.
		if err2 := r.fail(t, o); err2 != nil {
			return false, err2
		}
		return false, err
	case errors.Is(err, scim.ErrConflict), t.before != nil && errors.Is(err, scim.ErrNotFound):
		return r.lookAgain(ctx, t, o)
	case flow.Definite(o.Status):
		return false, r.fail(t, o)
	}
	// It may have happened: reading the service tells.
	if t.open == nil {
		t.open = &journal.Intent{Row: t.item.Row, Op: operation(t)}
	}
	return r.lookAgain(ctx, t, o)
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
