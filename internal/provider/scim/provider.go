// Package scim is the provider for any server that speaks RFC 7643 and 7644
// and need not be an identity domain.
//
// What a server can do is read from its ServiceProviderConfig, ResourceTypes
// and Schemas, each once and not before it is needed. Where these are missing,
// incomplete or wrong, the package assumes what most servers do, tries, and
// does the rest on its own side: PATCH by reading and PUT, filters and orders
// by reading everything. It says so, once a run for each.
//
// It knows nothing of the additions of identity domains (attributeSets, paging
// inside of attributes, retry tokens) and sends none of them.
package scim

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// Name is this provider's word in a profile.
const Name = "scim"

// Options of New. The zero value says nothing to anybody.
type Options struct {
	// Logger gets what was assumed, at level info.
	Logger *slog.Logger
	// Note tells a person what is done here in place of the service; each
	// sentence comes once.
	Note func(format string, args ...any) error
}

// Provider is one server under one profile.
type Provider struct {
	client    *scim.Client
	transport *transport.Client
	log       *slog.Logger
	note      func(format string, args ...any) error
	// run answers the context of the command, for the two questions that come
	// without one of their own: which types there are, and whether bulk calls.
	run func() context.Context

	features lazy[features]
	types    lazy[[]typeInfo]
	schemas  lazy[map[string]scim.Document]
	bulk     lazy[*bulker]

	noPatch, noOr, noSearch atomic.Bool

	mu   sync.Mutex
	said map[string]bool
	// learned holds what a server turned out not to do, by type and topic.
	learned map[string]bool
}

var (
	_ provider.Provider      = (*Provider)(nil)
	_ provider.PlainProvider = (*Provider)(nil)
	_ provider.MemberReader  = (*resources)(nil)
)

// New makes a provider of a transport whose base URL is that of the SCIM
// service, https://host/scim/v2. It sends nothing. ctx is the one of the run:
// Resource, ResourceNames and Bulker, which take none, read under it.
func New(ctx context.Context, t *transport.Client, o Options) *Provider {
	p := &Provider{
		transport: t, log: o.Logger, note: o.Note,
		run:  func() context.Context { return ctx },
		said: map[string]bool{}, learned: map[string]bool{},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.client = scim.NewClient(unmask(scim.OverTransport(t), p), scim.Options{PageSize: scim.DefaultPageSize, Spool: provider.Spool})
	return p
}

// Name is "scim".
func (p *Provider) Name() string { return Name }

// Plain is true: nothing but RFC 7643 and 7644.
func (p *Provider) Plain() bool { return true }

// BaseURL is the service's URL, with its path, without a trailing slash.
func (p *Provider) BaseURL() string { return strings.TrimRight(p.transport.BaseURL(), "/") }

// Users reads and writes users.
func (p *Provider) Users() provider.Resources { return p.resources(userInfo()) }

// Groups reads and writes groups.
func (p *Provider) Groups() provider.Resources { return p.resources(groupInfo()) }

// Resource answers a type by its name or endpoint; case, hyphens and
// underscores do not count. Users and groups are known from the start; others
// are those that the server lists, which is then asked. Else the error is a
// *provider.UnknownResourceError with the likely names.
func (p *Provider) Resource(name string) (provider.Resources, error) {
	plain := provider.PlainName(name)
	is := func(t typeInfo) bool {
		return plain != "" && (provider.PlainName(t.name) == plain || provider.PlainName(t.endpoint) == plain)
	}
	for _, t := range builtin() {
		if is(t) {
			return p.resources(t), nil
		}
	}
	types, err := p.readTypes(p.run())
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(types))
	for _, t := range types {
		if is(t) {
			return p.resources(t), nil
		}
		names = append(names, t.name)
	}
	return nil, provider.NewUnknownResource(Name, name, names)
}

// ResourceNames lists the names of all types, sorted: those that the server
// lists and those of the protocol itself. Where the server cannot be asked,
// only the latter.
func (p *Provider) ResourceNames() []string {
	types, err := p.readTypes(p.run())
	if err != nil {
		p.log.InfoContext(p.run(), "the resource types cannot be read", "error", err)
		types = builtin()
	}
	names := make([]string, 0, len(types))
	for _, t := range types {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Bulker is nil unless the server announces bulk calls and its limits.
func (p *Provider) Bulker() provider.Bulker {
	b, err := p.readBulk(p.run())
	if err != nil || b == nil {
		return nil
	}
	return b
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
	if len(req.Body) > 0 && header.Get("Content-Type") == "" {
		header.Set("Content-Type", scim.MediaType)
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", scim.MediaType+", application/json")
	}
	resp, err := p.transport.Do(ctx, &transport.Request{
		Method: method, Path: path, Query: query, Header: header, Body: req.Body,
		Call: transport.Call{NoRetry: req.NoRetry},
	})
	if err != nil {
		return nil, err
	}
	return &provider.RawResponse{Status: resp.Status, Header: resp.Header, Body: resp.Body}, nil
}

// say tells a person what is done here in place of the service, once a run.
func (p *Provider) say(ctx context.Context, format string, args ...any) {
	p.mu.Lock()
	known := p.said[format]
	p.said[format] = true
	p.mu.Unlock()
	if known || p.note == nil {
		return
	}
	if err := p.note(format, args...); err != nil {
		p.log.InfoContext(ctx, "a remark could not be written", "error", err)
	}
}

// learn keeps what a server turned out not to do, so that it is not tried at
// every call anew.
func (p *Provider) learn(topic string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learned[topic] = true
}

// once says whether it was called for this topic before.
func (p *Provider) once(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.learned[topic]
	p.learned[topic] = true
	return before
}

func (p *Provider) knows(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.learned[topic]
}

// lazy reads a thing once. An error is not kept: the next caller tries again.
type lazy[T any] struct {
	mu    sync.Mutex
	turn  chan struct{}
	value T
	done  bool
}

func (l *lazy[T]) get(ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	var zero T
	l.mu.Lock()
	if l.turn == nil {
		l.turn = make(chan struct{}, 1)
	}
	turn := l.turn
	l.mu.Unlock()
	select {
	case turn <- struct{}{}: // others wait for the one that reads, or for their own end
	case <-ctx.Done():
		return zero, ctx.Err()
	}
	defer func() { <-turn }()
	if l.done {
		return l.value, nil
	}
	v, err := read(ctx)
	if err != nil {
		return zero, err
	}
	l.value, l.done = v, true
	return v, nil
}
