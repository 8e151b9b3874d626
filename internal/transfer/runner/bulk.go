package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"

	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// batch is one bulk call in the making.
type batch struct {
	tasks   []*task
	intents []journal.Intent
	ops     []scim.BulkOperation
	later   []bool
	bytes   int
}

// sendBulk gathers tasks into bulk calls as large as the service allows, and
// sends them one after the other.
func (r *run) sendBulk(ctx context.Context, tasks <-chan *task, check func()) error {
	maxOps, maxBytes := r.provider.Bulker().BulkLimits()
	var b batch
	flush := func() error {
		if len(b.tasks) == 0 || r.stopped() {
			return nil // rows not begun stay without an outcome
		}
		full := b
		b = batch{}
		if err := r.callBulk(ctx, &full); err != nil {
			return err
		}
		check()
		return nil
	}
	for t := range tasks {
		op, err := r.bulkOperation(t)
		if err != nil {
			return err
		}
		if op == nil {
			if err := r.send(ctx, t); err != nil { // settled, or too large for a bulk call
				return err
			}
			continue
		}
		size := len(op.data.Data) + bulkOverhead
		if size > maxBytes {
			if err := r.send(ctx, t); err != nil {
				return err
			}
			continue
		}
		if len(b.tasks) == maxOps || b.bytes+size > maxBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		b.tasks = append(b.tasks, t)
		b.intents = append(b.intents, op.intent)
		b.ops = append(b.ops, op.data)
		b.later = append(b.later, op.later)
		b.bytes += size
	}
	return flush()
}

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
	op.data = scim.BulkOperation{Method: http.MethodPost, Path: r.resources.Path(), BulkID: fmt.Sprintf("row-%d", t.item.Row)}
	var body any
	if t.before == nil {
		body = t.item.Spec.Create(r.references.id)
	} else {
		op.data.Method, op.data.Path = http.MethodPatch, path.Join(r.resources.Path(), t.id())
		body = map[string]any{"schemas": []string{scim.PatchOpURN}, "Operations": ops}
	}
	if op.data.Data, err = json.Marshal(body); err != nil {
		return nil, fmt.Errorf("row %d: %w", t.item.Row, err)
	}
	return op, nil
}

// callBulk sends one bulk call and settles its rows. Rows it does not settle
// go the single way, which looks before it writes.
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
		return err // the rows stay open; a resume reads what became of them
	}
	for i, t := range b.tasks {
		if err != nil {
			// Nothing is known of the single operations.
			if serr := r.afterUnknown(ctx, t, err); serr != nil {
				return serr
			}
			if r.down() {
				return fmt.Errorf("the service answers no row any more: %w", err)
			}
			continue
		}
		if serr := r.settleBulk(ctx, t, &b.intents[i], &answers[i], b.later[i]); serr != nil {
			return serr
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
		doc := scim.Document{"id": id}
		var full scim.Document
		if json.Unmarshal(answer.Response, &full) == nil && full.String("id") != "" {
			doc = full
		}
		return r.succeed(t, in.Op, doc, later)
	}
	if o := outcomeOf(answer.Err); definite(answer.Status) && !errors.Is(answer.Err, scim.ErrConflict) && !o.Transient && !errors.Is(answer.Err, scim.ErrNotFound) {
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
		o := outcomeOf(cause)
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
