// Package emulator is an identity domain in one http.Handler: the SCIM family
// /admin/v1 with Bulk, the same users and groups in plain SCIM at /scim/v2, the
// OAuth endpoints and discovery documents, the web pages that mails lead to, and
// a control interface for tests, on any store.
//
// It is the HTTP side: request ids, limits, faults, clock, authentication, rights,
// routing, reading and writing of bodies. What a resource is and does lies in
// the packages engine and schemas, what a token is in oauth. It can be served
// by a listener or be used in process through Transport, which needs none.
// Where a source states how the service behaves this package follows it, and
// where none does it says so; it is a tool for development and tests, not a
// place for real identities.
package emulator

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/mail"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/pages"
	"github.com/idctl/idctl/internal/emulator/schemas"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/internal/rights"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// Defaults of Options.
const (
	DefaultMaxPayload        = 1 << 20
	DefaultBulkMaxOperations = 50
	DefaultLogSize           = 1000
)

// Resources is what the HTTP side needs of a resource engine. Every refusal is
// an *engine.Error.
type Resources interface {
	Create(ctx context.Context, call engine.Call, typ string, doc engine.Document, p engine.Params) (*engine.Result, error)
	Get(ctx context.Context, call engine.Call, typ, id string, p engine.Params) (*engine.Result, error)
	List(ctx context.Context, call engine.Call, typ string, p engine.Params) (*engine.List, error)
	Replace(ctx context.Context, call engine.Call, typ, id string, doc engine.Document, p engine.Params) (*engine.Result, error)
	Patch(ctx context.Context, call engine.Call, typ, id string, ops []engine.PatchOp, p engine.Params) (*engine.Result, error)
	Delete(ctx context.Context, call engine.Call, typ, id string, p engine.Params) error
}

// Catalog finds resource types by name or endpoint.
type Catalog interface {
	Lookup(nameOrEndpoint string) (*schema.ResourceType, bool)
	Names() []string
}

// Access is what an Authorizer decides about.
type Access struct {
	Actor engine.Actor
	Scope string
	// Verb is what is done, Type and ID to which resource; ID is empty for a
	// list, a search and a create.
	Verb schema.Verb
	Type string
	ID   string
}

// Authorizer decides whether an authenticated caller may do something. A
// refusal is an *engine.Error, usually with status 403.
type Authorizer interface {
	Authorize(ctx context.Context, a Access) error
}

// Options configure a Service. Store and Clock are needed; everything else has
// a default.
type Options struct {
	// Store keeps everything. The Service does not close it.
	Store store.Store
	// Clock is the time that the control interface can move from; usually the
	// wall clock.
	Clock engine.Clock
	// ClientID and ClientSecret are the credentials of an administrator. An
	// empty ClientID is replaced by a random one; an empty secret by a random
	// one unless the store knows the client already, whose secret then stays.
	ClientID     string
	ClientSecret string
	// ControlKey opens /emulator/v1; empty means a random one.
	ControlKey string
	// BaseURL is scheme and host under which the service is reached, for links
	// and tokens; empty means that of each request. It is never stored.
	BaseURL string
	// AllowedHosts are host names, beside loopback names and that of BaseURL,
	// that a Host header may carry. Others are refused: DNS rebinding.
	AllowedHosts []string
	// BulkMaxOperations and MaxPayload (bytes) bound a call; 0 is the default.
	BulkMaxOperations int
	MaxPayload        int64
	// Limits switches on the published rate limits of one kind of domain:
	// free, oracle-apps, oracle-apps-premium, premium or external-user.
	Limits string
	// Faults are rules in force from the start, FaultSeed makes those with a
	// probability repeatable.
	Faults    []FaultRule
	FaultSeed uint64
	// Sleep waits for the latency of faults; nil uses a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// SigningCertPublic serves the signing key without a token, as
	// Settings.signingCertPublicAccess does.
	SigningCertPublic bool
	// Tenant is the tenant name in tokens; empty means "local".
	Tenant string
	// Authorizer decides beyond the roles that client and user hold.
	Authorizer Authorizer
	// LogSize is how many requests the control interface remembers.
	LogSize int
	// Log takes what goes wrong inside; nil discards it.
	Log *slog.Logger

	// NewSigningKey makes the key of tokens when the store has none; nil
	// generates one of 2048 bits. Tests share one to save the time.
	NewSigningKey func() (*rsa.PrivateKey, error)
	// PasswordCost is the number of PBKDF2 iterations for stored passwords; 0
	// is the engine's default.
	PasswordCost int
}

// Credentials are what a caller needs to use a Service. ClientSecret is empty
// when the client was in the store already and its secret is not known here.
type Credentials struct {
	ClientID     string
	ClientSecret string
	ControlKey   string
}

