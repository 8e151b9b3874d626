package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// errCut is what a client sees of a connection that broke: no status at all.
var errCut = errors.New("connection cut")

// service is a small user directory with a fault hook. It is a provider.
type service struct {
	mu      sync.Mutex
	users   map[string]scim.Document // by folded user name
	next    int
	creates map[string]int // how often each user was created
	writes  int
	reads   int
	bulks   int
	// before may refuse a write; after may lose the answer of one that
	// happened. Both see the number of the write.
	before, after func(n int, method, key string) error
	noBulk        bool
}

func newService() *service {
	return &service{users: map[string]scim.Document{}, creates: map[string]int{}}
}

func (s *service) Name() string                                { return "fake" }
func (s *service) BaseURL() string                             { return "https://fake.example.com" }
func (s *service) Users() provider.Resources                   { return s }
func (s *service) Groups() provider.Resources                  { return s }
func (s *service) Resource(string) (provider.Resources, error) { return s, nil }
func (s *service) ResourceNames() []string                     { return []string{"User"} }
func (s *service) Type() string                                { return "User" }
func (s *service) Path() string                                { return "/Users" }
func (s *service) Keys() []string                              { return []string{"userName"} }
func (s *service) BulkLimits() (maxOperations, maxBytes int)   { return 7, 4000 }
func (s *service) Delete(context.Context, string, scim.WriteOptions) error {
	return errors.New("never")
}

func (s *service) Raw(context.Context, provider.RawRequest) (*provider.RawResponse, error) {
	return nil, provider.ErrUnsupported
}

func (s *service) Bulker() provider.Bulker {
	if s.noBulk {
		return nil
	}
	return s
}

func (s *service) Replace(context.Context, string, scim.Document, scim.WriteOptions) (scim.Document, error) {
	return nil, errors.New("never")
}

func (s *service) Get(_ context.Context, id string, _ scim.ListOptions) (scim.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if doc := s.byID(id); doc != nil {
		return doc.Clone(), nil
	}
	return nil, &scim.Error{Status: http.StatusNotFound}
}

func (s *service) All(ctx context.Context, opts scim.ListOptions) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		page, err := s.Page(ctx, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, doc := range page.Resources {
			if !yield(doc, nil) {
				return
			}
		}
	}
}

func (s *service) Page(_ context.Context, opts scim.ListOptions) (*scim.Page[scim.Document], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	match, err := filter.Compile(opts.Filter, nil)
	if err != nil {
		return nil, err
	}
	page := &scim.Page[scim.Document]{StartIndex: 1, ItemsPerPage: opts.Count}
	for _, name := range slices.Sorted(maps.Keys(s.users)) {
		if match.Match(s.users[name]) {
			page.Resources = append(page.Resources, s.users[name].Clone())
		}
	}
	page.Total = len(page.Resources)
	return page, nil
}

func (s *service) byID(id string) scim.Document {
	for _, doc := range s.users {
		if doc.String("id") == id {
			return doc
		}
	}
	return nil
}

func (s *service) Create(_ context.Context, doc scim.Document, _ scim.WriteOptions) (scim.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(doc)
}

func (s *service) hook(h func(int, string, string) error, method, key string) error {
	if h == nil {
		return nil
	}
	return h(s.writes, method, key)
}

func (s *service) create(doc scim.Document) (scim.Document, error) {
	s.writes++
	key := provider.Fold(doc.String("userName"))
	if err := s.hook(s.before, http.MethodPost, key); err != nil {
		return nil, err
	}
	if _, ok := s.users[key]; ok {
		return nil, &scim.Error{Status: http.StatusConflict, Detail: "userName is taken"}
	}
	s.next++
	s.creates[key]++
	doc = doc.Clone()
	doc["id"] = fmt.Sprintf("id-%d", s.next)
	doc["meta"] = map[string]any{"version": fmt.Sprintf("v%d", s.writes)}
	s.users[key] = doc
	if err := s.hook(s.after, http.MethodPost, key); err != nil {
		return nil, err
	}
	return doc.Clone(), nil
}

func (s *service) Patch(_ context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.patch(id, ops, opts.IfMatch)
}

