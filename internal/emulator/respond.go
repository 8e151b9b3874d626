package emulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/idctl/idctl/internal/emulator/engine"
)

// Message schemas (RFC 7644 section 8.2, idcs-behaviour 2.2 and 2.6). The
// emulator spells them itself rather than share the client's constants, so
// that a mistake there cannot hide.
const (
	urnError         = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnErrorIDCS     = "urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error"
	urnList          = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnSearch        = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	urnPatch         = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnBulkRequest   = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	urnBulkResponse  = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	contentJSON      = "application/json;charset=utf-8"
	contentErrorJSON = "application/json"
)

// Message ids for refusals of the HTTP side. No source names them: they are
// guesses in the style of the known ones.
const (
	msgSyntax       = "error.common.validation.invalidSyntax"
	msgParameter    = "error.common.validation.invalidQueryParameter"
	msgUnauthorized = "error.common.common.unauthorized"
	msgForbidden    = "error.common.common.notAuthorized"
	msgUnknownType  = "error.common.common.resourceTypeNotFound"
	msgMethod       = "error.common.common.operationNotSupported"
	msgMediaType    = "error.common.common.unsupportedMediaType"
	msgTooLarge     = "error.common.common.payloadTooLarge"
	msgRetryToken   = "error.common.common.retryTokenReused"
	msgBulk         = "error.common.bulk.invalidOperation"
)

// refusal builds an *engine.Error.
func refusal(status int, scimType, messageID, detail string) *engine.Error {
	return &engine.Error{Status: status, ScimType: scimType, MessageID: messageID, Detail: detail}
}

// errorDocument is the body of idcs-behaviour 2.6; the status is a string.
func errorDocument(e *engine.Error) map[string]any {
	doc := map[string]any{"detail": e.Detail, "status": strconv.Itoa(e.Status)}
	schemas := []string{urnError}
	if e.ScimType != "" {
		doc["scimType"] = e.ScimType
	}
	if e.MessageID != "" {
		schemas = append(schemas, urnErrorIDCS)
		ext := map[string]any{"messageId": e.MessageID}
		if len(e.Data) > 0 {
			ext["additionalData"] = e.Data
		}
		doc[urnErrorIDCS] = ext
	}
	doc["schemas"] = schemas
	return doc
}

func writeError(w http.ResponseWriter, e *engine.Error) {
	if isPlain(w) {
		writePlainError(w, e)
		return
	}
	writeBody(w, e.Status, contentErrorJSON, errorDocument(e))
}

// writeStatus answers a simple error, which carries the first schema only.
func writeStatus(w http.ResponseWriter, status int, detail string) {
	writeError(w, &engine.Error{Status: status, Detail: detail})
}

// answerError answers a refusal as it is, and anything else as a failure.
func (s *Service) answerError(w http.ResponseWriter, r *http.Request, err error) {
	var e *engine.Error
	if errors.As(err, &e) && (e.Status < 500 || e.Status == http.StatusNotImplemented) {
		if e.Status == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
			w.Header().Set("Allow", "OPTIONS")
		}
		writeError(w, e)
		return
	}
	s.fail(w, r, err)
}

// writeBody encodes the whole answer before the status goes out, so that a
// document that cannot be encoded becomes a 500 and not half an answer.
func writeBody(w http.ResponseWriter, status int, contentType string, body any) {
	var b bytes.Buffer
	if err := encode(&b, body); err != nil {
		b.Reset()
		status = http.StatusInternalServerError
		b.WriteString(`{"schemas":["` + urnError + `"],"status":"500","detail":"The answer could not be encoded."}` + "\n")
	}
	send(w, status, contentType, &b)
}

func send(w http.ResponseWriter, status int, contentType string, b *bytes.Buffer) {
	sendBytes(w, status, contentType, b.Bytes())
}

func sendBytes(w http.ResponseWriter, status int, contentType string, b []byte) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	// A failed write means that the client has gone; nobody is left to tell.
	_, _ = w.Write(b) //nolint:gosec // JSON, and its type says so
}

// buffers hold answers while they are made and sent. A page is some hundred
// kilobytes, which would otherwise be new memory for each.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// maxBuffer is the largest that is kept.
const maxBuffer = 4 << 20

func keepBuffer(b *[]byte, used []byte) {
	if cap(used) > cap(*b) {
		*b = used
	}
	if cap(*b) <= maxBuffer {
		buffers.Put(b)
	}
}

// writeResult answers one resource. The ETag is meta.version as it is, without
// the quotes of RFC 9110: the vendor's SDK hands it back unchanged.
func writeResult(w http.ResponseWriter, status int, res *engine.Result) {
	if res.Version != "" {
		w.Header().Set("ETag", res.Version)
	}
	if status == http.StatusCreated && res.Location != "" {
		w.Header().Set("Location", res.Location)
	}
	writeDocument(w, status, contentJSON, res)
}

// writeDocument answers a resource that may be text already.
func writeDocument(w http.ResponseWriter, status int, contentType string, res *engine.Result) {
	if res.JSON == nil {
		writeBody(w, status, contentType, res.Doc)
		return
	}
	sendBytes(w, status, contentType, append(res.JSON, '\n'))
}

// documentSize is what a user takes as JSON, roughly; a page starts with room
// for as many as it has.
const documentSize = 2 << 10

// listText is a page: what stands before the resources and after them.
func listText(w http.ResponseWriter, contentType, head string, l *engine.List, tail string) {
	h := w.Header()
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(head) + len(l.JSON) + len(tail))}
	w.WriteHeader(http.StatusOK)
	// A failed write means that the client has gone; nobody is left to tell.
	_, _ = io.WriteString(w, head)
	_, _ = w.Write(l.JSON) //nolint:gosec // JSON, and its type says so
	_, _ = io.WriteString(w, tail)
}

// writeList answers a page, one resource after the other into one buffer.
func writeList(w http.ResponseWriter, l *engine.List) {
	if l.JSON != nil {
		if l.NextPage != "" {
			w.Header().Set("opc-next-page", l.NextPage)
		}
		listText(w, contentJSON, `{"schemas":["`+urnList+`"],"totalResults":`+strconv.Itoa(l.Total)+`,"Resources":[`, l,
			`],"startIndex":`+strconv.Itoa(l.StartIndex)+`,"itemsPerPage":`+strconv.Itoa(l.ItemsPerPage)+"}\n")
		return
	}
	var b bytes.Buffer
	b.Grow(documentSize * (len(l.Resources) + 1))
	b.WriteString(`{"schemas":["` + urnList + `"],"totalResults":`)
	b.WriteString(strconv.Itoa(l.Total))
	b.WriteString(`,"Resources":[`)
	for i, doc := range l.Resources {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(&b, doc); err != nil {
			writeStatus(w, http.StatusInternalServerError, "The answer could not be encoded.")
			return
		}
		b.Truncate(b.Len() - 1) // the line feed
	}
	b.WriteString(`],"startIndex":`)
	b.WriteString(strconv.Itoa(l.StartIndex))
	b.WriteString(`,"itemsPerPage":`)
	b.WriteString(strconv.Itoa(l.ItemsPerPage))
	b.WriteString("}\n")
	if l.NextPage != "" {
		w.Header().Set("opc-next-page", l.NextPage)
	}
	send(w, http.StatusOK, contentJSON, &b)
}
