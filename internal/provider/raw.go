package provider

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/idctl/idctl/pkg/transport"
)

// ResolveRaw makes path and query of what a user typed for RawRequest.Path: a
// path below base, or a URL of the same origin, as locations in answers are. A
// path that begins with the one of base is taken for the whole. A URL of
// another origin is transport.ErrCrossOrigin, since the token would go there;
// what cannot be read is transport.ErrBadRequest.
func ResolveRaw(base, typed string) (path string, query url.Values, err error) {
	bad := func(why string) (string, url.Values, error) {
		return "", nil, fmt.Errorf("%w: %s", transport.ErrBadRequest, why)
	}
	// A raw blank is what people type in filters, and url.Parse takes it in a
	// query only.
	u, err := url.Parse(typed)
	if err != nil {
		return bad("the path cannot be read as a URL")
	}
	home, err := url.Parse(base)
	if err != nil {
		return bad("the base URL cannot be read")
	}
	prefix := strings.TrimRight(home.EscapedPath(), "/")
	path = u.EscapedPath()
	absolute := u.IsAbs() || u.Host != ""
	if absolute {
		if u.Scheme == "" {
			u.Scheme = home.Scheme
		}
		if u.User != nil || transport.Origin(u) != transport.Origin(home) {
			return "", nil, fmt.Errorf("%w: %s is not the service of this profile, %s",
				transport.ErrCrossOrigin, u.Host, home.Host)
		}
	} else if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	rest, below := strings.CutPrefix(path, prefix)
	below = below && (rest == "" || rest[0] == '/')
	switch {
	case below:
		path = rest
	case absolute:
		return bad("the URL is not below " + strings.TrimRight(base, "/"))
	}
	query, err = url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("the query cannot be read: escape % as %25 and ; as %3B")
	}
	return path, query, nil
}
