// Package idcs is the provider for Oracle Identity Cloud Service and OCI IAM
// identity domains. It joins pkg/idcs to the interfaces of internal/provider:
// everything passes as documents, so that no attribute is lost.
//
// It holds no rule of the service's own; types, operations and limits are data
// of pkg/idcs.
package idcs

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// Name is this provider's word in a profile.
const Name = "idcs"

// Provider is one identity domain under one profile.
type Provider struct {
	client    *idcs.Client
	transport *transport.Client
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Bulker   = bulker{}

	_ provider.ReceiptWriter = (*resources)(nil)
)

// New makes a provider of a transport whose base URL is the domain's. See
// idcs.TransportOptions.
func New(t *transport.Client) *Provider {
	opts := idcs.SCIMOptions()
	opts.Spool = provider.Spool
	return &Provider{
		client:    idcs.New(scim.NewClient(scim.OverTransport(t), opts)),
		transport: t,
	}
}

// Client is the typed client below, for commands of this provider alone.
func (p *Provider) Client() *idcs.Client { return p.client }

// Name is "idcs".
func (p *Provider) Name() string { return Name }

// BaseURL is the domain's URL without a trailing slash.
func (p *Provider) BaseURL() string { return strings.TrimRight(p.transport.BaseURL(), "/") }

// Users reads and writes users.
func (p *Provider) Users() provider.Resources { return p.must("User") }

// Groups reads and writes groups.
func (p *Provider) Groups() provider.Resources { return p.must("Group") }

func (p *Provider) must(name string) provider.Resources {
	info, _ := idcs.LookupType(name) // a constant of the table, see the tests
	return p.resources(info)
}

// Resource answers a type by its name or endpoint; case, hyphens and
// underscores do not count: users, app-roles, AppRole. Else the error is a
// *provider.UnknownResourceError with the likely names.
func (p *Provider) Resource(name string) (provider.Resources, error) {
	plain := provider.PlainName(name)
	var names []string
	for _, t := range idcs.Types() {
		if plain != "" && (provider.PlainName(t.Name) == plain || provider.PlainName(t.Endpoint) == plain) {
			return p.resources(t), nil
		}
		names = append(names, t.Name)
	}
	return nil, provider.NewUnknownResource(Name, name, names)
}

// ResourceNames lists the names of all types, sorted.
func (p *Provider) ResourceNames() []string {
	var names []string
	for _, t := range idcs.Types() {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// Bulker sends Bulk calls.
func (p *Provider) Bulker() provider.Bulker { return bulker{p.client} }

type bulker struct{ client *idcs.Client }

func (b bulker) Bulk(ctx context.Context, ops []scim.BulkOperation, retryToken string) ([]scim.BulkResult, error) {
	return b.client.Bulk(ctx, ops, retryToken)
}

func (b bulker) BulkLimits() (maxOperations, maxBytes int) {
	return idcs.BulkOperations, idcs.BulkBytes
}

// Raw sends any request with the profile's credentials. An error status is an
// answer here, not an error.
func (p *Provider) Raw(ctx context.Context, req provider.RawRequest) (*provider.RawResponse, error) {
	path, query, err := provider.ResolveRaw(p.transport.BaseURL(), req.Path)
	if err != nil {
		return nil, err
	}
	method := strings.ToUpper(req.Method)
	if method == "" {
		method = http.MethodGet
	}
	header := make(http.Header, len(req.Header))
	for name, value := range req.Header {
		header.Set(name, value)
	}
	resp, err := p.transport.Do(ctx, &transport.Request{
		Method: method, Path: path, Query: query, Header: header, Body: req.Body,
		Call: transport.Call{Group: idcs.GroupOf(method, path), NoRetry: req.NoRetry},
	})
	if err != nil {
		return nil, err
	}
	return &provider.RawResponse{Status: resp.Status, Header: resp.Header, Body: resp.Body}, nil
}
