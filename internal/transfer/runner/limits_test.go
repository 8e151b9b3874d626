package runner_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
)

// metered is a service inside this process that counts the requests of each
// API group over any sixty seconds and refuses those that are too many. It
// takes its time to answer, not always the same, before and after it counts.
type metered struct {
	limits map[string]int

	mu      sync.Mutex
	random  *rand.Rand
	arrived map[string][]time.Time
	refused int
	rows    []time.Time // when each row was created
	ids     int
}

func (m *metered) travel() {
	m.mu.Lock()
	d := 5*time.Millisecond + time.Duration(m.random.IntN(60))*time.Millisecond
	m.mu.Unlock()
	time.Sleep(d)
}

// admit counts a request, unless it is one too many.
func (m *metered) admit(group string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	times := m.arrived[group]
	for len(times) > 0 && now.Sub(times[0]) >= time.Minute {
		times = times[1:]
	}
	if len(times) >= m.limits[group] {
		m.refused++
		m.arrived[group] = times
		return false
	}
	m.arrived[group] = append(times, now)
	return true
}

func (m *metered) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	m.travel()
	status, text := http.StatusTooManyRequests, `{"detail":"too many requests"}`
	if m.admit(idcs.GroupOf(r.Method, r.URL.Path)) {
		status, text = m.answer(r.URL.Path, string(body))
	}
	m.travel()
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/scim+json"}}, Request: r,
		ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}, nil
}

func (m *metered) answer(path, body string) (int, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	create := func() int {
		m.ids++
		m.rows = append(m.rows, time.Now())
		return m.ids
	}
	switch {
	case strings.HasSuffix(path, "/.search"):
		return http.StatusOK, `{"totalResults":0,"Resources":[]}`
	case strings.HasSuffix(path, "/Bulk"):
		var out strings.Builder
		for i, part := range strings.Split(body, `"bulkId":"`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			if i > 0 {
				out.WriteByte(',')
			}
			fmt.Fprintf(&out, `{"method":"POST","bulkId":"%s","status":"201","response":{"id":"%d","meta":{"version":"1"}}}`, id, create())
		}
		return http.StatusOK, `{"Operations":[` + out.String() + `]}`
	}
	return http.StatusCreated, fmt.Sprintf(`{"id":"%d","meta":{"version":"1"}}`, create())
}

// TestLimitIsUsed runs imports under a limit per minute, told to take all of
// it, for minutes of a clock that jumps. They must use 95 % of what the limit
// allows, and must not be refused once.
func TestLimitIsUsed(t *testing.T) {
	const perMinute, bulkPerMinute = 600, 100
	tests := []struct {
		name  string
		route runner.Route
		rows  int
		want  float64 // rows a minute that the limit allows
	}{
		{"single", runner.RouteSingle, 3000, perMinute},
		{"bulk", runner.RouteBulk, 21_000, bulkPerMinute * idcs.BulkOperations},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := narrowFile(t, tt.rows)
			synctest.Test(t, func(t *testing.T) {
				service := &metered{
					limits:  map[string]int{idcs.GroupOther: perMinute, idcs.GroupBulk: bulkPerMinute},
					arrived: map[string][]time.Time{}, random: rand.New(rand.NewPCG(7, 8)),
				}
				o := idcs.TransportOptions(idcs.Options{
					BaseURL: "https://idcs.example.com", Base: service, Clock: transport.NewClock(time.Now), Share: 1,
				})
				o.Limits.Rates = map[string]transport.Rate{
					idcs.GroupOther: {PerMinute: perMinute}, idcs.GroupBulk: {PerMinute: bulkPerMinute},
				}
				client, err := transport.NewClient(o)
				if err != nil {
					t.Fatal(err)
				}
				summary := importFile(t, provideridcs.New(client), path, tt.route)
				if summary.Created != tt.rows {
					t.Fatalf("%d of %d rows were created", summary.Created, tt.rows)
				}
				if service.refused > 0 {
					t.Errorf("%d requests were refused", service.refused)
				}
				// The first and last minute are not steady.
				first, last := service.rows[0].Add(time.Minute), service.rows[len(service.rows)-1].Add(-time.Minute/2)
				n := 0
				for _, at := range service.rows {
					if !at.Before(first) && at.Before(last) {
						n++
					}
				}
				if last.Sub(first) < 2*time.Minute {
					t.Fatalf("the run is steady for %v only", last.Sub(first))
				}
				share := float64(n) / last.Sub(first).Minutes() / tt.want
				t.Logf("%.3f of the limit over %v", share, last.Sub(first))
				if share < 0.95 {
					t.Errorf("%.3f of what the limit allows", share)
				}
			})
		})
	}
}

func narrowFile(tb testing.TB, rows int) string {
	tb.Helper()
	var text strings.Builder
	text.WriteString("User Name,Last Name,Work Email\n")
	for i := range rows {
		fmt.Fprintf(&text, "user%[1]d,Lovelace,user%[1]d@example.com\n", i)
	}
	return writeFile(tb, text.String())
}

// importFile is one import of a file of users, journal included.
func importFile(tb testing.TB, p *provideridcs.Provider, path string, route runner.Route) *runner.Summary {
	tb.Helper()
	file, err := csvio.Open(path, csvio.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	source, err := mapping.NewSource(file, mapping.User, mapping.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	j, err := journal.Create(filepath.Join(tb.TempDir(), "run.journal"), journal.Identity{Source: source.Hash()}, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	summary, _, err := runner.Run(context.Background(), p, source, runner.Options{
		OnExisting: runner.Update, Route: route, Concurrency: 8, MaxErrors: -1, Journal: j, Clock: time.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
	return summary
}
