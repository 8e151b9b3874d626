package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors of this package, to be tested with errors.Is. An *Error matches those
// that its status stands for; one status may match several.
var (
	// ErrInvalid: the service refused the request as malformed (400).
	ErrInvalid = errors.New("invalid request")
	// ErrUnauthorized: no valid credentials (401).
	ErrUnauthorized = errors.New("not authenticated")
	// ErrForbidden: the credentials do not permit this (403).
	ErrForbidden = errors.New("not permitted")
	// ErrNotFound: no such resource (404), or no resource of that key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a unique value is taken, or the version moved (409, 412).
	ErrConflict = errors.New("conflict")
	// ErrPrecondition: the version named in If-Match is not current (412).
	ErrPrecondition = errors.New("changed since it was read")
	// ErrTooLarge: more than the service takes in one request (413), or an
	// operation that fits no bulk request.
	ErrTooLarge = errors.New("request too large")
	// ErrThrottled: a rate limit of the service (429).
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: try again later (429 and 5xx, without 501).
	ErrUnavailable = errors.New("service unavailable")

	// ErrVerb: the resource type does not have this operation; nothing was
	// sent. See VerbError.
	ErrVerb = errors.New("operation not offered by this resource type")
	// ErrNoID: an empty id where one is needed; nothing was sent.
	ErrNoID = errors.New("empty id")
	// ErrAmbiguous: several resources have the key that should name one.
	ErrAmbiguous = errors.New("more than one resource has this key")
	// ErrTruncatedList: fewer rows came than the service says there are.
	ErrTruncatedList = errors.New("list is incomplete")
	// ErrBadResponse: the answer is not what the protocol says.
	ErrBadResponse = errors.New("unexpected answer")
	// ErrUnsettled: a bulk answer says nothing of this operation, which may or
	// may not have been carried out.
	ErrUnsettled = errors.New("outcome of the operation is not known")
)

// Error is a refusal by the service (RFC 7644 section 3.12). Identity domains
// add MessageID and Data.
type Error struct {
	// Op and Path are the method and the path, never the query: it may hold
	// personal data (RFC 7644 section 7.5.2).
	Op, Path         string
	Status           int
	ScimType, Detail string
	MessageID        string
	RequestID        string
	// Attempts is how often the request was sent, 0 when not known. A 404 on a
	// DELETE, or a 412 on a conditional write, that took several may mean that
	// an earlier one did it and its answer was lost.
	Attempts int
	// Data is additionalData, where the service sent it. It may hold personal
	// data and is not part of Error's text.
	Data map[string]any
}

// Error says what was refused and why, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" || e.Path != "" {
		b.WriteString(strings.TrimSpace(e.Op + " " + e.Path))
		b.WriteString(": ")
	}
	b.WriteString(strconv.Itoa(e.Status))
	if t := http.StatusText(e.Status); t != "" {
		b.WriteString(" " + strings.ToLower(t))
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	var notes []string
	for _, n := range []string{e.ScimType, e.MessageID} {
		if n != "" {
			notes = append(notes, n)
		}
	}
	if e.RequestID != "" {
		notes = append(notes, "request "+e.RequestID)
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return b.String()
}

// Is matches the sentinels that the status stands for.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return e.Status == http.StatusBadRequest
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrConflict:
		return e.Status == http.StatusConflict || e.Status == http.StatusPreconditionFailed
	case ErrPrecondition:
		return e.Status == http.StatusPreconditionFailed
	case ErrTooLarge:
		return e.Status == http.StatusRequestEntityTooLarge
	case ErrThrottled:
		return e.Status == http.StatusTooManyRequests
	case ErrUnavailable:
		return e.Status == http.StatusTooManyRequests ||
			e.Status >= 500 && e.Status != http.StatusNotImplemented
	}
	return false
}

// maxDetail bounds the text taken from a body, in runes.
const maxDetail = 500

