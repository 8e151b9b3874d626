// Package dirtest runs commands in tests: a command tree on buffers, against an
// identity domain of its own inside the test. It is for tests only.
package dirtest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/transport"
)

// Now is the time at which everything happens.
func Now() time.Time { return time.Date(2026, 3, 9, 8, 7, 6, 0, time.UTC) }

// Env is a domain and what a test wants of the commands that run on it.
type Env struct {
	Server *idtest.Server
	// Provider is the connection of all commands.
	Provider provider.Provider
	// Terminal makes the streams terminals of 80 columns; Answers are given to
	// the questions that are then asked.
	Terminal bool
	Answers  []prompt.Answer
	// Home is the folder of journals and other files.
	Home string
	// Clock tells commands the time; nil is Now.
	Clock func() time.Time

	recorder *recorder
}

// recorder notes requests as they are sent. The server's own log would do, but
// it is written after the answer.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []string
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.sent = append(r.sent, req.Method+" "+req.URL.Path)
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// Result is what a command left.
type Result struct {
	Out, Err string
	// Failure is the command's error, Code its exit code.
	Failure error
	Code    int
	Asked   []string
}

// clock passes by itself when somebody waits: no test sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now implements transport.Clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep implements transport.Clock.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// New starts a domain.
func New(tb testing.TB, opts ...idtest.Option) *Env {
	tb.Helper()
	s := idtest.New(tb, append([]idtest.Option{idtest.WithClock(Now)}, opts...)...)
	rec := &recorder{next: s.Client().Transport}
	t, err := transport.NewClient(idcs.TransportOptions(idcs.Options{
		BaseURL: s.URL, Base: rec, Clock: &clock{now: Now()}, Unlimited: true,
	}))
	if err != nil {
		tb.Fatalf("connect: %v", err)
	}
	return &Env{Server: s, Provider: provideridcs.New(t), Home: tb.TempDir(), recorder: rec}
}

// Deps are what commands get, on fresh buffers.
func (e *Env) Deps(in string) (d *cmdutil.Deps, out, errOut *bytes.Buffer) {
	streams, stdin, out, errOut := iostreams.Test()
	stdin.WriteString(in)
	if e.Terminal {
		streams.SetTerminal(80)
	}
	d = &cmdutil.Deps{
		IO: streams, Clock: Now, Log: slog.New(slog.DiscardHandler), Flags: &cmdutil.Flags{}, Output: &output.Options{},
		Provider: func(context.Context) (provider.Provider, error) { return e.Provider, nil },
		Paths:    config.FindPaths("linux", func(name string) (string, bool) { return e.Home, name == "IDCTL_HOME" }),
	}
	if e.Clock != nil {
		d.Clock = e.Clock
	}
	d.Prompt = prompt.New(streams)
	if e.Terminal {
		d.Prompt = &prompt.Scripted{Answers: e.Answers}
	}
	return d, out, errOut
}

// Run runs a command line of one noun, with in on standard input.
func (e *Env) Run(tb testing.TB, noun func(*cmdutil.Deps) *cobra.Command, in string, args ...string) Result {
	tb.Helper()
	d, out, errOut := e.Deps(in)
	root := &cobra.Command{Use: "idctl", SilenceErrors: true, SilenceUsage: true}
	d.Output.AddFlags(root.PersistentFlags())
	d.Flags.AddFlags(root.PersistentFlags())
	cmd := noun(d)
	root.AddCommand(cmd)
	root.SetArgs(append([]string{cmd.Name()}, args...))
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(tb.Context())
	e.Answers = nil
	r := Result{Out: out.String(), Err: errOut.String(), Failure: err, Code: cmdutil.ExitCode(err)}
	if s, ok := d.Prompt.(*prompt.Scripted); ok {
		r.Asked = s.Asked
		if err == nil && len(s.Answers) > 0 {
			tb.Errorf("%d answers were not asked for", len(s.Answers))
		}
	}
	return r
}

// OK is Run that wants success and answers the output.
func (e *Env) OK(tb testing.TB, noun func(*cmdutil.Deps) *cobra.Command, args ...string) string {
	tb.Helper()
	r := e.Run(tb, noun, "", args...)
	if r.Failure != nil {
		tb.Fatalf("idctl %s: %v\nstderr: %s", strings.Join(args, " "), r.Failure, r.Err)
	}
	return r.Out
}

// User is a seed document of a user with a login, a given and a family name.
func User(login, given, family string) idtest.Document {
	return idtest.Document{Type: "User", BulkID: login, Attrs: map[string]any{
		"schemas":  []any{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": login, "name": map[string]any{"givenName": given, "familyName": family},
		"emails": []any{map[string]any{"value": login, "type": "work", "primary": true}},
	}}
}

// Group is a seed document of a group with members that were seeded before it.
func Group(name string, members ...string) idtest.Document {
	var list []any
	for _, m := range members {
		list = append(list, map[string]any{"value": "bulkId:" + m, "type": "User"})
	}
	doc := map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name}
	if list != nil {
		doc["members"] = list
	}
	return idtest.Document{Type: "Group", BulkID: "group-" + name, Attrs: doc}
}

// Seed makes resources and answers their ids.
func (e *Env) Seed(tb testing.TB, docs ...idtest.Document) []string {
	tb.Helper()
	ids, err := e.Server.Seed(tb.Context(), docs...)
	if err != nil {
		tb.Fatalf("seed: %v", err)
	}
	return ids
}

// Writes lists the requests so far that change something, as
// "PATCH /admin/v1/Users/<id>".
func (e *Env) Writes() []string {
	return slices.DeleteFunc(e.Calls(), func(call string) bool {
		return strings.HasPrefix(call, "GET ") || strings.HasSuffix(call, "/.search")
	})
}

// Calls lists all requests of commands so far.
func (e *Env) Calls() []string {
	e.recorder.mu.Lock()
	defer e.recorder.mu.Unlock()
	return slices.Clone(e.recorder.sent)
}
