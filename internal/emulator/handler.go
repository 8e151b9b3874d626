package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/pages"
	"github.com/idctl/idctl/internal/emulator/store"
)

// The families that are served, by the first part of the path.
const (
	familyAdmin     = "admin"
	familyOAuth     = "oauth2"
	familyWellKnown = "well-known"
	familySCIM      = "scim"
	familyControl   = "emulator"
	familyPages     = "ui"

	adminBase = "/admin/v1"
)

func familyOf(p string) string {
	switch {
	case p == adminBase || strings.HasPrefix(p, adminBase+"/"):
		return familyAdmin
	case p == scimBase || strings.HasPrefix(p, scimBase+"/"):
		return familySCIM
	case strings.HasPrefix(p, "/oauth2/v1/"):
		return familyOAuth
	case strings.HasPrefix(p, "/.well-known/"):
		return familyWellKnown
	case p == controlBase || strings.HasPrefix(p, controlBase+"/"):
		return familyControl
	case pages.Is(p):
		return familyPages
	}
	return ""
}

// exchange is what the middle of the way learns about a request, for its end.
type exchange struct {
	record RequestRecord
	start  time.Time
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	e, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return &exchange{}
	}
	return e
}

// serveHTTP is the way of every request: id, host, control interface or
// clock, limits and faults, then the family.
func (s *Service) serveHTTP(rw http.ResponseWriter, r *http.Request) {
	family := familyOf(r.URL.Path)
	w := &statusWriter{ResponseWriter: rw, plain: family == familySCIM}
	ex := &exchange{start: s.opts.Clock.Now(), record: RequestRecord{
		Time: s.clock.Now(), Method: r.Method, Path: r.URL.Path, Query: parameterNames(r.URL.RawQuery),
		RequestID: requestID(r.Header.Get("opc-request-id")),
	}}
	setCommonHeaders(w.Header(), ex.record.RequestID)
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, ex))
	if family != familyControl {
		defer func() {
			ex.record.Status = w.status
			ex.record.Millis = float64(s.opts.Clock.Now().Sub(ex.start).Microseconds()) / 1000
			s.requests.add(ex.record)
		}()
	}
	defer s.recoverPanic(w, r)

	if !s.hostAllowed(r) {
		writeStatus(w, http.StatusForbidden, "This host name is not served here.")
		return
	}
	if r.ContentLength > s.opts.MaxPayload && family != familyControl && family != familyPages {
		// Refused before a byte of it is read.
		writeStatus(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("The payload is larger than %d bytes.", s.opts.MaxPayload))
		return
	}
	if err := s.clock.refresh(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	ex.record.Time = s.clock.Now()
	switch family {
	case familyControl:
		s.control(w, r)
		return
	case familyPages:
		// For people: neither limits nor faults are meant for them.
		call := engine.Call{ClientIP: clientIP(r), RequestID: ex.record.RequestID}
		s.pages.ServeHTTP(w, r.WithContext(engine.WithCall(r.Context(), call)))
		return
	}
	if !s.limits.allow(r.URL.Path, s.clock.Now()) {
		writeStatus(w, http.StatusTooManyRequests, "Too many requests for this group of endpoints.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.opts.MaxPayload)
	s.applyFaults(w, r, family, func(w http.ResponseWriter, r *http.Request) { s.serveFamily(w, r, family) })
}

// setCommonHeaders sets what every answer has. The names are in the form in which
// package http keeps them, and the values share one allocation.
func setCommonHeaders(h http.Header, requestID string) {
	v := []string{requestID, requestID, "0", "nosniff"}
	h["Opc-Request-Id"] = v[0:1:1]
	h["X-Oracle-Dms-Ecid"] = v[1:2:2]
	h["X-Oracle-Dms-Rid"] = v[2:3:3]
	h["X-Content-Type-Options"] = v[3:4:4]
}

func (s *Service) serveFamily(w http.ResponseWriter, r *http.Request, family string) {
	switch family {
	case familyAdmin:
		s.admin(w, r)
	case familySCIM:
		s.scim(w, r)
	case familyOAuth:
		call := engine.Call{ClientIP: clientIP(r), RequestID: exchangeOf(r.Context()).record.RequestID, BaseURL: s.baseURL(r)}
		s.oauth.ServeHTTP(w, r.WithContext(engine.WithCall(r.Context(), call)))
	case familyWellKnown:
		switch r.URL.Path {
		case oauth.OpenIDPath:
			s.oauth.OpenIDConfiguration(w, r)
		case oauth.IDCSPath:
			s.oauth.IDCSConfiguration(w, r)
		default:
			writeStatus(w, http.StatusNotFound, "There is no such document.")
		}
	default:
		writeStatus(w, http.StatusNotFound, "There is nothing at this path.")
	}
}

// recoverPanic turns a defect of the emulator into a 500. A deliberate abort
// passes on to the server below.
func (s *Service) recoverPanic(w *statusWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	s.log.ErrorContext(r.Context(), "request panicked", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.status == 0 {
		writeStatus(w, http.StatusInternalServerError, "The emulator failed; its log says where.")
	}
}

// requestID takes over a caller's id when it is harmless in a header and a
// log, and makes one otherwise.
func requestID(given string) string {
	if given == "" || len(given) > 128 {
		return randomHex(16)
	}
	for i := range len(given) {
		if c := given[i]; c <= ' ' || c > '~' {
			return randomHex(16)
		}
	}
	return given
}

// parameterNames are the names in a query, without their values.
func parameterNames(raw string) []string {
	var names []string
	for part := range strings.SplitSeq(raw, "&") {
		if name, _, _ := strings.Cut(part, "="); name != "" && len(names) < 20 {
			names = append(names, name[:min(len(name), 64)])
		}
	}
	return names
}

// allowedHosts are the names that a Host header may carry, in lower case and
// without a port.
func allowedHosts(opts Options) (map[string]bool, error) {
	hosts := map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}
	if opts.BaseURL != "" {
		u, err := url.Parse(opts.BaseURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			return nil, errors.New("emulator: base URL must be scheme and host, such as https://idcs.example.com")
		}
		hosts[strings.ToLower(u.Hostname())] = true
	}
	for _, h := range opts.AllowedHosts {
		hosts[hostName(h)] = true
	}
	return hosts, nil
}

func hostName(hostport string) string {
	h := hostport
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		h = host
	}
	return strings.ToLower(strings.Trim(h, "[]"))
}

func (s *Service) hostAllowed(r *http.Request) bool {
	return inProcess(r.Context()) || s.hosts[hostName(r.Host)]
}

// baseURL is the scheme and host that links and tokens carry.
func (s *Service) baseURL(r *http.Request) string {
	if s.opts.BaseURL != "" {
		return s.opts.BaseURL
	}
	scheme := "http"
	if r.TLS != nil || inProcess(r.Context()) && r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// fail answers an error that is not a refusal: the service's own trouble.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client has gone, nobody reads an answer
	}
	s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	writeError(w, failure(err))
}

// failure is what a caller is told of the service's own trouble.
func failure(err error) *engine.Error {
	switch {
	case errors.Is(err, store.ErrFull):
		return &engine.Error{Status: http.StatusInsufficientStorage, Detail: "There is no space left for the database."}
	case errors.Is(err, store.ErrClosed):
		return &engine.Error{Status: http.StatusServiceUnavailable, Detail: "The service is shutting down."}
	}
	return &engine.Error{Status: http.StatusInternalServerError, Detail: "The service could not complete the request."}
}
