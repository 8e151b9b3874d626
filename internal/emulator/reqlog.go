package emulator

import (
	"net/http"
	"sync"
	"time"
)

// RequestRecord is what is remembered of a request: never a body, a header
// but the request id, or the value of a query parameter.
type RequestRecord struct {
	Time      time.Time `json:"time"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Query     []string  `json:"query,omitempty"` // the parameters' names
	Status    int       `json:"status"`          // 0 when the connection was closed instead
	Millis    float64   `json:"milliseconds"`
	RequestID string    `json:"requestId"`
	Client    string    `json:"client,omitempty"` // client_id or user name of the token
	Fault     string    `json:"fault,omitempty"`  // the action that a rule took
}

// requestLog is a ring of the last requests.
type requestLog struct {
	mu    sync.Mutex
	ring  []RequestRecord
	next  int
	total int
}

func newRequestLog(size int) *requestLog { return &requestLog{ring: make([]RequestRecord, 0, size)} }

func (l *requestLog) add(r RequestRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if len(l.ring) < cap(l.ring) {
		l.ring = append(l.ring, r)
		return
	}
	l.ring[l.next] = r
	l.next = (l.next + 1) % len(l.ring)
}

// list answers the last n requests, oldest first; 0 means all that are kept.
func (l *requestLog) list(n int) (records []RequestRecord, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	records = make([]RequestRecord, 0, len(l.ring))
	records = append(records, l.ring[l.next:]...)
	records = append(records, l.ring[:l.next]...)
	if n > 0 && n < len(records) {
		records = records[len(records)-n:]
	}
	return records, l.total
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next, l.total = l.ring[:0], 0, 0
}

// Requests answers the last requests that this Service took, oldest first.
// Those of the control interface are not among them.
func (s *Service) Requests() []RequestRecord {
	out, _ := s.requests.list(0)
	return out
}

// statusWriter notes the status that a handler answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	plain  bool
}

// plainSCIM says that errors have the form of plain SCIM.
func (w *statusWriter) plainSCIM() bool { return w.plain }

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
