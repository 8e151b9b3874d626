package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idctl/idctl/internal/auth"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/internal/iostreams"
	"github.com/idctl/idctl/internal/output"
	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// hush is a secret that must not show.
const hush = "hush-5d21-secret"

// bench is one run of doctor with everything around it.
type bench struct {
	*options
	env         map[string]string
	out, errOut *bytes.Buffer
}

// newBench makes options that mean the environment env, whose home is a folder
// of the test.
func newBench(t *testing.T, env map[string]string) *bench {
	t.Helper()
	if _, set := env["IDCTL_HOME"]; !set {
		env["IDCTL_HOME"] = filepath.Join(t.TempDir(), "home")
	}
	streams, _, out, errOut := iostreams.Test()
	look := func(name string) (string, bool) { v, set := env[name]; return v, set }
	clock := transport.NewClock(time.Now)
	d := &cmdutil.Deps{
		IO: streams, Env: look, Paths: config.FindPaths("linux", look), Clock: time.Now,
		Log: slog.New(slog.DiscardHandler), Version: cmdutil.Version{Version: "1.2.3", Commit: "abc", Go: "go1", OS: "linux", Arch: "arm64"},
		Flags: &cmdutil.Flags{}, Output: &output.Options{},
	}
	d.Config = func() (*config.Config, error) {
		file, err := d.Paths.ConfigFile()
		if err != nil {
			return &config.Config{}, nil //nolint:nilerr // as the tool does without a home
		}
		return config.Load(file)
	}
	d.Profile = func() (*config.Resolved, error) {
		cfg, err := d.Config()
		if err != nil {
			return nil, err
		}
		return cfg.Resolve(d.Flags.Given(), look)
	}
	d.Secrets = func(*config.Resolved) (auth.Secrets, error) { return &auth.EnvSecrets{Lookup: look}, nil }
	d.Transport = func(_ context.Context, r *config.Resolved) (transport.Options, error) {
		return idcs.TransportOptions(idcs.Options{BaseURL: r.URL, Clock: clock, TLS: transport.TLSOptions{CAFile: r.CAFile}, Unlimited: true}), nil
	}
	d.Tokens = func(ctx context.Context, r *config.Resolved) (transport.TokenSource, error) {
		opts, err := d.Transport(ctx, r)
		if err != nil {
			return nil, err
		}
		opts.Retry.Attempts = r.Retries + 1
		rt, err := transport.New(opts)
		if err != nil {
			return nil, err
		}
		store, err := d.Secrets(r)
		if err != nil {
			return nil, err
		}
		return cmdutil.Grant(tokens.Config{URL: r.URL + "/oauth2/v1/token", HTTP: rt, Clock: clock}, r, store, clock), nil
	}
	d.Provider = func(ctx context.Context) (provider.Provider, error) {
		r, err := d.Profile()
		if err != nil {
			return nil, err
		}
		opts, err := d.Transport(ctx, r)
		if err != nil {
			return nil, err
		}
		if opts.Tokens, err = d.Tokens(ctx, r); err != nil {
			return nil, err
		}
		client, err := transport.NewClient(opts)
		if err != nil {
			return nil, err
		}
		return provideridcs.New(client), nil
	}
	return &bench{
		env: env, out: out, errOut: errOut,
		options: &options{
			Deps: d, Print: output.New(d.Output, spec), GOOS: "linux", Limit: perCheck,
			Proxy:   func(*http.Request) (*url.URL, error) { return nil, nil },
			Resolve: net.DefaultResolver.LookupHost, Dial: (&net.Dialer{}).DialContext,
			Free: func(string) (uint64, error) { return 5 << 30, nil },
		},
	}
}

// outcome runs all checks.
type outcome struct {
	checks map[string]Check
	err    error
}

func (b *bench) examine(t *testing.T) outcome {
	t.Helper()
	checks, err := examine(t.Context(), b.options, steps())
	if len(checks) != len(steps()) {
		t.Errorf("%d checks, want %d", len(checks), len(steps()))
	}
	o := outcome{map[string]Check{}, err}
	for _, c := range checks {
		if (c.State == Warning || c.State == Problem) && c.Advice == "" && !strings.Contains(c.Finding, "within") {
			t.Errorf("%s: %s without advice: %s", c.Name, c.State, c.Finding)
		}
		o.checks[c.Name] = c
	}
	text, jerr := json.Marshal(checks)
	if jerr != nil {
		t.Fatal(jerr)
	}
	if bytes.Contains(text, []byte(hush)) {
		t.Errorf("a secret shows: %s", text)
	}
	return o
}

// want is what a check has to say.
type want struct {
	check   string
	state   State
	finding string
	advice  string
}

func (o outcome) want(t *testing.T, code int, wants ...want) {
	t.Helper()
	for _, w := range wants {
		c := o.checks[w.check]
		if c.State != w.state || !strings.Contains(c.Finding, w.finding) || !strings.Contains(c.Advice, w.advice) {
			t.Errorf("%s: got %s %q, to do %q; want %s %q, %q", w.check, c.State, c.Finding, c.Advice, w.state, w.finding, w.advice)
		}
	}
	if got := cmdutil.ExitCode(o.err); got != code {
		t.Errorf("exit code %d, want %d; %+v", got, code, o.checks)
	}
}

// jwt is a token as far as anybody here reads it.
func jwt(claims string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + hush
}

// domain answers as an identity domain does. Fields change that.
type domain struct {
	date      func() time.Time
	users     int // status of Users, 200 by default
	groups    int
	discovery http.HandlerFunc
}

func (d domain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d.date != nil {
		w.Header().Set("Date", d.date().UTC().Format(http.TimeFormat))
	}
	list := func(status int) {
		if status == 0 {
			status = http.StatusOK
		}
		if r.Header.Get("Authorization") == "" {
			status = http.StatusUnauthorized
		}
		w.Header().Set("Content-Type", "application/scim+json")
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "30")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"Resources":[]}`)
	}
	switch r.URL.Path {
	case "/.well-known/idcs-configuration":
		if d.discovery != nil {
			d.discovery(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"openid-configuration":{"issuer":"https://identity.example.com/"},"scim-configuration":{"base_url":"https://x.example.com/admin/v1"}}`)
	case "/admin/v1/Users":
		list(d.users)
	case "/admin/v1/Groups":
		list(d.groups)
	default:
		http.NotFound(w, r)
	}
}

// withToken is an environment that means a service and has a token for it.
func withToken(address string) map[string]string {
	claims := `{"sub":"admin@example.com","sub_type":"user","client_id":"c","userAppRoles":["Security Administrator","User Administrator"],"scope":"a b c","exp":4102444800}`
	return map[string]string{"IDCTL_URL": address, "IDCTL_TOKEN": jwt(claims)}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// serveTLS serves with a certificate that signs itself, for name, and answers
// the address and the certificate's file.
func serveTLS(t *testing.T, h http.Handler, name string, from, until time.Time) (address, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // that clients turn away is the point
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL, caFile
}
