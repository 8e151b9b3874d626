package scim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows makes n resources with ids a server might give.
func rows(from, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%032x", from+i)
	}
	return out
}

// collection is a server whose rows a test may change between pages.
type collection struct {
	ids    []string
	cap    int // rows a page at most; 0 is what was asked
	before func(page int, c *collection)
	total  func(c *collection) int // overrides totalResults; -1 leaves it out
	index  func(int) int           // what the server makes of startIndex
	noIDs  bool
	mu     sync.Mutex
	page   int
	starts []int
}

func (c *collection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.page++
	if c.before != nil {
		c.before(c.page, c)
	}
	start, count := intParam(r, "startIndex", 1), intParam(r, "count", 50)
	c.starts = append(c.starts, start)
	if c.index != nil {
		start = c.index(start)
	}
	if c.cap > 0 {
		count = min(count, c.cap)
	}
	from := min(max(start-1, 0), len(c.ids))
	to := min(from+count, len(c.ids))
	key := "id"
	if c.noIDs {
		key = "value"
	}
	list := []map[string]any{}
	for _, id := range c.ids[from:to] {
		list = append(list, map[string]any{key: id})
	}
	body := map[string]any{"schemas": []string{ListResponseURN}, "Resources": list, "startIndex": start, "itemsPerPage": count}
	total := len(c.ids)
	if c.total != nil {
		total = c.total(c)
	}
	if total >= 0 {
		body["totalResults"] = total
	}
	reply(w, 200, body)
}

func collect(t *testing.T, s *Service[Document], opts ListOptions) ([]string, error) {
	t.Helper()
	var ids []string
	for d, err := range s.All(context.Background(), opts) {
		if err != nil {
			return ids, err
		}
		if id := d.ID(); id != "" {
			ids = append(ids, id)
		} else {
			ids = append(ids, d.String("value"))
		}
	}
	return ids, nil
}

// listCase is a collection, and what a list of it is to be.
type listCase struct {
	name   string
	server *collection
	opts   ListOptions
	want   []string
	starts []int
	err    error
}

