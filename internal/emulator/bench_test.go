package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store/memory"
	"github.com/idctl/idctl/internal/emulator/store/sqlite"
)

// benchService is a Service in process with some users and a token.
func benchService(b *testing.B, users int) (*Service, string) {
	b.Helper()
	s, err := New(b.Context(), Options{Store: memory.New(), Clock: newManualClock(), NewSigningKey: sharedKey})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Seed(b.Context(), SeedRequest{Users: users}); err != nil {
		b.Fatal(err)
	}
	token, _, err := s.OAuth().IssueClientToken(b.Context(), "http://x.example.com", s.Credentials().ClientID, oauth.ScopeMyScopes)
	if err != nil {
		b.Fatal(err)
	}
	return s, token
}

func benchUser(b *testing.B, name string) string {
	b.Helper()
	raw, err := json.Marshal(user(name))
	if err != nil {
		b.Fatal(err)
	}
	return string(raw)
}

func benchRequest(b *testing.B, method, path, token, body string) *http.Request {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, "http://x.example.com"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	return req
}

func BenchmarkCreate(b *testing.B) {
	s, token := benchService(b, 0)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		req := benchRequest(b, http.MethodPost, "/admin/v1/Users", token, benchUser(b, "user"+strconv.Itoa(i)))
		resp, err := s.Transport().RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			b.Fatal(resp.Status)
		}
	}
}

func BenchmarkListThousand(b *testing.B) {
	s, token := benchService(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := s.Transport().RoundTrip(benchRequest(b, http.MethodGet, "/admin/v1/Users?count=1000", token, ""))
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		b.SetBytes(resp.ContentLength)
	}
}

// BenchmarkOverhead is everything around a request that does next to nothing.
func BenchmarkOverhead(b *testing.B) {
	s, token := benchService(b, 0)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := s.Transport().RoundTrip(benchRequest(b, http.MethodGet, "/admin/v1/Users/none", token, ""))
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

// BenchmarkFirstAnswer is what a command on the profile local waits for: the
// file is opened, a request answered, the file closed.
func BenchmarkFirstAnswer(b *testing.B) {
	path := filepath.Join(b.TempDir(), "idctl.db")
	for b.Loop() {
		st, err := sqlite.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		s, err := New(b.Context(), Options{Store: st, Clock: newManualClock(), ClientID: "bench", ClientSecret: "example-secret"})
		if err != nil {
			b.Fatal(err)
		}
		resp, err := s.TransportAs("bench").RoundTrip(benchRequest(b, http.MethodGet, "/admin/v1/Users", "", ""))
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status)
		}
		if err := errors.Join(s.Close(), st.Close()); err != nil {
			b.Fatal(err)
		}
	}
}
