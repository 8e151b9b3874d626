package doctor

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/pkg/transport"
)

// facts are what earlier checks learned. Checks get a copy: one that did not
// end in time may still read it.
type facts struct {
	profile *config.Resolved
	// base is the address of the service, nil for the profile local.
	base *url.URL
	// target is what is connected to: the proxy or the service.
	target  *url.URL
	proxied bool
	// noDatabase says that the profile local was never used.
	noDatabase bool
	// answered is when the first answer came, said what the service called
	// that moment.
	answered, said time.Time
	token          transport.Token
	// throttled are the calls that were answered 429, with what Retry-After said.
	throttled []string
}

// result is what one check found.
type result struct {
	Check
	code  int
	learn func(*facts)
}

// step is one check.
type step struct {
	name  string
	needs []string
	// late is the state of a check that does not end in time; a problem unless
	// it says otherwise.
	late State
	run  func(context.Context, *options, facts) result
}

// examine runs the checks in turn. The error is a *problemsError or nil.
func examine(ctx context.Context, o *options, steps []step) ([]Check, error) {
	var f facts
	var checks []Check
	var codes []int
	failed := map[string]string{} // check to the reason why those on it are skipped
	for _, s := range steps {
		if ctx.Err() != nil {
			break
		}
		r := result{}
		if i := slices.IndexFunc(s.needs, func(n string) bool { return failed[n] != "" }); i >= 0 {
			r = skip("%s", failed[s.needs[i]])
			failed[s.name] = failed[s.needs[i]]
		} else {
			r = s.within(ctx, o, f)
			if r.learn != nil {
				r.learn(&f)
			}
		}
		if r.State == Problem {
			codes = append(codes, r.code)
			failed[s.name] = "needs " + s.name + ", which has a problem"
		}
		if s.name == "profile" && r.State != Problem && f.profile == nil && failed[s.name] == "" {
			failed[s.name] = "no profile chosen"
		}
		r.Name = s.name
		checks = append(checks, r.Check)
	}
	if len(codes) == 0 {
		return checks, nil
	}
	err := &problemsError{n: len(codes), code: cmdutil.ExitFailure}
	if c := slices.Compact(slices.Sorted(slices.Values(codes))); len(c) == 1 && (c[0] == cmdutil.ExitDenied || c[0] == cmdutil.ExitBusy) {
		err.code = c[0]
	}
	return checks, err
}

// within runs a check and waits no longer than its limit: a file system that
// hangs does not look at contexts.
func (s step) within(ctx context.Context, o *options, f facts) result {
	limited, cancel := context.WithTimeout(ctx, o.Limit)
	defer cancel()
	var r result
	done := cmdutil.Go(func() error {
		r = s.run(limited, o, f)
		return nil
	})
	select {
	case err := <-done:
		if err != nil {
			return fail(nil, "report this as a fault of idctl", "the check itself failed: %v", err)
		}
		return r
	case <-limited.Done():
	}
	if grace(done) {
		return r // it noticed the end by itself, and has something to say
	}
	if s.late == Warning {
		return warn("", "not finished within %s", o.Limit)
	}
	return fail(context.DeadlineExceeded, "", "no answer within %s", o.Limit)
}

// grace gives a check that looks at its context the moment it needs to return.
func grace(done <-chan error) bool {
	timer := time.NewTimer(time.Second / 2)
	defer timer.Stop()
	select {
	case err := <-done:
		return err == nil
	case <-timer.C:
		return false
	}
}

// cause is an error's text for a finding. The end of a check's own limit is
// said in words.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, transport.ErrThrottled) {
		return "no answer in time"
	}
	return err.Error()
}

func joinLines(lines []string) string { return strings.Join(lines, "; ") }
