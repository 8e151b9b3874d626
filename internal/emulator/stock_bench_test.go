//go:build unix

package emulator

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
	"github.com/idctl/idctl/internal/measure"
)

// Environment of BenchmarkStock: how many users the large stock has, and a file
// that keeps the large database for the next run.
const (
	stockUsers = "IDCTL_BENCH_USERS"
	stockFile  = "IDCTL_BENCH_DB"
)

const (
	fewUsers = 1000
	// stockMark stands where the number of a user goes.
	stockMark = "77777777"
	stockUnit = 5000 // users in one transaction
)

// BenchmarkStock measures how the emulator gets slower with what it holds:
// requests to one with a million users against the same requests to one with
// 1,000, over real connections of the loopback interface, in turn in one run.
// The users asked for are chosen at random. The figure "of-small" is the time of
// the former by that of the latter; "last-of-first" is the time of the last page
// by that of the first.
func BenchmarkStock(b *testing.B) {
	many := 1_000_000
	if s := os.Getenv(stockUsers); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < fewUsers {
			b.Fatalf("%s=%s: a number of at least %d is wanted", stockUsers, s, fewUsers)
		}
		many = n
	}
	for name, open := range map[string]func(*testing.B, int) store.Store{
		"memory": func(*testing.B, int) store.Store { return memory.New() },
		"sqlite": openStock,
	} {
		b.Run(name, func(b *testing.B) {
			small, large := newStock(b, open(b, fewUsers), fewUsers), newStock(b, open(b, many), many)
			for _, call := range []string{"create", "get", "eq"} {
				b.Run(call, func(b *testing.B) { large.against(b, small, call) })
			}
			for _, by := range []string{"startIndex", "cursor"} {
				b.Run("last page by "+by, func(b *testing.B) { large.pages(b, by) })
			}
		})
	}
}

// stock is an emulator with many users.
type stock struct {
	users int
	made  int
	bare  *measure.Bare
	first uint64 // Seq of the first user
}

