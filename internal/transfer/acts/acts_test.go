package acts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/scim"
)

func clock() time.Time { return time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC) }

// service is a world of users with one attribute, "on".
type service struct {
	mu    sync.Mutex
	on    map[string]bool
	gone  map[string]bool
	calls []string
	// fail answers the error of a call, and whether it was carried out all the
	// same.
	fail func(id string) (err error, happened bool)
}

func newService(ids ...string) *service {
	s := &service{on: map[string]bool{}, gone: map[string]bool{}}
	for _, id := range ids {
		s.on[id] = true
	}
	return s
}

func (s *service) doc(id string) (scim.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	on, ok := s.on[id]
	if !ok || s.gone[id] {
		return nil, fmt.Errorf("user %q: %w", id, scim.ErrNotFound)
	}
	return scim.Document{"id": id, "userName": id, "on": on}, nil
}

func (s *service) lookup(_ context.Context, list []*Target) error {
	for _, t := range list {
		t.Doc, t.Err = s.doc(t.Key)
	}
	return nil
}

// off is the act: readable, and so already where "on" is false.
func (s *service) off() Act {
	return Act{
		Name: "off", Past: "switched off", Repeat: journal.Readable,
		Check: func(t *Target) Verdict {
			if t.ID() == "stuck" {
				return Verdict{Refused: errors.New("is stuck")}
			}
			if on, _ := t.Doc.Bool("on"); !on {
				return Verdict{Already: "is off"}
			}
			return Verdict{}
		},
		Do: s.call,
	}
}

func (s *service) call(_ context.Context, t *Target, _ string) (Product, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, t.ID())
	if s.fail != nil {
		if err, happened := s.fail(t.ID()); err != nil {
			s.on[t.ID()] = s.on[t.ID()] && !happened
			return nil, err
		}
	}
	s.on[t.ID()] = false
	return nil, nil
}

func (s *service) sorted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.calls)
	slices.Sort(out)
	return out
}

