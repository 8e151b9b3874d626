// Package transport is the one HTTP stack of this project's clients. It knows
// HTTP, OAuth2 bearer tokens and how to behave towards a service that limits
// its callers; it knows no provider, no resource and no JSON shape. Those
// belong to the packages above it.
//
// From the caller down to the wire a request passes
//
//	request id - retries - limiter per API group - token - log - limits and errors - network
//
// each in a file of its own. New composes them into an http.RoundTripper for
// callers who bring their own http.Client. NewClient puts a Client on top,
// which is what pkg/scim and its like use: it joins paths, reads bodies through
// a limit and refuses redirects that leave the origin. The Client is built on
// resty, and no type of resty's appears in this package's interface.
//
// Three promises hold whatever the caller does. A token is sent to the origin
// it was given for and nowhere else, never over plain http except to loopback.
// A request is sent again only when that cannot do the thing twice. Neither
// errors nor log lines hold a query string or a secret.
package transport
