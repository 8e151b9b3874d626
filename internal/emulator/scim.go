package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Plain SCIM: the tenant's users and groups in the manners of RFC 7643 and RFC
// 7644, below /scim/v2. What identity domains do otherwise stays at /admin/v1;
// both work on the same records, and what is particular to one of them is
// decided here or, where it concerns a resource, in the engine by Call.Plain.

// scimBase is the path of plain SCIM; its last part is the protocol's version
// (RFC 7644 section 3.13).
const scimBase = engine.PlainBase

// scim is the family of plain SCIM.
func (s *Service) scim(w http.ResponseWriter, r *http.Request) {
	who, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	who.call.Plain = true
	p := strings.TrimPrefix(r.URL.EscapedPath(), scimBase)
	name, rest, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch name {
	case "", ".search":
		s.scimRoot(w, r, who, p)
	case "Bulk":
		if rest == "" && !strings.HasSuffix(p, "/") {
			s.scimBulk(w, r, who)
			return
		}
		s.answerError(w, r, noSuchPath())
	case "Me":
		s.scimMe(w, r, who, p)
	case "ServiceProviderConfig", "ResourceTypes", "Schemas":
		s.scimDiscovery(w, r, who, name, rest, strings.Contains(strings.TrimPrefix(p, "/"), "/"))
	default:
		t, err := s.resolvePlain(p)
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		s.scimResource(w, r, who, t)
	}
}

func noSuchPath() *engine.Error {
	return refusal(http.StatusNotFound, "", "", "There is nothing at this path.")
}

// resolvePlain finds what a path below the base names.
func (s *Service) resolvePlain(p string) (target, error) {
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, part := range parts {
		name, err := url.PathUnescape(part)
		if err != nil || name == "" || strings.Contains(name, "/") {
			return target{}, noSuchPath()
		}
		parts[i] = name
	}
	types, err := s.engine.PlainTypes()
	if err != nil {
		return target{}, err
	}
	i := slices.IndexFunc(types, func(rt *schema.ResourceType) bool { return rt.Endpoint == "/"+parts[0] })
	if !strings.HasPrefix(p, "/") || i < 0 || len(parts) > 2 {
		return target{}, noSuchPath()
	}
	t := target{rt: types[i]}
	if len(parts) == 2 {
		if t.search = parts[1] == ".search"; !t.search {
			t.id = parts[1]
		}
	}
	return t, nil
}

// wrongVerb is a 405 with Allow.
func wrongVerb(w http.ResponseWriter, method string, allow ...string) *engine.Error {
	w.Header().Set("Allow", strings.Join(allow, ", "))
	return refusal(http.StatusMethodNotAllowed, "", "", method+" is not possible here.")
}

// scimResource serves a collection, a resource or a search below a collection.
func (s *Service) scimResource(w http.ResponseWriter, r *http.Request, who *caller, t target) {
	if r.Method == http.MethodOptions {
		answerOptions(w, strings.Split(t.allow(), ","))
		return
	}
	op, err := s.plainOperation(w, r, who, t)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	buf, _ := buffers.Get().(*[]byte)
	op.params.Into = (*buf)[:0]
	if op.verb&(schema.VerbList|schema.VerbSearch) != 0 {
		list, err := s.list(r.Context(), who, op)
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		writePlainList(w, list)
		keepBuffer(buf, list.JSON)
		return
	}
	res, err := s.perform(r.Context(), who, op)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	defer keepBuffer(buf, res.JSON)
	switch {
	case op.verb == schema.VerbDelete:
		w.WriteHeader(http.StatusNoContent)
	case op.verb == schema.VerbCreate:
		writePlainResult(w, http.StatusCreated, res)
	case op.verb == schema.VerbGet && engine.TagMatches(r.Header.Get("If-None-Match"), res.Version):
		w.Header().Set("ETag", engine.WeakTag(res.Version))
		w.WriteHeader(http.StatusNotModified)
	default:
		writePlainResult(w, http.StatusOK, res)
	}
}

