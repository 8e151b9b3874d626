package scim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// inMemory is a client of h. Answers are read into the memory that requests
// offer, after it was overwritten, so that whoever keeps a page too long sees
// rubbish.
func inMemory(h http.Handler, pageSize int) (*Client, *atomic.Int64) {
	calls := &atomic.Int64{}
	return NewClient(DoerFunc(func(ctx context.Context, req *Request) (*Response, error) {
		calls.Add(1)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, req.Method, req.Path+"?"+req.Query.Encode(), bytes.NewReader(req.Body)))
		memory := req.Buffer[:cap(req.Buffer)]
		for i := range memory {
			memory[i] = '#'
		}
		return &Response{Status: w.Code, Header: w.Header(), Body: append(memory[:0], w.Body.Bytes()...)}, nil
	}), Options{BasePath: "/base", PageSize: pageSize}), calls
}

// collectRaw reads a list as text and answers the ids.
func collectRaw(t *testing.T, s *Service[Document], opts ListOptions) ([]string, error) {
	t.Helper()
	var ids []string
	for page, err := range s.AllRaw(t.Context(), opts, []string{"value"}) {
		if err != nil {
			return ids, err
		}
		for _, row := range page.Rows {
			d, err := row.Decode()
			if err != nil {
				t.Fatal(err)
			}
			id := d.ID()
			if id == "" {
				id = d.String("value")
				if picked := string(row.Member(0)); picked != strconv.Quote(id) {
					t.Errorf("value of %v is picked as %s", d, picked)
				}
			}
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// A list read as text keeps the promises of All, although pages are fetched
// ahead.
func TestAllRaw(t *testing.T) {
	for _, tt := range listCases() {
		t.Run(tt.name, func(t *testing.T) {
			c, calls := inMemory(tt.server, 3)
			got, err := collectRaw(t, c.Documents(userType(List)), tt.opts)
			if !errors.Is(err, tt.err) {
				t.Errorf("error = %v, want %v", err, tt.err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("rows: -want +got\n%s", d)
			}
			if calls.Load() > 60 {
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

// Many pages, so that memory is used again and again; the server changes all
// the while.
func TestAllRawWhileRowsCome(t *testing.T) {
	coll := &collection{ids: rows(0, 1000), before: func(page int, c *collection) {
		if page%7 == 0 && page < 80 {
			c.ids = append(rows(5000+page, 1), c.ids...)
		}
		if page%11 == 0 && page < 80 {
			c.ids = append(c.ids[:0:0], c.ids[1:]...)
		}
	}}
	c, _ := inMemory(coll, 10)
	got, err := collectRaw(t, c.Documents(userType(List)), ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, id := range got {
		seen[id]++
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	for _, id := range rows(50, 950) { // these were there from the beginning to the end
		if seen[id] == 0 {
			t.Errorf("%s is missing", id)
		}
	}
}

// A server that shortens pages at will is not asked for ever more that nobody
// needs.
func TestAllRawGuessesNoMoreThanItLearns(t *testing.T) {
	coll := &collection{ids: rows(0, 300)}
	coll.before = func(page int, c *collection) { c.cap = 2 + page%3 }
	c, calls := inMemory(coll, 10)
	got, err := collectRaw(t, c.Documents(userType(List)), ListOptions{})
	if err != nil || len(got) != 300 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if n := calls.Load(); n > 105+(1+callsAhead)*maxWrong {
		t.Errorf("%d calls for about 100 pages", n)
	}
}

func TestAllRawStops(t *testing.T) {
	c, calls := inMemory(&collection{ids: rows(0, 300)}, 3)
	s := c.Documents(userType(List))
	for _, err := range s.AllRaw(t.Context(), ListOptions{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := calls.Load(); n > 1+callsAhead {
		t.Errorf("after break: %d calls", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for page, err := range s.AllRaw(ctx, ListOptions{}) {
		if err != nil {
			last = err
			continue
		}
		if n += len(page.Rows); n >= 6 {
			cancel()
		}
	}
	if n > 3*(2+callsAhead) || !errors.Is(last, context.Canceled) {
		t.Errorf("after cancel: %d rows, %v", n, last)
	}
}

// Rows that came before an error are there, and the error is that of the page
// where it happened.
func TestAllRawEndsAtAnError(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		want       int
		err        error
	}{
		{"refused", `{"detail":"busy"}`, 503, 6, ErrUnavailable},
		{"html", `<html>sign in</html>`, 200, 6, ErrBadResponse},
		{"cut", `{"totalResults":9,"Resources":[{"id":"a"},{"id":"b"`, 200, 7, ErrBadResponse},
		{"null", `{"totalResults":9,"Resources":[{"id":"a"},null]}`, 200, 7, ErrBadResponse},
		{"no list", `{"id":"1"}`, 200, 6, ErrBadResponse},
		{"error with 200", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400"}`, 200, 6, ErrBadResponse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			coll := &collection{ids: rows(0, 30)}
			c, _ := inMemory(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if intParam(r, "startIndex", 1) == 7 {
					reply(w, tt.status, tt.body)
					return
				}
				coll.ServeHTTP(w, r)
			}), 3)
			got, err := collectRaw(t, c.Documents(userType(List)), ListOptions{})
			if len(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%d rows, %v; want %d, %v", len(got), err, tt.want, tt.err)
			}
		})
	}
}

// What the text of a row is.
func TestRawDocument(t *testing.T) {
	for _, tt := range []struct{ name, row, want string }{
		{"as it came", `{"b":1.0,"a":"<\u00e9>","Id":"x"}`, `{"b":1.0,"a":"<\u00e9>","Id":"x"}`},
		{"a name twice", `{"id":"x","a":1,"id":"y"}`, `{"id":"x","a":1,"id":"y"}`},
		{"not UTF-8", "{\"id\":\"x\",\"a\":\"\xff\"}", "{\"a\":\"\ufffd\",\"id\":\"x\"}"},
		{"huge number", `{"id":1e999999}`, `{"id":1e999999}`},
		{"very deep", `{"id":"x","a":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`, `{"a":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `,"id":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := inMemory(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reply(w, 200, `{"totalResults":1,"Resources":[`+tt.row+`]}`)
			}), 3)
			n := 0
			for page, err := range c.Documents(userType(List)).AllRaw(t.Context(), ListOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				n += len(page.Rows)
				if got, err := page.Rows[0].JSON(); err != nil || string(got) != tt.want {
					t.Errorf("text = %s, %v; want %s", got, err, tt.want)
				}
			}
			if n != 1 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

// rawSeeds are pages as services send them, and as they do not.
func rawSeeds(tb testing.TB) []string {
	tb.Helper()
	seeds := []string{
		`{"resources":null,"TOTALRESULTS":1e1}`, `{"totalResults":"2","Resources":[{"id":"a"},{"ID":"b","x":{"y":[1,2]}}],"startIndex":1}`,
		` { "Resources" : [ ] , "totalResults" : 0 } `, `{"Resources":[{"id":1},{"id":null},{"id":["a"]},{}]}`,
		`{"Resources":[{"id":"a"}],"Resources":[{"id":"b","id":"c"}]}`, `{"totalResults":1,"Resources":[{"\u0069d":"a"}]}`,
		`{"totalResults":1,"Resources":{}}`, `{"totalResults":1,"Resources":[1]}`, `{"totalResults":1,"Resources":[{"id":"a"},null]}`,
		`{"totalResults":1} x`, `{"totalResults":1}{}`, `{"totalResults":1,"\u0052esources":[{"id":"a"}]}`, `<html>`, ``, `[]`, `null`, `{`,
		"{\"Resources\":[{\"id\":\"\xff\",\"n\":{\"v\":\"\xc3\"}}]}", `{"totalResults":null,"Resources":[{"n":{"v":"\ud800\n"}}]}`,
		`{"totalRe` + "\u017f" + `ults":3,"Re` + "\u017f" + `ources":[{"id":"a"}]}`,
	}
	for _, name := range []string{"list_idcs.json", "list_old_urn.json", "list_empty.json", "error_idcs.json"} {
		seeds = append(seeds, string(fixture(tb, name)))
	}
	return seeds
}

// FuzzRawList: a page that is scanned has the rows, the numbers and the error
// of one that is decoded, whatever was scanned before.
func FuzzRawList(f *testing.F) {
	seeds := rawSeeds(f)
	for i, s := range seeds {
		f.Add([]byte(s), []byte(seeds[(i+1)%len(seeds)]))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		reader := newRawReader([][]string{{"n", "v"}})
		for _, body := range [][]byte{first, second, first} {
			sameList(t, reader, body)
		}
	})
}

// TestRawListDamaged is FuzzRawList on seeds that were damaged at random, always
// in the same way.
func TestRawListDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	reader := newRawReader([][]string{{"n", "v"}})
	const bytesOfJSON = `{}[]",:\u0nt1e-+. ` + "\n\xff\xc3"
	for _, seed := range rawSeeds(t) {
		for range 300 {
			body := []byte(seed)
			for range 1 + r.IntN(3) {
				if len(body) == 0 {
					break
				}
				at := r.IntN(len(body))
				switch b := bytesOfJSON[r.IntN(len(bytesOfJSON))]; r.IntN(3) {
				case 0:
					body[at] = b
				case 1:
					body = append(body[:at], body[at+1:]...)
				default:
					body = append(body[:at], append([]byte{b}, body[at:]...)...)
				}
			}
			sameList(t, reader, body)
		}
	}
}

func sameList(t *testing.T, reader *rawReader, body []byte) {
	t.Helper()
	var want []Document
	wantHead, wantErr := decodeList(bytes.NewReader(body), func(r row[Document]) bool {
		want = append(want, r.value)
		return true
	})
	a := &rawAnswer{opts: ListOptions{Count: 2}, resp: &Response{Body: body}}
	reader.read(a)
	w := newWalker(ListOptions{}, Options{PageSize: 100})
	w.begin()
	// Every row counts here: repeats are the walker's business.
	var page RawPage
	got := map[string]bool{}
	head, err := a.choose(w, &page)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, decoded: %v", body, err, wantErr)
	}
	if err == nil && head != wantHead {
		t.Fatalf("%q: head %+v, decoded: %+v", body, head, wantHead)
	}
	for _, r := range page.Rows {
		text, err := r.JSON()
		if err != nil || !utf8.Valid(text) {
			t.Fatalf("%q: row %q, %v", body, text, err)
		}
		d, err := DecodeDocument(text)
		if err != nil {
			t.Fatalf("%q: row %q: %v", body, text, err)
		}
		got[fmt.Sprint(map[string]any(d))] = true
		if whole, err := r.Decode(); err != nil || !cmp.Equal(whole, d) {
			t.Fatalf("%q: row %v, %v; its text says %v", body, whole, err, d)
		}
		if !r.Picked() {
			continue
		}
		v, _ := d.Get("n.v")
		var picked any
		if m := r.Member(0); m != nil {
			w, err := DecodeDocument([]byte(`{"v":` + string(m) + `}`))
			if err != nil {
				t.Fatalf("%q: member %q: %v", body, m, err)
			}
			picked = w["v"]
		}
		if _, list := d["n"].([]any); !list && !cmp.Equal(v, picked) {
			t.Fatalf("%q: picked %v, decoded %v", body, picked, v)
		}
	}
	again := newWalker(ListOptions{}, Options{PageSize: 100})
	again.begin()
	for _, d := range want {
		if again.take(rowKey(d, nil)) && !got[fmt.Sprint(map[string]any(d))] {
			t.Fatalf("%q: row %v is missing in %v", body, d, got)
		}
	}
	if again.rows != len(page.Rows) {
		t.Fatalf("%q: %d rows, decoded: %d", body, len(page.Rows), again.rows)
	}
}
