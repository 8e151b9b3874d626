package idcs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// ErrUnknownType says that no resource type has this name or endpoint.
var ErrUnknownType = errors.New("unknown resource type")

// Client reaches the resources of one identity domain. It is safe for
// concurrent use.
type Client struct {
	Users    *scim.Service[User]
	Groups   *scim.Service[Group]
	Apps     *scim.Service[App]
	AppRoles *scim.Service[AppRole]
	Grants   *scim.Service[Grant]

	scim *scim.Client
}

// New makes a client over a SCIM client whose base path is BasePath; see
// SCIMOptions.
func New(c *scim.Client) *Client {
	return &Client{
		Users:    scim.NewService(c, scimType[User](mustType("User"), "userName")),
		Groups:   scim.NewService(c, scimType[Group](mustType("Group"), "displayName")),
		Apps:     scim.NewService(c, scimType[App](mustType("App"), "displayName")),
		AppRoles: scim.NewService(c, scimType[AppRole](mustType("AppRole"), "displayName")),
		Grants:   scim.NewService(c, scimType[Grant](mustType("Grant"), "id")),
		scim:     c,
	}
}

// SCIM is the client below, for bulk, discovery and endpoints of one's own.
func (c *Client) SCIM() *scim.Client { return c.scim }

// Resource reads and writes a type as documents, by its name or endpoint
// without regard to case. ErrUnknownType when there is none.
func (c *Client) Resource(name string) (*scim.Service[scim.Document], error) {
	t, ok := LookupType(name)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownType, name)
	}
	key := ""
	if len(t.Keys) > 0 {
		key = t.Keys[0]
	}
	return c.scim.Documents(scimType[scim.Document](t, key)), nil
}

// Bulk sends operations in one call; BulkOperations and BulkBytes bound it.
// See scim.Client.Bulk.
func (c *Client) Bulk(ctx context.Context, ops []scim.BulkOperation, retryToken string) ([]scim.BulkResult, error) {
	return c.scim.Bulk(ctx, ops, scim.BulkOptions{RetryToken: retryToken})
}

// SCIMOptions are the options of a scim.Client for an identity domain.
func SCIMOptions() scim.Options {
	return scim.Options{BasePath: BasePath, PageSize: MaxPageSize, Group: GroupOf}
}

// Options set up NewClient.
type Options struct {
	// BaseURL is the domain's URL, as its administrators see it.
	BaseURL string
	// Tokens gives access tokens; nil sends none.
	Tokens transport.TokenSource
	// DomainType chooses the rate limits to keep. Empty means Free, the lowest.
	DomainType DomainType
	// Share is the part of each limit to use; 0 means the transport's default.
	// Shards divides it among as many processes; 0 means 1.
	Share  float64
	Shards int
	// Unlimited keeps to no published limit and only backs off when told to.
	Unlimited bool
	// Clock tells the time and waits, transport.NewClock(time.Now).
	Clock  transport.Clock
	Logger *slog.Logger
	// Timeout bounds one attempt of a request; 0 means the transport's default.
	Timeout time.Duration
	// Workers is how many requests run at a time; 0 means the default.
	Workers int
	TLS     transport.TLSOptions
	// Base replaces the network, for a service inside this process.
	Base http.RoundTripper
}

// TransportOptions are the options of a transport for an identity domain, for
// those who want to change more of them than Options shows.
func TransportOptions(o Options) transport.Options {
	t := transport.Options{
		BaseURL: o.BaseURL, Tokens: o.Tokens, Clock: o.Clock, Logger: o.Logger,
		Timeout: o.Timeout, Workers: o.Workers, TLS: o.TLS, Base: o.Base,
		Limits: transport.LimitOptions{
			Share: o.Share, Shards: o.Shards,
			Group: func(r *http.Request) string { return GroupOf(r.Method, r.URL.Path) },
		},
	}
	if !o.Unlimited {
		t.Limits.Rates = Rates(o.DomainType)
	}
	return t
}

// NewClient connects to a domain. It sends nothing yet.
func NewClient(o Options) (*Client, error) {
	t, err := transport.NewClient(TransportOptions(o))
	if err != nil {
		return nil, fmt.Errorf("identity domain: %w", err)
	}
	return New(scim.NewClient(scim.OverTransport(t), SCIMOptions())), nil
}
