package scim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
)

// URNs of the schemas of RFC 7643.
const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// answer is what a server says of a feature.
type answer int

const (
	unsaid answer = iota
	yes
	no
)

// features is what ServiceProviderConfig says.
type features struct {
	patch, filter, sort, etag, bulk answer
	// maxResults, bulkOps and bulkBytes are 0 where the server does not say.
	maxResults, bulkOps, bulkBytes int
}

// typeInfo is a resource type as this package works with it.
type typeInfo struct {
	name     string
	endpoint string
	urns     []string // the main schema first
	keys     []string
	ops      scim.Ops
	bare     bool
	// protocol types describe the server itself.
	protocol bool
}

func userInfo() typeInfo {
	return typeInfo{
		name: "User", endpoint: "/Users", urns: []string{userURN, enterpriseURN}, keys: []string{"userName", "emails.value"}, ops: scim.AllOps,
	}
}

func groupInfo() typeInfo {
	return typeInfo{name: "Group", endpoint: "/Groups", urns: []string{groupURN}, keys: []string{"displayName"}, ops: scim.AllOps}
}

// builtin are the types that are known without asking.
func builtin() []typeInfo {
	return []typeInfo{
		userInfo(), groupInfo(),
		{name: "Me", endpoint: "/Me", urns: []string{userURN, enterpriseURN}, ops: scim.Get | scim.Replace | scim.Patch | scim.Delete, bare: true},
		{name: "ServiceProviderConfig", endpoint: "/ServiceProviderConfig", ops: scim.Get, bare: true, protocol: true},
		{name: "ResourceType", endpoint: "/ResourceTypes", ops: scim.List | scim.Get, protocol: true},
		{name: "Schema", endpoint: "/Schemas", ops: scim.List | scim.Get, protocol: true},
	}
}

// absent says whether an error means that the server does not tell, so that
// something has to be assumed. That it cannot be reached, does not know us or
// asks to come back later is no such answer.
func absent(err error) bool {
	var refusal *scim.Error
	switch {
	case errors.Is(err, scim.ErrBadResponse), errors.Is(err, scim.ErrTruncatedList):
		return true
	case errors.As(err, &refusal):
		return refusal.Status != http.StatusUnauthorized && refusal.Status != http.StatusTooManyRequests &&
			refusal.Status != http.StatusServiceUnavailable
	}
	return false
}

func (p *Provider) assumed(ctx context.Context, read, what string, err error) {
	p.log.InfoContext(ctx, "the service does not describe itself, assumed", "read", read, "assumed", what, "error", err)
}

func (p *Provider) readFeatures(ctx context.Context) (features, error) {
	return p.features.get(ctx, func(ctx context.Context) (features, error) {
		const path = "/ServiceProviderConfig"
		resp, err := p.client.Do(ctx, &scim.Request{Method: http.MethodGet, Path: path})
		var doc scim.Document
		if err == nil {
			if doc, err = scim.DecodeDocument(resp.Body); err != nil {
				err = fmt.Errorf("%w: %w", scim.ErrBadResponse, err)
			}
		}
		switch {
		case err != nil && !absent(err):
			return features{}, fmt.Errorf("read what the service can do: %w", err)
		case err != nil:
			p.assumed(ctx, path, "PATCH, filters and orders; no bulk calls", err)
			return features{}, nil
		}
		f := featuresOf(doc)
		if f.patch == unsaid || f.filter == unsaid || f.sort == unsaid || f.etag == unsaid {
			p.assumed(ctx, path, "that it can what it does not mention, but bulk calls", nil)
		}
		return f, nil
	})
}

// featuresOf reads a ServiceProviderConfig. Some servers wrap it into a list.
func featuresOf(doc scim.Document) features {
	if v, ok := doc.Get("Resources"); ok {
		if list, ok := v.([]any); ok && len(list) == 1 {
			if m, ok := list[0].(map[string]any); ok {
				doc = m
			}
		}
	}
	say := func(path string) answer {
		switch v, ok := doc.Bool(path + ".supported"); {
		case !ok:
			return unsaid
		case v:
			return yes
		}
		return no
	}
	number := func(path string) int {
		const most = 1 << 40
		n, _ := doc.Int(path)
		return int(min(max(n, 0), most))
	}
	return features{
		patch: say("patch"), filter: say("filter"), sort: say("sort"), etag: say("etag"), bulk: say("bulk"),
		maxResults: number("filter.maxResults"), bulkOps: number("bulk.maxOperations"), bulkBytes: number("bulk.maxPayloadSize"),
	}
}

