package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/cli/ascurl"
	"github.com/idctl/idctl/internal/cli/cmdutil"
)

// maxAnswer bounds what a control call reads: the outbox and the log of a long
// test are some MB.
const maxAnswer = 256 << 20

// control speaks to the control interface of a running server.
type control struct {
	ready *ready
	path  string // where the server was found, for messages
	http  *http.Client
	show  func(*http.Request) // what --as-curl prints, or nil
}

func newControl(r *ready, path string) *control {
	return &control{ready: r, path: path, http: &http.Client{
		// Never through a proxy: the server is on this machine, and the key is
		// for it alone.
		Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, ResponseHeaderTimeout: 5 * time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

func dial(d *cmdutil.Deps, file string) (*control, error) {
	r, name, err := findReady(d, file)
	if err != nil {
		return nil, err
	}
	c := newControl(r, name)
	c.show = showCalls(d, false)
	return c, nil
}

// showCalls is --as-curl for requests to a server of idctl's own.
func showCalls(d *cmdutil.Deps, bearer bool) func(*http.Request) {
	if d.ShowCalls == nil {
		return nil
	}
	return d.ShowCalls(
		ascurl.Options{Bearer: bearer, Keys: map[string]string{"X-Emulator-Key": "IDCTL_CONTROL_KEY"}},
		"IDCTL_CONTROL_KEY and the client are as idctl server env prints them",
	)
}

// alive asks whether the server is there and takes the key.
func (c *control) alive(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/status", nil, nil)
}

// do sends a call. Statuses in also are read like an answer of success.
func (c *control) do(ctx context.Context, method, path string, body, into any, also ...int) error {
	var in io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("control call: %w", err)
		}
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.ready.URL, "/")+"/emulator/v1"+path, in)
	if err != nil {
		return fmt.Errorf("the address of the server, from %s, is no address", c.path)
	}
	req.Header.Set("X-Emulator-Key", c.ready.ControlKey)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.show != nil {
		c.show(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &notRunningError{path: c.path, err: err}
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below, or given up
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 && (!slices.Contains(also, resp.StatusCode) || json.Unmarshal(data, into) != nil || isError(data)) {
		return c.refused(path, resp.StatusCode, data)
	}
	if into == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("the server at %s gave an answer that is no JSON to %s: %w", c.ready.URL, path, err)
	}
	return nil
}

// isError tells an error body from a report that carries errors.
func isError(data []byte) bool {
	var e struct {
		Detail *string `json:"detail"`
	}
	return json.Unmarshal(data, &e) == nil && e.Detail != nil
}

func (c *control) refused(path string, status int, data []byte) error {
	var e struct {
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(data, &e) // without a detail the status has to do
	if e.Detail == "" {
		e.Detail = http.StatusText(status)
	}
	err := fmt.Errorf("the server at %s refused %s: %s", c.ready.URL, path, e.Detail)
	switch status {
	case http.StatusBadRequest:
		return &cmdutil.UsageError{Err: err}
	case http.StatusNotFound:
		return &missingError{err: err}
	}
	return err
}

// missingError says that the server does not have what a call is about.
type missingError struct{ err error }

func (e *missingError) Error() string { return e.err.Error() }

func (e *missingError) Unwrap() error { return e.err }

// ExitCode implements cmdutil.ExitCoder.
func (e *missingError) ExitCode() int { return cmdutil.ExitNotFound }
