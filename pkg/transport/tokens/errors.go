package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/idctl/idctl/pkg/transport"
)

// The errors of RFC 6749 section 5.2, found with errors.Is in an *Error.
var (
	ErrInvalidRequest       = errors.New("invalid_request")
	ErrInvalidClient        = errors.New("invalid_client")
	ErrInvalidGrant         = errors.New("invalid_grant")
	ErrUnauthorizedClient   = errors.New("unauthorized_client")
	ErrUnsupportedGrantType = errors.New("unsupported_grant_type")
	ErrInvalidScope         = errors.New("invalid_scope")
)

// Error is the service's refusal to give a token.
type Error struct {
	// Code is the RFC's error code, empty when the answer had none.
	Code string
	// Description is the service's own text, shortened and without secrets.
	Description string
	Status      int
	Host        string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("token refused by %s: status %d", e.Host, e.Status)
	if e.Code != "" {
		s += ": " + e.Code
	}
	if e.Description != "" {
		s += ": " + e.Description
	}
	return s
}

// Is compares the code with the sentinels of this package.
func (e *Error) Is(target error) bool {
	for _, s := range []error{
		ErrInvalidRequest, ErrInvalidClient, ErrInvalidGrant,
		ErrUnauthorizedClient, ErrUnsupportedGrantType, ErrInvalidScope,
	} {
		if target == s {
			return e.Code == s.Error()
		}
	}
	return false
}

// Hint is what helps.
func (e *Error) Hint() string {
	switch e.Code {
	case "invalid_client":
		return "check client id and secret, and that the application is active"
	case "invalid_grant":
		return "user name, password, refresh token or assertion are wrong or no longer valid: log in again"
	case "unauthorized_client", "unsupported_grant_type":
		return "allow this grant type in the settings of the application"
	case "invalid_scope":
		return "give the application the admin roles it needs, or ask for another scope"
	}
	if e.Temporary() {
		return "try again later"
	}
	return "check the URL of the service"
}

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= 500
}

// Transient reports whether asking for the token again, unchanged, may
// succeed: the service is busy, or the network failed.
func Transient(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Temporary()
	}
	for _, kind := range []error{
		transport.ErrUnreachable, transport.ErrTimeout, transport.ErrTruncated, transport.ErrThrottled,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func parseError(status int, host string, body []byte, secrets []transport.Secret) *Error {
	e := &Error{Status: status, Host: host}
	var a struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Detail      string          `json:"detail"` // SCIM-minded services
	}
	if json.Unmarshal(body, &a) == nil {
		var code string
		if json.Unmarshal(a.Error, &code) == nil {
			e.Code = clean(code, secrets)
		}
		e.Description = a.Description
		if e.Description == "" {
			e.Description = a.Detail
		}
		e.Description = clean(e.Description, secrets)
	}
	return e
}

// clean makes a service's text fit for an error: one line, not long, and
// without what we sent in confidence.
func clean(s string, secrets []transport.Secret) string {
	for _, secret := range secrets {
		if !secret.IsZero() {
			s = strings.ReplaceAll(s, secret.Reveal(), secret.String())
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	const longest = 300
	if len(s) <= longest {
		return s
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
