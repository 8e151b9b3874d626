package emulator

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// target is what a path below /admin/v1 names.
type target struct {
	rt     *schema.ResourceType
	id     string // empty for the collection
	search bool   // the path ends in .search
	own    bool   // the resource is the caller's, by its id
	self   bool   // the resource is the caller's own: /Me
}

// admin is the SCIM family.
func (s *Service) admin(w http.ResponseWriter, r *http.Request) {
	p := strings.TrimPrefix(r.URL.EscapedPath(), adminBase)
	switch p {
	case "/SigningCert/jwk":
		s.signingCert(w, r)
		return
	case "/Bulk":
		s.bulk(w, r)
		return
	}
	if r.Method == http.MethodOptions {
		s.adminOptions(w, r, p)
		return
	}
	who, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	t, err := s.resolve(p)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	op, err := s.readOperation(w, r, who, t)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	s.answerOperation(w, r, who, op)
}

// resolve finds what a path names. Paths are case-sensitive, and a path takes
// an id or an OCID.
func (s *Service) resolve(p string) (target, error) {
	unknown := refusal(http.StatusNotFound, "", msgUnknownType, "There is no such resource type or path.")
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, part := range parts {
		name, err := url.PathUnescape(part)
		if err != nil || name == "" || strings.Contains(name, "/") {
			return target{}, unknown
		}
		parts[i] = name
	}
	if !strings.HasPrefix(p, "/") || len(parts) > 2 {
		return target{}, unknown
	}
	rt, ok := s.catalog.Lookup(parts[0])
	if !ok || rt.Endpoint != "/"+parts[0] {
		return target{}, unknown
	}
	t := target{rt: rt, self: isSelf(rt)}
	if rt.Name == providerConfig && len(parts) == 1 {
		// RFC 7644 section 4: this path answers the one resource itself.
		t.id = rt.SingletonID
	}
	if len(parts) == 2 {
		t.search = parts[1] == ".search"
		if !t.search {
			t.id = parts[1]
		}
	}
	return t, nil
}

// providerConfig is the type whose collection path names its only resource.
const providerConfig = "ServiceProviderConfig"

// isSelf recognises the types that are the caller's own and have no id in
// their path: Me, MePasswordChanger and their like.
func isSelf(rt *schema.ResourceType) bool {
	rest, ok := strings.CutPrefix(rt.Name, "Me")
	return ok && rt.Verbs&schema.VerbList == 0 && (rest == "" || rest[0] >= 'A' && rest[0] <= 'Z')
}

// verbOf answers what a method means at a target, or 0.
func (t target) verbOf(method string) schema.Verb {
	var v schema.Verb
	single := t.id != "" || t.self
	switch {
	case t.search:
		if method == http.MethodPost {
			v = schema.VerbSearch
		}
	case method == http.MethodPost && t.id == "":
		v = schema.VerbCreate
	case (method == http.MethodGet || method == http.MethodHead) && !single:
		v = schema.VerbList
	case single:
		v = map[string]schema.Verb{
			http.MethodGet: schema.VerbGet, http.MethodHead: schema.VerbGet, http.MethodPut: schema.VerbPut,
			http.MethodPatch: schema.VerbPatch, http.MethodDelete: schema.VerbDelete,
		}[method]
	}
	return v & t.rt.Verbs
}

// allow lists the methods that a target takes, for the Allow of a 405.
func (t target) allow() string {
	var out []string
	for _, m := range allMethods {
		if m == http.MethodOptions || t.verbOf(m) != 0 {
			out = append(out, m)
		}
	}
	return strings.Join(out, ",")
}

// adminOptions answers with the methods of the whole type, whatever the path,
// in the order that the service was recorded with.
func (s *Service) adminOptions(w http.ResponseWriter, r *http.Request, p string) {
	t, err := s.resolve(p)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	var methods []string
	for _, m := range []struct {
		name  string
		verbs schema.Verb
	}{
		{http.MethodPatch, schema.VerbPatch},
		{http.MethodGet, schema.VerbList | schema.VerbGet},
		{http.MethodPut, schema.VerbPut},
		{http.MethodPost, schema.VerbCreate | schema.VerbSearch},
		{http.MethodDelete, schema.VerbDelete},
	} {
		if t.rt.Verbs&m.verbs != 0 {
			methods = append(methods, m.name)
		}
	}
	answerOptions(w, append(methods, http.MethodOptions))
}

