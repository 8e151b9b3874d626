package emulator

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// BenchmarkPlain measures plain SCIM against the face of identity domains, in
// turn in one run, on the same store. The figure "of-admin" is the time of the
// former by the time of the latter.
func BenchmarkPlain(b *testing.B) {
	for _, bc := range []struct {
		name, method, path string
		status             int
	}{
		{"create", http.MethodPost, "/Users", http.StatusCreated},
		{"get", http.MethodGet, "/Users/", http.StatusOK},
		{"eq", http.MethodGet, "/Users?filter=userName+eq+%22", http.StatusOK},
		{"page", http.MethodGet, "/Users?count=200&startIndex=1", http.StatusOK},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s, token := benchService(b, 1000)
			id, name := someUser(b, s, token)
			path := bc.path
			switch bc.name {
			case "get":
				path += id
			case "eq":
				path += name + "%22"
			}
			n := 0
			call := func(base string) time.Duration {
				body := ""
				if bc.method == http.MethodPost {
					n++
					body = benchUser(b, "bench"+strconv.Itoa(n))
				}
				req := benchRequest(b, bc.method, base+path, token, body)
				before := b.Elapsed()
				resp, err := s.Transport().RoundTrip(req)
				took := b.Elapsed() - before
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != bc.status {
					b.Fatal(resp.Status)
				}
				return took
			}
			var admin, plain time.Duration
			for b.Loop() {
				admin += call(adminBase)
				plain += call(scimBase)
			}
			b.ReportMetric(float64(plain)/float64(admin), "of-admin")
		})
	}
}

// someUser is one of the invented users.
func someUser(b *testing.B, s *Service, token string) (id, name string) {
	b.Helper()
	req := benchRequest(b, http.MethodGet, adminBase+"/Users?count=1&startIndex=500", token, "")
	resp, err := s.Transport().RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	doc, _, err := readDocument(&http.Request{Header: http.Header{}, Body: resp.Body})
	if err != nil {
		b.Fatal(err)
	}
	id, _ = at(doc, "Resources", 0, "id").(string)
	name, _ = at(doc, "Resources", 0, "userName").(string)
	return id, name
}
