package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
	"github.com/idctl/idctl/internal/output"
)

// controlOptions are those of every command to a running server.
type controlOptions struct {
	*cmdutil.Deps
	ReadyFile string
	Words     []string
	Clear     bool
	Limit     int
}

func controlCmd(d *cmdutil.Deps, cmd *cobra.Command, run func(context.Context, *controlOptions) error) (*cobra.Command, *controlOptions) {
	o := &controlOptions{Deps: d}
	if cmd.Args == nil {
		cmd.Args = cmdutil.NoArgs
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Words = args
		return run(cmd.Context(), o)
	}
	readyFlag(cmd.Flags(), &o.ReadyFile)
	return cmd, o
}

func newStatusCmd(d *cmdutil.Deps, run func(context.Context, *controlOptions) error) *cobra.Command {
	cmd, _ := controlCmd(d, &cobra.Command{
		Use: "status", Short: "Show the running server", Example: "  idctl server status -o json",
	}, run)
	return cmd
}

func runStatus(ctx context.Context, o *controlOptions) error {
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	var s emulator.Status
	if err := c.do(ctx, http.MethodGet, "/status", nil, &s); err != nil {
		return err
	}
	return output.New(o.Output, output.Spec[emulator.Status]{
		Columns: []output.Column[emulator.Status]{
			{Name: "URL", Get: func(s *emulator.Status) string { return s.BaseURL }},
			{Name: "Time", Get: func(s *emulator.Status) string { return s.Now.Format(time.RFC3339) }},
			{Name: "Requests", Get: func(s *emulator.Status) string { return strconv.Itoa(s.Requests) }},
			{Name: "Faults", Get: func(s *emulator.Status) string { return strconv.Itoa(s.Faults) }},
			{Name: "Limits", Get: func(s *emulator.Status) string { return s.Limits }},
			{Name: "Types", Wide: true, Get: func(s *emulator.Status) string { return strconv.Itoa(s.ResourceTypes) }},
		},
		Key: func(s *emulator.Status) string { return s.BaseURL },
	}).One(o.IO, &s)
}

func newResetCmd(d *cmdutil.Deps, run func(context.Context, *controlOptions) error) *cobra.Command {
	cmd, _ := controlCmd(d, &cobra.Command{
		Use: "reset", Short: "Remove everything from the running server, or from the profile local",
		Long: `Remove every resource, setting and token, put the clock back and the faults of
the start in force. The client stays. With --profile local, or IDCTL_PROFILE
set to local, it is the database of that profile that is emptied.`,
		Example: "  idctl server reset --yes\n  idctl server reset --profile local",
	}, run)
	return cmd
}

func runReset(ctx context.Context, o *controlOptions) error {
	profile := o.Flags.Profile
	if profile == "" && o.ReadyFile == "" {
		profile, _ = o.Env("IDCTL_PROFILE")
	}
	if strings.EqualFold(profile, config.LocalProfile) && o.ReadyFile == "" {
		if err := o.Confirm(ctx, "remove everything from the profile local", 1); err != nil {
			return err
		}
		return resetLocal(ctx, o.Deps)
	}
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	if err := o.Confirm(ctx, "remove everything from the server at "+c.ready.URL, 1); err != nil {
		return err
	}
	if err := c.do(ctx, http.MethodPost, "/reset", nil, nil); err != nil {
		return err
	}
	return o.Note("the server at %s is empty", c.ready.URL)
}

// resetLocal empties the database of the profile local, also under processes
// that have it open.
func resetLocal(ctx context.Context, d *cmdutil.Deps) (err error) {
	dir, err := d.Paths.State(config.LocalProfile)
	if err != nil {
		return err
	}
	creds, _, err := cmdutil.ReadOrMakeCredentials(ctx, filepath.Join(dir, "credentials.json"), "local-")
	if err != nil {
		return err
	}
	st, err := sqlite.Open(ctx, filepath.Join(dir, "idctl.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	svc, err := emulator.New(ctx, emulator.Options{
		Store: st, Clock: clockFunc(d.Clock), ClientID: creds.ClientID, ClientSecret: creds.ClientSecret, Log: d.Log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, svc.Close()) }()
	if err := svc.Reset(ctx); err != nil {
		return err
	}
	return d.Note("the profile local is empty")
}

// clockAnswer is the server's time.
type clockAnswer struct {
	Now time.Time `json:"now"`
}

func newClockCmd(d *cmdutil.Deps, run func(context.Context, *controlOptions) error) *cobra.Command {
	cmd, _ := controlCmd(d, &cobra.Command{
		Use: "clock [<time>|+<duration>]", Short: "Show or move the server's clock",
		Long: `Show the server's time, set it, or move it on: tokens expire, and passwords and
invitations with them, without waiting. The clock goes on from there.`,
		Example: "  idctl server clock\n  idctl server clock +1h30m\n  idctl server clock 2027-01-01T00:00:00Z",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cmdutil.One("time|+duration")(cmd, args)
			}
			return nil
		},
	}, run)
	return cmd
}

func runClock(ctx context.Context, o *controlOptions) error {
	method, body := http.MethodGet, map[string]string(nil)
	if len(o.Words) == 1 {
		var err error
		if body, err = clockChange(o.Words[0]); err != nil {
			return err
		}
		method = http.MethodPut
	}
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	var now clockAnswer
	var in any
	if body != nil {
		in = body
	}
	if err := c.do(ctx, method, "/clock", in, &now); err != nil {
		return err
	}
	text := func(c *clockAnswer) string { return c.Now.Format(time.RFC3339) }
	return output.New(o.Output, output.Spec[clockAnswer]{
		Columns: []output.Column[clockAnswer]{{Name: "Time", Get: text}}, Key: text,
	}).One(o.IO, &now)
}

