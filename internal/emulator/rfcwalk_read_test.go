package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

func walkQuery() []paragraph {
	return []paragraph{
		{at: "7644-3.4.1", says: "a known resource is got by its URI", test: func(w *walk) {
			path := w.user("ada", "")
			a := w.get(path)
			if w.id(a) != idIn(path) || a.header.Get("ETag") == "" || a.header.Get("Location") != w.http.URL+scimBase+path {
				w.t.Errorf("headers %v: %s", a.header, a.raw)
			}
			w.fails(w.call(http.MethodGet, "/Users/none", ""), 404, "")
		}},
		{at: "7644-3.4.2", says: "a query answers a ListResponse with totals", test: func(w *walk) {
			w.user("ada", "")
			w.user("bob", "")
			a := w.get("/Users?count=1")
			w.same(a.doc["schemas"], `["urn:ietf:params:scim:api:messages:2.0:ListResponse"]`)
			w.same([]any{a.doc["totalResults"], a.doc["startIndex"], a.doc["itemsPerPage"]}, `[2,1,1]`)
			if names(a) != "ada" {
				w.t.Errorf("%s", a.raw)
			}
		}},
		{at: "7644-3.4.2", says: "a query without a match is 200 with totalResults 0", test: func(w *walk) {
			a := w.get("/Users?filter=" + url.QueryEscape(`userName eq "none"`))
			w.same([]any{a.doc["totalResults"], a.doc["Resources"]}, `[0,[]]`)
		}},
		{at: "7644-3.4.2.1", says: "a query of the root covers all resource types", test: func(w *walk) {
			w.user("ada", `"displayName":"B"`)
			w.group("A", "")
			w.user("carl", `"displayName":"C"`)
			if got := names(w.get("/?attributes=userName,displayName")); got != "ada carl A" {
				w.t.Errorf("all: %q", got)
			}
			if got := names(w.get("?startIndex=2&count=2")); got != "carl A" {
				w.t.Errorf("across the types: %q", got)
			}
			if got := names(w.get("?sortBy=displayName&sortOrder=descending")); got != "carl ada A" {
				w.t.Errorf("sorted: %q", got)
			}
			if got := names(w.get("?sortBy=displayName&startIndex=2&count=1")); got != "ada" {
				w.t.Errorf("page of the sorted ones: %q", got)
			}
		}},
		{at: "7644-3.4.2.1", says: "meta.resourceType in a filter tells types apart", test: func(w *walk) {
			w.user("ada", "")
			w.group("A", "")
			for filter, want := range map[string]string{
				`meta.resourceType eq "Group"`:                          "A",
				`(meta.resourceType eq "User") or displayName eq "A"`:   "ada A",
				`meta.resourceType eq "User" and not (userName sw "x")`: "ada",
			} {
				if got := w.find("", filter); got != want {
					w.t.Errorf("%s: %q", filter, got)
				}
			}
		}},
		{at: "7644-3.4.2.1", says: "an attribute that a type does not have has no value there", test: func(w *walk) {
			w.user("ada", "")
			w.group("A", "")
			for filter, want := range map[string]string{
				`userName eq "ada"`: "ada", `userName ne "ada"`: "A", `not (userName pr)`: "A", `members pr`: "", `emails[type eq "work"]`: "",
			} {
				if got := w.find("", filter); got != want {
					w.t.Errorf("%s: %q", filter, got)
				}
			}
			w.fails(w.call(http.MethodGet, "?filter=nobodyHasIt+pr", ""), 400, "invalidFilter")
		}},
		{at: "7644-3.4.2.3", says: "sortBy sorts, ascending unless told otherwise", test: func(w *walk) {
			for _, n := range []string{"bob", "Ada", "carl"} {
				w.user(n, `"title":"`+n+`"`)
			}
			for query, want := range map[string]string{
				"sortBy=userName": "Ada bob carl", "sortBy=USERNAME&sortOrder=descending": "carl bob Ada", "sortBy=title": "Ada bob carl",
				"sortBy=userName&startIndex=2&count=1": "bob",
			} {
				if got := names(w.get("/Users?" + query)); got != want {
					w.t.Errorf("%s: %q", query, got)
				}
			}
			w.fails(w.call(http.MethodGet, "/Users?sortBy=userName&sortOrder=up", ""), 400, "invalidValue")
		}},
		{at: "7644-3.4.2.3", says: "a list is sorted by its primary or first value", test: func(w *walk) {
			w.user("one", `"emails":[{"value":"a@example.com"},{"value":"z@example.com","primary":true}]`)
			w.user("two", `"emails":[{"value":"m@example.com"},{"value":"b@example.com"}]`)
			if got := names(w.get("/Users?sortBy=emails")); got != "two one" {
				w.t.Errorf("%q", got)
			}
		}},
		{at: "7644-3.4.2.3", says: "without a value: last when ascending, first when descending", test: func(w *walk) {
			w.user("none", "")
			w.user("a", `"displayName":"A"`)
			w.user("b", `"displayName":"B"`)
			if got := names(w.get("/Users?sortBy=displayName")); got != "a b none" {
				w.t.Errorf("ascending: %q", got)
			}
			if got := names(w.get("/Users?sortBy=displayName&sortOrder=descending")); got != "none b a" {
				w.t.Errorf("descending: %q", got)
			}
		}},
		{at: "7644-3.4.2.3", says: "caseExact decides how texts are sorted", test: func(w *walk) {
			w.user("one", `"externalId":"b","nickName":"b"`)
			w.user("two", `"externalId":"C","nickName":"C"`)
			if got := names(w.get("/Users?sortBy=nickName")); got != "one two" {
				w.t.Errorf("no regard to case: %q", got)
			}
			if got := names(w.get("/Users?sortBy=externalId")); got != "two one" {
				w.t.Errorf("regard to case: %q", got)
			}
		}},
		{at: "7644-3.4.2.4", says: "startIndex counts from 1, less is taken as 1", test: func(w *walk) {
			w.user("a", "")
			w.user("b", "")
			for query, want := range map[string]string{"startIndex=0": "a b", "startIndex=-3": "a b", "startIndex=2": "b", "startIndex=3": ""} {
				if got := names(w.get("/Users?" + query)); got != want {
					w.t.Errorf("%s: %q", query, got)
				}
			}
			w.fails(w.call(http.MethodGet, "/Users?startIndex=x", ""), 400, "invalidValue")
		}},
		{at: "7644-3.4.2.4", says: "count is a maximum, 0 and less answer no resources but the total", test: func(w *walk) {
			w.user("a", "")
			w.user("b", "")
			for query, want := range map[string]string{"count=0": `[2,0,[]]`, "count=-1": `[2,0,[]]`} {
				a := w.get("/Users?" + query)
				w.same([]any{a.doc["totalResults"], a.doc["itemsPerPage"], a.doc["Resources"]}, want)
			}
			a := w.get("/Users?count=5000")
			w.same(a.doc["itemsPerPage"], `2`)
		}},
		{at: "7644-3.4.2.5", says: "attributes and excludedAttributes shape what a query answers", test: func(w *walk) {
			w.user("ada", `"title":"Dr","nickName":"A"`)
			a := w.get("/Users?attributes=userName")
			for _, name := range []string{"title", "meta"} {
				if at(a.doc, "Resources", 0, name) != nil {
					w.t.Errorf("%s in %s", name, a.raw)
				}
			}
			if at(a.doc, "Resources", 0, "id") == nil || at(a.doc, "Resources", 0, "schemas") == nil {
				w.t.Errorf("id and schemas are always there: %s", a.raw)
			}
			a = w.get("/Users?excludedAttributes=title,id")
			if at(a.doc, "Resources", 0, "title") != nil || at(a.doc, "Resources", 0, "nickName") != "A" || at(a.doc, "Resources", 0, "id") == nil {
				w.t.Errorf("%s", a.raw)
			}
		}},
		{at: "7644-3.4.3", says: "POST .search below a type takes the parameters in its body", test: func(w *walk) {
			w.user("ada", `"title":"Dr"`)
			w.user("bob", `"title":"Dr"`)
			body := `{"schemas":["` + urnSearch + `"],"filter":"title eq \"Dr\"","sortBy":"userName","sortOrder":"descending","startIndex":1,"count":1,"attributes":["userName"]}`
			a := w.want(w.call(http.MethodPost, "/Users/.search", body), 200)
			w.same([]any{a.doc["totalResults"], a.doc["itemsPerPage"], at(a.doc, "Resources", 0, "title")}, `[2,1,null]`)
			if names(a) != "bob" {
				w.t.Errorf("%s", a.raw)
			}
			w.fails(w.call(http.MethodPost, "/Users/.search", `{"filter":"title pr"}`), 400, "invalidSyntax")
			w.fails(w.call(http.MethodGet, "/Users/.search", ""), 405, "")
		}},
		{at: "7644-3.4.3", says: "POST .search on the root covers all types", test: func(w *walk) {
			w.user("ada", "")
			w.group("A", "")
			a := w.want(w.call(http.MethodPost, "/.search", `{"schemas":["`+urnSearch+`"],"excludedAttributes":["meta"]}`), 200)
			if names(a) != "ada A" || strings.Contains(string(a.raw), `"meta"`) {
				w.t.Errorf("%s", a.raw)
			}
			w.fails(w.call(http.MethodGet, "/.search", ""), 405, "")
		}},
	}
}

