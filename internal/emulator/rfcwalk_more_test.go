package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// bulk sends operations with what else the request has, and answers the rows.
func (w *walk) bulk(more string, ops ...string) (answer, []any) {
	w.t.Helper()
	a := w.want(w.call(http.MethodPost, "/Bulk", `{"schemas":["`+urnBulkRequest+`"],`+more+`"Operations":[`+strings.Join(ops, ",")+`]}`), 200)
	rows, _ := a.doc["Operations"].([]any)
	return a, rows
}

func bulkPost(id, path, data string) string {
	return `{"method":"POST","path":"` + path + `","bulkId":"` + id + `","data":` + data + `}`
}

// rowStatuses are the statuses of the rows of a bulk answer.
func rowStatuses(rows []any) string {
	var out []string
	for _, r := range rows {
		s, _ := at(r, "status").(string)
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func walkBulk() []paragraph {
	return []paragraph{
		{at: "7644-3.7", says: "a bulk answers 200 with a row for each operation", test: func(w *walk) {
			old, gone := w.user("old", ""), w.user("gone", "")
			a, rows := w.bulk("", bulkPost("a", "/Users", userBody("ada", "")),
				`{"method":"PUT","path":"`+old+`","data":`+userBody("old", `"title":"Dr"`)+`}`,
				`{"method":"PATCH","path":"`+old+`","data":{"schemas":["`+urnPatch+`"],"Operations":[{"op":"add","path":"nickName","value":"O"}]}}`,
				`{"method":"DELETE","path":"`+gone+`"}`)
			w.same(a.doc["schemas"], `["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]`)
			if got := rowStatuses(rows); got != "201 200 200 204" || a.header.Get("Content-Type") != contentSCIM {
				w.t.Fatalf("%s %s", got, a.raw)
			}
			location, _ := at(rows[0], "location").(string)
			version, _ := at(rows[0], "version").(string)
			if at(rows[0], "bulkId") != "a" || !strings.HasPrefix(location, w.http.URL+scimBase+"/Users/") || !strings.HasPrefix(version, `W/"`) || at(rows[3], "location") != w.http.URL+scimBase+gone {
				w.t.Errorf("%s", a.raw)
			}
			w.same([]any{w.get(old).doc["title"], w.get(old).doc["nickName"]}, `["Dr","O"]`)
		}},
		{at: "7644-3.7", says: "failOnErrors ends the work, without it all is tried", test: func(w *walk) {
			bad := bulkPost("b", "/Users", `{"schemas":["`+urnUser+`"]}`)
			if _, rows := w.bulk("", bad, bulkPost("c", "/Users", userBody("c", ""))); rowStatuses(rows) != "400 201" {
				w.t.Errorf("without: %v", rows)
			}
			if _, rows := w.bulk(`"failOnErrors":1,`, bad, bulkPost("d", "/Users", userBody("d", ""))); rowStatuses(rows) != "400" {
				w.t.Errorf("with: %v", rows)
			}
		}},
		{at: "7644-3.7", says: "a version is checked as If-Match is", test: func(w *walk) {
			path := w.user("ada", "")
			_, rows := w.bulk("", `{"method":"DELETE","path":"`+path+`","version":"W/\"x\""}`)
			if rowStatuses(rows) != "412" {
				w.t.Errorf("%v", rows)
			}
		}},
		{at: "7644-3.7.1", says: "references to later operations are resolved", test: func(w *walk) {
			_, rows := w.bulk("", bulkPost("g", "/Groups", groupBody("G", `"members":[{"value":"bulkId:u"}]`)), bulkPost("u", "/Users", userBody("ada", "")))
			if rowStatuses(rows) != "201 201" {
				w.t.Fatalf("%v", rows)
			}
			group, user := at(rows[0], "location").(string), at(rows[1], "location").(string)
			w.same(at(w.get("/Groups/"+idIn(group)).doc, "members", 0, "value"), `"`+idIn(user)+`"`)
		}},
		{at: "7644-3.7.1", says: "a circle is 409 after it was tried", test: func(w *walk) {
			manager := func(id string) string {
				return `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"bulkId:` + id + `"}}`
			}
			_, rows := w.bulk("", bulkPost("a", "/Users", userBody("a", manager("b"))), bulkPost("b", "/Users", userBody("b", manager("a"))))
			if got := rowStatuses(rows); got != "400 409" {
				w.t.Errorf("%s", got)
			}
		}},
		{at: "7644-3.7.2", says: "a bulkId stands for the id in values and in paths", test: func(w *walk) {
			_, rows := w.bulk("", bulkPost("u", "/Users", userBody("ada", "")), bulkPost("g", "/Groups", groupBody("G", "")),
				`{"method":"PATCH","path":"/Groups/bulkId:g","data":{"schemas":["`+urnPatch+`"],"Operations":[{"op":"add","path":"members","value":[{"value":"bulkId:u"}]}]}}`)
			if rowStatuses(rows) != "201 201 200" || names(w.get("/Users?filter="+url.QueryEscape(`groups.display eq "G"`))) != "ada" {
				w.t.Errorf("%v", rows)
			}
			_, rows = w.bulk("", `{"method":"POST","path":"/Users","data":`+userBody("bob", "")+`}`, `{"method":"DELETE","path":"/Users/bulkId:none"}`)
			if rowStatuses(rows) != "400 400" {
				w.t.Errorf("no bulkId: %v", rows)
			}
		}},
		{at: "7644-3.7.3", says: "a failed operation has its error as response, and a location unless it is a POST", test: func(w *walk) {
			_, rows := w.bulk("", bulkPost("a", "/Users", `{"schemas":["`+urnUser+`"]}`),
				`{"method":"PUT","path":"/Users/none","data":`+userBody("x", "")+`}`, `{"method":"GET","path":"/Users/none"}`)
			if rowStatuses(rows) != "400 404 400" {
				w.t.Fatalf("%v", rows)
			}
			w.same([]any{at(rows[0], "location"), at(rows[1], "location")}, `[null,"`+w.http.URL+scimBase+`/Users/none"]`)
			w.same([]any{at(rows[0], "response", "scimType"), at(rows[0], "response", "schemas", 0), at(rows[1], "response", "status")},
				`["invalidValue","`+urnError+`","404"]`)
		}},
		{at: "7644-3.7.4", says: "the announced maxima hold: 413", test: func(w *walk) {
			op := `{"method":"DELETE","path":"/Users/x"}`
			ops := strings.Repeat(op+",", 5) + op
			body := `{"schemas":["` + urnBulkRequest + `"],"Operations":[` + ops + `]}`
			w.fails(w.call(http.MethodPost, "/Bulk", body), 413, "")
			w.fails(w.call(http.MethodPost, "/Bulk", body+strings.Repeat(" ", 8192)), 413, "")
			w.same(w.get("/ServiceProviderConfig").doc["bulk"], `{"supported":true,"maxOperations":5,"maxPayloadSize":8192}`)
		}},
	}
}

func walkRest() []paragraph {
	return []paragraph{
		{at: "7644-3.8", says: "Accept with either media type or none is answered in JSON", test: func(w *walk) {
			path := w.user("ada", "")
			for _, accept := range []string{"application/scim+json", "application/json", ""} {
				if a := w.get(path, "Accept", accept); a.doc["userName"] != "ada" {
					w.t.Errorf("%s: %s", accept, a.raw)
				}
			}
		}},
		{at: "7644-3.8", says: "either media type is taken, others are 415; bodies are UTF-8", test: func(w *walk) {
			w.want(w.call(http.MethodPost, "/Users", userBody("ada", `"title":"Ü"`), "Content-Type", "application/json"), 201)
			w.fails(w.call(http.MethodPost, "/Users", userBody("bob", ""), "Content-Type", "text/xml"), 415, "")
			w.fails(w.call(http.MethodPost, "/Users", userBody("bob", "\"title\":\"\xff\"")), 400, "invalidSyntax")
			if got := w.find("/Users", `title eq "ü"`); got != "ada" {
				w.t.Errorf("%q", got)
			}
		}},
		{at: "7644-3.9", says: "attributes and excludedAttributes shape answers to writes and reads", test: func(w *walk) {
			a := w.want(w.call(http.MethodPost, "/Users?attributes=userName", userBody("ada", `"title":"Dr","name":{"givenName":"A","familyName":"L"}`)), 201)
			w.same([]any{a.doc["userName"], a.doc["title"], a.doc["meta"]}, `["ada",null,null]`)
			path := "/Users/" + w.id(a)
			a = w.get(path + "?excludedAttributes=name.givenName,meta")
			w.same([]any{a.doc["name"], a.doc["title"], a.doc["meta"]}, `[{"familyName":"L"},"Dr",null]`)
			a = w.want(w.call(http.MethodPut, path+"?attributes=name.familyName", userBody("ada", `"name":{"givenName":"A","familyName":"K"}`)), 200)
			w.same([]any{a.doc["name"], a.doc["userName"]}, `[{"familyName":"K"},null]`)
			a = w.patched(path+"?excludedAttributes=userName", `{"op":"add","path":"title","value":"X"}`)
			w.same([]any{a.doc["title"], a.doc["userName"]}, `["X",null]`)
		}},
		{at: "7644-3.9", says: "the two exclude each other", test: func(w *walk) {
			w.fails(w.call(http.MethodGet, "/Users?attributes=title&excludedAttributes=name", ""), 400, "invalidValue")
		}},
		{at: "7644-3.10", says: "attributes go by name, with sub-attribute, and with their schema's URN", test: func(w *walk) {
			path := w.user("ada", `"name":{"familyName":"L"},"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","division":"V"}`)
			a := w.get(path + "?attributes=URN:ietf:params:scim:schemas:core:2.0:User:NAME.familyname,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department")
			w.same([]any{a.doc["name"], a.doc["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"], a.doc["userName"]},
				`[{"familyName":"L"},{"department":"D"},null]`)
			a = w.patched(path, `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division","value":"W"}`)
			w.same(at(a.doc, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "division"), `"W"`)
		}},
		{at: "7644-3.11", says: "/Me is the signed-in user, with the user's own location", test: func(w *walk) {
			path := w.user("ada", `"password":"Example-Passw0rd"`)
			w.grantRole("User", idIn(path), "User Administrator")
			token := w.userToken("ada")
			a := w.get("/Me", "Authorization", token)
			location := w.http.URL + scimBase + path
			if w.id(a) != idIn(path) || at(a.doc, "meta", "location") != location || a.header.Get("Location") != location {
				w.t.Errorf("%v %s", a.header, a.raw)
			}
			ops := `{"schemas":["` + urnPatch + `"],"Operations":[{"op":"add","path":"title","value":"Dr"}]}`
			w.want(w.call(http.MethodPatch, "/Me", ops, "Authorization", token), 200)
			w.want(w.call(http.MethodPut, "/Me", userBody("ada", `"nickName":"A"`), "Authorization", token), 200)
			w.same([]any{w.get(path).doc["title"], w.get(path).doc["nickName"]}, `[null,"A"]`)
			w.want(w.call(http.MethodDelete, "/Me", "", "Authorization", token), 204)
			w.fails(w.call(http.MethodGet, path, ""), 404, "")
		}},
		{at: "7644-3.11", says: "/Me of a client is 404, and registering by it 501", test: func(w *walk) {
			w.fails(w.call(http.MethodGet, "/Me", ""), 404, "")
			w.fails(w.call(http.MethodPost, "/Me", userBody("x", "")), 501, "")
		}},
		{at: "7644-3.12", says: "errors have status as text, detail and, for 400, a scimType", test: func(w *walk) {
			a := w.call(http.MethodPost, "/Users", `{`)
			w.fails(a, 400, "invalidSyntax")
			if a.doc["detail"] == "" || a.doc["detail"] == nil {
				w.t.Errorf("%s", a.raw)
			}
			w.fails(w.call(http.MethodPost, "/Users", userBody("ada", `"shoeSize":42`)), 400, "invalidSyntax")
			w.fails(w.call(http.MethodPost, "/Users", userBody("ada", `"active":"maybe"`)), 400, "invalidValue")
			for name := range a.doc {
				if strings.Contains(name, "oracle") {
					w.t.Errorf("not standard: %s", name)
				}
			}
		}},
		{at: "7644-3.12", says: "401 names the way to authenticate", test: func(w *walk) {
			for _, header := range []string{"", "Bearer nonsense", "Basic eDp5"} {
				a := w.call(http.MethodGet, "/Users", "", "Authorization", header)
				w.fails(a, 401, "")
				if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
					w.t.Errorf("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
				}
			}
		}},
		{at: "7644-3.12", says: "errors from before the resource have the same form", test: func(w *walk) {
			if err := w.faults.set([]FaultRule{{Action: FaultStatus, Status: 503, Family: familySCIM}}); err != nil {
				w.t.Fatal(err)
			}
			w.fails(w.call(http.MethodGet, "/Users", ""), 503, "")
		}},
		{at: "7644-3.13", says: "the version is in the path: v2, and no other", test: func(w *walk) {
			w.get("/Users")
			w.want(w.do(http.MethodGet, "/scim/v1/Users", nil), 404)
		}},
		{at: "7644-4", says: "the three documents are got, by id as well, and by no other method", test: func(w *walk) {
			for path, want := range map[string]string{
				"/Schemas": "6", "/ResourceTypes": "2", "/ResourceTypes/User": "", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group": "", "/ServiceProviderConfig": "",
			} {
				a := w.get(path)
				if n := a.doc["totalResults"]; want != "" && fmt.Sprint(n) != want {
					w.t.Errorf("%s: %v", path, n)
				}
				if want == "" && at(a.doc, "meta", "location") != w.http.URL+scimBase+path {
					w.t.Errorf("%s: %v", path, a.doc["meta"])
				}
				w.fails(w.call(http.MethodPut, path, "{}"), 405, "")
			}
		}},
		{at: "7644-4", says: "a filter on them is 403, sorting and paging are ignored", test: func(w *walk) {
			for _, path := range []string{"/Schemas", "/ResourceTypes", "/ServiceProviderConfig"} {
				w.fails(w.call(http.MethodGet, path+"?filter=id+pr", ""), 403, "")
			}
			w.same(w.get("/ResourceTypes?count=1&startIndex=2&sortBy=id").doc["itemsPerPage"], `2`)
		}},
	}
}
