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
	// Direct hands the request to the stack without resty in between, which
	// costs less. It is for calls that are made by the thousand; what is sent
	// and what comes back is the same. Header then belongs to the stack.
	Direct bool
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
	redirect  func(req *http.Request, via []*http.Request) error
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
	c := &Client{transport: t, base: t.url, redirect: sameOrigin(Origin(t.url))}
	// No cookie jar: the service's sessions are for browsers, and a cookie
	// would outlive the token it came with. No Timeout either: it would cut
	// streams. Retries are ours, so resty's stay off.
	rc := resty.NewWithClient(&http.Client{Transport: t, CheckRedirect: c.redirect})
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
	c.resty = rc
	return c, nil
}

// sameOrigin is a CheckRedirect that stays where it is.
func sameOrigin(origin string) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if Origin(req.URL) != origin {
			return newError(via[0], ErrCrossOrigin, fmt.Errorf("it leads to %s", req.URL.Host),
				"check the URL of the service: it may have moved to "+req.URL.Host, true)
		}
		if len(via) >= maxRedirects {
			return newError(via[0], ErrUnreachable, fmt.Errorf("more than %d redirects", maxRedirects), "check the URL of the service", true)
		}
		return nil
	}
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
	if r.Direct && directMethod(r.Method) {
		return c.direct(ctx, r, u, state)
	}
	address := u.String()
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
	raw, err := req.Execute(r.Method, address)
	if err != nil {
		return nil, c.failed(ctx, r, u, err, raw != nil)
	}
	return c.answer(ctx, r, u, state, raw.RawResponse)
}

// answer is what the caller sees of an answer.
func (c *Client) answer(ctx context.Context, r *Request, u *url.URL, state *callState, raw *http.Response) (*Response, error) {
	resp := &Response{
		Status:   raw.StatusCode,
		Header:   raw.Header,
		Attempts: max(1, int(state.attempts.Load())),
	}
	if id := state.requestID.Load(); id != nil {
		resp.RequestID = *id
	}
	body := raw.Body
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
func (c *Client) failed(ctx context.Context, r *Request, u *url.URL, err error, sent bool) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	req := &http.Request{Method: r.Method, URL: u}
	switch {
	case ctx.Err() != nil:
		return classify(ctx, req, err)
	case sent:
		return newError(req, ErrUnreachable, errors.New("it answers with a redirect that cannot be followed"), "check the URL of the service", true)
	}
	return newError(req, ErrBadRequest, withoutURL(err), "", false)
}

// resolve builds the URL. Nothing is glued to it that was not escaped.
func (c *Client) resolve(r *Request) (*url.URL, error) {
	path, err := c.resolvePath(r)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: c.base.Scheme, Host: c.base.Host}
	if plain(path) {
		u.Path = path
	} else if u.Path, err = url.PathUnescape(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	} else {
		u.RawPath = path
	}
	if len(r.Query) > 0 {
		// A blank as %20 is understood by everyone, as + only by form decoders.
		// Encode writes a real plus sign as %2B.
		u.RawQuery = strings.ReplaceAll(r.Query.Encode(), "+", "%20")
	}
	return u, nil
}

// plain says that a path is the same escaped and unescaped, and that none of
// its segments is empty or made of dots.
func plain(path string) bool {
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.':
			if path[max(i-1, 0)] == '/' || i == 0 {
				return false // perhaps a segment of dots
			}
		case c == '/':
			if i+1 == len(path) || path[i+1] == '/' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// resolvePath is the escaped path.
func (c *Client) resolvePath(r *Request) (string, error) {
	if len(r.Segments) == 0 && len(r.Path) > 1 && r.Path[0] == '/' && plain(r.Path) {
		return strings.TrimRight(c.base.EscapedPath(), "/") + r.Path, nil
	}
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
	return b.String(), nil
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
