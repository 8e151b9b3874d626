package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/measure"
	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/internal/transfer"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/journal"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/internal/transfer/runner"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// benchRows are enough that start-up and the first look-ups are as small a part
// of a run as they are in life.
const benchRows = 5000

// benchToken is what both clients send; the service looks at none.
const benchToken = "example"

// BenchmarkImport runs whole imports, journal and look-ups included, and beside
// each of them a bare client of net/http that posts the same bodies one by one
// to the same kind of service, with as many workers, and does nothing else.
// of-raw is the import's rows a second divided by those of the bare client,
// both taken in turn in this run; p50-of-raw is the middle of the turns.
func BenchmarkImport(b *testing.B) {
	for _, c := range []struct {
		name    string
		service measure.Options
		route   runner.Route
	}{
		{"way=single", measure.Options{}, runner.RouteSingle},
		{"way=tls", measure.Options{TLS: true}, runner.RouteSingle},
		{"way=bulk", measure.Options{}, runner.RouteBulk},
		{"way=latency", measure.Options{Latency: 20 * time.Millisecond}, runner.RouteSingle},
	} {
		b.Run(c.name, func(b *testing.B) { compare(b, c.service, c.route) })
	}
}

func compare(b *testing.B, o measure.Options, route runner.Route) {
	b.Helper()
	path := benchFile(b, benchRows)
	bodies := benchBodies(b, path)
	srv := measure.Serve(b, o)
	var bare, full time.Duration
	var ratios []float64
	for turn := 0; b.Loop(); turn++ {
		var one, two time.Duration
		raw := func() { one = timed(b, func() error { return postAll(b.Context(), srv, bodies) }) }
		// Each goes first as often as the other: what one leaves to the
		// collector, the other pays for.
		if turn%2 == 0 {
			raw()
		}
		two = timed(b, func() error { return importAll(b, srv, path, route) })
		if turn%2 == 1 {
			raw()
		}
		bare, full = bare+one, full+two
		ratios = append(ratios, float64(one)/float64(two))
	}
	slices.Sort(ratios)
	rows := float64(benchRows * b.N)
	b.ReportMetric(float64(bare)/float64(full), "of-raw")
	b.ReportMetric(ratios[len(ratios)/2], "p50-of-raw")
	b.ReportMetric(rows/full.Seconds(), "rows/s")
	b.ReportMetric(rows/bare.Seconds(), "raw-rows/s")
}

// timed runs f and says how long it took.
func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	runtime.GC()
	start := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// benchFile is a file of wide rows: each makes a body of about 1.5 kB.
func benchFile(tb testing.TB, rows int) string {
	tb.Helper()
	var text strings.Builder
	writeRows(&text, rows)
	return writeFile(tb, text.String())
}

// writeRows writes to what never fails, or says so in the end.
func writeRows(w io.Writer, rows int) {
	_, _ = io.WriteString(w, "User Name,First Name,Middle Name,Last Name,Honorific Prefix,Display Name,Nick Name,Title,User Type,Active,"+
		"Preferred Language,Locale,Time Zone,Profile Url,Work Email,Home Email,Recovery Email,Work Phone,Mobile No,Home Phone,"+
		"Work Address Street,Work Address Locality,Work Address Region,Work Address Postal Code,Work Address Country,"+
		"Home Address Street,Home Address Locality,Home Address Postal Code,Home Address Country,"+
		"Employee Number,Organization Name,Division,Department,Cost Center,External Id\n")
	for i := range rows {
		_, _ = fmt.Fprintf(w, "user%[1]d@example.com,Ada%[1]d,Augusta,Lovelace,Dr.,\"Lovelace, Ada %[1]d\",ada,Principal Engineer of Analytical Engines,Employee,true,"+
			"en-GB,en-GB,Europe/Zurich,https://people.example.com/profiles/ada.lovelace.%[1]d,"+
			"ada.lovelace.%[1]d@example.com,ada.lovelace.%[1]d@example.org,ada.lovelace.%[1]d@example.net,+41 44 555 01 %02[2]d,+41 79 555 01 %02[2]d,+41 31 555 01 %02[2]d,"+
			"1 Rue de l'Exemple,Zürich,ZH,8001,CH,99 Example Road,Winterthur,8400,CH,"+
			"E%06[1]d,Analytical Engines Limited,Northern Division,Research and Development,CC-%[2]d,hr-%08[1]d\n", i, i%100)
	}
}

func writeFile(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
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
func benchBodies(tb testing.TB, path string) [][]byte {
	tb.Helper()
	source, err := benchSource(path)
	if err != nil {
		tb.Fatal(err)
	}
	var bodies [][]byte
	size := 0
	for item, err := range source.Items(tb.Context()) {
		if err != nil || item.Rejected() {
			tb.Fatal(err, item)
		}
		body, err := json.Marshal(item.Spec.Create(func(transfer.Ref) (string, bool) { return "", false }))
		if err != nil {
			tb.Fatal(err)
		}
		bodies = append(bodies, body)
		size += len(body)
	}
	if mean := size / len(bodies); mean < 1400 || mean > 1800 {
		tb.Fatalf("a body has %d bytes, not about 1,500", mean)
	}
	return bodies
}

// postAll is the bare client.
func postAll(ctx context.Context, srv *measure.Service, bodies [][]byte) error {
	bare := measure.NewBare(srv.URL, benchToken, srv.Certificate())
	defer bare.Close()
	return bare.Create(ctx, bodies)
}

// importAll is the import as the command does it, file, journal, progress and
// report included.
func importAll(tb testing.TB, srv *measure.Service, path string, route runner.Route) (err error) {
	tb.Helper()
	p, done, err := benchProvider(tb, srv)
	if err != nil {
		return err
	}
	defer done()
	source, err := benchSource(path)
	if err != nil {
		return err
	}
	id := journal.Identity{Profile: "bench", Origin: srv.URL, Type: mapping.User, Source: source.Hash(), Options: source.Options()}
	j, err := journal.Create(filepath.Join(tb.TempDir(), "run.journal"), id, time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	summary, _, err := runner.Run(tb.Context(), p, source, runner.Options{
		OnExisting: runner.Update, Route: route, Concurrency: measure.Workers, MaxErrors: -1, Journal: j, Clock: time.Now,
		Progress: func(runner.Counts) {},
	})
	if err == nil && summary.Created != summary.Total {
		err = fmt.Errorf("%d of %d rows were created", summary.Created, summary.Total)
	}
	return err
}

func benchProvider(tb testing.TB, srv *measure.Service) (p provider.Provider, done func(), err error) {
	tb.Helper()
	o := idcs.TransportOptions(idcs.Options{
		BaseURL: srv.URL, Unlimited: true, Clock: transport.NewClock(time.Now),
		Workers: runner.Connections(measure.Workers),
	})
	o.Tokens = tokens.Static(transport.Secret(benchToken))
	if cert := srv.Certificate(); cert != nil {
		o.TLS.CAFile = filepath.Join(tb.TempDir(), "ca.pem")
		if err := os.WriteFile(o.TLS.CAFile, cert, 0o600); err != nil {
			return nil, nil, err
		}
	}
	client, err := transport.NewClient(o)
	if err != nil {
		return nil, nil, err
	}
	return provideridcs.New(client), client.Transport().CloseIdleConnections, nil
}