// plainOperation reads a request to the end. Errors are refusals.
func (s *Service) plainOperation(w http.ResponseWriter, r *http.Request, who *caller, t target) (*operation, error) {
	op := &operation{verb: t.verbOf(r.Method), rt: t.rt, id: t.id, own: t.own}
	if op.verb == 0 {
		return nil, wrongVerb(w, r.Method, strings.Split(t.allow(), ",")...)
	}
	err := s.authorize(r.Context(), who, op)
	if err != nil {
		return nil, err
	}
	if op.params, err = plainQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if op.verb&(schema.VerbCreate|schema.VerbPut|schema.VerbPatch|schema.VerbSearch) != 0 {
		doc, _, err := readDocument(r)
		if err != nil {
			return nil, err
		}
		if op.verb == schema.VerbSearch {
			op.params, err = plainSearch(doc)
		} else {
			err = op.readBody(doc)
		}
		if err != nil {
			return nil, err
		}
	}
	if op.verb&writeVerbs != 0 {
		op.params.IfMatch, op.params.IfNoneMatch = r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
		op.params.Force = true
	}
	return op, nil
}

// readBody takes the document of a create or replace, or the operations of a
// patch.
func (op *operation) readBody(doc engine.Document) (err error) {
	if op.verb == schema.VerbPatch {
		op.ops, err = plainPatch(doc)
		return err
	}
	op.doc = doc
	return needSchema(doc, op.rt.Core.ID)
}

// plainPatch reads a patch, which must name its schema and give a value to add
// or to replace with (RFC 7644 section 3.5.2).
func plainPatch(doc engine.Document) ([]engine.PatchOp, error) {
	if err := needSchema(doc, urnPatch); err != nil {
		return nil, err
	}
	ops, err := patchOps(doc)
	if err != nil {
		return nil, err
	}
	v, _ := member(doc, "Operations")
	list, _ := v.([]any)
	for i, op := range ops {
		m, _ := list[i].(map[string]any)
		if _, given := member(m, "value"); !given && op.Op != "remove" {
			return nil, refusal(http.StatusBadRequest, "invalidSyntax", "", "An operation "+op.Op+" needs a value.")
		}
	}
	return ops, nil
}

// needSchema checks that a body names its schema, as RFC 7643 section 3 and
// RFC 7644 section 3.1 demand of every one.
func needSchema(doc engine.Document, urn string) error {
	v, ok := member(doc, "schemas")
	if list, isList := v.([]any); !ok || !isList || len(list) == 0 {
		return refusal(http.StatusBadRequest, "invalidSyntax", "", "The body must have schemas, with "+urn+".")
	}
	return wantSchema(doc, urn)
}

// scimMe is the alias for the user whom the token stands for (RFC 7644 section
// 3.11). A client has no user: 404. Registering oneself is not supported: 501.
func (s *Service) scimMe(w http.ResponseWriter, r *http.Request, who *caller, p string) {
	switch {
	case p != "/Me":
		s.answerError(w, r, noSuchPath())
	case r.Method == http.MethodPost:
		s.answerError(w, r, refusal(http.StatusNotImplemented, "", "", "Users cannot register themselves."))
	case who.call.Actor.Type != "User":
		s.answerError(w, r, refusal(http.StatusNotFound, "", "", "The token is a client's, which is no user."))
	default:
		t, err := s.resolvePlain("/Users/" + url.PathEscape(who.call.Actor.ID))
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		t.own = true
		s.scimResource(w, r, who, t)
	}
}

// scimRoot is a query over users and groups (RFC 7644 sections 3.4.2.1 and
// 3.4.3).
func (s *Service) scimRoot(w http.ResponseWriter, r *http.Request, who *caller, p string) {
	search := p == "/.search"
	var params engine.Params
	var err error
	switch {
	case p != "" && p != "/" && !search:
		err = noSuchPath()
	case search && r.Method == http.MethodPost:
		var doc engine.Document
		if doc, _, err = readDocument(r); err == nil {
			params, err = plainSearch(doc)
		}
	case search:
		err = wrongVerb(w, r.Method, http.MethodPost)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		params, err = plainQuery(r.URL.RawQuery)
	default:
		err = wrongVerb(w, r.Method, http.MethodGet, http.MethodHead)
	}
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	types, err := s.engine.PlainTypes()
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	names := make([]string, len(types))
	var within *engine.Limit // where one of them is limited, all are
	for i, rt := range types {
		names[i] = rt.Name
		if err := s.authorize(r.Context(), who, &operation{verb: schema.VerbSearch, rt: rt}); err != nil {
			s.answerError(w, r, err)
			return
		}
		if who.call.Within != nil {
			within = who.call.Within
		}
	}
	who.call.Within = within
	list, err := s.engine.ListAll(r.Context(), who.call, names, params)
	if err != nil {
		s.answerError(w, r, err)
		return
	}
	writePlainList(w, list)
}