func newStock(b *testing.B, st store.Store, users int) *stock {
	b.Helper()
	s, err := New(b.Context(), Options{Store: st, Clock: newManualClock(), NewSigningKey: sharedKey})
	if err != nil {
		b.Fatal(err)
	}
	token, _, err := s.OAuth().IssueClientToken(b.Context(), "http://x.example.com", s.Credentials().ClientID, oauth.ScopeMyScopes)
	if err != nil {
		b.Fatal(err)
	}
	out := &stock{users: users, made: rand.IntN(1 << 40)} // names that no run before has used
	fillStock(b, st, users)
	err = st.View(b.Context(), func(tx store.Tx) error {
		for row, err := range tx.Query(store.Query{Type: "User", Limit: 1}) {
			out.first = row.Seq
			return err
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	b.Cleanup(srv.Close)
	out.bare = measure.NewBare(srv.URL, token, nil)
	b.Cleanup(out.bare.Close)
	return out
}

// openStock opens a database file: for the large stock the one that the
// environment names, if it does.
func openStock(b *testing.B, users int) store.Store {
	b.Helper()
	path := os.Getenv(stockFile)
	if path == "" || users == fewUsers {
		path = filepath.Join(b.TempDir(), "stock.db")
	}
	st, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	return st
}

// fillStock puts users into an empty store, all made of one that the service
// created, many in one transaction and without audit events.
func fillStock(b *testing.B, st store.Store, users int) {
	b.Helper()
	there := 0
	err := st.View(b.Context(), func(tx store.Tx) (err error) {
		there, err = tx.Count(store.Query{Type: "User"})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	if there >= users {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(25)) // while nothing but stock is made
	sample := sampleUser(b)
	for from := 0; from < users; from += stockUnit {
		err := st.Update(b.Context(), func(tx store.Tx) error {
			for i := from; i < min(from+stockUnit, users); i++ {
				if err := tx.Insert(stockUser(sample, i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// stockID scatters the ids as random ones are.
func stockID(i int) string {
	return fmt.Sprintf("%016x%016x", uint64(i)*0x9e3779b97f4a7c15, i)
}

func stockUser(sample store.Record, i int) store.Record {
	number := fmt.Sprintf("%08d", i)
	r, id := sample, stockID(i)
	r.ID, r.Version = id, id
	r.Data = bytes.ReplaceAll(sample.Data, []byte(stockMark), []byte(number))
	r.Data = bytes.ReplaceAll(r.Data, []byte(sample.ID), []byte(id))
	r.Index = make([]store.Entry, len(sample.Index))
	for j, e := range sample.Index {
		e.Value = strings.ReplaceAll(e.Value, stockMark, number)
		r.Index[j] = e
	}
	r.Unique = make([]store.Claim, len(sample.Unique))
	for j, c := range sample.Unique {
		c.Value = strings.ReplaceAll(c.Value, stockMark, number)
		r.Unique[j] = c
	}
	return r
}

// sampleUser is the record that the service makes of a user.
func sampleUser(b *testing.B) store.Record {
	b.Helper()
	var c captured
	s, err := New(b.Context(), Options{Store: &capturing{Store: memory.New(), into: &c}, Clock: newManualClock(), NewSigningKey: sharedKey})
	if err != nil {
		b.Fatal(err)
	}
	var doc map[string]any
	mark, err := strconv.Atoi(stockMark)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(createBody(b, mark), &doc); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Seed(b.Context(), SeedRequest{Documents: []SeedDocument{{Type: "User", Document: doc}}}); err != nil {
		b.Fatal(err)
	}
	return c.user
}

// capturing is a store that shows what is inserted into it.
type capturing struct {
	store.Store
	into *captured
}

type captured struct{ user store.Record }

func (c *capturing) Update(ctx context.Context, f func(store.Tx) error) error {
	return c.Store.Update(ctx, func(tx store.Tx) error { return f(capturingTx{tx, c.into}) })
}

type capturingTx struct {
	store.Tx
	into *captured
}

func (t capturingTx) Insert(r store.Record) error {
	if r.Type == "User" {
		t.into.user = r
	}
	return t.Tx.Insert(r)
}

// against runs the same number of requests on both stocks, in turn.
func (s *stock) against(b *testing.B, small *stock, call string) {
	b.Helper()
	calls := map[string]int{"create": 100, "get": 400, "eq": 400}[call]
	var large, little spent
	for b.Loop() {
		little.add(small.round(b, call, calls))
		large.add(s.round(b, call, calls))
	}
	b.ReportMetric(large.wall.Seconds()/little.wall.Seconds(), "of-small")
	b.ReportMetric(large.cpu.Seconds()/little.cpu.Seconds(), "cpu-of-small")
	b.ReportMetric(float64(b.N*calls)/large.wall.Seconds(), "req/s")
}

func (s *stock) round(b *testing.B, call string, calls int) spent {
	b.Helper()
	if call == "create" {
		bodies := createBodies(b, calls, &s.made)
		return timed(b, func() error { return s.bare.Create(b.Context(), bodies) })
	}
	paths := make([]string, calls)
	for i := range paths {
		n := rand.IntN(s.users)
		paths[i] = adminBase + "/Users/" + stockID(n)
		if call == "eq" {
			paths[i] = adminBase + "/Users?filter=" + url.QueryEscape(fmt.Sprintf(`userName eq "ada.lovelace.%08d@example.com"`, n))
		}
	}
	return timed(b, func() error { return s.bare.Paths(b.Context(), paths) })
}

// pages reads the last page and the first, in turn.
func (s *stock) pages(b *testing.B, by string) {
	b.Helper()
	const calls = 20
	first, last := adminBase+"/Users?startIndex=1&count=200", fmt.Sprintf(adminBase+"/Users?startIndex=%d&count=200", s.users-measure.PageSize+1)
	if by == "cursor" {
		first, last = adminBase+"/Users?limit=200", adminBase+"/Users?limit=200&page="+s.lastCursor(b)
	}
	var begin, end spent
	for b.Loop() {
		begin.add(timed(b, func() error { return s.bare.Repeat(b.Context(), calls, http.MethodGet, first, nil, http.StatusOK) }))
		end.add(timed(b, func() error { return s.bare.Repeat(b.Context(), calls, http.MethodGet, last, nil, http.StatusOK) }))
	}
	b.ReportMetric(end.wall.Seconds()/begin.wall.Seconds(), "last-of-first")
	b.ReportMetric(end.cpu.Seconds()/begin.cpu.Seconds(), "cpu-last-of-first")
}

// lastCursor is the cursor of the last page of the stock. That of the second
// page is read and moved: to follow them all would take minutes.
func (s *stock) lastCursor(b *testing.B) string {
	b.Helper()
	_, header := s.read(b, adminBase+"/Users?limit=200")
	text, err := base64.RawURLEncoding.DecodeString(header.Get("opc-next-page"))
	if err != nil {
		b.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(text, &c); err != nil {
		b.Fatal(err)
	}
	c["s"] = s.first + uint64(s.users-measure.PageSize) - 1
	if text, err = json.Marshal(c); err != nil {
		b.Fatal(err)
	}
	cursor := base64.RawURLEncoding.EncodeToString(text)
	body, _ := s.read(b, adminBase+"/Users?limit=200&page="+cursor)
	if want := fmt.Sprintf("ada.lovelace.%08d@example.com", s.users-measure.PageSize); !bytes.Contains(body, []byte(want)) {
		b.Fatalf("the last page does not begin with %s", want)
	}
	return cursor
}

func (s *stock) read(b *testing.B, path string) ([]byte, http.Header) {
	b.Helper()
	body, header, err := s.bare.Read(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	return body, header
}