func listCases() []listCase {
	return []listCase{
		{"empty", &collection{}, ListOptions{}, nil, []int{1}, nil},
		{"one page", &collection{ids: rows(0, 2)}, ListOptions{}, rows(0, 2), []int{1}, nil},
		{"full last page", &collection{ids: rows(0, 6)}, ListOptions{}, rows(0, 6), []int{1, 4}, nil},
		{"ragged last page", &collection{ids: rows(0, 7)}, ListOptions{}, rows(0, 7), []int{1, 4, 7}, nil},
		{"server shortens pages", &collection{ids: rows(0, 5), cap: 2}, ListOptions{}, rows(0, 5), []int{1, 3, 5}, nil},
		{"start index", &collection{ids: rows(0, 5)}, ListOptions{StartIndex: 3}, rows(2, 3), []int{3}, nil},
		{"start behind the end", &collection{ids: rows(0, 5)}, ListOptions{StartIndex: 9}, nil, []int{9}, nil},
		{"page size", &collection{ids: rows(0, 5)}, ListOptions{Count: 5}, rows(0, 5), []int{1}, nil},
		{"no total", &collection{ids: rows(0, 5), total: func(*collection) int { return -1 }}, ListOptions{}, rows(0, 5), []int{1, 4, 6}, nil},
		{"no total, last page repeated", &collection{ids: rows(0, 3), index: func(int) int { return 1 }, total: func(*collection) int { return -1 }}, ListOptions{}, rows(0, 3), []int{1, 4}, nil},
		{"ignores startIndex", &collection{ids: rows(0, 9), index: func(int) int { return 1 }}, ListOptions{}, rows(0, 3), []int{1, 4}, ErrTruncatedList},
		{"ignores startIndex, rows without id", &collection{ids: rows(0, 9), noIDs: true, index: func(int) int { return 1 }}, ListOptions{}, append(rows(0, 3), rows(0, 3)...), []int{1, 4}, ErrTruncatedList},
		{"rows without id", &collection{ids: []string{"x", "x", "x", "y"}, noIDs: true}, ListOptions{}, []string{"x", "x", "x", "y"}, []int{1, 4}, nil},
		{"counts from zero", &collection{ids: rows(0, 5), index: func(i int) int { return i + 1 }}, ListOptions{}, rows(1, 4), []int{1, 4, 5}, ErrTruncatedList},
		{"stops early", &collection{ids: rows(0, 4), total: func(*collection) int { return 9 }}, ListOptions{}, rows(0, 4), []int{1, 4, 5}, ErrTruncatedList},
		{"overlapping pages", &collection{ids: rows(0, 6), index: func(i int) int { return max(i-1, 1) }}, ListOptions{}, rows(0, 5), []int{1, 4}, ErrTruncatedList},
		{"deleted before the position", &collection{ids: rows(0, 9), before: func(page int, c *collection) {
			if page == 2 {
				c.ids = c.ids[2:]
			}
		}}, ListOptions{}, append(append(append(rows(0, 3), rows(5, 3)...), rows(3, 2)...), rows(8, 1)...), []int{1, 4, 2, 5}, nil},
		{"inserted before the position", &collection{ids: rows(0, 6), before: func(page int, c *collection) {
			if page == 2 {
				c.ids = append(rows(100, 2), c.ids...)
			}
		}}, ListOptions{}, rows(0, 6), []int{1, 4, 7}, nil},
		{"a whole page inserted", &collection{ids: rows(0, 6), before: func(page int, c *collection) {
			if page == 2 {
				c.ids = append(rows(100, 3), c.ids...)
			}
		}}, ListOptions{}, rows(0, 6), []int{1, 4, 7}, nil},
		{"appended while reading", &collection{ids: rows(0, 6), before: func(page int, c *collection) {
			if page == 2 {
				c.ids = append(c.ids, rows(6, 2)...)
			}
		}}, ListOptions{}, rows(0, 8), []int{1, 4, 7}, nil},
		{"all deleted while reading", &collection{ids: rows(0, 9), before: func(page int, c *collection) {
			if page == 2 {
				c.ids = nil
			}
		}}, ListOptions{}, rows(0, 3), []int{1, 4}, nil},
		{"total flickers", &collection{ids: rows(0, 9), total: func(c *collection) int { return 9 + c.page%2 }}, ListOptions{}, rows(0, 9), nil, nil},
		{"total falls for ever", &collection{ids: rows(0, 3), total: func(c *collection) int { return 1000 - c.page }}, ListOptions{}, rows(0, 3), nil, ErrTruncatedList},
	}
}

func TestAll(t *testing.T) {
	for _, tt := range listCases() {
		t.Run(tt.name, func(t *testing.T) {
			c, rec := newTestClient(t, tt.server)
			got, err := collect(t, c.Documents(userType(List)), tt.opts)
			if !errors.Is(err, tt.err) {
				t.Errorf("error = %v, want %v", err, tt.err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("rows: -want +got\n%s", d)
			}
			if d := cmp.Diff(tt.starts, tt.server.starts); d != "" && tt.starts != nil {
				t.Errorf("startIndex of the pages: -want +got\n%s", d)
			}
			if len(rec.calls) > 50 {
				t.Errorf("%d calls", len(rec.calls))
			}
		})
	}
}

func TestAllStops(t *testing.T) {
	c, rec := newTestClient(t, &collection{ids: rows(0, 9)})
	s := c.Documents(userType(List))
	for _, err := range s.All(context.Background(), ListOptions{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if len(rec.calls) != 1 {
		t.Errorf("after break: %d calls, want 1", len(rec.calls))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.All(ctx, ListOptions{}) {
		if err != nil {
			last = err
			continue
		}
		if n++; n == 3 {
			cancel()
		}
	}
	if n != 3 || !errors.Is(last, context.Canceled) {
		t.Errorf("after cancel: %d rows, %v", n, last)
	}
}

func TestAllEndsAtAnError(t *testing.T) {
	page := 0
	coll := &collection{ids: rows(0, 9)}
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page++; page == 2 {
			reply(w, 503, `{"detail":"busy"}`)
			return
		}
		coll.ServeHTTP(w, r)
	}))
	got, err := collect(t, c.Documents(userType(List)), ListOptions{})
	if !errors.Is(err, ErrUnavailable) || len(got) != 3 || page != 2 {
		t.Errorf("%d rows, %v, %d pages", len(got), err, page)
	}
}

func TestAllByCursor(t *testing.T) {
	all := rows(0, 5)
	pages := map[string][2]any{"": {all[:2], "p2"}, "p2": {all[1:4], "p3"}, "p3": {all[4:], ""}}
	tests := []struct {
		name  string
		next  func(page, next string) string
		total int
		want  []string
		err   error
	}{
		{"three pages, one row again", nil, 5, all, nil},
		{"no total", nil, -1, all, nil},
		{"rows missing", nil, 7, all, ErrTruncatedList},
		{"cursor repeats", func(string, string) string { return "p2" }, 5, all[:4], ErrTruncatedList},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, rec := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				page := r.URL.Query().Get("page")
				p := pages[page]
				next := p[1].(string)
				if tt.next != nil {
					next = tt.next(page, next)
				}
				if next != "" {
					w.Header().Set("opc-next-page", next)
				}
				var list []string
				for _, id := range p[0].([]string) {
					list = append(list, `{"id":"`+id+`"}`)
				}
				total := ""
				if tt.total >= 0 {
					total = fmt.Sprintf(`"totalResults":%d,`, tt.total)
				}
				reply(w, 200, `{`+total+`"Resources":[`+strings.Join(list, ",")+`]}`)
			}))
			var got []string
			var err error
			for d, e := range c.Documents(userType(List)).AllByCursor(context.Background(), ListOptions{StartIndex: 7, SortBy: "id"}) {
				if e != nil {
					err = e
					continue
				}
				got = append(got, d.ID())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("rows: -want +got\n%s", d)
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("error = %v, want %v", err, tt.err)
			}
			if q := rec.calls[0].Query; q != "limit=3&sortBy=id" {
				t.Errorf("first query = %s", q)
			}
			if q := rec.calls[1].Query; q != "limit=3&page=p2&sortBy=id" {
				t.Errorf("second query = %s", q)
			}
		})
	}
}

