package transport

import (
	"context"
	"io"
	"log/slog"
	"net/http"
)

// maxLoggedBody bounds the bodies that TraceBodies shows.
const maxLoggedBody = 1 << 20

// logging writes one debug line for each attempt. It stands below the token
// layer, so that the second try after a 401 shows too, and never looks at
// headers other than the request id.
type logging struct {
	next   http.RoundTripper
	log    *slog.Logger
	clock  Clock
	idName string
	bodies bool
}

func (l *logging) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return l.next.RoundTrip(req)
	}
	if l.bodies {
		l.log.LogAttrs(ctx, slog.LevelDebug, "request body", append(l.base(req), slog.String("body", requestBody(req)))...)
	}
	start := l.clock.Now()
	resp, err := l.next.RoundTrip(req)
	attrs := append(l.base(req), slog.Duration("duration", l.clock.Now().Sub(start)))
	if err != nil {
		l.log.LogAttrs(ctx, slog.LevelDebug, "request", append(attrs, slog.String("error", err.Error()))...)
		return resp, err
	}
	attrs = append(attrs, slog.Int("status", resp.StatusCode))
	if id := resp.Header.Get(l.idName); id != "" && id != req.Header.Get(l.idName) {
		attrs = append(attrs, slog.String("service_request_id", id))
	}
	l.log.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
	if l.bodies {
		l.log.LogAttrs(ctx, slog.LevelDebug, "response body", append(l.base(req), slog.String("body", responseBody(ctx, resp)))...)
	}
	return resp, nil
}

func (l *logging) base(req *http.Request) []slog.Attr {
	return []slog.Attr{
		slog.String("method", req.Method),
		slog.String("path", req.URL.EscapedPath()),
		slog.Int("attempt", attemptOf(req.Context())),
		slog.String("request_id", req.Header.Get(l.idName)),
	}
}

func requestBody(req *http.Request) string {
	if req.Body == nil || req.Body == http.NoBody {
		return ""
	}
	if req.GetBody == nil {
		return "[a stream]"
	}
	body, err := req.GetBody()
	if err != nil {
		return "[cannot be shown: " + err.Error() + "]"
	}
	data, err := io.ReadAll(io.LimitReader(body, maxLoggedBody+1))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "[cannot be shown: " + err.Error() + "]"
	}
	return shown(req.Header, data)
}

func responseBody(ctx context.Context, resp *http.Response) string {
	if callOf(ctx).Stream {
		return "[a stream]"
	}
	// Below us everything else was read into memory.
	m, ok := resp.Body.(*memoryBody)
	if !ok {
		return "[a stream]"
	}
	return shown(resp.Header, m.data)
}

func shown(h http.Header, data []byte) string {
	if len(data) > maxLoggedBody {
		return "[more than 1 MB]"
	}
	return Redact(h.Get("Content-Type"), data)
}
