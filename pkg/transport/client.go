package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-resty/resty/v2"
)

// Request is one call of a Client.
type Request struct {
	Method string
	// Path is joined to the base URL. It is taken as escaped; ids and names
	// belong into Segments.
	Path string
	// Segments are appended to Path, each escaped: one with a slash stays one.
	// An empty one is refused, because it would turn "delete this" into
	// "delete all", and so are "." and "..".
	Segments []string
	Query    url.Values
	Header   http.Header
	Body     []byte
	// RetryToken makes a POST safe to repeat; it is sent as the header that
	// Options.RetryTokenHeader names.
	RetryToken string
	// Call: group, retries, streaming.
	Call
}

// Response is an answer, whatever its status.
type Response struct {
	Status int
	Header http.Header
	// Body is the whole body, or nil when the request asked for a stream.
	Body []byte
	// Stream is the body of a request with Call.Stream, which the caller
	// closes. Nil otherwise.
	Stream io.ReadCloser
	// Attempts is the number of times the request was sent, at least 1.
	Attempts int
	// RequestID is what the service calls this request in its logs, or else
	// the id that we gave it.
	RequestID string
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	resty     *resty.Client
	transport *Transport
	base      *url.URL
}

const maxRedirects = 10

// NewClient returns a client of the service at o.BaseURL.
func NewClient(o Options) (*Client, error) {
	if o.BaseURL == "" {
		return nil, fmt.Errorf("%w: no base URL", ErrBadRequest)
	}
	t, err := New(o)
	if err != nil {
		return nil, err
	}
	origin := Origin(t.url)
	// No cookie jar: the service's sessions are for browsers, and a cookie
	// would outlive the token it came with. No Timeout either: it would cut
	// streams. Retries are ours, so resty's stay off.
	rc := resty.NewWithClient(&http.Client{
		Transport: t,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if Origin(req.URL) != origin {
				return newError(via[0], ErrCrossOrigin, fmt.Errorf("it leads to %s", req.URL.Host),
					"check the URL of the service: it may have moved to "+req.URL.Host, true)
			}
			if len(via) >= maxRedirects {
				return newError(via[0], ErrUnreachable, fmt.Errorf("more than %d redirects", maxRedirects), "check the URL of the service", true)
			}
			return nil
		},
	})
	rc.SetLogger(silent{})
	rc.SetDisableWarn(true)
	rc.SetPreRequestHook(func(_ *resty.Client, req *http.Request) error {
		if s := stateOf(req.Context()); s != nil && s.empty {
			// resty puts an empty reader where there is no body and announces
			// JSON. Some servers then answer 400 for the missing document.
			req.Body, req.GetBody, req.ContentLength = nil, nil, 0
			req.Header.Del("Content-Type")
		}
		return nil
	})
	return &Client{resty: rc, transport: t, base: t.url}, nil
}

// BaseURL is the service's URL as it was given.
func (c *Client) BaseURL() string { return c.base.String() }

// Transport is the stack below the client.
func (c *Client) Transport() *Transport { return c.transport }

// Do sends a request and reads the answer. An answer with an error status is
// no error here. What brought no answer is an *Error; its kind is found with
// errors.Is.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	u, err := c.resolve(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
	}
	state := &callState{Call: r.Call, empty: len(r.Body) == 0}
	req := c.resty.R().
		SetContext(context.WithValue(ctx, callKey{}, state)).
		SetDoNotParseResponse(true)
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
	}
	if r.RetryToken != "" {
		req.SetHeader(c.transport.opts.RetryTokenHeader, r.RetryToken)
	}
	if req.Header.Get("User-Agent") == "" {
		req.SetHeader("User-Agent", c.transport.opts.UserAgent)
	}
	if len(r.Body) > 0 {
		// A *bytes.Reader gives net/http its length and GetBody without a copy.
		req.SetBody(bytes.NewReader(r.Body))
		if req.Header.Get("Content-Type") == "" {
			req.SetHeader("Content-Type", "application/json")
		}
	}
	raw, err := req.Execute(r.Method, u)
	if err != nil {
		return nil, c.failed(ctx, r, u, err, raw != nil)
	}
	resp := &Response{
		Status:   raw.StatusCode(),
		Header:   raw.RawResponse.Header,
		Attempts: max(1, int(state.attempts.Load())),
	}
	if id := state.requestID.Load(); id != nil {
		resp.RequestID = *id
	}
	body := raw.RawResponse.Body
	if r.Stream {
		resp.Stream = body
		return resp, nil
	}
	if m, ok := body.(*memoryBody); ok {
		resp.Body = m.data
		return resp, nil
	}
	return nil, c.failed(ctx, r, u, errors.Join(errors.New("answer was not read by the stack"), body.Close()), true)
}

// failed gives errors from above our layers the same form: before sending they
// are resty's (a method that HTTP does not know), after it http.Client's (a
// redirect that leads nowhere). The latter quote the address they were sent
// to, so their text is not passed on.
func (c *Client) failed(ctx context.Context, r *Request, u string, err error, sent bool) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	parsed, parseErr := url.Parse(u)
	if parseErr != nil {
		parsed = c.base
	}
	req := &http.Request{Method: r.Method, URL: parsed}
	switch {
	case ctx.Err() != nil:
		return classify(ctx, req, err)
	case sent:
		return newError(req, ErrUnreachable, errors.New("it answers with a redirect that cannot be followed"), "check the URL of the service", true)
	}
	return newError(req, ErrBadRequest, withoutURL(err), "", false)
}

// resolve builds the URL. Nothing is glued to it that was not escaped.
func (c *Client) resolve(r *Request) (string, error) {
	if strings.ContainsAny(r.Path, "?#") {
		return "", fmt.Errorf("%w: a path cannot hold ? or #: give the query apart, or escape it", ErrBadRequest)
	}
	var b strings.Builder
	b.WriteString(strings.TrimRight(c.base.EscapedPath(), "/"))
	if path := strings.TrimPrefix(r.Path, "/"); path != "" {
		parts := strings.Split(path, "/")
		for i, part := range parts {
			if part == "" && i == len(parts)-1 && len(r.Segments) == 0 {
				break // a trailing slash, which some endpoints want
			}
			plain, err := url.PathUnescape(part)
			if err != nil {
				return "", fmt.Errorf("%w: %w", ErrBadRequest, err)
			}
			if part == "" && i == len(parts)-1 {
				parts = parts[:i]
				break
			}
			if err := checkSegment(plain); err != nil {
				return "", err
			}
			parts[i] = url.PathEscape(plain)
		}
		b.WriteString("/" + strings.Join(parts, "/"))
	}
	for _, s := range r.Segments {
		if err := checkSegment(s); err != nil {
			return "", err
		}
		b.WriteString("/" + url.PathEscape(s))
	}
	escaped := b.String()
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	u := url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Path: plain, RawPath: escaped}
	if len(r.Query) > 0 {
		// A blank as %20 is understood by everyone, as + only by form decoders.
		// Encode writes a real plus sign as %2B.
		u.RawQuery = strings.ReplaceAll(r.Query.Encode(), "+", "%20")
	}
	return u.String(), nil
}

func checkSegment(s string) error {
	switch s {
	case "":
		return fmt.Errorf("%w: the path has an empty segment", ErrBadRequest)
	case ".", "..":
		return fmt.Errorf("%w: the path has a segment %q", ErrBadRequest, s)
	}
	return nil
}

// silent keeps resty from writing to stderr.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
