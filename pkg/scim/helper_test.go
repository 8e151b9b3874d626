package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// call is one request as the server saw it.
type call struct {
	Method, Path, Query, IfMatch, RetryToken, ContentType string
	Body                                                  string
}

type recorder struct {
	calls []call
	reqs  []Request
}

// newTestClient serves h under /base and records what arrives. The Doer sends
// requests exactly as given, so that a path escaped twice or not at all shows.
func newTestClient(t *testing.T, h http.Handler) (*Client, *recorder) {
	t.Helper()
	rec := &recorder{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec.calls = append(rec.calls, call{
			Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, IfMatch: r.Header.Get("If-Match"),
			ContentType: r.Header.Get("Content-Type"), Body: string(body),
		})
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	doer := DoerFunc(func(ctx context.Context, req *Request) (*Response, error) {
		rec.reqs = append(rec.reqs, *req)
		hr, err := http.NewRequestWithContext(ctx, req.Method, srv.URL+req.Path+"?"+req.Query.Encode(), bytes.NewReader(req.Body))
		if err != nil {
			return nil, err
		}
		hr.Header = req.Header
		resp, err := srv.Client().Do(hr)
		if err != nil {
			return nil, err
		}
		defer func() {
			if err := resp.Body.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body, RequestID: resp.Header.Get("Opc-Request-Id"), Attempts: 1}, nil
	})
	return NewClient(doer, Options{BasePath: "/base", PageSize: 3}), rec
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/scim+json")
	w.Header().Set("Opc-Request-Id", "req-1")
	w.WriteHeader(status)
	var data []byte
	switch b := body.(type) {
	case nil:
		return
	case []byte:
		data = b
	case string:
		data = []byte(b)
	default:
		var err error
		if data, err = json.Marshal(b); err != nil {
			panic(err)
		}
	}
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
}

func intParam(r *http.Request, name string, fallback int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return n
	}
	return fallback
}

func doc(tb testing.TB, s string) Document {
	tb.Helper()
	d, err := DecodeDocument([]byte(s))
	if err != nil {
		tb.Fatalf("decode %s: %v", s, err)
	}
	return d
}
