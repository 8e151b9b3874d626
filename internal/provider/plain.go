package provider

import (
	"context"
	"iter"

	"github.com/idctl/idctl/pkg/scim"
)

// PlainProvider is what a Provider implements that speaks RFC 7643 and 7644
// alone, without the additions of identity domains.
type PlainProvider interface {
	Plain() bool
}

// IsPlain says whether a provider speaks plain SCIM. Callers then neither send
// attributes of identity domains nor rely on what only those know, such as the
// groups among a user's searchable attributes.
func IsPlain(p Provider) bool {
	plain, ok := p.(PlainProvider)
	return ok && plain.Plain()
}

// MemberReader is what Resources of groups implement where members are not
// read page by page inside of the attribute. See Members.
type MemberReader interface {
	Members(ctx context.Context, id string) iter.Seq2[scim.Document, error]
}
