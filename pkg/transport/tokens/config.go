package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/transport"
)

// DefaultScope asks for every administrative scope that the client or user has
// through its roles. It is what identity domains call it.
const DefaultScope = "urn:opc:idm:__myscopes__"

// maxAnswer bounds a token answer. Tokens with many scopes take some 10 KB.
const maxAnswer = 1 << 20

// Config says where and as whom to ask for tokens.
type Config struct {
	// URL is the token endpoint, https or loopback.
	URL string
	// Client proves who asks. Nil sends no client authentication.
	Client ClientAuth
	// Scope is the scope parameter. Empty means DefaultScope, "-" none.
	Scope string
	// HTTP sends the request, without adding a token of its own: usually a
	// transport.Transport without Tokens, which also repeats what may be
	// repeated. Needed.
	HTTP http.RoundTripper
	// Clock turns expires_in into a time. Needed.
	Clock transport.Clock
}

// ClientAuth adds a client's authentication to a token request.
type ClientAuth interface {
	apply(r *tokenRequest) error
}

// tokenRequest is a request in the making.
type tokenRequest struct {
	now      time.Time
	endpoint string
	form     url.Values
	header   http.Header
	// secrets are what no error may repeat.
	secrets []transport.Secret
}

// Basic is client id and secret in an Authorization header (RFC 6749 section
// 2.3.1).
type Basic struct {
	ID     string
	Secret transport.Secret
	// FormEscape escapes both parts first, as the RFC wants. Identity domains
	// document the plain form; for ids and secrets of letters, digits and
	// hyphens both are the same.
	FormEscape bool
}

func (b Basic) apply(r *tokenRequest) error {
	id, secret := b.ID, b.Secret.Reveal()
	if b.FormEscape {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	if strings.Contains(id, ":") {
		return errors.New("client id holds a colon, which an Authorization header cannot carry")
	}
	(&http.Request{Header: r.header}).SetBasicAuth(id, secret)
	r.secrets = append(r.secrets, b.Secret)
	return nil
}

// Public is a client without a secret; it only says its id.
type Public struct{ ID string }

func (p Public) apply(r *tokenRequest) error {
	if p.ID == "" {
		return errors.New("no client id")
	}
	r.form.Set("client_id", p.ID)
	return nil
}

// Assertion is a client that proves itself with a signed JWT (RFC 7523 section
// 2.2) instead of a secret.
type Assertion struct {
	ID     string
	Signer *Signer
}

func (a Assertion) apply(r *tokenRequest) error {
	jwt, err := a.Signer.Sign(r.now, a.ID, a.ID, r.endpoint)
	if err != nil {
		return fmt.Errorf("sign the client assertion: %w", err)
	}
	r.form.Set("client_id", a.ID)
	r.form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	r.form.Set("client_assertion", jwt.Reveal())
	r.secrets = append(r.secrets, jwt)
	return nil
}

// request sends one token request. repeatable says that asking twice changes
// nothing.
func (c Config) request(ctx context.Context, form url.Values, repeatable bool, secrets ...transport.Secret) (transport.Token, error) {
	if c.HTTP == nil || c.Clock == nil {
		return transport.Token{}, errors.New("tokens: no HTTP transport or no clock given")
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return transport.Token{}, fmt.Errorf("%w: the token endpoint is not a URL", transport.ErrBadRequest)
	}
	if err := transport.CheckSecure(u); err != nil {
		return transport.Token{}, err
	}
	switch c.Scope {
	case "":
		form.Set("scope", DefaultScope)
	case "-":
	default:
		form.Set("scope", c.Scope)
	}
	header := http.Header{
		"Content-Type": {"application/x-www-form-urlencoded;charset=UTF-8"},
		"Accept":       {"application/json"},
	}
	if c.Client != nil {
		r := &tokenRequest{now: c.Clock.Now(), endpoint: c.URL, form: form, header: header, secrets: secrets}
		if err := c.Client.apply(r); err != nil {
			return transport.Token{}, err
		}
		secrets = r.secrets
	}
	ctx = transport.WithCall(ctx, transport.Call{Idempotent: repeatable})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return transport.Token{}, fmt.Errorf("%w: the token request cannot be built", transport.ErrBadRequest)
	}
	req.Header = header

	asked := c.Clock.Now()
	// RoundTrip, not a client: a redirect of a token request is an error, the
	// secret goes to the endpoint that was named and to no other.
	resp, err := c.HTTP.RoundTrip(req)
	if err != nil {
		return transport.Token{}, fmt.Errorf("ask for a token: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return transport.Token{}, fmt.Errorf("read the token answer of %s: %w", u.Host, err)
	case len(body) > maxAnswer:
		return transport.Token{}, fmt.Errorf("token answer of %s: %w", u.Host, transport.ErrTooLarge)
	case resp.StatusCode != http.StatusOK:
		return transport.Token{}, parseError(resp.StatusCode, u.Host, body, secrets)
	}
	tok, err := parseToken(body, asked)
	if err != nil {
		typ, _, mimeErr := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if mimeErr != nil {
			typ = "no type"
		}
		return transport.Token{}, fmt.Errorf("token answer of %s (%s): %w", u.Host, typ, err)
	}
	return tok, nil
}

// ErrAnswer means that the service answered 200 and something that is no token.
var ErrAnswer = errors.New("not a token answer")

func parseToken(body []byte, asked time.Time) (transport.Token, error) {
	var a struct {
		AccessToken  string          `json:"access_token"`
		TokenType    string          `json:"token_type"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
		RefreshToken string          `json:"refresh_token"`
		Scope        string          `json:"scope"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		// The text of the JSON error can quote a byte of the body, no more,
		// but even that may be of a secret.
		return transport.Token{}, fmt.Errorf("%w: malformed JSON; is this the token endpoint?", ErrAnswer)
	}
	switch {
	case a.AccessToken == "":
		return transport.Token{}, fmt.Errorf("%w: no access_token", ErrAnswer)
	case !printable(a.AccessToken):
		return transport.Token{}, fmt.Errorf("%w: access_token holds characters that no header can carry", ErrAnswer)
	case a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer"):
		return transport.Token{}, fmt.Errorf("%w: token_type is not Bearer", ErrAnswer)
	}
	life, err := parseLife(a.ExpiresIn)
	if err != nil {
		return transport.Token{}, err
	}
	t := transport.Token{
		Value: transport.Secret(a.AccessToken), Type: "Bearer", Issued: asked,
		Refresh: transport.Secret(a.RefreshToken), Scope: a.Scope,
	}
	if life > 0 {
		// Counted from before the request was sent: rather early than late.
		t.Expiry = asked.Add(life)
	}
	return t, nil
}

// parseLife reads expires_in, a number by the RFC and a string with some
// services. Absent means unknown, which is zero.
func parseLife(raw json.RawMessage) (time.Duration, error) {
	text := strings.Trim(string(raw), `" `)
	if text == "" || text == "null" {
		return 0, nil
	}
	secs, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(secs) || secs < 0 {
		return 0, fmt.Errorf("%w: expires_in is not a number of seconds", ErrAnswer)
	}
	const century = 100 * 365 * 24 * 3600
	return time.Duration(min(secs, century) * float64(time.Second)), nil
}

// printable keeps a token from breaking out of its header line.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
