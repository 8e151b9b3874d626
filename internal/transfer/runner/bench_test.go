package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

const (
	benchRows    = 1000
	benchWorkers = 8
)

// target is a service under load.
type target struct {
	url   string
	token func(context.Context) (string, error)
	reset func(context.Context) error
}

// BenchmarkImport times whole imports, and beside each of them a bare client
// of net/http that posts the same bodies to the same server with as many
// workers and does nothing else: no look-ups, no journal, no answers read.
// x-bare is the time of the import divided by that of the bare client, both
// taken in turns in this run, so that it means something on any machine.
//
// The emulator shares the machine with the client and does more work a user
// than it; against the echo, which does next to none, the ratio is that of the
// clients' own work.
func BenchmarkImport(b *testing.B) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		for _, route := range []runner.Route{runner.RouteSingle, runner.RouteBulk} {
			b.Run(fmt.Sprintf("server=emulator/latency=%v/route=%s", latency, route), func(b *testing.B) {
				compare(b, emulated(b, latency), route)
			})
		}
	}
	b.Run("server=echo/latency=0s/route=single", func(b *testing.B) { compare(b, echo(b), runner.RouteSingle) })
}

func compare(b *testing.B, srv target, route runner.Route) {
	b.Helper()
	path := benchFile(b)
	bodies := benchBodies(b, path)
	var bare, full time.Duration
	for turn := 0; b.Loop(); turn++ {
		// Each goes first as often as the other: what one leaves to the
		// collector, the other pays for.
		if turn%2 == 0 {
			bare += timed(b, srv, func() error { return postAll(b, srv, bodies) })
		}
		full += timed(b, srv, func() error { return importAll(b, srv, path, route) })
		if turn%2 == 1 {
			bare += timed(b, srv, func() error { return postAll(b, srv, bodies) })
		}
	}
	rows := float64(benchRows * b.N)
	b.ReportMetric(float64(full)/float64(bare), "x-bare")
	b.ReportMetric(rows/full.Seconds(), "rows/s")
	b.ReportMetric(rows/bare.Seconds(), "bare-rows/s")
}

func emulated(b *testing.B, latency time.Duration) target {
	b.Helper()
	var rules []string
	if latency > 0 {
		rules = append(rules, fmt.Sprintf("latency:delay=%v", latency))
	}
	srv := idtest.New(b, idtest.WithFaults(rules...))
	return target{url: srv.URL, token: srv.Token, reset: srv.Reset}
}

// echo is a server that has nobody and answers each create with what it got.
func echo(b *testing.B) target {
	b.Helper()
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/scim+json")
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || strings.HasSuffix(r.URL.Path, "/.search") {
			_, _ = io.WriteString(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"id":"%032x",%s`, n.Add(1), bytes.TrimPrefix(body, []byte("{")))
	}))
	b.Cleanup(srv.Close)
	return target{
		url:   srv.URL,
		token: func(context.Context) (string, error) { return "example", nil },
		reset: func(context.Context) error { return nil },
	}
}

// timed runs f on an empty server and says how long it took.
func timed(b *testing.B, srv target, f func() error) time.Duration {
	b.Helper()
	if err := srv.reset(b.Context()); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	start := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func benchFile(b *testing.B) string {
	b.Helper()
	var text strings.Builder
	text.WriteString("User Name,First Name,Last Name,Display Name,Title,Active,Work Email,Home Email,Work Phone," +
		"Work Address Locality,Work Address Country,Employee Number,Cost Center,Department\n")
	for i := range benchRows {
		fmt.Fprintf(&text, "user%d@example.com,Ada%d,Lovelace,\"Lovelace, Ada %d\",Engineer,true,user%d@example.com,user%d@example.org,"+
			"+41 44 555 01 %02d,Zürich,CH,E%06d,CC-%d,Research\n", i, i, i, i, i, i%100, i, i%40)
	}
	path := filepath.Join(b.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func benchSource(path string) (*mapping.Source, error) {
	file, err := csvio.Open(path, csvio.Options{})
	if err != nil {
		return nil, err
	}
	return mapping.NewSource(file, mapping.User, mapping.Options{})
}

// benchBodies are what the import sends, made before the clock runs.
func benchBodies(b *testing.B, path string) [][]byte {
	b.Helper()
	source, err := benchSource(path)
	if err != nil {
		b.Fatal(err)
	}
	var bodies [][]byte
	for item, err := range source.Items(b.Context()) {
		if err != nil || item.Rejected() {
			b.Fatal(err, item)
		}
		body, err := json.Marshal(item.Spec.Create(func(transfer.Ref) (string, bool) { return "", false }))
		if err != nil {
			b.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	return bodies
}

// postAll is the bare client.
func postAll(b *testing.B, srv target, bodies [][]byte) error {
	b.Helper()
	token, err := srv.token(b.Context())
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchWorkers}}
	defer client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(benchWorkers)
	for _, body := range bodies {
		group.Go(func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.url+"/admin/v1/Users", bytes.NewReader(body))
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/scim+json")
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != http.StatusCreated {
				err = errors.Join(err, errors.New(resp.Status))
			}
			return errors.Join(err, resp.Body.Close())
		})
	}
	return group.Wait()
}

// importAll is the import as the command does it, progress and report
// included.
func importAll(b *testing.B, srv target, path string, route runner.Route) (err error) {
	b.Helper()
	p, err := benchProvider(b.Context(), srv)
	if err != nil {
		return err
	}
	source, err := benchSource(path)
	if err != nil {
		return err
	}
	id := journal.Identity{Profile: "bench", Origin: srv.url, Type: mapping.User, Source: source.Hash(), Options: source.Options()}
	j, err := journal.Create(filepath.Join(b.TempDir(), "run.journal"), id, time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	summary, _, err := runner.Run(b.Context(), p, source, runner.Options{
		OnExisting: runner.Update, Route: route, Concurrency: benchWorkers, MaxErrors: -1, Journal: j, Clock: time.Now,
		Progress: func(runner.Counts) {},
	})
	if err == nil && summary.Created != benchRows {
		err = fmt.Errorf("%d of %d rows were created", summary.Created, benchRows)
	}
	return err
}

func benchProvider(ctx context.Context, srv target) (provider.Provider, error) {
	token, err := srv.token(ctx)
	if err != nil {
		return nil, err
	}
	o := idcs.TransportOptions(idcs.Options{BaseURL: srv.url, Unlimited: true, Clock: transport.NewClock(time.Now)})
	o.Tokens = tokens.Static(transport.Secret(token))
	client, err := transport.NewClient(o)
	if err != nil {
		return nil, err
	}
	return provideridcs.New(client), nil
}
