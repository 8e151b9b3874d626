package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// bulkStatus is the status of a whole Bulk answer, also of one in which every
// operation failed (idcs-behaviour 2.8).
const bulkStatus = http.StatusCreated

// bulkOp is one operation of a bulk request, as read.
type bulkOp struct {
	method  string
	path    string
	bulkID  string
	version string
	data    map[string]any
	refs    []string      // bulkIds that it needs
	bad     *engine.Error // what is wrong with it before it is tried

	state  bulkState
	id     string // of the resource it made or touched
	result *bulkResult
}

type bulkState uint8

const (
	bulkWaiting bulkState = iota
	bulkRunning
	bulkDone
	bulkFailed
)

// bulkResult is one row of the answer. Rows of failed operations were not
// seen; that they carry the error body as response follows RFC 7644 section
// 3.7.3.
type bulkResult struct {
	Location string         `json:"location,omitempty"`
	Version  string         `json:"version,omitempty"` // in plain SCIM only
	Method   string         `json:"method"`
	BulkID   string         `json:"bulkId,omitempty"`
	Status   string         `json:"status"`
	Response map[string]any `json:"response,omitempty"`
}

type bulkResponse struct {
	Schemas    []string      `json:"schemas"`
	Operations []*bulkResult `json:"Operations"`
}

// bulk is POST /admin/v1/Bulk. Every operation is a transaction of its own.
func (s *Service) bulk(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		answerOptions(w, []string{http.MethodPost, http.MethodOptions})
		return
	}
	who, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	if r.Method != http.MethodPost {
		s.wrongMethod(w, r, "POST,OPTIONS")
		return
	}
	if err := s.mayDo(r.Context(), who, bulkEndpoint, schema.VerbCreate, false); err != nil {
		s.answerError(w, r, err)
		return
	}
	doc, raw, err := readDocument(r)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	run, err := s.readBulk(doc)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	run.who = who
	if run.retry, err = newRetry(r, who, raw); err != nil {
		s.answerError(w, r, err)
		return
	}
	if err := run.all(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	writeBody(w, bulkStatus, contentJSON, run.response())
}

// response lists the operations that were tried.
func (b *bulkRun) response() bulkResponse {
	out := bulkResponse{Schemas: []string{urnBulkResponse}, Operations: []*bulkResult{}}
	for _, op := range b.ops {
		if op.result != nil {
			out.Operations = append(out.Operations, op.result)
		}
	}
	return out
}

// bulkRun is a bulk request being worked on.
type bulkRun struct {
	s     *Service
	who   *caller
	retry *retry
	ops   []*bulkOp
	byID  map[string]*bulkOp
	index map[*bulkOp]int
	// failOnErrors ends the run after that many errors; 0 never does. No
	// source of the service mentions it: it works as in RFC 7644 section 3.7,
	// and operations that were not tried are left out of the answer.
	failOnErrors int
	errors       int
	// plain is a bulk of plain SCIM.
	plain bool
}

// readBulk reads a request. What is wrong with the request as a whole refuses
// it; what is wrong with one operation becomes that one's result.
func (s *Service) readBulk(doc engine.Document) (*bulkRun, error) {
	if err := wantSchema(doc, urnBulkRequest); err != nil {
		return nil, err
	}
	v, _ := member(doc, "Operations")
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body must have Operations, an array with at least one operation.")
	}
	if len(list) > s.opts.BulkMaxOperations {
		return nil, refusal(http.StatusRequestEntityTooLarge, "tooMany", msgTooLarge,
			fmt.Sprintf("A bulk call takes at most %d operations, not %d.", s.opts.BulkMaxOperations, len(list)))
	}
	run := &bulkRun{s: s, byID: map[string]*bulkOp{}, index: map[*bulkOp]int{}}
	if v, ok := member(doc, "failOnErrors"); ok {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil || n < 0 {
			return nil, refusal(http.StatusBadRequest, "invalidValue", msgSyntax, "failOnErrors must be a positive integer.")
		}
		run.failOnErrors = n
	}
	for i, e := range list {
		op := readBulkOp(e)
		if op.bulkID != "" {
			if run.byID[op.bulkID] != nil {
				return nil, refusal(http.StatusBadRequest, "invalidValue", msgBulk, fmt.Sprintf("bulkId %q is used by more than one operation.", op.bulkID))
			}
			run.byID[op.bulkID] = op
		}
		run.index[op] = i
		run.ops = append(run.ops, op)
	}
	return run, nil
}

