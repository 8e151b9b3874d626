// Package measure holds the measuring sticks of benchmarks: a service that only
// answers, and a bare client of net/http that does nothing but send what was
// prepared. A benchmark runs the real thing and a stick in turn, in one run, and
// reports a ratio: that means something on any machine, which seconds do not.
//
// No command uses it; it checks nothing and is no emulator.
package measure

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// PageSize is the number of users in a page of lists.
const PageSize = 200

// Service is a server that has prepared everything it answers.
type Service struct {
	// URL is its origin.
	URL    string
	server *httptest.Server
}

// Options shape a Service.
type Options struct {
	// Users is how many users its lists have. Look-ups find none of them.
	Users int
	// Latency is waited before each answer.
	Latency time.Duration
	// TLS serves HTTP/1.1 over TLS with a certificate of its own.
	TLS bool
}

// Serve starts a Service, which ends with tb.
//
// It answers a create with 201, a new id and an ETag; a search, and a list with a
// filter, with nothing found; a list with a page of Users, by startIndex and
// count or by page and limit; a bulk call with a success per operation; a
// request for one user with that user.
func Serve(tb testing.TB, o Options) *Service {
	tb.Helper()
	h := &handler{users: o.Users, latency: o.Latency, page: newPage()}
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = false
	if o.TLS {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	tb.Cleanup(srv.Close)
	return &Service{URL: srv.URL, server: srv}
}

// Certificate is the PEM form of the certificate that a client must trust; empty
// without TLS.
func (s *Service) Certificate() []byte {
	if s.server == nil {
		return nil // a service in another process
	}
	if c := s.server.Certificate(); c != nil {
		return pemOf(c.Raw)
	}
	return nil
}

type handler struct {
	users   int
	latency time.Duration
	page    *page
	ids     atomic.Int64
}

const emptyList = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[],"startIndex":1,"itemsPerPage":50}`

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.latency > 0 {
		select {
		case <-time.After(h.latency):
		case <-r.Context().Done():
			return
		}
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/scim+json"}
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/Bulk"):
		h.bulk(w, r)
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/.search"):
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, emptyList)
	case r.Method == http.MethodPost:
		_, _ = io.Copy(io.Discard, r.Body)
		id := h.ids.Add(1)
		header["Etag"] = []string{`W/"` + strconv.FormatInt(id, 16) + `"`}
		w.WriteHeader(http.StatusCreated)
		h.page.user(w, int(id))
	case strings.HasSuffix(path, "/Users"):
		h.list(w, r.URL.RawQuery)
	default:
		h.page.user(w, 1)
	}
}

// list answers a page. Its query is read without a map: it must cost nothing
// beside the page.
func (h *handler) list(w http.ResponseWriter, query string) {
	q, err := url.ParseQuery(query)
	if err != nil || q.Get("filter") != "" {
		_, _ = io.WriteString(w, emptyList)
		return
	}
	start, count := number(q.Get("startIndex"), 1), number(q.Get("count"), PageSize)
	if limit := q.Get("limit"); limit != "" {
		start, count = number(q.Get("page"), 1), number(limit, PageSize)
		if next := start + count; next <= h.users {
			w.Header()["Opc-Next-Page"] = []string{strconv.Itoa(next)}
		}
	}
	count = max(min(count, PageSize, h.users-start+1), 0)
	h.page.list(w, h.users, start, count)
}

func number(s string, absent int) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return absent
}

// bulk answers each operation with success, under the bulkId that it came with.
func (h *handler) bulk(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var out bytes.Buffer
	out.WriteString(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[`)
	for n := 0; ; n++ {
		_, rest, ok := bytes.Cut(body, []byte(`"bulkId":"`))
		if !ok {
			break
		}
		bulkID, rest, _ := bytes.Cut(rest, []byte(`"`))
		body = rest
		if n > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"method":"POST","bulkId":"%s","status":"201","location":"http://x.example.com/admin/v1/Users/%032x","response":`,
			bulkID, h.ids.Add(1))
		h.page.user(&out, int(h.ids.Load()))
		out.WriteByte('}')
	}
	out.WriteString(`]}`)
	_, _ = w.Write(out.Bytes())
}

// page is a page of users whose numbers are filled in when it is answered.
type page struct {
	text   []byte // PageSize users with separators
	ends   []int  // where each user ends
	places []int  // where the numbers of a user stand
	pool   sync.Pool
}

// digits stand where the number of a user goes, eight of them.
const digits = "00000000"

const userText = `{"idcsCreatedBy":{"type":"App","display":"admin","value":"5e1bd1a9d3ab4bbd8d2d6ad7ffb3a1c0","$ref":"https://idcs.example.com/admin/v1/Apps/5e1bd1a9d3ab4bbd8d2d6ad7ffb3a1c0"},` +
	`"id":"4bb5d0c8a1f94a50b7c1f2d3` + digits + `","meta":{"created":"2026-01-02T03:04:05.678Z","lastModified":"2026-01-02T03:04:05.678Z","version":"8e1f0b` + digits + `","resourceType":"User","location":"https://idcs.example.com/admin/v1/Users/4bb5d0c8a1f94a50b7c1f2d3` + digits + `"},` +
	`"active":true,"displayName":"Ada Lovelace ` + digits + `","idcsLastModifiedBy":{"value":"5e1bd1a9d3ab4bbd8d2d6ad7ffb3a1c0","display":"admin","type":"App","$ref":"https://idcs.example.com/admin/v1/Apps/5e1bd1a9d3ab4bbd8d2d6ad7ffb3a1c0"},` +
	`"nickName":"ada","title":"Engineer","userType":"Employee","locale":"en-GB","preferredLanguage":"en","timezone":"Europe/Zurich",` +
	`"name":{"familyName":"Lovelace","givenName":"Ada","formatted":"Ada Lovelace"},"userName":"ada.lovelace.` + digits + `@example.com","externalId":"hr-` + digits + `",` +
	`"emails":[{"verified":false,"primary":true,"secondary":false,"value":"ada.lovelace.` + digits + `@example.com","type":"work"},` +
	`{"verified":false,"primary":false,"secondary":false,"value":"ada.lovelace.` + digits + `@example.com","type":"recovery"}],` +
	`"phoneNumbers":[{"value":"+41 44 555 01 00","display":"+41 44 555 01 00","type":"work","primary":false,"verified":false}],` +
	`"addresses":[{"type":"work","streetAddress":"1 Rue de l'Exemple","locality":"Zürich","postalCode":"8001","country":"CH","formatted":"1 Rue de l'Exemple\n8001 Zürich"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E` + digits + `","costCenter":"CC-17","department":"Research","organization":"Analytical Engines","division":"North"},` +
	`"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User":{"isFederatedUser":false,"creationMechanism":"api","status":"verified"},` +
	`"urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User":{"locked":{"on":false}},` +
	`"urn:ietf:params:scim:schemas:oracle:idcs:extension:capabilities:User":{"canUseApiKeys":true,"canUseAuthTokens":true,"canUseConsolePassword":true,"canUseCustomerSecretKeys":true,"canUseOAuth2ClientCredentials":true,"canUseSmtpCredentials":true,"canUseDbCredentials":true,"canUseConsole":true},` +
	`"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User","urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User","urn:ietf:params:scim:schemas:oracle:idcs:extension:capabilities:User"]}`

func newPage() *page {
	p := &page{places: places()}
	for i := range PageSize {
		if i > 0 {
			p.text = append(p.text, ',')
		}
		p.text = append(p.text, userText...)
		p.ends = append(p.ends, len(p.text))
	}
	p.pool.New = func() any {
		buf := bytes.Clone(p.text)
		return &buf
	}
	return p
}

// places are the offsets of the numbers in userText.
func places() []int {
	var at []int
	for from := 0; ; {
		i := strings.Index(userText[from:], digits)
		if i < 0 {
			return at
		}
		at = append(at, from+i)
		from += i + len(digits)
	}
}

func (p *page) fill(user []byte, n int) {
	var text [len(digits)]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = byte('0' + n%10)
		n /= 10
	}
	for _, at := range p.places {
		copy(user[at:], text[:])
	}
}

func (p *page) user(w io.Writer, n int) {
	buf, _ := p.pool.Get().(*[]byte)
	user := (*buf)[:len(userText)]
	p.fill(user, n)
	_, _ = w.Write(user)
	p.pool.Put(buf)
}

func (p *page) list(w http.ResponseWriter, total, start, count int) {
	buf, _ := p.pool.Get().(*[]byte)
	defer p.pool.Put(buf)
	end := 0
	for i := range count {
		p.fill((*buf)[p.ends[i]-len(userText):], start+i)
		end = p.ends[i]
	}
	head := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"startIndex":%d,"itemsPerPage":%d,"Resources":[`,
		total, start, count)
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(head) + end + 2)}
	_, _ = io.WriteString(w, head) //nolint:gosec // numbers only
	_, _ = w.Write((*buf)[:end])
	_, _ = io.WriteString(w, "]}")
}
