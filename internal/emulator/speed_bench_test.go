//go:build unix

package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/measure"
)

// BenchmarkServed measures the emulator with the memory store against a server
// that only answers, over real connections of the loopback interface, in turn
// in one run. The figure "of-raw" is requests per second by those of the other,
// "cpu-of-raw" the same of processor time, which other work on the machine
// disturbs less.
func BenchmarkServed(b *testing.B) {
	for _, bc := range []struct {
		name  string
		calls int // a round
	}{
		{"create", 400}, {"get", 800}, {"eq", 800}, {"page", 40},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s, token := benchService(b, 1000)
			srv := httptest.NewServer(s.Handler())
			defer srv.Close()
			raw := measure.Serve(b, measure.Options{Users: 1000})
			own, other := measure.NewBare(srv.URL, token, nil), measure.NewBare(raw.URL, token, nil)
			defer own.Close()
			defer other.Close()
			id, name := someUser(b, s, token)
			call := speedCall(b, bc.name, id, name)
			var took, stick spent
			n := 0
			for b.Loop() {
				bodies := make([][]byte, bc.calls)
				if bc.name == "create" {
					bodies = createBodies(b, bc.calls, &n)
				}
				stick.add(timed(b, func() error { return call(b.Context(), other, bodies) }))
				took.add(timed(b, func() error { return call(b.Context(), own, bodies) }))
			}
			b.ReportMetric(stick.wall.Seconds()/took.wall.Seconds(), "of-raw")
			b.ReportMetric(stick.cpu.Seconds()/took.cpu.Seconds(), "cpu-of-raw")
			b.ReportMetric(float64(b.N*bc.calls)/took.wall.Seconds(), "req/s")
		})
	}
}

// speedCall sends one round of requests, one for each body.
func speedCall(tb testing.TB, name, id, userName string) func(context.Context, *measure.Bare, [][]byte) error {
	tb.Helper()
	path := adminBase + "/Users"
	switch name {
	case "create":
		return func(ctx context.Context, to *measure.Bare, bodies [][]byte) error { return to.Create(ctx, bodies) }
	case "get":
		path += "/" + id
	case "eq":
		path += "?filter=" + url.QueryEscape(`userName eq "`+userName+`"`)
	case "page":
		path += "?startIndex=1&count=" + strconv.Itoa(measure.PageSize)
	default:
		tb.Fatalf("no request is called %s", name)
	}
	return func(ctx context.Context, to *measure.Bare, bodies [][]byte) error {
		return to.Repeat(ctx, len(bodies), http.MethodGet, path, nil, http.StatusOK)
	}
}

// spent is what something took by the wall clock and of processors.
type spent struct{ wall, cpu time.Duration }

func (s *spent) add(t spent) { s.wall, s.cpu = s.wall+t.wall, s.cpu+t.cpu }

func timed(tb testing.TB, f func() error) spent {
	tb.Helper()
	start, before := time.Now(), processorTime(tb)
	if err := f(); err != nil {
		tb.Fatal(err)
	}
	return spent{time.Since(start), processorTime(tb) - before}
}

// processorTime is what this process has used so far.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// createBodies are creates of 1.5 KB, each of another user; n counts them.
func createBodies(tb testing.TB, count int, n *int) [][]byte {
	tb.Helper()
	bodies := make([][]byte, count)
	for i := range bodies {
		*n++
		bodies[i] = createBody(tb, *n)
	}
	return bodies
}

// createBody is a user as an import sends it.
func createBody(tb testing.TB, n int) []byte {
	tb.Helper()
	number := strconv.Itoa(n)
	mail := "ada.lovelace." + number + "@example.com"
	raw, err := json.Marshal(map[string]any{
		"schemas": []string{
			"urn:ietf:params:scim:schemas:core:2.0:User",
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
			"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User",
		},
		"userName": mail, "externalId": "hr-" + number, "displayName": "Ada Lovelace " + number,
		"nickName": "ada", "title": "Engineer", "userType": "Employee", "active": true,
		"preferredLanguage": "en", "locale": "en-GB", "timezone": "Europe/Zurich",
		"profileUrl": "https://people.example.com/profiles/" + number,
		"name":       map[string]any{"givenName": "Ada", "familyName": "Lovelace", "middleName": "King", "honorificPrefix": "Countess", "formatted": "Ada King Lovelace"},
		"emails": []any{
			map[string]any{"value": mail, "type": "work", "primary": true},
			map[string]any{"value": "ada." + number + "@home.example.com", "type": "home"},
			map[string]any{"value": mail, "type": "recovery"},
		},
		"phoneNumbers": []any{
			map[string]any{"value": "+41 44 555 01 00", "type": "work"},
			map[string]any{"value": "+41 79 555 01 01", "type": "mobile"},
		},
		"addresses": []any{map[string]any{
			"type": "work", "streetAddress": "1 Rue de l'Exemple", "locality": "Zürich", "region": "ZH", "postalCode": "8001", "country": "CH",
			"formatted": "1 Rue de l'Exemple\n8001 Zürich",
		}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{
			"employeeNumber": "E" + number, "costCenter": "CC-17", "department": "Research", "organization": "Analytical Engines", "division": "North",
		},
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User": map[string]any{"isFederatedUser": false, "creationMechanism": "api"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}
