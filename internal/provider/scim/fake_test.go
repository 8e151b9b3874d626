package scim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	providerscim "github.com/idctl/idctl/internal/provider/scim"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// base is a path in front of all, so that a path from the root fails a test.
const base = "/app/scim/v2"

// fake is a small SCIM server over a slice, whose zero value does what the RFC
// says and describes nothing. Each knob is a way in which servers differ.
type fake struct {
	t  *testing.T
	mu sync.Mutex

	docs  map[string][]scim.Document // by endpoint
	calls []string                   // "GET /Users?filter", with what of the query is there
	next  int

	config, types, schemas string // bodies of the discovery endpoints; "" is 404
	pageSize               int    // at most so many a page
	etag                   bool
	noPatch                int                                               // status of a PATCH
	refuse                 func(q map[string]string) int                     // status of a list with these parameters
	ignoreFilter           bool                                              // answers everything
	hide                   map[string]bool                                   // attributes sent on request only
	before                 func(w http.ResponseWriter, r *http.Request) bool // answers instead, when true
	rules                  filter.Rules
	silent                 bool                    // writes are answered without a body
	bulk                   int                     // status of a bulk call, 0 for none
	onPut                  func(doc scim.Document) // sees the body of each PUT
}

type connected struct {
	*fake
	p     *providerscim.Provider
	notes *[]string
	log   *strings.Builder
}

func (f *fake) connect(t *testing.T) connected {
	t.Helper()
	f.t = t
	if f.docs == nil {
		f.docs = map[string][]scim.Document{}
	}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return f.connectTo(t, srv.URL+base)
}