// Service is a running emulator. It is safe for concurrent use, and several
// Services, also in several processes, may share one store.
type Service struct {
	opts      Options
	creds     Credentials
	clock     *storeClock
	store     store.Store
	resources Resources
	engine    *engine.Engine
	catalog   Catalog
	outbox    func(ctx context.Context, after string, limit int) ([]engine.Mail, string, error)
	templates *mail.Templates
	pages     *pages.Pages
	oauth     *oauth.Server
	keeper    *keeper
	faults    *faultSet
	limits    *limiter
	requests  *requestLog
	log       *slog.Logger
	hosts     map[string]bool

	inFlight sync.WaitGroup // requests of Transport
	closed   atomic.Bool
	closing  chan struct{} // closed by the first Close
}

// New makes a Service on the store and registers the administrator's client.
// It does not make the signing key; the first token does.
func New(ctx context.Context, opts Options) (*Service, error) {
	if opts.Store == nil || opts.Clock == nil {
		return nil, errors.New("emulator: a store and a clock are needed")
	}
	opts.BaseURL = strings.TrimRight(opts.BaseURL, "/")
	if opts.MaxPayload <= 0 {
		opts.MaxPayload = DefaultMaxPayload
	}
	if opts.BulkMaxOperations <= 0 {
		opts.BulkMaxOperations = DefaultBulkMaxOperations
	}
	if opts.LogSize <= 0 {
		opts.LogSize = DefaultLogSize
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	s := &Service{opts: opts, store: opts.Store, log: opts.Log, closing: make(chan struct{})}
	s.clock = &storeClock{base: opts.Clock, store: opts.Store}
	s.requests = newRequestLog(opts.LogSize)
	var err error
	if s.limits, err = newLimiter(opts.Limits); err != nil {
		return nil, err
	}
	if s.faults, err = newFaultSet(opts.Faults, opts.FaultSeed); err != nil {
		return nil, err
	}
	if s.hosts, err = allowedHosts(opts); err != nil {
		return nil, err
	}
	if err := s.clock.refresh(ctx); err != nil {
		return nil, fmt.Errorf("emulator: read clock: %w", err)
	}
	if err := s.wire(); err != nil {
		return nil, err
	}
	if err := s.registerAdmin(ctx); err != nil {
		return nil, err
	}
	s.templates = mail.New()
	s.pages = s.newPages()
	return s, nil
}

// wire builds what lies behind the HTTP side.
func (s *Service) wire() error {
	catalog := schemas.Default()
	if len(catalog.Names()) == 0 {
		return errors.New("emulator: the embedded schemas cannot be read")
	}
	e := engine.New(retryStore{Store: s.store, now: s.clock.Now}, catalog, engine.Options{
		Clock: s.clock, PasswordCost: s.opts.PasswordCost, Log: s.log, UserGone: oauth.DropUser,
	})
	s.engine, s.resources, s.catalog, s.outbox = e, e, catalog, e.Outbox
	s.keeper = newKeeper(s)
	users := directory{engine: e}
	var err error
	s.oauth, err = oauth.New(oauth.Config{
		Store: s.store, Now: s.clock.Now, BaseURL: s.baseURL, Tenant: s.opts.Tenant, Log: s.log,
		NewKey: s.opts.NewSigningKey, Passwords: users, Users: users, Apps: clients{s},
	})
	return err
}

// registerAdmin makes the client with which an administrator starts.
func (s *Service) registerAdmin(ctx context.Context) error {
	id, secret := s.opts.ClientID, s.opts.ClientSecret
	if id == "" {
		id = "idctl-" + randomHex(8)
	}
	if secret == "" {
		_, err := s.oauth.FindClient(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			secret = randomHex(32)
		case err != nil:
			return fmt.Errorf("emulator: look up client: %w", err)
		}
	}
	err := s.oauth.RegisterClient(ctx, oauth.Client{
		ID: id, Name: "idctl administrator", Type: oauth.ClientConfidential,
		Grants: []string{
			oauth.GrantClientCredentials, oauth.GrantPassword, oauth.GrantRefreshToken, oauth.GrantJWTBearer,
		},
		Operations: []string{oauth.OperationIntrospect, oauth.OperationOnBehalf},
		Roles:      []string{rights.IdentityDomainAdministrator},
	}, secret, true)
	if err != nil {
		return fmt.Errorf("emulator: register client: %w", err)
	}
	key := s.opts.ControlKey
	if key == "" {
		key = randomHex(32)
	}
	s.creds = Credentials{ClientID: id, ClientSecret: secret, ControlKey: key}
	return nil
}

// Credentials answers the administrator's client and the control key.
func (s *Service) Credentials() Credentials { return s.creds }

// Handler answers the whole service.
func (s *Service) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

// OAuth answers the authorisation server, for registering further clients and
// for callers in process.
func (s *Service) OAuth() *oauth.Server { return s.oauth }

// Close waits for the requests of Transport that are still running and
// refuses new ones. Requests that a latency fault holds are answered at once.
// It leaves the store open.
func (s *Service) Close() error {
	if !s.closed.Swap(true) {
		close(s.closing)
	}
	s.inFlight.Wait()
	return nil
}

// randomHex answers n random bytes as hex digits; crypto/rand does not fail.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
