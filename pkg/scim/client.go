package scim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// MediaType is the media type of SCIM bodies (RFC 7644 section 8.1).
const MediaType = "application/scim+json"

// Options set up a Client. The zero value is usable.
type Options struct {
	// BasePath comes before every endpoint: /admin/v1 on identity domains,
	// /scim/v2 on many servers. It is used as given, without a final slash.
	BasePath string
	// PageSize is the count asked for where ListOptions name none; 0 means
	// DefaultPageSize. Servers may give less.
	PageSize int
	// MaxURL is the length of an encoded query from which a list is sent as
	// POST .search where the type has it; 0 means DefaultMaxURL.
	MaxURL int
	// Group names the rate limit a request counts against; nil leaves it open.
	Group func(method, path string) string
	// Spool opens a place for what lists of more than 16,000 rows have to
	// remember; nil keeps it in memory. A list whose place cannot be opened or
	// written keeps it in memory too.
	Spool func() (Spool, error)
}

// Defaults of Options.
const (
	DefaultPageSize = 200
	DefaultMaxURL   = 4000
)

// Client speaks SCIM below one base path. It holds no state of its own and is
// safe for concurrent use.
type Client struct {
	doer Doer
	opts Options
}

// NewClient makes a client over d.
func NewClient(d Doer, o Options) *Client {
	o.BasePath = strings.TrimRight(o.BasePath, "/")
	if o.BasePath != "" && o.BasePath[0] != '/' {
		o.BasePath = "/" + o.BasePath
	}
	if o.PageSize <= 0 {
		o.PageSize = DefaultPageSize
	}
	if o.MaxURL <= 0 {
		o.MaxURL = DefaultMaxURL
	}
	return &Client{doer: d, opts: o}
}

// BasePath is the path that all endpoints share.
func (c *Client) BasePath() string { return c.opts.BasePath }

// WithBasePath is a client for another family of the same service, below a
// base path of its own, with the same options otherwise.
func (c *Client) WithBasePath(path string) *Client {
	o := c.opts
	o.BasePath = path
	return NewClient(c.doer, o)
}

// Documents is a service that reads and writes resources of any type as
// Documents.
func (c *Client) Documents(t Type[Document]) *Service[Document] { return NewService(c, t) }

// Do sends a request as it is, with the client's base path in front of Path
// and its rate limit group, and turns a status of 400 or above into an *Error.
// It is for endpoints that have no service.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	r := *req
	r.Path = c.opts.BasePath + req.Path
	return c.send(ctx, &r)
}

func (c *Client) send(ctx context.Context, req *Request) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if req.Header == nil {
		req.Header = make(http.Header, 8)
	} else {
		req.Header = req.Header.Clone()
	}
	if req.Header.Get("Accept") == "" {
		req.Header["Accept"] = []string{MediaType + ", application/json"}
	}
	if req.Body != nil && req.Header.Get("Content-Type") == "" {
		req.Header["Content-Type"] = []string{MediaType}
	}
	if req.Group == "" && c.opts.Group != nil {
		req.Group = c.opts.Group(req.Method, req.Path)
	}
	resp, err := c.doer.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp.Status >= 400 || resp.Status < 200 {
		e := ParseError(req.Method, req.Path, resp.Status, resp.RequestID, resp.Body)
		e.Attempts = resp.Attempts
		return nil, e
	}
	if resp.Status >= 300 && resp.Status != http.StatusNotModified {
		e := ParseError(req.Method, req.Path, resp.Status, resp.RequestID, nil)
		e.Detail = "the service points elsewhere; check the base URL"
		return nil, fmt.Errorf("%w: %w", ErrBadResponse, e)
	}
	return resp, nil
}

// decode reads the body of an answer that should be a resource. HTML from a
// proxy is told apart from a resource by its first byte.
func decode(req *Request, resp *Response, v any) error {
	if d, ok := v.(*Document); ok && d.UnmarshalJSON(resp.Body) == nil {
		return nil // without the two passes that json.Unmarshal makes before
	}
	if err := json.Unmarshal(resp.Body, v); err != nil {
		return badResponse(req, resp, err)
	}
	return nil
}

// badResponse says what came instead of JSON. The cause is named by type and
// place only, since its text may quote the body.
func badResponse(req *Request, resp *Response, cause error) error {
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = "no content type"
	}
	id := ""
	if resp.RequestID != "" {
		id = ", request " + clean(resp.RequestID, 100)
	}
	return fmt.Errorf("%s %s: %w: %w (%d, %s, %d bytes%s)",
		req.Method, req.Path, ErrBadResponse, cause, resp.Status, clean(kind, 60), len(resp.Body), id)
}

// segment makes one path segment of an id. The ids "." and ".." have no
// spelling that every server and proxy on the way leaves alone, and an empty
// one would turn "delete this" into "delete all".
func segment(id string) (string, error) {
	switch id {
	case "":
		return "", ErrNoID
	case ".", "..":
		return "", fmt.Errorf("%w: %q cannot be an id", ErrInvalid, id)
	}
	return url.PathEscape(id), nil
}

// ResourcePath is the path of a resource for bulk operations: an endpoint such
// as "/Users" and an id, escaped once. ErrNoID for an empty id.
func ResourcePath(endpoint, id string) (string, error) {
	s, err := segment(id)
	if err != nil {
		return "", err
	}
	return endpoint + "/" + s, nil
}