func keys(list ...string) iter.Seq2[[]*Target, error] {
	return func(yield func([]*Target, error) bool) {
		for chunk := range slices.Chunk(list, 10) {
			batch := make([]*Target, len(chunk))
			for i, k := range chunk {
				batch[i] = &Target{Key: k}
			}
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// script collects what is reported, a line "key result" each.
type script struct{ lines []string }

func (s *script) report(l *Line) error {
	text := l.Key + " " + string(l.Result)
	if l.Earlier {
		text += " earlier"
	}
	s.lines = append(s.lines, text)
	return nil
}

func (s *service) options(act Act, out *script) Options {
	return Options{
		Act: act, Lookup: s.lookup, Clock: clock, Report: out.report, MaxErrors: -1, Concurrency: 4,
		Reread: func(_ context.Context, id string) (scim.Document, error) { return s.doc(id) },
		Fatal:  func(err error) bool { return errors.Is(err, scim.ErrUnauthorized) },
	}
}

func open(t *testing.T, path string) (*journal.Journal, *Past) {
	t.Helper()
	id := journal.Identity{Act: "off", Type: "User"}
	j, err := journal.Create(path, id, clock())
	if errors.Is(err, journal.ErrExists) {
		j, _, err = journal.Open(path, id)
		if err != nil {
			t.Fatal(err)
		}
		past, err := ReadPast(path)
		if err != nil {
			t.Fatal(err)
		}
		return j, past
	}
	if err != nil {
		t.Fatal(err)
	}
	return j, nil
}

func TestEveryTargetEndsOnce(t *testing.T) {
	s := newService("a", "b", "c", "stuck", "down")
	s.on["b"] = false
	s.fail = func(id string) (error, bool) {
		if id == "down" {
			return &scim.Error{Status: 503}, false
		}
		return nil, false
	}
	out := &script{}
	opts := s.options(s.off(), out)
	sum, err := Run(t.Context(), keys("a", "b", "nobody", "a", "stuck", "down", "c"), opts)
	if !errors.Is(err, ErrPartly) {
		t.Errorf("error %v, want ErrPartly", err)
	}
	want := []string{"a done", "b unchanged", "nobody failed", "a unchanged", "stuck refused", "down failed", "c done"}
	if diff := cmp.Diff(want, out.lines); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Counts{Targets: 7, Done: 2, Unchanged: 2, Refused: 1, Failed: 2}, sum.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "c", "down"}, s.sorted()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestDryRunSendsNothing(t *testing.T) {
	s, out := newService("a", "b"), &script{}
	opts := s.options(s.off(), out)
	opts.DryRun = true
	sum, err := Run(t.Context(), keys("a", "b"), opts)
	if err != nil || len(s.calls) > 0 || sum.Done != 2 || !sum.DryRun {
		t.Errorf("%v, calls %v, %+v", err, s.calls, sum)
	}
	if diff := cmp.Diff([]string{"a planned", "b planned"}, out.lines); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// TestLostAnswers: what a lost answer means depends on the kind of act.
func TestLostAnswers(t *testing.T) {
	lost := errors.New("connection reset")
	for _, tt := range []struct {
		name     string
		repeat   journal.Repeat
		happened bool
		err      error
		want     Result
	}{
		{"readable and done", journal.Readable, true, lost, Done},
		{"readable and not done", journal.Readable, false, lost, Failed},
		{"repeatable", journal.Repeatable, true, lost, Failed},
		{"once", journal.Once, true, lost, Unknown},
		{"once, by default", "", true, lost, Unknown},
		{"once, and the gateway answers", journal.Once, false, &scim.Error{Status: 502}, Unknown},
		{"once, and refused at the gate", journal.Once, false, &scim.Error{Status: 503}, Unknown},
		{"once, and refused", journal.Once, false, &scim.Error{Status: 400}, Failed},
		{"readable, and somebody was faster", journal.Readable, true, &scim.Error{Status: 409}, Done},
		{"vanished", journal.Readable, false, &scim.Error{Status: 404}, Failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, out := newService("a"), &script{}
			s.fail = func(string) (error, bool) { return tt.err, tt.happened }
			act := s.off()
			act.Repeat = tt.repeat
			j, _ := open(t, filepath.Join(t.TempDir(), "j"))
			opts := s.options(act, out)
			opts.Journal = j
			_, err := Run(t.Context(), keys("a"), opts)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if want := []string{"a " + string(tt.want)}; !slices.Equal(out.lines, want) {
				t.Errorf("report %v (%v), want %v", out.lines, err, want)
			}
			if len(s.calls) != 1 {
				t.Errorf("%d calls, want 1", len(s.calls))
			}
			past, err := ReadPast(j.Path())
			if err != nil {
				t.Fatal(err)
			}
			if want := tt.want == Unknown; (past.Open() == 1) != want {
				t.Errorf("%d unknown in the journal", past.Open())
			}
		})
	}
}

// killed runs until n calls were made and then ends as a kill would: the
// operations in flight have an intent and no outcome.
func killed(t *testing.T, s *service, act Act, path string, n int, list ...string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	j, past := open(t, path)
	made := 0
	do := act.Do
	act.Do = func(ctx context.Context, tg *Target, token string) (Product, error) {
		p, err := do(ctx, tg, token)
		s.mu.Lock()
		made++
		last := made == n
		s.mu.Unlock()
		if last {
			// The journal is cut off under the run, as its process would be.
			_ = j.Close()
			cancel(errors.New("killed"))
		}
		return p, err
	}
	opts := s.options(act, &script{})
	opts.Journal, opts.Past, opts.Concurrency = j, past, 1
	if _, err := Run(ctx, keys(list...), opts); err == nil {
		t.Fatal("the run ended by itself")
	}
}

func TestResume(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "f"}
	for _, tt := range []struct {
		repeat journal.Repeat
		lines  []string
		calls  string
	}{
		{journal.Readable, []string{"a done earlier", "b done earlier", "c done earlier", "d done", "e done", "f done"}, "a b c d e f"},
		{journal.Once, []string{"a done earlier", "b done earlier", "c unknown earlier", "d done", "e done", "f done"}, "a b c d e f"},
		{journal.Repeatable, []string{"a done earlier", "b done earlier", "c done", "d done", "e done", "f done"}, "a b c c d e f"},
	} {
		t.Run(string(tt.repeat), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			s := newService(all...)
			act := s.off()
			act.Repeat = tt.repeat
			if tt.repeat != journal.Readable {
				act.Check = nil // nothing tells whether it was done
			}
			killed(t, s, act, path, 3, all...)
			j, past := open(t, path)
			out := &script{}
			opts := s.options(act, out)
			opts.Journal, opts.Past = j, past
			_, err := Run(t.Context(), keys(all...), opts)
			if cerr := j.Close(); cerr != nil {
				t.Fatal(cerr)
			}
			if unknown := tt.repeat == journal.Once; errors.Is(err, ErrPartly) != unknown {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(tt.lines, out.lines); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if got := strings.Join(s.sorted(), " "); got != tt.calls {
				t.Errorf("calls %s, want %s", got, tt.calls)
			}
			// Once more: nothing is left to do, and what is unknown stays so.
			calls := len(s.calls)
			j, past = open(t, path)
			out = &script{}
			opts = s.options(act, out)
			opts.Journal, opts.Past = j, past
			_, err = Run(t.Context(), keys(all...), opts)
			if errors.Is(err, ErrPartly) != (tt.repeat == journal.Once) || len(s.calls) != calls {
				t.Errorf("once more: %v, %d further calls", err, len(s.calls)-calls)
			}
			if cerr := j.Close(); cerr != nil {
				t.Fatal(cerr)
			}
		})
	}
}

// TestUnknownsAreToldEvenIfNotSelected: a condition may select others the next
// time; what nobody knows is told all the same.
func TestUnknownsAreToldEvenIfNotSelected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	s := newService("a", "b", "c")
	act := s.off()
	act.Repeat, act.Check = journal.Once, nil
	killed(t, s, act, path, 2, "a", "b", "c")
	j, past := open(t, path)
	out := &script{}
	opts := s.options(act, out)
	opts.Journal, opts.Past = j, past
	sum, err := Run(t.Context(), keys("c"), opts)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, ErrPartly) || sum.Unknown != 1 {
		t.Errorf("%v, %+v", err, sum)
	}
	if diff := cmp.Diff([]string{"c done", "b unknown earlier"}, out.lines); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// TestResumeOfDeletion: what is gone cannot be looked up any more.
func TestResumeOfDeletion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	s := newService("a", "b", "c")
	act := Act{Name: "delete", Past: "deleted", Repeat: journal.Readable, Gone: true, Do: func(_ context.Context, t *Target, _ string) (Product, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, t.ID())
		s.gone[t.ID()] = true
		return nil, nil
	}}
	killed(t, s, act, path, 2, "a", "b", "c")
	j, past := open(t, path)
	out := &script{}
	opts := s.options(act, out)
	opts.Journal, opts.Past = j, past
	_, err := Run(t.Context(), keys("a", "b", "c"), opts)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a done earlier", "b done earlier", "c done"}, out.lines); diff != "" || err != nil {
		t.Errorf("%v, report (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, s.sorted()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestDeliveryComesFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	s := newService("a", "b", "c")
	act := Act{Name: "make", Past: "made", Repeat: journal.Once, Do: func(_ context.Context, t *Target, _ string) (Product, error) {
		return "code of " + t.ID(), nil
	}}
	var got []string
	full := errors.New("no space left")
	j, _ := open(t, path)
	opts := s.options(act, &script{})
	opts.Journal, opts.Concurrency = j, 1
	opts.Deliver = func(_ *Target, p Product) error {
		if len(got) == 1 {
			return full
		}
		got = append(got, fmt.Sprint(p))
		return nil
	}
	_, err := Run(t.Context(), keys("a", "b", "c"), opts)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, full) || !slices.Equal(got, []string{"code of a"}) {
		t.Errorf("%v, delivered %v", err, got)
	}
	past, err := ReadPast(path)
	if err != nil || past.Open() != 1 {
		t.Errorf("%v, %d unknown: what could not be handed out counts as not known", err, past.Open())
	}
}

