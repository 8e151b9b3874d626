package bypasscodes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/pkg/scim"
)

// newest knows of users which of their codes is to be mailed.
type newest struct {
	codes provider.Owned
	id    string // of the code that was asked for
	clock func() time.Time

	mu    sync.Mutex
	found map[string]string // id of the code by that of the user
}

// read reads the codes of some users.
func (n *newest) read(ctx context.Context, targets []*acts.Target) error {
	users := make([]string, len(targets))
	for i, t := range targets {
		users[i] = t.ID()
	}
	latest := map[string]time.Time{}
	found := map[string]string{}
	for doc, err := range n.codes.All(ctx, scim.ListOptions{Filter: n.codes.Of(users...)}) {
		if err != nil {
			return fmt.Errorf("read the bypass codes: %w", err)
		}
		made, _ := doc.Time("meta.created")
		owner := n.codes.Owner(doc)
		_, seen := found[owner]
		if n.id != "" && doc.ID() != n.id || n.spent(doc) || seen && !made.After(latest[owner]) {
			continue
		}
		found[owner], latest[owner] = doc.ID(), made
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.found == nil {
		n.found = map[string]string{}
	}
	for owner, id := range found {
		n.found[owner] = id
	}
	return nil
}

// spent says that a code does not work any more.
func (n *newest) spent(doc scim.Document) bool {
	if end, ok := doc.Time("expiresOn"); ok && !end.After(n.clock()) {
		return true
	}
	used, known := doc.Int("actualUsageCount")
	limit, bounded := doc.Int("maxUsageCount")
	return known && bounded && used >= limit
}

func (n *newest) of(user string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.found[user]
}

// errNone: the user has no such code.
var errNone = errors.New("no such bypass code that works")

func (n *newest) check(t *acts.Target) acts.Verdict {
	switch {
	case n.of(t.ID()) != "":
		return acts.Verdict{}
	case n.id != "":
		return acts.Verdict{Refused: fmt.Errorf("bypass code %q: %w: %w", n.id, errNone, scim.ErrNotFound)}
	}
	return acts.Verdict{Refused: &cmdutil.RefusedError{
		Reason: "the user has no bypass code that works", Help: "idctl bypass-codes generate makes one",
	}}
}