func (f *fake) connectTo(t *testing.T, url string) connected {
	t.Helper()
	client, err := transport.NewClient(transport.Options{
		BaseURL: url, Tokens: tokens.Static("token"), Clock: transport.NewClock(time.Now), Retry: transport.RetryOptions{Attempts: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := connected{fake: f, notes: &[]string{}, log: &strings.Builder{}}
	var mu sync.Mutex
	c.p = providerscim.New(context.Background(), client, providerscim.Options{
		Logger: slog.New(slog.NewTextHandler(c.log, nil)),
		Note: func(format string, args ...any) error {
			mu.Lock()
			defer mu.Unlock()
			*c.notes = append(*c.notes, fmt.Sprintf(format, args...))
			return nil
		},
	})
	return c
}

// people fills /Users with n users u01, u02 and so on.
func (f *fake) people(n int) *fake {
	if f.docs == nil {
		f.docs = map[string][]scim.Document{}
	}
	for i := range n {
		f.add("/Users", scim.Document{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": fmt.Sprintf("u%02d@example.com", i+1),
			"title": []string{"Clerk", "Boss"}[i%2], "emails": []any{map[string]any{"value": fmt.Sprintf("u%02d@example.com", i+1), "type": "work"}},
		})
	}
	return f
}

func (f *fake) add(endpoint string, doc scim.Document) scim.Document {
	f.next++
	doc["id"] = fmt.Sprintf("id-%d", f.next)
	f.touch(doc)
	f.docs[endpoint] = append(f.docs[endpoint], doc)
	return doc
}

func (f *fake) touch(doc scim.Document) {
	meta := map[string]any{"resourceType": "X"}
	if f.etag {
		f.next++
		meta["version"] = fmt.Sprintf(`W/"%d"`, f.next)
	}
	doc["meta"] = meta
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, base)
	if !ok || r.Header.Get("Authorization") != "Bearer token" {
		f.t.Errorf("request %s %s, authorization %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
	}
	query := map[string]string{}
	var named []string
	for k, v := range r.URL.Query() {
		query[k] = v[0]
		if k != "startIndex" && k != "count" {
			named = append(named, k)
		}
	}
	if r.Header.Get("Opc-Retry-Token") != "" {
		f.t.Errorf("%s %s has a retry token", r.Method, path)
	}
	if query["attributeSets"] != "" || strings.ContainsAny(query["attributes"], "[]") {
		f.t.Errorf("%s %s?%s is no plain SCIM", r.Method, path, r.URL.RawQuery)
	}
	slices.Sort(named)
	call := r.Method + " " + path
	if len(named) > 0 {
		call += "?" + strings.Join(named, "&")
	}
	f.calls = append(f.calls, call)
	if f.before != nil && f.before(w, r) {
		return
	}
	for at, body := range map[string]string{"/ServiceProviderConfig": f.config, "/ResourceTypes": f.types, "/Schemas": f.schemas} {
		if path == at && body != "" {
			f.send(w, 200, json.RawMessage(body))
			return
		}
	}
	body := scim.Document{}
	if data, _ := io.ReadAll(r.Body); len(data) > 0 {
		if err := body.UnmarshalJSON(data); err != nil {
			f.fail(w, 400, "invalidSyntax")
			return
		}
	}
	if path == "/Bulk" && f.bulk != 0 {
		f.fail(w, f.bulk, "")
		return
	}
	endpoint, id, one := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	endpoint = "/" + endpoint
	if _, known := f.docs[endpoint]; !known && endpoint != "/Users" && endpoint != "/Groups" {
		f.fail(w, 404, "")
		return
	}
	if one {
		f.single(w, r, endpoint, id, query, body)
		return
	}
	switch r.Method {
	case http.MethodGet:
		f.list(w, endpoint, query)
	case http.MethodPost:
		for _, other := range f.docs[endpoint] {
			if body.String("userName") != "" && strings.EqualFold(other.String("userName"), body.String("userName")) {
				f.fail(w, 409, "uniqueness")
				return
			}
		}
		f.answer(w, 201, f.add(endpoint, body))
	default:
		f.fail(w, 405, "")
	}
}

func (f *fake) single(w http.ResponseWriter, r *http.Request, endpoint, id string, query map[string]string, body scim.Document) {
	at := slices.IndexFunc(f.docs[endpoint], func(d scim.Document) bool { return d.ID() == id })
	if at < 0 {
		f.fail(w, 404, "")
		return
	}
	doc := f.docs[endpoint][at]
	if m := r.Header.Get("If-Match"); m != "" && m != doc.Version() {
		f.fail(w, 412, "")
		return
	}
	switch r.Method {
	case http.MethodGet:
		f.send(w, 200, f.project(doc, query["attributes"]))
	case http.MethodPut:
		if f.onPut != nil {
			f.onPut(body)
		}
		body["id"] = id
		f.touch(body)
		f.docs[endpoint][at] = body
		f.answer(w, 200, body)
	case http.MethodPatch:
		if f.noPatch != 0 {
			f.fail(w, f.noPatch, "")
			return
		}
		var p struct{ Operations []scim.PatchOp }
		data, _ := json.Marshal(body)
		if err := json.Unmarshal(data, &p); err != nil {
			f.fail(w, 400, "invalidSyntax")
			return
		}
		after, err := doc.Apply(p.Operations)
		if err != nil {
			f.fail(w, 400, "invalidPath")
			return
		}
		f.touch(after)
		f.docs[endpoint][at] = after
		f.answer(w, 200, after)
	case http.MethodDelete:
		f.docs[endpoint] = slices.Delete(f.docs[endpoint], at, at+1)
		w.WriteHeader(204)
	}
}

func (f *fake) list(w http.ResponseWriter, endpoint string, query map[string]string) {
	if f.refuse != nil {
		if status := f.refuse(query); status != 0 {
			f.fail(w, status, "")
			return
		}
	}
	hits := slices.Clone(f.docs[endpoint])
	if query["filter"] != "" && !f.ignoreFilter {
		e, err := filter.Parse(query["filter"])
		if err != nil {
			f.fail(w, 400, "invalidFilter")
			return
		}
		m, err := filter.Compile(e, f.rules)
		if err != nil {
			f.fail(w, 400, "invalidFilter")
			return
		}
		hits = slices.DeleteFunc(hits, func(d scim.Document) bool { return !m.Match(d) })
	}
	if by := query["sortBy"]; by != "" {
		slices.SortStableFunc(hits, func(a, b scim.Document) int {
			if query["sortOrder"] == "descending" {
				a, b = b, a
			}
			return strings.Compare(a.String(by), b.String(by))
		})
	}
	total := len(hits)
	start, _ := strconv.Atoi(query["startIndex"])
	count, err := strconv.Atoi(query["count"])
	if err != nil {
		count = 100
	}
	if f.pageSize > 0 {
		count = min(count, f.pageSize)
	}
	start = max(start, 1)
	hits = hits[min(start-1, total):]
	hits = hits[:min(count, len(hits))]
	rows := []any{}
	for _, d := range hits {
		rows = append(rows, f.project(d, query["attributes"]))
	}
	f.send(w, 200, map[string]any{
		"schemas": []string{scim.ListResponseURN}, "totalResults": total, "startIndex": start, "itemsPerPage": len(rows), "Resources": rows,
	})
}

// project leaves what was asked for, and without a question what is not hidden.
func (f *fake) project(doc scim.Document, attributes string) scim.Document {
	out := scim.Document{"id": doc.ID(), "schemas": doc["schemas"], "meta": doc["meta"]}
	if attributes == "" {
		for k, v := range doc {
			if !f.hide[k] {
				out[k] = v
			}
		}
		return out
	}
	for a := range strings.SplitSeq(attributes, ",") {
		name, _, _ := strings.Cut(a, ".")
		if v, ok := doc[name]; ok {
			out[name] = v
		}
	}
	return out
}

func (f *fake) answer(w http.ResponseWriter, status int, doc scim.Document) {
	if f.silent {
		if status == 200 {
			status = 204
		}
		w.WriteHeader(status)
		return
	}
	f.send(w, status, doc)
}

func (f *fake) fail(w http.ResponseWriter, status int, scimType string) {
	f.send(w, status, map[string]any{"schemas": []string{scim.ErrorURN}, "status": strconv.Itoa(status), "scimType": scimType})
}

func (f *fake) send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", scim.MediaType)
	if d, ok := v.(scim.Document); ok && d.Version() != "" {
		w.Header().Set("ETag", d.Version())
	}
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Errorf("send: %v", err)
	}
}

// asked are the calls but those of discovery.
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		if !strings.Contains(c, "/ServiceProviderConfig") && !strings.Contains(c, "/ResourceTypes") && !strings.Contains(c, "/Schemas") {
			out = append(out, c)
		}
	}
	return out
}

func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}
