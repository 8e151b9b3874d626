package scim

import (
	"context"

	"github.com/idctl/idctl/pkg/transport"
)

// OverTransport sends the requests of a Client through this project's HTTP
// stack, which brings retries, rate limits and tokens.
func OverTransport(c *transport.Client) Doer {
	return DoerFunc(func(ctx context.Context, req *Request) (*Response, error) {
		resp, err := c.Do(ctx, &transport.Request{
			Method: req.Method, Path: req.Path, Query: req.Query, Header: req.Header, Body: req.Body,
			RetryToken: req.RetryToken, Direct: req.Direct,
			Call: transport.Call{Group: req.Group, Idempotent: req.Idempotent, NoRetry: req.NoRetry, Once: req.Once, Buffer: req.Buffer},
		})
		if err != nil {
			return nil, err
		}
		return &Response{
			Status: resp.Status, Header: resp.Header, Body: resp.Body,
			RequestID: resp.RequestID, Attempts: resp.Attempts,
		}, nil
	})
}
