package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func identity(f *file) journal.Identity {
	return journal.Identity{Profile: "test", Origin: "https://fake.example.com", Type: "User", Source: f.hash, Options: f.options}
}

// options are those of a run with a fresh journal.
func options(t *testing.T, f *file) Options {
	t.Helper()
	j, err := journal.Create(filepath.Join(t.TempDir(), "j.journal"), identity(f), noon)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return Options{OnExisting: Update, Route: RouteSingle, Concurrency: 4, MaxErrors: -1, Journal: j, Clock: func() time.Time { return noon }}
}

// reopen closes a run's journal and opens it as a resume does.
func reopen(t *testing.T, f *file, o Options) Options {
	t.Helper()
	if err := o.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	j, state, err := journal.Open(o.Journal.Path(), identity(f))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	o.Journal, o.State = j, state
	return o
}

func must(t *testing.T, s *service, f *file, o Options) *Summary {
	t.Helper()
	summary, _, err := Run(t.Context(), s, f, o)
	if err != nil {
		t.Fatalf("run: %v (%+v)", err, summary)
	}
	return summary
}

// whole checks the promise: every user is there, made once, as the file says.
func whole(t *testing.T, s *service, f *file) {
	t.Helper()
	if len(s.users) != len(f.rows) {
		t.Errorf("%d users, want %d", len(s.users), len(f.rows))
	}
	for _, r := range f.rows {
		doc := s.users[provider.Fold(r.name)]
		if doc.String("title") != r.title {
			t.Errorf("%s: title %q, want %q", r.name, doc.String("title"), r.title)
		}
		if n := s.creates[provider.Fold(r.name)]; n != 1 {
			t.Errorf("%s was created %d times", r.name, n)
		}
		if r.manager == "" {
			continue
		}
		if boss := s.users[provider.Fold(r.manager)]; boss.String("id") != doc.String("boss") {
			t.Errorf("%s: manager %q, want %q", r.name, doc.String("boss"), boss.String("id"))
		}
	}
}

func TestImportTwice(t *testing.T) {
	for _, route := range []Route{RouteSingle, RouteBulk} {
		t.Run(string(route), func(t *testing.T) {
			s, f := newService(), team(120)
			o := options(t, f)
			o.Route, o.Verify = route, true
			got := must(t, s, f, o)
			want := Counts{Total: 120, Rows: 120, Created: 120}
			if diff := cmp.Diff(want, got.Counts); diff != "" {
				t.Errorf("first run (-want +got):\n%s", diff)
			}
			if got.Verified != 120 || got.Route != route {
				t.Errorf("verified %d by %s, want 120 by %s", got.Verified, got.Route, route)
			}
			if route == RouteBulk && s.bulks < 120/7 {
				t.Errorf("%d bulk calls", s.bulks)
			}
			whole(t, s, f)

			before := s.writes
			o = options(t, f)
			o.Route = route
			got = must(t, s, f, o)
			if diff := cmp.Diff(Counts{Total: 120, Rows: 120, Unchanged: 120}, got.Counts); diff != "" {
				t.Errorf("second run (-want +got):\n%s", diff)
			}
			if s.writes != before || got.Writes != 0 {
				t.Errorf("the second run made %d writes", s.writes-before)
			}
		})
	}
}

