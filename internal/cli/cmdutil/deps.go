// Package cmdutil is what every command package of idctl shares: the Deps
// handed to constructors, helpers for arguments and groups, the errors that
// carry an exit code, and the one function that maps errors to codes.
//
// It holds no command and knows no resource type.
package cmdutil

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/ascurl"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/prompt"
	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// Deps is what constructors of commands get. Whatever needs disk or network is
// a function, so that building the tree touches neither.
type Deps struct {
	IO      *iostreams.Streams
	Prompt  prompt.Prompter
	Env     config.LookupEnv
	Paths   config.Paths
	Clock   func() time.Time
	Log     *slog.Logger
	Version Version
	// Flags and Output are filled in when the command line has been parsed.
	Flags  *Flags
	Output *output.Options

	// Config reads the file with the profiles, once.
	Config func() (*config.Config, error)
	// Profile is the chosen profile with flags and environment applied.
	Profile func() (*config.Resolved, error)
	// Secrets is the store in which the profile's secret is kept.
	Secrets func(*config.Resolved) (auth.Secrets, error)
	// Tokens gives access tokens of a profile, through the cache.
	Tokens func(context.Context, *config.Resolved) (transport.TokenSource, error)
	// TokenConfig says where tokens of a profile are asked for.
	TokenConfig func(context.Context, *config.Resolved) (tokens.Config, error)
	// Transport is the way to the service of a profile, without a token.
	Transport func(context.Context, *config.Resolved) (transport.Options, error)
	// ShowCalls is what --as-curl makes of requests that do not go through
	// Transport; nil when it was not given.
	ShowCalls func(ascurl.Options, ...string) func(*http.Request)
	// TokenCache is where access tokens are kept.
	TokenCache func() (*auth.Cache, error)
	// Provider connects to the service of the chosen profile, once. It does
	// not send anything by itself.
	Provider func(context.Context) (provider.Provider, error)
}

// Version says which build this is.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Flags are the flags every command has.
type Flags struct {
	Profile     string
	URL         string
	Provider    string
	CAFile      string
	Timeout     string
	Retries     string
	Rate        string
	Quiet       bool
	NoInput     bool
	Yes         bool
	Verbose     int
	TraceBodies bool
	AsCurl      bool

	// Shards is how many processes share the limits of the service; a command
	// that knows sets it before it connects. 0 and 1 mean this one alone.
	Shards int
	// Workers is how many requests run at the same time; a command that lets
	// the user choose sets it before it asks for the provider. 0 means the
	// default.
	Workers int

	set *pflag.FlagSet
}

// AddFlags adds the flags. Values of profile settings are kept as text and
// validated where flag, environment and file come together, so that all three
// give the same error.
func (f *Flags) AddFlags(fs *pflag.FlagSet) {
	f.set = fs
	fs.StringVarP(&f.Profile, "profile", "p", "", "`name` of the profile to use (IDCTL_PROFILE)")
	fs.StringVar(&f.URL, "url", "", "`address` of the service (IDCTL_URL)")
	fs.StringVar(&f.Provider, "provider", "", "`kind` of service: "+strings.Join(config.Providers(), ", ")+" (IDCTL_PROVIDER)")
	fs.StringVar(&f.CAFile, "ca-file", "", "PEM `file` with certificate authorities to trust as well")
	fs.StringVar(&f.Timeout, "timeout", "", "limit of one request, a `duration` such as 30s")
	fs.StringVar(&f.Retries, "retries", "", "`number` of times a failed request is repeated")
	fs.StringVar(&f.Rate, "rate", "", "requests a second, a `number`; by default 80 % of the service's limits")
	fs.BoolVarP(&f.Quiet, "quiet", "q", false, "no progress and no remarks on stderr, only errors")
	fs.BoolVar(&f.NoInput, "no-input", false, "never ask, fail where a question would be needed")
	fs.BoolVarP(&f.Yes, "yes", "y", false, "answer yes to every confirmation")
	fs.CountVarP(&f.Verbose, "verbose", "v", "say more on stderr: -v decisions, -vv requests")
	fs.BoolVar(&f.TraceBodies, "trace-bodies", false, "log bodies of requests too, with secrets masked")
	fs.BoolVar(&f.AsCurl, "as-curl", false, "print each request on stderr as a curl command too, with variables for secrets")
}

// Given returns the flags that override settings and were given, by name.
func (f *Flags) Given() map[string]string {
	given := map[string]string{}
	for name, value := range map[string]string{
		"profile": f.Profile, "url": f.URL, "provider": f.Provider, "ca-file": f.CAFile,
		"timeout": f.Timeout, "retries": f.Retries, "rate": f.Rate,
	} {
		if f.set == nil && value != "" || f.set != nil && f.set.Changed(name) {
			given[name] = value
		}
	}
	return given
}

// Confirm asks before a destructive act on count resources, "delete 3 users",
// unless --yes was given. It returns prompt.ErrDeclined when the person does
// not agree and a usage error where nobody can be asked.
func (d *Deps) Confirm(ctx context.Context, act string, count int) error {
	if d.Flags.Yes {
		return nil
	}
	return prompt.ConfirmCount(ctx, d.Prompt, act, count)
}

// Note prints a remark on stderr, unless --quiet was given: "20 of 314 users".
func (d *Deps) Note(format string, args ...any) error {
	if d.Flags.Quiet {
		return nil
	}
	var b strings.Builder
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		b.WriteString(iostreams.Clean(line) + "\n") // it may name what a server sent
	}
	_, err := io.WriteString(d.IO.ErrOut, b.String())
	return err
}

// maxSecret bounds a secret file; a refresh token of many scopes has some KB.
const maxSecret = 64 << 10

// ReadSecret reads a secret from a file, or from standard input when file is
// "-", without the line break at its end.
func (d *Deps) ReadSecret(ctx context.Context, file string) (auth.Secret, error) {
	in, name := d.IO.In, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		in, name = f, file
	}
	b, err := readAll(ctx, io.LimitReader(in, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read secret from %s: %w", name, err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > maxSecret:
		return "", Usagef("secret in %s is larger than %d bytes", name, maxSecret)
	case s == "":
		return "", Usagef("there is no secret in %s", name)
	case strings.ContainsAny(s, "\r\n"):
		return "", Usagef("%s holds more than one line, a secret is one", name)
	}
	return auth.Secret(s), nil
}

// readAll reads to the end, but waits no longer than ctx lasts: whoever feeds
// a pipe may take its time.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	var b []byte
	done := Go(func() (err error) {
		b, err = io.ReadAll(in)
		return err
	})
	select {
	case err := <-done:
		return b, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
