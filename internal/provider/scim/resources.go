package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

// resources is one type of the server.
type resources struct {
	p    *Provider
	base typeInfo // as known without asking
}

func (p *Provider) resources(t typeInfo) *resources { return &resources{p, t} }

func (r *resources) Type() string   { return r.base.name }
func (r *resources) Keys() []string { return slices.Clone(r.base.keys) }

// Path is the endpoint, where the server has told its types.
func (r *resources) Path() string {
	if t, err := r.info(r.p.run()); err == nil {
		return t.endpoint
	}
	return r.base.endpoint
}

// info is the type as the server describes it.
func (r *resources) info(ctx context.Context) (typeInfo, error) {
	if r.base.protocol || r.base.bare {
		return r.base, nil
	}
	types, err := r.p.readTypes(ctx)
	if err != nil {
		return r.base, err
	}
	for _, t := range types {
		if strings.EqualFold(t.name, r.base.name) {
			return t, nil
		}
	}
	return r.base, nil
}

func (r *resources) service(ctx context.Context) (*scim.Service[scim.Document], typeInfo, error) {
	t, err := r.info(ctx)
	if err != nil {
		return nil, t, err
	}
	ops := t.ops
	if r.p.noSearch.Load() {
		ops &^= scim.Search
	}
	return r.p.client.Documents(scim.Type[scim.Document]{
		Name: t.name, Path: t.endpoint, Schemas: t.urns, Key: "id", Ops: ops, Bare: t.bare,
	}), t, nil
}

// Get reads one resource. Attributes that the server refuses are not asked for
// again.
func (r *resources) Get(ctx context.Context, id string, opts scim.ListOptions) (scim.Document, error) {
	s, t, err := r.service(ctx)
	if err != nil {
		return nil, err
	}
	var ask scim.ListOptions
	if ask.Attributes, err = r.projection(ctx, t, opts); err != nil {
		return nil, err
	}
	doc, err := s.Get(ctx, id, ask)
	if len(ask.Attributes) > 0 && errors.Is(err, scim.ErrInvalid) {
		var again error
		if doc, again = s.Get(ctx, id, scim.ListOptions{}); again == nil {
			r.withoutAttributes(ctx, err)
		}
		err = again
	}
	if err != nil && t.protocol && !t.bare && absent(err) {
		// Not every server has a page for each of them.
		for d, lerr := range r.p.described(ctx, t.endpoint) {
			if lerr == nil && (strings.EqualFold(d.ID(), id) || strings.EqualFold(d.String("name"), id)) {
				return d, nil
			}
		}
	}
	if err != nil {
		return nil, r.refuse(err)
	}
	return r.checked(doc, id, http.MethodGet)
}

func (r *resources) withoutAttributes(ctx context.Context, refusal error) {
	r.p.learn(r.base.name + " attributes")
	r.p.log.InfoContext(ctx, "the service refuses a list of attributes, asking for whole resources from now on", "type", r.base.name, "error", refusal)
}

