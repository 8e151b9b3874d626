package emulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	controlBase = "/emulator/v1"
	controlKey  = "X-Emulator-Key"
	// maxControlBytes bounds a seed.
	maxControlBytes = 64 << 20
)

// Status is what GET /emulator/v1/status answers.
type Status struct {
	Now               time.Time `json:"now"`
	BaseURL           string    `json:"baseUrl"`
	StoreVersion      uint64    `json:"storeVersion"`
	ResourceTypes     int       `json:"resourceTypes"`
	Requests          int       `json:"requests"`
	Faults            int       `json:"faults"`
	Limits            string    `json:"limits,omitempty"`
	BulkMaxOperations int       `json:"bulkMaxOperations"`
	MaxPayload        int64     `json:"maxPayload"`
}

// clockBody is the body of GET and PUT /emulator/v1/clock.
type clockBody struct {
	Now     *time.Time `json:"now,omitempty"`
	Advance *Duration  `json:"advance,omitempty"`
}

// control is the interface for tests below /emulator/v1. It is not there for
// remote callers, and it needs the key: other users of the machine reach
// loopback, too. A web page that a browser shows cannot use it, because a
// request with a foreign Origin is refused.
func (s *Service) control(w http.ResponseWriter, r *http.Request) {
	switch {
	case !fromLoopback(r):
		writeStatus(w, http.StatusNotFound, "There is nothing at this path.")
		return
	case !sameOrigin(r):
		writeStatus(w, http.StatusForbidden, "Requests from other origins are refused.")
		return
	case !s.keyFits(r.Header.Get(controlKey)):
		w.Header().Set("WWW-Authenticate", controlKey)
		writeStatus(w, http.StatusUnauthorized, "Header "+controlKey+" must hold the control key.")
		return
	}
	routes := map[string]map[string]func(http.ResponseWriter, *http.Request) error{
		"/status": {http.MethodGet: s.controlStatus},
		"/seed":   {http.MethodPost: s.controlSeed},
		"/reset":  {http.MethodPost: s.controlReset},
		"/clock":  {http.MethodGet: s.controlClock, http.MethodPut: s.controlSetClock},
		"/faults": {http.MethodGet: s.controlFaults, http.MethodPut: s.controlSetFaults, http.MethodDelete: s.controlSetFaults},
		"/log":    {http.MethodGet: s.controlLog},
		"/outbox": {http.MethodGet: s.controlOutbox},

		"/templates": {http.MethodGet: s.controlTemplates},
	}
	path := strings.TrimPrefix(r.URL.Path, controlBase)
	methods, ok := routes[path]
	if id, found := strings.CutPrefix(path, "/outbox/"); found && id != "" {
		methods, ok = map[string]func(http.ResponseWriter, *http.Request) error{http.MethodGet: func(w http.ResponseWriter, r *http.Request) error {
			return s.controlMail(w, r, id)
		}}, true
	}
	if !ok {
		writeStatus(w, http.StatusNotFound, "There is nothing at this path.")
		return
	}
	f, ok := methods[r.Method]
	if !ok {
		var allow []string
		for _, m := range allMethods {
			if methods[m] != nil {
				allow = append(allow, m)
			}
		}
		w.Header().Set("Allow", strings.Join(allow, ","))
		writeStatus(w, http.StatusMethodNotAllowed, "This path does not take "+r.Method+".")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBytes)
	if err := f(w, r); err != nil {
		s.answerError(w, r, err)
	}
}