// readTypes answers the types of the server, and those of the protocol that it
// need not list.
func (p *Provider) readTypes(ctx context.Context) ([]typeInfo, error) {
	return p.types.get(ctx, func(ctx context.Context) ([]typeInfo, error) {
		const path = "/ResourceTypes"
		docs, err := p.client.Discovery(ctx, path)
		if err != nil && !absent(err) {
			return nil, fmt.Errorf("read the resource types: %w", err)
		}
		var types []typeInfo
		for _, doc := range docs {
			if t, ok := p.typeOf(doc); ok {
				types = append(types, t)
			} else {
				p.log.InfoContext(ctx, "a resource type without name or endpoint was left out")
			}
		}
		if len(types) == 0 {
			p.assumed(ctx, path, "users at /Users and groups at /Groups", err)
		}
		for _, t := range builtin() {
			if !slices.ContainsFunc(types, func(o typeInfo) bool { return strings.EqualFold(o.name, t.name) }) {
				types = append(types, t)
			}
		}
		return types, nil
	})
}

func (p *Provider) typeOf(doc scim.Document) (typeInfo, bool) {
	t := typeInfo{name: doc.String("name"), ops: scim.AllOps}
	if t.name == "" {
		t.name = doc.ID()
	}
	t.endpoint = p.endpoint(doc.String("endpoint"))
	for _, known := range builtin() {
		if strings.EqualFold(known.name, t.name) {
			if known.protocol || known.bare {
				return known, true
			}
			t.name, t.keys = known.name, known.keys
			if t.endpoint == "" {
				t.endpoint = known.endpoint
			}
		}
	}
	if urn := doc.String("schema"); urn != "" {
		t.urns = append(t.urns, urn)
	}
	t.urns = append(t.urns, doc.Strings("schemaExtensions.schema")...)
	return t, t.name != "" && t.endpoint != ""
}

// endpoint is a path below the base: servers write it with and without a slash
// in front, and as a URL.
func (p *Provider) endpoint(s string) string {
	if strings.Contains(s, "://") {
		path, _, err := provider.ResolveRaw(p.transport.BaseURL(), s)
		if err != nil {
			return ""
		}
		s = path
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	s = strings.Trim(u.EscapedPath(), "/")
	if s == "" || slices.Contains(strings.Split(s, "/"), "..") {
		return ""
	}
	return "/" + s
}

// readSchemas answers the schemas by their URN in lower case; empty where the
// server has none.
func (p *Provider) readSchemas(ctx context.Context) (map[string]scim.Document, error) {
	return p.schemas.get(ctx, func(ctx context.Context) (map[string]scim.Document, error) {
		const path = "/Schemas"
		docs, err := p.client.Discovery(ctx, path)
		if err != nil {
			if !absent(err) {
				return nil, fmt.Errorf("read the schemas: %w", err)
			}
			p.assumed(ctx, path, "those of RFC 7643", err)
		}
		out := make(map[string]scim.Document, len(docs))
		for _, doc := range docs {
			if id := doc.ID(); id != "" {
				out[strings.ToLower(id)] = doc
			}
		}
		return out, nil
	})
}

// described yields the entries of a discovery endpoint.
func (p *Provider) described(ctx context.Context, path string) iter.Seq2[scim.Document, error] {
	return func(yield func(scim.Document, error) bool) {
		docs, err := p.client.Discovery(ctx, path)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, doc := range docs {
			if !yield(doc, nil) {
				return
			}
		}
	}
}

// readBulk is nil where bulk calls are not announced with their limits.
func (p *Provider) readBulk(ctx context.Context) (*bulker, error) {
	return p.bulk.get(ctx, func(ctx context.Context) (*bulker, error) {
		f, err := p.readFeatures(ctx)
		if err != nil {
			return nil, err
		}
		// Updates go as PATCH operations, so that one is of no use without the other.
		if f.bulk != yes || f.bulkOps < 1 || f.bulkBytes < smallestBulk || f.patch == no {
			return nil, nil //nolint:nilnil // there is none, and that is no error
		}
		return &bulker{p: p, ops: min(f.bulkOps, mostBulkOps), bytes: min(f.bulkBytes, mostBulkBytes) - bulkEnvelope}, nil
	})
}

// attribute is what a schema says of a top-level attribute.
type attribute struct {
	path                 string
	mutability, returned string
}

// attributes are those that the server's schemas give a type; none where it
// does not describe them.
func (r *resources) attributes(ctx context.Context) ([]attribute, error) {
	t, err := r.info(ctx)
	if err != nil {
		return nil, err
	}
	schemas, err := r.p.readSchemas(ctx)
	if err != nil {
		return nil, err
	}
	var out []attribute
	for i, urn := range t.urns {
		prefix := ""
		if i > 0 {
			prefix = urn + ":"
		}
		v, _ := schemas[strings.ToLower(urn)].Get("attributes")
		list, _ := v.([]any)
		for _, e := range list {
			m, ok := e.(map[string]any)
			if !ok {
				continue
			}
			a := scim.Document(m)
			if name := a.String("name"); name != "" {
				out = append(out, attribute{prefix + name, strings.ToLower(a.String("mutability")), strings.ToLower(a.String("returned"))})
			}
		}
	}
	return out, nil
}
