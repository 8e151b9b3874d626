package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// What can go wrong between a request and its answer. All are found with
// errors.Is in what Client.Do and Transport.RoundTrip return. An answer with an
// error status is not among them: it is a Response.
var (
	// ErrUnreachable means that no connection was made, or that it was lost before an
	// answer came.
	ErrUnreachable = errors.New("host not reachable")
	// ErrTLS means that the secure connection was refused by either side.
	ErrTLS = errors.New("no secure connection")
	// ErrTimeout means that no answer came in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrThrottled means that the rate limit would let the request through only after
	// the caller's deadline. It was not sent.
	ErrThrottled = errors.New("the rate limit allows it only after the deadline")
	// ErrTooLarge means that the answer is larger than Options.MaxResponseBytes.
	ErrTooLarge = errors.New("answer too large")
	// ErrTruncated means that the connection ended in the middle of the answer.
	ErrTruncated = errors.New("answer cut off")
	// ErrCrossOrigin means that the service redirects to another origin, to which
	// neither token nor body may go.
	ErrCrossOrigin = errors.New("redirect to another origin refused")
	// ErrInsecure means that a secret would be sent over plain http.
	ErrInsecure = errors.New("refused to send a secret over plain http")
	// ErrToken means that there is no access token to send; the cause is wrapped.
	ErrToken = errors.New("no access token")
	// ErrBadRequest means that the request cannot be built, nothing was sent.
	ErrBadRequest = errors.New("request refused before it was sent")
)

// Error is a request that brought no answer. It never holds the query, which
// may hold personal data (RFC 7644 section 7.5.2).
type Error struct {
	Method, Path, Host string
	Kind               error // one of the sentinels above, or nil when ctx ended
	Err                error // the cause, may be nil
	Help               string

	// sent is false when the request provably did not reach the service, so
	// that sending it again cannot do a thing twice.
	sent bool
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Method + " " + e.Path)
	if e.Host != "" {
		b.WriteString(" at " + e.Host)
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives both the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Hint is what helps, in a line of its own; it may be empty.
func (e *Error) Hint() string { return e.Help }

// Sent reports whether the request may have reached the service. When it is
// false the thing asked for has certainly not been done.
func (e *Error) Sent() bool { return e.sent }

func newError(req *http.Request, kind, cause error, help string, sent bool) *Error {
	return &Error{
		Method: req.Method, Path: req.URL.EscapedPath(), Host: req.URL.Host,
		Kind: kind, Err: cause, Help: help, sent: sent,
	}
}

// classify turns what the network layer says into an *Error. callerCtx is the
// caller's context, without the limit for one attempt.
func classify(callerCtx context.Context, req *http.Request, err error) error {
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	err = withoutURL(err)
	host := req.URL.Hostname()
	if ctxErr := callerCtx.Err(); ctxErr != nil {
		kind := error(nil)
		if errors.Is(ctxErr, context.DeadlineExceeded) {
			kind = ErrTimeout
		}
		return newError(req, kind, ctxErr, "", !neverSent(err))
	}
	if help, ok := tlsHelp(err, host); ok {
		return newError(req, ErrTLS, err, help, false)
	}
	var netErr net.Error
	if errors.Is(err, errAttemptTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		(errors.As(err, &netErr) && netErr.Timeout()) {
		return newError(req, ErrTimeout, scrubTimeout(err), "raise the time limit, or look whether "+host+" is slow or blocked", !neverSent(err))
	}
	var dns *net.DNSError
	help := "check the host name and port of " + req.URL.Host + ", and the proxy settings"
	if errors.As(err, &dns) && dns.IsNotFound {
		help = "the name " + dns.Name + " is unknown: check the URL for a typing mistake, and the proxy settings"
	}
	return newError(req, ErrUnreachable, err, help, !neverSent(err))
}

// withoutURL takes the *url.Error of http.Client off, which would print the
// whole URL with its query.
func withoutURL(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) || u.Err == nil {
			return err
		}
		err = u.Err
	}
}

// scrubTimeout drops a cause that says no more than "deadline exceeded": the
// limit of one attempt must not look like the end of the caller's context.
func scrubTimeout(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, errAttemptTimeout) {
		return nil
	}
	return err
}

// neverSent reports whether a connection was not even made.
func neverSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}

func tlsHelp(err error, host string) (string, bool) {
	var (
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		hostOnly = "the certificate of " + host + " is not trusted"
	)
	switch {
	case errors.As(err, &unknown):
		return hostOnly + ": give the file of its certificate authority (PEM) as the CA file", true
	case errors.As(err, &name):
		return "the certificate is for another name than " + host + ": check the URL", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of " + host + " has expired or is not valid yet: check this machine's clock, then tell the service's operator", true
	case errors.As(err, &invalid), errors.As(err, &verify):
		return hostOnly, true
	case errors.As(err, &record):
		return host + " does not speak TLS on this port: check the port, or whether the URL should begin with http", true
	case errors.As(err, &alert):
		return host + " refused the secure connection: it may want a client certificate or another TLS version", true
	// net/http answers a plain-http server on a TLS port with a bare text
	// error of its own, without a type.
	case err != nil && strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return host + " does not speak TLS on this port: check the port, or whether the URL should begin with http", true
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		return host + " refused the secure connection: it may want a client certificate or another TLS version", true
	}
	return "", false
}

// readError turns a failed read of a body into an *Error.
func readError(callerCtx context.Context, req *http.Request, err error) error {
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	var netErr net.Error
	switch {
	case callerCtx.Err() != nil,
		errors.Is(err, errAttemptTimeout),
		errors.As(err, &netErr) && netErr.Timeout():
		return classify(callerCtx, req, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = nil // says what the kind says
	}
	return newError(req, ErrTruncated, err, "send it again; a proxy in between may cut long answers", true)
}
