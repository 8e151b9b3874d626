// Package doctor holds the command doctor: checks of everything that a call
// to the service depends on, from the configuration file to the rights of the
// access token, each with what was found and what to do about it.
//
// It changes nothing: no file is made or mended, nothing is written to the
// service. The one exception is the access token, which is kept for the next
// command as always.
package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/output"
)

// State is what became of a check.
type State string

// The states. A warning is worth a look and stops nothing.
const (
	OK      State = "ok"
	Warning State = "warning"
	Problem State = "problem"
	Skipped State = "skipped"
)

// Check is one check with its outcome. docs/scripting.md describes the JSON.
type Check struct {
	Name    string   `json:"name"`
	State   State    `json:"state"`
	Finding string   `json:"finding"`
	Advice  string   `json:"advice,omitempty"`
	Details []Detail `json:"details,omitempty"`
}

// Detail is one value of a check that has several. Where says where the value
// comes from.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Where string `json:"where,omitempty"`
}

var spec = output.Spec[Check]{
	Columns: []output.Column[Check]{
		{Name: "Check", Path: "name", Get: func(c *Check) string { return c.Name }},
		{Name: "State", Path: "state", Get: func(c *Check) string { return string(c.State) }, Paint: colour},
		{Name: "Finding", Path: "finding", Get: func(c *Check) string { return c.Finding }},
		{Name: "Advice", Path: "advice", Get: func(c *Check) string { return c.Advice }},
	},
	Key: func(c *Check) string { return c.Name },
}

func colour(c *Check) output.Colour {
	switch c.State {
	case OK:
		return output.Green
	case Warning:
		return output.Yellow
	case Problem:
		return output.Red
	case Skipped:
	}
	return output.Dim
}

// perCheck bounds each check.
const perCheck = 5 * time.Second

// options are what the checks look at. Whatever reaches out of the process is
// a function.
type options struct {
	*cmdutil.Deps
	Print output.Printer[Check]
	// GOOS decides which rules for files hold.
	GOOS    string
	Limit   time.Duration
	Proxy   func(*http.Request) (*url.URL, error)
	Resolve func(ctx context.Context, host string) ([]string, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Free    func(dir string) (bytes uint64, err error)
}

// New makes the command doctor.
func New(d *cmdutil.Deps) *cobra.Command { return newCmd(d, run) }

func newCmd(d *cmdutil.Deps, run func(context.Context, *options) error) *cobra.Command {
	o := &options{
		Deps: d, Print: output.New(d.Output, spec), GOOS: d.Version.OS, Limit: perCheck,
		Proxy: http.ProxyFromEnvironment, Resolve: net.DefaultResolver.LookupHost,
		Dial: (&net.Dialer{}).DialContext, Free: freeSpace,
	}
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check everything a call to the service depends on", Args: cmdutil.NoArgs,
		Long: `Check everything that a call to the service depends on, and say what to do: the
configuration file, the permissions of files, interrupted imports, disk space,
the terminal, the profile, its secret, proxy, DNS, connection, TLS, the service
itself, the clock, the access token and its rights, limits, and the database of
the profile local.

Nothing is changed, on this machine or at the service, and nothing is asked.
Each check ends within five seconds; one that needs another which failed is
skipped. The exit code is 0 when there is no problem; warnings do not count.
With problems it is 1, or 4 or 7 when all of them are of that kind. Secrets are
never shown.`,
		Example: "  idctl doctor\n  idctl doctor --profile prod --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				if cmd.Flags().Changed("output") && d.Output.Format != output.JSON {
					return cmdutil.Usagef("--json and --output %s exclude each other", d.Output.Format)
				}
				d.Output.Format = output.JSON
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the same as --output json")
	return cmd
}

func run(ctx context.Context, o *options) error {
	if err := o.Print.Check(); err != nil {
		return err
	}
	o.IO.NoInput = true // a passphrase that is asked for is a finding
	checks, err := examine(ctx, o, steps())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if perr := o.print(checks); perr != nil {
		return perr
	}
	return err
}

// problemsError is what examine found. Its code is that of the problems when
// they agree on one that tells a script something.
type problemsError struct {
	n    int
	code int
}

func (e *problemsError) Error() string {
	return cmdutil.Count(e.n, "problem") + " found"
}

// ExitCode implements cmdutil.ExitCoder.
func (e *problemsError) ExitCode() int { return e.code }

// steps are the checks in their order: what stands on another comes after it.
func steps() []step {
	return []step{
		{name: "program", run: checkProgram},
		{name: "configuration", run: checkConfiguration},
		{name: "permissions", run: checkPermissions},
		{name: "runs", run: checkRuns, late: Warning},
		{name: "disk", run: checkDisk},
		{name: "terminal", run: checkTerminal},
		{name: "local database", run: checkLocal, late: Warning},
		{name: "profile", needs: []string{"configuration"}, run: checkProfile},
		{name: "secret", needs: []string{"profile"}, run: checkSecret},
		{name: "proxy", needs: []string{"profile"}, run: checkProxy},
		{name: "dns", needs: []string{"proxy"}, run: checkDNS},
		{name: "connection", needs: []string{"dns"}, run: checkConnection},
		{name: "tls", needs: []string{"connection"}, run: checkTLS},
		{name: "service", needs: []string{"tls"}, run: checkService},
		{name: "clock", needs: []string{"tls"}, run: checkClock},
		{name: "token", needs: []string{"secret", "tls"}, run: checkToken},
		{name: "rights", needs: []string{"token"}, run: checkRights},
		{name: "limits", needs: []string{"profile"}, run: checkLimits},
	}
}

func checkProgram(_ context.Context, o *options, _ facts) result {
	v := o.Version
	text := "idctl " + v.Version
	if v.Commit != "" {
		text += " (" + v.Commit + ")"
	}
	return ok("%s, %s, %s/%s", text, v.Go, v.OS, v.Arch)
}

func ok(format string, args ...any) result {
	return result{Check: Check{State: OK, Finding: fmt.Sprintf(format, args...)}}
}

func warn(advice, format string, args ...any) result {
	return result{Check: Check{State: Warning, Finding: fmt.Sprintf(format, args...), Advice: advice}}
}

func skip(format string, args ...any) result {
	return result{Check: Check{State: Skipped, Finding: fmt.Sprintf(format, args...)}}
}

// fail is a problem. The error gives the exit code, and more advice when there
// is none.
func fail(err error, advice, format string, args ...any) result {
	r := result{Check: Check{State: Problem, Finding: fmt.Sprintf(format, args...), Advice: advice}, code: cmdutil.ExitFailure}
	if err == nil {
		return r
	}
	r.code = cmdutil.ExitCode(err)
	if hints := cmdutil.Hints(err); r.Advice == "" && len(hints) > 0 {
		r.Advice = joinLines(hints)
	}
	return r
}
