package provider

import (
	"context"
	"iter"

	"github.com/idctl/idctl/pkg/scim"
)

// RawReader is what Resources implement that can read a list without decoding
// it. See AllRaw.
type RawReader interface {
	AllRaw(ctx context.Context, opts scim.ListOptions, paths ...[]string) iter.Seq2[*scim.RawPage, error]
}

// AllRaw reads every resource page by page, without decoding it where that can
// be done, and picks the members at paths. See scim.Service.AllRaw.
func AllRaw(ctx context.Context, r Reader, opts scim.ListOptions, paths ...[]string) iter.Seq2[*scim.RawPage, error] {
	if raw, ok := r.(RawReader); ok {
		return raw.AllRaw(ctx, opts, paths...)
	}
	return RawPages(r.All(ctx, opts))
}

// rawChunk is how many decoded resources make a page.
const rawChunk = 100

// RawPages makes pages of resources that come decoded, one by one.
func RawPages(docs iter.Seq2[scim.Document, error]) iter.Seq2[*scim.RawPage, error] {
	return func(yield func(*scim.RawPage, error) bool) {
		page := &scim.RawPage{Total: -1}
		for doc, err := range docs {
			if err != nil {
				if len(page.Rows) == 0 || yield(page, nil) {
					yield(nil, err)
				}
				return
			}
			if page.Rows = append(page.Rows, scim.NewRawDocument(doc)); len(page.Rows) < rawChunk {
				continue
			}
			if !yield(page, nil) {
				return
			}
			page.Rows = page.Rows[:0]
		}
		if len(page.Rows) > 0 {
			yield(page, nil)
		}
	}
}
