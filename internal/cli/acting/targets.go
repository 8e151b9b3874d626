package acting

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/pkg/scim"
)

// maxTicks is how many resources a list to tick holds. Nobody ticks in a
// longer one; --where selects many.
const maxTicks = 200

// batches is what acts.Run takes.
type batches = iter.Seq2[[]*acts.Target, error]

// targets finds out what the command is about and asks where that is needed.
// n is the number of targets, -1 where it is not known before the end. An
// answer of nil targets means that there is nothing to do, and was told.
func (s *session) targets(ctx context.Context) (list batches, n int, err error) {
	switch {
	case s.chosen != nil:
		return s.selected(ctx)
	case len(s.Keys) == 0:
		return s.ticked(ctx)
	case s.asking() && len(s.Keys) > 0 && !slices.Contains(s.Keys, "-"):
		return s.asked(ctx)
	}
	keys := directory.Batches(cmdutil.Keys(ctx, s.Keys, s.Deps.IO.In))
	n = len(s.Keys)
	if slices.Contains(s.Keys, "-") {
		n = -1
	}
	return func(yield func([]*acts.Target, error) bool) {
		for batch, err := range keys {
			if !yield(named(batch), err) || err != nil {
				return
			}
		}
	}, n, nil
}

// asking says whether a person is to be asked before anything is done.
func (s *session) asking() bool { return s.Verb.Confirm && !s.Deps.Flags.Yes && !s.DryRun }

func named(keys []string) []*acts.Target {
	out := make([]*acts.Target, len(keys))
	for i, k := range keys {
		out[i] = &acts.Target{Key: k}
	}
	return out
}

// lookup is how targets that were named are found.
func (s *session) lookup(ctx context.Context, list []*acts.Target) error {
	keys := make([]string, len(list))
	for i, t := range list {
		keys[i] = t.Key
	}
	for i, f := range s.FindAll(ctx, s.resources, keys, s.reading()) {
		list[i].Doc, list[i].Err = f.Doc, f.Err
	}
	return nil
}

// reading asks for what names a resource and for what the act must see.
func (s *session) reading() scim.ListOptions {
	list := append([]string{"displayName"}, s.resources.Keys()...)
	for _, a := range s.act.Needs {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return scim.ListOptions{Attributes: list}
}

func (s *session) reread(ctx context.Context, id string) (scim.Document, error) {
	return s.resources.Get(ctx, id, s.reading())
}

// asked looks all of them up first, so that the question names what is meant.
func (s *session) asked(ctx context.Context) (batches, int, error) {
	var list []*acts.Target
	for keys := range slices.Chunk(s.Keys, provider.FindBatch) {
		list = append(list, named(keys)...)
	}
	there := 0
	var only *acts.Target
	for chunk := range slices.Chunk(list, provider.FindBatch) {
		if err := s.lookup(ctx, chunk); err != nil {
			return nil, 0, err
		}
		for _, t := range chunk {
			if directory.Fatal(t.Err) {
				return nil, 0, fmt.Errorf("%s %w", s.Verb.say(), t.Err)
			}
			if t.Err == nil {
				there++
				only = t
			}
		}
	}
	if there > 0 {
		what := s.count(there)
		if there == 1 {
			what = s.Kind.Noun + " " + s.Who(only.Doc)
		}
		if err := s.confirm(ctx, what, there); err != nil {
			return nil, 0, err
		}
	}
	return s.given(list), len(list), nil
}

func (s *session) confirm(ctx context.Context, what string, n int) error {
	return s.Deps.Confirm(ctx, iostreams.Clean(s.Verb.say()+" "+what), n)
}

// given yields targets that were looked up.
func (s *session) given(list []*acts.Target) batches {
	return func(yield func([]*acts.Target, error) bool) {
		for chunk := range slices.Chunk(list, provider.FindBatch) {
			if !yield(chunk, nil) {
				return
			}
		}
	}
}

// selected reads what meets the condition. All of them are known before the
// first call: pages would move otherwise, and the number be unknown.
func (s *session) selected(ctx context.Context) (batches, int, error) {
	list, _, err := s.list(ctx, 0, func(*acts.Target) bool { return true })
	if err != nil {
		return nil, 0, err
	}
	if len(list) == 0 && s.past.Open() == 0 {
		return nil, 0, s.Deps.Note("no %s meet the condition, nothing to %s", s.Kind.Plural, s.Verb.Name)
	}
	if !s.DryRun && len(list) > 0 {
		if s.Deps.Flags.Yes { // the question says it otherwise
			if err := s.Deps.Note("%s to %s", s.count(len(list)), s.Verb.Name); err != nil {
				return nil, 0, err
			}
		} else if err := s.confirm(ctx, s.count(len(list)), len(list)); err != nil {
			return nil, 0, err
		}
	}
	return s.given(list), len(list), nil
}

// list reads the resources of the selection that are wanted, at most limit of
// them unless that is 0, ordered by their names.
func (s *session) list(ctx context.Context, limit int, wanted func(*acts.Target) bool) (list []*acts.Target, more bool, err error) {
	expr, r, err := s.chosen.Apply(ctx, s.resources, nil)
	if err != nil {
		return nil, false, err
	}
	opts := s.reading()
	opts.Filter = expr
	if keys := r.Keys(); len(keys) > 0 {
		opts.SortBy = keys[0]
	}
	var batch []*acts.Target
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if limit > 0 && s.act.Prepare != nil {
			if err := s.act.Prepare(ctx, batch); err != nil {
				return err
			}
		}
		fit := slices.DeleteFunc(batch, func(t *acts.Target) bool { return !wanted(t) })
		batch = nil
		list = append(list, fit...)
		if limit > 0 && s.Verb.Ticking != nil && len(fit) > 0 {
			return s.Verb.Ticking(ctx, s.provider, fit)
		}
		return nil
	}
	for doc, err := range r.All(ctx, opts) {
		if err != nil {
			return nil, false, fmt.Errorf("list the %s: %w", s.Kind.Plural, err)
		}
		key := s.Kind.Key(&doc)
		if key == "" {
			key = doc.ID()
		}
		if batch = append(batch, &acts.Target{Key: key, Doc: doc}); len(batch) < provider.FindBatch {
			continue
		}
		if err := flush(); err != nil {
			return nil, false, err
		}
		if limit > 0 && len(list) > limit {
			return list[:limit], true, nil
		}
	}
	if err := flush(); err != nil {
		return nil, false, err
	}
	if limit > 0 && len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}