func TestRows(t *testing.T) {
	existing := scim.Document{"userName": "old@example.com", "title": "Clerk"}
	cases := map[string]struct {
		row      row
		existing Existing
		want     journal.Result
		code     string
	}{
		"new":               {row{name: "new@example.com", title: "Engineer"}, Update, journal.Created, ""},
		"other title":       {row{name: "OLD@example.com", title: "Engineer"}, Update, journal.Updated, ""},
		"same":              {row{name: "old@example.com", title: "Clerk"}, Update, journal.Unchanged, ""},
		"exists, skip":      {row{name: "old@example.com", title: "Engineer"}, Skip, journal.Skipped, "exists"},
		"exists, fail":      {row{name: "old@example.com", title: "Engineer"}, Fail, journal.Failed, "exists"},
		"bad row":           {row{name: "new@example.com", bad: "no @"}, Update, journal.Rejected, "bad-email"},
		"lacks for create":  {row{name: "new@example.com"}, Update, journal.Rejected, "required"},
		"lacks for change":  {row{name: "old@example.com"}, Update, journal.Unchanged, ""},
		"unknown manager":   {row{name: "new@example.com", title: "x", manager: "nobody@example.com"}, Update, journal.Rejected, "unknown-reference"},
		"refused by server": {row{name: "refused@example.com", title: "x"}, Update, journal.Failed, "error.test"},
		"manager exists":    {row{name: "new@example.com", title: "x", manager: "old@example.com"}, Update, journal.Created, ""},
	}
	for name, c := range cases {
		for _, route := range []Route{RouteSingle, RouteBulk} {
			t.Run(name+"/"+string(route), func(t *testing.T) {
				s := newService()
				if _, err := s.create(existing); err != nil {
					t.Fatal(err)
				}
				s.before = func(_ int, _, key string) error {
					if key == "refused@example.com" {
						return &scim.Error{Status: 400, MessageID: "error.test"}
					}
					return nil
				}
				f := &file{rows: []row{c.row}, hash: "h"}
				o := options(t, f)
				o.OnExisting, o.Route = c.existing, route
				summary, report, err := Run(t.Context(), s, f, o)
				bad := c.want == journal.Rejected || c.want == journal.Failed
				if bad != errors.Is(err, ErrPartly) {
					t.Fatalf("error = %v", err)
				}
				if summary.Rows != 1 {
					t.Errorf("summary = %+v", summary.Counts)
				}
				for line, err := range report.Lines(t.Context()) {
					if err != nil || line.Result != c.want || line.Reason.Code != c.code {
						t.Errorf("row = %s (%+v), %v; want %s (%s)", line.Result, line.Reason, err, c.want, c.code)
					}
				}
			})
		}
	}
}