// TestFlushComesBeforeDone: products that last only at the end leave their
// operations open until then.
func TestFlushComesBeforeDone(t *testing.T) {
	for name, failure := range map[string]error{"well": nil, "not": errors.New("no space left")} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			s := newService("a", "b")
			act := Act{Name: "make", Past: "made", Do: func(context.Context, *Target, string) (Product, error) { return "x", nil }}
			j, _ := open(t, path)
			opts := s.options(act, &script{})
			opts.Journal = j
			opts.Deliver = func(*Target, Product) error { return nil }
			opts.Flush = func() error {
				if past, err := ReadPast(path); err != nil || past.Open() != 2 {
					t.Errorf("before the flush %d are open, %v", past.Open(), err)
				}
				return failure
			}
			_, err := Run(t.Context(), keys("a", "b"), opts)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			past, rerr := ReadPast(path)
			want := 0
			if failure != nil {
				want = 2
			}
			if !errors.Is(err, failure) || rerr != nil || past.Open() != want {
				t.Errorf("%v, %v, %d open, want %d", err, rerr, past.Open(), want)
			}
		})
	}
}

func TestStops(t *testing.T) {
	list := make([]string, 20_000) // more than are done before the end is seen
	for i := range list {
		list[i] = fmt.Sprintf("u%03d", i)
	}
	t.Run("too many errors", func(t *testing.T) {
		s, out := newService(list...), &script{}
		s.fail = func(string) (error, bool) { return &scim.Error{Status: 400}, false }
		opts := s.options(s.off(), out)
		opts.MaxErrors = 3
		sum, err := Run(t.Context(), keys(list...), opts)
		if !errors.Is(err, ErrTooMany) || sum.Failed < 4 || sum.Failed > 5000 || len(out.lines) != sum.Targets {
			t.Errorf("%v, %+v, %d lines", err, sum, len(out.lines))
		}
	})
	t.Run("the credential is gone", func(t *testing.T) {
		s, out := newService(list...), &script{}
		s.fail = func(string) (error, bool) { return &scim.Error{Status: 401}, false }
		sum, err := Run(t.Context(), keys(list...), s.options(s.off(), out))
		if !errors.Is(err, scim.ErrUnauthorized) || len(s.calls) > 5000 || sum.Failed == 0 {
			t.Errorf("%v, %d calls, %+v", err, len(s.calls), sum)
		}
	})
	t.Run("the service is down", func(t *testing.T) {
		s, out := newService(list...), &script{}
		s.fail = func(string) (error, bool) { return &scim.Error{Status: 500}, false }
		_, err := Run(t.Context(), keys(list...), s.options(s.off(), out))
		if !errors.Is(err, scim.ErrUnavailable) || errors.Is(err, ErrPartly) || len(s.calls) > 5000 {
			t.Errorf("%v, %d calls", err, len(s.calls))
		}
	})
	t.Run("the report cannot be written", func(t *testing.T) {
		s := newService(list...)
		opts := s.options(s.off(), &script{})
		broken := errors.New("broken pipe")
		opts.Report = func(*Line) error { return broken }
		if _, err := Run(t.Context(), keys(list...), opts); !errors.Is(err, broken) || len(s.calls) > 5000 {
			t.Errorf("%v, %d calls", err, len(s.calls))
		}
	})
	t.Run("the targets end with an error", func(t *testing.T) {
		s, bad := newService("a"), errors.New("a line is too long")
		source := func(yield func([]*Target, error) bool) {
			if yield([]*Target{{Key: "a"}}, nil) {
				yield(nil, bad)
			}
		}
		if _, err := Run(t.Context(), source, s.options(s.off(), &script{})); !errors.Is(err, bad) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nothing at all", func(t *testing.T) {
		s := newService()
		if sum, err := Run(t.Context(), keys(), s.options(s.off(), &script{})); err != nil || sum.Targets != 0 {
			t.Errorf("%v, %+v", err, sum)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		s, out := newService(list...), &script{}
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		s.fail = func(id string) (error, bool) {
			if id == "u020" {
				cancel(context.Canceled)
			}
			return nil, false
		}
		sum, err := Run(ctx, keys(list...), s.options(s.off(), out))
		if !errors.Is(err, ErrInterrupted) || sum.Done == 0 || sum.Done == len(list) {
			t.Errorf("%v, %+v", err, sum)
		}
		if len(out.lines) != sum.Targets {
			t.Errorf("%d lines for %d targets", len(out.lines), sum.Targets)
		}
	})
}
