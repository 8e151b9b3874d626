package importcmd

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
)

func deps() *cmdutil.Deps {
	s, _, _, _ := iostreams.Test()
	return &cmdutil.Deps{IO: s, Flags: &cmdutil.Flags{}, Output: &output.Options{}, Clock: func() time.Time { return time.Unix(0, 0).UTC() }}
}

func execute(cmd *cobra.Command, args ...string) error {
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(context.Background())
}

func TestFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string // part of a usage error; empty for none
		look func(*runOptions) bool
	}{
		"defaults": {[]string{"u.csv"}, "", func(o *runOptions) bool {
			return o.File == "u.csv" && o.Type == mapping.User && o.OnExisting == "update" && o.Route == "auto" && o.MaxErrors == -1 &&
				o.MultiValued == "merge" && o.Concurrency >= 4 && !o.DryRun && !o.Verify
		}},
		"no file":             {nil, "needs <file>", nil},
		"two files":           {[]string{"a", "b"}, `after <file>, got "b"`, nil},
		"on-existing":         {[]string{"u.csv", "--on-existing", "drop"}, "update, skip or fail", nil},
		"route":               {[]string{"u.csv", "--route", "job"}, "auto, single or bulk", nil},
		"concurrency":         {[]string{"u.csv", "--concurrency", "0"}, "from 1 to 1000", nil},
		"multi-valued":        {[]string{"u.csv", "--multi-valued", "x"}, "merge or replace", nil},
		"plan without dryrun": {[]string{"u.csv", "--plan-out", "p"}, "--dry-run", nil},
		"resume a dry run":    {[]string{"u.csv", "-n", "--resume"}, "exclude", nil},
		"resume and restart":  {[]string{"u.csv", "--restart", "--resume"}, "exclude", nil},
		"shard":               {[]string{"u.csv", "--shard", "2/3"}, "", func(o *runOptions) bool { return o.shard == 2 && o.shards == 3 && o.Route == "single" }},
		"shard 0":             {[]string{"u.csv", "--shard", "0/3"}, "I from 1 to N", nil},
		"shard 4 of 3":        {[]string{"u.csv", "--shard", "4/3"}, "I from 1 to N", nil},
		"shard no number":     {[]string{"u.csv", "--shard", "x"}, "I from 1 to N", nil},
		"shard and bulk":      {[]string{"u.csv", "--shard", "1/3", "--route", "bulk"}, "one series of bulk calls", nil},
		"filter-like map":     {[]string{"u.csv", "--map", `x=emails[type eq "work"].value`, "-m", "y="}, "", func(o *runOptions) bool { return len(o.Map) == 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			var got *runOptions
			err := execute(newRunCmd(deps(), mapping.User, func(_ context.Context, o *runOptions) error { got = o; return nil }), c.args...)
			if c.want != "" {
				var usage *cmdutil.UsageError
				if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) || got != nil {
					t.Errorf("error = %v, want a usage error with %q and no run", err, c.want)
				}
				return
			}
			if err != nil || !c.look(got) {
				t.Errorf("options = %+v, %v", got, err)
			}
		})
	}
}

func TestFlagsPerType(t *testing.T) {
	users, groups := newRunCmd(deps(), mapping.User, nil), newRunCmd(deps(), mapping.Group, nil)
	for flag, want := range map[string][2]bool{
		"set-passwords": {true, false}, "multi-valued": {true, false}, "replace-members": {false, true}, "clear-empty": {true, true},
	} {
		if got := [2]bool{users.Flag(flag) != nil, groups.Flag(flag) != nil}; got != want {
			t.Errorf("--%s on users and groups: %v, want %v", flag, got, want)
		}
	}
}

func TestEstimate(t *testing.T) {
	with := func(r config.Resolved, shards int) *job {
		return &job{runOptions: &runOptions{shards: shards}, profile: &r}
	}
	if with(config.Resolved{Name: config.LocalProfile}, 0).estimate() != nil {
		t.Error("the local profile is limited")
	}
	for name, c := range map[string]struct {
		job   *job
		route runner.Route
		calls int
		want  time.Duration
	}{
		"burst":         {with(config.Resolved{DomainType: "premium"}, 0), runner.RouteSingle, 72, time.Second},
		"minute limit":  {with(config.Resolved{DomainType: "free"}, 0), runner.RouteSingle, 1200, 585 * time.Second},
		"first minute":  {with(config.Resolved{DomainType: "free"}, 0), runner.RouteSingle, 50, 10 * time.Second},
		"bulk":          {with(config.Resolved{DomainType: "free"}, 0), runner.RouteBulk, 40, 10 * time.Second},
		"own rate":      {with(config.Resolved{DomainType: "free", Rate: 10}, 0), runner.RouteSingle, 100, 10 * time.Second},
		"a third of it": {with(config.Resolved{DomainType: "premium"}, 3), runner.RouteSingle, 72, 3 * time.Second},
	} {
		if got := c.job.estimate()(c.route, c.calls).Round(time.Second); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	for in, want := range map[string]string{
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "department",
		`emails[type eq "work"].value`:                                          `emails[type eq "work"].value`,
		`phoneNumbers[value eq "a:b"]`:                                          `phoneNumbers[value eq "a:b"]`,
		"title":                                                                 "title",
	} {
		if got := shortPath(in); got != want {
			t.Errorf("shortPath(%q) = %q, want %q", in, got, want)
		}
	}
}