// The dry run's counts and steps are what the run then does, and it writes
// nothing.
func TestPlanTellsTheTruth(t *testing.T) {
	s, f := newService(), team(40)
	if _, err := s.create(scim.Document{"userName": "user003@EXAMPLE.com", "title": "Clerk"}); err != nil {
		t.Fatal(err)
	}
	f.rows = append(f.rows, row{name: "bad@example.com", bad: "no"})
	var buf bytes.Buffer
	w, err := NewPlanWriter(&buf, identity(f), Update, "users.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	dry := Options{OnExisting: Update, DryRun: true, MaxErrors: -1, Plan: w.Step, Clock: func() time.Time { return noon }}
	planned, _, err := Run(t.Context(), s, f, dry)
	if !errors.Is(err, ErrPartly) {
		t.Fatal(err)
	}
	if s.writes != 1 {
		t.Fatalf("the dry run made %d writes", s.writes-1)
	}
	if err := w.End(planned.Counts); err != nil {
		t.Fatal(err)
	}
	text := buf.String()
	plan, err := ReadPlan(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPlan(strings.NewReader(text[:len(text)-20])); !errors.Is(err, ErrPlan) {
		t.Errorf("plan cut short: %v, want ErrPlan", err)
	}
	if err := plan.Fits(identity(f), Skip); !errors.Is(err, ErrPlan) {
		t.Errorf("plan with another answer to existing resources: %v, want ErrPlan", err)
	}
	other := identity(f)
	other.Source = "changed"
	if err := plan.Fits(other, Update); !errors.Is(err, ErrPlan) {
		t.Errorf("plan of another file: %v, want ErrPlan", err)
	}

	// One item moves after the plan was made: it is skipped, the others are done.
	s.users[provider.Fold("user003@example.com")]["title"] = "Chief"
	o := options(t, f)
	o.Guard = plan
	applied, report, err := Run(t.Context(), s, f, o)
	if !errors.Is(err, ErrPartly) {
		t.Fatal(err)
	}
	want := planned.Counts
	want.Updated, want.Skipped = 0, 1
	if diff := cmp.Diff(want, applied.Counts); diff != "" {
		t.Errorf("applied (-planned, one moved, +got):\n%s", diff)
	}
	for line, err := range report.Lines(t.Context()) {
		if err == nil && line.Result == journal.Skipped && line.Reason.Code != "moved" {
			t.Errorf("skipped row says %+v", line.Reason)
		}
	}
}

// Whatever breaks, a resumed run ends with every row exactly once.
func TestFaultsAndResume(t *testing.T) {
	for seed := range uint64(30) {
		for _, route := range []Route{RouteSingle, RouteBulk} {
			t.Run(fmt.Sprintf("%s/%d", route, seed), func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				s, f := newService(), team(60)
				calm := false
				s.before = func(int, string, string) error {
					switch {
					case calm:
						return nil
					case rnd.IntN(10) == 0:
						return &scim.Error{Status: http.StatusServiceUnavailable}
					case rnd.IntN(10) == 0:
						return errCut
					}
					return nil
				}
				s.after = func(int, string, string) error {
					switch {
					case calm:
						return nil
					case rnd.IntN(8) == 0:
						return errCut
					case rnd.IntN(10) == 0:
						return &scim.Error{Status: http.StatusBadGateway}
					}
					return nil
				}
				o := options(t, f)
				o.Route = route
				_, _, err := Run(t.Context(), s, f, o)
				// So many failures in a row that the run gives up are possible, too.
				if err != nil && !errors.Is(err, ErrPartly) && !errors.Is(err, scim.ErrUnavailable) && !errors.Is(err, errCut) {
					t.Fatal(err)
				}
				calm = true
				o = reopen(t, f, o)
				got := must(t, s, f, o)
				if got.Rows != 60 || got.Bad() != 0 || got.Created != 60 {
					t.Errorf("resumed: %+v", got.Counts)
				}
				whole(t, s, f)
			})
		}
	}
}

// A process that dies between any two writes of the journal leaves a journal
// that resumes to the whole. Death is the journal's disk going away.
func TestStoppedAnywhereThenResumed(t *testing.T) {
	for stop := 1; stop <= 40; stop++ {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			s, f := newService(), team(25)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.after = func(n int, _, _ string) error {
				if n == stop {
					cancel()
				}
				return nil
			}
			o := options(t, f)
			o.Concurrency = 1 + stop%3
			if stop%2 == 0 {
				o.Route = RouteBulk
			}
			got, _, err := Run(ctx, s, f, o)
			if err != nil && !errors.Is(err, ErrInterrupted) {
				t.Fatal(err)
			}
			if got.Rows+got.Remaining != 25 {
				t.Errorf("stopped: %d rows and %d remaining of 25", got.Rows, got.Remaining)
			}
			s.after = nil
			o = reopen(t, f, o)
			got = must(t, s, f, o)
			if diff := cmp.Diff(Counts{Total: 25, Rows: 25, Created: 25}, got.Counts); diff != "" {
				t.Errorf("resumed (-want +got):\n%s", diff)
			}
			whole(t, s, f)
		})
	}
}

func TestShardsDoTheFileTogether(t *testing.T) {
	s, f := newService(), team(90)
	for i := range f.rows {
		f.rows[i].manager = ""
	}
	total := 0
	for shard := 1; shard <= 3; shard++ {
		o := options(t, f)
		o.Shard, o.Shards = shard, 3
		got := must(t, s, f, o)
		if got.Rows < 10 {
			t.Errorf("shard %d has %d of 90 rows", shard, got.Rows)
		}
		total += got.Rows
	}
	if total != 90 {
		t.Errorf("the shards did %d rows, want 90", total)
	}
	whole(t, s, f)
}

func TestMaxErrors(t *testing.T) {
	s, f := newService(), team(50)
	for i := range 5 {
		f.rows[i*9] = row{name: f.rows[i*9].name, bad: "no"}
	}
	o := options(t, f)
	o.MaxErrors = 4
	got, report, err := Run(t.Context(), s, f, o)
	if !errors.Is(err, ErrTooMany) || s.writes != 0 {
		t.Fatalf("bad file: %v after %d writes, want ErrTooMany and none", err, s.writes)
	}
	n := 0
	for line, err := range report.Rejects(t.Context()) {
		if err != nil || line.Reason.Code != "bad-email" {
			t.Errorf("reject = %+v, %v", line.Reason, err)
		}
		n++
	}
	if n != 5 || got.Rejected != 5 {
		t.Errorf("%d rejects, summary %+v", n, got.Counts)
	}

	s, f = newService(), team(50)
	s.before = func(int, string, string) error { return &scim.Error{Status: 400} }
	o = options(t, f)
	o.MaxErrors = 4
	got, _, err = Run(t.Context(), s, f, o)
	if !errors.Is(err, ErrTooMany) {
		t.Fatalf("service refuses all: %v, want ErrTooMany", err)
	}
	if got.Failed < 5 || got.Failed > 5+o.Concurrency {
		t.Errorf("stopped after %d failures", got.Failed)
	}
}