func badBulk(format string, args ...any) *engine.Error {
	return refusal(http.StatusBadRequest, "invalidValue", msgBulk, fmt.Sprintf(format, args...))
}

func readBulkOp(e any) *bulkOp {
	op := &bulkOp{}
	m, ok := e.(map[string]any)
	if !ok {
		op.bad = badBulk("An operation must be an object.")
		return op
	}
	text := func(name string) string {
		v, _ := member(m, name)
		s, isString := v.(string)
		if !isString && v != nil && op.bad == nil {
			op.bad = badBulk("Member %s of an operation must be a string.", name)
		}
		return s
	}
	op.method, op.path = strings.ToUpper(text("method")), text("path")
	op.bulkID, op.version = text("bulkId"), text("version")
	if v, _ := member(m, "data"); v != nil {
		if op.data, ok = v.(map[string]any); !ok && op.bad == nil {
			op.bad = badBulk("Member data of an operation must be an object.")
		}
	}
	if ref, ok := pathReference(op.path); ok {
		op.refs = append(op.refs, ref)
	}
	op.refs = references(op.data, op.refs)
	return op
}

const bulkPrefix = "bulkId:"

// pathReference answers the bulkId that a path names in place of an id.
func pathReference(path string) (ref string, ok bool) {
	path, _, _ = strings.Cut(path, "?")
	_, ref, ok = strings.Cut(path, "/"+bulkPrefix)
	return ref, ok
}

// references collects the bulkIds that data names: strings of the form
// bulkId:x.
func references(v any, into []string) []string {
	switch v := v.(type) {
	case string:
		if ref, ok := strings.CutPrefix(v, bulkPrefix); ok {
			into = append(into, ref)
		}
	case map[string]any:
		for _, x := range v {
			into = references(x, into)
		}
	case []any:
		for _, x := range v {
			into = references(x, into)
		}
	}
	return into
}

