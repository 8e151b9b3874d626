package directory

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// linkMember is where a document that is to be shown carries what is known of
// the user's invitation. No attribute can be called so, and documents that are
// printed as they are never have it.
const linkMember = "\x00invitation"

// UserStatus is the state of a user as far as their document tells it, and the
// invitation that was put beside it.
func UserStatus(d *cmdutil.Deps, u scim.Document) lifecycle.Status {
	link, _ := u[linkMember].(lifecycle.Invitation)
	var now time.Time
	if d.Clock != nil {
		now = d.Clock()
	}
	return lifecycle.Of(u, link, now)
}

func statusColour(s lifecycle.State) output.Colour {
	switch s {
	case lifecycle.Active:
		return output.Green
	case lifecycle.Locked:
		return output.Red
	case lifecycle.Pending, lifecycle.Expired, lifecycle.NotInvited:
		return output.Yellow
	case lifecycle.Blocked, lifecycle.Unknown:
	}
	return output.Dim
}

// parseStates reads --state.
func parseStates(list []string) ([]lifecycle.State, error) {
	var out []lifecycle.State
	for _, text := range splitAttributes(list) {
		states := lifecycle.Parse(text)
		if states == nil {
			return nil, cmdutil.Usagef("--state: there is no state %q", text).WithHint("states are %s", strings.Join(lifecycle.Words(), ", "))
		}
		out = append(out, states...)
	}
	return out, nil
}

// withStates puts the invitations beside users whose state turns on them, and
// leaves out those in other states than are wanted. It asks for nothing that
// the output does not show.
func (b *Base) withStates(ctx context.Context, r provider.Resources, expr filter.Expr, wanted []lifecycle.State) (provider.Resources, filter.Expr, error) {
	if !b.Kind.States {
		return r, expr, nil
	}
	show := !Documents(b.Deps.Output.Format) && b.Deps.Output.Format != output.Name
	if !show && len(wanted) == 0 {
		return r, expr, nil
	}
	p, err := b.Provider(ctx)
	if err != nil {
		return nil, nil, err
	}
	lc, err := provider.LifeCycleOf(p)
	if errors.Is(err, provider.ErrUnsupported) {
		lc, err = nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s := &stated{Resources: r, base: b, links: newLinks(lc), wanted: wanted, annotate: show}
	if len(wanted) > 0 && !provider.IsPlain(p) {
		// The one part of a state that a service searches by.
		active := filter.Eq(filter.AttrPath{Name: "active"}, true)
		blocked := filter.Eq(filter.AttrPath{Name: "active"}, false)
		switch {
		case !slices.Contains(wanted, lifecycle.Blocked):
			expr = filter.AllOf(expr, active)
		case !slices.ContainsFunc(wanted, func(w lifecycle.State) bool { return w != lifecycle.Blocked }):
			expr = filter.AllOf(expr, blocked)
		}
	}
	return s, expr, nil
}

// stated are resources with their states.
type stated struct {
	provider.Resources
	base     *Base
	links    *links
	wanted   []lifecycle.State
	annotate bool
}

// All reads a batch ahead, so that the links of its users are one question.
func (s *stated) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		var batch []scim.Document
		flush := func() bool {
			docs, err := s.settle(ctx, batch)
			batch = batch[:0]
			if err != nil {
				yield(nil, err)
				return false
			}
			for _, doc := range docs {
				if !yield(doc, nil) {
					return false
				}
			}
			return true
		}
		for doc, err := range s.Resources.All(ctx, s.asking(opts)) {
			if err != nil {
				if flush() {
					yield(nil, err)
				}
				return
			}
			if batch = append(batch, doc); len(batch) == provider.FindBatch && !flush() {
				return
			}
		}
		flush()
	}
}