// A service that is gone ends the run early; the rows wait for a resume.
func TestServiceGone(t *testing.T) {
	for _, route := range []Route{RouteSingle, RouteBulk} {
		t.Run(string(route), func(t *testing.T) {
			s, f := newService(), team(200)
			s.before = func(n int, _, _ string) error {
				if n > 10 {
					return &scim.Error{Status: http.StatusServiceUnavailable}
				}
				return nil
			}
			o := options(t, f)
			o.Route = route
			got, _, err := Run(t.Context(), s, f, o)
			if !errors.Is(err, scim.ErrUnavailable) || got.Remaining < 100 {
				t.Fatalf("error = %v with %d rows remaining, want ErrUnavailable early", err, got.Remaining)
			}
			s.before = nil
			if got := must(t, s, f, reopen(t, f, o)); got.Created != 200 {
				t.Errorf("resumed: %+v", got.Counts)
			}
			whole(t, s, f)
		})
	}
}

func TestCredentialGone(t *testing.T) {
	s, f := newService(), team(50)
	s.before = func(n int, _, _ string) error {
		if n > 10 {
			return &scim.Error{Status: http.StatusUnauthorized}
		}
		return nil
	}
	o := options(t, f)
	_, _, err := Run(t.Context(), s, f, o)
	if !errors.Is(err, scim.ErrUnauthorized) {
		t.Fatalf("error = %v, want ErrUnauthorized", err)
	}
	s.before = nil
	got := must(t, s, f, reopen(t, f, o))
	if got.Created != 50 {
		t.Errorf("resumed: %+v", got.Counts)
	}
	whole(t, s, f)
}

// Somebody else changes a user between our look and our write.
func TestMovedUnderUs(t *testing.T) {
	s := newService()
	f := &file{rows: []row{{name: "a@example.com", title: "Engineer"}}, hash: "h"}
	if _, err := s.create(scim.Document{"userName": "a@example.com", "title": "Clerk"}); err != nil {
		t.Fatal(err)
	}
	moved := false
	s.before = func(int, string, string) error {
		if !moved {
			moved = true
			s.users["a@example.com"]["meta"] = map[string]any{"version": "other"}
		}
		return nil
	}
	o := options(t, f)
	got := must(t, s, f, o)
	if got.Updated != 1 || s.users["a@example.com"].String("title") != "Engineer" {
		t.Errorf("summary %+v, user %v", got.Counts, s.users["a@example.com"])
	}
}

func TestSecretsStayOutOfPlansAndJournals(t *testing.T) {
	ops := []scim.PatchOp{{Op: "replace", Path: "password", Value: "s3cret"}, {Op: "replace", Path: "title", Value: "x"}}
	want := []scim.PatchOp{{Op: "replace", Path: "password", Value: "[redacted]"}, {Op: "replace", Path: "title", Value: "x"}}
	if diff := cmp.Diff(want, masked(ops), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	if ops[0].Value != "s3cret" {
		t.Error("masked changed its argument")
	}
}

// A service that takes a change and does not keep it is found out by reading
// back.
func TestVerifyFindsWhatWasNotKept(t *testing.T) {
	for _, route := range []Route{RouteSingle, RouteBulk} {
		s, f := newService(), team(20)
		s.after = func(_ int, _, key string) error {
			if key == "user007@example.com" {
				s.users[key]["title"] = "lost"
			}
			return nil
		}
		o := options(t, f)
		o.Route, o.Verify = route, true
		got, report, err := Run(t.Context(), s, f, o)
		if !errors.Is(err, ErrPartly) || got.NotVerified != 1 || got.Verified != 19 {
			t.Fatalf("%s: %v, verified %d, not %d", route, err, got.Verified, got.NotVerified)
		}
		for line, err := range report.NotVerified(t.Context()) {
			if err != nil || line.Item.Row != 8 {
				t.Errorf("%s: not verified is row %d, %v", route, line.Item.Row, err)
			}
		}
	}
}