// all works through the operations in order. One that refers to a later one
// has that one done first, so the order of the answer stays that of the
// request. Its error says that the caller has gone.
func (b *bulkRun) all(ctx context.Context) error {
	for _, op := range b.ops {
		if b.failOnErrors > 0 && b.errors >= b.failOnErrors {
			return nil
		}
		b.run(ctx, op)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// run does an operation, after those it refers to.
func (b *bulkRun) run(ctx context.Context, op *bulkOp) {
	if op.state != bulkWaiting || ctx.Err() != nil {
		return
	}
	op.state = bulkRunning
	if op.bad != nil {
		b.failed(op, op.bad)
		return
	}
	ids := map[string]string{}
	for _, ref := range op.refs {
		dep := b.byID[ref]
		if dep == nil {
			b.failed(op, badBulk("bulkId %q is not part of this request.", ref))
			return
		}
		if dep.state == bulkRunning {
			// RFC 7644 section 3.7.1 lets a server give up on a circle.
			b.failed(op, refusal(http.StatusConflict, "invalidValue", msgBulk,
				fmt.Sprintf("bulkId %q refers back to this operation.", ref)))
			return
		}
		b.run(ctx, dep)
		if dep.state != bulkDone || dep.id == "" {
			b.failed(op, badBulk("The operation with bulkId %q did not make a resource.", ref))
			return
		}
		ids[ref] = dep.id
	}
	b.perform(ctx, op, ids)
}

func (b *bulkRun) perform(ctx context.Context, op *bulkOp, ids map[string]string) {
	o, err := b.operation(ctx, op, ids)
	if err != nil {
		b.failed(op, err)
		return
	}
	res, err := b.s.perform(ctx, b.who, o)
	if err != nil {
		b.failed(op, err)
		return
	}
	op.state = bulkDone
	status := http.StatusOK
	location := res.Location
	switch o.verb {
	case schema.VerbCreate:
		status = http.StatusCreated
		op.id, _ = res.Doc["id"].(string)
	case schema.VerbDelete:
		status = http.StatusNoContent
		fallthrough
	default:
		op.id = o.id
		if location == "" {
			location = b.who.call.BaseURL + b.base() + o.rt.Endpoint + "/" + o.id
		}
	}
	op.result = &bulkResult{Location: location, Method: op.method, BulkID: op.bulkID, Status: strconv.Itoa(status)}
	if b.plain && res.Version != "" {
		op.result.Version = engine.WeakTag(res.Version)
	}
}

// base is the path below which the paths of operations lie.
func (b *bulkRun) base() string {
	if b.plain {
		return scimBase
	}
	return adminBase
}

// operation turns a bulk operation into one of the family.
func (b *bulkRun) operation(ctx context.Context, op *bulkOp, ids map[string]string) (*operation, error) {
	p, query, _ := strings.Cut(op.path, "?")
	p = "/" + strings.TrimPrefix(strings.TrimPrefix(p, b.base()), "/")
	if ref, ok := pathReference(p); ok {
		p = strings.TrimSuffix(p, bulkPrefix+ref) + ids[ref]
	}
	resolve, parse := b.s.resolve, parseQuery
	if b.plain {
		resolve, parse = b.s.resolvePlain, plainQuery
	}
	t, err := resolve(p)
	if err != nil {
		return nil, err
	}
	verb := t.verbOf(op.method)
	switch {
	case t.search || op.method != http.MethodPost && op.method != http.MethodPut && op.method != http.MethodPatch && op.method != http.MethodDelete:
		return nil, badBulk("A bulk operation is POST, PUT, PATCH or DELETE of a resource.")
	case verb == 0:
		return nil, refusal(http.StatusMethodNotAllowed, "", msgMethod, "Resource type "+t.rt.Name+" does not support "+op.method+" here.")
	case t.self:
		return nil, badBulk("The caller's own resource cannot be changed in a bulk call.")
	}
	o := &operation{verb: verb, rt: t.rt, id: t.id, retry: b.retry.part(b.index[op])}
	if err := b.s.authorize(ctx, b.who, o); err != nil {
		return nil, err
	}
	if o.params, err = parse(query); err != nil {
		return nil, err
	}
	// The answer shows no resource, so as little as possible is rendered.
	o.params.Attributes, o.params.AttributeSets = []string{"id"}, nil
	o.params.IfMatch, o.params.Excluded = ifMatch(op.version), nil
	if b.plain {
		return b.plainOperation(op, o, ids)
	}
	if verb == schema.VerbDelete {
		return o, nil
	}
	if op.data == nil {
		return nil, badBulk("An operation with %s needs data.", op.method)
	}
	data, _ := resolveReferences(op.data, ids).(map[string]any)
	if verb == schema.VerbPatch {
		o.ops, err = patchOps(data)
		return o, err
	}
	o.doc = data
	return o, nil
}

// resolveReferences puts ids in the place of bulkId references, in a copy.
func resolveReferences(v any, ids map[string]string) any {
	switch v := v.(type) {
	case string:
		if ref, ok := strings.CutPrefix(v, bulkPrefix); ok {
			if id, known := ids[ref]; known {
				return id
			}
		}
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = resolveReferences(x, ids)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = resolveReferences(x, ids)
		}
		return l
	}
	return v
}

// failed makes a refusal the operation's result. Other errors become a 500 of
// their operation, because the answer must still tell what was done.
func (b *bulkRun) failed(op *bulkOp, err error) {
	var e *engine.Error
	if !errors.As(err, &e) {
		b.s.log.Error("bulk operation failed", "path", op.path, "error", err)
		e = failure(err)
	}
	op.state = bulkFailed
	b.errors++
	op.result = &bulkResult{Method: op.method, BulkID: op.bulkID, Status: strconv.Itoa(e.Status)}
	if b.plain {
		op.result.Response = plainError(e)
		if op.method != http.MethodPost && strings.HasPrefix(op.path, "/") {
			op.result.Location = b.who.call.BaseURL + scimBase + op.path
		}
		return
	}
	op.result.Response = errorDocument(e)
}