// Page answers a page; one of those in some states is cut from all of them.
func (s *stated) Page(ctx context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	if len(s.wanted) == 0 {
		page, err := s.Resources.Page(ctx, s.asking(opts))
		if err != nil {
			return nil, err
		}
		page.Resources, err = s.settle(ctx, page.Resources)
		return page, err
	}
	start := max(opts.StartIndex, 1)
	page := &scim.Page[scim.Document]{StartIndex: start}
	all := opts
	all.StartIndex, all.Count = 0, 0
	for doc, err := range s.All(ctx, all) {
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

// Get reads one resource with its state.
func (s *stated) Get(ctx context.Context, id string, opts scim.ListOptions) (scim.Document, error) {
	doc, err := s.Resources.Get(ctx, id, opts)
	if err != nil {
		return nil, err
	}
	docs, err := s.settle(ctx, []scim.Document{doc})
	if err != nil || len(docs) == 0 {
		return doc, err
	}
	return docs[0], nil
}

// asking asks for what states are read from, too.
func (s *stated) asking(opts scim.ListOptions) scim.ListOptions {
	if len(s.wanted) == 0 || slices.Contains(opts.AttributeSets, "all") {
		return opts
	}
	if len(opts.Attributes) == 0 && len(opts.AttributeSets) == 0 {
		opts.AttributeSets = []string{"default"}
	}
	opts.Attributes = slices.Clone(opts.Attributes)
	for _, a := range lifecycle.Attributes() {
		if !slices.Contains(opts.Attributes, a) {
			opts.Attributes = append(opts.Attributes, a)
		}
	}
	return opts
}

func (s *stated) settle(ctx context.Context, docs []scim.Document) ([]scim.Document, error) {
	if err := s.links.read(ctx, docs, s.need); err != nil {
		return nil, err
	}
	out := make([]scim.Document, 0, len(docs))
	for _, doc := range docs {
		link := s.links.of(doc)
		if len(s.wanted) > 0 && !s.matches(doc, link) {
			continue
		}
		if s.annotate {
			doc[linkMember] = link
		}
		out = append(out, doc)
	}
	return out, nil
}

// allUnregistered says that every state before the end of a registration is
// wanted, so that the link makes no difference.
func (s *stated) allUnregistered() bool {
	return slices.Contains(s.wanted, lifecycle.NotInvited) && slices.Contains(s.wanted, lifecycle.Pending) &&
		slices.Contains(s.wanted, lifecycle.Expired)
}

func (s *stated) need(u scim.Document) bool {
	return lifecycle.NeedsInvitation(u) &&
		(s.annotate || !s.allUnregistered() && slices.ContainsFunc(s.wanted, lifecycle.State.Unregistered))
}

func (s *stated) matches(u scim.Document, link lifecycle.Invitation) bool {
	if lifecycle.NeedsInvitation(u) && s.allUnregistered() {
		return true
	}
	return slices.Contains(s.wanted, lifecycle.Of(u, link, s.base.Deps.Clock()).State)
}

// linksAsked is for how many users links are asked for one by one; of more, all
// links are read once.
const linksAsked = 2 * provider.FindBatch

// links knows when the links of users end, a few bytes a user.
type links struct {
	lc    provider.LifeCycle // nil where there are none
	asked int
	whole bool
	ends  map[[16]byte]int64
}

func newLinks(lc provider.LifeCycle) *links { return &links{lc: lc, ends: map[[16]byte]int64{}} }

func linkKey(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

// read asks for the links of those users that need it.
func (l *links) read(ctx context.Context, docs []scim.Document, need func(scim.Document) bool) error {
	if l.lc == nil || l.whole {
		return nil
	}
	var ids []string
	for _, doc := range docs {
		if need(doc) {
			ids = append(ids, doc.ID())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if l.asked += len(ids); l.asked > linksAsked {
		ids, l.whole = nil, true
	}
	for link, err := range l.lc.Invitations(ctx, ids) {
		if errors.Is(err, provider.ErrUnsupported) {
			l.lc = nil // the service does not tell
			return nil
		}
		if err != nil {
			return err
		}
		key, ends := linkKey(link.UserID), int64(0)
		if !link.Expires.IsZero() {
			ends = link.Expires.UnixMilli()
		}
		l.ends[key] = max(l.ends[key], ends)
	}
	return nil
}

// of is what is known of a user's link.
func (l *links) of(u scim.Document) lifecycle.Invitation {
	if l.lc == nil {
		return lifecycle.Invitation{}
	}
	ends, sent := l.ends[linkKey(u.ID())]
	inv := lifecycle.Invitation{Known: true, Sent: sent}
	if ends > 0 {
		inv.Expires = time.UnixMilli(ends).UTC()
	}
	return inv
}
