package scim

import (
	"context"
	"iter"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// largestPage is how many rows are asked for at once of a server that allows
// any number: more would save little, and hold much in memory.
const largestPage = 1000

// AllRaw is All without decoding, where nothing has to be matched or ordered
// here; else it decodes. It makes resources a provider.RawReader.
func (r *resources) AllRaw(ctx context.Context, opts scim.ListOptions, paths ...[]string) iter.Seq2[*scim.RawPage, error] {
	if opts.Filter != nil || opts.StartIndex > 1 {
		// What the server sends is matched once more, or rows are skipped.
		return provider.RawPages(r.All(ctx, opts))
	}
	return func(yield func(*scim.RawPage, error) bool) {
		q, err := r.query(ctx, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		if opts.Count <= 0 && q.most > scim.DefaultPageSize {
			q.asked.Count = min(q.most, largestPage)
		}
		for again := true; again; {
			again = false
			first := true
			for page, err := range q.raw(ctx, paths) {
				if err != nil && first && q.degrade(ctx, err) {
					again = true
					break
				}
				first = false
				if err != nil {
					yield(nil, r.listError(err))
					return
				}
				q.worked()
				if !yield(page, nil) {
					return
				}
			}
		}
		q.worked()
	}
}

func (q *query) raw(ctx context.Context, paths [][]string) iter.Seq2[*scim.RawPage, error] {
	if q.local() || q.typ.protocol {
		return provider.RawPages(q.all(ctx))
	}
	return q.s.AllRaw(ctx, q.request(nil), paths...)
}