func TestListFixtures(t *testing.T) {
	tests := []struct {
		file string
		want Page[string]
	}{
		{"list_idcs.json", Page[string]{Resources: []string{"0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2"}, Total: 2, StartIndex: 1, ItemsPerPage: 50}},
		{"list_old_urn.json", Page[string]{Resources: []string{"x1"}, Total: 1, StartIndex: 1, ItemsPerPage: 4}},
		{"list_empty.json", Page[string]{Total: 0}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Opc-Next-Page", "cursor")
				reply(w, 200, fixture(t, tt.file))
			}))
			p, err := c.Documents(userType(List)).List(context.Background(), ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := Page[string]{Total: p.Total, StartIndex: p.StartIndex, ItemsPerPage: p.ItemsPerPage, Next: p.Next}
			for _, d := range p.Resources {
				got.Resources = append(got.Resources, d.ID())
			}
			tt.want.Next = "cursor"
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestListRefusesWhatIsNoList(t *testing.T) {
	for _, body := range []string{
		"", "null", "[]", "{}", `"x"`, "<html>", `{"id":"1"}`, `{"totalResults":1,"Resources":[{"id":"1"}`, `{"totalResults":1`,
		`{"totalResults":1,"Resources":{}}`, `{"totalResults":1,"Resources":[1]}`, `{"totalResults":1,"Resources":[null]}`,
		`{"totalResults":"many"}`, `{"totalResults":0} trailing`, `{"totalResults":0}{}`,
	} {
		t.Run(body, func(t *testing.T) {
			c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) }))
			p, err := c.Documents(userType(List)).List(context.Background(), ListOptions{})
			if !errors.Is(err, ErrBadResponse) {
				t.Errorf("List(%s) = %v, %v; want ErrBadResponse", body, p, err)
			}
		})
	}
}

// FuzzDecodeList: no body panics, and what decodes has as many rows as it says
// it emitted.
func FuzzDecodeList(f *testing.F) {
	for _, name := range []string{"list_idcs.json", "list_old_urn.json", "list_empty.json", "error_idcs.json"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte(`{"resources":null,"TOTALRESULTS":1e1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		head, err := decodeList(bytes.NewReader(data), func(r row[Document]) bool {
			if r.value == nil {
				t.Fatalf("nil row from %q", data)
			}
			n++
			return true
		})
		if err == nil && head.rows != n {
			t.Fatalf("%d rows emitted, head says %d", n, head.rows)
		}
	})
}
