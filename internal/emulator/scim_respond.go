package emulator

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/idctl/idctl/internal/emulator/engine"
)

// contentSCIM is the media type of RFC 7644 section 8.1.
const contentSCIM = "application/scim+json"

// isPlain says that a request is one of plain SCIM, whoever refuses it.
func isPlain(w http.ResponseWriter) bool {
	p, ok := w.(interface{ plainSCIM() bool })
	return ok && p.plainSCIM()
}

func writePlainError(w http.ResponseWriter, e *engine.Error) {
	writeBody(w, e.Status, contentSCIM, plainError(e))
}

// plainError is the body of RFC 7644 section 3.12.
func plainError(e *engine.Error) map[string]any {
	doc := map[string]any{"schemas": []any{urnError}, "status": strconv.Itoa(e.Status)}
	if e.Detail != "" {
		doc["detail"] = e.Detail
	}
	if t := plainType(e); t != "" {
		doc["scimType"] = t
	}
	return doc
}

// plainType is the scimType of an error: one of RFC 7644 table 9, which is for
// 400 and, in the case of uniqueness, 409.
func plainType(e *engine.Error) string {
	switch {
	case e.Status == http.StatusConflict && e.ScimType == "uniqueness":
		return e.ScimType
	case e.Status != http.StatusBadRequest:
		return ""
	case e.ScimType == "uniqueness": // within one list of values
		return "invalidValue"
	case engine.NotOfSchema(e):
		return "invalidSyntax"
	}
	return e.ScimType
}

// writePlainResult answers one resource. The entity tag is meta.version.
func writePlainResult(w http.ResponseWriter, status int, res *engine.Result) {
	if res.Version != "" {
		w.Header().Set("ETag", engine.WeakTag(res.Version))
	}
	if res.Location != "" {
		w.Header().Set("Location", res.Location)
	}
	writeDocument(w, status, contentSCIM, res)
}

// writePlainList answers a page; itemsPerPage is what the page has.
func writePlainList(w http.ResponseWriter, l *engine.List) {
	if l.JSON != nil {
		listText(w, contentSCIM, `{"schemas":["`+urnList+`"],"totalResults":`+strconv.Itoa(l.Total)+`,"startIndex":`+strconv.Itoa(l.StartIndex)+
			`,"itemsPerPage":`+strconv.Itoa(l.Shown)+`,"Resources":[`, l, "]}\n")
		return
	}
	var b bytes.Buffer
	b.Grow(documentSize * (len(l.Resources) + 1))
	b.WriteString(`{"schemas":["` + urnList + `"],"totalResults":`)
	b.WriteString(strconv.Itoa(l.Total))
	b.WriteString(`,"startIndex":`)
	b.WriteString(strconv.Itoa(l.StartIndex))
	b.WriteString(`,"itemsPerPage":`)
	b.WriteString(strconv.Itoa(len(l.Resources)))
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
	b.WriteString("]}\n")
	send(w, http.StatusOK, contentSCIM, &b)
}

// plainQuery reads the parameters of RFC 7644 sections 3.4.2 and 3.9.
func plainQuery(raw string) (engine.Params, error) {
	p, err := parseQuery(raw)
	if err != nil {
		return p, err
	}
	if strings.Contains(raw, "xcluded") { // rarely there, and may be escaped in part
		q, err := url.ParseQuery(raw)
		if err != nil {
			return p, badParameter("The query holds a malformed escape.")
		}
		for _, v := range q["excludedAttributes"] {
			p.Excluded = append(p.Excluded, splitAttributes(v)...)
		}
	}
	return plainParams(p)
}

// plainSearch reads a search request (RFC 7644 section 3.4.3).
func plainSearch(doc engine.Document) (engine.Params, error) {
	if err := needSchema(doc, urnSearch); err != nil {
		return engine.Params{}, err
	}
	p, err := searchParams(doc, engine.Params{})
	if err != nil {
		return p, err
	}
	if v, _ := member(doc, "excludedAttributes"); v != nil {
		if p.Excluded, err = stringList("excludedAttributes", v); err != nil {
			return p, err
		}
	}
	return plainParams(p)
}

// plainParams drops what identity domains have beside the standard parameters.
func plainParams(p engine.Params) (engine.Params, error) {
	if len(p.Attributes) > 0 && len(p.Excluded) > 0 {
		return p, badParameter("attributes and excludedAttributes exclude each other.")
	}
	if p.Count != nil && *p.Count < 0 { // section 3.4.2.4
		*p.Count = 0
	}
	first := 1
	if p.StartIndex == nil {
		p.StartIndex = &first // so that no cursor is made
	}
	p.AttributeSets, p.Page, p.Limit, p.Force = nil, "", nil, false
	return p, nil
}