func answerOptions(w http.ResponseWriter, methods []string) {
	list := strings.Join(methods, ",")
	w.Header().Set("Allow", list)
	w.Header().Set("Access-Control-Allow-Methods", list)
	w.WriteHeader(http.StatusOK)
}

func (s *Service) wrongMethod(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	writeError(w, refusal(http.StatusMethodNotAllowed, "", msgMethod, "This resource does not support "+r.Method+"."))
}

// operation is one thing done to the resources of one type, by a request of
// its own or inside a Bulk.
type operation struct {
	verb   schema.Verb
	rt     *schema.ResourceType
	id     string
	doc    engine.Document  // of a create or replace
	ops    []engine.PatchOp // of a patch
	params engine.Params
	retry  *retry // nil without an opc-retry-token
	// own says that the resource is the caller's; allowed that the caller was
	// found to have the right.
	own, allowed bool
}

// readOperation reads a request to the end. Errors are refusals.
func (s *Service) readOperation(w http.ResponseWriter, r *http.Request, who *caller, t target) (*operation, error) {
	op := &operation{verb: t.verbOf(r.Method), rt: t.rt, id: t.id}
	if op.verb == 0 {
		w.Header().Set("Allow", t.allow())
		return nil, refusal(http.StatusMethodNotAllowed, "", msgMethod, "Resource type "+t.rt.Name+" does not support "+r.Method+" here.")
	}
	if t.self && op.verb != schema.VerbCreate {
		switch {
		case who.call.Actor.Type != "User":
			return nil, refusal(http.StatusForbidden, "", msgForbidden, "This resource belongs to a user, and the token is a client's.")
		case op.id != "" && op.id != who.call.Actor.ID:
			return nil, refusal(http.StatusNotFound, "", "", "This resource is the caller's own; there is no other.")
		}
		op.id = who.call.Actor.ID
	}
	err := s.authorize(r.Context(), who, op)
	if err != nil {
		return nil, err
	}
	if op.params, err = parseQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	op.params.IfMatch = ifMatch(r.Header.Get("If-Match"))
	var raw []byte
	if op.verb&(schema.VerbCreate|schema.VerbPut|schema.VerbPatch|schema.VerbSearch) != 0 {
		var doc engine.Document
		if doc, raw, err = readDocument(r); err != nil {
			return nil, err
		}
		switch op.verb {
		case schema.VerbPatch:
			op.params.AllowSelfChange = op.params.AllowSelfChange || allowsSelfChange(doc)
			op.ops, err = patchOps(doc)
		case schema.VerbSearch:
			op.params, err = searchParams(doc, op.params)
		default:
			op.doc = doc
		}
		if err != nil {
			return nil, err
		}
	}
	if op.verb&writeVerbs != 0 {
		op.retry, err = newRetry(r, who, raw)
	}
	return op, err
}

// selfChange is the extension by which the body of a PATCH says that the change
// of the own account is meant; other bodies carry it as the resource's.
const selfChange = "urn:ietf:params:scim:schemas:oracle:idcs:extension:selfChange:User"

func allowsSelfChange(doc engine.Document) bool {
	if v, ok := member(doc, selfChange+":allowSelfChange"); ok {
		return v == true
	}
	v, _ := member(doc, selfChange)
	ext, _ := v.(map[string]any)
	allow, _ := member(ext, "allowSelfChange")
	return allow == true
}

const writeVerbs = schema.VerbCreate | schema.VerbPut | schema.VerbPatch | schema.VerbDelete

// ifMatch takes the quotes of RFC 9110 off a single entity tag; the service's
// own tags have none.
func ifMatch(h string) string {
	h = strings.TrimSpace(h)
	tag := strings.TrimPrefix(h, "W/")
	if len(tag) >= 2 && tag[0] == '"' && strings.IndexByte(tag[1:], '"') == len(tag)-2 {
		return tag[1 : len(tag)-1]
	}
	return h
}