func fromLoopback(r *http.Request) bool {
	if inProcess(r.Context()) {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func sameOrigin(r *http.Request) bool {
	o := r.Header.Get("Origin")
	if o == "" {
		return true
	}
	u, err := url.Parse(o)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func (s *Service) keyFits(given string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.creds.ControlKey))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (s *Service) controlStatus(w http.ResponseWriter, r *http.Request) error {
	version, err := s.store.Version(r.Context())
	if err != nil {
		return err
	}
	_, total := s.requests.list(1)
	writeBody(w, http.StatusOK, contentJSON, Status{
		Now: s.clock.Now(), BaseURL: s.baseURL(r), StoreVersion: version,
		ResourceTypes: len(s.catalog.Names()), Requests: total, Faults: len(s.faults.state()),
		Limits: s.opts.Limits, BulkMaxOperations: s.opts.BulkMaxOperations, MaxPayload: s.opts.MaxPayload,
	})
	return nil
}

func (s *Service) controlReset(w http.ResponseWriter, r *http.Request) error {
	if err := s.Reset(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Reset removes every record, setting and token, puts the clock back on the
// base clock and the faults of Options in force. The administrator's client
// stays; its tokens do not.
func (s *Service) Reset(ctx context.Context) error {
	if err := s.store.Reset(ctx); err != nil {
		return fmt.Errorf("emulator: reset: %w", err)
	}
	s.requests.clear()
	if err := s.faults.reset(); err != nil {
		return err
	}
	if err := s.clock.refresh(ctx); err != nil {
		return fmt.Errorf("emulator: reset: %w", err)
	}
	if _, err := s.oauth.FindClient(ctx, s.creds.ClientID); err != nil {
		return fmt.Errorf("emulator: reset: %w", err)
	}
	return nil
}

func (s *Service) controlClock(w http.ResponseWriter, _ *http.Request) error {
	now := s.clock.Now()
	writeBody(w, http.StatusOK, contentJSON, clockBody{Now: &now})
	return nil
}

func (s *Service) controlSetClock(w http.ResponseWriter, r *http.Request) error {
	var b clockBody
	if err := readStrict(r, &b); err != nil {
		return err
	}
	var err error
	switch {
	case b.Now != nil && b.Advance == nil:
		err = s.SetClock(r.Context(), *b.Now)
	case b.Advance != nil && b.Now == nil:
		err = s.AdvanceClock(r.Context(), time.Duration(*b.Advance))
	default:
		return refusal(http.StatusBadRequest, "invalidValue", msgSyntax, "The body must have either now or advance.")
	}
	if err != nil {
		return err
	}
	return s.controlClock(w, r)
}

func (s *Service) controlFaults(w http.ResponseWriter, _ *http.Request) error {
	writeBody(w, http.StatusOK, contentJSON, s.faults.state())
	return nil
}

// controlSetFaults replaces the rules; DELETE leaves none.
func (s *Service) controlSetFaults(w http.ResponseWriter, r *http.Request) error {
	var rules []FaultRule
	if r.Method == http.MethodPut {
		if err := readStrict(r, &rules); err != nil {
			return err
		}
	}
	if err := s.SetFaults(rules); err != nil {
		return refusal(http.StatusBadRequest, "invalidValue", msgSyntax, err.Error())
	}
	return s.controlFaults(w, r)
}

// SetFaults replaces the fault rules of this process; their counters start
// anew.
func (s *Service) SetFaults(rules []FaultRule) error { return s.faults.set(rules) }

// Faults answers the rules in force and how often they fired.
func (s *Service) Faults() []FaultState { return s.faults.state() }

func (s *Service) controlLog(w http.ResponseWriter, r *http.Request) error {
	n, err := positiveParam(r, "limit")
	if err != nil {
		return err
	}
	records, total := s.requests.list(n)
	writeBody(w, http.StatusOK, contentJSON, struct {
		Total    int             `json:"total"`
		Requests []RequestRecord `json:"requests"`
	}{total, records})
	return nil
}

// positiveParam reads a number from the query; 0 when it is not there.
func positiveParam(r *http.Request, name string) (int, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, badParameter("Parameter %s must be a positive integer.", name)
	}
	return n, nil
}

// readStrict decodes a control body into a struct; unknown members are
// mistakes here.
func readStrict(r *http.Request, into any) error {
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	raw, err := readAll(r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body does not fit: "+err.Error()+".")
	}
	if dec.More() {
		return refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body holds more than one value.")
	}
	return nil
}
