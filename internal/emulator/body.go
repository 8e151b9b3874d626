package emulator

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
)

// readDocument reads the body of a request as one JSON object.
func readDocument(r *http.Request) (engine.Document, []byte, error) {
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return nil, nil, err
	}
	raw, err := readAll(r)
	if err != nil {
		return nil, nil, err
	}
	doc, err := decodeObject(raw)
	return doc, raw, err
}

// readAll reads the body through the size limit that the request's reader
// carries.
func readAll(r *http.Request) ([]byte, error) {
	raw, err := readBody(r)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refusal(http.StatusRequestEntityTooLarge, "", msgTooLarge,
			fmt.Sprintf("The payload is larger than %d bytes.", tooLarge.Limit))
	}
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body could not be read to its end.")
	}
	return raw, nil
}

// maxAhead is the longest body for which room is made before it comes.
const maxAhead = 64 << 10

// readBody reads to the end. The length that a request announces spares
// growing; that it is true is not relied on.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength <= 0 || r.ContentLength > maxAhead {
		return io.ReadAll(r.Body)
	}
	b := make([]byte, 0, r.ContentLength+1)
	for {
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if len(b) == cap(b) {
			rest, err := io.ReadAll(r.Body)
			return append(b, rest...), err
		}
	}
}

// checkMediaType takes the two media types of idcs-behaviour 2.1 in UTF-8. A
// request without a Content-Type is taken as JSON, which is a guess.
func checkMediaType(header string) error {
	if header == "" {
		return nil
	}
	mt, params, err := mime.ParseMediaType(header)
	charset := strings.ToLower(params["charset"])
	switch {
	case err != nil, mt != "application/json" && mt != "application/scim+json":
	case charset == "", charset == "utf-8", charset == "utf8":
		return nil
	}
	return refusal(http.StatusUnsupportedMediaType, "", msgMediaType,
		"The body must be application/scim+json or application/json in UTF-8.")
}

func decodeObject(raw []byte) (engine.Document, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body is not valid JSON: "+err.Error()+".")
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, "The body must be a JSON object.")
	}
	return doc, nil
}

// patchOps reads the body of a PATCH (RFC 7644 section 3.5.2). Member names
// and the verbs of operations are taken in any case, since the vendor's SDK
// writes ADD and REPLACE.
func patchOps(doc engine.Document) ([]engine.PatchOp, error) {
	bad := func(format string, args ...any) ([]engine.PatchOp, error) {
		return nil, refusal(http.StatusBadRequest, "invalidSyntax", msgSyntax, fmt.Sprintf(format, args...))
	}
	if err := wantSchema(doc, urnPatch); err != nil {
		return nil, err
	}
	v, _ := member(doc, "Operations")
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return bad("The body must have Operations, an array with at least one operation.")
	}
	ops := make([]engine.PatchOp, 0, len(list))
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return bad("Operation %d must be an object.", i+1)
		}
		var op engine.PatchOp
		for name, v := range m {
			switch strings.ToLower(name) {
			case "op":
				s, _ := v.(string)
				op.Op = strings.ToLower(s)
			case "path":
				s, isString := v.(string)
				if !isString && v != nil {
					return bad("The path of operation %d must be a string.", i+1)
				}
				op.Path = s
			case "value":
				op.Value = v
			}
		}
		switch op.Op {
		case "add", "remove", "replace":
		default:
			return bad("The op of operation %d must be add, remove or replace.", i+1)
		}
		ops = append(ops, op)
	}
	return ops, nil
}
