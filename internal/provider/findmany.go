package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// FindBatch is how many keys FindMany puts into one search. It is bounded by
// the service's patience with long filters, not by the size of a request.
const FindBatch = 50

// FindMany looks up many resources by the values of one attribute, in as few
// calls as the size of a batch allows, and answers them by Fold of the key.
// Keys that no resource has are not in the map.
//
// Keys that several resources have are not in the map either: each is an
// *AmbiguousError, joined into an error that comes along with the map of all
// the others. Any other error leaves the map incomplete; it is then nil.
//
// opts shapes the answers: its Filter is added to the search, and the
// attribute is added to its Attributes where some are named.
func FindMany(ctx context.Context, r Resources, attr string, keys []string, opts scim.ListOptions) (map[string]scim.Document, error) {
	path, err := filter.ParseAttr(attr)
	if err != nil {
		return nil, fmt.Errorf("%s: look up by %s: %w", r.Type(), attr, err)
	}
	spellings := distinct(keys)
	wanted := make(map[string]bool, len(spellings))
	for _, k := range spellings {
		wanted[Fold(k)] = true
	}
	if len(opts.Attributes) > 0 {
		opts.Attributes = append(append([]string(nil), opts.Attributes...), attr)
	}
	// Candidates are told apart by their first name where the answer has it,
	// not by the value that they share.
	names := []string{attr}
	if keys := r.Keys(); len(keys) > 0 {
		names = []string{keys[0], attr}
	}
	opts.Post = true
	extra := opts.Filter

	found := make(map[string]scim.Document, len(spellings))
	doubles := make(map[string]*AmbiguousError)
	var order []string
	for len(spellings) > 0 {
		batch := spellings[:min(len(spellings), FindBatch)]
		spellings = spellings[len(batch):]
		terms := make([]filter.Expr, len(batch))
		for i, k := range batch {
			terms[i] = filter.Eq(path, k)
		}
		opts.Filter = filter.AllOf(extra, filter.AnyOf(terms...))
		// One row more than keys, so that a double shows without a second call.
		opts.Count = len(batch) + 1
		for doc, err := range r.All(ctx, opts) {
			if err != nil {
				return nil, fmt.Errorf("look up %s by %s: %w", r.Type(), attr, err)
			}
			seen := make(map[string]bool, 2)
			for _, value := range doc.Strings(attr) {
				f := Fold(value)
				if !wanted[f] || seen[f] {
					continue
				}
				seen[f] = true
				other, taken := found[f]
				switch {
				case doubles[f] != nil:
					doubles[f].add(doc, names)
				case taken && other.ID() != doc.ID():
					e := &AmbiguousError{Type: r.Type(), Key: value}
					e.add(other, names)
					e.add(doc, names)
					doubles[f] = e
					order = append(order, f)
					delete(found, f)
				default:
					found[f] = doc
				}
			}
		}
	}
	errs := make([]error, 0, len(order))
	for _, f := range order {
		errs = append(errs, doubles[f])
	}
	return found, errors.Join(errs...)
}

func (e *AmbiguousError) add(doc scim.Document, names []string) {
	id := doc.ID()
	for _, c := range e.Candidates {
		if c.ID == id {
			return
		}
	}
	e.Total++
	if len(e.Candidates) < maxCandidates {
		e.Candidates = append(e.Candidates, Candidate{ID: id, Name: nameOf(doc, names)})
	}
}

// distinct drops empty keys and exact doubles; spellings that differ in case
// all stay, since some attributes are compared with regard to it.
func distinct(keys []string) []string {
	seen := make(map[string]bool, len(keys))
	var out []string
	for _, k := range keys {
		if k != "" && !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
