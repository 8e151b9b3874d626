package scim

import (
	"context"
	"net/http"
	"net/url"
)

// Request is one call as this package hands it to a Doer.
type Request struct {
	Method string
	// Path is absolute on the service's origin, with every segment escaped
	// exactly once: /admin/v1/Users/2f6b. It never holds a query.
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
	// RetryToken, when not empty, is the value for opc-retry-token; with it a
	// POST may be sent again.
	RetryToken string
	// NoRetry forbids sending the request again in any case.
	NoRetry bool
	// Idempotent says that a request whose method does not promise it may
	// still be sent again without harm: a search, for instance.
	Idempotent bool
	// Once says that a request does something anew each time it is sent, even
	// if its method promises otherwise.
	Once bool
	// Group names the rate limit the request counts against.
	Group string
	// Direct says that the request is one of many and should take the shortest
	// way to the wire that the Doer has.
	Direct bool
	// Buffer is memory that a Doer may read the answer's body into. The caller
	// must not use it until the answer is there.
	Buffer []byte
}

// Response is the answer to a Request, whatever its status.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte
	RequestID string
	// Attempts counts how often the request was sent; 0 means not known.
	Attempts int
}

// Doer sends requests. It answers an error only when there is no answer to
// show: a status of 400 or above is a Response. Implementations must be safe
// for concurrent use and must end when ctx does.
type Doer interface {
	Do(ctx context.Context, req *Request) (*Response, error)
}

// DoerFunc makes a Doer of a function.
type DoerFunc func(ctx context.Context, req *Request) (*Response, error)

// Do calls f.
func (f DoerFunc) Do(ctx context.Context, req *Request) (*Response, error) { return f(ctx, req) }