// filtered makes the users that tests of filters look for.
func (w *walk) filtered() {
	w.user("bjensen", `"title":"Tour Guide","active":true,"nickName":"Babs","externalId":"X1","name":{"familyName":"Jensen"},
		"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@example.org","type":"home"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Tours"}`)
	w.user("jsmith", `"active":false,"nickName":"J","emails":[{"value":"jsmith@example.org","type":"work"}]`)
}

func walkFilter() []paragraph {
	const both = "bjensen jsmith"
	return []paragraph{
		{at: "7644-3.4.2.2", says: "attribute operators eq, ne, co, sw, ew and pr", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`userName eq "bjensen"`: "bjensen", `userName ne "bjensen"`: "jsmith", `userName co "jens"`: "bjensen",
				`userName sw "j"`: "jsmith", `userName ew "n"`: "bjensen", `title pr`: "bjensen", `userName pr`: both, `title eq null`: "jsmith",
			})
		}},
		{at: "7644-3.4.2.2", says: "gt, ge, lt and le compare texts and times", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`userName gt "c"`: "jsmith", `userName ge "bjensen"`: both, `userName lt "c"`: "bjensen", `userName le "bjensen"`: "bjensen",
				`meta.lastModified gt "2011-05-13T04:42:34Z"`: both, `meta.created lt "2011-05-13T04:42:34Z"`: "",
				`meta.created ge "2026-03-01T13:00:00+01:00"`: both,
			})
		}},
		{at: "7644-3.4.2.2", says: "an operator that does not fit the type is invalidFilter", test: func(w *walk) {
			for _, f := range []string{`active gt true`, `active co "t"`, `meta.created gt "x"`, `emails[primary lt false]`} {
				w.fails(w.call(http.MethodGet, "/Users?filter="+url.QueryEscape(f), ""), 400, "invalidFilter")
			}
		}},
		{at: "7644-3.4.2.2", says: "and binds before or, parentheses before both, not negates", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`userName eq "jsmith" or title pr and active eq false`:  "jsmith",
				`(userName eq "jsmith" or title pr) and active eq true`: "bjensen",
				`not (title pr)`: "jsmith",
				`title pr and not (userName eq "jsmith" or nickName pr)`: "",
			})
		}},
		{at: "7644-3.4.2.2", says: "names and operators have no regard to case", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{`USERNAME Eq "bjensen"`: "bjensen", `title PR AND Active eq true`: "bjensen", `Emails[Type EQ "home"]`: "bjensen"})
		}},
		{at: "7644-3.4.2.2", says: "caseExact decides how texts compare", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`userName eq "BJENSEN"`: "bjensen", `externalId eq "x1"`: "", `externalId eq "X1"`: "bjensen", `externalId sw "x"`: "", `externalId sw "X"`: "bjensen",
			})
		}},
		{at: "7644-3.4.2.2", says: "a list matches when one of its values does, a complex one by value", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`emails co "example.org"`: both, `emails.type eq "home"`: "bjensen", `emails.value eq "jsmith@example.org"`: "jsmith", `emails pr`: both,
			})
		}},
		{at: "7644-3.4.2.2", says: "a value path wants all its conditions of one element", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`emails[type eq "work" and value co "example.org"]`: "jsmith",
				`emails.type eq "work" and emails co "example.org"`: both,
				`emails[type eq "home"] and active eq true`:         "bjensen",
				`emails[not (type eq "work")]`:                      "bjensen",
			})
		}},
		{at: "7644-3.4.2.2", says: "attributes of extensions go by their URN, core ones may", test: func(w *walk) {
			w.filtered()
			w.finds(map[string]string{
				`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "tours"`: "bjensen",
				`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "j"`:                       "jsmith",
			})
		}},
		{at: "7644-3.4.2.2", says: "schemas can be filtered by", test: func(w *walk) {
			w.filtered()
			if got := w.find("/Users", `id pr and not (schemas eq "urn:example")`); got != both {
				w.t.Errorf("%q", got)
			}
		}},
		{at: "7644-3.4.2.2", says: "groups and members can be filtered by", test: func(w *walk) {
			w.filtered()
			path := w.user("carl", "")
			g := w.group("Tours", `"members":[{"value":"`+idIn(path)+`"}]`)
			w.finds(map[string]string{`groups.value eq "` + idIn(g) + `"`: "carl", `groups[display eq "tours"]`: "carl"})
			if got := w.find("/Groups", `members[value eq "`+idIn(path)+`"]`); got != "Tours" {
				w.t.Errorf("%q", got)
			}
		}},
		{at: "7644-3.4.2.2", says: "what is no filter, or names what is not there, is invalidFilter", test: func(w *walk) {
			for _, f := range []string{`userName`, `userName eq`, `userName eq "a`, `userName xx "a"`, `(userName pr`, `shoeSize pr`, `emails[shoeSize pr]`, `password eq "x"`, `userName eq "a" and`} {
				w.fails(w.call(http.MethodGet, "/Users?filter="+url.QueryEscape(f), ""), 400, "invalidFilter")
			}
		}},
		{
			at: "7644-3.4.2.2", says: "every attribute can be filtered by", notMet: "`meta.version`, `meta.location` and `$ref` cannot: they are made for each answer; 400 invalidFilter",
			test: func(w *walk) {
				for _, f := range []string{`meta.version pr`, `meta.location sw "http"`, `groups.$ref pr`} {
					w.fails(w.call(http.MethodGet, "/Users?filter="+url.QueryEscape(f), ""), 400, "invalidFilter")
				}
			},
		},
	}
}
