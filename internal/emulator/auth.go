package emulator

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
)

const realm = "idcs"

// caller is who sends a request, as far as the token says.
type caller struct {
	call  engine.Call
	scope string
	// clientID and party are whose rights the token carries; version is the
	// store's when the token was checked, or 0.
	clientID string
	party    party
	version  uint64
	// key tells callers apart: what one of them stored for a retry, another
	// must not get.
	key string
}

// authenticate finds the caller by the bearer token, or answers 401 or 403.
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request) (*caller, bool) {
	claims, version, err := s.bearer(r)
	if err != nil {
		s.answerUnauthenticated(w, r, err)
		return nil, false
	}
	exchangeOf(r.Context()).record.Client = claims.Subject
	if !oauth.HasAdminScope(claims.Scope) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`", error="insufficient_scope"`)
		writeError(w, refusal(http.StatusForbidden, "", msgForbidden,
			"The token has no scope for the administration API."))
		return nil, false
	}
	quirk, _ := r.Context().Value(quirkKey{}).(FaultAction)
	return &caller{
		scope: claims.Scope, clientID: claims.ClientID, version: version,
		party: party{app: claims.ClientGUID, user: claims.UserID},
		key:   claims.ClientID + "\x00" + claims.SubjectType + "\x00" + claims.Subject,
		call: engine.Call{
			Actor: actorOf(claims), RequestID: w.Header().Get("opc-request-id"),
			ClientIP: clientIP(r), BaseURL: s.baseURL(r),
			IgnoreTerms: quirk == FaultIgnoreTerms, HideCodes: quirk == FaultHideCodes,
		},
	}, true
}

var errNoToken = errors.New("emulator: request without a bearer token")

// bearer answers what the token says, and the store's version when it was
// checked, or 0.
func (s *Service) bearer(r *http.Request) (*oauth.Claims, uint64, error) {
	if id := actingClient(r.Context()); id != "" && r.Header.Get("Authorization") == "" {
		claims, err := s.actingClaims(r, id)
		return claims, 0, err
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, 0, errNoToken
	}
	claims, version, err := s.oauth.VerifyAt(r.Context(), strings.TrimSpace(token))
	if err != nil {
		return nil, 0, err
	}
	if expire, _ := r.Context().Value(expireKey{}).(bool); expire {
		if err := s.oauth.RevokeClaims(r.Context(), claims); err != nil {
			return nil, 0, err
		}
		return nil, 0, oauth.ErrExpiredToken
	}
	return claims, version, nil
}

// actingClaims are those of a client in whose name a request comes in process.
func (s *Service) actingClaims(r *http.Request, id string) (*oauth.Claims, error) {
	claims, err := s.oauth.ClientClaims(r.Context(), s.baseURL(r), id, oauth.ScopeMyScopes)
	if errors.Is(err, store.ErrNotFound) {
		return nil, oauth.ErrInvalidToken
	}
	return claims, err
}

// answerUnauthenticated follows RFC 6750 section 3: a request without a token
// gets the bare challenge, one with a bad token the reason.
func (s *Service) answerUnauthenticated(w http.ResponseWriter, r *http.Request, err error) {
	challenge, detail := `Bearer realm="`+realm+`"`, "A bearer token is needed."
	switch {
	case errors.Is(err, errNoToken):
	case errors.Is(err, oauth.ErrExpiredToken):
		detail = "The access token has expired."
	case errors.Is(err, oauth.ErrRevokedToken):
		detail = "The access token was revoked."
	case errors.Is(err, oauth.ErrInvalidToken):
		detail = "The access token is not valid."
	default:
		s.fail(w, r, err)
		return
	}
	if !errors.Is(err, errNoToken) {
		challenge += `, error="invalid_token", error_description="` + detail + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	writeError(w, refusal(http.StatusUnauthorized, "", msgUnauthorized, detail))
}

func actorOf(c *oauth.Claims) engine.Actor {
	if c.IsUser() {
		return engine.Actor{
			Type: "User", ID: c.UserID, OCID: c.UserOCID, Name: c.Subject, Display: c.UserDisplay, Roles: c.Roles(),
		}
	}
	return engine.Actor{Type: "App", ID: c.ClientGUID, Name: c.ClientID, Display: c.ClientName, Roles: c.Roles()}
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "127.0.0.1" // in process
	}
	return host
}
