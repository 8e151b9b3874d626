package exporter_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/measure"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/internal/transfer/exporter"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

const benchUsers = 20_000

// BenchmarkExport times whole exports, and beside each of them the bare client,
// which reads the same pages and throws them away. of-raw is the rate of the
// export divided by that of the bare client, both taken in turns in this run.
func BenchmarkExport(b *testing.B) {
	for _, bm := range []struct {
		name string
		o    exporter.Options
	}{
		{"csv", exporter.Options{Format: exporter.CSV}},
		{"csv-5-columns", exporter.Options{Format: exporter.CSV, Columns: []string{"User Name", "First Name", "Last Name", "Work Email", "Active"}}},
		{"jsonl", exporter.Options{Format: exporter.JSONL}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			srv := measure.Serve(b, measure.Options{Users: benchUsers})
			bare := measure.NewBare(srv.URL, "example", nil)
			b.Cleanup(bare.Close)
			p := benchProvider(b, srv.URL)
			bm.o.Type = "User"
			raw := func(ctx context.Context) {
				if err := bare.List(ctx, benchUsers); err != nil {
					b.Fatal(err)
				}
			}
			export := func(ctx context.Context) {
				n, err := exporter.Export(ctx, p, io.Discard, bm.o)
				if err != nil || n != benchUsers {
					b.Fatalf("%d users, %v", n, err)
				}
			}
			var of [2]time.Duration
			for turn := 0; b.Loop(); turn++ {
				// Each goes first as often as the other: what one leaves to the
				// collector, the other pays for.
				for i := range of {
					f := raw
					which := (turn + i) % 2
					if which == 1 {
						f = export
					}
					start := time.Now()
					f(b.Context())
					of[which] += time.Since(start)
				}
			}
			users := float64(benchUsers * b.N)
			b.ReportMetric(float64(of[0])/float64(of[1]), "of-raw")
			b.ReportMetric(users/of[1].Seconds(), "users/s")
			b.ReportMetric(users/of[0].Seconds(), "raw-users/s")
		})
	}
}

func benchProvider(tb testing.TB, url string) *provideridcs.Provider {
	tb.Helper()
	client, err := transport.NewClient(idcs.TransportOptions(idcs.Options{
		BaseURL: url, Clock: transport.NewClock(time.Now), Unlimited: true, Tokens: tokens.Static("example"),
	}))
	if err != nil {
		tb.Fatal(err)
	}
	return provideridcs.New(client)
}
