package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// TLSOptions says whom to trust and who we are. The zero value trusts the
// system's certificate authorities.
type TLSOptions struct {
	// CAFile is a PEM file of certificate authorities trusted besides the
	// system's.
	CAFile string
	// CertFile and KeyFile are the client certificate and its key, PEM.
	CertFile, KeyFile string
	// InsecureSkipVerify accepts any certificate, which lets anyone on the way
	// read the tokens. Every New logs a warning.
	InsecureSkipVerify bool
}

// Config is what connections are made with. It reads the files.
func (o TLSOptions) Config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			// No system store (a bare container): the given file alone counts.
			pool = x509.NewCertPool()
		}
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no certificate in PEM form", o.CAFile)
		}
		cfg.RootCAs = pool
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("a client certificate needs both its certificate file and its key file")
	}
	if o.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate %s: %w", o.CertFile, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	cfg.InsecureSkipVerify = o.InsecureSkipVerify
	return cfg, nil
}

// newNetwork makes the http.Transport below everything. net/http keeps only
// two idle connections to a host, which makes a client with 32 workers dial,
// and over TLS shake hands, all the time: here every worker has its own. They
// speak HTTP/1.1: a connection each is faster for many small requests than
// the streams of one, and one that is lost takes one request along.
func newNetwork(o *Options, log *slog.Logger) (*http.Transport, error) {
	cfg, err := o.TLS.Config()
	if err != nil {
		return nil, err
	}
	if o.TLS.InsecureSkipVerify {
		log.Warn("certificates are not checked: anyone on the way can read tokens and data", "url", o.BaseURL)
	}
	proxy := o.Proxy
	if proxy == nil {
		proxy = proxyFromEnvironment
	}
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       cfg,
		TLSHandshakeTimeout:   10 * time.Second,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
		MaxIdleConns:          o.Workers,
		MaxIdleConnsPerHost:   o.Workers,
		MaxConnsPerHost:       o.Workers,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: o.Timeout,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       16 << 10, // a request in one write
		ReadBufferSize:        16 << 10,
	}, nil
}

func proxyFromEnvironment(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		// The error repeats the variable, which may hold the proxy's password.
		return nil, errors.New("the proxy address in HTTPS_PROXY or HTTP_PROXY cannot be parsed")
	}
	return u, nil
}
