package measure

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// Workers is how many requests a bare client has in flight.
const Workers = 8

// Bare is a tuned client of net/http: connections are kept, answers thrown away
// unread, nothing is retried or remembered.
type Bare struct {
	url    string
	token  string
	client *http.Client
}

// NewBare is a bare client of the service at url, which trusts the authorities of
// roots (PEM) when there are any.
func NewBare(url, token string, roots []byte) *Bare {
	transport := &http.Transport{
		MaxIdleConns: Workers, MaxIdleConnsPerHost: Workers, MaxConnsPerHost: Workers,
		DisableCompression: true, WriteBufferSize: 16 << 10, ReadBufferSize: 32 << 10,
	}
	if len(roots) > 0 {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(roots)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{} // HTTP/1.1
	}
	return &Bare{url: url, token: token, client: &http.Client{Transport: transport}}
}

// Close gives the connections back.
func (b *Bare) Close() { b.client.CloseIdleConnections() }

// Create posts every body as a new user.
func (b *Bare) Create(ctx context.Context, bodies [][]byte) error {
	return b.each(ctx, len(bodies), func(ctx context.Context, i int) error {
		return b.send(ctx, http.MethodPost, "/admin/v1/Users", bodies[i], http.StatusCreated)
	})
}

// List reads pages of users until it has all of them.
func (b *Bare) List(ctx context.Context, users int) error {
	return b.each(ctx, (users+PageSize-1)/PageSize, func(ctx context.Context, i int) error {
		return b.send(ctx, http.MethodGet, fmt.Sprintf("/admin/v1/Users?startIndex=%d&count=%d", i*PageSize+1, PageSize), nil, http.StatusOK)
	})
}

// Repeat sends one request n times.
func (b *Bare) Repeat(ctx context.Context, n int, method, path string, body []byte, status int) error {
	return b.each(ctx, n, func(ctx context.Context, _ int) error { return b.send(ctx, method, path, body, status) })
}

// each calls f for 0 to n-1, Workers at a time; a worker takes the next number
// when it is through, which costs less than a goroutine a number.
func (b *Bare) each(ctx context.Context, n int, f func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for w := range Workers {
		group.Go(func() error {
			for i := w; i < n; i += Workers {
				if err := f(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (b *Bare) send(ctx context.Context, method, path string, body []byte, status int) error {
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header["Authorization"] = []string{"Bearer " + b.token}
	req.Header["Content-Type"] = []string{"application/scim+json"}
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != status {
		err = errors.Join(err, fmt.Errorf("%s %s: %s", method, path, resp.Status))
	}
	return errors.Join(err, resp.Body.Close())
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Paths gets every path.
func (b *Bare) Paths(ctx context.Context, paths []string) error {
	return b.each(ctx, len(paths), func(ctx context.Context, i int) error {
		return b.send(ctx, http.MethodGet, paths[i], nil, http.StatusOK)
	})
}

// Read gets one path and answers what it says.
func (b *Bare) Read(ctx context.Context, path string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	req.Header["Authorization"] = []string{"Bearer " + b.token}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return body, resp.Header, errors.Join(err, resp.Body.Close())
}