// answerOperation does the operation and answers it.
func (s *Service) answerOperation(w http.ResponseWriter, r *http.Request, who *caller, op *operation) {
	ctx := r.Context()
	buf, _ := buffers.Get().(*[]byte)
	if op.rt.Name != providerConfig && op.rt.Name != "Me" { // get changes what they answer
		op.params.Into = (*buf)[:0]
	}
	if op.verb&(schema.VerbList|schema.VerbSearch) != 0 {
		list, err := s.list(ctx, who, op)
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		writeList(w, list)
		keepBuffer(buf, list.JSON)
		return
	}
	res, err := s.perform(ctx, who, op)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	defer keepBuffer(buf, res.JSON)
	switch op.verb {
	case schema.VerbDelete:
		w.WriteHeader(http.StatusNoContent)
	case schema.VerbCreate:
		writeResult(w, http.StatusCreated, res)
	default:
		writeResult(w, http.StatusOK, res)
	}
}

func (s *Service) list(ctx context.Context, who *caller, op *operation) (*engine.List, error) {
	if err := s.authorize(ctx, who, op); err != nil {
		return nil, err
	}
	return s.resources.List(ctx, who.call, op.rt.Name, op.params)
}

// perform does everything but lists. The result of a delete is empty.
func (s *Service) perform(ctx context.Context, who *caller, op *operation) (*engine.Result, error) {
	if err := s.authorize(ctx, who, op); err != nil {
		return nil, err
	}
	if op.retry == nil {
		return s.do(ctx, who, op)
	}
	return s.doOnce(ctx, who, op)
}

func (s *Service) do(ctx context.Context, who *caller, op *operation) (*engine.Result, error) {
	res, err := s.act(ctx, who, op)
	if err == nil && op.rt.Name == meType && op.verb != schema.VerbGet {
		showMe(who, op, res)
	}
	return res, err
}

// act is do but for the looks of Me.
func (s *Service) act(ctx context.Context, who *caller, op *operation) (*engine.Result, error) {
	typ := op.rt.Name
	switch op.verb {
	case schema.VerbCreate:
		return s.resources.Create(ctx, who.call, typ, op.doc, op.params)
	case schema.VerbGet:
		return s.get(ctx, who, op)
	case schema.VerbPut:
		return s.resources.Replace(ctx, who.call, typ, op.id, op.doc, op.params)
	case schema.VerbPatch:
		return s.resources.Patch(ctx, who.call, typ, op.id, op.ops, op.params)
	default:
		return &engine.Result{}, s.resources.Delete(ctx, who.call, typ, op.id, op.params)
	}
}

// get reads one resource. Me is read as the user it is; writing to it stays
// with the engine.
func (s *Service) get(ctx context.Context, who *caller, op *operation) (*engine.Result, error) {
	typ := op.rt.Name
	if typ == meType {
		typ = "User"
	}
	res, err := s.resources.Get(ctx, who.call, typ, op.id, op.params)
	if err != nil {
		return nil, err
	}
	switch op.rt.Name {
	case providerConfig:
		s.declareBulk(res.Doc)
	case meType:
		showMe(who, op, res)
	}
	return res, nil
}

// meType is the type of the resource that is the calling user.
const meType = "Me"

// showMe makes the answer about a user look like one about Me.
func showMe(who *caller, op *operation, res *engine.Result) {
	res.Location = who.call.BaseURL + adminBase + op.rt.Endpoint + "/" + op.id
	if meta, ok := res.Doc["meta"].(map[string]any); ok {
		meta["resourceType"], meta["location"] = op.rt.Name, res.Location
	}
}

// declareBulk puts the limits of Bulk, which the HTTP side sets, into the
// service's description.
func (s *Service) declareBulk(doc engine.Document) {
	if bulk, ok := doc["bulk"].(map[string]any); ok {
		bulk["maxOperations"], bulk["maxPayloadSize"] = s.opts.BulkMaxOperations, s.opts.MaxPayload
	}
}

// signingCert answers the signing key, to callers with a token unless the
// service makes it public (idcs-behaviour 1.5).
func (s *Service) signingCert(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodOptions:
		answerOptions(w, []string{http.MethodGet, http.MethodOptions})
	case http.MethodGet, http.MethodHead:
		if !s.opts.SigningCertPublic {
			if _, _, err := s.bearer(r); err != nil {
				s.answerUnauthenticated(w, r, err)
				return
			}
		}
		s.oauth.JWKS(w, r)
	default:
		s.wrongMethod(w, r, "GET,HEAD,OPTIONS")
	}
}
