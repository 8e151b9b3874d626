package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
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
)

// certificate makes a certificate that signs itself, and writes it and its key
// into files.
func certificate(t *testing.T, name string, until time.Time) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(certFile, certPEM, 0o600), os.WriteFile(keyFile, keyPEM, 0o600)); err != nil {
		t.Fatal(err)
	}
	pair, err = tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

func TestTLS(t *testing.T) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	good, goodFile, _ := certificate(t, "127.0.0.1", tomorrow)
	expired, expiredFile, _ := certificate(t, "127.0.0.1", yesterday)
	foreign, foreignFile, _ := certificate(t, "idcs.example.com", tomorrow)
	_, clientFile, clientKey := certificate(t, "client", tomorrow)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		server     tls.Certificate
		wantClient bool
		opts       TLSOptions
		hint       string // of ErrTLS; empty: it works
	}{
		{"CA file", good, false, TLSOptions{CAFile: goodFile}, ""},
		{"unknown authority", good, false, TLSOptions{}, "CA file"},
		{"verification off", good, false, TLSOptions{InsecureSkipVerify: true}, ""},
		{"expired", expired, false, TLSOptions{CAFile: expiredFile}, "expired"},
		{"another name", foreign, false, TLSOptions{CAFile: foreignFile}, "another name"},
		{"client certificate", good, true, TLSOptions{CAFile: goodFile, CertFile: clientFile, KeyFile: clientKey}, ""},
		{"client certificate missing", good, true, TLSOptions{CAFile: goodFile}, "client certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{tt.server}, MinVersion: tls.VersionTLS12}
			if tt.wantClient {
				srv.TLS.ClientAuth = tls.RequireAnyClientCert
			}
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS()
			defer srv.Close()
			c := newTestClient(t, Options{BaseURL: srv.URL, TLS: tt.opts, Tokens: staticSource{"tok"}})
			resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"})
			if tt.hint == "" {
				if err != nil || resp.Status != 200 {
					t.Fatalf("Do = %+v, %v", resp, err)
				}
				return
			}
			var e *Error
			if !errors.Is(err, ErrTLS) || !errors.As(err, &e) || !strings.Contains(e.Hint(), tt.hint) {
				t.Fatalf("Do = %v, want ErrTLS with a hint on %q", err, tt.hint)
			}
			if !strings.Contains(e.Hint(), "127.0.0.1") {
				t.Errorf("hint %q does not name the host", e.Hint())
			}
		})
	}
	if _, err := New(Options{Clock: newFakeClock(), TLS: TLSOptions{CAFile: empty}}); err == nil || !strings.Contains(err.Error(), empty) {
		t.Errorf("CA file without a certificate: %v", err)
	}
	if _, err := New(Options{Clock: newFakeClock(), TLS: TLSOptions{CertFile: clientFile, KeyFile: empty}}); err == nil {
		t.Error("a key file without a key was accepted")
	}
}

func TestProxy(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		write(w, "through the proxy")
	}))
	defer proxy.Close()
	c := newTestClient(t, Options{
		BaseURL: "http://idcs.example.com/base",
		Proxy:   func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) },
	})
	resp, err := c.Do(t.Context(), &Request{Method: "GET", Path: "/x"})
	if err != nil || string(resp.Body) != "through the proxy" || asked != "http://idcs.example.com/base/x" {
		t.Errorf("Do = %+v, %v, proxy was asked for %s", resp, err, asked)
	}
}
