package acts_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/internal/transfer/acts"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// workers are as many as the commands have on two processors.
const workers = 8

// unlock is an act whose calls count in the sign-on group.
func unlock(l provider.LifeCycle) acts.Act {
	return acts.Act{
		Name: "unlock", Past: "unlocked", Repeat: journal.Readable,
		Check: func(*acts.Target) acts.Verdict { return acts.Verdict{} },
		Do: func(ctx context.Context, t *acts.Target, token string) (acts.Product, error) {
			return nil, l.Unlock(ctx, t.ID(), provider.ActOptions{RetryToken: token})
		},
	}
}

func chosen(n int) iter.Seq2[[]*acts.Target, error] {
	return func(yield func([]*acts.Target, error) bool) {
		for start := 0; start < n; start += provider.FindBatch {
			var batch []*acts.Target
			for i := start; i < min(n, start+provider.FindBatch); i++ {
				name := "user" + strconv.Itoa(i) + "@example.com"
				batch = append(batch, &acts.Target{Key: name, Doc: scim.Document{"id": fmt.Sprintf("%032x", i), "userName": name}})
			}
			if !yield(batch, nil) {
				return
			}
		}
	}
}

// service only answers.
func service(tb testing.TB) *httptest.Server {
	tb.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/scim+json")
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}))
	tb.Cleanup(srv.Close)
	return srv
}

func connect(tb testing.TB, url string, rate float64) provider.LifeCycle {
	tb.Helper()
	o := idcs.TransportOptions(idcs.Options{BaseURL: url, Unlimited: true, Clock: transport.NewClock(time.Now), Workers: workers})
	if rate > 0 {
		o.Limits.Share, o.Limits.Rates = 1, map[string]transport.Rate{idcs.GroupAuthN: {PerSecond: rate}}
	}
	t, err := transport.NewClient(o)
	if err != nil {
		tb.Fatal(err)
	}
	return provideridcs.New(t).LifeCycle()
}

// run does the act to n users, with a journal, and says how long it took.
func run(ctx context.Context, tb testing.TB, l provider.LifeCycle, n int) time.Duration {
	tb.Helper()
	j, err := journal.Create(filepath.Join(tb.TempDir(), "j"), journal.Identity{Act: "unlock"}, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	start := time.Now()
	s, err := acts.Run(ctx, chosen(n), acts.Options{
		Act: unlock(l), Lookup: func(context.Context, []*acts.Target) error { return nil }, Journal: j, Concurrency: workers,
		MaxErrors: -1, Clock: time.Now, Report: func(*acts.Line) error { return nil },
	})
	if cerr := j.Close(); err != nil || cerr != nil || s.Done != n {
		tb.Fatalf("%v, %v, %+v", err, cerr, s)
	}
	return time.Since(start)
}

// BenchmarkLimit acts on users under the highest published limit of the sign-on
// group: of-limit is the rate that was reached by the rate that is allowed.
func BenchmarkLimit(b *testing.B) {
	rate, users := float64(idcs.Limits(idcs.Premium)[idcs.GroupAuthN].PerSecond), 500
	srv := service(b)
	l := connect(b, srv.URL, rate)
	var spent time.Duration
	for b.Loop() {
		spent += run(b.Context(), b, l, users)
	}
	b.ReportMetric(float64(users*b.N)/spent.Seconds()/rate, "of-limit")
	b.ReportMetric(float64(users*b.N)/spent.Seconds(), "acts/s")
}

// BenchmarkUnlimited acts on users where nothing limits it, in turn with a bare
// client of net/http that sends the same calls with as many workers. of-raw is
// the middle of the ratios of the turns.
func BenchmarkUnlimited(b *testing.B) {
	const users = 10_000
	srv := service(b)
	l := connect(b, srv.URL, 0)
	var spent time.Duration
	var ratios []float64
	for turn := 0; b.Loop(); turn++ {
		var one, two time.Duration
		if turn%2 == 0 {
			one = bare(b, srv.URL, users)
		}
		two = run(b.Context(), b, l, users)
		if turn%2 == 1 {
			one = bare(b, srv.URL, users)
		}
		spent += two
		ratios = append(ratios, one.Seconds()/two.Seconds())
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-raw")
	b.ReportMetric(float64(users*b.N)/spent.Seconds(), "acts/s")
}

func bare(tb testing.TB, url string, n int) time.Duration {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	defer client.CloseIdleConnections()
	start := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Bool
	for range workers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:UserLockedStateChanger"],"userId":"%032x","locked":false}`, i)
				req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, url+"/admin/v1/UserLockedStateChanger", strings.NewReader(body))
				if err != nil {
					failed.Store(true)
					return
				}
				resp, err := client.Do(req)
				if err != nil {
					failed.Store(true)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	if failed.Load() {
		tb.Fatal("the bare client failed")
	}
	return time.Since(start)
}
