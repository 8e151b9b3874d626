// Package api holds the command api: any request, sent with the credentials of
// the profile. It is for what no other command offers, and shows answers as
// they are.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// options are what api needs.
type options struct {
	Deps    *cmdutil.Deps
	Method  string
	Path    string
	Data    string
	Header  []string
	Param   []string
	Include bool
	Raw     bool
	NoRetry bool
}

// methods are those that a service of this kind knows.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// New makes the command api.
func New(d *cmdutil.Deps) *cobra.Command { return newCmd(d, run) }

func newCmd(d *cmdutil.Deps, run func(context.Context, *options) error) *cobra.Command {
	o := &options{Deps: d}
	cmd := &cobra.Command{
		Use: "api [<method>] <path>", Short: "Send any request with the profile's credentials",
		Long: `Send any request with the profile's credentials and print the answer, as curl would.
Without a method it is GET, or POST with --data. The path is one on the service,
or a whole URL of the same service; others are refused, since the access token
would go there.

JSON is laid out for reading on a terminal and with -o json, and is passed on
byte by byte elsewhere and with --raw. An error status is an answer too: it is
printed, and decides the exit code.`,
		Example: `  idctl api GET '/admin/v1/Users?count=1'
  idctl api GET /admin/v1/Users --param 'filter=userName sw "a"' --query 'Resources[].userName'
  idctl api PATCH /admin/v1/Groups/2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d --data @patch.json
  echo '{"userIds":["2f6b1c0de4a94a5b8c7d6e5f4a3b2c1d"]}' | idctl api POST /admin/v1/BulkUserPasswordResetter --data -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && isMethod(args[0]) {
				return cmdutil.Usagef("%s needs <path>", cmd.CommandPath()).WithHint("see %s --help", cmd.CommandPath())
			}
			if len(args) == 1 {
				return nil
			}
			return cmdutil.Two("method", "path")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 2:
				o.Method, o.Path = args[0], args[1]
			case cmd.Flags().Changed("data"):
				o.Method, o.Path = http.MethodPost, args[0]
			default:
				o.Method, o.Path = http.MethodGet, args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&o.Data, "data", "d", "", "`body` of the request; @FILE reads a file, - standard input")
	fs.StringArrayVarP(&o.Header, "header", "H", nil, "`NAME:VALUE` of a header; may be given several times")
	fs.StringArrayVar(&o.Param, "param", nil, "`NAME=VALUE` of the query, which is escaped here; may be given several times")
	fs.BoolVarP(&o.Include, "include", "i", false, "print status and headers of the answer too")
	fs.BoolVar(&o.Raw, "raw", false, "print the body byte by byte, also on a terminal")
	fs.BoolVar(&o.NoRetry, "no-retry", false, "send the request once, whatever comes")
	return cmd
}

func isMethod(s string) bool { return slices.Contains(methods, strings.ToUpper(s)) }

func run(ctx context.Context, o *options) error {
	req, err := o.request()
	if err != nil {
		return err
	}
	p, err := o.Deps.Provider(ctx)
	if err != nil {
		return err
	}
	resp, err := p.Raw(ctx, req)
	if errors.Is(err, transport.ErrCrossOrigin) {
		return cmdutil.Usagef("%s is not on %s, the only service that gets this profile's token", barePath(req.Path), p.BaseURL()).
			WithHint("choose the profile of that service with --profile")
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, barePath(req.Path), err)
	}
	if o.Deps.Output.Queried() && resp.Status < 300 && !o.Raw && !o.Include && json.Valid(resp.Body) {
		body := json.RawMessage(resp.Body)
		return output.New(o.Deps.Output, output.Spec[json.RawMessage]{}).One(o.Deps.IO, &body)
	}
	if err := o.print(resp); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if resp.Status >= 300 {
		return scim.ParseError(req.Method, barePath(req.Path), resp.Status, http.Header(resp.Header).Get("Opc-Request-Id"), resp.Body)
	}
	return nil
}

// barePath is a path without the query, which may hold personal data.
func barePath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

func (o *options) request() (provider.RawRequest, error) {
	req := provider.RawRequest{Method: strings.ToUpper(o.Method), Path: o.Path, Header: map[string]string{}, NoRetry: o.NoRetry}
	if !slices.Contains(methods, req.Method) {
		err := cmdutil.Usagef("unknown method %q", o.Method)
		if s := cmdutil.Similar(o.Method, methods); len(s) > 0 {
			return req, err.WithHint("did you mean %s?", s[0])
		}
		return req, err.WithHint("methods are %s", strings.Join(methods, ", "))
	}
	for _, h := range o.Header {
		name, value, ok := strings.Cut(h, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			return req, cmdutil.Usagef("--header %q is not NAME:VALUE", h)
		}
		if strings.EqualFold(name, "Authorization") {
			return req, cmdutil.Usagef("--header: Authorization comes from the profile").WithHint("use IDCTL_TOKEN for a token of your own")
		}
		req.Header[http.CanonicalHeaderKey(name)] = value
	}
	var err error
	if req.Path, err = withParams(o.Path, o.Param); err != nil {
		return req, err
	}
	return req, o.body(&req)
}

// withParams adds parameters to a path that may have some.
func withParams(path string, params []string) (string, error) {
	path, fragment, _ := strings.Cut(path, "#")
	if fragment != "" {
		return "", cmdutil.Usagef("the path holds a #, write it as %%23")
	}
	path, query, _ := strings.Cut(path, "?")
	// A blank typed into a filter is no character of a URL.
	parts := []string{}
	if query != "" {
		parts = append(parts, strings.ReplaceAll(query, " ", "%20"))
	}
	for _, p := range params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return "", cmdutil.Usagef("--param %q is not NAME=VALUE", p)
		}
		parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	if len(parts) == 0 {
		return path, nil
	}
	return path + "?" + strings.Join(parts, "&"), nil
}

func (o *options) body(req *provider.RawRequest) error {
	var err error
	switch {
	case o.Data == "":
		return nil
	case o.Data == "-":
		req.Body, err = directory.ReadInput(o.Deps, "data", "-")
	case o.Data[0] == '@':
		req.Body, err = directory.ReadInput(o.Deps, "data", o.Data[1:])
	default:
		req.Body = []byte(o.Data)
	}
	if err != nil {
		return err
	}
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return cmdutil.Usagef("%s takes no --data", req.Method).WithHint("use --param for a query")
	}
	if req.Header["Content-Type"] != "" {
		return nil
	}
	if !json.Valid(req.Body) {
		return cmdutil.Usagef("--data is not valid JSON").WithHint("for another format name it, as in --header 'Content-Type: text/csv'")
	}
	req.Header["Content-Type"] = scim.MediaType
	return nil
}

func (o *options) print(resp *provider.RawResponse) error {
	var out bytes.Buffer
	if o.Include {
		fmt.Fprintf(&out, "%d %s\n", resp.Status, http.StatusText(resp.Status))
		names := make([]string, 0, len(resp.Header))
		for name := range resp.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			for _, value := range resp.Header[name] {
				fmt.Fprintf(&out, "%s: %s\n", name, value)
			}
		}
		out.WriteByte('\n')
	}
	body := resp.Body
	terminal := o.Deps.IO.OutTerminal
	if !o.Raw && (terminal || o.Deps.Output.Structured()) && json.Valid(body) {
		var pretty bytes.Buffer
		if json.Indent(&pretty, body, "", "  ") == nil {
			body = pretty.Bytes()
		}
	}
	if terminal && !o.Raw {
		body = safe(body)
	}
	out.Write(body)
	if terminal && len(body) > 0 && body[len(body)-1] != '\n' {
		out.WriteByte('\n')
	}
	_, err := o.Deps.IO.Out.Write(out.Bytes())
	return err
}

// safe takes what could steer a terminal out of a body, line by line.
func safe(body []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(body) {
		text := bytes.TrimLeft(bytes.TrimRight(line, "\r\n"), "\t")
		out.Write(bytes.Repeat([]byte("\t"), len(bytes.TrimRight(line, "\r\n"))-len(text)))
		out.WriteString(iostreams.Clean(string(text)))
		if bytes.HasSuffix(line, []byte("\n")) {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}