// ticked offers those to whom it can be done.
func (s *session) ticked(ctx context.Context) (batches, int, error) {
	list, more, err := s.list(ctx, maxTicks, func(t *acts.Target) bool {
		if s.act.Check == nil {
			return true
		}
		v := s.act.Check(t)
		return v.Already == "" && v.Refused == nil
	})
	if err != nil {
		return nil, 0, err
	}
	if len(list) == 0 {
		return nil, 0, s.Deps.Note("there are no %s to %s", s.Kind.Plural, s.Verb.Name)
	}
	options := make([]string, len(list))
	for i, t := range list {
		options[i] = iostreams.Clean(s.label(t))
	}
	question := "Which " + s.Kind.Plural
	if more {
		question = fmt.Sprintf("Which %s (the first %d, --where finds others)", s.Kind.Plural, maxTicks)
	}
	picked, err := s.Deps.Prompt.MultiSelect(ctx, prompt.Question{Text: question, Flag: "a " + s.Kind.Noun + " or --where"}, options)
	if err != nil {
		return nil, 0, err
	}
	if len(picked) == 0 {
		return nil, 0, s.Deps.Note("nothing was ticked, nothing to do")
	}
	slices.Sort(picked)
	chosen := make([]*acts.Target, len(picked))
	for i, p := range picked {
		chosen[i] = list[p]
	}
	if s.asking() {
		what := s.count(len(chosen))
		if len(chosen) == 1 {
			what = s.Kind.Noun + " " + s.Who(chosen[0].Doc)
		}
		if err := s.confirm(ctx, what, len(chosen)); err != nil {
			return nil, 0, err
		}
	}
	return s.given(chosen), len(chosen), nil
}

func (s *session) label(t *acts.Target) string {
	text := s.Who(t.Doc)
	if s.Verb.Label != nil {
		if more := s.Verb.Label(s.Options, t); more != "" {
			text += ", " + more
		}
	}
	return text
}

// mayAsk refuses at once where a question will be needed that nobody answers.
func (s *session) mayAsk(ctx context.Context) error {
	if s.Deps.Flags.Yes || s.DryRun {
		return nil
	}
	stdin := slices.Contains(s.Keys, "-")
	switch {
	case s.Verb.Confirm && stdin:
		return cmdutil.Usagef("%s - needs --yes: standard input holds the names and no answer", s.Verb.Name)
	case s.Deps.IO.CanPrompt():
		return nil
	case s.chosen != nil:
		return s.Deps.Confirm(ctx, s.Verb.say()+" "+s.Kind.Plural, 1)
	case s.Verb.Confirm:
		return s.Deps.Confirm(ctx, s.Verb.say()+" "+s.count(len(s.Keys)), len(s.Keys))
	}
	return nil
}
