package runner

import (
	"fmt"
	"strings"

	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/journal"
)

// plan decides what a row's operation is. It settles the row itself, and
// answers false, where nothing is to be sent.
func (r *run) plan(t *task) (send bool, err error) {
	item := t.item
	step := &Step{Row: item.Row, Line: item.Line, Key: item.Key}
	if item.Rejected() {
		p := firstProblem(item)
		return false, r.settleStep(t, step, journal.Rejected, false, Reason{Code: p.Code, Text: problems(item)})
	}
	later, missing := r.pending(item)
	switch {
	case t.phase == journal.References && t.before == nil:
		return false, r.settle(t, journal.Outcome{Result: journal.Failed, Code: "vanished", Reason: "it was deleted before its references could be set"}, false)
	case t.phase == journal.References && later:
		return false, r.settle(t, journal.Outcome{
			Result: journal.Failed, Code: "unknown-reference", Transient: true,
			Reason: "it is there, but a resource it refers to, which is in this file, is not",
		}, false)
	case len(missing) > 0:
		return false, r.settleStep(t, step, journal.Rejected, false,
			Reason{Code: "unknown-reference", Text: strings.Join(missing, "; ")})
	}
	if t.before == nil {
		if why, ok := cannotCreate(item); !ok {
			return false, r.settleStep(t, step, journal.Rejected, false, why)
		}
		step.Op, step.Later = "create", later
		if r.planning() {
			step.Changes = createOps(item.Spec.Create(asWritten))
		}
		return r.planned(t, step, later)
	}
	step.ID = t.id()
	mine := t.open != nil && t.open.Op == "create" // what is there is our own create
	if t.phase == journal.Rows && !mine {
		switch r.opts.OnExisting {
		case Skip:
			return false, r.settleStep(t, step, journal.Skipped, false, Reason{Code: "exists", Text: "it exists already"})
		case Fail:
			return false, r.settleStep(t, step, journal.Failed, false, Reason{Status: 409, Code: "exists", Text: "it exists already"})
		case Update:
		}
	}
	changes := item.Spec.Changes(t.before, r.references.id)
	if len(changes) == 0 {
		result := journal.Unchanged
		switch {
		case mine:
			result = journal.Created
		case t.open != nil:
			result = journal.Updated
		}
		return false, r.settleStep(t, step, result, later, Reason{})
	}
	step.Op, step.Changes, step.Later = "update", masked(changes), later
	return r.planned(t, step, later)
}

// planning says whether anybody wants to see the steps.
func (r *run) planning() bool { return r.opts.Plan != nil || r.opts.Guard != nil || r.opts.DryRun }

// planned passes an operation to the plan and the guard. In a dry run it
// counts as what it would become.
func (r *run) planned(t *task, step *Step, later bool) (send bool, err error) {
	if !r.planning() {
		return true, nil
	}
	if step.Digest, err = stepDigest(step.Op, t.item.Key, step.ID, step.Changes, t.before); err != nil {
		return false, err
	}
	same, err := r.guarded(t, step)
	if err != nil {
		return false, err
	}
	if !same {
		return false, r.settleStep(t, step, journal.Skipped, false, Reason{Code: "moved", Text: "what is there now is not what the plan was made from"})
	}
	if r.opts.Plan != nil {
		if err := r.opts.Plan(step); err != nil {
			return false, err
		}
	}
	if !r.opts.DryRun {
		return true, nil
	}
	result := journal.Created
	if step.Op == "update" {
		result = journal.Updated
	}
	r.finish(t.item.Row, result, later, false, Reason{})
	return false, nil
}

// guarded says whether a row's operation is still the one of the guard. Where
// the plan left references for later, because their resources were yet to be
// created, they do not count as a difference now that they are there.
func (r *run) guarded(t *task, step *Step) (bool, error) {
	if r.opts.Guard == nil || t.phase != journal.Rows || t.open != nil {
		return true, nil
	}
	was := r.opts.Guard.steps[t.item.Row]
	digest := step.Digest
	if was.later && t.before != nil {
		changes := t.item.Spec.Changes(t.before, func(ref transfer.Ref) (string, bool) {
			if r.inFile(ref) {
				return "", false
			}
			return r.references.id(ref)
		})
		var err error
		if digest, err = stepDigest(step.Op, t.item.Key, step.ID, masked(changes), t.before); err != nil {
			return false, err
		}
	}
	return digest == was.digest, nil
}

// settleStep ends a row that needs no call, and tells the plan.
func (r *run) settleStep(t *task, step *Step, result journal.Result, deferred bool, why Reason) error {
	if r.opts.Plan != nil {
		step.Op, step.Code, step.Reason, step.Changes, step.Digest = string(result), why.Code, why.Text, nil, ""
		if err := r.opts.Plan(step); err != nil {
			return err
		}
	}
	return r.settle(t, journal.Outcome{
		Result: result, ID: t.id(), Status: why.Status, Code: why.Code, Reason: why.Text,
	}, deferred)
}

// settle ends a row, or its second phase: first in the journal, then in the
// counts.
func (r *run) settle(t *task, o journal.Outcome, deferred bool) error {
	o.Row, o.Phase, o.Deferred = t.item.Row, t.phase, deferred
	if r.opts.Journal != nil {
		if err := r.opts.Journal.SettleSoon(o); err != nil {
			return fmt.Errorf("row %d: %w", o.Row, err)
		}
	}
	result := o.Result
	if t.phase == journal.References && result != journal.Failed && result != journal.Unknown && result != journal.Rejected {
		result = t.counted // the row was counted in the first phase
		if result == journal.Unchanged && o.Result == journal.Updated {
			result = journal.Updated
		}
	}
	why := Reason{Status: o.Status, Code: o.Code, Text: o.Reason}
	r.finish(o.Row, result, deferred, o.Transient, why)
	return nil
}

// cannotCreate says what a row lacks whose resource does not exist yet.
func cannotCreate(item *transfer.Item) (why Reason, ok bool) {
	var texts []string
	for _, p := range item.Spec.CreateProblems() {
		if !p.Warning {
			texts = append(texts, p.Error())
			why.Code = p.Code
		}
	}
	why.Text = strings.Join(texts, "; ")
	return why, len(texts) == 0
}

func firstProblem(item *transfer.Item) transfer.Problem {
	for _, p := range item.Problems {
		if !p.Warning {
			return p
		}
	}
	return transfer.Problem{}
}

func problems(item *transfer.Item) string {
	var texts []string
	for _, p := range item.Problems {
		if !p.Warning {
			texts = append(texts, p.Error())
		}
	}
	return strings.Join(texts, "; ")
}
