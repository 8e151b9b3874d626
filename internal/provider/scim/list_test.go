package scim_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
)

func TestFilterHere(t *testing.T) {
	is400 := func(with string) func(map[string]string) int {
		return func(q map[string]string) int {
			if strings.Contains(q["filter"], with) {
				return 400
			}
			return 0
		}
	}
	or := `userName eq "u02@example.com" or userName eq "U05@example.com" or userName eq "nobody"`
	tests := []struct {
		name  string
		f     *fake
		where string
		want  []string
		calls []string
		note  string
	}{
		{"not announced", &fake{config: `{"filter":{"supported":false}}`}, or, []string{"u02", "u05"}, []string{"GET /Users"}, "does not search"},
		{"refused", &fake{refuse: is400("title")}, `title eq "Boss"`, []string{"u02", "u04", "u06"}, []string{"GET /Users?filter", "GET /Users"}, "does not search"},
		{"501", &fake{refuse: func(q map[string]string) int {
			if q["filter"] != "" {
				return 501
			}
			return 0
		}}, `title eq "Boss"`, []string{"u02", "u04", "u06"}, []string{"GET /Users?filter", "GET /Users"}, "does not search"},
		{"or is refused", &fake{refuse: is400(" or ")}, or, []string{"u02", "u05"}, []string{"GET /Users?filter", "GET /Users?filter", "GET /Users?filter", "GET /Users?filter"}, ""},
		{"each term is refused", &fake{refuse: is400(" eq ")}, or, []string{"u02", "u05"}, []string{"GET /Users?filter", "GET /Users?filter", "GET /Users"}, "does not search"},
		{"ignored", &fake{ignoreFilter: true, pageSize: 4}, or, []string{"u02", "u05"}, []string{"GET /Users?filter", "GET /Users?filter"}, "do not match the filter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.f.people(7).connect(t)
			opts := scim.ListOptions{Filter: expr(t, tt.where)}
			want(t, "all", all(t, c.p.Users(), opts), tt.want)
			want(t, "calls", c.asked(), tt.calls)
			opts.Count = 2
			rows, total := page(t, c.p.Users(), opts)
			want(t, "page", rows, tt.want[:2])
			want(t, "total", total, len(tt.want))
			opts.StartIndex = 2
			rows, total = page(t, c.p.Users(), opts)
			want(t, "second page", rows, tt.want[1:min(3, len(tt.want))])
			want(t, "its total", total, len(tt.want))
			if tt.note != "" && (len(*c.notes) != 1 || !strings.Contains((*c.notes)[0], tt.note)) || tt.note == "" && len(*c.notes) > 0 {
				t.Errorf("notes %q, want one with %q", *c.notes, tt.note)
			}
			doc, err := provider.Find(t.Context(), c.p.Users(), "u03@example.com")
			if err != nil || doc.String("userName") != "u03@example.com" {
				t.Errorf("find: %v, %v", doc, err)
			}
			if _, err := provider.Find(t.Context(), c.p.Users(), "nobody@example.com"); !errors.Is(err, scim.ErrNotFound) {
				t.Errorf("find nobody: %v", err)
			}
		})
	}
}

func TestLearns(t *testing.T) {
	c := (&fake{refuse: func(q map[string]string) int {
		if q["filter"] != "" || q["sortBy"] != "" || q["attributes"] != "" {
			return 400
		}
		return 0
	}}).people(3).connect(t)
	opts := scim.ListOptions{Filter: expr(t, `title eq "Boss"`), SortBy: "userName", Attributes: []string{"userName"}}
	for i, n := range []int{4, 1} {
		want(t, "rows", all(t, c.p.Users(), opts), []string{"u02"})
		if got := c.asked(); len(got) > n {
			t.Errorf("time %d: %d calls %q, want at most %d", i+1, len(got), got, n)
		}
		c.forget()
		if i == 0 { // each was given up alone before it is known which one it was
			all(t, c.p.Users(), scim.ListOptions{Attributes: []string{"userName"}})
			all(t, c.p.Users(), scim.ListOptions{SortBy: "userName"})
			c.forget()
		}
	}
}

func TestSortHere(t *testing.T) {
	for name, f := range map[string]*fake{
		"not announced": {config: `{"sort":{"supported":false},"filter":{"supported":true}}`},
		"refused": {refuse: func(q map[string]string) int {
			if q["sortBy"] != "" {
				return 400
			}
			return 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.people(5).connect(t)
			opts := scim.ListOptions{SortBy: "userName", Descending: true, Attributes: []string{"title"}}
			rows, total := page(t, c.p.Users(), scim.ListOptions{SortBy: "userName", Descending: true, StartIndex: 2, Count: 2})
			want(t, "page", rows, []string{"u04", "u03"})
			want(t, "total", total, 5)
			want(t, "all", all(t, c.p.Users(), opts), []string{"u05", "u04", "u03", "u02", "u01"})
			if len(*c.notes) != 1 || !strings.Contains((*c.notes)[0], "ordered here") {
				t.Errorf("notes %q", *c.notes)
			}
		})
	}
}

