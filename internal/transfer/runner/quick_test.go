package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
)

// quick is the service with writes that take bodies and answer receipts.
type quick struct {
	*service
	bodies []string
}

func (q *quick) Resource(string) (provider.Resources, error) { return q, nil }

func (q *quick) Create(context.Context, scim.Document, scim.WriteOptions) (scim.Document, error) {
	panic("the short way was not taken")
}

func (q *quick) Patch(context.Context, string, []scim.PatchOp, scim.WriteOptions) (scim.Document, error) {
	panic("the short way was not taken")
}

func (q *quick) CreateReceipt(ctx context.Context, body []byte, opts scim.WriteOptions) (scim.Receipt, error) {
	if opts.RetryToken == "" {
		return scim.Receipt{}, fmt.Errorf("a create without a retry token")
	}
	var doc scim.Document
	if err := json.Unmarshal(body, &doc); err != nil {
		return scim.Receipt{}, err
	}
	out, err := q.service.Create(ctx, doc, opts)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bodies = append(q.bodies, string(body))
	return scim.Receipt{ID: out.ID(), Version: out.Version()}, err
}

func (q *quick) PatchReceipt(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Receipt, error) {
	if opts.IfMatch == "" {
		return scim.Receipt{}, fmt.Errorf("a change without a version")
	}
	out, err := q.service.Patch(ctx, id, ops, opts)
	return scim.Receipt{ID: out.ID(), Version: out.Version()}, err
}

// TestReceiptWriter: a provider that has the short way is used by it, and the
// promises stay, also when answers are lost and somebody else was first.
func TestReceiptWriter(t *testing.T) {
	q, f := &quick{service: newService()}, team(60)
	q.users["user007@example.com"] = scim.Document{"id": "old", "userName": "user007@example.com", "title": "Clerk", "meta": map[string]any{"version": "v0"}}
	q.creates["user007@example.com"] = 1
	q.after = func(n int, _, _ string) error {
		if n%9 == 0 {
			return errCut
		}
		if n%11 == 0 {
			return &scim.Error{Status: http.StatusBadGateway}
		}
		return nil
	}
	summary, _, err := Run(t.Context(), q, f, options(t, f))
	if err != nil {
		t.Fatalf("%v (%+v)", err, summary)
	}
	if diff := cmp.Diff(Counts{Total: 60, Rows: 60, Created: 59, Updated: 1}, summary.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	whole(t, q.service, f)
}

// encodedRow is a row that writes its body itself.
type encodedRow struct{ row }

func (r encodedRow) AppendCreate(dst []byte, _ transfer.Resolved) ([]byte, error) {
	return append(dst, `{"userName":"`+r.name+`","title":"encoded"}`...), nil
}

func TestRowsEncodeThemselves(t *testing.T) {
	q := &quick{service: newService()}
	r := &run{resources: q, references: newReferences(q)}
	for range 2 {
		body, err := r.createBody(&transfer.Item{Row: 1, Spec: encodedRow{row{name: "ada"}}})
		if err != nil || string(body) != `{"userName":"ada","title":"encoded"}` {
			t.Errorf("%s, %v", body, err)
		}
	}
}

// TestBulkWaitsForManagers: a row whose manager an earlier call creates is
// written once, although the next call is made while that one is under way.
func TestBulkWaitsForManagers(t *testing.T) {
	f := &file{hash: "managers"}
	for i := range 40 {
		r := row{name: fmt.Sprintf("user%02d", i), title: "Engineer"}
		if i >= 7 { // a bulk call of the service has seven operations
			r.manager = fmt.Sprintf("user%02d", i-7)
		}
		f.rows = append(f.rows, r)
	}
	s := newService()
	o := options(t, f)
	o.Route = RouteBulk
	if got := must(t, s, f, o); got.Created != 40 || got.Writes != 40 {
		t.Errorf("%d rows took %d writes", got.Created, got.Writes)
	}
	whole(t, s, f)
}

// TestBulkSettlesWhatIsUnderWay: when one call shows that there is no going on,
// the rows of calls that went out are settled all the same, and a resume does
// the rest.
func TestBulkSettlesWhatIsUnderWay(t *testing.T) {
	for stop := 1; stop < 60; stop += 4 {
		s, f := newService(), team(60)
		s.before = func(n int, _, _ string) error {
			if n > stop {
				return &scim.Error{Status: http.StatusUnauthorized}
			}
			return nil
		}
		o := options(t, f)
		o.Route = RouteBulk
		if _, _, err := Run(t.Context(), s, f, o); err == nil {
			t.Fatalf("stopped at %d, and nothing was wrong", stop)
		}
		s.before = nil
		o = reopen(t, f, o)
		must(t, s, f, o)
		whole(t, s, f)
	}
}
