package scim

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/idctl/idctl/pkg/scim"
)

const (
	// A server may announce more than is wise: what a call that fails leaves
	// unknown has to be looked up.
	mostBulkOps   = 1000
	mostBulkBytes = 10 << 20
	// bulkEnvelope is what surrounds the operations of a call.
	bulkEnvelope = 512
	// smallestBulk is the announced size below which a call is not worth it.
	smallestBulk = 16 << 10
)

// bulker sends Bulk calls within the limits that the server announced.
type bulker struct {
	p          *Provider
	ops, bytes int
	// refusal is what the server answered when it turned out to have no bulk
	// calls after all. The run goes on one by one.
	refusal atomic.Pointer[scim.Error]
}

// Bulk sends no retry token: a server that does not know it would carry out a
// repeated call twice.
func (b *bulker) Bulk(ctx context.Context, ops []scim.BulkOperation, _ string) ([]scim.BulkResult, error) {
	if known := b.refusal.Load(); known != nil {
		return nil, known
	}
	out, err := b.p.client.Bulk(ctx, ops, scim.BulkOptions{})
	var refusal *scim.Error
	if errors.As(err, &refusal) {
		switch refusal.Status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			b.refusal.Store(refusal)
			b.p.say(ctx, "the service announces bulk calls and refuses them; rows are sent one by one")
		}
	}
	return out, err
}

func (b *bulker) BulkLimits() (maxOperations, maxBytes int) { return b.ops, b.bytes }
