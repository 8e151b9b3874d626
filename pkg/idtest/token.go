package idtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	tokenScope = "urn:opc:idm:__myscopes__" //nolint:gosec // a scope, not a credential
	// early renews a token before it is over, by the server's time.
	early = 30 * time.Second
)

// tokenSource keeps the administrator's token.
type tokenSource struct {
	mu      sync.Mutex
	token   string
	expires time.Time
}

func (t *tokenSource) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = ""
}

// Token answers an access token of the administrator, got with the client's
// credentials from the server's token endpoint and kept until it runs out.
func (s *Server) Token(ctx context.Context) (string, error) {
	t := &s.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	now := s.service.Now()
	if t.token != "" && now.Add(early).Before(t.expires) {
		return t.token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {tokenScope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/oauth2/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("idtest: get token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.ClientSecret))
	resp, err := s.http.Client().Do(req)
	if err != nil {
		return "", fmt.Errorf("idtest: get token: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&body)
	if err == nil && (resp.StatusCode != http.StatusOK || body.AccessToken == "") {
		err = fmt.Errorf("status %d %s", resp.StatusCode, body.Error)
	}
	if err != nil {
		return "", fmt.Errorf("idtest: get token: %w", err)
	}
	t.token, t.expires = body.AccessToken, now.Add(time.Duration(body.ExpiresIn)*time.Second)
	return t.token, nil
}

// authorised adds the token to requests for the server, and to no others.
type authorised struct {
	server *Server
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a *authorised) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme+"://"+req.URL.Host != a.server.URL || req.Header.Get("Authorization") != "" {
		return a.next.RoundTrip(req)
	}
	token, err := a.server.Token(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	r := req.Clone(req.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return a.next.RoundTrip(r)
}