// projection are the attributes to ask for; none asks for the usual ones.
//
// Classes of attributes (attributeSets) are an addition of identity domains.
// Where one is named, the usual ones are wanted and more, which the protocol
// cannot say: attributes would give nothing but those that are named. Only
// where the schemas tell that one of them comes on request are all of the usual
// ones named as well.
func (r *resources) projection(ctx context.Context, t typeInfo, opts scim.ListOptions) ([]string, error) {
	if len(opts.Attributes) == 0 || t.protocol || r.p.knows(r.base.name+" attributes") {
		return nil, nil
	}
	var out []string
	for _, a := range opts.Attributes {
		name, _, _ := strings.Cut(a, "[") // paging and filters inside of attributes
		if name = strings.TrimSuffix(name, "."); name != "" && t.mayHave(name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	switch {
	case len(opts.AttributeSets) > 0:
		return r.usualAnd(ctx, out)
	case len(out) == 0:
		return []string{"id"}, nil
	}
	return out, nil
}

// usualAnd adds the usual attributes to those that come on request; none where
// the usual ones are all that is wanted.
func (r *resources) usualAnd(ctx context.Context, named []string) ([]string, error) {
	if len(named) == 0 {
		return nil, nil
	}
	attrs, err := r.attributes(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	onRequest := false
	for _, a := range attrs {
		is := func(name string) bool {
			return strings.EqualFold(name, a.path) || len(name) > len(a.path) && strings.EqualFold(name[:len(a.path)+1], a.path+".")
		}
		wanted := a.returned == "request" && slices.ContainsFunc(named, is)
		onRequest = onRequest || wanted
		if wanted || a.returned == "default" || a.returned == "" {
			out = append(out, a.path)
		}
	}
	if !onRequest {
		return nil, nil
	}
	return append(out, "meta"), nil
}

// mayHave leaves out attributes of extensions that the server does not list
// for the type: some servers refuse the whole request for one.
func (t typeInfo) mayHave(attr string) bool {
	a, err := filter.ParseAttr(attr)
	if err != nil || a.URN == "" {
		return err == nil
	}
	return slices.ContainsFunc(t.urns, func(u string) bool { return strings.EqualFold(u, a.URN) })
}

// checked looks whether an answer is a resource at all.
func (r *resources) checked(doc scim.Document, id, method string) (scim.Document, error) {
	if doc.ID() != "" || r.base.protocol || r.base.bare {
		return doc, nil
	}
	_, isList := doc.Get("Resources")
	if isList || len(doc.Schemas()) == 0 && doc.String("meta.resourceType") == "" {
		return nil, r.refuse(fmt.Errorf("%s %s: %w: the answer is no %s", method, r.base.endpoint, scim.ErrBadResponse, r.base.name))
	}
	if id != "" {
		doc["id"] = id // a required attribute that some leave out when not asked for
	}
	return doc, nil
}

// Create makes a resource. Retry tokens are not sent: a server that does not
// know them would carry out a repeated request twice.
func (r *resources) Create(ctx context.Context, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	if err := r.noForce(opts); err != nil {
		return nil, err
	}
	s, _, err := r.service(ctx)
	if err != nil {
		return nil, err
	}
	out, err := s.Create(ctx, doc, scim.WriteOptions{})
	if errors.Is(err, scim.ErrConflict) {
		r.conflict(ctx, doc)
	}
	if err != nil {
		return nil, r.refuse(err)
	}
	if len(out) > 0 {
		if out, err = r.checked(out, "", http.MethodPost); err != nil || out.ID() != "" {
			return out, err
		}
	}
	// Created, and the answer does not say what: the caller needs the id.
	return r.sought(ctx, doc, out)
}

// conflict looks for the resource that is in the way of a new one. Some
// servers hold names for equal whatever their case, and search with regard to
// it: then names are compared here from now on, so that the caller, who looks
// for the resource next, finds it. Everything is read for that once a run.
func (r *resources) conflict(ctx context.Context, doc scim.Document) {
	if len(r.base.keys) == 0 || r.p.once(r.base.name+" conflict") {
		return
	}
	key := r.base.keys[0]
	attr, err := filter.ParseAttr(key)
	name := doc.String(key)
	if err != nil || name == "" {
		return
	}
	opts := scim.ListOptions{Filter: filter.Eq(attr, name), Attributes: []string{key}}
	there := func(q *query) bool {
		for _, err := range q.all(ctx) {
			if err != nil {
				r.p.log.InfoContext(ctx, "what is in the way cannot be looked for", "type", r.base.name, "error", err)
			}
			return err == nil
		}
		return false
	}
	q, err := r.query(ctx, opts)
	if err != nil || q.filterHere || there(q) {
		return
	}
	if q, err = r.query(ctx, opts); err != nil {
		return
	}
	q.filterHere = true
	if there(q) {
		r.p.learn(q.filterTopic())
		r.p.log.InfoContext(ctx, "the service searches with regard to case and does not tell names apart by it", "type", r.base.name, "attribute", key)
	}
}

// sought looks a resource up that was just created; or, where that finds
// nothing clear, is what the answer held.
func (r *resources) sought(ctx context.Context, doc, answer scim.Document) (scim.Document, error) {
	if len(r.base.keys) == 0 || doc.String(r.base.keys[0]) == "" {
		return answer, nil
	}
	attr, err := filter.ParseAttr(r.base.keys[0])
	if err != nil {
		return answer, nil //nolint:nilerr // it is created; only the way to its id is barred
	}
	page, err := r.Page(ctx, scim.ListOptions{Filter: filter.Eq(attr, doc.String(r.base.keys[0])), Count: 2})
	if err != nil {
		r.p.log.InfoContext(ctx, "created, but it cannot be read back", "type", r.base.name, "error", err)
		return answer, nil
	}
	if len(page.Resources) == 1 {
		return page.Resources[0], nil
	}
	return answer, nil
}

// Replace puts a document in place of a resource.
func (r *resources) Replace(ctx context.Context, id string, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	s, _, err := r.service(ctx)
	if err != nil {
		return nil, err
	}
	match, err := r.ifMatch(ctx, id, opts.IfMatch)
	if err != nil {
		return nil, err
	}
	out, err := s.Replace(ctx, id, doc, scim.WriteOptions{IfMatch: match})
	if err != nil {
		return nil, r.refuse(err)
	}
	return r.after(ctx, id, out, opts)
}

// Patch changes single attributes: by PATCH, or where the server has none by
// reading the resource, changing it here and putting it back.
func (r *resources) Patch(ctx context.Context, id string, ops []scim.PatchOp, opts scim.WriteOptions) (scim.Document, error) {
	f, err := r.p.readFeatures(ctx)
	if err != nil {
		return nil, err
	}
	if f.patch == no || r.p.noPatch.Load() {
		return r.put(ctx, id, ops, opts)
	}
	s, _, err := r.service(ctx)
	if err != nil {
		return nil, err
	}
	match, err := r.ifMatch(ctx, id, opts.IfMatch)
	if err != nil {
		return nil, err
	}
	out, err := s.Patch(ctx, id, ops, scim.WriteOptions{IfMatch: match})
	if err == nil {
		return r.after(ctx, id, out, opts)
	}
	gone, checkErr := r.lacksPatch(ctx, s, id, f, err)
	if checkErr != nil {
		return nil, r.refuse(checkErr)
	}
	if !gone {
		return nil, r.refuse(err)
	}
	r.p.noPatch.Store(true)
	if f.patch == yes {
		r.p.say(ctx, "the service announces PATCH and refuses it")
	}
	return r.put(ctx, id, ops, opts)
}

// lacksPatch says whether a refusal means that there is no PATCH. A route that
// does not exist is a 404, as is a resource that does not.
func (r *resources) lacksPatch(ctx context.Context, s *scim.Service[scim.Document], id string, f features, err error) (bool, error) {
	var refusal *scim.Error
	if !errors.As(err, &refusal) {
		return false, nil
	}
	switch refusal.Status {
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true, nil
	case http.StatusNotFound:
		if f.patch == yes {
			return false, nil
		}
		_, err := s.Get(ctx, id, scim.ListOptions{})
		if errors.Is(err, scim.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	return false, nil
}

// after is the answer to a write. A server may answer none; where the caller
// wants to see the resource, it is read.
func (r *resources) after(ctx context.Context, id string, doc scim.Document, opts scim.WriteOptions) (scim.Document, error) {
	if len(doc) > 0 {
		return r.checked(doc, id, "write")
	}
	if len(opts.Attributes)+len(opts.AttributeSets) == 0 {
		return nil, nil //nolint:nilnil // nothing was said and nothing is wanted
	}
	out, err := r.Get(ctx, id, scim.ListOptions{Attributes: opts.Attributes, AttributeSets: opts.AttributeSets})
	if err != nil {
		return nil, fmt.Errorf("written, but not read back: %w", err)
	}
	return out, nil
}

// ifMatch is the version to send along. A server without ETags would not look
// at it, so that the version is compared here.
func (r *resources) ifMatch(ctx context.Context, id, version string) (string, error) {
	if version == "" {
		return "", nil
	}
	f, err := r.p.readFeatures(ctx)
	if err != nil || f.etag != no {
		return version, err
	}
	now, err := r.whole(ctx, id)
	if err != nil {
		return "", err
	}
	return "", r.sameVersion(now, version)
}

// sameVersion compares with what the document says, which is what a person
// sees, and with the header.
func (r *resources) sameVersion(now versioned, want string) error {
	switch want {
	case now.version, now.doc.Version():
		return nil
	}
	if now.version == "" {
		return &provider.UnsupportedError{
			Provider: Name, What: "write under the condition of a version: this service has none", Instead: "leave out --if-match",
		}
	}
	return &scim.Error{Op: http.MethodPut, Path: r.base.endpoint, Status: http.StatusPreconditionFailed, Detail: "it changed since it was read"}
}

// Delete removes a resource.
func (r *resources) Delete(ctx context.Context, id string, opts scim.WriteOptions) error {
	if err := r.noForce(opts); err != nil {
		return err
	}
	s, _, err := r.service(ctx)
	if err != nil {
		return err
	}
	match, err := r.ifMatch(ctx, id, opts.IfMatch)
	if err != nil {
		return err
	}
	return r.refuse(s.Delete(ctx, id, scim.WriteOptions{IfMatch: match}))
}

func (r *resources) noForce(opts scim.WriteOptions) error {
	if !opts.Force {
		return nil
	}
	return &provider.UnsupportedError{
		Provider: Name, What: "delete the references to a resource along with it", Instead: "leave out --force; most services take members out by themselves",
	}
}
