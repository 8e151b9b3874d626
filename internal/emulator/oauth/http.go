package oauth

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxFormBytes bounds the body of a token request.
const maxFormBytes = 1 << 20

// errorBody is the error answer of RFC 6749 section 5.2.
type errorBody struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// Error codes of RFC 6749 section 5.2 and RFC 7009 section 2.2.1.
const (
	codeInvalidRequest  = "invalid_request"
	codeInvalidClient   = "invalid_client"
	codeInvalidGrant    = "invalid_grant"
	codeUnauthorized    = "unauthorized_client"
	codeUnsupported     = "unsupported_grant_type"
	codeInvalidScope    = "invalid_scope"
	codeServerError     = "server_error"
	codeUnsupportedType = "unsupported_token_type"
)

// refusal is an error that is answered to the client. The description never
// holds a secret or a token.
type refusal struct {
	status int
	body   errorBody
}

func (e *refusal) Error() string { return "oauth: " + e.body.Code + ": " + e.body.Description }

func refuse(code, description string) error {
	status := http.StatusBadRequest
	if code == codeInvalidClient {
		status = http.StatusUnauthorized
	}
	return &refusal{status: status, body: errorBody{Code: code, Description: description}}
}

// post reads the form of a POST and runs f, which answers the body of a 200,
// or nil for an empty one.
func (s *Server) post(w http.ResponseWriter, r *http.Request, f func(*http.Request, url.Values) (any, error)) {
	if r.Method == http.MethodOptions {
		allowOptions(w, "POST,OPTIONS")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST,OPTIONS")
		writeJSON(w, http.StatusMethodNotAllowed, errorBody{Code: codeInvalidRequest, Description: "this endpoint takes POST"})
		return
	}
	// RFC 6749 section 5.1: neither tokens nor their refusals may be cached.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	form, err := readForm(w, r)
	var out any
	if err == nil {
		out, err = f(r, form)
	}
	var no *refusal
	switch {
	case err == nil && out == nil:
		w.WriteHeader(http.StatusOK)
	case err == nil:
		writeJSON(w, http.StatusOK, out)
	case errors.As(err, &no):
		if no.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="idcs", charset="UTF-8"`)
		}
		writeJSON(w, no.status, no.body)
	default:
		s.internal(w, r, err)
	}
}

func (s *Server) internal(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		writeJSON(w, http.StatusServiceUnavailable, errorBody{Code: "temporarily_unavailable", Description: "the request was cancelled"})
		return
	}
	s.cfg.Log.ErrorContext(r.Context(), "oauth request failed", "path", r.URL.Path, "error", err)
	writeJSON(w, http.StatusInternalServerError, errorBody{Code: codeServerError, Description: "the service could not complete the request"})
}

// readForm reads the body, never the query: RFC 6749 section 2.3.1 keeps
// credentials out of the URL.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mt != "application/x-www-form-urlencoded" {
		return nil, refuse(codeInvalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFormBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &refusal{
			status: http.StatusRequestEntityTooLarge,
			body:   errorBody{Code: codeInvalidRequest, Description: "the body is too large"},
		}
	}
	if err != nil {
		return nil, refuse(codeInvalidRequest, "the body could not be read")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(codeInvalidRequest, "the body is not a well-formed form")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, refuse(codeInvalidRequest, "parameter "+name+" is given more than once")
		}
	}
	return form, nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	// A failed write means that the client has gone; nobody is left to tell.
	_ = enc.Encode(body)
}

func allowOptions(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	w.Header().Set("Access-Control-Allow-Methods", methods)
	w.WriteHeader(http.StatusOK)
}
