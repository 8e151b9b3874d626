package engine

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
)

func number(n int) *int { return &n }

func TestPagingRules(t *testing.T) {
	b := newBench(t)
	for i := range 60 {
		b.create("Group", fmt.Sprintf(`{"displayName":"g%03d"}`, i))
	}
	for name, c := range map[string]struct {
		p                   Params
		start, items, count int
		next                bool
	}{
		"defaults":        {Params{}, 1, 50, 50, true},
		"start zero":      {Params{StartIndex: number(0), Count: number(5)}, 1, 5, 5, false},
		"start negative":  {Params{StartIndex: number(-3)}, 1, 50, 50, false},
		"second page":     {Params{StartIndex: number(51)}, 51, 50, 10, false},
		"beyond the end":  {Params{StartIndex: number(61), Count: number(10)}, 61, 10, 0, false},
		"negative count":  {Params{Count: number(-1)}, 1, 50, 50, false},
		"count zero":      {Params{Count: number(0)}, 1, 0, 0, false},
		"count too large": {Params{Count: number(5000)}, 1, 1000, 60, false},
		"limit":           {Params{Limit: number(7)}, 1, 7, 7, true},
		"limit of all":    {Params{Limit: number(60)}, 1, 60, 60, false},
		"unindexed sort":  {Params{SortBy: "nonUniqueDisplayName", Count: number(7)}, 1, 7, 7, false},
		"with a matcher":  {Params{Filter: `displayName co "g"`, StartIndex: number(58), Count: number(7)}, 58, 7, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := b.e.List(b.ctx(), admin, "Group", c.p)
			if err != nil {
				t.Fatal(err)
			}
			got := []any{l.Total, l.StartIndex, l.ItemsPerPage, len(l.Resources), l.NextPage != ""}
			if d := cmp.Diff([]any{60, c.start, c.items, c.count, c.next}, got); d != "" {
				t.Error(d)
			}
		})
	}
	l, err := b.e.List(b.ctx(), admin, "Group", Params{Attributes: []string{"count(*)"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&List{Total: 1, StartIndex: 1, ItemsPerPage: 50, Resources: []Document{{"count": json.Number("60")}}}, l); d != "" {
		t.Error(d)
	}
}

// TestPagesTogetherAreAll pages in every way through every order and filter.
func TestPagesTogetherAreAll(t *testing.T) {
	b := newBench(t)
	for i := range 23 {
		title := ""
		if i%3 > 0 {
			title = fmt.Sprintf(`"title":"t%d",`, i%4)
		}
		b.create("User", fmt.Sprintf(`{%s%s"userName":"u%02d","externalId":"e%d","emails":[
			{"value":"z%d@example.com","type":"home"},{"value":"m%d@example.com","type":"work","primary":true}]}`, core, title, 23-i, i%5, i, i%7))
	}
	for _, f := range []string{"", `userName sw "U"`, `title pr`, `emails[type eq "work" and value sw "m1"]`, `title eq "t1" or externalId eq "e2"`} {
		for _, sortBy := range []string{"", "userName", "externalId", "title", "emails.value", "emails", "meta.created"} {
			for _, order := range []string{"ascending", "DESCENDING"} {
				p := Params{Filter: f, SortBy: sortBy, SortOrder: order, Attributes: []string{"id"}}
				whole := collect(t, b, p, func(p *Params, _ *List, n int) bool { p.Count = number(1000); return n == 0 })
				if got := collect(t, b, p, func(p *Params, l *List, n int) bool {
					p.StartIndex, p.Count = number(n*4+1), number(4)
					return l == nil || len(l.Resources) > 0
				}); !slices.Equal(got, whole) {
					t.Errorf("%+v: by index %v, want %v", p, got, whole)
				}
				if got := collect(t, b, p, func(p *Params, l *List, _ int) bool {
					p.Limit = number(4)
					if l != nil {
						p.Page = l.NextPage
					}
					return l == nil || l.NextPage != ""
				}); !slices.Equal(got, whole) {
					t.Errorf("%+v: by cursor %v, want %v", p, got, whole)
				}
			}
		}
	}
	_, err := b.e.List(b.ctx(), admin, "User", Params{Page: "nonsense"})
	wantError(t, err, 400, msgCursor)
	l, err := b.e.List(b.ctx(), admin, "User", Params{Limit: number(1)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.e.List(b.ctx(), admin, "User", Params{Page: l.NextPage, Filter: "title pr"})
	wantError(t, err, 400, msgCursor)
}

func collect(t *testing.T, b *bench, p Params, more func(*Params, *List, int) bool) []string {
	t.Helper()
	var ids []string
	var last *List
	total := -1
	for n := 0; n < 100; n++ {
		if !more(&p, last, n) {
			break
		}
		l, err := b.e.List(b.ctx(), admin, "User", p)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		if total >= 0 && total != l.Total {
			t.Fatalf("%+v: total was %d and is %d", p, total, l.Total)
		}
		total, last = l.Total, l
		for _, d := range l.Resources {
			ids = append(ids, d["id"].(string))
		}
	}
	if len(ids) != total {
		t.Errorf("%+v: %d of %d", p, len(ids), total)
	}
	return ids
}

// TestCursorsOutliveWhatTheyList takes from the list what each page shows.
func TestCursorsOutliveWhatTheyList(t *testing.T) {
	for _, f := range []string{`groups.value eq "GROUP"`, `userName eq "u0" or userName sw "u"`, `userName co "u"`, `userName sw "u"`} {
		for _, sortBy := range []string{"", "userName", "title"} {
			b := newBench(t)
			members := ""
			for i := range 9 {
				members += fmt.Sprintf(`,{"value":%q}`, b.user(fmt.Sprintf("u%d", i)))
			}
			g := b.create("Group", `{"displayName":"g","members":[`+members[1:]+`]}`)["id"].(string)
			p := Params{Filter: strings.ReplaceAll(f, "GROUP", g), SortBy: sortBy, Limit: number(2)}
			got := ""
			for range 10 {
				l, err := b.e.List(b.ctx(), admin, "User", p)
				if err != nil {
					t.Fatalf("%s by %s after %s: %v", f, sortBy, got, err)
				}
				for _, d := range l.Resources {
					got += d["userName"].(string)
					if err := b.e.Delete(b.ctx(), admin, "User", d["id"].(string), Params{}); err != nil {
						t.Fatal(err)
					}
				}
				if p.Page = l.NextPage; p.Page == "" {
					break
				}
			}
			if got != "u0u1u2u3u4u5u6u7u8" {
				t.Errorf("%s by %s lists %s", f, sortBy, got)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	b := newBench(t)
	for i, u := range [][3]string{{"b", "z", "2"}, {"C", "a", "1"}, {"a", "m", ""}, {"D", "A", "2"}} {
		title := ""
		if u[2] != "" {
			title = `"title":"t` + u[2] + `",`
		}
		b.create("User", fmt.Sprintf(`{%s%s"userName":%q,"emails":[{"value":"0%d@example.com","type":"home"},
			{"value":"%s@example.com","type":"work","primary":true}]}`, core, title, u[0], i, u[1]))
	}
	for by, want := range map[string]string{
		"userName": "abCD", "emails.value": "CDab", "emails": "CDab", "title": "CbDa", "meta.created": "bCaD", "": "bCaD",
		"-userName": "DCba", "-emails.value": "baDC", "-title": "aDbC", "-meta.created": "DaCb",
	} {
		p := Params{SortBy: strings.TrimPrefix(by, "-")}
		if by != p.SortBy {
			p.SortOrder = "descending"
		}
		l, err := b.e.List(b.ctx(), admin, "User", p)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, d := range l.Resources {
			got += d["userName"].(string)
		}
		if got != want {
			t.Errorf("by %s: %s, want %s", by, got, want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	b := newBench(t)
	b.user("a")
	for name, c := range map[string]struct{ filter, sortBy, messageID, says string }{
		"syntax":             {`userName eq`, "", msgFilter, "^"},
		"unknown":            {`colour eq "red"`, "", msgFilter, "colour"},
		"not searchable":     {`description eq "x"`, "", msgNotSearchable, "description"},
		"secret":             {`password sw "{"`, "", msgNotSearchable, "password"},
		"not searchable sub": {`photos.value eq "x"`, "", msgNotSearchable, "photos.value"},
		"inside brackets":    {`photos[value eq "x"]`, "", msgNotSearchable, "photos.value"},
		"complex":            {`name eq "x"`, "", msgNotSearchable, "name"},
		"operator":           {`active gt true`, "", msgFilter, "active"},
		"value":              {`meta.created gt "yesterday"`, "", msgFilter, "meta.created"},
		"location":           {`meta.location eq "x"`, "", msgNotSearchable, "meta.location"},
		"sort":               {``, "description", msgNotSearchable, "description"},
		"sort unknown":       {``, "colour", msgFilter, "colour"},
		"sort nonsense":      {``, "a b", msgPath, "sortBy"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.e.List(b.ctx(), admin, "User", Params{Filter: c.filter, SortBy: c.sortBy})
			wantError(t, err, 400, c.messageID)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
	_, err := b.e.List(b.ctx(), admin, "User", Params{SortOrder: "sideways"})
	wantError(t, err, 400, msgFilter)
}

func TestRecordedFilters(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	app := b.create("App", string(mustJSON(t, b.minimal("App", 0))))["id"].(string)
	role := b.create("AppRole", `{"displayName":"Viewer","app":{"value":"`+app+`"}}`)["id"].(string)
	grant := b.create("Grant", `{"schemas":["urn:ietf:params:scim:schemas:oracle:idcs:Grant"],"grantMechanism":"ADMINISTRATOR_TO_USER",
		"grantee":{"type":"User","value":"`+ada+`"},"app":{"value":"`+app+`"},"entitlement":{"attributeName":"appRoles","attributeValue":"`+role+`"}}`)["id"].(string)
	for filter, want := range map[string][]string{
		`grantee.value eq "` + ada + `" and entitlement[attributeName eq "appRoles" and attributeValue eq "` + role + `"]`: {grant},
		`grantee[type eq "User" and value eq "` + ada + `"] and app eq "` + app + `"`:                                      {grant},
		`grantee.value eq ` + "u" + ada: nil,
		`app.value eq "` + app + `" and grantee.type eq "User" and grantMechanism ne "GROUP_MEMBERSHIP"`: {grant},
		`app.value eq "` + app + `" and grantee.type eq "User" and grantMechanism eq "GROUP_MEMBERSHIP"`: nil,
		`id eq "` + strings.ToUpper(grant) + `"`:                                                         {grant},
		`ocid eq "` + ocidFor("Grant", grant) + `"`:                                                      {grant},
		`ocid eq "x"`: nil,
	} {
		if got := b.names("Grant", "id", filter); !slices.Equal(got, want) {
			t.Errorf("%s selects %v, want %v", filter, got, want)
		}
	}
	for _, f := range []string{userURN + `:appRoles.value eq abc`, userURN + `:appRoles[value eq "abc" and type eq "direct"]`} {
		if got := b.names("User", "id", f); got != nil {
			t.Errorf("%s selects %v", f, got)
		}
	}
}

// TestPlannerAgreesWithMatcher compares what the planner makes of random
// filters with the matcher alone on all documents.
func TestPlannerAgreesWithMatcher(t *testing.T) {
	b := newBench(t)
	r := rand.New(rand.NewPCG(1, 2)) // the same filters every time
	names := []string{"ada", "ADA LOVE", "Bob", "straße", "STRASSE", "zoë", "K", "\u212a", "_x"}
	var ids []string
	for i := range 40 {
		n := names[i%len(names)]
		text := fmt.Sprintf(`{%s"userName":"%s%d","externalId":%q,"displayName":%q,"name":{"familyName":%q},"emails":[
			{"value":"%d@example.com","type":"work","primary":true},{"value":"%d@example.com","type":"home"}]}`,
			core, n, i, names[r.IntN(len(names))], n, names[r.IntN(len(names))], i%6, i%4)
		if i%7 == 0 {
			text = strings.Replace(text, `"externalId":`, `"nickName":`, 1)
		} else if i%11 == 0 {
			text = strings.Replace(text, `"displayName"`, `"externalId":"","nickName":"","x":1,"displayName"`, 1)
			text = text[:strings.Index(text, `"externalId":`)] + text[strings.Index(text, `"externalId":""`):]
			text = strings.Replace(text, `"x":1,`, "", 1)
		}
		if i%5 == 0 {
			text = strings.Replace(text, `"externalId"`, `"title":"","externalId"`, 1)
		}
		ids = append(ids, b.create("User", text)["id"].(string))
	}
	for g := range 4 {
		text := ""
		for i := range 40 {
			if i%(g+2) == 0 {
				text += fmt.Sprintf(`,{"value":%q}`, ids[i])
			}
		}
		ids = append(ids, b.create("Group", fmt.Sprintf(`{"displayName":"g%d","members":[%s]}`, g, text[1:]))["id"].(string))
	}
	leaf := func() string {
		ops := []string{"eq", "ne", "sw", "co", "ew", "gt", "ge", "lt", "le"}
		op := ops[r.IntN(len(ops))]
		n := names[r.IntN(len(names))]
		switch r.IntN(9) {
		case 0:
			return fmt.Sprintf("userName %s %q", op, n)
		case 1:
			return fmt.Sprintf("externalId %s %q", op, n)
		case 2:
			return fmt.Sprintf("emails[type eq %q and value %s \"%d@example.com\"]", []string{"work", "home"}[r.IntN(2)], op, r.IntN(6))
		case 3:
			return fmt.Sprintf("emails.value %s \"%d@\"", op, r.IntN(6))
		case 4:
			return fmt.Sprintf("groups.value eq %q", ids[40+r.IntN(4)])
		case 5:
			return fmt.Sprintf("meta.created %s \"2026-01-01T00:00:%02dZ\"", []string{"gt", "le", "eq", "lt"}[r.IntN(4)], r.IntN(50))
		case 6:
			return fmt.Sprintf("id eq %q", ids[r.IntN(40)])
		case 7:
			return []string{"title pr", "externalId pr", "groups pr", `title eq ""`, `name.familyName sw ""`, "displayName ne null"}[r.IntN(6)]
		}
		return fmt.Sprintf("name.familyName %s %q", op, n)
	}
	var expr func(depth int) string
	expr = func(depth int) string {
		if depth == 0 {
			return leaf()
		}
		switch r.IntN(4) {
		case 0:
			return "(" + expr(depth-1) + " or " + expr(depth-1) + ")"
		case 1:
			return "not (" + expr(depth-1) + ")"
		}
		return expr(depth-1) + " and " + expr(depth-1)
	}
	exact := 0
	all := b.derived(t)
	for range 400 {
		text := expr(r.IntN(3))
		want := b.matchAll(t, all, text)
		l, err := b.e.List(b.ctx(), admin, "User", Params{Filter: text, Count: number(1000), Attributes: []string{"id"}})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got []string
		for _, d := range l.Resources {
			got = append(got, d["id"].(string))
		}
		if !slices.Equal(got, want) || l.Total != len(want) {
			t.Fatalf("%s\n selects %v (total %d)\n    want %v", text, got, l.Total, want)
		}
		if b.exact(t, text) {
			exact++
		}
	}
	if exact < 60 {
		t.Errorf("only %d of the filters were answered by the index alone", exact)
	}
}

// derived reads all users with their groups.
func (b *bench) derived(t *testing.T) []Document {
	t.Helper()
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	var all []Document
	err = b.e.View(b.ctx(), admin, func(tx *Tx) error {
		for row, err := range tx.st.Query(store.Query{Type: "User"}) {
			if err != nil {
				return err
			}
			d := doc(t, string(row.Data))
			if err := tx.derive(ti, row.ID, d, &wanted{ti: ti, attrs: map[string]bool{"groups": true}}); err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (b *bench) matchAll(t *testing.T, all []Document, text string) []string {
	t.Helper()
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	e, err := ti.parseFilter(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	m, err := filter.Compile(e, ti)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var ids []string
	for _, d := range all {
		if m.Match(d) {
			ids = append(ids, d["id"].(string))
		}
	}
	return ids
}

func (b *bench) exact(t *testing.T, text string) bool {
	t.Helper()
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	e, err := ti.parseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	ok := false
	err = b.e.View(b.ctx(), admin, func(tx *Tx) error {
		pl, err := tx.plan(ti, e)
		ok = err == nil && pl.residual == nil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestFoldIsThatOfFilters(t *testing.T) {
	words := []string{"", "a", "A", "ß", "ẞ", "σ", "ς", "Σ", "K", "\u212a", "k", "ſ", "s", "İ", "i", "ı", "_", "Z", "é", "É"}
	for _, v := range words {
		for _, w := range words {
			for op, want := range map[filter.Op]bool{
				filter.OpEqual: fold(v) == fold(w), filter.OpGreater: fold(v) > fold(w),
				filter.OpStartsWith: strings.HasPrefix(fold(v), fold(w)),
			} {
				m, err := filter.Compile(&filter.Compare{Attr: filter.AttrPath{Name: "x"}, Op: op, Value: w}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := m.Match(map[string]any{"x": v}); got != want {
					t.Errorf("%q %s %q: the filter says %v, the index %v", v, op, w, got, want)
				}
			}
		}
	}
}

// TestSortWithoutValue puts resources without a value last when the order
// ascends and first when it descends (RFC 7644 section 3.4.2.3), whether the
// attribute has an index (externalId) or not (title).
func TestSortWithoutValue(t *testing.T) {
	b := newBench(t)
	for _, u := range []string{`"userName":"a","externalId":"2","title":"2"`, `"userName":"b"`, `"userName":"c","externalId":"1","title":"1"`, `"userName":"d"`} {
		b.create("User", `{`+core+u+`,"emails":[{"value":"x@example.com","type":"work","primary":true}]}`)
	}
	for _, by := range []string{"externalId", "title"} {
		for order, want := range map[string]string{"ascending": "cabd", "descending": "dbac"} {
			for _, call := range []Call{admin, plainAdmin} {
				l, err := b.e.List(b.ctx(), call, "User", Params{SortBy: by, SortOrder: order})
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				for _, d := range l.Resources {
					got += d["userName"].(string)
				}
				if got != want {
					t.Errorf("by %s, %s, plain %v: %s, want %s", by, order, call.Plain, got, want)
				}
			}
		}
	}
}