func clockChange(word string) (map[string]string, error) {
	if rest, ok := strings.CutPrefix(word, "+"); ok {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return nil, cmdutil.Usagef("%q is no duration such as +1h30m", word)
		}
		return map[string]string{"advance": d.String()}, nil
	}
	t, err := time.Parse(time.RFC3339, word)
	if err != nil {
		return nil, cmdutil.Usagef("%q is neither a time such as 2027-01-01T00:00:00Z nor a duration such as +1h", word)
	}
	return map[string]string{"now": t.Format(time.RFC3339Nano)}, nil
}

func newFaultsCmd(d *cmdutil.Deps, run func(context.Context, *controlOptions) error) *cobra.Command {
	cmd, o := controlCmd(d, &cobra.Command{
		Use: "faults [<rule>...]", Short: "Show or replace the rules by which requests go wrong",
		Long: `Show the rules in force and how often each fired, or put others in their place.
A rule is ACTION[:key=value,...]. ACTION is a status, latency, drop, cut,
expire-tokens, ignore-terms or hide-codes; keys are every, probability, times, family, method, path, delay
and retry-after.`,
		Example: "  idctl server faults 429:every=3,retry-after=1 cut:path=/admin/v1/Users,times=2\n  idctl server faults --clear",
		Args:    cobra.ArbitraryArgs,
	}, run)
	cmd.Flags().BoolVar(&o.Clear, "clear", false, "remove all rules")
	return cmd
}

func runFaults(ctx context.Context, o *controlOptions) error {
	if o.Clear && len(o.Words) > 0 {
		return cmdutil.Usagef("give rules or --clear, not both")
	}
	if _, err := parseRules(o.Words); err != nil {
		return &cmdutil.UsageError{Err: err}
	}
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	method, body := http.MethodGet, any(nil)
	switch {
	case o.Clear:
		method = http.MethodDelete
	case len(o.Words) > 0:
		method, body = http.MethodPut, o.Words
	}
	var rules []emulator.FaultState
	if err := c.do(ctx, method, "/faults", body, &rules); err != nil {
		return err
	}
	return output.New(o.Output, output.Spec[emulator.FaultState]{
		Columns: []output.Column[emulator.FaultState]{
			{Name: "Rule", Get: func(f *emulator.FaultState) string { return f.Rule }},
			{Name: "Matched", Get: func(f *emulator.FaultState) string { return strconv.Itoa(f.Matched) }},
			{Name: "Fired", Get: func(f *emulator.FaultState) string { return strconv.Itoa(f.Fired) }},
		},
		Key: func(f *emulator.FaultState) string { return f.Rule },
	}).List(o.IO, rules)
}

func limitFlag(cmd *cobra.Command, o *controlOptions) {
	cmd.Flags().IntVar(&o.Limit, "limit", 0, "show `N` at most; 0 shows all")
}

func limited(path string, n int) (string, error) {
	switch {
	case n < 0:
		return "", cmdutil.Usagef("--limit must not be negative")
	case n == 0:
		return path, nil
	}
	return path + "?" + url.Values{"limit": {strconv.Itoa(n)}}.Encode(), nil
}

func newLogCmd(d *cmdutil.Deps, run func(context.Context, *controlOptions) error) *cobra.Command {
	cmd, o := controlCmd(d, &cobra.Command{
		Use: "log", Short: "List the last requests the server answered, oldest first", Example: "  idctl server log --limit 20",
	}, run)
	limitFlag(cmd, o)
	return cmd
}

func runLog(ctx context.Context, o *controlOptions) error {
	var answer struct {
		Requests []emulator.RequestRecord `json:"requests"`
	}
	if err := o.fetch(ctx, "/log", &answer); err != nil {
		return err
	}
	return output.New(o.Output, output.Spec[emulator.RequestRecord]{
		Columns: []output.Column[emulator.RequestRecord]{
			{Name: "Time", Get: func(r *emulator.RequestRecord) string { return r.Time.Format(time.RFC3339) }},
			{Name: "Method", Get: func(r *emulator.RequestRecord) string { return r.Method }},
			{Name: "Path", Get: func(r *emulator.RequestRecord) string { return r.Path }},
			{Name: "Status", Get: status},
			{Name: "Fault", Get: func(r *emulator.RequestRecord) string { return r.Fault }},
			{Name: "Milliseconds", Wide: true, Get: func(r *emulator.RequestRecord) string {
				return strconv.FormatFloat(r.Millis, 'f', 1, 64)
			}},
			{Name: "Client", Wide: true, Get: func(r *emulator.RequestRecord) string { return r.Client }},
			{Name: "Request", Wide: true, Get: func(r *emulator.RequestRecord) string { return r.RequestID }},
		},
		Key: func(r *emulator.RequestRecord) string { return r.RequestID },
	}).List(o.IO, answer.Requests)
}

func status(r *emulator.RequestRecord) string {
	if r.Status == 0 {
		return "closed"
	}
	return strconv.Itoa(r.Status)
}

func (o *controlOptions) fetch(ctx context.Context, path string, into any) error {
	path, err := limited(path, o.Limit)
	if err != nil {
		return err
	}
	c, err := dial(o.Deps, o.ReadyFile)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}
