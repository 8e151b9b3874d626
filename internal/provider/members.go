package provider

import (
	"context"
	"fmt"
	"iter"

	"github.com/idctl/idctl/pkg/scim"
)

// membersPerPage is how many members of a group one call asks for. Identity
// domains refuse to give more than 10,000 at once.
const membersPerPage = 1000

// Members yields the members of a group page by page, each once: what the
// service has under members, with value, type and what else it sends. Groups
// that are a MemberReader are asked in their own way.
func Members(ctx context.Context, groups Reader, id string) iter.Seq2[scim.Document, error] {
	if own, ok := groups.(MemberReader); ok {
		return own.Members(ctx, id)
	}
	return func(yield func(scim.Document, error) bool) {
		seen := map[string]bool{}
		for start := 1; ; {
			// Paging inside an attribute is the identity domains' own; see the
			// vendor's documentation of Group.members.
			attr := fmt.Sprintf("members[startIndex=%d&count=%d]", start, membersPerPage)
			doc, err := groups.Get(ctx, id, scim.ListOptions{Attributes: []string{attr}})
			if err != nil {
				yield(nil, err)
				return
			}
			page := MembersOf(doc)
			fresh := 0
			for _, member := range page {
				if value := member.String("value"); !seen[value] {
					seen[value] = true
					fresh++
					if !yield(member, nil) {
						return
					}
				}
			}
			// Only a page without news is surely the end: a service may give
			// smaller pages than asked for, and one that does not page sends
			// the same again and again.
			if fresh == 0 {
				return
			}
			start += len(page)
		}
	}
}

// MembersOf are the members that a group's document holds.
func MembersOf(group scim.Document) []scim.Document {
	v, _ := group.Get("members")
	list, _ := v.([]any)
	out := make([]scim.Document, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