func TestAttributes(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	var asked []string
	f := (&fake{}).people(2)
	f.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/Users") {
			asked = append(asked, r.URL.Query().Get("attributes"))
		}
		return false
	}
	c := f.connect(t)
	for _, opts := range []scim.ListOptions{
		{Attributes: []string{"userName", "urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User:locked.on", enterprise + ":department"}},
		{Attributes: []string{"urn:ietf:params:scim:schemas:oracle:idcs:extension:userState:User:locked.on"}},
		{AttributeSets: []string{"all"}},
		{Attributes: []string{"id"}, Filter: expr(t, `emails[type eq "work"] and title pr`)},
	} {
		all(t, c.p.Users(), opts)
	}
	want(t, "attributes", asked, []string{"userName," + enterprise + ":department", "id", "", "id,emails.type,title"})
}

func TestMembers(t *testing.T) {
	for name, f := range map[string]*fake{
		"by default": {},
		"on request": {hide: map[string]bool{"members": true}},
		"no filters": {config: `{"filter":{"supported":false}}`},
		"no attribute lists": {before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("attributes") {
				w.WriteHeader(http.StatusBadRequest)
				return true
			}
			return false
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f.people(3)
			g := f.add("/Groups", scim.Document{"schemas": []any{"g"}, "displayName": "G", "members": []any{
				map[string]any{"value": "id-1"}, map[string]any{"value": "id-2", "display": "Two"}, map[string]any{"value": "id-1"}, map[string]any{"value": "gone"},
			}})
			c := f.connect(t)
			var got []string
			for m, err := range provider.Members(t.Context(), c.p.Groups(), g.ID()) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, m.String("value")+" "+m.String("name")+" "+m.String("display"))
			}
			want(t, "members", got, []string{"id-1 u01@example.com ", "id-2 u02@example.com Two", "gone  "})
			gets := slices.DeleteFunc(c.asked(), func(s string) bool { return !strings.Contains(s, "/Groups") })
			if len(gets) > 2 {
				t.Errorf("the group was read %d times", len(gets))
			}
		})
	}
}

func TestPagesOfTheServer(t *testing.T) {
	c := (&fake{pageSize: 3, config: `{"filter":{"supported":true,"maxResults":5}}`}).people(11).connect(t)
	rows, total := page(t, c.p.Users(), scim.ListOptions{StartIndex: 3, Count: 8})
	want(t, "page", rows, []string{"u03", "u04", "u05", "u06", "u07", "u08", "u09", "u10"})
	want(t, "total", total, 11)
	want(t, "all", len(all(t, c.p.Users(), scim.ListOptions{Count: 4})), 11)
}

func TestLongFilter(t *testing.T) {
	terms := make([]filter.Expr, 0, 120)
	for i := range 120 {
		terms = append(terms, filter.Eq(filter.AttrPath{Name: "userName"}, fmt.Sprintf("someone.with.a.long.name.%03d@example.com", i)))
	}
	terms = append(terms, filter.Eq(filter.AttrPath{Name: "userName"}, "u02@example.com"))
	c := (&fake{}).people(3).connect(t) // it has no /.search
	want(t, "rows", all(t, c.p.Users(), scim.ListOptions{Filter: filter.AnyOf(terms...), Post: true}), []string{"u02"})
	want(t, "first call", c.asked()[0], "POST /Users/.search")
	c.forget()
	want(t, "a short one", all(t, c.p.Users(), scim.ListOptions{Filter: expr(t, `userName eq "u02@example.com"`), Post: true}), []string{"u02"})
	want(t, "its call", c.asked(), []string{"GET /Users?filter"})
}

func TestPagingGoesWrong(t *testing.T) {
	row := func(i int) string { return fmt.Sprintf(`{"id":"id-%d","userName":"u%02d"}`, i, i) }
	body := func(total int, rows ...string) string {
		return fmt.Sprintf(`{"totalResults":%d,"Resources":[%s]}`, total, strings.Join(rows, ","))
	}
	tests := []struct {
		name  string
		pages []string // the last one again and again
		want  []string
		err   error
	}{
		{"the same page again and again", []string{body(6, row(1), row(2))}, []string{"u01", "u02"}, scim.ErrTruncatedList},
		{"rows twice", []string{body(4, row(1), row(2)), body(4, row(2), row(3)), body(4, row(4))}, []string{"u01", "u02", "u03"}, scim.ErrTruncatedList},
		{"the total grows", []string{body(2, row(1)), body(3, row(2)), body(3, row(3))}, []string{"u01", "u02", "u03"}, nil},
		{"more is promised than comes", []string{body(9, row(1)), body(9)}, []string{"u01"}, scim.ErrTruncatedList},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			f := &fake{docs: map[string][]scim.Document{}}
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/Users") {
					return false
				}
				_, _ = io.WriteString(w, tt.pages[min(n, len(tt.pages)-1)])
				n++
				return true
			}
			c := f.connect(t)
			var docs []scim.Document
			var err error
			for doc, e := range c.p.Users().All(t.Context(), scim.ListOptions{Count: 2}) {
				if err = e; e == nil {
					docs = append(docs, doc)
				}
			}
			want(t, "rows", names(docs), tt.want)
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if n > 20 {
				t.Errorf("%d calls", n)
			}
			n = 0
			if _, err := c.p.Users().Page(t.Context(), scim.ListOptions{Count: 50}); err != nil || n > 20 {
				t.Errorf("page: %v after %d calls", err, n)
			}
		})
	}
}
