package where

import (
	"context"
	"iter"
	"slices"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// Resources are those of r that meet a condition which the service cannot
// search. Reading them reads all that the service answers; the total of a page
// is therefore exact, and costs the whole list. r itself is returned where
// there is nothing to match.
func (p Plan) Resources(r provider.Resources, rules filter.Rules) (provider.Resources, error) {
	if p.Here == nil {
		return r, nil
	}
	m, err := filter.Compile(p.Here, rules)
	if err != nil {
		return nil, err
	}
	need := make([]string, 0, 4)
	for _, a := range filter.Attrs(p.Here) {
		need = append(need, a.String())
	}
	return &matched{r, m, need}, nil
}

type matched struct {
	provider.Resources
	match *filter.Matcher
	need  []string
}

// All reads every resource that meets the condition.
func (m *matched) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		for doc, err := range m.Resources.All(ctx, m.asking(opts)) {
			if err == nil && !m.match.Match(doc) {
				continue
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// Page answers the resources from StartIndex on among those that meet the
// condition.
func (m *matched) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	start := max(opts.StartIndex, 1)
	page := &scim.Page[scim.Document]{StartIndex: start}
	all := opts
	all.StartIndex, all.Count = 0, 0
	for doc, err := range m.All(ctx, all) {
		if err != nil {
			return nil, err
		}
		page.Total++
		if page.Total >= start && (opts.Count <= 0 || len(page.Resources) < opts.Count) {
			page.Resources = append(page.Resources, doc)
		}
	}
	page.ItemsPerPage = len(page.Resources)
	return page, nil
}

// asking asks for what is needed to match as well.
func (m *matched) asking(opts scim.ListOptions) scim.ListOptions {
	if slices.Contains(opts.AttributeSets, "all") {
		return opts
	}
	if len(opts.Attributes) == 0 && len(opts.AttributeSets) == 0 {
		opts.AttributeSets = []string{"default"}
	}
	opts.Attributes = slices.Clone(opts.Attributes)
	for _, a := range m.need {
		if !slices.Contains(opts.Attributes, a) {
			opts.Attributes = append(opts.Attributes, a)
		}
	}
	return opts
}
