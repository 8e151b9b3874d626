package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"

	"github.com/idctl/idctl/internal/transfer/flow"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// bulkOverhead is what method, path and punctuation add to an operation.
const bulkOverhead = 160

type bulkOp struct {
	data   scim.BulkOperation
	intent journal.Intent
	later  bool
}

// bulkOperation is a task as an operation of a bulk call; nil when there is
// nothing to send any more. Bulk operations carry no version: RFC 7644 section
// 3.7 makes it optional and no source says that identity domains honour it.
func (r *run) bulkOperation(t *task) (*bulkOp, error) {
	later, missing := r.pending(t.item)
	intent, ops, err := r.intent(t)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 || t.before != nil && len(ops) == 0 {
		return nil, nil
	}
	op := &bulkOp{intent: intent, later: later}
	op.data = scim.BulkOperation{Method: http.MethodPost, Path: r.resources.Path(), BulkID: "row-" + strconv.Itoa(t.item.Row)}
	if t.before == nil {
		op.data.Data, err = r.createBody(t.item)
		return op, err
	}
	op.data.Method, op.data.Path = http.MethodPatch, path.Join(r.resources.Path(), t.id())
	op.data.Data, err = json.Marshal(map[string]any{"schemas": []string{scim.PatchOpURN}, "Operations": ops})
	if err != nil {
		return nil, fmt.Errorf("row %d: %w", t.item.Row, err)
	}
	return op, nil
}

// callBulk sends one bulk call. Its error means that the rows stay open; a
// resume reads what became of them. That the call failed otherwise is in b.err.
func (r *run) callBulk(ctx context.Context, b *batch) error {
	rows := make([]int, len(b.tasks))
	for i, t := range b.tasks {
		rows[i] = t.item.Row
	}
	if err := r.opts.Journal.Intend(b.intents...); err != nil {
		return fmt.Errorf("rows %d to %d: %w", rows[0], rows[len(rows)-1], err)
	}
	r.called(len(b.tasks))
	answers, err := r.provider.Bulker().Bulk(ctx, b.ops, r.opts.Journal.RetryToken(b.tasks[0].phase, rows...))
	if err == nil && len(answers) != len(b.ops) {
		err = fmt.Errorf("bulk call answered %d of %d operations", len(answers), len(b.ops))
	}
	if errors.Is(err, scim.ErrUnauthorized) || ctx.Err() != nil {
		if err == nil {
			err = ctx.Err()
		}
		return err
	}
	b.answers, b.err, b.ops = answers, err, nil
	return nil
}

// settleBatch settles the rows of a bulk call. Rows it does not settle go the
// single way, which looks before it writes.
func (r *run) settleBatch(ctx context.Context, b *batch) error {
	for i, t := range b.tasks {
		if b.err != nil {
			// Nothing is known of the single operations.
			if err := r.afterUnknown(ctx, t, b.err); err != nil {
				return err
			}
			if r.down() {
				return fmt.Errorf("the service answers no row any more: %w", b.err)
			}
			continue
		}
		if err := r.settleBulk(ctx, t, &b.intents[i], &b.answers[i], b.later[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) settleBulk(ctx context.Context, t *task, in *journal.Intent, answer *scim.BulkResult, later bool) error {
	if answer.Err == nil {
		id := in.ID
		if id == "" {
			id = path.Base(answer.Location)
		}
		receipt := scim.Receipt{ID: id}
		if full, err := scim.ReadReceipt(answer.Response); err == nil && full.ID != "" {
			receipt = full
		}
		return r.succeed(t, in.Op, receipt, later)
	}
	if o := flow.OutcomeOf(answer.Err); flow.Definite(answer.Status) && !errors.Is(answer.Err, scim.ErrConflict) && !o.Transient && !errors.Is(answer.Err, scim.ErrNotFound) {
		return r.fail(t, o)
	}
	again, err := r.failed(ctx, t, answer.Err)
	if err != nil || !again {
		return err
	}
	return r.send(ctx, t)
}

// afterUnknown settles a row of a bulk call of which nothing is known: it
// reads what is there, and sends singly what is not.
func (r *run) afterUnknown(ctx context.Context, t *task, cause error) error {
	found, _, err := r.lookup(ctx, []string{t.item.Key}, t.item.Spec.NeedsAttributes())
	if err != nil {
		o := flow.OutcomeOf(cause)
		o.Result, o.Code, o.Transient = journal.Unknown, "unknown", true
		o.Reason += "; reading it back failed as well: " + err.Error()
		return r.settle(t, o, false)
	}
	if now := first(found); now != nil {
		if t.open == nil {
			t.open = &journal.Intent{Row: t.item.Row, Op: operation(t)}
		}
		t.before = now
	}
	return r.send(ctx, t)
}

func first(found map[string]scim.Document) scim.Document {
	for _, doc := range found {
		return doc
	}
	return nil
}
