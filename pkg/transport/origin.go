package transport

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Origin returns scheme, host and port of u in one comparable form: lower case,
// with the port always written out.
func Origin(u *url.URL) string {
	scheme := strings.ToLower(u.Scheme)
	port := u.Port()
	if port == "" {
		switch scheme {
		case "https":
			port = "443"
		case "http":
			port = "80"
		}
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return scheme + "://" + net.JoinHostPort(host, port)
}

// CheckSecure answers ErrInsecure when a secret sent to u could be read on its
// way: plain http to anything but loopback.
func CheckSecure(u *url.URL) error {
	switch strings.ToLower(u.Scheme) {
	case "https":
		return nil
	case "http":
		if isLoopback(u.Hostname()) {
			return nil
		}
		return fmt.Errorf("%s: %w: use https, plain http is for 127.0.0.1, ::1 and localhost", u.Host, ErrInsecure)
	default:
		return fmt.Errorf("%w: URL scheme %q, want https", ErrBadRequest, u.Scheme)
	}
}

// isLoopback goes by the text of the host alone. A name that merely resolves
// to 127.0.0.1 does not count: whoever answers DNS would decide.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// parseBase reads a base URL and refuses what could hide a secret or be lost
// when a path is joined to it.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse repeats the text, which may hold a password.
		return nil, fmt.Errorf("%w: the base URL cannot be parsed", ErrBadRequest)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: base URL has scheme %q, want https://host", ErrBadRequest, u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%w: base URL names no host, want https://host", ErrBadRequest)
	case u.User != nil:
		return nil, fmt.Errorf("%w: base URL of %s holds a user name, give credentials apart from it", ErrBadRequest, u.Host)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%w: base URL of %s holds a query or fragment", ErrBadRequest, u.Host)
	}
	return u, nil
}

// leftOrigin reports whether req was reached by redirects of which any step
// was outside origin. http.Client links each followed request to the answer
// that redirected to it.
func leftOrigin(req *http.Request, origin string) bool {
	for r := req; r != nil; {
		if Origin(r.URL) != origin {
			return true
		}
		if r.Response == nil {
			return false
		}
		r = r.Response.Request
	}
	return false
}