// ParseError makes an *Error of an answer. It reads SCIM bodies, with the
// members that identity domains add, OAuth bodies (error, error_description),
// bodies with code and message, and shortens HTML and plain text to one line
// without control characters. The status of the answer wins over the one in
// the body; status 0 takes the body's. A query is cut off the path.
func ParseError(op, path string, status int, requestID string, body []byte) *Error {
	path, _, _ = strings.Cut(path, "?")
	e := &Error{Op: op, Path: path, Status: status, RequestID: clean(requestID, 100)}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err == nil {
		e.fill(m)
	} else {
		var list []map[string]json.RawMessage
		if err := json.Unmarshal(body, &list); err == nil && len(list) > 0 {
			e.fill(list[0])
		} else {
			e.Detail = clean(plainText(body), maxDetail)
		}
	}
	return e
}

func (e *Error) fill(m map[string]json.RawMessage) {
	if inner, ok := rawObject(member(m, "Error")); ok && member(m, "detail") == nil {
		// Some gateways wrap the body once more.
		m = inner
	}
	if e.Status == 0 {
		var n Int
		if json.Unmarshal(member(m, "status"), &n) == nil {
			e.Status = int(n)
		}
	}
	e.ScimType = clean(rawString(member(m, "scimType")), 100)
	for _, name := range []string{"detail", "error_description", "message", "title", "error", "code"} {
		if s := rawString(member(m, name)); s != "" {
			e.Detail = clean(s, maxDetail)
			break
		}
	}
	if code := rawString(member(m, "error")); code != "" && e.ScimType == "" && member(m, "detail") == nil {
		e.ScimType = clean(code, 100) // invalid_client and the like
	}
	e.MessageID = clean(rawString(member(m, "messageId")), 200)
	for name, raw := range m {
		if !strings.HasPrefix(strings.ToLower(name), "urn:") {
			continue
		}
		ext, ok := rawObject(raw)
		if !ok {
			continue
		}
		if s := rawString(member(ext, "messageId")); s != "" {
			e.MessageID = clean(s, 200)
		}
		if data := member(ext, "additionalData"); data != nil {
			var d Document
			if json.Unmarshal(data, &d) == nil && len(d) > 0 {
				e.Data = d
			}
		}
	}
	if e.ScimType == e.Detail {
		e.ScimType = ""
	}
}

// member finds a JSON member without regard to case, the exact name first.
func member(m map[string]json.RawMessage, name string) json.RawMessage {
	if raw, ok := m[name]; ok {
		return raw
	}
	for k, raw := range m {
		if strings.EqualFold(k, name) {
			return raw
		}
	}
	return nil
}

func rawObject(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	var m map[string]json.RawMessage
	return m, json.Unmarshal(raw, &m) == nil
}

// rawString reads a string, or a number as its digits; anything else is empty.
func rawString(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// plainText takes the tags out of HTML, preferring its title, and leaves other
// text alone.
func plainText(body []byte) string {
	const enough = 8 << 10
	if len(body) > enough {
		body = body[:enough]
	}
	lower := bytes.ToLower(body)
	if !bytes.Contains(lower, []byte("<html")) && !bytes.HasPrefix(bytes.TrimSpace(lower), []byte("<")) {
		return string(body)
	}
	if start := bytes.Index(lower, []byte("<title")); start >= 0 {
		if open := bytes.IndexByte(lower[start:], '>'); open >= 0 {
			rest := start + open + 1
			if end := bytes.Index(lower[rest:], []byte("</title")); end > 0 && rest+end <= len(body) {
				if t := strings.TrimSpace(string(body[rest : rest+end])); t != "" {
					return t
				}
			}
		}
	}
	var b strings.Builder
	inTag := false
	for _, r := range string(body) {
		switch {
		case r == '<':
			inTag = true
			b.WriteByte(' ')
		case r == '>':
			inTag = false
		case !inTag:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// clean makes one line of server text: blanks collapsed, control and format
// characters (terminal escapes, direction overrides) dropped, cut at limit
// runes.
func clean(s string, limit int) string {
	var b strings.Builder
	blank, n := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			blank = n > 0
			continue
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			continue
		}
		if n >= limit {
			b.WriteString("...")
			break
		}
		if blank {
			b.WriteByte(' ')
			blank = false
			n++
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
