// Package idtest runs an identity domain inside other projects' tests: the
// emulator on a loopback port, with its data in memory, gone when the test
// ends.
//
//	srv := idtest.New(t)
//	resp, err := srv.Client().Get(srv.URL + "/admin/v1/Users")
//
// It speaks the SCIM dialect of Oracle identity domains and their OAuth
// endpoints, so a program under test is pointed at URL with ClientID and
// ClientSecret as at a real domain. Time can be moved, requests can be made to
// fail, and what was requested can be looked up afterwards. It is no place for
// real identities, and it does not store anything.
package idtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/emulator"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/emulator/store/memory"
)

// Server is a running identity domain. Its fields are what a client needs; its
// methods are safe for concurrent use.
type Server struct {
	// URL is the base of the domain, without a trailing slash.
	URL string
	// ClientID and ClientSecret are the credentials of an administrator.
	ClientID     string
	ClientSecret string
	// ControlKey opens the control interface below /emulator/v1.
	ControlKey string

	service *emulator.Service
	store   store.Store
	http    *httptest.Server
	client  *http.Client
	tokens  tokenSource
}

// Option changes a Server before it starts.
type Option func(*emulator.Options) error

// WithClock sets the base of the server's time; without it that is the wall
// clock. AdvanceClock moves the server's time from there.
func WithClock(now func() time.Time) Option {
	return func(o *emulator.Options) error { o.Clock = clockFunc(now); return nil }
}

// WithFaults puts fault rules in force from the start; see Faults.
func WithFaults(rules ...string) Option {
	return func(o *emulator.Options) (err error) { o.Faults, err = parseFaults(rules); return err }
}

// WithFaultSeed makes fault rules with a probability strike other requests; the
// same seed strikes the same ones.
func WithFaultSeed(seed uint64) Option {
	return func(o *emulator.Options) error { o.FaultSeed = seed; return nil }
}

// WithLimits switches on the published rate limits of a kind of domain: free,
// oracle-apps, oracle-apps-premium, premium or external-user.
func WithLimits(name string) Option {
	return func(o *emulator.Options) error { o.Limits = name; return nil }
}

// WithBulkMaxOperations sets how many operations a bulk call takes; 50 unless
// set.
func WithBulkMaxOperations(n int) Option {
	return func(o *emulator.Options) error { o.BulkMaxOperations = n; return nil }
}

// WithCredentials sets the administrator's credentials, which are random
// otherwise.
func WithCredentials(clientID, clientSecret string) Option {
	return func(o *emulator.Options) error {
		o.ClientID, o.ClientSecret = clientID, clientSecret
		return nil
	}
}

// WithLogger sends the server's own troubles to log; without it they are
// discarded.
func WithLogger(log *slog.Logger) Option {
	return func(o *emulator.Options) error { o.Log = log; return nil }
}

type clockFunc func() time.Time

func (f clockFunc) Now() time.Time { return f() }

// signingKey is shared by the servers of a program: making one takes longer
// than everything else that a server does to start.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New starts a server for a test and stops it when the test ends.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Start(context.WithoutCancel(tb.Context()), opts...)
	if err != nil {
		tb.Fatalf("start identity domain: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("stop identity domain: %v", err)
		}
	})
	return s
}

// Start starts a server outside of a test; the caller closes it.
func Start(ctx context.Context, opts ...Option) (*Server, error) {
	o := emulator.Options{
		Store:         memory.New(),
		Clock:         clockFunc(time.Now), //nolint:forbidigo // the base that nobody above hands in
		NewSigningKey: signingKey,
		PasswordCost:  1, // tests create many users and no real passwords
	}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, fmt.Errorf("idtest: %w", err)
		}
	}
	service, err := emulator.New(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("idtest: %w", err)
	}
	c := service.Credentials()
	s := &Server{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, ControlKey: c.ControlKey,
		service: service, store: o.Store, http: httptest.NewServer(service.Handler()),
	}
	s.URL = s.http.URL
	s.client = &http.Client{Transport: &authorised{server: s, next: s.http.Client().Transport}}
	return s, nil
}

// Close stops the server. Servers of New close by themselves.
func (s *Server) Close() error {
	err := s.service.Close() // first: it lets go what a latency fault holds
	s.http.Close()
	return errors.Join(err, s.store.Close())
}

// Client answers a client whose requests to this server carry an access token
// of the administrator; a new one is fetched when it runs out. Requests to
// other places are sent as they are.
func (s *Server) Client() *http.Client { return s.client }

// Document is one resource to create. Later documents may refer to it as
// "bulkId:<BulkID>".
type Document struct {
	Type   string // the resource type: User, Group, ...
	BulkID string
	Attrs  map[string]any
}

// Seed creates resources and answers their ids, in order. It stops at nothing:
// the error names the first document that was refused, whose id is empty.
func (s *Server) Seed(ctx context.Context, docs ...Document) ([]string, error) {
	var req emulator.SeedRequest
	for _, d := range docs {
		req.Documents = append(req.Documents, emulator.SeedDocument{Type: d.Type, BulkID: d.BulkID, Document: d.Attrs})
	}
	rep, err := s.service.Seed(ctx, req)
	return rep.IDs, err
}

// SeedPeople invents users and groups of them, and answers their ids, the
// users' first. The same seed always invents the same people.
func (s *Server) SeedPeople(ctx context.Context, seed uint64, users, groups int) ([]string, error) {
	rep, err := s.service.Seed(ctx, emulator.SeedRequest{Seed: seed, Users: users, Groups: groups})
	return rep.IDs, err
}

// Reset removes everything but the administrator's client and its credentials.
func (s *Server) Reset(ctx context.Context) error {
	s.tokens.forget()
	return s.service.Reset(ctx)
}

// Now tells the server's time.
func (s *Server) Now() time.Time { return s.service.Now() }

// AdvanceClock moves the server's time, by which tokens expire.
func (s *Server) AdvanceClock(ctx context.Context, d time.Duration) error {
	return s.service.AdvanceClock(ctx, d)
}

// Faults replaces the fault rules; without one, nothing fails any more. A rule
// is ACTION[:key=value,...]. Actions are a status (400 to 599), latency, drop
// (the connection closes before anything happens), cut (the request is done,
// the answer breaks off) and expire-tokens. Keys are every, probability, times,
// family, method, path, delay and retry-after.
//
//	srv.Faults("429:every=3,path=/admin/v1/Users,retry-after=1", "cut:method=POST,times=1")
func (s *Server) Faults(rules ...string) error {
	parsed, err := parseFaults(rules)
	if err != nil {
		return fmt.Errorf("idtest: %w", err)
	}
	return s.service.SetFaults(parsed)
}

func parseFaults(rules []string) ([]emulator.FaultRule, error) {
	var out []emulator.FaultRule
	for _, r := range rules {
		f, err := emulator.ParseFault(r)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// Request is a request that the server took: no body, no header, no value of a
// query parameter.
type Request struct {
	Time      time.Time
	Method    string
	Path      string
	Query     []string // names of the query parameters
	Status    int      // 0 when the connection was closed instead
	RequestID string
}

// Requests answers the last thousand requests, oldest first.
func (s *Server) Requests() []Request {
	records := s.service.Requests()
	out := make([]Request, len(records))
	for i, r := range records {
		out[i] = Request{Time: r.Time, Method: r.Method, Path: r.Path, Query: r.Query, Status: r.Status, RequestID: r.RequestID}
	}
	return out
}