func (s *service) patch(id string, ops []scim.PatchOp, ifMatch string) (scim.Document, error) {
	s.writes++
	doc := s.byID(id)
	if doc == nil {
		return nil, &scim.Error{Status: http.StatusNotFound}
	}
	key := provider.Fold(doc.String("userName"))
	if err := s.hook(s.before, http.MethodPatch, key); err != nil {
		return nil, err
	}
	if ifMatch != "" && ifMatch != doc.String("meta.version") {
		return nil, &scim.Error{Status: http.StatusPreconditionFailed}
	}
	for _, op := range ops {
		doc[op.Path] = op.Value
	}
	doc["meta"] = map[string]any{"version": fmt.Sprintf("v%d", s.writes)}
	if err := s.hook(s.after, http.MethodPatch, key); err != nil {
		return nil, err
	}
	return doc.Clone(), nil
}

func (s *service) Bulk(_ context.Context, ops []scim.BulkOperation, _ string) ([]scim.BulkResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bulks++
	var lost error
	out := make([]scim.BulkResult, len(ops))
	for i, op := range ops {
		var doc scim.Document
		var err error
		if op.Method == http.MethodPost {
			var body scim.Document
			if err := json.Unmarshal(op.Data, &body); err != nil {
				return nil, err
			}
			doc, err = s.create(body)
		} else {
			var body struct{ Operations []scim.PatchOp }
			if err := json.Unmarshal(op.Data, &body); err != nil {
				return nil, err
			}
			doc, err = s.patch(path.Base(op.Path), body.Operations, "")
		}
		if errors.Is(err, errCut) {
			lost = err // the call as a whole has no answer
		}
		out[i] = scim.BulkResult{Method: op.Method, BulkID: op.BulkID, Status: 200, Err: err}
		var e *scim.Error
		if errors.As(err, &e) {
			out[i].Status = e.Status
		}
		if err == nil {
			out[i].Location = "https://fake.example.com/Users/" + doc.String("id")
			out[i].Response, _ = json.Marshal(doc)
		}
	}
	return out, lost
}

// row is a row of the fake source: a user with a title and a manager.
type row struct{ name, title, manager, bad string }

type file struct {
	rows    []row
	hash    string
	options string
}

func (f *file) Type() string    { return "User" }
func (f *file) Hash() string    { return f.hash }
func (f *file) Options() string { return f.options }
func (f *file) Name() string    { return "users.csv" }

func (f *file) Items(context.Context) iter.Seq2[*transfer.Item, error] {
	return func(yield func(*transfer.Item, error) bool) {
		for i, r := range f.rows {
			item := &transfer.Item{Row: i + 1, Line: i + 2, Key: r.name, Cells: []string{r.name, r.title, r.manager}}
			if r.bad != "" {
				item.Problems = []transfer.Problem{{Column: "Work Email", Code: "bad-email", Message: r.bad}}
			} else {
				item.Spec = r
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (r row) Refs() []transfer.Ref {
	if r.manager == "" {
		return nil
	}
	return []transfer.Ref{{Type: "User", Key: r.manager}}
}

func (r row) NeedsAttributes() []string { return nil }

func (r row) CreateProblems() []transfer.Problem {
	if r.title != "" {
		return nil
	}
	return []transfer.Problem{{Column: "Title", Code: "required", Message: "is empty"}}
}

func (r row) Create(id transfer.Resolved) scim.Document {
	doc := scim.Document{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": r.name, "title": r.title}
	for _, ref := range r.Refs() {
		if boss, ok := id(ref); ok {
			doc["boss"] = boss
		}
	}
	return doc
}

func (r row) Changes(before scim.Document, id transfer.Resolved) []scim.PatchOp {
	var ops []scim.PatchOp
	want := r.Create(id)
	for _, name := range []string{"title", "boss"} {
		if v := want.String(name); v != "" && v != before.String(name) {
			ops = append(ops, scim.PatchOp{Op: "replace", Path: name, Value: v})
		}
	}
	return ops
}

// team makes n users; each but the first reports to somebody further down.
func team(n int) *file {
	f := &file{hash: fmt.Sprintf("team-%d", n)}
	for i := range n {
		r := row{name: fmt.Sprintf("User%03d@example.com", i), title: "Engineer"}
		if i > 0 {
			r.manager = strings.ToUpper(fmt.Sprintf("user%03d@example.com", (i*7+3)%n))
		}
		f.rows = append(f.rows, r)
	}
	return f
}
