package runner

import (
	"context"
	"iter"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

// Line is one row of a report.
type Line struct {
	Item   *transfer.Item
	Result journal.Result
	Reason Reason
}

// Lines reads the source once more and yields the rows that have an outcome,
// in order. Rows of other shards and rows that were not reached are left out.
func (p *Report) Lines(ctx context.Context) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for item, err := range p.source.Items(ctx) {
			if err != nil {
				yield(Line{}, err)
				return
			}
			p.run.mu.Lock()
			result, ok := p.run.rows[item.Row].result()
			why := p.run.reasons[item.Row]
			p.run.mu.Unlock()
			if result == journal.Rejected && why == (Reason{}) {
				why = Reason{Code: firstProblem(item).Code, Text: problems(item)}
			}
			if ok && !yield(Line{Item: item, Result: result, Reason: why}, nil) {
				return
			}
		}
	}
}

// Rejects yields only the rows that go into a rejects file: rejected, failed
// and unknown ones.
func (p *Report) Rejects(ctx context.Context) iter.Seq2[Line, error] {
	return p.only(ctx, func(l *Line) bool {
		return l.Result == journal.Rejected || l.Result == journal.Failed || l.Result == journal.Unknown
	})
}

// NotVerified yields only the rows that, read back, were not what the file
// says, though their operation went well.
func (p *Report) NotVerified(ctx context.Context) iter.Seq2[Line, error] {
	return p.only(ctx, func(l *Line) bool { return l.Reason.Code == notVerified })
}

func (p *Report) only(ctx context.Context, wanted func(*Line) bool) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for line, err := range p.Lines(ctx) {
			if (err != nil || wanted(&line)) && !yield(line, err) {
				return
			}
		}
	}
}

const notVerified = "not-verified"

// verify reads every row back that the run holds for done, and counts those
// that are what the file says. What cannot be read, a password, is left out.
func (r *run) verify(ctx context.Context) error {
	var items []*transfer.Item
	check := func() error {
		if len(items) == 0 {
			return nil
		}
		var refs []transfer.Ref
		keys := make([]string, 0, len(items))
		for _, item := range items {
			keys = append(keys, item.Key)
			refs = append(refs, item.Spec.Refs()...)
		}
		if err := r.references.resolve(ctx, refs, true, r.inFile, r.called); err != nil {
			return err
		}
		found, _, err := r.lookup(ctx, keys, items[0].Spec.NeedsAttributes())
		if err != nil {
			return err
		}
		for _, item := range items {
			r.compare(item, found[provider.Fold(item.Key)])
		}
		items = items[:0]
		return nil
	}
	for item, err := range r.source.Items(ctx) {
		if err != nil {
			return err
		}
		r.mu.Lock()
		result, _ := r.rows[item.Row].result()
		r.mu.Unlock()
		if result != journal.Created && result != journal.Updated && result != journal.Unchanged {
			continue
		}
		if items = append(items, item); len(items) == window {
			if err := check(); err != nil {
				return err
			}
		}
	}
	return check()
}

func (r *run) compare(item *transfer.Item, now scim.Document) {
	same := now != nil
	if same {
		for _, op := range item.Spec.Changes(now, r.references.id) {
			same = same && IsSecret(op.Path)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if same {
		r.verified++
		return
	}
	r.differs++
	r.reasons[item.Row] = Reason{Code: notVerified, Text: "read back, it is not what the row says"}
}
